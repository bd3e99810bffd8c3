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

    A particle is within another if that one, its holes filled, holds all its pixels
    and more.
    """
    boxes, masks = find_boxes(instances), instances["mask"].array
    areas = np.array([np.count_nonzero(mask) for mask in masks])
    enclosing = np.full(len(masks), -1)
    # From the largest on: a smaller one that encloses the same takes its place.
    for outer in np.argsort(-areas, kind="stable"):
        within = (boxes[:, :2] >= boxes[outer, :2]).all(axis=1)
        within &= (boxes[:, 2:] <= boxes[outer, 2:]).all(axis=1)
        within[outer] = False
        if not within.any():
            continue
        filled = _fill_holes(masks[outer])
        area = np.count_nonzero(filled)
        for inner in np.flatnonzero(within):
            top, left, bottom, right = boxes[inner] - np.tile(boxes[outer, :2], 2)
            inside = filled[top:bottom, left:right][masks[inner]]
            if areas[inner] < area and inside.all():
                enclosing[inner] = outer
    names = pd.array(instances["instance"].tolist())
    return names.take(enclosing, allow_fill=True)


def _fill_holes(mask):
    """Return a mask with its holes."""
    padded = np.pad(mask.astype(np.uint8), 1)
    cv2.floodFill(padded, None, (0, 0), 2)
    return padded[1:-1, 1:-1] != 2
