"""What numbers the pixels of an ImageArray may be; see _numbers.py."""

import io
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from image_cases import assert_same

from sklipo import ImageArray, NormalizeBackground, ParticleFeatures, Resize
from sklipo.images._arrow import ImageType
from sklipo.images._storage import _restore
from sklipo.particles import check_particles

FOREIGN = ">i2 >u2 >i4 >u4 >i8 >u8 >f2 >f4 >f8".split()


def from_assignment(image):
    array = ImageArray([None, None])
    array[0] = image
    return array[:1]


def from_parquet(image):
    """Read a file that holds foreign bytes, as another program could write it."""
    pixels = pa.array([image.tobytes()], pa.large_binary())
    sizes = [pa.array([n], pa.int32()) for n in image.shape]
    type_ = ImageType(image.dtype)
    fields = list(type_.storage_type)
    storage = pa.StructArray.from_arrays([*sizes, pixels], fields=fields)
    file = io.BytesIO()
    column = pa.ExtensionArray.from_storage(type_, storage)
    pq.write_table(pa.table({"image": column}), file)
    return pd.read_parquet(file)["image"].array


DOORS = {
    "list": lambda image: ImageArray([image]),
    "stack": lambda image: ImageArray(image[None]),
    "copy": lambda image: ImageArray(image[None], copy=True),
    "strided stack": lambda image: ImageArray(
        np.repeat(image, 2, axis=1)[None, :, ::2]
    ),
    "read-only view": lambda image: ImageArray(
        [np.frombuffer(image.tobytes(), image.dtype).reshape(image.shape)]
    ),
    "from_buffer": lambda image: ImageArray.from_buffer(
        image.ravel(), [0], [image.shape[0]], [image.shape[1]], [image.shape[1]]
    ),
    "with_pixels": lambda image: ImageArray(np.zeros((1, *image.shape))).with_pixels(
        image.ravel()
    ),
    "sequence": lambda image: ImageArray._from_sequence([image], dtype="image"),
    "series": lambda image: pd.Series([image]).astype("image").array,
    "assignment": from_assignment,
    "concat": lambda image: pd.concat(
        [pd.Series(ImageArray([image])), pd.Series(ImageArray([image]))]
    ).array[1:],
    "parquet": from_parquet,
    "pickle": lambda image: _restore(
        ImageArray, image.ravel(), np.array([[0, *image.shape, image.shape[1]]], ">i8")
    ),
    "memmap": lambda image: ImageArray(image[None].view(np.memmap)),
}


@pytest.mark.parametrize("dtype", FOREIGN)
@pytest.mark.parametrize("door", DOORS)
def test_pixels_of_foreign_byte_order_become_native(door, dtype):
    image = np.arange(12).reshape(3, 4).astype(dtype)
    original = image.copy()
    array = DOORS[door](image)
    native = original.astype(image.dtype.newbyteorder("="))
    assert array.pixel_dtype == native.dtype
    assert array.pixel_dtype.isnative
    assert array.pixels.dtype.isnative
    assert array[0].dtype.isnative
    assert_same(array, [native])
    np.testing.assert_array_equal(image, original)
    assert image.dtype == dtype


def rows(dtype):
    return np.random.default_rng(0).integers(0, 200, (5, 49)).astype(dtype)


@pytest.mark.parametrize("dtype", FOREIGN)
@pytest.mark.parametrize(
    "convert",
    [np.asarray, pd.DataFrame, lambda X: X.reshape(5, 7, 7), list, np.asfortranarray],
)
@pytest.mark.parametrize("step", [Resize(4), NormalizeBackground()])
def test_rows_and_images_of_foreign_byte_order_are_read_right(step, convert, dtype):
    native = rows(dtype).astype(np.dtype(dtype).newbyteorder("="))
    given, same = convert(rows(dtype)), convert(native)
    if convert is list:
        given, same = (
            [X.reshape(1, -1) for X in given],
            [X.reshape(1, -1) for X in same],
        )
    result, expected = step.fit_transform(given), step.fit_transform(same)
    if isinstance(expected, pd.DataFrame):
        result, expected = list(result["image"]), list(expected["image"])
    np.testing.assert_array_equal(result, expected)


def test_measures_of_pixels_of_foreign_byte_order_are_right():
    features = ParticleFeatures("thesis").fit(rows("<u2"))
    np.testing.assert_array_equal(
        features.transform(rows(">u2")), features.transform(rows("<u2"))
    )


@pytest.mark.parametrize("dtype", ["u2", "f4", "f8"])
def test_pixels_between_the_places_of_their_type_are_moved(dtype):
    image = np.arange(12).reshape(3, 4).astype(dtype)
    pixels = np.frombuffer(b"0" + image.tobytes(), dtype, offset=1)
    assert not pixels.flags.aligned
    array = ImageArray.from_buffer(pixels, [0], [3], [4], [4])
    assert array[0].flags.aligned
    assert_same(array, [image])


@pytest.mark.parametrize("dtype", [object, complex, "M8[s]", "U3", "V2"])
def test_a_stack_without_images_has_pixels_of_a_type(dtype):
    with pytest.raises(TypeError, match="expected pixels that are integers, floats"):
        ImageArray(np.zeros((0, 3, 3), dtype))


def test_native_pixels_are_not_copied():
    pixels = np.arange(12.0)
    place = [0], [3], [4], [4]
    assert np.shares_memory(ImageArray.from_buffer(pixels, *place).pixels, pixels)
    assert np.shares_memory(ImageArray(pixels.reshape(1, 3, 4)).pixels, pixels)
    table = check_particles(pixels.reshape(1, 12))
    assert np.shares_memory(table["image"].array.pixels, pixels)


MASKED = np.ma.masked_less(np.arange(6.0).reshape(2, 3), 2)


@pytest.mark.parametrize(
    "make",
    [
        lambda image: ImageArray([image, image]),
        lambda image: ImageArray(np.ma.stack([image, image])),
        lambda image: ImageArray(pd.Series([image])),
        lambda image: ImageArray.from_buffer(image.ravel(), [0], [2], [3], [3]),
        lambda image: ImageArray(np.zeros((1, 2, 3))).with_pixels(image.ravel()),
        lambda image: check_particles([image]),
        lambda image: Resize(2).fit([image]),
        lambda image: Resize(2).fit(image),
        lambda image: Resize(2).fit(np.ma.zeros((2, 3))).transform(image),
        lambda image: check_particles(image),
        lambda image: check_particles(pd.DataFrame({"image": [image]})),
        from_assignment,
    ],
)
def test_masked_pixels_are_refused_and_arrays_without_such_are_not(make):
    original = MASKED.copy()
    with pytest.raises(ValueError, match=r"2 (pixels are masked|masked).*(fill|Fill)"):
        make(MASKED)
    np.testing.assert_array_equal(MASKED.mask, original.mask)
    make(np.ma.array(MASKED.data))
    make(np.ma.array(MASKED.data, mask=np.zeros((2, 3), bool)))


def test_a_masked_pixel_names_its_row():
    with pytest.raises(ValueError, match="row 1: 2 pixels are masked"):
        ImageArray([MASKED.data, MASKED])
    with pytest.raises(ValueError, match="row 1: 1 pixels are masked"):
        ImageArray(np.ma.masked_equal(np.arange(12.0).reshape(2, 2, 3), 7))


@pytest.mark.parametrize(
    "image",
    [
        [[1, 2], [3]],
        [["a", "b"]],
        [[2**70]],
        np.array([[1j]]),
        np.array([["2020-01-01"]], "M8[D]"),
        np.array([[1]], "m8[s]"),
        np.array([[b"a"]]),
        np.array([[None]]),
        np.array([[1.5]], object),
        np.zeros((1, 1), [("a", "u1")]),
        np.zeros((1, 1), "V1"),
        pd.DataFrame([["a"]]),
        (pixel for pixel in [1]),
        np.ma.masked,
        "ab",
        b"ab",
        7,
        True,
    ],
    ids=lambda image: f"{type(image).__name__} {getattr(image, 'dtype', '')}",
)
def test_pixels_that_are_no_numbers_are_a_type_error_of_that_row(image):
    with pytest.raises(TypeError, match="row 1: expected"):
        ImageArray([np.zeros((1, 1)), image])


WIDE = [
    (np.array([[2**53 + 1]]), np.array([[0.5]])),
    (np.array([[-(2**53) - 1]]), np.array([[0.5]], "f4")),
    (np.array([[2**53 + 1]], ">i8"), np.array([[0.5]], ">f8")),
    (np.array([[2**63 + 1]], np.uint64), np.array([[-1]])),
    (np.array([[2**62 + 1]]), np.array([[1]], np.uint64)),
]


def join(parts):
    return ImageArray._concat_same_type([ImageArray([part]) for part in parts])


def assign(parts):
    array = ImageArray([parts[1].astype(float)] * 2)
    array[0] = parts[0]


@pytest.mark.parametrize("parts", WIDE)
@pytest.mark.parametrize("make", [ImageArray, join, assign])
def test_no_integer_loses_digits_beside_other_pixels(make, parts):
    with pytest.raises(
        ValueError, match=r"pixels beyond 2\*\*53 lose digits as float64"
    ):
        make(parts)
    # Alone they are kept, and smaller ones fit into double precision.
    assert_same(
        ImageArray([parts[0]]), [parts[0].astype(parts[0].dtype.newbyteorder("="))]
    )
    make([np.minimum(parts[0], 7).clip(-7), parts[1]])


def test_pixels_convert_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        array = ImageArray([np.array([[2**53]]), np.array([[0.5]])])
    assert array[0][0, 0] == 2**53
