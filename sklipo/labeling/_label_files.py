"""Files of labels, as the page saves them and as spreadsheets leave them."""

import re
from difflib import get_close_matches

import numpy as np
import pandas as pd

from ..datasets._csv import check_rows, parse_columns, split_csv
from ..datasets._text_files import read_text
from ._identity import PIXELS_PREFIX, PLACE, as_text, as_texts

_NEEDED = ["pixels", "label"]
_OTHERS = [*PLACE, "expert", "time"]
_PIXELS = re.compile(f"{PIXELS_PREFIX}[0-9a-f]{{16}}")
# Other orders of day and month are anybody's guess.
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
_PLAIN_LABEL = re.compile(r"[+-]?\d+([.,]00?)?|true|false", re.ASCII | re.IGNORECASE)
_DECIMALS = re.compile(r"[.,]00?$")
_NEEDLESS_QUOTES = re.compile(r'"[\w -]+"')
# What R and Python write where there is no label.
_NO_LABEL = {"NA", "NaN", "nan", "<NA>", "None"}


def read_rows(path):
    """Return the rows of a file of labels; a ValueError does not name the file.

    Labels are of the types that they seem to have, NaN where there is none. All other
    columns are text, empty where there is none; those of the place are there only if
    they are in the file.
    """
    if not path.exists():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    if not path.is_file():
        raise ValueError("it is no regular file, expected a CSV of labels")
    names, rows, delimiter = split_csv(read_text(path), {})
    names = [_tidy_name(name) for name in names]
    # Where no row has as many fields as the header, they are not merely left out.
    n_fields = min(len(names), max(map(len, rows)))
    rows = [_fit(row, n_fields) for row in rows if not _is_empty(row)]
    # Further columns may have any name, and that also twice.
    known = [name if name in _NEEDED + _OTHERS else i for i, name in enumerate(names)]
    check_rows(known, rows, delimiter)
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise ValueError(
            f"no column {missing[0]!r} among {names}; expected a file that a page of "
            "label_page saved"
        )
    place = names.index("pixels")
    # Files that were joined bring their headers along.
    rows = [row for row in rows if not _is_name(row[place])]
    if not rows:
        raise ValueError("no particles, all rows are empty")
    columns = dict(zip(known, zip(*rows, strict=True), strict=True))
    columns["label"] = _tidy_labels(columns["label"])
    return _parse({name: columns[name] for name in known if name in names}, delimiter)


def _parse(columns, delimiter):
    """Return the table of the fields of columns."""
    rows = list(zip(*columns.values(), strict=True))
    meanings = dict.fromkeys(columns, PLACE[0]) | {"label": "label"}
    table = parse_columns(list(columns), rows, meanings, delimiter)
    texts = {name: as_texts(table[name]) for name in table if name != "label"}
    # Whole numbers stay such: gaps make floats of them.
    label = table["label"].convert_dtypes().astype(object)
    label = label.mask(as_texts(label) == "")
    return _check_pixels(
        table.assign(**{"expert": "", "time": ""} | texts, label=label)
    )


def describe_row(rows, i):
    """Return which row of a file it is, and of which particle."""
    names = [f"{name} {rows[name].iloc[i]!r}" for name in PLACE if name in rows]
    return f"row {i} ({', '.join([*names, rows['pixels'].iloc[i]])})"


def index_classes(classes):
    """Return each class by what stays of its name when a spreadsheet saves it anew."""
    by_text = {}
    for value in classes.tolist():
        text = loosely(as_text(value))
        if text in by_text:
            raise ValueError(
                f"classes has {by_text[text]!r} and {value!r}, which are the same in a "
                "spreadsheet; expected each class once. Rename one of them"
            )
        by_text[text] = value
    return by_text


def as_classes(rows, classes):
    """Return the label of each row as one of the classes, whatever its type."""
    by_text = index_classes(classes)
    texts = as_texts(rows["label"])
    labels = [by_text.get(loosely(text)) for text in texts]
    no_label = {"", *_NO_LABEL}
    unknown = [
        i for i, text in enumerate(texts) if labels[i] is None and text not in no_label
    ]
    if unknown:
        text = texts.iloc[unknown[0]]
        near = get_close_matches(text, map(as_text, classes.tolist()), 1)
        hint = f" Is it {near[0]!r}?" if near else ""
        raise ValueError(
            f"{describe_row(rows, unknown[0])} has the label {text!r}, which is not "
            f"among classes {classes.tolist()} ({len(unknown)} such rows in all)."
            f"{hint} Correct it in the file, or add it to classes"
        )
    return pd.Series(labels, rows.index, dtype=object)


def loosely(text):
    """Return what stays of a name or number when a spreadsheet saves it anew."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return float(text.replace(",", "."))
    return text.lower() if text.lower() in ("true", "false") else text


def parse_times(texts):
    """Return times, missing where a text is none, and the positions of such texts."""
    plain = pd.Series([text if _TIME.fullmatch(text) else None for text in texts])
    times = pd.to_datetime(plain, format="ISO8601", utc=True, errors="coerce")
    wrong = [i for i in np.flatnonzero(times.isna()) if texts[i]]
    return times.dt.as_unit("us"), wrong


def _tidy_name(name):
    """Return the name of a column as the page writes it, if it is one of these."""
    tidy = name.strip().lower()
    return tidy if tidy in _NEEDED + _OTHERS else name


def _is_name(field):
    """Tell whether a field of the column pixels is that of a header."""
    # A byte order mark stands between files that were joined.
    return "".join(field).strip('\ufeff" ').lower() == "pixels"


def _tidy_labels(fields):
    """Return the fields of labels, empty where there is none, and numbers plain.

    NA may be a class, but not among numbers or bools, nor where a class has quotes that
    it does not need: then all text is in quotes.
    """
    tidy = {field: field for field in fields}
    given = [field for field in tidy if any(field) and field[1] not in _NO_LABEL]
    are_plain = given and all(_PLAIN_LABEL.fullmatch(plain) for _, plain in given)
    if are_plain:
        # With gaps, pandas writes 1.0 or, in some countries, 1,0 for the class 1.
        tidy |= {field: ("", _DECIMALS.sub("", field[1])) for field in given}
    if are_plain or any(_NEEDLESS_QUOTES.fullmatch(quoted) for quoted, _ in given):
        tidy |= {field: ("", "") for field in tidy if field[1] in _NO_LABEL}
    return [tidy[field] for field in fields]


def _is_empty(row):
    """Tell whether no field of a row has text."""
    return not any(quoted.strip('"') or plain.strip() for quoted, plain in row)


def _fit(row, n_fields):
    """Return a row with as many fields as others, if only empty ones differ."""
    # Spreadsheets leave out, or add, empty fields at the end of some rows.
    row = [(quoted, plain.strip()) for quoted, plain in row]
    row += [("", "")] * (n_fields - len(row))
    return row if any(map(any, row[n_fields:])) else row[:n_fields]


def _check_pixels(rows):
    """Return the rows; each has the hash of its pixels."""
    pixels = rows["pixels"].str.strip()
    wrong = [i for i, text in enumerate(pixels) if not _PIXELS.fullmatch(text)]
    if wrong:
        raise ValueError(
            f"row {wrong[0]} has the pixels {pixels.iloc[wrong[0]]!r} ({len(wrong)} "
            f"such rows in all); expected {PIXELS_PREFIX} and 16 digits, as the page "
            "wrote. Take the file that the page saved"
        )
    return rows.assign(pixels=pixels)
