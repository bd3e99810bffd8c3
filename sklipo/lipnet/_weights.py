"""Weights of the samples, and the split for early stopping."""

from numbers import Real

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from .class_weights import DeferredClassWeight


def class_weight_at(class_weight, progress):
    """Return the class weights that count when a part of the training is done."""
    if not isinstance(class_weight, DeferredClassWeight):
        return class_weight
    return class_weight.class_weight if progress >= class_weight.start else None


def weigh(class_weight, classes, codes, weights):
    """Multiply sample weights by class weights and scale them to a mean of 1."""
    if class_weight == "balanced":
        totals = np.bincount(codes, weights, minlength=len(classes))
        weights = weights * (weights.sum() / (len(classes) * totals[codes]))
    else:
        given = class_weight.values() if isinstance(class_weight, dict) else ()
        if not all(isinstance(value, Real) and 0 <= value < np.inf for value in given):
            raise ValueError(
                f"class_weight={class_weight!r}; weights are numbers, finite and not "
                "negative."
            )
        by_class = compute_class_weight(class_weight, classes=classes, y=classes)
        weights = weights * by_class[codes]
    with np.errstate(over="ignore"):
        total = weights.sum()
    if not np.isfinite(total):
        raise ValueError(
            "sample_weight and class_weight add up to infinity. Divide them by the "
            "largest."
        )
    if not weights.any():
        raise ValueError(
            f"class_weight={class_weight!r} gives weight zero to every sample."
        )
    return weights / weights.mean()


def split_each_class(codes, classes, fraction, random_state):
    """Return the sorted rows of a training and of a validation set.

    At least one sample of each class goes into either.
    """
    order = random_state.permutation(len(codes))
    is_valid = np.zeros(len(codes), dtype=bool)
    for code in np.unique(codes):
        rows = order[codes[order] == code]
        if len(rows) < 2:
            raise ValueError(
                "early_stopping=True sets samples of each class aside and needs two of "
                f"each or more, but class {classes.tolist()[code]!r} has 1 sample."
            )
        n_valid = np.clip(round(fraction * len(rows)), 1, len(rows) - 1)
        is_valid[rows[:n_valid]] = True
    return np.flatnonzero(~is_valid), np.flatnonzero(is_valid)
