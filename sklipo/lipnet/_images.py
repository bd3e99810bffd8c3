"""Rows of pixels as images, and the mean and scale of their pixels."""

from math import isqrt
from numbers import Real

import numpy as np
import torch
from sklearn.utils import gen_batches


def find_image_shape(n_pixels, image_shape):
    """Return height and width of the images that rows of pixels hold."""
    side = isqrt(n_pixels)
    is_square = side * side == n_pixels
    if isinstance(image_shape, str) and image_shape == "row":
        return 1, n_pixels
    if image_shape is None:
        if is_square:
            return side, side
        raise ValueError(
            f"X has {n_pixels} features, which is no square image. Pass "
            "image_shape=(height, width) if the rows are images of another shape, or "
            "image_shape='row' if they are numbers without a second dimension."
        )
    if len(image_shape) != 2 or not all(map(_is_length, image_shape)):
        raise ValueError(
            f"image_shape={image_shape!r}; expected height and width, two whole "
            "numbers of pixels, or 'row'."
        )
    height, width = map(int, image_shape)
    if height * width != n_pixels:
        hint = f"; a square image would be {(side, side)}" if is_square else ""
        raise ValueError(
            f"image_shape={image_shape!r} stands for {height * width:.15g} pixels, but "
            f"X has {n_pixels} features{hint}."
        )
    return height, width


def _is_length(number):
    """Tell whether a number can be a height or width: whole, and at least 1."""
    return (
        isinstance(number, Real)
        and not isinstance(number, bool | np.bool)
        and 1 <= number < np.inf
        and number == int(number)
    )


def as_images(rows, image_shape):
    """Return rows of pixels as a tensor of images, without a copy where possible."""
    # torch warns of arrays that it could not write to.
    rows = np.require(rows, requirements=["C_CONTIGUOUS", "WRITEABLE"])
    # CPUs convolve fastest if the axis of channels is last in memory.
    return torch.from_numpy(rows).reshape(-1, *image_shape, 1).permute(0, 3, 1, 2)


def mean_and_scale(X, weights):
    """Return weighted mean and standard deviation of all pixels, the latter never 0."""
    mean = np.average(X.mean(axis=1, dtype=np.float64), weights=weights)
    # The mean of squares less the square of the mean would lose all digits of pixels
    # that differ little. A few rows at a time, since their differences are copies.
    with np.errstate(over="ignore"):
        squares = [np.square(X[rows] - mean).mean(axis=1) for rows in _few_rows(X)]
    variance = np.average(np.concatenate(squares), weights=weights)
    return finish_scale(mean, variance, max(X.max(), -X.min()))


def finish_scale(mean, variance, largest):
    """Return a mean and a standard deviation that is never 0, or refuse them."""
    scale = np.sqrt(variance)
    if not np.isfinite(scale):
        raise ValueError(
            f"X holds pixels as large as {largest:.3g}, whose variance overflows. "
            "Divide X by their largest value."
        )
    # Pixels that differ by no more than float32 rounds are constant.
    is_constant = scale <= 10 * np.finfo(np.float32).eps * abs(mean)
    return float(mean), 1.0 if is_constant else float(scale)


def _few_rows(X):
    """Return slices of about a megabyte of pixels."""
    return gen_batches(len(X), max(1, 2**17 // X.shape[1]))
