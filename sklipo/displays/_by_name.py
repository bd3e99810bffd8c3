"""One model, result or set of predictions, or a dict of several by name."""

from collections.abc import Mapping

import numpy as np
from sklearn.utils.validation import check_is_fitted


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
                "cross_validate_particles returns, or a dict of several by name."
            )
    check_same_classes({name: result.kinds for name, result in results.items()})
    return dict(results)


def named_estimators(estimators):
    """Return fitted estimators by name; a single one has the name ''."""
    is_dict = isinstance(estimators, Mapping)
    estimators = dict(estimators) if is_dict else {"": estimators}
    if not estimators:
        raise ValueError("The dict of estimators is empty; expected one or more.")
    for estimator in estimators.values():
        check_is_fitted(estimator)
    return estimators


def named_predictions(y_pred):
    """Return predictions by the name of their model; a single one has the name ''."""
    named = dict(y_pred) if isinstance(y_pred, Mapping) else {"": y_pred}
    if not named:
        raise ValueError("The dict of predictions is empty; expected one or more.")
    return named


def only_one(given, what):
    """Return the argument, unless it is a dict of several."""
    if isinstance(given, Mapping):
        raise TypeError(
            f"A gallery shows one {what} at a time, but a dict with {list(given)} was "
            "given; pass one of them."
        )
    return given


def check_same_classes(classes):
    """Raise an error if the classes differ between models."""
    (first, expected), *others = classes.items()
    for name, found in others:
        if not np.array_equal(found, expected):
            raise ValueError(
                f"The models have different classes: {first!r} has "
                f"{np.asarray(expected).tolist()}, {name!r} has "
                f"{np.asarray(found).tolist()}. Draw them apart."
            )
