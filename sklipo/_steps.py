"""The last step of a pipeline, and the way of data through the steps before it."""

from sklearn.frozen import FrozenEstimator

# Private part of scikit-learn: the base of all searches, which nothing public tells
# from other meta-estimators.
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

from .tags import has_tag


def last_step(estimator):
    """Return the estimator at the end of pipelines and searches, however nested.

    A frozen estimator stands for the one inside, a fitted search for its
    ``best_estimator_``, one that is not fitted for the ``estimator`` that it tries out.
    Other meta-estimators, such as ``CalibratedClassifierCV``, are last steps
    themselves: their predictions are not those of the estimator inside.
    """
    return split_last_step(estimator)[1]


def split_last_step(estimator):
    """Return the list of (name, step) before the last step, and the last step.

    The list is that of a flat pipeline; :func:`last_step` tells what is looked into.
    """
    before = []
    while True:
        if isinstance(estimator, Pipeline):
            before += estimator.steps[:-1]
            estimator = estimator.steps[-1][1]
        elif isinstance(estimator, FrozenEstimator):
            estimator = estimator.estimator
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, BaseSearchCV):
            estimator = estimator.estimator
        else:
            return before, estimator


def transform_by(steps, X):
    """Take X through fitted steps of a pipeline as ``predict`` does, without samplers.

    Steps that are skipped, such as ``"passthrough"``, transform nothing.
    """
    for _, step in steps:
        if hasattr(step, "transform"):
            X = step.transform(X)
    return X


def predict_both(estimator, X):
    """Return predicted labels and, where the estimator has them, probabilities.

    Probabilities are None where it has none. The steps before the last one transform X
    once for both.
    """
    before, last = split_last_step(estimator)
    X = transform_by(before, X)
    if not hasattr(last, "predict_proba"):
        return last.predict(X), None
    if has_tag(last, "abstains"):
        y_pred, y_proba = predict_both(last.estimator_, X)
        return last.decide(y_pred, y_proba), y_proba
    y_proba = last.predict_proba(X)
    # The labels follow from the probabilities, so a network runs once, not twice.
    if has_tag(last, "predicts_most_probable"):
        return last.classes_[y_proba.argmax(axis=1)], y_proba
    return last.predict(X), y_proba
