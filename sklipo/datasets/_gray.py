"""Decoded pixels: the limit of their number, and the one gray image they must hold."""

import math

import numpy as np
from numpy.lib.recfunctions import structured_to_unstructured

# The largest cameras have 8k x 8k pixels, scanned images 16k x 16k: these are the most
# that are decoded without being asked to.
MAX_PIXELS = 2**28

# The formats that may change pixels.
_LOSSY = {"JPEG", "WebP", "JPEG 2000", "JPEG XR", "JPEG XL", "AVIF", "LERC"}
_TO_GRAY = (
    "where colors are labels, give each a number of its own; a micrograph, convert it, "
    "for instance with cv2.imread(path, cv2.IMREAD_GRAYSCALE)"
)


def check_size(shape, max_pixels):
    """Refuse an image or stack of too many pixels."""
    n_pixels = math.prod(shape)
    if n_pixels > max_pixels:
        raise ValueError(
            f"{' x '.join(map(str, shape))} = {n_pixels} pixels, more than max_pixels="
            f"{max_pixels}; if the file is no mistake and fits into memory, raise "
            "max_pixels"
        )


def check_lossless(kind):
    """Refuse a format that changes pixels."""
    if kind in _LOSSY:
        raise ValueError(
            f"{kind} changes pixels, which makes wrong masks and labels; make them "
            "anew and save them as PNG or TIFF without loss"
        )


def choose_image(image, titles, shapes, preferred):
    """Return the index of one image in a file, and a note if others were as likely."""
    if image is None and len(preferred) == 1:
        return preferred[0], None
    listed = f"{len(titles)} images, of shapes {shapes}, titles {titles}"
    if image is None:
        return preferred[0], f"holds {listed}; image={preferred[0]} is read"
    found = [i for i, title in enumerate(titles) if image in (i, title)]
    if len(found) != 1:
        raise ValueError(
            f"image={image!r} is in it {len(found)} times, expected a number or title "
            f"of its {listed}"
        )
    return found[0], None


def choose_frame(frame, shape):
    """Return the index of one image in a stack of this shape."""
    n_frames = shape[0]
    if n_frames == 1 and frame is None:
        return 0
    if n_frames == 1:
        raise ValueError(f"frame={frame} is given, but the file holds no stack")
    if frame is None:
        raise ValueError(
            f"a stack of {n_frames} images, shape {tuple(shape)}, expected one image: "
            f"read_micrograph(path, frame=0) to frame={n_frames - 1} reads one"
        )
    if not 0 <= frame < n_frames:
        raise ValueError(f"frame={frame}, expected 0 to {n_frames - 1}")
    return frame


def orient(pixels, orientation):
    """Return pixels turned and mirrored to what a tag of TIFF or EXIF, 1 to 8, says."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


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
    if pixels.ndim == 3 and 1 <= pixels.shape[2] <= 4:
        pixels = _gray_of_channels(pixels)
    if pixels.ndim != 2:
        raise ValueError(f"shape {pixels.shape}, expected one 2-D image")
    return np.ascontiguousarray(pixels)


def _gray_of_channels(pixels):
    """Return the image that equal color channels hold; alpha must be opaque."""
    n_colors = pixels.shape[2] - (pixels.shape[2] in (2, 4))
    colors, alpha = pixels[..., :n_colors], pixels[..., n_colors:]
    if (colors != colors[..., :1]).any():
        raise ColorError(f"color image, expected a gray one: {_TO_GRAY}")
    if alpha.size and (alpha != alpha.max()).any():
        raise ValueError("image with transparency, expected a gray one without")
    return colors[..., 0]
