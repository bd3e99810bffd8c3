"""Pictures of the filters that the convolutions of a network have learned."""

from numbers import Integral

import numpy as np

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import validate_params

from ..displays._axes import PanelDisplay
from ..displays._parameters import check_numbers, draws
from ._layers import check_layer, convolutions
from ._models import copy_network, find_classifier
from ._pictures import (
    draw_mosaic,
    mosaic_columns,
    number_mosaic,
    symmetric_limits,
    tick_mosaic,
)


class FilterDisplay(PanelDisplay):
    """Picture of the filters of a convolution, Figure 14 of the thesis.

    It is recommended to use :meth:`from_estimator`. Blue weights are negative, red ones
    positive, white ones zero.

    Parameters
    ----------
    weights : ndarray of shape (n_filters, n_channels, height, width)
        Weights of the filters for the input channels to show.
    layer : str, default="conv1"
        Name of the layer.
    input_channels : sequence of int, default=None
        Numbers of the channels in ``weights``; by default they count from 0.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel with the picture.
    axes_ : ndarray of matplotlib Axes, of shape (1,)
        The same panel.
    figure_ : matplotlib Figure
        The figure.
    im_ : matplotlib AxesImage
        The picture.

    See Also
    --------
    FeatureMapDisplay : The maps that the filters make of a particle.
    sklipo.lipnet.dead_filters : Filters whose weights have decayed to nothing.

    Notes
    -----
    A filter of the first convolution is one small image, since particles have one gray
    channel. A filter of a later convolution has a small image for each feature map that
    it reads, and no single image stands for it: averages over channels would show
    weights that the network does not have. Such a layer is drawn as a matrix with a
    column for each filter and a row for each channel that it reads. One channel alone
    is drawn as a grid with a cell for each filter; the number of a filter is the number
    beside its row plus that below its column.

    Weights are drawn as they are, without the factors of a batch normalization that may
    follow.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.inspection import FilterDisplay
    >>> weights = np.random.default_rng(0).normal(size=(8, 1, 3, 3))
    >>> display = FilterDisplay(weights).plot()
    >>> display.ax_.get_title()
    '8 filters of conv1'
    """

    @validate_params({"layer": [str]}, prefer_skip_nested_validation=True)
    def __init__(self, weights, *, layer="conv1", input_channels=None):
        self.weights = check_numbers(weights, (None,) * 4, "weights", allow_nan=True)
        self.layer = layer
        n_channels = self.weights.shape[1]
        if input_channels is not None and np.shape(input_channels) != (n_channels,):
            raise ValueError(
                f"input_channels={input_channels!r}; expected the numbers of the "
                f"{n_channels} channels in weights."
            )
        self.input_channels = input_channels

    @classmethod
    def from_estimator(
        cls, estimator, *, layer="conv1", input_channels=None, **plot_params
    ):
        """Draw the filters of a fitted network.

        Parameters
        ----------
        estimator : LipNetClassifier, Pipeline or search
            Fitted classifier, or fitted pipeline or search that ends in one.
        layer : str, default="conv1"
            Name of a convolution: ``conv1``, ``conv2``, ... In a network of your own
            the names are those of :meth:`torch.nn.Module.named_modules`.
        input_channels : int or sequence of int, default=None
            Feature maps that the filters read; all by default.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : FilterDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If there is no such convolution or channel.
        TypeError
            If the estimator ends in something else.

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
        layers = convolutions(copy_network(find_classifier(estimator)))
        check_layer(layer, list(layers))
        weights = layers[layer].weight.numpy()
        channels = _check_channels(input_channels, weights.shape[1], layer)
        display = cls(weights[:, channels], layer=layer, input_channels=channels)
        return display.plot(**plot_params)

    @draws({"colorbar": ["boolean"]})
    def plot(self, *, ax=None, cmap="seismic", colorbar=True):
        """Draw the filters.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. By default a figure is made.
        cmap : str or matplotlib Colormap, default="seismic"
            Diverging color map; its middle is zero.
        colorbar : bool, default=True
            Draw a color bar.

        Returns
        -------
        display : FilterDisplay
            The display itself.
        """
        n_filters, n_channels, *shape = self.weights.shape
        is_grid = n_channels == 1
        n_columns = mosaic_columns(n_filters) if is_grid else n_filters
        height = 3.6 if is_grid else max(2.0, 1 + 5 * n_channels / n_filters)
        # "compressed" is the constrained layout for axes of a fixed aspect.
        subplots = {"figsize": (6.8, height), "layout": "compressed"}
        (ax,) = self._open_panels(ax, (1, 1), ["filters"], **subplots)
        # Row by row of the picture: a channel with all filters, then the next one.
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
        """Return the numbers of the input channels that are shown."""
        if self.input_channels is None:
            return list(range(self.weights.shape[1]))
        return list(self.input_channels)

    def _label(self, is_grid):
        """Write what is shown into title and labels."""
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
