from itertools import pairwise

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.model_selection import learning_curve as sklearn_learning_curve
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from sklipo import (
    LipNetClassifier,
    Resize,
    SelectiveClassifier,
    cross_validate_particles,
)
from sklipo.datasets import make_liposomes
from sklipo.evaluation import learning_curve
from sklipo.evaluation._training_subsets import draw_subsets

FIELDS = ["y_true", "y_pred", "y_proba", "folds", "groups", "classes"]


def make_data(n_micrographs=12, n_each=6, seed=0, classes=("empty", "full", "x")):
    """Return rows, labels and micrographs of as many particles each."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_micrographs), n_each)
    codes = rng.permutation(np.arange(len(groups)) % len(classes))
    X = rng.normal(size=(len(groups), 4)) + np.eye(4)[codes]
    return X, np.array(classes)[codes], groups


def assert_same(one, other):
    """Assert that two results are of the same bits."""
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))


def same_curves(one, other):
    """Assert that two learning curves are of the same bits."""
    np.testing.assert_array_equal(one.n_micrographs, other.n_micrographs)
    np.testing.assert_array_equal(one.n_particles, other.n_particles)
    for repeats, others in zip(one.results, other.results, strict=True):
        for result, another in zip(repeats, others, strict=True):
            assert_same(result, another)


def test_it_ends_at_the_result_of_cross_validation():
    X, y, groups = make_data()
    expected = cross_validate_particles(GaussianNB(), X, y, groups=groups, cv=3)
    curve = learning_curve(
        GaussianNB(), X, y, groups=groups, cv=3, n_repeats=2, random_state=0
    )
    assert curve.n_micrographs.tolist() == [2, 4, 8]
    assert curve.n_particles.tolist() == [12, 24, 48]
    assert [len(repeats) for repeats in curve.results] == [2, 2, 1]
    (last,) = curve.results[-1]
    assert_same(last, expected)
    summary = expected.summary()[["pooled", "low", "high"]]
    for metric in ("balanced_accuracy", "log_loss", "MCC"):
        found = curve.scores(metric).iloc[-1, 1:]
        np.testing.assert_array_equal(found, summary.loc[metric])
    summary = expected.summary("x", level=0.8, n_resamples=50, random_state=1)
    found = curve.scores("F1", "x", level=0.8, n_resamples=50, random_state=1)
    expected = summary.loc["F1", ["pooled", "low", "high"]]
    np.testing.assert_array_equal(found.iloc[-1, 1:], expected)


def test_gains_are_those_of_a_comparison():
    X, y, groups = make_data()
    curve = learning_curve(GaussianNB(), X, y, groups=groups, cv=3, random_state=0)
    gains, scores = curve.gains(), curve.scores()["score"]
    assert gains.index.tolist() == [4, 8]
    assert gains["before"].tolist() == [2, 4]
    np.testing.assert_allclose(gains["gain"], np.diff(scores), atol=1e-12)
    for i, (before, after) in enumerate(pairwise(curve.results)):
        table = after[0].compare(before[0]).loc["balanced_accuracy"]
        expected = table[["difference", "low", "high"]]
        np.testing.assert_array_equal(gains.iloc[i, 1:], expected)


def test_repeats_are_averaged():
    X, y, groups = make_data(n_each=9)
    curve = learning_curve(
        GaussianNB(), X, y, groups=groups, cv=3, n_repeats=3, random_state=0
    )
    for row, repeats in zip(curve.scores()["score"], curve.results, strict=True):
        scores = [result.balanced_accuracy for result in repeats]
        assert len(set(scores)) == len(repeats)
        assert row == pytest.approx(np.mean(scores), abs=1e-12)


def test_points_are_those_of_scikit_learn_on_the_same_subsets():
    X, y, groups = make_data()
    folds = list(StratifiedGroupKFold(3).split(X, y, groups))
    curve = learning_curve(
        GaussianNB(), X, y, groups=groups, cv=folds, n_micrographs=[3, 5, 8],
        random_state=7,
    )  # fmt: skip
    generator = np.random.RandomState(7)
    subsets = [draw_subsets(train, y, groups, 3, generator) for train, _ in folds]
    # Micrographs of six particles each: the first 18 rows are those of three.
    ordered = [subset.train[np.argsort(subset.places)] for subset in subsets]
    sizes, _, expected = sklearn_learning_curve(
        GaussianNB(), X, y, train_sizes=[18, 30, 48], scoring="balanced_accuracy",
        cv=[(order, test) for order, (_, test) in zip(ordered, folds, strict=True)],
    )  # fmt: skip
    np.testing.assert_array_equal(curve.n_particles, sizes)
    found = [result.balanced_accuracy_per_fold for (result,) in curve.results]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


class Remembering(DummyClassifier):
    """A classifier that remembers the micrographs that it was trained on."""

    seen = []

    def fit(self, X, y):
        self.seen.append(set(X[:, 0].tolist()))
        return super().fit(X, y)


def test_subsets_are_whole_micrographs_nested_and_not_tested():
    X, y, groups = make_data()
    X[:, 0] = groups
    Remembering.seen.clear()
    curve = learning_curve(
        Remembering(), X, y, groups=groups, cv=3, n_micrographs=[8, 2, 4, 4]
    )
    assert curve.n_micrographs.tolist() == [2, 4, 8]
    by_size = np.reshape(Remembering.seen, (3, 3))
    assert [[len(seen) for seen in row] for row in by_size] == [
        [2] * 3,
        [4] * 3,
        [8] * 3,
    ]
    (result,) = curve.results[0]
    for fold in range(3):
        small, middle, large = by_size[:, fold]
        assert small < middle < large
        assert not large & set(groups[result.folds == fold].tolist())


def test_jobs_change_no_bit_and_seeds_do():
    X, y, groups = make_data()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    # Processes take seconds to start, and cross-validation is tested with them.
    with parallel_config(backend="threading"):
        curves = [
            learning_curve(
                GaussianNB(), X, y, groups=groups, cv=3, random_state=seed, n_jobs=jobs
            )
            for seed, jobs in [(0, None), (0, 2), (1, None)]
        ]
    same_curves(*curves[:2])
    before, after = (curves[i].results[0][0].y_proba for i in (0, 2))
    assert (before != after).any()
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_particles_are_prepared_once_and_networks_are_trained():
    particles = make_liposomes(40, weights=None, random_state=0)
    network = LipNetClassifier(
        "lipnet-1", n_filters=2, hidden_units=4, max_epochs=1, random_state=0
    )
    curve = learning_curve(
        make_pipeline(Resize(8), network),
        particles,
        particles["label"],
        groups=particles["micrograph"],
        cv=2,
    )
    result = cross_validate_particles(
        make_pipeline(Resize(8), network),
        particles,
        particles["label"],
        groups=particles["micrograph"],
        cv=2,
    )
    assert_same(curve.results[-1][0], result)
    assert result.index.equals(curve.results[-1][0].index)


def test_a_model_that_leaves_particles_undecided():
    X, y, groups = make_data(n_each=12, classes=("empty", "full"))
    model = SelectiveClassifier(GaussianNB(), cv=2)
    with pytest.warns(UserWarning, match="classes can't be decided"):
        curve = learning_curve(
            model, X, y, groups=groups, cv=2, n_micrographs=[4, 6], random_state=0
        )
    assert curve.results[0][0].unsure == "unsure"
    assert curve.scores()["score"].between(0, 1).all()


def test_rare_classes_are_in_each_subset_where_they_can_be():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 5)
    y = np.where(groups % 10 == 0, "rare", "common")
    for seed in range(20):
        subset = draw_subsets(np.arange(150), y, groups, 3, np.random.RandomState(seed))
        assert subset.cover <= 3
        assert set(y[subset.take(3)]) == {"rare", "common"}
        assert len(subset.take(3)) == 15
        np.testing.assert_array_equal(subset.take(30), np.arange(150))
    # Each class on a micrograph of its own: no two of these have three.
    y = np.array(["a", "b", "c"])[groups % 3]
    subset = draw_subsets(np.arange(150), y, groups, 2, np.random.RandomState(0))
    assert subset.cover == 3
    X = rng.normal(size=(150, 2))
    curve = learning_curve(GaussianNB(), X, y, groups=groups, cv=3, random_state=0)
    assert curve.n_micrographs.tolist() == [5, 10, 20]
    with pytest.warns(
        UserWarning, match=r"For \[2\] micrographs, .*From 3 on"
    ) as caught:
        learning_curve(
            GaussianNB(),
            X,
            y,
            groups=groups,
            cv=3,
            n_micrographs=[2, 4],
            random_state=0,
        )
    assert caught[0].filename == __file__
    with pytest.raises(ValueError, match=r"Of 1 micrographs, a fold .* from 3 on"):
        learning_curve(GaussianNB(), X, y, groups=groups, cv=3, n_micrographs=[1, 4])


def test_a_fold_with_fewer_micrographs_trains_on_all_it_has():
    X, y, groups = make_data(n_micrographs=5)
    folds = StratifiedGroupKFold(2).split(X, y, groups)
    curve = learning_curve(GaussianNB(), X, y, groups=groups, cv=list(folds))
    assert curve.n_micrographs[-1] == 3
    assert curve.n_particles[-1] == 15
    expected = cross_validate_particles(GaussianNB(), X, y, groups=groups, cv=2)
    assert_same(curve.results[-1][0], expected)


X, Y, GROUPS = make_data(4)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"groups": None}, "groups is None, but whole micrographs are drawn"),
        ({"groups": GROUPS[1:]}, "groups has 23 values for 24 particles"),
        ({"groups": GROUPS % 2}, "Each fold trains on a single micrograph"),
        ({"groups": np.zeros(24)}, "All particles are of one group"),
        ({"n_micrographs": [3]}, "n_micrographs has 3; expected numbers from 1 to 2"),
        ({"n_micrographs": [0, 2]}, "n_micrographs has 0"),
        ({"n_micrographs": []}, r"n_micrographs is \[\]"),
        ({"n_micrographs": [0.5, 1]}, "expected a list of whole numbers"),
        ({"n_micrographs": 2}, "'n_micrographs' parameter"),
        ({"n_micrographs": np.array(2)}, "expected a list of whole numbers"),
        ({"n_micrographs": [[1], [1, 2]]}, "expected a list of whole numbers"),
        ({"n_micrographs": "all"}, "'n_micrographs' parameter"),
        ({"n_repeats": 0}, "'n_repeats' parameter"),
        ({"estimator": 3}, "'estimator' parameter"),
        ({"y": np.full(24, "a")}, "All particles are of one class"),
    ],
)
def test_what_gives_no_curve(parameters, message):
    given = {"estimator": GaussianNB(), "X": X, "y": Y, "groups": GROUPS, "cv": 2}
    with pytest.raises(ValueError, match=message):
        learning_curve(**given | parameters)


class Failing(GaussianNB):
    def fit(self, X, y):
        raise ValueError("no fit")


def test_an_estimator_that_can_not_be_fitted():
    with pytest.raises(ValueError, match="no fit") as caught:
        learning_curve(Failing(), X, Y, groups=GROUPS, cv=2)
    assert caught.value.__notes__[0].startswith("In fold 0, which trains on 12")


class Hungry(GaussianNB):
    """An estimator that asks for many particles."""

    def fit(self, X, y):
        """Fit on 20 particles or more."""
        if len(X) < 20:
            raise ValueError("Give me more")
        return super().fit(X, y)


def test_an_estimator_that_needs_more_particles_says_where_to_begin():
    X, y, groups = make_data()
    data = {"X": X, "y": y, "groups": groups, "cv": 3, "random_state": 0}
    with pytest.raises(ValueError, match="Give me more") as caught:
        learning_curve(Hungry(), **data)
    in_fold, in_curve = caught.value.__notes__
    assert in_fold.startswith("In fold 0, which trains on 12 particles")
    assert in_curve.startswith("These are 2 micrographs.")
    assert in_curve.endswith("n_micrographs=[4, 8].")
    curve = learning_curve(Hungry(), **data, n_micrographs=[4, 8])
    assert curve.n_micrographs.tolist() == [4, 8]
    with pytest.raises(ValueError, match="Give me more") as caught:
        learning_curve(Hungry(), **data, n_micrographs=[2])
    assert len(caught.value.__notes__) == 1


def test_metrics_and_classes_that_there_are_not():
    X, y, groups = make_data()
    curve = learning_curve(DummyClassifier(), X, y, groups=groups, cv=2)
    for look in (curve.scores, curve.gains):
        with pytest.raises(ValueError, match="metric='TPR'; expected one of"):
            look("TPR")
        with pytest.raises(ValueError, match="There is no class 'z'"):
            look("TPR", "z")
        with pytest.raises(ValueError, match="'metric' parameter"):
            look(3)


def test_the_description_says_what_the_last_step_gained():
    texts = []
    for seed, skill in [(0, 3), (1, 0)]:
        X, y, groups = make_data(24, 10, seed=seed)
        X += skill * (y == "full")[:, np.newaxis]
        curve = learning_curve(GaussianNB(), X, y, groups=groups, cv=3, random_state=0)
        lines = repr(curve).splitlines()
        step = curve.gains().iloc[-1]
        assert lines[0] == "LearningCurve of 240 particles of 24 groups in 3 folds:"
        assert f"from 8 to 16 micrographs {step['gain']:+.3f}" in lines[2]
        texts.append(lines[3])
        assert ("expected to pay" in lines[3]) == (step["low"] > 0 or step["high"] <= 0)
    curve = learning_curve(GaussianNB(), X, y, groups=groups, n_micrographs=[4])
    assert len(repr(curve).splitlines()) == 2
    assert curve.gains().empty


def test_a_constant_prediction_gains_nothing():
    X, y, groups = make_data(10)
    model = DummyClassifier(strategy="constant", constant="x")
    curve = learning_curve(model, X, y, groups=groups, cv=2)
    np.testing.assert_allclose(curve.scores()["score"], 1 / 3)
    np.testing.assert_allclose(curve.gains().iloc[:, 1:], 0, atol=1e-12)
