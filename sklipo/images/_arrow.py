"""Images in Arrow tables, and so in Parquet files.

pandas imports pyarrow itself, so importing it here costs nothing.
"""

import numpy as np
import pyarrow as pa
from pandas.api.types import pandas_dtype

from ._numbers import check_pixels

_STORAGE = pa.struct(
    [("height", pa.int32()), ("width", pa.int32()), ("pixels", pa.large_binary())]
)


class ImageType(pa.ExtensionType):
    """The Arrow type of images: their shape, and their pixels as bytes in C order."""

    def __init__(self, pixel_dtype=np.uint8):
        self._pixel_dtype = np.dtype(pixel_dtype)
        super().__init__(_STORAGE, "sklipo.image")

    @property
    def pixel_dtype(self):
        """The NumPy dtype of the pixels."""
        return self._pixel_dtype

    def to_pandas_dtype(self):
        """Return the dtype of the column in a DataFrame."""
        return pandas_dtype("image")

    def __arrow_ext_serialize__(self):
        """Return what a file keeps of this type besides its name and storage."""
        return self._pixel_dtype.str.encode()

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type, serialized):
        """Return the type that was written to a file."""
        try:
            pixel_dtype = np.dtype(serialized.decode())
        except (TypeError, ValueError, SyntaxError) as error:
            raise ValueError(
                f"expected a type of pixels such as b'|u1' in an Arrow column of type "
                f"sklipo.image, found {serialized!r}"
            ) from error
        check_pixels(np.empty(0, pixel_dtype), "an Arrow column of type sklipo.image: ")
        if storage_type != _STORAGE:
            raise ValueError(
                f"expected an Arrow column of type sklipo.image to be stored as "
                f"{_STORAGE}, found {storage_type}"
            )
        return cls(pixel_dtype)


def to_arrow(pixels, heights, widths):
    """Return an Arrow array of images that fill a buffer in order, without a copy."""
    sizes = heights * widths
    offsets = np.concatenate([[0], np.cumsum(sizes)]) * pixels.itemsize
    values = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(),
        len(sizes),
        [None, pa.py_buffer(offsets), pa.py_buffer(pixels)],
    )
    storage = pa.StructArray.from_arrays(
        [pa.array(heights, pa.int32()), pa.array(widths, pa.int32()), values],
        fields=list(_STORAGE),
        mask=pa.array(sizes == 0),
    )
    return pa.ExtensionArray.from_storage(ImageType(pixels.dtype), storage)


def from_arrow(array):
    """Return what ``ImageArray.from_buffer`` takes, without a copy of the pixels."""
    dtype = array.type.pixel_dtype
    missing = array.is_null().to_numpy(zero_copy_only=False)
    heights, widths = (
        np.where(missing, 0, array.storage.field(name).fill_null(0)).astype(np.int64)
        for name in ("height", "width")
    )
    values = array.storage.field("pixels")
    _, offsets, data = values.buffers()
    if not len(values) or data is None:
        return np.empty(0, dtype), heights - 1, heights, widths, widths
    offsets = np.frombuffer(offsets, np.int64)[values.offset :][: len(values) + 1]
    _check_sizes(np.diff(offsets), heights * widths * dtype.itemsize, missing)
    if ((offsets - offsets[0]) % dtype.itemsize).any():
        raise ValueError("expected the pixels of each image to start at a whole pixel")
    pixels = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]].view(dtype)
    starts = np.where(missing, -1, (offsets[:-1] - offsets[0]) // dtype.itemsize)
    return pixels, starts, heights, widths, widths


def check_type(type):
    """Raise an error unless an Arrow type is that of images."""
    if not isinstance(type, ImageType):
        raise TypeError(
            f"expected an Arrow column of type sklipo.image, found {type}; the program "
            "that wrote it keeps no extension types. Write the table by "
            "sklipo.datasets.save_particles or DataFrame.to_parquet"
        )


def _check_sizes(found, expected, missing):
    """Raise an error that names the first image whose bytes do not fit its shape."""
    # A missing image may have bytes, of which nothing is read.
    wrong = np.flatnonzero(np.where(missing, found < 0, found != expected))
    if wrong.size:
        row = int(wrong[0])
        raise ValueError(
            f"row {row}: expected {expected[row]} bytes of pixels for the height and "
            f"width of the image, found {found[row]}"
        )


# Reading a file finds the type by its name, so it is registered with the import.
pa.register_extension_type(ImageType())
