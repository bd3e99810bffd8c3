"""Tables of image and mask paths: from CSV, Parquet or JSON, or from folders."""

import json
from itertools import compress

import pandas as pd

from ._pixel_files import IMAGE_SUFFIXES

_JSON_COLUMNS = {
    "Image": "image",
    "Mask": "mask",
    "Class": "label",
    "Padding": "padding",
    "PixelSize": "pixel_size",
    "Micrograph": "micrograph",
}
# A micrograph named 434e287439 is no number.
_TEXT_COLUMNS = {"image", "mask", "micrograph"}


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
    except ValueError as error:  # those of pandas, pyarrow and json are ValueErrors
        raise ValueError(f"{str(path)!r} can't be read: {error}") from error
    return table


def _read_csv(path, columns):
    """Read a CSV, names of files and micrographs as text."""
    text = _TEXT_COLUMNS | {old for old, new in columns.items() if new in _TEXT_COLUMNS}
    dtypes = dict.fromkeys(text, str)
    return _rename(pd.read_csv(path, dtype=dtypes), columns)


def _read_parquet(path, columns):
    """Read a Parquet file, with pixels or with paths."""
    return _rename(pd.read_parquet(path), columns)


def _read_json(path, columns):
    """Read a list of records, or lines of one record each."""
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
    """Rename columns that must be there."""
    unknown = [name for name in columns if name not in table.columns]
    if unknown:
        raise ValueError(f"columns names {unknown}; there are {list(table.columns)}")
    return table.rename(columns=columns)


def _check_columns(table, columns):
    """Raise an error unless there is one image column and a row at least."""
    names = list(table.columns)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"columns {twice} are there twice, columns={columns} included")
    if "image" not in names:
        raise ValueError(
            f"no column 'image' among {names}; tell which one holds the images' paths "
            f"with columns={{{(names or ['name'])[0]!r}: 'image'}}"
        )
    if table.empty:
        raise ValueError("no rows, expected one per particle")


def list_classes(folder, mask_suffix):
    """Return a table of the images, and masks, in one sub-folder per class."""
    if mask_suffix == "":
        raise ValueError("mask_suffix is empty; give None where there are no masks.")
    classes = sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".")
    )
    if not classes:
        raise ValueError(
            f"{str(folder)!r} has no sub-folders, expected one of images per class."
        )
    parts = [_list_class(folder, path, mask_suffix) for path in classes]
    table = pd.concat(parts, ignore_index=True)
    missing = table.loc[table["mask"].isna(), "image"].tolist()
    if len(missing) == len(table):
        return table.drop(columns="mask")
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(table)} images in {str(folder)!r} have no mask "
            f"(name{mask_suffix}.png beside name.png), such as {missing[:5]}; expected "
            "all or none."
        )
    return table


def _list_class(folder, subfolder, mask_suffix):
    """Return the images of one class and their masks, None where there is none."""
    files = sorted(
        path for path in subfolder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES
    )
    is_mask = [mask_suffix and path.stem.endswith(mask_suffix) for path in files]
    masks = {
        path.stem.removesuffix(mask_suffix): path for path in compress(files, is_mask)
    }
    images = [path for path, mask in zip(files, is_mask, strict=True) if not mask]
    if not images:
        raise ValueError(
            f"{str(subfolder)!r} has no images ({', '.join(IMAGE_SUFFIXES)}), expected "
            "those of one class."
        )
    orphans = set(masks) - {path.stem for path in images}
    if orphans:
        names = sorted(masks[stem].name for stem in orphans)[:5]
        raise ValueError(f"{str(subfolder)!r} has masks without an image: {names}.")

    def relative(path):
        return None if path is None else path.relative_to(folder).as_posix()

    return pd.DataFrame(
        {
            "image": [relative(path) for path in images],
            "mask": [relative(masks.get(path.stem)) for path in images],
            "label": subfolder.name,
            "file": [relative(path) for path in images],
        }
    )
