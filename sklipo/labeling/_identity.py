"""Which particle a row is: its place and its pixels, whatever table it stands in."""

import hashlib

import numpy as np
import pandas as pd
from pandas.api.types import is_scalar

from ..particles import check_particles
from ..particles._columns import with_levels

# Where a particle lies: text in a file of labels, as in a table.
PLACE = ["micrograph", "instance"]
# Spreadsheets make numbers of digits, and so of some hashes, but not of these letters.
PIXELS_PREFIX = "px-"


def identify(particles):
    """Return who each particle is, one row each: its pixels, and its place if known.

    Column ``pixels`` is a hash of image and mask. ``micrograph`` and ``instance`` are
    there if the table has them, as columns or levels of the index, as text, which is
    empty where they are missing.
    """
    checked = check_particles(particles)
    masks = checked["mask"].array if "mask" in checked else [None] * len(checked)
    images = checked["image"].array
    pixels = [_hash(*pair) for pair in zip(images, masks, strict=True)]
    return pd.DataFrame({"pixels": pixels, **find_places(particles)})


def find_places(particles):
    """Return what a table knows of the place of each particle, as texts by column."""
    if not isinstance(particles, pd.DataFrame):
        return {}
    table = with_levels(particles, PLACE)
    return {name: as_texts(table[name]).array for name in PLACE if name in table}


def as_texts(values):
    """Return a column of names or numbers as texts, see `as_text`."""
    # Item by item, objects are much faster to read than the text of Arrow.
    texts = [as_text(value) for value in values.astype(object)]
    return pd.Series(texts, values.index, dtype=object)


def as_text(value):
    """Return a name or number as text, the same for 7 and 7.0; empty if missing."""
    if is_scalar(value) and pd.isna(value):
        return ""
    # Numbers of instances become floats where one of them is missing.
    is_float = isinstance(value, float | np.floating)
    return str(int(value) if is_float and value.is_integer() else value)


def _hash(image, mask):
    """Return the hash of a particle, the same in every type that holds its pixels."""
    values = _plain(image)
    known = "" if mask is None else "masked"
    header = f"{image.shape}{values.dtype.str}{known}".encode()
    state = hashlib.blake2b(header, digest_size=8)
    state.update(np.ascontiguousarray(values))
    if mask is not None:
        state.update(np.packbits(mask))
    return PIXELS_PREFIX + state.hexdigest()


def _plain(image):
    """Return pixels in the first of a few types that holds the value of each."""
    # NaN, infinite and negative pixels come out as some number that they do not equal.
    with np.errstate(invalid="ignore"):
        for dtype in ("|u1", "<u2"):
            values = image.astype(dtype, copy=False)
            if image.dtype == dtype or (values == image).all():
                return values
        # Float16 to longdouble: no more digits than any file of images keeps.
        values = image.astype("<f8")
    # -0.0 becomes 0.0, and all NaN get the same bits.
    values += 0.0
    values[np.isnan(values)] = np.nan
    return values
