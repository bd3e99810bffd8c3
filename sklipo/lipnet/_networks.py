"""The network of a classifier: a LipNet, or what a callable of the user builds."""

from collections import OrderedDict

import torch
from torch import nn

from .architectures import Standardize, build_lipnet

# The parts of a LipNet after the first one, by which inspection finds its way.
_LIPNET_PARTS = ["features", "hidden", "output"]


def build_network(
    architecture, image_shape, n_classes, *, mean, scale, dtype, generator, **lipnet
):
    """Return a new network that takes images as they are and returns logits.

    Its part ``standardize`` comes first. ``lipnet`` are the parameters of a LipNet that
    a callable does not have.
    """
    common = {"mean": mean, "scale": scale, "dtype": dtype}
    if not callable(architecture):
        return build_lipnet(
            architecture,
            image_shape,
            n_classes,
            **common,
            **lipnet,
            generator=generator,
        )
    module = _call(architecture, image_shape, n_classes)
    parts = dict(module.named_children())
    if not (isinstance(module, nn.Sequential) and list(parts) == _LIPNET_PARTS):
        parts = {"network": module}
    parts = OrderedDict(standardize=Standardize(mean, scale), **parts)
    network = nn.Sequential(parts).to(dtype=dtype, memory_format=torch.channels_last)
    _check_output(network, image_shape, n_classes, dtype)
    return network


def is_lipnet(network):
    """Tell whether a network has the four parts of a LipNet."""
    return hasattr(network, "output")


def dropout_layers(network):
    """Return the layers of a network that drop values at random."""
    # Private in torch: the base of all its layers that drop values.
    kind = nn.modules.dropout._DropoutNd
    return [layer for layer in network.modules() if isinstance(layer, kind)]


def last_dense(network):
    """Return the last dense layer of a network, whose input are learned features."""
    dense = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    if not dense:
        raise AttributeError(
            "transform returns what goes into the last torch.nn.Linear of the network, "
            "but the network that architecture built has none."
        )
    return dense[-1]


def _call(architecture, image_shape, n_classes):
    """Return the module that a callable builds."""
    if isinstance(architecture, nn.Module):
        raise TypeError(
            f"architecture is a {type(architecture).__name__}, a network already; "
            "expected a callable (image_shape, n_classes) -> torch.nn.Module, such as "
            "its class, since each fit begins with a new network."
        )
    module = architecture(image_shape, n_classes)
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"architecture(image_shape, n_classes) returned a {type(module).__name__}; "
            "expected a torch.nn.Module."
        )
    return module


def _check_output(network, image_shape, n_classes, dtype):
    """Refuse a network that does not return a logit for each class."""
    network.eval()  # batch normalization must not learn from these images
    with torch.no_grad():
        logits = network(torch.zeros(2, 1, *image_shape, dtype=dtype))
    shape = tuple(getattr(logits, "shape", ()))
    if shape != (2, n_classes):
        raise ValueError(
            f"The network that architecture built turns images of shape "
            f"{(2, 1, *image_shape)} into {shape or type(logits).__name__}; expected "
            f"logits of shape {(2, n_classes)}, one for each class."
        )
