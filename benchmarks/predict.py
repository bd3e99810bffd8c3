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
    model = LipNetClassifier("lipnet-4", max_epochs=1, random_state=0)
    model.fit(X[:256], y[:256])
    network = _by_hand.make_network()
    network.load_state_dict(model.net_.module_.state_dict())
    by_hand = _by_hand.predict_proba(network, X)
    # Orders of summation differ in single precision.
    np.testing.assert_allclose(model.predict_proba(X), by_hand, atol=1e-5)
    ways = {
        "by hand": lambda: _by_hand.predict_proba(network, X),
        "sklipo": lambda: model.predict_proba(X),
    }
    title = f"Probabilities of {N_SAMPLES} images, {torch.get_num_threads()} threads"
    compare(title, ways)
