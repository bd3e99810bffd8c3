import bz2
import gzip
import lzma
import struct
import warnings

import numpy as np
import pytest

from sklipo.datasets import read_micrograph

PIXELS = np.arange(-24, 24, dtype=np.int8).reshape(6, 8)
IMOD = 1146047817


def mrc(pixels, order="<", mode=0, cell=None, intervals=None, extended=b"", **fields):
    """An MRC file by the table of the format."""
    stack = pixels.reshape(-1, *pixels.shape[-2:])
    shape = stack.shape[::-1]
    intervals = shape if intervals is None else intervals
    cell = [2.0 * n for n in shape] if cell is None else cell
    header = bytearray(1024)
    struct.pack_into(f"{order}4i", header, 0, *shape, mode)
    struct.pack_into(f"{order}3i3f", header, 28, *intervals, *cell)
    struct.pack_into(f"{order}3i", header, 64, *fields.get("axes", (1, 2, 3)))
    struct.pack_into(f"{order}2f", header, 76, *fields.get("range", (0, -1)))
    struct.pack_into(f"{order}i", header, 92, len(extended))
    header[104:108] = fields.get("kind", bytes(4))
    struct.pack_into(f"{order}2i", header, 152, *fields.get("imod", (0, 0)))
    if fields.get("stamp", True):
        header[208:216] = b"MAP " + (b"DD\0\0" if order == "<" else b"\x11\x11\0\0")
    swapped = stack.astype(stack.dtype.newbyteorder(order))
    return bytes(header) + extended + swapped.tobytes()


def read(tmp_path, data, name="a.mrc", **parameters):
    (tmp_path / name).write_bytes(data)
    return read_micrograph(tmp_path / name, **parameters)


@pytest.mark.parametrize("stamp", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "mode, dtype",
    [(0, "i1"), (1, "i2"), (2, "f4"), (6, "u2"), (12, "f2")],
)
def test_each_mode_and_byte_order(tmp_path, mode, dtype, order, stamp):
    pixels = PIXELS.astype(dtype)
    found = read(tmp_path, mrc(pixels, order, mode, stamp=stamp))
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.pixels.dtype == dtype
    assert found.pixel_size == pytest.approx(0.2)


@pytest.mark.parametrize(
    "fields, is_signed",
    [
        ({}, True),
        ({"range": (0, 0)}, True),
        ({"range": (-100, 100)}, True),
        ({"range": (0, 100)}, True),
        ({"range": (0, 200)}, False),
        ({"range": (-3, 200)}, False),
        ({"range": (np.nan, np.nan)}, True),
        ({"imod": (IMOD, 1), "range": (0, 200)}, True),
        ({"imod": (IMOD, 0), "range": (-100, 100)}, False),
        ({"imod": (IMOD, 4)}, False),
        ({"imod": (0, 1), "range": (0, 200)}, False),
    ],
)
def test_bytes_are_signed_unless_the_header_objects(tmp_path, fields, is_signed):
    pixels = np.array([[-100, 100], [3, 4]], np.int8)
    found = read(tmp_path, mrc(pixels, **fields)).pixels
    np.testing.assert_array_equal(found, pixels if is_signed else pixels.view("u1"))


def test_two_pixels_in_a_byte(tmp_path):
    rows = np.array([[0x21, 0x03], [0xF4, 0x05]], np.uint8)
    data = bytearray(mrc(rows, mode=101))
    data[:4] = struct.pack("<i", 3)
    np.testing.assert_array_equal(read(tmp_path, data).pixels, [[1, 2, 3], [4, 15, 5]])


@pytest.mark.parametrize("pack, suffix", [(gzip.compress, "gz"), (bz2.compress, "bz2")])
def test_compressed_files(tmp_path, pack, suffix):
    data = pack(mrc(np.stack([PIXELS, PIXELS[::-1]])))
    found = read(tmp_path, data, f"a.MRC.{suffix}", frame=1)
    np.testing.assert_array_equal(found.pixels, PIXELS[::-1])
    for size in (1, 20, len(data) - 20):
        with pytest.raises(ValueError, match=f"a.mrc.{suffix}.*(truncated|empty file)"):
            read(tmp_path, data[:size], f"a.mrc.{suffix}", frame=1)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize(
    "name", ["a.st", "a.rec", "a_bin4.preali", "a", "a.mrc", "a.map.gz", "a.raw.bz2"]
)
def test_names_do_not_hide_what_a_file_is(tmp_path, name, pack):
    found = read(tmp_path, pack(mrc(PIXELS)), name)
    np.testing.assert_array_equal(found.pixels, PIXELS)
    assert found.pixel_size == pytest.approx(0.2)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("mode", [-1, 3, 7, 16])
def test_an_unknown_mode_is_named_as_it_is_written(tmp_path, mode, order):
    message = rf"its size is \[8, 6, 1\], .* its mode is {mode}, expected one of \[0, 1"
    with pytest.raises(ValueError, match=message):
        read(tmp_path, mrc(PIXELS, order, mode))


@pytest.mark.parametrize(
    "header",
    [
        {"intervals": (0, 0, 0)},
        {"cell": (0, 0, 0)},
        {"cell": (-16, -12, 1)},
        {"cell": (np.nan, np.nan, 1)},
        {"cell": (np.inf, np.inf, 1)},
        {"cell": (1e30, 1e30, 1)},
    ],
)
def test_a_size_that_cannot_be_true_is_left_unknown(tmp_path, header):
    with pytest.warns(UserWarning, match=r"a.mrc.* left unknown: the file states"):
        assert read(tmp_path, mrc(PIXELS, **header)).pixel_size is None


@pytest.mark.parametrize("kind", [b"FEI1", b"FEI2"])
def test_the_size_in_an_extended_header(tmp_path, kind):
    record = bytearray(768)
    struct.pack_into("<2d", record, 156, 3e-10, 3e-10)
    parts = {"kind": kind, "extended": bytes(record) * 2}
    found = read(tmp_path, mrc(PIXELS, cell=(0, 0, 0), **parts))
    np.testing.assert_array_equal(found.pixels, PIXELS)
    assert found.pixel_size == pytest.approx(0.3)
    # A cell that is set was perhaps changed when the pixels were binned.
    assert read(tmp_path, mrc(PIXELS, **parts)).pixel_size == pytest.approx(0.2)


def test_the_axes_of_the_cell_may_be_exchanged(tmp_path):
    data = mrc(PIXELS, cell=(9, 16, 12), intervals=(1, 8, 6), axes=(2, 3, 1))
    assert read(tmp_path, data).pixel_size == pytest.approx(0.2)


@pytest.mark.parametrize("dtype", ["f4", "i1"])
def test_no_truncation_and_no_lying_size_goes_unseen(tmp_path, dtype):
    data = mrc(PIXELS.astype(dtype), mode=2 if dtype == "f4" else 0)
    for size in range(0, len(data), 13):
        with pytest.raises(ValueError, match=r"truncated|empty file"):
            read(tmp_path, data[:size])
    for shape in [(2**15,) * 3, (2**30, 2**30, 1), (0, 6, 1), (-8, 6, 1), (8, 7, 1)]:
        forged = struct.pack("<3i", *shape) + data[12:]
        with pytest.raises(ValueError, match=r"max_pixels|truncated|damaged"):
            read(tmp_path, forged, frame=0 if shape[2] > 1 else None)


def test_flipped_bytes_never_escape(tmp_path):
    data = bytearray(mrc(PIXELS, extended=bytes(32)))
    for place in range(224):
        for flip in (1, 0x80, 0xFF):
            data[place] ^= flip
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                try:
                    read(tmp_path, data)
                except ValueError as error:
                    assert "can't be read" in str(error)
            data[place] ^= flip
