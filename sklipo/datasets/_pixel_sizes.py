"""Pixel sizes as files state them, in nm."""

from typing import NamedTuple

import numpy as np

from ..particles._contents import LEAST_PIXEL, MOST_PIXEL
from ..particles._warnings import warn_caller

_NM_PER_UNIT = {
    "pm": 1e-3,
    "A": 0.1,
    "Å": 0.1,
    "\u212b": 0.1,
    "nm": 1.0,
    "um": 1e3,
    "µm": 1e3,
    "\u03bcm": 1e3,
    "\\u00B5m": 1e3,  # as ImageJ writes it
    "mm": 1e6,
    "m": 1e9,
}
# As people write them into ImageJ, in any case, spelling and number.
_NM_PER_WORD = {
    "picometer": 1e-3,
    "angstrom": 0.1,
    "ångström": 0.1,
    "nanometer": 1.0,
    "micron": 1e3,
    "micrometer": 1e3,
    "millimeter": 1e6,
    "meter": 1e9,
}
_NO_UNIT = {None, "", "[]", "px", "pixel", "pixels", "<undefined>"}
# Beyond this difference, lengths in nm would depend too much on direction.
_SQUARE_TOLERANCE = 0.01


class PixelSize(NamedTuple):
    """The height and width of a pixel and their units, as a file states them."""

    height: float
    width: float
    height_unit: str | None
    width_unit: str | None


def to_nm(size, path):
    """Return nm per pixel, None if unknown; warn of a size that can't be true."""
    units = size.height_unit, size.width_unit
    if _NO_UNIT.issuperset(units):
        return None
    problem = _find_problem(size)
    if problem:
        warn_caller(
            f"The pixel size of {str(path)!r} is left unknown: {problem}.",
        )
        return None
    height, width = (
        length * _nm_per(unit) for length, unit in zip(size[:2], units, strict=True)
    )
    if abs(height - width) > _SQUARE_TOLERANCE * max(height, width):
        raise ValueError(
            f"its pixels are {height:.6g} nm high and {width:.6g} nm wide, expected "
            "square ones; read it with rosettasciio, resample it to square pixels and "
            "pass these to extract_particles(pixels, labels, pixel_size=...)"
        )
    # The geometric mean keeps areas.
    return float(np.sqrt(height * width))


def _nm_per(unit):
    """Return how many nm a unit is, None if it is no length."""
    unit = str(unit).strip()
    word = unit.lower().removesuffix("s").replace("metre", "meter")
    return _NM_PER_UNIT.get(unit, _NM_PER_WORD.get(word))


def _find_problem(size):
    """Return why a size can't be that of pixels on a specimen, None if it can."""
    units = size.height_unit, size.width_unit
    if None in map(_nm_per, units):
        return (
            f"its axes are in {units[0]!r} and {units[1]!r}, expected a length such as "
            "nm (1/nm is a diffraction pattern, inch and cm are the size of a print)"
        )
    for length, unit in zip(size[:2], units, strict=True):
        # False for NaN.
        if not LEAST_PIXEL <= length * _nm_per(unit) <= MOST_PIXEL:
            return (
                f"the file states {length:.6g} {unit}, expected between "
                f"{LEAST_PIXEL:g} and {MOST_PIXEL:g} nm; pass pixel_size where you "
                "know it"
            )
    return None
