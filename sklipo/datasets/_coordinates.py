"""Coordinates of particles that were picked: from STAR, EMAN .box, CSV or arrays."""

import re
from os import PathLike
from pathlib import Path, PureWindowsPath

import numpy as np
import pandas as pd

from ..particles._contents import as_floats
from ._complaints import end_sentence, raise_complaints
from ._csv import parse_csv
from ._pixel_files import check_file
from ._star_text import describe_blocks, read_star
from ._text_files import read_text

# What programs call what we call x, y, label and micrograph, in small letters.
_NAMES = {
    "x": ("x", "rlncoordinatex"),
    "y": ("y", "rlncoordinatey"),
    "label": ("label", "class", "sklipoclass"),
    "micrograph": ("micrograph", "rlnmicrographname"),
}
_NUMBER = r"[-+.\deE]+"
_TWO_NUMBERS = re.compile(rf"\s*{_NUMBER}\s*([,;\t])\s*{_NUMBER}\s*")
_N_LISTED = 3


def read_coordinates(source, micrograph=None):
    """Return x and y of the particles of a micrograph, and all further columns.

    ``source`` is a STAR, an EMAN .box, a CSV, an (n, 2) array of x and y or a table of
    them. If it has several micrographs, the name of one tells which. The index numbers
    the rows of the source.
    """
    try:
        if isinstance(source, str | PathLike):
            check_file(source)
            table = _read_file(Path(source))
        elif isinstance(source, pd.DataFrame):
            table = source.reset_index(drop=True)
        else:
            table = _as_table(source)
        table = _choose(_rename(table), micrograph)
    except ValueError as error:
        reason = end_sentence(error)
        raise ValueError(f"The {_name(source)} can't be read: {reason}") from error
    texts = table[["x", "y"]].astype(str).to_numpy()
    table = table.assign(x=as_floats(table["x"]), y=as_floats(table["y"]))
    is_bad = ~np.isfinite(table[["x", "y"]].to_numpy()).all(axis=1)
    complain(source, table.index, is_bad, texts, "are no numbers")
    return table


def _name(source):
    """Return what errors call a source of coordinates."""
    is_path = isinstance(source, str | PathLike)
    return f"coordinates {str(source)!r}" if is_path else "coordinates"


def complain(source, rows, is_bad, points, failure):
    """Raise an error that lists the rows of bad points, x and y, if there are any."""
    complaints = [
        f"row {row} ({x}, {y})" if bad else None
        for row, bad, (x, y) in zip(rows, is_bad, points, strict=True)
    ]
    raise_complaints(complaints, f"{_name(source)} {failure}: ")


def _read_file(path):
    """Return the table in a file of coordinates, by its suffix."""
    readers = {
        ".star": _read_star,
        ".box": _read_boxes,
        **dict.fromkeys((".csv", ".tsv", ".txt"), _read_csv),
    }
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise ValueError(f"expected a name that ends in one of {', '.join(readers)}")
    return readers[suffix](path)


def _read_star(path):
    """Return the rows of coordinates in a STAR."""
    _, blocks = read_star(path)
    for block in blocks.values():
        if {"rlnCoordinateX", "rlnCoordinateY"}.issubset(block.columns):
            return block.as_frame()
    raise ValueError(
        f"no columns rlnCoordinateX and rlnCoordinateY, only {describe_blocks(blocks)}"
    )


def _read_boxes(path):
    """Return the centers of the boxes of EMAN, which states corners and sizes."""
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    centers = []
    for i, line in enumerate(lines):
        fields = pd.to_numeric(pd.Series(line.split()[:4]), errors="coerce")
        x, y, width, height = [*fields, *[np.nan] * (4 - len(fields))]
        if not (width > 0 and height > 0):
            raise ValueError(
                f"row {i} is {line.strip()[:60]!r}, expected x, y, width and height"
            )
        centers.append((x + width // 2, y + height // 2))
    return pd.DataFrame(centers, columns=["x", "y"])


def _read_csv(path):
    """Return the table in a CSV, which needs no header if it is x and y alone."""
    text = read_text(path)
    first = text.lstrip().partition("\n")[0]
    if found := _TWO_NUMBERS.fullmatch(first):
        text = f"x{found[1]}y\n{text.lstrip()}"
    return parse_csv(text, {})


def _as_table(points):
    """Return an array of the shape (n, 2) as a table."""
    try:
        array = np.ma.filled(np.asanyarray(points), np.nan)
    # Lists whose lengths differ; what is masked among integers.
    except (TypeError, ValueError) as error:
        raise ValueError(f"NumPy makes no array of them: {error}") from error
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"their shape is {array.shape}, expected (n, 2): x and y")
    # Named, the type is not guessed anew, which ends at numbers that no float holds.
    dtype = object if array.dtype == object else None
    return pd.DataFrame(array, columns=["x", "y"], dtype=dtype)


def _rename(table):
    """Return a table with our names for x, y, label and micrograph."""
    plain = [str(name).strip().lower() for name in table.columns]
    names = {}
    for meaning, options in _NAMES.items():
        found = next((option for option in options if option in plain), None)
        if found is not None and plain.count(found) > 1:
            raise ValueError(f"{plain.count(found)} columns {found!r}, expected one")
        if found is not None:
            names[table.columns[plain.index(found)]] = meaning
    if not {"x", "y"}.issubset(names.values()):
        raise ValueError(
            f"no columns x and y among {list(table.columns)}; name them above the "
            "rows, x to the right and y down, in pixels"
        )
    if not len(table):
        raise ValueError("no rows")
    return table.rename(columns=names)


def _choose(table, micrograph):
    """Return the rows of one micrograph."""
    if "micrograph" not in table:
        return table
    names = table["micrograph"].astype(str)
    distinct = names.unique().tolist()
    if len(distinct) > 1:
        # RELION names micrographs by paths, and we by stems.
        found = [name for name in distinct if _is_named(name, micrograph)]
        if len(found) != 1:
            more = ", ..." if len(distinct) > _N_LISTED else ""
            listed = ", ".join(map(repr, distinct[:_N_LISTED])) + more
            raise ValueError(
                f"it has {len(distinct)} micrographs, {listed}, of which {len(found)} "
                f"are named {micrograph!r}; pass name=, as it stands there"
            )
        table = table[names == found[0]]
    return table.drop(columns="micrograph")


def _is_named(path, name):
    """Tell whether a path, its file or its stem has a name."""
    file = PureWindowsPath(path)
    return name in (path, file.name, file.stem)
