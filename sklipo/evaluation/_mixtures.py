"""Shares of classes in a mixture, by maximum likelihood, for many samples at once.

A sample is a mixture of its classes: particles of each class fall into cells with
probabilities that are known, and the shares are those that make the counts of the cells
most likely. Shares never leave 0..1.
"""

import numpy as np
from scipy.optimize import minimize

_MOST_CYCLES = 1000
# No probability is quite 0: nothing that is observed is impossible.
_LEAST = 1e-12
# Least share to start with.
_START = 1e-3
# Keeps the priors of classes finite that are told apart without any error.
_RIDGE = 0.01


def find_shares(likelihoods, counts, scale=None, *, start=None, tolerance=1e-12):
    """Return the shares of classes that make counts of cells most likely.

    Parameters
    ----------
    likelihoods : ndarray of shape ([n_samples,] n_cells, n_classes)
        Probability of each cell in each class. A factor of a cell is of no account.
    counts : ndarray of shape (n_samples, n_cells)
        Counts of each sample, or anything in proportion to them.
    scale : ndarray of shape (n_samples, n_classes), default=None
        Factor of the likelihoods of each class.
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
    scale = np.ones((n_samples, n_classes)) if scale is None else scale
    # A share of 0 would stay so.
    start = np.full(n_classes, 1 / n_classes) if start is None else start + _START
    shares = np.tile(start / start.sum(), (n_samples, 1))
    open_rows = np.arange(n_samples)
    for _ in range(_MOST_CYCLES):
        of_samples = likelihoods[open_rows] if likelihoods.ndim == 3 else likelihoods
        problem = of_samples, counts[open_rows], scale[open_rows]
        shares[open_rows], gap = _cycle(shares[open_rows], *problem)
        open_rows = open_rows[gap > tolerance]
        if not len(open_rows):
            break
    return shares


def posterior(likelihoods, shares):
    """Return the probability of each class, given shares of shape (n_classes,)."""
    products = np.maximum(likelihoods, _LEAST) * shares
    return products / products.sum(axis=1, keepdims=True)


def fit_likelihoods(y_proba, codes):
    r"""Return the temperature and the prior that fit probabilities to classes.

    Probabilities :math:`p_k` of a model become likelihoods :math:`p_k^{1/T} / u_k`:
    the temperature T undoes how much surer, or less sure, it is than it should be, and
    u the prior that it was trained with, whatever that is. Both maximize the likelihood
    of the classes of particles that the model was not fitted on, after Alexandari,
    Kundaje and Shrikumar (ICML 2020). The shares of these very particles, estimated by
    the likelihoods, are then the true ones.
    """
    logits = np.log(np.maximum(y_proba, np.finfo(np.float32).eps))
    n_classes = y_proba.shape[1]
    truth = np.eye(n_classes)[codes]
    # One that knows only how frequent the classes are.
    start = np.log(truth.mean(axis=0))

    def loss(parameters):
        log_sharpness, offsets = parameters[0], parameters[1:]
        scaled = np.exp(log_sharpness) * logits + offsets
        top = scaled.max(axis=1, keepdims=True)
        exponentials = np.exp(scaled - top)
        total = exponentials.sum(axis=1, keepdims=True)
        residuals = exponentials / total - truth
        value = (np.log(total) + top).sum() - (scaled * truth).sum()
        value += (log_sharpness**2 + _RIDGE * ((offsets - start) ** 2).sum()) / 2
        slope = np.exp(log_sharpness) * (residuals * logits).sum() + log_sharpness
        return value, np.r_[slope, residuals.sum(axis=0) + _RIDGE * (offsets - start)]

    found = minimize(loss, np.r_[0.0, start], jac=True, method="BFGS").x
    return np.exp(-found[0]), found[1:]


def sharpen(y_proba, temperature):
    """Return probabilities at another temperature, up to a factor of each row."""
    logits = np.log(np.maximum(y_proba, np.finfo(np.float32).eps)) / temperature
    return np.exp(logits - logits.max(axis=1, keepdims=True))


def refit_offsets(scores, counts, class_counts, offsets):
    """Return the offsets of :func:`fit_likelihoods` for resampled particles.

    Parameters
    ----------
    scores : ndarray of shape (n_cells, n_classes)
        What :func:`sharpen` returns, of each cell.
    counts : ndarray of shape (n_samples, n_cells)
        Particles in each cell.
    class_counts : ndarray of shape (n_samples, n_classes)
        Particles of each class.
    offsets : ndarray of shape (n_classes,)
        Where to start.

    Returns
    -------
    offsets : ndarray of shape (n_samples, n_classes)
        By Newton's method.
    """
    n_samples, n_classes = class_counts.shape
    pairs = (scores[:, :, None] * scores[:, None]).reshape(len(scores), -1)
    start = np.log(np.maximum(class_counts, _LEAST) / counts.sum(axis=1, keepdims=True))
    found = np.tile(offsets, (n_samples, 1))
    for _ in range(50):
        factors = np.exp(found)
        share = counts / (factors @ scores.T)
        predicted = factors * (share @ scores)
        slope = predicted - class_counts + _RIDGE * (found - start)
        products = (share**2 / np.maximum(counts, _LEAST)) @ pairs
        products = products.reshape(-1, n_classes, n_classes)
        curvature = -products * factors[:, :, None] * factors[:, None]
        diagonal = np.arange(n_classes)
        curvature[:, diagonal, diagonal] += predicted + _RIDGE
        step = np.linalg.solve(curvature, slope[..., None])[..., 0].clip(-1, 1)
        found -= step
        if np.abs(step).max() < 1e-8:
            break
    return found


def _cycle(shares, likelihoods, counts, scale):
    """Return shares after two steps, or beyond them where that is more likely.

    Also return by which factor, less 1, the first step lets a share grow at most.
    """
    problem = likelihoods, counts, scale
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
    gain = (counts * np.log(mixed_beyond / mixed)).sum(axis=1)
    gap = (first / shares).max(axis=1) - 1
    return np.where((gain >= 0)[:, None], third, second), gap


def _step(shares, likelihoods, counts, scale):
    """Return shares after a step of expectation maximization, and the cells before."""
    weights = shares * scale
    mixed = _product(weights, np.swapaxes(likelihoods, -1, -2))
    after = weights * _product(counts / mixed, likelihoods)
    return after / after.sum(axis=1, keepdims=True), mixed


def _product(rows, matrices):
    """Return each row times its matrix, or times the one of all, which is faster."""
    if matrices.ndim == 2:
        return rows @ matrices
    return np.matmul(rows[:, None], matrices)[:, 0]
