"""Particles in COCO's JSON: read from annotations, and written as such."""

import json
import reprlib
from numbers import Real
from pathlib import PureWindowsPath

import numpy as np

from ..particles._outlines import FARTHEST
from ._coco_masks import fill_polygons, fill_runs, find_runs, pack_runs, unpack_runs
from ._gray import MAX_PIXELS
from ._instances import Instance, list_names

_N_LISTED = 5
# Of an int64, which most programs read ids as.
_ID_LIMIT = 2**63


def read_coco(data, image=None, shape=None):
    """Return the instances of one image in parsed COCO JSON.

    ``image`` is its file name, with or without folder and ending; a file of one image
    needs none, nor does a list of annotations, which names no image. ``shape`` is that
    of the micrograph, if known.
    """
    if isinstance(data, list):
        data, image = _complete(data), None
    if not isinstance(data, dict):
        raise ValueError(
            f"it is a {type(data).__name__}, expected a record of 'images', "
            "'annotations' and 'categories', or a list of annotations"
        )
    images = _index(_records(data, "images"), "image")
    labels = _read_categories(data)
    annotations = _records(data, "annotations")
    names = [_name(annotation, i) for i, annotation in enumerate(annotations)]
    _check_unique(names, "annotation")
    chosen = _choose_image(images, image)
    shape = _find_shape(images[chosen], chosen, shape)
    instances = []
    for name, annotation in zip(names, annotations, strict=True):
        try:
            if _one_of(images, annotation.get("image_id"), "image_id") == chosen:
                instances.append(_read_annotation(annotation, labels, shape))
        except ValueError as error:
            raise ValueError(f"annotation {name}: {error}") from error
    return instances


def _complete(annotations):
    """Return a list of annotations with the image and categories that it tells of.

    Segment Anything writes such a list for each image, and detectors write theirs as
    COCO "results". Categories have numbers there, and no names.
    """
    annotations = _records({"annotations": annotations}, "annotations")
    ids = [annotation.get("image_id") for annotation in annotations]
    different = list({repr(key): key for key in ids}.values())
    if len(different) > 1:
        raise ValueError(
            f"it is a list of annotations of {len(different)} images, of the image_id "
            f"{_list(different)}; keep those of one in a file of their own, or write "
            "them with 'images' that name them, as COCO has it"
        )
    key = 0 if different in ([], [None]) else different[0]
    found = [annotation.get("category_id") for annotation in annotations]
    categories = dict.fromkeys(category for category in found if _is_id(category))
    return {
        "images": [{"id": key}],
        "categories": [{"id": i, "name": str(i)} for i in categories],
        "annotations": [annotation | {"image_id": key} for annotation in annotations],
    }


def _records(data, key):
    """Return one of the lists of records in a COCO file."""
    if key not in data:
        raise ValueError(
            f"it has no {key!r}, only {_list(list(data))}; expected a COCO file of "
            "'images', 'annotations' and 'categories'"
        )
    records = data[key]
    is_list = isinstance(records, list)
    if not is_list or not all(isinstance(record, dict) for record in records):
        raise ValueError(
            f"its {key!r} is {reprlib.repr(records)}, expected a list of records, {{}}"
        )
    return records


def _index(records, kind):
    """Return records by their ids."""
    ids = [record.get("id") for record in records]
    for i, value in enumerate(ids):
        if not _is_id(value):
            raise ValueError(
                f"{kind} number {i + 1} has the id {reprlib.repr(value)}, expected a "
                "whole number or text"
            )
    _check_unique([repr(value) for value in ids], kind)
    return dict(zip(ids, records, strict=True))


def _is_id(value):
    """Tell whether a value can be an id: text or an int64, not True, which equals 1."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < _ID_LIMIT
    return isinstance(value, str)


def _check_unique(names, kind):
    """Raise an error if two records have one id."""
    seen = set()
    for name in names:
        if name in seen:
            raise ValueError(
                f"{kind} {name} is in it {names.count(name)} times; give each {kind} "
                "an id of its own"
            )
        seen.add(name)


def _one_of(records, value, key):
    """Return an id if there is a record of it."""
    if _is_id(value) and value in records:
        return value
    raise ValueError(
        f"its {key} is {reprlib.repr(value)}, expected one of {_list(list(records))}"
    )


def _list(values):
    """Return a few values as text."""
    more = f" and {len(values) - _N_LISTED} more" if len(values) > _N_LISTED else ""
    return f"{values[:_N_LISTED]}{more}"


def _read_categories(data):
    """Return the names of categories by their ids."""
    categories = _index(_records({"categories": [], **data}, "categories"), "category")
    for key, category in categories.items():
        if not _is_id(category.get("name")):
            raise ValueError(
                f"category {key!r} has the name {reprlib.repr(category.get('name'))}, "
                "expected text"
            )
    return {key: str(category["name"]) for key, category in categories.items()}


def _name(annotation, i):
    """Return what an error calls an annotation: its id, or its place without one."""
    name = annotation.get("id")
    if name is not None and not _is_id(name):
        raise ValueError(
            f"annotation number {i + 1} has the id {reprlib.repr(name)}, expected a "
            "whole number or text"
        )
    return f"number {i + 1}" if name is None else repr(name)


def _choose_image(images, name):
    """Return the id of the image of this name, or of the only one."""
    files = {key: image.get("file_name") for key, image in images.items()}
    listed = f"{len(files)} images, {_list(list(files.values()))}"
    if name is None:
        if len(files) == 1:
            return next(iter(files))
        raise ValueError(f"it has {listed}; choose one by its name, image='...'")
    asked = PureWindowsPath(str(name))
    for is_same in (
        lambda file: file == str(name),
        lambda file: PureWindowsPath(file).name == asked.name,
        lambda file: PureWindowsPath(file).stem == asked.name,
        lambda file: PureWindowsPath(file).stem == asked.stem,
    ):
        texts = {key: file for key, file in files.items() if isinstance(file, str)}
        found = [key for key, file in texts.items() if is_same(file)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(
                f"{len(found)} of its images have the name {str(name)!r}: "
                f"{_list([files[key] for key in found])}, of the ids {_list(found)}; "
                "expected one"
            )
    raise ValueError(f"it has no image of the name {str(name)!r}, but {listed}")


def _find_shape(record, key, shape):
    """Return height and width of an image; None if neither the file nor we know."""
    stated = record.get("height"), record.get("width")
    if stated == (None, None):
        return shape
    if not all(map(_is_size, stated)):
        raise ValueError(
            f"image {key!r} has the height {reprlib.repr(stated[0])} and the width "
            f"{reprlib.repr(stated[1])}, expected whole numbers above 0"
        )
    stated = int(stated[0]), int(stated[1])
    if shape is not None and stated != tuple(shape):
        raise ValueError(
            f"image {record.get('file_name', key)!r} is {_size(stated)} pixels in it, "
            f"but the micrograph {_size(shape)}; are these annotations of another "
            "image, or of one of another size?"
        )
    return stated


def _is_size(value):
    """Tell whether a value is a number of pixels."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and value % 1 == 0 and 0 < value < FARTHEST


def _size(shape):
    """Return a shape as text."""
    return f"{shape[0]} high and {shape[1]} wide"


def _read_annotation(annotation, labels, shape):
    """Return the instance of one annotation."""
    mask, top, left = _read_mask(annotation, shape)
    category, label = annotation.get("category_id"), None
    if category is not None:
        label = labels[_one_of(labels, category, "category_id")]
    return Instance(mask, top, left, annotation.get("id"), label)


def _read_mask(annotation, shape):
    """Return mask, top and left of one annotation."""
    segmentation = annotation.get("segmentation")
    if segmentation is None:
        has_box = ", only a bounding box" * ("bbox" in annotation)
        raise ValueError(
            f"it has no segmentation{has_box}; expected polygons or RLE, as programs "
            "for instance segmentation write them"
        )
    if isinstance(segmentation, dict):
        return _read_runs(segmentation, shape)
    if not isinstance(segmentation, list) or not segmentation:
        raise ValueError(
            f"its segmentation is {reprlib.repr(segmentation)}, expected polygons, "
            "[[x, y, x, y, ...], ...], or RLE, {'size': [height, width], 'counts': ...}"
        )
    polygons = [_as_polygon(p, f"polygon {i + 1}") for i, p in enumerate(segmentation)]
    return fill_polygons(polygons, shape)


def _as_polygon(values, name):
    """Return a flat list of x, y, x, y ... as an array with a row for each corner."""
    numbers = _as_numbers(values)
    if numbers is None:
        raise ValueError(
            f"its {name} is {reprlib.repr(values)}, expected a list of numbers x, y, "
            "x, y ..."
        )
    if len(numbers) % 2:
        raise ValueError(
            f"its {name} has {len(numbers)} numbers, expected x and y of each corner"
        )
    if len(numbers) < 6:
        raise ValueError(
            f"its {name} has {len(numbers) // 2} corners, expected 3 or more"
        )
    # The least integer has no absolute value.
    numbers = numbers.astype(float)
    if not (abs(numbers) <= FARTHEST).all():
        bad = numbers[~(abs(numbers) <= FARTHEST)][0]
        raise ValueError(
            f"its {name} has the coordinate {bad:g}, expected pixels of an image"
        )
    return numbers.reshape(-1, 2)


def _as_numbers(values):
    """Return a list of numbers as an array, None if it is something else."""
    try:
        numbers = np.array(values) if isinstance(values, list) else None
    # Lists of unequal lengths.
    except ValueError:
        return None
    is_flat = numbers is not None and numbers.ndim == 1
    return numbers if is_flat and numbers.dtype.kind in "iuf" else None


def _read_runs(record, shape):
    """Return mask, top and left of an RLE."""
    size, runs = record.get("size"), record.get("counts")
    if not isinstance(size, list) or len(size) != 2 or not all(map(_is_size, size)):
        raise ValueError(
            f"its RLE has the size {reprlib.repr(size)}, expected [height, width]"
        )
    height, width = map(int, size)
    if shape is not None and (height, width) != tuple(shape):
        raise ValueError(
            f"its RLE is {_size(size)}, but the image {_size(shape)}; is it one of "
            "another image?"
        )
    if height * width > MAX_PIXELS:
        raise ValueError(f"its RLE is {_size(size)}, larger than any micrograph")
    runs = unpack_runs(runs) if isinstance(runs, str) else _as_numbers(runs)
    if runs is None or runs.dtype.kind not in "iu":
        raise ValueError(
            f"its RLE has the counts {reprlib.repr(record.get('counts'))}, expected a "
            "list of whole numbers, or these as compressed text"
        )
    # Numbers larger than the image could overflow the sum.
    is_wrong = len(runs) == 0 or runs.min() < 0 or runs.max() > height * width
    if is_wrong or runs.sum() != height * width:
        found = "counts" if is_wrong else f"{runs.sum()} pixels"
        raise ValueError(
            f"its RLE has {found} that do not make an image of {height} x {width} = "
            f"{height * width} pixels; is it cut off?"
        )
    return fill_runs(runs.astype(np.int64), height, width)


def write_coco(results, path):
    """Write classes of particles as COCO annotations with compressed run lengths."""
    categories = {name: i for i, name in enumerate(results.classes, 1)}
    images = {name: i for i, name in enumerate(results.shapes, 1)}
    coco = {
        "images": [
            {"id": images[name], "file_name": name, "height": height, "width": width}
            for name, (height, width) in results.shapes.items()
        ],
        "categories": [
            {"id": i, "name": name, "supercategory": "particle"}
            for name, i in categories.items()
        ],
        "annotations": _describe_masks(results),
    }
    ids = _number(results.particles)
    for i, annotation in enumerate(coco["annotations"]):
        annotation["id"] = ids[i]
        annotation["image_id"] = images[results.micrographs[i]]
        annotation["category_id"] = categories[results.y_pred[i]]
        annotation["iscrowd"] = 0
        if results.confidence is not None:
            annotation["score"] = float(results.confidence[i])
    path.write_text(json.dumps(coco), encoding="utf-8")


def _number(particles):
    """Return an id for each annotation: the instance's number where that is unique."""
    numbers = list_names(particles)
    are_ids = all(isinstance(x, int) and 0 < x < _ID_LIMIT for x in numbers)
    if are_ids and len(set(numbers)) == len(numbers):
        return numbers
    return list(range(1, len(particles) + 1))


def _describe_masks(results):
    """Return for each mask its RLE, box and area."""
    particles, described = results.particles, []
    for name, mask, top, left in zip(
        results.micrographs,
        particles["mask"].array,
        particles["top"].tolist(),
        particles["left"].tolist(),
        strict=True,
    ):
        height, width = results.shapes[name]
        runs = find_runs(mask, top, left, height, width)
        described.append(
            {
                "segmentation": {"size": [height, width], "counts": pack_runs(runs)},
                "bbox": [left, top, mask.shape[1], mask.shape[0]],
                "area": int(np.count_nonzero(mask)),
            }
        )
    return described
