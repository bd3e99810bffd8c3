"""STAR text: the tables of its blocks, as RELION and cryoSPARC's export write them.

The fields are split here, and not by the package starfile, since the rows that are
written again keep every digit, and errors name the line.
"""

import re
from collections import Counter
from itertools import takewhile
from typing import NamedTuple

import pandas as pd

from ._pixel_files import check_file
from ._text_files import read_text

_LINE_END = re.compile(r"\r\n|\r|\n")
# Quotes enclose a whole field: a name may have an apostrophe.
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')
_FIELD = re.compile(rf"(?:{_QUOTED.pattern})(?!\S)|\S+")
_NEEDS_QUOTES = re.compile(r"\s|#|^$|^[_;$]|^(data|loop|save|stop|global)_")
# Also where they look like a number.
_IS_TEXT = re.compile(r".*Name|sklipoClass")

# The first as the package starfile writes it, the others as C does.
_MISSING = re.compile("<NA>|-?nan", re.IGNORECASE)


class Block(NamedTuple):
    """A table in a STAR: its fields as they are written, and which lines hold it."""

    name: str
    columns: list
    rows: list
    # From its loop_ to its last row.
    lines: slice

    def as_frame(self):
        """Return the table: numbers where all fields of a column are, else text."""
        if not self.rows:
            return pd.DataFrame(columns=self.columns)
        columns = zip(self.columns, zip(*self.rows, strict=True), strict=True)
        return pd.DataFrame({name: _typed(name, texts) for name, texts in columns})


def read_star(path):
    """Return the lines of a STAR and its Blocks by name; errors don't name the file."""
    check_file(path)
    lines = _LINE_END.split(read_text(path))
    sections = {}
    for number, line in enumerate(lines):
        fields = _split_fields(line)
        if fields and fields[0].startswith("data_"):
            name = fields[0].removeprefix("data_")
            if name in sections:
                raise ValueError(
                    f"line {number + 1}: a second block data_{name}, expected one"
                )
            section = sections[name] = []
        elif fields and not sections:
            raise ValueError(
                f"it is no STAR: line {number + 1} is {line.strip()[:60]!r}, expected "
                "data_ and the name of a block"
            )
        elif fields:
            section.append((number, fields))
    if not sections:
        raise ValueError("it is empty, expected blocks such as data_particles")
    return lines, {name: _parse(name, section) for name, section in sections.items()}


def format_field(text):
    """Return a text as one field of a STAR."""
    if '"' in text or "'" in text or len(_LINE_END.split(text)) > 1:
        raise ValueError(
            f"{text!r} has a quote or the end of a line, which not all programs read "
            "in a STAR; rename it"
        )
    return f'"{text}"' if _NEEDS_QUOTES.search(text) else text


def format_table(columns, rows):
    """Return the lines of a table, of fields as they are to be written."""
    names = [f"_{name} #{i}" for i, name in enumerate(columns, 1)]
    return ["loop_", *names, *map("\t".join, rows)]


def _split_fields(line):
    """Return the fields of a line as they are written, without its comment."""
    if not ("#" in line or '"' in line or "'" in line):
        return line.split()
    return list(takewhile(lambda field: field[0] != "#", _FIELD.findall(line)))


def _parse(name, section):
    """Return the Block of a section: the fields in its lines, and their numbers."""
    numbers, fields = zip(*section, strict=True) if section else ((0,), ())
    lines = slice(numbers[0], numbers[-1] + 1)
    if fields[:1] == (["loop_"],):
        header = list(
            takewhile(lambda row: len(row) == 1 and row[0][0] == "_", fields[1:])
        )
        columns, rows = [row[0][1:] for row in header], list(fields[1 + len(header) :])
    else:
        # Names with their values are a table of one row.
        _check_pairs(name, section)
        columns = [row[0][1:] for row in fields]
        rows = [[row[1] for row in fields]] if fields else []
    twice = [column for column, n in Counter(columns).items() if n > 1]
    if twice:
        raise ValueError(f"data_{name} has several columns {twice}, expected one each")
    for i, row in enumerate(rows):
        if len(row) != len(columns):
            line = numbers[len(numbers) - len(rows) + i] + 1
            raise ValueError(
                f"row {i} of data_{name} (line {line}) has {len(row)} fields, expected "
                f"the {len(columns)} that its loop_ names; is the file cut off?"
            )
    return Block(name, columns, rows, lines)


def _check_pairs(name, section):
    """Raise an error unless each line is a name with its value."""
    for number, fields in section:
        if len(fields) != 2 or fields[0][0] != "_":
            raise ValueError(
                f"line {number + 1} in data_{name} is {' '.join(fields)[:60]!r}, "
                "expected loop_ and the names of columns above the rows"
            )


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
        return pd.to_numeric(column.mask(column.str.fullmatch(_MISSING), None))
