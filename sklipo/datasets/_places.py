"""Where particles lie on their micrograph, and how large they are, as a table."""

import numpy as np

# What errors say of a table without masks.
HOW_TO_GET_MASKS = (
    "Of a micrograph in the results of predict_micrographs, cut the particles out "
    "again: they come in the same order."
)


def find_places(particles):
    """Return a table of places and sizes, with the index of a particle table.

    The columns are ``micrograph`` and ``instance``, where they are there; ``x`` and
    ``y`` in pixels, from the center of the micrograph's first one, of the mask's
    centroid or, if the particle was picked, of the place where it was; the ``diameter``
    of the disk of the mask's area; and, where pixel sizes are there, ``x_nm``, ``y_nm``
    and ``diameter_nm``.
    """
    lengths = _measure(particles) if "mask" in particles.columns else {}
    lengths |= _find_picked(particles, lengths)
    names = [name for name in ("micrograph", "instance") if name in particles.columns]
    places = particles[names].assign(**lengths)
    if "pixel_size" in particles.columns:
        pixel_size = particles["pixel_size"].to_numpy(float, na_value=np.nan)
        in_nm = {f"{name}_nm": places[name] * pixel_size for name in lengths}
        places = places.assign(**in_nm)
    order = ["x", "y", "x_nm", "y_nm", "diameter", "diameter_nm"]
    return places[names + [name for name in order if name in places.columns]]


def _find_picked(particles, lengths):
    """Return x and y, those of picked particles as they were picked.

    The centroid of a disk is off, since it lies on whole pixels and ends at the edges.
    """
    if not lengths:
        return dict(particles[["x", "y"]])
    if not {"mask_diameter", "x", "y"} <= set(particles.columns):
        return {}
    is_picked = particles["mask_diameter"].notna()
    return {x: particles[x].where(is_picked, lengths[x]) for x in ("x", "y")}


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
