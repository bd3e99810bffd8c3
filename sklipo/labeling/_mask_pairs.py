"""Pairs of masks of two segmentations: how far they overlap, and which belong together.

Masks are tables of mask, top and left, each cut to its box, and pairs are tables of the
positions of their rows.
"""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..datasets._instances import find_boxes


def find_pairs(new, old, new_names, old_names):
    """Return the pairs of masks that share a pixel of a micrograph, and their overlap.

    ``overlap`` is the intersection over the union; ``of_new`` and ``of_old`` are the
    shares of the pixels of each that the other holds as well.
    """
    tables = [(list(table["mask"].array), find_boxes(table)) for table in (new, old)]
    new_rows, old_rows = (
        pd.Series(np.arange(len(names))).groupby(names).indices
        for names in (new_names, old_names)
    )
    blocks = [
        _count_common(*tables, rows, old_rows[name])
        for name, rows in new_rows.items()
        if name in old_rows
    ]
    pairs = np.concatenate([np.empty((0, 3), np.int64), *blocks])
    pairs = pairs[np.lexsort(pairs.T[1::-1])]
    new_areas, old_areas = (
        np.array([np.count_nonzero(mask) for mask in masks], np.int64)
        for masks, _ in tables
    )
    new, old, common = pairs.T
    new_areas, old_areas = new_areas[new], old_areas[old]
    return pd.DataFrame(
        {
            "new": new,
            "old": old,
            "overlap": common / (new_areas + old_areas - common),
            "of_new": common / new_areas,
            "of_old": common / old_areas,
        }
    )


def choose_matches(pairs, new, old):
    """Tell which pairs match, each mask once: those of the largest total overlap."""
    ends, overlap = pairs[["new", "old"]].to_numpy().T, pairs["overlap"].to_numpy()
    keys = _sort_key(new), _sort_key(old)
    matches = np.zeros(len(pairs), bool)
    for rows in _split_by_component(ends, len(new), len(old)):
        matches[rows[_assign(ends[:, rows], overlap[rows], keys)]] = True
    return matches


def _split_by_component(ends, n_new, n_old):
    """Return the rows of pairs by component: no two of these share a mask."""
    graph = coo_array(
        (np.ones(ends.shape[1]), (ends[0], ends[1] + n_new)), shape=(n_new + n_old,) * 2
    )
    component = connected_components(graph, directed=False)[1][ends[0]]
    order = np.argsort(component, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(component[order])) + 1)


def _count_common(new, old, new_rows, old_rows):
    """Return rows of new and old of one micrograph, and how many pixels they share."""
    (new_masks, new_boxes), (old_masks, old_boxes) = new, old
    # One array for each side: rows of four take ten times as long to compare.
    tops, lefts, bottoms, rights = np.ascontiguousarray(old_boxes[old_rows].T)
    found = []
    for i, box in zip(new_rows.tolist(), new_boxes[new_rows].tolist(), strict=True):
        near = (tops < box[2]) & (bottoms > box[0])
        near &= (lefts < box[3]) & (rights > box[1])
        for j in old_rows[near].tolist():
            parts = _cut_common(new_masks[i], old_masks[j], box, old_boxes[j].tolist())
            n = np.count_nonzero(np.logical_and(*parts))
            if n:
                found.append((i, j, n))
    return np.array(found, np.int64).reshape(-1, 3)


def _cut_common(mask, other, box, other_box):
    """Return the parts of two masks, each of which fills its box, in both boxes."""
    top, left = map(max, box[:2], other_box[:2])
    bottom, right = map(min, box[2:], other_box[2:])
    return [
        pixels[top - y : bottom - y, left - x : right - x]
        for pixels, (y, x) in ((mask, box[:2]), (other, other_box[:2]))
    ]


def _assign(ends, overlap, keys):
    """Return which of some pairs have the largest overlap in all, each mask once."""
    if len(overlap) < 2:
        return np.arange(len(overlap))
    # Of several best assignments, the order of masks decides, not that of rows.
    ranks = [_rank(rows.tolist(), key) for rows, key in zip(ends, keys, strict=True)]
    shape = [max(rank) + 1 for rank in ranks]
    overlaps, numbers = np.zeros(shape), np.full(shape, -1)
    overlaps[*ranks], numbers[*ranks] = overlap, np.arange(len(overlap))
    chosen = numbers[linear_sum_assignment(overlaps, maximize=True)]
    # Masks that are left over are assigned to each other, though they are no pair.
    return chosen[chosen >= 0]


def _rank(rows, key):
    """Return the rank of each row among all that occur."""
    ranks = {row: i for i, row in enumerate(sorted(set(rows), key=key))}
    return [ranks[row] for row in rows]


def _sort_key(table):
    """Return a function that sorts rows by the place and the pixels of their masks."""
    boxes, masks = find_boxes(table).tolist(), table["mask"].array
    return lambda row: (boxes[row], masks[row].tobytes())
