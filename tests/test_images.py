import io
import pickle
import tempfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_cases import assert_same, image_lists, ragged

from sklipo.images import ImageArray


@given(image_lists())
def test_holds_what_it_is_given(images):
    array = ImageArray(images)
    assert_same(array, images)
    assert_same(array.tolist(), images)
    assert_same(list(np.asarray(array)), images)
    assert array.isna().tolist() == [image is None for image in images]
    expected = [(0, 0) if image is None else image.shape for image in images]
    np.testing.assert_array_equal(array.shapes, np.reshape(expected, (-1, 2)))


@given(image_lists(min_size=1), st.data())
def test_indexing_is_list_indexing(images, data):
    array = ImageArray(images)
    position = st.integers(-len(images), len(images) - 1)
    row = data.draw(position)
    assert_same([array[row]], [images[row]])
    rows = data.draw(st.lists(position, max_size=9))
    assert_same(array.take(rows), [images[row] for row in rows])
    assert_same(array[rows], [images[row] for row in rows])
    part = data.draw(st.slices(len(images)))
    assert_same(array[part], images[part])
    mask = np.array(
        data.draw(st.lists(st.booleans(), min_size=len(images)))[-len(images) :]
    )
    assert_same(
        array[mask], [image for image, m in zip(images, mask, strict=True) if m]
    )
    rows = data.draw(st.lists(st.integers(-1, len(images) - 1), max_size=9))
    filled = [None if row == -1 else images[row] for row in rows]
    assert_same(array.take(rows, allow_fill=True), filled)


@given(image_lists(min_size=1), st.data())
def test_crop_is_slicing(images, data):
    boxes, expected = [], []
    for image in images:
        height, width = (1, 1) if image is None else image.shape
        top = data.draw(st.integers(0, height - 1))
        left = data.draw(st.integers(0, width - 1))
        bottom = data.draw(st.integers(top + 1, height))
        right = data.draw(st.integers(left + 1, width))
        boxes.append((top, left, bottom - top, right - left))
        expected.append(None if image is None else image[top:bottom, left:right])
    cropped = ImageArray(images).crop(*np.transpose(boxes))
    assert_same(cropped, expected)
    assert_same(cropped.compact(), expected)
    assert_same(
        cropped.crop(0, 0, 1, 1), [i if i is None else i[:1, :1] for i in expected]
    )


@given(image_lists(), st.data())
def test_pickle_and_compact_keep_the_images(images, data):
    rows = data.draw(st.lists(st.integers(0, max(len(images) - 1, 0)), max_size=9))
    rows = rows if images else []
    array = ImageArray(images).take(rows)
    expected = [images[row] for row in rows]
    for same in (array.compact(), array.copy()):
        assert_same(same, expected)
        assert_same(pickle.loads(pickle.dumps(same)), expected)
        assert same.pixel_dtype == array.pixel_dtype


@given(st.lists(image_lists(), min_size=1, max_size=4))
def test_concat_is_list_addition_in_the_common_dtype(parts):
    arrays = [ImageArray(part) for part in parts]
    joined = ImageArray._concat_same_type(arrays)
    dtype = np.result_type(
        np.bool_, *(array.pixel_dtype for array in arrays if array.pixels.size)
    )
    expected = [
        image if image is None else image.astype(dtype)
        for part in parts
        for image in part
    ]
    assert_same(joined, expected)


def test_selecting_and_cropping_copy_no_pixels():
    array = ImageArray(ragged())
    joined = pd.concat([pd.Series(array), pd.Series(array[3:])]).array
    table = pd.DataFrame({"image": array}).sample(20, replace=True, random_state=0)
    for part in (
        array[1:3],
        array[[4, 0]],
        array[array.heights > 2],
        array.take([0] * 100),
        array.crop(1, 1, 1, 2),
        array.copy(),
        array.view(),
        joined,
        table["image"].array,
    ):
        assert part.pixels is array.pixels
    assert np.shares_memory(array[0], array.pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, bool])
def test_a_contiguous_stack_is_used_in_place(dtype):
    stack = np.arange(24).reshape(2, 3, 4).astype(dtype)
    array = ImageArray(stack)
    assert np.shares_memory(array.pixels, stack)
    assert stack.flags.writeable
    assert_same(array, list(stack))
    assert not np.shares_memory(ImageArray(stack, copy=True).pixels, stack)
    assert_same(ImageArray(stack[:, :, ::-1]), list(stack[:, :, ::-1]))


def from_parquet(images):
    """Return images as they come from a Parquet file, through memory."""
    file = io.BytesIO()
    pd.DataFrame({"image": ImageArray(images)}).to_parquet(file)
    return pd.read_parquet(file)["image"].array


def from_memmap(images):
    """Return images that lie in a file mapped into memory, as in a worker process."""
    array = ImageArray(images)
    with tempfile.TemporaryFile() as file:
        array.pixels.tofile(file)
        pixels = np.memmap(file, array.pixel_dtype, mode="r")
    index = (array.starts, array.heights, array.widths, array.row_strides)
    return ImageArray.from_buffer(pixels, *index)


@pytest.mark.parametrize(
    "make",
    [
        ImageArray,
        from_parquet,
        from_memmap,
        lambda images: pickle.loads(pickle.dumps(ImageArray(images))),
        lambda images: ImageArray(images).compact(),
        lambda images: ImageArray(np.stack([images[0]] * 3)),
        lambda images: ImageArray(images).crop(1, 0, 1, 3),
    ],
)
def test_images_taken_out_of_an_array_find_their_buffer_again(make):
    array = make(ragged())
    images = list(array)
    assert ImageArray(images).pixels is array.pixels
    assert_same(ImageArray(images), images)
    assert_same(pd.Series(array).astype(object).astype("image").array, images)
    for other in (
        ImageArray(images, copy=True),
        ImageArray([image if image is pd.NA else image.T for image in images]),
        ImageArray([*images, np.ones((2, 2), np.uint8)]),
    ):
        assert not np.shares_memory(other.pixels, array.pixels)
    assert_same(ImageArray([images[0].T, images[1]]), [images[0].T, images[1]])


def test_views_of_what_the_caller_may_change_are_copied():
    row = np.arange(12.0)
    image = row.reshape(3, 4)
    assert image.base is row
    assert not np.shares_memory(ImageArray([image]).pixels, row)


def test_from_buffer_copies_nothing_and_reads_strided_rows():
    micrograph = np.arange(60).reshape(6, 10)
    array = ImageArray.from_buffer(
        micrograph.ravel(), [12, -1, 0], [2, 0, 6], [3, 0, 10], [10, 0, 10]
    )
    assert np.shares_memory(array.pixels, micrograph)
    assert_same(array, [micrograph[1:3, 2:5], None, micrograph])


def test_with_pixels_keeps_the_places_and_nothing_else():
    array = ImageArray([np.arange(12).reshape(3, 4), None]).crop(1, 1, 2, 2)
    halves = array.with_pixels(array.pixels / 2)
    assert_same(halves, [np.array([[2.5, 3], [4.5, 5]]), None])
    assert array.pixel_dtype == np.int64
    with pytest.raises(ValueError, match="does not lie in a buffer of 9 pixels"):
        array.with_pixels(array.pixels[:9])


def test_images_are_read_only_views():
    pixels = np.zeros((2, 3, 4))
    for array in (ImageArray(pixels), ImageArray(list(pixels))):
        array = pickle.loads(pickle.dumps(array[:]))
        with pytest.raises(ValueError, match="read-only"):
            array[0][0, 0] = 1
        with pytest.raises(ValueError, match="read-only"):
            array.starts[0] = 1


def test_nbytes_counts_the_pixels_of_these_images():
    images = [np.zeros((3, 4), np.uint16), np.zeros((5, 6), np.uint16)]
    array = ImageArray(images)
    index = 4 * 8  # start, height, width and row stride as int64
    assert array.nbytes == sum(image.nbytes for image in images) + 2 * index
    assert array[1:].nbytes == images[1].nbytes + index
    assert array.crop(0, 0, 1, 1).nbytes == 2 * (2 + index)
    assert pd.DataFrame({"image": array}).memory_usage()["image"] == array.nbytes


def test_compact_holds_each_image_once_in_order():
    array = ImageArray(np.arange(600).reshape(100, 2, 3))
    compact = array.take([70, 3, 70, 5]).compact()
    assert_same(compact, [array[70], array[3], array[70], array[5]])
    np.testing.assert_array_equal(
        compact.pixels, np.concatenate([array[i].ravel() for i in (70, 3, 5)])
    )


def test_a_pickled_slice_leaves_the_other_pixels_behind():
    array = ImageArray(np.zeros((1000, 10, 10), np.uint8))
    assert len(pickle.dumps(array[:5])) < 1500
    assert len(pickle.dumps(array[[7] * 2000])) < 2000 * 32 + 1000


def test_concat_of_small_parts_of_large_buffers_is_small():
    parts = [ImageArray(np.full((100, 5, 5), i))[:1] for i in range(3)]
    assert ImageArray._concat_same_type(parts).pixels.size == 75


GOOD = np.zeros((2, 3), np.uint8)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (
            [GOOD, np.zeros((0, 3))],
            ValueError,
            r"row 1: the image of shape \(0, 3\) has",
        ),
        (
            [GOOD, np.zeros((3, 0))],
            ValueError,
            r"row 1: the image of shape \(3, 0\) has",
        ),
        (np.zeros((4, 0, 3)), ValueError, "row 0: the image of shape"),
        ([GOOD, np.zeros((5, 5, 3))], ValueError, r"row 1: .*rgb2gray\(image\)"),
        (np.zeros((2, 5, 5, 3)), ValueError, r"row 0: .*image\.mean\(axis=2\)"),
        ([GOOD, np.zeros(3)], ValueError, r"row 1: .*got shape \(3,\)"),
        (np.zeros((3, 3)), ValueError, r"row 0: .*\[image\]"),
        ([GOOD, np.zeros((2, 2), complex)], TypeError, "row 1: .*got dtype complex128"),
        ([GOOD, np.zeros((2, 2), object)], TypeError, "row 1: .*got dtype object"),
        (np.zeros((2, 2, 2), "M8[s]"), TypeError, "row 0: .*datetime64"),
        (
            [GOOD, "cell.png"],
            TypeError,
            "row 1: expected a 2-D array .*got str 'cell.png'",
        ),
        ([GOOD, 3], TypeError, "row 1: expected a 2-D array .*got int 3"),
        ([GOOD, {1: 2}], TypeError, "row 1: expected a 2-D array .*got dict"),
        (7, TypeError, "expected a sequence of 2-D images, got int"),
        ("cell.png", TypeError, "expected a sequence of 2-D images, got str"),
    ],
)
def test_bad_images_name_the_row(images, error, message):
    with pytest.raises(error, match=message):
        ImageArray(images)


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 3, 1),
        (0, 0, 1, 4),
        (-1, 0, 1, 1),
        (0, -1, 1, 1),
        (0, 0, 0, 1),
        (2, 0, 1, 1),
    ],
)
def test_crops_that_leave_the_image_name_the_row(box):
    array = ImageArray([None, np.zeros((9, 9)), np.zeros((2, 3))])
    boxes = np.array([(-5, -5, 0, 0), (0, 0, 1, 1), box])
    with pytest.raises(ValueError, match=r"row 2: a crop of .* which has 2x3 pixels"):
        array.crop(*boxes.T)
    with pytest.raises(ValueError):
        array.crop([0, 0], 0, 1, 1)
    with pytest.raises(TypeError):
        array.crop(0.5, 0, 1, 1)


@pytest.mark.parametrize(
    "index", [(0, 3, 4, 4), (1, 2, 5, 5), (0, 0, 2, 2), (0, 2, 3, 2), (10, 1, 1, 1)]
)
def test_from_buffer_refuses_images_outside_the_buffer(index):
    starts, heights, widths, strides = np.array([(0, 1, 1, 1), index]).T
    with pytest.raises(ValueError, match=r"row 1: an image of .* buffer of 10 pixels"):
        ImageArray.from_buffer(np.zeros(10), starts, heights, widths, strides)


def test_from_buffer_wants_a_flat_buffer_of_numbers():
    one = ([0], [1], [1], [1])
    with pytest.raises(ValueError, match="flat, contiguous"):
        ImageArray.from_buffer(np.zeros((2, 2)), *one)
    with pytest.raises(ValueError, match="flat, contiguous"):
        ImageArray.from_buffer(np.zeros(9)[::2], *one)
    with pytest.raises(TypeError, match="got dtype complex128"):
        ImageArray.from_buffer(np.zeros(9, complex), *one)


def test_pixels_of_any_byte_order_and_layout():
    big_endian = np.arange(6, dtype=">u2").reshape(2, 3)
    for array in (ImageArray([big_endian.T]), ImageArray(big_endian.T[None])):
        assert array.pixel_dtype == np.uint16
        assert array.pixel_dtype.isnative
        np.testing.assert_array_equal(array[0], big_endian.T)
