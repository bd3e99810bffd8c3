"""Probabilities of classes: a row per sample and a column per class."""

import numpy as np
from sklearn.utils import check_array

# What the names of the columns of results begin with.
PROBABILITY = "probability_"
# Probabilities that were written with two digits are off by so much, each.
_ROUNDED = 0.005


def check_probabilities(y_proba, n_samples, classes, *, allow_nan=False):
    """Return probabilities as an array with a row per sample and a column per class."""
    _check_column_names(y_proba, classes)
    y_proba = _as_floats(y_proba)
    if y_proba.shape != (n_samples, len(classes)):
        raise ValueError(
            f"y_proba has shape {y_proba.shape}; expected {(n_samples, len(classes))}: "
            f"a row for each sample and a column for each of the classes "
            f"{np.asarray(classes).tolist()}. If other classes have columns too, pass "
            "all classes in the order of the columns."
        )
    # Sums of float32 may leave the interval by a rounding error.
    is_outside = (y_proba < -1e-4) | (y_proba > 1 + 1e-4)
    if not allow_nan:
        is_outside |= np.isnan(y_proba)
    if is_outside.any():
        row, column = np.argwhere(is_outside)[0]
        raise ValueError(
            f"y_proba is {y_proba[row, column]:g} in row {row}, column {column}; "
            "expected probabilities from 0 to 1, as predict_proba returns them."
        )
    sums = y_proba.sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1) > _ROUNDED * len(classes) + 1e-4)
    if len(wrong):
        raise ValueError(
            f"y_proba sums up to {sums[wrong[0]]:g} in row {wrong[0]} ({len(wrong)} "
            "such rows in all); expected 1, as predict_proba returns them. Divide each "
            "row by its sum if its classes exclude each other."
        )
    return np.clip(y_proba, 0, 1)


def class_names(y_proba):
    """Return the names of a table's columns, less what those of results begin with."""
    names = y_proba.columns
    if len(names) and all(str(name).startswith(PROBABILITY) for name in names):
        return [name.removeprefix(PROBABILITY) for name in names]
    return names


def _as_floats(y_proba):
    """Return probabilities as an array of floats of any shape; masked ones are NaN."""
    if isinstance(y_proba, np.ma.MaskedArray):
        y_proba = y_proba.astype(float).filled(np.nan)
    try:
        return check_array(
            y_proba,
            dtype=[np.float64, np.float32],
            ensure_2d=False,
            allow_nd=True,
            ensure_min_samples=0,
            ensure_all_finite=False,
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"y_proba, a {type(y_proba).__name__}, cannot be read as an array of "
            f"probabilities: {error}."
        ) from error


def _check_column_names(y_proba, classes):
    """Refuse a table whose columns are the classes in another order."""
    if not hasattr(y_proba, "columns"):
        return
    names, classes = ([str(x) for x in xs] for xs in (class_names(y_proba), classes))
    if names != classes and sorted(names) == sorted(classes):
        raise ValueError(
            f"y_proba has columns {list(y_proba.columns)}, but the classes are in the "
            f"order {classes}. Pass the columns in that order."
        )
