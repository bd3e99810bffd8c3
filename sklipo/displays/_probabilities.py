"""Probabilities of classes, from models, results or the user."""

import numpy as np

HOW_TO_GET = (
    "make_svc_pipeline(probability=True) makes an SVM that has them, LipNetClassifier "
    "always has them, and CalibratedClassifierCV adds them to any other classifier"
)


def predict_probabilities(estimator, X, name=""):
    """Return the probabilities of a fitted model, or say how to get some."""
    if not hasattr(estimator, "predict_proba"):
        raise ValueError(
            f"{name or type(estimator).__name__} has no predict_proba, so there are no "
            f"probabilities to show: {HOW_TO_GET}."
        )
    return estimator.predict_proba(X)


def result_probabilities(result, name=""):
    """Return the probabilities of a cross-validation, or say how to get some."""
    if result.y_proba is None:
        raise ValueError(
            f"The result{f' of {name}' if name else ''} has no probabilities, as its "
            f"model gives none: {HOW_TO_GET}."
        )
    return result.y_proba


def probability_of(y_proba, y_pred, classes):
    """Return the probability of the predicted class of each sample."""
    column_of = {label: column for column, label in enumerate(classes.tolist())}
    columns = [column_of[label] for label in y_pred.tolist()]
    return y_proba[np.arange(len(y_pred)), columns]
