"""What all measures of a class have in common: labels, averages and warnings."""

import warnings

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils.multiclass import unique_labels

from ._counts import class_measures, mean_over_classes


def count(y_true, y_pred, labels=None):
    """Return the labels asked for and the confusion matrix with these ones first.

    Classes that are not asked for come after them: they are still among the others.
    """
    present = unique_labels(y_true, y_pred)
    labels = present if labels is None else np.asarray(labels)
    everything = pd.Index(np.concatenate([labels, np.setdiff1d(present, labels)]))
    counts = np.zeros((len(everything), len(everything)), int)
    np.add.at(counts, tuple(everything.get_indexer(y) for y in (y_true, y_pred)), 1)
    return labels, counts


def measure(name, y_true, y_pred, labels, average):
    """Return a measure of the classes, or its mean over them."""
    labels, counts = count(y_true, y_pred, labels)
    values = class_measures(counts)[name][: len(labels)]
    return average_classes(name, values, labels, average)


def average_classes(name, values, labels, average):
    """Return the values or their mean, with a warning that names undefined classes."""
    if average not in ("macro", None):
        raise ValueError(f"average={average!r}; expected 'macro' or None.")
    undefined = np.isnan(values)
    if undefined.any():
        fate = "NaN" if average is None or undefined.all() else "left out of the mean"
        warnings.warn(
            f"{name} is undefined for {labels[undefined].tolist()}: there are no "
            f"samples to measure it by. It is {fate}.",
            UndefinedMetricWarning,
            stacklevel=4,
        )
    return values if average is None else float(mean_over_classes(values))
