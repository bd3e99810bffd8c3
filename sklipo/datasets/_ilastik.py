"""Objects in the HDF5 files that ilastik exports.

Its names are those of ilastik's source, ``ilastik/utility/exportFile.py``.
"""

import json
from contextlib import contextmanager

import numpy as np

from .._extras import import_extra
from ..particles._masks import as_mask
from ..particles._outlines import crop
from ._gray import MAX_PIXELS, check_size
from ._instances import Instance
from ._label_images import check_labels, read_labels, tabulate_labels

# A column of the table has the name of ilastik 1.x, or one of older versions.
_NUMBERS = ("labelimage_oid", "ilastik_id")
_TIMES = ("timestep", "time")
_LEFTS = ("Bounding Box Minimum_0", "Coord<Minimum>_0")
_TOPS = ("Bounding Box Minimum_1", "Coord<Minimum>_1")
# The user's label goes before what ilastik predicts; "0" is an object without one.
_LABELS = ("User Label", "Predicted Class")
_NO_LABELS = ("", "0")
_KINDS = {"t": "points in time", "z": "planes of a volume", "c": "channels"}
_N_LISTED = 5


def read_ilastik(path, shape=None):
    """Return the instances in an HDF5 file of ilastik.

    That is a label image ("Object Identities"), or the table of objects with a cut-out
    of each. A label image may have the table beside it, which tells the classes.
    """
    h5py = import_extra("h5py", "em")
    with _naming_damage():
        file = h5py.File(path, "r")
    with file:
        datasets = {}

        def keep(name, found):
            # What is no UTF-8 has a name of bytes, and is none of ilastik's.
            if isinstance(found, h5py.Dataset) and isinstance(name, str):
                datasets[name] = found

        with _naming_damage():
            file.visititems(keep)
        table = datasets.pop("table", None)
        if table is not None:
            table = _load_table(table)
        if table is not None and any(name.endswith("/labeling") for name in datasets):
            return _read_cutouts(table, datasets)
        return _read_image(_only_image(datasets), table, shape)


@contextmanager
def _naming_damage():
    """Turn any error of the HDF5 library into a ValueError."""
    try:
        yield
    # A damaged file can raise anything.
    except Exception as error:
        # The operating system's own errors, such as a lack of rights, have a number.
        if getattr(error, "errno", None):
            raise
        message = f"it is no HDF5 file, or it is damaged or cut off: {error}"
        raise ValueError(message) from error


def _load_table(dataset):
    """Return the table of objects as a structured array, of one point in time."""
    if not dataset.dtype.names or dataset.ndim != 1:
        raise ValueError(
            f"its 'table' has shape {dataset.shape} and no columns, expected one row "
            "for each object, as ilastik writes it"
        )
    with _naming_damage():
        table = dataset[...]
    times = _find_column(table, _TIMES)
    n_times = len(np.unique(times)) if times is not None else 1
    if n_times > 1:
        raise ValueError(
            f"its 'table' has {n_times} points in time, expected one micrograph; "
            "export each of them to a file of its own"
        )
    return table


def _find_column(table, names):
    """Return a column of whichever of these names, None if there is none."""
    found = [name for name in names if name in table.dtype.names]
    return table[found[0]] if found else None


def _find_numbers(table, names):
    """Return a column of whole numbers, of whichever of these names."""
    column = _find_column(table, names)
    if column is None:
        raise ValueError(
            f"its 'table' has no column {names[0]!r}, only "
            f"{list(table.dtype.names[:_N_LISTED])} ...; choose it when you export"
        )
    if column.dtype.kind not in "iuf":
        raise ValueError(f"{names[0]!r} in its 'table' is {column.dtype}, not numbers")
    bad = np.flatnonzero(~np.isfinite(column) | (column < 0) | (column % 1 != 0))
    if len(bad):
        raise ValueError(
            f"row {bad[0]} of its 'table' has {column[bad[0]]} as {names[0]!r}, "
            "expected a whole number of 0 or more"
        )
    return column.astype(np.int64)


def _find_labels(table):
    """Return the class of each object, None where there is none."""
    labels = [None] * len(table)
    for name in reversed(_LABELS):
        if name not in table.dtype.names:
            continue
        for i, value in enumerate(table[name].tolist()):
            is_bytes = isinstance(value, bytes)
            text = value.decode("utf-8", "replace") if is_bytes else str(value)
            if text not in _NO_LABELS:
                labels[i] = text
    return labels


def _read_cutouts(table, datasets):
    """Return the instances of a table with a cut-out of each object's mask."""
    numbers = _find_numbers(table, _NUMBERS).tolist()
    places = [_find_numbers(table, names).tolist() for names in (_TOPS, _LEFTS)]
    instances = []
    for i, (top, left) in enumerate(zip(*places, strict=True)):
        name = f"images/{i}/labeling"
        if name not in datasets:
            raise ValueError(f"it has no {name!r} for row {i} of its 'table'")
        pixels = _load_plane(datasets[name])
        try:
            # The table tells where the object lies, whatever its cut-out's margin is.
            mask, _, _ = crop(as_mask(pixels), 0, 0)
        except ValueError as error:
            raise ValueError(f"its {name!r} {error}") from error
        instances.append(Instance(mask, top, left, numbers[i]))
    labels = _find_labels(table)
    return [
        found._replace(label=label)
        for found, label in zip(instances, labels, strict=True)
    ]


def _only_image(datasets):
    """Return the only image among datasets, whatever its name is."""
    # Raw images lie beside the table's cut-outs.
    images = {
        name: found
        for name, found in datasets.items()
        if found.ndim >= 2 and not name.startswith("images/") and not found.dtype.names
    }
    if len(images) == 1:
        return next(iter(images.values()))
    listed = {name: found.shape for name, found in (images or datasets).items()}
    some = dict(list(listed.items())[:_N_LISTED])
    if images:
        raise ValueError(
            f"it has {len(images)} images, {some}, expected one; export 'Object "
            "Identities' to a file of its own, or pass the right one as an array, "
            "h5py.File(path)[name][()]"
        )
    raise ValueError(
        f"it has no image, only {some or 'groups'}; export 'Object Identities', or the "
        "table of object features with images"
    )


def _read_image(dataset, table, shape):
    """Return the instances of a label image, with classes from a table, if any."""
    labels = read_labels(_load_plane(dataset))
    if shape is not None and labels.shape != shape:
        raise ValueError(
            f"its image {dataset.name!r} has shape {labels.shape}, but the micrograph "
            f"{shape}; are these the objects of another micrograph?"
        )
    check_labels(labels)
    classes = {} if table is None else _find_classes(table, labels, dataset.name)
    found = tabulate_labels(labels)
    numbers = found["instance"].tolist()
    tops, lefts = found["top"].tolist(), found["left"].tolist()
    places = zip(found["mask"], tops, lefts, numbers, strict=True)
    return [Instance(*place, classes.get(place[-1])) for place in places]


def _find_classes(table, labels, name):
    """Return the classes that a table gives to the numbers of a label image."""
    listed = _find_numbers(table, _NUMBERS).tolist()
    numbers = set(np.unique(labels).tolist()) - {0}
    if set(listed) != numbers:
        raise ValueError(
            f"its image {name!r} has {len(numbers)} numbers up to {max(numbers)}, but "
            f"its 'table' {len(listed)} objects up to {max(listed, default=0)}; export "
            "'Object Identities', not 'Object Predictions', whose numbers are classes"
        )
    return dict(zip(listed, _find_labels(table), strict=True))


def _load_plane(dataset):
    """Return the image that a dataset holds, its rows first."""
    name = dataset.name.lstrip("/")
    axes = _read_axes(dataset, name)
    lengths = dict(zip(axes, dataset.shape, strict=True))
    for key, kind in _KINDS.items():
        if lengths.get(key, 1) > 1:
            raise ValueError(
                f"its {name!r} has {lengths[key]} {kind}, expected one image of "
                "numbers of objects; export each of them to a file of its own"
            )
    height, width = lengths.get("y", 1), lengths.get("x", 1)
    check_size((height, width), MAX_PIXELS)
    with _naming_damage():
        pixels = dataset[()]
    kept = [key for key in axes if key in "yx"]
    plane = np.asarray(pixels).reshape([lengths[key] for key in kept])
    return (plane.T if kept == ["x", "y"] else plane).reshape(height, width)


def _read_axes(dataset, name):
    """Return one letter for each axis of a dataset, of "tzcyx"."""
    with _naming_damage():
        tags = dataset.attrs.get("axistags")
    if tags is None:
        return _guess_axes(dataset.shape, name)
    try:
        axes = [str(axis["key"]) for axis in json.loads(tags)["axes"]]
    except (TypeError, ValueError, KeyError) as error:
        raise ValueError(f"its {name!r} has 'axistags' that are damaged") from error
    is_known = set(axes) <= set("tzcyx") and len(set(axes)) == len(axes)
    if not is_known or len(axes) != dataset.ndim:
        raise ValueError(
            f"its {name!r} has the axes {axes} by its 'axistags', but the shape "
            f"{dataset.shape}"
        )
    return axes


def _guess_axes(shape, name):
    """Return the axes of an image without tags: all but two have a length of 1."""
    if len(shape) == 2:
        return ["y", "x"]
    n_longer = sum(length > 1 for length in shape)
    if n_longer > 2:
        raise ValueError(
            f"its {name!r} has the shape {shape} and no 'axistags', expected one image"
        )
    keys = iter("yx"[2 - n_longer :])
    return [next(keys) if length > 1 else "c" for length in shape]
