"""Masks of many kinds, and noise, that measures are tested on."""

import numpy as np
import pytest
from skimage.measure import regionprops

from sklipo.measures import Particle

Y, X = np.mgrid[-70:71, -70:71]
RADIUS = np.hypot(X, Y)
NOISE = np.random.default_rng(0).integers(0, 256, X.shape).astype(np.uint8)


def draw_ellipse(a, b, angle):
    u = X * np.cos(angle) + Y * np.sin(angle)
    v = Y * np.cos(angle) - X * np.sin(angle)
    return (u / a) ** 2 + (v / b) ** 2 <= 1


MASKS = {
    "disk": RADIUS <= 30,
    "ellipse": draw_ellipse(50, 20, 0.5),
    "rectangle": (abs(X) < 40) & (abs(Y) < 12),
    "corner": (X > -30) & (Y > -30) & (X < 30) & (Y < 30) & ~((X > 0) & (Y > 0)),
    "ring": (RADIUS <= 30) & (RADIUS > 12),
    "two": (np.hypot(X - 30, Y) <= 15) | (np.hypot(X + 30, Y) <= 10),
    "row": (Y == 0) & (abs(X) < 9),
    "pixel": (Y == 3) & (X == 5),
    "frame": np.ones(X.shape, bool),
}
LARGE = ["disk", "ellipse", "rectangle", "corner", "ring", "two", "frame"]
every_mask = pytest.mark.parametrize("name", MASKS)
every_large_mask = pytest.mark.parametrize("name", LARGE)


def make_particle(name, image=NOISE, **kwargs):
    return Particle(image, MASKS[name], **kwargs)


def find_region(name):
    return regionprops(MASKS[name].astype(np.uint8), intensity_image=NOISE)[0]
