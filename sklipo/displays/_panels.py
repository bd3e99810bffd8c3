"""Axes for displays: one for each panel, made here or given by the caller."""

import numpy as np

from .._extras import import_extra

# Widths of a character in inches, at matplotlib's default size and at size "small".
CHARACTER = 0.085
SMALL_CHARACTER = 0.072


class PanelDisplay:
    """Base of the displays: where they draw.

    After ``plot``, ``figure_`` is the figure, ``axes_`` an array with the axes of all
    panels, and ``ax_`` the first of them.
    """

    def _open(self, ax, shape, panels, *, places=None, **subplots):
        """Take the caller's axes for the panels, or make a figure with a grid of them.

        ``panels`` are the names of what will be drawn, ``places`` their positions in
        the grid, by default the first ones. Axes without a panel are switched off.
        """
        if ax is None:
            pyplot = import_extra("matplotlib.pyplot", "plot")
            subplots = {"squeeze": False, "layout": "constrained", **subplots}
            _, ax = pyplot.subplots(*shape, **subplots)
        axes = np.ravel(np.asarray(ax, dtype=object))
        places = np.arange(len(panels)) if places is None else places
        self._check_axes(axes, panels, places)
        for spare in np.delete(axes, places):
            spare.set_axis_off()
        self.axes_ = axes[places]
        self.ax_ = (*self.axes_, axes[0])[0]
        self.figure_ = self.ax_.figure
        return self.axes_

    def _check_axes(self, axes, panels, places):
        """Refuse other things than matplotlib axes, and too few of them."""
        for ax in axes:
            if not hasattr(ax, "get_xlim"):
                raise TypeError(
                    f"ax holds a {type(ax).__name__}; expected matplotlib axes."
                )
        n_needed = max([0, *places]) + 1
        if len(axes) < n_needed:
            raise ValueError(
                f"{type(self).__name__} needs {n_needed} axes, one for each panel "
                f"({', '.join(map(str, panels))}), but ax holds {len(axes)}. Pass as "
                f"many, for example pyplot.subplots(1, {n_needed})[1], or none."
            )


def grid_shape(n_panels, n_columns):
    """Return rows and columns of a grid that has room for the panels."""
    n_panels = max(n_panels, 1)
    n_columns = min(n_columns, n_panels)
    return -(-n_panels // n_columns), n_columns


def name_x_ticks(ax, names):
    """Put names below an axis, aslant where they would run into each other."""
    names = [str(name) for name in names]
    room = ax.get_window_extent().width / ax.figure.dpi / len(names)
    ax.set_xticks(range(len(names)), names)
    if max(map(len, names)) * CHARACTER > 0.9 * room:
        ax.tick_params(axis="x", rotation=30)
        for label in ax.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")


def is_leftmost(ax):
    """Tell whether an axis is in the first column of its figure's grid."""
    place = ax.get_subplotspec()
    return place is None or place.is_first_col()


def add_legend(figure, axes, *, own_figure):
    """Explain the curves or bars of all panels once.

    Below the panels in a figure of the display's own, above which there may be a title
    yet; inside the first panel in somebody else's, where there may be no room.
    """
    found = {}
    for ax in axes:
        handles, labels = ax.get_legend_handles_labels()
        found.update(zip(labels, handles, strict=True))
    if not found:
        return None
    entries = (list(found.values()), list(found))
    if not own_figure:
        return axes[0].legend(*entries)
    entry_width = max(map(len, found)) * CHARACTER + 0.65
    n_rows = np.ceil(len(found) * entry_width / figure.get_figwidth())
    n_columns = int(np.ceil(len(found) / n_rows))
    return figure.legend(*entries, loc="outside lower center", ncols=n_columns)
