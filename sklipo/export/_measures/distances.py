"""The exact Euclidean distance transform of a mask, in a graph."""

import numpy as np

# More than any squared distance; those that occur are exact in single precision.
_FAR = np.float32(2**26)


def squared_depths(op, mask):
    """Return the squared distance of each pixel inside to the nearest one outside.

    Parameters
    ----------
    op : Ops
        The operators.
    mask : Var of shape (height, width), dtype uint8
        Non-zero inside; the two outer rows and columns are zeros.

    Returns
    -------
    Var of shape (area,), dtype int64
        Whole numbers, row by row.
    """
    flat = op.cast(op.reshape(mask, [-1]), to=bool)
    inside = op.reshape(op.non_zero(flat), [-1])
    zeros = op.single(op.reshape(mask, [-1])) * 0.0
    squares = _along_rows(op, op.reshape(op.non_zero(~flat), [-1]), inside)
    image = op.scatter_elements(zeros, inside, op.single(squares), axis=0)
    image = _across_rows(op, op.reshape(image, op.shape(mask)))
    return op.integer(op.gather(op.reshape(image, [-1]), inside))


def _along_rows(op, outside, inside):
    """Return the squared distances to the nearest pixel outside in the same row."""
    # Before a pixel lie as many pixels as its position says, most of them inside.
    n_outside = inside - op.arange(op.size(inside))
    left = inside - op.gather(outside, n_outside - 1)
    right = op.gather(outside, n_outside) - inside
    nearest = op.min([left, right])
    return nearest * nearest


def _across_rows(op, squares):
    """Return the least, over the rows, of the square plus the squared distance to it.

    Offsets are tried in steps. What an offset of n rows lowers is n pixels deep, so
    that the steps work on a smaller and smaller part of the image.
    """
    largest_offset = op.div(op.each_min(op.shape(squares)) - 3, 2)
    first = op.constant(1, np.int64)
    end = _end(op, squares, largest_offset)

    def lower(image, first, end):
        stop = op.min([first + first + 8, end])
        margin = first + 1
        part = _crop(op, image, margin)
        part = _lower(op, _crop_columns(op, squares, margin), part, first, stop)
        pads = op.expand(margin, [4])
        image = op.min([image, op.pad(part, pads, _FAR)])
        end = _end(op, part, largest_offset)
        return op.less(stop, end), image, stop, end

    return op.repeat(op.less(first, end), lower, squares, first, end)[0]


def _end(op, image, largest_offset):
    """Return the first offset that can lower no pixel of an image."""
    root = op.ceil(op.sqrt(op.each_max(image)))
    return op.min([largest_offset + 1, op.integer(root)])


def _lower(op, squares, part, first, stop):
    """Return a part of the image after the offsets from first to below stop."""
    n_rows = op.length(part, 0)
    offsets = op.range(first, stop, np.int64(1))
    # Rows beyond the image are farther than its border.
    n_beyond = op.max([stop - first - 2, np.int64(0)])
    pads = op.concat([op.expand(n_beyond, [1]), [0]] * 2, axis=0)
    squares = op.pad(squares, pads, _FAR)
    starts = [first + 1 + n_beyond + sign for sign in (-offsets, offsets)]
    ends = [start + n_rows for start in starts]
    columns = [op.single(offsets * offsets), *starts, *ends]

    def lower(i, go, part):
        square, *bounds = (op.gather(column, i) for column in columns)
        up, down = (op.slice(squares, *bounds[side::2]) for side in (0, 1))
        return [go, op.min([part, op.min([up, down]) + square])]

    go = op.constant([True])
    return op.loop(op.size(offsets), go, v_initial=[part], body=lower)[0]


def _crop(op, image, margin):
    """Return an image without margins."""
    start = op.expand(margin, [2])
    return op.slice(image, start, op.shape(image) - start, [0, 1])


def _crop_columns(op, image, margin):
    """Return an image without margins on the left and right."""
    start = op.expand(margin, [1])
    return op.slice(image, start, op.length(image, 1) - start, [1])
