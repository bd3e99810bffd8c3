"""How many particles of each class an artificial table gets."""

from collections.abc import Mapping

import numpy as np


def class_counts(n_samples, weights, classes):
    """Share out particles by largest remainder, at least one to a weighted class."""
    shares = class_shares(weights, classes)
    present = shares > 0
    if n_samples < present.sum():
        raise ValueError(
            f"n_samples={n_samples} is too few: weights ask for {present.sum()} "
            "classes, and each needs one particle."
        )
    exact = shares / shares.sum() * n_samples
    counts = np.floor(exact).astype(int)
    largest = np.argsort(counts - exact, kind="stable")
    counts[largest[: n_samples - counts.sum()]] += 1
    # Rare classes that came away empty take one particle each from the largest class.
    for missing in np.flatnonzero(present & (counts == 0)):
        counts[np.argmax(counts)] -= 1
        counts[missing] = 1
    return counts


def class_shares(weights, classes):
    """Return the weights as a float array in the order of the classes."""
    if weights is None:
        return np.ones(len(classes))
    if isinstance(weights, str):
        return np.array([traits.count for traits in classes.values()], dtype=float)
    if isinstance(weights, Mapping):
        if unknown := set(weights) - set(classes):
            raise ValueError(
                f"weights names {sorted(unknown, key=repr)}, but the classes are "
                f"{list(classes)}."
            )
        weights = [weights.get(label, 0.0) for label in classes]
    try:
        shares = np.asarray(weights, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"weights must be numbers, got {weights!r}.") from error
    if shares.shape != (len(classes),):
        raise ValueError(
            f"weights must be one share for each of {list(classes)}, got {weights!r}."
        )
    if not np.isfinite(shares).all() or (shares < 0).any() or not shares.any():
        raise ValueError(
            f"weights must be finite, not negative and not all 0, got {weights!r}."
        )
    return shares
