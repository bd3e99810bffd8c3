"""Gray images in files: read without any change of values, written without loss."""

import os
import stat
from io import BytesIO
from typing import NamedTuple

import cv2
import numpy as np
import tifffile

from ._checksums import seal
from ._em_files import is_em_file, read_em_file
from ._gray import MAX_PIXELS, choose_frame, choose_image
from ._mrc import is_mrc, read_mrc
from ._pictures import read_picture
from ._pixel_sizes import PixelSize
from ._tiff import is_tiff, read_tiff

# In which images are looked for; others are known by their content. An EMI is not among
# them: what it describes is in files that end by .ser.
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
IMAGE_SUFFIXES += (".gif", ".webp", ".jp2", ".avif", ".pbm", ".pgm", ".ppm", ".pnm")
IMAGE_SUFFIXES += (".mrc", ".mrcs", ".map", ".dm3", ".dm4", ".ser", ".emd")
# The stamps of all formats are within so many bytes.
_START = 1024


class ImageFile(NamedTuple):
    """What is in a file: gray pixels, their size, and a note of what was not read."""

    pixels: np.ndarray
    size: PixelSize | None = None
    note: str | None = None


def read_image(path, *, frame=None, image=None, max_pixels=MAX_PIXELS, lossless=False):
    """Return the ImageFile of one gray image; errors do not name the file.

    An image of more than ``max_pixels`` is refused before it is decoded, and with
    ``lossless``, for masks and label images, a format that changes pixels.
    """
    check_file(path)
    with open(path, "rb") as file:
        start = file.read(_START)
        file.seek(0)
        if is_tiff(start):
            return ImageFile(*read_tiff(file, frame, image, max_pixels, lossless))
        if is_em_file(path):
            return ImageFile(*read_em_file(path, frame, image, max_pixels))
        # All others hold one image.
        choose_image(image, [""], ["its image"], [0])
        if is_mrc(path, start):
            return ImageFile(*read_mrc(path, frame, max_pixels))
        choose_frame(frame, (1,))
        return ImageFile(read_picture(file.read(), max_pixels, lossless))


def read_pixels(path, **options):
    """Return the pixels of :func:`read_image`, for those who need no more."""
    return read_image(path, **options).pixels


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
