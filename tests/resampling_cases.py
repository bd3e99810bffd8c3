"""Particles to resample."""

import numpy as np
import pandas as pd

from sklipo import ImageArray
from sklipo.datasets import make_liposomes

MARGIN = 24


def make_real(n=60, weights=(10, 2, 2), seed=0):
    """Return liposomes whose statistics are not those that make_liposomes has."""
    particles = make_liposomes(
        n,
        weights=list(weights),
        noise=1.5,
        pixel_size=2.0,
        margin=MARGIN,
        random_state=seed,
    )
    darker = [np.rint(0.5 * image + 20).astype("uint8") for image in particles["image"]]
    particles.index = np.arange(n) % 7  # repeats, as after a concatenation
    return particles.assign(image=ImageArray(darker))


def make_coded(n=6, dtype=np.float64, seed=0):
    """Return squares on noise, in which every pixel of the table has its own value."""
    rng = np.random.default_rng(seed)
    images, masks = [], []
    for i in range(n):
        shape = rng.integers(36, 48, 2)
        mask = np.zeros(shape, bool)
        side = int(rng.integers(6, 14))
        mask[12 : 12 + side, 10 : 10 + side] = True
        image = rng.normal(100 + i, 2 + i / 10, shape) + 30 * mask
        images.append(image.astype(dtype))
        masks.append(mask)
    return pd.DataFrame({"image": ImageArray(images), "mask": ImageArray(masks)})


def radii(particles):
    return np.array([np.sqrt(mask.sum() / np.pi) for mask in particles["mask"]])
