import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax

from sklipo.lipnet.losses import (
    LOSSES,
    CrossEntropyLoss,
    FocalLoss,
    LogitAdjustedLoss,
)


def draw_batch(n_classes, n_samples=20):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(n_samples, n_classes), scale=3)
    return logits, rng.integers(n_classes, size=n_samples), rng.random(n_samples)


def loss_and_gradient(criterion, logits, codes, weights, epsilon=0, totals=None):
    tensor = torch.tensor(logits, requires_grad=True)
    loss = criterion(
        tensor,
        torch.tensor(codes),
        torch.tensor(weights),
        label_smoothing=epsilon,
        totals=None if totals is None else torch.as_tensor(totals).double(),
    )
    loss.backward()
    return loss.item(), tensor.grad.numpy()


def targets_of_formula_2(codes, n_classes, epsilon):
    targets = np.full((len(codes), n_classes), epsilon / (n_classes - 1))
    targets[np.arange(len(codes)), codes] = 1 - epsilon
    return targets


@pytest.mark.parametrize("n_classes", [2, 3, 7])
@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.4])
def test_cross_entropy_equals_the_closed_form(n_classes, epsilon):
    logits, codes, weights = batch = draw_batch(n_classes)
    targets = targets_of_formula_2(codes, n_classes, epsilon)
    loss, gradient = loss_and_gradient(CrossEntropyLoss(), *batch, epsilon)
    by_hand = -(weights * (targets * log_softmax(logits, axis=1)).sum(axis=1)).mean()
    # float64 throughout: roundings only.
    np.testing.assert_allclose(loss, by_hand, rtol=1e-12)
    by_hand = weights[:, None] * (softmax(logits, axis=1) - targets) / 20
    np.testing.assert_allclose(gradient, by_hand, rtol=1e-10, atol=1e-14)


def test_cross_entropy_is_that_of_torch_with_a_larger_epsilon():
    torch_rng = torch.Generator().manual_seed(0)
    logits = torch.randn(50, 4, generator=torch_rng).double()
    codes = torch.randint(4, (50,), generator=torch_rng)
    ours = CrossEntropyLoss()(logits, codes, label_smoothing=0.1)
    theirs = torch.nn.CrossEntropyLoss(label_smoothing=0.1 * 4 / 3)(logits, codes)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 3.7])
@pytest.mark.parametrize("epsilon", [0.0, 0.1])
def test_focal_loss_equals_the_closed_form(gamma, epsilon):
    logits, codes, weights = batch = draw_batch(4)
    targets = targets_of_formula_2(codes, 4, epsilon)
    loss, gradient = loss_and_gradient(FocalLoss(gamma), *batch, epsilon)
    log_p = log_softmax(logits, axis=1)
    p = np.exp(log_p)
    terms = -((1 - p) ** gamma) * log_p
    # 1 - p by subtraction loses digits where p is close to 1, as it is here to 1e-5.
    np.testing.assert_allclose(
        loss, (weights * (targets * terms).sum(axis=1)).mean(), rtol=1e-9
    )
    # d term_k / d logit_i = p_k slope_k ([k = i] - p_i).
    slope = gamma * (1 - p) ** (gamma - 1) * log_p - (1 - p) ** gamma / p
    inner = targets * p * slope
    by_hand = weights[:, None] * (inner - p * inner.sum(axis=1, keepdims=True)) / 20
    np.testing.assert_allclose(gradient, by_hand, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("epsilon", [0.0, 0.1])
def test_focal_loss_with_gamma_0_is_cross_entropy(epsilon):
    batch = draw_batch(5)
    expected = loss_and_gradient(CrossEntropyLoss(), *batch, epsilon)
    for found, value in zip(
        loss_and_gradient(FocalLoss(gamma=0.0), *batch, epsilon), expected, strict=True
    ):
        np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("gamma", [0.3, 2.0])
def test_focal_loss_of_a_certain_sample_has_a_finite_gradient(gamma):
    logits = np.array([[1000.0, 0.0], [0.0, 1000.0]])
    batch = (logits, np.array([0, 0]), np.ones(2))
    loss, gradient = loss_and_gradient(FocalLoss(gamma=gamma), *batch)
    # The wrong one alone has a loss, of 1000.
    assert loss == 500
    np.testing.assert_array_equal(gradient, [[0, 0], [-0.5, 0.5]])


@pytest.mark.parametrize("epsilon", [0.0, 0.1])
@pytest.mark.parametrize("tau", [0.5, 1.0, 2.0])
def test_logit_adjustment_equals_the_closed_form(epsilon, tau):
    logits, codes, weights = batch = draw_batch(4)
    totals = np.array([60.0, 25.0, 14.0, 1.0])
    criterion = LogitAdjustedLoss(tau)
    loss, gradient = loss_and_gradient(criterion, *batch, epsilon, totals)
    prior = totals**tau / (totals**tau).sum()
    share = epsilon * 4 / 3
    targets = share * prior + (1 - share) * np.eye(4)[codes]
    log_p = log_softmax(logits + np.log(prior), axis=1)
    by_hand = -(weights * (targets * log_p).sum(axis=1)).mean()
    # float64 throughout: roundings only.
    np.testing.assert_allclose(loss, by_hand, rtol=1e-12)
    by_hand = weights[:, None] * (np.exp(log_p) - targets) / 20
    np.testing.assert_allclose(gradient, by_hand, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("epsilon", [0.0, 0.1])
@pytest.mark.parametrize("totals", [None, torch.full((5,), 37.0).double()])
def test_logit_adjustment_with_equal_priors_is_cross_entropy(epsilon, totals):
    batch = draw_batch(5)
    expected = loss_and_gradient(CrossEntropyLoss(), *batch, epsilon)
    found_of = loss_and_gradient(LogitAdjustedLoss(), *batch, epsilon, totals)
    for found, value in zip(found_of, expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("totals", [[5.0, 0.0, 3.0], [0.0, 0.0, 3.0]])
def test_logit_adjustment_bears_classes_that_are_not_shown(totals):
    batch = (np.zeros((1, 3)), np.array([2]), np.ones(1))
    loss, gradient = loss_and_gradient(LogitAdjustedLoss(), *batch, 0.1, totals)
    assert np.isfinite(loss)
    # Smoothing does not ask for the class that is not shown.
    assert gradient[0, 2] < 0 < gradient[0, 1]


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_minimal_where_every_logit_is_right(name):
    logits = np.array([[-30.0, 30.0], [30.0, -30.0]])
    criterion = LOSSES[name]()
    right, _ = loss_and_gradient(criterion, logits, np.array([1, 0]), np.ones(2))
    wrong, _ = loss_and_gradient(criterion, logits, np.array([0, 1]), np.ones(2))
    assert right < 1e-20 < 50 < wrong


def test_logit_adjustment_with_tau_0_is_cross_entropy():
    batch = draw_batch(5)
    expected = loss_and_gradient(CrossEntropyLoss(), *batch, 0.1)
    totals = [5.0, 1.0, 1.0, 0.5, 90.0]
    found_of = loss_and_gradient(LogitAdjustedLoss(tau=0), *batch, 0.1, totals)
    for found, value in zip(found_of, expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-12, atol=1e-16)
