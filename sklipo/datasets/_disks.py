"""Disks: the masks of particles that were picked, not outlined."""

import numpy as np

from ..images import ImageArray


def make_disk(height, width, diameter):
    """Return a mask of the pixels within a disk around the center of a box.

    The center is the pixel at half the box, rounded down, as in RELION.
    """
    rows = np.arange(height)[:, np.newaxis] - height // 2
    columns = np.arange(width) - width // 2
    return 4 * (rows**2 + columns**2) <= diameter**2


def make_disks(shapes, diameters):
    """Return a disk for each shape; those of one shape and diameter share pixels."""
    kinds, rows = np.unique(
        np.column_stack([shapes, diameters]), axis=0, return_inverse=True
    )
    disks = [make_disk(int(height), int(width), d) for height, width, d in kinds]
    return ImageArray(disks).take(rows.ravel())


def check_diameters(source, mask_diameter, diameters, shapes):
    """Raise an error unless disks of so many nm, and pixels, fit into their boxes."""
    sides = np.min(shapes, axis=1)
    bad = np.flatnonzero(~((diameters >= 1) & (diameters <= sides)))
    if bad.size:
        i = bad[0]
        raise ValueError(
            f"{source!r}: the disk of row {i} has a diameter of {diameters[i]:.4g} "
            f"pixels (mask_diameter={mask_diameter} nm), expected 1 to {sides[i]}, the "
            "side of its box."
        )
