"""What is drawn on a micrograph: its pixels, and the particles that lie there."""

from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from ..datasets import Micrograph, read_micrograph
from ..datasets._gray import as_gray
from ..datasets._instances import check_instances, clip_instances
from ..datasets._places import HOW_TO_GET_MASKS
from ..particles._columns import strip_names, with_levels
from ..particles._contents import check_pixel_sizes


def check_places(particles):
    """Return the table, or raise an error unless it says where particles lie."""
    if not isinstance(particles, pd.DataFrame):
        raise TypeError(
            f"particles is a {type(particles).__name__}; expected the DataFrame that "
            "extract_particles or read_instances returned."
        )
    particles = with_levels(strip_names(particles), ["micrograph"])
    for name in ("mask", "top", "left"):
        if name not in particles.columns:
            raise ValueError(
                f"The particles have no column {name!r}, so it is unknown where they "
                "lie on the micrograph. extract_particles and read_instances give the "
                f"columns 'mask', 'top' and 'left'. {HOW_TO_GET_MASKS}"
            )
    return particles


def rows_of_micrograph(micrograph, particles):
    """Return the positions of the particles that are of a micrograph."""
    if "micrograph" not in particles.columns:
        return np.arange(len(particles))
    names = particles["micrograph"].astype(str)
    known = names.unique()
    few = f"{known[:3].tolist()}{' and more' if len(known) > 3 else ''}"
    if isinstance(micrograph, str | PathLike):
        path = Path(micrograph)
        rows = np.flatnonzero(names.isin([path.stem, path.name, str(micrograph)]))
        if not len(rows):
            raise ValueError(
                f"None of the {len(particles)} particles is of the micrograph "
                f"{path.stem!r}; their column 'micrograph' names {few}. If they are "
                "named otherwise, select them yourself and pass read_micrograph(path)."
            )
        return rows
    if len(known) > 1:
        raise ValueError(
            f"The particles are of {len(known)} micrographs: {few}. Pass those of one, "
            f"as particles[particles['micrograph'] == {known[0]!r}], or the path of "
            "the micrograph, by which they are selected."
        )
    return np.arange(len(particles))


def load_micrograph(micrograph):
    """Return the image and its pixel size as a Micrograph of 2-D pixels."""
    if isinstance(micrograph, str | PathLike):
        micrograph = read_micrograph(micrograph)
    if not isinstance(micrograph, Micrograph):
        micrograph = Micrograph(micrograph)
    try:
        pixels = as_gray(np.asarray(micrograph.pixels))
        if not np.isfinite(pixels).any():
            raise ValueError(f"shape {pixels.shape}, no pixel that is a number")
    except ValueError as error:
        raise ValueError(f"The micrograph can't be used: {error}.") from error
    # Gray levels are subtracted.
    pixels = pixels.astype(np.uint8) if pixels.dtype.kind == "b" else pixels
    return Micrograph(pixels, micrograph.pixel_size)


def find_pixel_size(particles, micrograph):
    """Return the pixel size of the table, or else of the micrograph, or None."""
    sizes = [*particles.get("pixel_size", ()), micrograph.pixel_size]
    known = pd.Series(sizes, dtype=object).dropna().head(1)
    return (
        check_pixel_sizes(known, lambda _: "The micrograph")[0] if len(known) else None
    )


def outlined_particles(particles, shape):
    """Return masks, tops and lefts within the micrograph."""
    for side, length in zip(("height", "width"), shape, strict=True):
        lengths = particles.get(f"micrograph_{side}", pd.Series(dtype=int)).dropna()
        if (lengths != length).any():
            raise ValueError(
                f"The micrograph has shape {shape}, but the particles were cut out of "
                f"one whose {side} is {lengths[lengths != length].iloc[0]}; pass that."
            )
    instances = check_instances(particles[["mask", "top", "left"]])
    return clip_instances(instances, shape, "the table")
