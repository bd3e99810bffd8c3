"""Annotations of LabelMe, written by hand."""

import base64
import json

import cv2
import numpy as np
import pytest
from outline_cases import draw_scene, filled_pixels, shapely_pixels
from shapely.geometry import Point, Polygon, box

from sklipo.datasets._labelme import read_labelme

TRIANGLE = [[1.5, 2], [20, 4.25], [9, 17]]


def encode(mask):
    return base64.b64encode(cv2.imencode(".png", mask)[1]).decode()


def mask_shape(mask, top, left, **fields):
    """Return a mask of LabelMe, whose second point is the last pixel."""
    points = [[left, top], [left + mask.shape[1] - 1, top + mask.shape[0] - 1]]
    shape = {"label": "x", "points": points, "shape_type": "mask", **fields}
    return {"mask": encode(mask.astype(np.uint8)), **shape}


def shape(points=TRIANGLE, kind="polygon", label="x", group=None):
    return {
        "label": label,
        "points": points,
        "group_id": group,
        "shape_type": kind,
        "flags": {},
    }


def read(*shapes):
    return read_labelme({"version": "5.4.1", "shapes": list(shapes)})


def read_one(*shapes):
    (found,) = read(*shapes)
    return found


def test_polygons():
    expected = shapely_pixels(Polygon(TRIANGLE))
    assert filled_pixels(*read_one(shape())) == expected
    assert filled_pixels(*read_one(shape(kind="oriented_rectangle"))) == expected
    # As old versions wrote them.
    assert filled_pixels(*read_one({"label": "x", "points": TRIANGLE})) == expected
    assert filled_pixels(*read_one(shape(kind=None))) == expected


@pytest.mark.parametrize(
    "points",
    [
        [[1.2, 3.7], [9.1, 8.6]],
        [[9.1, 8.6], [1.2, 3.7]],
        [[1.2, 8.6], [9.1, 3.7]],
        [[1.2, 3.7], [9.1, 3.7], [9.1, 8.6], [1.2, 8.6]],
    ],
)
def test_rectangles_of_corners_in_any_order(points):
    found = read_one(shape(points, "rectangle"))
    assert filled_pixels(*found) == shapely_pixels(box(1.2, 3.7, 9.1, 8.6))


def test_circles_of_center_and_point():
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y, dx, dy = rng.uniform(-9, 30, 4)
        found = read_one(shape([[x, y], [x + dx, y + dy]], "circle"))
        circle = Point(x, y).buffer(np.hypot(dx, dy), quad_segs=9999)
        assert filled_pixels(*found) == shapely_pixels(circle)
    on_the_line = read_one(shape([[5.5, 5.5], [7.5, 5.5]], "circle"))
    disk = [(y, x) for y in range(9) for x in range(9) if np.hypot(y - 5, x - 5) <= 2]
    assert filled_pixels(*on_the_line) == set(disk)
    assert not read_one(shape([[5.5, 5.5], [5.5, 5.5]], "circle")).mask.size


def test_twenty_masks():
    masks = draw_scene()
    shapes, expected = [], []
    for mask in masks:
        rows, columns = np.nonzero(mask)
        top, left = rows.min(), columns.min()
        part = mask[top : rows.max() + 1, left : columns.max() + 1]
        shapes.append(mask_shape(part, int(top), int(left)))
        expected.append(filled_pixels(mask, 0, 0))
    found = read_labelme(json.loads(json.dumps({"shapes": shapes})))
    assert [filled_pixels(*instance) for instance in found] == expected


@pytest.mark.parametrize("high", [1, 255])
def test_masks_of_any_brightness(high):
    mask = np.eye(3, dtype=np.uint8) * high
    found = read_one({**mask_shape(mask, 4, 7), "mask": encode(mask)})
    assert filled_pixels(*found) == {(4, 7), (5, 8), (6, 9)}


def test_labels():
    found = read(shape(label="uni"), shape(label=3), shape(label=""), shape(label=None))
    assert [instance.label for instance in found] == ["uni", "3", None, None]
    assert read() == []


def test_shapes_of_one_group_and_label_are_one_instance():
    left, middle, right = ([[x, 0], [x + 3, 5]] for x in (0, 2, 8))
    one, two, other, single, alone = read(
        shape(left, "rectangle", "x", 1),
        shape(middle, "rectangle", "x", 2),
        shape(middle, "rectangle", "x", 1),
        shape(right, "rectangle", "y", 1),
        shape(right, "rectangle", "x", 1),
        shape(left, "rectangle", "x"),
        shape(left, "rectangle", "x"),
    )
    parts = box(0, 0, 5, 5).union(box(8, 0, 11, 5))
    assert filled_pixels(*one) == shapely_pixels(parts)
    assert filled_pixels(*two) == shapely_pixels(box(2, 0, 5, 5))
    assert filled_pixels(*other) == shapely_pixels(box(8, 0, 11, 5))
    assert filled_pixels(*single) == filled_pixels(*alone)
    assert filled_pixels(*alone) == shapely_pixels(box(0, 0, 3, 5))
    assert [found.label for found in (one, two, other)] == ["x", "x", "y"]


@pytest.mark.parametrize(
    "data", [None, 3, "x", [], {}, {"shapes": None}, {"shapes": {}}]
)
def test_files_of_other_programs(data):
    with pytest.raises(ValueError, match="it is no file of LabelMe, expected a list"):
        read_labelme(data)


MASK = mask_shape(np.ones((3, 4), bool), 5, 6)
NAN = float("nan")


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (None, "^shape 2: expected an object with 'label'"),
        ([], "^shape 2: expected an object with 'label'"),
        ("x", "^shape 2: expected an object with 'label'"),
        (shape(kind="line"), r"^shape 2 \('x'\): its 'shape_type' is 'line', expected"),
        (shape(kind="linestrip"), "its 'shape_type' is 'linestrip', expected an area"),
        (shape(kind="point"), "'point', expected an area: polygon, rectangle"),
        (shape(kind="points"), "its 'shape_type' is 'points'"),
        (shape(kind=["polygon"]), r"its 'shape_type' is \['polygon'\]"),
        (shape(kind=5), "its 'shape_type' is 5, expected an area"),
        (shape(label=["x"]), r"^shape 2: its 'label' is \['x'\], expected text"),
        (shape(label=1.5), "^shape 2: its 'label' is 1.5, expected text"),
        (shape(group=[1]), r"'group_id' is \[1\], expected a number"),
        (shape(group={}), "'group_id' is {}, expected a number"),
        (shape(group=1.5), "'group_id' is 1.5, expected a number"),
        ({"label": "x"}, "it has no list of 'points'"),
        (shape(None), "it has no list of 'points'"),
        (shape([]), "it has no list of 'points'"),
        (shape({"x": 1}), "it has no list of 'points'"),
        (shape([[1, 2], [3, 4]]), "2 points, expected three or more"),
        (shape([1, 2, 3]), "its points are not two numbers each, but an array of"),
        (shape([[1, 2], [3], [4, 5]]), "its points are not two numbers each"),
        (shape([[1, 2], [3, "a"], [4, 5]]), "its points are not two numbers each"),
        (shape([[1, 2], [3, None], [4, 5]]), "two numbers each, but text or others"),
        (shape([[1, 2], [3, NAN], [4, 5]]), "coordinate nan"),
        (shape([[1, 2], [3, 10**400], [4, 5]]), "its points are not two numbers each"),
        (shape([[1, 2], [3, 1e12], [4, 5]]), r"coordinate 1e\+12"),
        (shape([[1, 2], [3, -(2**63)], [4, 5]]), r"coordinate -9\.22"),
        (shape([[0, 0], [1e9, 1e9]], "rectangle"), "within a micrograph"),
        (shape([[0, 0], [1e9, 1e9]], "circle"), "within a micrograph"),
        (shape([[1, 2]], "rectangle"), "it has 1 points, expected 2 or 4"),
        (shape([[1, 2]] * 3, "rectangle"), "it has 3 points, expected 2 or 4"),
        (shape([[1, 2]] * 3, "circle"), "it has 3 points, expected 2$"),
        (shape([[1, 2]], "mask"), "it has 1 points, expected 2$"),
        (shape([[1, 2], [3, 4]], "mask"), "it has no text under 'mask'"),
        ({**MASK, "mask": [[1, 0]]}, "it has no text under 'mask'"),
        ({**MASK, "mask": ""}, "its 'mask' can't be read, expected a PNG in base64"),
        ({**MASK, "mask": "%%%"}, "its 'mask' can't be read, expected a PNG in base64"),
        ({**MASK, "mask": "Größe"}, "its 'mask' can't be read, expected a PNG"),
        ({**MASK, "mask": MASK["mask"][:40]}, "its 'mask' can't be read.*truncated"),
        ({**MASK, "mask": MASK["mask"][:-8]}, "its 'mask' can't be read"),
        (
            {**MASK, "points": [[6, 5], [10, 7]]},
            r"\(3, 4\), but its points make \(3, 5\)",
        ),
        ({**MASK, "points": [[9, 7], [6, 5]]}, r"has shape \(3, 4\), but its points"),
        ({**MASK, "points": [[6, 5], [6, NAN]]}, "coordinate nan"),
    ],
)
def test_faulty_shapes_are_named(faulty, message):
    with pytest.raises(ValueError, match=message):
        read(shape(), faulty)
