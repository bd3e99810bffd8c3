"""Profiles across the outline of a particle, one for each direction."""

from copy import copy
from functools import cached_property, lru_cache

import cv2
import numpy as np

STEP = 0.5  # nm, thickness of a shell
N_SECTORS = 16
OUTSIDE = 10.0  # nm outside the outline that are looked at
DEEPEST = 100.0  # nm, down to which lamellae are looked for
_WORKING_PIXEL = 0.8  # nm, up to which pixels smaller than that are averaged
_N_RAYS = 64
_FEWEST = 6  # pixels that make a shell


class ShellProfiles:
    """Mean intensity by depth below the outline, in each of 16 directions.

    Parameters
    ----------
    image : ndarray of shape (height, width)
        Pixels of the cut-out.
    mask : ndarray of shape (height, width)
        Non-zero inside.
    pixel : float
        Width of a pixel in nm.

    Attributes
    ----------
    image, depth : ndarray of float32
        Pixels near the particle, averaged where they are small, and their depth in nm,
        negative outside.
    pixel : float
        Width of these pixels in nm.
    depths : ndarray of shape (n_shells,)
        Depth of the middle of each shell.
    counts, values : ndarray of shape (n_shells, 16)
        Number of pixels in each shell and direction, and their mean.
    totals, mean : ndarray of shape (n_shells,)
        Number of pixels in each shell, and their mean.
    """

    def __init__(self, image, mask, pixel):
        self.image, inside, self.pixel = _shrink(image, mask, pixel)
        radius, turn = _polar(inside)
        depth = _depth_along_rays(_signed_distance(inside), radius, turn)
        self.depth = depth * np.float32(self.pixel)
        near = (self.depth >= -OUTSIDE) & (self.depth < DEEPEST)
        shells = (self.depth[near] + np.float32(OUTSIDE)) / np.float32(STEP)
        index = shells.astype(np.intp) * N_SECTORS + _bins(turn[near], N_SECTORS)
        shape = index.max() // N_SECTORS + 1, N_SECTORS
        size = shape[0] * N_SECTORS
        self.counts = np.bincount(index, minlength=size).reshape(shape)
        self.totals = self.counts.sum(axis=1)
        self.depths = shell_depths(shape[0])
        sums = np.bincount(index, self.image[near], size).reshape(shape)
        self.mean = sums.sum(axis=1) / np.maximum(self.totals, 1)
        # An empty part of a shell says nothing: it takes the mean of the others.
        means = sums / np.maximum(self.counts, 1)
        self.values = np.where(self.counts > 0, means, self.mean[:, np.newaxis])

    def moved(self, steps):
        """Return the same for an outline that is deeper by steps in each direction."""
        other = copy(self)
        rows = np.arange(len(self.depths))[:, np.newaxis] + steps
        rows = np.clip(rows, 0, len(self.depths) - 1)
        other.counts = np.take_along_axis(self.counts, rows, axis=0)
        other.values = np.take_along_axis(self.values, rows, axis=0)
        other.totals = other.counts.sum(axis=1)
        sums = np.einsum("ij,ij->i", other.values, other.counts)
        other.mean = sums / np.maximum(other.totals, 1)
        return other

    @property
    def enough(self):
        """Which shells have enough pixels."""
        return self.totals >= _FEWEST

    @cached_property
    def variance(self):
        """Variance of single pixels, from differences between directions."""
        differences = self.values - self.mean[:, np.newaxis]
        known = (self.counts > 0) & self.enough[:, np.newaxis]
        squares = (self.counts * differences**2)[known]
        # The median of a squared normal deviate is 0.455.
        noise = float(np.median(squares)) / 0.455 if squares.size else 0.0
        # Without noise, there is the rounding of single precision.
        return max(noise, 1e-6 * float(np.var(self.mean)))

    @property
    def relative_lengths(self):
        """Length of each shell to that of the outline."""
        first = int(OUTSIDE / STEP)
        outline = max(self.totals[first : first + 4].mean(), 1.0)
        lengths = np.where(self.depths < 0, outline, self.totals) / outline
        smooth = np.convolve(np.pad(lengths, 3, "edge"), np.full(7, 1 / 7), "valid")
        return np.minimum(smooth, 1.2)


@lru_cache(maxsize=256)
def shell_depths(n_shells):
    """Return the depth of the middle of each shell; callers must not change it."""
    return (np.arange(n_shells) + 0.5) * STEP - OUTSIDE


def _shrink(image, mask, pixel):
    """Return image and mask near the particle, with pixels of a sensible size."""
    factor = max(int(_WORKING_PIXEL / pixel), 1)
    margin = int(np.ceil((OUTSIDE + 1) / pixel)) + factor
    touched = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    window = tuple(slice(max(t[0] - margin, 0), t[-1] + 1 + margin) for t in touched)
    image, mask = image[window].astype(np.float32), mask[window].astype(np.float32)
    if factor > 1:
        height, width = (n // factor for n in image.shape)
        whole = slice(height * factor), slice(width * factor)
        image, mask = (
            cv2.resize(part[whole], (width, height), interpolation=cv2.INTER_AREA)
            for part in (image, mask)
        )
    return image, mask >= 0.5, pixel * factor


def _signed_distance(inside):
    """Return the distance from the outline in pixels, positive inside, smoothed."""
    padded = np.pad(inside.view(np.uint8), 1)
    within, beyond = (
        cv2.distanceTransform(part, cv2.DIST_L2, 5)[1:-1, 1:-1]
        for part in (padded, 1 - padded)
    )
    distance = np.where(inside, within - np.float32(0.5), np.float32(0.5) - beyond)
    # Without it, the staircase of the pixels would blur what follows the outline.
    return cv2.GaussianBlur(distance, (0, 0), 1.5)


def _polar(inside):
    """Return distance and direction of each pixel from the centroid."""
    moments = cv2.moments(inside.view(np.uint8), binaryImage=True)
    y, x = (np.arange(n, dtype=np.float32) for n in inside.shape)
    y -= np.float32(moments["m01"] / moments["m00"])
    x -= np.float32(moments["m10"] / moments["m00"])
    return cv2.cartToPolar(*np.meshgrid(x, y))


def _bins(turn, n_bins):
    """Return which of equal parts of a full turn angles lie in."""
    bins = (turn * np.float32(n_bins / (2 * np.pi))).astype(np.intp)
    return np.minimum(bins, n_bins - 1)


def _depth_along_rays(distance, radius, turn):
    """Return the depth along the ray from the centroid, as seen across the outline.

    Curves at an equal distance from an outline get corners where they are deep; those
    of an equal depth along the ray stay smooth, as membranes are. Where rays cross the
    outline more than once, the distance remains.
    """
    near = np.abs(distance) < 2
    edges = radius[near] + distance[near]
    ray = _bins(turn[near], _N_RAYS)
    counts = np.bincount(ray, minlength=_N_RAYS)
    means = np.bincount(ray, edges, _N_RAYS) / np.maximum(counts, 1)
    if not counts.all() or np.abs(edges - means[ray]).mean() > 1:
        return distance
    slopes = (np.roll(means, -1) - np.roll(means, 1)) * (_N_RAYS / (4 * np.pi))
    cosines = means / np.hypot(means, slopes)
    middles = (np.arange(-1, _N_RAYS + 1) + 0.5) * (2 * np.pi / _N_RAYS)
    outline, cosine = (
        np.interp(turn, middles, np.concatenate([part[-1:], part, part[:1]]))
        for part in (means, cosines)
    )
    return ((outline - radius) * cosine).astype(np.float32)
