import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from particle_cases import as_object_array, assert_images_equal

from sklipo import ImageArray, check_particles


@pytest.fixture
def table():
    images = ImageArray(np.ones((3, 5, 5)))
    return pd.DataFrame({"image": images}, index=["x", "y", "z"])


@pytest.mark.parametrize(
    "value",
    [
        *(0, -1.5, np.nan, np.inf, None, pd.NA, 1e300, 1e-300, 5e-10, 10**400),
        *("one", "", "0.5 nm", "0,5", "nan", True, np.True_, 1j, 1 + 0j),
        *(pd.Timestamp(2020, 1, 1), pd.Timedelta(1), np.ones(1), (1, 1), [1]),
    ],
)
def test_bad_pixel_size_names_row(table, value):
    sizes = pd.Series(as_object_array([1.0, value, 2.0]), table.index)
    with pytest.raises(ValueError, match=r"row 1 .*pixel_size is .*positive"):
        check_particles(table.assign(pixel_size=sizes))


@pytest.mark.parametrize(
    "sizes",
    [
        *([True] * 3, pd.array([True] * 3, "boolean"), [1j] * 3),
        *(pd.date_range("2020", periods=3), pd.to_timedelta([1, 2, 3])),
        *(
            pd.Categorical(["a"] * 3),
            pd.interval_range(0, 3),
            ImageArray(np.ones((3, 2, 2))),
        ),
        *(pd.array([None, 1, 2], "Int64"), pd.array([None, 1, 2], "double[pyarrow]")),
    ],
    ids=lambda sizes: str(getattr(sizes, "dtype", sizes)),
)
def test_pixel_sizes_of_other_types_are_refused(table, sizes):
    with pytest.raises(ValueError, match=r"row 0 .*pixel_size is .*positive"):
        check_particles(table.assign(pixel_size=sizes))


@pytest.mark.parametrize(
    "sizes",
    [
        *(["0.5", " 1 ", "2e0"], ["0.5", 1, 2.0], [Decimal("0.5"), Fraction(1), 2]),
        *(pd.array([0.5, 1, 2], "Float64"), pd.array([0.5, 1, 2], "double[pyarrow]")),
        *(pd.array(["0.5", "1", "2"], "string"), pd.Categorical([0.5, 1, 2])),
        *(pd.arrays.SparseArray([0.5, 1, 2]), np.array([0.5, 1, 2], ">f2")),
    ],
    ids=lambda sizes: str(getattr(sizes, "dtype", sizes)),
)
def test_pixel_sizes_are_numbers_of_any_type(table, sizes):
    particles = check_particles(table.assign(pixel_size=sizes))
    assert particles["pixel_size"].dtype == float
    assert particles["pixel_size"].tolist() == [0.5, 1, 2]


def with_masks(*masks):
    images = ImageArray([np.ones(np.shape(mask)) for mask in masks])
    return pd.DataFrame({"image": images, "mask": pd.Series(as_object_array(masks))})


def disk(radius=6):
    y, x = np.indices((21, 21)) - 10
    return np.hypot(y, x) < radius


@pytest.mark.parametrize(
    "mask",
    [
        *(disk() * 255 // np.arange(1, 22), disk() * 0.5 + 0.1, disk() + 1),
        *(disk() * 1 + disk(3), disk() / 2 + disk(3) / 2),
    ],
)
@pytest.mark.parametrize("row", [0, 1])
def test_masks_of_more_numbers_name_the_row(mask, row):
    masks = [disk(), disk() * 255]
    masks[row] = mask
    with pytest.raises(ValueError, match=rf"^row {row}: the mask has .*mask [>=]"):
        check_particles(with_masks(*masks))


def test_the_number_inside_may_differ_between_masks():
    masks = [disk(), disk(5) * 255, disk(4) * 1, np.full((21, 21), 2), disk(3) * -1.0]
    particles = check_particles(with_masks(*masks))
    assert particles["mask"].array.pixel_dtype.kind == "b"
    expected = [np.asarray(mask, bool) for mask in masks]
    assert_images_equal(particles["mask"].array, expected)


def test_masks_that_look_turned_round_are_warned_of_once():
    table = with_masks(disk(), ~disk(), ~disk(4))
    with pytest.warns(
        UserWarning, match=r"row 1: .*turned round \(2 of 3 do\)"
    ) as caught:
        particles = check_particles(table)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert_images_equal(particles["mask"].array, list(table["mask"]))


def test_masks_of_rings_and_of_large_particles_are_not_warned_of():
    ring = disk(11) & ~disk(7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_particles(with_masks(ring, ring[:, :10], np.roll(disk(), 9), disk(99)))
