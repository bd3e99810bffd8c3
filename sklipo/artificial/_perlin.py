"""Draw a scene as circles on Perlin noise (section 4.8.4 of the thesis)."""

import numpy as np

from ._noise import perlin_noise
from ._scenes import BILAYER_THICKNESS

RING_WIDTH = 2.0  # nm, standard deviation
CONTENT_PATH = 15.0  # nm of drug that are as dark as a membrane
BEND = 1 / 6  # of the particle's radius


def draw_perlin(scene, imaging, y, x, rng):
    """Return gray levels and mask of a scene at the points y, x (nm)."""
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
    # A pixel counts dose * pixel**2 electrons: relative noise is one over their root.
    spread = np.float32(imaging.noise / (np.sqrt(imaging.dose) * pixel))
    bright += spread * rng.standard_normal(shape, dtype=np.float32)
    gray = np.float32(imaging.mean) + np.float32(imaging.stretch) * bright
    return gray, scene.outline.depth(y_bent, x_bent) >= 0


def _darkness(scene, y, x):
    """Return how dark rings and contents are: 1 at the outermost membrane."""
    dark = np.zeros(y.shape, dtype=np.float32)
    width = np.float32(RING_WIDTH + scene.blur)
    for vesicle in scene.vesicles + scene.neighbors:
        below = vesicle.outline.depth(y, x) - np.float32(BILAYER_THICKNESS / 2)
        for depth, density in zip(vesicle.depths, vesicle.densities, strict=True):
            ring = np.exp(-0.5 * ((below - np.float32(depth)) / width) ** 2)
            dark += np.float32(density) * ring
    for content in scene.contents:
        path = content.thickness(y, x)
        dark += np.float32(content.density / CONTENT_PATH) * path
    return dark
