"""Cut particles out of a micrograph."""

from numbers import Integral, Real
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import find_objects

from ..images import ImageArray
from ..particles._contents import LEAST_PIXEL, MOST_PIXEL
from ._gray import as_gray
from ._label_images import (
    check_labels,
    read_labels,
    warn_of_background,
    warn_of_pieces,
)
from .micrographs import Micrograph, read_micrograph


def extract_particles(micrograph, labels, *, margin=50, pixel_size=None, name=None):
    """Cut all particles with their surrounding out of a micrograph.

    Parameters
    ----------
    micrograph : Micrograph, array-like of shape (height, width), str or path-like
        The image; a path is read by :func:`read_micrograph`.
    labels : array-like of int of shape (height, width), str or path-like
        The instance label image: 0 is background, and all pixels of one other number
        are one particle, in one piece or not. The numbers need not be consecutive;
        floats may be whole numbers. Masked pixels are background. A path leads to a PNG
        or TIFF; of a PNG with a palette of colors the numbers are the indices.
    margin : int, default=50
        Surrounding on each side of the particle in pixels, cut off at the edges of the
        micrograph. The default is that of [1]_.
    pixel_size : float, default=None
        Nanometers per pixel, from 0.0001 to 1,000,000. None means that of `micrograph`,
        if it is known.
    name : str, default=None
        Name of the micrograph. None means the file's name without its ending, if
        `micrograph` is a path.

    Returns
    -------
    DataFrame
        The particle table, one row per particle, ordered by number, with the columns

        - ``image``: the cut-out; all of them share the pixels of one micrograph.
        - ``mask``: True for the pixels of this particle. Others that reach into the
          cut-out are surrounding.
        - ``pixel_size``: nm per pixel, if known.
        - ``instance``: its number in `labels`.
        - ``top``, ``left``: row and column of the cut-out's first pixel.
        - ``touches_border``: whether the particle reaches the micrograph's edge. A part
          of it may be missing then.
        - ``micrograph``: its name, if known.

    Raises
    ------
    ValueError
        If the image or `labels` is not 2-D, is in color, or if they differ in shape; if
        `labels` is not of whole numbers, has negative numbers or no particle, or is a
        JPEG, whose numbers are blurred; if the image is a masked array, or has NaN or
        infinite pixels in a cut-out.

    Warns
    -----
    UserWarning
        If the pixels of a number are several pieces, as of a mask whose particles are
        not numbered. Pieces are one if they touch, by a corner or by way of other
        particles, which may lie over one. Also if a number has most of the micrograph's
        edge, and so seems to be background.

    See Also
    --------
    load_particles : Load particles that are cut out already.
    read_micrograph : Read a micrograph and its pixel size.

    References
    ----------
    .. [1] S. Gryshkevych, "Convolutional neural networks for classification of
       transmission electron microscopy imagery", Uppsala University, 2016, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.datasets import extract_particles
    >>> labels = np.zeros((60, 80), int)
    >>> labels[10:20, 30:45] = 1
    >>> labels[50:, :6] = 7
    >>> particles = extract_particles(np.ones((60, 80)), labels, margin=5)
    >>> particles[["image", "instance", "top", "left", "touches_border"]]
                 image  instance  top  left  touches_border
    0  <20x25 float64>         1    5    25           False
    1  <15x11 float64>         7   45     0            True
    """
    if isinstance(micrograph, str | PathLike):
        name = Path(micrograph).stem if name is None else name
        micrograph = read_micrograph(micrograph)
    if isinstance(micrograph, Micrograph):
        pixel_size = micrograph.pixel_size if pixel_size is None else pixel_size
        micrograph = micrograph.pixels
    _check_parameters(margin, pixel_size, name)
    micrograph, labels = _as_micrograph(micrograph), read_labels(labels)
    _check_shapes(micrograph, labels)
    check_labels(labels)
    instances, boxes = _find_particles(labels)
    # A margin beyond the micrograph is cut off, however large its number is.
    margin = min(margin, max(labels.shape))
    cutouts = _add_margin(boxes, margin, labels.shape)
    _check_finite(micrograph, cutouts, instances)
    columns = {
        "image": _cut(micrograph, cutouts),
        "mask": _masks(labels, instances, cutouts),
        "pixel_size": pixel_size,
        "instance": instances,
        "top": cutouts[:, 0],
        "left": cutouts[:, 1],
        # A side that cannot grow by one pixel lies on the edge.
        "touches_border": (boxes == _add_margin(boxes, 1, labels.shape)).any(axis=1),
        "micrograph": name,
    }
    return pd.DataFrame({key: c for key, c in columns.items() if c is not None})


def _as_micrograph(micrograph):
    """Return the image as a 2-D array of numbers."""
    if isinstance(micrograph, np.ma.MaskedArray):
        raise ValueError(
            "The micrograph is a masked array, and particles keep no masked pixels; "
            "fill them, as micrograph.filled(numpy.ma.median(micrograph)) does."
        )
    try:
        return as_gray(np.asarray(micrograph))
    except ValueError as error:
        raise ValueError(f"The micrograph can't be used: {error}.") from error


def _check_shapes(micrograph, labels):
    """Raise an error unless the images have one shape."""
    if micrograph.shape != labels.shape:
        raise ValueError(
            f"The micrograph has shape {micrograph.shape}, labels {labels.shape}; "
            "expected one 2-D image each, of the same shape."
        )


def _check_parameters(margin, pixel_size, name):
    """Raise an error unless margin, pixel size and name are in their range."""
    if not isinstance(margin, Integral) or isinstance(margin, bool) or margin < 0:
        raise ValueError(f"margin is {margin!r}, expected an int of 0 or more.")
    if name is not None and not np.isscalar(name):
        raise ValueError(f"name is {name!r}, expected a str.")
    if pixel_size is None:
        return
    is_number = isinstance(pixel_size, Real) and not isinstance(pixel_size, bool)
    if not (is_number and LEAST_PIXEL <= pixel_size <= MOST_PIXEL):
        raise ValueError(
            f"pixel_size is {pixel_size!r}, expected nm above 0, from {LEAST_PIXEL} to "
            f"{MOST_PIXEL:.0f}."
        )


def _check_finite(micrograph, boxes, instances):
    """Raise an error if there are pixels in the boxes that are no numbers."""
    if micrograph.dtype.kind != "f" or np.isfinite(micrograph).all():
        return
    bad = [
        not np.isfinite(micrograph[top:bottom, left:right]).all()
        for top, left, bottom, right in boxes
    ]
    if any(bad):
        raise ValueError(
            f"{sum(bad)} of {len(bad)} particles have NaN or infinite pixels in their "
            f"cut-outs, such as number {instances[np.argmax(bad)]}; fill them: "
            "micrograph[~numpy.isfinite(micrograph)] = numpy.nanmedian(micrograph)."
        )


def _find_particles(labels):
    """Return the particles' numbers and their boxes: top, left, bottom, right.

    Warn of numbers that seem to be several particles, or background.
    """
    # Numbers can be as large as hashes, and find_objects lists all numbers up to the
    # largest: it gets codes without gaps instead.
    codes, instances = pd.factorize(labels.ravel(), sort=True)
    if instances[0] == 0:
        instances = instances[1:]
    else:
        codes += 1
    codes = codes.reshape(labels.shape)
    warn_of_background(codes, instances)
    warn_of_pieces(codes, instances)
    slices = find_objects(codes)
    boxes = [(y.start, x.start, y.stop, x.stop) for y, x in slices]
    return instances, np.array(boxes, np.int64)


def _add_margin(boxes, margin, shape):
    """Return boxes grown on each side, cut off at the edges of the micrograph."""
    grown = boxes + margin * np.array([-1, -1, 1, 1])
    return grown.clip(0, np.tile(shape, 2))


def _cut(micrograph, boxes):
    """Return the images within the boxes, all in one copy of the micrograph."""
    top, left, bottom, right = boxes.T
    width = micrograph.shape[1]
    return ImageArray.from_buffer(
        # A copy: if the caller changes the micrograph later, no particle changes.
        np.array(micrograph, order="C").ravel(),
        top * width + left,
        bottom - top,
        right - left,
        np.full(len(boxes), width),
    )


def _masks(labels, instances, boxes):
    """Return for each box the pixels of its particle."""
    heights, widths = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    starts = np.concatenate([[0], np.cumsum(heights * widths)])
    pixels = np.empty(starts[-1], bool)
    for i, (top, left, bottom, right) in enumerate(boxes.tolist()):
        mask = pixels[starts[i] : starts[i + 1]].reshape(heights[i], widths[i])
        np.equal(labels[top:bottom, left:right], instances[i], out=mask)
    return ImageArray.from_buffer(pixels, starts[:-1], heights, widths, widths)
