"""Parts of a model that need torch."""

import torch

from ...lipnet._net_values import list_values, put_together
from ...lipnet.classifier import LipNetClassifier
from ...lipnet.trainer import LipNetTrainer
from ...own_size import OwnSizeLipNetClassifier
from .parts import Part

_KINDS = {kind.__name__: kind for kind in (LipNetClassifier, OwnSizeLipNetClassifier)}


class NetPart(Part):
    """The net of a classifier by its settings and the arrays of its weights.

    skorch's own way is a pickle within the state.
    """

    @staticmethod
    def take_apart(net):
        names = [k for k, kind in _KINDS.items() if type(net) is kind._trainer]
        return (*names, list_values(net)) if names else None

    @staticmethod
    def build(kind, values):
        return put_together(_KINDS[kind], values)


class DevicePart(Part):
    """A device of torch by its name."""

    @staticmethod
    def take_apart(device):
        return (str(device),)

    @staticmethod
    def build(name):
        return torch.device(name)


NETWORK_PARTS = {LipNetTrainer: NetPart, torch.device: DevicePart}
