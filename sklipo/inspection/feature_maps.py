"""Feature maps: the output of a network's layers for a particle."""

import numpy as np
import torch

from ..displays._axes import PanelDisplay
from ..displays._parameters import check_numbers, draws
from ._layers import check_layer, layers_of, part_up_to
from ._models import images_of, in_batches, open_network, split_estimator
from ._pictures import (
    draw_mosaic,
    full_limits,
    mosaic_columns,
    number_mosaic,
    show_image,
)


def feature_maps(estimator, X, layer="conv1"):
    """Return the feature maps of a layer for each particle.

    Parameters
    ----------
    estimator : LipNetClassifier, Pipeline or search
        Fitted classifier, or fitted pipeline or search that ends in one.
    X : particle table, or array-like of shape (n_samples, n_pixels)
        What the estimator predicts: particles for a pipeline, rows of pixels for a
        classifier.
    layer : str, default="conv1"
        Name of a layer with maps: ``conv1``, ``norm1``, ``relu1``, ``pool1``,
        ``dropout1`` and so on; which of them exist depends on the network. In a network
        of your own the names are those of :meth:`torch.nn.Module.named_modules`.

    Returns
    -------
    maps : ndarray of shape (n_samples, n_filters, height, width)
        Activations, with the dtype of the network's weights.

    Raises
    ------
    ValueError
        If there is no such layer, or it has no maps. The message lists the layers.
    TypeError
        If the estimator ends in something else.

    See Also
    --------
    FeatureMapDisplay : Pictures of them.
    LipNetClassifier.transform : Activations of the hidden layer, which has no maps.

    Notes
    -----
    As in prediction, nothing is dropped: the maps after a dropout are those before it.

    A layer that runs several times in a network of your own gives its last maps.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import LipNetClassifier
    >>> from sklipo.inspection import feature_maps
    >>> X, y = np.random.default_rng(0).random((20, 64)), [0, 1] * 10
    >>> model = LipNetClassifier("lipnet-1", max_epochs=1, n_filters=4).fit(X, y)
    >>> feature_maps(model, X, "pool1").shape
    (20, 4, 4, 4)
    """
    classifier, X = split_estimator(estimator, X)
    network, images = open_network(classifier, X)
    check_layer(layer, list(layers_of(network)))
    part = part_up_to(network, layer)
    with torch.inference_mode():
        maps = [part(batch).numpy() for batch in in_batches(images)]
    if maps[0].ndim != 4:
        raise ValueError(
            f"layer={layer!r} has no maps: for each particle it gives numbers of shape "
            f"{maps[0].shape[1:]}; expected (n_filters, height, width)."
        )
    # Convolutions keep the axis of the filters last in memory.
    return np.ascontiguousarray(np.concatenate(maps))


class FeatureMapDisplay(PanelDisplay):
    """Picture of a particle and its feature maps, Figure 15 of the thesis.

    It is recommended to use :meth:`from_estimator`. All maps share the gray scale of
    the bar beside them: a filter that answers faintly looks faint.

    Parameters
    ----------
    image : ndarray of shape (height, width)
        The particle as the network receives it.
    maps : ndarray of shape (n_filters, map_height, map_width)
        Its feature maps.
    layer : str
        Name of the layer.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel of the particle.
    axes_ : ndarray of matplotlib Axes, of shape (2,)
        The panels of the particle and of the maps.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    feature_maps : The numbers.
    FilterDisplay : The filters that make the maps.

    Notes
    -----
    The number of a filter is the number beside its row plus that below its column.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.inspection import FeatureMapDisplay
    >>> maps = np.random.default_rng(0).random((8, 14, 14))
    >>> display = FeatureMapDisplay(np.eye(28), maps, "relu2").plot()
    >>> display.axes_[1].get_title()
    'relu2: 8 maps of 14 x 14'
    """

    def __init__(self, image, maps, layer):
        self.image = check_numbers(image, (None, None), "image")
        self.maps = check_numbers(maps, (None, None, None), "maps", allow_nan=True)
        self.layer = layer

    @classmethod
    def from_estimator(cls, estimator, X, *, layer="conv1", **plot_params):
        """Draw a particle and the maps that a layer of a fitted model makes of it.

        Parameters
        ----------
        estimator : LipNetClassifier, Pipeline or search
            Fitted classifier, or fitted pipeline or search that ends in one.
        X : particle table, or array-like of shape (1, n_pixels)
            One particle, as one row of what the estimator predicts:
            ``particles[:1]``.
        layer : str, default="conv1"
            Name of a layer with maps, see :func:`feature_maps`.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : FeatureMapDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If there is no such layer with maps, or X is not one particle.
        TypeError
            If the estimator ends in something else.

        Examples
        --------
        >>> import numpy as np
        >>> from sklipo import LipNetClassifier
        >>> from sklipo.inspection import FeatureMapDisplay
        >>> X, y = np.random.default_rng(0).random((20, 64)), [0, 1] * 10
        >>> model = LipNetClassifier("lipnet-2", max_epochs=1).fit(X, y)
        >>> FeatureMapDisplay.from_estimator(model, X[:1], layer="pool2").maps.shape
        (32, 2, 2)
        """
        classifier, X = split_estimator(estimator, X)
        images = images_of(classifier, X)
        if len(images) != 1:
            raise ValueError(
                f"X holds {len(images)} particles; expected one, whose maps are drawn. "
                "Pass one row, such as X[:1]."
            )
        maps = feature_maps(classifier, X, layer)
        return cls(images[0], maps[0], layer).plot(**plot_params)

    @draws({})
    def plot(self, *, ax=None, cmap="gray"):
        """Draw the particle and its maps.

        Parameters
        ----------
        ax : array-like of two matplotlib Axes, default=None
            Where to draw the particle and the maps. By default a figure is made.
        cmap : str or matplotlib Colormap, default="gray"
            Color map.

        Returns
        -------
        display : FeatureMapDisplay
            The display itself.
        """
        n_maps, *shape = self.maps.shape
        n_columns = mosaic_columns(n_maps)
        # The maps are twice as wide as high, and drawn higher than the input.
        subplots = {"figsize": (8.4, 3.2), "width_ratios": (1, 3)}
        left, right = self._open_panels(ax, (1, 2), ["input", "maps"], **subplots)
        show_image(left, self.image, cmap=cmap)
        left.set_title("input")
        shown = draw_mosaic(
            right, self.maps, n_columns, cmap=cmap, **full_limits(self.maps)
        )
        number_mosaic(right, shape, n_maps, n_columns)
        right.set(
            title=f"{self.layer}: {n_maps} maps of {shape[0]} x {shape[1]}",
            ylabel="filter",
        )
        self.figure_.colorbar(shown, ax=right, label="activation")
        return self
