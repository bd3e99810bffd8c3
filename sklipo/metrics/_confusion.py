"""Confusion matrices, and metrics of any number of them at once.

Metrics take counts of shape (..., n_classes, n_classes), rows being true classes: folds
and bootstrap samples need no loop. What is undefined is NaN.
"""

import numpy as np

from ..particles._labels import encode


def count_pairs(y_true, y_pred, labels):
    """Return the confusion matrix of checked labels, with those asked for first.

    Classes that are not asked for follow: for the others they are still negatives.
    """
    occurring = np.concatenate([y_true, y_pred])
    everything = np.concatenate([labels, np.setdiff1d(occurring, labels)])
    counts = np.zeros((len(everything), len(everything)), int)
    np.add.at(counts, tuple(encode(y, everything) for y in (y_true, y_pred)), 1)
    return counts


def average_shares(matrices):
    """Return mean and deviation over folds of the share of the true class."""
    support = matrices.sum(axis=2, keepdims=True)
    present = np.broadcast_to(support > 0, matrices.shape)
    n_folds = present.sum(axis=0)
    shares = np.divide(matrices, support, out=np.zeros_like(matrices), where=present)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = shares.sum(axis=0) / n_folds
        squares = ((shares - mean) ** 2).sum(axis=0, where=present)
        deviation = np.sqrt(squares / (n_folds - 1))
    deviation[n_folds < 2] = np.nan
    return mean, deviation


def class_metrics(counts):
    """Return the metrics of each class against all others by name.

    The values have the shape (..., n_classes).
    """
    tp = np.diagonal(counts, axis1=-2, axis2=-1).astype(float)
    fn = counts.sum(axis=-1) - tp
    fp = counts.sum(axis=-2) - tp
    tn = counts.sum(axis=(-2, -1))[..., None] - tp - fn - fp
    tpr, tnr = _divide(tp, tp + fn), _divide(tn, tn + fp)
    return {
        "TPR": tpr,
        "TNR": tnr,
        "PPV": _divide(tp, tp + fp),
        "NPV": _divide(tn, tn + fn),
        "F1": _where_true_class(tp + fn, _divide(2 * tp, 2 * tp + fp + fn)),
        "thesis_F1": _harmonic_mean(tpr, tnr),
        "balanced_accuracy": (tpr + tnr) / 2,
        "phi": _correlation(
            tp * tn - fp * fn, (tp + fn) * (tn + fp), (tp + fp) * (tn + fn)
        ),
        "kappa": _where_true_class(
            (tp + fn) * (tn + fp),
            _divide(
                2 * (tp * tn - fp * fn),
                (tp + fp) * (fp + tn) + (tp + fn) * (fn + tn),
            ),
        ),
    }


def summary_metrics(counts):
    """Return the metrics of all classes together by name.

    The values have the shape of the counts without the last two axes.
    """
    by_class = class_metrics(counts)
    total = counts.sum(axis=(-2, -1)).astype(float)
    right = np.trace(counts, axis1=-2, axis2=-1)
    true, predicted = (counts.sum(axis=axis).astype(float) for axis in (-1, -2))
    by_chance = (true * predicted).sum(axis=-1)
    covariance = right * total - by_chance
    spread_true = total**2 - (true**2).sum(axis=-1)
    return {
        "accuracy": _divide(right, total),
        "balanced_accuracy": mean_over_classes(by_class["TPR"]),
        "F1": mean_over_classes(by_class["F1"]),
        "thesis_F1": mean_over_classes(by_class["thesis_F1"]),
        "MCC": _correlation(
            covariance, spread_true, total**2 - (predicted**2).sum(axis=-1)
        ),
        "kappa": _where_true_class(
            spread_true, _divide(covariance, total**2 - by_chance)
        ),
    }


def mean_over_classes(values):
    """Return the mean of the defined values along the last axis, NaN without any."""
    is_defined = ~np.isnan(values)
    return _divide(
        np.where(is_defined, values, 0).sum(axis=-1), is_defined.sum(axis=-1)
    )


def _divide(numerator, denominator):
    """Divide, with NaN where the denominator is zero."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    out = np.full(numerator.shape, np.nan)
    return np.divide(numerator, denominator, out=out, where=denominator != 0)[()]


def _where_true_class(n_true, values):
    """Return the values, and NaN where all true samples are of one class."""
    return np.where(n_true > 0, values, np.nan)[()]


def _harmonic_mean(a, b):
    """Return the harmonic mean, 0 where either is 0 and NaN where either is NaN."""
    mean = _divide(2 * a * b, a + b)
    return np.where((a == 0) & (b == 0), 0.0, mean)[()]


def _correlation(covariance, spread_true, spread_predicted):
    """Return a correlation of counts: NaN if the truth is constant.

    A constant prediction is not correlated with anything: 0.
    """
    # The product of the spreads overflows integers, and loses digits, sooner.
    product = np.sqrt(spread_true) * np.sqrt(spread_predicted)
    values = np.where(spread_predicted == 0, 0.0, _divide(covariance, product))
    return _where_true_class(spread_true, values)
