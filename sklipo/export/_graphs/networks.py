"""Networks of torch as functions in a graph."""

import copy
import logging
import warnings
from contextlib import contextmanager

import torch

from ...lipnet._own_size import VIEWS
from ...lipnet._own_size_network import InsideNorm
from ...lipnet._prediction import probabilities
from .ops import LEAST_OPSET


class _Forward(torch.nn.Module):
    """What is computed of a batch of images by a network, as a module."""

    def __init__(self, network, function):
        super().__init__()
        self.network = network
        self.function = function

    def forward(self, images):
        return self.function(self.network, images)


class _TracedNorm(InsideNorm):
    """The same at prediction, without an index that depends on the images."""

    def normalize(self, maps, inside):
        """Return maps normalized inside, and zero elsewhere."""
        rows = maps.movedim(1, -1)
        unit = (self.running_var + self.eps).sqrt()
        normalized = self.weight * (rows - self.running_mean) / unit + self.bias
        return normalized.movedim(-1, 1) * inside


def mean_own_size_probabilities(network, images):
    """Return probabilities averaged over the rotations and flips of an image."""
    views = []
    for flip_y, flip_x, transpose in VIEWS:
        view = images.flip(
            [axis for axis, is_on in ((2, flip_y), (3, flip_x)) if is_on]
        )
        views.append(probabilities(network, view.mT if transpose else view))
    return torch.stack(views).mean(dim=0)


def apply_network(op, network, function, images):
    """Return what a function of sklipo.lipnet computes of images by a network.

    Parameters
    ----------
    op : Ops
        The operators.
    network : torch.nn.Module
        The network of a fitted classifier; it is not changed.
    function : callable
        Takes the network and a batch of images as tensors of torch.
    images : Tensor of shape (n_samples, n_channels, height, width), dtype float32
        Images.

    Returns
    -------
    Tensor of shape (n_samples, n_outputs), dtype float32
        What the function returns.
    """
    # ONNX Runtime convolves in single precision alone.
    network = copy.deepcopy(network).float()
    for layer in network.modules():
        if isinstance(layer, InsideNorm):
            layer.__class__ = _TracedNorm
    module = _Forward(network, function).eval()
    return op.inline(_export(module, images.shape), images=images)["outputs"]


def _example_length(length):
    """Return a length for an axis of an example image."""
    # An axis of length 1 would be taken for one that always is.
    return length if isinstance(length, int) else 6


def _export(module, shape):
    """Return the graph of a module that takes images of some shape."""
    example = torch.zeros([_example_length(n) for n in shape])
    free = {i: torch.export.Dim.DYNAMIC for i, n in enumerate(shape) if n is None}
    with warnings.catch_warnings(), _silent_logger("torch.onnx"):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            dynamic_shapes=(free,),
            input_names=["images"],
            output_names=["outputs"],
            opset_version=LEAST_OPSET,
            verbose=False,
        )
    return program.model_proto


@contextmanager
def _silent_logger(name):
    """Keep a logger from telling what it skips, as the exporter of torch does."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
