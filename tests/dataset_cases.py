"""Particle tables as files."""

import struct

import cv2
import numpy as np
import pandas as pd


def random_images(n, dtype=np.uint8, seed=0):
    rng = np.random.default_rng(seed)
    shapes = rng.integers(3, 12, (n, 2))
    return [rng.integers(0, 200, shape).astype(dtype) for shape in shapes]


def write_images(folder, images):
    """Write PNG files and return their names, relative to the folder."""
    (folder / "images").mkdir()
    names = [f"images/{i:05}.png" for i in range(len(images))]
    for name, image in zip(names, images, strict=True):
        cv2.imwrite(folder / name, image)
    return names


def write_table(folder, n=4, **columns):
    """Write images, masks and a CSV of them; return its path and the images."""
    images = random_images(n)
    names = write_images(folder, images)
    (folder / "masks").mkdir()
    mask_names = [name.replace("images", "masks") for name in names]
    for name, image in zip(mask_names, images, strict=True):
        cv2.imwrite(folder / name, (image > image.min()).astype(np.uint8))
    table = pd.DataFrame({"image": names, "mask": mask_names, **columns})
    table.to_csv(folder / "particles.csv", index=False)
    return folder / "particles.csv", images


def assert_images_equal(found, expected):
    assert found.dtype == "image"
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def turned(pixels, orientation):
    """The definition of the tag: on which sides the first row and column are."""
    return {
        1: pixels,
        2: np.fliplr(pixels),
        3: np.rot90(pixels, 2),
        4: np.flipud(pixels),
        5: pixels.T,
        6: np.rot90(pixels, -1),
        7: np.rot90(pixels, 2).T,
        8: np.rot90(pixels),
    }[orientation]


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
