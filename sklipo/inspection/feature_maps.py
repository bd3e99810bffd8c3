"""What the layers of a network make of a particle."""

import numpy as np
import torch

from ._layers import check_layer, map_layers, part_up_to
from ._models import in_batches, open_network, pixels_of, split_model
from ._panels import (
    columns_of_mosaic,
    draw_mosaic,
    get_axes,
    limits_of,
    number_mosaic,
    show_image,
)


def feature_maps(model, X, layer="conv1"):
    """Return the feature maps of a layer for each particle.

    Parameters
    ----------
    model : LipNetClassifier or Pipeline
        Fitted classifier, or pipeline that ends in one.
    X : particle table, or array-like of shape (n_samples, n_pixels)
        What the model predicts: particles for a pipeline, rows of pixels for a
        classifier.
    layer : str, default="conv1"
        Name of a layer with maps: ``conv1``, ``norm1``, ``relu1``, ``pool1``,
        ``dropout1``, ... as far as the network has them.

    Returns
    -------
    maps : ndarray of shape (n_samples, n_filters, height, width)
        Activations, of the type of the network's weights.

    Raises
    ------
    ValueError
        If there is no such layer. The message lists the layers.
    TypeError
        If the model is of another kind.

    See Also
    --------
    FeatureMapDisplay : Pictures of them.
    LipNetClassifier.transform : Activations of the hidden layer, which has no maps.

    Notes
    -----
    Nothing is dropped, as in prediction, so that maps after a dropout are those before
    it.

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
    classifier, X = split_model(model, X)
    network, images = open_network(classifier, X)
    check_layer(layer, map_layers(network))
    part = part_up_to(network, layer)
    with torch.inference_mode():
        maps = [part(batch).numpy() for batch in in_batches(images)]
    return np.ascontiguousarray(np.concatenate(maps))


class FeatureMapDisplay:
    """Picture of a particle and its feature maps, Figure 15 of the thesis.

    Make it by :meth:`from_estimator`. All maps have one grey scale, that of the bar
    beside them, so that a filter that answers faintly looks faint.

    Parameters
    ----------
    image : ndarray of shape (height, width)
        The particle as the network gets it.
    maps : ndarray of shape (n_filters, map_height, map_width)
        Its feature maps.
    layer : str
        Name of the layer.

    Attributes
    ----------
    axes_ : ndarray of shape (2,)
        Axes of the particle and of the maps.
    figure_ : matplotlib Figure
        Figure that holds them.

    See Also
    --------
    feature_maps : The numbers.
    FilterDisplay : The filters that make them.

    Notes
    -----
    The number of a filter is that beside the row plus that below the column.

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
        self.image = image
        self.maps = maps
        self.layer = layer

    @classmethod
    def from_estimator(cls, model, X, *, layer="conv1", ax=None, cmap="gray"):
        """Draw a particle and what a layer of a fitted model makes of it.

        Parameters
        ----------
        model : LipNetClassifier or Pipeline
            Fitted classifier, or pipeline that ends in one.
        X : particle table, or array-like of shape (1, n_pixels)
            One particle, as one row of what the model predicts: ``particles[:1]``.
        layer : str, default="conv1"
            Name of a layer with maps, see :func:`feature_maps`.
        ax : array-like of two matplotlib Axes, default=None
            Where to draw the particle and the maps; by default into a new figure.
        cmap : str, default="gray"
            Colour map.

        Returns
        -------
        display : FeatureMapDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If there is no such layer, or X is not one particle.
        TypeError
            If the model is of another kind.

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
        classifier, X = split_model(model, X)
        images = pixels_of(classifier, X)
        if len(images) != 1:
            raise ValueError(
                f"X holds {len(images)} particles; the maps of one are drawn. Pass one "
                "row, such as X[:1]."
            )
        maps = feature_maps(classifier, X, layer)
        return cls(images[0], maps[0], layer).plot(ax=ax, cmap=cmap)

    def plot(self, ax=None, *, cmap="gray"):
        """Draw the particle and its maps.

        Parameters
        ----------
        ax : array-like of two matplotlib Axes, default=None
            Where to draw the particle and the maps; by default into a new figure.
        cmap : str, default="gray"
            Colour map.

        Returns
        -------
        display : FeatureMapDisplay
            The display itself.
        """
        n_maps, *shape = self.maps.shape
        n_columns = columns_of_mosaic(n_maps)
        # The maps are twice as wide as high, and twice as high as the input.
        self.axes_ = get_axes(
            ax, (8.4, 3.2), 1, 2, width_ratios=(1, 3), layout="constrained"
        )[0]
        left, right = self.axes_
        self.figure_ = left.figure
        show_image(left, self.image, cmap=cmap)
        left.set_title("input")
        shown = draw_mosaic(
            right, self.maps, n_columns, cmap=cmap, **limits_of(self.maps)
        )
        number_mosaic(right, shape, n_maps, n_columns)
        right.set(
            title=f"{self.layer}: {n_maps} maps of {shape[0]} x {shape[1]}",
            ylabel="filter",
        )
        self.figure_.colorbar(shown, ax=right, label="activation")
        return self
