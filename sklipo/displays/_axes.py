"""Axes of displays: one for each panel, made here or given by the caller."""

import numpy as np

from .._extras import import_extra

# Widths of a character in inches, at matplotlib's default size and at size "small".
CHARACTER = 0.085
SMALL_CHARACTER = 0.072


def plain_text(name):
    """Return a name as text that matplotlib draws as it is.

    Between two dollar signs it would read a formula, it has no glyph for a tab, and it
    leaves names that begin with an underscore out of legends.
    """
    text = str(name).expandtabs(4).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


class PanelDisplay:
    """Base of all displays: where they draw.

    After ``plot``, ``figure_`` is the figure, ``axes_`` an array with the axes of all
    panels, and ``ax_`` the first of them.
    """

    def _open_panels(self, ax, shape, panels, **subplots):
        """Take the caller's axes for the panels in order, or make a grid of axes.

        ``panels`` names what will be drawn. Axes without a panel are switched off.
        """
        axes = self._take_axes(ax, shape, subplots).ravel()
        if len(axes) < len(panels):
            raise ValueError(
                f"{type(self).__name__} needs {len(panels)} axes, one for each panel "
                f"({', '.join(map(str, panels))}), but ax holds {len(axes)}. Pass as "
                f"many, for example pyplot.subplots(1, {len(panels)})[1], or none."
            )
        return self._keep(axes, np.arange(len(panels)))

    def _open_grid(self, ax, shape, cells, **subplots):
        """Take the caller's grid of axes for panels in some of its cells, or make one.

        ``cells`` are arrays of rows and of columns; ``axes_`` gets their shape.
        """
        axes = self._take_axes(ax, shape, subplots)
        if axes.ndim < 2 and axes.size == np.prod(shape):
            # pyplot.subplots makes no 2-D array of a single row or column.
            axes = axes.reshape(shape)
        if axes.ndim != 2 or axes.shape[0] < shape[0] or axes.shape[1] < shape[1]:
            raise ValueError(
                f"{type(self).__name__} needs a grid of axes of shape {shape}, but ax "
                f"has shape {axes.shape}. Pass pyplot.subplots{shape}[1], or none."
            )
        return self._keep(axes, cells)

    def _keep(self, axes, places):
        """Remember the axes at some places, and switch the others off."""
        is_spare = np.ones(axes.shape, bool)
        is_spare[places] = False
        for spare in axes[is_spare]:
            spare.set_axis_off()
        self.axes_ = axes[places]
        # A display without panels writes into the first of the spare axes.
        self.ax_ = (*self.axes_.flat, *axes.flat)[0]
        self.figure_ = self.ax_.figure
        return self.axes_

    def _take_axes(self, ax, shape, subplots):
        """Return the caller's axes, or those of a new figure, as an array."""
        if ax is None:
            pyplot = import_extra("matplotlib.pyplot", "plot")
            subplots = {"squeeze": False, "layout": "constrained", **subplots}
            self._own_figure, ax = pyplot.subplots(*shape, **subplots)
        axes = np.asarray(ax, dtype=object)
        for one in axes.flat:
            if not hasattr(one, "get_xlim"):
                raise TypeError(
                    f"ax holds a {type(one).__name__}; expected matplotlib axes."
                )
        return axes


def grid_shape(n_panels, n_columns):
    """Return rows and columns of a grid that has room for the panels."""
    n_panels = max(n_panels, 1)
    n_columns = min(n_columns, n_panels)
    return -(-n_panels // n_columns), n_columns


def name_x_ticks(ax, names):
    """Put names below an axis, aslant where they would run into each other."""
    names = [plain_text(name) for name in names]
    room = ax.get_window_extent().width / ax.figure.dpi / len(names)
    ax.set_xticks(range(len(names)), names)
    # The layout is computed when the figure is drawn, so the width is an estimate.
    if max(map(len, names)) * CHARACTER > 0.9 * room:
        ax.tick_params(axis="x", rotation=30)
        for label in ax.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")


def is_leftmost(ax):
    """Tell whether an axis is in the first column of its figure's grid."""
    place = ax.get_subplotspec()
    return place is None or place.is_first_col()


def legend_entries(axes):
    """Return the handles of all panels, each name once, and their names."""
    found = {}
    for ax in axes:
        handles, labels = ax.get_legend_handles_labels()
        found.update(zip(labels, handles, strict=True))
    return list(found.values()), list(found)


def add_legend(figure, axes, *, own_figure):
    """Explain the curves or bars of all panels once.

    The legend is below the panels in a figure of the display's own, above which users
    may put a title, and beside the last panel in somebody else's figure.
    """
    entries = legend_entries(axes)
    _, found = entries
    if not found:
        return None
    if not own_figure:
        return axes[-1].legend(*entries, loc="upper left", bbox_to_anchor=(1.01, 1))
    # matplotlib breaks no rows of entries by itself; 0.65 inches are for the handle.
    entry_width = max(map(len, found)) * CHARACTER + 0.65
    n_rows = np.ceil(len(found) * entry_width / figure.get_figwidth())
    n_columns = int(np.ceil(len(found) / n_rows))
    return figure.legend(*entries, loc="outside lower center", ncols=n_columns)
