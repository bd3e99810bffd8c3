"""TIFF files: the values as they are stored, whichever decoder reads them."""

import math
import struct
from contextlib import contextmanager

import cv2
import numpy as np
import tifffile
from tifffile import PHOTOMETRIC

from ._checksums import check_seal
from ._gray import (
    as_gray,
    check_lossless,
    check_size,
    choose_frame,
    choose_image,
    orient,
)
from ._pixel_sizes import PixelSize
from ._tiff_sizes import find_size

_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_LOSSY = {
    6: "JPEG",
    7: "JPEG",
    22610: "JPEG XR",
    33003: "JPEG 2000",
    33004: "JPEG 2000",
    33005: "JPEG 2000",
    33007: "JPEG",
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "JPEG",
    34934: "JPEG XR",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
# MINISWHITE says how to show the values, as a color map of ImageJ does.
_GRAY_OR_RGB = {
    PHOTOMETRIC.MINISWHITE,
    PHOTOMETRIC.MINISBLACK,
    PHOTOMETRIC.RGB,
    PHOTOMETRIC.PALETTE,
    PHOTOMETRIC.MASK,
}
_ORIENTATION, _PHOTOMETRIC = 274, 262


def is_tiff(start):
    """Tell by its first bytes whether a file is a TIFF."""
    return start.startswith(_STARTS)


def read_tiff(file, frame, image, max_pixels, lossless):
    """Return the gray pixels, their PixelSize and a note of what was not read."""
    with _opened(file) as images:
        shapes = [_stack_shape(series) for series in images]
        titles = [series.name for series in images]
        number, note = choose_image(image, titles, shapes, range(len(images)))
        index = choose_frame(frame, shapes[number])
        pixels = _read_frame(file, images[number], index, max_pixels, lossless)
        return pixels, _find_size(images[number].keyframe), note


def count_frames(file):
    """Return the number of images in a file that are of one shape, 1 if they differ."""
    with _opened(file) as images:
        shapes = [_stack_shape(series) for series in images]
        is_alike = len({shape[1:] for shape in shapes}) == 1
        return sum(shape[0] for shape in shapes) if is_alike else 1


def read_frames(file, *, max_pixels):
    """Give the gray pixels of each image in a file, one after another, without loss."""
    with _opened(file) as images:
        for series in images:
            for index in range(_stack_shape(series)[0]):
                yield _read_frame(file, series, index, max_pixels, lossless=True)


@contextmanager
def _opened(file):
    """Open a TIFF; give the series of its images."""
    check_seal(file)
    with _naming_damage(file):
        tiff = tifffile.TiffFile(file)
    with tiff:
        with _naming_damage(file):
            _check_last_page(tiff)
            images = _full_images(tiff)
            if not images:
                raise ValueError("it has no image")
        yield images


def _read_frame(file, series, index, max_pixels, lossless):
    """Return the gray pixels of one frame of a series."""
    page, shape = series.keyframe, _stack_shape(series)
    _check_page(page, lossless)
    is_paged = shape[0] == len(series.pages)
    check_size(shape[1:] if is_paged else shape, max_pixels)
    with _naming_damage(file):
        pixels = _decode(series, index if is_paged else None)
        pixels = pixels.reshape(-1, *shape[1:])[0 if is_paged else index]
    return _as_shown(pixels, page, lossless)


def _as_shown(pixels, page, lossless):
    """Return the gray image that the pixels of a page are, turned as its tags say."""
    if page.photometric == PHOTOMETRIC.PALETTE:
        pixels = _through_palette(pixels, page, lossless)
    if page.axes.startswith("S") and pixels.ndim == 3:
        pixels = np.moveaxis(pixels, 0, -1)
    return as_gray(orient(pixels, page.tags.valueof(_ORIENTATION, 1)))


def _find_size(page):
    """Return the PixelSize of the turned image, None if the file states none."""
    size = find_size(page)
    if size and page.tags.valueof(_ORIENTATION, 1) >= 5:
        return PixelSize(size.width, size.height, size.width_unit, size.height_unit)
    return size


@contextmanager
def _naming_damage(file):
    """Turn any error of the decoder into a ValueError, but for a missing package."""
    try:
        yield
    # A damaged file can raise anything, zlib.error included.
    except Exception as error:
        # Without imagecodecs tifffile names it, or looks for modules of new Pythons.
        if "imagecodecs" in str(error) or isinstance(error, ImportError):
            raise ImportError(
                f"The compression of {str(file.name)!r} needs the package imagecodecs, "
                "of the extra 'em': pip install sklipo[em]"
            ) from error
        raise ValueError(f"damaged or truncated TIFF: {error}") from error


def _check_last_page(tiff):
    """Raise an error if a page should follow that can't be read."""
    # tifffile only logs it, and leaves it out. Some files point back to a page.
    form, file, start = tiff.tiff, tiff.filehandle, tiff.pages[-1].offset
    file.seek(start)
    (n_tags,) = struct.unpack(form.tagnoformat, file.read(form.tagnosize))
    file.seek(n_tags * form.tagsize, 1)
    following = file.read(form.offsetsize)
    if struct.unpack(form.offsetformat, following)[0] > start:
        raise ValueError(f"cut off, more should follow after {len(tiff.pages)} pages")


def _full_images(tiff):
    """Return the images of a file without previews and masks of transparency."""
    full = [s for s in tiff.series if not s.keyframe.is_reduced | s.keyframe.is_mask]
    return full or list(tiff.series)


def _stack_shape(series):
    """Return the shape of a series as a stack of pages: the first axis counts them."""
    page = series.keyframe
    shape = (math.prod(series.shape) // math.prod(page.shape), *page.shape)
    if page.axes == "SYX" and series.kind == "shaped" and shape[0] == 1:
        # tifffile.imwrite takes three or four images for the planes of one in color.
        return shape[1:]
    if shape[-1] == 1 and shape[0] > 1:
        # An image of shape (height, width, 1), written as pages of one column.
        return (1, *shape[:-1])
    return shape


def _check_page(page, lossless):
    """Refuse other colors than RGB and, with lossless, compression with a loss."""
    if lossless:
        check_lossless(_LOSSY.get(page.compression, ""))
    is_jpeg = _LOSSY.get(page.compression) == "JPEG"
    # The JPEG decoder makes RGB of these.
    if is_jpeg and page.photometric == PHOTOMETRIC.YCBCR:
        return
    if page.photometric not in _GRAY_OR_RGB:
        name = getattr(page.photometric, "name", page.photometric)
        raise ValueError(f"its pixels are {name} colors, expected a gray image")


def _decode(series, index):
    """Return the pixels of one page, or of all if the index is None."""
    if any(page is None for page in series.pages):
        raise ValueError("parts of the image are in other files")
    try:
        return series.parent.asarray(key=index, series=series)
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        if len(series.parent.pages) > 1:
            raise
        pixels = _decode_by_opencv(series.keyframe)
        if pixels is None:
            raise
        return pixels


def _decode_by_opencv(page):
    """Return the stored pixels of the only page, None if OpenCV does not know it."""
    file = page.parent.filehandle
    file.seek(0)
    data = bytearray(file.read())
    # OpenCV would invert or color the values and turn the image.
    changes = {_ORIENTATION: 1}
    if page.photometric in (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.PALETTE):
        changes[_PHOTOMETRIC] = int(PHOTOMETRIC.MINISBLACK)
    for code, value in changes.items():
        if code in page.tags:
            place = page.tags[code].valueoffset
            struct.pack_into(f"{page.parent.byteorder}H", data, place, value)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.shape != page.shape:
        return None
    if page.bitspersample == 1:
        return pixels > 0
    if pixels.itemsize * 8 != page.bitspersample:
        return None
    return pixels.view(page.dtype)


def _through_palette(pixels, page, lossless):
    """Return the grays that a palette gives to numbers; refuse one of colors."""
    # For ImageJ and Zeiss a palette is how to show values, with colors of overlays.
    if page.parent.is_imagej or page.parent.is_sem:
        return pixels
    palette = page.colormap
    if pixels.dtype.kind == "b":
        pixels = pixels.view(np.uint8)
    is_palette = np.shape(palette)[:1] == (3,) and pixels.dtype.kind == "u"
    if not is_palette or pixels.max() >= palette.shape[1]:
        raise ValueError("damaged: its palette does not have all colors of its pixels")
    used = np.bincount(pixels.ravel(), minlength=palette.shape[1]) > 0
    if (palette[1:, used] != palette[0, used]).any():
        if lossless:
            # The numbers are labels.
            return pixels
        raise ValueError(
            "colors of a palette, expected a gray image; where their numbers are the "
            "values, read these with tifffile.imread(path) and pass the array"
        )
    # A palette has 16 bits, of which a few programs use the lower half.
    grays = palette[0] >> (8 if palette.max() > 255 else 0)
    return grays.astype(np.uint8)[pixels]
