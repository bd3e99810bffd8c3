"""Annotations of LabelMe, one JSON file for each image."""

import base64
import math
import reprlib

from ..particles._outlines import fill_rings
from ._gray import MAX_PIXELS
from ._instances import Instance
from ._pictures import read_picture
from ._shapes import as_corners, fill_box, fill_ellipse, unite

_AREAS = "polygon, rectangle, oriented_rectangle, circle or mask"


def read_labelme(data):
    """Return the instances of a parsed LabelMe file.

    Shapes of one group and one label are one instance.
    """
    shapes = data.get("shapes") if isinstance(data, dict) else None
    if not isinstance(shapes, list):
        raise ValueError("it is no file of LabelMe, expected a list under 'shapes'")
    groups = {}
    for number, shape in enumerate(shapes, 1):
        label, group, pixels = _read_shape(number, shape)
        # A shape of no group is an instance itself.
        key = (number, None) if group is None else (group, label)
        groups.setdefault(key, (label, []))[1].append(pixels)
    return [Instance(*unite(parts), label=label) for label, parts in groups.values()]


def _read_shape(number, shape):
    """Return the label, the group and the pixels of a shape."""
    where = f"shape {number}"
    try:
        if not isinstance(shape, dict):
            raise ValueError("expected an object with 'label' and 'points'")
        label, group = shape.get("label"), shape.get("group_id")
        if isinstance(label, int):
            label = str(label)
        if not isinstance(label, str | None):
            raise ValueError(f"its 'label' is {reprlib.repr(label)}, expected text")
        if label:
            where += f" ({label!r})"
        if not isinstance(group, int | str | None):
            raise ValueError(
                f"its 'group_id' is {reprlib.repr(group)}, expected a number"
            )
        return label or None, group, _fill(shape)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _fill(shape):
    """Return the pixels within a shape: a mask, its top and left."""
    # LabelMe's first versions had polygons only.
    kind = shape.get("shape_type") or "polygon"
    fill = {
        "polygon": _fill_polygon,
        "rectangle": _fill_rectangle,
        "oriented_rectangle": _fill_polygon,
        "circle": _fill_circle,
    }
    if kind == "mask":
        return _decode_mask(_corners(shape, 2), shape.get("mask"))
    if not isinstance(kind, str) or kind not in fill:
        raise ValueError(
            f"its 'shape_type' is {reprlib.repr(kind)}, expected an area: {_AREAS}"
        )
    return fill[kind](shape)


def _corners(shape, *numbers):
    """Return the points of a shape, of which there are so many, if that is given."""
    points = shape.get("points")
    if not isinstance(points, list) or not points:
        raise ValueError("it has no list of 'points'")
    if numbers and len(points) not in numbers:
        expected = " or ".join(map(str, numbers))
        raise ValueError(f"it has {len(points)} points, expected {expected}")
    return as_corners(points)


def _fill_polygon(shape):
    """Return the pixels within a polygon."""
    return fill_rings([_corners(shape)])


def _fill_rectangle(shape):
    """Return the pixels within a rectangle of two opposite corners, or of all four."""
    corners = _corners(shape, 2, 4)
    if len(corners) == 4:
        return fill_rings([corners])
    return fill_box(*corners.min(axis=0), *corners.max(axis=0))


def _fill_circle(shape):
    """Return the pixels within a circle of its center and any point of it."""
    (y, x), (other_y, other_x) = _corners(shape, 2)
    radius = math.hypot(other_y - y, other_x - x)
    return fill_ellipse(y - radius, x - radius, y + radius, x + radius)


def _decode_mask(corners, text):
    """Return the pixels of a mask, a PNG that lies between two pixels, both within."""
    if not isinstance(text, str):
        raise ValueError("it has no text under 'mask', expected a PNG in base64")
    try:
        pixels = read_picture(base64.b64decode(text, validate=True), MAX_PIXELS, True)
    except ValueError as error:
        raise ValueError(
            f"its 'mask' can't be read, expected a PNG in base64: {error}"
        ) from error
    (top, left), (bottom, right) = corners.astype(int).tolist()
    expected = bottom - top + 1, right - left + 1
    if pixels.shape != expected:
        raise ValueError(
            f"its 'mask' has shape {pixels.shape}, but its points make {expected}"
        )
    return pixels != 0, top, left
