"""What ImageArray takes as places of images, and as keys; see _index.py."""

import pickle

import numpy as np
import pandas as pd
import pytest
from image_cases import assert_same, ragged

from sklipo.images import ImageArray

HUGE = 2**63 - 1
PLACE = {"starts": [0], "heights": [1], "widths": [2], "row_strides": [2]}


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        # Products and sums of these overflow int64: they would lie inside again.
        ({"heights": [2**62], "row_strides": [2**62]}, ValueError, "row 0: an image"),
        ({"heights": [2], "row_strides": [HUGE]}, ValueError, "row 0: an image"),
        ({"starts": [HUGE]}, ValueError, "row 0: an image"),
        ({"widths": [HUGE], "row_strides": [HUGE]}, ValueError, "row 0: an image"),
        ({"heights": [HUGE], "widths": [HUGE]}, ValueError, "row 0: an image"),
        ({"heights": [-HUGE - 1]}, ValueError, "row 0: an image"),
        ({"starts": [-5]}, ValueError, "row 0: an image .* from pixel -5"),
        ({"row_strides": [-2]}, ValueError, "row 0: an image .* row stride -2"),
        ({"row_strides": [0]}, ValueError, "row 0: an image .* row stride 0"),
        ({"starts": [2**70]}, ValueError, r"starts of less than 2\*\*63"),
        ({"starts": np.array([2**63], "u8")}, ValueError, "starts of less than"),
        ({"starts": [0.5]}, TypeError, r"whole numbers as starts, got \[0.5\]"),
        ({"heights": [np.nan]}, TypeError, "whole numbers as heights, got"),
        ({"heights": pd.array([pd.NA], "Int64")}, TypeError, "numbers as heights"),
        ({"widths": [True]}, TypeError, "whole numbers as widths"),
        ({"widths": ["2"]}, TypeError, "whole numbers as widths"),
        ({"widths": [None]}, TypeError, "whole numbers as widths"),
        ({"widths": [[1], [1, 2]]}, TypeError, "whole numbers as widths"),
        ({"widths": [1, 2]}, ValueError, "one start, height, .* per image, got"),
        ({"widths": 2}, ValueError, "one start, height, .* per image, got"),
        ({key: [[1]] for key in PLACE}, ValueError, "one start, height, .* per image"),
    ],
)
def test_from_buffer_refuses_places_that_are_none(changed, error, message):
    with pytest.raises(error, match=message):
        ImageArray.from_buffer(np.zeros(10), **{**PLACE, **changed})


@pytest.mark.parametrize(
    "convert",
    [list, np.array, pd.Series, lambda v: pd.array(v, "Int64"), np.uint8, ">i4"],
)
def test_from_buffer_takes_whole_numbers_of_any_kind(convert):
    def places(values):
        return np.array(values, convert) if convert == ">i4" else convert(values)

    buffer = np.arange(10.0)
    array = ImageArray.from_buffer(buffer, *map(places, ([2], [2], [3], [4])))
    assert_same(array, [np.array([[2, 3, 4], [6, 7, 8.0]])])
    # The stride of one row leads nowhere, and may lead beyond the buffer.
    one_row = ImageArray.from_buffer(buffer, [2], [1], [3], [2**62])
    assert_same(one_row, [np.array([[2, 3, 4.0]])])
    assert len(ImageArray.from_buffer(buffer, [], [], [], [])) == 0


@pytest.mark.parametrize("pixels", [[1.0, 2.0], None, b"ab", pd.Series([1.0, 2.0])])
def test_from_buffer_wants_a_numpy_array(pixels):
    with pytest.raises(TypeError, match="pixels as a NumPy array, got "):
        ImageArray.from_buffer(pixels, *PLACE.values())


@pytest.mark.parametrize(
    ("box", "error", "message"),
    [
        ((HUGE, 0, 2, 1), ValueError, "row 1: a crop"),
        ((0, HUGE, 1, 2), ValueError, "row 1: a crop"),
        ((1, 0, HUGE, 1), ValueError, "row 1: a crop"),
        ((-HUGE - 1, 0, 1, 1), ValueError, "row 1: a crop"),
        ((2**70, 0, 1, 1), ValueError, r"tops of less than 2\*\*63"),
        ((np.uint64(2**63), 0, 1, 1), ValueError, "tops of less than"),
        ((0, 0.5, 1, 1), TypeError, "whole numbers as lefts"),
        ((0, 0, None, 1), TypeError, "whole numbers as heights"),
        ((0, 0, 1, "1"), TypeError, "whole numbers as widths"),
        ((0, 0, 1, np.nan), TypeError, "whole numbers as widths"),
        (([0, 0, 0], 0, 1, 1), ValueError, "one number or 2 as tops"),
        ((0, 0, [[1, 1]], 1), ValueError, "one number or 2 as heights"),
    ],
)
def test_crops_that_are_none_say_so(box, error, message):
    array = ImageArray([None, np.zeros((2, 3))])
    with pytest.raises(error, match=message):
        array.crop(*box)


BAD_KEYS = [
    None,
    True,
    np.True_,
    1.5,
    "0",
    [0.5],
    [None],
    [[0, 1]],
    np.zeros((2, 2), int),
    np.zeros((3, 1), bool),
    pd.DataFrame([[0]]),
    {0},
    {0: 1},
    (0, 1),
    np.array(0.5),
    99,
    -99,
    2**70,
    [99],
    [True],
]


@pytest.mark.parametrize("key", BAD_KEYS, ids=repr)
def test_keys_that_are_none_are_index_errors(key):
    array = ImageArray(ragged())
    with pytest.raises(IndexError):
        array[key]
    with pytest.raises(IndexError):
        array[key] = np.ones((2, 2), np.uint8)
    assert_same(array, ragged())


def test_a_number_in_an_array_is_a_key():
    array = ImageArray(ragged())
    np.testing.assert_array_equal(array[np.array(1)], array[1])
    array[np.array(0)] = array[1]
    np.testing.assert_array_equal(array[0], array[1])


@pytest.mark.parametrize(
    ("key", "n_values"), [([0, 1, 3], 2), (slice(0, 3), 4), (1, 2), ([True] * 5, 3)]
)
def test_assignment_counts_the_values(key, n_values):
    array = ImageArray(ragged())
    with pytest.raises(ValueError, match=f"cannot set . images to {n_values} values"):
        array[key] = [np.ones((2, 2), np.uint8)] * n_values
    assert_same(array, ragged())


@pytest.mark.parametrize("allow_fill", [False, True])
@pytest.mark.parametrize(
    ("positions", "error"),
    [
        ([0.7], TypeError),
        ([np.nan], TypeError),
        ([True], TypeError),
        (["0"], TypeError),
        ([None], TypeError),
        ([[0, 1]], ValueError),
        ([2**70], ValueError),
        (np.array([2**63], "u8"), ValueError),
        ([99], IndexError),
    ],
)
def test_positions_to_take_are_whole_numbers(positions, error, allow_fill):
    with pytest.raises(error):
        ImageArray(ragged()).take(positions, allow_fill=allow_fill)


@pytest.mark.parametrize(
    ("periods", "error"), [(0.5, TypeError), ("1", TypeError), (2**70, ValueError)]
)
def test_images_move_by_whole_numbers(periods, error):
    with pytest.raises(error, match=r"as periods|periods of less"):
        ImageArray(ragged()).shift(periods)
    for far in (2**63 - 1, -(2**63), 5, -5):
        assert ImageArray(ragged()).shift(far).isna().all()


PIXELS = np.zeros(6, np.uint8)


@pytest.mark.parametrize(
    ("pixels", "index", "error"),
    [
        (PIXELS, [[0, 9, 9, 9]], ValueError),
        (PIXELS, [[0, 4, 2, 2**62]], ValueError),
        (PIXELS, [[-7, 1, 1, 1]], ValueError),
        (PIXELS, [[0, 1, 1]], ValueError),
        (PIXELS, [0, 1, 1, 1], ValueError),
        (PIXELS, [[0.0, 1, 1, 1]], ValueError),
        (PIXELS, None, ValueError),
        (PIXELS.reshape(2, 3), [[0, 1, 1, 1]], ValueError),
        (PIXELS.astype(object), [[0, 1, 1, 1]], TypeError),
        (PIXELS.astype("V1"), [[0, 1, 1, 1]], TypeError),
        (PIXELS.tobytes(), [[0, 1, 1, 1]], TypeError),
    ],
)
def test_damaged_pickles_read_no_memory_of_others(pixels, index, error):
    restore, (cls, *_) = ImageArray(ragged()).__reduce__()

    class Pickled:
        def __reduce__(self):
            return restore, (cls, pixels, None if index is None else np.array(index))

    with pytest.raises(error, match=r"row 0|expected"):
        pickle.loads(pickle.dumps(Pickled()))
