"""Images, small networks and comparisons that the tests of LipNetClassifier share."""

import numpy as np
import torch
from skimage.draw import disk

# One step per epoch without dropout: only then can a repeated sample equal one of
# twice the weight, as one of the checks demands.
EXACT = {
    "image_shape": "row",
    "n_filters": 8,
    "hidden_units": 16,
    "conv_dropout": 0,
    "dense_dropout": 0,
    "batch_size": 512,
    "max_epochs": 20,
    "learning_rate": 0.05,
}

SMALL = {"n_filters": 4, "hidden_units": 8, "max_epochs": 3, "random_state": 0}


def draw_disks_and_rings(n_samples=240, size=12, seed=0):
    """Return noisy images of disks and rings at random places, and their labels."""
    rng = np.random.default_rng(seed)
    X = rng.normal(scale=0.1, size=(n_samples, size, size)).astype(np.float32)
    y = rng.choice(["disk", "ring"], n_samples)
    for image, label in zip(X, y, strict=True):
        center, radius = rng.uniform(4.5, size - 5.5, 2), rng.uniform(3, 4.5)
        image[disk(center, radius, shape=image.shape)] += 1
        if label == "ring":
            image[disk(center, radius - 1.5, shape=image.shape)] -= 1
    return X.reshape(n_samples, -1), y


def weights_of(model):
    return torch.cat([p.detach().flatten() for p in model.net_.module_.parameters()])


def assert_same_bits(model, other):
    assert torch.equal(weights_of(model), weights_of(other))
