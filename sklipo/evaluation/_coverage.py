"""What a selective classifier decides of each class, as a table and a warning."""

from math import ceil

import numpy as np
import pandas as pd

from ..displays._probabilities import probability_of
from ..metrics._risk import describe_coverage, groups_needed
from ..particles._warnings import warn_caller


def tabulate_coverage(result, max_error, confidence):
    """Return what is decided of each class, and by which threshold."""
    score = probability_of(result.y_proba, result.y_pred, result.classes)
    is_wrong = result.y_true != result.y_pred
    groups = np.arange(len(score)) if result.groups is None else result.groups
    rows = []
    for label in result.classes:
        of_class = result.y_pred == label
        parts = score[of_class], is_wrong[of_class], groups[of_class]
        rows.append(describe_coverage(*parts, max_error, confidence))
    return pd.DataFrame(rows, pd.Index(result.classes, name="class"))


def warn_of_undecided(table, result, max_error, confidence, unsure):
    """Warn of classes without a threshold, and say what would give them one."""
    undecided = table[np.isinf(table["threshold"])]
    if undecided.empty:
        return
    units, values = "particles", result.y_true
    if result.groups is not None:
        units, values = "micrographs", np.unique(result.groups)
    reached = "; ".join(
        f"{label!r} ({_in_words(row)})" for label, row in undecided.iterrows()
    )
    least = ceil(groups_needed(max_error, 1 - confidence))
    warn_caller(
        f"{len(undecided)} of {len(table)} classes can't be decided with max_error="
        f"{max_error} and confidence={confidence}, and {unsure!r} is predicted in "
        f"their place: {reached}. Such a bound takes {least} {units} or more of a "
        "class, all of them right, and more if some are wrong; there are "
        f"{len(values)}. More {units}, a larger max_error or a better estimator would "
        "help."
    )


def _in_words(row):
    """Return in words why a class can't be decided."""
    if not row["n_particles"]:
        return "never predicted"
    predicted = f"predicted for {row['n_particles']:.0f} particles"
    if row["least_max_error"] == 1:
        return f"{predicted}, decided with no max_error"
    return f"{predicted}, decided with max_error={row['least_max_error']:.3f}"
