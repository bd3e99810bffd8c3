"""What a page knows of its particles, its classes and what a model proposes."""

import json
from hashlib import sha256

import numpy as np
from pandas.api.types import is_numeric_dtype

from ...particles._class_colors import OKABE_ITO
from .._identity import PLACE, as_text, identify
from .pictures import draw_picture, longest_side, pack_mask

_COLORS = [*OKABE_ITO, "#999999"]
# Gray levels of a micrograph are those of nearly all of its particles.
_DARK, _BRIGHT = 0.1, 0.9


def describe_page(table, particles, classes, proposals, title):
    """Return what the page knows, as plain values, and the pictures of particles.

    ``table`` and ``particles`` are rows of the user's and the same rows checked;
    ``proposals`` are positions of classes and, if known, their probabilities.
    """
    identity = identify(table)
    longest = longest_side(len(particles))
    drawn = [draw_picture(image, longest) for image in particles["image"]]
    pictures, lows, highs = zip(*drawn, strict=True)
    names = [as_text(name) for name in classes]
    places = [name for name in PLACE if name in identity]
    groups = identity["micrograph"] if "micrograph" in identity else [""] * len(table)
    proposed, shares = proposals
    contents = {
        "title": title,
        "id": _digest(identity, names),
        "classes": names,
        "colors": _COLORS[: len(names)],
        "columns": [*places, "pixels"],
        "numbers": _numeric_columns(table, classes),
        "names": [as_text(name) for name in getattr(table, "index", range(len(table)))],
        **{name: identity[name].tolist() for name in identity},
        "shapes": particles["image"].array.shapes.tolist(),
        "sizes": particles["pixel_size"].tolist()
        if "pixel_size" in particles
        else None,
        "masks": list(map(pack_mask, particles["mask"]))
        if "mask" in particles
        else None,
        "levels": _find_levels(np.array(lows), np.array(highs), np.asarray(groups)),
        "proposals": proposed,
        "probabilities": shares,
    }
    return contents, pictures


def _digest(identity, names):
    """Return under which name a browser keeps labels of these particles and classes."""
    rows = sorted(identity.itertuples(index=False, name=None))
    return sha256(json.dumps([names, rows]).encode()).hexdigest()[:16]


def _numeric_columns(table, classes):
    """Return the columns of the saved file that hold numbers."""
    columns = [] if classes.dtype.kind == "U" else ["label", "proposal"]
    if "instance" in getattr(table, "columns", ()):
        columns += ["instance"] if is_numeric_dtype(table["instance"]) else []
    return columns


def _find_levels(lows, highs, groups):
    """Return black and white of each micrograph, in 256 levels of each particle."""
    levels = np.empty((len(lows), 2))
    for name in np.unique(groups):
        rows = groups == name
        ends = np.quantile(lows[rows], _DARK), np.quantile(highs[rows], _BRIGHT)
        levels[rows] = ends
    scale = 255 / (highs - lows)
    return ((levels - lows[:, np.newaxis]) * scale[:, np.newaxis]).round(2).tolist()
