"""Error among the decided at every threshold, with bounds over groups of particles.

A cut decides on the samples of the highest scores: the first one, the first two, and so
on. Samples of a group, such as particles of one micrograph, resemble each other, so a
cut holds as much as fewer independent samples would tell.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import betainc, betaincinv

_COLUMNS = [
    "threshold",
    "share_decided",
    "share_low",
    "share_high",
    "error",
    "error_low",
    "error_high",
    "least_max_error",
    "n_particles",
    "n_decided",
    "n_groups",
]


class Cuts(NamedTuple):
    """Counts of every cut, from the strictest on; each field has one value a cut."""

    threshold: np.ndarray  # the lowest score that is decided
    n: np.ndarray
    n_wrong: np.ndarray
    n_groups: np.ndarray
    # Sums over groups of their size squared, size times errors, and errors squared.
    squares: np.ndarray
    products: np.ndarray
    squared_errors: np.ndarray

    @property
    def n_whole_groups(self):
        """Number of equally large groups that the groups are worth (Kish 1965)."""
        return self.n**2 / self.squares

    @property
    def n_effective(self):
        """Number of independent samples that a cut is worth.

        It is n over the design effect, as of Korn and Graubard (1998). The effect is
        that of the groups and of one more, of which all is wrong: without it, errors
        that none of a few groups happens to have would count as impossible.
        """
        size = self.squares / self.n
        n = self.n + size
        error = (self.n_wrong + size) / n
        spread = (
            self.squared_errors
            - 2 * error * self.products
            + error**2 * self.squares
            + (size * (1 - error)) ** 2
        )
        binomial = n * error * (1 - error)
        # Where all is wrong, only the groups' sizes are left to estimate the effect by.
        effect = np.divide(spread, binomial, out=size, where=binomial > 0)
        return self.n / np.maximum(effect, 1)

    def lower(self, confidence):
        """Return the lower bound of the error of each cut.

        It is what the upper bound leaves of those that are right.
        """
        right = self._replace(
            n_wrong=self.n - self.n_wrong,
            products=self.squares - self.products,
            squared_errors=self.squares - 2 * self.products + self.squared_errors,
        )
        return 1 - right.upper(confidence)

    def upper(self, confidence):
        """Return the upper bound of the error of each cut (Clopper and Pearson)."""
        n, wrong = self._effective_counts()
        return np.where(wrong < n, betaincinv(wrong + 1, n - wrong, confidence), 1.0)

    def p_value(self, max_error):
        """Return the p-value of each cut of an error larger than allowed."""
        n, wrong = self._effective_counts()
        return 1 - np.where(wrong < n, betainc(wrong + 1, n - wrong, max_error), 0.0)

    def _effective_counts(self):
        """Return the numbers of independent samples and of errors among them."""
        n = self.n_effective
        return n, n * self.n_wrong / self.n


def count_cuts(score, is_wrong, groups=None):
    """Return the cuts of samples by their score; equal scores are decided together.

    NaN, as of a diverged network, is less than any other score.
    """
    score = np.where(np.isnan(score), -np.inf, score)
    order = np.argsort(-score, kind="stable")
    score, wrong = score[order], np.asarray(is_wrong)[order].astype(float)
    groups = np.arange(len(score)) if groups is None else np.asarray(groups)[order]
    # What the group of each sample has had before it.
    of_group = pd.Series(wrong).groupby(groups, sort=False)
    size = of_group.cumcount().to_numpy()
    errors = of_group.cumsum().to_numpy() - wrong
    counts = {
        "n": np.ones(len(score)),
        "n_wrong": wrong,
        "n_groups": size == 0,
        "squares": 2 * size + 1,
        "products": errors + wrong * (size + 1),
        "squared_errors": (2 * errors + 1) * wrong,
    }
    is_last = np.append(score[1:] != score[:-1], True)
    return Cuts(
        threshold=score[is_last],
        **{name: np.cumsum(steps)[is_last] for name, steps in counts.items()},
    )


def find_cut(cuts, max_error, confidence):
    """Return the loosest cut whose error is at most as large as allowed, or None.

    Each cut is a test, and the chance that any wrong one passes is 1 - confidence. The
    cuts are tested in order: one that passes hands its share of that chance on to the
    next, and one that fails loses it (the fallback procedure of Wiens and Dmitrienko
    2005; with a single start it is the fixed sequence of Angelopoulos et al. 2021).
    """
    starts = _find_starts(cuts, max_error, 1 - confidence)
    p_values = cuts.p_value(max_error)
    chosen, chance = None, 0.0
    for start, end in pairwise([*starts, len(p_values)]):
        chance += (1 - confidence) / len(starts)
        n_passed = np.append(p_values[start:end] > chance, True).argmax()
        if n_passed:
            chosen = start + n_passed - 1
        if start + n_passed < end:
            chance = 0.0
    return chosen


def find_least_error(cuts, confidence):
    """Return the error, in thousandths, that finds a cut where one less finds none.

    It is 1 if none is found. Starts depend on the error, so a larger one may find none.
    """
    low, high = 0, 1000
    while high - low > 1:
        middle = (low + high) // 2
        if find_cut(cuts, middle / 1000, confidence) is None:
            low = middle
        else:
            high = middle
    return high / 1000


def describe_coverage(score, is_wrong, groups, max_error, confidence):
    """Return the threshold of the predictions of a class, and what follows from it.

    Each bound holds with the confidence by itself.
    """
    row = dict.fromkeys(_COLUMNS, np.nan)
    row.update(threshold=np.inf, n_particles=len(score), n_decided=0, n_groups=0)
    if not len(score):
        return row
    cuts = count_cuts(score, is_wrong, groups)
    low, high = cuts.lower(confidence), cuts.upper(confidence)
    row["least_max_error"] = find_least_error(cuts, confidence)
    chosen = find_cut(cuts, max_error, confidence)
    if chosen is not None:
        is_loosest = chosen == len(cuts.n) - 1
        row["threshold"] = 0.0 if is_loosest else cuts.threshold[chosen]
        row["error"] = cuts.n_wrong[chosen] / cuts.n[chosen]
        row["error_low"], row["error_high"] = low[chosen], high[chosen]
        row["n_decided"] = int(cuts.n[chosen])
        row["n_groups"] = int(cuts.n_groups[chosen])
    # The share has no threshold: all samples are one cut.
    cut = count_cuts(np.zeros(len(score)), score >= row["threshold"], groups)
    row["share_decided"] = cut.n_wrong[0] / cut.n[0]
    row["share_low"], row["share_high"] = (
        bound(confidence)[0] for bound in (cut.lower, cut.upper)
    )
    return row


def groups_needed(max_error, chance):
    """Return how many groups without any error are needed to rule out a larger one."""
    return np.log(chance) / np.log1p(-max_error)


def _find_starts(cuts, max_error, chance):
    """Return the cuts at which the sequence of tests begins, and begins anew.

    The first is the strictest that would pass without any error, the next ones decide
    on twice, four times, ... as many samples, of which some may be wrong. They depend
    on scores and groups alone, never on what is wrong.
    """
    starts = []
    while True:
        n_starts = len(starts) + 1
        is_enough = cuts.n_whole_groups >= groups_needed(max_error, chance / n_starts)
        sizes = cuts.n[is_enough.argmax()] * 2.0 ** np.arange(n_starts)
        if not is_enough.any() or sizes[-1] > cuts.n[-1]:
            return starts
        starts = np.searchsorted(cuts.n, sizes)
