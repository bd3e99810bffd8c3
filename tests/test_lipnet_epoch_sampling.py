import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from imblearn.over_sampling import RandomOverSampler

from sklipo.lipnet._batches import TrainingSet
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
    shown = np.bincount(EpochOverSampler().sample(y, generator(seed)), minlength=len(y))
    largest = np.bincount(y).max()
    for label in np.unique(y):
        times = shown[y == label]
        assert times.sum() == largest
        assert times.max() - times.min() <= 1


@given(y=LABELS, drop=st.floats(0, 0.99))
def test_under_sampler_drops_a_part_of_the_largest_class(y, drop):
    y = np.array(y)
    rows = EpochUnderSampler(drop).sample(y, generator())
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
    epochs = [set(EpochUnderSampler().sample(y, draws)) for _ in range(8)]
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
    rows = EpochOverSampler(strategy).sample(y, generator())
    sampler = RandomOverSampler(sampling_strategy=strategy, random_state=0)
    _, expected = sampler.fit_resample(np.zeros((57, 1)), y)
    assert sorted(y[rows]) == sorted(expected)


def test_sampling_strategy_as_a_ratio_of_two_classes():
    y = np.repeat([5, 6], [40, 3])
    rows = EpochOverSampler(0.5).sample(y, generator())
    assert np.bincount(y[rows]).tolist()[5:] == [40, 20]


@pytest.mark.parametrize("sampler", [EpochOverSampler(), EpochUnderSampler()])
def test_draws_follow_the_generator(sampler):
    y = np.repeat([0, 1], [50, 20])
    first = sampler.sample(y, generator(1))
    np.testing.assert_array_equal(first, sampler.sample(y, generator(1)))
    assert not np.array_equal(first, sampler.sample(y, generator(2)))


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (EpochOverSampler("most"), "'sampling_strategy' parameter of EpochOverSampler"),
        (EpochOverSampler(1.5), "'sampling_strategy' parameter of EpochOverSampler"),
        (EpochOverSampler({"x": 9}), r"names \['x'\], not among the classes \['a'"),
        (EpochOverSampler({"a": 2}), "should be greater or equal to the original"),
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
