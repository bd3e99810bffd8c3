"""The same particle in any table, type and layout has one identity."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context

from sklipo import ImageArray
from sklipo.datasets import load_particles, save_particles
from sklipo.labeling._identity import as_text, identify

IMAGE = np.arange(12).reshape(3, 4)
MASK = IMAGE > 5


def pixels_of(image, mask=None):
    """Return the hash of one particle."""
    columns = {"image": [image]} if mask is None else {"image": [image], "mask": [mask]}
    return identify(pd.DataFrame(columns))["pixels"][0]


def test_a_hash_is_of_sixteen_digits_after_letters():
    # It stands in the files of users: another formula would orphan their labels.
    assert pixels_of(IMAGE) == "px-8abd93998e2c7128"
    assert pixels_of(IMAGE, MASK) == "px-caf3c055a5b18b65"
    assert pixels_of(IMAGE / 8) == "px-986efe688cb5700b"
    assert re.fullmatch("px-[0-9a-f]{16}", pixels_of(IMAGE))


@pytest.mark.parametrize(
    "dtype", ["u1", "i1", "<u2", ">u2", "i4", ">i8", "u8", "f2", "f4", ">f8", "g"]
)
def test_types_and_byte_orders_do_not_matter(dtype):
    assert pixels_of(IMAGE.astype(dtype)) == pixels_of(IMAGE)


@pytest.mark.parametrize("values", [IMAGE * 999, IMAGE - 5, IMAGE * 65535, IMAGE / 4])
def test_types_do_not_matter_beyond_a_byte(values):
    as_floats = pixels_of(values.astype("f4"))
    assert as_floats == pixels_of(values) == pixels_of(values.astype(">f8"))


def test_layout_does_not_matter():
    wide = np.zeros((5, 9))
    wide[1:4, 2:6] = IMAGE
    for image in (wide[1:4, 2:6], np.asfortranarray(IMAGE), IMAGE[::-1][::-1]):
        assert pixels_of(image, MASK) == pixels_of(IMAGE, MASK)
    cropped = ImageArray([wide]).crop(1, 2, 3, 4)
    assert identify(pd.DataFrame({"image": cropped}))["pixels"][0] == pixels_of(IMAGE)


def test_what_masks_are_made_of_does_not_matter():
    for mask in (MASK, MASK * 255, MASK * 0.5, MASK.astype(np.uint8), MASK * 7):
        assert pixels_of(IMAGE, mask) == pixels_of(IMAGE, MASK)


def test_what_differs_has_another_hash():
    other = IMAGE.copy()
    other[2, 3] += 1
    other_mask = MASK.copy()
    other_mask[0, 0] = True
    found = [
        pixels_of(IMAGE),
        pixels_of(IMAGE.reshape(4, 3)),
        pixels_of(IMAGE[:, :3]),
        pixels_of(other),
        pixels_of(IMAGE + 0.5),
        pixels_of(IMAGE, MASK),
        pixels_of(IMAGE, other_mask),
        pixels_of(IMAGE, np.ones_like(MASK)),
        pixels_of(IMAGE.astype(float) * -1),
        pixels_of(IMAGE + 2**20),
    ]
    assert len(set(found)) == len(found)


def test_zeros_of_either_sign_and_all_missing_pixels_are_alike():
    image = np.array([[0.5, 0.0, np.nan]])
    twin = np.array([[0.5, -0.0, -np.nan]])
    with config_context(assume_finite=True):
        assert pixels_of(image) == pixels_of(twin)
        assert pixels_of(image) != pixels_of(np.array([[0.5, np.nan, 0.0]]))
    with pytest.raises(ValueError, match="NaN"):
        identify([image])


def test_input_stays_as_it_is():
    image = np.array([[-0.0, 0.5]])
    identify([image])
    assert np.signbit(image[0, 0])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"), (7.0, "7"), (np.int8(7), "7"), (np.float32(7), "7"), ("007", "007"),
        (7.5, "7.5"), (10**30, str(10**30)), ("a b", "a b"), (None, ""), (np.nan, ""),
        (pd.NA, ""), (np.inf, "inf"),
    ],
)  # fmt: skip
def test_names_and_numbers_are_text(value, text):
    assert as_text(value) == text


def test_places_stand_where_the_table_has_them():
    table = pd.DataFrame(
        {
            "instance": [3.0, np.nan],
            "image": [IMAGE, IMAGE + 1],
            "micrograph": pd.Categorical(["a", "b"]),
        },
        index=[5, 5],
    )
    found = identify(table)
    assert found.columns.tolist() == ["pixels", "micrograph", "instance"]
    assert found.index.tolist() == [0, 1]
    assert found["micrograph"].tolist() == ["a", "b"]
    assert found["instance"].tolist() == ["3", ""]
    assert identify(table[["image"]]).columns.tolist() == ["pixels"]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8", "i4", "?"])
def test_saved_tables_keep_identities(tmp_path, suffix, dtype):
    images = [(IMAGE * 3).astype(dtype), np.ones((5, 2), dtype)]
    table = pd.DataFrame(
        {
            "image": ImageArray(images),
            "mask": ImageArray([MASK, np.ones((5, 2), bool)]),
            "micrograph": ["17", "b,c"],
            "instance": ["007", "x"],
        }
    )
    save_particles(table, tmp_path / f"particles{suffix}")
    loaded = load_particles(tmp_path / f"particles{suffix}")
    pd.testing.assert_frame_equal(identify(loaded), identify(table))
