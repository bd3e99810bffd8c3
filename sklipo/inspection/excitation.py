"""The particles that excite a unit most."""

import numpy as np

# Private in scikit-learn: _safe_indexing, _param_validation.
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import validate_params

from ..displays._axes import PanelDisplay, plain_text
from ..displays._parameters import COUNT, check_numbers, draws
from ._layers import check_parts, part_up_to, strongest_activations, unit_index
from ._methods import choose_method
from ._models import copy_network, images_of, open_network, split_estimator
from ._pictures import robust_limits, show_image, symmetric_limits
from .reconstruction import reconstruct

_METHOD_LABELS = {
    "deconvolution": "deconvolution",
    "guided_backpropagation": "guided\nbackpropagation",
}


@validate_params({"n_particles": [COUNT]}, prefer_skip_nested_validation=False)
def most_exciting_particles(estimator, X, layer, unit, *, n_particles=5):
    """Find the particles that excite a unit most.

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
    n_particles : int, default=5
        Number of particles to return; all if there are fewer.

    Returns
    -------
    rows : ndarray of shape (n_particles,)
        Their rows in X, counted from 0, the most exciting particle first.
    activations : ndarray of shape (n_particles,)
        The unit's greatest activation in each; for the output the logit of the class.

    Raises
    ------
    ValueError
        If there is no such layer, unit or class, or ``n_particles`` is below 1.
    TypeError
        If the estimator ends in something else.

    See Also
    --------
    ExcitationDisplay : These particles above the patterns that excite the unit.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import LipNetClassifier
    >>> from sklipo.inspection import most_exciting_particles
    >>> X = np.zeros((20, 64))
    >>> X[7, 30] = 9
    >>> model = LipNetClassifier("lipnet-1", max_epochs=1, random_state=0)
    >>> rows, _ = most_exciting_particles(model.fit(X, [0, 1] * 10), X, "conv1", 0)
    >>> int(rows[0])
    7
    """
    classifier, X = split_estimator(estimator, X)
    network, images = open_network(classifier, X)
    part = part_up_to(network, layer)
    index = unit_index(classifier, part, images, layer, unit)
    activations, _ = strongest_activations(part, images, index)
    # Stable: of equal activations the first row comes first.
    rows = np.argsort(-activations, kind="stable")[:n_particles]
    return rows, activations[rows]


class ExcitationDisplay(PanelDisplay):
    """The particles that excite units most, each above the pattern that does so.

    It is recommended to use :meth:`from_estimator`. All particles share one gray scale,
    from the 1st to the 99th percentile of their pixels. The reconstructions of a unit
    share one scale with zero in its middle, as wide as the largest of them: red pixels
    speak for the unit if they are bright, blue ones if they are dark.

    Parameters
    ----------
    images : ndarray of shape (n_units, n_particles, height, width)
        For each unit the particles as the network receives them.
    reconstructions : ndarray of shape (n_units, n_particles, height, width)
        The patterns that excite the unit, see :func:`reconstruct`.
    activations : ndarray of shape (n_units, n_particles)
        The unit's greatest activation in each.
    rows : ndarray of shape (n_units, n_particles)
        Rows of the particles in X.
    layer : str
        Name of the layer.
    units : sequence of int or class labels
        The units.
    method : str
        Method of reconstruction.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The first panel.
    axes_ : ndarray of matplotlib Axes, of shape (2 * n_units, n_particles)
        All panels, for each unit a row of particles above a row of reconstructions.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    most_exciting_particles : Finds the particles.
    reconstruct : Finds the patterns.

    References
    ----------
    .. [1] M. D. Zeiler and R. Fergus, "Visualizing and Understanding Convolutional
       Networks", ECCV 2014. Figure 2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import LipNetClassifier
    >>> from sklipo.inspection import ExcitationDisplay
    >>> X, y = np.random.default_rng(0).random((20, 64)), [0, 1] * 10
    >>> model = LipNetClassifier("lipnet-1", max_epochs=1, random_state=0).fit(X, y)
    >>> display = ExcitationDisplay.from_estimator(
    ...     model, X, layer="relu1", units=[0, 3], n_particles=4
    ... )
    >>> display.axes_.shape
    (4, 4)
    """

    def __init__(
        self, images, reconstructions, activations, rows, *, layer, units, method
    ):
        self.images = check_numbers(images, (None,) * 4, "images")
        shape = self.images.shape
        self.reconstructions = check_numbers(reconstructions, shape, "reconstructions")
        self.activations = check_numbers(activations, shape[:2], "activations")
        self.rows = rows
        self.layer = layer
        self.units = units
        self.method = method

    @classmethod
    @validate_params({"n_particles": [COUNT]}, prefer_skip_nested_validation=False)
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        layer,
        units,
        n_particles=5,
        method="auto",
        **plot_params,
    ):
        """Find and draw the particles that excite units of a fitted network most.

        Parameters
        ----------
        estimator : LipNetClassifier, Pipeline or search
            Fitted classifier, or fitted pipeline or search that ends in one.
        X : particle table, or array-like of shape (n_samples, n_pixels)
            What the estimator predicts: particles for a pipeline, rows of pixels for a
            classifier.
        layer : str
            Name of a layer with feature maps, or ``"hidden"`` or ``"output"``.
        units : int, class label or list of them
            Numbers of the filters or hidden units; for the output class labels.
        n_particles : int, default=5
            Number of particles for each unit; all if there are fewer.
        method : {"auto", "deconvolution", "guided_backpropagation"}, default="auto"
            See :func:`reconstruct`.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : ExcitationDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If there is no such layer, unit, class or method.
        TypeError
            If the estimator ends in something else, or its network has other parts
            than a LipNet.
        """
        classifier, X = split_estimator(estimator, X)
        network = copy_network(classifier)
        check_parts(network)
        method = choose_method(method, network)
        many = isinstance(units, list | tuple | range | np.ndarray)
        units = list(units) if many and np.ndim(units) else [units]
        if not units:
            raise ValueError("units is empty; expected one unit or more.")
        found = [
            _excite(classifier, X, layer, unit, n_particles, method) for unit in units
        ]
        arrays = (np.stack(parts) for parts in zip(*found, strict=True))
        display = cls(*arrays, layer=layer, units=units, method=method)
        return display.plot(**plot_params)

    @draws({})
    def plot(self, *, ax=None, cmap="seismic"):
        """Draw particles and reconstructions.

        Parameters
        ----------
        ax : array-like of matplotlib Axes, default=None
            Where to draw, two rows of ``n_particles`` for each unit. By default a
            figure is made.
        cmap : str or matplotlib Colormap, default="seismic"
            Diverging color map of the reconstructions; its middle is zero.

        Returns
        -------
        display : ExcitationDisplay
            The display itself.
        """
        n_units, n_particles = self.activations.shape
        shape = (2 * n_units, n_particles)
        size = (1.4 * n_particles + 0.6, 3.0 * n_units + 0.6)
        # "compressed" is the constrained layout for axes of a fixed aspect.
        subplots = {"figsize": size, "layout": "compressed"}
        self._open_grid(ax, shape, tuple(np.indices(shape)), **subplots)
        for i in range(n_units):
            self._plot_unit(i, *self.axes_[2 * i : 2 * i + 2], cmap)
        return self

    def _plot_unit(self, i, above, below, cmap):
        """Draw a row of particles and a row of reconstructions."""
        gray = {"cmap": "gray", **robust_limits(self.images)}
        colors = {"cmap": cmap, **symmetric_limits(self.reconstructions[i])}
        is_output = self.layer == "output"
        quantity = "logit" if is_output else "activation"
        for j, (ax, ax_below) in enumerate(zip(above, below, strict=True)):
            show_image(ax, self.images[i, j], **gray)
            show_image(ax_below, self.reconstructions[i, j], **colors)
            title = f"{self.activations[i, j]:.3g}"
            title = f"{quantity} {title}" if j == 0 else title
            ax.set_title(title, fontsize="small")
        unit = self.units[i] if is_output else f"unit {self.units[i]}"
        above[0].set_ylabel(f"{self.layer}\n{plain_text(unit)}")
        below[0].set_ylabel(_METHOD_LABELS[self.method], fontsize="small")


def _excite(classifier, X, layer, unit, n_particles, method):
    """Return images, reconstructions, activations and rows for one unit."""
    rows, activations = most_exciting_particles(
        classifier, X, layer, unit, n_particles=n_particles
    )
    X = _safe_indexing(X, rows)
    reconstructions = reconstruct(classifier, X, layer, unit, method=method)
    return images_of(classifier, X), reconstructions, activations, rows
