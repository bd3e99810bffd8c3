"""Cross-validation of particle classifiers, with what a microscopist asks of it."""

import sys
import warnings
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral

import numpy as np
import pandas as pd
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_sampling_strategy
from joblib import Parallel, cpu_count, delayed, effective_n_jobs
from sklearn.base import BaseEstimator
from sklearn.model_selection import (
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
    cross_validate,
)

# Private part of scikit-learn: the base of all searches.
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import check_consistent_length, get_tags
from tqdm import tqdm

from .._steps import last_step, predict_both
from ..particles import holds_images
from ..tags import has_tag
from ._preparation import join_preparation, prepare, split_preparation
from .results import CrossValidationResult


def cross_validate_particles(
    model,
    particles,
    y,
    groups=None,
    cv=5,
    *,
    n_jobs=None,
    params=None,
    return_estimator=False,
    verbose=False,
):
    """Predict every particle by a model that was fitted without it.

    Parameters
    ----------
    model : estimator
        A classifier, mostly a pipeline; it is cloned for each fold. A search, such as
        GridSearchCV, gets the groups of the training part for folds of its own.
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
    params : dict, default=None
        Parameters of the model's ``fit``, for instance
        ``{"classify__sample_weight": weights}``. Arrays with a value for each particle
        are split as the particles are.
    return_estimator : bool, default=False
        Keep the fitted model of each fold in the result.
    verbose : bool, default=False
        Show a progress bar over the folds.

    Returns
    -------
    result : CrossValidationResult
        Out-of-fold predictions and probabilities, confusion matrices, measures with
        their spread and intervals.

    Raises
    ------
    ValueError
        If there is but one class or a label is missing, a class has fewer members than
        there are folds, or than a sampler of the model has neighbours, there are fewer
        groups than folds, the splitter leaves particles out, or a fold tests a group
        that it trains on.

    Warns
    -----
    UserWarning
        If ``particles`` has a column ``micrograph`` and there are no ``groups``; if a
        fold trains or tests without any particle of a class.

    See Also
    --------
    sklearn.model_selection.cross_validate : Does the fitting.
    sklipo.evaluation.CrossValidationResult : All that follows from the predictions.

    Notes
    -----
    A class that a training part lacks has probability 0 in that fold. Whatever is
    learnt, resampled or augmented is so within the training part alone. What a pipeline
    does first to each particle by itself, up to :class:`Resize` or
    :class:`ParticleFeatures`, learns nothing, and is done once for all folds.

    Folds that run at once share the cores: on two cores, each of two networks trains
    with one thread. The folds of an incomplete last round get more. The same call gives
    the same bits again; another number of threads can give others.

    Networks on a CPU are trained in threads of this process, all other models in
    processes of their own, unless ``joblib.parallel_config`` names a backend.

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
    y, groups = _check_labels(particles, y, groups)
    folds = _make_folds(particles, y, groups, cv)
    classes = np.unique(y)
    for train, _ in folds:
        _check_neighbors(model, y[train])
    _warn_of_missing_classes(classes, y, folds)
    steps, rest = split_preparation(model, particles)
    rows = prepare(steps, particles, n_jobs=n_jobs, verbose=verbose)
    if groups is not None and isinstance(model, BaseSearchCV):
        params = {"groups": groups, **(params or {})}
    # joblib's own: scikit-learn's sends the filters of warnings along, and with them to
    # each process whatever they name, such as all of torch.
    tasks = (
        delayed(cross_validate)(
            _OutOfFold(rest, classes, return_estimator, n_threads),
            rows,
            y,
            cv=[fold],
            params=params,
            return_estimator=True,
            error_score="raise",
        )
        for fold, n_threads in zip(folds, _share_cores(len(folds), n_jobs), strict=True)
    )
    prefer = "threads" if _computes_without_python(rest, rows) else "processes"
    outcomes = Parallel(n_jobs=n_jobs, prefer=prefer, return_as="generator")(tasks)
    with _torch_threads():
        outcomes = list(tqdm(outcomes, "folds", len(folds), disable=not verbose))
    result = _collect(outcomes, folds, classes, y, groups)
    result = replace(result, index=getattr(particles, "index", None))
    if not return_estimator:
        return result
    models = [outcome["estimator"][0].model for outcome in outcomes]
    return replace(result, estimators=join_preparation(steps, models, particles))


class _OutOfFold(BaseEstimator):
    """A model that keeps what it predicts when it is scored.

    So cross_validate brings the predictions back with the estimator, and each fold is
    predicted where it was fitted.
    """

    def __init__(self, model, classes, keep_model, n_threads):
        self.model = model
        self.classes = classes
        self.keep_model = keep_model
        self.n_threads = n_threads

    def fit(self, X, y, **params):
        with _torch_threads(self.n_threads):
            self.model.fit(X, y, **params)
        return self

    def score(self, X, y):
        self.y_pred_, y_proba = predict_both(self.model, X)
        self.y_proba_ = None
        if y_proba is not None:
            self.y_proba_ = np.zeros((len(y), len(self.classes)))
            columns = np.searchsorted(self.classes, self.model.classes_)
            self.y_proba_[:, columns] = y_proba
        if not self.keep_model:
            self.model = None
        return 0.0

    def __sklearn_tags__(self):
        return get_tags(self.model)


def _computes_without_python(model, X):
    """Tell whether threads fit a model as fast as processes do.

    They start at once and need no copies, of data or of torch.
    """
    return has_tag(last_step(model), "releases_gil") and not holds_images(X)


def _share_cores(n_folds, n_jobs):
    """Return the number of torch threads of each fold; None leaves it as it is.

    Folds that run at once share the cores. When too few folds are left for all jobs,
    these get the cores of the others, too. None gets more threads than torch has here.
    """
    n_jobs = effective_n_jobs(n_jobs)
    if n_jobs == 1:
        return [None] * n_folds
    n_left = n_folds % n_jobs
    n_most = cpu_count()
    if "torch" in sys.modules:
        n_most = min(n_most, sys.modules["torch"].get_num_threads())
    n_at_once = [n_jobs] * (n_folds - n_left) + [n_left] * n_left
    return [max(1, min(cpu_count() // n, n_most)) for n in n_at_once]


@contextmanager
def _torch_threads(n_threads=None):
    """Let torch use a number of threads, and afterwards as many as before."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    if n_threads is not None:
        torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _collect(outcomes, folds, classes, y, groups):
    """Put the predictions of all folds together in the order of the particles."""
    models = [outcome["estimator"][0] for outcome in outcomes]
    order = np.argsort(np.concatenate([test for _, test in folds]))
    sizes = [len(test) for _, test in folds]
    probabilities = [model.y_proba_ for model in models]
    return CrossValidationResult(
        classes,
        y,
        np.concatenate([model.y_pred_ for model in models])[order],
        np.repeat(np.arange(len(folds)), sizes)[order],
        None if probabilities[0] is None else np.concatenate(probabilities)[order],
        groups,
        fit_times=np.concatenate([outcome["fit_time"] for outcome in outcomes]),
        score_times=np.concatenate([outcome["score_time"] for outcome in outcomes]),
    )


def _check_labels(particles, y, groups):
    """Return labels and groups as arrays of the right length without gaps."""
    check_consistent_length(particles, y, groups)
    columns = {"label": y} if groups is None else {"label": y, "group": groups}
    # NumPy writes what is missing in a list of strings as the string "nan".
    is_missing = {n: pd.isna(np.asarray(v, dtype=object)) for n, v in columns.items()}
    columns = {name: np.asarray(values) for name, values in columns.items()}
    for name in columns:
        missing = np.flatnonzero(is_missing[name])
        if len(missing):
            raise ValueError(
                f"row {missing[0]}: the {name} is missing ({len(missing)} in all). "
                "Drop such particles, or name what they are."
            )
    if groups is None and "micrograph" in getattr(particles, "columns", ()):
        warnings.warn(
            "The particles have a column 'micrograph', but groups is None. Particles "
            "of one micrograph can then be trained on and tested, which makes scores "
            "look better than they are. Pass groups=particles['micrograph'], or drop "
            "the column.",
            UserWarning,
            stacklevel=3,
        )
    return columns["label"], columns.get("group")


def _make_folds(particles, y, groups, cv):
    """Return the folds as pairs of indices after checking that they can work."""
    counts = pd.Series(y).value_counts()
    if len(counts) < 2:
        raise ValueError(
            f"All particles are of class {counts.index[0]!r}; expected two or more."
        )
    if isinstance(cv, Integral):
        _check_class_sizes(counts, cv)
        _check_number_of_groups(groups, cv)
        cv = StratifiedKFold(cv) if groups is None else StratifiedGroupKFold(cv)
    folds = list(check_cv(cv).split(particles, y, groups))
    tested = np.concatenate([test for _, test in folds])
    if not np.array_equal(np.sort(tested), np.arange(len(y))):
        raise ValueError(
            f"{cv} does not test every particle exactly once; expected a splitter "
            "such as StratifiedKFold or StratifiedGroupKFold."
        )
    if groups is not None:
        _check_leaks(folds, groups)
    return folds


def _check_leaks(folds, groups):
    """Refuse folds that test a group that they train on."""
    for i, (train, test) in enumerate(folds):
        shared = np.intersect1d(groups[train], groups[test])
        if len(shared):
            raise ValueError(
                f"Fold {i} tests group {shared.tolist()[0]!r}, which it trains on, too "
                f"({len(shared)} such groups). Take a splitter that keeps groups "
                "together, such as StratifiedGroupKFold, or cv as a number."
            )


def _check_number_of_groups(groups, n_folds):
    """Refuse more folds than there are groups."""
    n_groups = n_folds if groups is None else len(np.unique(groups))
    if n_groups < n_folds:
        raise ValueError(
            f"There are {n_groups} groups, fewer than the {n_folds} folds. Take "
            f"cv={n_groups} or less."
            if n_groups > 1
            else "All particles are of one group, so that none can be tested apart."
        )


def _warn_of_missing_classes(classes, y, folds):
    """Warn of folds that can't learn, or can't test, a class."""
    for verb, part in (("train", 0), ("test", 1)):
        lacking = {}
        for i, fold in enumerate(folds):
            for label in np.setdiff1d(classes, y[fold[part]]).tolist():
                lacking.setdefault(label, []).append(i)
        if lacking:
            fate = (
                "it is never predicted" if verb == "train" else "its measures are NaN"
            )
            which = "; ".join(f"{label!r} in {i}" for label, i in lacking.items())
            warnings.warn(
                f"Folds that {verb} without any particle of a class: {which}. There, "
                f"{fate}. Fewer folds may have it everywhere.",
                UserWarning,
                stacklevel=3,
            )


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
