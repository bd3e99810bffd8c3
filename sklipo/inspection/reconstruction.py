"""What in a particle excites a unit, projected back to the pixels."""

import warnings

import numpy as np
from sklearn.utils import gen_batches
from torch import nn

from .._extras import import_extra
from ..lipnet._prediction import prediction_batch_size
from ._layers import part_up_to, strongest_activations, unit_index
from ._models import open_network, split_model

# Names of the methods here and in captum.
_METHODS = {
    "deconvolution": "Deconvolution",
    "guided_backpropagation": "GuidedBackprop",
}


def reconstruct(model, X, layer, unit, *, method="auto"):
    r"""Project what excites a unit most back to the pixels of each particle.

    Bright and dark pixels of the result make up the pattern to which the unit
    answered, at the place where it answered most.

    Parameters
    ----------
    model : LipNetClassifier or Pipeline
        Fitted classifier, or pipeline that ends in one.
    X : particle table, or array-like of shape (n_samples, n_pixels)
        What the model predicts: particles for a pipeline, rows of pixels for a
        classifier.
    layer : str
        Name of a layer with feature maps, see :func:`feature_maps`, or ``"hidden"`` or
        ``"output"``.
    unit : int or class label
        Number of the filter or hidden unit; for the output a class label.
    method : {"auto", "deconvolution", "guided_backpropagation"}, default="auto"
        ``"auto"`` is deconvolution for networks that pool, and guided backpropagation
        for LipNet-4c, which strides instead.

    Returns
    -------
    reconstructions : ndarray of shape (n_samples, height, width)
        In the units of standardised images, of which the first convolution sees a
        mean of 0 and a standard deviation of 1. Zero where the unit was not excited.

    Raises
    ------
    ValueError
        If there is no such layer, unit, class or method. The message lists those that
        exist.
    TypeError
        If the model is of another kind.

    See Also
    --------
    most_exciting_particles : For which particles to look.
    ExcitationDisplay : Particles and reconstructions side by side.

    Notes
    -----
    The unit's greatest activation :math:`a` is kept, all others of the layer are set to
    zero, and the network is run backwards. A convolution becomes its transpose: each
    filter flipped vertically and horizontally. A pooling puts values back to where in
    this particle the maxima were, which are the switches of Zeiler and Fergus [1]_. The
    methods differ at rectifiers. With :math:`f` what came in on the way up and
    :math:`R` what comes in on the way down, these pass on

    .. math:: \max(R, 0) \quad\text{and}\quad \max(R, 0) \cdot [f > 0]

    for deconvolution [1]_ and guided backpropagation [2]_. Switches tell deconvolution
    which particle it looks at. A network without pooling has none, and would give a
    pattern that hardly depends on the particle; guided backpropagation asks the
    rectifiers instead.

    Biases take no part; of a batch normalisation the factor does. An activation of zero
    or less excites nothing. Of the output, :math:`a` is 1, since a softmax knows no
    zero of its inputs.

    References
    ----------
    .. [1] M. D. Zeiler and R. Fergus, "Visualizing and Understanding Convolutional
       Networks", ECCV 2014.
    .. [2] J. T. Springenberg et al., "Striving for Simplicity: The All Convolutional
       Net", ICLR Workshop 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import LipNetClassifier
    >>> from sklipo.inspection import reconstruct
    >>> X, y = np.random.default_rng(0).random((20, 64)), [0, 1] * 10
    >>> model = LipNetClassifier("lipnet-1", max_epochs=1, random_state=0).fit(X, y)
    >>> reconstruct(model, X[:3], "relu1", unit=5).shape
    (3, 8, 8)
    """
    classifier, X = split_model(model, X)
    network, images = open_network(classifier, X)
    part = part_up_to(network, layer)
    index = unit_index(classifier, network, layer, unit)
    explain = _explainer(_choose_method(method, network), part)
    activations, positions = strongest_activations(part, images, index)
    starts = np.ones_like(activations) if layer == "output" else activations.clip(0)
    results = []
    for rows in gen_batches(len(images), prediction_batch_size(images.shape[2:])):
        targets = [(index, *position) for position in positions[rows]]
        gradients = explain(images[rows], targets)
        results.append(gradients * starts[rows, np.newaxis, np.newaxis])
    return np.concatenate(results) * network.standardize.scale.numpy()


def _choose_method(method, network):
    """Return the method that a parameter stands for with a network."""
    if method == "auto":
        pools = any(isinstance(layer, nn.MaxPool2d) for layer in network.modules())
        return "deconvolution" if pools else "guided_backpropagation"
    if method not in _METHODS:
        raise ValueError(f"method={method!r}; expected one of {['auto', *_METHODS]}.")
    return method


def _explainer(method, part):
    """Return a function from images and targets to what runs back to the pixels."""
    explainer = getattr(import_extra("captum.attr", "inspect"), _METHODS[method])(part)

    def explain(images, targets):
        images = images.clone().requires_grad_()
        with warnings.catch_warnings():
            # They are set on a copy of the network, and removed.
            warnings.filterwarnings("ignore", "Setting backward hooks", UserWarning)
            gradients = explainer.attribute(images, target=targets)
        return gradients.detach().numpy()[:, 0]

    return explain
