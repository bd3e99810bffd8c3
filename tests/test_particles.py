import numpy as np
import pandas as pd
import pytest
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


def assert_images_equal(array, images):
    assert len(array) == len(images)
    for result, image in zip(array, images, strict=True):
        np.testing.assert_array_equal(result, image)


def as_object_array(images):
    array = np.empty(len(images), object)
    array[:] = images
    return array


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


@pytest.mark.parametrize("value", [0, -1.5, np.nan, np.inf, "one"])
def test_bad_pixel_size_names_row(table, value):
    sizes = pd.Series([1.0, value, 2.0], table.index, dtype=object)
    with pytest.raises(ValueError, match=r"row 1 .*pixel_size is .*positive"):
        check_particles(table.assign(pixel_size=sizes))


def test_color_image_says_how_to_convert(images):
    with pytest.raises(ValueError, match=r"row 1.*rgb2gray"):
        check_particles([images[0], np.zeros((4, 4, 3))])


def test_paths_are_sent_to_load_particles():
    with pytest.raises(TypeError, match="load_particles"):
        check_particles(pd.DataFrame({"image": ["images/0.png"]}))


def test_table_without_images_names_its_columns():
    with pytest.raises(ValueError, match=r"no column 'image'.*\['picture', 'label'\]"):
        check_particles(pd.DataFrame({"picture": [1], "label": ["a"]}))


@pytest.mark.parametrize("X", [7, "particles.csv", None])
def test_other_things_are_refused(X):
    with pytest.raises(TypeError, match="expected a particle table"):
        check_particles(X)
