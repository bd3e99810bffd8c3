"""Rows of pixels as images, and the mean and scale of their pixels."""

from math import isqrt

import numpy as np
import torch


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
    is_pair = not isinstance(image_shape, str) and len(image_shape) == 2
    if not is_pair or any(
        length != int(length) or length < 1 for length in image_shape
    ):
        raise ValueError(
            f"image_shape={image_shape!r}; expected height and width, two whole "
            "numbers of pixels, or 'row'."
        )
    height, width = map(int, image_shape)
    if height * width != n_pixels:
        hint = f"; a square image would be {(side, side)}" if is_square else ""
        raise ValueError(
            f"image_shape={image_shape!r} stands for {height * width} pixels, but X "
            f"has {n_pixels} features{hint}."
        )
    return height, width


def as_images(rows, image_shape):
    """Return rows of pixels as a tensor of images, without a copy where possible."""
    # torch warns of arrays that it could not write to.
    rows = np.require(rows, requirements=["C_CONTIGUOUS", "WRITEABLE"])
    # CPUs convolve fastest if the axis of channels is last in memory.
    return torch.from_numpy(rows).reshape(-1, *image_shape, 1).permute(0, 3, 1, 2)


def mean_and_scale(X, weights):
    """Return weighted mean and standard deviation of all pixels, the latter never 0."""
    means = X.mean(axis=1, dtype=np.float64)
    # Unlike a sum of X ** 2, this copies no pixels.
    squares = np.einsum("ij,ij->i", X, X, dtype=np.float64) / X.shape[1]
    mean = np.average(means, weights=weights)
    variance = np.average(squares, weights=weights) - mean**2
    # Pixels that differ by no more than float32 rounds are constant.
    is_constant = variance <= (10 * np.finfo(np.float32).eps * mean) ** 2
    return float(mean), 1.0 if is_constant else float(np.sqrt(variance))
