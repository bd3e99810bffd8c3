"""Artificial micrographs: masks against pixels, classes, overlaps, seeds, errors."""

from itertools import islice

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import binary_dilation, binary_erosion, gaussian_gradient_magnitude
from skimage.measure import label as connected_components

from sklipo.artificial._fields import CROWDED, sample_field
from sklipo.artificial._sampling import CLASSES
from sklipo.datasets import (
    Micrograph,
    extract_particles,
    make_liposomes,
    make_micrographs,
)

SMALL = {"n_particles": 12, "shape": (800, 900), "random_state": 0}


@pytest.fixture(scope="module")
def drawn():
    """Return micrographs of equal classes, so that many liposomes are uncertain."""
    return list(make_micrographs(6, weights=None, **SMALL))


def counts(table, shape):
    """Return how many masks hold each pixel."""
    held = np.zeros(shape, int)
    for row in table.itertuples():
        height, width = row.mask.shape
        held[row.top : row.top + height, row.left : row.left + width] += row.mask
    return held


def assert_same(one, other):
    (micrograph, table), (again, same) = one, other
    np.testing.assert_array_equal(micrograph.pixels, again.pixels)
    pd.testing.assert_frame_equal(table.drop(columns="mask"), same.drop(columns="mask"))
    for mask, twin in zip(table["mask"], same["mask"], strict=True):
        np.testing.assert_array_equal(mask, twin)


def test_what_is_drawn(drawn):
    assert len(drawn) == 6
    for micrograph, table in drawn:
        assert isinstance(micrograph, Micrograph)
        assert micrograph.pixel_size == 1.0
        assert micrograph.pixels.shape == (800, 900)
        assert micrograph.pixels.dtype == np.uint8
        assert list(table.columns) == ["mask", "top", "left", "instance", "label"]
        assert table["mask"].array.pixel_dtype == np.bool_
        assert table["instance"].tolist() == list(range(1, 13))
        assert set(table["label"]) <= set(CLASSES["lamellarity"])


def test_masks_are_cropped_to_their_boxes_within_the_micrograph(drawn):
    for _, table in drawn:
        for row in table.itertuples():
            touched = row.mask.any(axis=1), row.mask.any(axis=0)
            assert all(side[0] and side[-1] for side in touched)
            assert row.top >= 0
            assert row.left >= 0
            assert row.top + row.mask.shape[0] <= 800
            assert row.left + row.mask.shape[1] <= 900


def test_some_are_cut_off_by_the_border_and_all_others_are_round():
    cut = 0
    for _, table in make_micrographs(
        3, n_particles=60, shape=(1400, 1400), random_state=1
    ):
        for row in table.itertuples():
            ends = np.add((row.top, row.left), row.mask.shape)
            if min(row.top, row.left) == 0 or max(ends) == 1400:
                cut += 1
                continue
            assert connected_components(row.mask).max() == 1
            # An ellipse fills pi / 4 of its box; a bent and tilted one differs a bit.
            assert 0.6 < row.mask.mean() < 0.9
    assert 10 < cut < 90


def test_each_mask_holds_a_liposome_and_the_rest_is_even():
    for micrograph, table in make_micrographs(3, weights=[1, 1, 0], noise=0, **SMALL):
        edges = gaussian_gradient_magnitude(micrograph.pixels.astype(float), 1)
        held = np.zeros(edges.shape, bool)
        for row in table.itertuples():
            height, width = row.mask.shape
            window = slice(row.top, row.top + height), slice(row.left, row.left + width)
            held[window] |= row.mask
            assert edges[window][row.mask].mean() > 1
        # The microscope's fringes reach 8 nm. Pieces of ice lie on less than 1 %.
        beyond = ~binary_dilation(held, iterations=10)
        assert np.percentile(edges[beyond], 99) < 0.45


def test_masks_end_at_the_outer_face_of_the_membrane():
    (micrograph, table), *_ = make_micrographs(1, weights=[1, 0, 0], noise=0, **SMALL)
    edges = gaussian_gradient_magnitude(micrograph.pixels.astype(float), 1)
    held = counts(table, edges.shape) > 0
    rim = held & ~binary_erosion(held, iterations=6, border_value=1)
    around = binary_dilation(held, iterations=12) & ~binary_dilation(held, iterations=6)
    assert edges[rim].mean() > 5 * edges[around].mean()


def test_two_that_overlap_are_both_seen():
    """Where two overlap, the pixels are darker than where only one of them is."""
    darker = []
    for micrograph, table in make_micrographs(
        12, weights=[0, 0, 1], noise=0, n_particles=10, shape=(800, 800), random_state=3
    ):
        held = counts(table, micrograph.pixels.shape)
        # Ice, far darker, is left out.
        values = micrograph.pixels.astype(float)
        values[values < np.median(values) - 60] = np.nan
        if (held > 1).any():
            darker.append(np.nanmean(values[held == 1]) - np.nanmean(values[held > 1]))
    assert len(darker) > 6
    assert np.mean(darker) > 0


def test_overlaps_occur_now_and_then():
    share = []
    for micrograph, table in make_micrographs(
        3, n_particles=40, shape=(2048, 2048), pixel_size=2.0, random_state=0
    ):
        held = counts(table, micrograph.pixels.shape)
        share.append((held > 1).sum() / (held > 0).sum())
    assert min(share) > 0
    assert max(share) < 0.05


def test_liposomes_that_much_overlap_are_uncertain():
    """The nearest of other classes are at 0.85 of the sum of their radii."""
    kinds = list(CLASSES["lamellarity"].values())
    n_near = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        classes = rng.integers(3, size=20)
        scenes = sample_field([kinds[i] for i in classes], (1500, 1500), rng)
        centers = np.array([scene.outline.center for scene in scenes])
        radii = np.array([scene.outline.radius for scene in scenes])
        distances = np.hypot(*(centers[:, None] - centers).transpose(2, 0, 1))
        nearness = distances / (radii[:, None] + radii) + 9 * np.eye(20)
        near = np.argwhere(nearness < 0.849)
        assert (classes[near] == 2).all()
        assert (np.abs(centers) <= 750).all()
        n_near += len(near)
    assert n_near > 20


def test_a_field_as_full_as_allowed_has_room_for_all():
    kind = CLASSES["lamellarity"]["unilamellar"]
    near = 0
    for seed in range(5):
        scenes = sample_field(
            [kind] * int(CROWDED * 1000**2), (1000, 1000), np.random.default_rng(seed)
        )
        for i, one in enumerate(scenes):
            for other in scenes[:i]:
                apart = np.hypot(*np.subtract(one.outline.center, other.outline.center))
                near += apart < 0.849 * (one.outline.radius + other.outline.radius)
    assert near == 0


@pytest.mark.parametrize("problem", CLASSES)
def test_classes_have_their_shares(problem):
    shares = dict(zip(CLASSES[problem], (0.2, 0.5, 0.3), strict=True))
    tables = [
        table
        for _, table in make_micrographs(
            10,
            problem,
            weights=shares,
            pixel_size=10.0,
            n_particles=40,
            shape=(200, 200),
        )
    ]
    found = pd.concat(tables)["label"].value_counts(normalize=True)
    for name, share in shares.items():
        # 400 draws: five deviations are 0.125 at most.
        assert found[name] == pytest.approx(share, abs=0.125)
    # They differ between micrographs.
    assert len({tuple(sorted(table["label"])) for table in tables}) > 1


def test_liposomes_are_as_large_as_those_in_cut_outs():
    inner = []
    for _, table in make_micrographs(
        3, n_particles=100, shape=(1500, 1500), pixel_size=2.0, random_state=0
    ):
        for row in table.itertuples():
            ends = np.add((row.top, row.left), row.mask.shape)
            if min(row.top, row.left) > 0 and max(ends) < 1500:
                inner.append(np.sqrt(row.mask.sum() / np.pi) * 2)
    radii = make_liposomes(300, margin=0, pixel_size=2.0, random_state=0)["radius_nm"]
    # 300 radii of spread 0.32 each: five deviations of the difference are 13 %.
    assert np.median(inner) == pytest.approx(np.median(radii), rel=0.13)


def test_same_seed_same_bits_and_the_first_ones_do_not_depend_on_how_many(drawn):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    fewer = list(make_micrographs(2, weights=None, **SMALL))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    for one, other in zip(drawn, fewer, strict=False):
        assert_same(one, other)
    assert not np.array_equal(drawn[0][0].pixels, drawn[1][0].pixels)


def test_a_random_state_instance_moves_on_and_none_differs():
    small = SMALL | {"n_particles": 1, "shape": (120, 130)}
    for state in (np.random.RandomState(0), None):
        one, other = (
            next(make_micrographs(1, **small | {"random_state": state}))
            for _ in range(2)
        )
        assert not np.array_equal(one[0].pixels, other[0].pixels)


def test_noise_changes_no_liposome():
    noisy, clean = (next(make_micrographs(1, noise=x, **SMALL)) for x in (1.0, 0.0))
    assert (noisy[1]["top"] == clean[1]["top"]).all()
    rough, smooth = (
        np.abs(np.diff(micrograph.pixels.astype(float))).mean()
        for micrograph, _ in (noisy, clean)
    )
    assert smooth < 0.5 * rough


def test_micrographs_are_drawn_when_they_are_reached():
    # A thousand at once would take half an hour and 16 GB.
    assert len(list(islice(make_micrographs(1000, **SMALL), 2))) == 2


def test_what_is_drawn_can_be_cut_out():
    micrograph, instances = next(make_micrographs(1, **SMALL))
    particles = extract_particles(micrograph, instances, margin=0)
    assert (particles["pixel_size"] == 1.0).all()
    assert particles["label"].tolist() == instances["label"].tolist()
    for found, mask in zip(particles["mask"], instances["mask"], strict=True):
        np.testing.assert_array_equal(found, mask)
    assert (particles["overlaps"] > 0).any()
    edge = particles["touches_border"]
    assert 0 < edge.sum() < len(edge)


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), np.array([64, 65]), [50, 60]])
@pytest.mark.parametrize("pixel_size", [0.3, 1, 10])
def test_small_fields(shape, pixel_size):
    for micrograph, table in make_micrographs(
        8, n_particles=1, shape=shape, pixel_size=pixel_size, random_state=0
    ):
        assert micrograph.pixels.shape == tuple(shape)
        assert table["mask"].iloc[0].any()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_micrographs": 0}, "n_micrographs"),
        ({"n_micrographs": 2.0}, "n_micrographs"),
        ({"n_particles": 0}, "n_particles"),
        ({"n_particles": 46}, "n_particles=46 is too many.* has room for 45"),
        ({"shape": 512}, "shape"),
        ({"shape": (512,)}, "shape is .*height and width"),
        ({"shape": (512, 512, 3)}, "shape is .*height and width"),
        ({"shape": (512.0, 512.0)}, "shape is .*height and width"),
        ({"shape": (0, 512)}, "shape is .*height and width"),
        ({"shape": (512, -5)}, "shape is .*height and width"),
        ({"shape": (512, "x")}, "shape is .*height and width"),
        ({"shape": (2**15, 2**15)}, "more than 268435456 pixels"),
        ({"shape": ((512, 3), 5)}, "shape is .*height and width"),
        ({"problem": "shape"}, "problem"),
        ({"pixel_size": 0.0}, "pixel_size"),
        ({"pixel_size": 11}, "pixel_size"),
        ({"pixel_size": np.nan}, "pixel_size"),
        ({"noise": -0.5}, "noise"),
        ({"weights": "even"}, "weights"),
        ({"weights": [0.5, 0.5]}, "one share for each of"),
        ({"weights": [0, 0, 0]}, "not all 0"),
        ({"weights": {"empty": 1.0}}, "'empty'.*classes are"),
        ({"random_state": "x"}, "random_state"),
    ],
)
def test_bad_parameters_are_named_before_the_first_micrograph(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_micrographs(**SMALL | parameters)
