"""What changes in the course of a training, weight decay and what it can do."""

import math

import torch
from torch import nn

# The parts of a network on which weight decay can act.
_DECAYED = {
    "all": ("features.conv", "hidden.dense", "output"),
    "conv": ("features.conv",),
    "dense": ("hidden.dense", "output"),
}

# A filter is dead if its weights are below this part of what they are drawn from.
_DEAD = 0.01


def learning_rate_factor(schedule, progress):
    r"""Return by what a schedule multiplies the learning rate.

    Parameters
    ----------
    schedule : {"cosine", "one_cycle", "step"} or None
        Name of the schedule; None keeps the learning rate.
    progress : float
        Part of the training that is done, from 0 to 1.

    Returns
    -------
    factor : float
        Between 0 and 1.

    See Also
    --------
    torch.optim.lr_scheduler.CosineAnnealingLR : The same by numbers of steps.
    torch.optim.lr_scheduler.OneCycleLR : The same by numbers of steps.

    Notes
    -----
    With :math:`t` the progress, ``"cosine"`` [1]_ falls from 1 to 0 as
    :math:`(1 + \cos \pi t) / 2`. ``"one_cycle"`` [2]_ rises from 1/25 to 1 along such
    a curve in the first 30 %, and falls to 1/250,000 thereafter. ``"step"`` is a tenth
    from half of the training on, and a hundredth from three quarters on.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm
       Restarts", ICLR 2017.
    .. [2] L. N. Smith and N. Topin, "Super-Convergence: Very Fast Training of Neural
       Networks Using Large Learning Rates", SPIE 11006, 2019.

    Examples
    --------
    >>> from sklipo.lipnet.regularization import learning_rate_factor
    >>> [learning_rate_factor("cosine", t) for t in (0, 0.5, 1)]
    [1.0, 0.5, 0.0]
    """
    if schedule == "cosine":
        return _anneal(1, 0, progress)
    if schedule == "one_cycle":
        if progress < 0.3:
            return _anneal(1 / 25, 1, progress / 0.3)
        return _anneal(1, 1 / 25e4, (progress - 0.3) / 0.7)
    if schedule == "step":
        return 0.1 ** ((progress >= 0.5) + (progress >= 0.75))
    return 1.0


def _anneal(start, end, share):
    """Return a number between start and end, by half a wave of a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


@torch.no_grad()
def add_decay(named_parameters, strength, norm="l2", layers="all"):
    r"""Add the gradient of a penalty on weights to the gradients of a network.

    Parameters
    ----------
    named_parameters : iterable of (str, Parameter)
        Parameters of a network from :func:`build_lipnet`, with gradients.
    strength : float
        Factor :math:`\alpha` of the penalty.
    norm : {"l2", "l1"}, default="l2"
        Penalty: half the sum of squares, or the sum of absolute values.
    layers : {"all", "conv", "dense"}, default="all"
        Layers whose weights are penalised. Biases and batch normalisation never are.

    See Also
    --------
    dead_filters : What can become of penalised convolutions.

    Notes
    -----
    Section 5.1 of the thesis. The gradients of
    :math:`\frac{\alpha}{2} \lVert w \rVert_2^2` and
    :math:`\alpha \lVert w \rVert_1` are :math:`\alpha w` and
    :math:`\alpha\,\mathrm{sign}\,w`.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.regularization import add_decay
    >>> weight = torch.nn.Parameter(torch.tensor([2.0, -3.0]))
    >>> weight.grad = torch.zeros(2)
    >>> add_decay([("output.weight", weight)], 0.5)
    >>> weight.grad
    tensor([ 1.0000, -1.5000])
    """
    for name, parameter in named_parameters:
        if name.endswith("weight") and name.startswith(_DECAYED[layers]):
            gradient = parameter.sign() if norm == "l1" else parameter
            parameter.grad.add_(gradient, alpha=strength)


def set_dropout(network, conv_dropout, dense_dropout):
    """Set the dropout rates of a network.

    Parameters
    ----------
    network : torch.nn.Sequential
        Network from :func:`build_lipnet`.
    conv_dropout : float
        Rate after each pooling or strided convolution.
    dense_dropout : float
        Rate of the hidden dense layer.

    See Also
    --------
    build_lipnet : Builds a network with these rates.

    Examples
    --------
    >>> from sklipo.lipnet.architectures import build_lipnet
    >>> from sklipo.lipnet.regularization import set_dropout
    >>> network = build_lipnet("lipnet-1", (28, 28), n_classes=3)
    >>> set_dropout(network, 0.1, 0.2)
    >>> network.hidden.dropout
    Dropout(p=0.2, inplace=False)
    """
    for part, rate in (
        (network.features, conv_dropout),
        (network.hidden, dense_dropout),
    ):
        for layer in part:
            if isinstance(layer, nn.Dropout):
                layer.p = rate


@torch.no_grad()
def dead_filters(network):
    """Return the filters of each convolution that weight decay has brought to nothing.

    Parameters
    ----------
    network : torch.nn.Sequential
        Network from :func:`build_lipnet`.

    Returns
    -------
    filters : dict of list of int
        Indices of the dead filters by name of the convolution.

    See Also
    --------
    add_decay : The weight decay that can kill filters.

    Notes
    -----
    A filter counts as dead if all of its weights are smaller than a hundredth of the
    bound of the distribution from which they are drawn at first. Where a batch
    normalisation follows, its factor belongs to the weights.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.architectures import build_lipnet
    >>> from sklipo.lipnet.regularization import dead_filters
    >>> network = build_lipnet("lipnet-1", (28, 28), n_classes=3)
    >>> with torch.no_grad():
    ...     network.features.conv1.weight[7] *= 1e-3
    >>> dead_filters(network)
    {'conv1': [7]}
    """
    filters = {}
    layers = dict(network.features.named_children())
    for name, layer in layers.items():
        if isinstance(layer, nn.Conv2d):
            largest = layer.weight.abs().amax(dim=(1, 2, 3))
            norm = layers.get(name.replace("conv", "norm"))
            if norm is not None:
                scale = (norm.running_var + norm.eps).sqrt()
                largest = largest * norm.weight.abs() / scale
            # Glorot and Bengio, as in build_lipnet.
            fan_in_and_out = sum(layer.weight.shape[:2]) * layer.weight[0, 0].numel()
            bound = math.sqrt(6 / fan_in_and_out)
            filters[name] = (largest < _DEAD * bound).nonzero().flatten().tolist()
    return filters
