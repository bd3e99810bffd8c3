from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import kmeans_plusplus
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklipo import ParticleFeatures, make_svc_pipeline
from sklipo.datasets import make_liposomes
from sklipo.evaluation import CrossValidationResult
from sklipo.labeling import suggest_particles
from sklipo.labeling._spreading import draw_apart, standardize

STRATEGIES = ["margin", "diverse", "rare"]


def make_measures(n=300, seed=0):
    """Return measures of three classes, labels of a third, and micrographs."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(["empty", "full", "other"], n, p=[0.1, 0.7, 0.2])
    codes = np.unique(truth, return_inverse=True)[1]
    X = rng.normal(size=(n, 4)) + 2 * np.eye(3, 4)[codes]
    y = np.where(rng.random(n) < 1 / 3, truth.astype(object), None)
    return X, y, rng.integers(12, size=n)


def fit(X, y, model=None):
    """Return a model that knows the labels that there are."""
    known = ~pd.isna(y)
    model = LogisticRegression() if model is None else model
    return model.fit(X[known], y[known].astype(str))


@cache
def draw_liposomes():
    """Return liposomes of which few are empty, and their measures."""
    weights = {"full": 0.9, "uncertain": 0.07, "empty": 0.03}
    particles = make_liposomes(300, "encapsulation", weights=weights, random_state=0)
    return particles, ParticleFeatures("thesis").fit_transform(particles)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_rows_are_distinct_unlabeled_and_of_the_seed(strategy):
    X, y, groups = make_measures()
    given = {"y": y, "groups": groups, "strategy": strategy}
    X_before, y_before = X.copy(), y.copy()
    batches = [
        suggest_particles(fit(X, y), X, 40, random_state=seed, **given)
        for seed in (0, 0, 1, np.random.RandomState(0))
    ]
    assert batches[0].dtype.kind == "i"
    assert len(set(batches[0].tolist())) == 40
    assert pd.isna(y[batches[0]]).all()
    assert batches[0].tolist() == batches[1].tolist() == batches[3].tolist()
    assert batches[0].tolist() != batches[2].tolist()
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(y, y_before)
    # All that are left can be asked for.
    rest = suggest_particles(fit(X, y), X, pd.isna(y).sum(), **given)
    assert sorted(rest) == np.flatnonzero(pd.isna(y)).tolist()


@settings(deadline=None, max_examples=10)
@given(st.permutations(range(60)), st.sampled_from(STRATEGIES))
def test_order_of_rows_does_not_matter(order, strategy):
    X, y, groups = make_measures(60)
    model = fit(*make_measures()[:2])
    order = np.array(order)
    here, there = (
        suggest_particles(
            model,
            X[rows],
            20,
            y=y[rows],
            groups=groups[rows],
            strategy=strategy,
            random_state=0,
        )
        for rows in (np.arange(60), order)
    )
    assert order[there].tolist() == here.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_a_draw_without_labels_is_that_of_k_means_plus_plus(seed):
    points, free = make_measures()[0], np.full(300, True)
    random_state = np.random.RandomState(seed)
    rows = draw_apart(points, np.arange(300), ~free, free, 20, random_state)
    _, expected = kmeans_plusplus(points, 20, random_state=seed, n_local_trials=1)
    assert rows.tolist() == expected.tolist()


def test_labels_and_crowded_micrographs_repel():
    points = np.array([[0.0], [1], [2], [3]])
    groups = np.array([0, 0, 1, 2])
    is_known = np.array([True, False, False, False])
    random_state, times = np.random.RandomState(0), np.zeros(4)
    for _ in range(1500):
        times[draw_apart(points, groups, is_known, ~is_known, 1, random_state)] += 1
    expected = np.array([0, 1 / 4, 4, 9]) / 13.25
    np.testing.assert_allclose(times / 1500, expected, atol=0.05)


def test_candidates_have_the_smallest_margins():
    X, y, _ = make_measures()
    model, free = fit(X, y), np.flatnonzero(pd.isna(y))
    y_proba = np.sort(model.predict_proba(X), axis=1)
    margins = y_proba[:, -1] - y_proba[:, -2]
    candidates = free[margins[free].argsort()[: 3 * 12]]
    rows = suggest_particles(model, X, 12, y=y, random_state=0)
    is_any = np.arange(12) % 3 == 2
    assert np.isin(rows[~is_any], candidates).all()
    assert not np.isin(rows[is_any], candidates).all()


@pytest.mark.parametrize("with_labels", [True, False])
def test_rare_candidates_are_of_classes_with_few_labels(with_labels):
    X, y, _ = make_measures()
    model, free = fit(X, y), np.flatnonzero(pd.isna(y))
    y_proba = model.predict_proba(X)
    n_labels = y_proba.sum(axis=0)
    if with_labels:
        n_labels = np.array([(y == label).sum() for label in model.classes_])
    else:
        free = np.arange(len(X))
    scores = (y_proba / (1 + n_labels)).sum(axis=1)
    candidates = free[(-scores[free]).argsort()[:2]]
    rows = suggest_particles(
        model, X, 2, y=y if with_labels else None, strategy="rare", random_state=0
    )
    assert sorted(rows) == sorted(candidates)


def test_a_batch_is_spread_over_micrographs():
    rng = np.random.default_rng(0)
    # A micrograph with half of all particles, which is far from the others.
    groups = np.repeat(np.arange(21), [200, *[10] * 20])
    X = rng.normal(size=(400, 5)) + (groups == 0)[:, None]
    alone, spread = (
        suggest_particles(None, X, 42, groups=g, random_state=0) for g in (None, groups)
    )
    assert np.bincount(groups[spread], minlength=21).max() <= 8
    assert np.bincount(groups[alone])[0] > 12
    assert len(set(groups[spread])) > len(set(groups[alone]))
    # Micrographs that have labels have to wait.
    y = np.where(groups < 11, 1.0, np.nan)
    y[::3] = np.nan
    later = suggest_particles(None, X, 12, y=y, groups=groups, random_state=0)
    assert (groups[later] >= 11).sum() >= 8


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_twins_wait_until_all_others_are_suggested(strategy):
    X, y, groups = make_measures(40)
    X, groups = np.tile(X, (3, 1)), np.tile(groups, 3)
    y = np.concatenate([y, np.full(80, None)])
    known = np.flatnonzero(~pd.isna(y))
    n = 40 - len(known)
    model = fit(*make_measures()[:2])
    rows = suggest_particles(
        model, X, n + 5, y=y, groups=groups, strategy=strategy, random_state=0
    )
    others = np.setdiff1d(np.arange(40), known)
    assert sorted(rows[:n] % 40) == others.tolist()
    assert len(set(rows)) == n + 5


def test_copies_of_images_are_twins():
    particles, _ = draw_liposomes()
    twice = pd.concat([particles.iloc[:10]] * 2, ignore_index=True)
    rows = suggest_particles(
        None, twice, 10, groups=twice["micrograph"], random_state=0
    )
    assert sorted(rows % 10) == list(range(10))


def test_rare_classes_are_found_sooner_than_at_random():
    particles, X = draw_liposomes()
    truth = particles["label"].to_numpy(object)
    is_empty = truth == "empty"
    y = np.full(len(X), None)
    first = [*np.flatnonzero(is_empty)[:2], *np.flatnonzero(~is_empty)[:40]]
    y[first] = truth[first]
    model = make_pipeline(StandardScaler(), SVC(gamma=1e-3, class_weight="balanced"))
    rows = suggest_particles(
        fit(X, y, model),
        X,
        20,
        y=y,
        groups=particles["micrograph"],
        strategy="rare",
        random_state=0,
    )
    # By chance, it would be half a particle.
    assert is_empty.sum() == 9
    assert is_empty[rows].sum() >= 3


def test_a_model_that_measures_lends_its_measures(monkeypatch):
    particles, _ = draw_liposomes()
    particles = particles.iloc[:60].drop(columns="micrograph")
    y = np.arange(60) % 2
    model = make_svc_pipeline(["area", "diameter"]).fit(particles, y)
    X = model[:-1].transform(particles)
    by_rows = suggest_particles(model[-1], X, 8, random_state=0)
    monkeypatch.setattr(
        "sklipo.labeling.suggesting.ParticleFeatures.fit_transform", None
    )
    by_table = suggest_particles(model, particles, 8, random_state=0)
    assert by_table.tolist() == by_rows.tolist()


def test_decisions_do_where_there_are_no_probabilities():
    X, y, _ = make_measures()
    binary = np.where(y == "full", "full", "not full").astype(object)
    binary[pd.isna(y)] = None
    model, free = fit(X, binary, SVC()), np.flatnonzero(pd.isna(y))
    nearest = np.abs(model.decision_function(X[free])).argsort()[:6]
    rows = suggest_particles(model, X, 2, y=binary, random_state=0)
    assert np.isin(rows, free[nearest]).all()
    search = GridSearchCV(SVC(), {"C": [1.0]}, cv=2)
    rows = suggest_particles(fit(X, y, search), X, 3, y=y, strategy="rare")
    assert len(rows) == 3


def test_probabilities_of_a_model_a_result_and_a_table_do_alike():
    X, y, _ = make_measures()
    model = fit(X, y)
    y_proba, y_pred = model.predict_proba(X), model.predict(X)
    result = CrossValidationResult(
        classes=model.classes_,
        y_true=y_pred,
        y_pred=y_pred,
        folds=np.arange(300) % 2,
        y_proba=y_proba,
    )
    names = [f"probability_{name}" for name in model.classes_]
    ways = [
        {"model": model},
        {"model": result},
        {"model": None, "y_proba": y_proba},
        {"model": None, "y_proba": pd.DataFrame(y_proba, columns=model.classes_)},
        {"model": None, "y_proba": pd.DataFrame(y_proba, columns=names)},
    ]
    for strategy in STRATEGIES:
        how = {"particles": X, "n": 20, "y": y, "strategy": strategy}
        first, *others = (
            suggest_particles(**way, **how, random_state=0).tolist() for way in ways
        )
        assert all(rows == first for rows in others)


@pytest.mark.parametrize(
    "as_given",
    [
        list,
        pd.Series,
        lambda y: pd.Series(y, dtype="string"),
        lambda y: pd.Series(y, dtype="category"),
        lambda y: np.where(pd.isna(y), np.nan, y),
        lambda y: pd.DataFrame({"label": y}),
        lambda y: pd.Series(y).map({"empty": 0, "full": 1, "other": 2}),
        lambda y: pd.Series(y).map({"empty": 0, "full": 1, "other": 2}).astype("Int64"),
    ],
)
def test_labels_of_any_kind_are_taken(as_given):
    X, y, _ = make_measures()
    expected = suggest_particles(None, X, 10, y=y, random_state=0)
    rows = suggest_particles(None, X, 10, y=as_given(y), random_state=0)
    assert rows.tolist() == expected.tolist()


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    "change",
    [
        lambda X: np.ones_like(X),
        lambda X: np.where(np.arange(4) == 1, np.nan, X),
        lambda X: np.where(np.arange(300)[:, None] % 7, X, np.nan),
        lambda X: np.where(np.arange(4) == 1, 1e100 * X, X),
        lambda X: X[:, :1].astype(np.float32),
        pd.DataFrame,
    ],
)
def test_measures_may_be_constant_or_missing(change, strategy):
    X, y, groups = make_measures()
    y_proba = fit(X, y).predict_proba(X)
    rows = suggest_particles(
        None, change(X), 30, y=y, groups=groups, y_proba=y_proba, strategy=strategy
    )
    assert len(set(rows)) == 30


def test_far_measures_count_as_two_deviations():
    X = np.concatenate([np.arange(99.0), [1e6]])[:, None]
    assert standardize(X).max() == 2


def test_a_model_of_a_single_class_and_one_micrograph():
    X = make_measures()[0]
    model = DummyClassifier().fit(X, ["full"] * 300)
    for strategy in STRATEGIES:
        rows = suggest_particles(
            model, X, 8, y=["full", *[None] * 299], groups=[1] * 300, strategy=strategy
        )
        assert len(set(rows)) == 8


def test_forgotten_micrographs_and_other_orders_are_told():
    X, y, _ = make_measures()
    table = pd.DataFrame(X).assign(micrograph=1)
    with pytest.warns(UserWarning, match="not spread over the micrographs") as caught:
        suggest_particles(None, table, 5)
    assert caught[0].filename == __file__
    table = pd.DataFrame(X)
    mixed = pd.Series(y).sample(frac=1, random_state=0)
    with pytest.warns(UserWarning, match="particles and y have the same index in"):
        suggest_particles(None, table, 5, y=mixed)
    with pytest.warns(UserWarning, match="particles and groups have the same index"):
        suggest_particles(None, table, 5, groups=mixed.fillna("x"))
    proba = pd.DataFrame({"a": 0.5, "b": 0.5}, index=mixed.index)
    with pytest.warns(UserWarning, match="particles and y_proba have the same index"):
        suggest_particles(None, table, 5, y_proba=proba)


X_BAD, Y_BAD, _ = make_measures()
HALVES = np.full((300, 2), 0.5)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"n": 0}, ValueError, "The 'n' parameter of suggest_particles"),
        ({"n": 301}, ValueError, "n=301, but 300 of 300 particles are without a label"),
        ({"n": 2, "y": [1] * 299 + [None]}, ValueError, "n=2, but 1 of 300 particles"),
        ({"y": [1] * 300}, ValueError, "All 300 particles have a label"),
        ({"y": [1, None]}, ValueError, "y has 2 values for 300 particles"),
        ({"y": [None] * 299}, ValueError, "y has 299 values for 300 particles"),
        ({"y": [None, 1, "a"] * 100}, TypeError, "y mixes numbers with text"),
        ({"y": [0.5, None, None] * 100}, ValueError, "y holds 0.5 in row 0"),
        ({"groups": [1, 2]}, ValueError, "groups has 2 values for 300 particles"),
        ({"groups": [1, None] * 150}, ValueError, "groups is missing in row 1"),
        ({"strategy": "unsure"}, ValueError, "The 'strategy' parameter"),
        ({"random_state": "a"}, ValueError, "The 'random_state' parameter"),
        ({"particles": 5}, TypeError, "Expected sequence"),
        ({"particles": np.full((300, 2), np.inf)}, ValueError, "infinity"),
        ({"particles": list("abc"), "n": 1}, TypeError, "the image is the text"),
        ({"y_proba": HALVES[:9]}, ValueError, r"y_proba has shape \(9, 2\)"),
        ({"y_proba": HALVES[0]}, ValueError, r"y_proba has shape \(2,\)"),
        ({"y_proba": [[1.0], [0.5, 0.5]]}, ValueError, "cannot be read as an array"),
        ({"y_proba": HALVES * np.nan}, ValueError, "y_proba is nan in row 0"),
        ({"y_proba": HALVES / 2}, ValueError, "y_proba sums up to 0.5 in row 0"),
        (
            {"y_proba": HALVES, "model": DummyClassifier().fit(X_BAD, [1] * 300)},
            ValueError,
            "Both model and y_proba are given",
        ),
        (
            {"y_proba": HALVES, "y": Y_BAD, "strategy": "rare"},
            ValueError,
            "y_proba has 2 columns, and y has the classes",
        ),
        ({"model": LogisticRegression()}, NotFittedError, "not fitted yet"),
        ({"model": "svm"}, TypeError, "model, a str, has neither predict_proba nor"),
        (
            {"model": LinearRegression().fit(X_BAD, range(300))},
            TypeError,
            "model, a LinearRegression, has neither",
        ),
        (
            {"model": DummyClassifier().fit(X_BAD, ["virus"] * 300), "y": Y_BAD},
            ValueError,
            r"model knows the classes \['virus'\], but y has",
        ),
        (
            {"model": DummyClassifier().fit(X_BAD, [1] * 300), "y": Y_BAD},
            TypeError,
            "y holds text .*, but the classes of model numbers",
        ),
    ],
)  # fmt: skip
def test_bad_questions_are_refused(changes, error, message):
    arguments = {"model": None, "particles": X_BAD, "n": 10, **changes}
    with pytest.raises(error, match=message):
        suggest_particles(**arguments)


def test_a_result_without_probabilities_is_refused():
    y = np.arange(300) % 2
    result = CrossValidationResult(
        classes=np.unique(y), y_true=y, y_pred=y, folds=np.arange(300) % 3
    )
    with pytest.raises(ValueError, match="The result has no probabilities"):
        suggest_particles(result, X_BAD, 5)
