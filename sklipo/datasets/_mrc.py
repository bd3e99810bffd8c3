"""MRC files, by the format's standard of 2014 and the rules of IMOD for its gaps."""

import bz2
import gzip
import lzma
import re
import zlib
from typing import NamedTuple

import numpy as np

from ._gray import as_gray, check_size, choose_frame
from ._pixel_sizes import PixelSize

_NAME = re.compile(r"\.(mrcs?|map)(\.(gz|bz2|xz))?$", re.IGNORECASE)
# How compressed files begin, whatever their name: browsers unpack some unasked.
_OPENERS = {b"\x1f\x8b\x08": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_PACKED_STARTS = tuple(_OPENERS)
# The fields that are read here: name, type, place in the header.
_FIELDS = [
    ("shape", "i4", 0, 3),
    ("mode", "i4", 12, 1),
    ("intervals", "i4", 28, 3),
    ("cell", "f4", 40, 3),
    ("axes", "i4", 64, 3),
    ("range", "f4", 76, 2),
    ("extended", "i4", 92, 1),
    ("imod", "i4", 152, 2),
]
_HEADER_SIZE = 1024
_STAMP, _STAMP_PLACE = b"MAP ", 208
# Mode 101 holds two pixels of 4 bits in a byte.
_DTYPES = {0: "i1", 1: "i2", 2: "f4", 4: "c8", 6: "u2", 12: "f2", 101: "u1"}
_HALF_BYTES = 101
_IMOD_STAMP, _IMOD_SIGNED = 1146047817, 1
# Where the extended header of Thermo Fisher (FEI) has the width and height of a pixel.
_FEI_TYPES, _FEI_SIZES = (b"FEI1", b"FEI2"), slice(156, 172)


def unpacked(path):
    """Return a path without the ending of a compressed MRC."""
    found = _NAME.search(path.name)
    # To make a path takes longer than to look at its name.
    return path.with_suffix("") if found and found[2] else path


def is_mrc(path, start):
    """Tell whether a file is an MRC: by its name, or the stamp in its first bytes."""
    if _NAME.search(path.name):
        return True
    # IMOD and SerialEM name them .st, .rec, .ali and more; old ones have no stamp.
    if start.startswith(_PACKED_STARTS):
        try:
            with open_mrc(path) as file:
                start = _read(file, _HEADER_SIZE)
        except ValueError:
            return False
    return start.startswith(_STAMP, _STAMP_PLACE)


class Stack(NamedTuple):
    """What the header of an MRC says of its frames; most files have one."""

    n_frames: int
    height: int
    width: int
    stored_dtype: np.dtype
    is_packed: bool
    start: int
    pixel_size: PixelSize

    @property
    def dtype(self):
        """The dtype of the pixels in native byte order."""
        return self.stored_dtype.newbyteorder("=")


def read_mrc(path, frame, max_pixels):
    """Return the gray pixels of an image or of one frame of a stack, its PixelSize."""
    with open_mrc(path) as file:
        stack = read_stack_header(file)
        index = choose_frame(frame, stack[:3])
        check_size(stack[1:3], max_pixels)
        pixels = read_frame(file, stack, index)
    return as_gray(pixels), stack.pixel_size


def open_mrc(path):
    """Open a file, also a compressed one, to read what was in it."""
    with open(path, "rb") as file:
        start = file.read(max(map(len, _OPENERS)))
    found = [_OPENERS[key] for key in _OPENERS if start.startswith(key)]
    return (found or [open])[0](path, "rb")


def read_stack_header(file):
    """Return the Stack that an open MRC begins with."""
    start = _read(file, _HEADER_SIZE)
    header, order = _read_header(start)
    width, height, n_frames = header["shape"].tolist()
    extended_size = max(int(header["extended"]), 0)
    # Only the first record of it is of use.
    extended = _read(file, min(extended_size, _FEI_SIZES.stop))
    return Stack(
        n_frames,
        height,
        width,
        _dtype(header, order),
        bool(header["mode"] == _HALF_BYTES),
        _HEADER_SIZE + extended_size,
        _pixel_size(header, start, extended, order),
    )


def read_frame(file, stack, index):
    """Return the pixels of one frame, as they are stored."""
    stored_width = (stack.width + 1) // 2 if stack.is_packed else stack.width
    n_bytes = stack.height * stored_width * stack.stored_dtype.itemsize
    data = _read(file, n_bytes, stack.start + index * n_bytes)
    pixels = np.frombuffer(data, stack.stored_dtype)
    pixels = pixels.reshape(stack.height, stored_width)
    if stack.is_packed:
        # The first pixel is in the lower half.
        pixels = np.dstack([pixels & 15, pixels >> 4])
        pixels = pixels.reshape(stack.height, -1)[:, : stack.width]
    return pixels


def _read(file, n_bytes, place=None):
    """Return so many bytes, from a place on; refuse a file that has fewer."""
    try:
        # In a compressed file, to seek is to read.
        if place is not None:
            file.seek(place)
        data = file.read(n_bytes)
    except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        raise ValueError(f"damaged or truncated: {error}") from error
    if len(data) < n_bytes:
        raise ValueError(f"damaged or truncated: {n_bytes - len(data)} bytes lack")
    return data


def _read_header(start):
    """Return the fields of the header and the byte order, '<' or '>'."""
    headers = [(_fields(start, order), order) for order in "<>"]
    valid = [
        (header, order)
        for header, order in headers
        if (header["shape"] > 0).all() and int(header["mode"][0]) in _DTYPES
    ]
    # Small numbers in the wrong byte order are huge ones, as negative ones are here.
    header, order = min(
        valid or headers,
        key=lambda found: [found[0][f].astype("u4").max() for f in ("axes", "shape")],
    )
    if not valid:
        raise ValueError(
            "damaged or no MRC of gray images: its size is "
            f"{header['shape'].tolist()}, expected numbers above 0; its mode is "
            f"{header['mode'][0]}, expected one of {[*_DTYPES]}"
        )
    return header | {name: header[name][0] for name in ("mode", "extended")}, order


def _fields(start, order):
    """Return the fields of the header by name, read in one byte order."""
    return {
        name: np.frombuffer(start, f"{order}{dtype}", count, place)
        for name, dtype, place, count in _FIELDS
    }


def _dtype(header, order):
    """Return the dtype of the pixels; bytes are signed unless the header objects."""
    dtype = np.dtype(f"{order}{_DTYPES[int(header['mode'])]}")
    if header["mode"] != 0:
        return dtype
    stamp, flags = header["imod"]
    if stamp == _IMOD_STAMP:
        is_signed = flags & _IMOD_SIGNED
    else:
        # As IMOD decides. A lowest above the highest value means that both are unknown.
        low, high = header["range"].tolist()
        is_signed = not low < high or high < 128 or -low > high - 128
    return np.dtype("i1" if is_signed else "u1")


def _pixel_size(header, start, extended, order):
    """Return the PixelSize, of the cell or, if it has none, of the microscope."""
    # Columns and rows may lie along any axis of the cell.
    axes = header["axes"] - 1
    if sorted(axes.tolist()) != [0, 1, 2]:
        axes = np.arange(3)
    cell, intervals = header["cell"][axes].tolist(), header["intervals"][axes].tolist()
    width, height = (
        length / n if n else np.nan
        for length, n in zip(cell[:2], intervals[:2], strict=True)
    )
    is_fei = start[104:108] in _FEI_TYPES and len(extended) == _FEI_SIZES.stop
    if is_fei and not (width > 0 and height > 0):
        width, height = np.frombuffer(extended[_FEI_SIZES], f"{order}f8").tolist()
        return PixelSize(height, width, "m", "m")
    doubt = None
    if np.allclose((height, width), 1, rtol=0, atol=1e-5):
        doubt = "is 1 Å, which many programs write that do not know it"
    return PixelSize(height, width, "A", "A", doubt)
