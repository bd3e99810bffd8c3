"""MRC files, by the format's standard of 2014 and the rules of IMOD for its gaps."""

import bz2
import gzip
import lzma
import zlib

import numpy as np

from ._gray import as_gray, check_size, choose_frame
from ._pixel_sizes import PixelSize

MRC_SUFFIXES = (".mrc", ".mrcs", ".map")

_OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
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
# Mode 101 holds two pixels of 4 bits in a byte.
_DTYPES = {0: "i1", 1: "i2", 2: "f4", 4: "c8", 6: "u2", 12: "f2", 101: "u1"}
_HALF_BYTES = 101
_IMOD_STAMP, _IMOD_SIGNED = 1146047817, 1
# Where the extended header of Thermo Fisher (FEI) has the width and height of a pixel.
_FEI_TYPES, _FEI_SIZES = (b"FEI1", b"FEI2"), slice(156, 172)


def is_mrc(path):
    """Tell by its name whether a file is an MRC, perhaps a compressed one."""
    return path.name.lower().removesuffix(_packing(path)).endswith(MRC_SUFFIXES)


def read_mrc(path, frame, max_pixels):
    """Return the gray pixels of an image or of one frame of a stack, its PixelSize."""
    with _OPENERS.get(_packing(path), open)(path, "rb") as file:
        start = _read(file, _HEADER_SIZE)
        header, order = _read_header(start)
        width, height, n_frames = header["shape"].tolist()
        shape = (n_frames, height, width)
        index = choose_frame(frame, shape)
        check_size(shape[1:], max_pixels)
        extended_size = max(int(header["extended"]), 0)
        # Only the first record of it is of use.
        extended = _read(file, min(extended_size, _FEI_SIZES.stop))
        is_packed = header["mode"] == _HALF_BYTES
        dtype = _dtype(header, order)
        stored_width = (width + 1) // 2 if is_packed else width
        n_bytes = height * stored_width * dtype.itemsize
        file.seek(_HEADER_SIZE + extended_size + index * n_bytes)
        data = _read(file, n_bytes)
    pixels = np.frombuffer(data, dtype).reshape(height, stored_width)
    if is_packed:
        # The first pixel is in the lower half.
        pixels = np.dstack([pixels & 15, pixels >> 4]).reshape(height, -1)[:, :width]
    return as_gray(pixels), _pixel_size(header, start, extended, order)


def _packing(path):
    """Return the suffix of a compressed file, in lower case; empty for others."""
    suffix = path.suffix.lower()
    return suffix if suffix in _OPENERS else ""


def _read(file, n_bytes):
    """Return so many bytes; refuse a file that has fewer."""
    try:
        data = file.read(n_bytes)
    except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        raise ValueError(f"damaged or truncated: {error}") from error
    if len(data) < n_bytes:
        raise ValueError(f"damaged or truncated: {n_bytes - len(data)} bytes lack")
    return data


def _read_header(start):
    """Return the fields of the header and the byte order, '<' or '>'."""
    headers = []
    for order in "<>":
        header = {
            name: np.frombuffer(start, f"{order}{dtype}", count, place)
            for name, dtype, place, count in _FIELDS
        }
        if (header["shape"] > 0).all() and int(header["mode"][0]) in _DTYPES:
            headers.append((header, order))
    if not headers:
        raise ValueError(
            "damaged or no MRC of gray images: its size is "
            f"{header['shape'].tolist()}, its mode {header['mode'][0]}"
        )
    # Small numbers in the wrong byte order are huge ones.
    header, order = min(
        headers, key=lambda found: (found[0]["axes"].max(), found[0]["shape"].max())
    )
    return header | {name: header[name][0] for name in ("mode", "extended")}, order


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
    return PixelSize(height, width, "A", "A")
