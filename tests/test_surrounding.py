"""The surrounding of a particle, and that all rooms mean the same by it."""

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
