"""Many small images in one picture."""

import numpy as np

from .._extras import import_extra

# The colour between small images: neither black nor white, which are values.
_GAP_COLOUR = "0.7"

# Labels along one side of a mosaic that are readable still.
_MOST_LABELS = 16


def get_axes(ax, figsize, n_rows=1, n_columns=1, **subplots_kw):
    """Return the caller's axes as a grid, or those of a new figure."""
    if ax is None:
        plt = import_extra("matplotlib.pyplot", "plot")
        subplots_kw = {"layout": "compressed", "squeeze": False, **subplots_kw}
        _, ax = plt.subplots(n_rows, n_columns, figsize=figsize, **subplots_kw)
    axes = np.asarray(ax, dtype=object)
    for one in axes.flat:
        if not hasattr(one, "imshow"):
            raise TypeError(
                f"ax holds a {type(one).__name__}; expected matplotlib axes."
            )
    if axes.size != n_rows * n_columns:
        raise ValueError(
            f"ax holds {axes.size} axes; this picture needs {n_rows * n_columns}, such "
            f"as pyplot.subplots({n_rows}, {n_columns})[1], or none."
        )
    return axes.reshape(n_rows, n_columns)


def show_image(ax, image, **imshow_kw):
    """Draw one image without ticks, and return what ``imshow`` returns."""
    ax.set(xticks=[], yticks=[])
    imshow_kw["aspect"] = _aspect(image.shape)
    return ax.imshow(image, interpolation="nearest", **imshow_kw)


def limits_of(images):
    """Return what gives images one scale, as parameters of ``imshow``."""
    return {"vmin": np.min(images), "vmax": np.max(images)}


def robust_limits(images):
    """Return what gives images one scale that few outlying pixels do not stretch."""
    low, high = np.percentile(images, (1, 99))
    return {"vmin": low, "vmax": high}


def symmetric_limits(images):
    """Return what gives images one scale with zero in its middle."""
    limit = np.abs(images).max() or 1.0
    return {"vmin": -limit, "vmax": limit}


def columns_of_mosaic(n_images):
    """Return the number of columns of a mosaic that is about twice as wide as high.

    It is a round number, so that one can count by it.
    """
    rounds = (n for n in (1, 2, 4, 8, 10, 16, 20) if 2 * n_images <= n * n)
    return min(next(rounds, 32), n_images)


def draw_mosaic(ax, images, n_columns, **imshow_kw):
    """Draw images of one shape side by side, and return what ``imshow`` returns."""
    colours = import_extra("matplotlib", "plot").colormaps[imshow_kw.pop("cmap")]
    colours = colours.with_extremes(bad=_GAP_COLOUR)
    picture = _mosaic(images, n_columns)
    imshow_kw["aspect"] = _aspect(images.shape[1:])
    shown = ax.imshow(picture, cmap=colours, interpolation="nearest", **imshow_kw)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return shown


def tick_mosaic(ax, image_shape, row_labels, column_labels):
    """Put a label beside each row and below each column, or at every so many."""
    axes = ((ax.set_yticks, row_labels), (ax.set_xticks, column_labels))
    for (set_ticks, labels), length in zip(axes, image_shape, strict=True):
        step = -(-len(labels) // _MOST_LABELS)
        centres = np.arange(len(labels)) * (length + 1) + (length + 1) / 2
        set_ticks(centres[::step], labels[::step])


def number_mosaic(ax, image_shape, n_images, n_columns):
    """Label the images of a mosaic: an image's number is the sum of two labels."""
    starts = range(0, n_images, n_columns)
    offsets = range(min(n_columns, n_images))
    tick_mosaic(ax, image_shape, list(starts), [f"+{i}" for i in offsets])


def _aspect(shape):
    """Return how to draw pixels: as squares, those of a strip as high as it fits."""
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
