"""Reconstructions against direct implementations of both methods.

The direct ones go layer by layer through the network by hand: convolutions backwards
as convolutions with flipped filters, poolings backwards by recorded switches.
"""

import sys

import numpy as np
import pytest
import torch
from lipnet_cases import SMALL, draw_disks_and_rings
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn
from torch.nn import functional as F

from sklipo import LipNetClassifier
from sklipo.inspection import feature_maps, reconstruct

# In double precision sums of a few hundred products differ by far less.
CLOSE = {"rtol": 1e-9, "atol": 1e-12}


def fit(architecture, height, width, batch_norm=False, dtype=np.float64):
    rng = np.random.default_rng(height * 100 + width)
    X = rng.normal(3, 2, size=(24, height * width)).astype(dtype)
    y = np.arange(24) % 3
    X[y == 1, : X.shape[1] // 2] += 2
    model = LipNetClassifier(
        architecture, image_shape=(height, width), batch_norm=batch_norm, **SMALL
    )
    return model.fit(X, y), X


def flatten(network, layer):
    """Return the layers up to one of them, behind the standardisation."""
    layers = []
    for name, module in network.features.named_children():
        layers.append(module)
        if name == layer:
            return layers
    layers += list(network.hidden)
    return layers if layer == "hidden" else [*layers, network.output]


def climb(layers, images):
    """Return what each layer gets, what the last one gives, and the switches."""
    inputs, switches, x = [], [], images
    for layer in layers:
        inputs.append(x)
        where = None
        if isinstance(layer, nn.MaxPool2d):
            x, where = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
        else:
            x = layer(x)
        switches.append(where)
    return inputs, switches, x


def transpose(layer, signal, shape):
    """Run a convolution backwards: spread the signal, convolve by flipped filters."""
    spread = torch.zeros(*signal.shape[:2], *shape[2:], dtype=signal.dtype)
    spread[..., :: layer.stride[0], :: layer.stride[1]] = signal
    flipped = layer.weight.flip(2, 3).transpose(0, 1)
    return F.conv2d(spread, flipped, padding=1)


def descend(layers, inputs, switches, signal, guided):
    """Run a network backwards from a signal at its end."""
    for layer, x, where in list(zip(layers, inputs, switches, strict=True))[::-1]:
        if isinstance(layer, nn.Conv2d):
            signal = transpose(layer, signal, x.shape)
        elif isinstance(layer, nn.BatchNorm2d):
            factor = layer.weight / (layer.running_var + layer.eps).sqrt()
            signal = signal * factor[:, None, None]
        elif isinstance(layer, nn.ReLU):
            signal = signal.clamp(min=0) * ((x > 0) if guided else 1)
        elif isinstance(layer, nn.MaxPool2d):
            signal = F.max_unpool2d(signal, where, 2, output_size=x.shape)
        elif isinstance(layer, nn.Linear):
            signal = signal @ layer.weight
        elif isinstance(layer, nn.Flatten):
            signal = signal.reshape(x.shape)
        elif not isinstance(layer, nn.Dropout):  # the average of LipNet-4c
            n_positions = x.shape[2] * x.shape[3]
            signal = signal[..., None, None].expand(x.shape) / n_positions
    return signal


@torch.no_grad()
def reconstruct_directly(model, X, layer, unit, guided):
    network = model.net_.module_
    layers = flatten(network, layer)
    images = network.standardize(
        torch.from_numpy(X).reshape(-1, 1, *model.image_shape_)
    )
    inputs, switches, maps = climb(layers, images)
    signal = torch.zeros_like(maps)
    for i, one in enumerate(maps[:, unit]):
        best = one.max()
        start = 1.0 if layer == "output" else max(best, 0)
        signal[i, unit] = torch.where(one == best, start, 0.0)
    return descend(layers, inputs, switches, signal, guided)[:, 0].numpy()


CASES = [
    ("lipnet-1", 8, 8, False, "conv1"),
    ("lipnet-1", 7, 9, True, "relu1"),
    ("lipnet-2", 7, 9, False, "pool2"),
    ("lipnet-2", 11, 5, True, "norm2"),
    ("lipnet-4", 13, 10, False, "relu4"),
    ("lipnet-4", 9, 9, True, "relu4"),
    ("lipnet-4", 9, 9, True, "hidden"),
    ("lipnet-6", 11, 14, False, "output"),
    ("lipnet-2", 1, 21, False, "relu2"),
    ("lipnet-4c", 8, 8, False, "relu6"),
    ("lipnet-4c", 11, 6, True, "conv5"),
    ("lipnet-4c", 11, 6, True, "hidden"),
    ("lipnet-4c", 1, 13, False, "output"),
]


@pytest.mark.parametrize("method", ["deconvolution", "guided_backpropagation"])
@pytest.mark.parametrize(
    ("architecture", "height", "width", "batch_norm", "layer"), CASES
)
def test_direct_implementation(architecture, height, width, batch_norm, layer, method):
    model, X = fit(architecture, height, width, batch_norm)
    n_excited = 0
    for unit in range(3):
        result = reconstruct(model, X, layer, unit, method=method)
        guided = method != "deconvolution"
        expected = reconstruct_directly(model, X, layer, unit, guided)
        assert result.shape == (24, height, width) and result.dtype == np.float64
        assert_allclose(result, expected, **CLOSE)
        n_excited += np.abs(result).max(axis=(1, 2)).astype(bool).sum()
    assert n_excited > 10


def test_methods_differ():
    model, X = fit("lipnet-4", 10, 10)
    results = [
        reconstruct(model, X, "relu4", 1, method=method)
        for method in ("deconvolution", "guided_backpropagation")
    ]
    assert np.abs(results[0] - results[1]).max() > 0.01 * np.abs(results[0]).max()


@pytest.mark.parametrize(
    ("architecture", "method"),
    [("lipnet-4", "deconvolution"), ("lipnet-4c", "guided_backpropagation")],
)
def test_default_method(architecture, method):
    model, X = fit(architecture, 8, 8)
    assert_array_equal(
        reconstruct(model, X, "relu3", 0),
        reconstruct(model, X, "relu3", 0, method=method),
    )


def test_first_filter_comes_back():
    """From the first convolution, the pattern is the filter times its activation."""
    model, X = fit("lipnet-1", 8, 8)
    maps = feature_maps(model, X, "conv1")[:, 2]
    weight = model.net_.module_.features.conv1.weight[2, 0].detach().numpy()
    padded = np.zeros((24, 10, 10))
    for i, one in enumerate(maps):
        y, x = np.unravel_index(one.argmax(), one.shape)
        padded[i, y : y + 3, x : x + 3] = weight * one.max()
    # The same products.
    assert_allclose(reconstruct(model, X, "conv1", 2), padded[:, 1:-1, 1:-1], **CLOSE)


def test_unit_that_never_fires():
    model, X = fit("lipnet-2", 8, 8)
    with torch.no_grad():
        model.net_.module_.features.conv2.bias[1] = -1e6
    assert not reconstruct(model, X, "conv2", 1).any()
    assert not reconstruct(model, X, "pool2", 1).any()


def test_particles_do_not_depend_on_each_other():
    model, X = fit("lipnet-4", 9, 9)
    many = np.tile(X, (6, 1))  # more than one batch
    together = reconstruct(model, many, "hidden", 2)
    for i in (0, 5, 130):
        alone = reconstruct(model, many[i : i + 1], "hidden", 2)
        assert_allclose(together[i], alone[0], **CLOSE)


def test_float32_and_class_labels():
    X, y = draw_disks_and_rings(40)
    model = LipNetClassifier("lipnet-4", **SMALL).fit(X, y)
    ring = reconstruct(model, X, "output", "ring")
    assert ring.dtype == np.float32 and ring.shape == (40, 12, 12)
    assert np.abs(ring - reconstruct(model, X, "output", "disk")).max() > 0


def test_scale_of_pixels_does_not_matter():
    """Reconstructions are in units of what the network standardizes images to."""
    X, y = draw_disks_and_rings(40)
    X = X.astype(float)  # dropout draws other numbers in single precision
    model = LipNetClassifier("lipnet-2", **SMALL).fit(X, y)
    scaled = LipNetClassifier("lipnet-2", **SMALL).fit(X * 250.0 + 10, y)
    # The scale is that of the same images, but for the rounding of float32 buffers.
    assert_allclose(
        reconstruct(scaled, X * 250.0 + 10, "relu2", 1),
        reconstruct(model, X, "relu2", 1),
        rtol=1e-3,
        atol=1e-4,
    )


def test_errors_name_what_exists():
    X, y = draw_disks_and_rings(30)
    model = LipNetClassifier("lipnet-1", **SMALL).fit(X, y)
    with pytest.raises(ValueError, match="conv1, relu1, pool1, dropout1, hidden, outp"):
        reconstruct(model, X, "conv2", 0)
    for unit in (4, -1, 1.5, "ring"):
        with pytest.raises(ValueError, match=r"'conv1' has 4 units, .* from 0 to 3"):
            reconstruct(model, X, "conv1", unit)
    with pytest.raises(ValueError, match="'hidden' has 8 units"):
        reconstruct(model, X, "hidden", 8)
    with pytest.raises(ValueError, match=r"unit=0; the classes are \['disk', 'ring'\]"):
        reconstruct(model, X, "output", 0)
    with pytest.raises(ValueError, match=r"'gradient'; expected one of \['auto', 'dec"):
        reconstruct(model, X, "conv1", 0, method="gradient")


def test_missing_captum(monkeypatch):
    X, y = draw_disks_and_rings(30)
    model = LipNetClassifier("lipnet-1", **SMALL).fit(X, y)
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(ImportError, match=r"sklipo\[inspect\]"):
        reconstruct(model, X, "conv1", 0)
