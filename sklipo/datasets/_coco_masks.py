"""Masks as COCO has them: polygons by its rule of pixels, and run lengths.

A mask is passed as its pixels in a box and the box's first row and column. The runs of
a run-length code (RLE) go down one column after another, and begin with background.
"""

import numpy as np

from ..particles._outlines import crop, fill_between

# Corners of polygons are rounded to this part of a pixel.
_FOLD = 5
# More need gigabytes. Outlines as wide as a micrograph cross some thousand columns.
_MOST_CROSSINGS = 2**24
# In compressed runs, each character has 5 bits of a number, a sixth that tells whether
# more follow, and this added to be printable. A number has 7 characters at most.
_FIRST_CHARACTER, _N_BITS, _MOST_CHARACTERS = 48, 5, 7


def fill_polygons(polygons, shape):
    """Return the union of polygons of x and y, on an image of a shape or, None, any.

    The pixels are those of ``rleFrPoly`` in pycocotools (T.-Y. Lin and P. Dollar,
    github.com/cocodataset/cocoapi): lines are drawn on a grid of a fifth of a pixel,
    and between two crossings in the middle of a column, all pixels are inside.
    """
    masks = [_fill_polygon(polygon, shape) for polygon in polygons]
    filled = [found for found in masks if found[0].size]
    if len(filled) <= 1:
        return filled[0] if filled else masks[0]
    tops, lefts = (min(found[i] for found in filled) for i in (1, 2))
    bottom = max(mask.shape[0] + top for mask, top, _ in filled)
    right = max(mask.shape[1] + left for mask, _, left in filled)
    union = np.zeros((bottom - tops, right - lefts), bool)
    for mask, top, left in filled:
        rows = slice(top - tops, top - tops + mask.shape[0])
        union[rows, left - lefts : left - lefts + mask.shape[1]] |= mask
    return union, tops, lefts


def _fill_polygon(polygon, shape):
    """Return the pixels of one polygon by the even-odd rule."""
    # Rounded towards zero, as C does.
    points = (_FOLD * polygon + 0.5).astype(np.int64)
    height, width = (points.max(axis=0)[::-1] // _FOLD + 2) if shape is None else shape
    columns, heights = _cross_columns(points, width)
    if not len(columns):
        return np.zeros((0, 0), bool), 0, 0
    # The first pixel whose center is at the crossing or below.
    rows = ((heights + _FOLD // 2) // _FOLD).clip(0, height)
    turned, left, top = fill_between(columns, rows)
    return turned.T, top, left


def _cross_columns(points, width):
    """Return where a polygon crosses columns: each column, and the height on the grid.

    The middle of column c is between the numbers 5 c + 2 and 5 c + 3 of the grid.
    """
    starts, ends = points, np.roll(points, -1, axis=0)
    is_flat = np.ptp([starts, ends], axis=0) @ [1, -1] >= 0
    # Each line in the direction in which it goes on by one at each step.
    along = np.where(is_flat, 0, 1)[:, None]
    lines = np.stack([starts, ends])
    is_back = np.take_along_axis(starts, along, 1) > np.take_along_axis(ends, along, 1)
    starts, ends = np.where(is_back, lines[::-1], lines)
    left, right = np.sort([starts[:, 0], ends[:, 0]], axis=0)
    first, stop = ((x + _FOLD // 2) // _FOLD for x in (left, right))
    first, stop = first.clip(0), stop.clip(0, width)
    n_columns = np.maximum(stop - first, 0)
    if n_columns.sum() > _MOST_CROSSINGS:
        raise ValueError(
            f"an outline of {len(points)} corners that crosses {n_columns.sum()} "
            "columns, expected that of a particle"
        )
    line = np.repeat(np.arange(len(first)), n_columns)
    columns = np.arange(len(line)) - np.repeat(
        n_columns.cumsum() - n_columns, n_columns
    )
    columns += first[line]
    heights = np.empty(len(line), np.int64)
    for flat, find in [(True, _heights_of_flat), (False, _heights_of_steep)]:
        chosen = is_flat[line] == flat
        of_line = starts[line[chosen]], ends[line[chosen]]
        heights[chosen] = find(*of_line, _FOLD * columns[chosen] + _FOLD // 2)
    return columns, heights


def _heights_of_flat(starts, ends, x):
    """Return heights of lines that go right by one each step, between x and x + 1."""
    (x_start, y_start), (width, height) = starts.T, (ends - starts).T
    slope = height / width
    steps = x - x_start + np.array([[0], [1]])
    return (y_start + slope * steps + 0.5).astype(np.int64).min(axis=0)


def _heights_of_steep(starts, ends, x):
    """Return heights of lines that go down by one each step, between x and x + 1."""
    (x_start, y_start), (width, height) = starts.T, (ends - starts).T
    slope = width / height
    is_rising = slope > 0
    # The step by which the line has come to the other side. One is off by rounding.
    steps = np.ceil((x + 0.5 - x_start) / slope).astype(np.int64) - 1
    for _ in range(2):
        steps += (x_start + slope * steps + 0.5 >= x + 1) != is_rising
    return y_start + steps - 1


def fill_runs(runs, height, width):
    """Return the mask of a list of runs on an image of this size, cut to its box."""
    stops = runs.cumsum()
    inside = np.flatnonzero(runs[1::2]) * 2 + 1
    if not len(inside):
        return np.zeros((0, 0), bool), 0, 0
    # Only the columns that it has: an image has many masks.
    left = int(stops[inside[0] - 1]) // height
    right = (int(stops[inside[-1]]) - 1) // height + 1
    edges = (stops - left * height).clip(0, (right - left) * height)
    is_inside = np.arange(len(runs)) % 2 == 1
    columns = np.repeat(is_inside, np.diff(edges, prepend=0))
    return crop(columns.reshape(-1, height).T, 0, left)


def find_runs(mask, top, left, height, width):
    """Return the runs of a mask in a box within an image of this size."""
    columns = np.zeros((mask.shape[1], mask.shape[0] + 2), np.int8)
    columns[:, 1:-1] = mask.T
    changes = np.diff(columns, axis=1)
    column, row = np.nonzero(changes)
    edges = (left + column) * height + top + row
    # A run goes on from the bottom of a column to the top of the next one.
    meets = np.flatnonzero(np.diff(edges) == 0)
    edges = np.delete(edges, np.concatenate([meets, meets + 1]))
    runs = np.diff(edges, prepend=0, append=height * width)
    return runs if runs[-1] else runs[:-1]


def unpack_runs(text):
    """Return the runs that compressed text holds; raise a ValueError if it can't be."""
    codes = np.frombuffer(text.encode("utf-8"), np.uint8).astype(np.int64)
    codes -= _FIRST_CHARACTER
    if not len(codes) or codes.min() < 0 or codes.max() > 63 or codes[-1] >= 32:
        raise ValueError("its RLE is damaged or cut off")
    starts = np.flatnonzero(np.concatenate([[True], codes[:-1] < 32]))
    n_characters = np.diff(starts, append=len(codes))
    if n_characters.max() > _MOST_CHARACTERS:
        raise ValueError("its RLE is damaged: it has runs longer than any image")
    place = np.arange(len(codes)) - np.repeat(starts, n_characters)
    numbers = np.add.reduceat((codes & 31) << _N_BITS * place, starts)
    # The last bit of the last character is the sign.
    is_negative = codes[starts + n_characters - 1] & 16 > 0
    numbers -= np.where(is_negative, 1 << _N_BITS * n_characters, 0)
    # From the fourth on, a number is how much longer a run is than that before last.
    for first in (1, 2):
        numbers[first::2] = numbers[first::2].cumsum()
    return numbers


def pack_runs(runs):
    """Return runs as compressed text."""
    numbers = runs.astype(np.int64)
    numbers[3:] -= runs[1:-2]
    shifts = _N_BITS * np.arange(_MOST_CHARACTERS)
    parts = numbers[:, None] >> shifts
    # All is told when what is left has the sign of the last bit.
    is_told = parts >> _N_BITS == -(parts >> _N_BITS - 1 & 1)
    n_characters = is_told.argmax(axis=1)[:, None] + 1
    place = np.arange(_MOST_CHARACTERS)
    codes = (parts & 31) + np.where(place + 1 < n_characters, 32, 0)
    characters = codes[place < n_characters] + _FIRST_CHARACTER
    return characters.astype(np.uint8).tobytes().decode()
