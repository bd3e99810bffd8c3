"""Intervals that hold with few micrographs: simulated studies whose truth is known."""

from collections import Counter

import numpy as np
import pytest
from scipy.stats import beta, norm
from scipy.stats import t as student

from sklipo.evaluation import (
    CrossValidationResult,
    _bootstrap,
    _intervals,
    _resampled_counts,
)
from sklipo.metrics._confusion import class_metrics, summary_metrics

# Confusion matrix and shares of the classes in the population of all micrographs.
CONFUSION = np.array([[0.9, 0.07, 0.03], [0.12, 0.8, 0.08], [0.15, 0.15, 0.7]])
SHARES = np.array([0.8, 0.15, 0.05])
RAREST = 2
TRUE_COUNTS = SHARES[:, np.newaxis] * CONFUSION


def draw_tallies(rng, n_groups, shared=1.0):
    """Return tallies of micrographs, paired for two models with the same errors.

    Micrographs differ in size, in the shares of classes and in the share of right
    predictions. Of ``shared`` of the particles both models say the same.
    """
    sizes = 1 + rng.poisson(rng.lognormal(np.log(29) - 0.18, 0.6, n_groups))
    support = rng.multinomial(sizes, rng.dirichlet(SHARES * 10, n_groups))
    alike = rng.binomial(support, shared)
    parts = [_predict(rng, n) for n in (alike, support - alike, support - alike)]
    tallies = np.full((n_groups, 2, 3, 4), np.nan)
    tallies[..., :3] = np.stack([parts[0] + part for part in parts[1:]], axis=1)
    return tallies


def _predict(rng, support):
    """Return confusion counts of each micrograph for its particles of each class."""
    counts = np.zeros((*support.shape, 3), int)
    for k, row in enumerate(CONFUSION):
        shares = rng.dirichlet(row * 10, len(support))
        counts[:, k] = rng.multinomial(support[:, k], shares)
    return counts


def count_covered(n_groups, n_studies, n_resamples=400):
    """Return how often intervals hold the truth, and how often equal models differ."""
    rng = np.random.default_rng(n_groups)
    of_all, of_classes = summary_metrics(TRUE_COUNTS), class_metrics(TRUE_COUNTS)
    truth = {
        None: {name: of_all[name] for name in ("accuracy", "balanced_accuracy")},
        RAREST: {name: of_classes[name][RAREST] for name in ("TPR", "F1")},
    }
    covered, equal = Counter(), Counter()
    n_counted = 0
    while n_counted < n_studies:
        tallies = draw_tallies(rng, n_groups, shared=0.5)
        if not tallies[:, 0, RAREST, :3].any():
            continue
        n_counted += 1
        samples = _intervals.draw_samples(tallies, n_resamples)
        both = tallies, tallies[:5], samples
        first = [part[:, 0] for part in both]
        for position, values in truth.items():
            table = _intervals.summary_table(*first, position, 0.95)
            differences = _intervals.comparison_table(*both, position, 0.95)
            for metric, true in values.items():
                low, high = table.loc[metric, ["low", "high"]]
                covered[metric] += (low <= true <= high) / n_studies
                low, high = differences.loc[metric, ["low", "high"]]
                equal[metric] += (low <= 0 <= high) / n_studies
    return covered, equal


def test_intervals_of_ten_micrographs_cover_the_truth():
    covered, equal = count_covered(10, 40)
    # Of 40 intervals with a coverage of 95 %, 34 or more hold the truth with 99 %.
    assert min(covered.values()) >= 34 / 40 - 1e-9
    assert min(equal.values()) >= 34 / 40 - 1e-9


@pytest.mark.long
@pytest.mark.parametrize("n_groups", [10, 20, 50, 155])
def test_coverage_of_many_studies(n_groups):
    covered, equal = count_covered(n_groups, 500, 1000)
    if n_groups == 10:
        assert covered["balanced_accuracy"] >= 0.93
        assert min(equal.values()) >= 0.93
    # A coverage of .92 to .96, give or take two deviations of a share of 500 studies.
    assert min(covered.values()) >= 0.9
    assert min(equal.values()) >= 0.91
    if n_groups > 100:
        assert max(covered.values()) <= 0.98


def make_result(right, **fields):
    """Return a result of two classes, of which the first is always recognized."""
    y_pred = np.where(right, "b", "a")
    y_true = np.repeat("b", len(right))
    return CrossValidationResult(
        classes=["a", "b"],
        y_true=np.append(y_true, ["a"] * 20),
        y_pred=np.append(y_pred, ["a"] * 20),
        folds=np.arange(len(right) + 20) % 2,
        **fields,
    )


@pytest.mark.parametrize("n_right", [0, 1, 4, 5])
def test_few_single_particles_have_about_the_interval_of_jeffreys(n_right):
    right = np.arange(5) < n_right
    row = make_result(right).summary("b", n_resamples=20_000).loc["TPR"]
    low, high = beta.ppf([0.025, 0.975], n_right + 0.5, 5 - n_right + 0.5)
    assert 0 <= row["low"] <= row["pooled"] <= row["high"] <= 1
    # How many of the particles a sample draws differs, too: it is somewhat wider.
    assert low - 0.2 < row["low"] < low + 0.02
    assert high - 0.02 < row["high"] < high + 0.2


def test_a_class_without_a_mistake_is_not_sure():
    table = make_result(np.ones(5, bool)).summary("b")
    assert table.loc["TPR", "pooled"] == table.loc["TPR", "high"] == 1
    assert table.loc["TPR", "low"] < 0.7
    many = make_result(np.ones(2000, bool)).summary("b")
    assert many.loc["TPR", "low"] > 0.99


def test_intervals_stay_inside_the_scale():
    rng = np.random.default_rng(0)
    for n_groups in (2, 3, 30):
        result = make_result(
            rng.random(40) < 0.95, groups=rng.integers(n_groups, size=60)
        )
        for label in (None, "a", "b"):
            table = result.summary(label, level=0.999)
            assert (table["low"] <= table["pooled"]).all()
            assert (table["pooled"] <= table["high"]).all()
            assert table[["low", "high"]].abs().le(1).all(axis=None)
        assert result.compare(result)[["low", "high"]].eq(0).all(axis=None)


def test_one_micrograph_tells_nothing_of_others():
    result = make_result(np.ones(5, bool), groups=np.zeros(25))
    assert result.summary()[["low", "high"]].isna().all(axis=None)
    assert result.compare(result)[["low", "high"]].isna().all(axis=None)


def test_a_class_that_does_not_occur_gets_no_interval():
    result = CrossValidationResult(
        classes=["a", "b", "never"],
        y_true=["a", "b"] * 5,
        y_pred=["a", "b"] * 4 + ["b", "b"],
        folds=np.arange(10) % 2,
    )
    table = result.summary("never")
    assert table.loc[["TPR", "F1"], ["pooled", "low", "high"]].isna().all(axis=None)
    row = result.summary().loc["balanced_accuracy"]
    assert row["low"] < row["pooled"] == 0.9 < row["high"]


def test_levels_are_widened_as_student_t_asks():
    # Hesterberg's formula for n = 10: nine units and the pseudo-particle.
    level = _intervals.widen(0.95, 9.0)
    deviations = norm.isf((1 - level) / 2)
    assert deviations == pytest.approx(student.isf(0.025, 9) * np.sqrt(10 / 9))
    assert _intervals.widen(0.95, 1e9) == pytest.approx(0.95)


def test_units_are_counted_by_their_sizes():
    sizes = np.array([[10, 1], [10, 1], [10, 0], [0, 0]])
    np.testing.assert_allclose(_resampled_counts.effective_number(sizes), [3, 2])
    assert _resampled_counts.effective_number(np.array([30, 1, 1])) < 1.2
    assert _resampled_counts.effective_number(np.zeros(3)) == 0
    # Three micrographs in all, two with the rarer class.
    assert _intervals._count_paired_units(sizes, None) == pytest.approx(2.4, rel=0.01)
    assert _intervals._count_paired_units(sizes, 0) == pytest.approx(3, rel=0.02)


def test_weights_are_numbers_of_draws():
    weights = _bootstrap.draw_weights(7, 50, np.random.RandomState(0))
    assert weights.shape == (50, 7)
    assert (weights.sum(axis=1) == 7).all()
    one_by_one = np.random.RandomState(0)
    for row in weights:
        drawn = one_by_one.randint(7, size=7)
        np.testing.assert_array_equal(row, np.bincount(drawn, minlength=7))
