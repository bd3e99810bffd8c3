import bz2
import gzip
import lzma
import struct
import warnings

import numpy as np
import pytest
from dataset_cases import mrc

from sklipo.datasets import extract_particles, read_micrograph

PIXELS = np.arange(-24, 24, dtype=np.int8).reshape(6, 8)
IMOD = 1146047817


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


@pytest.mark.parametrize("intervals", [(8, 6, 1), (4, 3, 1)])
def test_a_size_of_exactly_one_angstrom_is_doubted(tmp_path, intervals):
    data = mrc(PIXELS, cell=intervals, intervals=intervals)
    with pytest.warns(
        UserWarning, match=r"'.*a.mrc' is 1 Å, .* pass pixel_size"
    ) as seen:
        assert read(tmp_path, data).pixel_size == pytest.approx(0.1)
    assert seen[0].filename == __file__
    labels = np.eye(6, 8, dtype=int)
    for path in (tmp_path / "a.mrc", str(tmp_path / "a.mrc")):
        with pytest.warns(UserWarning, match=r"a.mrc' is 1 Å") as seen:
            extract_particles(path, labels)
        assert seen[0].filename == __file__
        # No warning: it is not used.
        particles = extract_particles(path, labels, pixel_size=0.1)
        assert particles["pixel_size"].tolist() == [0.1]
        assert read_micrograph(path, pixel_size=2).pixel_size == 2.0


@pytest.mark.parametrize("cell", [(8.004, 6.003, 1), (8.08, 6, 1), (16, 12, 1)])
def test_a_size_near_one_angstrom_is_not_doubted(tmp_path, cell):
    assert read(tmp_path, mrc(PIXELS, cell=cell)).pixel_size is not None


def test_who_passes_a_pixel_size_is_not_warned_of_that_of_the_file(tmp_path):
    (tmp_path / "a.mrc").write_bytes(mrc(PIXELS, cell=(0, 0, 0)))
    labels = np.eye(6, 8, dtype=int)
    particles = extract_particles(tmp_path / "a.mrc", labels, pixel_size=0.5)
    assert particles["pixel_size"].tolist() == [0.5]


@pytest.mark.parametrize("pixel_size", [0, -1, np.nan, np.inf, "1", True, 1e7])
def test_bad_pixel_sizes(tmp_path, pixel_size):
    (tmp_path / "a.mrc").write_bytes(mrc(PIXELS))
    for door in (
        read_micrograph,
        lambda path, **p: extract_particles(path, PIXELS, **p),
    ):
        with pytest.raises(ValueError, match=r"pixel_size is .*, expected nm above 0"):
            door(tmp_path / "a.mrc", pixel_size=pixel_size)


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
