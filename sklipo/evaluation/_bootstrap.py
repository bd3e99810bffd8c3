"""Measures of tallies, their bootstrap intervals and a test of their differences.

A tally has shape (n_classes, n_classes + 1): the confusion matrix, rows being true
classes, and a column with the sum of the losses of each true class. Tallies add up.
"""

import numpy as np
import pandas as pd
from scipy.stats import t as student

from ..metrics._confusion import class_metrics, summary_metrics


def measure_tallies(tallies, position):
    """Return the measures of one class, or of all, for each of many tallies."""
    counts, losses = tallies[..., :-1], tallies[..., -1]
    support = counts.sum(axis=-1)
    if position is None:
        measures = summary_metrics(counts)
        loss, n = losses.sum(axis=-1), support.sum(axis=-1)
    else:
        of_classes = class_metrics(counts)
        measures = {name: values[:, position] for name, values in of_classes.items()}
        loss, n = losses[:, position], support[:, position]
    if not np.isnan(losses).all():
        with np.errstate(invalid="ignore"):
            measures["log_loss"] = loss / n
    return pd.DataFrame(measures)


def resample(tally, n_resamples, random_state):
    """Return the tallies of bootstrap samples of the units of a tally."""
    n_units = len(tally)
    rows = tally.reshape(n_units, -1)
    samples = np.empty((n_resamples, rows.shape[1]))
    for sample in samples:
        drawn = random_state.randint(n_units, size=n_units)
        sample[:] = np.bincount(drawn, minlength=n_units) @ rows
    return samples.reshape(n_resamples, *tally.shape[1:])


def percentiles(samples, level):
    """Return the ends of the interval that holds the level's share of samples."""
    outside = (1 - level) / 2
    return samples.quantile(outside), samples.quantile(1 - outside)


def corrected_t_test(differences):
    """Return the p-value of no difference, after Nadeau and Bengio.

    In cross-validation, a test set is a k-th of all, the training set the rest.
    """
    n_folds = differences.count()
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = differences.var() * (1 / n_folds + 1 / (n_folds - 1))
        statistic = differences.mean() / np.sqrt(variance)
        p_values = 2 * student.sf(statistic.abs(), n_folds - 1)
    is_same = (differences == 0).all()
    return pd.Series(p_values, differences.columns).mask(is_same, 1.0)
