"""Where particles lie on their micrograph, and how large they are, as a table."""

import numpy as np


def find_places(particles):
    """Return a table of places and sizes, with the index of a particle table.

    The columns are ``micrograph`` and ``instance``, where they are there; the
    centroid's ``x`` and ``y`` in pixels, from the center of the micrograph's first one;
    the ``diameter`` of the disk of the mask's area; and, where pixel sizes are there,
    ``x_nm``, ``y_nm`` and ``diameter_nm``.
    """
    # Picked particles without masks have the place where they were picked.
    has_masks = "mask" in particles.columns
    lengths = _measure(particles) if has_masks else dict(particles[["x", "y"]])
    names = [name for name in ("micrograph", "instance") if name in particles.columns]
    places = particles[names].assign(**lengths)
    if "pixel_size" in particles.columns:
        pixel_size = particles["pixel_size"].to_numpy(float, na_value=np.nan)
        in_nm = {f"{name}_nm": places[name] * pixel_size for name in lengths}
        places = places.assign(**in_nm)
    order = ["x", "y", "x_nm", "y_nm", "diameter", "diameter_nm"]
    return places[names + [name for name in order if name in places.columns]]


def _measure(particles):
    """Return centers and diameters by the masks."""
    centers = np.array([_center(mask) for mask in particles["mask"]]).reshape(-1, 2)
    y, x = (centers + particles[["top", "left"]].to_numpy(float)).T
    areas = [np.count_nonzero(mask) for mask in particles["mask"]]
    return {"x": x, "y": y, "diameter": 2 * np.sqrt(np.array(areas) / np.pi)}


def _center(mask):
    """Return the row and column of a mask's centroid."""
    mask = mask != 0
    area = np.count_nonzero(mask)
    rows, columns = (mask.sum(axis=axis) for axis in (1, 0))
    return [counts @ np.arange(len(counts)) / area for counts in (rows, columns)]
