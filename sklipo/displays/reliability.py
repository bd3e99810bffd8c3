"""Reliability curves, which tell whether probabilities can be trusted."""

import numpy as np
import pandas as pd
from sklearn.calibration import calibration_curve

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import StrOptions, validate_params

from ..particles._labels import check_labels, find_classes
from ..particles._probabilities import check_probabilities
from ._axes import SMALL_CHARACTER, PanelDisplay, is_leftmost, plain_text
from ._by_name import (
    check_same_classes,
    named_estimators,
    named_predictions,
    named_results,
)
from ._colors import MARKERS, choose_colors
from ._parameters import COLORS, COUNT, check_table, draws
from ._probabilities import (
    predict_probabilities,
    result_probabilities,
)

_AXES = {
    "confidence": ("Probability of the predicted class", "Share of right predictions"),
    "class": ("Predicted probability of the class", "Share of the class"),
}
_CONSTRAINTS = {"kind": [StrOptions(set(_AXES))], "n_bins": [COUNT]}
_COLUMNS = ["model", "curve", "bin", "prob_pred", "prob_true", "count"]


class ReliabilityDisplay(PanelDisplay):
    r"""Reliability curves of classifiers of any number of classes.

    Where the curve is below the diagonal, the model is surer than it should be. Below
    the curves are the numbers of particles in each bin.

    It is recommended to use :meth:`from_cv_results`, :meth:`from_predictions` or
    :meth:`from_estimator`.

    Parameters
    ----------
    table : DataFrame
        A row for each bin that is not empty, with the columns ``model``, ``curve`` (the
        name of the model or of the class), ``bin`` (from 0), ``prob_pred`` (mean
        probability), ``prob_true`` (share that came true) and ``count``.
    kind : {"confidence", "class"}, default="confidence"
        Subject of the curves, see :meth:`from_predictions`.
    n_bins : int, default=10
        Number of bins between 0 and 1.

    Attributes
    ----------
    errors_ : dict of dict of float
        Expected calibration error by model and curve.
    ax_ : matplotlib Axes
        The first panel of curves.
    axes_ : ndarray of matplotlib Axes
        All panels: those with curves, then those with counts.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    sklearn.calibration.CalibrationDisplay : The curve of two classes.
    sklearn.calibration.CalibratedClassifierCV : Corrects probabilities.
    sklipo.calibration.shift_prior : Makes them those of a sample with other shares.
    sklipo.make_svc_pipeline : An SVM with probabilities: ``probability=True``.

    Notes
    -----
    The expected calibration error (ECE) [1]_ is

    .. math:: \sum_b \frac{n_b}{n} |s_b - p_b|

    over bins of equal width, with :math:`n_b` of :math:`n` particles in bin :math:`b`,
    their mean probability :math:`p_b` and the share :math:`s_b` that came true.

    References
    ----------
    .. [1] C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Examples
    --------
    >>> from sklipo.displays import ReliabilityDisplay
    >>> y_true = ["full", "full", "full", "empty"]
    >>> y_proba = [[0.1, 0.9], [0.1, 0.9], [0.1, 0.9], [0.1, 0.9]]
    >>> display = ReliabilityDisplay.from_predictions(y_true, y_proba)
    >>> round(display.errors_[""][""], 2)
    0.15
    """

    @validate_params(_CONSTRAINTS, prefer_skip_nested_validation=False)
    def __init__(self, table, *, kind="confidence", n_bins=10):
        check_table(table, _COLUMNS, numbers=_COLUMNS[2:])
        if not table["bin"].isin(range(n_bins)).all():
            raise ValueError(
                f"The table has bins up to {table['bin'].max()}; expected whole "
                f"numbers from 0 to n_bins - 1 = {n_bins - 1}."
            )
        self.table = table
        self.kind = kind
        # True counts as 1 for most of NumPy.
        self.n_bins = int(n_bins)

    @classmethod
    @validate_params(_CONSTRAINTS, prefer_skip_nested_validation=False)
    def from_predictions(
        cls,
        y_true,
        y_proba,
        *,
        kind="confidence",
        n_bins=10,
        classes=None,
        **plot_params,
    ):
        """Draw the reliability of predicted probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True classes.
        y_proba : array-like of shape (n_samples, n_classes) or dict of array-like
            Predicted probabilities, for several models a dict by their names.
        kind : {"confidence", "class"}, default="confidence"
            "confidence" asks how often the most probable class is right, by its
            probability; all models are in one panel. "class" asks of each class how
            often particles are of it, by its probability; each model has a panel.
        n_bins : int, default=10
            Number of bins of equal width between 0 and 1.
        classes : array-like, default=None
            Classes of the columns of ``y_proba``; by default all that occur, sorted.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : ReliabilityDisplay
            The display, drawn.
        """
        y_true = check_labels(y_true, name="y_true")
        classes = find_classes(y_true, classes=classes)
        tables = [
            _tabulate(model, y_true, proba, classes, kind, n_bins)
            for model, proba in named_predictions(y_proba).items()
        ]
        table = pd.concat(tables, ignore_index=True)
        return cls(table, kind=kind, n_bins=n_bins).plot(**plot_params)

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        kind="confidence",
        n_bins=10,
        **plot_params,
    ):
        """Draw the reliability of fitted models on particles that they have not seen.

        Parameters
        ----------
        estimator : estimator or dict of estimators
            A fitted classifier, for several models a dict by their names.
        X : particle table or array of shape (n_samples, n_features)
            What the models predict.
        y : array-like of shape (n_samples,)
            True classes.
        kind : {"confidence", "class"}, default="confidence"
            Subject of the curves, see :meth:`from_predictions`.
        n_bins : int, default=10
            Number of bins of equal width between 0 and 1.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : ReliabilityDisplay
            The display, drawn.
        """
        models = named_estimators(estimator)
        probabilities = {
            name: predict_probabilities(model, X, name)
            for name, model in models.items()
        }
        # Columns of probabilities are compared by position.
        check_same_classes({name: model.classes_ for name, model in models.items()})
        classes = next(iter(models.values())).classes_
        return cls.from_predictions(
            y, probabilities, kind=kind, n_bins=n_bins, classes=classes, **plot_params
        )

    @classmethod
    @validate_params(_CONSTRAINTS, prefer_skip_nested_validation=False)
    def from_cv_results(cls, results, *, kind="confidence", n_bins=10, **plot_params):
        """Draw the reliability of cross-validated models.

        Parameters
        ----------
        results : CrossValidationResult or dict of CrossValidationResult
            What :func:`~sklipo.cross_validate_particles` returned, for several models
            a dict by their names.
        kind : {"confidence", "class"}, default="confidence"
            Subject of the curves, see :meth:`from_predictions`.
        n_bins : int, default=10
            Number of bins of equal width between 0 and 1.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : ReliabilityDisplay
            The display, drawn.
        """
        results = named_results(results)
        first = next(iter(results.values()))
        for name, result in results.items():
            if not np.array_equal(result.y_true, first.y_true):
                raise ValueError(
                    f"The result of {name} is about other particles than the first "
                    "one; compare models on the same particles, or draw them apart."
                )
        probabilities = {
            name: result_probabilities(result, name) for name, result in results.items()
        }
        params = {"kind": kind, "n_bins": n_bins, "classes": first.kinds}
        return cls.from_predictions(
            first.y_true, probabilities, **params, **plot_params
        )

    @draws({"colors": COLORS})
    def plot(self, *, ax=None, colors=None):
        """Draw the curves, and below them the number of particles in each bin.

        Parameters
        ----------
        ax : array-like of matplotlib Axes, default=None
            Where to draw: as many axes for curves as there are panels, then as many
            for the numbers. By default a figure is made.
        colors : dict or sequence of colors, default=None
            Colors of the curves, by name of the model or class, or in order.

        Returns
        -------
        display : ReliabilityDisplay
            The display itself.
        """
        names = self.table["curve"].drop_duplicates().tolist()
        what = "models" if self.kind == "confidence" else "classes"
        colors = choose_colors(names, colors, what=what)
        panels = [("", self.table)]
        if self.kind == "class":
            panels = list(self.table.groupby("model", sort=False))
        self._open_pairs(ax, [name for name, _ in panels], colors)
        self.errors_ = {}
        for i, (name, rows) in enumerate(panels):
            above, below = self.axes_[i], self.axes_[i + len(panels)]
            above.plot([0, 1], [0, 1], ":", color="0.4")
            for j, (curve, color) in enumerate(colors.items()):
                self._draw_curve(above, below, rows, curve, color, MARKERS[j % 8])
            self._name_axes(above, below, name)
            if names != [""]:
                beside = {"loc": "upper left", "bbox_to_anchor": (1.02, 1)}
                above.legend(fontsize="small", **beside)
        # A bin of one particle should still be a visible step above the axis. Panels
        # share the axis, so it is cut when all of them are drawn.
        self.axes_[-1].set_ylim(bottom=0.7)
        return self

    def _open_pairs(self, ax, names, curves):
        """Open a panel for curves and one for counts below it, for each name."""
        labels = [f"{what} {name}" for what in ("curves", "counts") for name in names]
        beside = 1.5 + SMALL_CHARACTER * max(len(str(curve)) for curve in curves)
        width = 3.8 + beside * (list(curves) != [""])
        self._open_panels(
            ax,
            (2, len(names)),
            labels,
            figsize=(len(names) * width + 0.6, 5.2),
            sharex=True,
            sharey="row",
            height_ratios=(3, 1),
        )

    def _draw_curve(self, above, below, rows, curve, color, marker):
        """Draw one curve with its error, and its counts."""
        bins = rows[rows["curve"] == curve]
        if not len(bins):
            return
        gaps = (bins["prob_true"] - bins["prob_pred"]).abs()
        error = np.average(gaps, weights=bins["count"])
        self.errors_.setdefault(bins["model"].iloc[0], {})[curve] = float(error)
        label = f"{plain_text(curve)} (ECE {error:.3f})"
        style = {"marker": marker, "color": color, "markersize": 5, "label": label}
        above.plot(bins["prob_pred"], bins["prob_true"], **style)
        counts = np.zeros(self.n_bins)
        counts[bins["bin"]] = bins["count"]
        edges = np.linspace(0, 1, self.n_bins + 1)
        below.stairs(counts, edges, color=color, linewidth=1.5)

    def _name_axes(self, above, below, name):
        """Label the axes of a panel and of the counts below it."""
        xlabel, ylabel = _AXES[self.kind]
        title = plain_text(name)
        if self.kind == "confidence" and list(self.errors_.get("", {})) == [""]:
            title = f"Expected calibration error {self.errors_['']['']:.3f}"
        above.set(xlim=(0, 1), ylim=(-0.02, 1.02), title=title)
        below.set(xlabel=xlabel, yscale="log")
        above.set_ylabel(ylabel if is_leftmost(above) else "")
        below.set_ylabel("Particles" if is_leftmost(below) else "")


def _tabulate(model, y_true, y_proba, classes, kind, n_bins):
    """Return the bins of all curves of a model as one table."""
    y_proba = check_probabilities(y_proba, len(y_true), classes)
    if kind == "confidence":
        is_right = y_true == classes[y_proba.argmax(axis=1)]
        return _bin_curve(model, model, is_right, y_proba.max(axis=1), n_bins)
    curves = [
        _bin_curve(model, label, y_true == label, y_proba[:, column], n_bins)
        for column, label in enumerate(classes.tolist())
    ]
    return pd.concat(curves)


def _bin_curve(model, curve, came_true, probability, n_bins):
    """Return the bins of one curve that hold any particles."""
    prob_true, prob_pred = calibration_curve(
        came_true, probability, n_bins=n_bins, pos_label=True
    )
    # The same bins as in calibration_curve, which does not return their counts.
    inner_edges = np.linspace(0, 1, n_bins + 1)[1:-1]
    bins = np.searchsorted(inner_edges, probability)
    found, counts = np.unique(bins, return_counts=True)
    values = {"bin": found, "prob_pred": prob_pred, "prob_true": prob_true}
    table = pd.DataFrame({**values, "count": counts})
    return table.assign(model=model, curve=curve)[_COLUMNS]
