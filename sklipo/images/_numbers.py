"""What numbers pixels may be, and what of them is rounding."""

import numpy as np

# Up to here double precision holds every integer.
_LARGEST_EXACT = 2**53


def check_pixels(pixels, where=""):
    """Raise an error unless an array holds real numbers, none of them masked."""
    if pixels.dtype.kind not in "biuf":
        raise TypeError(
            f"{where}expected pixels that are integers, floats or bools, "
            f"got dtype {pixels.dtype}"
        )
    refuse_masked(pixels, where)


def refuse_masked(pixels, where=""):
    """Raise an error if pixels of a masked array are masked."""
    # It would become a plain array with whatever numbers are below the mask.
    if np.ma.is_masked(pixels):
        raise ValueError(
            f"{where}{np.ma.count_masked(pixels)} pixels are masked, and an image has "
            "no masked pixels; fill them first, as image.filled(image.mean()) does"
        )


def float_dtype(pixel_dtype):
    """Return the float type for results: double only if the pixels are."""
    is_double = pixel_dtype.kind == "f" and pixel_dtype.itemsize >= 8
    return np.float64 if is_double else np.float32


def common_dtype(dtypes):
    """Return the smallest type that holds pixels of all these types."""
    # bool promotes to any other dtype, so an array without images widens no others
    # that it is joined with.
    return np.result_type(np.bool_, *dtypes)


def refuse_loss(pixels, dtype, where=""):
    """Raise an error if a wider type does not hold every one of some pixels."""
    if dtype.kind == "f" and dtype.itemsize <= 8 and has_inexact(pixels):
        raise ValueError(
            f"{where}{pixels.dtype} pixels beyond 2**53 lose digits as {dtype}, the "
            "common type of these images; convert them to one type first"
        )


def has_inexact(pixels):
    """Tell whether some pixels are integers that double precision does not hold."""
    return bool(
        pixels.dtype.kind in "iu"
        and pixels.dtype.itemsize == 8
        and pixels.size
        and (pixels.max() > _LARGEST_EXACT or pixels.min() < -_LARGEST_EXACT)
    )
