"""Metrics of each class or their mean, with a warning where one is undefined."""

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from ..particles._warnings import warn_caller
from ._confusion import class_metrics, count_pairs, mean_over_classes


def class_metric(name, y_true, y_pred, labels, average):
    """Return a metric of each class, or its mean over them, from checked labels."""
    counts = count_pairs(y_true, y_pred, labels)
    values = class_metrics(counts)[name][: len(labels)]
    return average_classes(name, values, labels, average)


def average_classes(name, values, labels, average):
    """Return the values or their mean, with a warning that names undefined classes."""
    if average is not None and not (isinstance(average, str) and average == "macro"):
        raise ValueError(f"average={average!r}; expected 'macro' or None.")
    undefined = np.isnan(values)
    if undefined.any():
        fate = "NaN" if average is None or undefined.all() else "left out of the mean"
        warn_caller(
            f"{name} is undefined for {labels[undefined].tolist()}: there are no "
            f"samples to compute it from. It is {fate}.",
            UndefinedMetricWarning,
        )
    return values if average is None else float(mean_over_classes(values))
