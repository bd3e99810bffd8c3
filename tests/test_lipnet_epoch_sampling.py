import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from imblearn.over_sampling import RandomOverSampler

from sklipo import micrograph_weights
from sklipo.lipnet._batches import TrainingSet, draw_rows
from sklipo.lipnet.class_weights import DeferredClassWeight
from sklipo.lipnet.epoch_sampling import EpochOverSampler, EpochUnderSampler

LABELS = st.lists(st.integers(0, 3), min_size=2, max_size=60).filter(
    lambda y: len(set(y)) > 1
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@given(y=LABELS, seed=st.integers(0, 5))
def test_over_sampler_shows_every_class_equally_often(y, seed):
    y = np.array(y)
    shown = np.bincount(
        EpochOverSampler().sample(y, generator=generator(seed)), minlength=len(y)
    )
    largest = np.bincount(y).max()
    for label in np.unique(y):
        times = shown[y == label]
        assert times.sum() == largest
        assert times.max() - times.min() <= 1


@given(y=LABELS, drop=st.floats(0, 0.99))
def test_under_sampler_drops_a_part_of_the_largest_class(y, drop):
    y = np.array(y)
    rows = EpochUnderSampler(drop).sample(y, generator=generator())
    assert len(set(rows)) == len(rows)
    counts, shown = np.bincount(y), np.bincount(y[rows])
    largest = counts.argmax()
    expected = counts.copy()
    expected[largest] -= round(drop * counts[largest])
    expected[largest] = max(expected[largest], 1)
    np.testing.assert_array_equal(shown, expected)


def test_all_samples_are_seen_over_the_epochs():
    y = np.repeat([0, 1], [1000, 30])
    draws = generator()
    epochs = [set(EpochUnderSampler().sample(y, generator=draws)) for _ in range(8)]
    # A sample is missed by all of them with a probability of 0.2 ** 8 = 3e-6.
    assert set.union(*epochs) == set(range(1030))
    dropped = [set(range(1030)) - epoch for epoch in epochs]
    assert [len(rows) for rows in dropped] == [200] * 8
    # Two independent draws share 40 of 200, with a deviation below 6.
    assert 10 < len(dropped[0] & dropped[1]) < 70


@pytest.mark.parametrize(
    "strategy",
    [
        "auto",
        "minority",
        "not minority",
        "all",
        {"b": 9},
        {"b": 12, "a": 33},
        lambda y: {"c": 25},
    ],
)
def test_sampling_strategy_means_what_it_means_in_imblearn(strategy):
    y = np.repeat(["a", "b", "c"], [30, 7, 20])
    rows = EpochOverSampler(strategy).sample(y, generator=generator())
    sampler = RandomOverSampler(sampling_strategy=strategy, random_state=0)
    _, expected = sampler.fit_resample(np.zeros((57, 1)), y)
    assert sorted(y[rows]) == sorted(expected)


def test_sampling_strategy_as_a_ratio_of_two_classes():
    y = np.repeat([5, 6], [40, 3])
    rows = EpochOverSampler(0.5).sample(y, generator=generator())
    assert np.bincount(y[rows]).tolist()[5:] == [40, 20]


@pytest.mark.parametrize("sampler", [EpochOverSampler(), EpochUnderSampler()])
def test_draws_follow_the_generator(sampler):
    y = np.repeat([0, 1], [50, 20])
    first = sampler.sample(y, generator=generator(1))
    np.testing.assert_array_equal(first, sampler.sample(y, generator=generator(1)))
    assert not np.array_equal(first, sampler.sample(y, generator=generator(2)))


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (EpochOverSampler("most"), "'sampling_strategy' parameter of EpochOverSampler"),
        (EpochOverSampler(1.5), "'sampling_strategy' parameter of EpochOverSampler"),
        (EpochOverSampler({"x": 9}), r"names \['x'\], not among the classes \['a'"),
        (EpochOverSampler({"a": 2}), "should be greater or equal to the original"),
        (EpochOverSampler(power=1.5), "'power' parameter of EpochOverSampler"),
        (EpochOverSampler(power="root"), "'power' parameter of EpochOverSampler"),
        (EpochUnderSampler(1.0), "'drop' parameter of EpochUnderSampler"),
        (EpochUnderSampler(-0.1), "'drop' parameter of EpochUnderSampler"),
    ],
)
def test_bad_parameter_is_explained(sampler, message):
    with pytest.raises(ValueError, match=message):
        sampler.sample(["a", "a", "a", "b"])


def training_set(**params):
    codes = np.repeat([0, 1], [30, 10])
    weights = np.linspace(0.5, 1.5, 40)
    classes = np.array(["full", "empty"])
    return TrainingSet(torch.zeros(40, 1, 1, 1), codes, weights, classes, **params)


def test_balanced_weights_are_those_of_what_the_epoch_shows():
    data = training_set(epoch_sampler=EpochUnderSampler(0.5), class_weight="balanced")
    totals = data.begin_epoch(0.0)
    rows, weights = data.rows.numpy(), data.weights.double().numpy()
    codes, sample_weights = data.codes.numpy()[rows], np.linspace(0.5, 1.5, 40)[rows]
    np.testing.assert_allclose(totals, np.bincount(codes, sample_weights))
    by_hand = sample_weights / totals[codes]
    # Weights are float32.
    np.testing.assert_allclose(weights, by_hand / by_hand.mean(), rtol=1e-6)


def test_class_weights_count_from_the_given_part_of_the_training_on():
    data = training_set(class_weight=DeferredClassWeight({"empty": 5}, start=0.8))
    ratios = []
    for epoch in range(20):
        data.begin_epoch(epoch / 20)
        assert data.weights.mean().item() == pytest.approx(1)
        ratios.append((data.weights[-1] / data.weights[0]).item())
    # Sample weights alone are 1.5 to 0.5.
    assert ratios == pytest.approx([3] * 16 + [15] * 4)


def test_epochs_draw_from_the_rows_to_train_on_alone():
    rows = np.arange(1, 40, 2)
    data = training_set(rows=rows, epoch_sampler=EpochOverSampler())
    data.begin_epoch(0.0)
    assert set(data.rows.tolist()) == set(rows)
    assert len(data) == 2 * 15


# Shares of micrographs.

SAMPLES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 7)), min_size=2, max_size=80
).filter(lambda rows: len({label for label, _ in rows}) > 1)
POWERS = st.one_of(st.sampled_from([0, 0.5]), st.floats(0, 0.99))


def count_pairs(y, groups, rows):
    """Return how often rows show each class on each micrograph."""
    table = np.zeros((8, 4), dtype=int)
    np.add.at(table, (groups[rows], y[rows]), 1)
    return table


@given(samples=SAMPLES, power=POWERS, factor=st.integers(1, 9), seed=st.integers(0, 5))
def test_micrographs_have_their_shares_within_each_class(samples, power, factor, seed):
    y, groups = np.array(samples).T
    counts = {label: factor * int(n) for label, n in enumerate(np.bincount(y)) if n}
    sampler = EpochOverSampler(counts, power=power)
    rows = sampler.sample(y, groups, generator(seed))
    shown = count_pairs(y, groups, rows)
    assert dict(enumerate(shown.sum(axis=0))).items() >= counts.items()
    # The sums of weights are the shares of what there is.
    exact = factor * np.bincount(
        4 * groups + y, micrograph_weights(y, groups, power), minlength=32
    ).reshape(8, 4)
    assert (abs(shown - exact) < 1 + 1e-9).all()
    times = pd.Series(np.bincount(rows, minlength=len(y))).groupby([y, groups])
    assert (times.max() - times.min() <= 1).all()


@given(samples=SAMPLES, power=POWERS, seed=st.integers(0, 5))
def test_shares_depend_on_neither_the_order_of_rows_nor_names(samples, power, seed):
    y, groups = np.array(samples).T
    sampler = EpochOverSampler(power=power)
    rows = sampler.sample(y, groups, generator(seed))
    np.testing.assert_array_equal(rows, sampler.sample(y, groups, generator(seed)))
    names = [f"micrograph {group}" for group in groups]
    np.testing.assert_array_equal(rows, sampler.sample(y, names, generator(seed)))
    order = np.random.default_rng(seed).permutation(len(y))
    moved = order[sampler.sample(y[order], groups[order], generator(seed))]
    np.testing.assert_array_equal(
        count_pairs(y, groups, rows), count_pairs(y, groups, moved)
    )


def test_few_draws_come_from_all_micrographs_in_turn():
    # Of 40 micrographs of equal shares each of 2000 epochs shows ten.
    codes, groups = np.zeros(820, int), np.repeat(np.arange(40), np.arange(1, 41))
    draws = generator()
    times, together = np.zeros(40), np.zeros((40, 40))
    for _ in range(2000):
        drawn = groups[draw_rows(codes, [10], draws, groups, 0)]
        assert len(set(drawn)) == 10
        times[drawn] += 1
        together[np.ix_(drawn, drawn)] += 1
    # Deviations are those of binomial counts, 19 and 10.
    assert abs(times - 500).max() < 4 * 19
    pairs = together[np.triu_indices(40, 1)]
    assert abs(pairs - 2000 * 10 * 9 / 40 / 39).max() < 4.5 * 10


def test_without_power_groups_play_no_part():
    y, groups = np.repeat([0, 1], [30, 13]), np.arange(43) % 5
    for sampler in (EpochOverSampler(), EpochOverSampler(power=1), EpochUnderSampler()):
        np.testing.assert_array_equal(
            sampler.sample(y, groups, generator()), sampler.sample(y, None, generator())
        )


def test_draws_without_groups_are_as_they_were():
    y = np.repeat([1, 0], [5, 2])
    rows = EpochOverSampler().sample(y, generator=generator(3))
    order = torch.randperm(2, generator=generator(3)).numpy()
    expected = [5, 6, 5, 6, 5 + order[0], 0, 1, 2, 3, 4]
    assert rows.tolist() == expected


@pytest.mark.parametrize("n_rows", [40, 20])
def test_epochs_give_micrographs_their_shares(n_rows):
    codes, groups = np.repeat([0, 1], [30, 10]), np.r_[np.repeat([7, 2], [27, 3]), 2:12]
    rows = np.arange(0, 40, 40 // n_rows)
    data = training_set(
        rows=rows, groups=groups, epoch_sampler=EpochOverSampler(power=0)
    )
    data.generator = generator()
    data.begin_epoch(0.0)
    drawn = data.rows.numpy()
    assert set(drawn) <= set(rows)
    large = np.bincount(groups[drawn[codes[drawn] == 0]])
    assert large[7] + large[2] == len(drawn) / 2 == 30 * n_rows / 40
    assert abs(large[7] - large[2]) <= 1


@pytest.mark.parametrize("power", [True, False])
def test_power_is_no_switch(power):
    with pytest.raises(TypeError, match=f"power={power}; expected a number"):
        EpochOverSampler(power=power).sample([0, 0, 1], [0, 1, 1])


def test_power_needs_groups():
    with pytest.raises(ValueError, match=r"power=0\.5.* needs to know them\. Pass"):
        EpochOverSampler(power=0.5).sample([0, 0, 1])
