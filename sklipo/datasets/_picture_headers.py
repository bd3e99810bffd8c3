"""Headers of pictures (PNG, JPEG ...): what a decoder would make, before it runs."""

import re
import struct
import zlib
from typing import NamedTuple

import numpy as np


class PictureHeader(NamedTuple):
    """What the header of a picture says of it; orientation is that of EXIF, 1 to 8."""

    kind: str
    height: int
    width: int
    orientation: int = 1
    n_frames: int = 1


_KINDS = "PNG, JPEG, BMP, TIFF, GIF, WebP, JPEG 2000, AVIF, PBM, PGM or PPM"
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PALETTE_TYPES = {bytes([depth, 3]) for depth in (1, 2, 4, 8)}
_JPEG_START, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
# Markers of a frame, which has the size, among them those of tables; and the markers
# that no length follows.
_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = {0x01, 0xFF, *range(0xD0, 0xD9)}
# How a file begins up to its width and height, and how these are stored.
_SIZES = [
    ("BMP of OS/2", rb"BM.{12}\x0c\0{3}(.{4})", "<HH"),
    ("BMP", rb"BM.{12}..\0\0(.{8})", "<ii"),
    ("GIF", rb"GIF8[79]a(.{4})", "<HH"),
    ("AVIF", rb".{4}ftypavi.{1,1000}?ispe.{4}(.{8})", ">II"),
    ("JPEG 2000", rb"\xff\x4f\xff\x51.{4}(.{8})", ">II"),
    ("JPEG 2000", rb".{4}jP  .{1,500}?\xff\x4f\xff\x51.{4}(.{8})", ">II"),
]
_PNM = re.compile(rb"P[1-7]\s+(?:#.*\s+)*(\d+)\s+(?:#.*\s+)*(\d+)\s")


def read_header(data):
    """Return the PictureHeader; refuse unknown formats, truncated and damaged data."""
    if data.startswith(_PNG_START):
        return _read_png(data)
    if data.startswith(_JPEG_START):
        return _read_jpeg(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _read_webp(data)
    if match := _PNM.match(data):
        return PictureHeader("PNM", int(match[2]), int(match[1]))
    for kind, pattern, layout in _SIZES:
        if match := re.match(pattern, data[:2000], re.DOTALL):
            width, height = struct.unpack(layout, match[1])
            # A BMP of negative height has its first row on top.
            return PictureHeader(kind, abs(height), width)
    raise ValueError(f"unreadable: damaged or no image, expected {_KINDS}")


def png_labels(data):
    """Return a PNG as the gray one of its palette's numbers, and their factor.

    Data without a palette of colors are returned as they are.
    """
    # Depth and color type, which is 3 with a palette.
    is_palette = data.startswith(_PNG_START) and data[24:26] in _PALETTE_TYPES
    if not is_palette:
        return data, 1
    chunks = list(_png_chunks(data))
    palettes = [data[i + 8 : j - 4] for name, i, j in chunks if name == b"PLTE"]
    colors = np.frombuffer(b"".join(palettes), np.uint8)
    if colors.size % 3 or not np.diff(colors.reshape(-1, 3)).any():
        return data, 1
    header = data[12:25] + b"\0" + data[26:29]
    start = data[:12] + header + struct.pack(">I", zlib.crc32(header))
    # OpenCV's decoder complains of a gray image with a palette.
    kept = {b"IDAT", b"IEND", b"eXIf"}
    # The decoder spreads numbers of less than 8 bits to 0 to 255.
    factor = 255 // (2 ** data[24] - 1)
    return start + b"".join(data[i:j] for name, i, j in chunks if name in kept), factor


def _read_png(data):
    """Return the header of a PNG, of which each checksum is checked."""
    chunks = {}
    for name, start, end in _png_chunks(data):
        chunks.setdefault(name, data[start + 8 : min(end - 4, start + 1032)])
    if len(chunks.get(b"IHDR", b"")) != 13:
        raise ValueError("damaged: a PNG without its header")
    width, height = struct.unpack_from(">II", chunks[b"IHDR"])
    n_frames = int.from_bytes(chunks.get(b"acTL", b"\0\0\0\1")[:4])
    orientation = _exif_orientation(chunks.get(b"eXIf", b""))
    return PictureHeader("PNG", height, width, orientation, n_frames)


def _png_chunks(data):
    """Yield the name, start and end of each part of a PNG; refuse damaged ones."""
    view, start, name = memoryview(data), len(_PNG_START), b""
    # The decoder fills what is missing or damaged with gray.
    while name != b"IEND":
        if start + 12 > len(data):
            raise ValueError("truncated")
        length, name = struct.unpack_from(">I4s", data, start)
        end = start + 12 + length
        if end > len(data):
            raise ValueError("truncated")
        checksum = struct.unpack_from(">I", data, end - 4)[0]
        if zlib.crc32(view[start + 4 : end - 4]) != checksum:
            raise ValueError(f"damaged: the checksum of its part {name!r} is wrong")
        yield name, start, end
        start = end


def _read_jpeg(data):
    """Return the header of a JPEG, which must have its end."""
    # OpenCV fills missing rows with gray. The end marker can also occur in a preview,
    # before the scan.
    if data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN):
        raise ValueError("truncated")
    start, orientation = data.find(b"\xff", 2), 1
    while 0 < start <= len(data) - 9:
        marker = data[start + 1]
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, start + 5)
            return PictureHeader("JPEG", height, width, orientation)
        if marker in _JPEG_BARE:
            end = start + (1 if marker == 0xFF else 2)
        else:
            end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
            if marker == 0xE1 and data[start + 4 : start + 10] == b"Exif\0\0":
                orientation = _exif_orientation(data[start + 10 : end])
        start = data.find(b"\xff", end)
    raise ValueError("damaged: a JPEG without the size of its image")


def _read_webp(data):
    """Return the header of a WebP; its kind tells whether it is lossless."""
    if len(data) < int.from_bytes(data[4:8], "little") + 8:
        raise ValueError("truncated")
    # Chunks are padded to even lengths.
    start, chunks, n_frames = 12, {}, 0
    while start + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, start)
        chunks.setdefault(name, data[start + 8 : start + 8 + min(length, 1024)])
        n_frames += name == b"ANMF"
        start += 8 + length + length % 2
    if match := re.match(
        rb"...\x9d\x01\x2a(.{4})", chunks.get(b"VP8 ", b""), re.DOTALL
    ):
        width, height = (size & 0x3FFF for size in struct.unpack("<HH", match[1]))
    elif len(chunks.get(b"VP8L", b"")) >= 5:
        bits = int.from_bytes(chunks[b"VP8L"][1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif n_frames > 1:
        height, width = 0, 0
    else:
        raise ValueError("damaged: a WebP without its image")
    kind = "lossless WebP" if b"VP8L" in chunks else "WebP"
    orientation = _exif_orientation(chunks.get(b"EXIF", b"").removeprefix(b"Exif\0\0"))
    return PictureHeader(kind, height, width, orientation, max(n_frames, 1))


def _exif_orientation(exif):
    """Return the orientation, 1 to 8, that EXIF data state; 1 if they state none."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None or len(exif) < 8:
        return 1
    (start,) = struct.unpack_from(f"{order}I", exif, 4)
    n_tags = int.from_bytes(
        exif[start : start + 2], "little" if order == "<" else "big"
    )
    for place in range(start + 2, min(start + 2 + 12 * n_tags, len(exif) - 11), 12):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, place)
        if tag == 274:
            return value if 1 <= value <= 8 else 1
    return 1
