"""Which measures a model of hand-made features relies on."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if

from .._steps import transform_by
from ..features import ParticleFeatures
from ..lipnet._checks import own_random_state
from ._panels import get_axes


def feature_group_importance(
    model,
    particles,
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
    model : Pipeline
        Fitted pipeline with a step that is a :class:`ParticleFeatures`, such as
        :func:`make_svc_pipeline` returns.
    particles : particle table, list of 2-D arrays or array
        Particles to score the model by, best such as it was not fitted on: of those
        that it was, it tells what the model learnt, be it of use or not.
    y : array-like of shape (n_samples,)
        Classes of the particles.
    scoring : str or callable, default="balanced_accuracy"
        One of the scorers of scikit-learn, by name or made by
        :func:`~sklearn.metrics.make_scorer`.
    n_repeats : int, default=10
        How often each group is shuffled.
    n_jobs : int, default=None
        Number of groups that are shuffled at once; -1 means one for each core. The
        result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffling.

    Returns
    -------
    importances : DataFrame
        One row for each group of features, the most important one first, with columns
        ``mean`` and ``std`` of the drop of the score over the repeats.

    Raises
    ------
    ValueError
        If the pipeline has no step, or more than one, that is a
        :class:`ParticleFeatures`.
    TypeError
        If the model is no pipeline.

    See Also
    --------
    FeatureGroupImportanceDisplay : Picture of it.
    sklearn.inspection.permutation_importance : The same for single columns.

    Notes
    -----
    All columns of a group take the values of the same other particle, so that what they
    say together stays true. Single columns would mislead: a profile has 80 that tell
    much the same, and a model does without any of them.

    Groups that tell the same can still stand in for each other, and then both seem
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
    position, step = _find_features(model)
    measured = step.transform(transform_by(model.steps[:position], particles))
    groups = step.get_feature_groups_out()
    columns = [np.flatnonzero(groups == group) for group in step.groups_]
    # scikit-learn permutes columns of row numbers; the model looks the features up.
    rows = np.tile(np.arange(len(measured))[:, np.newaxis], len(columns))
    result = permutation_importance(
        _GroupedModel(model[position + 1 :], measured, columns),
        rows,
        y,
        scoring=scoring,
        n_repeats=n_repeats,
        n_jobs=n_jobs,
        # The generator of the process is left as it was.
        random_state=own_random_state(random_state),
    )
    table = pd.DataFrame(
        {"mean": result.importances_mean, "std": result.importances_std},
        index=pd.Index(step.groups_, name="group"),
    )
    return table.sort_values("mean", ascending=False, kind="stable")


def _find_features(model):
    """Return position and step of a fitted pipeline that measures particles."""
    if not isinstance(model, Pipeline):
        raise TypeError(
            f"The model is a {type(model).__name__}; expected a fitted pipeline with a "
            "ParticleFeatures, as make_svc_pipeline returns. Of a fitted GridSearchCV, "
            "pass its best_estimator_."
        )
    steps = [step for _, step in model.steps]
    found = [i for i, step in enumerate(steps) if isinstance(step, ParticleFeatures)]
    if len(found) != 1 or found[0] == len(steps) - 1:
        kinds = ", ".join(type(step).__name__ for step in steps)
        raise ValueError(
            "The pipeline needs one step that is a ParticleFeatures, and a classifier "
            f"after it, to tell which features are important; its steps are {kinds}."
        )
    step = steps[found[0]]
    if not hasattr(step, "groups_"):
        raise NotFittedError(
            "This pipeline is not fitted yet, so that it relies on nothing. Call "
            "fit(particles, y) first."
        )
    return found[0], step


def _model_has(method):
    """Return a check that the model in a _GroupedModel has a method."""

    def check(grouped):
        getattr(grouped.model, method)
        return True

    return check


class _GroupedModel(ClassifierMixin, BaseEstimator):
    """The end of a pipeline that takes, for each group of features, a row number."""

    def __init__(self, model, measured, columns):
        self.model = model
        self.measured = measured
        self.columns = columns

    @property
    def classes_(self):
        return self.model.classes_

    def fit(self, X, y=None):
        """Do nothing: the model is fitted."""
        return self

    def predict(self, X):
        return self.model.predict(self._look_up(X))

    @available_if(_model_has("predict_proba"))
    def predict_proba(self, X):
        return self.model.predict_proba(self._look_up(X))

    @available_if(_model_has("decision_function"))
    def decision_function(self, X):
        return self.model.decision_function(self._look_up(X))

    def _look_up(self, rows):
        """Return features, those of a group from the row that is named for it."""
        features = np.array(self.measured)
        for row, columns in zip(rows.T, self.columns, strict=True):
            features[:, columns] = features[np.ix_(row, columns)]
        if isinstance(self.measured, pd.DataFrame):
            return pd.DataFrame(features, columns=self.measured.columns)
        return features


class FeatureGroupImportanceDisplay:
    """Bars that show how much a model relies on each group of features.

    Make it by :meth:`from_estimator`.

    Parameters
    ----------
    importances : DataFrame
        As from :func:`feature_group_importance`.
    score_name : str, default="score"
        Name of the score that drops.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the bars.
    figure_ : matplotlib Figure
        Figure that holds them.
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
        self.importances = importances
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        model,
        particles,
        y,
        *,
        scoring="balanced_accuracy",
        n_repeats=10,
        n_jobs=None,
        random_state=None,
        ax=None,
    ):
        """Measure and draw the importance of each group of features.

        Parameters
        ----------
        model : Pipeline
            Fitted pipeline with a :class:`ParticleFeatures`.
        particles : particle table, list of 2-D arrays or array
            Particles to score the model by, best such as it was not fitted on.
        y : array-like of shape (n_samples,)
            Classes of the particles.
        scoring : str or callable, default="balanced_accuracy"
            Scorer of scikit-learn.
        n_repeats : int, default=10
            How often each group is shuffled.
        n_jobs : int, default=None
            Number of groups that are shuffled at once; -1 means one for each core.
        random_state : int, RandomState instance or None, default=None
            Seed of the shuffling.
        ax : matplotlib Axes, default=None
            Where to draw; by default into a new figure.

        Returns
        -------
        display : FeatureGroupImportanceDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the pipeline has no :class:`ParticleFeatures`.
        TypeError
            If the model is no pipeline.
        """
        importances = feature_group_importance(
            model,
            particles,
            y,
            scoring=scoring,
            n_repeats=n_repeats,
            n_jobs=n_jobs,
            random_state=random_state,
        )
        name = scoring.replace("_", " ") if isinstance(scoring, str) else "score"
        return cls(importances, score_name=name).plot(ax=ax)

    def plot(self, ax=None, *, color="C0"):
        """Draw a bar for each group, with its standard deviation over the repeats.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; by default into a new figure.
        color : str, default="C0"
            Colour of the bars.

        Returns
        -------
        display : FeatureGroupImportanceDisplay
            The display itself.
        """
        table = self.importances
        size = (6.4, 1 + 0.28 * len(table))
        self.ax_ = ax = get_axes(ax, size, layout="constrained")[0, 0]
        self.figure_ = ax.figure
        places = np.arange(len(table))
        self.bars_ = ax.barh(
            places, table["mean"], xerr=table["std"], color=color, ecolor="0.3"
        )
        ax.set_yticks(places, table.index)
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.axvline(0, color="0.3", linewidth=0.8)
        ax.set(
            xlabel=f"drop of {self.score_name} when shuffled",
            ylabel="group of features",
        )
        return self
