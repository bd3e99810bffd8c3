"""Which particles of a micrograph lie over, or within, each other."""

import cv2
import numpy as np
import pandas as pd

from ._instances import find_boxes


def measure_overlaps(instances, shape):
    """Return for each particle the share of its pixels that others hold as well."""
    boxes, masks = find_boxes(instances), instances["mask"].array
    # Few micrographs have more than 65,535 masks over one pixel.
    n_masks = np.zeros(shape, np.uint16)
    places = [np.s_[top:bottom, left:right] for top, left, bottom, right in boxes]
    for place, mask in zip(places, masks, strict=True):
        n_masks[place] += mask
    if n_masks.max() < 2:
        return np.zeros(len(masks))
    return np.array(
        [
            np.count_nonzero(n_masks[place][mask] > 1) / np.count_nonzero(mask)
            for place, mask in zip(places, masks, strict=True)
        ]
    )


def find_enclosing(instances):
    """Return for each particle the smallest one that it lies within, else missing.

    A particle is within another if that one, its holes filled, holds all its pixels.
    Of two that are equal so filled, the one with more pixels encloses the other.
    """
    masks, around = instances["mask"].array, {}
    # One array for each side: rows of four take ten times as long to compare.
    sides = np.ascontiguousarray(find_boxes(instances).T)
    for i in range(len(masks)):
        inner = _find_within(sides, i)
        if len(inner):
            around[i] = inner, _fill_holes(masks[i])
    sizes = {
        i: (np.count_nonzero(filled), np.count_nonzero(masks[i]))
        for i, (_, filled) in around.items()
    }
    enclosing = np.full(len(masks), -1)
    # From the largest on: a smaller one that encloses the same takes its place.
    for outer in sorted(sizes, key=sizes.get, reverse=True):
        (inners, filled), corner = around[outer], sides[:2, outer]
        for inner in inners:
            (top, left), (bottom, right) = sides[:, inner].reshape(2, 2) - corner
            inside = filled[top:bottom, left:right][masks[inner]]
            # Two of one outline are around each other, and only one encloses.
            if sizes.get(inner, (0, 0)) < sizes[outer] and inside.all():
                enclosing[inner] = outer
    names = pd.array(instances["instance"].to_numpy())
    return names.take(enclosing, allow_fill=True)


def _find_within(sides, outer):
    """Return the other boxes that lie within one, of all tops, lefts and so on."""
    (tops, lefts, bottoms, rights), box = sides, sides[:, outer]
    within = (tops >= box[0]) & (lefts >= box[1])
    within &= (bottoms <= box[2]) & (rights <= box[3])
    within[outer] = False
    return np.flatnonzero(within)


def _fill_holes(mask):
    """Return a mask with its holes."""
    padded = np.pad(mask.astype(np.uint8), 1)
    cv2.floodFill(padded, None, (0, 0), 2)
    return padded[1:-1, 1:-1] != 2
