"""What all of inspection shares: which models it takes, and that it leaves them be."""

import pickle

import numpy as np
import pytest
import torch
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import Pipeline as ImblearnPipeline
from lipnet_cases import SMALL, draw_disks_and_rings
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from sklipo import ApplyMask, LipNetClassifier, NormalizeBackground, Resize, inspection
from sklipo.datasets import make_liposomes
from sklipo.displays._axes import PanelDisplay
from sklipo.inspection import (
    ExcitationDisplay,
    FeatureMapDisplay,
    FilterDisplay,
    OcclusionDisplay,
    feature_maps,
    most_exciting_particles,
    occlusion_map,
    reconstruct,
)

X, Y = draw_disks_and_rings(60)

EVERYTHING = {
    "FilterDisplay": lambda model, X: FilterDisplay.from_estimator(model),
    "feature_maps": feature_maps,
    "FeatureMapDisplay": lambda model, X: FeatureMapDisplay.from_estimator(
        model, X[:1]
    ),
    "reconstruct": lambda model, X: reconstruct(model, X, "relu1", 0),
    "guided": lambda model, X: reconstruct(
        model, X, "relu1", 0, method="guided_backpropagation"
    ),
    "most_exciting_particles": lambda model, X: most_exciting_particles(
        model, X, "hidden", 0
    ),
    "ExcitationDisplay": lambda model, X: ExcitationDisplay.from_estimator(
        model, X, layer="conv1", units=0
    ),
    "occlusion_map": lambda model, X: occlusion_map(model, X[:2]),
    "OcclusionDisplay": lambda model, X: OcclusionDisplay.from_estimator(model, X[:2]),
}


@pytest.fixture(scope="module")
def model():
    return LipNetClassifier("lipnet-2", batch_norm=True, **SMALL).fit(X, Y)


@pytest.fixture(scope="module")
def particles():
    return make_liposomes(30, weights=None, random_state=0)


def test_every_public_name_is_there():
    for name in inspection.__all__:
        assert getattr(inspection, name).__name__ == name


@pytest.mark.parametrize("name", EVERYTHING)
def test_model_and_input_stay_as_they_are(model, name):
    before, probabilities = pickle.dumps(model), model.predict_proba(X)
    X_before, parameters = X.copy(), list(model.net_.module_.parameters())
    gradients = [parameter.grad.clone() for parameter in parameters]  # of training
    EVERYTHING[name](model, X)
    assert pickle.dumps(model) == before
    assert_array_equal(model.predict_proba(X), probabilities)
    assert_array_equal(X, X_before)
    for module in model.net_.module_.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks
        assert not module._backward_hooks
        assert not module.training
    for parameter, gradient in zip(parameters, gradients, strict=True):
        assert parameter.requires_grad and torch.equal(parameter.grad, gradient)


@pytest.mark.parametrize("name", EVERYTHING)
def test_unfitted_model(name):
    for model in (LipNetClassifier(), make_pipeline(Resize(12), LipNetClassifier())):
        with pytest.raises(NotFittedError, match=r"LipNetClassifier .* not fitted yet"):
            EVERYTHING[name](model, X)


@pytest.mark.parametrize("name", EVERYTHING)
def test_other_models_are_refused(name):
    with pytest.raises(TypeError, match="is a SVC; expected a fitted LipNetClassifier"):
        EVERYTHING[name](SVC(), X)
    with pytest.raises(TypeError, match="is a Pipeline that ends in SVC; expected"):
        EVERYTHING[name](make_pipeline(Resize(), SVC()), X)
    search = GridSearchCV(SVC(), {"C": [1]})
    with pytest.raises(TypeError, match="is a GridSearchCV that ends in SVC; expected"):
        EVERYTHING[name](search, X)
    search = GridSearchCV(LipNetClassifier(), {"learning_rate": [0.1]})
    with pytest.raises(NotFittedError, match="not fitted yet"):
        EVERYTHING[name](search, X)


@pytest.mark.parametrize("place", ["none", "middle", "last"])
def test_pipeline_equals_its_parts(particles, place):
    steps = [("normalize", NormalizeBackground()), ("resize", Resize(12))]
    steps += [("skip", "passthrough"), ("classify", LipNetClassifier(**SMALL))]
    if place != "none":
        sampler = ("balance", RandomOverSampler(random_state=0))
        steps.insert(1 if place == "middle" else 3, sampler)
    pipeline = ImblearnPipeline(steps).fit(particles, particles["label"])
    classifier = pipeline[-1]
    rows = make_pipeline(NormalizeBackground(), Resize(12)).fit_transform(particles)
    assert_array_equal(
        feature_maps(pipeline, particles, "conv2"),
        feature_maps(classifier, rows, "conv2"),
    )
    assert_array_equal(
        reconstruct(pipeline, particles, "relu3", 1),
        reconstruct(classifier, rows, "relu3", 1),
    )
    assert_array_equal(
        occlusion_map(pipeline, particles[:3]), occlusion_map(classifier, rows[:3])
    )


def test_pipeline_of_data_frames(particles):
    """Named pixels stay named, or scikit-learn would warn."""
    resize = Resize(10).set_output(transform="pandas")
    model = make_pipeline(ApplyMask(), resize, LipNetClassifier("lipnet-1", **SMALL))
    model.fit(particles, particles["label"])
    for inspect in EVERYTHING.values():
        inspect(model, particles)


def test_pipeline_of_nothing_but_the_classifier(model):
    assert_array_equal(feature_maps(make_pipeline(model), X), feature_maps(model, X))


def arrays_of(result):
    """Return the arrays of numbers in a result, or in what a display draws."""
    if isinstance(result, PanelDisplay):
        arrays = [v for v in vars(result).values() if isinstance(v, np.ndarray)]
        # Axes are those of two figures.
        return [array for array in arrays if array.dtype != object]
    return result if isinstance(result, tuple) else [result]


@pytest.fixture(scope="module")
def search(particles):
    pipeline = make_pipeline(Resize(8), LipNetClassifier("lipnet-2", **SMALL))
    grid = {"lipnetclassifier__learning_rate": [1e-3]}
    return GridSearchCV(pipeline, grid, cv=2).fit(particles, particles["label"])


@pytest.mark.parametrize("name", EVERYTHING)
def test_search_over_a_pipeline_is_looked_into(search, particles, name):
    found = EVERYTHING[name](search, particles)
    expected = EVERYTHING[name](search.best_estimator_, particles)
    for one, other in zip(arrays_of(found), arrays_of(expected), strict=True):
        assert_array_equal(one, other)


def test_search_within_a_pipeline_is_looked_into(particles):
    search = GridSearchCV(
        LipNetClassifier("lipnet-1", **SMALL), {"learning_rate": [1e-3]}, cv=2
    )
    model = make_pipeline(Resize(8), search).fit(particles, particles["label"])
    assert feature_maps(model, particles).shape == (30, 4, 8, 8)


def test_rows_of_another_length(model):
    with pytest.raises(ValueError, match="expecting 144 features"):
        feature_maps(model, X[:, :100])
