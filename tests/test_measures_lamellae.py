"""The count, thickness and spacing of bilayers, on shells whose truth is known."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from sklipo.datasets import make_liposomes
from sklipo.measures import Particle, lamellae

N_NOISE = 12


def measure(image, mask, pixel_size=1.0):
    return lamellae(Particle(image, mask, pixel_size))


def draw_shells(n, thickness=5.0, spacing=11.0, pixel=1.0, kind="slab", **kwargs):
    """Draw spherical shells in closed form, or rings; return image and mask."""
    radius, noise, seed, aspect = (
        kwargs.get(name, default)
        for name, default in [("radius", 50), ("noise", 6), ("seed", 1), ("aspect", 1)]
    )
    rng = np.random.default_rng(seed)
    half = int((radius * np.sqrt(aspect) + 14) / pixel)
    # A pixel is the mean of 16 points.
    y, x = (np.mgrid[-4 * half : 4 * half, -4 * half : 4 * half] + 0.5) * (pixel / 4)
    r = np.hypot(y * np.sqrt(aspect), x / np.sqrt(aspect))
    image = np.zeros(r.shape)
    for face in radius - spacing * np.arange(n):
        if kind == "ring":
            width = (r - face + thickness / 2) / thickness
            image += 15 * np.exp(-4 * np.log(2) * width**2)
        elif kind == "slab":
            image += chord(r, face) - chord(r, face - thickness)
        else:
            heads = [0, 1, thickness - 1, thickness]
            for depth, step in zip(heads, [1, -1.25, 1.25, -1], strict=True):
                image += step * chord(r, face - depth)
    image = gaussian_filter(image, 4 * 0.6 / pixel)
    image, r = (
        part.reshape(2 * half, 4, 2 * half, 4).mean(axis=(1, 3)) for part in (image, r)
    )
    return image + rng.normal(0, noise / pixel, r.shape), r < radius


def chord(r, radius):
    """Return the length of a ball along the beam."""
    return 2 * np.sqrt(np.maximum(radius**2 - r**2, 0))


@pytest.mark.parametrize("pixel_size", [0.5, 1.0])
def test_number_and_thickness_of_artificial_liposomes(pixel_size):
    particles = make_liposomes(
        110,
        weights={"unilamellar": 1, "multilamellar": 2},
        margin=20,
        pixel_size=pixel_size,
        random_state=7,
    )
    particles = particles[particles["n_lamellae"] <= 4]
    found = [
        measure(*row)
        for row in zip(
            particles["image"], particles["mask"], particles["pixel_size"], strict=True
        )
    ]
    right = [
        one["n_lamellae"] == truth
        for one, truth in zip(found, particles["n_lamellae"], strict=True)
    ]
    assert np.mean(right) >= 0.9
    thickness = np.array([one["bilayer_thickness"] for one in found])
    assert np.mean(np.abs(thickness / 5 - 1) <= 0.2) >= 0.95
    spacing = np.array([one["lamellar_spacing"] for one in found])
    nested = np.array(right) & (particles["lamellar_spacing"] > 0)
    assert np.allclose(spacing[nested], particles["lamellar_spacing"][nested], atol=1)


@pytest.mark.parametrize("kind", ["slab", "heads", "ring"])
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("thickness", [4.0, 6.0])
def test_shells_in_closed_form(kind, n, thickness):
    image, mask = draw_shells(n, thickness, spacing=12, kind=kind)
    found = measure(image, mask)
    assert found["n_lamellae"] == n
    assert found["bilayer_thickness"] == pytest.approx(thickness, rel=0.2)
    assert found["lamellar_spacing"] == pytest.approx(12 * (n > 1), abs=0.6)
    assert found["n_inner_vesicles"] == 0


@pytest.mark.parametrize("blur", [0, 0.7, 1.5])
def test_nothing_but_noise_has_none(blur):
    y, x = np.mgrid[-60:61, -60:61]
    for seed in range(N_NOISE):
        rng = np.random.default_rng(seed)
        image = gaussian_filter(rng.normal(130, 20, y.shape), blur)
        mask = np.hypot(y, x * rng.uniform(0.8, 1.2)) < rng.uniform(12, 45)
        for pixel_size in (0.4, 1.0, 2.0):
            found = measure(image, mask, pixel_size)
            assert set(found.values()) == {0.0}


def disk(radius=40):
    y, x = np.mgrid[-60:61, -60:61]
    return np.hypot(y, x) < radius


@pytest.mark.parametrize("noise", [0, 1])
def test_solid_and_uniform_particles_have_none(noise):
    grain = np.random.default_rng(0).normal(0, noise, disk().shape)
    solid = gaussian_filter(np.where(disk(), 9.0, 2.0), 0.7) + grain
    for image in (solid, -solid, disk() * 0 + 4 + grain):
        assert set(measure(image, disk()).values()) == {0.0}


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4", "f8", ">u2"])
def test_gain_offset_and_sign_do_not_matter(dtype):
    image, mask = draw_shells(2, kind="heads")
    expected = measure(image, mask)
    levels = np.rint(100 + image * (100 / np.abs(image).max()))
    for one in (levels, 200 - levels, levels + 5, levels // 2):
        found = measure(one.astype(dtype), mask)
        assert found["n_lamellae"] == 2
        for name in ("bilayer_thickness", "lamellar_spacing"):
            assert found[name] == pytest.approx(expected[name], rel=0.1)


@pytest.mark.parametrize("factor", [1e-30, 1e30, -1e30])
def test_the_range_of_values_does_not_matter(factor):
    image, mask = draw_shells(2, kind="heads")
    assert measure(image * factor, mask) == pytest.approx(measure(image, mask))


@pytest.mark.parametrize("n_turns", [1, 2, 3])
@pytest.mark.parametrize("mirror", [False, True])
def test_turned_and_mirrored_particles_count_the_same(n_turns, mirror):
    image, mask = draw_shells(3, kind="heads", aspect=1.15)
    turned = [np.rot90(part, n_turns)[:: -1 if mirror else 1] for part in (image, mask)]
    found, expected = measure(*turned), measure(image, mask)
    assert found["n_lamellae"] == expected["n_lamellae"] == 3
    assert found == pytest.approx(expected, rel=0.05, abs=0.3)


@pytest.mark.parametrize("pixel", [0.25, 0.5, 1, 1.5, 2])
def test_pixels_of_another_size_see_the_same(pixel):
    image, mask = draw_shells(2, pixel=pixel, kind="heads")
    found = measure(image, mask, pixel)
    assert found["n_lamellae"] == 2
    assert found["bilayer_thickness"] == pytest.approx(5, rel=0.2)
    assert found["lamellar_spacing"] == pytest.approx(11, abs=0.6)


@pytest.mark.parametrize("grown", [-2, -1, 1, 2])
def test_masks_may_be_imprecise(grown):
    image, mask = draw_shells(3, kind="heads", aspect=1.2)
    kernel = cv2.getStructuringElement(
        cv2.MORPH_ELLIPSE, (2 * abs(grown) + 1, 2 * abs(grown) + 1)
    )
    change = cv2.dilate if grown > 0 else cv2.erode
    assert measure(image, change(mask.view(np.uint8), kernel))["n_lamellae"] == 3


@pytest.mark.parametrize("by", [(1, 0), (0, 2), (3, 0), (-2, -2)])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_masks_may_lie_beside(n, by):
    image, mask = draw_shells(n, kind="heads")
    assert measure(image, np.roll(mask, by, axis=(0, 1)))["n_lamellae"] == n


def test_a_vesicle_off_the_center_counts():
    image, mask = draw_shells(1, kind="heads", radius=60)
    inner, _ = draw_shells(1, kind="heads", radius=25, noise=0)
    top, left = 40, 60
    image[top : top + len(inner), left : left + len(inner)] += inner
    found = measure(image, mask)
    assert (found["n_lamellae"], found["n_inner_vesicles"]) == (2, 1)
    assert found["lamellar_spacing"] == 0


@pytest.mark.parametrize("pixel_size", [1e-6, 0.05, 3.5, 1e6])
def test_what_cannot_be_resolved_has_none(pixel_size):
    image, mask = draw_shells(2)
    assert set(measure(image, mask, pixel_size).values()) == {0.0}


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 3), (17, 200)])
def test_any_mask_can_be_measured(shape):
    rng = np.random.default_rng(0)
    image = rng.normal(size=shape)
    for mask in (None, np.ones(shape, bool), rng.random(shape) < 0.9):
        if mask is None or mask.any():
            assert all(np.isfinite(v) for v in measure(image, mask).values())


def test_several_pieces_and_holes_are_no_obstacle():
    image, mask = draw_shells(1, radius=30)
    pieces = np.hstack([mask, mask])
    pieces[40:44, 40:44] = False
    found = measure(np.hstack([image, image]), pieces)
    assert all(np.isfinite(value) for value in found.values())


def test_particles_are_not_changed():
    image, mask = draw_shells(2)
    before = image.copy(), mask.copy()
    image.flags.writeable = mask.flags.writeable = False
    measure(image, mask)
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(mask, before[1])


def test_relative_particles_measure_the_same():
    image, mask = draw_shells(2)
    particle = Particle(100 + image, mask, 1.0)
    assert lamellae(particle.normalized()) == lamellae(particle)
