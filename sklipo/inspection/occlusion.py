"""Parts of a particle that its class depends on."""

from numbers import Real

import numpy as np
import torch

from .._extras import import_extra
from ..displays._axes import PanelDisplay, plain_text
from ..displays._parameters import check_numbers, draws
from ..images._shapes import height_and_width
from ..particles._labels import check_labels
from ._layers import class_index
from ._models import (
    batch_size_of,
    images_of,
    open_network,
    probability_function,
    split_estimator,
)
from ._pictures import robust_limits, show_image, symmetric_limits

# Few particles share a batch, and several patches of each are covered at once: captum
# then loops less often than with one patch of many particles.
_IMAGES_AT_ONCE = 16

# Particles beside each other in a picture; more would be too small on a page.
_MOST_COLUMNS = 8


def occlusion_map(estimator, X, *, target=None, window=None, stride=1, fill_value=0.0):
    r"""Measure how a class's probability drops when parts of a particle are covered.

    Parameters
    ----------
    estimator : LipNetClassifier, Pipeline or search
        Fitted classifier, or fitted pipeline or search that ends in one.
    X : particle table, or array-like of shape (n_samples, n_pixels)
        What the estimator predicts: particles for a pipeline, rows of pixels for a
        classifier.
    target : class label, default=None
        The class; by default the class that is predicted for each particle.
    window : int or tuple of (int, int), default=None
        Height and width of the covering patch in pixels, or one number for a square;
        by default a fifth of the image.
    stride : int or tuple of (int, int), default=1
        Steps from one patch to the next in pixels, down and to the right. They must
        not be larger than the patch, which would leave pixels uncovered.
    fill_value : float, default=0.0
        Value of the covered pixels. After :class:`NormalizeBackground`, 0 is the mean
        of the background, and :class:`ApplyMask` fills with it too.

    Returns
    -------
    drops : ndarray of shape (n_samples, height, width)
        Mean drop over the patches that cover a pixel, from -1 to 1, as float32. Parts
        where it is positive speak for the class.

    Raises
    ------
    ValueError
        If there is no such class, or patches or steps do not fit the image.
    TypeError
        If the estimator ends in something else.

    See Also
    --------
    OcclusionDisplay : Pictures of it.
    reconstruct : The pattern that excites a unit, in one pass through the network.

    Notes
    -----
    With :math:`p(x)` the probability of the class, as ``predict_proba`` gives it, and
    :math:`x_P` the particle with patch :math:`P` covered, the value of a pixel is the
    mean of :math:`p(x) - p(x_P)` over the patches that contain it. The last patch of a
    row or column ends at the border. After Zeiler and Fergus [1]_, section 4.2.

    The network runs once for each patch: 529 times with the default settings on images
    of 28 x 28 pixels. It may be of any kind, since only its probabilities are used.

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
    >>> occlusion_map(model, X[:3], target="full", window=3).shape
    (3, 8, 8)
    """
    classifier, X = split_estimator(estimator, X)
    network, images = open_network(classifier, X)
    window, stride = _check_patches(window, stride, classifier.image_shape_)
    if not isinstance(fill_value, Real) or not np.isfinite(fill_value):
        raise ValueError(f"fill_value={fill_value!r}; expected a finite number.")
    probabilities = probability_function(classifier, network)
    codes = _target_codes(classifier, probabilities, images, target)
    occlusion = import_extra("captum.attr", "inspect").Occlusion(probabilities)
    drops = []
    for start in range(0, len(images), _IMAGES_AT_ONCE):
        batch = images[start : start + _IMAGES_AT_ONCE]
        drop = occlusion.attribute(
            batch,
            # The first axis is that of the channels, of which images have one.
            sliding_window_shapes=(1, *window),
            strides=(1, *stride),
            baselines=float(fill_value),
            target=codes[start : start + len(batch)],
            # As many patches at once as make up a batch that suits the cache.
            perturbations_per_eval=max(1, batch_size_of(images) // len(batch)),
        )
        drops.append(drop.numpy()[:, 0])
    return np.concatenate(drops)


class OcclusionDisplay(PanelDisplay):
    """Particles, each above a map of the parts that its class depends on.

    It is recommended to use :meth:`from_estimator`. All particles share one gray scale,
    from the 1st to the 99th percentile of their pixels, and all maps share one scale
    with zero in its middle. Red parts speak for the class: its probability drops when
    they are covered.

    Parameters
    ----------
    images : ndarray of shape (n_samples, height, width)
        Particles as the network receives them.
    drops : ndarray of shape (n_samples, height, width)
        Drops of the probability, see :func:`occlusion_map`.
    targets : sequence of n_samples class labels
        The class of each particle whose probability drops.
    probabilities : ndarray of shape (n_samples,)
        Probabilities of these classes when nothing is covered.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first panel.
    axes_ : ndarray of matplotlib Axes, of shape (2, n_samples)
        All panels: those of the particles, and those of their maps.
    figure_ : matplotlib Figure
        The figure.

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
        self.images = check_numbers(images, (None, None, None), "images")
        n_samples = len(self.images)
        self.drops = check_numbers(drops, self.images.shape, "drops")
        self.targets = check_labels(targets, n_samples, name="targets")
        self.probabilities = check_numbers(probabilities, (n_samples,), "probabilities")

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        target=None,
        window=None,
        stride=1,
        fill_value=0.0,
        **plot_params,
    ):
        """Draw particles and how covering their parts changes the prediction.

        Parameters
        ----------
        estimator : LipNetClassifier, Pipeline or search
            Fitted classifier, or fitted pipeline or search that ends in one.
        X : particle table, or array-like of shape (n_samples, n_pixels)
            The particles to draw, a few rows of what the estimator predicts.
        target : class label, default=None
            The class; by default the class that is predicted for each particle.
        window : int or tuple of (int, int), default=None
            Height and width of the covering patch, see :func:`occlusion_map`.
        stride : int or tuple of (int, int), default=1
            Steps from one patch to the next.
        fill_value : float, default=0.0
            Value of the covered pixels.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : OcclusionDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If there is no such class, or patches or steps do not fit the image.
        TypeError
            If the estimator ends in something else.
        """
        classifier, X = split_estimator(estimator, X)
        drops = occlusion_map(
            classifier,
            X,
            target=target,
            window=window,
            stride=stride,
            fill_value=fill_value,
        )
        probabilities = classifier.predict_proba(X)
        codes = probabilities.argmax(axis=1)
        if target is not None:
            codes[:] = class_index(classifier, target, "target")
        display = cls(
            images_of(classifier, X),
            drops,
            classifier.classes_[codes],
            probabilities[np.arange(len(codes)), codes],
        )
        return display.plot(**plot_params)

    @draws({})
    def plot(self, *, ax=None, cmap="seismic"):
        """Draw particles and maps.

        Parameters
        ----------
        ax : array-like of matplotlib Axes, default=None
            Where to draw: a row of particles, then a row of their maps, for up to eight
            particles each. By default a figure is made.
        cmap : str or matplotlib Colormap, default="seismic"
            Diverging color map of the drops; its middle is zero.

        Returns
        -------
        display : OcclusionDisplay
            The display itself.
        """
        n_columns = min(len(self.images), _MOST_COLUMNS)
        bands, columns = np.divmod(np.arange(len(self.images)), n_columns)
        shape = (2 * int(bands[-1] + 1), n_columns)
        cells = (np.stack([2 * bands, 2 * bands + 1]), np.stack([columns, columns]))
        size = (1.4 * n_columns + 1.2, 1.5 * shape[0] + 0.3)
        # "compressed" is the constrained layout for axes of a fixed aspect.
        axes = self._open_grid(ax, shape, cells, figsize=size, layout="compressed")
        gray = {"cmap": "gray", **robust_limits(self.images)}
        colors = {"cmap": cmap, **symmetric_limits(self.drops)}
        for i, (above, below) in enumerate(axes.T):
            show_image(above, self.images[i], **gray)
            shown = show_image(below, self.drops[i], **colors)
            title = f"{plain_text(self.targets[i])}\n{self.probabilities[i]:.2f}"
            above.set_title(title, fontsize="small")
        self.figure_.colorbar(shown, ax=axes, label="drop of probability")
        return self


def _target_codes(classifier, probabilities, images, target):
    """Return, for each image, the index of the class whose drop is measured."""
    if target is not None:
        return [class_index(classifier, target, "target")] * len(images)
    with torch.inference_mode():
        return probabilities(images).argmax(dim=1).tolist()


def _check_patches(window, stride, image_shape):
    """Return window and stride as heights and widths that fit the image."""
    if window is None:
        window = tuple(max(1, round(length / 5)) for length in image_shape)
    window = height_and_width(window, "window")
    stride = height_and_width(stride, "stride")
    if window[0] > image_shape[0] or window[1] > image_shape[1]:
        raise ValueError(
            f"window={window} does not fit into images of {image_shape} pixels; "
            "expected a smaller patch."
        )
    if stride[0] > window[0] or stride[1] > window[1]:
        raise ValueError(
            f"stride={stride} is larger than window={window} and would leave pixels "
            "uncovered; expected steps up to the size of the patch."
        )
    return window, stride
