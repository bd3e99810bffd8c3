"""Shares of the classes in samples, with their intervals."""

from collections.abc import Mapping
from numbers import Real

import numpy as np
import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval, validate_params

from .._extras import import_extra
from ._axes import (
    CHARACTER,
    SMALL_CHARACTER,
    PanelDisplay,
    add_legend,
    grid_shape,
    is_leftmost,
    plain_text,
)
from ._colors import choose_colors
from ._parameters import COLORS, check_table, draws

_NUMBERS = ["counted", "share", "low", "high"]
_COLUMNS = ["name", "class", *_NUMBERS]
_GRID_COLUMNS = 3
# Of a panel, in inches: the width of its axis, the height of a sample, and the height
# that title and ticks take.
_WIDTH, _ROW, _FRAME = 2.4, 0.3, 0.75
# The number beside a line: "97.4 % (96.2 to 98.1)".
_NUMBER_WIDTH = 24 * SMALL_CHARACTER
# No panel shows less than a percent, of which most would be noise.
_NARROWEST = 0.01
_INK = "0.25"
_SHARE = {"marker": "o", "ms": 7, "c": _INK, "ls": "none"}
# Larger than the point, so that it shows where the two are equal.
_COUNTED = {"marker": "D", "ms": 10, "mfc": "none", "c": _INK, "ls": "none"}


class PrevalenceDisplay(PanelDisplay):
    """Share of each class in one sample or several, beside what counting gave.

    Each class has a panel with an axis of its own, since a class of 97 % and one of
    0.6 % can't be read from the same: compare samples within a panel, and look at the
    ticks before you compare panels. The numbers are written beside the lines.

    It is recommended to use :meth:`from_estimates`.

    Parameters
    ----------
    table : DataFrame
        A row for each share with the columns ``name`` (of the sample), ``class``,
        ``counted`` (share of the predictions), ``share``, and ``low`` and ``high``, the
        ends of its interval; all from 0 to 1, and NaN where unknown. Samples and
        classes are drawn in the order in which they come.
    level : float, default=0.95
        Level of the intervals, for the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first panel.
    axes_ : ndarray of matplotlib Axes
        All panels, one for each class. Sample number i is at height i.
    figure_ : matplotlib Figure
        The figure.

    Raises
    ------
    TypeError
        If the table is no DataFrame, or its shares are no numbers.
    ValueError
        If the table lacks a column, has no row, or has a class of a sample twice, or
        if a share is outside of 0 to 1 or an interval ends before it begins.

    See Also
    --------
    sklipo.evaluation.PrevalenceEstimate : What is drawn.
    ClassMetricsDisplay : How well each class is recognized.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklipo.displays import PrevalenceDisplay
    >>> table = pd.DataFrame(
    ...     {
    ...         "name": "batch 1",
    ...         "class": ["empty", "full"],
    ...         "counted": [0.17, 0.83],
    ...         "share": [0.02, 0.98],
    ...         "low": [0.0, 0.95],
    ...         "high": [0.05, 1.0],
    ...     }
    ... )
    >>> display = PrevalenceDisplay(table).plot()
    >>> [ax.get_title() for ax in display.axes_]
    ['empty', 'full']
    """

    @validate_params(
        {"level": [Interval(Real, 0, 1, closed="neither")]},
        prefer_skip_nested_validation=False,
    )
    def __init__(self, table, *, level=0.95):
        check_table(table, _COLUMNS, numbers=_NUMBERS)
        _check_rows(table)
        self.table = table
        self.level = level

    @classmethod
    def from_estimates(cls, estimates, **plot_params):
        """Draw the estimated shares of one sample or of several.

        Parameters
        ----------
        estimates : PrevalenceEstimate or dict of PrevalenceEstimate
            What :func:`~sklipo.estimate_prevalence` returned; for several
            samples, or several methods, a dict by their names.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : PrevalenceDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If something else than estimates is given.
        ValueError
            If the dict is empty, or if the intervals are of different levels.
        """
        estimates = _named_estimates(estimates)
        levels = {name: estimate.level for name, estimate in estimates.items()}
        if len(set(levels.values())) > 1:
            raise ValueError(
                f"The intervals are of different levels: {levels}. Estimate all with "
                "the same level, or draw them apart."
            )
        frames = {name: estimate.to_frame() for name, estimate in estimates.items()}
        table = pd.concat(frames, names=["name", "class"]).reset_index()
        return cls(table, level=next(iter(levels.values()))).plot(**plot_params)

    @draws({"colors": COLORS})
    def plot(self, *, ax=None, colors=None):
        """Draw the shares.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw, one for each class. By default a figure is made.
        colors : dict or sequence of colors, default=None
            Colors of the classes, by name or in order.

        Returns
        -------
        display : PrevalenceDisplay
            The display itself.
        """
        names = self.table["name"].drop_duplicates().tolist()
        classes = self.table["class"].drop_duplicates().tolist()
        colors = choose_colors(classes, colors)
        shape = grid_shape(len(classes), _GRID_COLUMNS)
        longest = max(len(plain_text(name)) for name in names) * CHARACTER
        size = (
            shape[1] * (_WIDTH + _NUMBER_WIDTH) + longest + 0.2,
            shape[0] * (_FRAME + _ROW * len(names)) + 0.5,
        )
        axes = self._open_panels(ax, shape, classes, figsize=size)
        for panel, label in zip(axes, classes, strict=True):
            rows = self.table[self.table["class"] == label].set_index("name")
            numbers = rows[_NUMBERS].astype(float).reindex(names)
            _draw_shares(panel, numbers, colors[label])
            _name_axes(panel, label, names)
            panel.set_xlim(_limits(numbers.to_numpy()))
        _explain(axes[0], self.level)
        add_legend(self.figure_, axes, own_figure=ax is None)
        return self


def _named_estimates(estimates):
    """Return estimates by the name of their sample; a single one has the name ''."""
    named = dict(estimates) if isinstance(estimates, Mapping) else {"": estimates}
    if not named:
        raise ValueError("The dict of estimates is empty; expected one or more.")
    for name, estimate in named.items():
        # Series have to_frame, too, and results of a cross-validation.
        if not (hasattr(estimate, "to_frame") and hasattr(estimate, "level")):
            where = f"estimates[{name!r}]" if name != "" else "estimates"
            raise TypeError(
                f"{where} is a {type(estimate).__name__}; expected what "
                "estimate_prevalence returns, or a dict of several by name."
            )
    return named


def _check_rows(table):
    """Raise an error unless each class of a sample has one share, between 0 and 1."""
    unnamed = [name for name in ("name", "class") if table[name].isna().any()]
    if unnamed:
        raise ValueError(f"Column {unnamed[0]!r} of the table has missing values.")
    twice = table[table.duplicated(["name", "class"])]
    if len(twice):
        name, label = twice.iloc[0][["name", "class"]]
        raise ValueError(
            f"The table has class {label!r} twice for sample {name!r}; expected it "
            "once."
        )
    for column in _NUMBERS:
        numbers = table[column].dropna()
        if not numbers.between(0, 1).all():
            raise ValueError(
                f"Column {column!r} of the table goes from {numbers.min():g} to "
                f"{numbers.max():g}; expected shares between 0 and 1."
            )
    if (table["low"] > table["high"]).any():
        raise ValueError("The table has intervals whose 'low' is above their 'high'.")


def _draw_shares(ax, numbers, color):
    """Draw the shares of one class in all samples, each a row."""
    middle = (numbers["low"] + numbers["high"]) / 2
    half = (numbers["high"] - numbers["low"]) / 2
    known = np.flatnonzero(half.notna())
    ax.errorbar(
        middle.iloc[known],
        known,
        xerr=half.iloc[known],
        fmt="none",
        ecolor=_INK,
        elinewidth=1.5,
        capsize=3,
    )
    heights = np.arange(len(numbers))
    ax.plot(numbers["share"], heights, mfc=color, **_SHARE)
    ax.plot(numbers["counted"], heights, **_COUNTED)
    for height, row in zip(heights, numbers.itertuples(), strict=True):
        ax.text(
            1.03,
            height,
            _in_words(row),
            transform=ax.get_yaxis_transform(),
            va="center",
            fontsize="small",
        )


def _in_words(row):
    """Return a share and its interval as text, with two digits near 0 % and 100 %."""
    if np.isnan(row.share):
        # Nothing to say where the sample lacks the class altogether.
        return "" if np.isnan(row.counted) else "unknown"
    ends = [end for end in (row.low, row.high) if not np.isnan(end)] or [row.share]
    digits = 2 if min(max(ends), 1 - min(ends)) < 0.02 else 1
    text = f"{100 * row.share:.{digits}f} %"
    if len(ends) < 2:
        return text
    return f"{text} ({100 * row.low:.{digits}f} to {100 * row.high:.{digits}f})"


def _name_axes(ax, label, names):
    """Name the panel of a class and its samples, and mark percents."""
    ax.set_title(plain_text(label))
    ax.set_ylim(len(names) - 0.4, -0.6)
    # Samples have names in the first column; a single one may have none.
    named = is_leftmost(ax) and names != [""]
    heights = range(len(names)) if named else []
    ax.set_yticks(heights, list(map(plain_text, names)) if named else [])
    ticker = import_extra("matplotlib.ticker", "plot")
    ax.xaxis.set_major_locator(ticker.MaxNLocator(4, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.6g} %")
    ax.tick_params(axis="x", labelsize="small")
    ax.grid(axis="x", color="0.9")
    ax.set_axisbelow(True)


def _limits(numbers):
    """Return the ends of an axis that holds the shares, and no tick beyond 0 or 1."""
    low, high = np.nanmin(numbers, initial=1), np.nanmax(numbers, initial=0)
    if high - low < _NARROWEST:
        low = np.clip((low + high - _NARROWEST) / 2, 0, 1 - _NARROWEST)
        high = low + _NARROWEST
    # Less than a step from tick to tick.
    margin = 0.08 * (high - low)
    return low - margin, high + margin


def _explain(ax, level):
    """Give a panel the entries of the legend, in no class's color."""
    label = f"share of the particles, with its {100 * level:g} % interval"
    ax.plot([], [], **{**_SHARE, "ls": "-"}, mfc=_INK, label=label)
    ax.plot([], [], **_COUNTED, label="share of the predictions, counted")
