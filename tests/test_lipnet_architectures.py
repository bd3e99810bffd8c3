from math import prod

import pytest
import torch
from torch import nn
from torch.nn import functional

from sklipo.lipnet.architectures import ARCHITECTURES, Dropout, build_lipnet
from sklipo.lipnet.devices import seeded_generators

FIRST = 1 * 3 * 3 * 32 + 32
CONV = 32 * 3 * 3 * 32 + 32
HAND_COUNTS = {
    # image size, then convolutions + dense layer + output layer
    "lipnet-1": (28, FIRST + (32 * 14 * 14 * 512 + 512) + (512 * 3 + 3)),
    "lipnet-2": (28, FIRST + CONV + (32 * 7 * 7 * 512 + 512) + (512 * 3 + 3)),
    "lipnet-4": (28, FIRST + 3 * CONV + (32 * 7 * 7 * 512 + 512) + (512 * 3 + 3)),
    "lipnet-4c": (28, FIRST + 5 * CONV + (32 * 1 * 1 * 3 + 3)),
    "lipnet-6": (32, FIRST + 5 * CONV + (32 * 4 * 4 * 512 + 512) + (512 * 3 + 3)),
}


def layers_of(network, kind):
    return [layer for layer in network.modules() if isinstance(layer, kind)]


@pytest.mark.parametrize("architecture", HAND_COUNTS)
def test_number_of_parameters_is_that_of_a_hand_count(architecture):
    size, expected = HAND_COUNTS[architecture]
    network = build_lipnet(architecture, (size, size), n_classes=3)
    assert sum(prod(p.shape) for p in network.parameters()) == expected


def test_hand_count_covers_every_architecture():
    assert set(HAND_COUNTS) == set(ARCHITECTURES)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (1, 50), (5, 3), (9, 40), (28, 28)])
def test_any_image_size_works(architecture, shape):
    network = build_lipnet(architecture, shape, 4, n_filters=3, hidden_units=6)
    images = torch.rand(2, 1, *shape)
    assert network(images).shape == (2, 4)
    width = 3 if architecture == "lipnet-4c" else 6
    assert network[:-1](images).shape == (2, width)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_number_in_the_name_counts_the_convolutions_of_stride_1(architecture):
    network = build_lipnet(architecture, (28, 28), 3)
    strides = [layer.stride for layer in layers_of(network, nn.Conv2d)]
    assert strides.count((1, 1)) == int(architecture[7])
    n_halvings = strides.count((2, 2)) + len(layers_of(network, nn.MaxPool2d))
    assert len(layers_of(network.features, nn.Dropout)) == n_halvings


def test_lipnet_4_has_the_layers_of_the_thesis_in_order():
    features = build_lipnet("lipnet-4", (28, 28), 3, batch_norm=True).features
    assert [name for name, _ in features.named_children()] == [
        *("conv1", "norm1", "relu1", "conv2", "norm2", "relu2", "pool1", "dropout1"),
        *("conv3", "norm3", "relu3", "conv4", "norm4", "relu4", "pool2", "dropout2"),
    ]


def test_dropout_rates_reach_the_layers():
    network = build_lipnet("lipnet-2", (8, 8), 3, conv_dropout=0.1, dense_dropout=0.4)
    assert [layer.p for layer in layers_of(network, nn.Dropout)] == [0.1, 0.1, 0.4]


def test_lipnet_4c_is_the_average_of_a_map_of_1x1_convolutions():
    network = build_lipnet("lipnet-4c", (13, 13), 3, dtype=torch.float64).eval()
    images = torch.rand(4, 1, 13, 13, dtype=torch.float64)
    maps = network.features(images)
    kernel = network.output.weight[:, :, None, None]
    expected = functional.conv2d(maps, kernel, network.output.bias).mean(dim=(2, 3))
    # The two sum in another order: a few roundings of float64.
    torch.testing.assert_close(network(images), expected, rtol=1e-12, atol=1e-12)


def test_network_standardizes_its_input():
    torch.manual_seed(0)
    network = build_lipnet("lipnet-1", (6, 6), 3, mean=5.0, scale=2.0).eval()
    torch.manual_seed(0)
    plain = build_lipnet("lipnet-1", (6, 6), 3).eval()
    images = torch.rand(4, 1, 6, 6)
    torch.testing.assert_close(network(images * 2 + 5), plain(images))


def test_weights_are_drawn_after_glorot():
    output = build_lipnet("lipnet-1", (8, 8), 100, hidden_units=500).output
    limit = (6 / (500 + 100)) ** 0.5
    largest = output.weight.abs().max().item()
    # 50,000 uniform draws come within 0.1 % of the limit, all but surely.
    assert 0.999 * limit < largest <= limit
    assert not output.bias.any()


def test_convolutions_are_stored_channels_last():
    network = build_lipnet("lipnet-4", (8, 8), 3)
    for layer in layers_of(network, nn.Conv2d):
        assert layer.weight.is_contiguous(memory_format=torch.channels_last)


def test_unknown_architecture_is_named_with_those_that_exist():
    with pytest.raises(ValueError, match=r"'lipnet-3'.*'lipnet-4c'"):
        build_lipnet("lipnet-3", (28, 28), 3)


def test_image_without_pixels_is_refused():
    with pytest.raises(ValueError, match=r"image_shape=\(0, 28\)"):
        build_lipnet("lipnet-4", (0, 28), 3)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.25, 0.5, 0.999999])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    values = torch.ones(400_001)  # No multiple of the four that share a draw.
    with seeded_generators(0, torch.device("cpu")):
        dropped = Dropout(rate)(values)
    share = (dropped == 0).double().mean().item()
    error = 5 * (rate * (1 - rate) / len(values)) ** 0.5
    assert abs(share - rate) <= error + 2**-16
    kept = dropped[dropped != 0]
    if len(kept):
        scale = 1 / (1 - min(round(rate * 2**16), 2**16 - 1) / 2**16)
        torch.testing.assert_close(kept, torch.full_like(kept, scale))


def test_each_of_the_values_that_share_a_draw_is_dropped_by_itself():
    with seeded_generators(1, torch.device("cpu")):
        dropped = Dropout(0.5)(torch.ones(40_000, 4)) == 0
    patterns = (dropped * torch.tensor([1, 2, 4, 8])).sum(dim=1)
    counts = torch.bincount(patterns, minlength=16).double()
    assert ((counts - 2500) ** 2 / 2500).sum() < 45  # chi squared, p = 1e-4


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradient_of_dropout_is_zero_where_values_are_dropped(dtype):
    maps = torch.rand(3, 5, 7, 2, dtype=dtype).permute(0, 3, 1, 2).requires_grad_()
    dropped = Dropout(0.5)(maps)
    assert dropped.dtype == dtype
    assert dropped.stride() == maps.stride()
    (gradient,) = torch.autograd.grad(dropped.sum(), maps)
    assert torch.equal(gradient * maps, dropped)
    assert set(gradient.unique().tolist()) == {0.0, 2.0}


def test_dropout_rests_in_prediction():
    values = torch.rand(9)
    assert Dropout(0.5).eval()(values) is values


def test_draws_of_dropout_follow_the_seed_of_torch_elsewhere():
    draws = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        draws.append(Dropout(0.5)(torch.ones(64)))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


@pytest.mark.parametrize("architecture", ["lipnet-4", "lipnet-6"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_rectifying_after_pooling_is_the_same_to_the_bit(architecture, batch_norm):
    features = build_lipnet(
        architecture, (11, 8), 3, conv_dropout=0, batch_norm=batch_norm
    ).features
    images = torch.randn(6, 1, 11, 8)
    outcomes = []
    for layers in (features, nn.Sequential(*features)):
        maps = layers(images)
        gradients = torch.autograd.grad((maps**2).sum(), list(layers.parameters()))
        outcomes.append([maps, *gradients])
    for ours, plain in zip(*outcomes, strict=True):
        assert torch.equal(ours, plain)


def test_prediction_goes_through_the_layers_as_they_stand():
    features = build_lipnet("lipnet-2", (9, 9), 3).eval().features
    seen = []
    for name, layer in features.named_children():
        layer.register_forward_hook(lambda *_, name=name: seen.append(name))
    images = torch.randn(2, 1, 9, 9)
    for part in (features, features[:7]):
        seen.clear()
        part(images)
        assert seen == list(dict(part.named_children()))
