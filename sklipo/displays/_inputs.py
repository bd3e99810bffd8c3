"""What displays are given: results, models, labels and probabilities, checked."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

HOW_TO_GET = (
    "make_svc_pipeline(probability=True) makes an SVM that has them, LipNetClassifier "
    "has them always, and CalibratedClassifierCV adds them to any other classifier"
)


def named_results(results):
    """Return results by the name of their model; a single one has the name ''."""
    if not isinstance(results, Mapping):
        results = {"": results}
    if not results:
        raise ValueError("results is empty; expected one result or more.")
    for name, result in results.items():
        if not hasattr(result, "confusion_counts"):
            where = f"results[{name!r}]" if name else "results"
            raise TypeError(
                f"{where} is a {type(result).__name__}; expected what "
                "cross_validate_particles returns, or a dict of such by name."
            )
    _check_same_classes({name: result.classes for name, result in results.items()})
    return dict(results)


def named_models(models):
    """Return fitted models by name; a single one has the name ''."""
    models = dict(models) if isinstance(models, Mapping) else {"": models}
    if not models:
        raise ValueError("The dict of models is empty; expected one model or more.")
    for model in models.values():
        check_is_fitted(model)
    return models


def named_predictions(y_pred):
    """Return predictions by the name of their model; a single one has the name ''."""
    return dict(y_pred) if isinstance(y_pred, Mapping) else {"": y_pred}


def only_one(given, what):
    """Return what was given, unless it is a dict of several."""
    if isinstance(given, Mapping):
        raise TypeError(
            f"A gallery shows one {what} at a time, but a dict with {list(given)} was "
            "given; pass one of them."
        )
    return given


def check_choice(name, value, known):
    """Refuse a value that is not among those known."""
    if value not in known:
        raise ValueError(f"{name}={value!r}; expected one of {list(known)}.")


def check_labels(y, n_samples=None, *, name="y"):
    """Return labels as a 1-D array without missing ones, as many as samples."""
    # NumPy writes a missing label in a list of strings as the string "nan".
    is_missing = pd.isna(np.asarray(y, dtype=object))
    y = np.asarray(y)
    if y.ndim != 1:
        raise ValueError(f"{name} has {y.ndim} dimensions; expected one label a row.")
    if n_samples is not None and len(y) != n_samples:
        raise ValueError(
            f"{name} has {len(y)} labels for {n_samples} particles; expected one each."
        )
    if not len(y):
        raise ValueError(f"{name} is empty; there is nothing to show.")
    missing = np.flatnonzero(is_missing)
    if len(missing):
        raise ValueError(
            f"{name} has no label in row {missing[0]} ({len(missing)} such rows in "
            "all). Drop these rows, or give them a class of their own."
        )
    return y


def find_classes(*labels, classes=None):
    """Return the classes: those given, or all that occur, sorted."""
    found = np.unique(np.concatenate(labels))
    if classes is None:
        return found
    classes = np.asarray(classes)
    unknown = [label for label in found.tolist() if label not in classes.tolist()]
    if unknown:
        raise ValueError(
            f"The labels have class {unknown[0]!r}, which is not among classes "
            f"{classes.tolist()}."
        )
    return classes


def check_probabilities(y_proba, n_samples, classes):
    """Return probabilities as an array with a row per sample and a column per class."""
    y_proba = np.asarray(y_proba, float)
    if y_proba.shape != (n_samples, len(classes)):
        raise ValueError(
            f"y_proba has shape {y_proba.shape}; expected {(n_samples, len(classes))}: "
            f"a row per particle and a column for each of the classes "
            f"{classes.tolist()}. If other classes have columns too, pass classes."
        )
    # Sums of float32 may leave the interval by a rounding error; NaN stays in.
    if not ((y_proba > -1e-4) & (y_proba < 1 + 1e-4)).all():
        raise ValueError("y_proba has values outside 0..1, or NaN.")
    return np.clip(y_proba, 0, 1)


def predict_probabilities(model, X, name=""):
    """Return the probabilities that a fitted model gives, or say how to get some."""
    if not hasattr(model, "predict_proba"):
        raise ValueError(
            f"{name or type(model).__name__} has no predict_proba, so there are no "
            f"probabilities to show: {HOW_TO_GET}."
        )
    return model.predict_proba(X)


def result_probabilities(result, name=""):
    """Return the probabilities of a cross-validation, or say how to get some."""
    if result.y_proba is None:
        raise ValueError(
            f"The result{f' of {name}' if name else ''} has no probabilities, as its "
            f"model gives none: {HOW_TO_GET}."
        )
    return result.y_proba


def _check_same_classes(classes):
    """Refuse results about different classes."""
    (first, expected), *others = classes.items()
    for name, found in others:
        if not np.array_equal(found, expected):
            raise ValueError(
                f"The results have different classes: {first!r} has "
                f"{np.asarray(expected).tolist()}, {name!r} has "
                f"{np.asarray(found).tolist()}. Draw them apart."
            )
