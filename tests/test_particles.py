import re
from collections import deque
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from particle_cases import as_object_array, assert_images_equal
from scipy import sparse
from sklearn import config_context

from sklipo import ImageArray, check_particles
from sklipo.particles._checking import flat_image_shape, holds_images


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    shapes = [(5, 7), (4, 4), (6, 3)]
    return [rng.integers(0, 255, shape, dtype=np.uint8) for shape in shapes]


@pytest.fixture
def table(images):
    masks = [image > 100 for image in images]
    return pd.DataFrame(
        {
            "image": ImageArray(images),
            "mask": ImageArray(masks),
            "pixel_size": [1.0, 2.0, 0.5],
            "label": ["a", "b", "a"],
        },
        index=["x", "y", "z"],
    )


@pytest.mark.parametrize(
    "convert",
    [list, tuple, ImageArray, as_object_array, lambda i: pd.Series(ImageArray(i))],
    ids=["list", "tuple", "ImageArray", "object array", "Series"],
)
def test_images_in_any_container(images, convert):
    X = convert(images)
    assert holds_images(X)
    particles = check_particles(X)
    assert list(particles.columns) == ["image"]
    assert_images_equal(particles["image"].array, images)


def test_stack_is_not_copied():
    stack = np.arange(24.0).reshape(2, 3, 4)
    particles = check_particles(stack)
    assert_images_equal(particles["image"].array, stack)
    assert np.shares_memory(particles["image"].array.pixels, stack)


@pytest.mark.parametrize("wrap", [np.asarray, pd.DataFrame], ids=["array", "DataFrame"])
def test_rows_of_numbers_are_flattened_images(wrap):
    X = np.arange(18.0).reshape(2, 9)
    assert not holds_images(wrap(X))
    particles = check_particles(wrap(X))
    assert_images_equal(particles["image"].array, X.reshape(2, 3, 3))


@pytest.mark.parametrize(
    ("n_features", "shape"), [(1, (1, 1)), (784, (28, 28)), (785, (1, 785))]
)
def test_flat_image_shape(n_features, shape):
    assert flat_image_shape(n_features) == shape


def test_table_keeps_index_and_leaves_other_columns_out(table):
    before = table.copy()
    particles = check_particles(table)
    assert list(particles.columns) == ["image", "mask", "pixel_size"]
    assert list(particles.index) == ["x", "y", "z"]
    assert particles["image"].array.pixels is table["image"].array.pixels
    pd.testing.assert_frame_equal(table, before)


def test_numeric_masks_become_bool(table):
    masks = [mask * np.uint8(255) for mask in table["mask"]]
    particles = check_particles(table.assign(mask=ImageArray(masks)))
    assert particles["mask"].array.pixel_dtype.kind == "b"
    assert_images_equal(particles["mask"].array, list(table["mask"]))


def test_image_column_of_objects(table, images):
    particles = check_particles(pd.DataFrame({"image": as_object_array(images)}))
    assert_images_equal(particles["image"].array, images)


def replace(table, column, row, value):
    values = list(table[column])
    values[row] = value
    return table.assign(**{column: ImageArray(values)})


def test_missing_image_names_row(table):
    with pytest.raises(ValueError, match=r"row 1 \(index 'y'\): the image is missing"):
        check_particles(replace(table, "image", 1, None))


def test_missing_mask_names_row(table):
    with pytest.raises(ValueError, match=r"row 2 .*: the mask is missing"):
        check_particles(replace(table, "mask", 2, None))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_non_finite_pixels_name_row(table, value):
    image = np.ones((4, 4))
    image[2, 1] = value
    with pytest.raises(ValueError, match=r"row 1 .*NaN or infinite"):
        check_particles(replace(table, "image", 1, image))


def test_nan_in_rows_that_are_not_used_is_no_error():
    stack = np.ones((3, 4, 4))
    stack[2] = np.nan
    assert len(check_particles(ImageArray(stack)[:2])) == 2


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n_unused", [0, 2**21])
def test_one_bad_pixel_is_seen_wherever_it_lies(dtype, value, n_unused):
    pixels = np.full(20 * 36 + n_unused, np.finfo(dtype).max, dtype)  # sum overflows
    starts, ones = np.arange(20) * 36, np.ones(20, int)
    place = starts + 7, 4 * ones, 4 * ones, 6 * ones
    check_particles(ImageArray.from_buffer(pixels, *place))
    for row, y, x in [(0, 1, 1), (7, 4, 1), (19, 4, 4)]:
        bad = pixels.copy()
        bad[36 * row + 6 * y + x] = value
        images = ImageArray.from_buffer(bad, *place)
        with pytest.raises(ValueError, match=f"row {row}: .*NaN or infinite"):
            check_particles(images)
        with config_context(assume_finite=True):
            check_particles(images)


@pytest.mark.parametrize("n_used", [1, 10, 19])
@pytest.mark.parametrize("width", [4, 100_000])
def test_pixels_of_no_image_are_no_error(n_used, width):
    stack = np.ones((20, 4, width))
    stack[n_used:] = np.nan
    stack[:, 0] = np.inf
    images = ImageArray(stack).crop(1, 0, 3, 4)[:n_used]
    assert len(check_particles(images)) == n_used


def test_mask_of_other_shape_names_row_and_shapes(table):
    with pytest.raises(ValueError, match=r"row 1 .*\(4, 5\).*\(4, 4\)"):
        check_particles(replace(table, "mask", 1, np.ones((4, 5), bool)))


def test_empty_mask_names_row(table):
    with pytest.raises(ValueError, match=r"row 0 .*the mask is empty"):
        check_particles(replace(table, "mask", 0, np.zeros((5, 7), bool)))


def test_mask_need_not_cover_its_middle(table):
    corner = np.zeros((5, 7), bool)
    corner[4, 6] = True
    particles = check_particles(replace(table, "mask", 0, corner))
    np.testing.assert_array_equal(particles["mask"].iloc[0], corner)


def test_color_image_says_how_to_convert(images):
    with pytest.raises(ValueError, match=r"row 1.*rgb2gray"):
        check_particles([images[0], np.zeros((4, 4, 3))])


def test_paths_are_sent_to_load_particles():
    with pytest.raises(TypeError, match="load_particles"):
        check_particles(pd.DataFrame({"image": ["images/0.png"]}))


def test_table_without_images_names_its_columns():
    with pytest.raises(ValueError, match=r"no column 'image'.*\['area', 'label'\]"):
        check_particles(pd.DataFrame({"area": [1], "label": ["a"]}))


@pytest.mark.parametrize(
    "X",
    [
        *(np.ones(3), np.float64(3), np.array(None), np.ones((1, 1, 1, 1, 1))),
        *(np.array([[np.eye(2)]] * 2 + [[None]], object)[:2], np.zeros(3, "f8,f8")),
        *(pd.Series([1, 2]), pd.Index([1, 2]), [[1, 2], [3]], [1, 2], np.array(["a"])),
    ],
    ids=str,
)
def test_arrays_of_other_shapes_are_refused(X):
    with pytest.raises((TypeError, ValueError), match=r"expected|no array of"):
        check_particles(X)


@pytest.mark.parametrize("X", [7, "particles.csv", None, {1}, np.ndarray])
def test_other_things_are_refused(X):
    with pytest.raises(TypeError, match="expected a particle table"):
        check_particles(X)


@pytest.mark.parametrize(
    ("convert", "advice"),
    [
        (iter, "list(X)"),
        (deque, "list(X)"),
        (lambda images: (image for image in images), "list(X)"),
        (lambda images: {"image": images}, "pandas.DataFrame(X)"),
        (lambda images: pa.table({"image": [1, 2, 3]}), "X.to_pandas()"),
        (lambda images: sparse.csr_array(images[0]), "X.toarray()"),
    ],
)
def test_what_is_nearly_particles_says_how_to_convert(images, convert, advice):
    with pytest.raises(TypeError, match=re.escape(f"Pass {advice}.")):
        check_particles(convert(images))


class Array:
    """An array of another library."""

    def __init__(self, pixels):
        self.pixels = pixels

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.pixels, dtype)


@pytest.mark.parametrize("shape", [(2, 3, 3), (2, 9)])
@pytest.mark.parametrize("wrap", [Array, memoryview, np.ma.asarray, np.ndarray.tolist])
def test_arrays_of_other_libraries_and_lists_are_arrays(shape, wrap):
    X = np.arange(18.0).reshape(shape)
    particles = check_particles(wrap(X))
    assert_images_equal(particles["image"].array, X.reshape(2, 3, 3))
    assert holds_images(wrap(X)) == (len(shape) == 3)


@pytest.mark.parametrize(
    "dtype", ["Int64", "Float64", "double[pyarrow]", "Sparse[int]"]
)
def test_numbers_of_pandas_types_are_rows_of_numbers(dtype):
    table = pd.DataFrame(np.arange(18).reshape(2, 9)).astype(dtype)
    assert not holds_images(table)
    assert_images_equal(
        check_particles(table)["image"].array, np.arange(18).reshape(2, 3, 3)
    )


EMPTY = [
    *([], (), np.empty((0, 4, 4)), np.empty(0, object), ImageArray([])),
    *(pd.Series([], dtype="image"), pd.DataFrame({"image": []})),
    pd.DataFrame({"image": ImageArray([]), "mask": ImageArray([]), "pixel_size": []}),
]


@pytest.mark.parametrize("X", EMPTY, ids=lambda X: type(X).__name__)
def test_no_particles_are_refused(X):
    with pytest.raises(ValueError, match="X has no particles"):
        check_particles(X)


@pytest.mark.parametrize("empty", [None, np.nan, pd.NA])
@pytest.mark.parametrize("wrap", [list, as_object_array, pd.Series])
def test_missing_images_are_told_wherever_they_stand(images, empty, wrap):
    for X in ([empty, *images], [images[0], empty], [empty, empty]):
        row = next(i for i, image in enumerate(X) if image is empty)
        with pytest.raises(ValueError, match=f"row {row}: the image is missing"):
            check_particles(wrap(X))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a.png", " the text 'a.png'.*load_particles"),
        (Path("a.png"), " the text 'a.png'.*load_particles"),
        (1.5, " 1.5; expected a 2-D array"),
        (np.int8(1), " 1;"),
        (True, " True;"),
        (b"bytes", " b'bytes'"),
        (sparse.csr_array(np.eye(3)), r"sparse csr_array.*toarray\(\)"),
        ({"size": 3}, "dict"),
        (np.ones(3), r"\(3,\)"),
        (np.ones((3, 3, 3)), r"\(3, 3, 3\).*gray"),
        (np.ones((3, 3), complex), "complex128"),
        (np.ones((3, 3), str), "<U1"),
        (np.ones((0, 3)), "no pixels"),
    ],
    ids=str,
)
@pytest.mark.parametrize("column", ["image", "mask"])
@pytest.mark.parametrize("row", [0, 2])
def test_what_is_no_image_names_column_and_row(table, column, row, value, message):
    values = list(table[column])
    values[row] = value
    values = as_object_array(values)
    given = table.assign(**{column: pd.Series(values, table.index)})
    place = f"(row {row} .*: the {column} is|The {column} of row {row}:).*"
    with pytest.raises((TypeError, ValueError), match=place + message):
        check_particles(given)


def test_long_lists_of_columns_are_cut_short():
    table = pd.DataFrame(np.ones((1, 1000))).assign(label="a")
    with pytest.raises(
        ValueError, match=r"'label' has the dtype.*and 991 more"
    ) as error:
        check_particles(table)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("table", [pd.DataFrame(), pd.DataFrame(index=range(3))])
def test_a_table_without_columns_says_so(table):
    with pytest.raises(ValueError, match="The table has no columns"):
        check_particles(table)


@pytest.mark.parametrize("name", ["Image", "images", "IMG", "raw"])
def test_an_image_column_of_another_name_is_found(table, name):
    with pytest.raises(ValueError, match=rf"rename\(columns={{'{name}': 'image'}}\)"):
        check_particles(table.rename(columns={"image": name}))


@pytest.mark.parametrize("column", ["image", "mask", "pixel_size", "label"])
def test_columns_of_one_name_are_refused(table, column):
    with pytest.raises(ValueError, match=f"several columns of the name '{column}'"):
        check_particles(pd.concat([table, table[[column]]], axis=1))


@pytest.mark.parametrize("shape", [(2, 4, 4, 1), (2, 4, 4, 3), (2, 1, 4, 4)])
def test_images_with_channels_say_how_to_drop_them(shape):
    with pytest.raises(ValueError, match=r"X.mean\(axis=-1\).*X\[..., 0\]"):
        check_particles(np.ones(shape))


@pytest.mark.parametrize("n_channels", [3, 4])
def test_one_color_image_is_warned_of(n_channels):
    with pytest.warns(UserWarning, match="one color image") as caught:
        check_particles(np.ones((40, 50, n_channels)))
    assert caught[0].filename == __file__
    check_particles([np.ones((50, n_channels))] * 40)
    check_particles(np.ones((40, n_channels, n_channels)))


def test_hidden_pixels_are_refused():
    stack = np.ma.masked_equal(np.arange(18.0).reshape(2, 3, 3), 4)
    for X in (stack, stack.reshape(2, 9)):
        with pytest.raises(ValueError, match=r"1 pixels are masked.*X.filled"):
            check_particles(X)


@pytest.mark.parametrize("axis", ["index", "columns"])
@pytest.mark.parametrize(
    "labels",
    [
        [0, 0, 1],
        [np.nan, None, "a"],
        pd.date_range("2020", periods=3),
        [(1, 2), (1, 2), 3],
    ],
    ids=str,
)
def test_any_labels_of_rows_will_do(table, labels, axis):
    table = table.set_axis(labels)
    if axis == "columns":
        table[7] = table[None] = table[("a", 1)] = 0
    particles = check_particles(table)
    assert particles.index.equals(table.index)
    with pytest.raises(ValueError, match=r"row 1 \(index .*the mask is empty"):
        check_particles(replace(table, "mask", 1, np.zeros((4, 4), bool)))


def test_names_are_read_without_their_spaces(table):
    given = table.rename(columns={"image": "image ", "mask": " mask"})
    pd.testing.assert_frame_equal(check_particles(given), check_particles(table))


def test_a_mask_of_another_name_is_warned_of(table):
    with pytest.warns(UserWarning, match=r"rename\(columns={'Mask': 'mask'}\)"):
        particles = check_particles(table.rename(columns={"mask": "Mask"}))
    assert "mask" not in particles


def test_a_table_of_many_columns_is_checked_quickly(table):
    numbers = pd.DataFrame(np.ones((3, 10_000)), table.index)
    particles = check_particles(pd.concat([table, numbers], axis=1))
    assert list(particles) == ["image", "mask", "pixel_size"]
    assert check_particles(numbers)["image"][0].shape == (100, 100)
