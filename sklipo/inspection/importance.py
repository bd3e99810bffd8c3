"""Groups of hand-made features that a model relies on."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.inspection import permutation_importance

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import validate_params
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._jobs import N_JOBS
from .._random import own_random_state
from .._steps import split_last_step, transform_by
from ..displays._axes import PanelDisplay, plain_text
from ..displays._colors import choose_colors
from ..displays._parameters import COUNT, check_table, draws
from ..features import ParticleFeatures
from ..particles._labels import check_labels


@validate_params(
    {
        "n_repeats": [COUNT],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def feature_group_importance(
    estimator,
    X,
    y,
    *,
    scoring="balanced_accuracy",
    n_repeats=10,
    n_jobs=None,
    random_state=None,
):
    """Measure how a model's score drops when a group of features is shuffled.

    Parameters
    ----------
    estimator : Pipeline or search
        Fitted pipeline with a step that is a :class:`ParticleFeatures`, such as
        :func:`make_svc_pipeline` returns, or a fitted search over one.
    X : particle table, list of 2-D arrays or array
        Particles by which to score, preferably held-out ones. On training particles the
        result shows what the model memorized, useful or not.
    y : array-like of shape (n_samples,)
        Classes of the particles.
    scoring : str or callable, default="balanced_accuracy"
        Scorer of scikit-learn, by name or made by
        :func:`~sklearn.metrics.make_scorer`.
    n_repeats : int, default=10
        Number of times that each group is shuffled.
    n_jobs : int, default=None
        Number of groups that are shuffled at once; None means 1 unless in a
        :func:`joblib.parallel_config` context, -1 one for each core. The result does
        not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffling.

    Returns
    -------
    importances : DataFrame
        One row for each group of features, the most important one first, with columns
        ``mean`` and ``std`` of the drop of the score over the repeats.

    Raises
    ------
    TypeError
        If the estimator has no step before the last that is a
        :class:`ParticleFeatures`, or more than one.

    See Also
    --------
    FeatureGroupImportanceDisplay : Picture of the table.
    sklearn.inspection.permutation_importance : The same for single columns.

    Notes
    -----
    All columns of a group take the values of the same other particle, which keeps them
    consistent with each other. Single columns would mislead: a profile has 80 that say
    nearly the same, and a model can do without any one of them.

    Groups that say the same can still stand in for each other, and both then seem
    unimportant. The particles are measured once, not for each repeat.

    References
    ----------
    .. [1] L. Breiman, "Random Forests", Machine Learning 45, 5-32, 2001.

    Examples
    --------
    >>> from sklipo import make_svc_pipeline
    >>> from sklipo.datasets import make_liposomes
    >>> from sklipo.inspection import feature_group_importance
    >>> particles = make_liposomes(60, weights=None, random_state=0)
    >>> model = make_svc_pipeline(["area", "radial_profile"])
    >>> _ = model.fit(particles, particles["label"])
    >>> table = feature_group_importance(
    ...     model, particles, particles["label"], n_repeats=3, random_state=0
    ... )
    >>> table.index.tolist()
    ['radial_profile', 'area']
    """
    before, features, after, classifier = _split_at_features(estimator)
    measured = features.transform(transform_by(before, X))
    y = check_labels(y, len(measured))
    groups = features.get_feature_groups_out()
    columns = [np.flatnonzero(groups == group) for group in features.groups_]
    # scikit-learn permutes columns of row numbers; the model looks the features up.
    rows = np.tile(np.arange(len(measured))[:, np.newaxis], len(columns))
    result = permutation_importance(
        _GroupedModel(after, classifier, measured, columns),
        rows,
        y,
        scoring=scoring,
        n_repeats=n_repeats,
        n_jobs=n_jobs,
        random_state=own_random_state(random_state),
    )
    table = pd.DataFrame(
        {"mean": result.importances_mean, "std": result.importances_std},
        index=pd.Index(features.groups_, name="group"),
    )
    return table.sort_values("mean", ascending=False, kind="stable")


def _split_at_features(estimator):
    """Return steps before the features, the features, steps after, the classifier."""
    before, classifier = split_last_step(estimator)
    steps = [step for _, step in before]
    found = [i for i, step in enumerate(steps) if isinstance(step, ParticleFeatures)]
    if len(found) != 1:
        kinds = ", ".join(type(step).__name__ for step in [*steps, classifier])
        raise TypeError(
            f"The estimator is a {type(estimator).__name__} of {kinds}; expected a "
            "fitted pipeline of one ParticleFeatures and a classifier after it, as "
            "make_svc_pipeline returns, or a fitted search over one."
        )
    (position,) = found
    check_is_fitted(steps[position])
    check_is_fitted(classifier)
    return before[:position], steps[position], before[position + 1 :], classifier


def _classifier_has(method):
    """Return a check that the classifier in a _GroupedModel has a method."""

    def check(grouped):
        # The classifier's own AttributeError names the missing method.
        getattr(grouped.classifier, method)
        return True

    return check


class _GroupedModel(ClassifierMixin, BaseEstimator):
    """The end of a pipeline that takes, for each group of features, a row number."""

    def __init__(self, steps, classifier, measured, columns):
        self.steps = steps
        self.classifier = classifier
        self.measured = measured
        self.columns = columns

    @property
    def classes_(self):
        return self.classifier.classes_

    def fit(self, X, y=None):
        """Do nothing: the classifier is fitted."""
        return self

    def predict(self, X):
        return self.classifier.predict(self._look_up(X))

    @available_if(_classifier_has("predict_proba"))
    def predict_proba(self, X):
        return self.classifier.predict_proba(self._look_up(X))

    @available_if(_classifier_has("decision_function"))
    def decision_function(self, X):
        return self.classifier.decision_function(self._look_up(X))

    def _look_up(self, rows):
        """Return the input of the classifier, each group from the row that it names."""
        features = np.array(self.measured)
        for row, columns in zip(rows.T, self.columns, strict=True):
            features[:, columns] = features[np.ix_(row, columns)]
        if isinstance(self.measured, pd.DataFrame):
            # Steps that were fitted with names warn of features without them.
            features = pd.DataFrame(features, columns=self.measured.columns)
        return transform_by(self.steps, features)


class FeatureGroupImportanceDisplay(PanelDisplay):
    """Bars that show how much a model relies on each group of features.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    importances : DataFrame
        The table that :func:`feature_group_importance` returns.
    score_name : str, default="score"
        Name of the score that drops.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel with the bars.
    axes_ : ndarray of matplotlib Axes, of shape (1,)
        The same panel.
    figure_ : matplotlib Figure
        The figure.
    bars_ : matplotlib BarContainer
        The bars, the most important group first.

    See Also
    --------
    feature_group_importance : The numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklipo.inspection import FeatureGroupImportanceDisplay
    >>> importances = pd.DataFrame(
    ...     {"mean": [0.3, 0.1], "std": [0.02, 0.01]}, index=["membrane", "area"]
    ... )
    >>> display = FeatureGroupImportanceDisplay(importances).plot()
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['membrane', 'area']
    """

    def __init__(self, importances, *, score_name="score"):
        check_table(importances, ["mean", "std"], numbers=["mean", "std"])
        self.importances = importances
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        scoring="balanced_accuracy",
        n_repeats=10,
        n_jobs=None,
        random_state=None,
        **plot_params,
    ):
        """Measure and draw the importance of each group of features.

        Parameters
        ----------
        estimator : Pipeline or search
            Fitted pipeline with a :class:`ParticleFeatures`, or a fitted search over
            one.
        X : particle table, list of 2-D arrays or array
            Particles by which to score, preferably held-out ones.
        y : array-like of shape (n_samples,)
            Classes of the particles.
        scoring : str or callable, default="balanced_accuracy"
            Scorer of scikit-learn.
        n_repeats : int, default=10
            Number of times that each group is shuffled.
        n_jobs : int, default=None
            Number of groups that are shuffled at once; None means 1, -1 one for each
            core.
        random_state : int, RandomState instance or None, default=None
            Seed of the shuffling.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : FeatureGroupImportanceDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the estimator has no :class:`ParticleFeatures` before its last step.
        """
        importances = feature_group_importance(
            estimator,
            X,
            y,
            scoring=scoring,
            n_repeats=n_repeats,
            n_jobs=n_jobs,
            random_state=random_state,
        )
        name = scoring.replace("_", " ") if isinstance(scoring, str) else "score"
        return cls(importances, score_name=name).plot(**plot_params)

    @draws({"color": [str, tuple]})
    def plot(self, *, ax=None, color="C0"):
        """Draw a bar for each group, with its standard deviation over the repeats.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. By default a figure is made.
        color : str, default="C0"
            Color of the bars.

        Returns
        -------
        display : FeatureGroupImportanceDisplay
            The display itself.
        """
        table = self.importances
        choose_colors(["bars"], [color])
        size = (6.4, 1 + 0.28 * len(table))
        (ax,) = self._open_panels(ax, (1, 1), ["importances"], figsize=size)
        places = np.arange(len(table))
        self.bars_ = ax.barh(
            places, table["mean"], xerr=table["std"], color=color, ecolor="0.3"
        )
        ax.set_yticks(places, list(map(plain_text, table.index)))
        # The first row is on top.
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.axvline(0, color="0.3", linewidth=0.8)
        ax.set(
            xlabel=f"drop of {self.score_name} when shuffled",
            ylabel="group of features",
        )
        return self
