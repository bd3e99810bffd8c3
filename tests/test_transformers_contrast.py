"""Pixels in contrasts of their particle, and pixels left as they are."""

import numpy as np
import pandas as pd
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from image_cases import make_particles
from numpy.testing import assert_allclose, assert_array_equal

from sklipo import ApplyMask, CropToMask, ImageArray, NormalizeBackground, Resize
from sklipo.measures import Particle


def normalize(image, mask=None, scale="contrast"):
    table = {"image": ImageArray([image])}
    if mask is not None:
        table["mask"] = ImageArray([mask])
    return NormalizeBackground(scale).transform(pd.DataFrame(table))["image"][0]


def by_hand(image, mask):
    """Return an image by background and contrast, written down from the definition."""
    rows, columns = np.nonzero(mask)
    margin = max(6, round(np.sqrt(mask.sum() / np.pi) / 4))
    outside = ~scipy.ndimage.binary_dilation(mask, np.ones((5, 5)))
    near = np.zeros(mask.shape, bool)
    near[
        max(rows.min() - margin, 0) : rows.max() + margin + 1,
        max(columns.min() - margin, 0) : columns.max() + margin + 1,
    ] = True
    surrounding = np.sort(image[near & outside].astype(float))
    differences = image.astype(float) - surrounding[len(surrounding) // 2]
    return differences / np.sqrt(np.mean(differences[mask] ** 2))


def disk(side=60, radius=12):
    y, x = np.indices((side, side)) - side // 2
    return y**2 + x**2 < radius**2


@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "i8", "f2", "f4", "f8", "g"])
def test_contrast_is_as_defined(dtype):
    for image, mask in make_particles(dtype=np.float32)[["image", "mask"]].to_numpy():
        image = (200 * image / image.max()).astype(dtype)
        found = normalize(image, mask)
        assert found.dtype == (np.float64 if dtype in ("f8", "g") else np.float32)
        assert_allclose(found, by_hand(image, mask), rtol=1e-5, atol=1e-5)
        inside = found[mask].astype(float)
        assert_allclose(np.sqrt(np.mean(inside**2)), 1, rtol=1e-5)


def test_pixels_and_measures_are_on_one_scale():
    particles = make_particles(dtype=np.float64)
    for scale in ("contrast", "noise", "none"):
        expected = NormalizeBackground(scale).fit_transform(particles)["image"]
        pairs = particles[["image", "mask"]].to_numpy()
        for (image, mask), normalized in zip(pairs, expected, strict=True):
            measured = Particle(image, mask).normalized(scale).intensities
            assert_allclose(measured.image, normalized, atol=1e-12)
            assert_array_equal(measured.pixels, measured.image[mask])


def test_unknown_scales_are_refused():
    with pytest.raises(ValueError, match="'scale' parameter of NormalizeBackground"):
        NormalizeBackground("raw").fit(make_particles())
    with pytest.raises(ValueError, match="'scale' parameter of NormalizeBackground"):
        NormalizeBackground("raw").transform(make_particles())
    with pytest.raises(ValueError, match="expected one of"):
        Particle(np.eye(3)).normalized("raw")


@settings(max_examples=25)
@given(scale=st.floats(0.1, 10), offset=st.floats(-100, 100))
def test_contrast_does_not_know_the_exposure(scale, offset):
    particles = make_particles(1, dtype=np.float64)
    image, mask = particles["image"].iloc[0], particles["mask"].iloc[0]
    assert_allclose(
        normalize(image * scale + offset, mask), normalize(image, mask), atol=1e-9
    )


def test_far_neighbors_change_no_contrast():
    mask = disk()
    image = np.random.default_rng(0).normal(size=mask.shape)
    crowded = image.copy()
    crowded[:8] += 1000
    assert_array_equal(normalize(crowded, mask)[8:], normalize(image, mask)[8:])


@pytest.mark.parametrize("dtype", ["u1", "i8", "f4", "f8"])
def test_no_contrast_is_no_unit(dtype):
    mask = disk()
    noise = np.random.default_rng(0).integers(-9, 10, mask.shape) + 100
    noise[~mask & ~scipy.ndimage.binary_dilation(mask, np.ones((5, 5)))] = 100
    image = np.where(mask, np.sort(noise[~mask])[(~mask).sum() // 2], noise)
    image = image.astype(dtype)
    background = Particle(image, mask).intensities.background
    image[mask] = background
    found = normalize(image, mask)
    assert_array_equal(found[mask], 0)
    expected = (image.astype(float) - background) / image.astype(float).std()
    assert_allclose(found, expected, rtol=1e-5)
    assert_array_equal(normalize(np.full_like(image, 77), mask), 0)


@pytest.mark.parametrize("excess", [0, 1e-16, 1e-12, 1e-8, 1e-4, 1])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_hardly_any_contrast_makes_no_huge_pixels(dtype, excess):
    mask = np.zeros((100, 100), bool)
    mask[50, 50] = True
    image = np.random.default_rng(0).normal(size=mask.shape).astype(dtype)
    background = Particle(image, mask).intensities.background
    image[mask] = background * (1 + excess)
    found = normalize(image, mask)
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 1e6


def test_flat_background_and_no_surrounding():
    mask = disk()
    image = np.where(mask, 9.0, 5.0)
    assert_array_equal(normalize(image, mask), mask)
    assert_array_equal(normalize(-image, mask), -mask.astype(float))
    whole = np.arange(36.0).reshape(6, 6)
    expected = (whole - whole.mean()) / whole.std()
    assert_allclose(normalize(whole, np.ones((6, 6), bool)), expected)
    assert_allclose(normalize(whole), expected)
    assert_array_equal(normalize(np.full((1, 1), 0.7, "f4")), 0)


@pytest.mark.parametrize(
    ("level", "step", "dtype"),
    [
        (1e9, 10, "i4"),
        (2**35, 10, "i8"),
        (2**35, 10, "u8"),
        (1e6, 8, "f4"),
        (1e200, 1e200, "f8"),
        (1e-200, 1e-200, "f8"),
        (0, 9e36, "f4"),
        (0, 9e299, "f8"),
        (0, 1e-38, "f4"),
        (0, 1e-300, "f8"),
    ],
)
def test_contrast_at_any_level(level, step, dtype):
    mask = disk()
    shape = np.random.default_rng(0).integers(-1, 2, mask.shape)
    image = np.array(level).astype(dtype) + (shape * step).astype(dtype)
    original = image.copy()
    assert_allclose(normalize(image, mask), by_hand(shape, mask), rtol=1e-5, atol=1e-6)
    assert_array_equal(image, original)


@pytest.mark.parametrize("scale", ["contrast", "noise", "none"])
def test_pixels_that_are_no_numbers_are_refused(scale):
    image = np.ones((5, 5))
    image[2, 2] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        normalize(image, scale=scale)


def test_bools_have_a_contrast():
    mask = disk()
    assert_array_equal(normalize(mask.copy(), mask), mask.astype("f4"))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_none_leaves_pixels_as_they_are(dtype):
    particles = make_particles(dtype=dtype)
    found = NormalizeBackground("none").fit_transform(particles)
    assert found["image"].array.pixels is particles["image"].array.pixels
    prepare = [CropToMask(), ApplyMask(), Resize(8)]
    expected, rows = particles, found
    for step in prepare:
        expected, rows = step.fit_transform(expected), step.fit_transform(rows)
    assert_array_equal(rows, expected)
