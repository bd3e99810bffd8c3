import warnings

import numpy as np
import pandas as pd
import pytest

from sklipo import ImageArray
from sklipo.particles._columns import near_names, tidy_columns


@pytest.fixture
def table():
    images = ImageArray(np.ones((2, 5, 5)))
    return pd.DataFrame({"image": images, "mask": images, "pixel_size": [1.0, 2.0]})


@pytest.mark.parametrize("space", [" ", "\t", "\xa0", "\ufeff", "  \n"])
@pytest.mark.parametrize("column", ["image", "mask", "pixel_size"])
@pytest.mark.parametrize("where", ["{1}{0}", "{0}{1}", "{1}{0}{1}"])
def test_spaces_are_stripped_off_names_that_are_read(table, space, column, where):
    given = table.rename(columns={column: where.format(column, space)})
    names = list(given.columns)
    assert list(tidy_columns(given).columns) == list(table.columns)
    assert list(given.columns) == names


def test_a_tidy_table_is_returned_as_it_is(table):
    table = table.assign(**{" label ": 1}).rename(columns={" label ": " label "})
    table[7] = 1
    assert tidy_columns(table) is table


@pytest.mark.parametrize(
    ("column", "name"),
    [
        *(("mask", name) for name in ["Mask", "masks", "MASKS ", "'mask'", "mask_"]),
        *(
            ("pixel_size", name)
            for name in [
                *(
                    "Pixel Size",
                    "PixelSize",
                    "pixelsize",
                    "pixel_size_nm",
                    "pixel-size",
                ),
                *("Pixel Size (nm)", "pixel_sizes", "Pixel size [A]", "px_size"),
                *("rlnImagePixelSize", "nm_per_pixel", "nm/px", "apix", "pixelSize um"),
            ]
        ),
    ],
)
def test_names_that_are_nearly_ours_are_warned_of(table, column, name):
    given = table.rename(columns={column: name})
    rename = rf"rename\(columns={{{name!r}: '{column}'}}\)"
    rename = rename.replace("[", r"\[").replace("(nm)", r"\(nm\)")
    with pytest.warns(UserWarning, match=rename) as caught:
        tidy_columns(given)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    # Nothing is said where the column itself is there, or where there are no images.
    tidy_columns(given.assign(**{column: table[column]}))
    tidy_columns(given.drop(columns="image"))


def test_other_names_are_nobodys_business(table):
    names = [
        "mask_area",
        "n_masks",
        "image_id",
        "micrograph",
        "size",
        "pixels",
        "label",
    ]
    names += ["Image", "images", "size", "mask.1", "unmasked", "pixel_size_ratio"]
    given = table[["image"]].assign(**dict.fromkeys(names, "text"), masks=3, Mask=True)
    given[0] = given[None] = given[("mask",)] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tidy_columns(given)


@pytest.mark.parametrize(
    "names", [["image", "image"], ["image", " image"], ["mask", "mask "], ["x", "x"]]
)
def test_names_that_occur_twice_are_refused(table, names):
    given = table.iloc[:, :2].set_axis(names, axis=1)
    with pytest.raises(ValueError, match=f"several columns of the name '{names[0]}'"):
        tidy_columns(given)


def test_columns_of_several_levels_are_refused(table):
    given = pd.concat({"a": table}, axis=1)
    with pytest.raises(ValueError, match="2 levels, expected one"):
        tidy_columns(given)


def test_near_names_of_a_column_that_is_not_there(table):
    given = table.rename(columns={"image": "Images"})
    assert near_names(given, "image") == ["Images"]
    assert near_names(table, "image") == []
