"""Gray images in files: read without any change of values, written without loss."""

import os
import stat
from io import BytesIO

import cv2
import numpy as np
import tifffile

from ._checksums import seal
from ._gray import MAX_PIXELS
from ._pictures import read_picture
from ._tiff import is_tiff, read_tiff

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def read_pixels(path, *, max_pixels=MAX_PIXELS, lossless=False):
    """Read one gray image; errors of its content do not name the file.

    One of more than ``max_pixels`` is refused before it is decoded, and with
    ``lossless``, for masks and label images, a format that changes pixels.
    """
    check_file(path)
    with open(path, "rb") as file:
        if is_tiff(file):
            return read_tiff(file, max_pixels=max_pixels, lossless=lossless)[0]
        return read_picture(file.read(), max_pixels, lossless)


def check_file(path):
    """Refuse what is no regular file or empty; a pipe or device might never end."""
    try:
        status = os.stat(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"There is no file {str(path)!r}.") from error
    if not stat.S_ISREG(status.st_mode):
        is_folder = stat.S_ISDIR(status.st_mode)
        kind = "a folder" if is_folder else "a pipe, socket or device"
        raise ValueError(f"{kind}, expected a regular file")
    if not status.st_size:
        raise ValueError("empty file")


def lossless_suffix(dtype):
    """Return the ending of a format that keeps every bit of this dtype."""
    return ".png" if dtype in (np.uint8, np.uint16) else ".tif"


def encode_pixels(pixels, suffix):
    """Return a 2-D image as the bytes of a PNG or TIFF file."""
    if suffix == ".tif":
        file = BytesIO()
        tifffile.imwrite(file, pixels)
        # PNG has checksums itself.
        return seal(file.getvalue())
    encoded, data = cv2.imencode(".png", np.ascontiguousarray(pixels))
    if not encoded:
        raise ValueError(f"an image of shape {pixels.shape} is too large for PNG")
    return data.tobytes()
