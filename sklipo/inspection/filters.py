"""What the convolutions of a network have learnt: pictures of their filters."""

from numbers import Integral

import numpy as np

from ._layers import check_layer, convolutions
from ._models import copy_network, find_classifier
from ._panels import (
    columns_of_mosaic,
    draw_mosaic,
    get_axes,
    number_mosaic,
    symmetric_limits,
    tick_mosaic,
)


class FilterDisplay:
    """Picture of the filters of a convolution, Figure 14 of the thesis.

    Make it by :meth:`from_estimator`. Blue weights are negative, red ones positive,
    white ones zero.

    Parameters
    ----------
    weights : ndarray of shape (n_filters, n_channels, height, width)
        Weights of the filters, of as many input channels as are to be shown.
    layer : str, default="conv1"
        Name of the layer.
    input_channels : sequence of int, default=None
        Numbers of the channels in ``weights``; by default they count from 0.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.
    figure_ : matplotlib Figure
        Figure that holds it.
    im_ : matplotlib AxesImage
        The picture.

    See Also
    --------
    FeatureMapDisplay : What the filters make of a particle.
    LipNetClassifier.dead_filters_ : Filters that weight decay has brought to nothing.

    Notes
    -----
    A filter of the first convolution is one small image, since particles have one grey
    channel. A filter of a later convolution is a small image for each feature map that
    it reads, and no single image stands for it: averages over channels would show
    weights that the network does not have. Those layers are drawn as a matrix with a
    column for each filter and a row for each channel that it reads. One channel alone
    is drawn as a grid with a cell for each filter; its number is that beside the row
    plus that below the column.

    Weights are drawn as they are. The factors of a batch normalisation that may follow
    are not multiplied in.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.inspection import FilterDisplay
    >>> weights = np.random.default_rng(0).normal(size=(8, 1, 3, 3))
    >>> display = FilterDisplay(weights).plot()
    >>> display.ax_.get_title()
    '8 filters of conv1'
    """

    def __init__(self, weights, *, layer="conv1", input_channels=None):
        self.weights = weights
        self.layer = layer
        self.input_channels = input_channels

    @classmethod
    def from_estimator(
        cls,
        model,
        *,
        layer="conv1",
        input_channels=None,
        ax=None,
        cmap="seismic",
        colorbar=True,
    ):
        """Draw the filters of a fitted model.

        Parameters
        ----------
        model : LipNetClassifier or Pipeline
            Fitted classifier, or pipeline that ends in one.
        layer : str, default="conv1"
            Name of a convolution: ``conv1``, ``conv2``, ...
        input_channels : int or sequence of int, default=None
            Which of the feature maps that the filters read; all by default.
        ax : matplotlib Axes, default=None
            Where to draw; by default into a new figure.
        cmap : str, default="seismic"
            Diverging colour map; its middle is zero.
        colorbar : bool, default=True
            Draw a colour bar.

        Returns
        -------
        display : FilterDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If there is no such convolution or channel.
        TypeError
            If the model is of another kind.

        Examples
        --------
        >>> import numpy as np
        >>> from sklipo import LipNetClassifier
        >>> from sklipo.inspection import FilterDisplay
        >>> X, y = np.random.default_rng(0).random((20, 64)), [0, 1] * 10
        >>> model = LipNetClassifier("lipnet-2", max_epochs=1, n_filters=4).fit(X, y)
        >>> FilterDisplay.from_estimator(model, layer="conv2").weights.shape
        (4, 4, 3, 3)
        """
        layers = convolutions(copy_network(find_classifier(model)))
        check_layer(layer, list(layers))
        weights = layers[layer].weight.numpy()
        channels = _check_channels(input_channels, weights.shape[1], layer)
        display = cls(weights[:, channels], layer=layer, input_channels=channels)
        return display.plot(ax=ax, cmap=cmap, colorbar=colorbar)

    def plot(self, ax=None, *, cmap="seismic", colorbar=True):
        """Draw the filters.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; by default into a new figure.
        cmap : str, default="seismic"
            Diverging colour map; its middle is zero.
        colorbar : bool, default=True
            Draw a colour bar.

        Returns
        -------
        display : FilterDisplay
            The display itself.
        """
        n_filters, n_channels, *shape = self.weights.shape
        is_grid = n_channels == 1
        n_columns = columns_of_mosaic(n_filters) if is_grid else n_filters
        height = 3.6 if is_grid else max(2.0, 1 + 5 * n_channels / n_filters)
        self.ax_ = ax = get_axes(ax, (6.8, height))[0, 0]
        self.figure_ = ax.figure
        images = self.weights.swapaxes(0, 1).reshape(-1, *shape)
        self.im_ = draw_mosaic(
            ax, images, n_columns, cmap=cmap, **symmetric_limits(images)
        )
        if is_grid:
            number_mosaic(ax, shape, n_filters, n_columns)
        else:
            tick_mosaic(ax, shape, self._channels, range(n_filters))
        self._label(is_grid)
        if colorbar:
            self.figure_.colorbar(self.im_, ax=ax, label="weight")
        return self

    @property
    def _channels(self):
        """Numbers of the input channels that are shown."""
        if self.input_channels is None:
            return list(range(self.weights.shape[1]))
        return list(self.input_channels)

    def _label(self, is_grid):
        """Say what is shown."""
        title = f"{len(self.weights)} filters of {self.layer}"
        if not is_grid:
            self.ax_.set(title=title, xlabel="filter", ylabel="channel read")
            return
        if self.layer != "conv1":
            title += f", input channel {self._channels[0]}"
        self.ax_.set(title=title, ylabel="filter")


def _check_channels(channels, n_channels, layer):
    """Return the numbers of the input channels asked for."""
    if channels is None:
        return list(range(n_channels))
    numbers = np.atleast_1d(channels).tolist()
    is_known = [isinstance(n, Integral) and 0 <= n < n_channels for n in numbers]
    if not numbers or not all(is_known):
        raise ValueError(
            f"input_channels={channels!r}; layer {layer!r} reads {n_channels} "
            f"channels, numbered from 0 to {n_channels - 1}."
        )
    return numbers
