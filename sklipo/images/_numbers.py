"""What numbers pixels may be, and what of them is rounding."""

import numpy as np

# Up to here double precision holds every integer.
_LARGEST_EXACT = 2**53
# Differences of larger numbers can leave the range of floats. A power of 2 rounds none.
_NEAR_OVERFLOW, _SMALLER = 1e300, 2.0**-60


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


def refuse_extremes(images):
    """Raise an error that names the first image with numbers too large to compute with.

    Integers beyond 2**53 would be rounded, differences of the largest floats overflow.
    """
    limit = _limit(images.pixel_dtype)
    if limit is None:
        return
    # A look at one image takes as long as 2**16 pixels in a row.
    few = images.pixels.size > 2**16 * len(images)
    if not few and _is_within(images.pixels, limit):
        return
    for row, image in enumerate(images):
        if isinstance(image, np.ndarray) and not _is_within(image, limit):
            exact = "2**53" if limit == _LARGEST_EXACT else f"{limit:g}"
            raise ValueError(
                f"row {row}: the image has {image.dtype} pixels beyond {exact}, which "
                "are too large to compute with; subtract a constant from the images, "
                "or divide them by one"
            )


def has_inexact(pixels):
    """Tell whether some pixels are integers that double precision does not hold."""
    limit = _limit(pixels.dtype)
    return pixels.dtype.kind != "f" and limit and not _is_within(pixels, limit)


def _limit(dtype):
    """Return the largest number to compute with, None where that is every number."""
    if dtype.kind == "f":
        return {2: None, 4: 1e37}.get(dtype.itemsize, _NEAR_OVERFLOW)
    return _LARGEST_EXACT if dtype.kind in "iu" and dtype.itemsize == 8 else None


def _is_within(pixels, limit):
    """Tell whether no pixel is beyond a limit."""
    if not pixels.size:
        return True
    if pixels.ndim == 1 and pixels.dtype.char in "fd":
        # The sum of squares takes a fifth of the time, and overflows early enough.
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(pixels @ pixels):
                return True
    return not (pixels.max() > limit or pixels.min() < -limit)


def mean_and_deviation(pixels):
    """Return mean and standard deviation; the latter is 0 where it is but rounding.

    Both are computed from differences to one of the pixels, so a constant has no
    deviation, whatever is added to it, and small differences on a high level remain.
    """
    pixels = pixels.reshape(-1)
    if not pixels.size:
        return np.nan, np.nan
    # NaN and infinite pixels come here where they are not looked for.
    with np.errstate(invalid="ignore"):
        lowest, highest = float(pixels.min()), float(pixels.max())
        largest = max(highest, -lowest)
        if _NEAR_OVERFLOW < largest < np.inf:
            mean, deviation = mean_and_deviation(pixels * _SMALLER)
            return mean / _SMALLER, deviation / _SMALLER
        if lowest == highest and pixels.dtype.kind == "f":
            return lowest, 0.0
        origin, differences = _differences(pixels)
        # Squares of very large and very small numbers leave the range of floats.
        spread = highest - lowest
        unit = 1.0 if 1e-100 < spread < 1e100 else spread or 1.0
        differences /= unit
        mean = float(differences.mean())
        differences -= mean
        # Not a dot product: the sums of BLAS depend on its number of threads.
        squares = float(np.einsum("i,i", differences, differences))
        mean, deviation = mean * unit, np.sqrt(squares / pixels.size) * unit
    if is_rounding(deviation, pixels, largest):
        deviation = 0.0
    return origin + mean, float(deviation)


def is_rounding(deviation, pixels, largest):
    """Tell whether rounding alone can give a deviation to equal pixels.

    A float pixel is known to eps, one unit in its last place, times its magnitude:
    differences of that size are all that resampling or a change of units leaves of a
    constant. Each step in double precision rounds once more, and random errors add up
    by the root of their number. Pixels of single precision stay so where they are kept
    in a wider type. Integers are exact.
    """
    if pixels.dtype.kind != "f":
        return not deviation
    computed = np.sqrt(pixels.size) * np.finfo(np.float64).eps
    if deviation <= float(max(np.finfo(pixels.dtype).eps, computed)) * largest:
        return True
    if deviation > float(np.finfo(np.float32).eps) * largest:
        return False
    with np.errstate(over="ignore"):
        return bool((pixels.astype(np.float32) == pixels).all())


def _differences(pixels):
    """Return one of the pixels, and their differences from it in double precision."""
    if pixels.dtype.kind == "f":
        origin = float(pixels[0])
        return origin, np.subtract(
            pixels, origin, dtype=np.float64, casting="same_kind"
        )
    if pixels.dtype.kind == "b":
        pixels = pixels.view(np.uint8)
    return float(pixels.min()), above_lowest(pixels).astype(np.float64)


def above_lowest(pixels):
    """Return integer pixels less the lowest of them, exactly, as unsigned integers."""
    # A difference that overflows wraps round, to the right unsigned number.
    return (pixels - pixels.min()).view(f"u{pixels.dtype.itemsize}")
