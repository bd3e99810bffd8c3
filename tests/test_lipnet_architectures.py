from math import prod

import pytest
import torch
from torch import nn
from torch.nn import functional

from sklipo.lipnet.architectures import (
    ARCHITECTURES,
    Dropout,
    build_lipnet,
    set_generator,
)

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


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.25, 0.5, 0.999])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    layer = Dropout(rate)
    set_generator(layer, torch.Generator().manual_seed(0))
    dropped = layer(torch.ones(400_000))
    share = (dropped == 0).double().mean().item()
    assert abs(share - rate) <= 5 * (rate * (1 - rate) / 400_000) ** 0.5
    kept = dropped[dropped != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - rate)))


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


def test_weights_and_dropout_draw_from_the_generator_alone():
    before = torch.get_rng_state()
    outputs = []
    for seed in (3, 3, 4):
        generator = torch.Generator().manual_seed(seed)
        network = build_lipnet("lipnet-4c", (8, 8), 3, generator=generator)
        set_generator(network, generator)
        outputs.append(network(torch.ones(2, 1, 8, 8)))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_tuple_of_layers_is_the_network_of_that_name(name):
    networks = [
        build_lipnet(layers, (9, 9), 3, generator=torch.Generator().manual_seed(0))
        for layers in (name, ARCHITECTURES[name], list(ARCHITECTURES[name]))
    ]
    images = torch.rand(2, 1, 9, 9)
    first, *others = (network.eval()(images) for network in networks)
    assert all(torch.equal(first, other) for other in others)


@pytest.mark.parametrize(
    ("layers", "width"),
    [(("dense",), 81), (("pool", "dense"), 25), (("stride", "average"), 32)],
)
def test_tuple_may_leave_out_any_kind_of_layer(layers, width):
    network = build_lipnet(layers, (9, 9), 3)
    assert network(torch.rand(2, 1, 9, 9)).shape == (2, 3)
    linear = layers_of(network, nn.Linear)[0]
    assert linear.in_features == width


@pytest.mark.parametrize(
    "layers", [(), ("conv",), ("dense", "conv"), ("conv", "dense", "dense"), ("cnv",)]
)
def test_tuple_of_other_layers_is_refused(layers):
    with pytest.raises(ValueError, match="'dense' or 'average' as the last one"):
        build_lipnet(layers, (9, 9), 3)
