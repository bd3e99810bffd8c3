"""Which parts of a particle its class depends on."""

from numbers import Integral, Real

import numpy as np
import torch

from .._extras import import_extra
from ..lipnet._prediction import (
    mean_probabilities,
    prediction_batch_size,
    probabilities,
)
from ._layers import class_index
from ._models import in_batches, open_network, pixels_of, split_model
from ._panels import get_axes, robust_limits, show_image, symmetric_limits

# Particles that share a batch, each with several patches covered.
_IMAGES_AT_ONCE = 16

# Particles beside each other in a picture.
_MOST_COLUMNS = 8


def occlusion_map(model, X, target=None, *, window=None, stride=1, fill_value=0.0):
    r"""Measure how a class's probability drops when parts of a particle are covered.

    Parameters
    ----------
    model : LipNetClassifier or Pipeline
        Fitted classifier, or pipeline that ends in one.
    X : particle table, or array-like of shape (n_samples, n_pixels)
        What the model predicts: particles for a pipeline, rows of pixels for a
        classifier.
    target : class label, default=None
        The class; by default that which is predicted for each particle.
    window : int or tuple of (int, int), default=None
        Height and width in pixels of the patch that covers; one number for a square,
        by default a fifth of the image.
    stride : int or tuple of (int, int), default=1
        Steps in pixels from one patch to the next, down and to the right; not larger
        than the patch, or there would be pixels that none covers.
    fill_value : float, default=0.0
        Value of the pixels that are covered. After :class:`NormalizeBackground`, 0 is
        the mean of the background, and :class:`ApplyMask` fills with it too.

    Returns
    -------
    drops : ndarray of shape (n_samples, height, width)
        Mean drop over the patches that cover a pixel, from -1 to 1, as float32. Where
        it is positive, what is there speaks for the class.

    Raises
    ------
    ValueError
        If the model knows no such class, or patches or steps do not fit the image.
    TypeError
        If the model is of another kind.

    See Also
    --------
    OcclusionDisplay : Pictures of it.
    reconstruct : What excites a unit, in one pass through the network.

    Notes
    -----
    With :math:`p(x)` the probability of the class, as ``predict_proba`` gives it, and
    :math:`x_P` the particle with patch :math:`P` covered, the value of a pixel is the
    mean of :math:`p(x) - p(x_P)` over the patches that contain it. The last patch of a
    row or column ends at the border. After Zeiler and Fergus [1]_, section 4.2.

    A network is run once for each patch: with the default settings on images of 28 x 28
    pixels 529 times.

    References
    ----------
    .. [1] M. D. Zeiler and R. Fergus, "Visualizing and Understanding Convolutional
       Networks", ECCV 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import LipNetClassifier
    >>> from sklipo.inspection import occlusion_map
    >>> X, y = np.random.default_rng(0).random((20, 64)), ["full", "empty"] * 10
    >>> model = LipNetClassifier("lipnet-1", max_epochs=1, random_state=0).fit(X, y)
    >>> occlusion_map(model, X[:3], "full", window=3).shape
    (3, 8, 8)
    """
    classifier, X = split_model(model, X)
    network, images = open_network(classifier, X)
    window, stride = _check_patches(window, stride, classifier.image_shape_)
    if not isinstance(fill_value, Real) or not np.isfinite(fill_value):
        raise ValueError(f"fill_value={fill_value!r}; expected a finite number.")
    probabilities = _probability_function(classifier, network)
    codes = _target_codes(classifier, probabilities, images, target)
    occlusion = import_extra("captum.attr", "inspect").Occlusion(probabilities)
    batch_size = prediction_batch_size(images.shape[2:])
    drops = []
    for start in range(0, len(images), _IMAGES_AT_ONCE):
        batch = images[start : start + _IMAGES_AT_ONCE]
        drop = occlusion.attribute(
            batch,
            sliding_window_shapes=(1, *window),
            strides=(1, *stride),
            baselines=float(fill_value),
            target=codes[start : start + len(batch)],
            perturbations_per_eval=max(1, batch_size // len(batch)),
        )
        drops.append(drop.numpy()[:, 0])
    return np.concatenate(drops)


class OcclusionDisplay:
    """Particles, each above the parts that its class depends on.

    Make it by :meth:`from_estimator`. All particles have one grey scale, from the 1st
    to the 99th percentile of their pixels, and all maps have one scale with zero in its
    middle. What is red speaks for the class: its probability drops if that is covered.

    Parameters
    ----------
    images : ndarray of shape (n_samples, height, width)
        Particles as the network gets them.
    drops : ndarray of shape (n_samples, height, width)
        How the probability drops, see :func:`occlusion_map`.
    targets : sequence of n_samples class labels
        Classes that the drops are of.
    probabilities : ndarray of shape (n_samples,)
        Probabilities of these classes when nothing is covered.

    Attributes
    ----------
    axes_ : ndarray of shape (n_rows, n_columns)
        Axes, rows of particles above rows of maps.
    figure_ : matplotlib Figure
        Figure that holds them.

    See Also
    --------
    occlusion_map : The numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import LipNetClassifier
    >>> from sklipo.inspection import OcclusionDisplay
    >>> X, y = np.random.default_rng(0).random((20, 64)), ["full", "empty"] * 10
    >>> model = LipNetClassifier("lipnet-1", max_epochs=1, random_state=0).fit(X, y)
    >>> OcclusionDisplay.from_estimator(model, X[:3], window=3).axes_.shape
    (2, 3)
    """

    def __init__(self, images, drops, targets, probabilities):
        self.images = images
        self.drops = drops
        self.targets = targets
        self.probabilities = probabilities

    @classmethod
    def from_estimator(
        cls,
        model,
        X,
        *,
        target=None,
        window=None,
        stride=1,
        fill_value=0.0,
        ax=None,
        cmap="seismic",
    ):
        """Draw particles and how covering them changes what a fitted model predicts.

        Parameters
        ----------
        model : LipNetClassifier or Pipeline
            Fitted classifier, or pipeline that ends in one.
        X : particle table, or array-like of shape (n_samples, n_pixels)
            The particles to draw, a few rows of what the model predicts.
        target : class label, default=None
            The class; by default that which is predicted for each particle.
        window : int or tuple of (int, int), default=None
            Height and width of the patch that covers, see :func:`occlusion_map`.
        stride : int or tuple of (int, int), default=1
            Steps from one patch to the next.
        fill_value : float, default=0.0
            Value of the pixels that are covered.
        ax : array-like of matplotlib Axes, default=None
            Where to draw, see :meth:`plot`; by default into a new figure.
        cmap : str, default="seismic"
            Diverging colour map of the drops; its middle is zero.

        Returns
        -------
        display : OcclusionDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the model knows no such class, or patches or steps do not fit the image.
        TypeError
            If the model is of another kind.
        """
        classifier, X = split_model(model, X)
        drops = occlusion_map(
            classifier,
            X,
            target,
            window=window,
            stride=stride,
            fill_value=fill_value,
        )
        probabilities = classifier.predict_proba(X)
        codes = probabilities.argmax(axis=1)
        if target is not None:
            codes[:] = class_index(classifier, target, "target")
        display = cls(
            pixels_of(classifier, X),
            drops,
            classifier.classes_[codes],
            probabilities[np.arange(len(codes)), codes],
        )
        return display.plot(ax=ax, cmap=cmap)

    def plot(self, ax=None, *, cmap="seismic"):
        """Draw particles and maps.

        Parameters
        ----------
        ax : array-like of matplotlib Axes, default=None
            Where to draw: a row of particles, then a row of their maps, for up to eight
            particles each. By default into a new figure.
        cmap : str, default="seismic"
            Diverging colour map of the drops; its middle is zero.

        Returns
        -------
        display : OcclusionDisplay
            The display itself.
        """
        n_columns = min(len(self.images), _MOST_COLUMNS)
        n_bands = -(-len(self.images) // n_columns)
        size = (1.4 * n_columns + 1.2, 3.0 * n_bands + 0.3)
        self.axes_ = get_axes(ax, size, 2 * n_bands, n_columns)
        self.figure_ = self.axes_[0, 0].figure
        grey = {"cmap": "gray", **robust_limits(self.images)}
        colours = {"cmap": cmap, **symmetric_limits(self.drops)}
        for i, (image, drop) in enumerate(zip(self.images, self.drops, strict=True)):
            above, below = self.axes_.reshape(n_bands, 2, -1)[
                i // n_columns, :, i % n_columns
            ]
            show_image(above, image, **grey)
            shown = show_image(below, drop, **colours)
            title = f"{self.targets[i]}\n{self.probabilities[i]:.2f}"
            above.set_title(title, fontsize="small")
        for spare in self.axes_[-2:, i % n_columns + 1 :].flat:
            spare.set_axis_off()
        self.figure_.colorbar(shown, ax=self.axes_, label="drop of probability")
        return self


def _probability_function(classifier, network):
    """Return the function from images to probabilities that predict_proba applies."""
    averaged = classifier.test_time_augmentation
    compute = mean_probabilities if averaged else probabilities

    def predict(images):
        return torch.cat([compute(network, batch) for batch in in_batches(images)])

    return predict


def _target_codes(classifier, probabilities, images, target):
    """Return the index of the class of which to measure the drop, for each image."""
    if target is not None:
        return [class_index(classifier, target, "target")] * len(images)
    with torch.inference_mode():
        return probabilities(images).argmax(dim=1).tolist()


def _check_patches(window, stride, image_shape):
    """Return window and stride as heights and widths that fit the image."""
    if window is None:
        window = tuple(max(1, round(length / 5)) for length in image_shape)
    window, stride = _pair(window, "window"), _pair(stride, "stride")
    if window[0] > image_shape[0] or window[1] > image_shape[1]:
        raise ValueError(
            f"window={window} does not fit into images of {image_shape} pixels."
        )
    if stride[0] > window[0] or stride[1] > window[1]:
        raise ValueError(
            f"stride={stride} is larger than window={window}; there would be pixels "
            "that no patch covers."
        )
    return window, stride


def _pair(value, name):
    """Return one positive number, or two, as a pair."""
    pair = tuple(value) if np.iterable(value) else (value, value)
    if len(pair) != 2 or not all(isinstance(n, Integral) and n > 0 for n in pair):
        raise ValueError(
            f"{name}={value!r}; expected a positive number of pixels, or two: "
            "(height, width)."
        )
    return int(pair[0]), int(pair[1])
