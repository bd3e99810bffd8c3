"""Generators, threads, filters and all that the user set stay as they were."""

import os
import random
import warnings

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.pipeline import make_pipeline
from joblib import parallel_config
from sklearn import get_config
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info

from sklipo import (
    ApplyMask,
    ArtificialOverSampler,
    CropToMask,
    EnsembleClassifier,
    EpochOverSampler,
    EpochUnderSampler,
    LipNetClassifier,
    NormalizeBackground,
    OwnSizeLipNetClassifier,
    ParticleFeatures,
    RandomAffine,
    RandomIntensity,
    Resize,
    cross_validate_particles,
    make_ensemble_pipeline,
    make_lipnet_pipeline,
    make_svc_pipeline,
    pretrain_lipnet,
)
from sklipo.calibration import BalancedCalibratedClassifierCV
from sklipo.datasets import make_liposomes
from sklipo.lipnet import DropoutDecay

TINY = {"architecture": "lipnet-1", "n_filters": 2, "hidden_units": 4, "max_epochs": 2}
GROUPS = ["area", "intensity"]


@pytest.fixture(scope="module")
def particles():
    return make_liposomes(45, weights=None, random_state=0)


@pytest.fixture(scope="module")
def rows(particles):
    return Resize(12).fit_transform(particles)


def state():
    """Return all that belongs to the user, as text and arrays that compare."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 - it is the global one
    return {
        "numpy": (name, keys.tolist(), *rest),
        "random": random.getstate(),
        "torch": torch.get_rng_state().tolist(),
        "torch threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "torch modes": (torch.is_grad_enabled(), torch.get_default_dtype()),
        "cv2 threads": cv2.getNumThreads(),
        "BLAS threads": {
            info["filepath"]: info["num_threads"] for info in threadpool_info()
        },
        "filters": list(warnings.filters),
        "errstate": np.geterr(),
        "print": np.get_printoptions(),
        "pandas": pd.get_option("display.max_rows"),
        "environment": {**os.environ, "PYTEST_CURRENT_TEST": None},
        "scikit-learn": get_config(),
        "folder": (os.getcwd(), sorted(os.listdir())),
    }


@pytest.fixture(scope="module")
def imported(rows, particles):
    """Let torch import what it puts off, which adds filters and variables."""
    LipNetClassifier(**TINY).fit(rows, particles["label"])


@pytest.fixture(autouse=True)
def unchanged(imported):
    # Settings unlike the defaults, which a reset would show.
    cv2_before, torch_before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(2)
    torch.set_num_threads(2)
    try:
        with np.errstate(under="raise"):
            before = state()
            yield
            after = state()
    finally:
        cv2.setNumThreads(cv2_before)
        torch.set_num_threads(torch_before)
    assert {name for name in before if before[name] != after[name]} == set()


def use(estimator, X, y):
    """Call every method that an estimator has."""
    twin = clone(estimator)
    twin.fit(X, y)
    for name in ("predict", "predict_proba", "decision_function", "transform"):
        if hasattr(twin, name):
            getattr(twin, name)(X)
    for name in ("fit_transform", "fit_resample", "partial_fit"):
        if hasattr(twin, name):
            more = {"classes": np.unique(y)} if name == "partial_fit" else {}
            getattr(clone(estimator), name)(X, y, **more)


@pytest.mark.parametrize(
    "estimator",
    [
        NormalizeBackground(),
        CropToMask(),
        ApplyMask(),
        Resize(8),
        ParticleFeatures(GROUPS),
        ParticleFeatures(GROUPS, n_jobs=2),
        ArtificialOverSampler(),
        ArtificialOverSampler(method="draw"),
        make_svc_pipeline(GROUPS),
        make_svc_pipeline(GROUPS, probability=True),
        make_lipnet_pipeline(**TINY, size=8),
        make_ensemble_pipeline(GROUPS, **TINY, size=8, calibrate=False).set_params(
            forest__classify__n_estimators=3
        ),
        OwnSizeLipNetClassifier(n_filters=2, max_epochs=2, pixel_size=8),
        make_lipnet_pipeline(**TINY, size=8, callbacks=[DropoutDecay()]),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_estimators_of_particles_change_nothing(particles, estimator):
    before = particles.copy(deep=True)
    use(estimator, particles, particles["label"])
    pd.testing.assert_frame_equal(particles, before)


@pytest.mark.parametrize(
    "estimator",
    [
        LipNetClassifier(**TINY),
        LipNetClassifier(**TINY, early_stopping=True, random_state=0),
        LipNetClassifier(
            **TINY,
            epoch_sampler=EpochOverSampler(),
            augmentation=[RandomAffine(), RandomIntensity()],
            test_time_augmentation=True,
        ),
        LipNetClassifier(**TINY, epoch_sampler=EpochUnderSampler()),
        LipNetClassifier(**TINY, random_state=np.random.RandomState(0)),
        BalancedCalibratedClassifierCV(LogisticRegression()),
        EnsembleClassifier([("network", LipNetClassifier(**TINY))], cv=2),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_estimators_of_rows_change_nothing(rows, particles, estimator):
    before = rows.copy()
    use(estimator, rows, particles["label"])
    np.testing.assert_array_equal(rows, before)


def test_failed_training_changes_nothing(rows, particles):
    for params in ({"learning_rate": 1e300}, {"image_shape": (5, 5)}):
        model = LipNetClassifier(**{**TINY, **params}, callbacks=[DropoutDecay()])
        with pytest.raises(ValueError, match=r"diverged|image_shape"):
            model.fit(rows, particles["label"])


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_cross_validation_changes_nothing(particles, n_jobs, backend):
    network = LipNetClassifier(**TINY)
    prepare = [CropToMask(), Resize(8)]
    for model in (make_pipeline(*prepare, network), make_svc_pipeline(GROUPS)):
        with parallel_config(backend):
            result = cross_validate_particles(
                model,
                particles,
                particles["label"],
                groups=particles["micrograph"],
                cv=2,
                n_jobs=n_jobs,
            )
        result.summary()


@pytest.mark.parametrize("seed", [None, 0])
def test_pretraining_changes_nothing(particles, seed):
    parameters = TINY | {"size": 8, "random_state": seed}
    pretrained = pretrain_lipnet(**parameters, n_samples=10, cache=False)
    model = make_lipnet_pipeline(**parameters, pretrained=pretrained)
    use(model, particles, particles["label"])


@pytest.mark.parametrize("seed", [None, 0])
def test_artificial_particles_change_nothing(seed):
    make_liposomes(4, weights=None, random_state=seed)
    make_liposomes(4, weights=None, random_state=seed, n_jobs=2)
