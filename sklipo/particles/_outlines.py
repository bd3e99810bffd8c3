"""Outlines of masks along the edges of pixels, and the pixels within outlines.

Positions are those of corners, (row, column): pixel (r, c) covers r to r + 1 and c to
c + 1, as for ImageJ, QuPath, COCO and LabelMe.
"""

import math

import cv2
import numpy as np

# An outline of a particle that spans more than the largest micrographs is a mistake.
_MOST_PIXELS = 2**28
# No micrograph is as wide. Corners may lie outside of it, but not that far.
FARTHEST = 1e6
# What ImageJ adds to each crossing of a line with a row of centers.
_ROUNDING = 1e-8


def trace_pieces(mask):
    """Return the outlines of a mask: for each piece its outer ring, then its holes.

    Pieces touch by sides of pixels, so that the rings of a piece cross nowhere: pixels
    that touch at a corner are two pieces. A ring is an int64 array of corners of shape
    (n, 2) that closes itself: the first corner does not follow the last one. Outer
    rings turn the other way than holes.
    """
    n_pieces, pieces, boxes, _ = cv2.connectedComponentsWithStats(
        np.ascontiguousarray(mask, np.uint8), connectivity=4
    )
    return [_trace(pieces, i, boxes[i]) for i in range(1, n_pieces)]


def fill_rings(rings):
    """Return the pixels whose centers lie within outlines: a mask, its top and left.

    Parameters
    ----------
    rings : sequence of array-like of shape (n, 2)
        Corners of polygons, which close themselves. What lies within an even number
        of them is outside, such as a hole.

    Returns
    -------
    mask : ndarray of bool
        The pixels, as large as their box. Of shape (0, 0) if there are none.
    top, left : int
        Row and column of its first pixel, which can be negative.

    Raises
    ------
    ValueError
        If a ring is no array of finite numbers, two for each corner, has less than
        three corners, or if all together are larger than any micrograph.

    Notes
    -----
    A center on a line belongs to what is above or to the left of the line, so that of
    two polygons that share a side each pixel belongs to one. This is ImageJ's rule.
    """
    rings = [_check_ring(ring) for ring in rings]
    starts = np.concatenate([np.empty((0, 2)), *rings])
    ends = np.concatenate([np.empty((0, 2)), *(np.roll(ring, -1, 0) for ring in rings)])
    # Each line downwards: the same line of two polygons gets the same crossings.
    is_upward = starts[:, :1] > ends[:, :1]
    upper, lower = np.where(is_upward, [ends, starts], [starts, ends])
    first, stop = (np.floor(y + 0.5).astype(np.int64) for y in (upper.T[0], lower.T[0]))
    crosses = first < stop
    if not crosses.any():
        return np.zeros((0, 0), bool), 0, 0
    upper, lower, first, stop = (a[crosses] for a in (upper, lower, first, stop))
    n_rows = stop - first
    lines = np.repeat(np.arange(len(first)), n_rows)
    rows = np.arange(len(lines)) - np.repeat(np.cumsum(n_rows) - n_rows, n_rows)
    rows += first[lines]
    (y, x), (height, width) = upper[lines].T, (lower - upper)[lines].T
    crossings = x + (rows + 0.5 - y) * width / height
    # Rounding errors must not bring a center that lies on the line to its other side.
    columns = np.floor(crossings + 0.5 + _ROUNDING).astype(np.int64)
    return fill_between(rows, columns)


def _trace(pieces, number, box):
    """Return the rings of one piece, its outer one first."""
    # scikit-image is large, and only outlines need it.
    from skimage.measure import find_contours

    left, top, width, height = box[:4]
    piece = pieces[top : top + height, left : left + width] == number
    # Its contour passes once through the middle of each edge between a pixel of the
    # piece and another. Two pixels of a hole that touch at a corner are two holes.
    contours = find_contours(np.pad(piece, 1).astype(float), 0.5, "high")
    corner = np.array([top, left])
    rings = [corner + _corners(contour[:-1] - 0.5) for contour in contours]
    # The outer ring is around all others, and begins above them.
    return sorted(rings, key=lambda ring: ring[:, 0].min())


def _corners(middles):
    """Return where a contour turns, from the middles of edges that it passes through.

    Middles have one whole number, and of neighbors at a turn one has the row and the
    other the column of the corner.
    """
    following = np.roll(middles, -1, axis=0)
    is_row = middles[:, 0] % 1 == 0
    turns = is_row != np.roll(is_row, -1)
    rows = np.where(is_row, middles[:, 0], following[:, 0])
    columns = np.where(is_row, following[:, 1], middles[:, 1])
    return np.column_stack([rows, columns])[turns].astype(np.int64)


def _check_ring(ring):
    """Return a ring as floats; raise an error unless it is a polygon."""
    try:
        ring = np.asarray(ring, float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "an outline that has no numbers, two for each point"
        ) from error
    if ring.ndim != 2 or ring.shape[1] != 2:
        raise ValueError(
            f"an outline of shape {ring.shape}, expected two numbers for each point"
        )
    if len(ring) < 3:
        raise ValueError(f"an outline of {len(ring)} points, expected three or more")
    if not np.isfinite(ring).all():
        raise ValueError("an outline with NaN or infinite numbers")
    size = np.ptp(ring, axis=0)
    if abs(ring).max() > FARTHEST or math.prod(size + 1) > _MOST_PIXELS:
        raise ValueError(
            f"an outline of {size[0]:.6g} x {size[1]:.6g} pixels, up to the position "
            f"{abs(ring).max():.6g}; expected a particle within a micrograph"
        )
    return ring


def fill_between(rows, columns):
    """Return the pixels from the first to the second column of a row, and so on."""
    top, left = rows.min(), columns.min()
    shape = rows.max() - top + 1, columns.max() - left
    if math.prod(shape) > _MOST_PIXELS:
        raise ValueError(f"an outline of {shape[0]} x {shape[1]} pixels")
    places = (rows - top) * (shape[1] + 1) + columns - left
    n_crossings = np.bincount(places, minlength=shape[0] * (shape[1] + 1))
    inside = n_crossings.reshape(shape[0], -1).cumsum(axis=1)[:, :-1] % 2 == 1
    return crop(inside, int(top), int(left))


def crop(mask, top, left):
    """Return a mask cut down to its box, and the top and left of that."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return np.zeros((0, 0), bool), 0, 0
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return mask[box], top + int(rows[0]), left + int(columns[0])
