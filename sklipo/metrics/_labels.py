"""Labels of samples: none missing, and all of known classes."""

import numpy as np
import pandas as pd


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
        raise ValueError(f"{name} is empty; expected one label or more.")
    missing = np.flatnonzero(is_missing)
    if len(missing):
        raise ValueError(
            f"{name} is missing in row {missing[0]} ({len(missing)} such rows in all). "
            "Drop these rows, or name what they are."
        )
    return y


def find_classes(*labels, classes=None):
    """Return the classes given, or all that occur, sorted."""
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
