"""Predictions of every particle by estimators that were fitted without it."""

from dataclasses import dataclass

import numpy as np
from joblib import delayed
from sklearn.base import BaseEstimator, clone
from sklearn.utils import indexable

from .._jobs import Crew, configured
from .._steps import last_step
from ..particles._checking import holds_images
from ..tags import has_tag
from ._checks import check_unsure
from ._folds import (
    fit_and_predict,
    route_params,
    run_folds,
    share_cores,
    torch_threads,
)
from ._preparation import join_preparation, prepare, split_preparation
from .results import CrossValidationResult


@dataclass(frozen=True)
class PreparedModel:
    """An estimator, and particles that its first steps have prepared once for all."""

    steps: list
    estimator: BaseEstimator
    X: object
    rows: object
    y: np.ndarray
    groups: np.ndarray | None
    classes: np.ndarray
    unsure: object
    params: dict

    @classmethod
    def prepare(cls, estimator, X, y, groups, params, *, n_jobs, verbose):
        """Take the particles through the steps that learn nothing."""
        classes = np.unique(y)
        last = last_step(estimator)
        unsure = last.unsure if has_tag(last, "abstains") else None
        if unsure is not None:
            unsure = check_unsure(unsure, classes)
        steps, rest = split_preparation(estimator, X)
        rows = prepare(steps, X, n_jobs=n_jobs, verbose=verbose)
        rows, y = indexable(rows, y)
        params = route_params(rest, params, groups)
        return cls(steps, rest, X, rows, y, groups, classes, unsure, params)

    def cross_validate(self, folds, *, n_jobs, verbose, return_estimator=False):
        """Fit on the training part of each fold, and predict its test part."""
        run = configured(fit_and_predict)
        threads = _runs_in_threads(self.estimator, self.rows)
        # Jobs that are threads change the number that later threads of the user begin
        # with.
        with torch_threads(), Crew() as crew:
            tasks = [
                delayed(crew.run)(
                    run,
                    clone(self.estimator),
                    self.rows,
                    self.y,
                    fold,
                    number=number,
                    classes=self.classes,
                    params=self.params,
                    n_threads=n_threads,
                    keep_estimator=return_estimator,
                )
                for number, (fold, n_threads) in enumerate(
                    zip(folds, share_cores(len(folds), n_jobs), strict=True)
                )
            ]
            prefer = "threads" if threads else "processes"
            outcomes = run_folds(tasks, n_jobs, prefer=prefer, verbose=verbose)
        estimators = None
        if return_estimator:
            fitted = [outcome.estimator for outcome in outcomes]
            estimators = join_preparation(self.steps, fitted, self.X)
        return self._collect(outcomes, folds, estimators)

    def _collect(self, outcomes, folds, estimators):
        """Put the predictions of all folds together in the order of the particles."""
        _, y_pred, y_proba, fit_times, score_times, _ = zip(*outcomes, strict=True)
        order = np.argsort(np.concatenate([test for _, test in folds]))
        sizes = [len(test) for _, test in folds]
        classes = self.classes
        y_proba = None if y_proba[0] is None else np.concatenate(y_proba)[order]
        if self.unsure is not None:
            classes = np.append(classes, self.unsure)
            y_proba = np.pad(y_proba, [(0, 0), (0, 1)])
        return CrossValidationResult(
            classes=classes,
            y_true=self.y,
            y_pred=np.concatenate(y_pred)[order],
            folds=np.repeat(np.arange(len(folds)), sizes)[order],
            y_proba=y_proba,
            groups=self.groups,
            # Lists have an index, too, which is a method.
            index=self.X.index if hasattr(self.X, "iloc") else None,
            fit_times=np.array(fit_times),
            score_times=np.array(score_times),
            estimators=estimators,
            unsure=self.unsure,
        )


def _runs_in_threads(estimator, X):
    """Tell whether threads fit an estimator as fast as processes do.

    Threads start at once, and copy neither data nor torch. Steps that prepare images in
    each fold compute in Python, where only one thread runs at a time.
    """
    return has_tag(last_step(estimator), "releases_gil") and not holds_images(X)
