"""Labels carried over to a new segmentation of the same micrographs."""

from numbers import Real

import numpy as np
import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval, validate_params

from ..datasets._complaints import list_first
from ..datasets._instances import crop_masks
from ..datasets._places import HOW_TO_GET_MASKS
from ..images import ImageArray
from ..particles._columns import strip_names, with_levels
from ..particles._labels import check_names
from ..particles._warnings import warn_caller
from ._mask_pairs import choose_matches, find_pairs

# What read_labels adds to a table.
_CARRIED = ["label", "expert", "time"]
# How many times larger a property of one micrograph may be in one table: pixel sizes
# are rounded.
_MOST_RATIOS = {"micrograph_height": 1, "micrograph_width": 1, "pixel_size": 1.01}
_N_LISTED = 3


@validate_params(
    {
        "new": [pd.DataFrame],
        "old": [pd.DataFrame],
        "min_overlap": [Interval(Real, 0, 1, closed="right")],
    },
    prefer_skip_nested_validation=True,
)
def match_particles(new, old, *, min_overlap=0.5):
    r"""Carry labels over to a new segmentation of the same micrographs.

    Particles are matched by their masks, each with one other at most.

    Parameters
    ----------
    new : DataFrame
        Particles of the new segmentation, as :func:`~sklipo.datasets.extract_particles`
        returns them: with the columns ``mask``, ``top`` and ``left`` and, if there are
        several micrographs, ``micrograph``.
    old : DataFrame
        Particles of the old one, of the same kind, mostly with a ``label``.
    min_overlap : float, default=0.5
        Least overlap of two particles that match, above 0 and up to 1: the pixels that
        both hold by those that either holds, their intersection over union (IoU).

    Returns
    -------
    labels : DataFrame
        One row per particle of `new`, with its index. Columns: ``label``, ``expert``
        and ``time``, as far as `old` has them; ``old``, the index of the particle that
        it matches; and ``overlap`` with that one. All are missing where there is none.
    changes : DataFrame
        What to look at again, one row per pair of particles, or per particle that is in
        no pair. Columns:

        - ``micrograph``, if the tables have it.
        - ``change``: ``"lost"``, a particle of `old` that none of `new` matches;
          ``"split"``, one of `old` and one of its parts; ``"merged"``, one of `new` and
          one of those that it is made of; ``"added"``, one of `new` that matches none.
          Those that are in a split or merger are neither lost nor added.
        - ``old``, ``new``: the index of each, missing where there is none.
        - ``overlap``: that of the pair; of a lost or added particle the largest that it
          has with any other, 0 if it lies on none.
        - ``label``: that of the old particle, if `old` has labels.
        - ``conflict``, if `old` has labels: True in a merger of particles of several
          labels. Those that have none don't count.

    Raises
    ------
    ValueError
        If a table has no masks, or not their places; a mask is empty or missing; the
        index names several particles alike; one table alone names micrographs, or
        both have no micrograph in common; or a micrograph has another shape or another
        pixel size in `new` than in `old`.

    Warns
    -----
    UserWarning
        If one of the tables has micrographs that the other lacks.

    See Also
    --------
    read_labels : Reads labels into the table of their own segmentation.
    sklipo.datasets.extract_particles : Cuts the particles of a segmentation out.

    Notes
    -----
    Of all ways to match each particle with one other at most, that with the largest
    total overlap is taken, which is an assignment problem [1]_. Particles of one
    segmentation mostly do not overlap each other: then no two of them overlap the same
    one by more than a half, and at the default of `min_overlap` the match is unique but
    for halves of exactly the same size. Of such ties, the place and the pixels of the
    masks decide, not the order of rows.

    An old particle is split if two or more new ones have over half of their pixels
    within it each. A new particle is merged if two or more old ones have over half of
    their pixels within it. The largest part of a split, and the largest share of a
    merger, can match all the same, and then carry the label.

    Labels that were lost are ``old.drop(labels["old"].dropna())["label"].dropna()``.
    Whole numbers and bools become those of pandas, ``Int64`` and ``boolean``, which can
    be missing.

    References
    ----------
    .. [1] D. F. Crouse, "On implementing 2D rectangular assignment algorithms", IEEE
       Transactions on Aerospace and Electronic Systems 52, 1679-1696, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.datasets import extract_particles
    >>> from sklipo.labeling import match_particles
    >>> micrograph, before, after = np.zeros((3, 40, 60), int)
    >>> before[5:15, 5:15], before[20:30, 5:25], before[5:15, 40:50] = 1, 2, 3
    >>> after[5:15, 6:16], after[20:30, 5:17], after[20:30, 18:25] = 1, 2, 3
    >>> old = extract_particles(micrograph, before)
    >>> old["label"] = ["full", "empty", "full"]
    >>> new = extract_particles(micrograph, after)
    >>> labels, changes = match_particles(new, old)
    >>> labels
       label   old   overlap
    0   full     0  0.818182
    1  empty     1  0.600000
    2    NaN  <NA>       NaN
    >>> changes
      change  old   new  overlap  label  conflict
    0   lost    2  <NA>     0.00   full     False
    1  split    1     1     0.60  empty     False
    2  split    1     2     0.35  empty     False
    """
    tables = {"new": _read(new, "new"), "old": _read(old, "old")}
    names = _find_micrographs(tables)
    _check_same_micrographs(tables, names)
    masks = [_crop(table, name) for name, table in tables.items()]
    pairs = find_pairs(*masks, *names)
    close = pairs[pairs["overlap"] >= min_overlap]
    matches = close[choose_matches(close, *masks)]
    return _carry(tables, matches), _list_changes(tables, pairs, matches)


def _read(table, name):
    """Return a table, or raise an error unless its particles have masks and places."""
    table = with_levels(strip_names(table), ["micrograph"])
    for column in ("mask", "top", "left"):
        if column not in table.columns:
            raise ValueError(
                f"{name} has no column {column!r}, only {list(table.columns)}. "
                "Particles are matched by their masks in their places: the columns "
                "'mask', 'top' and 'left' of extract_particles. Cut-outs that were "
                f"loaded have no places. {HOW_TO_GET_MASKS}"
            )
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()].tolist()[0]
        raise ValueError(
            f"The index of {name} names several particles {twice!r}; expected a name "
            f"of its own for each. Pass {name}.reset_index(drop=True), or join tables "
            "by pandas.concat(tables, ignore_index=True)."
        )
    return table


def _find_micrographs(tables):
    """Return the names of the micrographs of new and of old, one a row of each."""
    lacking = [name for name, table in tables.items() if "micrograph" not in table]
    if len(lacking) == 1:
        raise ValueError(
            f"{lacking[0]} has no column 'micrograph', but the other table has. Name "
            "the micrograph of each particle in both, or drop the column if all "
            "particles are of one micrograph."
        )
    if lacking:
        return [np.zeros(len(table), int) for table in tables.values()]
    return [
        check_names(table["micrograph"], name=f"{name}['micrograph']")
        if len(table)
        else np.empty(0, object)
        for name, table in tables.items()
    ]


def _check_same_micrographs(tables, names):
    """Raise an error unless the micrographs of both tables are the same ones."""
    _compare_names(*(list(dict.fromkeys(of.tolist())) for of in names))
    names = np.concatenate([of.astype(object) for of in names])
    for column, most in _MOST_RATIOS.items():
        numbers = [_numbers(table, column) for table in tables.values()]
        by_name = pd.Series(np.concatenate(numbers)).groupby(names, sort=False)
        least, largest = by_name.min(), by_name.max()
        differs = np.flatnonzero(largest > most * least)
        if len(differs):
            least, largest = least.iloc[differs], largest.iloc[differs]
            which = f" {least.index[0]!r}" if "micrograph" in tables["new"] else ""
            raise ValueError(
                f"{column} of the micrograph{which} is both {least.iloc[0]:g} and "
                f"{largest.iloc[0]:g}; expected two segmentations of one image, at one "
                "scale. Cut the particles out of the same image, or correct the number."
            )


def _numbers(table, column):
    """Return a column as floats, NaN where it is missing."""
    values = table.get(column, pd.Series(np.nan, table.index))
    return pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)


def _compare_names(new, old):
    """Raise an error if no micrograph is in both tables; warn of those in one alone."""
    if not new or not old:
        return
    only = {
        "new": [name for name in new if name not in set(old)],
        "old": [name for name in old if name not in set(new)],
    }
    few = {
        name: list_first(list(map(repr, of)), _N_LISTED) for name, of in only.items()
    }
    if len(only["new"]) == len(new):
        raise ValueError(
            f"No micrograph is in both tables: new has {few['new']}, old has "
            f"{few['old']}. Rename those of one table, so that the same micrograph has "
            "the same name, as text or as a number, in both."
        )
    for name, other, of in (("new", "old", new), ("old", "new", old)):
        if only[name]:
            warn_caller(
                f"{other} lacks {len(only[name])} of the {len(of)} micrographs of "
                f"{name}: {few[name]}. Their particles match none."
            )


def _crop(table, name):
    """Return masks, cut to their boxes, with their places."""
    if len(table):
        return crop_masks(table, name)
    return pd.DataFrame({"mask": ImageArray([]), "top": [], "left": []})


def _carry(tables, matches):
    """Return what each new particle gets from the old one that it matches."""
    new, old = tables.values()
    rows, overlap = np.full(len(new), -1), np.full(len(new), np.nan)
    rows[matches["new"]] = matches["old"]
    overlap[matches["new"]] = matches["overlap"]
    carried = {name: _take(old[name], rows) for name in _CARRIED if name in old}
    carried |= {"old": _take(old.index.to_flat_index(), rows), "overlap": overlap}
    return pd.DataFrame(carried).set_axis(new.index)


def _take(values, rows):
    """Return a Series of the values of some rows, missing for row -1."""
    dtype = values.dtype
    # Of NumPy's own types, these have no missing values.
    lacks_missing = isinstance(dtype, np.dtype) and dtype.kind in "iub"
    array = pd.array(values.to_numpy()) if lacks_missing else values.array
    # Without a dtype, pandas makes text of objects that are text.
    return pd.Series(array.take(rows, allow_fill=True), dtype=array.dtype)


def _list_changes(tables, pairs, matches):
    """Return the table of particles that are lost, split, merged or added."""
    parts, wholes = pairs[pairs["of_new"] > 0.5], pairs[pairs["of_old"] > 0.5]
    split = parts[parts.duplicated("old", keep=False)].sort_values(["old", "new"])
    merged = wholes[wholes.duplicated("new", keep=False)]
    known = pd.concat([matches, split, merged])
    events = {
        "lost": _list_alone("old", tables, pairs, known),
        "split": split,
        "merged": merged,
        "added": _list_alone("new", tables, pairs, known),
    }
    return _describe(tables, pd.concat(events, names=["change"]).reset_index("change"))


def _list_alone(side, tables, pairs, known):
    """Return particles of one table that are in no known pair, with no partner."""
    alone = np.setdiff1d(np.arange(len(tables[side])), known[side])
    largest = pairs.groupby(side)["overlap"].max().reindex(alone, fill_value=0.0)
    return pd.DataFrame({"new": -1, "old": -1, "overlap": largest}).assign(
        **{side: alone}
    )


def _describe(tables, events):
    """Return events by the index of their particles, with micrograph and label."""
    new, old = tables.values()
    columns = {"change": events["change"].to_numpy()}
    if "micrograph" in old:
        names = pd.concat([old["micrograph"], new["micrograph"]])
        rows = events["old"].where(events["old"] >= 0, events["new"] + len(old))
        columns = {"micrograph": _take(names, rows.to_numpy()), **columns}
    for side, table in (("old", old), ("new", new)):
        columns[side] = _take(table.index.to_flat_index(), events[side].to_numpy())
    columns["overlap"] = events["overlap"].to_numpy()
    if "label" in old:
        columns["label"] = _take(old["label"], events["old"].to_numpy())
    changes = pd.DataFrame(columns)
    if "label" in old:
        merged = changes[changes["change"] == "merged"]
        n_labels = merged.groupby("new")["label"].transform("nunique")
        changes["conflict"] = n_labels.reindex(changes.index, fill_value=0) > 1
    return changes
