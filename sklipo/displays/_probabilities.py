"""Probabilities of classes, from models, results or the user."""

import numpy as np

from .._steps import last_step, predict_both
from ..particles._labels import find_classes
from ..particles._probabilities import check_probabilities, class_names
from ..tags import has_tag

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


def predict_with_classes(estimator, X):
    """Return predictions, and probabilities with the classes of their columns.

    The last two are None where there are none. What is predicted for undecided samples
    has a column of zeros.
    """
    y_pred, y_proba = predict_both(estimator, X)
    if y_proba is None:
        return y_pred, None, None
    last = last_step(estimator)
    if not has_tag(last, "abstains"):
        return y_pred, y_proba, estimator.classes_
    classes = np.append(estimator.classes_, last.unsure)
    return y_pred, np.pad(y_proba, [(0, 0), (0, 1)]), classes


def result_probabilities(result, name=""):
    """Return the probabilities of the kinds in a result, or say how to get some."""
    if result.y_proba is None:
        raise ValueError(
            f"The result{f' of {name}' if name else ''} has no probabilities, as its "
            f"model gives none: {HOW_TO_GET}."
        )
    # Nothing is unsure with any probability.
    return result.y_proba[:, : len(result.kinds)]


def probability_of(y_proba, y_pred, classes):
    """Return the probability of the predicted class of each sample."""
    column_of = {label: column for column, label in enumerate(classes.tolist())}
    columns = [column_of[label] for label in y_pred.tolist()]
    return y_proba[np.arange(len(y_pred)), columns]


def check_columns(y_proba, *labels, classes=None):
    """Return checked probabilities, and the classes of their columns.

    By default these are the names of the columns, if all labels are among them, or all
    classes that occur.
    """
    names = class_names(y_proba) if hasattr(y_proba, "columns") else ()
    # Those of results name classes as text.
    occurring = {str(label): label for label in np.concatenate(labels).tolist()}
    if classes is None and set(occurring) <= set(map(str, names)):
        classes = [occurring.get(str(name), name) for name in names]
    classes = find_classes(*labels, classes=classes)
    return check_probabilities(y_proba, len(labels[-1]), classes), classes
