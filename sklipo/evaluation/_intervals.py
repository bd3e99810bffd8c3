"""Tables of metrics with their intervals, from tallies by unit and by fold."""

from functools import cached_property
from numbers import Integral, Real

import numpy as np
import pandas as pd
from scipy.stats import hmean, norm
from scipy.stats import t as student

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval

from ._bootstrap import (
    corrected_t_test,
    count_tallies,
    metric_differences,
    resample,
    tally_metrics,
)
from ._experts import expert_metrics
from ._fields import check_comparable
from ._resampled_counts import effective_number, interval_ends

# The usual bootstrap: its samples are drawn once for all tables of a result.
N_RESAMPLES, _SEED = 1000, 0
INTERVAL_PARAMETERS = {
    "level": [Interval(Real, 0, 1, closed="neither")],
    # A million samples take gigabytes, and a thousandth of them tells as much.
    "n_resamples": [Interval(Integral, 1, 1_000_000, closed="both")],
    "random_state": ["random_state"],
}


class TalliedPredictions:
    """Base of results: their tallies, each counted once, and tables of these."""

    @cached_property
    def _units(self):
        """Number of the unit that the bootstrap draws each particle with."""
        if self.groups is None:
            return np.arange(len(self.y_true))
        return np.unique(self.groups, return_inverse=True)[1]

    @cached_property
    def _unit_tallies(self):
        """Tally of each unit that the bootstrap draws."""
        return count_tallies(self, self._units)

    @cached_property
    def _fold_tallies(self):
        """Tally of each fold."""
        return count_tallies(self, self.folds)

    @cached_property
    def _samples(self):
        """Tallies of the usual bootstrap samples, which serve every class."""
        return draw_samples(self._unit_tallies)

    def _summarize(self, label, agreement, level, n_resamples, random_state):
        """Return each metric with its interval, beside that of experts if given."""
        position = find_class(label, self.kinds)
        samples = self._samples
        if random_state is not None or n_resamples != N_RESAMPLES:
            samples = draw_samples(self._unit_tallies, n_resamples, random_state)
        table = summary_table(
            self._unit_tallies, self._fold_tallies, samples, position, level
        )
        if agreement is None:
            return table
        return table.assign(experts=expert_metrics(agreement, self.kinds, position))

    def _compare(self, other, label, level, n_resamples, random_state):
        """Return by how much each metric differs from that of another result."""
        check_comparable(self, other)
        position = find_class(label, self.kinds)
        # Units of both results side by side: each sample draws the same ones of both.
        by_unit, by_fold = (
            np.stack([count_tallies(result, units) for result in (self, other)], axis=1)
            for units in (self._units, self.folds)
        )
        samples = draw_samples(by_unit, n_resamples, random_state)
        return comparison_table(by_unit, by_fold, samples, position, level)


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
    return resample(tallies, int(n_resamples), usual_seed(random_state))


def usual_seed(random_state):
    """Return the random state, or the seed that makes equal calls give equal tables."""
    return _SEED if random_state is None else random_state


def summary_table(by_unit, by_fold, samples, position, level):
    """Return each metric with its spread over folds and its interval."""
    whole = by_unit.sum(axis=0, keepdims=True)
    pooled, by_fold, samples = (
        tally_metrics(tallies, position) for tallies in (whole, by_fold, samples)
    )
    n_units = effective_number(_support(by_unit).sum(axis=1))
    pooled = pooled.iloc[0].rename("pooled")
    table = _spread_table(pooled, by_fold, samples, widen(level, n_units))
    return table.assign(n_folds=by_fold.count())


def comparison_table(by_unit, by_fold, samples, position, level):
    """Return the differences of two results, whose tallies are paired in axis 1."""
    whole = by_unit.sum(axis=0, keepdims=True)
    difference, by_fold, samples = (
        metric_differences(pairs, position) for pairs in (whole, by_fold, samples)
    )
    n_units = _count_paired_units(_support(by_unit[:, 0]), position)
    difference = difference.iloc[0].rename("difference")
    table = _spread_table(difference, by_fold, samples, widen(level, n_units))
    return table.assign(p_value=corrected_t_test(by_fold))


def _support(by_unit):
    """Return how many particles of each class each unit has."""
    return by_unit[..., :-1].sum(axis=-1)


def _count_paired_units(support, position):
    """Return the harmonic mean of the units of all and of the (rarest) class.

    The pseudo-particle, the same for both results, does not widen their difference, so
    the few units of a rare class have to.
    """
    by_class = effective_number(support)
    of_class = by_class[by_class > 0].min() if position is None else by_class[position]
    return hmean([of_class, effective_number(support.sum(axis=1))])


def widen(level, n_units):
    """Return the level of percentiles that hold as often as the level asks for.

    Percentiles are too narrow for few units: they take the deviation by n, not n - 1,
    and as if it were known. The pseudo-particle of the samples is one unit more.
    """
    n_units = max(n_units, 1)
    deviations = student.isf((1 - level) / 2, n_units) * np.sqrt(1 + 1 / n_units)
    return 1 - 2 * norm.sf(deviations)


def _spread_table(whole, by_fold, samples, level):
    """Return a value for each metric, its spread over folds, and its interval."""
    # The pseudo-particle keeps samples from the ends of the scale, not the value.
    low, high = interval_ends(samples, whole, level)
    spread = {"mean": by_fold.mean(), "std": by_fold.std(), "low": low, "high": high}
    return pd.DataFrame({whole.name: whole, **spread})
