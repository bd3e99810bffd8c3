"""Boxes around picked particles, and the disks in them."""

from numbers import Integral, Real

import numpy as np
import pandas as pd

from ..images import ImageArray
from ..particles._outlines import crop
from ._coordinates import complain, read_coordinates
from ._disks import make_disk
from ._instances import clip_instances


def place_picks(source, shape, box, diameter, micrograph):
    """Return the table of instances at coordinates, and the boxes of their cut-outs.

    The masks are disks of a diameter in pixels, or whole boxes if it is None. Boxes are
    top, left, bottom, right, cut off at the micrograph's edges.
    """
    table = read_coordinates(source, micrograph)
    points = table[["y", "x"]].to_numpy()
    # Halves go up, as in RELION.
    centers = np.floor(points + 0.5)
    outside = ((centers < 0) | (centers >= shape)).any(axis=1)
    reason = f"lie outside of the micrograph, {shape[1]} wide and {shape[0]} high"
    complain(source, table.index, outside, points[:, ::-1], reason)
    corners = centers.astype(np.int64) - box // 2
    cutouts = np.hstack([corners, corners + box]).clip(0, np.tile(shape, 2))
    mask = (
        np.full((box, box), True) if diameter is None else make_disk(box, box, diameter)
    )
    mask, top, left = crop(mask, 0, 0)
    places = {
        "mask": ImageArray([mask]).take(np.zeros(len(corners), np.int64)),
        "top": corners[:, 0] + top,
        "left": corners[:, 1] + left,
        "instance": table.index + 1,
    }
    further = table.drop(columns=list(places), errors="ignore").reset_index(drop=True)
    instances = pd.concat([pd.DataFrame(places), further], axis=1)
    return clip_instances(instances, shape, "the coordinates"), cutouts


def find_diameter(box, mask_diameter, pixel_size, shape):
    """Return the diameter of disks in pixels, or None; raise an error if none fit."""
    side = max(shape)
    if not isinstance(box, Integral) or isinstance(box, bool) or not 1 <= box <= side:
        raise ValueError(f"box is {box!r}, expected an int, of 1 to {side} pixels.")
    if mask_diameter is None:
        return None
    is_number = isinstance(mask_diameter, Real) and not isinstance(mask_diameter, bool)
    if not (is_number and 0 < mask_diameter < np.inf):
        raise ValueError(f"mask_diameter is {mask_diameter!r}, expected nm above 0.")
    if pixel_size is None:
        raise ValueError(
            f"mask_diameter={mask_diameter} nm needs the pixel size, which the "
            "micrograph does not tell; pass pixel_size=."
        )
    diameter = mask_diameter / pixel_size
    if not 1 <= diameter <= box:
        raise ValueError(
            f"mask_diameter={mask_diameter} nm is {diameter:.4g} pixels, expected 1 to "
            f"{box}, the side of box."
        )
    return diameter
