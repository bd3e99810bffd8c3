"""Tables with a row per micrograph: its file, that of its instances, and what else."""

import os
import re
from collections import Counter, defaultdict
from glob import glob
from numbers import Real
from os import PathLike
from pathlib import Path

import pandas as pd

from ..datasets._csv import parse_csv
from ..datasets._parquet import read_parquet
from ..datasets._text_files import read_text
from ..particles._columns import strip_names, warn_of_near_names, with_levels
from ..particles._contents import LEAST_PIXEL, MOST_PIXEL
from ._parts import read_named

_PATHS = ("micrograph", "instances")
_READERS = {
    ".csv": lambda path: parse_csv(read_text(path), {}),
    ".parquet": read_parquet,
}
# What programs add to the name of a micrograph, such as "_cp_masks" of Cellpose.
_ADDED = re.compile(
    r"[ ._-]((cp[_-])?masks?|instances?|labels?|rois?|roiset|seg|segmentation"
    "|annotations?|particles)$",
    re.IGNORECASE,
)
_COMPRESSED = {".gz", ".bz2", ".xz"}
_N_LISTED = 5


def open_micrographs(table, root):
    """Return a checked table of micrographs, and the folder of its paths."""
    if isinstance(table, str | PathLike):
        path = Path(table).resolve()
        table = _read(path)
        root = path.parent if root is None else root
    root = Path(root or "").resolve()
    if isinstance(table, tuple | list):
        table = _pair_files(table, root)
    elif not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"table is a {type(table).__name__}; expected a pandas DataFrame with "
            "columns 'micrograph' and 'instances', the path of such a table in CSV or "
            "Parquet, or a pair of patterns such as ('mics/*.mrc', 'rois/*.zip')."
        )
    return _check(table, root), root


def _read(path):
    """Return the table in a CSV or Parquet file."""
    if not path.exists():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    read = _READERS.get(path.suffix.lower())
    if read is None or not path.is_file():
        raise ValueError(
            f"{str(path)!r}: expected a table of micrographs, a file with the ending "
            f"{' or '.join(_READERS)}. For all files of a folder, pass a pair of "
            "patterns, such as ('mics/*.mrc', 'rois/*.zip')."
        )
    return read_named(path, read)


def _check(table, root):
    """Return the table with names and values as they are used, or raise an error."""
    table = with_levels(table, _PATHS).reset_index(drop=True).rename(columns=_strip)
    table = strip_names(table)
    no_texts = [name for name in table.columns if not isinstance(name, str)]
    if no_texts:
        raise ValueError(f"The table has columns {no_texts}, whose names are no text.")
    lacking = [name for name in _PATHS if name not in table.columns]
    if lacking:
        raise ValueError(
            f"The table has no column {lacking[0]!r}, only {list(table.columns)}; "
            "rename the one that holds the paths of these files: "
            f"table.rename(columns={{'name': {lacking[0]!r}}})."
        )
    if not len(table):
        raise ValueError("The table has no rows, expected one per micrograph.")
    table = table.assign(**{name: _check_paths(table[name]) for name in _PATHS})
    warn_of_near_names(table, "pixel_size")
    if "pixel_size" in table.columns:
        table["pixel_size"] = _check_pixel_sizes(table["pixel_size"])
    _refuse_twice(table["micrograph"], root)
    return table


def _strip(name):
    """Return the name of a column, less the spaces around one that is used."""
    stripped = name.strip() if isinstance(name, str) else name
    return stripped if stripped in _PATHS else name


def _check_paths(column):
    """Return a column of paths as texts; raise an error if there are others."""
    for row, path in enumerate(column):
        is_path = isinstance(path, str | PathLike) and os.fspath(path)
        if not (is_path and isinstance(is_path, str) and is_path.strip()):
            raise ValueError(
                f"The column {column.name!r} holds {path!r} in row {row}, expected the "
                "path of a file; drop rows that have none: "
                f"table.dropna(subset=[{column.name!r}])."
            )
    return pd.Series([os.fspath(path) for path in column], dtype=object)


def _check_pixel_sizes(column):
    """Return pixel sizes as floats, NaN where none is stated, or raise an error."""
    sizes = []
    for row, size in enumerate(column):
        is_number = isinstance(size, Real) and not isinstance(size, bool)
        if size is None or size is pd.NA or (is_number and size != size):
            size = float("nan")
        elif not (is_number and LEAST_PIXEL <= size <= MOST_PIXEL):
            raise ValueError(
                f"pixel_size is {size!r} in row {row}, expected nm from {LEAST_PIXEL} "
                f"to {MOST_PIXEL:.0f}, or NaN for that of the micrograph's file."
            )
        sizes.append(float(size))
    return sizes


def _refuse_twice(micrographs, root):
    """Raise an error if two rows have one micrograph: its particles would be twice."""
    rows = defaultdict(list)
    for row, path in enumerate(micrographs):
        rows[os.path.normpath(root / path)].append(row)
    twice = [path for path, numbers in rows.items() if len(numbers) > 1]
    if twice:
        raise ValueError(
            f"{len(twice)} of {len(rows)} micrographs are in several rows, such as "
            f"{twice[0]!r} in rows {rows[twice[0]][:_N_LISTED]}, and their particles "
            "would be counted several times; keep one row of each."
        )


def _pair_files(patterns, root):
    """Return the table of the files that two patterns name, paired by their stems."""
    if len(patterns) != 2 or not all(isinstance(p, str | PathLike) for p in patterns):
        raise TypeError(
            f"table is {patterns!r}; expected two patterns, of the micrographs and of "
            "their instances, such as ('mics/*.mrc', 'rois/*.zip')."
        )
    micrographs, instances = (_find(os.fspath(pattern), root) for pattern in patterns)
    # "mics/*.tif" finds what lies beside the micrographs, too.
    others = set(instances)
    micrographs = [path for path in micrographs if path not in others]
    by_stem = _by_stem(micrographs, _stem)
    found = _by_stem(instances, lambda path: _micrograph_of(path, by_stem))
    unpaired = [by_stem[stem] for stem in by_stem if stem not in found]
    unpaired += [found[stem] for stem in found if stem not in by_stem]
    if unpaired or not by_stem:
        listed = ", ".join(map(repr, unpaired[:_N_LISTED]))
        more = len(unpaired) - _N_LISTED
        raise ValueError(
            f"{len(unpaired)} files of {patterns!r} have no partner: {listed}"
            f"{f' and {more} more' if more > 0 else ''}. The file of instances is named"
            " as the micrograph, perhaps with an addition such as _masks: a.mrc and "
            "a_masks.tif. Pass a table for other names."
        )
    return pd.DataFrame(
        {"micrograph": by_stem.values(), "instances": [found[stem] for stem in by_stem]}
    )


def _find(pattern, root):
    """Return the files that a pattern names, in order."""
    found = glob(pattern, root_dir=root, recursive=True)
    # One file has one name, by "*.png" as by "./*.png".
    paths = sorted({os.path.normpath(path) for path in found})
    files = [path for path in paths if (root / path).is_file()]
    if not files:
        raise FileNotFoundError(f"There is no file {pattern!r} in {str(root)!r}.")
    return files


def _by_stem(paths, to_stem):
    """Return a dict of stems to paths; raise an error if two have one stem."""
    stems = [to_stem(path) for path in paths]
    twice = [stem for stem, n in Counter(stems).items() if n > 1]
    if twice:
        same = [path for path, stem in zip(paths, stems, strict=True) if stem in twice]
        raise ValueError(
            f"{len(same)} files can't be told apart by their names without folder and "
            f"ending, such as {same[:_N_LISTED]}; pass a table that names the two "
            "files of each micrograph."
        )
    return dict(zip(stems, paths, strict=True))


def _stem(path):
    """Return the name of a file without folder and ending."""
    path = Path(path)
    return Path(path.stem).stem if path.suffix.lower() in _COMPRESSED else path.stem


def _micrograph_of(path, stems):
    """Return the stem of the micrograph that a file of instances is named after."""
    stem = _stem(path)
    return stem if stem in stems else _ADDED.sub("", stem)
