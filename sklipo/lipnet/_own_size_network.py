"""LipNets for images of differing sizes in one batch, to which padding is nothing."""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn.functional import max_pool2d

from .architectures import ARCHITECTURES, build_lipnet


class OwnSizeNetwork(nn.Sequential):
    """A LipNet that ends in an average, over what is inside an image alone.

    It takes batches of shape (n_samples, 2, height, width): images, and 1 where they
    have pixels and 0 elsewhere. Each layer sees zeros outside, as at the border of an
    image alone.
    """

    def forward(self, batch):
        """Return what the last part of the network makes of a batch."""
        images, inside = batch.split(1, dim=1)
        maps = self.standardize(images)
        for layer in self.features:
            maps, inside = _apply(layer, maps, inside)
        n_positions = inside.sum(dim=(2, 3)).clamp_min(1)
        averages = (maps * inside).sum(dim=(2, 3)) / n_positions
        return self.output(averages) if hasattr(self, "output") else averages


class InsideNorm(nn.BatchNorm1d):
    """Batch normalization whose statistics count the positions inside alone."""

    def normalize(self, maps, inside):
        """Return maps normalized inside, and zero elsewhere."""
        is_inside = inside[:, 0] > 0
        values = maps.movedim(1, -1)
        normalized = torch.zeros_like(values)
        normalized[is_inside] = self._normalize(values[is_inside])
        return normalized.movedim(-1, 1)

    def _normalize(self, values):
        """Return normalized rows; one row has no statistics of its own."""
        if not self.training or len(values) > 1:
            return self(values)
        return (
            self.weight
            * (values - self.running_mean)
            / (self.running_var + self.eps).sqrt()
            + self.bias
        )


def build_own_size_network(architecture, n_classes, **lipnet):
    """Return a new network for images of differing sizes.

    ``lipnet`` are further parameters of :func:`build_lipnet`.
    """
    check_own_size_architecture(architecture)
    network = build_lipnet(architecture, (1, 1), n_classes, **lipnet)
    for name, layer in network.features.named_children():
        if isinstance(layer, nn.BatchNorm2d):
            norm = InsideNorm(layer.num_features)
            setattr(network.features, name, norm.to(layer.weight.dtype))
    return OwnSizeNetwork(OrderedDict(network.named_children()))


def check_own_size_architecture(architecture):
    """Refuse an architecture whose number of weights depends on the size of images."""
    layers = architecture
    if isinstance(architecture, str):
        layers = ARCHITECTURES.get(architecture)
    # What names no layers is refused along with other parameters.
    if isinstance(layers, tuple | list) and "dense" in layers[-1:]:
        raise ValueError(
            f"architecture={architecture!r} ends in 'dense', which needs images of one "
            "size. Take 'lipnet-4c', or a tuple of layers that ends in 'average'; or "
            "put Resize before a LipNetClassifier."
        )


def _apply(layer, maps, inside):
    """Return what a layer makes of maps, and what is inside of that."""
    if isinstance(layer, nn.Conv2d):
        halves = layer.stride != (1, 1)
        return layer(maps * inside), _halve(inside) if halves else inside
    if isinstance(layer, nn.MaxPool2d):
        pooled = layer(maps.masked_fill(inside == 0, -torch.inf))
        inside = _halve(inside)
        return pooled.masked_fill(inside == 0, 0), inside
    if isinstance(layer, InsideNorm):
        return layer.normalize(maps, inside), inside
    return layer(maps), inside


def _halve(inside):
    """Return where at least one of the positions that become one is inside."""
    return max_pool2d(inside, 2, ceil_mode=True)
