"""The layers of a LipNet by name, and the units of a layer."""

from numbers import Integral

import numpy as np
import torch
from torch import nn

from ._models import in_batches


def map_layers(network):
    """Return the names of the layers that have feature maps."""
    return [name for name, _ in network.features.named_children()]


def convolutions(network):
    """Return the convolutions by name."""
    layers = network.features.named_children()
    return {name: layer for name, layer in layers if isinstance(layer, nn.Conv2d)}


def check_layer(layer, names):
    """Raise an error if there is no such layer."""
    if layer not in names:
        raise ValueError(f"layer={layer!r}; the network has {', '.join(names)}.")


def part_up_to(network, layer):
    """Return the part of a network that ends with a layer."""
    names = map_layers(network)
    check_layer(layer, [*names, "hidden", "output"])
    if layer in ("hidden", "output"):
        return network[:-1] if layer == "hidden" else network
    features = network.features[: names.index(layer) + 1]
    return nn.Sequential(network.standardize, features)


def unit_index(classifier, network, layer, unit):
    """Return the index of a unit: a number, or the label of a class for the output."""
    if layer == "output":
        return class_index(classifier, unit, "unit")
    n_units = network.output.in_features
    if layer != "hidden":
        n_units = network.features.conv1.out_channels
    if not isinstance(unit, Integral) or not 0 <= unit < n_units:
        raise ValueError(
            f"unit={unit!r}; layer {layer!r} has {n_units} units, numbered from 0 to "
            f"{n_units - 1}."
        )
    return int(unit)


def class_index(classifier, label, name):
    """Return the index of a class label."""
    labels = classifier.classes_.tolist()
    if label not in labels:
        raise ValueError(f"{name}={label!r}; the classes are {labels}.")
    return labels.index(label)


@torch.inference_mode()
def strongest_activations(part, images, unit):
    """Return the greatest activation of a unit in each image, and where it is.

    A position is a tuple of row and column, or an empty one for a dense layer.
    """
    activations, positions = [], []
    for batch in in_batches(images):
        maps = part(batch)[:, unit].numpy()
        flat = maps.reshape(len(maps), -1)
        best = flat.argmax(axis=1)
        activations.append(flat[np.arange(len(flat)), best])
        places = np.unravel_index(best, maps.shape[1:]) if maps.ndim > 1 else ()
        positions += zip(*places, strict=True) if places else [()] * len(maps)
    return np.concatenate(activations), positions
