"""Perlin noise on a grid of pixels."""

import numpy as np


def perlin_noise(shape, period, rng, octaves=1):
    """Return gradient noise: float32, within -0.71 and 0.71 for each octave.

    Random unit gradients sit on a lattice ``period`` pixels wide. A pixel blends the
    ramps of the four corners of its lattice cell by the weight 3 t^2 - 2 t^3
    (Perlin 1985, doi:10.1145/325165.325247). Each further octave has half the period
    and half the height of the one before.
    """
    noise = np.zeros(shape, dtype=np.float32)
    for octave in range(octaves):
        start = rng.uniform(size=2)
        y, x = (
            (first + np.arange(n) * (2**octave / period)).astype(np.float32)
            for first, n in zip(start, shape, strict=True)
        )
        angles = rng.uniform(0, 2 * np.pi, size=(int(y[-1]) + 2, int(x[-1]) + 2))
        noise += gradient_noise(y, x, angles.astype(np.float32)) / np.float32(2**octave)
    return noise


def gradient_noise(y, x, angles):
    """Return noise at lattice positions y by x from the angles of the gradients."""
    # Weights and ramps are products of a term in y and a term in x. The sum over the
    # four corners of all pixels is therefore one product of two narrow matrices.
    weight_y, ramp_y = _corner_terms(y, angles.shape[0])
    weight_x, ramp_x = _corner_terms(x, angles.shape[1])
    along_y = np.hstack([ramp_y @ np.sin(angles), weight_y @ np.cos(angles)])
    return along_y @ np.hstack([weight_x, ramp_x]).T


def _corner_terms(position, n_lattice):
    """Return each lattice point's weight, and weight times distance, by position."""
    distance = position[:, None] - np.arange(n_lattice, dtype=np.float32)
    # Zero for all lattice points but the two that a position lies between.
    nearness = np.maximum(1 - np.abs(distance), 0)
    weight = nearness**2 * (3 - 2 * nearness)
    return weight, weight * distance
