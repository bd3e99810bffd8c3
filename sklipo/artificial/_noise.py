"""Perlin noise, and liposomes drawn on it as circles (section 4.8.4 of the thesis)."""

import numpy as np

from ._scenes import BILAYER_THICKNESS

RING_WIDTH = 2.0  # nm, standard deviation
CONTENT_PATH = 15.0  # nm of drug that are as dark as a membrane
BEND = 1 / 6  # of the particle's radius


def perlin_noise(shape, period, rng, octaves=1):
    """Gradient noise on a grid of pixels: float32, within -0.71 and 0.71 an octave.

    Random unit gradients sit on a lattice ``period`` pixels wide. A pixel blends, by
    the weight 3 t^2 - 2 t^3, the ramps of the four corners of its lattice cell
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
    """Noise at lattice positions y by x; ``angles`` are the gradients' directions.

    On a grid the weights and ramps are products of a term in y and one in x, so that
    the sum over the corners is a product of matrices.
    """
    weight_y, ramp_y = _corner_terms(y, angles.shape[0])
    weight_x, ramp_x = _corner_terms(x, angles.shape[1])
    along_y = np.hstack([ramp_y @ np.sin(angles), weight_y @ np.cos(angles)])
    return along_y @ np.hstack([weight_x, ramp_x]).T


def _corner_terms(position, n_lattice):
    """Weight of each lattice point, and that times its distance, at each position."""
    distance = position[:, None] - np.arange(n_lattice, dtype=np.float32)
    nearness = np.maximum(1 - np.abs(distance), 0)
    weight = nearness**2 * (3 - 2 * nearness)
    return weight, weight * distance


def draw_perlin(scene, imaging, y, x, rng):
    """Grey levels and mask of a scene at the points y, x (nm)."""
    pixel, shape = y[1] - y[0], (len(y), len(x))
    # Bending the plane bends every circle in it, and the mask with them.
    bend = np.float32(BEND * scene.outline.radius)
    y_bent = y[:, None].astype("f4") + bend * perlin_noise(shape, 80 / pixel, rng)
    x_bent = x.astype("f4") + bend * perlin_noise(shape, 80 / pixel, rng)
    texture = perlin_noise(shape, 64 / pixel, rng, octaves=5)
    dark = np.float32(scene.contrast) * _darkness(scene, y_bent, x_bent)
    dark *= 1 + perlin_noise(shape, 16 / pixel, rng)
    bright = np.float32(0.12 + imaging.unevenness) * texture - np.float32(0.22) * dark
    for blob in scene.ice:
        edge = blob.depth(y_bent, x_bent) + 8 * texture
        bright -= np.float32(0.5) * np.clip(edge / 6, 0, 1)
    spread = np.float32(imaging.noise / (np.sqrt(imaging.dose) * pixel))
    bright += spread * rng.standard_normal(shape, dtype=np.float32)
    grey = np.float32(imaging.mean) + np.float32(imaging.stretch) * bright
    return grey, scene.outline.depth(y_bent, x_bent) >= 0


def _darkness(scene, y, x):
    """How dark the rings and contents are: 1 at the outermost membrane."""
    dark = np.zeros(y.shape, dtype=np.float32)
    width = np.float32(RING_WIDTH + scene.blur)
    for vesicle in scene.vesicles + scene.neighbours:
        below = vesicle.outline.depth(y, x) - np.float32(BILAYER_THICKNESS / 2)
        for depth, density in zip(vesicle.depths, vesicle.densities, strict=True):
            ring = np.exp(-0.5 * ((below - np.float32(depth)) / width) ** 2)
            dark += np.float32(density) * ring
    for content in scene.contents:
        path = content.thickness(y, x)
        dark += np.float32(content.density / CONTENT_PATH) * path
    return dark
