"""Particles as small gray pictures of 8 bits, and their masks as bits."""

from base64 import b64encode
from math import isqrt

import cv2
import numpy as np

from ...images._resizing import resize_image
from ...particles._outlines import crop

# A longer side is made smaller. The large view of a page shows 512 pixels at most, on a
# fine screen; a page of many particles has fewer, so that it opens at once and
# fits into a mail.
_LONGEST, _SHORTEST = 512, 160
_PIXELS_OF_PAGE = 2**25
# A few hot or dead pixels would otherwise take all contrast from the others.
_PERCENTILES = (0.1, 99.9)
# Of 90 on, noise looks as it did. Without loss a file is larger by two thirds.
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 90]
# Types that OpenCV resizes.
_RESIZABLE = {"uint8", "uint16", "float32", "float64"}


def longest_side(n_particles):
    """Return how many pixels a picture of a page has on its longer side at most."""
    side = isqrt(_PIXELS_OF_PAGE // n_particles)
    return min(max(side, _SHORTEST), _LONGEST)


def draw_picture(image, longest):
    """Return an image as text of a JPEG, and the gray values of its black and white."""
    small = _shrink(np.asarray(image), longest)
    low, high = map(float, np.percentile(small, _PERCENTILES))
    # What is constant is gray.
    if not high > low:
        low, high = low - 1, high + 1
    # Before the difference: that of extreme floats would overflow.
    levels = (small.astype(float) - low) / (high - low) * 255
    pixels = np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
    return b64encode(cv2.imencode(".jpg", pixels, _QUALITY)[1]).decode(), low, high


def pack_mask(mask):
    """Return a mask as text of its bits, and height, width, top and left of its box."""
    box, top, left = crop(np.asarray(mask), 0, 0)
    return [b64encode(np.packbits(box)).decode(), *box.shape, top, left]


def _shrink(image, longest):
    """Return an image whose longer side is no longer than so many pixels."""
    scale = longest / max(image.shape)
    if image.dtype.name not in _RESIZABLE:
        image = image.astype(float)
    if scale >= 1:
        return image
    # OpenCV takes no other order of bytes or axes.
    image = np.ascontiguousarray(image, image.dtype.newbyteorder("="))
    shape = [max(1, round(side * scale)) for side in image.shape]
    out = np.empty(shape, image.dtype)
    resize_image(image, out)
    return out
