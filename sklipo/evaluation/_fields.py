"""The fields of a result of cross-validation, as arrays that agree with each other."""

import numpy as np
import pandas as pd

from ..particles._labels import check_labels, check_values, find_classes
from ..particles._probabilities import check_probabilities
from ._checks import check_unsure

# What two results that are compared must share, and what it tells.
_COMPARED = {
    "classes": "classes",
    "y_true": "particles",
    "index": "particles",
    "groups": "groups",
    "folds": "folds",
}


def check_fields(
    *,
    classes,
    y_true,
    y_pred,
    folds,
    y_proba,
    groups,
    index,
    fit_times,
    score_times,
    estimators,
    unsure,
):
    """Return all fields that the others are held against, by name."""
    y_true = check_labels(y_true, name="y_true")
    n_samples = len(y_true)
    y_pred = check_labels(y_pred, n_samples, name="y_pred")
    classes = find_classes(y_true, y_pred, classes=classes)
    if unsure is not None:
        unsure = _check_abstention(unsure, classes, y_true, y_proba)
    folds = _check_folds(folds, n_samples)
    n_folds = folds.max() + 1
    if y_proba is not None:
        y_proba = check_probabilities(y_proba, n_samples, classes, allow_nan=True)
        if unsure is not None and (y_proba[:, -1] > 0).any():
            raise ValueError(
                f"y_proba is not 0 for unsure={unsure!r}, its last column; "
                "expected zeros, as no particle truly is unsure."
            )
    if groups is not None:
        groups = check_values(groups, n_samples, name="groups")
    if index is not None:
        # A row may be named by several levels, which an array of values has not.
        if not isinstance(index, pd.Index):
            index = pd.Index(check_values(index, n_samples, name="index"))
        _check_length("index", index, n_samples, "particles")
    of_folds = {
        "fit_times": fit_times,
        "score_times": score_times,
        "estimators": estimators,
    }
    for name, values in of_folds.items():
        if values is not None:
            _check_length(name, values, n_folds, "folds")
    return {
        "classes": classes,
        "y_true": y_true,
        "y_pred": y_pred,
        "folds": folds,
        "y_proba": y_proba,
        "groups": groups,
        "index": index,
        "unsure": unsure,
    }


def check_comparable(result, other):
    """Raise an error if another result is not of the same particles and folds."""
    if not isinstance(other, type(result)):
        raise TypeError(
            f"other is a {type(other).__name__}; expected what "
            "cross_validate_particles returns."
        )
    if result.unsure != other.unsure:
        raise ValueError(
            "The results are not of the same classes: unsure is "
            f"{result.unsure!r} in the first and {other.unsure!r} in the other. "
            "Compare models that both leave particles undecided, or neither; summary() "
            "tells about each."
        )
    for name, what in _COMPARED.items():
        ours, theirs = getattr(result, name), getattr(other, name)
        # Arrays have no index, and results without groups compare with all others.
        is_open = name in ("index", "groups") and (ours is None or theirs is None)
        if not is_open and not np.array_equal(ours, theirs):
            raise ValueError(
                f"The results are not of the same {what} ({name} differs). "
                "Cross-validate both estimators with the same X, y, groups and cv."
            )


def _check_folds(folds, n_samples):
    """Return the number of the fold of each particle: 0, 1, 2, ..., none left out."""
    folds = check_values(folds, n_samples, name="folds")
    numbers = np.unique(folds)
    if folds.dtype.kind not in "iuf" or not np.array_equal(
        numbers, np.arange(len(numbers))
    ):
        raise ValueError(
            f"folds holds {numbers[:10].tolist()}; expected the number of a fold for "
            "each particle, from 0 on without a gap. numpy.unique(folds, "
            "return_inverse=True)[1] numbers them so."
        )
    return folds.astype(int)


def _check_abstention(unsure, classes, y_true, y_proba):
    """Return what stands for "not decided": the last class, which nothing truly is."""
    if unsure != classes[-1].item():
        raise ValueError(
            f"unsure={unsure!r} is not the last of the classes {classes.tolist()}; "
            "expected it at their end, where confusion matrices have its column."
        )
    unsure = check_unsure(unsure, classes[:-1])
    if (y_true == unsure).any():
        raise ValueError(
            f"y_true holds unsure={unsure!r}; expected true classes only, and "
            "unsure among predictions."
        )
    shape = np.shape(y_proba)
    if len(shape) == 2 and shape[1] == len(classes) - 1:
        raise ValueError(
            f"y_proba has {shape[1]} columns, none for unsure={unsure!r}; "
            "expected one of zeros at the end: numpy.pad(y_proba, [(0, 0), (0, 1)])."
        )
    return unsure


def _check_length(name, values, n_expected, what):
    """Raise an error if a field has not a value for each particle or fold."""
    n_values = len(values) if hasattr(values, "__len__") else 0
    if n_values != n_expected:
        raise ValueError(
            f"{name}, a {type(values).__name__}, has {n_values} values for "
            f"{n_expected} {what}; expected one each."
        )
