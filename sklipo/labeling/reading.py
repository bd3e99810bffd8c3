"""Labels from files that experts saved, joined to the particle table."""

from contextlib import contextmanager
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import validate_params

from ..datasets._complaints import end_sentence
from ..particles import check_particles
from ..particles._labels import check_classes, check_labels, check_same_kind
from ..particles._warnings import warn_caller
from ._identity import as_text, identify
from ._joining import choose_labels, find_particles, index_places
from ._label_files import as_classes, describe_row, parse_times, read_rows


@validate_params(
    {
        "path": [str, PathLike],
        "particles": "no_validation",
        "classes": ["array-like", None],
        "expert": [str, None],
    },
    prefer_skip_nested_validation=True,
)
def read_labels(path, particles, *, classes=None, expert=None):
    """Read the labels that an expert saved from a label page into the particle table.

    Each label finds its particle by the micrograph and the instance, checked by the
    pixels, or else by the pixels alone, never by the order of rows.

    Parameters
    ----------
    path : str or path-like
        The CSV that the page saved. Spreadsheets may have saved it anew: rows and
        columns in any order, further columns, fields separated by commas, semicolons
        or tabs. Files of the same columns may be joined, with their headers.
    particles : DataFrame or other particles
        The particle table that :func:`label_page` got, or all that
        :func:`sklipo.check_particles` takes. It may have more particles than the page,
        and rows and columns in another order, but the same pixels and masks: crop and
        normalize later.
    classes : array-like, default=None
        The classes that the page had, to which each label is mapped by its text, or by
        its value if it is a number: a spreadsheet may have made ``TRUE`` of ``True``
        and ``1,0`` of ``1``. None means that labels are what they look like in the
        file, see :func:`sklipo.datasets.load_particles`.
    expert : str, default=None
        Whose labels to read from a file with those of several experts. None means all
        of them.

    Returns
    -------
    DataFrame
        A copy of the table that shares its pixels, with the columns

        - ``label``: the class, missing where there is none. Whole numbers stay such:
          with gaps, they are of dtype ``Int64``;
        - ``expert``: who gave the label;
        - ``time``: when the expert gave it, in UTC.

        A table that has them already keeps their values where the file has no label:
        read one file after another to collect labels. Where it has one, it replaces the
        former.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError
        If `particles` are no particles, or labels of the file and those of the table
        are numbers here and text there.
    ValueError
        If the file is none that a page saved; if a row's particle is not in the table,
        or has other pixels there; if two rows give a particle different labels; if a
        label is not among `classes`, or is a fraction; if two classes differ by no more
        than a spreadsheet changes; if `expert` has no row in the file; if two particles
        of the table have the same micrograph and instance; or if the table has a column
        ``time`` of other things than times. The message names the row of the file,
        counted from 0 without headers, and its particle.

    Warns
    -----
    UserWarning
        If particles of the file have no label; if labels of the table by somebody else
        are replaced by different ones; if a time is not in the form of ISO 8601, and
        therefore missing; or if the file is not UTF-8.

    See Also
    --------
    label_page : Writes the page.
    match_particles : Carries labels over to a new segmentation.
    agreement_table : How far the labels of two experts agree.
    sklipo.datasets.load_particles : Read a particle table.
    sklipo.datasets.save_particles : Save a table with its labels.

    Notes
    -----
    Spreadsheets change names that look like numbers or dates: the instance ``007``
    becomes 7, and the micrograph ``1-2`` the second of January. Equal numbers are the
    same place if the pixels agree. The hash in the column ``pixels`` stays, and finds
    the particle if its place is not in the table. If several particles have these very
    pixels, all that no other row names get the label.

    R and Python write ``NA``, ``NaN``, ``nan``, ``<NA>`` or ``None`` where there is no
    label. Such a word is no label if the others are numbers, or if the others are in
    quotes and it is not, or if it is not among `classes`. Else it is a class.

    To compare experts, read the file of each into the table without labels.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklipo import ImageArray
    >>> from sklipo.labeling import read_labels
    >>> images = ImageArray([np.eye(3), np.ones((2, 4))])
    >>> particles = pd.DataFrame({"image": images, "instance": [1, 2]})
    >>> particles["micrograph"] = "m1"
    >>> saved = {
    ...     "micrograph": "m1",
    ...     "instance": [2],
    ...     "pixels": "px-5f39578bb228d1ca",
    ...     "label": "full",
    ...     "expert": "Ada",
    ...     "time": "2026-11-26T16:40:12Z",
    ... }
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "labels-Ada.csv"
    ...     pd.DataFrame(saved).to_csv(path, index=False)
    ...     particles = read_labels(path, particles, classes=["empty", "full"])
    >>> particles[["image", "instance", "label", "expert"]]
               image  instance label expert
    0  <3x3 float64>         1   NaN    NaN
    1  <2x4 float64>         2  full    Ada
    """
    path = Path(path)
    known = identify(particles)
    by_place = index_places(known)
    if classes is not None:
        classes = check_classes(classes, check_labels(classes, name="classes"))
    with _naming(path):
        rows = read_rows(path)
        if classes is not None:
            rows["label"] = as_classes(rows, classes)
        rows["time"] = _read_times(path, rows)
        pairs = find_particles(rows, known, by_place)
        given = choose_labels(rows, pairs, expert)
    _warn_of_missing(path, rows, pairs, given, expert)
    if not isinstance(particles, pd.DataFrame):
        particles = check_particles(particles)
    return _with_labels(path, particles, rows, given)


@contextmanager
def _naming(path):
    """Let a ValueError name the file."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{str(path)!r}: {end_sentence(error)}") from error


def _read_times(path, rows):
    """Return the times of labels; warn of texts that are none, as no label is lost."""
    times, wrong = parse_times(rows["time"])
    if wrong:
        warn_caller(
            f"{str(path)!r}: {describe_row(rows, wrong[0])} has the time "
            f"{rows['time'].iloc[wrong[0]]!r} ({len(wrong)} such rows in all); "
            "expected one as 2026-11-26T16:40:12Z. Spreadsheets change times. The "
            "labels are read, and these times are missing."
        )
    return times


def _warn_of_missing(path, rows, pairs, given, expert):
    """Warn if particles of the file get no label from it."""
    missing = pairs[~pairs["particle"].isin(given["particle"])]
    if len(missing):
        by = "" if expert is None else f" by the expert {expert!r}"
        n = missing["particle"].nunique()
        warn_caller(
            f"{str(path)!r} has no label{by} for {n} of {pairs['particle'].nunique()} "
            f"particles, the first in {describe_row(rows, missing['row'].min())}. They "
            "stay as they are in the table."
        )


def _with_labels(path, particles, rows, given):
    """Return a copy of the table with the labels that are given, and those it had."""
    table = particles.copy()
    places = given["particle"].to_numpy()
    labels, experts = _former(table, "label"), _former(table, "expert")
    times = _former_times(table)
    _check_kinds(path, labels, given["label"])
    _warn_of_replaced(path, rows, given, labels[places], experts[places])
    labels[places] = given["label"].array
    experts[places] = [name or None for name in given["expert"]]
    times[places] = given["time"].array
    columns = {"label": _as_column(labels), "expert": _as_column(experts)}
    return table.assign(**columns, time=times)


def _former(table, name):
    """Return the values that a table has in a column, None where it has none."""
    if name not in table:
        return np.full(len(table), None)
    # Whole numbers are floats in tables with gaps.
    values = table[name].convert_dtypes().astype(object).to_numpy(copy=True)
    values[pd.isna(values)] = None
    return values


def _former_times(table):
    """Return the times that a table has, missing where it has none."""
    values = _former(table, "time")
    if "time" in table and is_datetime64_any_dtype(table["time"].dtype):
        return pd.to_datetime(table["time"], utc=True).dt.as_unit("us").array.copy()
    times, wrong = parse_times([as_text(value) for value in values])
    if wrong:
        raise ValueError(
            f"particles has {values[wrong[0]]!r} in its column 'time', row {wrong[0]}, "
            "where the times of labels belong. Rename that column."
        )
    return times.array


def _check_kinds(path, former, labels):
    """Raise an error if former labels are text and those of the file numbers."""
    former = [label for label in former if label is not None]
    named = {str(path): labels, "The column 'label' of particles": former}
    named = {name: check_labels(y, name=name) for name, y in named.items() if len(y)}
    if len(named) == 2:
        check_same_kind(named)


def _warn_of_replaced(path, rows, given, former, experts):
    """Warn if labels of somebody else are replaced by different ones."""
    is_other = experts != given["expert"].to_numpy()
    labels = given["label"].array
    replaced = [
        i
        for i, (old, new) in enumerate(zip(former, labels, strict=True))
        if old is not None and old != new and is_other[i]
    ]
    if replaced:
        i = replaced[0]
        warn_caller(
            f"{str(path)!r} replaces {len(replaced)} labels of the table that were not "
            f"given by the same expert: {describe_row(rows, given['row'].iloc[i])} was "
            f"{former[i]!r} by {experts[i] or 'nobody'!r} and is {labels[i]!r}. To "
            "compare experts, read each file into the table without labels."
        )


def _as_column(values):
    """Return values as a column; whole numbers and bools keep their types with gaps."""
    column = pd.Series(values, dtype=object)
    filled = column.dropna()
    if not len(filled) or isinstance(filled.iloc[0], str):
        return column.where(column.notna(), np.nan).infer_objects().array
    has_gaps = len(filled) < len(column)
    return column.convert_dtypes().array if has_gaps else np.array(column.tolist())
