"""Feature maps are what the layers give, and pictures show them on one scale."""

import numpy as np
import pytest
import torch
from lipnet_cases import SMALL, draw_disks_and_rings
from matplotlib import pyplot as plt
from numpy.testing import assert_array_equal
from torch.nn import functional as F

from sklipo import LipNetClassifier
from sklipo.inspection import FeatureMapDisplay, feature_maps

X, Y = draw_disks_and_rings(150)


@pytest.fixture(scope="module")
def model():
    return LipNetClassifier("lipnet-2", batch_norm=True, **SMALL).fit(X, Y)


def test_maps_are_those_of_the_layers(model):
    layers = model.net_.module_.features
    with torch.no_grad():
        images = torch.from_numpy((X - np.float32(model.mean_)) / model.scale_)
        conv = F.conv2d(
            images.float().reshape(-1, 1, 12, 12),
            layers.conv1.weight,
            layers.conv1.bias,
            padding=1,
        )
        norm = layers.norm1(conv)
        pool = F.max_pool2d(F.relu(norm), 2)
    expected = {"conv1": conv, "norm1": norm, "relu1": F.relu(norm), "pool1": pool}
    for layer, maps in expected.items():
        result = feature_maps(model, X, layer)
        assert result.dtype == np.float32 and result.flags.c_contiguous
        # float32 rounds to 6e-8; the order of nine products and sums differs.
        np.testing.assert_allclose(result, maps, rtol=1e-5, atol=1e-6)


def test_nothing_is_dropped(model):
    maps = feature_maps(model, X, "dropout1")
    assert_array_equal(maps, feature_maps(model, X, "pool1"))


def test_last_maps_lead_to_the_hidden_layer():
    model = LipNetClassifier("lipnet-4c", **SMALL).fit(X, Y)
    maps = feature_maps(model, X, "relu6")
    # The mean of nine values in float32, in another order.
    np.testing.assert_allclose(maps.mean(axis=(2, 3)), model.transform(X), rtol=1e-5)


def test_double_precision_and_other_shapes():
    model = LipNetClassifier("lipnet-2", image_shape=(9, 16), **SMALL)
    model.fit(X.astype(np.float64), Y)
    maps = feature_maps(model, X, "pool2")
    assert maps.dtype == np.float64 and maps.shape == (150, 4, 3, 4)
    strip = LipNetClassifier("lipnet-1", image_shape="row", **SMALL).fit(X[:, :7], Y)
    assert feature_maps(strip, X[:, :7], "pool1").shape == (150, 4, 1, 4)


def test_display(model):
    display = FeatureMapDisplay.from_estimator(model, X[3:4], layer="relu2")
    maps = feature_maps(model, X[3:4], "relu2")[0]
    assert_array_equal(display.maps, maps)
    left, right = display.axes_
    assert_array_equal(left.images[0].get_array(), X[3].reshape(12, 12))
    assert right.images[0].get_clim() == (maps.min(), maps.max())
    shown = right.images[0].get_array()
    assert_array_equal(shown[1:7, 15:21], maps[2])
    assert right.get_title() == "relu2: 4 maps of 6 x 6"


def test_axes_given(model):
    figure, axes = plt.subplots(1, 2)
    display = FeatureMapDisplay.from_estimator(model, X[:1], ax=axes)
    assert display.figure_ is figure
    assert_array_equal(display.axes_, axes)
    with pytest.raises(ValueError, match=r"2 axes.* \(input, maps\), but ax holds 1"):
        display.plot(ax=axes[0])


def test_one_particle_is_drawn(model):
    with pytest.raises(ValueError, match=r"X holds 5 particles; .* such as X\[:1\]"):
        FeatureMapDisplay.from_estimator(model, X[:5])


@pytest.mark.parametrize("layer", ["conv3", "hidden", "output", None])
def test_unknown_layer_names_those_with_maps(model, layer):
    existing = "conv1, norm1, relu1, pool1, dropout1, conv2, norm2, relu2, pool2"
    with pytest.raises(ValueError, match=f"the network has {existing}, dropout2"):
        feature_maps(model, X, layer)
