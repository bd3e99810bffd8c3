"""What a cross-validation found: predictions, tables, intervals, comparisons."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from ..metrics import classification_table
from ..metrics._confusion import summary_metrics
from ..metrics._losses import sample_losses
from ._bootstrap import corrected_t_test, measure_tallies, percentiles, resample


@dataclass(frozen=True, repr=False, eq=False)
class CrossValidationResult:
    """Out-of-fold predictions and what follows from them.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The classes, sorted.
    y_true, y_pred : ndarray of shape (n_samples,)
        True and predicted class of each particle.
    fold : ndarray of shape (n_samples,)
        Number of the fold in which the particle was tested.
    y_proba : ndarray of shape (n_samples, n_classes), default=None
        Predicted probabilities; None where the model has none.
    groups : ndarray of shape (n_samples,), default=None
        Micrograph of each particle; None where folds are not grouped.
    index : Index of length n_samples, default=None
        Index of the particle table; by default 0, 1, 2, ...
    fit_times, score_times : ndarray of shape (n_folds,), default=None
        Seconds that fitting and predicting took in each fold.
    estimators : list of estimators, default=None
        The fitted model of each fold, where they were kept.

    See Also
    --------
    cross_validate_particles : Makes it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.evaluation import CrossValidationResult
    >>> y = np.array(["empty", "full", "empty", "full"])
    >>> CrossValidationResult(np.unique(y), y, y[[1, 1, 2, 3]], np.array([0, 0, 1, 1]))
    CrossValidationResult of 4 particles in 2 folds:
    balanced accuracy 0.750, 95 % interval 0.500 to 1.000 over particles
    """

    classes: np.ndarray
    y_true: np.ndarray
    y_pred: np.ndarray
    fold: np.ndarray
    y_proba: np.ndarray | None = None
    groups: np.ndarray | None = None
    index: pd.Index | None = None
    fit_times: np.ndarray | None = None
    score_times: np.ndarray | None = None
    estimators: list | None = None

    def __post_init__(self):
        unknown = np.setdiff1d(np.concatenate([self.y_true, self.y_pred]), self.classes)
        if len(unknown):
            raise ValueError(
                f"{unknown.tolist()} is not among the classes {self.classes.tolist()}."
            )

    @cached_property
    def confusion_matrices(self):
        """Counts of each fold.

        Returns
        -------
        counts : ndarray of shape (n_folds, n_classes, n_classes)
            Rows are true classes, columns predicted ones.
        """
        return self._tally(self.fold)[..., :-1].astype(int)

    def confusion_matrix(self, normalize=False):
        """Average the confusion matrix over the folds, as in Tables 6 to 10.

        Parameters
        ----------
        normalize : bool, default=False
            Divide each row by its sum before averaging. A fold without a class has no
            share in the average of that row.

        Returns
        -------
        matrix : DataFrame of shape (n_classes, n_classes)
            Rows are true classes, columns predicted ones.
        """
        matrices = self.confusion_matrices.astype(float)
        if normalize:
            support = matrices.sum(axis=2, keepdims=True)
            present = support > 0
            matrices = np.divide(matrices, support, out=matrices, where=present)
            matrix = matrices.sum(axis=0) / present.sum(axis=0)
        else:
            matrix = matrices.mean(axis=0)
        return pd.DataFrame(matrix, self.classes, self.classes)

    def classification_table(self, *, per_fold=False):
        """Return the measures of each class.

        Parameters
        ----------
        per_fold : bool, default=False
            Measure each fold by itself instead of all predictions together.

        Returns
        -------
        table : DataFrame
            As from :func:`~sklipo.metrics.classification_table`. With ``per_fold`` its
            index has the levels ``fold`` and ``class``; what needs a class that a fold
            lacks is NaN there.
        """
        if not per_fold:
            return self._classification_table(slice(None))
        tables = {i: self._classification_table(self.fold == i) for i in self._folds}
        return pd.concat(tables, names=["fold", "class"])

    @property
    def balanced_accuracy(self):
        """Mean over the classes of the share that is recognised, all folds together.

        Returns
        -------
        float
            Between 0 and 1; 1 / n_classes by chance.
        """
        counts = self.confusion_matrices.sum(axis=0)
        return float(summary_metrics(counts)["balanced_accuracy"])

    @property
    def balanced_accuracy_per_fold(self):
        """Balanced accuracy of each fold over the classes that occur in it.

        Returns
        -------
        ndarray of shape (n_folds,)
            Their spread tells how much the figure depends on the micrographs.
        """
        return summary_metrics(self.confusion_matrices)["balanced_accuracy"]

    @property
    def missing_classes(self):
        """Classes that a fold does not test, as none of its particles is of them.

        Returns
        -------
        dict of list
            The classes by number of the fold. What needs them is NaN there and has no
            share in means over folds.
        """
        support = self.confusion_matrices.sum(axis=2)
        missing = {i: self.classes[support[i] == 0].tolist() for i in self._folds}
        return {fold: classes for fold, classes in missing.items() if classes}

    def summary(self, label=None, *, level=0.95, n_resamples=1000, random_state=0):
        """Return each measure with its spread over folds and its interval.

        Parameters
        ----------
        label : object, default=None
            Class to measure; by default all classes together.
        level : float, default=0.95
            Level of confidence of the interval.
        n_resamples : int, default=1000
            Number of bootstrap samples.
        random_state : int, RandomState instance or None, default=0
            Seed of the bootstrap.

        Returns
        -------
        table : DataFrame
            One row per measure: for a class those of
            :func:`~sklipo.metrics.classification_table`, for all together those of
            :func:`~sklipo.metrics.baseline_table`. Columns: ``pooled``, of all
            predictions together; ``mean`` and ``std`` over the ``n_folds`` folds in
            which the measure is defined; ``low`` and ``high``, the ends of the interval
            about ``pooled``.

        Raises
        ------
        ValueError
            If there is no such class.

        Notes
        -----
        The interval holds the percentiles of a bootstrap over groups: whole micrographs
        are drawn with replacement, as particles of one micrograph resemble each other
        [1]_. Without groups, single particles are drawn. Samples without a particle of
        the class are left out. The interval tells how the figure would differ on other
        micrographs of the kind; what another training would change is not in it.

        References
        ----------
        .. [1] A. C. Davison and D. V. Hinkley, "Bootstrap Methods and their
           Application", Cambridge University Press, 1997, section 3.8.
        """
        by_fold, pooled, samples = self._measure(label, n_resamples, random_state)
        low, high = percentiles(samples, level)
        return pd.DataFrame(
            {
                "pooled": pooled,
                "mean": by_fold.mean(),
                "std": by_fold.std(),
                "low": low,
                "high": high,
                "n_folds": by_fold.count(),
            }
        )

    def compare(
        self, other, label=None, *, level=0.95, n_resamples=1000, random_state=0
    ):
        r"""Compare with another model that was tested on the same folds.

        Parameters
        ----------
        other : CrossValidationResult
            Result of the other model, of the same particles in the same folds.
        label : object, default=None
            Class to measure; by default all classes together.
        level : float, default=0.95
            Level of confidence of the interval.
        n_resamples : int, default=1000
            Number of bootstrap samples.
        random_state : int, RandomState instance or None, default=0
            Seed of the bootstrap.

        Returns
        -------
        table : DataFrame
            One row per measure: ``difference`` of this result from the other, of all
            predictions together; ``mean`` and ``std`` of the differences in each fold;
            ``low`` and ``high``, the ends of the interval about ``difference``, from
            the same bootstrap samples for both; ``p_value`` of the corrected t-test.

        Raises
        ------
        ValueError
            If the particles or the folds are not the same, or there is no such class.

        Notes
        -----
        Training sets of different folds overlap, so that their scores are not
        independent, and the plain t-test finds differences where there are none. Nadeau
        and Bengio [1]_ correct the variance :math:`s^2` of the differences over
        :math:`k` folds by the sizes of test and training sets:

        .. math:: t = \frac{\bar d}{\sqrt{(1 / k + n_{test} / n_{train}) s^2}}

        References
        ----------
        .. [1] C. Nadeau and Y. Bengio, "Inference for the generalization error",
           Machine Learning 52, 239-281, 2003.
        """
        self._check_comparable(other)
        ours, theirs = (
            result._measure(label, n_resamples, random_state)
            for result in (self, other)
        )
        common = [name for name in ours[0] if name in theirs[0]]
        by_fold, difference, samples = (
            a[common] - b[common] for a, b in zip(ours, theirs, strict=True)
        )
        low, high = percentiles(samples, level)
        return pd.DataFrame(
            {
                "difference": difference,
                "mean": by_fold.mean(),
                "std": by_fold.std(),
                "low": low,
                "high": high,
                "p_value": corrected_t_test(by_fold),
            }
        )

    def to_frame(self):
        """Return one row per particle, to look at or to join to the particle table.

        Returns
        -------
        table : DataFrame
            Columns ``y_true``, ``y_pred``, ``correct``, ``fold``, ``group`` if there
            are groups, and ``proba_<class>`` for each class if there are probabilities.
            Its index is that of the particle table.
        """
        table = pd.DataFrame(
            {
                "y_true": self.y_true,
                "y_pred": self.y_pred,
                "correct": self.y_true == self.y_pred,
                "fold": self.fold,
            },
            index=self.index,
        )
        if self.groups is not None:
            table["group"] = self.groups
        if self.y_proba is not None:
            for label, column in zip(self.classes, self.y_proba.T, strict=True):
                table[f"proba_{label}"] = column
        return table

    def plot(self, *, ax=None):
        """Draw the average confusion matrix.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; by default a figure is made.

        Returns
        -------
        display : ConfusionMatricesDisplay
            The display, drawn. :mod:`sklipo.displays` has further pictures of a
            result, and of several results side by side.
        """
        from ..displays import ConfusionMatricesDisplay

        return ConfusionMatricesDisplay.from_cv_results(self, ax=ax)

    def __repr__(self):
        return "\n".join(self._sentences())

    def _repr_html_(self):
        """Return the tables that tell most, for notebooks."""
        tables = {
            "All classes": self.summary(),
            "Each class": self.classification_table(),
            "Average confusion matrix, rows true": self.confusion_matrix(True),
        }
        sentences = "<br>".join(self._sentences())
        parts = (
            f"<div><b>{title}</b>{table.to_html(float_format='{:.3f}'.format)}</div>"
            for title, table in tables.items()
        )
        style = "display:flex;flex-wrap:wrap;gap:1em 2em"
        return f"<p>{sentences}</p><div style='{style}'>{''.join(parts)}</div>"

    def _sentences(self):
        """Yield what was done, what came out, and which folds lack a class."""
        grouped, over = "", "particles"
        if self.groups is not None:
            over = "groups"
            grouped = f" of {len(np.unique(self.groups))} groups"
        yield (
            f"{type(self).__name__} of {len(self.y_true)} particles{grouped} in "
            f"{len(self._folds)} folds:"
        )
        row = self.summary().loc["balanced_accuracy"]
        yield (
            f"balanced accuracy {row['pooled']:.3f}, 95 % interval {row['low']:.3f} to "
            f"{row['high']:.3f} over {over}"
        )
        for fold, classes in self.missing_classes.items():
            yield f"fold {fold} tests no particle of {classes}: undefined there"

    @property
    def _folds(self):
        """Numbers of the folds."""
        return range(self.fold.max() + 1)

    def _classification_table(self, rows):
        """Return the measures of each class over some rows."""
        y_proba = None if self.y_proba is None else self.y_proba[rows]
        return classification_table(
            self.y_true[rows], self.y_pred[rows], y_proba, labels=self.classes
        )

    def _tally(self, units):
        """Count pairs of true and predicted class, and add up losses, in each unit.

        The result has shape (n_units, n_classes, n_classes + 1). It adds up: a sum over
        units is the tally of all of them.
        """
        n_classes = len(self.classes)
        true, predicted = (
            np.searchsorted(self.classes, y) for y in (self.y_true, self.y_pred)
        )
        tally = np.zeros((units.max() + 1, n_classes, n_classes + 1))
        np.add.at(tally, (units, true, predicted), 1)
        if self.y_proba is None:
            tally[..., n_classes] = np.nan
        else:
            losses = sample_losses(self.y_true, self.y_proba, self.classes)[1]
            np.add.at(tally, (units, true, n_classes), losses)
        return tally

    def _measure(self, label, n_resamples, random_state):
        """Return measures by fold, of all predictions, and of bootstrap samples."""
        classes = self.classes.tolist()
        if label is not None and label not in classes:
            raise ValueError(f"There is no class {label!r}; there are {classes}.")
        position = None if label is None else classes.index(label)
        units = np.arange(len(self.y_true))
        if self.groups is not None:
            units = np.unique(self.groups, return_inverse=True)[1]
        tally = self._tally(units)
        samples = resample(tally, n_resamples, check_random_state(random_state))
        return (
            measure_tallies(self._tally(self.fold), position),
            measure_tallies(tally.sum(axis=0, keepdims=True), position).iloc[0],
            measure_tallies(samples, position),
        )

    def _check_comparable(self, other):
        """Raise an error if another result is not of the same particles and folds."""
        for name, what in (("y_true", "particles"), ("fold", "folds")):
            if not np.array_equal(getattr(self, name), getattr(other, name)):
                raise ValueError(
                    f"The results are not of the same {what} ({name} differs). "
                    "Cross-validate both models with the same particles, groups and cv."
                )
