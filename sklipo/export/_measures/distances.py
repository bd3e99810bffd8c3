"""The exact Euclidean distance transform of a mask, in a graph."""

import numpy as np

# More than any distance. Squares that occur are exact in single precision.
_FAR = float(2**15)
# How many sums are compared at a time: as many as caches hold, but never less than
# those of some rows.
_AT_A_TIME = 200_000
_LEAST_ROWS = 4


def squared_depths(op, mask):
    """Return the squared distance of each pixel to the nearest one outside.

    Operators on whole images take a fraction of a nanosecond per pixel, those that
    gather pixels or scatter them thirty times as long. So the minimum over the rows is
    one over all sums of a column, rather than a search among them.

    Parameters
    ----------
    op : Ops
        The operators.
    mask : Var of shape (height, width), dtype float32
        1 inside and 0 outside, where the two outer rows and columns are.

    Returns
    -------
    Var of shape (height, width), dtype float32
        Whole numbers, 0 outside.
    """
    nearest = _distances_down(op, op.transpose(mask, perm=[1, 0]))
    squares = nearest * nearest
    return _least_sums(op, squares)


def _distances_down(op, mask):
    """Return the distances along the first axis to the nearest pixel outside."""
    largest = op.div(op.length(mask, 0) - 3, np.int64(2))

    def look_farther(nearest, step):
        # Pixels up to step - 1 away are known, so those up to 2 step - 1 follow.
        up = op.pad(nearest, step * op.constant([1, 0, -1, 0]))
        down = op.pad(nearest, step * op.constant([-1, 0, 1, 0]))
        nearest = op.min([nearest, op.min([up, down]) + op.single(step)])
        step = step + step
        return op.less_or_equal(step, largest), nearest, step

    return op.repeat(
        op.constant(True), look_farther, mask * _FAR, op.constant(1, np.int64)
    )[0]


def _least_sums(op, squares):
    """Return the least, over the rows, of a square plus the squared distance to it.

    Parameters
    ----------
    squares : Var of shape (width, height), dtype float32
        Squared distance to the nearest pixel outside in the same row.

    Returns
    -------
    Var of shape (height, width), dtype float32
        Squared distance to the nearest pixel outside in any row.
    """
    height = op.length(squares, 1)
    n_rows = op.div(op.constant(_AT_A_TIME, np.int64), op.size(squares))
    n_rows = op.min([op.max([n_rows, np.int64(_LEAST_ROWS)]), height])
    n_parts = op.div(height + n_rows - 1, n_rows)
    shape = op.stack([n_parts, n_rows])
    rows = op.reshape(op.arange(n_parts * n_rows), shape)
    start, end = (
        op.reshape(op.gather(x, op.min([rows, height - 1])), shape)
        for x in _candidates(op, squares)
    )
    bounds = op.concat([op.reduce_min(start, [1]), op.reduce_max(end, [1])], axis=1)

    def lower(part, bounds, rows, all_rows):
        start, end = op.split(op.reshape(op.gather(bounds, part), [2]), num_outputs=2)
        offsets = op.gather(rows, part) - op.slice(all_rows, start, end)
        candidates = op.unsqueeze(op.slice(squares, start, end, [1]), [1])
        return op.each_min(candidates + offsets * offsets, 2)

    rows = op.single(rows)
    parts = op.each(
        n_parts, lower, bounds, op.unsqueeze(rows, [2]), op.reshape(rows, [-1])
    )
    shape = op.concat([[-1], op.shape(squares, end=1)], axis=0)
    image = op.reshape(op.transpose(parts, perm=[0, 2, 1]), shape)
    return op.slice(image, [0], op.reshape(height, [1]), [0])


def _candidates(op, squares):
    """Return the first row that may be nearest to each row, and the one after the last.

    No pixel is deeper than the nearest one outside in its row, or than the border.
    """
    height = op.length(squares, 1)
    rows = op.arange(height)
    to_border = op.min([rows, height - 1 - rows])
    depth = op.integer(op.ceil(op.sqrt(op.each_max(squares, 0))))
    depth = op.min([depth, to_border])
    return rows - depth, rows + depth + 1
