"""Risk-coverage curves: how much error is saved by not deciding on everything."""

import numpy as np
import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import StrOptions, validate_params

from .._steps import last_step
from ..metrics._risk import count_cuts
from ..particles._labels import check_labels, check_values, find_classes
from ..particles._probabilities import check_probabilities
from ..tags import has_tag
from ._axes import (
    SMALL_CHARACTER,
    PanelDisplay,
    grid_shape,
    is_leftmost,
    legend_entries,
    plain_text,
)
from ._by_name import named_estimators, named_predictions, named_results
from ._colors import MARKERS, choose_colors
from ._parameters import COLORS, check_table, draws
from ._probabilities import result_probabilities

_CONSTRAINTS = {"kind": [StrOptions({"all", "class"})]}
_COLUMNS = ["model", "curve", "coverage", "error", "low", "high", "threshold"]
_MARKS = ["model", "curve", "coverage", "error"]
_LEVEL = 0.95
_PANELS_A_ROW = 3
# The axis reaches as high as the bands do from this coverage on: below, few samples are
# decided, and nearly any error is possible.
_WELL_COVERED = 0.3


class RiskCoverageDisplay(PanelDisplay):
    r"""Error among the decided samples, by the share of them that is decided.

    Predictions are decided from the most probable on. Where a curve falls towards the
    left, the model knows what it doesn't know; where it is level, leaving out saves no
    error. The band is a 95 % interval over micrographs.

    It is recommended to use :meth:`from_cv_results`, :meth:`from_predictions` or
    :meth:`from_estimator`.

    Parameters
    ----------
    table : DataFrame
        A row for each threshold, with the columns ``model``, ``curve`` (the name of the
        model or of the class), ``coverage`` (share of the predictions that is decided),
        ``error`` (share of the decided that is wrong), ``low`` and ``high`` (interval
        about it) and ``threshold`` (least probability that is decided).
    kind : {"all", "class"}, default="all"
        Subject of the curves, see :meth:`from_predictions`.
    marks : DataFrame, default=None
        Points to mark, with the columns ``model``, ``curve``, ``coverage`` and
        ``error``.

    Attributes
    ----------
    areas_ : dict of dict of float
        Area under the curve (AURC) by model and curve.
    ax_ : matplotlib Axes
        The first panel.
    axes_ : ndarray of matplotlib Axes
        All panels.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    sklipo.SelectiveClassifier : Chooses a threshold for each class.
    ReliabilityDisplay : Whether probabilities come true.

    Notes
    -----
    The curve is known from selective classification [1]_, its area from [2]_: the mean
    error over all coverages, the smaller the better. The interval holds for each point
    by itself; :class:`~sklipo.SelectiveClassifier` tells how it is computed.

    References
    ----------
    .. [1] R. El-Yaniv and Y. Wiener, "On the foundations of noise-free selective
       classification", Journal of Machine Learning Research 11, 1605-1641, 2010.
    .. [2] Y. Geifman, G. Uziel and R. El-Yaniv, "Bias-reduced uncertainty estimation
       for deep neural classifiers", ICLR 2019.

    Examples
    --------
    >>> from sklipo.displays import RiskCoverageDisplay
    >>> y_true = ["full", "full", "full", "empty"]
    >>> y_proba = [[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]]
    >>> display = RiskCoverageDisplay.from_predictions(y_true, y_proba)
    >>> display.table[["coverage", "error"]].to_numpy().T
    array([[0.25, 0.5 , 0.75, 1.  ],
           [0.  , 0.  , 0.  , 0.25]])
    """

    @validate_params(_CONSTRAINTS, prefer_skip_nested_validation=False)
    def __init__(self, table, *, kind="all", marks=None):
        check_table(table, _COLUMNS, numbers=_COLUMNS[2:])
        if marks is not None and len(marks):
            check_table(marks, _MARKS, numbers=_MARKS[2:])
        self.table = table
        self.kind = kind
        self.marks = marks

    @classmethod
    @validate_params(_CONSTRAINTS, prefer_skip_nested_validation=False)
    def from_predictions(
        cls,
        y_true,
        y_proba,
        *,
        groups=None,
        kind="all",
        classes=None,
        **plot_params,
    ):
        """Draw the curves of predicted probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True classes.
        y_proba : array-like of shape (n_samples, n_classes) or dict of array-like
            Predicted probabilities, for several models a dict by their names. The most
            probable class is the prediction.
        groups : array-like of shape (n_samples,), default=None
            Micrograph of each particle, which the interval is over; without them it is
            over particles.
        kind : {"all", "class"}, default="all"
            "all" decides on all predictions by one threshold; all models are in one
            panel. "class" decides on the predictions of each class by its own; each
            model has a panel.
        classes : array-like, default=None
            Classes of the columns of ``y_proba``; by default all that occur, sorted.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : RiskCoverageDisplay
            The display, drawn.
        """
        y_true = check_labels(y_true, name="y_true")
        classes = find_classes(y_true, classes=classes)
        if groups is not None:
            groups = check_values(groups, len(y_true), name="groups")
        tables = []
        for model, proba in named_predictions(y_proba).items():
            proba = check_probabilities(proba, len(y_true), classes)
            tables.append(_tabulate(model, y_true, proba, groups, classes, kind))
        table = pd.concat(tables, ignore_index=True)
        return cls(table, kind=kind).plot(**plot_params)

    @classmethod
    @validate_params(_CONSTRAINTS, prefer_skip_nested_validation=False)
    def from_cv_results(cls, results, *, kind="all", **plot_params):
        """Draw the curves of cross-validated models.

        Parameters
        ----------
        results : CrossValidationResult or dict of CrossValidationResult
            What :func:`~sklipo.cross_validate_particles` returned, for several models
            a dict by their names.
        kind : {"all", "class"}, default="all"
            Subject of the curves, see :meth:`from_predictions`.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : RiskCoverageDisplay
            The display, drawn.
        """
        table = _tabulate_results(named_results(results), kind)
        return cls(table, kind=kind).plot(**plot_params)

    @classmethod
    @validate_params(_CONSTRAINTS, prefer_skip_nested_validation=False)
    def from_estimator(cls, estimator, *, kind="class", **plot_params):
        """Draw the curves that selective classifiers learned from, and their choice.

        Parameters
        ----------
        estimator : SelectiveClassifier or dict of SelectiveClassifier
            A fitted one, or a pipeline that ends in one; for several a dict by their
            names.
        kind : {"all", "class"}, default="class"
            Subject of the curves, see :meth:`from_predictions`.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : RiskCoverageDisplay
            The display, drawn. Points mark what is decided by the thresholds.
        """
        models = {
            name: last_step(model)
            for name, model in named_estimators(estimator).items()
        }
        for model in models.values():
            if not has_tag(model, "abstains"):
                raise TypeError(
                    f"The estimator is a {type(model).__name__}; expected a fitted "
                    "SelectiveClassifier. RiskCoverageDisplay.from_cv_results draws "
                    "the curve of any other."
                )
        results = {name: model.cv_result_ for name, model in models.items()}
        marks = [_mark(name, model, kind) for name, model in models.items()]
        table = _tabulate_results(named_results(results), kind)
        marks = pd.concat(marks, ignore_index=True)
        return cls(table, kind=kind, marks=marks).plot(**plot_params)

    @draws({"colors": COLORS, "band": ["boolean"]})
    def plot(self, *, ax=None, colors=None, band=True):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw, one for each panel. By default a figure is made.
        colors : dict or sequence of colors, default=None
            Colors of the curves, by name of the model or class, or in order.
        band : bool, default=True
            Show the intervals.

        Returns
        -------
        display : RiskCoverageDisplay
            The display itself.
        """
        names = self.table["curve"].drop_duplicates().tolist()
        what = "models" if self.kind == "all" else "classes"
        colors = choose_colors(names, colors, what=what)
        panels = [("", self.table)]
        if self.kind == "class":
            panels = list(self.table.groupby("model", sort=False))
        shape = grid_shape(len(panels), _PANELS_A_ROW)
        longest = max(len(str(name)) for name in names) + 13 * (self.kind == "all")
        beside = 0.9 + SMALL_CHARACTER * longest if names != [""] else 0
        size = (3.6 * shape[1] + 0.9 + beside, 3.4 * shape[0] + 0.4)
        subplots = {"figsize": size, "sharex": True, "sharey": True}
        axes = self._open_panels(ax, shape, [name for name, _ in panels], **subplots)
        self.areas_ = {}
        for ax_, (name, rows) in zip(axes, panels, strict=True):
            for j, (curve, color) in enumerate(colors.items()):
                self._draw_curve(ax_, rows, curve, color, MARKERS[j % 8], band)
            self._name_axes(ax_, name)
        if names != [""]:
            # Beside the panel at the upper right.
            beside = {"loc": "upper left", "bbox_to_anchor": (1.02, 1)}
            found = legend_entries(axes)
            axes[shape[1] - 1].legend(*found, fontsize="small", **beside)
        return self

    def _draw_curve(self, ax, rows, curve, color, marker, band):
        """Draw one curve with its band and its marks."""
        rows = rows[rows["curve"] == curve]
        if rows.empty:
            return
        model = rows["model"].iloc[0]
        steps = np.diff(rows["coverage"], prepend=0.0)
        area = float((rows["error"] * steps).sum())
        self.areas_.setdefault(model, {})[curve] = area
        label = plain_text(curve)
        # A class has another area in each panel, and one name in the legend.
        if self.kind == "all":
            label += f" (AURC {area:.3f})"
        ax.plot(rows["coverage"], rows["error"], color=color, label=label)
        if band:
            bounds = rows["coverage"], rows["low"], rows["high"]
            ax.fill_between(*bounds, color=color, alpha=0.15, linewidth=0)
        if self.marks is None:
            return
        marks = self.marks
        marks = marks[(marks["model"] == model) & (marks["curve"] == curve)]
        style = {"color": color, "marker": marker, "linestyle": "", "clip_on": False}
        ax.plot(marks["coverage"], marks["error"], **style)

    def _name_axes(self, ax, name):
        """Label the axes of a panel, and choose their limits."""
        title = plain_text(name)
        if list(self.areas_.get("", {})) == [""]:
            title = f"Area under the curve {self.areas_['']['']:.3f}"
        is_covered = self.table["coverage"] >= _WELL_COVERED
        top = min(1.0, 1.1 * self.table.loc[is_covered, "high"].max())
        ax.set(xlim=(0, 1), ylim=(0, top), title=title)
        ax.set_xlabel("Share of the predictions that is decided")
        ax.set_ylabel("Error among the decided" if is_leftmost(ax) else "")


def _tabulate_results(results, kind):
    """Return the curves of all results as one table."""
    tables = []
    for name, result in results.items():
        y_proba = result_probabilities(result, name)
        data = result.y_true, y_proba, result.groups, result.kinds
        tables.append(_tabulate(name, *data, kind))
    return pd.concat(tables, ignore_index=True)


def _tabulate(model, y_true, y_proba, groups, classes, kind):
    """Return the curves of a model as one table."""
    score = y_proba.max(axis=1)
    y_pred = classes[y_proba.argmax(axis=1)]
    groups = np.arange(len(score)) if groups is None else groups
    parts = {model: np.full(len(score), True)}
    if kind == "class":
        parts = {label: y_pred == label for label in classes.tolist()}
    curves = []
    for curve, part in parts.items():
        if part.any():
            is_wrong = y_pred[part] != y_true[part]
            cuts = count_cuts(score[part], is_wrong, groups[part])
            curves.append(_as_frame(cuts).assign(model=model, curve=curve))
    return pd.concat(curves)[_COLUMNS]


def _as_frame(cuts):
    """Return coverage and error of each cut, with its interval."""
    # Half of what lies outside is above.
    confidence = (1 + _LEVEL) / 2
    return pd.DataFrame(
        {
            "coverage": cuts.n / cuts.n[-1],
            "error": cuts.n_wrong / cuts.n,
            "low": cuts.lower(confidence),
            "high": cuts.upper(confidence),
            "threshold": cuts.threshold,
        }
    )


def _mark(name, model, kind):
    """Return what a selective classifier decides, as points of its curves."""
    table = model.coverage_table_
    if kind == "class":
        table = table[table["n_decided"] > 0]
        marks = {"coverage": table["share_decided"], "error": table["error"]}
        marks = pd.DataFrame(marks).rename_axis("curve").reset_index()
        return marks.assign(model=name)[_MARKS]
    n_decided = table["n_decided"].sum()
    error = (table["error"].fillna(0) * table["n_decided"]).sum() / max(n_decided, 1)
    coverage = n_decided / table["n_particles"].sum()
    mark = {"model": [name], "curve": [name], "coverage": coverage, "error": error}
    return pd.DataFrame(mark)[: int(n_decided > 0)]
