import os
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from dataset_cases import turned

from sklipo.datasets._pixel_files import read_pixels

GRAY = np.arange(48, dtype=np.uint8).reshape(6, 8)


def encode(suffix, pixels=GRAY, *flags):
    return cv2.imencode(suffix, pixels, flags)[1].tobytes()


def chunk(name, data):
    checksum = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)


def png(width, height, depth, color_type, *chunks, rows=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


HUGE = 2**15
BOMBS = {
    "png": png(HUGE, HUGE, 8, 0),
    "jpg": encode(".jpg").replace(
        struct.pack(">HH", *GRAY.shape), struct.pack(">HH", HUGE, HUGE)
    ),
    "bmp": encode(".bmp").replace(
        struct.pack("<ii", 8, 6), struct.pack("<ii", HUGE, HUGE)
    ),
    "pgm": b"P5 %d %d 255\n" % (HUGE, HUGE),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, kind):
    path = tmp_path / "a"
    path.write_bytes(BOMBS[kind])
    with pytest.raises(ValueError, match=r"32768 x 32768 = 1073741824 .* max_pixels"):
        read_pixels(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".pgm", ".tif", ".webp"])
def test_the_limit_of_pixels_can_be_changed(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    cv2.imwrite(path, GRAY)
    assert read_pixels(path, max_pixels=48).shape == GRAY.shape
    with pytest.raises(ValueError, match=r"6 x 8 = 48 pixels, more than max_pixels=47"):
        read_pixels(path, max_pixels=47)


def test_lossy_files_are_no_masks(tmp_path):
    path = tmp_path / "a"
    for suffix in (".jpg", ".webp"):
        path.write_bytes(encode(suffix, GRAY, cv2.IMWRITE_WEBP_QUALITY, 50))
        read_pixels(path)
        with pytest.raises(ValueError, match=r"changes pixels.* save them as PNG"):
            read_pixels(path, lossless=True)
    tifffile.imwrite(path, GRAY)
    np.testing.assert_array_equal(read_pixels(path, lossless=True), GRAY)
    path.write_bytes(encode(".webp", GRAY, cv2.IMWRITE_WEBP_QUALITY, 101))
    np.testing.assert_array_equal(read_pixels(path, lossless=True), GRAY)
    path.write_bytes(encode(".png"))
    np.testing.assert_array_equal(read_pixels(path, lossless=True), GRAY)


def test_what_is_no_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(ValueError, match="expected a regular file"):
            read_pixels(path)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="link"):
        read_pixels(tmp_path / "link")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_exif_says(tmp_path, orientation, order):
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    exif = start + struct.pack(f"{order}HHHIHHI", 1, 274, 3, 1, orientation, 0, 0)
    data = encode(".png")
    path = tmp_path / "a"
    path.write_bytes(data[:33] + chunk(b"eXIf", exif) + data[33:])
    np.testing.assert_array_equal(read_pixels(path), turned(GRAY, orientation))
    data, exif = encode(".jpg"), b"Exif\0\0" + exif
    length = struct.pack(">H", len(exif) + 2)
    path.write_bytes(data[:2] + b"\xff\xe1" + length + exif + data[2:])
    plain = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(read_pixels(path), turned(plain, orientation))


def test_no_flipped_bit_of_a_png_goes_unseen(tmp_path):
    data, path = bytearray(encode(".png")), tmp_path / "a"
    for place in range(len(data)):
        data[place] ^= 16
        path.write_bytes(data)
        with pytest.raises(ValueError):
            read_pixels(path)
        data[place] ^= 16


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_the_numbers_of_a_palette_of_colors_are_labels(tmp_path, depth):
    labels = np.random.default_rng(0).integers(0, 2**depth, (6, 8), np.uint8)
    bits = np.unpackbits(labels[..., None], axis=2)[..., 8 - depth :].reshape(6, -1)
    rows = b"".join(b"\0" + row.tobytes() for row in np.packbits(bits, axis=1))
    colors = np.random.default_rng(1).integers(0, 256, (2**depth, 3), np.uint8)
    path = tmp_path / "a.png"
    transparent = chunk(b"tRNS", b"\0")
    for palette, is_gray in ((colors, False), (colors[:, [0, 0, 0]], True)):
        parts = [chunk(b"PLTE", palette.tobytes()), *[transparent] * (not is_gray)]
        path.write_bytes(png(8, 6, depth, 3, *parts, rows=rows))
        found = read_pixels(path, lossless=True)
        if is_gray:
            np.testing.assert_array_equal(found, palette[labels, 0])
            np.testing.assert_array_equal(read_pixels(path), found)
        else:
            np.testing.assert_array_equal(found, labels)
            with pytest.raises(ValueError, match="color image"):
                read_pixels(path)
