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


def split_each_class(codes, classes, fraction, random_state, groups=None):
    """Return the sorted rows of a training and of a validation set.

    At least one sample of each class goes into either. Whole groups are set aside, but
    for classes of which none could be.
    """
    is_valid = np.zeros(len(codes), dtype=bool)
    if groups is not None:
        is_valid = _choose_groups(codes, fraction, random_state, groups)[groups]
    order = random_state.permutation(len(codes))
    for code in np.unique(codes):
        rows = order[codes[order] == code]
        if len(rows) < 2:
            raise ValueError(
                "early_stopping=True sets samples of each class aside and needs two of "
                f"each or more, but class {classes.tolist()[code]!r} has 1 sample."
            )
        if is_valid[rows].any():
            continue
        n_valid = np.clip(round(fraction * len(rows)), 1, len(rows) - 1)
        is_valid[rows[:n_valid]] = True
    return np.flatnonzero(~is_valid), np.flatnonzero(is_valid)


def _choose_groups(codes, fraction, random_state, groups):
    """Return for each group whether it is set aside.

    Each class keeps a group to train on, and gives less than twice its share.
    """
    codes = np.unique(codes, return_inverse=True)[1]
    table = np.zeros((groups.max() + 1, codes.max() + 1), dtype=int)
    np.add.at(table, (groups, codes), 1)
    targets = np.maximum(fraction * table.sum(axis=0), 1)
    n_left, n_chosen = (table > 0).sum(axis=0), np.zeros_like(targets)
    is_chosen = np.zeros(len(table), dtype=bool)
    order = random_state.permutation(len(table))
    # Classes in few groups have the least choice, and so the first.
    for code in np.argsort(n_left, kind="stable"):
        for group in order[(table[order, code] > 0) & ~is_chosen[order]]:
            sizes = table[group]
            gets_nearer = 2 * n_chosen[code] + sizes[code] < 2 * targets[code]
            is_small = (sizes == 0) | (n_chosen + sizes < 2 * targets)
            if gets_nearer and is_small.all() and (n_left > (sizes > 0)).all():
                is_chosen[group] = True
                n_chosen += sizes
                n_left -= sizes > 0
    return is_chosen
