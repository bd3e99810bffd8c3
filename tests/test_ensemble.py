"""EnsembleClassifier: votes, what is learned of them, members of all kinds."""

import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_resampling_pipeline
from joblib import parallel_config
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedGroupKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklipo import (
    EnsembleClassifier,
    ParticleFeatures,
    SelectiveClassifier,
    cross_validate_particles,
    features,
    make_ensemble_pipeline,
    make_lipnet_pipeline,
    make_svc_pipeline,
)
from sklipo.datasets import make_liposomes
from sklipo.displays import (
    ConfusionMatricesDisplay,
    ParticleGalleryDisplay,
    ReliabilityDisplay,
)
from sklipo.ensemble import _preparation
from sklipo.ensemble._vote import balance, find_temperature, find_weights, mix, temper

TINY = {
    "architecture": "lipnet-1",
    "max_epochs": 1,
    "n_filters": 2,
    "hidden_units": 4,
    "size": 8,
}
TWO = [("linear", LogisticRegression()), ("bayes", GaussianNB())]


def make_tiny(**params):
    """Return the recipe with networks that are trained in no time."""
    model = make_ensemble_pipeline(
        ["area", "histogram"], **{**TINY, "random_state": 0, **params}
    )
    return model.set_params(forest__classify__n_estimators=5, cv=2)


@pytest.fixture(scope="module")
def particles():
    return make_liposomes(90, weights=None, random_state=0)


@pytest.fixture(scope="module")
def rows():
    X, codes = make_classification(
        240, n_classes=3, n_informative=4, weights=[0.6, 0.3], random_state=0
    )
    y = np.array(["empty", "full", "uncertain"])[codes]
    return X, y, np.arange(240) % 24


@pytest.mark.suite
@parametrize_with_checks(
    [
        EnsembleClassifier(TWO),
        EnsembleClassifier(TWO, weights="out_of_fold", calibrate=False),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_constraints_cover_the_parameters():
    parameters = set(inspect.signature(EnsembleClassifier).parameters)
    assert set(EnsembleClassifier._parameter_constraints) == parameters


# How votes are counted.


@pytest.mark.parametrize("weights", [None, [1, 0], [2, 1]])
def test_without_learning_it_is_the_soft_vote_of_scikit_learn(rows, weights):
    X, y, _ = rows
    model = EnsembleClassifier(TWO, weights=weights, calibrate=False).fit(X, y)
    reference = VotingClassifier(TWO, voting="soft", weights=weights).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), reference.predict_proba(X))
    np.testing.assert_array_equal(model.predict(X), reference.predict(X))
    assert model.temperature_ == 1
    assert model.cv_results_ == {}
    assert model.cv_result_ is None


def draw_votes(n=400, n_members=3, n_classes=4):
    """Return probabilities of members, true classes and weights of samples."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(n_members, n, n_classes)) * 2
    p = softmax(logits[:2].sum(axis=0), axis=1)
    codes = (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return softmax(logits, axis=2), codes, rng.uniform(0.5, 2, n)


def test_weights_are_those_of_least_loss():
    votes, codes, sample_weight = draw_votes()
    true = votes[:, np.arange(len(codes)), codes]
    reference = minimize(
        lambda weights: -np.log(weights @ true) @ sample_weight / 400,
        np.full(3, 1 / 3),
        method="SLSQP",
        bounds=[(1e-9, 1)] * 3,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
        options={"ftol": 1e-12},
    )
    found = find_weights(votes, codes, sample_weight)
    np.testing.assert_allclose(found, reference.x, atol=1e-3)
    assert found.sum() == pytest.approx(1)


@pytest.mark.parametrize("temperature", [0.4, 1, 2.5])
def test_temperature_that_was_lost_is_found(temperature):
    rng = np.random.default_rng(0)
    p = softmax(rng.normal(size=(20000, 3)) / 2, axis=1)
    codes = (p.cumsum(axis=1) > rng.random((20000, 1))).argmax(axis=1)
    off = temper(p, 1 / temperature)
    np.testing.assert_allclose(temper(off, temperature), p, atol=1e-5)
    found = find_temperature(off, codes, np.ones(20000))
    assert found == pytest.approx(temperature, rel=0.05)


def test_balanced_weights_give_each_class_the_same_sum():
    codes, weights = np.array([0, 0, 0, 2, 2]), np.array([1, 2, 1, 0, 3])
    found = balance(codes, weights)
    np.testing.assert_allclose(np.bincount(codes, found), [1, 0, 1])
    np.testing.assert_allclose(found[:3], [0.25, 0.5, 0.25])
    np.testing.assert_array_equal(balance(codes, np.zeros(5)), 0)


def test_what_is_learned_is_that_of_out_of_fold_predictions(rows):
    X, y, groups = rows
    model = EnsembleClassifier(TWO, weights="out_of_fold").fit(X, y, groups)
    votes = []
    for name, member in TWO:
        result = cross_validate_particles(member, X, y, groups=groups, cv=3)
        np.testing.assert_array_equal(model.cv_results_[name].y_proba, result.y_proba)
        votes.append(result.y_proba)
    codes = np.searchsorted(model.classes_, y)
    balanced = balance(codes, np.ones(len(y)))
    weights = find_weights(np.array(votes), codes, balanced)
    np.testing.assert_allclose(model.weights_, weights)
    mean = mix(votes, weights)
    assert model.temperature_ == find_temperature(mean, codes, balanced)
    result = model.cv_result_
    np.testing.assert_allclose(result.y_proba, temper(mean, model.temperature_))
    np.testing.assert_array_equal(result.groups, groups)
    for group in np.unique(groups):
        assert len(np.unique(result.folds[groups == group])) == 1


def test_calibration_changes_no_prediction_and_little_without_need(rows):
    X, y, groups = rows
    plain = EnsembleClassifier(TWO, calibrate=False).fit(X, y)
    model = EnsembleClassifier(TWO).fit(X, y, groups=groups)
    assert model.temperature_ != 1
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))
    assert (model.predict_proba(X) != plain.predict_proba(X)).any()


# Members.


def test_members_are_whole_and_vote_as_they_do_alone(particles):
    y, groups = particles["label"], particles["micrograph"]
    model = make_tiny().fit(particles, y, groups=groups)
    assert list(model.named_estimators_) == [name for name, _ in model.estimators]
    alone = [member.predict_proba(particles) for member in model.estimators_]
    # Measures that don't depend on the scale are taken on one of them.
    expected = temper(np.mean(alone, axis=0), model.temperature_)
    np.testing.assert_allclose(model.predict_proba(particles), expected, rtol=1e-6)
    svc = clone(model.estimators[0][1]).fit(particles, y)
    np.testing.assert_allclose(svc.predict_proba(particles), alone[0])
    for (_, member), fitted in zip(model.estimators, model.estimators_, strict=True):
        assert type(member) is type(fitted)
        assert [n for n, _ in member.steps] == [n for n, _ in fitted.steps]
        assert not hasattr(member.steps[-1][1], "classes_")


def test_particles_are_measured_once_at_fit_and_at_predict(particles, monkeypatch):
    calls = []

    def count(transformers, X, n_jobs):
        calls.append((len(transformers), len(X)))
        return features.measure_together(transformers, X, n_jobs)

    monkeypatch.setattr(_preparation, "measure_together", count)
    model = make_tiny().fit(particles, particles["label"], particles["micrograph"])
    model.predict(particles[:5])
    assert calls == [(4, 90), (4, 5)]


def test_same_bits_again_and_the_same_in_jobs(particles):
    y, groups = particles["label"], particles["micrograph"]
    model = make_tiny(weights="out_of_fold")
    before = particles.copy(deep=True)
    first, again = (clone(model).fit(particles, y, groups=groups) for _ in range(2))
    # Processes would take seconds to start.
    with parallel_config("threading"):
        jobs = clone(model).set_params(n_jobs=2).fit(particles, y, groups=groups)
    expected = first.predict_proba(particles)
    for other in (again, pickle.loads(pickle.dumps(first))):
        np.testing.assert_array_equal(other.weights_, first.weights_)
        np.testing.assert_array_equal(other.predict_proba(particles), expected)
    # With some versions of NumPy, a network's float32 rounds otherwise in a thread.
    np.testing.assert_allclose(jobs.weights_, first.weights_, atol=1e-6)
    np.testing.assert_allclose(jobs.predict_proba(particles), expected, atol=1e-6)
    pd.testing.assert_frame_equal(particles, before)


def test_grid_search_reaches_and_exchanges_members(particles):
    search = GridSearchCV(
        make_tiny(calibrate=False),
        {
            "svc__classify__estimator__C": [1, 10],
            "svc_raw": [make_svc_pipeline(["area"], probability=True)],
            "weights": [None, [1, 0, 0, 0, 0, 0]],
        },
        cv=2,
        error_score="raise",
    ).fit(particles, particles["label"])
    assert search.best_estimator_.named_estimators_["svc_raw"]["features"].groups == [
        "area"
    ]


@pytest.mark.filterwarnings("ignore:. of . classes can't be decided:UserWarning")
def test_cross_validation_selection_and_displays(particles):
    y, groups = particles["label"], particles["micrograph"]
    model = EnsembleClassifier(
        [
            (name, make_svc_pipeline([name], probability=True))
            for name in ("area", "shape")
        ]
    )
    result = cross_validate_particles(
        model, particles, y, groups=groups, cv=2, return_estimator=True
    )
    folds = result.estimators[0].cv_result_
    assert set(folds.groups) <= set(groups[result.folds == 1])
    ConfusionMatricesDisplay.from_cv_results({"vote": result})
    fitted = result.estimators[0]
    ReliabilityDisplay.from_estimator(fitted, particles, y)
    ParticleGalleryDisplay.from_estimator(fitted, particles, y)
    selective = SelectiveClassifier(
        model.set_params(calibrate=False), max_error=0.9, confidence=0.1, cv=2
    ).fit(particles, y, groups=groups)
    assert selective.predict(particles[:2]).shape == (2,)


def test_containers_of_pandas_reach_the_members(particles):
    y = particles["label"]
    model = make_tiny(calibrate=False)
    expected = clone(model).fit(particles, y).predict_proba(particles)
    with config_context(transform_output="pandas"):
        model.fit(particles, y)
        found = model.predict_proba(particles)
        # scikit-learn warns of names that are missing.
        model.named_estimators_["svc"].predict(particles)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_search_as_member_gets_the_groups(rows):
    X, y, groups = rows
    search = GridSearchCV(LogisticRegression(), {"C": [1, 10]}, cv=GroupKFold(2))
    model = EnsembleClassifier([("search", search), *TWO]).fit(X, y, groups=groups)
    assert model.estimators_[0].best_score_ > 0.5


def test_behind_a_sampler_in_a_pipeline(rows):
    X, y, _ = rows
    model = make_resampling_pipeline(
        StandardScaler(), RandomOverSampler(random_state=0), EnsembleClassifier(TWO)
    )
    assert model.fit(X, y).score(X, y) > 0.5


@pytest.mark.parametrize("routing", [False, True])
def test_weights_of_samples_reach_all_members(particles, routing):
    y, groups = particles["label"], particles["micrograph"]
    weights = np.random.default_rng(0).uniform(0.1, 3, len(y))
    model = make_tiny()
    with config_context(enable_metadata_routing=routing):
        fitted = clone(model).fit(particles, y, groups, sample_weight=weights)
        if routing:
            model.set_fit_request(groups=True, sample_weight=True)
        cross_validate_particles(
            model, particles, y, groups=groups, cv=2, params={"sample_weight": weights}
        )
    for (_, member), found in zip(model.estimators, fitted.estimators_, strict=True):
        alone = clone(member).fit(particles, y, classify__sample_weight=weights)
        expected = alone.predict_proba(particles)
        np.testing.assert_allclose(found.predict_proba(particles), expected, rtol=1e-6)


def test_class_on_one_micrograph_has_no_part_in_calibration(rows):
    X, y, groups = rows
    groups = np.where(y == "uncertain", 3, groups)
    model = EnsembleClassifier(TWO, weights="out_of_fold")
    n_rare = (y == "uncertain").sum()
    with pytest.warns(UserWarning, match=rf"leave {n_rare} of .* \['uncertain'\]"):
        model.fit(X, y, groups=groups)
    assert 0.1 < model.temperature_ < 10
    assert model.classes_.tolist() == ["empty", "full", "uncertain"]
    model.set_params(weights=None, calibrate=False).fit(X, y, groups=groups)


class Untrainable(ClassifierMixin, BaseEstimator):
    """A classifier that must not be trained."""

    def fit(self, X, y, sample_weight=None):
        raise AssertionError("It was trained.")

    def predict(self, X):
        raise AssertionError

    predict_proba = predict


LAZY = [("lazy", Untrainable())]


@pytest.mark.parametrize(
    ("params", "fit_params", "error", "message"),
    [
        ({"estimators": []}, {}, ValueError, "list of one or more pairs"),
        ({"estimators": [Untrainable()]}, {}, ValueError, "list of one or more pairs"),
        ({"estimators": [("a", Untrainable)]}, {}, TypeError, "Member 'a' is <class"),
        ({"estimators": [("a", None)]}, {}, TypeError, "Member 'a' is None"),
        (
            {"estimators": [*LAZY, ("svc", make_svc_pipeline())]},
            {},
            ValueError,
            "Member 'svc', Pipeline, has no predict_proba, .* make_svc_pipeline",
        ),
        ({"estimators": LAZY * 2}, {}, ValueError, "not unique: .*'lazy', 'lazy'"),
        ({"estimators": [("cv", Untrainable())]}, {}, ValueError, "conflict with"),
        ({"estimators": [("a__b", Untrainable())]}, {}, ValueError, "not contain __"),
        ({"weights": [1, 2]}, {}, ValueError, "expected 1 numbers, one for each"),
        ({"weights": ["a"]}, {}, ValueError, "expected 1 numbers, one for each"),
        ({"weights": [-1]}, {}, ValueError, "not negative, and not all 0"),
        ({"weights": [0]}, {}, ValueError, "not negative, and not all 0"),
        ({"weights": [np.nan]}, {}, ValueError, "not negative, and not all 0"),
        ({"weights": "best"}, {}, ValueError, "'weights' parameter"),
        ({"cv": 1}, {}, ValueError, "expected 2 folds or more"),
        ({"cv": 30}, {}, ValueError, "fewer than the 30 folds"),
        ({}, {"groups": np.arange(9)}, ValueError, "groups has 9 values for 240"),
        ({}, {"groups": np.arange(240) % 2}, ValueError, "2 groups, fewer than the 3"),
        ({}, {"sample_weight": np.ones(9)}, ValueError, r"sample_weight.shape == \(9"),
        ({}, {"sample_weight": -np.ones(240)}, ValueError, "Negative values"),
        (
            {"estimators": [*LAZY, ("near", KNeighborsClassifier())]},
            {"sample_weight": np.ones(240)},
            ValueError,
            "Member 'near' takes no sample_weight",
        ),
    ],
)
def test_bad_input_is_refused_before_any_training(
    rows, params, fit_params, error, message
):
    X, y, _ = rows
    model = EnsembleClassifier(**{"estimators": LAZY, **params})
    with pytest.raises(error, match=message):
        model.fit(X, y, **fit_params)


def test_class_without_any_weight_is_refused(rows):
    X, y, _ = rows
    with pytest.raises(ValueError, match="All particles of class 'full' have sample_"):
        EnsembleClassifier(LAZY).fit(X, y, sample_weight=(y != "full").astype(float))


def test_error_of_a_member_names_it(rows):
    X, y, _ = rows
    for calibrate in (True, False):
        with pytest.raises(AssertionError, match="It was trained") as caught:
            EnsembleClassifier([*TWO, *LAZY], calibrate=calibrate).fit(X, y)
        assert "In member 'lazy' of the ensemble." in caught.value.__notes__


def test_missing_groups_are_warned_of_where_they_matter(particles):
    y = particles["label"]
    model = EnsembleClassifier(
        [("area", make_svc_pipeline(["area"], probability=True))]
    )
    with pytest.warns(UserWarning, match="column 'micrograph', but groups is None"):
        model.fit(particles, y)
    model.set_params(calibrate=False).fit(particles, y)


# Hand-made and learned features in one table.


def make_union():
    """Return measures and activations of a network before an SVM."""
    learned = make_lipnet_pipeline(**TINY, random_state=0)
    made = ParticleFeatures(["area", "circularity"])
    return make_pipeline(
        FeatureUnion([("made", made), ("learned", learned)]),
        StandardScaler(),
        SVC(class_weight="balanced"),
    )


def test_union_of_measures_and_learned_features(particles):
    y, groups = particles["label"], particles["micrograph"]
    model = make_union().fit(particles, y)
    union = model[0]
    names = union.get_feature_names_out()
    assert names.tolist() == [
        "made__area",
        "made__circularity",
        *(f"learned__lipnetclassifier{i}" for i in range(4)),
    ]
    table = clone(union).set_output(transform="pandas").fit_transform(particles, y)
    assert table.columns.tolist() == names.tolist()
    np.testing.assert_allclose(table, union.transform(particles))
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict(particles), model.predict(particles))
    search = GridSearchCV(
        make_union(),
        {
            "featureunion__made__groups": [["area"], "thesis"],
            "featureunion__learned__classify__max_epochs": [1, 2],
        },
        cv=StratifiedGroupKFold(2),
        error_score="raise",
    ).fit(particles, y, groups=groups)
    assert len(search.cv_results_["params"]) == 4


def test_union_may_be_a_member(particles):
    y = particles["label"]
    union = make_union().set_params(svc=LogisticRegression(max_iter=1000))
    model = EnsembleClassifier([("union", union)], calibrate=False).fit(particles, y)
    expected = union.fit(particles, y).predict_proba(particles)
    np.testing.assert_array_equal(model.predict_proba(particles), expected)
