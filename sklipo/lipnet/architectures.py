"""The LipNets of the thesis: a table of layers and the function that builds them."""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn.utils import skip_init

# A "stride" is a convolution that halves the image as a "pool" does. Dropout follows
# either. "dense" and "average" say how the feature maps become one row of numbers.
ARCHITECTURES = {
    "lipnet-1": ("conv", "pool", "dense"),
    "lipnet-2": ("conv", "pool", "conv", "pool", "dense"),
    "lipnet-4": ("conv", "conv", "pool", "conv", "conv", "pool", "dense"),
    "lipnet-4c": ("conv", "conv", "stride", "conv", "conv", "stride", "average"),
    "lipnet-6": (*("conv", "conv", "pool") * 3, "dense"),
}

_HALVINGS = {"pool", "stride"}
_ENDS = {"dense", "average"}


class Standardize(nn.Module):
    """Subtract a mean from images and divide them by a scale.

    Parameters
    ----------
    mean, scale : float
        Mean and standard deviation of the pixels of the training set.

    See Also
    --------
    build_lipnet : Builds the networks that begin with this layer.

    Notes
    -----
    Both are buffers: they are saved and exported with the network, so that it takes
    pixels as they are.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.architectures import Standardize
    >>> Standardize(mean=2.0, scale=4.0)(torch.tensor([2.0, 6.0]))
    tensor([0., 1.])
    """

    def __init__(self, mean, scale):
        super().__init__()
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("scale", torch.tensor(float(scale)))

    def forward(self, images):
        """Return the standardized images.

        Parameters
        ----------
        images : Tensor
            Images of any shape.

        Returns
        -------
        images : Tensor
            Images of the same shape.
        """
        return (images - self.mean) / self.scale


class Dropout(nn.Dropout):
    """Set a share of values to zero in training, and scale up the others.

    Parameters
    ----------
    p : float, default=0.5
        Share of values to drop.

    Attributes
    ----------
    generator : torch.Generator or None
        What the layer draws from, see :func:`set_generator`. None stands for the
        global generator of torch, as at first.

    See Also
    --------
    build_lipnet : Builds the networks that have this layer.
    torch.nn.Dropout : The same, always drawn from the global generator.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet import Dropout
    >>> dropped = Dropout(0.25)(torch.ones(10_000))
    >>> bool(dropped.unique().allclose(torch.tensor([0, 1 / 0.75])))
    True
    """

    generator = None

    def __init__(self, p=0.5):
        super().__init__(p)

    def forward(self, input):
        """Return the values, some of them dropped in training.

        Parameters
        ----------
        input : Tensor
            Values, of any shape.

        Returns
        -------
        output : Tensor
            Values of the same shape.
        """
        if not (self.training and self.p):
            return input
        # On a CPU this takes 0.4 of the time of torch's bernoulli_, in which LipNet-4
        # spent a tenth of an epoch.
        draws = torch.empty_like(input).uniform_(generator=self.generator)
        return input * draws.ge_(self.p).div_(1 - self.p)


def set_generator(network, generator):
    """Let the layers of a network draw from a generator.

    Parameters
    ----------
    network : torch.nn.Module
        A network from :func:`build_lipnet`, or another with :class:`Dropout` layers.
    generator : torch.Generator or None
        A generator on the device of the network; None for the global one of torch.

    See Also
    --------
    Dropout : The layer that draws.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet import build_lipnet, set_generator
    >>> network = build_lipnet("lipnet-1", (28, 28), n_classes=3).train()
    >>> outputs = []
    >>> for _ in range(2):
    ...     set_generator(network, torch.Generator().manual_seed(0))
    ...     outputs.append(network(torch.ones(1, 1, 28, 28)))
    >>> torch.equal(*outputs)
    True
    """
    for layer in network.modules():
        if isinstance(layer, Dropout):
            layer.generator = generator


class _GlobalAverage(nn.Module):
    """Average each feature map over its positions.

    On a GPU the gradient of ``torch.nn.AdaptiveAvgPool2d`` differs from run to run;
    that of a mean does not.
    """

    def forward(self, maps):
        return maps.mean(dim=(2, 3))


def build_lipnet(
    architecture,
    image_shape,
    n_classes,
    *,
    n_filters=32,
    hidden_units=512,
    conv_dropout=0.25,
    dense_dropout=0.5,
    batch_norm=False,
    mean=0.0,
    scale=1.0,
    dtype=torch.float32,
    generator=None,
):
    """Build one of the networks of the thesis, or another of the same layers.

    Parameters
    ----------
    architecture : {"lipnet-1", "lipnet-2", "lipnet-4", "lipnet-4c", "lipnet-6"} or \
            tuple of str
        Which layers the network has. The number in a name counts the convolutions;
        LipNet-4c has two more, with a stride of 2 instead of pooling. A tuple lists
        the layers: ``"conv"``, ``"pool"`` and ``"stride"`` in any order, then either
        ``"dense"`` or ``"average"``.
    image_shape : tuple of (int, int)
        Height and width of the images in pixels, from 1 x 1 on.
    n_classes : int
        Number of classes.
    n_filters : int, default=32
        Number of 3x3 filters of each convolution.
    hidden_units : int, default=512
        Number of units of the hidden dense layer. LipNet-4c has none.
    conv_dropout : float, default=0.25
        Share of values dropped after each pooling or strided convolution.
    dense_dropout : float, default=0.5
        Share of hidden units dropped.
    batch_norm : bool, default=False
        Normalize each convolution's output over the batch.
    mean, scale : float, default=0.0 and 1.0
        Mean and standard deviation of the pixels of the training set.
    dtype : torch.dtype, default=torch.float32
        Type of the weights and of the images that the network takes.
    generator : torch.Generator, default=None
        Generator on the CPU that the weights are drawn from; by default the global one
        of torch.

    Returns
    -------
    network : torch.nn.Sequential
        Takes images of shape (n_samples, 1, height, width) and returns the logits,
        of shape (n_samples, n_classes). Its four parts are ``standardize``,
        ``features`` (layers ``conv1``, ``relu1``, ... by name), ``hidden`` and
        ``output``; ``network[:-1]`` gives the last hidden layer's activations.

    Raises
    ------
    ValueError
        If the architecture is unknown or the image has no pixels.

    See Also
    --------
    LipNetClassifier : The scikit-learn estimator that trains these networks.

    Notes
    -----
    The layers are those of the thesis, section 8.1. Convolutions pad by one pixel;
    poolings and strides halve the image and round up, so nothing ever shrinks to zero.
    A map of 1x1 convolutions averaged over its positions, with which LipNet-4c ends,
    is the same function as a dense layer on the averages of the maps before it. The
    latter is computed here: it is faster and gives all LipNets a hidden layer.

    Weights are drawn as Keras does by default, with which the thesis trained: uniformly
    after Glorot and Bengio [1]_, biases zero. They are stored channels-last, the order
    in which CPUs convolve fastest.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.architectures import build_lipnet
    >>> network = build_lipnet("lipnet-4", (28, 28), n_classes=3)
    >>> network(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 3])
    >>> network[:-1](torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 512])
    >>> network.features.conv1.weight.shape
    torch.Size([32, 1, 3, 3])
    """
    if min(image_shape) < 1:
        raise ValueError(f"image_shape={image_shape!r}; an image has a pixel or more.")
    *layers, end = _layer_names(architecture)
    map_shape = _shape_after(layers, image_shape, n_filters)
    hidden, width = _hidden_part(end, map_shape, dense_dropout, hidden_units)
    parts = {
        "standardize": Standardize(mean, scale),
        "features": _feature_part(layers, n_filters, conv_dropout, batch_norm),
        "hidden": hidden,
        "output": skip_init(nn.Linear, width, n_classes),
    }
    network = nn.Sequential(OrderedDict(parts))
    for layer in network.modules():
        _initialize(layer, generator)
    return network.to(dtype=dtype, memory_format=torch.channels_last)


def _layer_names(architecture):
    """Return the layers of an architecture, which is a name or lists them itself."""
    if isinstance(architecture, str):
        if architecture not in ARCHITECTURES:
            raise ValueError(
                f"architecture={architecture!r}; expected one of "
                f"{list(ARCHITECTURES)}, a tuple of layers or a callable."
            )
        return ARCHITECTURES[architecture]
    *layers, end = architecture or (None,)
    if end not in _ENDS or not {"conv", *_HALVINGS}.issuperset(layers):
        raise ValueError(
            f"architecture={architecture!r}; expected layers out of 'conv', 'pool' and "
            "'stride', and 'dense' or 'average' as the last one."
        )
    return tuple(architecture)


def _initialize(layer, generator):
    """Draw a layer's weights after Glorot and Bengio, and set its biases to zero."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight, generator=generator)
        nn.init.zeros_(layer.bias)


def _feature_part(layers, n_filters, dropout, batch_norm):
    """Return the convolutional layers, numbered by kind."""
    part = OrderedDict()
    n_convolutions = n_halvings = 0
    for layer in layers:
        if layer == "pool":
            part[f"pool{n_halvings + 1}"] = nn.MaxPool2d(2, ceil_mode=True)
        else:
            in_channels = 1 if n_convolutions == 0 else n_filters
            n_convolutions += 1
            # skip_init spares a first draw of weights from torch's global generator.
            part[f"conv{n_convolutions}"] = skip_init(
                nn.Conv2d,
                in_channels,
                n_filters,
                kernel_size=3,
                stride=2 if layer == "stride" else 1,
                padding=1,
            )
            if batch_norm:
                part[f"norm{n_convolutions}"] = nn.BatchNorm2d(n_filters)
            part[f"relu{n_convolutions}"] = nn.ReLU()
        if layer in _HALVINGS:
            n_halvings += 1
            part[f"dropout{n_halvings}"] = Dropout(dropout)
    return nn.Sequential(part)


def _shape_after(layers, image_shape, n_filters):
    """Return number, height and width of the feature maps after some layers."""
    height, width = image_shape
    for layer in layers:
        if layer in _HALVINGS:
            height, width = (height + 1) // 2, (width + 1) // 2
    n_maps = n_filters if {"conv", "stride"}.intersection(layers) else 1
    return n_maps, height, width


def _hidden_part(end, map_shape, dropout, hidden_units):
    """Return the last hidden layer and the number of its activations."""
    n_maps, height, width = map_shape
    if end == "average":
        return nn.Sequential(OrderedDict(average=_GlobalAverage())), n_maps
    part = OrderedDict(
        flatten=nn.Flatten(),
        dense=skip_init(nn.Linear, n_maps * height * width, hidden_units),
        relu=nn.ReLU(),
        dropout=Dropout(dropout),
    )
    return nn.Sequential(part), hidden_units
