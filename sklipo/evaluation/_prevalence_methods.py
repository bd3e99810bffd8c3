"""How shares follow from predictions: counted, adjusted, by probabilities, audited.

Each method returns its shares and those of resampled micrographs.
"""

from typing import NamedTuple

import numpy as np

from ._mixtures import (
    find_shares,
    fit_calibration,
    posterior,
    refit_offsets,
)
from ._resampled_counts import design_effect

# The shares of a resample need as many digits as its chance leaves.
_OF_DRAWS = 1e-7
# So many resamples tell a variance well enough.
_FOR_VARIANCE = 250
# Probabilities whose logarithms differ by less than this are one cell.
_CELL = 0.5


class Labeled(NamedTuple):
    """Particles that the model was tested on: codes of their classes, and micrographs.

    A code is the position of a class: first those that labeled particles are of, then
    further kinds of particles, then what is predicted but no kind.
    """

    true: np.ndarray
    predicted: np.ndarray
    units: np.ndarray | None
    n_classes: int
    n_kinds: int
    n_predicted: int
    scores: np.ndarray | None = None

    @property
    def pairs(self):
        """A number for each pair of a true and a predicted class."""
        return self.true * self.n_predicted + self.predicted


class Sample(NamedTuple):
    """Particles of a new sample: codes of predictions, micrographs, probabilities."""

    predicted: np.ndarray
    units: np.ndarray | None
    scores: np.ndarray | None = None


class Predictions(NamedTuple):
    """How classes are predicted, and what is predicted in a sample; resampled, too.

    Rows of a matrix are the probabilities of each prediction for a true class.
    """

    matrix: np.ndarray
    counts: np.ndarray
    drawn_matrices: np.ndarray
    drawn_counts: np.ndarray


class Found(NamedTuple):
    """Shares, those of resamples, and those of resamples of the labeled alone."""

    share: np.ndarray
    draws: np.ndarray
    draws_of_labeled: np.ndarray | None = None
    corrected_proba: np.ndarray | None = None

    def labeled_part(self):
        """Return the part of each share's variance that the labeled account for."""
        if self.draws_of_labeled is None:
            return np.zeros(len(self.share))
        parts, whole = self.draws_of_labeled.var(axis=0), self.draws.var(axis=0)
        return np.divide(parts, whole, out=np.zeros_like(parts), where=whole > 0).clip(
            max=1
        )


def count(sample, n_classes, n_predicted, resampler):
    """Return the shares of the predictions themselves."""
    counts = np.bincount(sample.predicted, minlength=n_predicted)
    draws = _draw_counts(sample, n_predicted, resampler)
    draws /= draws.sum(axis=1, keepdims=True)
    return Found((counts / counts.sum())[:n_classes], draws[:, :n_classes])


def resample_predictions(labeled, sample, resampler):
    """Return how the model predicts, and what, as observed and in resamples."""
    matrix, drawn_matrices = resample_errors(labeled, resampler)
    return Predictions(
        matrix,
        np.bincount(sample.predicted, minlength=labeled.n_predicted),
        drawn_matrices,
        _draw_counts(sample, labeled.n_predicted, resampler),
    )


def resample_errors(labeled, resampler):
    """Return how the model predicts each class, as observed and in resamples."""
    n_classes = labeled.n_classes
    n_cells = n_classes * labeled.n_predicted
    matrix = np.bincount(labeled.pairs, minlength=n_cells).reshape(n_classes, -1)
    drawn = resampler.draw(labeled.pairs, n_cells, labeled.units, n_means=n_classes)
    drawn = drawn.reshape(len(drawn), n_classes, -1)
    totals = np.maximum(drawn.sum(axis=2, keepdims=True), np.finfo(float).tiny)
    return matrix / matrix.sum(axis=1, keepdims=True), drawn / totals


def adjust(predictions):
    """Return the shares that, with the errors of the model, give its predictions."""
    matrix, counts, drawn_matrices, drawn_counts = predictions
    share = find_shares(matrix.T, counts[None])[0]
    cells = drawn_matrices.transpose(0, 2, 1)
    draws = find_shares(cells, drawn_counts, start=share, tolerance=_OF_DRAWS)
    cells = cells[:_FOR_VARIANCE]
    counts = np.tile(counts, (len(cells), 1))
    of_labeled = find_shares(cells, counts, start=share, tolerance=_OF_DRAWS)
    return Found(share, draws, of_labeled)


def expect(labeled, sample, resampler):
    """Return the shares by expectation maximization, and corrected probabilities."""
    n_classes = labeled.n_classes
    calibration = fit_calibration(labeled.scores, labeled.true)
    known, new = (calibration.informed(of.scores) for of in (labeled, sample))
    likelihoods = new @ calibration.mixing()
    share = find_shares(likelihoods, np.ones((1, len(new))))[0]

    known_cells, known_codes = _merge(known)
    known_codes = known_codes * n_classes + labeled.true
    filled, known_codes = np.unique(known_codes, return_inverse=True)
    cells, codes = np.divmod(filled, n_classes)
    # The micrographs are those of the other methods, so that shares may be compared.
    of_labeled = {"alike": labeled.pairs, "n_means": n_classes}
    drawn = resampler.draw(known_codes, len(filled), labeled.units, **of_labeled)
    factors, drawn_shares = refit_offsets(calibration, known_cells[cells], codes, drawn)
    mixing = calibration.mixing(factors, drawn_shares)
    # One more particle is surely of one class.
    new_cells, codes = _merge(new)
    one_more = resampler.draw_particle(
        n_classes, _effect(sample, labeled.n_predicted), codes, sample.units
    )
    resampled = resampler.draw(
        codes, len(new_cells), sample.units, alike=sample.predicted
    )
    counts = np.hstack([resampled, one_more])
    surely = np.vstack([new_cells, np.eye(n_classes)])
    options = {"start": share, "tolerance": _OF_DRAWS}
    draws = find_shares(surely, counts, mixing, **options)
    mixing = mixing[:_FOR_VARIANCE]
    counts = np.tile(np.bincount(codes), (len(mixing), 1))
    of_labeled = find_shares(new_cells, counts, mixing, **options)
    return Found(share, draws, of_labeled, posterior(likelihoods, share))


def audit(labeled, sample, audited, resampler):
    """Return the shares by labels of a random part of the sample and all predictions.

    In each predicted class, the shares of the labels among those audited, each by the
    number of particles that it stands for, hold for the others too.
    """
    n_classes, n_predicted = labeled.n_classes, labeled.n_predicted
    # A cell is a predicted class, and a label with its weight, or none.
    weights, weight_codes = np.unique(audited.weights, return_inverse=True)
    n_labels = n_classes * len(weights) + 1
    cells = sample.predicted * n_labels
    cells[audited.rows] += 1 + labeled.true * len(weights) + weight_codes
    n_cells = n_predicted * n_labels
    shape = n_predicted, n_labels
    counts = np.bincount(cells, minlength=n_cells).reshape(1, *shape).astype(float)
    share = _audited_shares(counts, weights, n_classes)[0]

    effect = design_effect(labeled.true, n_classes, labeled.units)
    particle = resampler.draw_particle(n_classes, effect, cells, sample.units)
    predicted = sample.predicted[resampler.draw_rows(len(cells), cells, sample.units)]
    one_more = np.zeros((len(particle), n_predicted, n_classes))
    one_more[np.arange(len(particle)), predicted] = particle
    # What nobody looked at may be anything.
    for unseen in np.setdiff1d(sample.predicted, labeled.predicted):
        data = cells, sample.units, unseen
        one_more[:, unseen] += resampler.draw_particle(n_classes, effect, *data)
    counts = resampler.draw(cells, n_cells, sample.units).reshape(-1, *shape)
    return Found(share, _audited_shares(counts, weights, n_classes, one_more))


def _audited_shares(counts, weights, n_classes, one_more=0.0):
    """Return shares by counts of shape (n_samples, n_predicted, 1 + n_labels)."""
    predicted = counts.sum(axis=2) / counts.sum(axis=(1, 2))[:, None]
    labels = counts[..., 1:].reshape(*counts.shape[:2], n_classes, len(weights))
    labels = labels @ (weights / weights.mean()) + one_more
    # Without a label, a prediction counts as it is; what is no kind, as all labels do.
    rows = np.eye(labels.shape[1])[:, :n_classes] + np.zeros_like(labels)
    pooled = labels.sum(axis=1) / labels.sum(axis=(1, 2))[:, None]
    rows[:, n_classes:] = pooled[:, None]
    totals = labels.sum(axis=2, keepdims=True)
    np.divide(labels, totals, out=rows, where=totals > 0)
    return np.matmul(predicted[:, None], rows)[:, 0]


def _draw_counts(sample, n_predicted, resampler):
    """Return counts of predictions in resamples, with one more particle."""
    drawn = resampler.draw(sample.predicted, n_predicted, sample.units)
    return drawn + resampler.draw_particle(
        n_predicted, _effect(sample, n_predicted), sample.predicted, sample.units
    )


def count_units(units):
    """Return the number of micrographs, None where they are unknown."""
    return None if units is None else len(np.unique(units))


def _effect(sample, n_predicted):
    """Return the design effect of the predictions."""
    return design_effect(sample.predicted, n_predicted, sample.units)


def _merge(scores):
    """Return cells of nearly the same scores, and the number of the cell of each."""
    steps = np.round(np.log(scores) / _CELL)
    _, codes = np.unique(steps, axis=0, return_inverse=True)
    sums = np.zeros((codes.max() + 1, scores.shape[1]))
    np.add.at(sums, codes, scores)
    return sums / np.bincount(codes)[:, None], codes
