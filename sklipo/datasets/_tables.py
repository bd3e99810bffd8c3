"""Tables of image and mask paths: from CSV, Parquet or JSON."""

import json

import pandas as pd

from ._parquet import read_parquet

# The keys that the author of the thesis used in JSON.
_JSON_COLUMNS = {
    "Image": "image",
    "Mask": "mask",
    "Class": "label",
    "Padding": "padding",
    "PixelSize": "pixel_size",
    "Micrograph": "micrograph",
}
# Read as text: pandas would read the name 434e287439 as a number, and 0017 as 17.
TEXT_COLUMNS = {"image", "mask", "micrograph"}


def read_table(path, columns):
    """Read a table with an image column, its columns renamed as the user asks."""
    columns = dict(columns or {})
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
        expected = ", ".join(readers)
        raise ValueError(f"{str(path)!r}: expected a folder or one of {expected}.")
    try:
        table = readers[suffix](path, columns)
        _check_columns(table, columns)
    # The errors of pandas, pyarrow and json are ValueErrors.
    except ValueError as error:
        raise ValueError(f"{str(path)!r} can't be read: {error}") from error
    return table


def _read_csv(path, columns):
    """Read a CSV, names of files and micrographs as text."""
    text = TEXT_COLUMNS | {old for old, new in columns.items() if new in TEXT_COLUMNS}
    dtypes = dict.fromkeys(text, str)
    return _rename(pd.read_csv(path, dtype=dtypes), columns)


def _read_parquet(path, columns):
    """Read a Parquet file, with pixels or with paths."""
    return _rename(read_parquet(path), columns)


def _read_json(path, columns):
    """Read a list of records, or lines of one record each."""
    # Some programs begin a file by a byte order mark, which json refuses.
    text = path.read_text(encoding="utf-8-sig").strip()
    if text.startswith("["):
        records = json.loads(text)
    else:
        records = [_parse_line(i, line) for i, line in enumerate(text.splitlines())]
    for i, record in enumerate(records):
        if not isinstance(record, dict):
            kind = type(record).__name__
            raise ValueError(
                f"row {i}: expected a record such as {{...}}, got a {kind}"
            )
    table = pd.DataFrame(records)
    # The user's names and names that are sklipo's already go before the usual ones.
    taken = {*columns, *columns.values(), *table.columns}
    usual = {
        old: new
        for old, new in _JSON_COLUMNS.items()
        if old in table.columns and old not in columns and new not in taken
    }
    return _rename(table, usual | columns)


def _parse_line(i, line):
    """Parse one line of JSON lines."""
    try:
        return json.loads(line)
    except ValueError as error:
        message = f"expected a list of records or one record per line; line {i + 1}: "
        raise ValueError(message + str(error)) from error


def _rename(table, columns):
    """Rename columns; raise an error if one is missing."""
    unknown = [name for name in columns if name not in table.columns]
    if unknown:
        raise ValueError(
            f"columns names {unknown}; the table has {list(table.columns)}"
        )
    return table.rename(columns=columns)


def _check_columns(table, columns):
    """Raise an error unless the table has an image column and a row."""
    names = list(table.columns)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"columns {twice} exist twice after renaming by columns={columns}"
        )
    if "image" not in names:
        raise ValueError(
            f"no column 'image' among {names}; say which one holds the images' paths "
            f"with columns={{{(names or ['name'])[0]!r}: 'image'}}"
        )
    if table.empty:
        raise ValueError("no rows, expected one per particle")
