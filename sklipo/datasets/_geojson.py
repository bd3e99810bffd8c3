"""GeoJSON, as QuPath exports and imports objects with their classes."""

import json
import reprlib

import numpy as np

from ..particles._outlines import fill_rings, trace_pieces
from ..particles._probabilities import PROBABILITY
from ._instances import Instance, list_names
from ._shapes import as_corners, fill_ellipse, unite

_AREAS = ("Polygon", "MultiPolygon", "GeometryCollection")
_LINES = ("Point", "MultiPoint", "LineString", "MultiLineString")
# QuPath 0.2 wrote what kind of object it is, in place of its identity.
_KINDS = (
    "PathAnnotationObject",
    "PathDetectionObject",
    "PathCellObject",
    "PathTileObject",
    "TMACoreObject",
)


def read_geojson(data):
    """Return the instances of parsed GeoJSON, one for each feature."""
    return [_read_feature(i, feature) for i, feature in enumerate(_features(data), 1)]


def write_geojson(results, path):
    """Write classified particles as GeoJSON that QuPath imports as detections."""
    table, proba = results.particles, results.y_proba
    rows = table[["mask", "top", "left"]].itertuples(index=False)
    features = []
    for i, (name, row) in enumerate(zip(list_names(table), rows, strict=True)):
        label = str(results.y_pred[i])
        color = list(bytes.fromhex(results.colors[label][1:]))
        properties = {
            "objectType": "detection",
            "name": name,
            "classification": {"name": label, "color": color},
        }
        if proba is not None:
            names = [f"{PROBABILITY}{column}" for column in proba.columns]
            numbers = proba.iloc[i].tolist()
            properties["measurements"] = dict(zip(names, numbers, strict=True))
        geometry = _make_geometry(*row)
        features.append(
            {"type": "Feature", "geometry": geometry, "properties": properties}
        )
    collection = {"type": "FeatureCollection", "features": features}
    # json.dump takes four times as long, piece by piece in Python.
    path.write_text(json.dumps(collection), encoding="utf-8", newline="\n")


def _features(data):
    """Return the features of GeoJSON in any of the forms that QuPath has."""
    if isinstance(data, list):
        return data
    kind = data.get("type") if isinstance(data, dict) else None
    if kind == "FeatureCollection":
        features = data.get("features")
        if not isinstance(features, list):
            raise ValueError(
                f"its 'features' are {_describe(features)}, expected a list of them"
            )
        return features
    if kind == "Feature" or kind in _AREAS + _LINES:
        return [data]
    raise ValueError(
        "it is no GeoJSON, expected a FeatureCollection, or a list of features, as "
        "QuPath's File > Export objects as GeoJSON writes"
    )


def _read_feature(number, feature):
    """Return the instance of a feature, or of a geometry alone."""
    where = f"feature {number}"
    try:
        if not isinstance(feature, dict):
            raise ValueError(f"it is {_describe(feature)}, expected an object")
        if feature.get("type") != "Feature":
            return Instance(*_fill(feature))
        properties = feature.get("properties")
        if properties is None:
            properties = {}
        if not isinstance(properties, dict):
            raise ValueError(
                f"its 'properties' are {_describe(properties)}, expected an object"
            )
        name = _name(properties.get("name"), feature.get("id"))
        if isinstance(name, str):
            where += f" ({name!r})"
        label = _label(properties.get("classification"))
        return Instance(*_fill(feature.get("geometry")), name, label)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    except RecursionError as error:
        raise ValueError(f"{where}: its geometries are nested too deep") from error


def _name(*candidates):
    """Return the first that is a name, a number or text; else None."""
    for name in candidates:
        is_number = isinstance(name, int) and not isinstance(name, bool)
        if is_number or (isinstance(name, str) and name and name not in _KINDS):
            return name
    return None


def _label(classification):
    """Return the class of QuPath's classification, in any of its forms."""
    label = classification
    if isinstance(label, dict):
        label = label.get("name", label.get("names"))
    # A class within another has several names.
    if isinstance(label, list) and all(isinstance(name, str) for name in label):
        label = ": ".join(label)
    if label is not None and not isinstance(label, str):
        raise ValueError(
            f"its 'classification' is {_describe(classification)}, expected the name "
            "of a class, or an object with the key 'name'"
        )
    return label or None


def _fill(geometry):
    """Return the pixels within a geometry: a mask, its top and left."""
    if not isinstance(geometry, dict):
        raise ValueError(f"its geometry is {_describe(geometry)}, expected an object")
    shape = unite([fill_rings(polygon) for polygon in _polygons(geometry)])
    if geometry.get("isEllipse") is True and shape[0].size:
        return _ellipse(geometry)
    return shape


def _polygons(geometry):
    """Return the polygons of a geometry, each as its outer ring and its holes."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind in _LINES:
        raise ValueError(
            f"its geometry is a {kind}, which has no pixels within; expected a Polygon "
            "or MultiPolygon, so remove it or draw around the particle"
        )
    if kind not in _AREAS:
        raise ValueError(
            f"its geometry has the type {_describe(kind)}, expected 'Polygon' or "
            "'MultiPolygon'"
        )
    key = "geometries" if kind == "GeometryCollection" else "coordinates"
    parts = geometry.get(key)
    if not isinstance(parts, list):
        raise ValueError(f"its {key!r} are {_describe(parts)}, expected a list")
    if kind == "GeometryCollection":
        return [polygon for part in parts for polygon in _polygons(part)]
    polygons = [parts] if kind == "Polygon" else parts
    if not all(isinstance(polygon, list) for polygon in polygons):
        raise ValueError("its 'coordinates' are no list of polygons, each of rings")
    return [[as_corners(ring) for ring in polygon] for polygon in polygons]


def _ellipse(geometry):
    """Return the pixels of an ellipse, which QuPath writes as a polygon round it."""
    corners = np.concatenate([ring for rings in _polygons(geometry) for ring in rings])
    return fill_ellipse(*corners.min(axis=0), *corners.max(axis=0))


def _make_geometry(mask, top, left):
    """Return the geometry that holds the pixels of a mask."""
    polygons = [
        # A ring ends where it begins, and a point is x, y.
        [
            (np.vstack([ring, ring[:1]])[:, ::-1] + (left, top)).tolist()
            for ring in piece
        ]
        for piece in trace_pieces(mask != 0)
    ]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _describe(value):
    """Return in a few words what a JSON value is."""
    if value is None:
        return "missing"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return reprlib.repr(value)
