import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

from sklipo.lipnet.architectures import build_lipnet
from sklipo.lipnet.regularization import (
    WeightDecay,
    dead_filters,
    learning_rate_factor,
)


def rates_of_torch(make_scheduler, n_steps):
    """Return the learning rate of each step under a scheduler of torch."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make_scheduler(optimizer)
    rates = []
    for _ in range(n_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_cosine_is_that_of_torch():
    factors = [learning_rate_factor("cosine", i / 50) for i in range(50)]
    expected = rates_of_torch(lambda optimizer: CosineAnnealingLR(optimizer, 50), 50)
    # torch multiplies from step to step.
    np.testing.assert_allclose(factors, expected, rtol=1e-9)


def test_one_cycle_is_that_of_torch():
    factors = [learning_rate_factor("one_cycle", i / 1000) for i in range(1000)]
    expected = rates_of_torch(
        lambda optimizer: OneCycleLR(optimizer, 1.0, total_steps=1000), 1000
    )
    # torch reaches the peak and the end one step earlier; the slope is 0.005 a step.
    np.testing.assert_allclose(factors, expected, atol=0.0055)
    assert max(factors) == 1


def test_step_falls_twice():
    factors = [learning_rate_factor("step", t) for t in (0, 0.49, 0.5, 0.74, 0.75, 1)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_schedule_of_the_user_is_called():
    assert learning_rate_factor(lambda progress: 1 - progress, 0.25) == 0.75


def test_no_schedule_keeps_the_rate():
    assert learning_rate_factor(None, 0.7) == 1


@pytest.mark.parametrize("norm", ["l1", "l2"])
@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("conv", {"features.conv1", "features.conv2"}),
        ("dense", {"hidden.dense", "output"}),
        ("all", {"features.conv1", "features.conv2", "hidden.dense", "output"}),
    ],
)
def test_decay_is_the_gradient_of_the_penalty(norm, layers, expected):
    network = build_lipnet("lipnet-2", (8, 8), 3, n_filters=4, batch_norm=True)
    parameters = dict(network.named_parameters())
    for parameter in parameters.values():
        parameter.grad = torch.zeros_like(parameter)
    WeightDecay(0.3, norm=norm, layers=layers).add_gradients(network)
    decayed = [p for name, p in parameters.items() if name[:-7] in expected]
    added = {name: p.grad.clone() for name, p in parameters.items()}
    penalty = sum(
        p.abs().sum() if norm == "l1" else p.pow(2).sum() / 2 for p in decayed
    )
    network.zero_grad()
    # Biases, which are zero, have no part in it.
    (0.3 * penalty).backward()
    for name, parameter in parameters.items():
        is_decayed = name.removesuffix(".weight") in expected
        by_hand = parameter.grad if is_decayed else torch.zeros_like(parameter)
        torch.testing.assert_close(added[name], by_hand)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_dead_filters_are_found(batch_norm):
    network = build_lipnet("lipnet-4", (8, 8), 3, batch_norm=batch_norm)
    names = [f"conv{i}" for i in range(1, 5)]
    assert dead_filters(network) == {name: [] for name in names}
    with torch.no_grad():
        network.features.conv1.weight[3] = 0
        network.features.conv3.weight[[0, 31]] *= 1e-3
    found = dead_filters(network)
    assert found == {"conv1": [3], "conv2": [], "conv3": [0, 31], "conv4": []}


def test_normalization_revives_and_kills_filters():
    network = build_lipnet("lipnet-1", (8, 8), 3, batch_norm=True)
    with torch.no_grad():
        network.features.conv1.weight[3] *= 1e-3
        network.features.norm1.running_var[3] = 1e-6
        # Variance and epsilon make up for a factor of 300, the weight for 100 more.
        network.features.norm1.weight[3] = 100
        network.features.norm1.weight[9] = 1e-3
    assert dead_filters(network) == {"conv1": [9]}
