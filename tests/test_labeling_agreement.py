"""Agreement of experts, beside scikit-learn's, statsmodels' and simulated studies."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import (
    accuracy_score,
    cohen_kappa_score,
    confusion_matrix,
    f1_score,
)
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

from sklipo.labeling import agreement_table

LABELS = np.array(["empty", "full", "uncertain"])
# How an expert labels particles of each class, and the classes' shares.
CONFUSION = np.array([[0.9, 0.07, 0.03], [0.12, 0.8, 0.08], [0.15, 0.15, 0.7]])
SHARES = np.array([0.8, 0.15, 0.05])
# Two experts label independently, once the class of a particle is known.
TRUE_COUNTS = (SHARES[:, np.newaxis] * CONFUSION).T @ CONFUSION
FEW = {"n_resamples": 20}


def draw_labels(rng, n_groups, n_experts=2):
    """Return micrographs, which differ in all respects, and each expert's labels."""
    sizes = 1 + rng.poisson(rng.lognormal(np.log(29) - 0.18, 0.6, n_groups))
    groups = np.repeat(np.arange(n_groups), sizes)
    codes = np.empty((n_experts, len(groups)), int)
    for group, size in enumerate(sizes):
        true = rng.choice(3, size, p=rng.dirichlet(SHARES * 10))
        for expert in codes:
            rows = np.stack([rng.dirichlet(row * 10) for row in CONFUSION])
            cumulated = rows[true].cumsum(axis=1)
            drawn = (rng.random((size, 1)) > cumulated[:, :2]).sum(axis=1)
            expert[groups == group] = drawn
    return groups, LABELS[codes]


def expected_values(y_true, y_pred):
    """Return scikit-learn's agreement and kappa of each class, then of all."""
    labels = np.unique(np.concatenate([y_true, y_pred]))
    kappas = [cohen_kappa_score(y_true == k, y_pred == k) for k in labels]
    agreement = [
        *f1_score(y_true, y_pred, labels=labels, average=None),
        accuracy_score(y_true, y_pred),
    ]
    return agreement, [*kappas, cohen_kappa_score(y_true, y_pred)]


@pytest.mark.parametrize("seed", range(5))
def test_two_experts_agree_as_scikit_learn_says(seed):
    groups, (first, second) = draw_labels(np.random.default_rng(seed), 5)
    table = agreement_table(first, second, groups=groups, **FEW)
    agreement, kappa = expected_values(first, second)
    np.testing.assert_allclose(table["agreement", "value"], agreement, rtol=1e-12)
    np.testing.assert_allclose(table["kappa", "value"], kappa, rtol=1e-12)
    np.testing.assert_array_equal(
        table["confusion"].iloc[:-1], confusion_matrix(first, second, labels=LABELS)
    )
    assert table["confusion"].columns.tolist() == LABELS.tolist()
    assert table.index.tolist() == [*LABELS, "all"]


@pytest.mark.parametrize("n_experts", [3, 5])
def test_more_experts_agree_as_statsmodels_says(n_experts):
    groups, labels = draw_labels(np.random.default_rng(0), 5, n_experts)
    table = agreement_table(*labels, groups=groups, **FEW)
    of_all = table.loc["all"]
    counts, _ = aggregate_raters(labels.T)
    by_class = [fleiss_kappa(np.column_stack([n, n_experts - n])) for n in counts.T]
    expected = [*by_class, fleiss_kappa(counts)]
    np.testing.assert_allclose(of_all["kappa", "value"], expected, rtol=1e-12)
    # Of two labels of a particle, drawn at random, one is of the class: is the other?
    confirmed = (counts * (counts - 1)).sum(axis=0) / (n_experts - 1)
    shares = [*confirmed / counts.sum(axis=0), confirmed.sum() / counts.sum()]
    np.testing.assert_allclose(of_all["agreement", "value"], shares, rtol=1e-12)
    pair = agreement_table(labels[0], labels[2], groups=groups, **FEW)
    pd.testing.assert_frame_equal(table.loc["1 and 3"], pair)
    assert of_all["confusion"].loc["all"].sum() == counts.sum() * (n_experts - 1)


CODES = st.lists(
    st.tuples(*[st.sampled_from([None, 0, 1, 2])] * 2), min_size=1, max_size=30
).filter(lambda rows: any(None not in row for row in rows))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@settings(max_examples=25, deadline=None)
@given(rows=CODES, seed=st.integers(0, 100))
def test_neither_expert_nor_order_nor_names_matter(rows, seed):
    first, second = (np.array(labels, object) for labels in zip(*rows, strict=True))
    groups = np.arange(len(first)) % 4
    table = agreement_table(first, second, groups=groups, **FEW)
    swapped = agreement_table(second, first, groups=groups, **FEW)
    blocks = ["agreement", "kappa", "labels"]
    pd.testing.assert_frame_equal(swapped[blocks], table[blocks])
    np.testing.assert_array_equal(
        swapped["confusion"].iloc[:-1], table["confusion"].iloc[:-1].T
    )
    order = np.random.default_rng(seed).permutation(len(first))
    for by in (groups, None):
        same = agreement_table(first, second, groups=by, **FEW)
        shuffled = agreement_table(
            first[order], second[order], groups=None if by is None else by[order], **FEW
        )
        pd.testing.assert_frame_equal(shuffled, same)
    # The names sort as the numbers do.
    names = np.array(["a", "all", "b", None], object)
    named = agreement_table(
        *([names[-1 if k is None else k] for k in x] for x in (first, second)),
        groups=groups,
        **FEW,
    )
    np.testing.assert_array_equal(named, table)
    has_all = 1 in [*first, *second]
    assert named.index[-1] == ("(all)" if has_all else "all")


def test_a_faultless_model_has_the_root_of_the_kappa_of_experts():
    # Of 25 particles of each class, each expert is right on 20, both on 16.
    true = np.repeat([0, 1], 25)
    first = true ^ np.tile(np.repeat([0, 1], [20, 5]), 2)
    second = true ^ np.tile(np.repeat([0, 1, 0, 1], [16, 4, 4, 1]), 2)
    table = agreement_table(first, second, true, **FEW)
    kappas = table["kappa", "value"].xs("all", level="class")
    assert kappas["1 and 2"] == pytest.approx(0.36, rel=1e-12)
    assert kappas[["1 and 3", "2 and 3"]].tolist() == pytest.approx([0.6, 0.6])


def test_missing_labels_are_left_out_by_pairs():
    first = pd.Series(["a", "a", None, "b", "b", None])
    second = pd.Series(["a", "b", "b", np.nan, "b", None])
    third = pd.Series(["a", None, "b", "b", pd.NA, "a"])
    table = agreement_table(first, second, third, **FEW)
    assert table.loc[("1 and 2", "all"), "labels"].tolist() == [6, 2]
    assert table.loc[("1 and 2", "a"), "labels"].tolist() == [3, 0]
    assert table.loc[("2 and 3", "all"), "labels"].tolist() == [4, 4]
    assert table.loc[("all", "all"), "labels"].tolist() == [11, 1]
    rows = [0, 1, 4]
    pd.testing.assert_frame_equal(
        table.loc["1 and 2"][["agreement", "kappa", "confusion"]],
        agreement_table(first[rows], second[rows], **FEW)[
            ["agreement", "kappa", "confusion"]
        ],
    )
    numbers = agreement_table([1, 0, np.nan], [1, 0, 0], **FEW)
    assert numbers.index.tolist() == [0, 1, "all"]
    assert isinstance(numbers.index[0], int)


def test_experts_are_called_as_their_series_are():
    labels = pd.DataFrame({"anna": [0, 1], "ben": [0, 1], "cleo": [1, 0]})
    table = agreement_table(labels["anna"], labels["ben"], labels["cleo"], **FEW)
    pairs = ["anna and ben", "anna and cleo", "ben and cleo", "all"]
    assert table.index.unique("experts").tolist() == pairs
    table = agreement_table(labels["anna"], labels["ben"], labels["ben"], **FEW)
    assert table.index[0] == ("1 and 2", 0)


def test_perfect_agreement_is_not_sure():
    labels = np.array(["a", "b"] * 10)
    table = agreement_table(labels, labels, groups=np.arange(20) // 2)
    assert (table[[("agreement", "value"), ("kappa", "value")]] == 1).all(axis=None)
    assert (table.xs("high", level=1, axis=1) == 1).all(axis=None)
    assert (table["kappa", "low"] < 0.95).all()


def test_a_class_that_one_expert_gives_is_not_agreed_on():
    first, second = ["a", "a", "b", "b"], ["a", "a", "b", "c"]
    table = agreement_table(first, second, **FEW)
    assert table.loc["c", ("agreement", "value")] == 0
    assert table.loc["c", ("kappa", "value")] == 0
    # One label says little: the next may be confirmed.
    assert table.loc["c", ("agreement", "high")] > 0.3


def test_kappa_of_a_single_class_is_undefined():
    with pytest.warns(UndefinedMetricWarning, match=r"for \['a', 'all'\]"):
        table = agreement_table(["a"] * 3, ["a"] * 3, **FEW)
    assert (table["agreement"] == 1).all(axis=None)
    assert table["kappa"].isna().all(axis=None)
    with pytest.warns(UndefinedMetricWarning, match=r"for \['c'\]"):
        table = agreement_table(["a", "b", "c"], ["a", "b", None], **FEW)
    assert table.loc["c", ["agreement", "kappa"]].isna().all()


def test_experts_without_a_common_particle_have_no_figures():
    labels = ["a", "b", None, None], [None, None, "a", "b"], ["a", "b", "a", "a"]
    with pytest.warns(UndefinedMetricWarning, match=r"\('1 and 2', 'a'\)"):
        table = agreement_table(*labels, **FEW)
    of_pair = table.loc["1 and 2"]
    assert of_pair[["agreement", "kappa"]].isna().all(axis=None)
    assert (of_pair["confusion"] == 0).all(axis=None)
    assert of_pair["labels"].loc["all"].tolist() == [0, 4]


def test_one_micrograph_tells_nothing_of_others():
    table = agreement_table([0, 1, 1], [0, 1, 0], groups=["m"] * 3)
    assert table.xs("value", level=1, axis=1).notna().all(axis=None)
    assert table.xs("low", level=1, axis=1).isna().all(axis=None)


def test_same_seed_same_interval():
    groups, labels = draw_labels(np.random.default_rng(0), 5)
    table = agreement_table(*labels, groups=groups)
    pd.testing.assert_frame_equal(table, agreement_table(*labels, groups=groups))
    pd.testing.assert_frame_equal(
        table, agreement_table(*labels, groups=groups, random_state=0)
    )
    other = agreement_table(*labels, groups=groups, random_state=1, level=0.5)
    assert (other["kappa", "low"] > table["kappa", "low"]).all()


@pytest.mark.parametrize(
    ("labels", "error", "text"),
    [
        ((["a", "b"], ["a"]), ValueError, "first has 2 labels and second 1"),
        ((["a"], ["a"], ["a", "b"]), ValueError, r"and others\[0\] 2"),
        ((["a", None], [None, "a"]), ValueError, "No particle has labels by two"),
        ((["a"], [None]), ValueError, "second has no label"),
        (([], []), ValueError, "first has no label"),
        ((["a", "b"], [0, 1]), TypeError, "first holds text .* second numbers"),
        (([0, 1], [0, 0.5]), ValueError, "second holds 0.5 in row 1"),
        (([None, "a", 1], ["a"] * 3), TypeError, "first mixes .* 1 in row 2"),
        (("a", ["a"]), ValueError, "first, a str, is no sequence"),
    ],
)
def test_bad_labels_are_named(labels, error, text):
    with pytest.raises(error, match=text):
        agreement_table(*labels)


def test_bad_groups_are_named():
    with pytest.raises(ValueError, match="groups has 1 values for 2 particles"):
        agreement_table([0, 1], [0, 1], groups=["m"])
    with pytest.raises(ValueError, match="groups is missing in row 1"):
        agreement_table([0, 1], [0, 1], groups=["m", None])


def test_series_in_another_order_are_warned_of():
    first = pd.Series(["a", "b", "b"], [5, 6, 7])
    with pytest.warns(UserWarning, match="first and second have the same index in"):
        agreement_table(first, first[::-1], **FEW)
    with pytest.warns(UserWarning, match="first and groups have the same index in"):
        agreement_table(first, first, groups=pd.Series([1, 2, 3], [7, 6, 5]), **FEW)


def count_covered(n_groups, n_studies, n_experts, n_resamples):
    """Return how often intervals hold what is true of all micrographs."""
    rng = np.random.default_rng(n_groups)
    truth = true_values()
    covered, n_counted = Counter(), 0
    while n_counted < n_studies:
        groups, labels = draw_labels(rng, n_groups, n_experts)
        if np.unique(labels).size < 3:
            continue
        n_counted += 1
        # Studies with the same draws would share their errors.
        options = {"n_resamples": n_resamples, "random_state": n_counted}
        table = agreement_table(*labels, groups=groups, **options)
        table = table.loc["all"] if n_experts > 2 else table
        for (row, name), true in truth.items():
            low, high = table.loc[row, [(name, "low"), (name, "high")]]
            covered[row, name] += (low <= true <= high) / n_studies
    return covered


def true_values():
    """Return agreement and kappa of all particles that there are."""
    first, second = (np.diag(TRUE_COUNTS.sum(axis=i)) for i in (1, 0))
    first, second, same = (np.diag(x) for x in (first, second, TRUE_COUNTS))
    by_chance = first * second
    rarest = 2 * (same - by_chance) / (first + second - 2 * by_chance)
    return {
        ("uncertain", "agreement"): (2 * same / (first + second))[2],
        ("uncertain", "kappa"): rarest[2],
        ("all", "agreement"): same.sum(),
        ("all", "kappa"): (same.sum() - by_chance.sum()) / (1 - by_chance.sum()),
    }


def test_intervals_of_ten_micrographs_cover_the_truth():
    covered = count_covered(10, 100, 2, 400)
    # Of 100 intervals with a coverage of 94 %, 87 or more hold the truth with 99 %.
    assert min(covered.values()) >= 87 / 100 - 1e-9


@pytest.mark.long
@pytest.mark.parametrize("n_experts", [2, 3])
@pytest.mark.parametrize("n_groups", [5, 10, 20, 50])
def test_coverage_of_many_studies(n_groups, n_experts):
    covered = count_covered(n_groups, 500, n_experts, 1000)
    assert min(covered.values()) >= 0.9
