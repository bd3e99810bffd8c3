"""Tables of instances: where each particle of a micrograph lies, pixel by pixel."""

from numbers import Real
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..images import ImageArray, ImageDtype
from ..particles._outlines import crop
from ._complaints import list_first

_N_LISTED = 3
_FAR = 2**31


class Instance(NamedTuple):
    """One particle as a file states it; its mask may reach beyond the micrograph."""

    mask: np.ndarray
    top: int
    left: int
    name: int | str | None = None
    label: str | None = None


def tabulate(instances):
    """Return the table of :class:`Instance` objects, their masks cut to their boxes."""
    if not instances:
        raise ValueError("it has no particle")
    cropped = [crop(found.mask, found.top, found.left) for found in instances]
    masks, tops, lefts = zip(*cropped, strict=True)
    names = _number([found.name for found in instances])
    found = zip(names.tolist(), masks, strict=True)
    empty = [name for name, mask in found if not mask.size]
    if empty:
        raise ValueError(
            f"{len(empty)} of {len(names)} particles hold no pixel's center, or lie "
            f"outside of their image, such as {_list(empty)}; remove them"
        )
    labels = [found.label for found in instances]
    columns = {
        "mask": ImageArray(masks),
        "top": np.array(tops, np.int64),
        "left": np.array(lefts, np.int64),
        "instance": names,
        "label": labels if any(label is not None for label in labels) else None,
    }
    return pd.DataFrame({key: c for key, c in columns.items() if c is not None})


def check_instances(table):
    """Return a table of instances; raise an error unless it has what it needs."""
    lacking = [name for name in ("mask", "top", "left") if name not in table.columns]
    if lacking:
        raise ValueError(
            f"The table of instances has no column {lacking[0]!r}, only "
            f"{list(table.columns)}; read_instances makes one that has all. If its "
            "rows are positions, pass box= and mask_diameter= as well."
        )
    first = crop_masks(table, "the table of instances")
    others = table.drop(columns=["mask", "top", "left"]).reset_index(drop=True)
    if "instance" not in others:
        others.insert(0, "instance", np.arange(1, len(table) + 1))
    _check_unique(others["instance"])
    return pd.concat([first, others], axis=1)


def crop_masks(table, name):
    """Return a table of mask, top and left of each row, masks cut to their boxes."""
    if not isinstance(table["mask"].dtype, ImageDtype):
        raise ValueError(
            f"The column 'mask' of {name} holds no images; make it by "
            "sklipo.ImageArray(masks)."
        )
    if not len(table):
        raise ValueError(f"{name[0].upper()}{name[1:]} has no row.")
    tops, lefts = (whole_numbers(table, column, name) for column in ("top", "left"))
    masks = table["mask"].array
    bad = np.flatnonzero(masks.isna())
    if not len(bad):
        places = zip(masks, tops, lefts, strict=True)
        cropped = [crop(mask != 0, *at) for mask, *at in places]
        bad = [i for i, (mask, *_) in enumerate(cropped) if not mask.size]
    if len(bad):
        raise ValueError(
            f"row {bad[0]} of {name}: the mask is empty or missing ({len(bad)} in "
            "all); drop such rows."
        )
    masks, tops, lefts = zip(*cropped, strict=True)
    return pd.DataFrame({"mask": ImageArray(masks), "top": tops, "left": lefts})


def clip_instances(table, shape, name):
    """Return a table whose masks are cut off at the edges of the micrograph."""
    boxes = find_boxes(table)
    inner = boxes.clip(0, np.tile(shape, 2))
    outside = (inner[:, :2] >= inner[:, 2:]).any(axis=1)
    masks = table["mask"].array
    cut = np.flatnonzero((inner != boxes).any(axis=1) & ~outside)
    if len(cut):
        images = list(masks)
        for i in cut:
            rows, columns = (
                slice(inner[i, k] - boxes[i, k], inner[i, k + 2] - boxes[i, k])
                for k in (0, 1)
            )
            images[i], *inner[i, :2] = crop(images[i][rows, columns], *inner[i, :2])
            outside[i] = not images[i].size
        masks = ImageArray(images)
    if outside.any():
        names = table["instance"][outside].tolist()
        raise ValueError(
            f"{len(names)} of {len(table)} particles of {name} lie outside of the "
            f"micrograph of shape {tuple(shape)}, such as {_list(names)}; are these "
            "the particles of another micrograph, or of one of another size?"
        )
    if not len(cut):
        return table
    return table.assign(mask=masks, top=inner[:, 0], left=inner[:, 1])


def find_boxes(table):
    """Return top, left, bottom, right of the masks of a table, one row for each."""
    places = table[["top", "left"]].to_numpy(np.int64)
    return np.hstack([places, places + table["mask"].array.shapes])


def list_names(table):
    """Return the names of instances as ints or text, or else the number of the row."""
    if "instance" not in table:
        return list(range(1, len(table) + 1))
    names = [
        row if pd.isna(name) else name
        for row, name in enumerate(table["instance"].tolist(), 1)
    ]
    # Whole numbers beside missing ones are floats.
    is_whole = [isinstance(name, Real) and name % 1 == 0 for name in names]
    return [
        int(name) if whole else str(name)
        for name, whole in zip(names, is_whole, strict=True)
    ]


def _number(names):
    """Return a unique name for each particle: numbers where a file has no names."""
    if all(isinstance(name, int | np.integer) for name in names):
        numbers = np.array(names)
        # Those that fit into no type of integers are text.
        if len(set(names)) == len(names) and numbers.dtype.kind in "iu":
            return numbers
    if all(name is None for name in names):
        return np.arange(1, len(names) + 1)
    taken, unique = set(), []
    for i, name in enumerate(names, 1):
        text = candidate = str(i) if name is None else str(name)
        count = 1
        while candidate in taken:
            count += 1
            candidate = f"{text} ({count})"
        taken.add(candidate)
        unique.append(candidate)
    return np.array(unique, object)


def _check_unique(names):
    """Raise an error unless each particle has a name of its own, or a number."""
    # What is missing is no number, or differs from itself.
    bad = [x for x in names.tolist() if not isinstance(x, str | Real) or x != x]
    failure = "as a name"
    if not bad:
        bad, failure = names[names.duplicated()].tolist(), "more than once"
    if bad:
        raise ValueError(
            f"The column 'instance' has {bad[0]!r} {failure}; expected a number or "
            "name of its own for each particle of one micrograph."
        )


def whole_numbers(table, column, name):
    """Return a column of whole numbers as ints."""
    numbers = pd.to_numeric(table[column], errors="coerce")
    numbers = numbers.to_numpy(float, na_value=np.nan)
    # Zero for what is far beyond any micrograph, and for NaN.
    near = np.where(abs(numbers) < _FAR, numbers, 0)
    bad = np.flatnonzero(near.round() != numbers)
    if len(bad):
        raise ValueError(
            f"row {bad[0]} of {name}: {column} is {table[column].iloc[bad[0]]}, "
            "expected a whole number of pixels."
        )
    return near.astype(np.int64)


def _list(names):
    """Return a few names as text."""
    return list_first([repr(name) for name in names], _N_LISTED)
