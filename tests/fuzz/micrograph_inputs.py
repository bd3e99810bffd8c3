"""Files of microscopes, whole and damaged."""

import shutil
import struct
from pathlib import Path

import cv2
import tifffile

from .label_inputs import MICROGRAPH
from .rule import Expected, Variants

# Small files of real microscopes, where the checkout has them beside it.
REAL = Path(__file__).parents[3] / "shared" / "data" / "em_formats"
_LARGEST = 200_000

VARIANTS = Variants()
same, fault, either = map(
    VARIANTS.register, (Expected.SAME, Expected.ERROR, Expected.EITHER)
)


def write_mrc(path, pixels, order="<", pixel_size=2.0, extended=0):
    """Write an MRC file of one image, of pixels of ``pixel_size`` nm."""
    mode = {"i1": 0, "i2": 1, "f4": 2, "u2": 6}[pixels.dtype.str[1:]]
    height, width = pixels.shape
    header = bytearray(1024)
    struct.pack_into(
        f"{order}10i", header, 0, width, height, 1, mode, 0, 0, 0, width, height, 1
    )
    cell = (10 * pixel_size * width, 10 * pixel_size * height, 10 * pixel_size)
    struct.pack_into(f"{order}6f3i", header, 40, *cell, 90, 90, 90, 1, 2, 3)
    levels = pixels.min(), pixels.max(), pixels.mean()
    struct.pack_into(f"{order}3f2i", header, 76, *levels, 0, extended)
    header[208:216] = b"MAP " + (b"DD\0\0" if order == "<" else b"\x11\x11\0\0")
    data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    path.write_bytes(bytes(header) + bytes(extended) + data)


@same
def mrc(folder, rng):
    path = folder / "micrograph.mrc"
    kind = rng.choice(["i2", "f4", "u2"])
    write_mrc(path, MICROGRAPH.astype(kind), rng.choice(["<", ">"]), extended=512)
    return path


@same
def tiff(folder, rng):
    path = folder / "micrograph.tif"
    options = {
        "byteorder": rng.choice(["<", ">"]),
        "compression": [None, "zlib"][rng.integers(2)],
        "bigtiff": bool(rng.integers(2)),
        "rowsperstrip": int(rng.integers(1, 70)),
    }
    tifffile.imwrite(path, MICROGRAPH.astype(rng.choice(["u2", "i4", "f4"])), **options)
    return path


@same
def picture(folder, rng):
    path = folder / "micrograph.png"
    cv2.imwrite(path, MICROGRAPH)
    return path


@fault
def truncated(folder, rng):
    path = [mrc, tiff, picture][rng.integers(3)](folder, rng)
    data = path.read_bytes()
    path.write_bytes(data[: rng.integers(len(data) - 12)])
    return path


@either
def flipped_headers(folder, rng):
    return _flip([mrc, tiff, picture][rng.integers(3)](folder, rng), rng, 1100)


@either
def flipped_real_files(folder, rng):
    return _flip(_copy_real(folder, rng), rng, _LARGEST)


@either
def truncated_real_files(folder, rng):
    path = _copy_real(folder, rng)
    data = path.read_bytes()
    path.write_bytes(data[: rng.integers(len(data))])
    return path


def _copy_real(folder, rng):
    """Copy a real file, or write one where there is none."""
    files = [p for p in sorted(REAL.rglob("*.*")) if p.stat().st_size < _LARGEST]
    files = [p for p in files if p.suffix not in {".csv", ".md"}]
    if not files:
        return mrc(folder, rng)
    return Path(shutil.copy(files[rng.integers(len(files))], folder))


def _flip(path, rng, end):
    """Flip some bits near the beginning of a file."""
    data = bytearray(path.read_bytes())
    for _ in range(rng.integers(1, 4)):
        data[rng.integers(min(len(data), end))] ^= 1 << rng.integers(8)
    path.write_bytes(data)
    return path
