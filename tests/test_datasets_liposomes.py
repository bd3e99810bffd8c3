"""Artificial liposomes: the drawing against closed forms, the truth against pixels."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.signal import find_peaks
from skimage.measure import label as connected_components
from skimage.measure import regionprops
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold, cross_val_score

from sklipo.artificial._noise import gradient_noise, perlin_noise
from sklipo.artificial._projection import (
    WAVELENGTH,
    Imaging,
    bilayer_projection,
    contrast_transfer,
    draw_projection,
    projected_density,
)
from sklipo.artificial._sampling import (
    CLASSES,
    sample_outline,
    sample_scene,
    sample_vesicles,
)
from sklipo.artificial._scenes import N_ANGLES, Content, Outline, Scene, Vesicle
from sklipo.datasets.liposomes import _class_counts, make_liposomes

THESIS_TABLES = {
    "lamellarity": {"unilamellar": 12_368, "multilamellar": 1_717, "uncertain": 84},
    "encapsulation": {"full": 24_255, "uncertain": 502, "empty": 161},
}
SHAPES = [(problem, style) for problem in CLASSES for style in ("projection", "perlin")]


@pytest.fixture(scope="module", params=SHAPES, ids="-".join)
def particles(request):
    problem, style = request.param
    return make_liposomes(60, problem, weights=None, style=style, random_state=0)


def circle(radius, center=(0.0, 0.0)):
    return Outline(np.full(N_ANGLES, radius, dtype=np.float32), center)


def axis(reach, pixel):
    return np.arange(-reach, reach + pixel / 2, pixel)


def quiet_imaging(**changes):
    """Even ice at little defocus, no noise."""
    quiet = Imaging(
        defocus=1000.0,
        dose=400.0,
        amplitude_contrast=0.2,
        grain=0.0,
        unevenness=0.0,
        tilt=(0.0, 0.0),
        mean=140.0,
        stretch=250.0,
        noise=0.0,
    )
    return replace(quiet, **changes)


@pytest.mark.parametrize("distance", [0.0, 10.0, 35.5, 37.0, 39.5, 41.0])
def test_bilayer_projection_is_the_integral_along_the_beam(distance):
    def density(z):
        depth = 40.0 - np.hypot(distance, z)
        in_head = 0 <= depth < 1 or 4 <= depth < 5
        return 1.0 if in_head else -0.25 if 1 <= depth < 4 else 0.0

    faces = np.array([40.0, 39.0, 36.0, 35.0])
    breaks = np.sqrt(faces[faces > distance] ** 2 - distance**2)
    expected = 2 * quad(density, 0, 45, points=breaks, limit=200)[0]
    measured = bilayer_projection(np.array([distance]), 40.0)
    # quad's own tolerance is 1.5e-8.
    np.testing.assert_allclose(measured, expected, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    radius=st.floats(15, 100),
    roughness=st.floats(0, 2),
    seed=st.integers(0, 2**32 - 1),
)
def test_area_of_an_outline_is_that_of_its_circle(radius, roughness, seed):
    outline = sample_outline(radius, np.random.default_rng(seed), roughness=roughness)
    angles = 2 * np.pi * np.arange(N_ANGLES) / N_ANGLES
    x, y = outline.radii * np.cos(angles), outline.radii * np.sin(angles)
    shoelace = 0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))
    # The polygon of 1024 corners lies 1e-5 within the curve, radii are float32.
    assert shoelace == pytest.approx(np.pi * radius**2, rel=1e-4)
    assert outline.radius == pytest.approx(radius, rel=1e-5)


def test_depth_is_the_distance_to_the_outline():
    outline = sample_outline(50.0, np.random.default_rng(3))
    angles = 2 * np.pi * np.arange(N_ANGLES) / N_ANGLES
    curve = outline.radii * np.array([np.sin(angles), np.cos(angles)])
    y, x = curve * 0.9
    nearest = np.hypot(y[:, None] - curve[0], x[:, None] - curve[1]).min(axis=1)
    # First order: 5 nm below a gently bent outline it is right within a tenth.
    np.testing.assert_allclose(outline.depth(y, x), nearest, rtol=0.1)


@pytest.mark.parametrize("depths", [(0.0,), (0.0, 9.0), (0.0, 8.0, 19.0, 28.0)])
def test_each_lamella_shows_two_headgroup_peaks_4_nm_apart(depths):
    vesicle = Vesicle(circle(60.0), depths, (1.0,) * len(depths))
    x = axis(70.0, 0.1)
    profile = projected_density(Scene((vesicle,)), axis(0.2, 0.1), x)[2]
    # A headgroup peak stands out by some 10, the smoothed rest by less than 1.
    peaks, _ = find_peaks(profile[x > 0], prominence=3)
    outer_to_inner = x[x > 0][peaks][::-1]
    # A layer of 1 nm peaks at its inner face, one nm below its outer one.
    expected = np.concatenate([[59.0 - depth, 55.0 - depth] for depth in depths])
    np.testing.assert_allclose(outer_to_inner, expected, atol=0.2)


def test_density_does_not_depend_on_pixel_size():
    scene = Scene((Vesicle(circle(40.0)),), contents=(Content(50.0, 20.0, 0.5, 1.0),))
    fine = projected_density(scene, axis(60.0, 0.25), axis(60.0, 0.25))
    coarse = projected_density(scene, axis(60.0, 1.0), axis(60.0, 1.0))
    # The sums stand for integrals, up to where the rim falls within a coarse pixel.
    assert coarse.sum() == pytest.approx(fine.sum() / 16, rel=0.005)
    assert coarse[60, 60] == pytest.approx(fine[240, 240], rel=1e-3)


def test_drug_adds_the_chord_of_its_ellipsoid():
    y = x = axis(60.0, 1.0)
    empty = Scene((Vesicle(circle(40.0)),))
    full = replace(empty, contents=(Content(60.0, 20.0, 0.0, 0.5),))
    added = projected_density(full, y, x) - projected_density(empty, y, x)
    assert added[60, 60] == pytest.approx(0.5 * 20.0, rel=1e-5)
    volume = 4 / 3 * np.pi * 30.0 * 10.0 * 10.0
    # Sums over pixels stand for an integral: the rim is off by a share of a pixel.
    assert added.sum() == pytest.approx(0.5 * volume, rel=0.01)


def test_full_liposomes_are_darker_inside_than_empty_ones():
    y = x = axis(60.0, 1.0)
    empty = Scene((Vesicle(circle(40.0)),))
    full = replace(empty, contents=(Content(50.0, 20.0, 0.0, 0.7),))
    inside = np.hypot(y[:, None], x) < 8
    gray = [
        draw_projection(scene, quiet_imaging(), y, x, np.random.default_rng(0))[0]
        for scene in (full, empty)
    ]
    assert gray[0][inside].mean() < gray[1][inside].mean() - 10


def test_both_headgroup_layers_are_darker_than_what_is_around():
    y = x = axis(60.0, 1.0)
    scene = Scene((Vesicle(circle(40.2)),))
    gray, mask = draw_projection(scene, quiet_imaging(), y, x, np.random.default_rng(0))
    distance = np.hypot(y[:, None], x)
    for head in (39.2, 35.2):
        layer = gray[(distance > head) & (distance < head + 1)].mean()
        assert layer < gray[distance < 30].mean() - 10
        assert layer < gray[distance > 45].mean() - 10
        assert layer < gray[(distance > 37) & (distance < 38)].mean() - 10
    np.testing.assert_array_equal(mask, distance <= 40.2)


def test_ice_is_dark_and_hides_the_particle():
    y = x = axis(60.0, 1.0)
    scene = Scene((Vesicle(circle(30.0)),), ice=(circle(15.0, center=(0.0, 30.0)),))
    gray, _ = draw_projection(scene, quiet_imaging(), y, x, np.random.default_rng(0))
    assert gray[60, 90] < gray[60, 30] - 60


def test_contrast_transfer_has_its_zeros_where_the_phase_turns():
    zeros = np.sqrt(np.arange(1, 4) / (WAVELENGTH * 2000.0))
    assert contrast_transfer(zeros, 2000.0, 0.0, 0.5) == pytest.approx(0, abs=1e-5)
    assert contrast_transfer(np.zeros(1), 2000.0, 0.2, 0.5) == pytest.approx(-0.2)
    between = (zeros[:-1] + zeros[1:]) / 2
    assert (contrast_transfer(between, 2000.0, 0.0, 0.0) * [1, -1] > 0).all()


@pytest.mark.parametrize("pixel", [0.5, 1.0])
def test_shot_noise_has_the_variance_of_counted_electrons(pixel):
    far = Scene((Vesicle(circle(20.0, center=(1000.0, 1000.0))),))
    gray, _ = draw_projection(
        far,
        quiet_imaging(noise=1.0),
        np.arange(256) * pixel,
        np.arange(256) * pixel,
        np.random.default_rng(0),
    )
    expected = 250.0 / np.sqrt(400.0 * pixel**2)
    # Five standard errors of a deviation from 65,536 values: 5 / sqrt(2 * 65536).
    assert gray.std() == pytest.approx(expected, rel=0.014)


def test_gradient_noise_equals_the_sum_over_four_corners():
    rng = np.random.default_rng(0)
    angles = rng.uniform(0, 2 * np.pi, size=(4, 5)).astype(np.float32)
    y, x = (np.linspace(0.1, end, 9, dtype=np.float32) for end in (2.9, 3.9))

    def at(py, px):
        total = 0.0
        for row in (int(py), int(py) + 1):
            for column in (int(px), int(px) + 1):
                dy, dx = py - row, px - column
                slope = np.sin(angles[row, column]), np.cos(angles[row, column])
                ty, tx = 1 - abs(dy), 1 - abs(dx)
                weight = ty**2 * (3 - 2 * ty) * tx**2 * (3 - 2 * tx)
                total += weight * (slope[0] * dy + slope[1] * dx)
        return total

    expected = [[at(float(py), float(px)) for px in x] for py in y]
    np.testing.assert_allclose(gradient_noise(y, x, angles), expected, atol=1e-6)


def test_gradient_noise_is_zero_on_its_lattice():
    angles = np.random.default_rng(0).uniform(size=(6, 6)).astype(np.float32)
    lattice = np.arange(5, dtype=np.float32)
    np.testing.assert_allclose(gradient_noise(lattice, lattice, angles), 0, atol=1e-7)


def test_perlin_noise_is_bounded_and_smooth():
    noise = perlin_noise((200, 150), 40, np.random.default_rng(0))
    assert noise.shape == (200, 150)
    assert 0.2 < np.abs(noise).max() <= np.sqrt(0.5)
    # A unit gradient and blending change by less than 3 in a cell of 40 pixels.
    assert np.abs(np.diff(noise, axis=0)).max() < 3 / 40
    finer = perlin_noise((200, 150), 40, np.random.default_rng(0), octaves=4)
    assert np.diff(finer, axis=0).std() > 1.5 * np.diff(noise, axis=0).std()


@settings(max_examples=60, deadline=None)
@given(
    radius=st.floats(15, 100),
    n_lamellae=st.integers(1, 6),
    seed=st.integers(0, 2**32 - 1),
)
def test_lamellae_lie_apart_and_inside(radius, n_lamellae, seed):
    vesicles = sample_vesicles(radius, n_lamellae, np.random.default_rng(seed))
    drawn = sum(len(vesicle.depths) for vesicle in vesicles)
    assert min(n_lamellae, 2) <= drawn <= n_lamellae
    depths = np.array(vesicles[0].depths)
    assert (np.diff(depths) >= 6.499).all()
    assert depths[-1] + 5 < radius
    for inner in vesicles[1:]:
        radii = vesicles[0].outline.radii
        furthest = np.hypot(*inner.outline.center) + inner.outline.reach
        # Its own bends may bring it up to the wall, not through it.
        assert furthest < radii.min() - depths[-1]


@pytest.mark.parametrize("problem", CLASSES)
def test_uncertain_scenes_are_obscured(problem):
    traits = CLASSES[problem]["uncertain"]
    for seed in range(40):
        scene = sample_scene(traits, 50.0, np.random.default_rng(seed))
        radius = scene.outline.radius
        overlapping = any(
            np.hypot(*other.outline.center) < 0.66 * (radius + other.outline.radius)
            for other in scene.neighbors
        )
        covered = any(np.hypot(*ice.center) < 0.61 * radius for ice in scene.ice)
        faint = scene.contrast < 0.9 and scene.blur > 0
        trace = problem == "encapsulation" and any(
            content.density < 0.6 * 1.4 for content in scene.contents
        )
        assert overlapping or covered or faint or trace


def test_columns(particles):
    assert list(particles.columns) == [
        "image",
        "mask",
        "pixel_size",
        "label",
        "micrograph",
        "radius_nm",
        "n_lamellae",
        "filled",
    ]
    assert particles["image"].dtype == "image"
    assert particles["image"].array.pixel_dtype == np.uint8
    assert particles["mask"].array.pixel_dtype == np.bool_
    assert particles["filled"].dtype == bool
    assert pd.api.types.is_integer_dtype(particles["n_lamellae"])


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
    rest = ["pixel_size", "label", "micrograph", "radius_nm", "n_lamellae", "filled"]
    pd.testing.assert_frame_equal(left[rest], right[rest])


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
    counts = _class_counts(sum(expected.values()), "thesis", CLASSES[problem])
    assert dict(zip(CLASSES[problem], counts, strict=True)) == expected


@given(
    n_samples=st.integers(3, 5000),
    weights=st.lists(st.integers(0, 100), min_size=3, max_size=3).filter(any),
)
def test_counts_are_the_nearest_whole_shares(n_samples, weights):
    counts = _class_counts(n_samples, weights, CLASSES["lamellarity"])
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
