"""What reaches a fold that may run elsewhere: settings, parameters, threads, errors."""

import os
import re
import signal
from time import sleep

import numpy as np
import pytest
import torch
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from joblib import parallel_config
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklipo import (
    CropToMask,
    LipNetClassifier,
    ParticleFeatures,
    cross_validate_particles,
)
from sklipo.datasets import make_liposomes
from sklipo.evaluation import _folds, _out_of_fold
from sklipo.tags import extend_tags


@pytest.fixture(scope="module")
def data():
    X, y = make_classification(
        200, n_classes=3, n_informative=5, weights=[0.6, 0.2], random_state=0
    )
    return X, np.array(["a", "b", "c"])[y], np.arange(200) // 10


class Witness(ClassifierMixin, BaseEstimator):
    """Remembers under which settings it was fitted and asked to predict."""

    def __init__(self, releases_gil=False):
        self.releases_gil = releases_gil

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.in_fit_ = self.look(X)
        return self

    def predict(self, X):
        self.in_predict_ = self.look(X)
        sleep(0.01)  # Time for another fold to set a number of its own.
        return np.resize(self.classes_, len(X))

    def look(self, X):
        sleep(0.01)
        return {
            "threads": torch.get_num_threads(),
            "X": type(X).__name__,
            **get_config(),
        }

    def __sklearn_tags__(self):
        return extend_tags(super().__sklearn_tags__(), releases_gil=self.releases_gil)


SETTINGS = {
    "transform_output": "pandas",
    "assume_finite": True,
    "enable_metadata_routing": True,
}


@pytest.mark.parametrize("backend", ["threading", "loky"])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_settings_of_scikit_learn_reach_every_job(data, backend, n_jobs):
    X, y, groups = data
    model = make_pipeline(StandardScaler(), Witness())
    with config_context(**SETTINGS), parallel_config(backend):
        result = cross_validate_particles(
            model, X, y, groups=groups, cv=2, n_jobs=n_jobs, return_estimator=True
        )
    for fitted in result.estimators:
        for seen in (fitted[-1].in_fit_, fitted[-1].in_predict_):
            assert seen.items() >= SETTINGS.items()
            assert seen["X"] == "DataFrame"
    assert get_config()["transform_output"] == "default"


def test_settings_reach_the_jobs_that_measure():
    particles = make_liposomes(70, weights=None, random_state=0)
    measure = ParticleFeatures(["area"], intensity="contrast")
    model = make_pipeline(CropToMask(), measure, Witness())
    with config_context(transform_output="pandas"):
        result = cross_validate_particles(
            model,
            particles,
            particles["label"],
            groups=particles["micrograph"],
            cv=2,
            n_jobs=2,
            return_estimator=True,
        )
    assert {fitted[-1].in_fit_["X"] for fitted in result.estimators} == {"DataFrame"}


def plain(routing):
    classifier = LogisticRegression(C=0.1)
    if routing:
        classifier.set_fit_request(sample_weight=True)
        classifier.set_score_request(sample_weight=False)
    return classifier, "sample_weight"


def pipeline(routing):
    classifier, name = plain(routing)
    scale = StandardScaler()
    if routing:
        scale.set_fit_request(sample_weight=False)
    return (
        make_pipeline(scale, classifier),
        name if routing else f"logisticregression__{name}",
    )


def search(routing):
    classifier, name = pipeline(routing)
    grid = {"logisticregression__C": [1e-4, 1.0]}
    scorer = get_scorer("accuracy")
    if routing:
        scorer.set_score_request(sample_weight=False)
    return GridSearchCV(classifier, grid, scoring=scorer, cv=GroupKFold(2)), name


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("make", [plain, pipeline, search])
def test_weights_and_groups_arrive_as_the_training_part_has_them(
    data, make, routing, n_jobs
):
    X, y, groups = data
    weights = np.where(y == "c", 20.0, 1.0) * np.linspace(0.5, 2, len(y))
    cv = StratifiedGroupKFold(3)
    with config_context(enable_metadata_routing=routing):
        estimator, name = make(routing)
        result = cross_validate_particles(
            estimator,
            X,
            y,
            groups=groups,
            cv=cv,
            n_jobs=n_jobs,
            params={name: weights},
            return_estimator=True,
        )
        for i, (train, test) in enumerate(cv.split(X, y, groups)):
            params = {name: weights[train]}
            if make is search:
                params["groups"] = groups[train]
            expected = clone(estimator).fit(X[train], y[train], **params)
            np.testing.assert_array_equal(
                result.y_proba[test], expected.predict_proba(X[test])
            )
            if make is search:
                assert result.estimators[i].best_params_ == expected.best_params_


def test_weights_make_a_difference(data):
    X, y, groups = data
    with config_context(enable_metadata_routing=True):
        estimator, name = search(True)
        weighted, unweighted = (
            cross_validate_particles(estimator, X, y, groups=groups, cv=3, params=p)
            for p in ({name: np.where(y == "c", 20.0, 1.0)}, None)
        )
    assert (weighted.y_proba != unweighted.y_proba).any()


def test_routing_asks_for_a_decision_about_each_parameter(data):
    X, y, groups = data
    params = {"sample_weight": np.ones(len(y))}
    with (
        config_context(enable_metadata_routing=True),
        pytest.raises(UnsetMetadataPassedError, match="cross_validate_particles"),
    ):
        cross_validate_particles(
            LogisticRegression(), X, y, groups=groups, params=params
        )


@pytest.mark.parametrize(
    ("n_folds", "n_jobs", "n_cores", "n_here", "expected"),
    [
        (5, 2, 2, 2, [1, 1, 1, 1, 2]),
        (5, 2, 2, 1, [1, 1, 1, 1, 1]),
        (5, 4, 8, 8, [2, 2, 2, 2, 8]),
        (5, 3, 8, 8, [2, 2, 2, 4, 4]),
        (5, 8, 4, 4, [1, 1, 1, 1, 1]),
        (4, 2, 2, 2, [1, 1, 1, 1]),
        (5, 1, 2, 2, [None] * 5),
    ],
)
def test_folds_that_run_at_once_share_the_cores(
    monkeypatch, n_folds, n_jobs, n_cores, n_here, expected
):
    monkeypatch.setattr(_folds, "cpu_count", lambda: n_cores)
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_here)
    assert _folds.share_cores(n_folds, n_jobs) == expected


def test_threads_are_as_before_after_a_fold():
    before = torch.get_num_threads()
    with _folds.torch_threads(3):
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == before


class Network(LipNetClassifier):
    """A network that tells in which process it was trained."""

    def fit(self, X, y):
        self.process_ = os.getpid()
        return super().fit(X, y)


def test_networks_are_trained_in_threads_of_this_process(data):
    X, y, groups = data
    X = X[:, :16]  # a square image per row
    model = make_imblearn_pipeline(
        StandardScaler(), Network("lipnet-1", n_filters=2, max_epochs=2, random_state=0)
    )

    def validate(n_jobs):
        return cross_validate_particles(
            model, X, y, groups=groups, n_jobs=n_jobs, return_estimator=True
        )

    before = torch.get_num_threads()
    alone, in_threads = validate(1), validate(2)
    assert torch.get_num_threads() == before
    np.testing.assert_array_equal(in_threads.y_proba, alone.y_proba)
    assert {fitted[-1].process_ for fitted in in_threads.estimators} == {os.getpid()}
    with parallel_config("loky"):
        apart = validate(2)
    assert os.getpid() not in {fitted[-1].process_ for fitted in apart.estimators}
    np.testing.assert_allclose(apart.y_proba, alone.y_proba, atol=1e-5)


def test_where_folds_run_depends_on_what_is_fitted(data):
    X, _, _ = data
    network = LipNetClassifier(device="cpu")
    search = GridSearchCV(make_pipeline(StandardScaler(), network), {})
    foreign = Witness(releases_gil=True)
    in_pipeline = make_pipeline(StandardScaler(), foreign)
    for model in (network, search, foreign, in_pipeline):
        assert _out_of_fold._runs_in_threads(model, X)
    # Steps that prepare images in each fold do need Python.
    assert not _out_of_fold._runs_in_threads(network, np.zeros((5, 8, 8)))
    assert not _out_of_fold._runs_in_threads(make_pipeline(SVC()), X)


def test_a_fold_fits_and_predicts_with_the_same_number_of_threads(data, monkeypatch):
    X, y, groups = data
    monkeypatch.setattr("sklipo.evaluation._folds.cpu_count", lambda: 4)
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        for _ in range(4):
            result = cross_validate_particles(
                Witness(releases_gil=True),
                X,
                y,
                groups=groups,
                n_jobs=2,
                return_estimator=True,
            )
            for when in ("in_fit_", "in_predict_"):
                seen = [getattr(e, when)["threads"] for e in result.estimators]
                assert seen == [2, 2, 2, 2, 4]
            assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_an_error_names_the_fold_and_its_classes(data, n_jobs):
    X, y, _ = data
    y = np.where(np.arange(200) < 6, "rare", "common")
    model = make_imblearn_pipeline(SMOTE(), LogisticRegression())
    with pytest.raises(ValueError, match="n_neighbors") as caught:
        cross_validate_particles(model, X, y, cv=3, n_jobs=n_jobs)
    (note,) = caught.value.__notes__
    assert re.fullmatch(
        r"In fold \d, which trains on 13\d particles: \d+ of 'common', 4 of 'rare'.",
        note,
    )


class Killed(LogisticRegression):
    """Has its worker process killed in some of its fits."""

    def __init__(self, flags, here, times=1):
        super().__init__()
        self.flags = flags
        self.here = here
        self.times = times

    def fit(self, X, y):
        # The fold whose training part lacks the first particle.
        if X[0, 0] != self.here and len(list(self.flags.iterdir())) < self.times:
            sleep(0.5)
            (self.flags / str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)


def test_folds_of_a_killed_worker_run_again(data, tmp_path):
    X, y, groups = data
    expected = cross_validate_particles(
        LogisticRegression(), X, y, groups=groups, cv=GroupKFold(4)
    )
    model = Killed(tmp_path, X[0, 0])
    with pytest.warns(UserWarning, match=r"process was killed.*Folds \[") as seen:
        result = cross_validate_particles(
            model, X, y, groups=groups, cv=GroupKFold(4), n_jobs=2
        )
    assert seen[0].filename == __file__
    np.testing.assert_array_equal(result.y_proba, expected.y_proba)
    np.testing.assert_array_equal(result.folds, expected.folds)


def test_fold_that_is_killed_again_is_named(data, tmp_path):
    X, y, groups = data
    model = Killed(tmp_path, X[0, 0], times=9)
    with (
        pytest.warns(UserWarning, match="process was killed"),
        pytest.raises(RuntimeError, match=r"Fold \d has no result.*memory"),
    ):
        cross_validate_particles(model, X, y, groups=groups, cv=GroupKFold(4), n_jobs=2)
