"""COCO's JSON, against pycocotools."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from sklipo.datasets import extract_particles, read_instances
from sklipo.datasets._coco import read_coco
from sklipo.datasets._coco_masks import (
    fill_polygons,
    fill_runs,
    find_runs,
    pack_runs,
    unpack_runs,
)
from sklipo.datasets._instances import Instance

SQUARE = [2, 3, 8, 3, 8, 9, 2, 9]


def laid_out(mask, top, left, shape):
    """Lay a mask on an image, which cuts it off."""
    pad = max(mask.shape) + max(shape) + abs(top) + abs(left)
    image = np.zeros((shape[0] + 2 * pad, shape[1] + 2 * pad), bool)
    image[pad + top :, pad + left :][: mask.shape[0], : mask.shape[1]] = mask
    return image[pad:-pad, pad:-pad]


def by_pycocotools(polygons, shape):
    polygons = [[float(x) for x in np.ravel(polygon)] for polygon in polygons]
    with warnings.catch_warnings():
        # pycocotools 2.0.11 has no __array__ as NumPy 2 wants it.
        warnings.simplefilter("ignore", DeprecationWarning)
        codes = coco_mask.frPyObjects(polygons, *shape)
        return coco_mask.decode(coco_mask.merge(codes)) > 0


shapes = st.tuples(st.integers(1, 60), st.integers(1, 60))
coordinates = st.one_of(
    st.floats(-30, 90, width=32),
    st.integers(-30, 90).map(float),
    st.integers(-60, 180).map(lambda x: x / 2),
    st.integers(-150, 450).map(lambda x: x / 5),
    st.integers(-1500, 4500).map(lambda x: x / 10),
)
polygons = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=9)


@given(st.lists(polygons, min_size=1, max_size=3), shapes)
@settings(max_examples=400, deadline=None)
def test_polygons_are_those_of_pycocotools(polygons, shape):
    expected = by_pycocotools(polygons, shape)
    arrays = [np.array(polygon, float) for polygon in polygons]
    mask, top, left = fill_polygons(arrays, shape)
    np.testing.assert_array_equal(laid_out(mask, top, left, shape), expected)
    # Nothing lies outside of the image.
    assert mask.sum() == expected.sum()
    # An image whose size isn't known has no edge below and on the right.
    unbounded = laid_out(*fill_polygons(arrays, None), shape)
    np.testing.assert_array_equal(unbounded, expected)


@given(st.data(), shapes, st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_run_lengths_are_those_of_pycocotools(data, shape, share):
    seed = data.draw(st.integers(0, 2**32 - 1))
    mask = np.random.default_rng(seed).random(shape) <= share
    text = coco_mask.encode(np.asfortranarray(mask, np.uint8))["counts"].decode()
    runs = unpack_runs(text)
    found, top, left = fill_runs(runs, *shape)
    np.testing.assert_array_equal(laid_out(found, top, left, shape), mask)
    if mask.any():
        np.testing.assert_array_equal(find_runs(found, top, left, *shape), runs)
        assert pack_runs(runs) == text


@given(st.lists(st.integers(0, 2**28), min_size=1, max_size=9))
def test_run_lengths_of_any_size_are_packed_without_loss(runs):
    assert unpack_runs(pack_runs(np.array(runs))).tolist() == runs


def coco(*segmentations, **annotation):
    return {
        "images": [{"id": 5, "file_name": "scan.tif", "height": 20, "width": 30}],
        "categories": [{"id": 1, "name": "full"}, {"id": 9, "name": "empty"}],
        "annotations": [
            {"id": i, "image_id": 5, "category_id": 9, "segmentation": s, **annotation}
            for i, s in enumerate(segmentations, 11)
        ],
    }


def test_annotations_become_instances():
    data = coco([SQUARE], {"size": [20, 30], "counts": [45, 3, 17, 3, 532]})
    data["annotations"][1] |= {"category_id": 1, "iscrowd": 1, "id": "b"}
    first, second = read_coco(data)
    assert (first.top, first.left, first.name, first.label) == (3, 2, 11, "empty")
    assert first.mask.shape == (6, 6)
    assert first.mask.all()
    assert (second.top, second.left, second.name, second.label) == (5, 2, "b", "full")
    assert second.mask.shape == (3, 2)
    assert isinstance(first, Instance)


def test_categories_and_ids_may_be_missing():
    data = coco([SQUARE], [SQUARE])
    for annotation in data["annotations"]:
        del annotation["id"], annotation["category_id"]
    del data["categories"]
    assert [(found.name, found.label) for found in read_coco(data)] == [
        (None, None)
    ] * 2


def test_a_keyhole_is_a_hole():
    # Around the outer square, in to the hole, around it the other way, and back.
    keyhole = [0, 0, 20, 0, 20, 20, 0, 20, 0, 0, 5, 5, 5, 15, 15, 15, 15, 5, 5, 5]
    (found,) = read_coco(coco([keyhole]))
    expected = by_pycocotools([keyhole], (20, 30))
    assert not expected[10, 10]
    assert expected[2, 10]
    np.testing.assert_array_equal(
        laid_out(found.mask, found.top, found.left, (20, 30)), expected
    )


def test_several_polygons_are_one_instance():
    others = [[20, 10, 25, 10, 25, 15], [4, 4, 12, 4, 12, 12, 4, 12]]
    (found,) = read_coco(coco([SQUARE, *others]))
    np.testing.assert_array_equal(
        laid_out(found.mask, found.top, found.left, (20, 30)),
        by_pycocotools([SQUARE, *others], (20, 30)),
    )


def test_twenty_instances_overlap_and_reach_the_border():
    rng = np.random.default_rng(0)
    angles = np.linspace(0, 2 * np.pi, 50, endpoint=False)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    outlines = [
        center + radius * circle
        for center, radius in zip(
            rng.uniform(0, 100, (20, 2)), rng.uniform(5, 30, 20), strict=True
        )
    ]
    data = coco(*([outline.ravel().tolist()] for outline in outlines))
    data["images"][0] |= {"height": 90, "width": 110}
    instances = read_coco(data)
    assert len(instances) == 20
    for found, outline in zip(instances, outlines, strict=True):
        np.testing.assert_array_equal(
            laid_out(found.mask, found.top, found.left, (90, 110)),
            by_pycocotools([outline], (90, 110)),
        )


def test_an_image_of_unknown_size_has_polygons():
    data = coco([SQUARE])
    data["images"] = [{"id": 5}]
    (found,) = read_coco(data)
    assert (found.top, found.left, found.mask.shape) == (3, 2, (6, 6))
    # The micrograph's own size is an edge.
    (found,) = read_coco(data, shape=(5, 6))
    assert found.mask.shape == (2, 4)


def several_images():
    data = coco([SQUARE], [SQUARE], [SQUARE])
    names = ["a/one.tif", "b/one.tif", "c\\two.v2.png"]
    data["images"] = [
        {"id": i, "file_name": name, "height": 20, "width": 30}
        for i, name in enumerate(names)
    ]
    for i, annotation in enumerate(data["annotations"]):
        annotation["image_id"] = i
    return data


@pytest.mark.parametrize(
    "image, name",
    [
        ("a/one.tif", 11),
        ("b/one.tif", 12),
        ("c\\two.v2.png", 13),
        ("two.v2.png", 13),
        ("two.v2", 13),
        ("elsewhere/two.v2.tif", 13),
        (Path("two.v2.mrc"), 13),
    ],
)
def test_an_image_is_found_by_its_name(image, name):
    assert [found.name for found in read_coco(several_images(), image)] == [name]


@pytest.mark.parametrize(
    "image, message",
    [
        (None, r"it has 3 images, \['a/one.tif', 'b/one.tif', .*image="),
        ("one.tif", r"2 of its images have the name 'one.tif': \['a/one.tif', 'b/one"),
        ("one", "2 of its images have the name 'one'"),
        ("three", "no image of the name 'three', but 3 images, .*one.tif"),
        ("", "no image of the name ''"),
    ],
)
def test_an_image_that_is_not_there(image, message):
    with pytest.raises(ValueError, match=message):
        read_coco(several_images(), image)


def test_names_of_many_images_are_not_all_listed():
    data = coco([SQUARE])
    data["images"] = [{"id": i, "file_name": f"{i}.tif"} for i in range(1000)]
    with pytest.raises(ValueError, match=r"1000 images.*\] and 995 more") as error:
        read_coco(data, "x")
    assert len(str(error.value)) < 200


def changed(path, value):
    """Return a function that changes one entry of good data."""

    def change():
        data = coco([SQUARE], {"size": [20, 30], "counts": [45, 3, 552]})
        entry = data
        for key in path[:-1]:
            entry = entry[key]
        if value is KeyError:
            del entry[path[-1]]
        else:
            entry[path[-1]] = value
        return data

    return change


POLYGON = ("annotations", 0, "segmentation")
COUNTS = ("annotations", 1, "segmentation", "counts")
SIZE = ("annotations", 1, "segmentation", "size")


@pytest.mark.parametrize(
    "path, value, message",
    [
        (["images"], KeyError, r"no 'images', only \['categories', 'annotations'\]"),
        (["annotations"], KeyError, "no 'annotations'"),
        (["images"], None, "'images' is None, expected a list of records"),
        (["images"], {}, "'images' is {}, expected a list"),
        (["images"], [], "it has 0 images"),
        (["images"], ["scan.tif"], "'images' is .'scan.tif'., expected a list"),
        (["annotations"], [[]], "'annotations' is ...., expected a list"),
        (["categories"], {"1": "full"}, "'categories' is"),
        (["images", 0, "id"], KeyError, "image number 1 has the id None"),
        (["images", 0, "id"], True, "image number 1 has the id True"),
        (["images", 0, "id"], [5], r"image number 1 has the id \[5\]"),
        (["images", 0, "id"], "5", "annotation 11: its image_id is 5, expected one of"),
        (["images", 0, "height"], "20", "image 5 has the height '20' and the width 30"),
        (["images", 0, "height"], None, "image 5 has the height None"),
        (["images", 0, "height"], KeyError, "image 5 has the height None"),
        (["images", 0, "width"], 0, "the width 0, expected whole numbers above 0"),
        (["images", 0, "width"], float("nan"), "the width nan, expected whole numbers"),
        (["images", 0, "width"], 1e300, "the width 1e.300, expected whole numbers"),
        (["categories", 0, "id"], 9, "category 9 is in it 2 times"),
        (["categories", 0, "id"], None, "category number 1 has the id None"),
        (["categories", 0, "name"], KeyError, "category 1 has the name None"),
        (["categories", 0, "name"], {}, "category 1 has the name {}"),
        (
            ["categories"],
            [],
            r"annotation 11: its category_id is 9, expected one of \[",
        ),
        (["annotations", 0, "category_id"], 2, "annotation 11: its category_id is 2"),
        (["annotations", 0, "category_id"], [], "annotation 11: its category_id is .."),
        (
            ["annotations", 0, "category_id"],
            True,
            "annotation 11: its category_id is T",
        ),
        (["annotations", 1, "image_id"], 6, r"annotation 12: its image_id is 6, .*\[5"),
        (
            ["annotations", 1, "image_id"],
            KeyError,
            "annotation 12: its image_id is None",
        ),
        (["annotations", 1, "image_id"], {}, "annotation 12: its image_id is {}"),
        (["annotations", 1, "id"], 11, "annotation 11 is in it 2 times"),
        (["annotations", 1, "id"], 1.5, "annotation number 2 has the id 1.5"),
        (["annotations", 1, "id"], 2**63, "annotation number 2 has the id 92233720"),
        (["annotations", 1, "id"], [1], r"annotation number 2 has the id \[1\]"),
        (POLYGON, KeyError, "annotation 11: it has no segmentation; expected poly"),
        (POLYGON, None, "annotation 11: it has no segmentation"),
        (POLYGON, [], r"annotation 11: its segmentation is \[\], expected polygons"),
        (POLYGON, "abc", "annotation 11: its segmentation is 'abc'"),
        (POLYGON, 5, "annotation 11: its segmentation is 5"),
        (POLYGON, SQUARE, "annotation 11: its polygon 1 is 2, expected a list of numb"),
        (
            POLYGON,
            [SQUARE, SQUARE[:5]],
            "its polygon 2 has 5 numbers, expected x and y",
        ),
        (POLYGON, [SQUARE[:4]], "its polygon 1 has 2 corners, expected 3 or more"),
        (POLYGON, [[]], "its polygon 1 has 0 corners, expected 3 or more"),
        (
            POLYGON,
            [[[2, 3], [8, 3], [8, 9]]],
            "its polygon 1 is .*expected a list of n",
        ),
        (POLYGON, [[[2, 3], [8]]], "its polygon 1 is .*expected a list of numbers"),
        (POLYGON, [["2"] * 6], "its polygon 1 is .*expected a list of numbers"),
        (POLYGON, [[None] * 6], "its polygon 1 is .*expected a list of numbers"),
        (POLYGON, [[True] * 6], "its polygon 1 is .*expected a list of numbers"),
        (POLYGON, [[10**400] * 6], "its polygon 1 is .*expected a list of numbers"),
        (POLYGON, [{"x": 1}], "its polygon 1 is {'x': 1}, expected a list of numbers"),
        (POLYGON, [[*SQUARE[:7], float("nan")]], "has the coordinate nan"),
        (POLYGON, [[*SQUARE[:7], float("-inf")]], "has the coordinate -inf"),
        (POLYGON, [[*map(int, SQUARE[:7]), -(2**63)]], "has the coordinate -9.22"),
        (POLYGON, [[*SQUARE[:7], 1e30]], "its polygon 1 has the coordinate 1e.30"),
        (POLYGON, {}, "annotation 11: its RLE has the size None"),
        (SIZE, KeyError, "annotation 12: its RLE has the size None, expected .height"),
        (SIZE, [20], r"annotation 12: its RLE has the size \[20\]"),
        (SIZE, [20, "30"], r"its RLE has the size \[20, '30'\]"),
        (SIZE, [-20, -30], "its RLE has the size"),
        (SIZE, [20.5, 30], "its RLE has the size"),
        (
            SIZE,
            [30, 20],
            "its RLE is 30 high and 20 wide, but the image 20 high and 30",
        ),
        (
            COUNTS,
            KeyError,
            "its RLE has the counts None, expected a list of whole numb",
        ),
        (COUNTS, [], r"its RLE has the counts \[\], expected"),
        (COUNTS, [45.0, 3, 552], "its RLE has the counts .*, expected a list of whole"),
        (COUNTS, ["45"], "its RLE has the counts .*, expected a list of whole numbers"),
        (COUNTS, [[45, 3, 552]], "its RLE has the counts .*, expected a list of whole"),
        (COUNTS, {"a": 1}, "its RLE has the counts .*, expected a list of whole"),
        (
            COUNTS,
            [45, 3, 551],
            "its RLE has 599 pixels that do not make an image of 20",
        ),
        (
            COUNTS,
            [45, 3, 553],
            "its RLE has 601 pixels that do not make an image of 20",
        ),
        (COUNTS, [45, -3, 558], "its RLE has counts that do not make an image of 20"),
        (COUNTS, [2**63 - 1] * 2 + [602], "its RLE has counts that do not make"),
        (
            COUNTS,
            [2**70],
            "its RLE has the counts .*, expected a list of whole numbers",
        ),
        (COUNTS, "", "annotation 12: its RLE is damaged or cut off"),
        (COUNTS, "\n\n", "its RLE is damaged or cut off"),
        (COUNTS, "ü", "its RLE is damaged or cut off"),
        (COUNTS, "]1P", "its RLE is damaged or cut off"),
        (COUNTS, "oooooooo0", "its RLE is damaged: it has runs longer than any image"),
        (COUNTS, "00", "its RLE has 0 pixels that do not make an image of 20 x 30"),
    ],
)
def test_bad_annotations(path, value, message):
    with pytest.raises(ValueError, match=message):
        read_coco(changed(path, value)())


def test_only_a_box():
    data = coco([SQUARE], bbox=[2, 3, 6, 6])
    del data["annotations"][0]["segmentation"]
    with pytest.raises(ValueError, match=r"annotation 11: .*, only a bounding box"):
        read_coco(data)


def test_an_annotation_without_id_is_named_by_its_place():
    data = coco([SQUARE], [[1, 2]])
    del data["annotations"][1]["id"]
    with pytest.raises(ValueError, match="annotation number 2: its polygon 1 has 1"):
        read_coco(data)


def test_a_run_length_code_larger_than_any_micrograph():
    data = coco({"size": [10**5, 10**5], "counts": [10**10]})
    data["images"] = [{"id": 5}]
    with pytest.raises(ValueError, match="larger than any micrograph"):
        read_coco(data)


def test_an_outline_that_crosses_more_columns_than_fit_into_memory():
    zigzag = [x for i in range(400) for x in (9e5 * (i % 2), i)]
    data = coco([zigzag])
    data["images"] = [{"id": 5}]
    with pytest.raises(ValueError, match="annotation 11: an outline of 400 corners"):
        read_coco(data)
    square = [0, 0, 9e5, 0, 9e5, 9e5, 0, 9e5]
    data["annotations"][0]["segmentation"] = [square]
    with pytest.raises(ValueError, match="an outline of 900000 x 900000 pixels"):
        read_coco(data)


def test_the_size_of_the_micrograph_is_compared():
    message = "'scan.tif' is 20 high and 30 wide .*, but the micrograph 30 high and 20"
    with pytest.raises(ValueError, match=message):
        read_coco(coco([SQUARE]), shape=(30, 20))
    assert len(read_coco(coco([SQUARE]), shape=(20, 30))) == 1


@pytest.mark.parametrize("data", ["coco", 5, None])
def test_no_record(data):
    with pytest.raises(ValueError, match="expected a record of 'images'"):
        read_coco(data)


def write(folder, data):
    (folder / "coco.json").write_text(json.dumps(data))
    return folder / "coco.json"


def test_the_door_names_file_and_annotations(tmp_path):
    outside, thin = [40, 5, 45, 5, 45, 9], [2, 3, 8, 3, 5, 3]
    path = write(tmp_path, coco([SQUARE], [outside], [thin]))
    with pytest.raises(
        ValueError, match=r"coco.json' .*2 of 3 particles .*outside .*12, 13"
    ):
        read_instances(path)
    path = write(tmp_path, coco())
    with pytest.raises(ValueError, match=r"coco.json' can't be read: it has no par"):
        read_instances(path)


def test_the_door_reads_several_images(tmp_path):
    path = write(tmp_path, several_images())
    table = read_instances(path, (20, 30), image="two.v2")
    assert table["instance"].tolist() == [13]
    with pytest.raises(ValueError, match="3 images"):
        read_instances(path)


def by_sam(masks):
    """Describe masks as ``amg.py --convert-to-rle`` of Segment Anything writes them."""
    annotations = []
    for mask in masks:
        code = coco_mask.encode(np.asfortranarray(mask, np.uint8))
        annotations.append(
            {
                "segmentation": code | {"counts": code["counts"].decode()},
                "area": int(coco_mask.area(code)),
                "bbox": coco_mask.toBbox(code).tolist(),
                "predicted_iou": 0.97,
                "point_coords": [[12.5, 9.5]],
                "stability_score": 0.98,
                "crop_box": [0, 0, mask.shape[1], mask.shape[0]],
            }
        )
    return annotations


def overlapping_disks(n, shape):
    rng = np.random.default_rng(0)
    rows, columns = np.indices(shape)
    centers = rng.random((n, 2)) * shape
    return [np.hypot(rows - y, columns - x) < rng.uniform(5, 25) for y, x in centers]


def test_masks_of_segment_anything_are_read(tmp_path):
    masks = overlapping_disks(20, (90, 110))
    path = write(tmp_path, by_sam(masks))
    table = read_instances(path, (90, 110))
    assert list(table) == ["mask", "top", "left", "instance"]
    assert table["instance"].tolist() == list(range(1, 21))
    for row, expected in zip(table.itertuples(), masks, strict=True):
        found = laid_out(row.mask, row.top, row.left, (90, 110))
        np.testing.assert_array_equal(found, expected)
    # The list names no image, so that it is of any.
    assert extract_particles(np.ones((90, 110)), path).shape[0] == 20
    with pytest.raises(ValueError, match="number 1: its RLE is 90 high and 110 wide"):
        read_instances(path, (110, 90))


def test_results_of_a_detector_are_read(tmp_path):
    masks = overlapping_disks(20, (90, 110))
    results = [
        {"image_id": 7, "category_id": i % 2 + 1, "score": 0.9, **annotation}
        for i, annotation in enumerate(by_sam(masks))
    ]
    outline = [10.5, 20.5, 40.2, 22.1, 30.0, 55.9]
    results[3]["segmentation"] = [outline]
    table = read_instances(write(tmp_path, results), (90, 110), image="any.tif")
    assert table["label"].tolist() == ["1", "2"] * 10
    masks[3] = by_pycocotools([outline], (90, 110))
    for row, expected in zip(table.itertuples(), masks, strict=True):
        found = laid_out(row.mask, row.top, row.left, (90, 110))
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_id": 8}, r"of 2 images, of the image_id \[7, 8\]; keep those of one"),
        ({"image_id": None}, r"of 2 images, of the image_id \[7, None\]"),
        ({"image_id": [7]}, r"of 2 images, of the image_id \[7, \[7\]\]"),
        ({"category_id": [1]}, r"number 2: its category_id is \[1\], expected one of"),
        ({"segmentation": None}, "number 2: it has no segmentation, only a bounding"),
    ],
)
def test_bad_lists_of_annotations(changes, message, tmp_path):
    results = [
        {
            "image_id": 7,
            "category_id": 1,
            "bbox": [2, 3, 6, 6],
            "segmentation": [SQUARE],
        }
        for _ in range(2)
    ]
    results[1] |= changes
    with pytest.raises(ValueError, match=f"coco.json' can't be read: .*{message}"):
        read_instances(write(tmp_path, results))


def test_a_list_of_something_else_amid_annotations(tmp_path):
    path = write(tmp_path, [{"segmentation": [SQUARE]}, 5])
    with pytest.raises(ValueError, match=r"its 'annotations' is .* list of records"):
        read_instances(path)


JUNK = [None, True, -1, 0, 2.5, 1e300, float("nan"), 10**400, "", "a", [], {}, [[]]]


def damaged(value, rng):
    """Return data of which one part, anywhere, is another or gone."""
    children = list(value.items()) if isinstance(value, dict) else []
    if isinstance(value, list):
        children = list(enumerate(value))
    if not children or rng.random() < 0.2:
        return JUNK[rng.integers(len(JUNK))]
    key, child = children[rng.integers(len(children))]
    copy = value.copy()
    if rng.random() < 0.2:
        del copy[key]
    else:
        copy[key] = damaged(child, rng)
    return copy


def test_damaged_annotations_are_read_or_errors_that_name_the_file(tmp_path):
    rng = np.random.default_rng(0)
    good = coco([SQUARE, SQUARE], {"size": [20, 30], "counts": [45, 3, 552]}, bbox=[0])
    packed = {"size": [20, 30], "counts": pack_runs(np.array([45, 3, 552]))}
    good["annotations"][0]["segmentation"] = packed
    n_errors = 0
    for i in range(1500):
        path = write(tmp_path, damaged(good["annotations"] if i % 3 else good, rng))
        try:
            read_instances(path, (20, 30))
        except ValueError as error:
            n_errors += 1
            assert "coco.json" in str(error)
    assert n_errors > 500
