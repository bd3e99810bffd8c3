"""Tables of artificial liposomes: the truth against pixels, shares, seeds, errors."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.measure import label as connected_components
from skimage.measure import regionprops
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold, cross_val_score

from sklipo.artificial._projection import (
    TAIL_DENSITY,
    USUAL_RANGES,
    bilayer_projection,
)
from sklipo.artificial._sampling import CLASSES
from sklipo.datasets import make_liposomes
from sklipo.datasets._class_counts import class_counts

THESIS_TABLES = {
    "lamellarity": {"unilamellar": 12_368, "multilamellar": 1_717, "uncertain": 84},
    "encapsulation": {"full": 24_255, "uncertain": 502, "empty": 161},
}
SHAPES = [(problem, style) for problem in CLASSES for style in ("projection", "perlin")]


@pytest.fixture(scope="module", params=SHAPES, ids="-".join)
def particles(request):
    problem, style = request.param
    return make_liposomes(60, problem, weights=None, style=style, random_state=0)


def test_columns(particles):
    assert list(particles.columns) == [
        "image",
        "mask",
        "pixel_size",
        "label",
        "micrograph",
        "radius_nm",
        "n_lamellae",
        "bilayer_thickness",
        "lamellar_spacing",
        "n_inner_vesicles",
        "filled",
    ]
    assert particles["image"].dtype == "image"
    assert particles["image"].array.pixel_dtype == np.uint8
    assert particles["mask"].array.pixel_dtype == np.bool_
    assert particles["filled"].dtype == bool
    assert pd.api.types.is_integer_dtype(particles["n_lamellae"])


def test_truth_about_lamellae(particles):
    outer = particles["n_lamellae"] - particles["n_inner_vesicles"]
    assert (outer >= 1).all()
    assert particles["n_inner_vesicles"].isin([0, 1]).all()
    assert ((particles["lamellar_spacing"] > 0) == (outer > 1)).all()
    assert (particles.loc[outer > 1, "lamellar_spacing"] > 6).all()
    assert particles["bilayer_thickness"].between(4.7, 5).all()


def test_truth_agrees_with_the_label(particles):
    by_label = dict(list(particles.groupby("label")))
    if "unilamellar" in by_label:
        assert (by_label["unilamellar"]["n_lamellae"] == 1).all()
        assert by_label["multilamellar"]["n_lamellae"].between(2, 6).all()
        assert by_label["uncertain"]["n_lamellae"].nunique() > 1
    else:
        assert by_label["full"]["filled"].all()
        assert not by_label["empty"]["filled"].any()
        assert by_label["uncertain"]["filled"].nunique() == 2


def test_masks_are_one_piece_without_holes(particles):
    for mask in particles["mask"]:
        assert connected_components(mask).max() == 1
        (region,) = regionprops(mask.astype(np.uint8))
        assert region.area_filled == region.area


def test_radius_is_that_of_the_masks_area(particles):
    for mask, radius in zip(particles["mask"], particles["radius_nm"], strict=True):
        (region,) = regionprops(mask.astype(np.uint8))
        assert radius == pytest.approx(region.equivalent_diameter_area / 2)
    # Bending the plane (style "perlin") changes areas by some percent.
    assert particles["radius_nm"].between(13, 115).all()


def test_gray_levels_are_those_of_an_8_bit_micrograph(particles):
    means = np.array([image.mean() for image in particles["image"]])
    spreads = np.array([image.std() for image in particles["image"]])
    assert ((means > 60) & (means < 190)).all()
    assert (spreads > 3).all()
    assert 115 < np.median(means) < 160


@pytest.mark.parametrize("margin", [0, 7, 50])
@pytest.mark.parametrize("pixel_size", [0.5, 3.0])
def test_projection_has_the_margin_on_each_side(margin, pixel_size):
    table = make_liposomes(6, margin=margin, pixel_size=pixel_size, random_state=1)
    assert (table["pixel_size"] == pixel_size).all()
    for image, mask in zip(table["image"], table["mask"], strict=True):
        assert image.shape == mask.shape
        (region,) = regionprops(mask.astype(np.uint8))
        height, width = mask.shape
        expected = (margin, margin, height - margin, width - margin)
        assert region.bbox == expected


@pytest.mark.parametrize("margin", [0, 7, 50])
def test_perlin_is_shifted_by_half_the_margin_at_most(margin):
    table = make_liposomes(12, style="perlin", margin=margin, random_state=1)
    shifts = []
    for image, mask in zip(table["image"], table["mask"], strict=True):
        (region,) = regionprops(mask.astype(np.uint8))
        top, left, bottom, right = region.bbox
        height, width = bottom - top + 2 * margin, right - left + 2 * margin
        assert image.shape == mask.shape == (height, width)
        shifts.append((top - margin, left - margin))
    assert np.abs(shifts).max() <= margin // 2
    assert margin == 0 or len(set(shifts)) > 6


def test_pixel_size_scales_what_is_drawn():
    fine, coarse = (
        make_liposomes(8, pixel_size=size, random_state=4) for size in (1.0, 2.0)
    )
    # The same liposomes; at 15 nm a mask of 2 nm pixels is off by a few percent.
    np.testing.assert_allclose(fine["radius_nm"], coarse["radius_nm"], rtol=0.05)
    areas = [[mask.sum() for mask in table["mask"]] for table in (fine, coarse)]
    np.testing.assert_allclose(np.divide(*areas), 4, rtol=0.1)


def test_micrographs_draw_pixel_sizes_and_thicknesses_of_their_own():
    table = make_liposomes(
        60,
        pixel_size=(0.5, 2.0),
        conditions={"bilayer_thickness": (3, 6)},
        random_state=0,
    )
    shared = ["pixel_size", "bilayer_thickness"]
    assert (table.groupby("micrograph")[shared].nunique() == 1).all(axis=None)
    for column, low, high in zip(shared, (0.5, 3), (2, 6), strict=True):
        assert table[column].between(low, high).all()
        assert table[column].nunique() == table["micrograph"].nunique()
    areas = [mask.sum() for mask in table["mask"]]
    radii = np.sqrt(np.divide(areas, np.pi)) * table["pixel_size"]
    np.testing.assert_allclose(table["radius_nm"], radii)


def test_each_condition_changes_the_images_and_nothing_else():
    usual = make_liposomes(4, random_state=0)
    for name, (low, high) in USUAL_RANGES.items():
        same, other = (
            make_liposomes(4, conditions={name: pair}, random_state=0)
            for pair in ((low, high), (0.8 * low + 0.01, 0.8 * low + 0.01))
        )
        for column in ("image", "mask"):
            pairs = zip(usual[column], same[column], other[column], strict=True)
            for one, two, three in pairs:
                np.testing.assert_array_equal(one, two)
                assert (one == three).all() == (column == "mask"), name
        truth = ["label", "n_lamellae", "radius_nm", "filled"]
        pd.testing.assert_frame_equal(usual[truth], other[truth])


def test_a_larger_dose_has_less_noise():
    noises = []
    for dose in (100, 10_000):
        conditions = {"dose": (dose, dose), "grain": (0, 0), "unevenness": (0, 0)}
        table = make_liposomes(6, conditions=conditions, random_state=0)
        corners = [image[:8, :8].std() for image in table["image"]]
        noises.append(np.median(corners))
    assert noises[0] > 5 * noises[1]


def test_a_bilayer_of_any_thickness_holds_the_mass_of_its_shells():
    radii = np.linspace(0, 50, 50_001)
    for thickness in (3.0, 5.0):
        density = bilayer_projection(radii, 50.0, thickness)
        mass = np.trapezoid(density * 2 * np.pi * radii, radii)
        balls = [
            4 / 3 * np.pi * (50 - depth) ** 3
            for depth in (0, 1, thickness - 1, thickness)
        ]
        heads = balls[0] - balls[1] + balls[2] - balls[3]
        tails = balls[1] - balls[2]
        assert mass == pytest.approx(heads + TAIL_DENSITY * tails, rel=1e-4)


def test_noise_can_be_left_out():
    noisy, clean = (
        make_liposomes(6, noise=noise, random_state=0) for noise in (1.0, 0.0)
    )
    for image, smooth, mask in zip(
        noisy["image"], clean["image"], clean["mask"], strict=True
    ):
        assert image.shape == mask.shape == smooth.shape
        rough = np.abs(np.diff(image.astype(float), axis=1)).mean()
        assert np.abs(np.diff(smooth.astype(float), axis=1)).mean() < 0.5 * rough


@pytest.mark.parametrize("style", ["projection", "perlin"])
def test_same_seed_same_bits_for_any_n_jobs(style):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    one, again, two = (
        make_liposomes(12, style=style, n_jobs=n_jobs, random_state=7)
        for n_jobs in (None, None, 2)
    )
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert_same_table(one, again)
    assert_same_table(one, two)


def assert_same_table(left, right):
    for name in ("image", "mask"):
        for one, other in zip(left[name], right[name], strict=True):
            np.testing.assert_array_equal(one, other)
    pd.testing.assert_frame_equal(
        left.drop(columns=["image", "mask"]), right.drop(columns=["image", "mask"])
    )


def test_another_seed_gives_other_particles():
    radii = [make_liposomes(6, random_state=seed)["radius_nm"] for seed in (0, 1)]
    assert not np.isin(*radii).any()


def test_a_random_state_instance_moves_on():
    generator = np.random.RandomState(0)
    first, second = (make_liposomes(6, random_state=generator) for _ in range(2))
    assert not np.isin(first["radius_nm"], second["radius_nm"]).any()


@pytest.mark.parametrize("problem", CLASSES)
def test_the_thesis_gets_its_own_counts_back(problem):
    expected = THESIS_TABLES[problem]
    counts = class_counts(sum(expected.values()), "thesis", CLASSES[problem])
    assert dict(zip(CLASSES[problem], counts, strict=True)) == expected


@given(
    n_samples=st.integers(3, 5000),
    weights=st.lists(st.integers(0, 100), min_size=3, max_size=3).filter(any),
)
def test_counts_are_the_nearest_whole_shares(n_samples, weights):
    counts = class_counts(n_samples, weights, CLASSES["lamellarity"])
    exact = n_samples * np.array(weights) / sum(weights)
    assert counts.sum() == n_samples
    np.testing.assert_array_equal(counts > 0, np.array(weights) > 0)
    # One is lost to a class that would have had none, at most two times.
    assert (np.abs(counts - exact) < 1 + 2 * (exact < 1).any()).all()


@pytest.mark.parametrize(
    "weights",
    [None, [1, 1, 1], {"unilamellar": 2, "multilamellar": 2, "uncertain": 2}],
)
def test_equal_weights(weights):
    table = make_liposomes(6, weights=weights, margin=5, random_state=0)
    assert table["label"].value_counts().to_dict() == {
        "unilamellar": 2,
        "multilamellar": 2,
        "uncertain": 2,
    }


def test_a_class_without_weight_is_left_out():
    table = make_liposomes(4, weights={"multilamellar": 1}, margin=5, random_state=0)
    assert set(table["label"]) == {"multilamellar"}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_samples": 0}, "n_samples"),
        ({"n_samples": 2}, "n_samples=2 is too few"),
        ({"problem": "shape"}, "problem"),
        ({"style": "cartoon"}, "style"),
        ({"pixel_size": 0.0}, "pixel_size"),
        ({"pixel_size": -1.0}, "pixel_size"),
        ({"pixel_size": np.nan}, "pixel_size"),
        ({"margin": -1}, "margin"),
        ({"noise": -0.5}, "noise"),
        ({"weights": "even"}, "weights"),
        ({"weights": [0.5, 0.5]}, "one share for each of"),
        ({"weights": [1, 1, -1]}, "not negative"),
        ({"weights": [0, 0, 0]}, "not all 0"),
        ({"weights": [1, 1, np.nan]}, "finite"),
        ({"weights": {"empty": 1.0}}, "'empty'.*classes are"),
        ({"conditions": {"focus": (1, 2)}}, r"unknown names \['focus'\]; known are"),
        ({"conditions": {"dose": (0, 100)}}, "from 1 to 1e.06, the smaller one first"),
        ({"conditions": {"dose": (300, 100)}}, r"conditions\['dose'\]=\(300, 100\)"),
        ({"conditions": {"dose": 100}}, "expected a pair of numbers"),
        ({"conditions": {"dose": (100, np.nan)}}, "expected a pair of numbers"),
        ({"conditions": {"dose": ("a", "b")}}, "expected a pair of numbers"),
        ({"conditions": {"bilayer_thickness": (1, 5)}}, "from 2 to 6.5"),
        ({"pixel_size": (2, 1)}, r"pixel_size=\(2, 1\); expected a pair of numbers"),
        ({"pixel_size": (1, 11)}, "from 0.01 to 10"),
        ({"pixel_size": [1]}, "expected a pair of numbers"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_liposomes(**{"n_samples": 10, "random_state": 0} | parameters)


@pytest.fixture(scope="module")
def many():
    return make_liposomes(
        300, weights=None, margin=20, pixel_size=2.0, n_jobs=2, random_state=0
    )


def test_micrographs_differ_and_hold_all_classes(many):
    assert many["micrograph"].nunique() == 10
    assert many["micrograph"].value_counts().eq(30).all()
    assert many.groupby("micrograph")["label"].nunique().eq(3).all()
    around = [
        np.median(image[~mask])
        for image, mask in zip(many["image"], many["mask"], strict=True)
    ]
    around = pd.Series(around).groupby(many["micrograph"])
    assert around.mean().std() > 2 * around.std().median()


def test_size_and_brightness_do_not_give_the_class_away(many):
    simple = np.array([[*im.shape, im.mean(), im.std()] for im in many["image"]])
    scores = cross_val_score(
        LinearDiscriminantAnalysis(),
        simple,
        many["label"],
        groups=many["micrograph"],
        cv=GroupKFold(5),
        scoring="balanced_accuracy",
    )
    # Chance is 1/3; ice shows in the deviation and large ones are multilamellar.
    assert scores.mean() < 0.6


def test_blurred_and_far_out_of_focus_underflows_in_silence():
    far = {"defocus": (4500, 4500), "amplitude_contrast": (0.05, 0.05)}
    with np.errstate(all="raise"):
        for seed in range(3):
            make_liposomes(
                12,
                weights=[0, 0, 1],
                conditions=far,
                pixel_size=0.5,
                margin=20,
                random_state=seed,
            )
