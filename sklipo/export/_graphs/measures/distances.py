"""The exact Euclidean distance transform of a mask, in a graph."""

import numpy as np

# More than any distance. Squares that occur are exact in single precision.
_FAR = float(2**15)
# Rows for which sums are compared at a time: so many that steps are few, so few that
# the sums of most particles stay in the cache.
_N_ROWS = 8


def squared_depths(op, mask):
    """Return the squared distance of each pixel to the nearest one outside.

    Operators on whole images take a fraction of a nanosecond per pixel, those that
    gather pixels or scatter them thirty times as long. So the minimum over the rows is
    one over all sums of a column, rather than a search among them.

    Parameters
    ----------
    op : Ops
        The operators.
    mask : Tensor of shape (height, width), dtype float32
        1 inside and 0 outside, where the two outer rows and columns are.

    Returns
    -------
    Tensor of shape (height, width), dtype float32
        Whole numbers, 0 outside.
    """
    nearest = _distances_along(op, mask)
    return _least_sums(op, nearest * nearest)


def _distances_along(op, mask):
    """Return the distances to the nearest pixels outside in the same rows."""

    def look_farther(nearest, step):
        # Pixels up to step - 1 away are known, so those up to 2 step - 1 follow.
        left = op.pad(nearest, step * op.constant([0, 1, 0, -1]))
        right = op.pad(nearest, step * op.constant([0, -1, 0, 1]))
        nearest = op.min([nearest, op.min([left, right]) + op.single(step)])
        return nearest, step + step

    # Of a row without its border, the middle is the farthest.
    farthest = op.div(op.length(mask, 1) - 3, np.int64(2))
    step = op.constant(1, np.int64)
    return op.double_up_to(farthest + 1, look_farther, mask * _FAR, step)[0]


def _least_sums(op, squares):
    """Return the least, over the rows, of a square plus the squared distance to it.

    Parameters
    ----------
    squares : Tensor of shape (height, width), dtype float32
        Squared distance to the nearest pixel outside in the same row.

    Returns
    -------
    Tensor of shape (height, width), dtype float32
        Squared distance to the nearest pixel outside in any row.
    """
    height = op.length(squares, 0)
    bounds = _candidates(op, squares)
    # From the rows of a part to those from height rows before it on.
    steps = (
        op.constant(np.arange(_N_ROWS)[:, np.newaxis]) + height - op.arange(2 * height)
    )
    rises = op.unsqueeze(op.single(steps * steps), [2])

    def lower(part, bounds, squares, rises):
        bounds = op.reshape(op.gather(bounds, part), [4])
        start, end, first, last = op.split(bounds, num_outputs=4)
        candidates = op.slice(squares, start, end)
        return op.each_min(candidates + op.slice(rises, first, last, [1]), 1)

    parts = op.each(op.length(bounds, 0), lower, bounds, squares, rises)
    shape = op.concat([[-1], op.shape(squares, start=1)], axis=0)
    return op.slice(op.reshape(parts, shape), [0], op.reshape(height, [1]), [0])


def _candidates(op, squares):
    """Return which rows may be nearest to the rows of each part of the image.

    No pixel is deeper than the nearest one outside in its row, or than the border.

    Returns
    -------
    Tensor of shape (n_parts, 4), dtype int64
        The first candidate and the one after the last; and the same counted from
        ``height`` rows before the part.
    """
    height = op.length(squares, 0)
    rows = op.arange(height)
    to_border = op.min([rows, height - 1 - rows])
    depth = op.integer(op.ceil(op.sqrt(op.each_max(squares, 1))))
    depth = op.min([depth, to_border])
    n_parts = op.div(height + (_N_ROWS - 1), _N_ROWS)
    # The last part may have rows beyond the image, which are like the last one.
    rows = op.min([op.arange(n_parts * _N_ROWS), height - 1])
    rows = op.reshape(rows, [-1, _N_ROWS])
    depth = op.gather(depth, rows)
    bounds = [op.reduce_min(rows - depth, [1]), op.reduce_max(rows + depth, [1]) + 1]
    before = op.slice(rows, [0], [1], [1]) - height
    return op.concat([*bounds, *(bound - before for bound in bounds)], axis=1)
