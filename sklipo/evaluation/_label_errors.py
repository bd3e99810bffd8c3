"""Labels that out-of-fold probabilities contradict: confident learning."""

import numpy as np
import pandas as pd

from ..displays._probabilities import result_probabilities
from ..particles._labels import encode
from ..particles._warnings import warn_caller

# Means of equal float32 probabilities differ from them by less.
_ROUNDING = 1e-6


def find_label_errors(result):
    """Return particles whose label the probabilities contradict, the worst first."""
    y_proba = result_probabilities(result)
    rows = np.flatnonzero(~np.isnan(y_proba).any(axis=1))
    n_lost = len(y_proba) - len(rows)
    if n_lost:
        warn_caller(
            f"{n_lost} of {len(y_proba)} particles have probabilities that are NaN, as "
            "a network diverged in their fold. Their labels are not judged."
        )
    labels = encode(result.y_true, result.kinds)[rows]
    is_suspicious, suggested, margin = _contradict(labels, y_proba[rows])
    table = pd.DataFrame(
        {
            "row": rows,
            "y_true": result.y_true[rows],
            "suggested": result.kinds[suggested],
            "proba_true": y_proba[rows, labels],
            "proba_suggested": y_proba[rows, suggested],
            "margin": margin,
            "fold": result.folds[rows],
        },
        index=rows if result.index is None else result.index[rows],
    )
    if result.groups is not None:
        groups = result.groups[rows]
        table["group"] = groups
        share = pd.Series(is_suspicious).groupby(groups).transform("mean")
        table["group_share"] = share.to_numpy()
    return table[is_suspicious].sort_values("margin", kind="stable")


def _contradict(labels, y_proba):
    """Return which labels are contradicted, the classes suggested, and the margins."""
    n_samples, n_classes = y_proba.shape
    each = np.arange(n_samples)
    of_label = y_proba[each, labels]
    n_members = np.bincount(labels, minlength=n_classes)
    sums = np.bincount(labels, of_label, minlength=n_classes)
    # Without a label of a class, nothing tells how confident its probabilities are.
    thresholds = np.full(n_classes, np.inf)
    np.divide(sums, n_members, out=thresholds, where=n_members > 0)
    confident = np.where(y_proba >= thresholds - _ROUNDING, y_proba, -1)
    suggested = confident.argmax(axis=1)
    others = y_proba.copy()
    others[each, labels] = -1
    margin = of_label - others.max(axis=1)
    is_confident = confident[each, suggested] >= 0
    is_other = (suggested != labels) & (margin < -_ROUNDING)
    return is_confident & is_other, suggested, margin
