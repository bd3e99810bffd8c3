"""Confusion matrices over folds, one for each model (Tables 6 to 10 of the thesis)."""

from collections.abc import Mapping

import numpy as np
from sklearn.metrics import confusion_matrix

from ..metrics._confusion import average_shares
from ..particles._labels import check_classes, check_labels, find_classes
from ._axes import (
    SMALL_CHARACTER,
    PanelDisplay,
    grid_shape,
    is_leftmost,
    name_x_ticks,
    plain_text,
)
from ._by_name import (
    check_same_classes,
    named_estimators,
    named_predictions,
    named_results,
)
from ._colors import UNDEFINED, text_color
from ._parameters import check_numbers, draws

_LINE = 0.19  # height of a line of text in inches
_COLUMNS = 3


class ConfusionMatricesDisplay(PanelDisplay):
    """Average confusion matrices over folds, one for each model, on one scale.

    A cell has the share of the true class, colored from 0 to 1, its standard deviation
    over the folds, and in brackets the number of particles in an average fold.

    It is recommended to use :meth:`from_cv_results`, :meth:`from_predictions` or
    :meth:`from_estimator`.

    Parameters
    ----------
    counts : dict of array-like of shape (n_folds, n_rows, n_classes)
        Confusion matrices of each fold by the name of the model: rows are true classes,
        columns predicted ones.
    classes : array-like of shape (n_classes,)
        The classes in the order of the columns; the rows are the first of them. The
        last one may have no row, as "unsure", which nothing truly is.

    Attributes
    ----------
    shares, spreads, mean_counts : dict of ndarray of shape (n_rows, n_classes)
        The numbers in the cells, by the name of the model: mean and standard deviation
        of the share of the true class over the folds that have this class, and the mean
        count. Undefined numbers are NaN.
    text_ : dict of ndarray of shape (n_rows, n_classes)
        The text in each cell, by the name of the model.
    ax_ : matplotlib Axes
        The first panel.
    axes_ : ndarray of matplotlib Axes
        All panels, one for each model.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    ClassMetricsDisplay : Metrics of each class, side by side.
    sklearn.metrics.ConfusionMatrixDisplay : One matrix, in counts or normalized.

    Notes
    -----
    Each fold is normalized before the average is taken, as in Tables 6 to 8 of the
    thesis [1]_; a fold without a class has no share in the average of that row. The
    average counts are those of its Tables 9 and 10.

    References
    ----------
    .. [1] S. Gryshkevych, "Convolutional neural networks for classification of
       transmission electron microscopy imagery", Uppsala University, 2016.

    Examples
    --------
    The table of LipNet-4 on the lamellarity problem, typed in:

    >>> from sklipo.displays import ConfusionMatricesDisplay
    >>> table_9 = [[[2325, 15, 124], [4, 323, 16], [2, 3, 11]]]
    >>> classes = ["unilamellar", "multilamellar", "uncertain"]
    >>> display = ConfusionMatricesDisplay({"LipNet-4": table_9}, classes)
    >>> display.shares["LipNet-4"].diagonal().round(2)
    array([0.94, 0.94, 0.69])
    >>> display.plot()
    <...>
    """

    def __init__(self, counts, classes):
        if not isinstance(counts, Mapping) or not counts:
            raise TypeError(
                f"counts is a {type(counts).__name__} without matrices by name; "
                "expected {name of the model: confusion matrices of its folds}."
            )
        self.counts = counts
        self.classes = check_labels(classes, name="classes")
        check_classes(self.classes, self.classes)
        self.shares, self.spreads, self.mean_counts = {}, {}, {}
        for name, matrices in counts.items():
            matrices = _check_counts(matrices, len(classes), name)
            shares, spreads = average_shares(matrices)
            self.shares[name], self.spreads[name] = shares, spreads
            self.mean_counts[name] = matrices.mean(axis=0)

    @classmethod
    def from_cv_results(cls, results, **plot_params):
        """Draw the matrices of cross-validated models.

        Parameters
        ----------
        results : CrossValidationResult or dict of CrossValidationResult
            What :func:`~sklipo.cross_validate_particles` returned, for several models
            a dict by their names.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : ConfusionMatricesDisplay
            The display, drawn.
        """
        results = named_results(results)
        classes = max((result.classes for result in results.values()), key=len)
        own = {name: result.classes for name, result in results.items()}
        check_same_classes(
            {name: found for name, found in own.items() if len(found) == len(classes)}
        )
        counts = {
            # Models that decide on all particles have none that is unsure.
            name: np.pad(
                result.confusion_counts[:, : len(result.kinds)],
                [(0, 0), (0, 0), (0, len(classes) - len(own[name]))],
            )
            for name, result in results.items()
        }
        return cls(counts, classes).plot(**plot_params)

    @classmethod
    def from_predictions(cls, y_true, y_pred, *, classes=None, **plot_params):
        """Draw the matrices of predictions, all taken together.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True classes.
        y_pred : array-like of shape (n_samples,) or dict of array-like
            Predicted classes, for several models a dict by their names.
        classes : array-like, default=None
            Order of the classes; by default all that occur, sorted.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : ConfusionMatricesDisplay
            The display, drawn.
        """
        y_true = check_labels(y_true, name="y_true")
        predictions = {
            name: check_labels(predicted, len(y_true), name="y_pred")
            for name, predicted in named_predictions(y_pred).items()
        }
        classes = find_classes(y_true, *predictions.values(), classes=classes)
        counts = {
            name: confusion_matrix(y_true, predicted, labels=classes)[None]
            for name, predicted in predictions.items()
        }
        return cls(counts, classes).plot(**plot_params)

    @classmethod
    def from_estimator(cls, estimator, X, y, *, classes=None, **plot_params):
        """Draw the matrices of fitted models on particles that they have not seen.

        Parameters
        ----------
        estimator : estimator or dict of estimators
            A fitted classifier, for several models a dict by their names.
        X : particle table or array of shape (n_samples, n_features)
            What the models predict.
        y : array-like of shape (n_samples,)
            True classes.
        classes : array-like, default=None
            Order of the classes; by default all that occur, sorted.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : ConfusionMatricesDisplay
            The display, drawn.
        """
        predictions = {
            name: model.predict(X)
            for name, model in named_estimators(estimator).items()
        }
        return cls.from_predictions(y, predictions, classes=classes, **plot_params)

    @draws({"colorbar": ["boolean"]})
    def plot(self, *, ax=None, cmap="Blues", colorbar=True):
        """Draw a panel for each model.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw, one for each model. By default a figure is made.
        cmap : str or matplotlib Colormap, default="Blues"
            Colors from 0 to 1.
        colorbar : bool, default=True
            Show the scale, and what the numbers in the cells mean.

        Returns
        -------
        display : ConfusionMatricesDisplay
            The display itself.
        """
        shape = grid_shape(len(self.shares), _COLUMNS)
        names = list(self.shares)
        # "compressed" is the constrained layout for axes of a fixed aspect.
        subplots = {"sharey": True, "layout": "compressed"}
        subplots["figsize"] = self._figure_size(shape)
        axes = self._open_panels(ax, shape, names, **subplots)
        self.text_ = {}
        for panel, name in zip(axes, names, strict=True):
            image = self._draw_matrix(panel, name, cmap)
        if colorbar:
            thin = {"aspect": 20 * shape[0], "label": self._cell_legend()}
            self.figure_.colorbar(image, ax=list(axes), **thin)
        return self

    def _figure_size(self, shape):
        """Return width and height in inches with room for the text in the cells."""
        height, width = next(iter(self.shares.values())).shape
        longest = max(len(line) for line in self._lines())
        cell = max(longest * SMALL_CHARACTER + 0.15, 3.6 * _LINE)
        label = max(len(str(label)) for label in self.classes) * SMALL_CHARACTER
        n_rows, n_columns = shape
        width = n_columns * max(width * cell, 2.2) + label + 1.8
        return width, n_rows * (max(height * cell, 2.2) + 0.6 * label + 1)

    def _lines(self):
        """Yield every line of text of the cells."""
        for name, shares in self.shares.items():
            for cell in np.ndindex(shares.shape):
                yield from self._cell_text(name, cell).split("\n")

    def _draw_matrix(self, ax, name, cmap):
        """Draw the matrix of one model and return its image."""
        shares = self.shares[name]
        image = ax.imshow(np.ma.masked_invalid(shares), cmap=cmap, vmin=0, vmax=1)
        ax.set_facecolor(UNDEFINED)
        self.text_[name] = np.empty(shares.shape, object)
        for row, column in np.ndindex(shares.shape):
            share = shares[row, column]
            color = "black" if np.isnan(share) else text_color(image.cmap(share))
            self.text_[name][row, column] = ax.text(
                column,
                row,
                self._cell_text(name, (row, column)),
                color=color,
                ha="center",
                va="center",
                fontsize="small",
            )
        ax.set(xlabel="Predicted class", title=plain_text(name))
        ax.set_ylabel("True class" if is_leftmost(ax) else "")
        rows = self.classes[: len(shares)]
        ax.set_yticks(range(len(shares)), list(map(plain_text, rows)))
        name_x_ticks(ax, self.classes)
        return image

    def _cell_text(self, name, cell):
        """Return share, spread and count of a cell, without those undefined."""
        share, spread = self.shares[name][cell], self.spreads[name][cell]
        if np.isnan(share):
            return "undefined"
        count = self.mean_counts[name][cell]
        count = f"{count:.1f}" if self._has_folds() else f"{count:g}"
        spread = "" if np.isnan(spread) else f"±{spread:.2f}\n"
        return f"{share:.2f}\n{spread}({count})"

    def _has_folds(self):
        """Tell whether any model has more than one fold."""
        return any(len(matrices) > 1 for matrices in self.counts.values())

    def _cell_legend(self):
        """Return what the colors and the numbers mean."""
        if not self._has_folds():
            return "Share of the true class\n(number of particles)"
        return "Share of the true class,\nmean ± SD over folds\n(mean count of a fold)"


def _check_counts(matrices, n_classes, name):
    """Return the matrices of the folds of one model as floats."""
    has_no_last_row = np.ndim(matrices) == 3 and np.shape(matrices)[1] == n_classes - 1
    shape = (None, n_classes - has_no_last_row, n_classes)
    matrices = check_numbers(matrices, shape, f"counts of {name!r}")
    if not (matrices >= 0).all():
        raise ValueError(
            f"The counts of {name!r} go down to {matrices.min():g}; expected numbers "
            "of particles, none negative."
        )
    return matrices
