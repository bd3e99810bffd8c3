"""Probabilities of LipNet-4: sklipo, and a plain loop of torch over batches of 512."""

import numpy as np
import torch

from benchmarks import _by_hand
from benchmarks._timing import compare
from sklipo import LipNetClassifier

N_SAMPLES = 4096


def main():
    rng = np.random.default_rng(0)
    X = rng.random((N_SAMPLES, 28 * 28), dtype=np.float32)
    y = rng.integers(0, _by_hand.N_CLASSES, N_SAMPLES)
    network = _by_hand.make_network()
    model = LipNetClassifier("lipnet-4", max_epochs=1, random_state=0)

    def predict():
        if not hasattr(model, "net_"):  # in the round that is not counted
            model.fit(X[:256], y[:256])
            check_same(model, X)
        model.predict_proba(X)

    ways = {"by hand": lambda: _by_hand.predict_proba(network, X), "sklipo": predict}
    title = f"Probabilities of {N_SAMPLES} images, {torch.get_num_threads()} threads"
    compare(title, ways, apart=True)


def check_same(model, X):
    """Check that the network by hand predicts the same with the same weights."""
    network = _by_hand.make_network()
    ours = model.net_.module_.state_dict().values()
    weights = [values for values in ours if values.ndim]  # without mean and scale
    network.load_state_dict(dict(zip(network.state_dict(), weights, strict=True)))
    X_scaled = (X - np.float32(model.mean_)) / np.float32(model.scale_)
    by_hand = _by_hand.predict_proba(network, X_scaled)
    # Orders of summation differ in single precision.
    np.testing.assert_allclose(model.predict_proba(X), by_hand, atol=1e-5)
