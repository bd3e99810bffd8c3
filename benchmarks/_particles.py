"""The particles that benchmarks work on."""

import numpy as np

from sklipo.datasets import make_liposomes


def draw_particles(n_samples, smallest=140, largest=220):
    """Return artificial particles with cut-outs of this many pixels a side."""
    drawn = make_liposomes(2 * n_samples, random_state=0, n_jobs=-1)
    sides = drawn["image"].array.shapes
    fits = (sides.min(axis=1) >= smallest) & (sides.max(axis=1) <= largest)
    rows = np.resize(np.flatnonzero(fits), n_samples)
    return drawn.iloc[rows].reset_index(drop=True)
