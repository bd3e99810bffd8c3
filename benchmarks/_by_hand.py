"""LipNets in plain torch, as one trains and runs them without a framework."""

import torch
from torch import nn

N_CLASSES, SIDE, BATCH = 3, 28, 32


def make_network():
    """Return LipNet-4 of torch's own layers, with weights in torch's usual order."""
    side = SIDE // 4  # after two poolings
    return nn.Sequential(
        *convolution(1),
        *convolution(32),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        *convolution(32),
        *convolution(32),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(32 * side * side, 512),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(512, N_CLASSES),
    )


def convolution(n_channels):
    """Return a convolution and what follows it."""
    return nn.Conv2d(n_channels, 32, kernel_size=3, padding=1), nn.ReLU()


def as_images(X):
    """Return rows of pixels as images, one channel each."""
    return torch.from_numpy(X).reshape(-1, 1, SIDE, SIDE)


def train(X, y, n_epochs):
    """Return a network that was trained for some epochs."""
    torch.manual_seed(0)
    network = make_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    images, codes = as_images(X), torch.from_numpy(y)
    network.train()
    for _ in range(n_epochs):
        for rows in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            loss(network(images[rows]), codes[rows]).backward()
            optimizer.step()
    return network


@torch.no_grad()
def predict_proba(network, X):
    """Return probabilities, in batches of 512."""
    network.eval()
    batches = as_images(X).split(512)
    return torch.cat([network(batch).softmax(dim=1) for batch in batches]).numpy()
