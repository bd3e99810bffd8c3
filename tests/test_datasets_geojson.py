"""GeoJSON of QuPath, against shapely and text written by hand."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from outline_cases import (
    DATA,
    NAMES,
    check_same,
    draw_scene,
    filled_pixels,
    label_results,
    lay_out,
    make_results,
    random_masks,
    shapely_pixels,
)
from shapely.geometry import GeometryCollection, MultiPolygon, Point, Polygon, mapping
from shapely.geometry import shape as as_shape

from sklipo.datasets._geojson import read_geojson, write_geojson

SQUARE = {"type": "Polygon", "coordinates": [[[1, 2], [4, 2], [4, 5], [1, 5], [1, 2]]]}
PIXELS = {(y, x) for y in (2, 3, 4) for x in (1, 2, 3)}

# As QuPath 0.5 exports an annotation and a cell, QuPath 0.2 a detection.
QUPATH = """
{"type": "FeatureCollection", "features": [
  {"type": "Feature", "id": "1e4a3c0f-2f57-4d6f-b6f3-3f0a4f6f8d3a",
   "geometry": {"type": "Polygon", "coordinates":
      [[[1, 2], [4, 2], [4, 5], [1, 5], [1, 2]]]},
   "properties": {"objectType": "annotation", "name": "left one",
      "classification": {"name": "uni", "color": [200, 0, 0]}, "isLocked": true}},
  {"type": "Feature", "id": "6a1f",
   "geometry": {"type": "Polygon", "coordinates":
      [[[10.5, 2.25], [14, 2.25], [14, 6], [10.5, 2.25]]]},
   "nucleusGeometry": {"type": "Polygon", "coordinates":
      [[[11, 3], [12, 3], [12, 4], [11, 3]]]},
   "properties": {"objectType": "cell", "measurements": {"Area": 3.5},
      "classification": {"names": ["Tumor", "Positive"], "color": [1, 2, 3]}}},
  {"type": "Feature", "id": "PathDetectionObject",
   "geometry": {"type": "MultiPolygon", "coordinates":
      [[[[1, 2], [4, 2], [4, 5], [1, 5], [1, 2]]],
       [[[8, 8], [9, 8], [9, 9], [8, 8.0]]]],
      "plane": {"c": -1, "z": 0, "t": 0}},
   "properties": {"classification": {"name": "multi", "colorRGB": -3670016},
      "measurements": [{"name": "Area", "value": 3.5}]}}]}
"""


def feature(geometry=SQUARE, **properties):
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def polygon(*rings):
    return {"type": "Polygon", "coordinates": [list(ring) for ring in rings]}


def read_one(data):
    (found,) = read_geojson(data)
    return found


def test_what_qupath_exports():
    annotation, cell, detection = read_geojson(json.loads(QUPATH))
    assert annotation.name == "left one"
    assert annotation.label == "uni"
    assert filled_pixels(*annotation) == PIXELS
    assert cell.name == "6a1f"
    assert cell.label == "Tumor: Positive"
    triangle = Polygon([(10.5, 2.25), (14, 2.25), (14, 6)])
    assert filled_pixels(*cell) == shapely_pixels(triangle)
    assert detection.name is None
    assert detection.label == "multi"
    assert PIXELS <= filled_pixels(*detection) <= PIXELS | {(8, 8)}


@pytest.mark.parametrize(
    "data",
    [
        {"type": "FeatureCollection", "features": [feature()]},
        [feature()],
        feature(),
        SQUARE,
        [SQUARE],
        {"type": "Feature", "geometry": SQUARE},
        {"type": "Feature", "geometry": SQUARE, "properties": None},
        {"type": "GeometryCollection", "geometries": [SQUARE, SQUARE]},
        {"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"]] * 2},
        {"type": "GeometryCollection", "geometries": [feature(SQUARE)["geometry"]]},
        # A third number is a height; a ring need not be closed.
        polygon([[1, 2, 0], [4, 2, 0], [4, 5, 0], [1, 5, 0], [1, 2, 0]]),
        polygon([[1, 2], [4, 2], [4, 5], [1, 5]]),
    ],
)
def test_all_forms_of_one_square(data):
    found = read_one(data)
    assert filled_pixels(*found) == PIXELS
    assert found.name is None
    assert found.label is None
    assert read_geojson({"type": "FeatureCollection", "features": []}) == []
    assert read_geojson([]) == []


def test_shapes_of_shapely():
    rng = np.random.default_rng(0)
    shapes = []
    for i in range(20):
        x, y, radius = rng.uniform(-5, 60), rng.uniform(-5, 40), rng.uniform(3, 15)
        disk = Point(x, y).buffer(radius)
        hole = Point(x + 0.3, y).buffer(radius / 2)
        other = Point(x + 40, y).buffer(radius / 3)
        kinds = [disk, disk - hole, MultiPolygon([disk - hole, other])]
        shapes.append([*kinds, GeometryCollection([disk, other])][i % 4])
    data = [feature(mapping(shape), name=f"n{i}") for i, shape in enumerate(shapes)]
    found = read_geojson(json.loads(json.dumps(data)))
    assert [instance.name for instance in found] == [f"n{i}" for i in range(20)]
    for instance, shape in zip(found, shapes, strict=True):
        assert filled_pixels(*instance) == shapely_pixels(shape)


def test_parts_of_a_collection_that_overlap_are_all_within():
    parts = [Point(10, 10).buffer(5), Point(13, 10).buffer(5)]
    found = read_one(json.loads(json.dumps(mapping(GeometryCollection(parts)))))
    assert filled_pixels(*found) == shapely_pixels(parts[0].union(parts[1]))


def test_ellipses_of_qupath_are_ellipses():
    # QuPath writes a polygon round it, and reads the ellipse of its box.
    ring = [[12, 0], [24, 8], [12, 16], [0, 8], [12, 0]]
    found = read_one({**polygon(ring), "isEllipse": True})
    expected = {
        (y, x)
        for y in range(16)
        for x in range(24)
        if math.hypot((y - 7.5) / 8, (x - 11.5) / 12) <= 1
    }
    assert filled_pixels(*found) == expected
    assert filled_pixels(*read_one(polygon(ring))) < expected


@pytest.mark.parametrize(
    ("classification", "label"),
    [
        (None, None),
        ({}, None),
        ("", None),
        ("uni", "uni"),
        ({"name": "uni"}, "uni"),
        ({"name": None}, None),
        ({"names": ["a", "b"]}, "a: b"),
        ({"name": "uni", "colorRGB": -1}, "uni"),
    ],
)
def test_labels(classification, label):
    assert read_one(feature(classification=classification)).label == label


@pytest.mark.parametrize(
    ("name", "identity", "expected"),
    [
        ("n", "i", "n"),
        (None, "i", "i"),
        (None, None, None),
        (7, None, 7),
        (0, "i", 0),
        ("", "i", "i"),
        (True, 3, 3),
        ({}, ["i"], None),
        (1.5, None, None),
        (None, "PathCellObject", None),
    ],
)
def test_names(name, identity, expected):
    data = {**feature(name=name), "id": identity}
    assert read_one(data).name == expected


LINE = {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "it is no GeoJSON, expected a FeatureCollection"),
        (3, "it is no GeoJSON"),
        ("text", "it is no GeoJSON"),
        ({}, "it is no GeoJSON"),
        ({"type": "Topology"}, "it is no GeoJSON"),
        ({"type": ["Feature"]}, "it is no GeoJSON"),
        ({"features": [feature()]}, "it is no GeoJSON"),
        ({"type": "FeatureCollection"}, "its 'features' are missing, expected a list"),
        ({"type": "FeatureCollection", "features": {}}, "'features' are an object"),
        ({"type": "FeatureCollection", "features": 5}, "'features' are 5, expected"),
        ([feature(), None], "^feature 2: it is missing, expected an object"),
        ([feature(), 5], "^feature 2: it is 5, expected an object"),
        ([feature(), [feature()]], "^feature 2: it is a list, expected an object"),
        ([feature(), {}], "^feature 2: its geometry has the type missing, expected 'P"),
        (
            [feature(name="x", geometry=LINE)],
            r"^feature 1 \('x'\): .* is a LineString, wh",
        ),
        (
            LINE,
            "^feature 1: its geometry is a LineString, which has no pixels within",
        ),
        ({"type": "Point", "coordinates": [1, 2]}, "is a Point, which has no"),
        ({"type": "MultiPoint", "coordinates": [[1, 2]]}, "is a MultiPoint"),
        ({"type": "MultiLineString", "coordinates": []}, "is a MultiLineString"),
        (feature(None), "^feature 1: its geometry is missing, expected an object"),
        (feature([]), "its geometry is a list, expected an object"),
        (feature({}), "has the type missing, expected 'Polygon'"),
        (feature({"type": "Circle"}), "has the type 'Circle', expected 'Polygon'"),
        (feature({"type": "x" * 999}), "has the type 'xxxx.*[.]{3}x+', expected"),
        (feature({"type": ["Polygon"]}), "has the type a list, expected"),
        (
            feature({"type": "Polygon"}),
            "its 'coordinates' are missing, expected a list",
        ),
        (feature({**SQUARE, "coordinates": {}}), "'coordinates' are an object"),
        (feature({**SQUARE, "coordinates": [5]}), "its points are not two numbers"),
        (feature({**SQUARE, "coordinates": [[1, 2], [3, 4]]}), "not two numbers each"),
        (polygon([[1, 2], [3]]), "its points are not two numbers each"),
        (polygon([[1, 2], [3, "a"], [4, 4]]), "its points are not two numbers each"),
        (polygon([[1, 2], [3, None], [4, 4]]), "two numbers each, but text or others"),
        (polygon([[1, 2], [3, "4"], [4, 4]]), "two numbers each, but text or others"),
        (polygon([[True, True]] * 3), "two numbers each, but text or others"),
        (polygon([[1, 2], [3, {}], [4, 4]]), "its points are not two numbers each"),
        (polygon([[1, 2], [3, NAN], [4, 4]]), "coordinate nan"),
        (polygon([[1, 2], [3, -INF], [4, 4]]), "coordinate -inf"),
        (polygon([[1, 2], [3, 1e300], [4, 4]]), r"coordinate 1e\+300"),
        (
            polygon([[1, 2], [3, 10**400], [4, 4]]),
            "its points are not two numbers each",
        ),
        (polygon([[1, 2], [3, 1e9], [1e9, 4]]), "within a micrograph"),
        (polygon([[1, 2], [3, 4]]), "2 points, expected three or more"),
        (polygon([]), r"two numbers each, but an array of shape \(0,\)"),
        (polygon([[1, 2, 3, 4]] * 3), r"array of shape \(3, 4\)"),
        ({"type": "MultiPolygon", "coordinates": [5]}, "no list of polygons"),
        ({"type": "MultiPolygon", "coordinates": None}, "'coordinates' are missing"),
        ({"type": "GeometryCollection"}, "its 'geometries' are missing"),
        ({"type": "GeometryCollection", "geometries": [None]}, "has the type missing"),
        ({"type": "GeometryCollection", "geometries": [SQUARE, LINE]}, "a LineString"),
        (feature(classification=5), "its 'classification' is 5, expected the name"),
        (feature(classification=[1]), "its 'classification' is a list"),
        (feature(classification={"name": 5}), "'classification' is an object"),
        (feature(classification={"names": [5]}), "'classification' is an object"),
        ({**feature(), "properties": [1]}, "its 'properties' are a list"),
        ({**feature(), "properties": "x"}, "its 'properties' are 'x'"),
    ],
)
def test_faulty_features_are_named(data, message):
    with pytest.raises(ValueError, match=message):
        read_geojson(data)


def test_pieces_that_lie_too_far_apart():
    far = polygon([[1e8, 1e8], [1e8 + 2, 1e8], [1e8, 1e8 + 2]])
    with pytest.raises(ValueError, match=r"^feature 1: .* within a micrograph"):
        read_geojson({"type": "GeometryCollection", "geometries": [SQUARE, far]})


def test_collections_that_are_nested_too_deep():
    data = SQUARE
    for _ in range(5000):
        data = {"type": "GeometryCollection", "geometries": [data]}
    with pytest.raises(ValueError, match=r"^feature 1: its geometries are nested too"):
        read_geojson(data)


def test_twenty_particles_and_back(tmp_path):
    results = make_results(draw_scene(), probabilities=True)
    write_geojson(results, tmp_path / "a.geojson")
    data = json.loads((tmp_path / "a.geojson").read_text("ascii"))
    check_same(read_geojson(data), results)
    assert data["type"] == "FeatureCollection"
    for item, row in zip(data["features"], results.particles.itertuples(), strict=True):
        label = results.y_pred[row.Index]
        properties = item["properties"]
        assert properties["objectType"] == "detection"
        assert properties["name"] == row.instance
        color = "#" + bytes(properties["classification"]["color"]).hex()
        assert properties["classification"]["name"] == label
        assert color == results.colors[label]
        assert properties["measurements"] == {
            f"probability_{name}": 0.75 * (name == label) for name in results.classes
        }
        area = as_shape(item["geometry"])
        assert area.is_valid
        assert area.area == row.mask.sum()
        assert shapely_pixels(area) == filled_pixels(row.mask, row.top, row.left)


def test_results_without_probabilities_have_no_measurements(tmp_path):
    results = make_results([np.ones((2, 2), bool)], names=np.array(["a"], object))
    write_geojson(results, tmp_path / "a.geojson")
    (item,) = json.loads((tmp_path / "a.geojson").read_text())["features"]
    assert set(item["properties"]) == {"objectType", "name", "classification"}
    check_same(read_geojson(item), results)


@pytest.mark.parametrize(("names", "expected"), NAMES)
def test_tables_whose_instances_lack_names(names, expected, tmp_path):
    results = make_results([np.ones((2, 2), bool)] * 2, names=names)
    if names is None:
        results.particles = results.particles.drop(columns="instance")
    write_geojson(results, tmp_path / "a.geojson")
    found = read_geojson(json.loads((tmp_path / "a.geojson").read_text()))
    assert [instance.name for instance in found] == expected


@settings(deadline=None)
@given(mask=random_masks)
def test_any_mask_and_back(mask, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "any.geojson"
    results = make_results([mask], [(31, 7)], labels=["\N{GREEK SMALL LETTER ALPHA}"])
    write_geojson(results, path)
    data = json.loads(path.read_text())
    check_same(read_geojson(data), results)
    assert as_shape(data["features"][0]["geometry"]).is_valid


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/emps_micrographs")
@pytest.mark.parametrize(
    "path",
    sorted((DATA / "emps_micrographs").glob("*_instances.png")),
    ids=lambda path: path.stem,
)
def test_no_pixel_of_real_labels_is_lost(path, tmp_path):
    results, labels = label_results(path)
    write_geojson(results, tmp_path / "a.geojson")
    found = read_geojson(json.loads((tmp_path / "a.geojson").read_text()))
    np.testing.assert_array_equal(lay_out(found, labels), labels)
