"""Metrics of each class as bars or lines (Figures 17 to 22 of the thesis)."""

import numpy as np

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import StrOptions, validate_params

from ..metrics import classification_table
from ..particles._labels import check_labels, find_classes
from ._axes import (
    CHARACTER,
    PanelDisplay,
    add_legend,
    grid_shape,
    is_leftmost,
    name_x_ticks,
    plain_text,
)
from ._by_name import named_estimators, named_predictions, named_results
from ._colors import MARKERS, choose_colors
from ._metric_tables import (
    COLUMNS,
    SPREADS,
    add_experts,
    select_metrics,
    stack_metrics,
)
from ._parameters import COLORS, check_table, draws

# The role on the x axis, the role told apart by color, the role with a panel for each.
_LAYOUTS = {
    "class": ("class", "model", "metric"),
    "model": ("model", "class", "metric"),
    "metric": ("metric", "model", "class"),
}
_ROLES = ("model", "class", "metric")
_PLURALS = {"model": "models", "class": "classes"}
_FULL_NAMES = {
    "TPR": "TPR (recall)",
    "TNR": "TNR (specificity)",
    "PPV": "PPV (precision)",
    "F1": "F1 of precision and recall",
    "thesis_F1": "F1 of TPR and TNR",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log loss",
}
# The share of a group's width that its bars or points take.
_STEPS = {"bar": 0.8, "line": 0.15}
# Panels stand side by side up to this width in inches, which fits a screen.
_PAGE = 15


class ClassMetricsDisplay(PanelDisplay):
    """Metrics of each class, compared between models or settings.

    It is recommended to use :meth:`from_cv_results`, :meth:`from_predictions` or
    :meth:`from_estimator`.

    Parameters
    ----------
    table : DataFrame
        A row for each bar with the columns ``model``, ``class``, ``metric``,
        ``value``, and ``low`` and ``high``, the ends of the error bar; NaN where there
        is none. An undefined value is NaN. Models, classes and metrics are drawn in
        the order in which they come.
    value_name : str, default=""
        Label of the axis: what values and error bars mean.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first panel.
    axes_ : ndarray of matplotlib Axes
        All panels.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    ConfusionMatricesDisplay : Which classes are confused.
    sklipo.metrics.classification_table : The metrics as a table.

    Notes
    -----
    Error bars that reach beyond the range of a metric are cut off at the axis.

    ``"F1"`` is the harmonic mean of precision and recall. The thesis [1]_ calls the
    harmonic mean of TPR and TNR by this name; here it is ``"thesis_F1"``.

    ====================  ==========================================================
    Figures 18 to 21      ``metric="thesis_F1"``
    Figure 17             ``metric="TPR", x="model", kind="line"``
    Figure 22             ``metric=["TPR", "TNR", "PPV", "NPV", "thesis_F1"],
                          x="metric"``
    ====================  ==========================================================

    References
    ----------
    .. [1] S. Gryshkevych, "Convolutional neural networks for classification of
       transmission electron microscopy imagery", Uppsala University, 2016.

    Examples
    --------
    >>> from sklipo.displays import ClassMetricsDisplay
    >>> y_true = ["full", "full", "empty", "empty"]
    >>> y_pred = {"SVM": ["full", "full", "full", "empty"], "always full": ["full"] * 4}
    >>> display = ClassMetricsDisplay.from_predictions(
    ...     y_true, y_pred, metric=["TPR", "PPV"]
    ... )
    >>> display.table.query("model == 'always full'")[["class", "metric", "value"]]
       class metric  value
    2  empty     TPR    0.0
    3   full     TPR    1.0
    6  empty     PPV    NaN
    7   full     PPV    0.5
    """

    @validate_params({"value_name": [str]}, prefer_skip_nested_validation=False)
    def __init__(self, table, *, value_name=""):
        check_table(table, COLUMNS, numbers=["value", "low", "high"])
        twice = table[table.duplicated(list(_ROLES))]
        if len(twice):
            model, label, metric = twice.iloc[0][list(_ROLES)]
            raise ValueError(
                f"The table has {metric!r} of class {label!r} twice for model "
                f"{model!r}; expected it once."
            )
        self.table = table
        self.value_name = value_name

    @classmethod
    @validate_params(
        {"metric": [str, "array-like"], "spread": [StrOptions(set(SPREADS))]},
        prefer_skip_nested_validation=False,
    )
    def from_cv_results(
        cls, results, *, metric="F1", spread="folds", agreement=None, **plot_params
    ):
        """Draw metrics of cross-validated models.

        Parameters
        ----------
        results : CrossValidationResult or dict of CrossValidationResult
            What :func:`~sklipo.cross_validate_particles` returned, for several models
            or settings a dict by their names.
        metric : str or list of str, default="F1"
            Columns of :func:`~sklipo.metrics.classification_table`.
        spread : {"folds", "bootstrap"}, default="folds"
            "folds" draws the mean over the folds and one standard deviation to either
            side. "bootstrap" draws the metric of all folds pooled and its 95 % interval
            over groups, see
            :meth:`sklipo.evaluation.CrossValidationResult.summary`.
        agreement : DataFrame, default=None
            How far experts agree, from :func:`~sklipo.labeling.agreement_table`: drawn
            as one more model, ``"experts"``, without error bars.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : ClassMetricsDisplay
            The display, drawn.
        """
        results = named_results(results)
        tabulate, value_name = SPREADS[spread]
        tables = {name: tabulate(result) for name, result in results.items()}
        if agreement is not None:
            tables = add_experts(tables, next(iter(results.values())), agreement)
        return cls(select_metrics(tables, metric), value_name=value_name).plot(
            **plot_params
        )

    @classmethod
    @validate_params(
        {"metric": [str, "array-like"]}, prefer_skip_nested_validation=False
    )
    def from_predictions(
        cls, y_true, y_pred, *, metric="F1", classes=None, **plot_params
    ):
        """Draw metrics of predictions, all taken together, without error bars.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True classes.
        y_pred : array-like of shape (n_samples,) or dict of array-like
            Predicted classes, for several models or settings a dict by their names.
        metric : str or list of str, default="F1"
            Columns of :func:`~sklipo.metrics.classification_table`.
        classes : array-like, default=None
            Order of the classes; by default all that occur, sorted.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : ClassMetricsDisplay
            The display, drawn.
        """
        y_true = check_labels(y_true, name="y_true")
        predictions = {
            name: check_labels(predicted, len(y_true), name="y_pred")
            for name, predicted in named_predictions(y_pred).items()
        }
        classes = find_classes(y_true, *predictions.values(), classes=classes)
        tables = {}
        for name, predicted in predictions.items():
            values = classification_table(y_true, predicted, labels=classes)
            values = values.drop(columns="support")
            tables[name] = stack_metrics(values, values * np.nan, values * np.nan)
        return cls(select_metrics(tables, metric)).plot(**plot_params)

    @classmethod
    def from_estimator(
        cls, estimator, X, y, *, metric="F1", classes=None, **plot_params
    ):
        """Draw metrics of fitted models on particles that they have not seen.

        Parameters
        ----------
        estimator : estimator or dict of estimators
            A fitted classifier, for several models or settings a dict by their names.
        X : particle table or array of shape (n_samples, n_features)
            What the models predict.
        y : array-like of shape (n_samples,)
            True classes.
        metric : str or list of str, default="F1"
            Columns of :func:`~sklipo.metrics.classification_table`.
        classes : array-like, default=None
            Order of the classes; by default all that occur, sorted.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : ClassMetricsDisplay
            The display, drawn.
        """
        predictions = {
            name: model.predict(X)
            for name, model in named_estimators(estimator).items()
        }
        return cls.from_predictions(
            y, predictions, metric=metric, classes=classes, **plot_params
        )

    @draws(
        {
            "x": [StrOptions(set(_LAYOUTS))],
            "kind": [StrOptions(set(_STEPS))],
            "colors": COLORS,
        }
    )
    def plot(self, *, ax=None, x="class", kind="bar", colors=None):
        """Draw the metrics.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw, one for each panel. By default a figure is made.
        x : {"class", "model", "metric"}, default="class"
            Names on the x axis. "class": models are told apart by color, each metric
            has a panel. "model": classes are told apart by color, each metric has a
            panel. "metric": models are told apart by color, each class has a panel.
        kind : {"bar", "line"}, default="bar"
            Bars, or points joined by lines, for settings that build on each other.
        colors : dict or sequence of colors, default=None
            Colors of models or classes, by name or in order.

        Returns
        -------
        display : ClassMetricsDisplay
            The display itself.
        """
        groups, series, panels = (self._names(role) for role in _LAYOUTS[x])
        colors = choose_colors(series, colors, what=_PLURALS[_LAYOUTS[x][1]])
        width = max(2.5, len(groups) * (0.2 * len(series) + 0.35), _ticks_width(groups))
        shape = grid_shape(len(panels), max(1, int(_PAGE / width)))
        size = (shape[1] * width + 1, shape[0] * 3 + 0.5)
        axes = self._open_panels(ax, shape, panels, figsize=size)
        for panel_ax, panel in zip(axes, panels, strict=True):
            rows = self.table[self.table[_LAYOUTS[x][2]] == panel]
            self._draw_series(panel_ax, rows, x, kind, colors)
            self._name_axes(panel_ax, panel, x, groups, is_only=len(panels) == 1)
        if len(series) > 1:
            add_legend(self.figure_, axes, own_figure=ax is None)
        return self

    def _names(self, role):
        """Return models, classes or metrics in the order of the table."""
        return self.table[role].drop_duplicates().tolist()

    def _draw_series(self, ax, rows, x, kind, colors):
        """Draw bars or a line of each color in one panel."""
        along, by_color, _ = _LAYOUTS[x]
        groups = self._names(along)
        step = _STEPS[kind] / len(colors)
        for i, (name, color) in enumerate(colors.items()):
            bars = rows[rows[by_color] == name].set_index(along).reindex(groups)
            positions = np.arange(len(groups)) + (i - (len(colors) - 1) / 2) * step
            label = _full_name(name)
            if kind == "bar":
                # 0.92 leaves a gap between the bars of a group.
                ax.bar(positions, bars["value"], 0.92 * step, color=color, label=label)
            else:
                marker = MARKERS[i % len(MARKERS)]
                ax.plot(positions, bars["value"], marker, ls="-", c=color, label=label)
            ink = "0.25" if kind == "bar" else color
            _draw_error_bars(ax, positions, bars, ink)
            _mark_undefined(ax, positions[bars["value"].isna()], ink)

    def _name_axes(self, ax, panel, x, groups, *, is_only):
        """Label the axes of a panel, and set their limits."""
        title, ylabel = _full_name(panel), self.value_name
        if is_only and x != "metric":
            title, ylabel = "", "\n".join(filter(None, (title, ylabel)))
        ax.set(title=title, ylim=self._limits(x, panel))
        ax.set_ylabel(ylabel if is_leftmost(ax) else "")
        ax.set_xlim(-0.5, len(groups) - 0.5)
        if ax.get_ylim()[0] < 0:
            ax.axhline(0, color="0.25", linewidth=0.8)
        if x == "metric":
            groups = [name.replace("_", " ") for name in groups]
        name_x_ticks(ax, groups)

    def _limits(self, x, panel):
        """Return the same limits for all panels with metrics of the same range."""
        rows = self.table
        if x != "metric":
            rows = rows[(rows["metric"] == "log_loss") == (panel == "log_loss")]
        numbers = rows[["value", "low", "high"]].to_numpy(float)
        bottom = np.min(numbers, where=np.isfinite(numbers), initial=0)
        top = np.max(numbers, where=np.isfinite(numbers), initial=0)
        if not (rows["metric"] == "log_loss").any():
            # No metric but log loss exceeds 1; a standard deviation may reach beyond.
            top = 1.0
        if not rows["metric"].isin(["phi", "kappa"]).any():
            # Only correlations fall below 0.
            bottom = 0.0
        margin = 0.03 * ((top - bottom) or 1.0)
        return bottom - margin * (bottom < 0), top + margin


def _full_name(name):
    """Return the words for a metric, or the name of a model or class as it is."""
    return _FULL_NAMES.get(name) or plain_text(name)


def _ticks_width(names):
    """Return the width in inches that names need side by side, up to a limit."""
    return len(names) * min(max(len(str(name)) for name in names) * CHARACTER, 0.9)


def _draw_error_bars(ax, positions, bars, color):
    """Draw error bars where both ends are known; they need not enclose the value."""
    middle = (bars["low"] + bars["high"]) / 2
    half = (bars["high"] - bars["low"]) / 2
    known = half.notna().to_numpy()
    ax.errorbar(
        positions[known],
        middle[known],
        half[known],
        fmt="none",
        ecolor=color,
        elinewidth=1,
        capsize=2.5,
    )


def _mark_undefined(ax, positions, color):
    """Say where a bar or a point is missing because its value is undefined."""
    for position in positions:
        ax.text(
            position,
            0.02,
            "undefined",
            transform=ax.get_xaxis_transform(),
            rotation=90,
            ha="center",
            va="bottom",
            fontsize="small",
            color=color,
        )
