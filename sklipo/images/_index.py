"""Where images lie in a buffer: checking, cropping and selecting their index.

An *index* is an int64 array with one row ``(start, height, width, row_stride)`` per
image, counted in pixels of the buffer. A missing image has start -1 and no size.
"""

import numpy as np
from pandas.api.indexers import check_array_indexer
from pandas.api.types import is_integer, is_list_like

MISSING = (-1, 0, 0, 0)


def lay_out(shapes):
    """Return the index of images that follow each other in a buffer without gaps."""
    shapes = np.asarray(shapes, dtype=np.int64).reshape(-1, 2)
    sizes = shapes.prod(axis=1)
    starts = np.where(sizes > 0, np.cumsum(sizes) - sizes, -1)
    return np.column_stack([starts, shapes, shapes[:, 1]])


def as_index(starts, heights, widths, row_strides, n_pixels):
    """Return the index of images that lie in a buffer, checked."""
    columns = [
        whole_numbers(values, name)
        for values, name in (
            (starts, "starts"),
            (heights, "heights"),
            (widths, "widths"),
            (row_strides, "row_strides"),
        )
    ]
    shapes = [column.shape for column in columns]
    if columns[0].ndim != 1 or len(set(shapes)) != 1:
        raise ValueError(
            "expected one start, height, width and row stride per image, got arrays "
            f"of the shapes {shapes}"
        )
    index = np.column_stack(columns)
    index[index[:, 0] == -1] = MISSING
    check_index(index, n_pixels)
    # The stride of a single row leads nowhere, but its bytes can overflow.
    np.minimum(index[:, 3], n_pixels, out=index[:, 3])
    return index


def whole_numbers(values, name):
    """Return positions or lengths as int64, or raise an error that says which are not.

    NumPy would cut fractions off, and wrap what does not fit.
    """
    try:
        numbers = np.asarray(values)
    except ValueError:  # nested lists of unequal lengths
        numbers = np.array(None)
    if numbers.size == 0:
        return np.zeros(numbers.shape, np.int64)
    if numbers.dtype.kind not in "iu":
        # So come pandas' nullable integers, and integers beyond 64 bits.
        whole = numbers.dtype == object and all(map(is_integer, numbers.flat))
        if not whole:
            raise TypeError(f"expected whole numbers as {name}, got {values!r}")
    limits = np.iinfo(np.int64)
    if numbers.dtype != np.int64 and (
        numbers.max() > limits.max or numbers.min() < limits.min
    ):
        raise ValueError(f"expected {name} of less than 2**63, got {values!r}")
    return numbers.astype(np.int64, copy=False)


def check_index(index, n_pixels):
    """Raise an error that names the first image that does not lie in the buffer."""
    start, height, width, row_stride = index.T
    # Nothing here overflows: what is subtracted is not negative, nothing is multiplied.
    inside = (height > 0) & (width > 0) & (row_stride >= width) & (start >= 0)
    room = n_pixels - np.maximum(start, 0) - np.maximum(width, 0)
    inside &= (room >= 0) & (height - 1 <= room // np.maximum(row_stride, 1))
    outside = np.flatnonzero(~inside & (start != -1))
    if outside.size:
        row = int(outside[0])
        raise ValueError(
            f"row {row}: an image of {height[row]}x{width[row]} pixels from pixel "
            f"{start[row]} with row stride {row_stride[row]} does not lie in a buffer "
            f"of {n_pixels} pixels"
        )


def crop_index(index, tops, lefts, heights, widths):
    """Return the index of a rectangle of each image; missing ones stay missing."""
    top, left, height, width = (
        _per_image(whole_numbers(values, name), name, len(index))
        for values, name in (
            (tops, "tops"),
            (lefts, "lefts"),
            (heights, "heights"),
            (widths, "widths"),
        )
    )
    missing = index[:, 0] < 0
    inside = (top >= 0) & (left >= 0) & (height > 0) & (width > 0)
    # A sum could overflow.
    inside &= (height <= index[:, 1] - np.maximum(top, 0)) & (
        width <= index[:, 2] - np.maximum(left, 0)
    )
    outside = np.flatnonzero(~inside & ~missing)
    if outside.size:
        row = int(outside[0])
        raise ValueError(
            f"row {row}: a crop of {height[row]}x{width[row]} pixels from row "
            f"{top[row]}, column {left[row]} is empty or leaves the image, which has "
            f"{index[row, 1]}x{index[row, 2]} pixels"
        )
    start = index[:, 0] + top * index[:, 3] + left
    cropped = np.column_stack([start, height, width, index[:, 3]])
    cropped[missing] = MISSING
    return cropped


def _per_image(values, name, n_images):
    """Return one number per image from these or from a single number."""
    if values.shape not in ((), (1,), (n_images,)):
        raise ValueError(
            f"expected one number or {n_images} as {name}, one for each image, got "
            f"an array of shape {values.shape}"
        )
    return np.broadcast_to(values, n_images)


def as_positions(indices):
    """Return positions to take as a 1-D array."""
    positions = np.atleast_1d(whole_numbers(indices, "positions"))
    if positions.ndim != 1:
        raise ValueError(f"expected a 1-D array of positions, got {indices!r}")
    return positions


def take_index(index, positions):
    """Return rows of an index, with a missing image where a position is -1."""
    if positions.size and positions.min() < -1:
        raise ValueError("with allow_fill, indices are positions or -1 for missing")
    taken = np.empty((len(positions), 4), dtype=np.int64)
    filled = positions == -1
    taken[filled] = MISSING
    taken[~filled] = index.take(positions[~filled], axis=0)
    return taken


def as_key(array, item):
    """Return what ``array[item]`` asks for as an integer, a slice or a 1-D array."""
    if item is Ellipsis or isinstance(item, tuple):
        item = _without_ellipsis(item)
    if isinstance(item, np.ndarray) and item.ndim == 0:
        item = item[()]
    if is_list_like(item):
        is_flat = not isinstance(item, set | frozenset | dict)
        is_flat = is_flat and getattr(item, "ndim", 1) == 1
        if isinstance(item, list) and item:
            is_flat = not is_list_like(item[0])
    else:
        is_flat = isinstance(item, slice) or is_integer(item)
    if not is_flat:
        raise IndexError(
            # pandas' suite asks for these words of NumPy's.
            "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and "
            f"integer or boolean arrays are valid indices, and no axis is new: {item!r}"
        )
    return check_array_indexer(array, item)


def _without_ellipsis(item):
    """Return the one indexer in a tuple such as ``(..., slice(2))``."""
    if item is Ellipsis:
        return slice(None)
    parts = [part for part in item if part is not Ellipsis]
    if len(parts) != 1:
        raise IndexError(f"expected one indexer for images, got {item}")
    return parts[0]


def covers(index, n_pixels):
    """Return whether the images use at least half of a buffer, repeats counted once."""
    # Oversampling repeats images, which then lie at the same start.
    _, first = np.unique(index[:, 0], return_index=True)
    used = index[first, 1:3].prod(axis=1).sum()
    return bool(2 * used >= n_pixels)
