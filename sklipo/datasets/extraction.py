"""Cut particles out of a micrograph."""

from numbers import Integral, Real
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import find_objects

from ..images import ImageArray
from ._pixel_files import read_pixels
from .micrographs import Micrograph, read_micrograph

_LABEL_THEM = "number the particles with scipy.ndimage.label(mask)[0]"


def extract_particles(micrograph, labels, *, margin=50, pixel_size=None, name=None):
    """Cut all particles with their surrounding out of a micrograph.

    Parameters
    ----------
    micrograph : Micrograph, array-like of shape (height, width), str or path-like
        The image; a path is read by :func:`read_micrograph`.
    labels : array-like of int of shape (height, width), str or path-like
        The instance label image: 0 is background, and all pixels of one other number
        are one particle, in one piece or not. The numbers need not be consecutive. A
        path leads to a PNG (8 or 16 bit) or TIFF.
    margin : int, default=50
        Surrounding on each side of the particle in pixels, cut off at the edges of the
        micrograph. The default is that of [1]_.
    pixel_size : float, default=None
        Nanometers per pixel. None means that of `micrograph`, if it is known.
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
        If the image or `labels` is not 2-D, if they differ in shape, or if `labels`
        is not of integers, has negative numbers or no particle.

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
    micrograph, labels = np.asarray(micrograph), _read_labels(labels)
    _check_images(micrograph, labels)
    _check_sizes(margin, pixel_size)
    instances, boxes = _find_particles(labels)
    cutouts = _add_margin(boxes, margin, labels.shape)
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


def _read_labels(labels):
    """Return the label image, read from its file if it is a path."""
    if not isinstance(labels, str | PathLike):
        return np.asarray(labels)
    try:
        return read_pixels(labels)
    except ValueError as error:
        raise ValueError(f"labels {str(labels)!r} can't be read: {error}.") from error


def _check_images(micrograph, labels):
    """Raise an error unless both images are 2-D, of one shape, and labels are valid."""
    if micrograph.ndim != 2 or micrograph.shape != labels.shape:
        raise ValueError(
            f"The micrograph has shape {micrograph.shape}, labels {labels.shape}; "
            "expected one 2-D image each, of the same shape."
        )
    if labels.dtype.kind not in "iu":
        to_do = _LABEL_THEM if labels.dtype == bool else "try labels.astype(int)"
        raise ValueError(f"labels is {labels.dtype}, expected integers: {to_do}.")
    if labels.size and labels.min() < 0:
        raise ValueError(
            f"labels has negative numbers ({labels.min()}), expected 0 for background "
            "and positive numbers for particles."
        )
    if not labels.any():
        raise ValueError(f"labels has no particle, all is 0: {_LABEL_THEM}.")


def _check_sizes(margin, pixel_size):
    """Raise an error unless margin and pixel size are in their range."""
    if not isinstance(margin, Integral) or margin < 0:
        raise ValueError(f"margin is {margin!r}, expected an int of 0 or more.")
    if pixel_size is None:
        return
    if not (isinstance(pixel_size, Real) and 0 < pixel_size < np.inf):
        raise ValueError(f"pixel_size is {pixel_size!r}, expected nm above 0.")


def _find_particles(labels):
    """Return the particles' numbers and their boxes: top, left, bottom, right."""
    # Numbers can be as large as hashes, and find_objects lists all numbers up to the
    # largest: it gets codes without gaps instead.
    codes, instances = pd.factorize(labels.ravel(), sort=True)
    if instances[0] == 0:
        instances = instances[1:]
    else:
        codes += 1
    slices = find_objects(codes.reshape(labels.shape))
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
