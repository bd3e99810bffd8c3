"""Drawing of liposomes: projections against closed forms, noise, scenes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.signal import find_peaks

from sklipo.artificial._cutouts import as_pixels
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


@pytest.mark.parametrize("dtype", "i1 u1 i2 u2 i4 u4 i8 u8".split())
@pytest.mark.parametrize("values", ["f4", "f8"])
def test_values_beyond_integer_pixels_become_the_nearest(values, dtype):
    limits = np.iinfo(dtype)
    given = np.array([-1e30, 1e30, 0.6, 3.0], values)
    pixels = as_pixels(given, np.dtype(dtype))
    # The largest number of double precision that 64 bits hold is below their limit.
    assert pixels[0] == limits.min
    assert limits.max - int(pixels[1]) <= limits.max // 2**52
    assert pixels[2:].tolist() == [1, 3]
