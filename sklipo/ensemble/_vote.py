"""How votes are counted, and what out-of-fold predictions teach of it."""

import numpy as np
from scipy.optimize import minimize_scalar

# A temperature beyond would hardly change the probabilities any more.
_TEMPERATURES = (0.1, 10.0)
# A probability of 0 for what is true would outweigh all other particles.
LEAST = 1e-6
_N_STEPS = 300


def mix(probabilities, weights):
    """Return the mean of the members' probabilities by their weights."""
    return np.tensordot(weights, probabilities, axes=1)


def temper(y_proba, temperature):
    """Return the softmax of the logarithms divided by a temperature.

    Below 1 it makes probabilities harder, above 1 softer. The order stays.
    """
    if temperature == 1:
        return y_proba
    logits = np.log(np.maximum(y_proba, LEAST)) / temperature
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def balance(codes, sample_weight):
    """Return weights of which each class has the same sum."""
    totals = np.bincount(codes, weights=sample_weight)[codes]
    # A class of weight 0 stays without weight.
    return sample_weight / np.where(totals > 0, totals, np.inf)


def find_weights(probabilities, codes, sample_weight):
    """Return the convex weights of members whose mean has the least log loss.

    The loss is convex in the weights. Each step of expectation maximization lowers it,
    as for the shares of a mixture whose parts are known.
    """
    true = np.maximum(probabilities[:, np.arange(len(codes)), codes], LEAST)
    weights = np.full(len(true), 1 / len(true))
    shares = sample_weight / sample_weight.sum()
    for _ in range(_N_STEPS):
        weights = (weights[:, np.newaxis] * true / (weights @ true)) @ shares
    return weights / weights.sum()


def find_temperature(y_proba, codes, sample_weight):
    """Return the temperature that gives the least log loss."""
    rows = np.arange(len(codes))

    def loss(log_temperature):
        true = temper(y_proba, np.exp(log_temperature))[rows, codes]
        return -np.log(np.maximum(true, LEAST)) @ sample_weight

    found = minimize_scalar(loss, bounds=np.log(_TEMPERATURES), method="bounded")
    return float(np.exp(found.x))
