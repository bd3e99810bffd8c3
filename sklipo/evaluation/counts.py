"""Predictions counted by micrograph, sample or any other column of the table."""

from collections.abc import Hashable
from difflib import get_close_matches

import numpy as np
import pandas as pd

from ..particles._columns import strip_names
from ..particles._labels import check_labels, check_names, warn_of_other_order


def count_by(particles, y_pred, by="micrograph"):
    """Count the predictions of each micrograph, sample or other group.

    Parameters
    ----------
    particles : DataFrame
        Particle table with the columns to count by.
    y_pred : array-like of shape (n_samples,)
        Predicted class of each particle, in the order of the table.
    by : str or list of str, default="micrograph"
        Column that names the group of each particle, or several, such as
        ``["sample", "micrograph"]``.

    Returns
    -------
    counts : DataFrame
        One row per group, sorted: by categories in their order, by all else from the
        least to the greatest. Columns: ``n``, the number of particles; and for each
        class that occurs, sorted, the share of the predictions that are of it, 0 where
        there is none. The index is the group, of several levels where ``by`` has
        several columns.

    Raises
    ------
    TypeError
        If the particles are no DataFrame, ``by`` is no name of a column or list of
        such, a column holds images or mixes kinds of values, or predictions are neither
        text nor numbers.
    ValueError
        If there is no such column, a group or prediction is missing, there are not as
        many predictions as particles, or a class has the name of another column of the
        result.

    Warns
    -----
    UserWarning
        If predictions have the index of the table in another order.

    See Also
    --------
    sklipo.estimate_prevalence : Corrects counts for the errors of the classifier.

    Notes
    -----
    These are counts of predictions, not shares of the classes in the sample: the
    classifier takes some particles of one class for another, and was perhaps trained as
    if all classes were equally frequent. Counts show which micrographs are unlike the
    others. For shares with intervals, use :func:`~sklipo.estimate_prevalence`.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklipo import count_by
    >>> particles = pd.DataFrame({"micrograph": ["m1", "m2", "m1", "m1", "m1"]})
    >>> count_by(particles, ["full", "full", "empty", "full", "full"])
                n  empty  full
    micrograph
    m1          4   0.25  0.75
    m2          1   0.00  1.00
    """
    if not isinstance(particles, pd.DataFrame):
        raise TypeError(
            f"particles is a {type(particles).__name__}; expected a DataFrame with the "
            "columns to count by."
        )
    particles = strip_names(particles)
    by = _check_columns(particles, by)
    warn_of_other_order(particles, y_pred, "particles", "y_pred")
    y_pred = check_labels(y_pred, len(particles), name="y_pred")
    classes, codes = np.unique(y_pred, return_inverse=True)
    _check_names(classes, by)
    # Unused categories are no groups, as none of their particles was seen.
    groups = particles[by].groupby(by, observed=True)
    n_of_group = groups.size()
    cells = groups.ngroup().to_numpy() * len(classes) + codes
    counts = np.bincount(cells, minlength=len(n_of_group) * len(classes))
    counts = counts.reshape(len(n_of_group), len(classes))
    shares = pd.DataFrame(counts, n_of_group.index, classes).div(n_of_group, axis=0)
    shares.insert(0, "n", n_of_group)
    return shares


def _check_columns(particles, by):
    """Return the names of the columns to count by, each once, all of them there."""
    names = list(by) if isinstance(by, list | tuple) else [by]
    if not names or not all(isinstance(name, Hashable) for name in names):
        raise TypeError(
            f"by={by!r}; expected the name of a column or a list of names, such as "
            "['sample', 'micrograph']."
        )
    if len(set(names)) < len(names):
        raise ValueError(f"by={by!r} names a column twice; expected each once.")
    for name in names:
        if name not in particles:
            raise ValueError(_no_column(particles, name))
        check_names(particles[name], name=f"The column {name!r}")
    return names


def _no_column(particles, name):
    """Return an error's text, with the columns that may be meant."""
    columns = {str(column).lower(): column for column in particles.columns}
    near = get_close_matches(str(name).lower(), columns, n=3)
    hint = (
        f"Did you mean {' or '.join(repr(columns[c]) for c in near)}? " if near else ""
    )
    return (
        f"The table has no column {name!r}. {hint}Its columns are "
        f"{particles.columns[:20].tolist()}."
    )


def _check_names(classes, by):
    """Refuse classes that the result could not tell from its other columns."""
    for name in ("n", *by):
        if name in classes.tolist():
            raise ValueError(
                f"A class is named {name!r}, as the column of "
                f"{'numbers' if name == 'n' else 'groups'} is. Rename the class."
            )
