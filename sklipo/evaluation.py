"""Cross-validation of particle classifiers, with what a microscopist asks of it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_sampling_strategy
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.utils import _safe_indexing
from tqdm import tqdm

from .metrics import classification_table


def cross_validate_particles(
    model, particles, y, *, groups=None, cv=5, n_jobs=None, verbose=False
):
    """Predict every particle by a model that was fitted without it.

    Parameters
    ----------
    model : estimator
        A classifier, mostly a pipeline; it is cloned for each fold.
    particles : particle table or array of shape (n_samples, n_features)
        What the model is fitted on.
    y : array-like of shape (n_samples,)
        Class of each particle.
    groups : array-like of shape (n_samples,), default=None
        Micrograph of each particle. All particles of a group fall into the same fold,
        since crops of one micrograph resemble each other, and a model tested on the
        micrographs that it was trained on looks better than it is.
    cv : int or cross-validation splitter, default=5
        Number of stratified folds, or a splitter of scikit-learn. Every particle must
        be in exactly one test fold.
    n_jobs : int, default=None
        Number of folds that run at once; -1 means one for each core.
    verbose : bool, default=False
        Show a progress bar over the folds.

    Returns
    -------
    result : CrossValidationResult
        Out-of-fold predictions, confusion matrices and measures per class.

    Raises
    ------
    ValueError
        If there is but one class, a class has fewer members than there are folds, or
        than a sampler of the model has neighbours, or the splitter leaves particles
        out.

    See Also
    --------
    sklearn.model_selection.cross_validate : Scores of any estimator.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklipo import cross_validate_particles
    >>> X, y = [[0]] * 10, ["empty"] * 4 + ["full"] * 6
    >>> result = cross_validate_particles(DummyClassifier(), X, y, cv=2)
    >>> result.confusion_matrix()
           empty  full
    empty    0.0   2.0
    full     0.0   3.0
    """
    y = np.asarray(y)
    folds = _make_folds(particles, y, groups, cv)
    for train, _ in folds:
        _check_neighbors(model, y[train])
    tasks = (
        delayed(_predict_fold)(clone(model), particles, y, train, test)
        for train, test in folds
    )
    predictions = Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    y_pred, fold = np.empty_like(y), np.empty(len(y), int)
    progress = tqdm(predictions, "folds", len(folds), disable=not verbose)
    for i, ((_, test), predicted) in enumerate(zip(folds, progress, strict=True)):
        y_pred[test], fold[test] = predicted, i
    return CrossValidationResult(np.unique(y), y, y_pred, fold)


@dataclass(frozen=True)
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

    See Also
    --------
    cross_validate_particles : Makes it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.evaluation import CrossValidationResult
    >>> y = np.array(["empty", "full", "empty", "full"])
    >>> result = CrossValidationResult(np.unique(y), y, y[::-1], np.array([0, 0, 1, 1]))
    >>> result.balanced_accuracy
    0.0
    """

    classes: np.ndarray
    y_true: np.ndarray
    y_pred: np.ndarray
    fold: np.ndarray

    @property
    def confusion_matrices(self):
        """Counts of each fold.

        Returns
        -------
        counts : ndarray of shape (n_folds, n_classes, n_classes)
            Rows are true classes, columns predicted ones.
        """
        return np.array(
            [
                confusion_matrix(y_true, y_pred, labels=self.classes)
                for y_true, y_pred in self._per_fold()
            ]
        )

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

    def classification_table(self):
        """Return the measures of each class over all out-of-fold predictions.

        Returns
        -------
        table : DataFrame
            As from :func:`classification_table`.
        """
        return classification_table(self.y_true, self.y_pred, labels=self.classes)

    @property
    def balanced_accuracy(self):
        """Mean over the classes of the share that is recognised, all folds together.

        Returns
        -------
        float
            Between 0 and 1; 1 / n_classes by chance.
        """
        return float(self.classification_table()["TPR"].mean())

    @property
    def balanced_accuracy_per_fold(self):
        """Balanced accuracy of each fold over the classes that occur in it.

        Returns
        -------
        ndarray of shape (n_folds,)
            Their spread tells how much the figure depends on the micrographs.
        """
        return np.array(
            [
                classification_table(y_true, y_pred, labels=self.classes)["TPR"].mean()
                for y_true, y_pred in self._per_fold()
            ]
        )

    def _per_fold(self):
        """Yield true and predicted classes of each fold."""
        for i in range(self.fold.max() + 1):
            tested = self.fold == i
            yield self.y_true[tested], self.y_pred[tested]


def _predict_fold(model, particles, y, train, test):
    """Fit a model on the training part of a fold and predict its test part."""
    model.fit(_safe_indexing(particles, train), y[train])
    return model.predict(_safe_indexing(particles, test))


def _make_folds(particles, y, groups, cv):
    """Return the folds as pairs of indices after checking that they can work."""
    counts = pd.Series(y).value_counts()
    if len(counts) < 2:
        raise ValueError(
            f"All particles are of class {counts.index[0]!r}; expected two or more."
        )
    if isinstance(cv, int):
        _check_class_sizes(counts, cv)
        cv = StratifiedKFold(cv) if groups is None else StratifiedGroupKFold(cv)
    folds = list(check_cv(cv).split(particles, y, groups))
    tested = np.concatenate([test for _, test in folds])
    if not np.array_equal(np.sort(tested), np.arange(len(y))):
        raise ValueError(
            f"{cv} does not test every particle exactly once; expected a splitter "
            "such as StratifiedKFold or StratifiedGroupKFold."
        )
    return folds


def _check_class_sizes(counts, n_folds):
    """Refuse classes that can't be in every fold."""
    small = counts[counts < n_folds]
    if len(small):
        raise ValueError(
            f"Class {small.index[0]!r} has {small.iloc[0]} particles, fewer than the "
            f"{n_folds} folds. Take cv={max(2, small.min())} or less, or merge or drop "
            "the class."
        )


def _check_neighbors(model, y):
    """Refuse samplers, such as SMOTE, with more neighbours than a class has members."""
    for sampler in getattr(model, "named_steps", {}).values():
        params = sampler.get_params() if isinstance(sampler, BaseOverSampler) else {}
        name = "n_neighbors" if "n_neighbors" in params else "k_neighbors"
        n_neighbors = params.get(name)
        if not isinstance(n_neighbors, int):
            continue
        wanted = check_sampling_strategy(sampler.sampling_strategy, y, "over-sampling")
        counts = pd.Series(y).value_counts()
        for label, n_new in wanted.items():
            if n_new and counts[label] <= n_neighbors:
                raise ValueError(
                    f"{sampler} needs more than {n_neighbors} particles of each class "
                    f"that it fills up, but a training set has {counts[label]} of "
                    f"class {label!r}. Lower {name}, or take RandomOverSampler."
                )
