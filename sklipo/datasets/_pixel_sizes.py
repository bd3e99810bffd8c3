"""Pixel sizes as files state them, in nm."""

import html
import re
import unicodedata
from numbers import Real
from typing import NamedTuple

import numpy as np

from ..particles._contents import LEAST_PIXEL, MOST_PIXEL

# In lower case, as units are in any: no pixel is of megameters.
_NM_PER_UNIT = {
    "pm": 1e-3,
    "picometer": 1e-3,
    "a": 0.1,
    "å": 0.1,
    "angstrom": 0.1,
    "ångström": 0.1,
    "nm": 1.0,
    "nanometer": 1.0,
    "um": 1e3,
    "\u03bcm": 1e3,
    "micron": 1e3,
    "micrometer": 1e3,
    "mm": 1e6,
    "millimeter": 1e6,
    "m": 1e9,
    "meter": 1e9,
}
_NO_UNIT = {"", "[]", "px", "pixel", "<undefined>", "none", "reference frame"}
# Beyond this difference, lengths in nm would depend too much on direction.
_SQUARE_TOLERANCE = 0.01


class PixelSize(NamedTuple):
    """The height and width of a pixel and their units, as a file states them."""

    height: float
    width: float
    height_unit: str | None
    width_unit: str | None
    # What speaks against it although it can be true.
    doubt: str | None = None


def to_nm(size):
    """Return nm per pixel, None if unknown, and what is doubtful about it, or None."""
    if size is None:
        return None, None
    units = [_tidy(unit) for unit in (size.height_unit, size.width_unit)]
    if _NO_UNIT.issuperset(units):
        return None, None
    if problem := _find_problem(size, units):
        return None, f"is left unknown: {problem}"
    height, width = (
        length * _NM_PER_UNIT[unit]
        for length, unit in zip(size[:2], units, strict=True)
    )
    if abs(height - width) > _SQUARE_TOLERANCE * max(height, width):
        raise ValueError(
            f"its pixels are {height:.6g} nm high and {width:.6g} nm wide, expected "
            "square ones; resample it to square pixels or, if the file is wrong, state "
            "pixel_size"
        )
    # The geometric mean keeps areas.
    return float(np.sqrt(height * width)), size.doubt


def check_pixel_size(pixel_size):
    """Raise an error unless a pixel size is None or a number of nm in its range."""
    if pixel_size is None:
        return
    is_number = isinstance(pixel_size, Real) and not isinstance(pixel_size, bool)
    if not (is_number and LEAST_PIXEL <= pixel_size <= MOST_PIXEL):
        raise ValueError(
            f"pixel_size is {pixel_size!r}, expected nm above 0, from {LEAST_PIXEL} to "
            f"{MOST_PIXEL:.0f}."
        )


def _tidy(unit):
    """Return a unit in one spelling: lower case, no entities, of micro signs one."""
    # ImageJ writes \\u00B5 for the micro sign, and some writers of XML &#181;.
    text = re.sub(r"\\u([0-9a-fA-F]{4})", r"&#x\1;", str(unit or ""))
    text = unicodedata.normalize("NFKC", html.unescape(text)).strip("\0 \t\r\n").lower()
    # As people write them: Microns, nanometres.
    singular = text.removesuffix("s").replace("metre", "meter")
    return singular if singular in {*_NM_PER_UNIT, *_NO_UNIT} else text


def _find_problem(size, units):
    """Return why a size can't be that of pixels on a specimen, None if it can."""
    if not set(units) <= set(_NM_PER_UNIT):
        return (
            f"its axes are in {size.height_unit!r} and {size.width_unit!r}, expected a "
            "length such as nm (1/nm is a diffraction pattern, inch and cm are the "
            "size of a print)"
        )
    for length, unit, stated in zip(size[:2], units, size[2:4], strict=True):
        # False for NaN.
        if not LEAST_PIXEL <= length * _NM_PER_UNIT[unit] <= MOST_PIXEL:
            return (
                f"the file states {length:.6g} {stated}, expected between "
                f"{LEAST_PIXEL:g} and {MOST_PIXEL:g} nm"
            )
    return None
