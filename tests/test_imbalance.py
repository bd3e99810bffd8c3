"""The samplers of imbalanced-learn with particle tables, pixels and both models."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import ADASYN, SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklipo import (
    ApplyMask,
    ArtificialOverSampler,
    CropToMask,
    LipNetClassifier,
    ParticleFeatures,
    Resize,
    cross_validate_particles,
)
from sklipo.datasets import make_liposomes

COUNTS = {"unilamellar": 60, "multilamellar": 24, "uncertain": 12}


@pytest.fixture(scope="module")
def particles():
    return make_liposomes(96, weights=COUNTS, random_state=0)


def lipnet():
    return LipNetClassifier("lipnet-1", n_filters=4, max_epochs=2, random_state=0)


@pytest.mark.parametrize(
    ("sampler", "n_per_class"),
    [(RandomOverSampler(random_state=0), 60), (RandomUnderSampler(random_state=0), 12)],
)
def test_tables_are_resampled_without_copying_pixels(particles, sampler, n_per_class):
    resampled, y = sampler.fit_resample(particles, particles["label"])
    assert set(Counter(y).values()) == {n_per_class}
    assert list(resampled["label"]) == list(y)
    assert resampled["image"].array.pixels is particles["image"].array.pixels
    pd.testing.assert_series_equal(resampled.dtypes, particles.dtypes)


@pytest.mark.parametrize(
    "sampler",
    [
        RandomOverSampler(random_state=0),
        RandomUnderSampler(random_state=0),
        ArtificialOverSampler(random_state=0),
    ],
)
def test_samplers_of_tables_in_a_pipeline(particles, sampler):
    model = make_pipeline(sampler, CropToMask(), ApplyMask(), Resize(12), lipnet())
    result = cross_validate_particles(
        model, particles, particles["label"], groups=particles["micrograph"], cv=2
    )
    assert set(result.y_pred) <= set(COUNTS)


@pytest.mark.parametrize(
    "sampler",
    [
        RandomOverSampler(random_state=0),
        RandomUnderSampler(random_state=0),
        SMOTE(random_state=0),
        ADASYN(random_state=0),
        ArtificialOverSampler(random_state=0),
    ],
)
@pytest.mark.parametrize("doorway", [Resize(12), ParticleFeatures("thesis")])
def test_samplers_of_rows_in_a_pipeline(particles, sampler, doorway):
    classify = lipnet() if isinstance(doorway, Resize) else SVC()
    scale = [] if isinstance(doorway, Resize) else [StandardScaler()]
    model = make_pipeline(CropToMask(), doorway, *scale, sampler, classify)
    y = particles["label"]
    assert model.fit(particles, y).predict(particles).shape == (96,)
    rows = model[:-2].transform(particles)
    counts = Counter(sampler.fit_resample(rows, y)[1])
    # ADASYN fills up to about the majority, the others exactly.
    assert max(counts.values()) <= 1.2 * min(counts.values())


def test_smote_fills_between_particles(particles):
    pixels = make_pipeline(CropToMask(), Resize(12)).fit_transform(particles)
    y = particles["label"].to_numpy()
    new, y_new = SMOTE(random_state=0).fit_resample(pixels, y)
    members = pixels[y == "uncertain"]
    for image in new[len(pixels) :][y_new[len(pixels) :] == "uncertain"]:
        distances = np.linalg.norm(members - image, axis=1)
        near = np.sort(distances)[:2]
        widest = np.linalg.norm(members[:, None] - members, axis=2).max()
        assert near.sum() <= 2 * widest and near[0] < widest
        assert members.min() <= image.min() and image.max() <= members.max()


@pytest.mark.parametrize("sampler", [SMOTE(k_neighbors=6), ADASYN(n_neighbors=6)])
def test_more_neighbors_than_particles_name_the_classes(particles, sampler):
    model = make_pipeline(CropToMask(), Resize(12), sampler, lipnet())
    with pytest.raises(ValueError, match=r"n_neighbors = 7(.|\n)* 6 of 'uncertain'"):
        cross_validate_particles(model, particles.iloc[:, :3], particles["label"], cv=2)
