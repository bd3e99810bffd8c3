import operator
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_cases import assert_same, image_lists, ragged
from imblearn.over_sampling import RandomOverSampler
from joblib import Parallel, delayed
from sklearn.model_selection import train_test_split

from sklipo.images import ImageArray, ImageDtype


@given(image_lists(), st.data())
def test_parquet_keeps_every_bit(tmp_path_factory, images, data):
    path = tmp_path_factory.mktemp("parquet") / "images.parquet"
    table = pd.DataFrame({"image": ImageArray(images), "row": range(len(images))})
    group = data.draw(st.integers(1, 4))
    table.to_parquet(path, row_group_size=group)
    read = pd.read_parquet(path)
    assert read["image"].dtype == "image"
    assert read["image"].array.pixel_dtype == table["image"].array.pixel_dtype
    assert_same(read["image"].array, images)


@given(image_lists(missing=False))
def test_equality_is_that_of_numpy(images):
    array = ImageArray(images)
    nan_free = [not np.isnan(image).any() for image in images]
    np.testing.assert_array_equal(array == array.compact(), np.ones(len(images), bool))
    for other in images:
        expected = [np.array_equal(image, other) for image in images]
        # elsewhere NaN pixels are equal, which np.array_equal offers for floats alone
        np.testing.assert_array_equal(
            (array == other)[nan_free], np.array(expected, bool)[nan_free]
        )
        np.testing.assert_array_equal(other == array, array == other)
        np.testing.assert_array_equal(array != other, ~(array == other))


@given(image_lists(), st.data())
def test_repeats_are_found_as_equality_finds_them(images, data):
    if images:
        images = images + data.draw(st.lists(st.sampled_from(images), max_size=4))
    array = ImageArray(images)

    def occurs_before(row):
        earlier = range(row)
        if images[row] is None:
            return any(images[other] is None for other in earlier)
        return bool((array == images[row])[:row].any())

    repeated = [occurs_before(row) for row in range(len(images))]
    assert array.duplicated().tolist() == repeated
    codes, uniques = array.factorize(use_na_sentinel=False)
    assert_same(uniques.take(codes), images)
    assert len(uniques) == len(images) - sum(repeated)
    assert array.isin(array[:1]).tolist() == [
        len(images) > 0 and codes[row] == codes[0] for row in range(len(images))
    ]


def test_splits_and_oversampling_copy_no_pixels():
    array = ImageArray(ragged(20)).take([0, 1, 3, 4, 5, 6, 7, 8, 9, 10])
    table = pd.DataFrame({"image": array, "label": list("aaabbbbbbb")})
    train, test = train_test_split(table, random_state=0, stratify=table["label"])
    balanced, labels = RandomOverSampler(random_state=0).fit_resample(
        train, train["label"]
    )
    assert labels.value_counts().nunique() == 1
    for part in (train, test, balanced):
        assert part["image"].array.pixels is array.pixels


def buffer_of(array):
    """Return what a worker process sees of its buffer, and the sum of each image."""
    sums = [image.sum() for image in pd.DataFrame({"image": array})["image"]]
    changed = array.copy()
    changed[0] = changed[1]
    same = (changed[[0]] == array[[1]]).all()
    return type(array.pixels), getattr(array.pixels, "filename", None), sums, same


def test_joblib_workers_map_one_file():
    stack = np.random.default_rng(0).integers(0, 9, (40, 200, 200), dtype=np.uint8)
    array = ImageArray(stack)
    parts = [array[:30], array[10:]]  # parts of half the buffer are sent whole
    results = Parallel(n_jobs=2)(delayed(buffer_of)(part) for part in parts)
    assert {result[0] for result in results} == {np.memmap}
    assert len({result[1] for result in results}) == 1
    for part, (*_, sums, same) in zip(parts, results, strict=True):
        assert sums == [image.sum() for image in part]
        assert same


def test_assignment_changes_views_and_nothing_else():
    stack = np.arange(48).reshape(4, 3, 4)
    original = stack.copy()
    array = ImageArray(stack)
    view, part, copy, again = array.view(), array[1:], array.copy(), ImageArray(array)
    taken = array.take([0, 1])
    new = np.full((5, 2), -7)
    array[1] = new
    for changed in (array, view, again):
        assert_same(changed, [stack[0], new, stack[2], stack[3]])
    assert_same(part, [new, stack[2], stack[3]])
    assert_same(copy, list(original))
    assert_same(taken, list(original[:2]))
    part[0] = None
    assert_same(array, [stack[0], None, stack[2], stack[3]])
    np.testing.assert_array_equal(stack, original)


def test_assignment_of_several_images():
    array, images = ImageArray(ragged()), ragged()
    array[[0, 3]] = [images[4], None]
    array[np.array([False, True, True, False, False])] = images[0]
    assert_same(array, [images[4], images[0], images[0], None, images[4]])
    pixels = array.pixels
    array[1:] = array[:-1]
    assert_same(array, [images[4], images[4], images[0], images[0], None])
    assert array.pixels is pixels
    array[...] = None
    assert array.isna().all()


def test_assignment_in_a_series():
    series = pd.Series(ImageArray(ragged()))
    kept = series.copy()
    series.iloc[[0]] = [np.ones((7, 7), np.uint8)]
    series[1] = np.zeros((2, 2), np.uint8)
    assert series.array.shapes[:2].tolist() == [[7, 7], [2, 2]]
    assert_same(kept.array, ragged())


def test_assignment_refuses_pixels_that_do_not_fit():
    array = ImageArray(ragged())
    with pytest.raises(
        TypeError, match="cannot hold float64 pixels in an array of uint8"
    ):
        array[0] = np.full((2, 2), 0.5)
    with pytest.raises(TypeError, match="row 0: expected a 2-D array"):
        array[0] = [1, 2, 3]
    with pytest.raises(ValueError, match="row 0: expected a 2-D image"):
        array[0] = [np.zeros(3, np.uint8)]
    with pytest.raises(ValueError):
        array[:3] = array[:2]
    assert_same(array, ragged())
    missing = ImageArray([None, None])
    missing[0] = np.full((2, 2), 0.5)
    assert missing.pixel_dtype == np.float64


def test_dtype_works_by_name():
    images = [np.zeros((3, 2), np.uint8), None, np.ones((4, 4), np.uint8)]
    for column in (
        pd.Series(images, dtype="image"),
        pd.Series(pd.array(images, dtype="image")),
        pd.Series(images, dtype=object).astype("image"),
        pd.DataFrame({"image": images}).astype({"image": "image"})["image"],
    ):
        assert column.dtype == ImageDtype()
        assert str(column.dtype) == "image"
        assert_same(column.array, images)
    stack = np.zeros((3, 2, 2))
    column = pd.Series(stack, dtype="image", copy=False)
    assert np.shares_memory(column.array.pixels, stack)


def test_a_table_shows_sizes():
    array = ImageArray([np.zeros((171, 158), np.uint8), None])
    table = pd.DataFrame({"image": array})
    for text in (repr(array), repr(table["image"]), repr(table), table.to_html()):
        text = text.replace("&lt;", "<").replace("&gt;", ">")
        assert "<171x158 uint8>" in text
        assert "<NA>" in text


@pytest.mark.parametrize("missing", [None, np.nan, float("nan"), pd.NA, pd.NaT])
def test_missing_images(missing):
    array = ImageArray([missing, np.ones((2, 2))])
    assert array.isna().tolist() == [True, False]
    assert array[0] is pd.NA
    assert_same(
        pd.Series(array).fillna(pd.Series(array[::-1])).array, [np.ones((2, 2))] * 2
    )
    assert_same(array.fillna(np.zeros((1, 3))), [np.zeros((1, 3)), np.ones((2, 2))])


def test_a_measure_of_each_image_is_a_column_of_numbers():
    column = pd.Series(ImageArray(ragged()))
    assert column.dropna().map(np.mean).dtype == np.float64
    assert column.map(lambda image: np.nan).dtype == np.float64
    same = column.map(lambda image: image, na_action="ignore")
    # pandas 2 leaves the results of a function in a column of objects.
    assert same.dtype == ("image" if pd.__version__ >= "3" else object)


@pytest.mark.parametrize("op", [operator.lt, operator.le, operator.gt, operator.ge])
def test_images_have_no_order(op):
    array = ImageArray(ragged())
    with pytest.raises(TypeError, match="not supported between"):
        op(array, array)


@pytest.mark.parametrize("op", [operator.add, operator.mul, operator.truediv])
def test_columns_of_images_do_no_arithmetic(op):
    array = ImageArray(ragged())
    for other in (1, np.ones(5), array):
        with pytest.raises(TypeError):
            op(array, other)
    with pytest.raises(TypeError):
        np.sqrt(array)


def test_equality_with_other_things():
    array = ImageArray(ragged())
    assert (array == array).tolist() == [True, True, False, True, True]
    assert not (array == None).any()  # noqa: E711
    assert not (array == "image").any()
    assert (array == ragged()).tolist() == (array == array).tolist()
    assert not (array[:1] == ImageArray([np.zeros((9, 9))])).any()
    assert array.equals(array.compact())
    with pytest.raises(ValueError, match="expected 5 images to compare with, got 2"):
        array == array[:2]  # noqa: B015


def test_equal_floats_count_as_repeats_whatever_their_bits():
    zeros = np.zeros((2, 2))
    nan = np.full((2, 2), np.nan)
    assert ImageArray([zeros, -zeros, nan, -nan]).duplicated().tolist() == [
        False,
        True,
        False,
        True,
    ]


def test_value_counts():
    array = ImageArray(ragged())
    counts = pd.Series(array.take([0, 1, 1, 2, 2, 2])).value_counts(dropna=False)
    assert counts.tolist() == [3, 2, 1]
    assert_same(counts.index.array, [None, array[1], array[0]])


def test_parquet_in_another_process(tmp_path):
    path = tmp_path / "particles.parquet"
    table = pd.DataFrame({"image": ImageArray(ragged()), "label": list("ababa")})
    table.to_parquet(path)
    code = (
        "import sys, pandas as pd, sklipo;"
        "images = pd.read_parquet(sys.argv[1])['image'];"
        "print(images.dtype, [None if i is pd.NA else i.tolist() for i in images])"
    )
    command = [sys.executable, "-c", code, str(path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    expected = [None if image is None else image.tolist() for image in ragged()]
    assert output.strip() == f"image {expected}"


def test_parquet_reads_parts_of_a_table(tmp_path):
    path = tmp_path / "particles.parquet"
    table = pd.DataFrame(
        {
            "image": ImageArray(ragged(20)),
            "label": list("ab") * 10,
            "mask": ImageArray(ragged(20, bool)),
        }
    )
    table.to_parquet(path, row_group_size=3)
    images = pd.read_parquet(path, columns=["image"])
    pd.testing.assert_frame_equal(images, table[["image"]])
    some = pd.read_parquet(path, filters=[("label", "==", "b")])
    pd.testing.assert_frame_equal(some, table[1::2].reset_index(drop=True))
    none = pd.read_parquet(path, filters=[("label", "==", "c")])
    assert none["image"].dtype == "image"
    assert none["image"].array.pixel_dtype == np.uint8


def test_arrow_slices_and_chunks_become_the_same_images():
    array = ImageArray(ragged(8, np.float32))
    arrow = pa.array(array)
    assert_same(ImageDtype().__from_arrow__(arrow[3:6]), array[3:6].tolist())
    chunked = pa.chunked_array([arrow[:3], arrow[6:6], arrow[5:]])
    expected = [*array[:3], *array[5:]]
    assert_same(ImageDtype().__from_arrow__(chunked), expected)
    assert_same(pa.table({"image": chunked}).to_pandas()["image"].array, expected)
    empty = ImageDtype().__from_arrow__(pa.chunked_array([], type=arrow.type))
    assert len(empty) == 0
    assert empty.pixel_dtype == np.float32


def test_arrow_pixels_are_not_copied():
    arrow = pa.array(ImageArray(ragged()))
    first, second = (ImageDtype().__from_arrow__(arrow) for _ in range(2))
    assert np.shares_memory(first.pixels, second.pixels)


def test_a_file_whose_pixels_do_not_fit_is_refused(tmp_path):
    arrow = pa.array(ImageArray(ragged()))
    heights, *rest = arrow.storage.flatten()
    heights = pa.array([2, 99, 0, 5, 6], heights.type)
    storage = pa.StructArray.from_arrays(
        [heights, *rest], fields=list(arrow.storage.type)
    )
    path = tmp_path / "broken.parquet"
    broken = pa.ExtensionArray.from_storage(arrow.type, storage)
    pq.write_table(pa.table({"image": broken}), path)
    with pytest.raises(ValueError, match="row 1: expected 396 bytes of pixels"):
        pd.read_parquet(path)


def test_to_numpy_gives_an_object_array():
    for column in (ImageArray(ragged()), pd.Series(ImageArray(ragged()))):
        assert_same(column.to_numpy(), ragged())
        filled = column.to_numpy(na_value=None)
        assert [image is None for image in filled] == [i == 2 for i in range(5)]


def test_images_convert_to_no_numeric_dtype():
    with pytest.raises(TypeError, match="cannot convert images to dtype float32"):
        ImageArray(ragged()).astype(np.float32)
