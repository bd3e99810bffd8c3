"""Steps that no fold can change are done once, and change nothing by that."""

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from joblib import parallel_config
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from sklipo import (
    ApplyMask,
    CropToMask,
    ImageArray,
    ParticleFeatures,
    Resize,
    cross_validate_particles,
    make_lipnet_pipeline,
    make_svc_pipeline,
)
from sklipo.datasets import make_liposomes
from sklipo.evaluation._preparation import prepare, split_preparation
from sklipo.tags import extend_tags


@pytest.fixture(scope="module")
def particles():
    return make_liposomes(150, weights=[2, 1, 1], random_state=0)


class MeanIntensity(TransformerMixin, BaseEstimator):
    """A foreign doorway: two numbers of each image, and one of another column."""

    def __init__(self, row_wise=True):
        self.row_wise = row_wise

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        assert len(X) > 0
        assert (X["micrograph"].notna()).all()
        return np.array([[image.mean(), image.std()] for image in X["image"]])

    def __sklearn_tags__(self):
        return extend_tags(super().__sklearn_tags__(), row_wise=self.row_wise)


def lipnet():
    return make_lipnet_pipeline(
        "lipnet-1", size=12, max_epochs=1, n_filters=4, random_state=0
    )


BALANCE = RandomOverSampler(random_state=0)
MODELS = {
    "lipnet": (lipnet(), 4),
    "measures": (make_svc_pipeline(["area"], probability=True), 1),
    "raw": (make_pipeline(ParticleFeatures(["histogram"], intensity="none"), SVC()), 0),
    "sampler first": (
        make_imblearn_pipeline(BALANCE, CropToMask(), Resize(8), SVC()),
        0,
    ),
    "sampler between": (
        make_imblearn_pipeline(CropToMask(), ApplyMask(), BALANCE, Resize(8), SVC()),
        2,
    ),
    "data frames": (
        make_pipeline(CropToMask(), Resize(8).set_output(transform="pandas"), SVC()),
        2,
    ),
    "nested": (
        make_pipeline("passthrough", make_pipeline(CropToMask(), Resize(8)), SVC()),
        2,
    ),
    "foreign": (make_pipeline(CropToMask(), MeanIntensity(), SVC()), 2),
    "foreign, untagged": (make_pipeline(CropToMask(), MeanIntensity(False), SVC()), 1),
}


@pytest.mark.parametrize(("model", "n_steps"), MODELS.values(), ids=MODELS)
def test_preparing_once_changes_nothing(particles, model, n_steps):
    y, groups = particles["label"], particles["micrograph"]
    assert len(split_preparation(model, particles)[0]) == n_steps
    cv = StratifiedGroupKFold(3)
    result = cross_validate_particles(
        model, particles, y, groups=groups, cv=cv, return_estimator=True
    )
    expected = cross_val_predict(model, particles, y, groups=groups, cv=cv)
    np.testing.assert_array_equal(result.y_pred, expected)
    test = result.folds == 1
    assert len(result.estimators[1].steps) == len(model.steps)
    kept = result.estimators[1].predict(particles[test])
    np.testing.assert_array_equal(kept, expected[test])


def test_jobs_prepare_as_one_does(particles):
    measure = ParticleFeatures(["area"], n_jobs=2).set_output(transform="pandas")
    steps = [("crop", CropToMask()), ("measure", measure)]
    with parallel_config("threading"):
        alone, together = (prepare(steps, particles, n_jobs=n) for n in (1, None))
    pd.testing.assert_frame_equal(alone, together)
    pd.testing.assert_index_equal(alone.index, particles.index)


def test_lists_of_images_are_prepared_too(particles):
    images = [image / 255 for image in particles["image"]]
    y = particles["label"].to_numpy()
    model = make_pipeline(CropToMask(), Resize(8), SVC())
    result = cross_validate_particles(model, images, y, cv=2, return_estimator=True)
    test = result.folds == 1
    kept = result.estimators[1].predict([images[i] for i in np.flatnonzero(test)])
    np.testing.assert_array_equal(kept, result.y_pred[test])


def test_rows_of_numbers_are_left_to_the_folds():
    model = make_pipeline(Resize(8), SVC())
    assert split_preparation(model, np.zeros((5, 784))) == ([], model)


def test_bad_particles_are_counted_in_the_whole_table(particles):
    table = particles.drop(columns=["mask", "pixel_size"])
    images = [*particles["image"]]
    images[140] = images[140] * np.nan
    table["image"] = ImageArray(images)
    with pytest.raises(ValueError, match="row 140: the image has NaN"):
        cross_validate_particles(
            make_svc_pipeline(), table, table["label"], groups=table["micrograph"]
        )
