"""The columns of a particle table, and names that are nearly theirs."""

import re

import pandas as pd
from pandas.api.types import is_numeric_dtype

from ._warnings import warn_caller

# What is left of a name without case, spaces, punctuation and units in brackets. Other
# programs have names of their own for the size of a pixel.
_NEAR = {
    "image": re.compile("(image|img|picture|cutout)s?"),
    "mask": re.compile("(mask|msk)s?"),
    "pixel_size": re.compile(
        "(pixel|px|pix)s?sizes?(in)?(nm|a|å|angstroms?|[uµμ]m|pm)?"
        "|(nm|a|å|angstroms?)per(pixel|px|pix)|nmpx|apix|angpix|rlnimagepixelsize"
    ),
}
# What columns hold that can be left out.
_MEANINGS = {"mask": "a mask", "pixel_size": "nm per pixel"}
# Spaces, and the marks that some programs begin a file with.
_SPACES = " \t\r\n\v\f\xa0\ufeff\u200b"


def tidy_columns(table, to_rename="table.rename(columns={})"):
    """Return a table with :func:`strip_names`, and warn of names that are nearly ours.

    That is, of columns that seem to be a mask or pixel size in a table that has images
    but no such column. ``to_rename`` is what the user has to pass, with a dict of names
    in place of {}.
    """
    table = strip_names(table)
    if "image" in table.columns:
        for column in _MEANINGS:
            warn_of_near_names(table, column, to_rename)
    return table


def strip_names(table):
    """Return a table, spaces stripped off the names of columns that sklipo reads.

    These are ``image``, ``mask`` and ``pixel_size``. Raise a ValueError for columns of
    several levels and for names that occur twice. The table itself is not changed.
    """
    if isinstance(table.columns, pd.MultiIndex):
        raise ValueError(
            f"The columns have {table.columns.nlevels} levels, expected one. Join them "
            "by table.columns = table.columns.map('_'.join), or keep one by "
            "table.droplevel(0, axis=1)."
        )
    texts = [name for name in table.columns if isinstance(name, str)]
    names = {name: name.strip(_SPACES) for name in texts}
    spaced = {old: new for old, new in names.items() if old != new and new in _NEAR}
    if spaced:
        table = table.rename(columns=spaced)
    if not table.columns.is_unique:
        twice = list(table.columns[table.columns.duplicated()].unique())
        raise ValueError(
            f"The table has several columns of the name {', '.join(map(repr, twice))}; "
            "expected one of each. Drop or rename the others."
        )
    return table


def with_levels(table, names):
    """Return a table, levels of its index of these names as columns, too."""
    in_index = set(names) & set(table.index.names) - set(table.columns)
    levels = {name: table.index.get_level_values(name) for name in in_index}
    return table.assign(**levels)


def near_names(table, column):
    """Return the names of columns that seem to mean one of ours that is not there."""
    if column in table.columns:
        return []
    return [name for name in table.columns if _is_near(name, column)]


def warn_of_near_names(table, column, to_rename="table.rename(columns={})"):
    """Warn of columns that are nearly a mask or pixel size, as they are not read."""
    for name in near_names(table, column):
        # A table can count masks, or tell which particles have one.
        if column == "mask" and is_numeric_dtype(table[name].dtype):
            continue
        warn_caller(
            f"The column {name!r} is not read, and no column is named {column!r}. If "
            f"it holds {_MEANINGS[column]} for each row, pass "
            f"{to_rename.format({name: column})}."
        )


def _is_near(name, column):
    """Tell whether a name is one of our columns', but for case, plural or unit."""
    if not isinstance(name, str):
        return False
    plain = re.sub(r"\(.*?\)|\[.*?\]|[\W_]", "", name.lower())
    return _NEAR[column].fullmatch(plain) is not None
