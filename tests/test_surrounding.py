"""The surrounding of a particle, and that all rooms mean the same by it."""

import cv2
import numpy as np
import pandas as pd
import pytest
import scipy.ndimage
from measure_cases import MASKS, NOISE, every_mask
from numpy.testing import assert_allclose, assert_array_equal

from sklipo import ImageArray, NormalizeBackground
from sklipo.artificial._cutouts import Cutout
from sklipo.measures import Particle
from sklipo.surrounding import find_surrounding, surrounding_level, surrounding_margin


@every_mask
def test_surrounding_lies_beyond_the_blur(name):
    near = scipy.ndimage.binary_dilation(MASKS[name], np.ones((5, 5)))
    assert_array_equal(find_surrounding(MASKS[name]), ~near)
    assert_array_equal(find_surrounding(MASKS[name].astype("uint8") * 255), ~near)


def test_surrounding_in_a_narrow_margin_is_all_that_lies_outside():
    mask = np.pad(np.ones((4, 5), bool), 2)
    assert_array_equal(find_surrounding(mask), ~mask)
    assert not find_surrounding(np.ones((4, 5), bool)).any()


@pytest.mark.parametrize("dtype", ["?", "u1", "i2", "u4", "i8", "f2", "f4", "f8"])
def test_level_is_mean_and_deviation(dtype):
    image, mask = (NOISE / 3).astype(dtype), MASKS["ellipse"]
    pixels = image[find_surrounding(mask)].astype(float)
    expected = pixels.mean(), pixels.std()
    assert_allclose(surrounding_level(image, mask), expected, rtol=1e-12)
    whole = image.astype(float).mean(), image.astype(float).std()
    assert_allclose(surrounding_level(image), whole, rtol=1e-12)
    assert surrounding_level(image, np.ones_like(mask)) == surrounding_level(image)


LEVELS = [0.7, 0.1, 1e6 + 0.1, -3.3, 1 / 3, 100, 1e200, 1e-200, 1e-310]
SIDES = [3, 7, 33, 500]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "i8", "f2", "f4", "f8", "g"])
def test_a_constant_has_no_deviation(level, side, dtype):
    limits = np.iinfo(dtype) if dtype[0] in "iu" else np.finfo(dtype)
    if not -float(limits.max) <= level <= float(limits.max):
        pytest.skip("no number of this type")
    image = np.full((side, side), level).astype(dtype)
    assert surrounding_level(image) == (float(image[0, 0]), 0.0)
    mask = np.zeros(image.shape, bool)
    mask[1, 1] = True
    bright = np.where(mask, image // 2, image).astype(dtype)
    assert surrounding_level(bright, mask) == (float(image[0, 0]), 0.0)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("level", "step", "dtype"),
    [
        (0.7, 1e-6, "f4"),
        (0.7, 1e-12, "f8"),
        (1e6 + 0.1, 1, "f4"),
        (1e6 + 0.1, 1e-6, "f8"),
        (1e200, 1e190, "f8"),
        (1e-200, 1e-210, "f8"),
        (1e-200, 1e-200, "f8"),
        (100, 1, "u1"),
        (65000, 1, "u2"),
        (2**52, 1, "i8"),
        (2**63, 1, "u8"),
        (-(2**63), 1, "i8"),
    ],
)
def test_small_deviations_on_any_level_remain(level, step, dtype, side):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 3, (side, side)).astype(dtype)
    image = np.array(level).astype(dtype) + noise * np.array(step).astype(dtype)
    mean, deviation = surrounding_level(image)
    # Up to 8 units in the last place of the level are lost when the image is made.
    lost = 8 * np.spacing(np.array(level).astype(dtype)) / abs(step)
    lost = float(lost) if np.dtype(dtype).kind == "f" else 0
    assert_allclose(deviation, noise.std() * abs(step), rtol=lost + 1e-9)
    assert_allclose(mean, level + noise.mean() * step, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    "resample",
    [
        lambda image: cv2.resize(image, (137, 141), interpolation=cv2.INTER_LINEAR),
        lambda image: scipy.ndimage.zoom(image, 1.37),
        lambda image: scipy.ndimage.gaussian_filter(image, 2.3),
        lambda image: scipy.ndimage.rotate(image, 33, mode="reflect"),
        lambda image: (image * 1.3 - image * 0.3) / 7,
    ],
)
def test_what_resampling_leaves_of_a_constant_is_no_deviation(resample, dtype):
    image = resample(np.full((100, 100), 0.7, dtype))
    assert surrounding_level(image)[1] == 0


def test_all_rooms_share_one_surrounding():
    mask = MASKS["disk"]
    level = surrounding_level(NOISE, mask)
    assert Cutout(NOISE, mask).level == level
    table = pd.DataFrame({"image": ImageArray([NOISE]), "mask": ImageArray([mask])})
    normalized = NormalizeBackground().fit_transform(table)["image"][0]
    # Single precision, of values of order 1 and differences of up to 255.
    assert_allclose(normalized, (NOISE - level[0]) / level[1], atol=1e-6)
    geometry = Particle(NOISE, mask).geometry
    near, outside = geometry.surrounding
    assert_array_equal(outside, find_surrounding(mask)[near])
    rows, columns = np.nonzero(mask)
    margin = surrounding_margin(mask.sum())
    assert near == tuple(
        slice(i.min() - margin, i.max() + 1 + margin) for i in (rows, columns)
    )
