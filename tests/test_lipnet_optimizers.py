import pickle
import subprocess
import sys

import pytest
import torch

from sklipo.lipnet import _optimizers as optimizers

SETTINGS = {
    "Adam": {"lr": 0.01, "fused": True},
    "SGD": {"lr": 0.01, "momentum": 0.9, "nesterov": True, "fused": True},
}


def descend(kind, n_steps, state=None, weights=None):
    """Return weights and state after some steps down the same slope."""
    weights = torch.linspace(-1, 1, 50) if weights is None else weights.clone()
    weights.requires_grad_()
    optimizer = kind([weights], **SETTINGS[kind.__name__])
    if state is not None:
        optimizer.load_state_dict(state)

    def slope():
        optimizer.zero_grad()
        loss = ((weights - 3) ** 4).mean()
        loss.backward()
        return loss

    losses = [optimizer.step(slope).item() for _ in range(n_steps)]
    assert sorted(losses, reverse=True) == losses
    return weights.detach(), optimizer.state_dict()


@pytest.mark.parametrize("name", SETTINGS)
def test_steps_are_those_of_torch_to_the_bit(name):
    ours, theirs = getattr(optimizers, name), getattr(torch.optim, name)
    expected, expected_state = descend(theirs, 7)
    weights, state = descend(ours, 4)
    for kind in (ours, theirs):  # Each goes on from the state of ours.
        kept = pickle.loads(pickle.dumps(state))
        assert torch.equal(descend(kind, 3, kept, weights)[0], expected)
    _, state = descend(ours, 7)
    torch.testing.assert_close(state, expected_state, rtol=0, atol=0)


def test_step_calls_the_hooks_of_users():
    weights = torch.ones(3, requires_grad=True)
    optimizer = optimizers.SGD([weights], lr=0.1)
    called = []
    optimizer.register_step_pre_hook(lambda *_: called.append("before"))
    optimizer.register_step_post_hook(lambda *_: called.append("after"))
    weights.sum().backward()
    optimizer.step()
    assert called == ["before", "after"]
    torch.testing.assert_close(weights.detach(), torch.full((3,), 0.9))


def test_training_does_not_load_the_compiler_of_torch():
    code = """
import pickle, sys
import numpy as np
from sklipo import LipNetClassifier
X, y = np.random.default_rng(0).random((40, 64)), ["full", "empty"] * 20
model = LipNetClassifier("lipnet-1", max_epochs=2, learning_rate_schedule="cosine")
model.set_params(early_stopping=True).fit(X, y)
model.set_params(early_stopping=False, optimizer="sgd").fit(X, y)
pickle.loads(pickle.dumps(model)).partial_fit(X, y).predict(X)
loaded = {"torch._dynamo", "torch._inductor", "sympy"} & set(sys.modules)
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", code], check=True)
