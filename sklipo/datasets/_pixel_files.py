"""Gray images in files: read without any change of values, written without loss."""

import math
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.lib.recfunctions import structured_to_unstructured

from ._picture_headers import LOSSY_KINDS, read_header

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")

# The largest cameras have 8k x 8k pixels, scanned images 16k x 16k: these are the most
# that are decoded without being asked to.
MAX_PIXELS = 2**28

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# JPEG, JPEG 2000, JPEG XR, WebP and JPEG XL within a TIFF.
_LOSSY_COMPRESSIONS = {6, 7, 33003, 33004, 33005, 34892, 34712, 22610, 34934}
_LOSSY_COMPRESSIONS |= {50001, 50002, 52546}
_TO_GRAY = "convert it, for instance with cv2.imread(path, cv2.IMREAD_GRAYSCALE)"


def read_pixels(path, *, max_pixels=MAX_PIXELS, lossless=False):
    """Read one gray image; errors of its content do not name the file.

    One of more than ``max_pixels`` is refused before it is decoded, and with
    ``lossless``, for masks and label images, a format that changes pixels.
    """
    path = Path(path)
    check_file(path)
    data = path.read_bytes()
    decode = _decode_tiff if data.startswith(_TIFF_STARTS) else _decode_picture
    return as_gray(decode(data, max_pixels, lossless))


def check_file(path):
    """Refuse what is no regular file or empty; a pipe or device might never end."""
    if not path.exists():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "a pipe, socket or device"
        raise ValueError(f"{kind}, expected a regular file")
    if not path.stat().st_size:
        raise ValueError("empty file")


def check_size(shape, max_pixels):
    """Refuse an image or stack of too many pixels."""
    n_pixels = math.prod(shape)
    if n_pixels > max_pixels:
        raise ValueError(
            f"{' x '.join(map(str, shape))} = {n_pixels} pixels, more than max_pixels="
            f"{max_pixels}; if the file is no mistake and fits into memory, raise "
            "max_pixels"
        )


def _check_lossless(kind):
    """Refuse a format that changes pixels."""
    if kind in LOSSY_KINDS:
        raise ValueError(
            f"{kind} changes pixels, which makes wrong masks and labels; make them "
            "anew and save them as PNG or TIFF without loss"
        )


def _decode_picture(data, max_pixels, lossless):
    """Decode a PNG, JPEG or other picture, turned as its EXIF data say."""
    header = read_header(data)
    if lossless:
        _check_lossless(header.kind)
    if header.n_frames > 1:
        raise ValueError(f"animated, of {header.n_frames} images; expected one")
    check_size((header.height, header.width), max_pixels)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ValueError(f"unreadable: {error.err}") from error
    if pixels is None:
        raise ValueError(f"unreadable: damaged {header.kind}")
    return orient(pixels, header.orientation)


def orient(pixels, orientation):
    """Return pixels turned and mirrored to what a tag of TIFF or EXIF, 1 to 8, says."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _decode_tiff(data, max_pixels, lossless):
    """Decode a TIFF, with OpenCV where tifffile lacks the codec of its compression."""
    # A damaged file can raise anything, zlib.error included.
    try:
        with tifffile.TiffFile(BytesIO(data)) as tiff:
            compression, shape = tiff.pages[0].compression, tiff.series[0].shape
            is_single_page = len(tiff.pages) == 1
    except Exception as error:
        raise ValueError(f"unreadable or truncated TIFF: {error}") from error
    if lossless and compression in _LOSSY_COMPRESSIONS:
        _check_lossless("JPEG")
    check_size(shape, max_pixels)
    try:
        return tifffile.imread(BytesIO(data))
    except Exception as error:
        # Of a stack OpenCV reads only the first.
        if "imagecodecs" in str(error) and is_single_page:
            return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        raise ValueError(f"unreadable or truncated TIFF: {error}") from error


class ColorError(ValueError):
    """An image has colors that are not gray."""


def as_gray(pixels):
    """Return the 2-D pixels of a gray image; it may be stored in equal channels."""
    # RosettaSciIO stores R, G and B as the fields of a structured dtype.
    if pixels.dtype.names:
        pixels = structured_to_unstructured(pixels)
    if pixels.dtype.kind not in "buif":
        raise ValueError(f"{pixels.dtype} pixels, expected integers, floats or bools")
    # OpenCV takes the bytes of big-endian pixels for native ones.
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        return _gray_of_channels(pixels)
    if pixels.ndim != 2:
        raise ValueError(f"shape {pixels.shape}, expected one 2-D image")
    return pixels


def _gray_of_channels(pixels):
    """Return the image that equal color channels hold; alpha must be opaque."""
    gray = pixels[..., 0]
    if (pixels[..., 1:3] != gray[..., None]).any():
        raise ColorError(f"color image, expected a gray one: {_TO_GRAY}")
    if pixels.shape[2] == 4 and (pixels[..., 3] != pixels[..., 3].max()).any():
        raise ValueError("image with transparency, expected a gray one without")
    return np.ascontiguousarray(gray)


def lossless_suffix(dtype):
    """Return the ending of a format that keeps every bit of this dtype."""
    return ".png" if dtype in (np.uint8, np.uint16) else ".tif"


def write_pixels(path, pixels):
    """Write a 2-D image as PNG or, by the file's suffix, as TIFF."""
    if Path(path).suffix == ".tif":
        tifffile.imwrite(path, pixels)
    else:
        # cv2.imwrite fails silently, and on Windows at names beyond ASCII.
        _, data = cv2.imencode(".png", np.ascontiguousarray(pixels))
        Path(path).write_bytes(data)
