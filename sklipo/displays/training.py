"""Training curves of networks."""

from collections.abc import Mapping

import numpy as np

from .._steps import last_step
from ._axes import PanelDisplay, add_legend, grid_shape, is_leftmost, plain_text
from ._by_name import named_estimators, named_results
from ._colors import choose_colors
from ._networks import not_a_network
from ._parameters import COLORS, check_table, draws

_LOSSES = {"train_loss": "training loss", "valid_loss": "validation loss"}
_COLUMNS = 3


class TrainingCurveDisplay(PanelDisplay):
    """Loss of networks by epoch, on the training and the validation set.

    Each fit is a thin line, their mean a thick one. A circle marks the epoch of the
    smallest validation loss, whose weights a network with early stopping keeps.

    It is recommended to use :meth:`from_estimator` or :meth:`from_cv_results`.

    Parameters
    ----------
    histories : dict of list of DataFrame
        By the name of the model, a table for each fit with a row for each epoch and
        the columns ``train_loss`` and, with early stopping, ``valid_loss``, as in
        ``LipNetClassifier.history_``.

    Attributes
    ----------
    lines_ : dict of dict of list of matplotlib Line2D
        By the name of the model and the column, the line of each fit, followed by that
        of their mean if there are several fits.
    ax_ : matplotlib Axes
        The first panel.
    axes_ : ndarray of matplotlib Axes
        All panels, one for each model.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    LearningCurveDisplay : Score by the number of micrographs to train on.

    Notes
    -----
    The training loss is the mean over the batches of an epoch, taken while the network
    learns, with dropout and augmentation; the validation loss is taken after the epoch
    without either, and may therefore be the smaller one (section 8.1 of the thesis
    [1]_).

    The mean over fits ends with the shortest of them.

    References
    ----------
    .. [1] S. Gryshkevych, "Convolutional neural networks for classification of
       transmission electron microscopy imagery", Uppsala University, 2016.

    Examples
    --------
    >>> from sklipo import make_lipnet_pipeline
    >>> from sklipo.datasets import make_liposomes
    >>> from sklipo.displays import TrainingCurveDisplay
    >>> particles = make_liposomes(60, weights=None, random_state=0)
    >>> model = make_lipnet_pipeline("lipnet-1", max_epochs=3, random_state=0)
    >>> model = model.fit(particles, particles["label"])
    >>> display = TrainingCurveDisplay.from_estimator(model)
    >>> len(display.histories[""][0])
    3
    """

    def __init__(self, histories):
        if not isinstance(histories, Mapping) or not histories:
            raise TypeError(
                f"histories is a {type(histories).__name__} without tables by name; "
                "expected {name of the model: [the history of each fit]}."
            )
        for name, tables in histories.items():
            if not isinstance(tables, list | tuple) or not tables:
                raise TypeError(
                    f"histories[{name!r}] is a {type(tables).__name__} without tables; "
                    "expected a list with the history of each fit."
                )
            for table in tables:
                check_table(table, [])
        self.histories = histories

    @classmethod
    def from_estimator(cls, estimator, **plot_params):
        """Draw how fitted networks were trained.

        Parameters
        ----------
        estimator : estimator or dict of estimators
            A fitted :class:`~sklipo.LipNetClassifier`, or a fitted pipeline or search
            that ends in one; for several models a dict by their names.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : TrainingCurveDisplay
            The display, drawn.
        """
        models = named_estimators(estimator)
        histories = {name: [_history(model)] for name, model in models.items()}
        return cls(histories).plot(**plot_params)

    @classmethod
    def from_cv_results(cls, results, **plot_params):
        """Draw how the networks of all folds were trained.

        Parameters
        ----------
        results : CrossValidationResult or dict of CrossValidationResult
            What :func:`~sklipo.cross_validate_particles` returned with
            ``return_estimator=True``, for several models a dict by their names.
        **plot_params : dict
            Parameters of :meth:`plot`.

        Returns
        -------
        display : TrainingCurveDisplay
            The display, drawn.
        """
        histories = {}
        for name, result in named_results(results).items():
            if result.estimators is None:
                raise ValueError(
                    f"The result{f' of {name}' if name else ''} has no fitted models; "
                    "call cross_validate_particles with return_estimator=True."
                )
            histories[name] = [_history(model) for model in result.estimators]
        return cls(histories).plot(**plot_params)

    @draws({"columns": [str, "array-like", None], "colors": COLORS})
    def plot(self, *, ax=None, columns=None, colors=None):
        """Draw a panel for each model.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw, one for each model. By default a figure is made.
        columns : list of str, default=None
            Columns of the histories; by default the losses that they have.
        colors : dict or sequence of colors, default=None
            Colors of the columns, by name or in order.

        Returns
        -------
        display : TrainingCurveDisplay
            The display itself.
        """
        columns = self._check_columns(columns)
        colors = choose_colors(columns, colors, what="columns")
        names = list(self.histories)
        shape = grid_shape(len(names), _COLUMNS)
        size = (4.2 * shape[1] + 0.6, 3.2 * shape[0] + 0.4)
        axes = self._open_panels(ax, shape, names, figsize=size, sharey=True)
        self.lines_ = {}
        for panel, name in zip(axes, names, strict=True):
            self.lines_[name] = {
                column: _draw_fits(panel, self.histories[name], column, color)
                for column, color in colors.items()
            }
            panel.set(title=plain_text(name), xlabel="Epoch")
            panel.xaxis.get_major_locator().set_params(integer=True)
            panel.set_ylabel(_name_axis(columns) if is_leftmost(panel) else "")
        add_legend(self.figure_, axes, own_figure=ax is None)
        return self

    def _check_columns(self, columns):
        """Return the columns to draw, or raise an error if no history has one."""
        tables = [table for tables in self.histories.values() for table in tables]
        known = list(dict.fromkeys(name for table in tables for name in table))
        if columns is None:
            return [name for name in _LOSSES if name in known]
        is_one = isinstance(columns, str) or getattr(columns, "ndim", 1) == 0
        columns = [columns] if is_one else list(columns)
        if not columns:
            raise ValueError(f"columns is empty; the histories have {known}.")
        for name in columns:
            if name not in known:
                raise ValueError(
                    f"The histories have no column {name!r}; they have {known}."
                )
        return columns


def _history(model):
    """Return the training history of the network that a model is or ends in."""
    network = last_step(model)
    if not hasattr(network, "history_"):
        raise not_a_network(model)
    return network.history_


def _name_axis(columns):
    """Return a label for the axis that all columns share, if there is one."""
    if set(columns) <= set(_LOSSES):
        return "Loss"
    return columns[0] if len(columns) == 1 else ""


def _draw_fits(ax, histories, column, color):
    """Draw a line for each fit and one for their mean, and return all lines."""
    curves = [history[column].to_numpy() for history in histories if column in history]
    if not curves:
        return []
    label = _LOSSES.get(column) or plain_text(column)
    many = len(curves) > 1
    single = {"linewidth": 0.8, "alpha": 0.5} if many else {"label": label}
    lines = [_draw_curve(ax, curve, color=color, **single) for curve in curves]
    if many:
        shortest = min(map(len, curves))
        mean = np.mean([curve[:shortest] for curve in curves], axis=0)
        label = f"{label} (mean of {len(curves)} fits)"
        lines.append(_draw_curve(ax, mean, color=color, linewidth=2.2, label=label))
    if column == "valid_loss":
        best = [np.argmin(curve) for curve in curves]
        ax.plot(
            np.add(best, 1),
            [curve[i] for i, curve in zip(best, curves, strict=True)],
            "o",
            color=color,
            markerfacecolor="white",
            zorder=3,
            label="smallest validation loss",
        )
    return lines


def _draw_curve(ax, values, **style):
    """Draw values by epoch, counted from 1."""
    # A line of a single point would be invisible.
    marker = "." if len(values) == 1 else None
    return ax.plot(np.arange(1, len(values) + 1), values, marker=marker, **style)[0]
