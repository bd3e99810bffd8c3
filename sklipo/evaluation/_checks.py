"""What cross-validation asks of labels, groups and folds before it begins."""

from collections import Counter
from collections.abc import Iterable
from numbers import Integral
from operator import itemgetter

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

# Private part of scikit-learn: check_consistent_length counts by it.
from sklearn.utils.validation import _num_samples

from ..particles._labels import check_labels, check_values, warn_of_other_order
from ..particles._warnings import warn_caller, warn_without_groups


def check_labels_and_groups(X, y, groups):
    """Return labels and groups as arrays of the right length without gaps."""
    n_samples = _num_samples(X)
    if not n_samples:
        raise ValueError("X has no particles; expected two or more.")
    warn_of_other_order(X, y, "X", "y")
    y = check_labels(y, n_samples)
    if groups is not None:
        warn_of_other_order(X, groups, "X", "groups")
        groups = check_values(groups, n_samples, name="groups")
    else:
        warn_without_groups(
            X,
            "Particles of one micrograph can then be trained on and tested, which "
            "makes scores look better than they are.",
            name="X",
        )
    return y, groups


def check_targets(y):
    """Return labels after scikit-learn's own checks of them, as its estimators do."""
    if y is None or getattr(y, "ndim", 1) == 2:
        y = column_or_1d(y, warn=True)
    # It casts infinite labels to see whether they are whole.
    with np.errstate(invalid="ignore"):
        check_classification_targets(check_values(y, name="y"))
    return y


def check_unsure(unsure, classes, *, any_kind=False):
    """Return the prediction that stands for "not decided", none of the classes.

    ``any_kind`` lets words stand among numbers.
    """
    label = check_labels([unsure], name="unsure")[0]
    unsure = label.item()
    if unsure in classes.tolist():
        raise ValueError(
            f"unsure={unsure!r} is one of the classes {classes.tolist()}; "
            "expected another word or number, by which predictions that were not "
            "decided are known."
        )
    is_same_kind = (classes.dtype.kind == "U") == isinstance(unsure, str)
    if not is_same_kind and not any_kind:
        kind = "words" if classes.dtype.kind == "U" else "numbers"
        example = "'unsure'" if kind == "words" else -1 - abs(int(classes.min()))
        raise TypeError(
            f"unsure={unsure!r}, but the classes are {kind}: "
            f"{classes[:10].tolist()}. Pass one of their kind, for example "
            f"unsure={example}."
        )
    return unsure


def make_folds(X, y, groups, cv):
    """Return the folds as pairs of indices after checking that they can work."""
    counts = Counter(y.tolist())
    if len(counts) < 2:
        raise ValueError(
            f"All particles are of one class, {next(iter(counts))!r}; expected two or "
            "more."
        )
    cv = 5 if cv is None else cv
    if isinstance(cv, Integral):
        if isinstance(cv, bool) or cv < 2:
            raise ValueError(f"cv={cv}; expected 2 folds or more.")
        _check_class_sizes(counts, cv)
        _check_number_of_groups(groups, cv)
        cv = StratifiedKFold(cv) if groups is None else StratifiedGroupKFold(cv)
    pairs = _split(cv, X, y, groups)
    folds = [_check_fold(i, pair, len(y)) for i, pair in enumerate(pairs)]
    _check_each_is_tested_once(folds, len(y))
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
            warn_caller(
                f"Folds that {verb} without any particle of a class: {which}. There, "
                f"{fate}. Fewer folds may have it everywhere.",
            )


def _split(cv, X, y, groups):
    """Return what a splitter yields, or the folds themselves if they are given."""
    if isinstance(cv, type):
        raise TypeError(
            f"cv is the class {cv.__name__}; expected an instance: {cv.__name__}()."
        )
    if isinstance(cv, str) or not (hasattr(cv, "split") or isinstance(cv, Iterable)):
        raise TypeError(
            f"cv={cv!r}; expected a number of folds, a splitter such as "
            "StratifiedGroupKFold(5), or pairs of rows to train on and rows to test."
        )
    return cv.split(X, y, groups) if hasattr(cv, "split") else cv


def _check_fold(i, fold, n_samples):
    """Return a fold as two arrays of row numbers that share none."""
    try:
        train, test = fold
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Fold {i} of cv is a {type(fold).__name__}; expected a pair of arrays, "
            "the rows to train on and the rows to test."
        ) from error
    train = _check_rows(train, f"Fold {i} of cv trains on", n_samples)
    test = _check_rows(test, f"Fold {i} of cv tests", n_samples)
    shared = np.intersect1d(train, test)
    if len(shared):
        raise ValueError(
            f"Fold {i} of cv tests row {shared[0]}, which it trains on, too "
            f"({len(shared)} such rows). Leave the rows that it tests out of training."
        )
    return train, test


def _check_rows(rows, what, n_samples):
    """Return row numbers, which may be given as a mask, as an array of integers."""
    rows = np.asarray(rows)
    if rows.dtype == bool and rows.shape == (n_samples,):
        rows = np.flatnonzero(rows)
    if not rows.size:
        raise ValueError(f"{what} no particle; expected one or more.")
    if rows.dtype.kind not in "iu" or rows.ndim != 1:
        raise TypeError(
            f"{what} rows of shape {rows.shape} and dtype {rows.dtype}; expected a "
            "list of whole numbers."
        )
    wrong = rows[(rows < 0) | (rows >= n_samples)]
    if len(wrong):
        raise ValueError(
            f"{what} row {wrong[0]}; expected rows from 0 to {n_samples - 1}."
        )
    return rows


def _check_each_is_tested_once(folds, n_samples):
    """Refuse folds that leave particles out or test them again."""
    tested = np.concatenate([np.empty(0, int), *(test for _, test in folds)])
    n_times = np.bincount(tested, minlength=n_samples)
    wrong = np.flatnonzero(n_times != 1)
    if len(wrong):
        raise ValueError(
            f"cv does not test every particle exactly once: row {wrong[0]} is tested "
            f"{n_times[wrong[0]]} times ({len(wrong)} such rows in all). Take a "
            "splitter such as StratifiedKFold or StratifiedGroupKFold, and one call "
            "for each seed in place of a repeated splitter."
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
    label, n_smallest = min(counts.items(), key=itemgetter(1))
    if n_smallest < n_folds:
        raise ValueError(
            f"Class {label!r} has {n_smallest} particles, fewer than the {n_folds} "
            f"folds. Take cv={max(2, n_smallest)} or less, or merge or drop the class."
        )
