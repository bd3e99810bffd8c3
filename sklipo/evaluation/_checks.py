"""What cross-validation asks of labels, groups and folds before it begins."""

import warnings
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.utils import check_consistent_length

from ..metrics._labels import check_labels


def check_labels_and_groups(X, y, groups):
    """Return labels and groups as arrays of the right length without gaps."""
    check_consistent_length(X, y, groups)
    y = check_labels(y)
    if groups is not None:
        groups = check_labels(groups, name="groups")
    elif "micrograph" in getattr(X, "columns", ()):
        warnings.warn(
            "The particles have a column 'micrograph', but groups is None. Particles "
            "of one micrograph can then be trained on and tested, which makes scores "
            "look better than they are. Pass groups=X['micrograph'], or drop the "
            "column.",
            UserWarning,
            stacklevel=3,
        )
    return y, groups


def make_folds(X, y, groups, cv):
    """Return the folds as pairs of indices after checking that they can work."""
    counts = pd.Series(y).value_counts()
    if len(counts) < 2:
        raise ValueError(
            f"All particles are of class {counts.index[0]!r}; expected two or more."
        )
    if isinstance(cv, Integral):
        _check_class_sizes(counts, cv)
        _check_number_of_groups(groups, cv)
        cv = StratifiedKFold(cv) if groups is None else StratifiedGroupKFold(cv)
    folds = list(check_cv(cv).split(X, y, groups))
    tested = np.concatenate([test for _, test in folds])
    if not np.array_equal(np.sort(tested), np.arange(len(y))):
        raise ValueError(
            f"{cv} does not test every particle exactly once; expected a splitter "
            "such as StratifiedKFold or StratifiedGroupKFold."
        )
    if groups is not None:
        _check_leaks(folds, groups)
    return folds


def warn_of_missing_classes(classes, y, folds):
    """Warn of folds that can't learn, or can't test, a class."""
    for verb, part in (("train", 0), ("test", 1)):
        lacking = {}
        for i, fold in enumerate(folds):
            for label in np.setdiff1d(classes, y[fold[part]]).tolist():
                lacking.setdefault(label, []).append(i)
        if lacking:
            fate = "it is never predicted" if verb == "train" else "its metrics are NaN"
            which = "; ".join(f"{label!r} in {i}" for label, i in lacking.items())
            warnings.warn(
                f"Folds that {verb} without any particle of a class: {which}. There, "
                f"{fate}. Fewer folds may have it everywhere.",
                UserWarning,
                stacklevel=3,
            )


def _check_leaks(folds, groups):
    """Refuse folds that test a group that they train on."""
    for i, (train, test) in enumerate(folds):
        shared = np.intersect1d(groups[train], groups[test])
        if len(shared):
            raise ValueError(
                f"Fold {i} tests group {shared.tolist()[0]!r}, which it trains on, too "
                f"({len(shared)} such groups). Take a splitter that keeps groups "
                "together, such as StratifiedGroupKFold, or cv as a number."
            )


def _check_number_of_groups(groups, n_folds):
    """Refuse more folds than there are groups."""
    n_groups = n_folds if groups is None else len(np.unique(groups))
    if n_groups < n_folds:
        raise ValueError(
            f"There are {n_groups} groups, fewer than the {n_folds} folds. Take "
            f"cv={n_groups} or less."
            if n_groups > 1
            else f"All particles are of one group; expected {n_folds} groups or more, "
            "one for each fold."
        )


def _check_class_sizes(counts, n_folds):
    """Refuse classes that can't be in every fold."""
    small = counts[counts < n_folds]
    if len(small):
        raise ValueError(
            f"Class {small.index[0]!r} has {small.iloc[0]} particles, fewer than the "
            f"{n_folds} folds. Take cv={max(2, small.min())} or less, or merge or drop "
            "the class."
        )
