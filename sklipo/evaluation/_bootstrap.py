"""Tallies of predictions: their metrics, bootstrap samples, and a test of differences.

A tally has shape (n_classes, n_classes + 1): the confusion matrix, rows being true
classes, and a column with the sum of the losses of each true class. A sum of tallies is
the tally of all their particles, so bootstrap samples need no particles.
"""

import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn.utils import check_random_state

from ..metrics._confusion import class_metrics, summary_metrics
from ..metrics._losses import sample_losses
from ..particles._labels import encode
from ._resampled_counts import blocks

# Metrics are of the order of one: what is smaller than this is rounding.
_ROUNDING = 1e-12
# Bounds the memory of samples of many units, and leaves few steps to loop over.
_DRAWS_AT_ONCE = 100_000


def count_tallies(result, units):
    """Return the tally of each unit: a fold, a group or a particle."""
    n_classes = len(result.classes)
    true, predicted = (
        encode(y, result.classes) for y in (result.y_true, result.y_pred)
    )
    tallies = np.zeros((units.max() + 1, n_classes, n_classes + 1))
    np.add.at(tallies, (units, true, predicted), 1)
    if result.y_proba is None:
        tallies[..., n_classes] = np.nan
    else:
        losses = sample_losses(result.y_true, result.y_proba, result.classes)
        np.add.at(tallies, (units, true, n_classes), losses)
    return tallies


def tally_table(tally, kinds):
    """Return the metrics of the first classes, those that are kinds, for one tally."""
    n = len(kinds)
    counts, losses = tally[:, :-1], tally[:n, -1]
    support = counts[:n].sum(axis=1)
    columns = {name: values[:n] for name, values in class_metrics(counts).items()}
    if not np.isnan(losses).all():
        with np.errstate(invalid="ignore"):
            columns["log_loss"] = losses / support
    columns["support"] = support.astype(int)
    return pd.DataFrame(columns, index=pd.Index(kinds))


def fold_tables(tallies, kinds):
    """Return the metrics of each class in each fold."""
    tables = {fold: tally_table(tally, kinds) for fold, tally in enumerate(tallies)}
    return pd.concat(tables, names=["fold", "class"])


def tally_metrics(tallies, position):
    """Return the metrics of one class, or of all, for each of many tallies."""
    counts, losses = tallies[..., :-1], tallies[..., -1]
    support = counts.sum(axis=-1)
    if position is None:
        metrics = summary_metrics(counts)
        loss, n = losses.sum(axis=-1), support.sum(axis=-1)
    else:
        of_classes = class_metrics(counts)
        metrics = {name: values[:, position] for name, values in of_classes.items()}
        loss, n = losses[:, position], support[:, position]
    if not np.isnan(losses).all():
        with np.errstate(invalid="ignore"):
            metrics["log_loss"] = loss / n
    return pd.DataFrame(metrics)


def resample(tallies, n_resamples, random_state):
    """Return the tallies of bootstrap samples of units, the first axis of the tallies.

    Everything along further axes, such as another result's tally of the same unit, is
    drawn together, and gets the same pseudo-particles.
    """
    random_state = check_random_state(random_state)
    samples = draw_sums(tallies, n_resamples, random_state)
    if len(tallies) > 1:
        _add_pseudo_particles(samples, tallies.sum(axis=0), random_state)
    return samples


def draw_sums(tallies, n_resamples, random_state):
    """Return the sums of tallies of units that are drawn with replacement."""
    n_units = len(tallies)
    if n_units < 2:
        # Nothing tells how much other units would differ.
        return np.full((n_resamples, *tallies.shape[1:]), np.nan)
    rows = tallies.reshape(n_units, -1)
    samples = np.empty((n_resamples, rows.shape[1]))
    for block in blocks(n_resamples, n_units, _DRAWS_AT_ONCE):
        part = samples[block]
        part[:] = draw_weights(n_units, len(part), random_state) @ rows
    return samples.reshape(n_resamples, *tallies.shape[1:])


def draw_weights(n_units, n_resamples, random_state):
    """Return how often each of some bootstrap samples has each unit, one a row."""
    drawn = random_state.randint(n_units, size=(n_resamples, n_units))
    # A number for each pair of sample and unit, so that all are counted at once.
    drawn += n_units * np.arange(n_resamples)[:, np.newaxis]
    return np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)


def _add_pseudo_particles(samples, whole, random_state):
    """Add a particle to each class that occurs, right and wrong with random weights.

    Where all of a class are right, samples of them alone would know of no mistake. The
    weights are those of Jeffreys' prior: on average, right and wrong have a half each.
    The loss is exponential about the mean of the class.
    """
    *between, n_classes, _ = whole.shape
    support = whole[..., :-1].sum(axis=-1)
    shape = np.full((n_classes, n_classes), 0.5 / max(n_classes - 1, 1))
    np.fill_diagonal(shape, 0.5)
    # Of several results, all have the same true classes.
    shape[support.reshape(-1, n_classes)[0] == 0] = 0
    size = (len(samples), *(1 for _ in between), n_classes)
    weights = random_state.gamma(shape, size=(*size, n_classes))
    losses = random_state.standard_exponential(size) * weights.sum(axis=-1)
    mean_losses = whole[..., -1] / np.where(support > 0, support, 1)
    samples[..., :-1] += weights
    samples[..., -1] += losses * mean_losses


def metric_differences(pairs, position):
    """Return by how much the metrics that both have differ, for many pairs of tallies.

    The second axis is that of the two.
    """
    ours, theirs = (tally_metrics(pairs[:, i], position) for i in (0, 1))
    common = [name for name in ours if name in theirs]
    return ours[common] - theirs[common]


def corrected_t_test(differences):
    """Return the p-value of no difference, after Nadeau and Bengio.

    In cross-validation, a test set is a k-th of all, the training set the rest. Equal
    differences have no spread to measure them by: p is NaN, or 1 if they are zero.
    """
    # Equal metrics, summed up in another order, differ in their last digits.
    differences = differences.mask(differences.abs() < _ROUNDING, 0.0)
    n_folds = differences.count()
    with np.errstate(divide="ignore", invalid="ignore"):
        # n_test / n_train is 1 / (k - 1).
        variance = differences.var() * (1 / n_folds + 1 / (n_folds - 1))
        variance = variance.where(differences.std() > _ROUNDING)
        statistic = differences.mean() / np.sqrt(variance)
        p_values = 2 * student.sf(statistic.abs(), n_folds - 1)
    is_same = (differences.fillna(0) == 0).all() & (n_folds > 1)
    return pd.Series(p_values, differences.columns).mask(is_same, 1.0)
