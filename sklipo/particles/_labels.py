"""Labels of samples: one a row, none missing, and all of one kind."""

from collections.abc import Hashable
from numbers import Real

import numpy as np
import pandas as pd

from ._warnings import warn_caller

# Tables of all pairs of classes grow by the square of their number.
_MOST_CLASSES = 1000


def check_labels(y, n_samples=None, *, name="y"):
    """Return class labels as a 1-D array of numbers or text, one for each sample."""
    y = check_values(y, n_samples, name=name)
    # ISO dates and bytes sort and compare, but scikit-learn takes neither as a class.
    if y.dtype.kind not in "biufU":
        raise TypeError(
            f"{name} holds {_kind(y[0])} ({y[0]!r}); expected names or numbers of "
            "classes. Convert them to text."
        )
    if y.dtype.kind == "f":
        rows = np.flatnonzero(y != np.rint(np.where(np.isinf(y), np.nan, y)))
        if len(rows):
            raise ValueError(
                f"{name} holds {y[rows[0]]} in row {rows[0]}; expected names or whole "
                "numbers of classes, not measured values."
            )
    return y


def check_values(y, n_samples=None, *, name):
    """Return one value a row as a 1-D array without missing ones, all of one kind."""
    values = one_a_row(y, name)
    if n_samples is not None and len(values) != n_samples:
        raise ValueError(
            f"{name} has {len(values)} values for {n_samples} particles; expected one "
            "each."
        )
    if not len(values):
        raise ValueError(f"{name} is empty; expected one value or more.")
    missing = np.flatnonzero(pd.isna(values))
    if len(missing):
        raise ValueError(
            f"{name} is missing in row {missing[0]} ({len(missing)} such rows in all). "
            "Drop these rows, or name what they are."
        )
    if values.dtype != object:
        return values
    first_rows = {}
    for row, value in enumerate(values):
        first_rows.setdefault(_kind(value), row)
    if len(first_rows) > 1:
        (one, _), (other, row) = list(first_rows.items())[:2]
        raise TypeError(
            f"{name} mixes {one} with {other}: {values[0]!r} in row 0, {values[row]!r} "
            f"in row {row}. Make all of them the same, for example by astype(str)."
        )
    return _without_objects(values)


def one_a_row(y, name):
    """Return the values as a 1-D array; a column or one-column table counts as such."""
    is_masked = isinstance(y, np.ma.MaskedArray)
    if is_masked and y.dtype.kind in "OUSbiuf":
        y = np.where(np.ma.getmaskarray(y), None, y.data.astype(object))
    # NumPy makes text of [1, "1"], and the string "nan" of a missing one among strings.
    dtype = getattr(y, "dtype", None)
    is_plain = isinstance(dtype, np.dtype) and dtype.kind in "biufcUM"
    try:
        values = np.asarray(y, dtype=None if is_plain else object)
    except ValueError as error:
        raise ValueError(
            f"{name} is a {type(y).__name__} of rows of unequal lengths; expected one "
            "value a row."
        ) from error
    if values.ndim == 2 and values.shape[1] == 1:
        return values[:, 0]
    if values.ndim != 1:
        found = f"has shape {values.shape}" if values.ndim else "is no sequence"
        raise ValueError(
            f"{name}, a {type(y).__name__}, {found}; expected one value a row."
        )
    return values


def check_names(values, n_samples=None, *, name):
    """Return names or numbers of groups, one a row, as an array."""
    values = check_values(values, n_samples, name=name)
    if not isinstance(values[0], Hashable):
        raise TypeError(
            f"{name} holds {type(values[0]).__name__}; expected names or numbers of "
            "groups."
        )
    return values


def check_predictions(y_true, y_pred, labels=None):
    """Return true and predicted classes as arrays, and the labels asked for.

    By default these are all that occur, sorted.
    """
    warn_of_other_order(y_true, y_pred, "y_true", "y_pred")
    y_true = check_labels(y_true, name="y_true")
    y_pred = check_labels(y_pred, name="y_pred")
    if len(y_true) != len(y_pred):
        raise ValueError(
            f"y_true has {len(y_true)} labels and y_pred {len(y_pred)}; expected as "
            "many, in the same order."
        )
    check_same_kind({"y_true": y_true, "y_pred": y_pred})
    if labels is None:
        return y_true, y_pred, _sorted_classes(y_true, y_pred)
    return y_true, y_pred, check_classes(labels, y_true, name="labels")


def check_classes(classes, like, *, name="classes"):
    """Return names of classes as an array, each once, of the same kind as labels."""
    classes = check_labels(classes, name=name)
    check_same_kind({"y": like, name: classes})
    values, counts = np.unique(classes, return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            f"{name} has {values[counts > 1][0].item()!r} {counts.max()} times; "
            "expected each class once."
        )
    return classes


def find_classes(*labels, classes=None):
    """Return the classes given, or all that occur, sorted."""
    for other in labels[1:]:
        check_same_kind({"y_true": labels[0], "y_pred": other})
    found = _sorted_classes(*labels)
    if classes is None:
        return found
    classes = check_classes(classes, found)
    unknown = np.setdiff1d(found, classes)
    if len(unknown):
        raise ValueError(
            f"The labels have class {unknown[0].item()!r}, which is not among classes "
            f"{classes.tolist()}."
        )
    return classes


def encode(labels, classes):
    """Return the position of each label among the classes, -1 where it is not."""
    order = np.argsort(classes)
    places = np.searchsorted(classes, labels, sorter=order).clip(max=len(classes) - 1)
    codes = order[places]
    return np.where(classes[codes] == labels, codes, -1)


def warn_of_other_order(one, other, name, other_name):
    """Warn if two tables have the same rows in another order: no index is looked at."""
    index, other_index = getattr(one, "index", None), getattr(other, "index", None)
    if not isinstance(index, pd.Index) or not isinstance(other_index, pd.Index):
        return
    if index.equals(other_index) or len(index) != len(other_index):
        return
    if index.is_unique and index.isin(other_index).all() and other_index.is_unique:
        warn_caller(
            f"{name} and {other_name} have the same index in another order. Rows are "
            f"matched by their position, not by their index. Pass {other_name}.loc["
            f"{name}.index] if the index is right, or arrays if the position is.",
        )


def _sorted_classes(*labels):
    """Return all classes that occur, unless these are no classes but identifiers."""
    classes = np.unique(np.concatenate(labels))
    if len(classes) > _MOST_CLASSES:
        raise ValueError(
            f"The labels have {len(classes)} different values, from "
            f"{classes[0].item()!r} to {classes[-1].item()!r}; expected up to "
            f"{_MOST_CLASSES} classes. Are they names of particles?"
        )
    return classes


def _kind(value):
    """Return the kind of a value in words: all numbers are of one kind."""
    if isinstance(value, Real | np.bool_):
        return "numbers"
    return "text" if isinstance(value, str) else type(value).__name__


def _without_objects(values):
    """Return an array of objects as one of numbers or text where they are such."""
    if isinstance(values[0], str | Real | np.bool_):
        plain = np.array(values.tolist())
        return plain if plain.dtype.kind in "biufU" else values
    return values


def check_same_kind(named):
    """Raise an error if one array holds text and another numbers."""
    (name, one), (other_name, other) = named.items()
    if _kind(one[0]) != _kind(other[0]):
        raise TypeError(
            f"{name} holds {_kind(one[0])} ({one[0].item()!r}), but {other_name} "
            f"{_kind(other[0])} ({other[0].item()!r}). Make both the same, for example "
            "by astype(str)."
        )
