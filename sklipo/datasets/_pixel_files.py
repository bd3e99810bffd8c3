"""Gray images in files: read without any change of values, written without loss."""

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.lib.recfunctions import structured_to_unstructured

from ._checksums import check_seal, seal

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG_START = b"\x89PNG"
_PNG_END = b"IEND\xaeB`\x82"
_JPEG_START, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
_TO_GRAY = "convert it, for instance with cv2.imread(path, cv2.IMREAD_GRAYSCALE)"


def read_pixels(path):
    """Read one gray image; errors of its content do not name the file."""
    data = Path(path).read_bytes()
    if not data:
        raise ValueError("empty file")
    check_seal(data)
    decode = _decode_tiff if data.startswith(_TIFF_STARTS) else _decode_picture
    return as_gray(decode(data))


def _decode_picture(data):
    """Decode a PNG, JPEG or other format that OpenCV knows; refuse truncated data."""
    # OpenCV fills the missing rows of a JPEG with gray, old versions those of a PNG
    # as well. The end marker of a JPEG can also occur in its preview, before the scan.
    if data.startswith(_PNG_START) and _PNG_END not in data:
        raise ValueError("truncated")
    if data.startswith(_JPEG_START) and data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN):
        raise ValueError("truncated")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ValueError(f"unreadable: {error.err}") from error
    if pixels is None:
        raise ValueError("unreadable: damaged or no image")
    return pixels


def _decode_tiff(data):
    """Decode a TIFF, with OpenCV where tifffile lacks the codec of its compression."""
    try:
        return tifffile.imread(BytesIO(data))
    # A damaged file can raise anything, zlib.error included.
    except Exception as error:
        if "imagecodecs" in str(error) and _is_single_page(data):
            return _decode_picture(data)
        raise ValueError(f"unreadable or truncated TIFF: {error}") from error


def _is_single_page(data):
    """Tell whether a TIFF holds one image; of a stack OpenCV reads only the first."""
    with tifffile.TiffFile(BytesIO(data)) as tiff:
        return len(tiff.pages) == 1


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
        raise ValueError(f"color image, expected a gray one: {_TO_GRAY}")
    if pixels.shape[2] == 4 and (pixels[..., 3] != pixels[..., 3].max()).any():
        raise ValueError("image with transparency, expected a gray one without")
    return np.ascontiguousarray(gray)


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
