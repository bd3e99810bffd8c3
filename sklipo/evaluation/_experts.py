"""What experts agree on, by the metrics of a model: the ceiling of its scores."""

import numpy as np
import pandas as pd

from ._bootstrap import tally_metrics


def expert_metrics(agreement, classes, position):
    """Return the metrics of one class, or of all, of one expert by another as truth.

    They are the means over both directions of all pairs of experts.
    """
    counts = _count_by_pair(agreement, classes)
    directions = np.concatenate([counts, counts.swapaxes(1, 2)])
    # Experts give no probabilities, so their losses are unknown.
    tallies = np.pad(directions, [(0, 0), (0, 0), (0, 1)], constant_values=np.nan)
    return tally_metrics(tallies, position).mean()


def _count_by_pair(agreement, classes):
    """Return the confusion matrix of each pair of experts, with the classes given."""
    confusion = _read_confusion(agreement)
    known, labels = classes.tolist(), confusion.columns.tolist()
    unknown = [label for label in labels if label not in known]
    if unknown:
        raise ValueError(
            f"The experts gave the class {unknown[0]!r}, which the result does not "
            f"know; its classes are {known}. Make the table from labels of these."
        )
    # The last row of each table has the sums, the last table of several the pairs' sum.
    by_pair = confusion.to_numpy(float).reshape(-1, len(labels) + 1, len(labels))
    by_pair = by_pair[: max(len(by_pair) - 1, 1), :-1]
    counts = np.zeros((len(by_pair), len(known), len(known)))
    places = [known.index(label) for label in labels]
    counts[:, *np.ix_(places, places)] = by_pair
    return counts


def _read_confusion(agreement):
    """Return the confusion matrices of a table of agreement."""
    is_table = isinstance(agreement, pd.DataFrame) and agreement.columns.nlevels == 2
    if is_table and "confusion" in agreement.columns.get_level_values(0):
        confusion = agreement["confusion"]
        if _has_whole_blocks(confusion):
            return confusion
    raise TypeError(
        f"agreement is a {type(agreement).__name__}; expected the whole table that "
        "sklipo.labeling.agreement_table returns, in the order of its rows."
    )


def _has_whole_blocks(confusion):
    """Tell whether rows are the classes in the order of the columns, and their sum."""
    labels = confusion.columns.tolist()
    rows = confusion.index.get_level_values(-1).tolist()
    n_rows = len(labels) + 1
    starts = range(0, len(rows), n_rows)
    has_order = all(rows[start : start + n_rows - 1] == labels for start in starts)
    return has_order and len(rows) > 0 and len(rows) % n_rows == 0
