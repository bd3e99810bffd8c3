"""CSV: read whatever separates its fields, and written such that text stays text."""

import csv
import re
from collections import Counter
from io import StringIO
from numbers import Number

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_numeric_dtype, is_scalar

# Paths and names: 434e287439 is no number in them, and 0017 not 17.
TEXT_COLUMNS = {"image", "mask", "micrograph", "instances"}
# Numbers, whatever quotes are around them.
_NUMBER_COLUMNS = {"pixel_size", "padding"}
_DELIMITERS = (",", ";", "\t")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+|[+-]?\d+")
_NEEDS_QUOTES = re.compile(r'[,"\r\n]|^\s|\s$|^$')
# Numbers keep every bit, which before pandas 3 is no default, and since is deprecated.
_EXACT = {"float_precision": "round_trip"} if int(pd.__version__[0]) < 3 else {}
# Names too that, at the begin of a file, would say that it is no text.
_NAME_NEEDS_QUOTES = re.compile(rf"{_NEEDS_QUOTES.pattern}|^\W|^PAR1|^BZh")
_ANYTHING = re.compile("")


def parse_csv(text, columns):
    """Return the table in a CSV; ``columns`` maps its names to those of sklipo.

    Columns with quoted fields are text, unless all fields are in quotes. Of the others
    pandas guesses the types, but words such as NA are missing among numbers only.
    """
    names, rows, delimiter = split_csv(text, columns)
    check_rows(names, rows, delimiter)
    return parse_columns(names, rows, columns, delimiter)


def split_csv(text, columns):
    """Return the names of columns, the rows and what separates their fields.

    A field is a pair: with its quotes, or without any. ``columns`` is as for
    `parse_csv`, whose other steps are `check_rows` and `parse_columns`.
    """
    text, delimiter = _find_delimiter(text, columns)
    header, rows = _split_rows(text, delimiter)
    # A space before a name says that one follows each delimiter.
    if any(plain[:1] == " " for _, plain in header):
        rows = [[(quoted, plain.lstrip()) for quoted, plain in row] for row in rows]
    return [_name(i, field) for i, field in enumerate(header)], rows, delimiter


def parse_columns(names, rows, columns, delimiter):
    """Return the table of rows of fields, see `parse_csv`."""
    quotes_tell = any(plain.strip() for row in rows for _, plain in row)
    texts, to_guess = {}, []
    for name, fields in zip(names, zip(*rows, strict=True), strict=True):
        meaning = columns.get(name, name)
        texts[name] = [_text(quoted, plain, quotes_tell) for quoted, plain in fields]
        has_quotes = quotes_tell and any(quoted for quoted, _ in fields)
        is_text = has_quotes and meaning not in _NUMBER_COLUMNS
        if not (is_text or meaning in TEXT_COLUMNS):
            to_guess.append(name)
    guesses = _guess({name: texts.pop(name) for name in to_guess}, columns, delimiter)
    # Together, as there may be thousands of columns.
    return pd.concat([guesses, pd.DataFrame(texts)], axis=1)[names]


def _find_delimiter(text, columns):
    """Return the text without Excel's line sep=, and what separates its fields."""
    # Excel writes and reads such a first line.
    if found := re.match(r"sep=(.)\r?\n", text):
        return text[found.end() :], found[1]
    line = text.lstrip("\r\n").partition("\n")[0]
    wanted = {"image", *(old for old, new in columns.items() if new == "image")}

    def rank(delimiter):
        names = [name.strip(' "\r') for name in line.split(delimiter)]
        return not wanted.isdisjoint(names), len(names)

    return text, max(_DELIMITERS, key=rank)


def _split_rows(text, delimiter):
    """Return the header and the rows, lists of fields: (in quotes, or without)."""
    end = re.escape(delimiter)
    field = re.compile(
        rf' *("(?:[^"]++|"")*+") *({end}|\r\n|\r|\n)'
        rf"|([^{end}\r\n]*)({end}|\r\n|\r|\n)"
    )
    rows, row = [], []
    for quoted, end, plain, plain_end in field.findall(text + "\n"):
        row.append((quoted, plain))
        if (end or plain_end) in ("\n", "\r\n", "\r"):
            # Blank lines are no rows, nor those of delimiters alone that Excel writes.
            if any(quoted or plain.strip() for quoted, plain in row):
                rows.append(row)
            row = []
    if not rows:
        raise ValueError("the file is empty")
    if len(rows) == 1:
        line = delimiter.join(quoted or plain for quoted, plain in rows[0])
        raise ValueError(f"no particles, only the header {line[:80]!r}")
    return rows[0], rows[1:]


def _name(i, field):
    """Return a column's name in the header, as pandas names those that have none."""
    quoted, plain = field
    return _text(quoted, plain.strip() or f"Unnamed: {i}", True)


def check_rows(names, rows, delimiter):
    """Raise an error unless all rows have as many good fields as the header."""
    if len(set(names)) < len(names):
        twice = sorted(name for name, n in Counter(names).items() if n > 1)
        raise ValueError(
            f"several columns of the name {', '.join(map(repr, twice))}, expected one "
            "of each; rename the others in the file"
        )
    for i, row in enumerate(rows):
        if len(row) != len(names):
            line = delimiter.join(quoted or plain for quoted, plain in row)
            raise ValueError(
                f"row {i} ({line[:80]!r}) has {len(row)} fields, the header "
                f"{len(names)}, separated by {delimiter!r}; expected as many"
            )
        for _, plain in row:
            if plain.lstrip(" ")[:1] == '"':
                raise ValueError(
                    f"row {i}: the field {plain[:80]!r} begins by a quote that does "
                    "not end it; double the quotes within quotes"
                )


def _text(quoted, plain, quotes_tell):
    """Return the text of a field, NaN if it is missing."""
    text = quoted[1:-1].replace('""', '"') if quoted else plain
    return text if text or (quoted and quotes_tell) else np.nan


def _guess(texts, columns, delimiter):
    """Return columns of text as pandas reads them: numbers, bools, or text again."""
    if not texts:
        return None
    file = StringIO(newline="")
    csv.writer(file).writerows(zip(*texts.values(), strict=True))
    file.seek(0)
    table = pd.read_csv(
        file,
        header=None,
        names=list(texts),
        index_col=False,
        skip_blank_lines=False,
        low_memory=False,
        **_EXACT,
    )
    found = {}
    for name, guess in table.items():
        meaning = columns.get(name, name)
        if meaning == "label" or not is_numeric_dtype(guess.dtype):
            has_commas = delimiter != "," or meaning in _NUMBER_COLUMNS
            guess = _choose(guess, texts[name], meaning, has_commas)
        found[name] = guess
    # Anew, as to assign thousands of columns to a table takes minutes.
    return pd.DataFrame(found)


def _choose(guess, texts, meaning, has_commas):
    """Return a column's numbers as guessed, or its texts where it is none of numbers.

    A class may be named NA or None, of which pandas makes missing values.
    """
    filled = [text for text in texts if isinstance(text, str)]
    if meaning != "label" or guess.count() == len(filled):
        # Bools with gaps are of dtype object.
        is_bool = infer_dtype(guess, skipna=True) == "boolean"
        if is_bool or is_numeric_dtype(guess.dtype):
            return guess
    if has_commas and meaning != "label" and all(map(_DECIMAL_COMMA.fullmatch, filled)):
        return pd.Series(texts, dtype=object).str.replace(",", ".").astype(float)
    return texts


def encode_csv(table):
    """Return a table as the bytes of a CSV."""
    text = _format_table(table)
    if "\0" in text:
        raise ValueError("A CSV can't keep NUL characters in text; save as .parquet.")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        text = error.object[max(0, error.start - 20) : error.end + 20]
        raise ValueError(f"{text!r} can't be encoded in UTF-8.") from error


def _format_table(table):
    """Return a table as CSV: texts in quotes, but paths and numbers without."""
    names = [_quote(str(name), _NAME_NEEDS_QUOTES) for name in table.columns]
    columns = [
        [_format(value, name in TEXT_COLUMNS) for value in column]
        for name, column in table.items()
    ]
    lines = [names, *zip(*columns, strict=True)]
    return "".join(",".join(line) + "\n" for line in lines)


def _format(value, is_path):
    """Return a field of a CSV; what is missing is empty, without quotes."""
    if is_scalar(value) and pd.isna(value):
        return ""
    if isinstance(value, Number | np.bool_):
        return str(value)
    return _quote(str(value), _NEEDS_QUOTES if is_path else _ANYTHING)


def _quote(text, pattern):
    """Return text in quotes if the pattern is found in it."""
    if not pattern.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'
