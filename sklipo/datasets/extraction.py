"""Cut particles out of a micrograph."""

from numbers import Integral
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from ..images import ImageArray
from ._gray import as_gray
from ._instances import find_boxes
from ._overlaps import find_enclosing, measure_overlaps
from ._picks import find_diameter, place_picks
from ._pixel_sizes import check_pixel_size
from .instances import read_instances
from .micrographs import Micrograph, read_micrograph


def extract_particles(
    micrograph,
    instances,
    *,
    margin=50,
    box=None,
    mask_diameter=None,
    pixel_size=None,
    name=None,
):
    """Cut all particles with their surrounding out of a micrograph.

    Parameters
    ----------
    micrograph : Micrograph, array-like of shape (height, width), str or path-like
        The image; a path is read by :func:`read_micrograph`.
    instances : array-like, DataFrame, str or path-like
        Which pixels are which particle: a label image of the micrograph's shape, masks,
        or a file of ImageJ, COCO, QuPath, LabelMe or ilastik. All that
        :func:`read_instances` takes, and what it returns. With `box`, where the
        particles were picked: a STAR of RELION, a ``.box`` of EMAN, a CSV or DataFrame
        of x and y (columns in any case, of which ``label`` or ``class`` becomes
        ``label``), or an array of the shape (n, 2) of x and y. These count pixels from
        the center of the first one. Of several micrographs in it, `name` tells which.
    margin : int, default=50
        Surrounding on each side of the particle in pixels, cut off at the edges of the
        micrograph. The default is that of [1]_.
    box : int, default=None
        Side of the square cut-outs around coordinates in pixels, cut off at the edges
        of the micrograph. It takes the place of `margin`.
    mask_diameter : float, default=None
        With `box`, the diameter of the particles in nm: masks are disks then. None
        means that there are no masks.
    pixel_size : float, default=None
        Nanometers per pixel, from 0.0001 to 1,000,000. None means that of `micrograph`,
        if it is known.
    name : str, default=None
        Name of the micrograph. None means the file's name without its ending, if
        `micrograph` is a path.

    Returns
    -------
    DataFrame
        The particle table, one row per particle, with the columns

        - ``image``: the cut-out; all of them share the pixels of one micrograph.
        - ``mask``: True for the pixels of this particle. Others that reach into the
          cut-out are surrounding.
        - ``pixel_size``: nm per pixel, if known.
        - ``instance``: its number or name in `instances`; of coordinates the row's
          number, from 1 on.
        - ``label``: its class, if `instances` states classes.
        - ``top``, ``left``: row and column of the cut-out's first pixel.
        - ``touches_border``: whether the particle reaches the micrograph's edge. A part
          of it may be missing then.
        - ``overlaps``: the share of its pixels that others hold as well, 0 to 1.
        - ``enclosed_by``: the instance that it lies within, the smallest if several
          enclose it, else missing. The holes of a mask count as within.
        - ``micrograph_height``, ``micrograph_width``: the micrograph's shape.
        - ``micrograph``: its name, if known.
        - ``mask_diameter``: with `mask_diameter` alone. It says that the mask is a disk
          and no outline.

        and all further columns of `instances`, if it is a table.

    Raises
    ------
    ValueError
        If the image is not 2-D, is in color, is a masked array, or has NaN or infinite
        pixels in a cut-out; if `instances` are the micrograph's own file, can't be read
        by :func:`read_instances`, are those of a micrograph of another shape, or have a
        column that is made here; if coordinates can't be read, are no numbers or lie
        outside of the micrograph; if `box` is larger than the micrograph, a disk larger
        than `box`, or its pixel size unknown.

    Warns
    -----
    UserWarning
        If a label image seems to be a mask, or to have a background that is not 0, as
        :func:`read_instances` tells.

    See Also
    --------
    read_instances : Read where the particles lie, without cutting them out.
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
    _refuse_same(micrograph, instances)
    micrograph, pixel_size, name = _open(micrograph, pixel_size, name)
    _check_parameters(margin, pixel_size, name)
    micrograph = _as_micrograph(micrograph)
    shape = micrograph.shape
    image = None if name is None else str(name)
    if box is None:
        if mask_diameter is not None:
            raise ValueError("mask_diameter is for coordinates: pass box= as well.")
        instances = read_instances(instances, shape, image=image)
        # A margin beyond the micrograph is cut off, however large its number is.
        cutouts = _add_margin(find_boxes(instances), min(margin, max(shape)), shape)
    else:
        diameter = find_diameter(box, mask_diameter, pixel_size, shape)
        instances, cutouts = place_picks(instances, shape, box, diameter, image)
    boxes = find_boxes(instances)
    _check_finite(micrograph, cutouts, instances["instance"])
    columns = {
        "image": _cut(micrograph, cutouts),
        "mask": _masks(instances["mask"], boxes, cutouts),
        "pixel_size": pixel_size,
        **{name: instances.get(name) for name in ("instance", "label")},
        "top": cutouts[:, 0],
        "left": cutouts[:, 1],
        # A side that cannot grow by one pixel lies on the edge.
        "touches_border": (boxes == _add_margin(boxes, 1, shape)).any(axis=1),
        "overlaps": measure_overlaps(instances, shape),
        "enclosed_by": find_enclosing(instances),
        "micrograph_height": shape[0],
        "micrograph_width": shape[1],
        "micrograph": name,
        "mask_diameter": None if mask_diameter is None else float(mask_diameter),
    }
    if box is not None and mask_diameter is None:
        # A box is not the particle.
        columns |= dict.fromkeys(["mask", "overlaps", "enclosed_by"])
    table = pd.DataFrame({key: c for key, c in columns.items() if c is not None})
    return pd.concat([table, _further(instances, table)], axis=1)


def _refuse_same(micrograph, instances):
    """Raise an error if one file is both: gray levels would number particles."""
    paths = [x for x in (micrograph, instances) if isinstance(x, str | PathLike)]
    if len(paths) == 2 and Path(paths[0]) == Path(paths[1]):
        raise ValueError(
            f"micrograph and instances are both {str(micrograph)!r}; pass as instances "
            "the file that says where its particles lie."
        )


def _open(micrograph, pixel_size, name):
    """Return pixels, their size and the micrograph's name, as far as they are known."""
    if isinstance(micrograph, str | PathLike):
        name = Path(micrograph).stem if name is None else name
        micrograph = read_micrograph(micrograph, pixel_size=pixel_size)
    if isinstance(micrograph, Micrograph):
        pixel_size = micrograph.pixel_size if pixel_size is None else pixel_size
        micrograph = micrograph.pixels
    return micrograph, pixel_size, name


def _further(instances, table):
    """Return the columns of instances that are the user's own."""
    ours = ["mask", "top", "left", "instance", "label"]
    further = instances.drop(columns=ours, errors="ignore")
    taken = [name for name in further.columns if name in table.columns]
    if taken:
        raise ValueError(
            f"The table of instances has columns {taken}, which are made anew; drop or "
            "rename them."
        )
    return further


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


def _check_parameters(margin, pixel_size, name):
    """Raise an error unless margin, pixel size and name are in their range."""
    if not isinstance(margin, Integral) or isinstance(margin, bool) or margin < 0:
        raise ValueError(f"margin is {margin!r}, expected an int of 0 or more.")
    if name is not None and not np.isscalar(name):
        raise ValueError(f"name is {name!r}, expected a str.")
    check_pixel_size(pixel_size)


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
            f"cut-outs, such as number {instances.iloc[np.argmax(bad)]}; fill them: "
            "micrograph[~numpy.isfinite(micrograph)] = numpy.nanmedian(micrograph)."
        )


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


def _masks(masks, boxes, cutouts):
    """Return for each cut-out the pixels of its particle, whose mask fills its box."""
    heights, widths = (cutouts[:, 2:] - cutouts[:, :2]).T
    starts = np.concatenate([[0], np.cumsum(heights * widths)])
    pixels = np.zeros(starts[-1], bool)
    inner = (boxes - np.tile(cutouts[:, :2], 2)).tolist()
    for i, (mask, box) in enumerate(zip(masks, inner, strict=True)):
        top, left, bottom, right = box
        cutout = pixels[starts[i] : starts[i + 1]].reshape(heights[i], widths[i])
        cutout[top:bottom, left:right] = mask
    return ImageArray.from_buffer(pixels, starts[:-1], heights, widths, widths)
