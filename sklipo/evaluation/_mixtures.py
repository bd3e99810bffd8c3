"""Shares of classes in a mixture, by maximum likelihood, for many samples at once.

A sample is a mixture of its classes: particles of each class fall into cells with
probabilities that are known, and the shares are those that make the counts of the cells
most likely. Shares never leave 0..1.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit, softmax

from ._resampled_counts import blocks

_MOST_CYCLES = 1000
# No probability is quite 0: nothing that is observed is impossible.
_LEAST = 1e-12
# Least share to start with.
_START = 1e-3
# Part of the particles, to start with, whose predictions say nothing.
_RANDOM_PART = 0.01
# Weight of what is assumed beforehand, in particles.
_RIDGE = 0.01
# Digits of a resampled offset that its chance leaves.
_OF_OFFSETS = 1e-4


def find_shares(likelihoods, counts, mixing=None, *, start=None, tolerance=1e-12):
    """Return the shares of classes that make counts of cells most likely.

    Parameters
    ----------
    likelihoods : ndarray of shape ([n_samples,] n_cells, n_classes)
        Probability of each cell in each class. A factor of a cell is of no account.
    counts : ndarray of shape (n_samples, n_cells)
        Counts of each sample, or anything in proportion to them.
    mixing : ndarray of shape (n_samples, n_classes, n_classes), default=None
        By which matrices the likelihoods are multiplied.
    start : ndarray of shape (n_classes,), default=None
        Shares to begin with; by default equal ones.
    tolerance : float, default=1e-12
        Stop where no share would grow by a larger factor in a step: the mean log
        likelihood is then within as much of its maximum.

    Returns
    -------
    shares : ndarray of shape (n_samples, n_classes)
        They sum to 1.

    Notes
    -----
    The steps of expectation maximization are extrapolated, by the scheme S3 of
    Varadhan and Roland (Scandinavian Journal of Statistics 35, 335-353, 2008), and the
    extrapolation is taken where it is more likely than they are.
    """
    n_samples, n_classes = len(counts), likelihoods.shape[-1]
    likelihoods = np.maximum(likelihoods, _LEAST)
    counts = counts / counts.sum(axis=1, keepdims=True)
    # A share of 0 would stay so.
    start = np.full(n_classes, 1 / n_classes) if start is None else start + _START
    shares = np.tile(start / start.sum(), (n_samples, 1))
    for block in blocks(n_samples, counts.shape[1]):
        open_rows = np.arange(n_samples)[block]
        for _ in range(_MOST_CYCLES):
            of_rows = likelihoods[open_rows] if likelihoods.ndim == 3 else likelihoods
            mixed_by = None if mixing is None else mixing[open_rows]
            problem = of_rows, counts[open_rows], mixed_by
            shares[open_rows], gap = _cycle(shares[open_rows], *problem)
            open_rows = open_rows[gap > tolerance]
            if not len(open_rows):
                break
    return shares


def posterior(likelihoods, shares):
    """Return the probability of each class, given shares of shape (n_classes,)."""
    products = np.maximum(likelihoods, _LEAST) * shares
    return products / products.sum(axis=1, keepdims=True)


class Calibration(NamedTuple):
    r"""What makes probabilities of labeled particles those of their classes.

    A particle of probabilities :math:`p` is of class k with the probability

    .. math:: (1 - \varepsilon) \frac{e^{b_k} p_k^{1/T}}{\sum_l e^{b_l} p_l^{1/T}}
        + \varepsilon \pi_k

    The temperature T undoes how much surer, or less sure, a model is than it should be,
    and the offsets b the prior that it was trained with, whatever that is: the
    bias-corrected temperature scaling of Alexandari, Kundaje and Shrikumar (ICML 2020).
    The predictions of a part :math:`\varepsilon` of the particles say nothing, beyond
    the shares :math:`\pi` of the labeled ones. Without this part, a few micrographs
    on which a model is sure and wrong would make all probabilities look unsure.
    """

    sharpness: float
    random_part: float
    offsets: np.ndarray
    shares: np.ndarray

    def informed(self, y_proba):
        """Return probabilities of the part that is not at random."""
        return softmax(self.sharpness * _logarithms(y_proba) + self.offsets, axis=1)

    def mixing(self, factors=1.0, shares=None):
        """Return by which matrices informed probabilities become likelihoods.

        The factors and shares may be those of resamples. A likelihood is a calibrated
        probability divided by the share of its class, up to a factor of each particle.
        """
        shares = self.shares if shares is None else shares
        factors = np.broadcast_to(factors, shares.shape)[..., None]
        own = np.eye(shares.shape[-1]) / np.maximum(shares, _LEAST)[..., None, :]
        return factors * ((1 - self.random_part) * own + self.random_part)


def fit_calibration(y_proba, codes):
    """Return the calibration that makes the classes of labeled particles most likely.

    Weak priors keep its parameters finite where the classes are told apart without any
    error.
    """
    logits = _logarithms(y_proba)
    truth = np.eye(y_proba.shape[1])[codes]
    shares = truth.mean(axis=0)
    start = np.r_[0, logit(_RANDOM_PART), np.log(shares)]
    weights = np.r_[1, np.full(len(start) - 1, _RIDGE)]

    def loss(parameters):
        sharpness, random_part = np.exp(parameters[0]), expit(parameters[1])
        informed = softmax(sharpness * logits + parameters[2:], axis=1)
        at_random, at_best = shares[codes], (informed * truth).sum(axis=1)
        likelihoods = random_part * at_random + (1 - random_part) * at_best
        likelihoods = np.maximum(likelihoods, _LEAST)
        # The part of each particle that is not at random counts.
        known = (1 - random_part) * at_best / likelihoods
        residuals = known[:, None] * (informed - truth)
        slopes = [
            sharpness * (residuals * logits).sum(),
            -random_part
            * (1 - random_part)
            * ((at_random - at_best) / likelihoods).sum(),
            *residuals.sum(axis=0),
        ]
        away = parameters - start
        penalty = (weights * away**2).sum() / 2
        return penalty - np.log(likelihoods).sum(), np.array(slopes) + weights * away

    found = minimize(loss, start, jac=True, method="BFGS").x
    return Calibration(np.exp(found[0]), expit(found[1]), found[2:], shares)


def refit_offsets(calibration, cells, codes, counts):
    """Return by which factors resampled particles change those of the classes.

    Parameters
    ----------
    calibration : Calibration
        Fitted to the particles that were resampled.
    cells : ndarray of shape (n_cells, n_classes)
        What :meth:`Calibration.informed` returns, of particles of a cell.
    codes : ndarray of shape (n_cells,)
        Class of the particles of a cell.
    counts : ndarray of shape (n_samples, n_cells)
        Particles in each cell.

    Returns
    -------
    factors : ndarray of shape (n_samples, n_classes)
        Exponentials of the changes of the offsets, by iterated weighted least squares.
    shares : ndarray of shape (n_samples, n_classes)
        Shares of the classes.
    """
    shares = counts @ np.eye(cells.shape[1])[codes]
    shares /= shares.sum(axis=1, keepdims=True)
    changes = np.zeros(shares.shape)
    for rows in blocks(len(counts), cells.size):
        for _ in range(50):
            parts = shares[rows], counts[rows]
            step = _newton_step(calibration, cells, codes, changes[rows], *parts)
            changes[rows] -= step
            if np.abs(step).max() < _OF_OFFSETS:
                break
    return np.exp(changes), shares


def _newton_step(calibration, cells, codes, changes, shares, counts):
    """Return how far offsets are from where resampled particles are most likely."""
    informed = cells * np.exp(changes)[:, None]
    informed /= informed.sum(axis=2, keepdims=True)
    at_best = (1 - calibration.random_part) * informed[:, np.arange(len(codes)), codes]
    known = counts * at_best / (at_best + calibration.random_part * shares[:, codes])
    expected = known[..., None] * informed
    n_expected = expected.sum(axis=1)
    slope = n_expected - known @ np.eye(cells.shape[1])[codes] + _RIDGE * changes
    curvature = -np.matmul(np.swapaxes(expected, 1, 2), informed)
    diagonal = np.arange(cells.shape[1])
    curvature[:, diagonal, diagonal] += n_expected + _RIDGE
    return np.linalg.solve(curvature, slope[..., None])[..., 0].clip(-1, 1)


def _logarithms(y_proba):
    """Return logarithms of probabilities, finite where a network rounds to 0."""
    return np.log(np.maximum(y_proba, np.finfo(np.float32).eps))


def _cycle(shares, *problem):
    """Return shares after two steps, or beyond them where that is more likely.

    Also return by which factor, less 1, the first step lets a share grow at most.
    """
    first, _ = _step(shares, *problem)
    second, mixed = _step(first, *problem)
    change = first - shares
    turn = second - first - change
    norms = [np.linalg.norm(x, axis=1, keepdims=True) for x in (change, turn)]
    length = np.maximum(norms[0] / np.maximum(norms[1], _LEAST), 1)
    # From a share of nearly 0, the way back would be long.
    beyond = shares + 2 * length * change + length**2 * turn
    beyond = np.maximum(beyond, second / 10)
    beyond /= beyond.sum(axis=1, keepdims=True)
    third, mixed_beyond = _step(beyond, *problem)
    gain = (problem[1] * np.log(mixed_beyond / mixed)).sum(axis=1)
    gap = (first / shares).max(axis=1) - 1
    return np.where((gain >= 0)[:, None], third, second), gap


def _step(shares, likelihoods, counts, mixing):
    """Return shares after a step of expectation maximization, and the cells before."""
    weights = shares if mixing is None else _product(shares, np.swapaxes(mixing, 1, 2))
    mixed = _product(weights, np.swapaxes(likelihoods, -1, -2))
    gains = _product(counts / mixed, likelihoods)
    after = shares * (gains if mixing is None else _product(gains, mixing))
    return after / after.sum(axis=1, keepdims=True), mixed


def _product(rows, matrices):
    """Return each row times its matrix, or times the one of all, which is faster."""
    if matrices.ndim == 2:
        return rows @ matrices
    return np.matmul(rows[:, None], matrices)[:, 0]
