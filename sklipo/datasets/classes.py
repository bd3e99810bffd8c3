"""Predicted classes of particles to files that other programs open."""

from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import validate_params

from ..images import ImageDtype
from ..particles._class_colors import class_colors
from ..particles._columns import strip_names, with_levels
from ..particles._contents import check_pixel_sizes
from ..particles._labels import check_labels, encode, find_classes, warn_of_other_order
from ..particles._probabilities import PROBABILITY, check_probabilities, class_names
from ._class_image import write_class_image
from ._coco import write_coco
from ._complaints import end_sentence
from ._csv import encode_csv
from ._geojson import write_geojson
from ._instances import crop_masks, find_boxes, whole_numbers
from ._places import HOW_TO_GET_MASKS, find_places
from ._results import Results
from ._rois import write_rois
from ._star import write_star
from ._writing import check_place, write_whole

_NO_NAME = "micrograph"


@validate_params(
    {"particles": [pd.DataFrame], "path": [str, PathLike], "overwrite": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def save_classes(
    particles, y_pred, path, *, y_proba=None, classes=None, only=None, overwrite=False
):
    """Save predicted classes where the next program opens them.

    Parameters
    ----------
    particles : DataFrame
        The particle table, as :func:`extract_particles` and :func:`load_particles` make
        it.
    y_pred : array-like of shape (n_particles,)
        The class of each particle, in the order of the table.
    path : str or path-like
        Its ending chooses the format:

        - ``.tif`` or ``.tiff``: an image of the micrograph's size, 0 for background
          and 1, 2 ... for the classes in their order, of which colors show. Where
          particles overlap, the one whose class is most probable lies on top, without
          `y_proba` the last one. Its description lists the classes, and its pixel size
          is the micrograph's.
        - ``.zip``: regions of ImageJ, with names and a color for each class.
        - ``.json``: annotations of COCO, with categories and scores; they can be of
          several micrographs.
        - ``.geojson``: objects of QuPath, with classes and colors.
        - ``.star``: the rows of the STAR file that :func:`load_particles` read, with
          their classes.
        - ``.csv``: place in pixels and nm, diameter, ``prediction`` and
          ``probability_<class>`` of each particle. Of a table without places it has
          all columns but images.
    y_proba : array-like of shape (n_particles, n_classes), default=None
        Their probabilities, as ``predict_proba`` returns them.
    classes : array-like of shape (n_classes,), default=None
        All classes, in the order of the columns of `y_proba` and of their numbers and
        colors. None takes them from the columns of a DataFrame `y_proba`, less
        ``probability_`` in front, else the classes that occur in `y_pred`, sorted.
    only : object, default=None
        A class: only its particles are saved, in any format.
    overwrite : bool, default=False
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists already and `overwrite` is False, or is no regular file.
    FileNotFoundError
        If the folder to write to does not exist.
    ImportError
        If the format needs a package of the extra ``em`` that is not installed.
    OSError
        If the file can't be written: the disk is full, or a former one is read-only.
    TypeError
        If `particles` is no DataFrame, or `y_pred` holds neither names nor numbers of
        classes, or both.
    ValueError
        If `path` has another ending; if a column that the format needs is missing or
        has a value that is; if a mask is empty or reaches beyond its micrograph; if
        `y_pred` has a missing value or not one for each particle; if `y_proba` are no
        probabilities of the classes; if `y_pred` or `only` has an unknown class; if
        there are several micrographs, except for ``.json``, ``.csv`` and ``.star``, or
        more than 255 classes for an image; or, for a STAR, if the particles come from
        none or several, or `only` leaves none.

    Warns
    -----
    UserWarning
        If `y_pred` has the index of `particles` in another order: rows are matched by
        position.

    See Also
    --------
    read_instances : Read such files, but for tables and class images.
    save_particles : Save a particle table with its images.

    Notes
    -----
    A file is replaced as a whole or not at all: whatever goes wrong, `path` holds the
    former file or the new one.

    A model that may decline predicts a class that has no probability: append its name
    to `classes` and a column of zeros to `y_proba`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklipo.datasets import extract_particles, read_instances, save_classes
    >>> labels = np.zeros((60, 80), int)
    >>> labels[10:20, 30:45] = 1
    >>> labels[50:, :6] = 7
    >>> particles = extract_particles(np.ones((60, 80)), labels)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "classes.json"
    ...     save_classes(particles, ["full", "empty"], path)
    ...     read_instances(path)
              mask  top  left  instance  label
    0  <10x15 bool>   10    30         1   full
    1   <10x6 bool>   50     0         7  empty
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _FORMATS:
        raise ValueError(
            f"{str(path)!r}: expected a path ending in one of {', '.join(_FORMATS)}."
        )
    check_place(path, overwrite)
    write, needed = _FORMATS[suffix]
    particles = with_levels(strip_names(particles), ["micrograph"])
    results = _check(particles, y_pred, y_proba, classes)
    results = _locate(results, needed, suffix)
    if only is not None:
        results = _keep_only(results, only)
    try:
        write_whole(path, partial(write, results))
    except ValueError as error:
        reason = end_sentence(error)
        raise ValueError(f"{str(path)!r} can't be written: {reason}") from error


def _check(particles, y_pred, y_proba, classes):
    """Return what is to be written, with classes as text."""
    warn_of_other_order(particles, y_pred, "particles", "y_pred")
    y_pred = check_labels(y_pred, len(particles), name="y_pred")
    if isinstance(y_proba, pd.DataFrame):
        y_pred, y_proba, classes = _name_columns(y_pred, y_proba, classes)
    classes = find_classes(y_pred, classes=classes)
    confidence = None
    if y_proba is not None:
        y_proba = check_probabilities(y_proba, len(particles), classes)
        confidence = y_proba[np.arange(len(y_pred)), encode(y_pred, classes)]
    names = _as_text(classes).tolist()
    if y_proba is not None:
        y_proba = pd.DataFrame(y_proba, particles.index, names)
    y_pred = np.array(names, object)[encode(y_pred, classes)]
    colors = class_colors(names)
    return Results(particles, y_pred, names, confidence, y_proba, colors, [], {})


def _name_columns(y_pred, y_proba, classes):
    """Return all three, the classes named by the columns of a table if by nothing else.

    Columns of a table of results name classes as text.
    """
    names = class_names(y_proba)
    if list(names) != y_proba.columns.tolist():
        y_proba = y_proba.set_axis(names, axis=1)
        y_pred = _as_text(y_pred)
        if classes is not None:
            classes = _as_text(check_labels(classes, name="classes"))
    # Columns that pandas numbered have no names, unless classes are numbers.
    has_names = not isinstance(names, pd.RangeIndex) or y_pred.dtype.kind != "U"
    return y_pred, y_proba, names if classes is None and has_names else classes


def _as_text(labels):
    """Return labels as an array of text."""
    return np.array([str(label) for label in labels.tolist()])


def _locate(results, needed, suffix):
    """Return results whose masks are cut to their boxes, within their micrographs."""
    particles = results.particles
    missing = [name for name in needed if name not in particles]
    if missing:
        raise ValueError(
            f"particles has no column {missing[0]!r}, which {suffix} needs; "
            "extract_particles adds it to particles that it cuts from a micrograph. "
            f"{HOW_TO_GET_MASKS}"
        )
    if all(name in particles for name in _MASKS):
        masks = crop_masks(particles, "particles").set_index(particles.index)
        particles = particles.assign(**masks)
    if "pixel_size" in particles:
        particles = particles.assign(pixel_size=_check_sizes(particles["pixel_size"]))
    micrographs, shapes = [_NO_NAME] * len(particles), {}
    if needed and "micrograph" in particles:
        micrographs = _name_micrographs(particles["micrograph"])
    names = list(dict.fromkeys(micrographs))
    if len(names) > 1 and suffix in _OF_ONE_MICROGRAPH:
        raise ValueError(
            f"particles has {len(names)} micrographs, such as {names[:3]}, and a "
            f"{suffix} is of one. Save the particles of each by themselves, or all as "
            ".json or .csv."
        )
    if "micrograph_height" in needed:
        shapes = _find_shapes(particles, micrographs)
    return results._replace(particles=particles, micrographs=micrographs, shapes=shapes)


def _check_sizes(column):
    """Return pixel sizes as floats, NaN where they are unknown."""
    known = np.flatnonzero(column.notna())
    sizes = np.full(len(column), np.nan)
    sizes[known] = check_pixel_sizes(
        column.iloc[known], lambda i: f"row {known[i]} of particles"
    )
    return sizes


def _name_micrographs(column):
    """Return the names of micrographs as text."""
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise ValueError(
            f"row {missing[0]} of particles: micrograph is missing ({len(missing)} in "
            "all); name it, or drop the column if all are of one micrograph."
        )
    return [str(name) for name in column]


def _find_shapes(particles, micrographs):
    """Return height and width of each micrograph; no mask may reach beyond it."""
    columns = ("micrograph_height", "micrograph_width")
    sizes = np.column_stack(
        [whole_numbers(particles, name, "particles") for name in columns]
    )
    shapes = {}
    for i, (name, size) in enumerate(zip(micrographs, sizes.tolist(), strict=True)):
        if min(size) < 1 or shapes.setdefault(name, tuple(size)) != tuple(size):
            raise ValueError(
                f"row {i} of particles: micrograph {name!r} is {size[0]} x {size[1]} "
                "pixels, expected one size above 0 in all rows of a micrograph."
            )
    boxes = find_boxes(particles)
    beyond = (boxes[:, :2] < 0) | (boxes[:, 2:] > sizes)
    bad = np.flatnonzero(beyond.any(axis=1))
    if len(bad):
        top, left, bottom, right = boxes[bad[0]].tolist()
        height, width = sizes[bad[0]].tolist()
        raise ValueError(
            f"row {bad[0]} of particles: its mask has rows {top} to {bottom - 1} and "
            f"columns {left} to {right - 1}, beyond its micrograph of {height} x "
            f"{width} pixels ({len(bad)} such rows in all)."
        )
    return shapes


def _keep_only(results, only):
    """Return the results of one class."""
    if str(only) not in results.classes:
        raise ValueError(
            f"only is {only!r}, expected one of the classes {results.classes}."
        )
    kept = results.y_pred == str(only)
    confidence, y_proba = results.confidence, results.y_proba
    return results._replace(
        particles=results.particles[kept],
        y_pred=results.y_pred[kept],
        confidence=None if confidence is None else confidence[kept],
        y_proba=None if y_proba is None else y_proba[kept],
        micrographs=[results.micrographs[i] for i in np.flatnonzero(kept)],
    )


def _write_csv(results, path):
    """Write where particles lie, their sizes, classes and probabilities."""
    table = results.particles
    if all(name in table for name in _MASKS):
        table = find_places(table)
    else:
        is_image = [isinstance(dtype, ImageDtype) for dtype in table.dtypes]
        table = table.drop(columns=table.columns[is_image])
    table = table.assign(prediction=results.y_pred)
    if results.y_proba is not None:
        table = pd.concat([table, results.y_proba.add_prefix(PROBABILITY)], axis=1)
    path.write_bytes(encode_csv(table))


_OF_ONE_MICROGRAPH = (".tif", ".tiff", ".zip", ".geojson")
_MASKS = ("mask", "top", "left")
_SIZES = ("micrograph_height", "micrograph_width")
# What writes a format, and the columns that it needs.
_FORMATS = {
    ".tif": (write_class_image, _MASKS + _SIZES),
    ".tiff": (write_class_image, _MASKS + _SIZES),
    ".zip": (write_rois, _MASKS),
    ".json": (write_coco, _MASKS + _SIZES),
    ".geojson": (write_geojson, _MASKS),
    ".star": (write_star, ()),
    ".csv": (_write_csv, ()),
}
