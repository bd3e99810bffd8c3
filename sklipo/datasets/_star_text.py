"""STAR text: the tables of its blocks, as RELION and cryoSPARC's export write them.

They are read here, and not by the package starfile, since the rows that are written
again keep every digit, and errors name the line.
"""

import csv
import re
from collections import Counter
from io import BytesIO
from itertools import takewhile
from typing import NamedTuple

import numpy as np
import pandas as pd

from ._pixel_files import check_file
from ._text_files import read_text

# Quotes enclose a whole field: a name may have an apostrophe.
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')
_FIELD = re.compile(rf"(?:{_QUOTED.pattern})(?!\S)|\S+")
_NEEDS_QUOTES = re.compile(r"\s|#|^$|^[_;$]|^(data|loop|save|stop|global)_")
# What splits or ends a field other than by spaces and tabs.
_SPECIAL = "\"'#\v\f\x1c\x1d\x1e\x1f"
# Also where they look like a number.
_IS_TEXT = re.compile(r".*Name|sklipoClass")

# The first as the package starfile writes it, the others as C does.
_MISSING = re.compile("<NA>|-?nan", re.IGNORECASE)


class Block(NamedTuple):
    """A table in a STAR: the lines of its rows, and which lines of the file hold it."""

    name: str
    columns: list
    rows: list
    # From its loop_ to its last row.
    lines: slice

    def as_frame(self):
        """Return the table: numbers where all fields of a column are, else text."""
        if not self.rows:
            return pd.DataFrame(columns=self.columns)
        if _is_plain(self.rows):
            return _read_plain(self.columns, self.rows)
        fields = zip(*map(split_fields, self.rows), strict=True)
        columns = zip(self.columns, fields, strict=True)
        return pd.DataFrame({name: _typed(name, texts) for name, texts in columns})


def read_star(path):
    """Return the lines of a STAR and its Blocks by name; errors don't name the file."""
    check_file(path)
    lines = _split_lines(read_text(path))
    filled = [i for i, line in enumerate(lines) if line.lstrip()[:1] not in ("", "#")]
    if not filled:
        raise ValueError("it is empty, expected blocks such as data_particles")
    starts = [k for k, i in enumerate(filled) if lines[i].lstrip()[:5] == "data_"]
    if starts[:1] != [0]:
        raise ValueError(
            f"it is no STAR: line {filled[0] + 1} is "
            f"{lines[filled[0]].strip()[:60]!r}, expected data_ and the name of a block"
        )
    blocks = {}
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        number = filled[start]
        name = split_fields(lines[number])[0].removeprefix("data_")
        if name in blocks:
            raise ValueError(
                f"line {number + 1}: a second block data_{name}, expected one"
            )
        blocks[name] = _parse(name, lines, filled[start + 1 : end])
    return lines, blocks


def describe_blocks(blocks):
    """Say which columns the tables of a STAR have."""
    return ", ".join(f"data_{b.name} with {b.columns}" for b in blocks.values())


def split_fields(line):
    """Return the fields of a line as they are written, without its comment."""
    if not ("#" in line or '"' in line or "'" in line):
        return line.split()
    return list(takewhile(lambda field: field[0] != "#", _FIELD.findall(line)))


def format_field(text):
    """Return a text as one field of a STAR."""
    if '"' in text or "'" in text or len(_split_lines(text)) > 1:
        raise ValueError(
            f"{text!r} has a quote or the end of a line, which not all programs read "
            "in a STAR; rename it"
        )
    return f'"{text}"' if _NEEDS_QUOTES.search(text) else text


def format_table(columns, rows):
    """Return the lines of a table, of fields as they are to be written."""
    names = [f"_{name} #{i}" for i, name in enumerate(columns, 1)]
    return ["loop_", *names, *map("\t".join, rows)]


def _split_lines(text):
    """Return the lines of a text."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _parse(name, lines, numbers):
    """Return the Block in the lines of these numbers."""
    is_loop = bool(numbers) and split_fields(lines[numbers[0]]) == ["loop_"]
    if is_loop:
        fields = (split_fields(lines[i]) for i in numbers[1:])
        header = list(takewhile(lambda row: len(row) == 1 and row[0][0] == "_", fields))
        n_above = 1 + len(header)
        rows = [lines[i] for i in numbers[n_above:]]
    else:
        # Names with their values are a table of one row.
        header, n_above = [split_fields(lines[i]) for i in numbers], 0
        _check_pairs(name, header, numbers)
        rows = ["\t".join(value for _, value in header)] if header else []
    columns = [row[0][1:] for row in header]
    twice = [column for column, n in Counter(columns).items() if n > 1]
    if twice:
        raise ValueError(f"data_{name} has several columns {twice}, expected one each")
    split = str.split if _is_plain(rows) else split_fields
    for i, n in enumerate(map(len, map(split, rows))):
        if n != len(columns):
            raise ValueError(
                f"row {i} of data_{name} (line {numbers[n_above + i] + 1}) has {n} "
                f"fields, expected the {len(columns)} that its loop_ names; is the "
                "file cut off?"
            )
    span = slice(numbers[0], numbers[-1] + 1) if numbers else slice(0, 0)
    return Block(name, columns, rows, span)


def _check_pairs(name, pairs, numbers):
    """Raise an error unless each line is a name with its value."""
    for number, fields in zip(numbers, pairs, strict=True):
        if len(fields) != 2 or fields[0][0] != "_":
            raise ValueError(
                f"line {number + 1} in data_{name} is {' '.join(fields)[:60]!r}, "
                "expected loop_ and the names of columns above the rows"
            )


def _is_plain(rows):
    """Tell whether spaces and tabs alone divide the fields of these lines."""
    text = "".join(rows)
    return text.isascii() and not any(character in text for character in _SPECIAL)


def _read_plain(columns, rows):
    """Return the table in plain lines: what `_typed` makes, in a third of the time."""
    is_text = {name: bool(_IS_TEXT.fullmatch(name)) for name in columns}
    table = pd.read_csv(
        BytesIO("\n".join(rows).encode("ascii")),
        sep=r"\s+",
        names=columns,
        dtype={name: str for name in columns if is_text[name]},
        quoting=csv.QUOTE_NONE,
        na_filter=False,
        low_memory=False,
    )
    for i, name in enumerate(columns):
        # Texts, numbers that lack here and there, what pandas takes for truth values.
        if table[name].dtype.kind not in "iuf" and not is_text[name]:
            table[name] = _typed(name, [row.split()[i] for row in rows])
    return table


def _typed(name, texts):
    """Return the values of a column."""
    # A look at all texts at once is much faster than one at each.
    joined = "\n".join(texts)
    if '"' in joined or "'" in joined:
        texts = [text[1:-1] if _QUOTED.fullmatch(text) else text for text in texts]
    # pandas takes empty text for a number.
    if _IS_TEXT.fullmatch(name) or "" in texts:
        return pd.Series(texts)
    column = pd.Series(texts, dtype=object)
    try:
        numbers = _to_numbers(column)
    except ValueError:
        return pd.Series(texts)
    # Integers beyond 64 bits are objects.
    return pd.Series(texts) if numbers.dtype == object else numbers


def _to_numbers(column):
    """Return texts as numbers, NaN where they say that one is missing."""
    try:
        return pd.to_numeric(column)
    except ValueError:
        return pd.to_numeric(column.mask(column.str.fullmatch(_MISSING), np.nan))
