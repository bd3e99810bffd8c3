"""An epoch of LipNet-4: sklipo, a plain loop of torch, and skorch as it comes."""

import numpy as np
import torch
from skorch import NeuralNetClassifier

from benchmarks import _by_hand
from benchmarks._timing import compare
from sklipo import LipNetClassifier

N_SAMPLES = 2048


def main():
    rng = np.random.default_rng(0)
    X = rng.random((N_SAMPLES, 28 * 28), dtype=np.float32)
    y = rng.integers(0, _by_hand.N_CLASSES, N_SAMPLES)
    model = LipNetClassifier("lipnet-4", max_epochs=1, random_state=0)
    ways = {
        "by hand": lambda: _by_hand.train(X, y, n_epochs=1),
        "skorch": lambda: train_by_skorch(X, y),
        "sklipo": lambda: model.fit(X, y),
    }
    title = f"An epoch of {N_SAMPLES} images, {torch.get_num_threads()} threads"
    compare(title, ways, unit="s", apart=True)


def train_by_skorch(X, y):
    """Train by skorch's own classifier, data set and data loader."""
    net = NeuralNetClassifier(
        _by_hand.make_network,
        criterion=torch.nn.CrossEntropyLoss,
        criterion__label_smoothing=0.1,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        max_epochs=1,
        batch_size=_by_hand.BATCH,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
    net.fit(X.reshape(-1, 1, 28, 28), y)
