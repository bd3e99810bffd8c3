"""The layers of a network by name, and the units of a layer."""

from numbers import Integral

import numpy as np
import torch
from torch import nn

from ._models import in_batches

# The parts of a LipNet, which follow each other.
PARTS = ("standardize", "features", "hidden", "output")


def has_parts(network):
    """Tell whether a network is made as a LipNet is."""
    is_complete = all(hasattr(network, part) for part in PARTS)
    return is_complete and isinstance(network.features, nn.Sequential)


def check_parts(network):
    """Raise an error that names the parts of a LipNet that a network lacks."""
    if has_parts(network):
        return
    missing = [part for part in PARTS if not hasattr(network, part)]
    lacks = f"no part {', '.join(missing)}" if missing else "features of another kind"
    raise TypeError(
        "Reconstructions go through a network part by part, but this "
        f"{type(network).__name__} has {lacks}. Build it as a torch.nn.Sequential of "
        f"the named parts {', '.join(PARTS)}, with features a torch.nn.Sequential, as "
        "build_lipnet does. Occlusion maps, feature maps and filters need no such "
        "parts."
    )


def layers_of(network):
    """Return the layers that may have feature maps, by name."""
    if has_parts(network):
        return dict(network.features.named_children())
    modules = network.named_modules()
    return {name: layer for name, layer in modules if not list(layer.children())}


def convolutions(network):
    """Return the convolutions by name."""
    layers = layers_of(network).items()
    return {name: layer for name, layer in layers if isinstance(layer, nn.Conv2d)}


def check_layer(layer, names):
    """Raise an error if there is no such layer."""
    if not isinstance(layer, str) or layer not in names:
        existing = ", ".join(names) or "no layer of this kind"
        raise ValueError(f"layer={layer!r}; the network has {existing}.")


def part_up_to(network, layer):
    """Return a module that computes what a layer gives."""
    names = list(layers_of(network))
    if not has_parts(network):
        check_layer(layer, [*names, "output"])
        return network if layer == "output" else _Probe(network, layer)
    check_layer(layer, [*names, "hidden", "output"])
    if layer == "output":
        return network
    if layer == "hidden":
        return nn.Sequential(network.standardize, network.features, network.hidden)
    features = network.features[: names.index(layer) + 1]
    return nn.Sequential(network.standardize, features)


class _Probe(nn.Module):
    """A network that returns what one of its layers gives."""

    def __init__(self, network, layer):
        super().__init__()
        self.network = network
        self.layer = layer
        network.get_submodule(layer).register_forward_hook(self._keep)

    def forward(self, images):
        self.output = None
        self.network(images)
        if not isinstance(self.output, torch.Tensor):
            raise ValueError(
                f"layer={self.layer!r} gives no tensor when the network predicts; "
                "inspect another layer."
            )
        return self.output

    def _keep(self, layer, inputs, output):
        # Layers after this one may work in place, as torch.nn.ReLU(inplace=True) does.
        is_tensor = isinstance(output, torch.Tensor)
        self.output = output.clone() if is_tensor else output


def unit_index(classifier, part, images, layer, unit):
    """Return the index of a unit: a number, or the label of a class for the output."""
    if layer == "output":
        return class_index(classifier, unit, "unit")
    with torch.inference_mode():
        n_units = part(images[:1]).shape[1]
    if not isinstance(unit, Integral) or not 0 <= unit < n_units:
        raise ValueError(
            f"unit={unit!r}; layer {layer!r} has {n_units} units, numbered from 0 to "
            f"{n_units - 1}."
        )
    return int(unit)


def class_index(classifier, label, name):
    """Return the index of a class label."""
    labels = classifier.classes_.tolist()
    if not np.isscalar(label) or label not in labels:
        raise ValueError(f"{name}={label!r}; the classes are {labels}.")
    return labels.index(label)


@torch.inference_mode()
def strongest_activations(part, images, unit):
    """Return the greatest activation of a unit in each image, and its position.

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
