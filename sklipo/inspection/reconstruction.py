"""Patterns that excite a unit, projected back to the pixels."""

import numpy as np

from ._layers import check_parts, part_up_to, strongest_activations, unit_index
from ._methods import choose_method, explainer
from ._models import batch_slices, open_network, split_estimator


def reconstruct(estimator, X, layer, unit, *, method="auto"):
    r"""Project the strongest activation of a unit back to the pixels of particles.

    Bright and dark pixels of the result are the pattern to which the unit answered, at
    the place where its answer was strongest.

    Parameters
    ----------
    estimator : LipNetClassifier, Pipeline or search
        Fitted classifier, or fitted pipeline or search that ends in one.
    X : particle table, or array-like of shape (n_samples, n_pixels)
        What the estimator predicts: particles for a pipeline, rows of pixels for a
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
        In the units of standardized images, which have mean 0 and standard deviation 1
        over the training set. Zero where the unit was not excited.

    Raises
    ------
    ValueError
        If there is no such layer, unit, class or method. The message lists those that
        exist.
    TypeError
        If the estimator ends in something else, or its network has other parts than a
        LipNet.

    See Also
    --------
    most_exciting_particles : The particles worth a look.
    ExcitationDisplay : Particles above their reconstructions.

    Notes
    -----
    The unit's greatest activation :math:`a` is kept, all others of the layer are set to
    zero, and the network runs backwards. A convolution becomes its transpose: each
    filter is flipped vertically and horizontally. A pooling returns values to the
    places of the maxima in this particle, the switches of Zeiler and Fergus [1]_. The
    methods differ at rectifiers. With their input :math:`f` on the way up and
    :math:`R` on the way down, these pass on

    .. math:: \max(R, 0) \quad\text{and}\quad \max(R, 0) \cdot [f > 0]

    for deconvolution [1]_ and guided backpropagation [2]_. Deconvolution learns about
    the particle from the switches. A network without pooling has none, and its patterns
    would hardly depend on the particle; guided backpropagation uses the rectifiers
    instead.

    Biases are ignored; the factors of a batch normalization are kept. An activation of
    zero or less excites nothing. For the output layer :math:`a` is 1, because a softmax
    is invariant to a shift of its inputs.

    The network must have the parts of a LipNet, as
    :func:`~sklipo.lipnet.build_lipnet` returns it.

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
    classifier, X = split_estimator(estimator, X)
    network, images = open_network(classifier, X)
    check_parts(network)
    part = part_up_to(network, layer)
    index = unit_index(classifier, part, images, layer, unit)
    explain = explainer(choose_method(method, network), part)
    activations, positions = strongest_activations(part, images, index)
    starts = np.ones_like(activations) if layer == "output" else activations.clip(0)
    results = []
    for rows in batch_slices(images):
        targets = [(index, *position) for position in positions[rows]]
        gradients = explain(images[rows], targets)
        results.append(gradients * starts[rows, np.newaxis, np.newaxis])
    # Gradients by raw pixels are smaller by the scale that the network divides by.
    return np.concatenate(results) * network.standardize.scale.numpy()
