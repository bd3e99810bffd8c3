"""Images on axes: one alone, or many of one shape as a mosaic."""

import numpy as np

from .._extras import import_extra

# The color between small images: neither black nor white, which are values.
_GAP_COLOR = "0.7"

# More labels than this along one side of a mosaic run into each other.
_MOST_LABELS = 16


def show_image(ax, image, **imshow_kw):
    """Draw one image without ticks, and return what ``imshow`` returns."""
    ax.set(xticks=[], yticks=[])
    imshow_kw["aspect"] = _aspect(image.shape)
    return ax.imshow(image, interpolation="nearest", **imshow_kw)


def full_limits(images):
    """Return one scale for all images as parameters of ``imshow``."""
    return {"vmin": np.min(images), "vmax": np.max(images)}


def robust_limits(images):
    """Return one scale for all images that a few outlying pixels do not stretch."""
    low, high = np.percentile(images, (1, 99))
    return {"vmin": low, "vmax": high}


def symmetric_limits(images):
    """Return one scale for all images with zero in its middle."""
    # matplotlib needs two limits that differ, even where all is zero.
    limit = np.abs(images).max() or 1.0
    return {"vmin": -limit, "vmax": limit}


def mosaic_columns(n_images):
    """Return the number of columns of a mosaic that is about twice as wide as high.

    It is a round number, which makes counting easy.
    """
    rounds = (n for n in (1, 2, 4, 8, 10, 16, 20) if 2 * n_images <= n * n)
    return min(next(rounds, 32), n_images)


def draw_mosaic(ax, images, n_columns, **imshow_kw):
    """Draw images of one shape side by side, and return what ``imshow`` returns."""
    colormaps = import_extra("matplotlib", "plot").colormaps
    colors = colormaps.get_cmap(imshow_kw.pop("cmap"))
    # The gaps are NaN, which a color map calls bad.
    colors = colors.with_extremes(bad=_GAP_COLOR)
    picture = _mosaic(images, n_columns)
    imshow_kw["aspect"] = _aspect(images.shape[1:])
    shown = ax.imshow(picture, cmap=colors, interpolation="nearest", **imshow_kw)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return shown


def tick_mosaic(ax, image_shape, row_labels, column_labels):
    """Label the rows and columns of a mosaic, or every n-th where they are many."""
    axes = ((ax.set_yticks, row_labels), (ax.set_xticks, column_labels))
    for (set_ticks, labels), length in zip(axes, image_shape, strict=True):
        step = -(-len(labels) // _MOST_LABELS)
        centers = np.arange(len(labels)) * (length + 1) + (length + 1) / 2
        set_ticks(centers[::step], labels[::step])


def number_mosaic(ax, image_shape, n_images, n_columns):
    """Label a mosaic such that an image's number is the sum of its two labels."""
    starts = range(0, n_images, n_columns)
    offsets = range(min(n_columns, n_images))
    tick_mosaic(ax, image_shape, list(starts), [f"+{i}" for i in offsets])


def _aspect(shape):
    """Return how to draw pixels: as squares, or those of a strip as high as fits."""
    # A strip of square pixels would be a line too thin to see.
    return "auto" if min(shape) == 1 < max(shape) else "equal"


def _mosaic(images, n_columns):
    """Return images in rows of a big one, with one pixel of NaN around each."""
    n_images, height, width = images.shape
    n_rows = -(-n_images // n_columns)
    picture = np.full((n_rows * (height + 1) + 1, n_columns * (width + 1) + 1), np.nan)
    for i, image in enumerate(images):
        y, x = i // n_columns * (height + 1) + 1, i % n_columns * (width + 1) + 1
        picture[y : y + height, x : x + width] = image
    return picture
