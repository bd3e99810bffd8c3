"""Where particles lie: any source to one table, and what overlaps what."""

import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from skimage.measure import regionprops

from sklipo import ImageArray
from sklipo.datasets import (
    extract_particles,
    load_particles,
    read_instances,
    save_particles,
)
from sklipo.datasets._instances import Instance, tabulate
from sklipo.datasets._places import find_places

MICROGRAPH = np.random.default_rng(0).integers(0, 255, (60, 80), dtype=np.uint8)
SHAPE = MICROGRAPH.shape


def table_of(*places, **columns):
    """Return a table of square instances, each (top, left, size)."""
    tops, lefts, sizes = zip(*places, strict=True)
    masks = ImageArray([np.ones((size, size), bool) for size in sizes])
    return pd.DataFrame({"mask": masks, "top": tops, "left": lefts, **columns})


def paint(table, row, shape=SHAPE):
    """Return one mask of a table, laid on the micrograph."""
    canvas, mask = np.zeros(shape, bool), table["mask"][row]
    top, left = table["top"][row], table["left"][row]
    canvas[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return canvas


@given(
    masks=st.lists(arrays(bool, (9, 11), fill=st.just(False)), min_size=1, max_size=4)
)
def test_overlaps_and_enclosure_by_their_definition(masks):
    masks = [mask for mask in masks if mask.any()]
    if not masks:
        return
    instances = [Instance(mask, 2, 3) for mask in masks]
    table = extract_particles(MICROGRAPH, tabulate(instances), margin=1)
    counts = np.sum(masks, axis=0)
    filled = [ndimage.binary_fill_holes(mask, np.ones((3, 3))) for mask in masks]
    for i, mask in enumerate(masks):
        assert table["overlaps"][i] == pytest.approx((counts[mask] > 1).mean())
        sizes = [(filled[j].sum(), masks[j].sum()) for j in range(len(masks))]
        around = [
            (sizes[j], j)
            for j in range(len(masks))
            if sizes[j] > sizes[i] and not (mask & ~filled[j]).any()
        ]
        found = table["enclosed_by"][i]
        assert found in {j + 1 for n, j in around if n == min(around)[0]} or (
            found is pd.NA and not around
        )
        painted = np.zeros(SHAPE, bool)
        painted[2:11, 3:14] = mask
        assert (paint(table, i) == painted).all()
        assert (table["image"][i] == MICROGRAPH[_cutout(table, i)]).all()


def _cutout(table, row):
    top, left = table["top"][row], table["left"][row]
    height, width = table["image"][row].shape
    return slice(top, top + height), slice(left, left + width)


def test_a_particle_in_the_hole_of_another_is_enclosed_by_it():
    labels = np.zeros(SHAPE, int)
    labels[5:35, 5:35] = 4
    labels[8:32, 8:32] = 0
    labels[10:30, 10:30] = 9
    labels[12:28, 12:28] = 0
    labels[15:20, 15:20] = 6
    labels[40:50, 40:50] = 7
    particles = extract_particles(MICROGRAPH, labels)
    assert particles["instance"].tolist() == [4, 6, 7, 9]
    assert particles["enclosed_by"].tolist() == [pd.NA, 9, pd.NA, 4]
    assert (particles["overlaps"] == 0).all()


def test_two_rings_of_one_outline_do_not_enclose_each_other():
    ring, disk = np.ones((20, 20), bool), np.ones((20, 20), bool)
    ring[2:-2, 2:-2] = False
    thick = disk.copy()
    thick[4:-4, 4:-4] = False
    for masks, expected in [
        ((ring, ring), [pd.NA, pd.NA]),
        ((disk, disk), [pd.NA, pd.NA]),
        ((ring, thick), [2, pd.NA]),
        ((disk, ring), [pd.NA, 1]),
    ]:
        table = tabulate([Instance(mask, 5, 5) for mask in masks])
        assert extract_particles(MICROGRAPH, table)["enclosed_by"].tolist() == expected


def test_a_ring_around_a_disk_is_the_larger_one_though_it_has_fewer_pixels():
    ring = np.ones((40, 40), bool)
    ring[1:-1, 1:-1] = False
    disk, point = np.ones((30, 30), bool), np.ones((2, 2), bool)
    table = tabulate(
        [Instance(ring, 5, 5), Instance(disk, 10, 10), Instance(point, 20, 20)]
    )
    enclosed = extract_particles(MICROGRAPH, table)["enclosed_by"]
    assert enclosed.tolist() == [pd.NA, 1, 2]


def test_names_tell_what_encloses():
    table = table_of((5, 5, 30), (8, 8, 5), instance=["big", "small"])
    particles = extract_particles(MICROGRAPH, table)
    assert particles["enclosed_by"].tolist() == [pd.NA, "big"]
    np.testing.assert_allclose(particles["overlaps"], [25 / 900, 1])


def test_masks_are_cut_off_at_the_edge_of_the_micrograph():
    table = table_of((-3, 70, 20), (55, 2, 5), (20, 20, 5))
    particles = extract_particles(MICROGRAPH, table, margin=2)
    assert [mask.sum() for mask in particles["mask"]] == [17 * 10, 25, 25]
    assert particles["touches_border"].tolist() == [True, True, False]
    read = read_instances(table, SHAPE)
    assert read["mask"].array.shapes.tolist() == [[17, 10], [5, 5], [5, 5]]
    assert read[["top", "left"]].to_numpy().tolist() == [[0, 70], [55, 2], [20, 20]]
    assert read_instances(table)["top"][0] == -3


def test_masks_are_cut_down_to_their_box():
    mask = np.zeros((9, 9), np.uint8)
    mask[2:4, 3:8] = 255
    table = pd.DataFrame({"mask": ImageArray([mask]), "top": [10.0], "left": ["20"]})
    read = read_instances(table)
    assert read["mask"].array.shapes.tolist() == [[2, 5]]
    assert read[["top", "left", "instance"]].to_numpy().tolist() == [[12, 23, 1]]


def test_rows_may_be_left_out_and_columns_ride_along():
    labels = np.diag(np.arange(60))[:, :60]
    labels = np.pad(labels, ((0, 0), (0, 20)))
    table = read_instances(labels, SHAPE).assign(score=np.arange(59))
    kept = table[table["score"] > 50]
    particles = extract_particles(MICROGRAPH, kept, margin=1)
    assert particles["instance"].tolist() == list(range(52, 60))
    assert particles["score"].tolist() == list(range(51, 59))
    assert table.index.tolist() == list(range(59))


def test_a_table_of_particles_is_a_table_of_instances():
    labels = np.zeros(SHAPE, int)
    labels[5:15, 5:15], labels[30:50, 30:50] = 3, 8
    particles = extract_particles(MICROGRAPH, labels, margin=5)
    columns = ["mask", "top", "left", "instance"]
    again = extract_particles(MICROGRAPH, particles[columns], margin=5)
    pd.testing.assert_frame_equal(again, particles)
    with pytest.raises(ValueError, match=r"has columns \['image', 'touches_border"):
        extract_particles(MICROGRAPH, particles)


def test_names_are_made_unique():
    mask = np.ones((2, 2), bool)
    names = [None, "a", "a", "a (2)", 4, "1"]
    table = tabulate([Instance(mask, 0, 0, name) for name in names])
    found = table["instance"].tolist()
    assert found[1:3] == ["a", "a (2)"] and len(set(found)) == 6
    numbers = tabulate([Instance(mask, 0, 0, name) for name in (7, 5)])
    assert numbers["instance"].tolist() == [7, 5]
    nameless = tabulate([Instance(mask, 0, 0), Instance(mask, 0, 0, label="full")])
    assert nameless["instance"].tolist() == [1, 2]
    assert nameless["label"].tolist()[1] == "full"


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_the_columns_of_overlaps_are_saved(tmp_path, suffix):
    table = table_of((5, 5, 30), (8, 8, 5), (0, 50, 9), label=["a", None, "b"])
    particles = extract_particles(MICROGRAPH, table, name="m")
    save_particles(particles, tmp_path / f"p{suffix}")
    loaded = load_particles(tmp_path / f"p{suffix}")
    assert list(loaded) == list(particles)
    for name in ("overlaps", "enclosed_by", "label", "instance"):
        same = loaded[name].astype(object).fillna("-") == (
            particles[name].astype(object).fillna("-")
        )
        assert same.all(), name


def test_places_and_sizes_agree_with_scikit_image():
    labels = ndimage.label(np.random.default_rng(1).random(SHAPE) < 0.4)[0]
    particles = extract_particles(MICROGRAPH, labels, pixel_size=0.5, name="m")
    places = find_places(particles)
    regions = regionprops(labels)
    for name, expected in [
        ("y", [region.centroid[0] for region in regions]),
        ("x", [region.centroid[1] for region in regions]),
        ("diameter", [region.equivalent_diameter_area for region in regions]),
    ]:
        np.testing.assert_allclose(places[name], expected)
        np.testing.assert_allclose(places[f"{name}_nm"], np.array(expected) / 2)
    assert list(places)[:2] == ["micrograph", "instance"]
    bare = find_places(particles.drop(columns=["pixel_size", "micrograph"])[:0])
    assert list(bare) == ["instance", "x", "y", "diameter"]


def test_picked_particles_lie_where_they_were_picked():
    points = pd.DataFrame({"x": [0.3, 10.4], "y": [0.0, 12.2]})
    how = {"box": 10, "pixel_size": 0.5}
    picked = extract_particles(MICROGRAPH, points, mask_diameter=4, **how)
    bare = extract_particles(MICROGRAPH, points, **how)
    for particles in (picked, bare, picked.astype({"x": "Float64"})):
        places = find_places(particles)
        assert places[["x", "y"]].astype(float).equals(points)
        assert places["x_nm"].tolist() == [0.15, 5.2]
    # The others of a table have their centroids.
    labels = ndimage.label(np.random.default_rng(1).random(SHAPE) < 0.4)[0]
    outlined = extract_particles(MICROGRAPH, labels, pixel_size=0.5)
    both = find_places(pd.concat([picked, outlined], ignore_index=True))
    assert both[["x", "y"]][:2].equals(points)
    centroids = find_places(outlined)[["x", "y"]]
    assert both[["x", "y"]][2:].reset_index(drop=True).equals(centroids)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="top"), "no column 'top'"),
        (lambda t: t.assign(mask=[1, 2]), "holds no images"),
        (lambda t: t[:0], "has no row"),
        (lambda t: t.assign(top=[1.5, 2]), r"row 0 .*: top is 1\.5, expected a whole"),
        (lambda t: t.assign(left=[1, None]), "row 1 .*: left is"),
        (lambda t: t.assign(left=["1", "x"]), "row 1 .*: left is x"),
        (lambda t: t.assign(left=[1, np.inf]), "row 1 .*: left is inf"),
        (lambda t: t.assign(top=[1, 10**25]), "row 1 .*: top is 1"),
        (lambda t: t.assign(instance=[1, 1]), "'instance' has 1 more than once"),
        (lambda t: t.assign(instance=[1, None]), "'instance' has nan as a name"),
        (
            lambda t: t.assign(instance=[(1, 2), (3, 4)]),
            r"'instance' has \(1, 2\) as a name",
        ),
        (
            lambda t: pd.concat([t, t[["top"]]], axis=1),
            "several columns of the .* 'top'",
        ),
        (
            lambda t: pd.concat([t, t[["mask"]]], axis=1),
            "several columns of the .* 'mas",
        ),
        (lambda t: pd.concat({"a": t}, axis=1), "2 levels, expected one"),
        (lambda t: t[["top", "left"]], r"no column 'mask'.* pass box= and mask_diam"),
        (lambda t: pd.DataFrame({"x": [3], "y": [5]}), "positions, pass box= and"),
        (lambda t: t.assign(top=[1, 100]), r"1 of 2 .* outside .*, such as 2; are"),
        (lambda t: t.assign(top=[-10, 1]), r"1 of 2 .* outside .*, such as 1; are"),
        (
            lambda t: t.assign(mask=ImageArray([np.zeros((2, 2)), np.ones((2, 2))])),
            r"row 0 .*: the mask is empty or missing \(1 in all\)",
        ),
        (lambda t: t.assign(overlaps=0), r"has columns \['overlaps'\]"),
    ],
)
def test_tables_of_instances_that_cannot_be_used(change, message):
    table = change(table_of((5, 5, 8), (20, 20, 4)))
    with pytest.raises(ValueError, match=message):
        extract_particles(MICROGRAPH, table)


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        (5, TypeError, r"shape is 5, expected \(height, width\)"),
        ((1, 2, 3), TypeError, r"expected \(height, width\)"),
        ((1.5, 3), ValueError, "expected two ints"),
        ((-1, 3), ValueError, "expected two ints"),
        ((True, 3), ValueError, "expected two ints"),
        ((9, 9), ValueError, r"micrograph has shape \(9, 9\), labels \(60, 80\)"),
    ],
)
def test_bad_shapes(shape, error, message):
    with pytest.raises(error, match=message):
        read_instances(np.ones(SHAPE, int), shape)


def test_a_table_of_numbers_without_names_is_a_label_image():
    labels = np.zeros(SHAPE, int)
    labels[5:15, 5:15] = 3
    expected = read_instances(labels)
    pd.testing.assert_frame_equal(read_instances(pd.DataFrame(labels)), expected)


def test_numbers_of_no_type_are_names():
    instances = [Instance(np.ones((2, 2), bool), 0, 0, name) for name in (10**30, 7)]
    assert tabulate(instances)["instance"].tolist() == [str(10**30), "7"]


def test_bad_names_of_images():
    with pytest.raises(TypeError, match="image is 5, expected a str"):
        read_instances(np.ones(SHAPE, int), image=5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty file"),
        ("{", "can't be read: it is no JSON, or is cut off: Expecting property name"),
        ("[" * 100_000, "nested too deep"),
        ("\x89HDF", "can't be read"),
    ],
)
def test_bad_json(tmp_path, text, message):
    path = tmp_path / "a.json"
    path.write_text(text, encoding="latin1")
    with pytest.raises(ValueError, match=message):
        read_instances(path)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(SHAPE, np.uint8), r"labels '.*a\.tif' of shape .* has no particle"),
        (np.full(SHAPE, -1, np.int16), r"labels '.*a\.tif' has negative numbers"),
        (np.ones((9, 9), np.uint8), r"labels '.*a\.tif' \(9, 9\); expected one"),
    ],
)
def test_faulty_labels_of_a_file_name_it(tmp_path, labels, message):
    tifffile.imwrite(tmp_path / "a.tif", labels)
    with pytest.raises(ValueError, match=message):
        extract_particles(MICROGRAPH, tmp_path / "a.tif")
