"""Learning curves: the score by the number of micrographs with labels."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import validate_params

from ._axes import PanelDisplay, add_legend, plain_text
from ._colors import MARKERS, choose_colors
from ._parameters import COLORS, check_table, draws

_COLUMNS = ["model", "n_micrographs", "n_particles", "score", "low", "high"]
_GAINS = ["model", "before", "n_micrographs", "gain", "low", "high"]
# More numbers below the axis would run into each other.
_MOST_TICKS = 9


class LearningCurveDisplay(PanelDisplay):
    r"""Score by the number of micrographs that a model was trained on.

    The band is the interval of each point over the micrographs that were tested. The
    axis doubles from tick to tick of the same distance. What the last step gained is
    written out, with its own interval, which tells more than bands that overlap: both
    points were tested on the same micrographs.

    It is recommended to use :meth:`from_curves`.

    Parameters
    ----------
    table : DataFrame
        A row for each point, with the columns ``model``, ``n_micrographs``,
        ``n_particles`` (how many are on them), ``score``, and ``low`` and ``high``, the
        ends of its interval.
    gains : DataFrame, default=None
        The last step of each model, with the columns ``model``, ``before`` and
        ``n_micrographs`` (the numbers that it leads from and to), ``gain``, ``low`` and
        ``high``.
    score_name : str, default="balanced accuracy"
        Name of the axis of scores.

    Attributes
    ----------
    lines_ : dict of matplotlib Line2D
        The curve of each model.
    ax_ : matplotlib Axes
        The panel.
    axes_ : ndarray of matplotlib Axes
        The panel, in an array as for all displays.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    sklipo.evaluation.learning_curve : Makes what is drawn.
    sklearn.model_selection.LearningCurveDisplay : Score by the number of samples.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklipo.displays import LearningCurveDisplay
    >>> table = pd.DataFrame(
    ...     {
    ...         "model": "SVC",
    ...         "n_micrographs": [2, 4, 8],
    ...         "n_particles": [30.0, 62.0, 121.0],
    ...         "score": [0.70, 0.80, 0.84],
    ...         "low": [0.61, 0.74, 0.79],
    ...         "high": [0.77, 0.85, 0.88],
    ...     }
    ... )
    >>> display = LearningCurveDisplay(table).plot()
    >>> [label.get_text() for label in display.ax_.get_xticklabels()]
    ['2\n(30)', '4\n(62)', '8\n(121)']
    """

    @validate_params({"score_name": [str]}, prefer_skip_nested_validation=False)
    def __init__(self, table, *, gains=None, score_name="balanced accuracy"):
        check_table(table, _COLUMNS, numbers=_COLUMNS[1:])
        if not (table["n_micrographs"] >= 1).all():
            raise ValueError(
                f"n_micrographs of the table is {table['n_micrographs'].min()} and "
                "more; expected numbers from 1 on."
            )
        if gains is not None and len(gains):
            check_table(gains, _GAINS, numbers=_GAINS[1:])
        self.table = table
        self.gains = gains
        self.score_name = score_name

    @classmethod
    def from_curves(
        cls, curves, *, metric="balanced_accuracy", label=None, **plot_params
    ):
        """Draw the learning curve of one model or of several.

        Parameters
        ----------
        curves : LearningCurve or dict of LearningCurve
            What :func:`~sklipo.evaluation.learning_curve` returned, for several models
            a dict by their names.
        metric : str, default="balanced_accuracy"
            A row of :meth:`~sklipo.evaluation.CrossValidationResult.summary`.
        label : object, default=None
            Class to evaluate; by default all classes together.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : LearningCurveDisplay
            The display, drawn.
        """
        scores, gains = [], []
        for name, curve in _named_curves(curves).items():
            points = curve.scores(metric, label).reset_index()
            steps = curve.gains(metric, label).reset_index()
            scores.append(points.assign(model=name)[_COLUMNS])
            gains.append(steps.assign(model=name)[_GAINS].tail(1))
        of_class = "" if label is None else f" of {label}"
        return cls(
            pd.concat(scores, ignore_index=True),
            gains=pd.concat(gains, ignore_index=True),
            score_name=metric.replace("_", " ") + of_class,
        ).plot(**plot_params)

    @draws({"colors": COLORS, "band": ["boolean"]})
    def plot(self, *, ax=None, colors=None, band=True):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. By default a figure is made.
        colors : dict or sequence of colors, default=None
            Colors of the models, by name or in order.
        band : bool, default=True
            Show the intervals.

        Returns
        -------
        display : LearningCurveDisplay
            The display itself.
        """
        names = self.table["model"].drop_duplicates().tolist()
        colors = choose_colors(names, colors, what="models")
        (panel,) = self._open_panels(ax, (1, 1), ["the curves"], figsize=(5.2, 3.9))
        self.lines_ = {}
        for i, (name, color) in enumerate(colors.items()):
            rows = self.table[self.table["model"] == name]
            self.lines_[name] = panel.plot(
                rows["n_micrographs"],
                rows["score"],
                color=color,
                marker=MARKERS[i % len(MARKERS)],
                label=self._describe(name),
            )[0]
            if band:
                bounds = rows["n_micrographs"], rows["low"], rows["high"]
                panel.fill_between(*bounds, color=color, alpha=0.15, linewidth=0)
        self._name_axes(panel)
        if names == [""]:
            panel.set_title(self._describe(""), fontsize="medium")
        else:
            add_legend(self.figure_, [panel], own_figure=ax is None)
        return self

    def _describe(self, name):
        """Return the name of a model and what its last step gained, as text."""
        text = plain_text(name)
        if self.gains is None or name not in list(self.gains["model"]):
            return text
        step = self.gains[self.gains["model"] == name].iloc[-1]
        gain = f"{step['gain']:+.3f} ({step['low']:+.3f} to {step['high']:+.3f})"
        sizes = f"{step['before']:.0f} to {step['n_micrographs']:.0f}"
        return f"{text}, {sizes}: {gain}" if text else f"{sizes} micrographs: {gain}"

    def _name_axes(self, ax):
        """Label the axes, with ticks at the numbers of micrographs."""
        points = self.table.drop_duplicates("n_micrographs")
        points = points.sort_values("n_micrographs")
        points = points[_are_apart(points["n_micrographs"].to_numpy(float))]
        texts = [
            f"{n:.0f}\n({n_particles:.0f})"
            for n, n_particles in zip(
                points["n_micrographs"], points["n_particles"], strict=True
            )
        ]
        ax.set_xscale("log", base=2)
        ax.minorticks_off()
        ax.set_xticks(points["n_micrographs"], texts)
        ax.set_xlabel("Micrographs to train on (particles on them)")
        name = plain_text(self.score_name)
        ax.set_ylabel(name[:1].upper() + name[1:])
        ax.grid(color="0.9")
        ax.set_axisbelow(True)


def _named_curves(curves):
    """Return learning curves by the name of their model; a single one has ''."""
    named = dict(curves) if isinstance(curves, Mapping) else {"": curves}
    if not named:
        raise ValueError("The dict of curves is empty; expected one or more.")
    for curve in named.values():
        if not hasattr(curve, "gains"):
            raise TypeError(
                f"Expected what sklipo.evaluation.learning_curve returns, or a dict of "
                f"several by name, not a {type(curve).__name__}."
            )
    return named


def _are_apart(numbers):
    """Tell which of increasing numbers have room for a tick, from the last one on."""
    places = np.log2(numbers)
    least = np.ptp(places) / _MOST_TICKS
    keep = np.zeros(len(places), bool)
    last = np.inf
    for i in range(len(places))[::-1]:
        keep[i] = last - places[i] >= least
        last = places[i] if keep[i] else last
    return keep
