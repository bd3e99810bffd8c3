"""Find a vesicle that lies off the center within another."""

from functools import lru_cache

import cv2
import numpy as np
from scipy import fft

_GRID = 2.0  # nm, spacing of the centers and radii that are tried
_LARGEST = 85  # cells of the grid along a side; two thirds of the transform's length
_SMALLEST = 8.0  # nm, least radius
_GRAIN = 0.8  # nm, standard deviation of the finer of two filters
_EVIDENT, _COVERED = 10.0, 0.6
_FAINT = 0.04  # least energy that counts, to that of the outermost bilayer
_BRIGHT = 6.0  # most that one cell counts: single dots must not make a ring


def has_inner_vesicle(profiles, innermost):
    """Tell whether there is a ring in the space within the innermost bilayer.

    Parameters
    ----------
    profiles : ShellProfiles
        The particle.
    innermost : float
        Depth of the inner face of its innermost bilayer, in nm.

    Returns
    -------
    bool
        Whether a ring of any center and radius within has more energy than chance, in
        the band of frequencies of a bilayer's layers, and has so in most directions.
    """
    free = innermost + 2.0
    if profiles.depth.max() < free + _SMALLEST:
        return False
    energy, depth, cell = _map_energy(profiles, free)
    size = max(32, 1 << (3 * max(energy.shape) // 2 - 1).bit_length())
    kernels, norms = _ring_kernels(size, cell)
    n_radii = min(int((depth.max() - free + 5.0 - _SMALLEST) / _GRID) + 1, len(norms))
    radii = _SMALLEST + _GRID * np.arange(n_radii)
    transform = fft.rfft2(energy, (size, size))
    sums = fft.irfft2(transform * kernels[:n_radii], (size, size))
    scores = sums[:, : energy.shape[0], : energy.shape[1]]
    scores = scores / norms[:n_radii, np.newaxis, np.newaxis]
    scores[depth - free + 5.0 < radii[:, np.newaxis, np.newaxis]] = 0
    best = np.unravel_index(scores.argmax(), scores.shape)
    if scores[best] < _EVIDENT:
        return False
    return _coverage(energy, best[1:], radii[best[0]] / cell) >= _COVERED


def _map_energy(profiles, free):
    """Return the energy within in standard deviations, the depth, and a cell in nm."""
    all_depths = profiles.depth
    outermost = (all_depths > 0) & (all_depths < 5)
    faint = _FAINT * np.mean(_band(profiles.image, profiles.pixel)[outermost])
    touched = (
        np.flatnonzero((all_depths > free - 2).any(axis=axis)) for axis in (1, 0)
    )
    window = tuple(slice(t[0], t[-1] + 1) for t in touched)
    depth = all_depths[window]
    # What follows the outline is known already.
    known = np.interp(depth, profiles.depths, profiles.mean).astype(np.float32)
    within = (depth > free).astype(np.float32)
    energy = _band(profiles.image[window] - known, profiles.pixel) * within
    cell = max(_GRID, profiles.pixel)
    while max(depth.shape) * profiles.pixel > _LARGEST * cell:
        cell *= 2
    shape = tuple(max(int(n * profiles.pixel / cell), 1) for n in depth.shape[::-1])
    energy, share, depth = (
        cv2.resize(part, shape, interpolation=cv2.INTER_AREA)
        for part in (energy, within, depth)
    )
    inside = share > 0.5
    if inside.any():
        energy = _standardize(energy / np.maximum(share, 0.5), inside, faint)
    return np.where(inside, energy, np.float32(0)), depth, cell


def _band(image, pixel):
    """Return the energy of an image at the frequencies of a bilayer's layers."""
    grain = max(_GRAIN / pixel, 0.6)
    fine, coarse = (cv2.GaussianBlur(image, (0, 0), scale * grain) for scale in (1, 2))
    return np.square(fine - coarse)


def _standardize(energy, inside, faint):
    """Return energy in standard deviations, less its mean."""
    middle = np.median(energy[inside])
    # The median absolute deviation of a normal distribution is 0.6745 sigma.
    spread = np.median(np.abs(energy[inside] - middle)) / 0.6745
    spread = max(float(spread), float(faint), np.finfo(np.float32).tiny)
    energy = np.minimum((energy - middle) / np.float32(spread), np.float32(_BRIGHT))
    return energy - energy[inside].mean()


@lru_cache(maxsize=8)
def _ring_kernels(size, cell):
    """Return transforms of rings of all radii that fit in the grid, and their norms."""
    y = np.minimum(np.arange(size), size - np.arange(size)) * cell
    distances = np.hypot(y[:, np.newaxis], y)
    radii = np.arange(_SMALLEST, size * cell / 2, _GRID)[:, np.newaxis, np.newaxis]
    rings = np.exp(-0.5 * ((distances - radii) / (0.8 * cell)) ** 2)
    norms = np.sqrt(np.square(rings).sum(axis=(1, 2)))
    return fft.rfft2(rings.astype(np.float32)), norms.astype(np.float32)


def _coverage(energy, center, radius):
    """Return the share of directions in which a ring has more energy than chance."""
    angles = np.arange(32) * (2 * np.pi / 32)
    reach = radius + 0.6 * np.arange(-2, 3)[:, np.newaxis]
    y, x = (
        np.clip(np.rint(middle + reach * wave(angles)).astype(np.intp), 0, n - 1)
        for middle, wave, n in zip(center, (np.sin, np.cos), energy.shape, strict=True)
    )
    return np.mean(energy[y, x].max(axis=0) > 1)
