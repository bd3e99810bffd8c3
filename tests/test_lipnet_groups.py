"""Micrographs in the training of a LipNetClassifier: how they arrive, what they do."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_resampling_pipeline
from lipnet_cases import assert_same_bits
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from skorch.callbacks import Callback

from sklipo import (
    EnsembleClassifier,
    EpochOverSampler,
    LipNetClassifier,
    Resize,
    SelectiveClassifier,
    cross_validate_particles,
    make_lipnet_pipeline,
)
from sklipo.datasets import make_liposomes
from sklipo.lipnet._weights import split_each_class

TINY = {
    "architecture": "lipnet-1",
    "n_filters": 2,
    "hidden_units": 4,
    "max_epochs": 2,
    "random_state": 0,
}
SHARED = {**TINY, "epoch_sampler": EpochOverSampler(power=0)}
X = np.random.default_rng(0).random((24, 16), dtype=np.float32)
Y = np.tile(["a", "b"], 12)
# Eight, two and two samples of each class.
GROUPS = np.repeat([3, 1, 2], [16, 4, 4])


@pytest.fixture(scope="module")
def particles():
    return make_liposomes(60, weights=None, random_state=0)


class Spy(LipNetClassifier):
    """Remembers the groups that reached it."""

    arrived = []

    def fit(self, X, y, sample_weight=None, groups=None):
        self.arrived.append(groups)
        return super().fit(X, y, sample_weight, groups)


@pytest.fixture
def spy():
    Spy.arrived.clear()
    return Spy(**SHARED)


# What groups do.


def test_power_shows_other_samples():
    model = LipNetClassifier(**SHARED).fit(X, Y, groups=GROUPS)
    assert_same_bits(model, LipNetClassifier(**SHARED).fit(X, Y, groups=GROUPS))
    unshared = LipNetClassifier(**TINY, epoch_sampler=EpochOverSampler()).fit(X, Y)
    assert (model.predict_proba(X) != unshared.predict_proba(X)).any()


@pytest.mark.parametrize("sampler", [None, EpochOverSampler()])
def test_groups_that_nothing_uses_change_nothing(sampler):
    model = LipNetClassifier(**TINY, epoch_sampler=sampler).fit(X, Y, groups=GROUPS)
    assert_same_bits(model, clone(model).fit(X, Y))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_samples_of_weight_zero_take_their_groups_along(early_stopping):
    weights = np.resize([0, 1, 1], 24)
    kept = weights > 0
    model = LipNetClassifier(**SHARED, early_stopping=early_stopping)
    model.fit(X, Y, weights, GROUPS)
    assert_same_bits(model, clone(model).fit(X[kept], Y[kept], groups=GROUPS[kept]))


def test_training_goes_on_with_groups():
    model = LipNetClassifier(**SHARED, warm_start=True).fit(X, Y, groups=GROUPS)
    model.fit(X[4:], Y[4:], groups=GROUPS[4:])
    assert model.n_iter_ == 4
    before = clone(model).fit(X, Y, groups=GROUPS)
    with pytest.raises(ValueError, match="needs to know them"):
        before.fit(X, Y)
    assert before.n_iter_ == 2


NAMES = np.array(["", "a", "b", "c"])[GROUPS]


@pytest.mark.parametrize(
    "groups",
    [
        GROUPS.tolist(),
        GROUPS.astype(float),
        GROUPS.astype(object),
        GROUPS[:, None],
        torch.tensor(GROUPS),
        pd.Series(GROUPS, dtype="Int64", index=range(24, 0, -1)),
        pd.Series(GROUPS, dtype="category"),
        pd.DataFrame({"micrograph": GROUPS}),
        pd.Series(GROUPS).astype("datetime64[s]"),
        NAMES,
        NAMES.tolist(),
        pd.Series(NAMES, dtype="string"),
        pd.Series(NAMES, dtype="string[pyarrow]"),
        pd.Series(NAMES, dtype="category"),
    ],
    ids=lambda groups: f"{type(groups).__name__}, {getattr(groups, 'dtype', '')}",
)
def test_groups_may_have_any_names(groups):
    sampler = EpochOverSampler(power=0)
    draws = [torch.Generator().manual_seed(0) for _ in range(2)]
    np.testing.assert_array_equal(
        sampler.sample(Y, groups, draws[0]), sampler.sample(Y, GROUPS, draws[1])
    )


THIRD = np.arange(24) == 3


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (GROUPS[:5], r"groups has shape \(5,\), but there are 24 samples.*SMOTE"),
        (np.tile(GROUPS, 2), r"groups has shape \(48,\), but there are 24 samples"),
        (np.tile(GROUPS, (2, 1)).T, r"groups has shape \(24, 2\), but"),
        ("micrograph", r"groups has shape \(\), but there are 24 samples"),
        ([], r"groups has shape \(0,\)"),
        ([[1], [2, 3]], "groups has shape of rows of unequal lengths"),
        (np.where(THIRD, np.nan, GROUPS), "no value in 1 of 24 rows, first in row 3"),
        (np.where(THIRD, None, GROUPS), "groups has no label in 1 of 24 rows"),
        (pd.Series(GROUPS, dtype="Int64").where(~THIRD), "groups has no label in 1"),
        (pd.Series(GROUPS).astype("M8[s]").where(~THIRD), "groups has no value in 1"),
        (np.ma.masked_array(GROUPS, THIRD), "groups is a masked array"),
        (["1", *GROUPS[1:]], "groups holds text, such as '1' in row 0, and other"),
    ],
)
@pytest.mark.parametrize("params", [TINY, SHARED])
def test_groups_that_are_none_are_refused(groups, message, params):
    model = LipNetClassifier(**params)
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y, groups=groups)
    assert not hasattr(model, "net_")


@pytest.mark.parametrize("value", [{1}, {}])
def test_groups_that_cannot_be_told_apart_are_refused(value):
    with pytest.raises(TypeError, match=r"groups holds .*; expected names or numbers"):
        LipNetClassifier(**TINY).fit(X, Y, groups=[value] * 24)


def test_power_without_groups_is_explained(particles):
    message = r"EpochOverSampler\(power=0\) gives .* classify__groups= where"
    with pytest.raises(ValueError, match=message):
        LipNetClassifier(**SHARED).fit(X, Y)
    model = make_lipnet_pipeline("lipnet-1", epoch_sampler=EpochOverSampler(power=0))
    with pytest.raises(ValueError, match=message):
        model.fit(particles, particles["label"])


# How groups arrive.


@pytest.mark.parametrize("routing", [False, True])
def test_groups_go_through_a_pipeline(particles, spy, routing):
    y, groups = particles["label"], particles["micrograph"].tolist()
    model = make_resampling_pipeline(Resize(8), spy)
    name = "groups" if routing else "spy__groups"
    with config_context(enable_metadata_routing=routing):
        model.fit(particles, y, **{name: groups})
        assert Spy.arrived == [groups]


@pytest.mark.parametrize("routing", [False, True])
def test_groups_go_through_a_search(particles, spy, routing):
    y, groups = particles["label"], particles["micrograph"].to_numpy()
    cv = StratifiedGroupKFold(3)
    search = GridSearchCV(
        make_pipeline(Resize(8), spy),
        {"spy__epoch_sampler__power": [0, 0.5]},
        cv=cv,
        error_score="raise",
    )
    params = {} if routing else {"spy__groups": groups}
    with config_context(enable_metadata_routing=routing):
        search.fit(particles, y, groups=groups, **params)
    parts = [groups[train] for train, _ in cv.split(particles, y, groups)]
    for arrived, expected in zip(Spy.arrived, [*parts, *parts, groups], strict=True):
        np.testing.assert_array_equal(arrived, expected)


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("prepared", [False, True])
def test_groups_go_through_cross_validation(particles, spy, routing, prepared):
    y, groups = particles["label"].to_numpy(), particles["micrograph"].to_numpy()
    data, model = particles, make_pipeline(Resize(8), spy)
    if prepared:
        data, model = Resize(8).fit_transform(particles), spy
    with config_context(enable_metadata_routing=routing):
        result = cross_validate_particles(model, data, y, groups=groups, cv=3)
    assert len(Spy.arrived) == 3
    for i, arrived in enumerate(Spy.arrived):
        np.testing.assert_array_equal(arrived, groups[result.folds != i])


@pytest.mark.parametrize("routing", [False, True])
def test_groups_go_through_cross_validation_of_a_search(particles, spy, routing):
    y, groups = particles["label"].to_numpy(), particles["micrograph"].to_numpy()
    inner = StratifiedGroupKFold(2)
    search = GridSearchCV(
        make_pipeline(Resize(8), spy), {"spy__max_epochs": [1]}, cv=inner
    )
    with config_context(enable_metadata_routing=routing):
        result = cross_validate_particles(
            search,
            particles,
            y,
            groups=groups,
            cv=2,
            params=None if routing else {"spy__groups": groups},
        )
    expected = []
    for i in range(2):
        kept = result.folds != i
        folds = inner.split(y[kept], y[kept], groups[kept])
        expected += [groups[kept][train] for train, _ in folds] + [groups[kept]]
    for arrived, part in zip(Spy.arrived, expected, strict=True):
        np.testing.assert_array_equal(arrived, part)


@pytest.mark.filterwarnings("ignore:.*can't be decided|.*never decided:UserWarning")
@pytest.mark.parametrize("routing", [False, True])
def test_groups_go_through_classifiers_that_hold_others(particles, spy, routing):
    y, groups = particles["label"].to_numpy(), particles["micrograph"].to_numpy()
    network = make_pipeline(Resize(8), spy)
    ensemble = EnsembleClassifier([("network", network)], calibrate=False)
    with config_context(enable_metadata_routing=routing):
        for model in (ensemble, SelectiveClassifier(network, 0.5, cv=2)):
            Spy.arrived.clear()
            result = cross_validate_particles(model, particles, y, groups=groups, cv=2)
            expected = groups[result.folds != 1]
            np.testing.assert_array_equal(Spy.arrived[-1], expected)


@pytest.mark.filterwarnings("ignore:.*can't be decided|.*never decided:UserWarning")
def test_groups_go_through_a_selective_classifier(particles, spy):
    y, groups = particles["label"].to_numpy(), particles["micrograph"].to_numpy()
    model = SelectiveClassifier(make_pipeline(Resize(8), spy), 0.5, cv=2)
    model.fit(particles, y, groups=groups)
    np.testing.assert_array_equal(Spy.arrived[-1], groups)
    assert len(Spy.arrived) == 3


@pytest.mark.parametrize("routing", [False, True])
def test_no_groups_go_behind_a_sampler_of_rows(particles, spy, routing):
    y, groups = particles["label"].to_numpy(), particles["micrograph"].to_numpy()
    repeat = RandomOverSampler(random_state=0)
    model = make_resampling_pipeline(Resize(8), repeat, spy)
    with config_context(enable_metadata_routing=routing):
        with pytest.raises(ValueError, match="needs to know them"):
            cross_validate_particles(model, particles, y, groups=groups, cv=2)
        spy.set_params(epoch_sampler=None)
        cross_validate_particles(model, particles, y, groups=groups, cv=2)
    assert Spy.arrived == [None] * 3
    with config_context(enable_metadata_routing=True):
        spy.set_fit_request(groups=False)
        cross_validate_particles(model, particles, y, groups=groups, cv=2)
    # Thresholds from copies of what they were fitted on would be wrong.
    selective = SelectiveClassifier(LipNetClassifier(**TINY), cv=2)
    model = make_resampling_pipeline(Resize(8), repeat, selective)
    with pytest.raises(ValueError, match="groups has 30 values for"):
        cross_validate_particles(model, particles, y, groups=groups, cv=2)


# What early stopping sets aside.


@given(
    samples=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 25)), min_size=2, max_size=200
    ),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 3),
)
def test_validation_set_takes_whole_groups_where_it_can(samples, fraction, seed):
    samples += [(label, 26 + label) for label in range(4) for _ in range(2)]
    codes, groups = np.array(samples).T
    rng = np.random.RandomState(seed)
    train, valid = split_each_class(codes, np.arange(4), fraction, rng, groups)
    assert sorted([*train, *valid]) == list(range(len(codes)))
    whole = np.setdiff1d(groups[valid], groups[train])
    for code, n in enumerate(np.bincount(codes)):
        n_valid, n_train = (codes[valid] == code).sum(), (codes[train] == code).sum()
        assert min(n_valid, n_train) >= 1
        n_whole = (np.isin(groups, whole) & (codes == code)).sum()
        if n_valid == n_whole:
            assert n_valid < max(2 * fraction * n, 2)
        else:
            assert n_valid == np.clip(round(fraction * n), 1, n - 1)


@pytest.mark.parametrize("fraction", [0.1, 0.25])
def test_each_class_gives_about_its_share_of_many_groups(fraction):
    rng = np.random.RandomState(0)
    groups = np.repeat(np.arange(100), rng.randint(1, 30, 100))
    codes = (rng.random_sample(len(groups)) < 0.1).astype(int)
    train, valid = split_each_class(codes, np.arange(2), fraction, rng, groups)
    assert not set(groups[train]) & set(groups[valid])
    shares = np.bincount(codes[valid]) / np.bincount(codes)
    # A micrograph has up to 30 of some 1300, and 8 of the 130 of the other class.
    assert abs(shares - fraction).max() < 0.04


def test_class_on_one_group_gives_single_samples():
    codes, groups = (
        np.r_[np.zeros(60, int), [1] * 10],
        np.r_[np.arange(60) // 3, [0] * 10],
    )
    rng = np.random.RandomState(0)
    train, valid = split_each_class(codes, np.arange(2), 0.1, rng, groups)
    assert (codes[valid] == 1).sum() == 1
    of_others = codes == 0
    shared = set(groups[train][of_others[train]]) & set(groups[valid][of_others[valid]])
    assert not shared
    assert 0 not in groups[valid][of_others[valid]]


class Look(Callback):
    """Remembers the rows that are set aside."""

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        _, validation_set = X
        self.rows_ = validation_set.rows.numpy()


def test_early_stopping_looks_at_micrographs_left_out():
    y, groups = np.tile(["a", "b"], 60), np.arange(120) // 4
    rows = np.random.default_rng(0).random((120, 16), dtype=np.float32)
    callbacks = [("look", Look())]
    model = LipNetClassifier(**TINY, early_stopping=True, callbacks=callbacks)
    model.fit(rows, y, groups=groups)
    valid = dict(model.net_.callbacks_)["look"].rows_
    # Three of the 30 micrographs.
    assert sorted(np.bincount(groups[valid], minlength=30)) == [0] * 27 + [4] * 3
