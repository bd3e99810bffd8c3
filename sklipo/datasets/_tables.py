"""Tables of image and mask paths: from CSV, Parquet or JSON."""

import json
from collections import Counter

import pandas as pd

from ..particles._columns import near_names, tidy_columns
from ._csv import parse_csv
from ._parquet import read_parquet
from ._pixel_files import IMAGE_SUFFIXES
from ._text_files import read_text

# The keys that the author of the thesis used in JSON.
_JSON_COLUMNS = {
    "Image": "image",
    "Mask": "mask",
    "Class": "label",
    "Padding": "padding",
    "PixelSize": "pixel_size",
    "Micrograph": "micrograph",
}


def read_table(path, columns, to_rename="columns={}"):
    """Read a table with an image column, its columns renamed as the user asks.

    ``to_rename`` is how a user can ask, with a dict of names in place of {}.
    """
    readers = {
        ".csv": _read_csv,
        ".parquet": _read_parquet,
        ".json": _read_json,
        ".jsonl": _read_json,
    }
    suffix = path.suffix.lower()
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {str(path)!r}.")
    if suffix not in readers:
        expected = ", ".join([*readers, ".star"])
        raise ValueError(
            f"{str(path)!r}: expected a folder or one of {expected}. Other tables can "
            "be read by pandas and passed as a DataFrame."
        )
    if not path.is_file():
        raise ValueError(f"{str(path)!r} is no regular file, expected a table.")
    try:
        return rename_columns(*readers[suffix](path, columns), to_rename)
    # The errors of json are ValueErrors.
    except ValueError as error:
        raise ValueError(f"{str(path)!r} can't be read: {error}") from error


def rename_columns(table, columns, to_rename="columns={}"):
    """Return a table with the columns that sklipo reads; it has rows and images."""
    if not len(table):
        raise ValueError("no particles, the table has no rows")
    # The user's names have no spaces around them, but those in the file may.
    names = {name: _strip(name) for name in table.columns}
    unknown = [name for name in columns if name not in names.values()]
    if unknown:
        raise ValueError(
            f"columns names {unknown}; the table has {list(table.columns)}"
        )
    renamed = {old: columns.get(new, old) for old, new in names.items()}
    table = table.rename(columns=renamed)
    twice = [name for name, n in Counter(table.columns).items() if n > 1]
    if columns and twice:
        raise ValueError(f"columns {twice} exist twice after renaming by {columns=}")
    table = tidy_columns(table, to_rename)
    if "image" not in table.columns:
        raise ValueError(_describe_missing_images(table, to_rename))
    return table


def strip_columns(columns):
    """Return a dict of a user's names of columns, less spaces, to those of sklipo."""
    return {_strip(old): new for old, new in (columns or {}).items()}


def _strip(name):
    """Return a name of a column without the spaces around it."""
    return name.strip() if isinstance(name, str) else name


def _describe_missing_images(table, to_rename):
    """Say how to name the column of images."""
    names = list(table.columns)
    if any(str(name).lower().endswith(IMAGE_SUFFIXES) for name in names):
        return (
            f"no header: the first line is {names}; write the columns' names above it, "
            "such as image and label"
        )
    near = near_names(table, "image") or names or ["name"]
    return (
        f"no column 'image' among {names}; say which one holds the images' paths with "
        f"{to_rename.format({near[0]: 'image'})}"
    )


def _read_csv(path, columns):
    """Read a CSV, names of files and micrographs as text."""
    return parse_csv(read_text(path), columns), columns


def _read_parquet(path, columns):
    """Read a Parquet file, with pixels or with paths."""
    table = read_parquet(path)
    in_index = "image" in table.index.names and "image" not in table.columns
    return (table.reset_index() if in_index else table), columns


def _read_json(path, columns):
    """Read a list of records, or lines of one record each."""
    table = pd.DataFrame(_parse_records(read_text(path).strip()))
    # The user's names and names that are sklipo's already go before the usual ones.
    taken = {*columns, *columns.values(), *table.columns}
    usual = {
        old: new
        for old, new in _JSON_COLUMNS.items()
        if old in table.columns and old not in columns and new not in taken
    }
    return table, usual | columns


def _parse_records(text):
    """Return the records in a JSON text."""
    try:
        if text.startswith("["):
            records = json.loads(text, object_pairs_hook=_unique)
        else:
            # Text in quotes may hold other ends of lines, which splitlines splits at.
            lines = enumerate(text.split("\n"))
            records = [_parse_line(i, line) for i, line in lines if line.strip()]
    except RecursionError as error:
        raise ValueError("it is nested too deep; expected a list of records") from error
    for i, record in enumerate(records):
        if not isinstance(record, dict):
            kind = type(record).__name__
            raise ValueError(
                f"row {i}: expected a record such as {{...}}, got a {kind}"
            )
    if len(records) == 1 and any(
        isinstance(records[0].get(name), dict | list) for name in ("image", "Image")
    ):
        raise ValueError(
            "a record of columns, expected a list of records, as table.to_json(path, "
            "orient='records') writes"
        )
    return records


def _parse_line(i, line):
    """Parse one line of JSON lines."""
    try:
        return json.loads(line, object_pairs_hook=_unique)
    except ValueError as error:
        message = f"expected a list of records or one record per line; line {i + 1}: "
        raise ValueError(message + str(error)) from error


def _unique(pairs):
    """Return a JSON record; refuse a key that occurs twice."""
    record = dict(pairs)
    if len(record) < len(pairs):
        twice = [key for key, n in Counter(key for key, _ in pairs).items() if n > 1]
        raise ValueError(f"a record has several of the keys {twice}")
    return record
