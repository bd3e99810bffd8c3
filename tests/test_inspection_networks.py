"""Inspection of networks that are no LipNets: what works, and what it says if not."""

import copy
from collections import OrderedDict

import numpy as np
import pytest
import torch
from lipnet_cases import SMALL, draw_disks_and_rings
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from sklipo import LipNetClassifier
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

X, Y = draw_disks_and_rings(40)

# Images lie in memory by another order here than there, and so sums of nine to a
# hundred products in float32, which rounds by 6e-8, have another order, too.
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


class Residual(nn.Module):
    """A network with a shortcut, in-place rectifiers and a layer that never runs."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(inplace=True))
        self.second = nn.Conv2d(3, 3, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.unused = nn.Conv2d(3, 3, 1)
        self.flatten = nn.Flatten()
        self.dense = nn.Linear(108, 5)
        self.relu = nn.ReLU()
        self.last = nn.Linear(5, 2)

    def forward(self, images):
        maps = self.first(images)
        maps = self.pool(maps + self.second(maps))
        return self.last(self.relu(self.dense(self.flatten(maps))))


def with_network(network):
    """Return a fitted classifier that predicts by a network of one's own."""
    model = LipNetClassifier("lipnet-1", **{**SMALL, "max_epochs": 1}).fit(X, Y)
    model = copy.deepcopy(model)
    model.net_.module_ = network.eval()
    return model


@pytest.fixture(scope="module")
def network():
    # The seed of the global generator is put back.
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Residual()


@pytest.fixture(scope="module")
def model(network):
    return with_network(network)


@torch.no_grad()
def run(network, part):
    """Return what the layers up to one of them make of X, by hand."""
    images = torch.from_numpy(X).reshape(-1, 1, 12, 12)
    conv = network.first[0](images)
    relu = conv.clamp(min=0)
    pool = network.pool(relu + network.second(relu))
    dense = network.dense(pool.flatten(1))
    maps = {"first.0": conv, "first.1": relu, "pool": pool, "dense": dense}
    return {**maps, "output": network.last(dense.clamp(min=0))}[part].numpy()


@pytest.mark.parametrize("layer", ["first.0", "first.1", "pool"])
def test_feature_maps_of_named_modules(model, network, layer):
    """A rectifier that works in place does not change the maps before it."""
    assert_allclose(feature_maps(model, X, layer), run(network, layer), **CLOSE)
    display = FeatureMapDisplay.from_estimator(model, X[:1], layer=layer)
    assert_allclose(display.maps, run(network, layer)[0], **CLOSE)


def test_layers_without_maps_are_named(model):
    with pytest.raises(ValueError, match=r"'dense' has no maps: .* shape \(5,\)"):
        feature_maps(model, X, "dense")
    with pytest.raises(ValueError, match="'unused' gives no tensor when the network"):
        feature_maps(model, X, "unused")
    existing = r"first\.0, first\.1, second, pool, unused, flatten, dense, relu, last"
    with pytest.raises(ValueError, match=f"'conv1'; the network has {existing}"):
        feature_maps(model, X)


def test_most_exciting_particles_of_any_layer(model, network):
    rows, activations = most_exciting_particles(model, X, "pool", 2, n_particles=40)
    greatest = feature_maps(model, X, "pool")[:, 2].max(axis=(1, 2))
    assert_array_equal(rows, np.argsort(-greatest, kind="stable"))
    assert_array_equal(activations, greatest[rows])
    for layer, unit, column in (("dense", 4, 4), ("output", "ring", 1)):
        rows, activations = most_exciting_particles(model, X, layer, unit)
        assert_allclose(activations, run(network, layer)[rows, column], **CLOSE)
    with pytest.raises(ValueError, match="unit=5; layer 'dense' has 5 units"):
        most_exciting_particles(model, X, "dense", 5)


def test_filters_of_named_modules(model, network):
    display = FilterDisplay.from_estimator(model, layer="first.0")
    assert_array_equal(display.weights, network.first[0].weight.detach())
    display = FilterDisplay.from_estimator(model, layer="second")
    assert_array_equal(display.weights, network.second.weight.detach())
    with pytest.raises(ValueError, match=r"has first\.0, second, unused\."):
        FilterDisplay.from_estimator(model)


def test_occlusion_needs_only_probabilities(model):
    drops = occlusion_map(model, X[:3], target="ring", window=6, stride=6)
    covered = X[:3].copy().reshape(-1, 12, 12)
    covered[:, :6, :6] = 0
    covered = model.predict_proba(covered.reshape(3, -1))[:, 1]
    expected = model.predict_proba(X[:3])[:, 1] - covered
    # Differences of probabilities up to 1, which float32 rounds by 6e-8.
    assert_allclose(drops[:, 0, 0], expected, atol=1e-6)
    OcclusionDisplay.from_estimator(model, X[:3], window=6, stride=6)


def test_network_without_modules_has_nothing_but_probabilities():
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(144, 2))

        def forward(self, images):
            return images.flatten(1) @ self.weight

    model = with_network(Plain())
    assert occlusion_map(model, X[:2], window=12).shape == (2, 12, 12)
    with pytest.raises(ValueError, match="the network has no layer of this kind"):
        FilterDisplay.from_estimator(model)


def test_reconstructions_say_which_parts_are_missing(model):
    missing = "Residual has no part standardize, features, hidden, output. Build it as"
    with pytest.raises(TypeError, match=missing):
        reconstruct(model, X, "pool", 0)
    with pytest.raises(TypeError, match=missing):
        ExcitationDisplay.from_estimator(model, X, layer="pool", units=0)


def test_parts_of_a_lipnet_are_all_that_counts():
    """Any network with these parts is looked into as a LipNet is."""
    model = LipNetClassifier("lipnet-2", **SMALL).fit(X, Y)
    parts = OrderedDict(model.net_.module_.named_children())
    parts["features"] = nn.Sequential(OrderedDict(parts["features"].named_children()))
    own = with_network(nn.Sequential(parts))
    for layer, unit in (("relu2", 1), ("hidden", 3), ("output", "ring")):
        assert_array_equal(
            reconstruct(own, X, layer, unit), reconstruct(model, X, layer, unit)
        )
    parts["features"] = nn.Conv2d(1, 1, 1)
    with pytest.raises(TypeError, match="Sequential has features of another kind"):
        reconstruct(with_network(nn.Sequential(parts)), X, "conv1", 0)


def build_parts(image_shape, n_classes):
    """Return a network of the three named parts that follow standardization."""
    features = nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 3, 3), relu=nn.ReLU()))
    hidden = nn.Sequential(nn.Flatten(), nn.Linear(300, 5), nn.ReLU())
    output = nn.Linear(5, n_classes)
    return nn.Sequential(OrderedDict(features=features, hidden=hidden, output=output))


def test_callable_of_a_classifier_can_be_inspected():
    model = LipNetClassifier(lambda *_: Residual(), **SMALL).fit(X, Y)
    assert feature_maps(model, X[:2], "network.pool").shape == (2, 3, 6, 6)
    assert occlusion_map(model, X[:2], window=3).shape == (2, 12, 12)
    with pytest.raises(TypeError, match="features"):
        reconstruct(model, X[:2], "network.pool", 0)
    model = LipNetClassifier(build_parts, **SMALL).fit(X, Y)
    assert reconstruct(model, X[:2], "relu", 0).shape == (2, 12, 12)
    assert model.transform(X[:2]).shape == (2, 5)
