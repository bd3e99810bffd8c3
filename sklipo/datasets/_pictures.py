"""Pictures (PNG, JPEG ...), decoded by OpenCV."""

import cv2
import numpy as np

from ._gray import as_gray, check_lossless, check_size, orient
from ._picture_headers import png_labels, read_header


def read_picture(data, max_pixels, lossless):
    """Return the gray pixels of a picture, turned as its EXIF data say."""
    header = read_header(data)
    if lossless:
        check_lossless(header.kind)
    if header.kind == "BMP of OS/2":
        # OpenCV makes one gray of colors that are equally bright.
        raise ValueError("a BMP of OS/2; save it as PNG")
    if header.n_frames > 1:
        raise ValueError(f"animated, of {header.n_frames} images; expected one")
    check_size((header.height, header.width), max_pixels)
    factor = 1
    if lossless:
        # In a label image the palette's numbers are labels, its colors decoration.
        data, factor = png_labels(data)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ValueError(f"unreadable: {error.err}") from error
    if pixels is None:
        raise ValueError(f"unreadable: damaged {header.kind}")
    pixels = as_gray(orient(pixels, header.orientation))
    return pixels if factor == 1 else pixels // factor
