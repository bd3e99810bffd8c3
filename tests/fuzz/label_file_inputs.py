"""Files of labels as pages, spreadsheets, disks and people leave them.

`write_plain` writes the file that a page saves. Each function here changes it and
returns the path to read, and whether each particle must get its label.
"""

import csv
import io

import numpy as np
import pandas as pd

from sklipo.datasets._csv import encode_csv
from sklipo.labeling._identity import identify

from .particle_inputs import PLAIN
from .rule import Expected, Variants

VARIANTS = Variants()
same, fault = VARIANTS.register(Expected.SAME), VARIANTS.register(Expected.ERROR)
warned, either = VARIANTS.register(Expected.WARNING), VARIANTS.register(Expected.EITHER)

TABLE = PLAIN.drop(columns="label").assign(
    micrograph=np.where(np.arange(len(PLAIN)) % 2, "a", "1-2"),
    instance=np.arange(len(PLAIN)) // 2,
)
CLASSES = sorted(PLAIN["label"].unique())


def write_plain(folder):
    """Write a file with the label of each particle; return its path."""
    places = TABLE[["micrograph", "instance"]]
    rows = pd.concat([places, identify(TABLE)["pixels"], PLAIN["label"]], axis=1)
    path = folder / "labels.csv"
    rows = rows.assign(expert="Ada", time="2026-11-26T16:40:12Z")
    path.write_bytes(encode_csv(rows))
    return path


def _change(path, change, **options):
    """Change the rows of a file, lists of fields; the first one is the header."""
    header, *rows = csv.reader(io.StringIO(path.read_text()))
    text = io.StringIO(newline="")
    csv.writer(text, **options).writerows(change(header, rows))
    path.write_text(text.getvalue(), newline="")
    return path


# Each label for its particle.


@same
def plain(path, rng):
    return path


@same
def spreadsheets(path, rng):
    delimiter = rng.choice([";", "\t"])
    path = _change(path, lambda header, rows: [header, *rows], delimiter=delimiter)
    encoding = rng.choice(["utf-8-sig", "utf-16", "ascii"])
    path.write_bytes(path.read_text().encode(encoding))
    return path


@same
def any_order(path, rng):
    def shuffle(header, rows):
        columns = rng.permutation(len(header))
        order = [0, *(rng.permutation(len(rows)) + 1)]
        table = [header, *rows]
        return [[table[i][j] for j in columns] for i in order]

    return _change(path, shuffle)


@same
def further_columns(path, rng):
    cell = str(rng.choice(["", "why?", "3,5", '"']))

    def add(header, rows):
        return [[cell, *row] for row in (header, *rows)]

    return _change(path, add)


@same
def other_names(path, rng):
    column, name = rng.integers(2), str(rng.choice(["2. Jan", "", "1e5", "x"]))

    def rename(header, rows):
        for row in rows:
            row[column] = name
        return [header, *rows]

    return _change(path, rename)


@same
def doubled_rows(path, rng):
    return _change(path, lambda header, rows: [header, *rows, *rows[: rng.integers(5)]])


@warned
def other_times(path, rng):
    time = str(rng.choice(["26.11.2026 16:40", "now", "2026-13-01", "46352.7"]))
    path.write_text(path.read_text().replace("2026-11-26T16:40:12Z", time))
    return path


@warned
def labels_that_are_gone(path, rng):
    def remove(header, rows):
        for i in rng.integers(len(rows), size=2):
            rows[i][3] = ""
        return [header, *rows]

    return _change(path, remove)


# Faults.


@fault
def rows_of_another_table(path, rng):
    def replace(header, rows):
        i = rng.integers(len(rows))
        rows[i][2] = str(rng.choice(["px-0123456789abcdef", "px-", "", "1E+15"]))
        return [header, *rows]

    return _change(path, replace)


@fault
def columns_sorted_one_by_one(path, rng):
    def roll(header, rows):
        pixels = [row[2] for row in rows]
        for i, row in enumerate(rows):
            row[2] = pixels[i - 1]
        return [header, *rows]

    return _change(path, roll)


@fault
def other_labels(path, rng):
    def replace(header, rows):
        rows[rng.integers(len(rows))][3] = str(rng.choice(["Full", "x", "1", "full?"]))
        return [header, *rows]

    return _change(path, replace)


@fault
def rows_that_disagree(path, rng):
    def add(header, rows):
        row = list(rows[rng.integers(len(rows))])
        row[3] = next(label for label in CLASSES if label != row[3])
        row[4] = str(rng.choice(["Ada", "Ben"]))
        return [header, *rows, row]

    return _change(path, add)


@fault
def columns_that_are_gone(path, rng):
    column = rng.choice([2, 3])

    def remove(header, rows):
        return [[*row[:column], *row[column + 1 :]] for row in (header, *rows)]

    return _change(path, remove)


@fault
def rows_of_other_lengths(path, rng):
    surplus = str(rng.choice(["x,", "a,b,c,", '"']))
    path.write_text(path.read_text().replace("px-", surplus + "px-", 3))
    return path


@fault
def files_of_another_kind(path, rng):
    contents = [
        b"",
        b"\0" * 99,
        b"<p>",
        b"PK\x03\x04",
        b"\x89PNG\r\n",
        b"pixels,label\n",
    ]
    path.write_bytes(contents[rng.integers(len(contents))])
    return path


@fault
def files_that_are_no_files(path, rng):
    path.unlink()
    if rng.integers(2):
        path.mkdir()
    return path


@either
def flipped_bits(path, rng):
    data = bytearray(path.read_bytes())
    data[rng.integers(len(data))] ^= 1 << rng.integers(8)
    path.write_bytes(data)
    return path
