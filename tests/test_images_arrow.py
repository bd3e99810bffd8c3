"""Arrow columns that are damaged, or that another program wrote."""

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from image_cases import assert_same

from sklipo.images import ImageDtype
from sklipo.images._arrow import ImageType

IMAGE = np.arange(6, dtype=np.uint16).reshape(2, 3)
BYTES = IMAGE.tobytes()


def arrow(
    heights=(2, 0, 2), widths=(3, 0, 3), pixels=(BYTES, b"", BYTES), missing=(1,)
):
    """Return an image, a missing one and an image, unless it is changed."""
    type_ = ImageType(np.uint16)
    storage = pa.StructArray.from_arrays(
        [
            pa.array(heights, pa.int32()),
            pa.array(widths, pa.int32()),
            pa.array(pixels, pa.large_binary()),
        ],
        fields=list(type_.storage_type),
        mask=pa.array([row in missing for row in range(3)]),
    )
    return pa.ExtensionArray.from_storage(type_, storage)


def read(array):
    return ImageDtype().__from_arrow__(array)


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({"heights": (-2, 0, 2), "widths": (-3, 0, 3)}, 0),
        ({"heights": (2, 0, 3)}, 2),
        ({"heights": (2**31 - 1, 0, 2), "widths": (2**31 - 1, 0, 3)}, 0),
        ({"heights": (None, 0, 2)}, 0),
        ({"widths": (3, 0, None)}, 2),
        ({"pixels": (None, b"", BYTES)}, 0),
        ({"pixels": (BYTES, b"", BYTES[:-1])}, 2),
        ({"missing": ()}, 1),
    ],
)
def test_sizes_that_do_not_fit_name_the_row(changes, row):
    with pytest.raises(ValueError, match=f"row {row}: "):
        read(arrow(**changes))


def test_bytes_below_a_missing_image_are_skipped():
    assert_same(read(arrow(pixels=(BYTES, BYTES, BYTES))), [IMAGE, None, IMAGE])
    with pytest.raises(ValueError, match="to start at a whole pixel"):
        read(arrow(pixels=(BYTES, b"abc", BYTES)))


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1]),
        pa.nulls(2),
        arrow().storage,
        pa.chunked_array([arrow().storage]),
        pa.array([BYTES], pa.large_binary()),
    ],
    ids=lambda array: str(array.type)[:9],
)
def test_a_column_of_another_type_is_named(array):
    with pytest.raises(TypeError, match=r"type sklipo\.image, found"):
        read(array)


def test_columns_without_images_are_read():
    type_ = ImageType(np.float32)
    assert read(pa.nulls(3, type_)).isna().all()
    for empty in (pa.array([], type_), pa.chunked_array([], type_)):
        assert read(empty).pixel_dtype == np.float32


def read_file(metadata, storage=None):
    """Read a Parquet file whose column names this type of pixels and storage."""
    values = arrow().storage
    values = values if storage is None else values.cast(storage)
    names = {"name": "sklipo.image", "metadata": metadata}
    names = {f"ARROW:extension:{name}": value for name, value in names.items()}
    schema = pa.schema([pa.field("image", values.type, metadata=names)])
    file = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([values], schema=schema), file)
    return pd.read_parquet(file)["image"].array


@pytest.mark.parametrize(
    "metadata",
    ["O", "<U5", "<c16", "M8[s]", "i4,i4", "nonsense", "", b"\xff", "[('a')]"],
)
def test_a_file_with_pixels_of_no_type_is_refused(metadata):
    with pytest.raises((TypeError, ValueError), match=r"expected .*(found|got)"):
        read_file(metadata)


def test_a_file_with_another_storage_is_refused():
    assert_same(read_file("<u2"), [IMAGE, None, IMAGE])
    other = pa.struct(
        [("height", pa.int64()), ("width", pa.int32()), ("pixels", pa.large_binary())]
    )
    with pytest.raises(ValueError, match=r"to be stored as struct.*found"):
        read_file("<u2", other)
