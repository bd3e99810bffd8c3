"""What the columns of a particle table hold: images, masks and pixel sizes."""

import reprlib
from decimal import Decimal
from numbers import Real
from pathlib import PurePath

import numpy as np
from pandas.api.types import is_bool_dtype, is_complex_dtype, is_numeric_dtype
from sklearn import get_config

from ..images import ImageArray
from ._masks import as_mask, is_mask, looks_inverted
from ._warnings import warn_caller

# In nm per pixel: no microscope sees a ten thousandth of a nanometer, and a millimeter
# is no particle. What is beyond was given in meters, or is no pixel size.
LEAST_PIXEL, MOST_PIXEL = 1e-4, 1e6


def check_images(images, column, rows):
    """Return a column as an ImageArray without missing or non-finite images.

    ``rows`` is a function that names a row, here and below.
    """
    if not len(images):
        raise ValueError("X has no particles; expected at least one.")
    if not isinstance(images, ImageArray):
        images = _convert_images(images, column, rows)
    missing = np.flatnonzero(images.isna())
    if len(missing):
        raise ValueError(
            f"{rows(missing[0])}: the {column} is missing ({len(missing)} in all). "
            f"Drop such rows with particles.dropna(subset=[{column!r}])."
        )
    row = _find_non_finite(images)
    if row is not None:
        raise ValueError(
            f"{rows(row)}: the {column} has NaN or infinite pixels; expected "
            "finite ones. Replace them, for example by numpy.nan_to_num."
        )
    return images


def _find_non_finite(images):
    """Return the position of the first image with a NaN or infinite pixel, or None."""
    if images.pixel_dtype.kind != "f" or get_config()["assume_finite"]:
        return None
    # A look at one image takes as long as 2**16 pixels in a row: start with the whole
    # buffer, unless few images lie in a large one.
    few = images.pixels.size > 2**16 * len(images)
    if not few and _all_finite(images.pixels):
        return None
    each = enumerate(images)
    return next((row for row, image in each if not _all_finite(image)), None)


def _all_finite(pixels):
    """Tell whether no pixel is NaN or infinite."""
    # A sum needs no memory, which isfinite fills with flags, but can overflow.
    with np.errstate(over="ignore", invalid="ignore"):
        total = pixels.sum()
    return bool(np.isfinite(total) or np.isfinite(pixels).all())


def _convert_images(images, column, rows):
    """Return a list, stack or object column as an ImageArray."""
    is_stack = isinstance(images, np.ndarray) and images.dtype != object
    for i, value in enumerate([] if is_stack else images):
        if isinstance(value, np.ndarray):
            continue
        if isinstance(value, (str, PurePath)):
            raise TypeError(
                f"{rows(i)}: the {column} is the text {str(value)!r}; expected a 2-D "
                "array. Read the files with sklipo.datasets.load_particles."
            )
        if np.isscalar(value) and value == value:
            raise TypeError(
                f"{rows(i)}: the {column} is {_show(value)}; expected a 2-D array."
            )
        if hasattr(value, "toarray"):
            raise TypeError(
                f"{rows(i)}: the {column} is a sparse {type(value).__name__}; expected "
                "a 2-D array, such as its toarray() returns."
            )
    try:
        return ImageArray(images)
    # Its message names the row, but not the column.
    except (TypeError, ValueError) as error:
        raise type(error)(f"The {column} of {error}") from error


def check_masks(masks, images, rows):
    """Return masks as bool, none empty and each of the shape of its image."""
    differing = np.flatnonzero((masks.shapes != images.shapes).any(axis=1))
    if len(differing):
        i = differing[0]
        raise ValueError(
            f"{rows(i)}: the mask has shape {tuple(masks.shapes[i].tolist())}, its "
            f"image {tuple(images.shapes[i].tolist())}; expected the same."
        )
    masks = _as_bool(masks, rows)
    # Most masks cover their middle, which one lookup shows for all of them. Only the
    # rest need a look at every pixel, and with a corner inside at the whole border.
    middles = masks.starts + masks.heights // 2 * masks.row_strides + masks.widths // 2
    corners = masks.pixels[masks.starts]
    inverted = []
    for i in np.flatnonzero(~masks.pixels[middles]):
        mask = masks[i]
        if not mask.any():
            raise ValueError(
                f"{rows(i)}: the mask is empty; expected at least one pixel inside."
            )
        if corners[i] and looks_inverted(mask):
            inverted.append(i)
    if inverted:
        warn_caller(
            f"{rows(inverted[0])}: the mask looks turned round ({len(inverted)} of "
            f"{len(masks)} do), as its border is inside the particle and its middle is "
            "not. If so, pass ~mask, or mask == 0."
        )
    return masks


def _as_bool(masks, rows):
    """Return masks of numbers as bool."""
    if masks.pixel_dtype.kind == "b":
        return masks
    masks = masks.compact()
    if not is_mask(masks.pixels):
        # One at a time, as the number inside can be another in each.
        for i, mask in enumerate(masks):
            try:
                as_mask(mask)
            except ValueError as error:
                raise ValueError(f"{rows(i)}: the mask {error}") from error
    return masks.with_pixels(masks.pixels != 0)


def check_pixel_sizes(pixel_sizes, rows):
    """Return pixel sizes as positive float64 values."""
    values = as_floats(pixel_sizes)
    wrong = np.flatnonzero(~((values >= LEAST_PIXEL) & (values <= MOST_PIXEL)))
    if len(wrong):
        i = wrong[0]
        raise ValueError(
            f"{rows(i)}: pixel_size is {_show(pixel_sizes.iloc[i])}; expected a "
            f"positive number of nm per pixel, from {LEAST_PIXEL} to "
            f"{MOST_PIXEL:.0f}. Where it is unknown, drop the column to measure in "
            "pixels."
        )
    return values


def as_floats(column):
    """Return a column as float64, NaN where it holds no real number."""
    dtype = column.dtype
    if not is_numeric_dtype(dtype) or is_bool_dtype(dtype) or is_complex_dtype(dtype):
        return np.array([_as_float(value) for value in column], float)
    return column.to_numpy(float, na_value=np.nan)


def _as_float(value):
    """Return a number, or a text that is one, as float, and NaN for all else."""
    is_number = isinstance(value, (Real, Decimal, str))
    if not is_number or isinstance(value, (bool, np.bool_)):
        return np.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return np.nan


def _show(value):
    """Return a short text for any value, a number as Python shows it."""
    return reprlib.repr(value.item() if isinstance(value, np.generic) else value)
