"""Where particles lie on a micrograph, as other programs state it."""

import json
from numbers import Integral
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_integer_dtype

from ..particles._columns import strip_names
from ._coco import read_coco
from ._complaints import end_sentence
from ._geojson import read_geojson
from ._ilastik import read_ilastik
from ._instances import check_instances, clip_instances, tabulate
from ._label_images import check_labels, read_labels, tabulate_labels
from ._labelme import read_labelme
from ._mask_stacks import holds_stack, read_stack, read_stack_file
from ._pixel_files import check_file
from ._rois import read_rois
from ._text_files import read_text

_OF_IMAGEJ = (".roi", ".zip")
_OF_ILASTIK = (".h5", ".hdf5")
_OF_JSON = (".json", ".geojson")
_OF_PROGRAMS = (*_OF_IMAGEJ, *_OF_ILASTIK, *_OF_JSON)


def read_instances(source, shape=None, *, image=None):
    """Read where each particle of a micrograph lies, from whatever states it.

    Parameters
    ----------
    source : str, path-like, array-like or DataFrame
        One of

        - a label image, of shape (height, width): 0 is background, and all pixels of
          one other number are one particle, in one piece or not. The numbers need not
          be consecutive; floats may be whole numbers. Masked pixels are background. A
          path leads to a PNG or TIFF; of a PNG with a palette of colors the numbers are
          the indices;
        - a stack of masks, of shape (n, height, width), which may overlap; a path leads
          to a TIFF of several pages;
        - ``.roi`` or ``.zip``: regions of ImageJ: polygons, freehand and traced
          outlines, rectangles, ovals, and those composed of several;
        - ``.json``: annotations of COCO (polygons or run lengths) or of LabelMe, or a
          list of annotations of one image, as Segment Anything and COCO's "results"
          have it; numbers of categories are labels there;
        - ``.geojson`` (or ``.json``): objects of QuPath;
        - ``.h5``: objects of ilastik;
        - a table that this function returned, perhaps without some of its rows.
    shape : tuple of int, default=None
        Height and width of the micrograph. Masks are cut off at its edges. None means
        that it is unknown: outlines of a file may then reach beyond it.
    image : str, default=None
        The micrograph's name in a COCO file of several images, with or without folder
        and ending.

    Returns
    -------
    DataFrame
        One row per particle, in the order of the source, with the columns

        - ``mask``: its pixels, cut out as a box without margin.
        - ``top``, ``left``: row and column of the mask's first pixel.
        - ``instance``: its number or name in the source, made unique.
        - ``label``: its class, if the source states classes.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If the format needs a package of the extra ``em`` that is not installed.
    TypeError
        If a parameter is of another type.
    ValueError
        If the source can't be read, has no particle, or one without any pixel, or
        states another size of the micrograph than `shape`; if a particle lies outside
        of it; if a label image is not 2-D, is in color or a JPEG, whose numbers are
        blurred, is not of whole numbers or has negative ones; or if a COCO file has no
        such image, or several and none is named, or a list annotations of several.

    Warns
    -----
    UserWarning
        If the pixels of a number of a label image are several pieces, as of a mask
        whose particles are not numbered. Pieces are one if they touch, by a corner or
        by way of other particles, which may lie over one. Also if a number has most of
        the image's edge, and so seems to be background.

    See Also
    --------
    extract_particles : Cut the particles out of a micrograph; it takes the same.
    save_classes : Write predicted classes in most of these forms.

    Notes
    -----
    Each particle has a mask of its own, so that overlapping ones stay whole. A pixel
    belongs to an outline if its center lies inside, and a center on the line if the
    inside is to the left of or above it, as in ImageJ. Polygons of COCO hold the
    pixels that pycocotools gives them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.datasets import read_instances
    >>> labels = np.zeros((60, 80), int)
    >>> labels[10:20, 30:45] = 1
    >>> labels[50:, :6] = 7
    >>> read_instances(labels)
              mask  top  left  instance
    0  <10x15 bool>   10    30         1
    1   <10x6 bool>   50     0         7
    """
    shape = _check_shape(shape)
    if not (image is None or isinstance(image, str)):
        raise TypeError(f"image is {image!r}, expected a str or None.")
    if isinstance(source, pd.DataFrame) and not is_integer_dtype(source.columns):
        table, name = check_instances(strip_names(source)), "the table of instances"
    elif isinstance(source, str | PathLike):
        name = f"instances {str(source)!r}"
        table = _read_file(Path(source), shape, image, name)
    else:
        table, name = _read_array(source, shape), "instances"
    return table if shape is None else clip_instances(table, shape, name)


def _check_shape(shape):
    """Return the shape of the micrograph as two ints, or None."""
    if shape is None:
        return None
    try:
        height, width = shape
    except (TypeError, ValueError) as error:
        raise TypeError(f"shape is {shape!r}, expected (height, width).") from error
    for length in (height, width):
        if not isinstance(length, Integral) or isinstance(length, bool) or length < 0:
            raise ValueError(f"shape is {shape!r}, expected two ints of 0 or more.")
    return int(height), int(width)


def _read_labels(labels, shape):
    """Return the table of a label image of the micrograph's shape."""
    name = f"labels {str(labels)!r}" if isinstance(labels, str | PathLike) else "labels"
    labels = read_labels(labels)
    if shape is not None and labels.shape != shape:
        raise ValueError(
            f"The micrograph has shape {shape}, {name} {labels.shape}; expected one "
            "2-D image each, of the same shape."
        )
    check_labels(labels, name)
    return tabulate_labels(labels)


def _read_array(source, shape):
    """Return the table of a label image or a stack of masks in memory."""
    if _is_stack(source):
        return tabulate(read_stack(np.asarray(source), shape))
    return _read_labels(source, shape)


def _is_stack(array):
    """Tell whether an array is several masks, and no image in color."""
    try:
        shape = np.shape(array)
    # A list of rows that differ in length has none.
    except ValueError:
        return False
    return len(shape) == 3 and shape[2] > 4


def _read_file(path, shape, image, name):
    """Return the table of the instances in a file."""
    suffix = path.suffix.lower()
    if suffix in (".star", ".box", ".csv"):
        raise ValueError(
            f"{name} are coordinates without outlines; extract_particles and "
            "predict_micrographs take them with box=."
        )
    if suffix not in _OF_PROGRAMS and not holds_stack(path):
        return _read_labels(path, shape)
    try:
        check_file(path)
        return tabulate(_read_found(path, suffix, shape, image))
    except ValueError as error:
        raise ValueError(f"{name} can't be read: {end_sentence(error)}") from error


def _read_found(path, suffix, shape, image):
    """Return the instances in a file of another program, or on the pages of a TIFF."""
    if suffix in _OF_IMAGEJ:
        return read_rois(path)
    if suffix in _OF_ILASTIK:
        return read_ilastik(path, shape)
    if suffix in _OF_JSON:
        return _read_json(path, shape, image)
    return read_stack_file(path, shape)


def _read_json(path, shape, image):
    """Return the annotations of a JSON file, of the program that its keys tell."""
    try:
        data = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON, or is cut off: {error}") from error
    except RecursionError as error:
        raise ValueError("its lists are nested too deep") from error
    # A list is of features, or of annotations.
    first = data[0] if isinstance(data, list) and data else data
    keys = set(first) if isinstance(first, dict) else set()
    if "shapes" in keys:
        return read_labelme(data)
    if {"annotations", "images", "segmentation", "bbox", "image_id"} & keys:
        return read_coco(data, image, shape)
    return read_geojson(data)
