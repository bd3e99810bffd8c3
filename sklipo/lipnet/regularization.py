"""Schedules of the learning rate, weight decay and the filters that it kills."""

import math
from numbers import Real

import torch

# Private parts of scikit-learn: _param_validation.
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from torch import nn

# The layers on which weight decay can act.
_DECAYED = {
    "all": (nn.Conv2d, nn.Linear),
    "conv": nn.Conv2d,
    "dense": nn.Linear,
}

# A filter is dead if its weights are below this part of what they are drawn from.
_DEAD = 0.01


def learning_rate_factor(schedule, progress):
    r"""Return by what a schedule multiplies the learning rate.

    Parameters
    ----------
    schedule : {"cosine", "one_cycle", "step"}, callable or None
        Name of the schedule, or a function from progress to factor; None keeps the
        learning rate.
    progress : float
        Part of the training that is done, from 0 to 1.

    Returns
    -------
    factor : float
        Between 0 and 1, or what the callable returns.

    Raises
    ------
    ValueError
        If a callable returns anything but a finite number that is not negative.

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
    if callable(schedule):
        factor = schedule(progress)
        if not isinstance(factor, Real) or not 0 <= factor < math.inf:
            raise ValueError(
                f"The schedule returned {factor!r} for a progress of {progress:.3g}; "
                "expected a factor of the learning rate, finite and not negative."
            )
        return float(factor)
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


class WeightDecay(BaseEstimator):
    r"""Penalty on the weights of a network.

    Give it to :class:`LipNetClassifier` as ``weight_decay``.

    Parameters
    ----------
    strength : float, default=1e-4
        Factor :math:`\alpha` of the penalty.
    norm : {"l2", "l1"}, default="l2"
        Penalize half the sum of squares, or the sum of absolute values.
    layers : {"all", "conv", "dense"}, default="all"
        Layers whose weights are penalized. Biases and batch normalization never are.

    See Also
    --------
    LipNetClassifier : Takes this object as its parameter ``weight_decay``.
    dead_filters : What can become of penalized convolutions.

    Notes
    -----
    Section 5.1 of the thesis. The gradients of
    :math:`\frac{\alpha}{2} \lVert w \rVert_2^2` and
    :math:`\alpha \lVert w \rVert_1` are :math:`\alpha w` and
    :math:`\alpha\,\mathrm{sign}\,w`.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet import WeightDecay
    >>> layer = torch.nn.Linear(2, 1)
    >>> layer.weight.data[:] = torch.tensor([2.0, -3.0])
    >>> layer.weight.grad = torch.zeros(1, 2)
    >>> WeightDecay(0.5).add_gradients(layer)
    >>> layer.weight.grad
    tensor([[ 1.0000, -1.5000]])
    """

    _parameter_constraints = {
        "strength": [Interval(Real, 0, None, closed="left")],
        "norm": [StrOptions({"l1", "l2"})],
        "layers": [StrOptions(set(_DECAYED))],
    }

    def __init__(self, strength=1e-4, *, norm="l2", layers="all"):
        self.strength = strength
        self.norm = norm
        self.layers = layers

    @torch.no_grad()
    def add_gradients(self, network):
        """Add the gradients of the penalty to those of a network.

        Parameters
        ----------
        network : torch.nn.Module
            Network with gradients.
        """
        if not self.strength:
            return
        for layer in network.modules():
            if isinstance(layer, _DECAYED[self.layers]):
                weight = layer.weight
                gradient = weight.sign() if self.norm == "l1" else weight
                weight.grad.add_(gradient, alpha=float(self.strength))


@torch.no_grad()
def dead_filters(network):
    """Return the filters of each convolution that weight decay has brought to nothing.

    Parameters
    ----------
    network : torch.nn.Sequential
        Network from :func:`build_lipnet`, ``net_.module_`` of a fitted
        :class:`LipNetClassifier`.

    Returns
    -------
    filters : dict of list of int
        Indices of the dead filters by name of the convolution.

    See Also
    --------
    WeightDecay : The penalty that can kill filters.

    Notes
    -----
    A filter counts as dead if all of its weights are smaller than a hundredth of the
    bound of the distribution from which they are drawn at first. The factor of a batch
    normalization that follows belongs to the weights.

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
