"""Pixels of shapes that annotation programs store as a few points of x and y.

Shapes are masks with the row and column of their first pixel, as `fill_rings` gives
them, which also refuses those that are larger than any micrograph.
"""

import numpy as np

from ..particles._outlines import crop, fill_rings

# Beyond it no micrograph has a pixel, and sums of coordinates could overflow.
_FARTHEST = 2**31


def as_corners(points):
    """Return points of x and y, and maybe z, as an array of rows and columns."""
    try:
        points = np.asarray(points)
    except ValueError as error:
        raise ValueError("its points are not two numbers each") from error
    if points.dtype.kind not in "iuf":
        raise ValueError("its points are not two numbers each, but text or others")
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise ValueError(
            f"its points are not two numbers each, but an array of shape {points.shape}"
        )
    # The least integer has no absolute value.
    points = points.astype(float)
    if not (abs(points) <= _FARTHEST).all():
        bad = points[~(abs(points) <= _FARTHEST)][0]
        raise ValueError(f"one of its points has the coordinate {bad:g}")
    return points[:, 1::-1]


def fill_box(top, left, bottom, right):
    """Return the pixels of an upright rectangle."""
    return fill_rings([[(top, left), (top, right), (bottom, right), (bottom, left)]])


def fill_ellipse(top, left, bottom, right):
    """Return the pixels whose centers lie in the upright ellipse of a box, or on it."""
    box = np.floor(top), np.floor(left), np.ceil(bottom), np.ceil(right)
    mask, first_row, first_column = fill_box(*box)
    # An ellipse of no height or width has no pixel, whatever else its box holds.
    if bottom <= top or right <= left:
        return np.zeros((0, 0), bool), 0, 0
    rows, columns = np.ogrid[: mask.shape[0], : mask.shape[1]]
    y = rows + (first_row + 0.5 - (top + bottom) / 2)
    x = columns + (first_column + 0.5 - (left + right) / 2)
    a, b = (right - left) / 2, (bottom - top) / 2
    return crop(x * x / (a * a) + y * y / (b * b) <= 1, first_row, first_column)


def unite(shapes):
    """Return all pixels of several shapes as one."""
    shapes = [shape for shape in shapes if shape[0].size]
    if len(shapes) <= 1:
        return shapes[0] if shapes else (np.zeros((0, 0), bool), 0, 0)
    starts = np.array([shape[1:] for shape in shapes])
    stops = starts + [shape[0].shape for shape in shapes]
    canvas, top, left = fill_box(*starts.min(axis=0), *stops.max(axis=0))
    canvas[:] = False
    for mask, row, column in shapes:
        part = canvas[row - top :, column - left :]
        part[: mask.shape[0], : mask.shape[1]] |= mask
    return canvas, top, left
