"""Draws that are spread: over measures as k-means++ does, and over micrographs."""

import numpy as np
from sklearn.metrics import pairwise_distances_argmin_min
from sklearn.preprocessing import StandardScaler

# Every third row may be any: no model looks for a class that it has never seen.
_EVERY = 3
# Deviations from the mean beyond which a measure counts as so far: outliers, which are
# often no more than bad outlines, would else be the first to be drawn.
_FARTHEST = 2.0
# Squared distances of twins differ from 0 by rounding, as part of their squared norms.
_ROUNDING = 1e-10


def standardize(measures):
    """Return measures in deviations from their means, which missing ones are."""
    # A measure that is missing everywhere has no mean either.
    with np.errstate(invalid="ignore"):
        scaled = np.nan_to_num(StandardScaler().fit_transform(measures))
    return np.clip(scaled, -_FARTHEST, _FARTHEST)


def draw_apart(points, groups, is_known, is_candidate, n, generator):
    """Draw n unknown rows, far from what is known and what is drawn, in order.

    A row's probability is in proportion to its squared distance from the nearest row
    that is known or drawn, divided by the square of 1 and the number of these in its
    group. All but every third are candidates.
    """
    norms = np.einsum("ij,ij->i", points, points)
    distances = _distances_from_known(points, norms, is_known)
    n_of_group = np.bincount(groups[is_known], minlength=groups.max() + 1)
    is_free, rows = ~is_known, []
    for place in range(1, n + 1):
        crowding = 1 / (1 + n_of_group[groups]) ** 2
        is_first_choice = is_free if place % _EVERY == 0 else is_free & is_candidate
        for weights in (
            is_first_choice * distances * crowding,
            is_free * distances * crowding,
            # Nothing but twins is left.
            is_free * crowding,
        ):
            if weights.any():
                break
        row = generator.choice(len(points), p=weights / weights.sum())
        rows.append(row)
        is_free[row] = False
        n_of_group[groups[row]] += 1
        from_row = norms + norms[row] - 2 * (points @ points[row])
        distances = np.minimum(distances, _without_rounding(from_row, norms))
    return np.array(rows)


def _distances_from_known(points, norms, is_known):
    """Return squared distances from the nearest known row; without any, the largest."""
    if not is_known.any():
        return np.full(len(points), points.shape[1] * (2 * _FARTHEST) ** 2)
    distances = pairwise_distances_argmin_min(points, points[is_known])[1]
    return _without_rounding(distances**2, norms)


def _without_rounding(distances, norms):
    """Return squared distances, 0 where nothing but rounding keeps them from it."""
    return np.where(distances > _ROUNDING * norms, distances, 0)
