"""Tables of metrics with their intervals, from tallies by unit and by fold."""

from numbers import Integral, Real

import numpy as np

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval

from ._bootstrap import (
    corrected_t_test,
    metric_differences,
    resample,
    spread_table,
    tally_metrics,
)

# The usual bootstrap: its samples are drawn once for all tables of a result.
N_RESAMPLES, _SEED = 1000, 0
INTERVAL_PARAMETERS = {
    "level": [Interval(Real, 0, 1, closed="neither")],
    # A million samples take gigabytes, and a thousandth of them tells as much.
    "n_resamples": [Interval(Integral, 1, 1_000_000, closed="both")],
    "random_state": ["random_state"],
}


def find_class(label, classes):
    """Return the position of a class among all, None for all together."""
    if label is None:
        return None
    classes = classes.tolist()
    if not np.isscalar(label) or label not in classes:
        raise ValueError(f"There is no class {label!r}; there are {classes}.")
    return classes.index(label)


def draw_samples(tallies, n_resamples=N_RESAMPLES, random_state=None):
    """Return tallies of bootstrap samples, of the same ones without a random state."""
    seed = _SEED if random_state is None else random_state
    return resample(tallies, int(n_resamples), seed)


def summary_table(by_unit, by_fold, samples, position, level):
    """Return each metric with its spread over folds and its interval."""
    whole = by_unit.sum(axis=0, keepdims=True)
    pooled, by_fold, samples = (
        tally_metrics(tallies, position) for tallies in (whole, by_fold, samples)
    )
    table = spread_table(pooled.iloc[0].rename("pooled"), by_fold, samples, level)
    return table.assign(n_folds=by_fold.count())


def comparison_table(by_unit, by_fold, samples, position, level):
    """Return the differences of two results, whose tallies are paired in axis 1."""
    whole = by_unit.sum(axis=0, keepdims=True)
    difference, by_fold, samples = (
        metric_differences(pairs, position) for pairs in (whole, by_fold, samples)
    )
    difference = difference.iloc[0].rename("difference")
    table = spread_table(difference, by_fold, samples, level)
    return table.assign(p_value=corrected_t_test(by_fold))
