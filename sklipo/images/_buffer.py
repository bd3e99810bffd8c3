"""Many images in one flat buffer: the array work behind ``ImageArray``."""

import hashlib
import numbers
from functools import partial
from itertools import repeat

import numpy as np
import pandas as pd
from pandas.api.types import is_list_like

from ._index import MISSING, lay_out
from ._numbers import check_pixels, common_dtype, refuse_loss


def read_only(array):
    """Return the array itself if nobody can write to it, else a view that cannot."""
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def as_buffer(pixels):
    """Return pixels, in native byte order, as a read-only base of every view of them.

    So the images of an array lead back to its buffer, see :func:`locate`.
    """
    # OpenCV and torch read bytes of a foreign order as if they were native ones, and
    # pixels only where their processor would put them.
    if not pixels.dtype.isnative or not pixels.flags.aligned:
        pixels = pixels.astype(pixels.dtype.newbyteorder("="))
    # NumPy looks through arrays that do not own their memory when it sets the base of a
    # view, but stops at a memoryview.
    is_base = pixels.flags.owndata or type(pixels.base) is not np.ndarray
    if is_base and not pixels.flags.writeable:
        return pixels
    return np.frombuffer(memoryview(pixels).toreadonly(), pixels.dtype)


def is_missing(value):
    """Return whether a value stands for a missing image: None, NaN, NA or NaT."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, numbers.Real) and bool(value != value)


def check_image(image, row):
    """Raise an error that names the row unless it holds a 2-D image of real numbers."""
    check_pixels(image, f"row {row}: ")
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
    try:
        image = np.asanyarray(value)
    # Nested lists of unequal lengths, tensors on another device: whatever NumPy, or who
    # made the image, cannot convert.
    except Exception as error:
        raise TypeError(
            f"row {row}: expected a 2-D array or a missing value, got a "
            f"{type(value).__name__} that NumPy makes no array of: {error}"
        ) from error
    check_image(image, row)
    return np.asarray(image)


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
        dtype = common_dtype({i.dtype for i in images if i is not None})
    index = lay_out([(0, 0) if image is None else image.shape for image in images])
    pixels = np.empty(int(index[:, 1:3].prod(axis=1).sum()), dtype)
    places = zip(images, index.tolist(), strict=True)
    for row, (image, (start, height, width, _)) in enumerate(places):
        if image is not None:
            refuse_loss(image, dtype, f"row {row}: ")
            target = pixels[start : start + height * width]
            target.reshape(height, width)[...] = image
    return pixels, index


def pack_stack(stack, copy):
    """Return the flat buffer and index of an (n, height, width) array."""
    if not len(stack):
        check_pixels(stack)
    for row, image in enumerate(stack[:1] if type(stack) is np.ndarray else stack):
        check_image(image, row)
    pixels = np.array(stack, order="C", copy=copy or None).reshape(-1)
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
    dtype = common_dtype({pixels.dtype for pixels in unique.values()})
    for pixels in unique.values():
        refuse_loss(pixels, dtype)
    return np.concatenate(list(unique.values()), dtype=dtype), index


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
