"""Many images in one flat buffer: the array work behind ``ImageArray``.

Images are described by an *index*, an int64 array with one row
``(start, height, width, row_stride)`` per image, counted in pixels of the buffer.
A missing image has start -1 and no size.
"""

import hashlib
import numbers
from functools import partial
from itertools import repeat

import numpy as np
import pandas as pd
from pandas.api.types import is_list_like

MISSING = (-1, 0, 0, 0)


def read_only(array):
    """Return the array itself if nobody can write to it, else a view that cannot."""
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def as_buffer(pixels):
    """Return pixels as a read-only array that every view of it has as its base.

    So the images of an array lead back to its buffer, see :func:`locate`.
    """
    # NumPy looks through arrays that do not own their memory when it sets the base of a
    # view, but stops at a memoryview.
    is_base = pixels.flags.owndata or type(pixels.base) is not np.ndarray
    if is_base and not pixels.flags.writeable:
        return pixels
    return np.frombuffer(memoryview(pixels).toreadonly(), pixels.dtype)


def float_dtype(pixel_dtype):
    """Return the float type for results: double only if the pixels are."""
    return np.float64 if pixel_dtype == np.float64 else np.float32


def is_missing(value):
    """Return whether a value stands for a missing image: None, NaN, NA or NaT."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, numbers.Real) and bool(value != value)


def check_image(image, row):
    """Raise an error that names the row unless it holds a 2-D image of real numbers."""
    if image.dtype.kind not in "biuf":
        raise TypeError(
            f"row {row}: expected pixels that are integers, floats or bools, "
            f"got dtype {image.dtype}"
        )
    if image.ndim == 3:
        raise ValueError(
            f"row {row}: expected a 2-D image, got shape {image.shape}; convert a "
            "color image to gray, as skimage.color.rgb2gray(image) or "
            "image.mean(axis=2) do"
        )
    if image.ndim != 2:
        raise ValueError(
            f"row {row}: expected a 2-D image, got shape {image.shape}; "
            "a single image goes into a list, [image]"
        )
    if image.size == 0:
        raise ValueError(f"row {row}: the image of shape {image.shape} has no pixels")


def as_image(value, row):
    """Return what a row holds as a 2-D array, or None where it is missing."""
    if is_missing(value):
        return None
    if not is_list_like(value) or isinstance(value, set | frozenset | dict):
        raise TypeError(
            f"row {row}: expected a 2-D array or a missing value, "
            f"got {type(value).__name__} {value!r}"
        )
    image = np.asarray(value)
    check_image(image, row)
    return image


def lay_out(shapes):
    """Return the index of images that follow each other in a buffer without gaps."""
    shapes = np.asarray(shapes, dtype=np.int64).reshape(-1, 2)
    sizes = shapes.prod(axis=1)
    starts = np.where(sizes > 0, np.cumsum(sizes) - sizes, -1)
    return np.column_stack([starts, shapes, shapes[:, 1]])


def pack(values, copy=False):
    """Return a buffer that holds a sequence of images, and their index in it.

    Images that are views of one buffer, as those of an ``ImageArray`` are, stay there
    unless ``copy`` is True.
    """
    images = as_images(values)
    # Samplers take a table apart into an object array and build it again. That copies
    # no pixels if the images find their buffer.
    found = None if copy else locate(images)
    return found or copy_together(images)


def as_images(values):
    """Return a sequence of images as a list of 2-D arrays and None."""
    return [as_image(value, row) for row, value in enumerate(values)]


def locate(images):
    """Return the read-only buffer that all images are views of and their index.

    Return None if they are not.
    """
    buffer = next((image.base for image in images if image is not None), None)
    if not isinstance(buffer, np.ndarray) or buffer.ndim != 1 or buffer.flags.writeable:
        return None
    origin, size = buffer.__array_interface__["data"][0], buffer.itemsize
    index = np.full((len(images), 4), MISSING, dtype=np.int64)
    for row, image in enumerate(images):
        if image is None:
            continue
        if image.base is not buffer or image.dtype != buffer.dtype:
            return None
        row_stride, rest = divmod(image.strides[0], size)
        if rest or image.strides[1] != size or row_stride < image.shape[1]:
            return None
        start = (image.__array_interface__["data"][0] - origin) // size
        index[row] = start, *image.shape, row_stride
    return buffer, index


def copy_together(images, dtype=None):
    """Copy images into one new buffer; return it and their index.

    Without a dtype, the pixels get the smallest that holds those of all images.
    """
    if dtype is None:
        # bool promotes to any other dtype, so an array without images widens no others
        # that it is joined with.
        present = {image.dtype for image in images if image is not None}
        dtype = np.result_type(np.bool_, *present)
    index = lay_out([(0, 0) if image is None else image.shape for image in images])
    pixels = np.empty(int(index[:, 1:3].prod(axis=1).sum()), dtype)
    for image, (start, height, width, _) in zip(images, index.tolist(), strict=True):
        if image is not None:
            target = pixels[start : start + height * width]
            target.reshape(height, width)[...] = image
    return pixels, index


def pack_stack(stack, copy):
    """Return the flat buffer and index of an (n, height, width) array."""
    if len(stack):
        check_image(stack[0], 0)
    dtype = stack.dtype.newbyteorder("=")
    pixels = np.array(stack, dtype, order="C", copy=copy or None).reshape(-1)
    return pixels, lay_out(np.tile(stack.shape[1:], (len(stack), 1)))


def view_image(pixels, start, height, width, row_stride):
    """Return one image of a buffer as a view, or NA where it is missing."""
    if start < 0:
        return pd.NA
    size = pixels.itemsize
    strides = (row_stride * size, size)
    return np.ndarray((height, width), pixels.dtype, pixels, start * size, strides)


def view_each(pixels, index):
    """Iterate over the images of a buffer."""
    starts, heights, widths, row_strides = index.T
    if len(starts) and starts.min() < 0:
        return map(partial(view_image, pixels), *index.T.tolist())
    size = pixels.itemsize
    # This runs for each image of each step, so no Python code runs per image.
    return map(
        np.ndarray,
        zip(heights.tolist(), widths.tolist(), strict=True),
        repeat(pixels.dtype),
        repeat(pixels),
        (starts * size).tolist(),
        zip((row_strides * size).tolist(), repeat(size), strict=False),
    )


def without_ellipsis(item):
    """Return the one indexer in a tuple such as ``(..., slice(2))``."""
    if item is Ellipsis:
        return slice(None)
    parts = [part for part in item if part is not Ellipsis]
    if len(parts) != 1:
        raise IndexError(f"expected one indexer for images, got {item}")
    return parts[0]


def check_index(index, n_pixels):
    """Raise an error that names the first image that does not lie in the buffer."""
    start, height, width, row_stride = index.T
    stop = start + (height - 1) * row_stride + width
    inside = (height > 0) & (width > 0) & (row_stride >= width) & (stop <= n_pixels)
    outside = np.flatnonzero((start >= 0) & ~inside)
    if outside.size:
        row = int(outside[0])
        raise ValueError(
            f"row {row}: an image of {height[row]}x{width[row]} pixels from pixel "
            f"{start[row]} with row stride {row_stride[row]} does not lie in a buffer "
            f"of {n_pixels} pixels"
        )


def crop_index(index, tops, lefts, heights, widths):
    """Return the index of a rectangle of each image; missing ones stay missing."""
    corners_and_sizes = (tops, lefts, heights, widths)
    box = np.stack([np.broadcast_to(part, len(index)) for part in corners_and_sizes])
    top, left, height, width = box.astype(np.int64, casting="same_kind")
    missing = index[:, 0] < 0
    inside = (top >= 0) & (left >= 0) & (height > 0) & (width > 0)
    inside &= (top + height <= index[:, 1]) & (left + width <= index[:, 2])
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


def take_index(index, indices):
    """Return rows of an index, with a missing image where ``indices`` is -1."""
    if indices.size and indices.min() < -1:
        raise ValueError("with allow_fill, indices are positions or -1 for missing")
    taken = np.empty((len(indices), 4), dtype=np.int64)
    filled = indices == -1
    taken[filled] = MISSING
    taken[~filled] = index.take(indices[~filled], axis=0)
    return taken


def covers(index, n_pixels):
    """Return whether the images use at least half of a buffer, repeats counted once."""
    # Oversampling repeats images, which then lie at the same start.
    _, first = np.unique(index[:, 0], return_index=True)
    used = index[first, 1:3].prod(axis=1).sum()
    return bool(2 * used >= n_pixels)


def join(buffers, indices):
    """Return one buffer for the images of several, and their joint index.

    Images that share a buffer keep sharing it, and no pixel of theirs is copied.
    """
    unique = {id(pixels): pixels for pixels in buffers if pixels.size}
    index = np.concatenate(indices)
    if len(unique) < 2:
        return next(iter(unique.values()), buffers[0]), index
    sizes = [pixels.size for pixels in unique.values()]
    offsets = dict(zip(unique, np.cumsum([0, *sizes]).tolist(), strict=False))
    shifts = np.repeat(
        [offsets.get(id(b), 0) for b in buffers], [len(i) for i in indices]
    )
    index[:, 0] += np.where(index[:, 0] < 0, 0, shifts)
    return np.concatenate(list(unique.values())), index


def same_image(a, b):
    """Return whether two images agree in shape and every pixel, NaN equal to NaN."""
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        return False
    if a.shape != b.shape or b.dtype.kind not in "biuf":
        return False
    # Only NaN differs from itself; isnan would refuse integers.
    return bool(((a == b) | ((a != a) & (b != b))).all())


def image_bytes(image):
    """Return the pixels as bytes that are the same for images that are equal."""
    if image.dtype.kind == "f":
        image = image + 0.0  # turns -0.0 into 0.0
        image[np.isnan(image)] = np.nan  # gives all NaN the same bits
    return image.tobytes()


def digest(image):
    """Return 16 bytes that stand for the shape, dtype and pixels of an image."""
    header = f"{image.dtype.str}{image.shape}".encode()
    return hashlib.blake2b(header + image_bytes(image), digest_size=16).digest()
