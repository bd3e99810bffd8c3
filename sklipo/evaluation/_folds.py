"""Folds: their parameters, their threads, and what becomes of each."""

import sys
from contextlib import contextmanager
from time import perf_counter
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import cpu_count, effective_n_jobs
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn import get_config
from sklearn.base import BaseEstimator

# Private part of scikit-learn: the base of all searches.
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)

# Private parts of scikit-learn: cross_validate splits X, y and parameters by them.
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params, has_fit_parameter
from tqdm import tqdm

from .._jobs import iter_results
from .._steps import predict_both
from ..particles._warnings import warn_caller
from ..tags import has_tag


class Outcome(NamedTuple):
    """What a fold brings back."""

    number: int
    y_pred: np.ndarray
    y_proba: np.ndarray | None
    fit_time: float
    score_time: float
    estimator: BaseEstimator | None


def fit_and_predict(
    estimator, X, y, fold, *, number, classes, params, n_threads, keep_estimator
):
    """Fit on the training part of a fold, and predict its test part."""
    train, test = fold
    params = _check_method_params(X, params, indices=train)
    # Prediction belongs inside: a new thread begins with the number that any other
    # thread has set last, and would predict with one or two by chance.
    with torch_threads(n_threads):
        start = perf_counter()
        X_train, y_train = _safe_split(estimator, X, y, train)
        _fit(estimator, X_train, y_train, params, number)
        fitted = perf_counter()
        X_test, _ = _safe_split(estimator, X, y, test, train)
        y_pred, y_proba = predict_both(estimator, X_test)
        predicted = perf_counter()
    if y_proba is not None:
        y_proba = _spread(y_proba, estimator.classes_, classes)
    kept = estimator if keep_estimator else None
    return Outcome(number, y_pred, y_proba, fitted - start, predicted - fitted, kept)


def run_folds(tasks, n_jobs, *, prefer, verbose):
    """Return the outcomes of all folds, in order.

    Folds that a killed worker took with it run again, one at a time.
    """
    outcomes = {}
    with tqdm(desc="folds", total=len(tasks), disable=not verbose) as bar:
        try:
            # As they come: what is there when a worker dies need not run again.
            for outcome in iter_results(tasks, n_jobs, prefer=prefer, ordered=False):
                outcomes[outcome.number] = outcome
                bar.update()
        except TerminatedWorkerError:
            lost = sorted(set(range(len(tasks))) - set(outcomes))
            _warn_of_lost_folds(lost, len(tasks))
            for number in lost:
                outcomes[number] = _run_again(tasks[number], number, n_jobs)
                bar.update()
    return [outcomes[number] for number in range(len(tasks))]


def _warn_of_lost_folds(lost, n_folds):
    """Warn that a worker died, and say what becomes of its folds."""
    warn_caller(
        f"A worker process was killed, most likely because memory ran out. Folds "
        f"{lost} of {n_folds} had no result yet and run again, one at a time. Fewer "
        "n_jobs need less memory.",
    )


def _run_again(task, number, n_jobs):
    """Return the outcome of a fold that has a worker to itself."""
    try:
        (outcome,) = iter_results([task], n_jobs, prefer="processes")
    except TerminatedWorkerError as error:
        raise RuntimeError(
            f"Fold {number} has no result: its worker process was killed twice, the "
            "second time while no other fold ran. Most likely one fold needs more "
            "memory than there is: measure or resize the particles beforehand, or "
            "train on fewer of them. With n_jobs=1 the fold runs in this process, "
            "which a lack of memory then kills."
        ) from error
    return outcome


def route_params(estimator, params, groups):
    """Return the parameters of ``fit``, with the groups where the estimator takes them.

    With metadata routing enabled, they are those that it requests.
    """
    params = {} if params is None else params
    has_use = groups is not None and not _loses_groups(estimator)
    offered = {"groups": groups} if has_use else {}
    if not get_config()["enable_metadata_routing"]:
        name = _name_of_groups(estimator) if has_use else None
        taken = {} if name is None else {name: groups}
        return {**taken, **params}
    router = MetadataRouter(owner="cross_validate_particles").add(
        estimator=estimator,
        method_mapping=MethodMapping().add(caller="fit", callee="fit"),
    )
    taken = {name: offered[name] for name in router.consumes("fit", offered)}
    return process_routing(router, "fit", **{**taken, **params}).estimator.fit


def _name_of_groups(estimator):
    """Return the parameter of ``fit`` that takes groups, None without one.

    That of the last step of a pipeline has the name of the step in front of its own.
    """
    # Searches take it among their further parameters.
    if isinstance(estimator, BaseSearchCV) or has_fit_parameter(estimator, "groups"):
        return "groups"
    if not isinstance(estimator, Pipeline):
        return None
    name, last = estimator.steps[-1]
    return f"{name}__groups" if has_fit_parameter(last, "groups") else None


def _loses_groups(estimator):
    """Tell whether a pipeline has a sampler of rows, behind which no groups fit.

    A network does without, but thresholds that took copies of a particle for unseen
    would be wrong: these get the groups, and their fit refuses.
    """
    if not isinstance(estimator, Pipeline):
        return False
    *before, (_, last) = estimator.steps
    has_sampler = any(hasattr(step, "fit_resample") for _, step in before)
    return has_sampler and not has_tag(last, "abstains")


def _fit(estimator, X, y, params, number):
    """Fit an estimator; an error says in which fold and with how many of each class."""
    try:
        estimator.fit(X, y, **params)
    except Exception as error:
        counts = pd.Series(y).value_counts()
        sizes = ", ".join(f"{n} of {label!r}" for label, n in counts.items())
        error.add_note(
            f"In fold {number}, which trains on {len(y)} particles: {sizes}."
        )
        raise


def _spread(y_proba, own_classes, classes):
    """Return probabilities with a column for each class: 0 for one not learned."""
    spread = np.zeros((len(y_proba), len(classes)))
    spread[:, np.searchsorted(classes, own_classes)] = y_proba
    return spread


def share_cores(n_folds, n_jobs):
    """Return the number of torch's threads in each fold; None leaves it as it is.

    Folds that run at once share the cores. Folds of an incomplete last round share all
    cores. No fold gets more threads than torch uses in this process.
    """
    n_jobs = effective_n_jobs(n_jobs)
    if n_jobs == 1:
        return [None] * n_folds
    n_left = n_folds % n_jobs
    n_most = cpu_count()
    # The user may have lowered torch's number, or a cluster by OMP_NUM_THREADS.
    if "torch" in sys.modules:
        n_most = min(n_most, sys.modules["torch"].get_num_threads())
    n_at_once = [n_jobs] * (n_folds - n_left) + [n_left] * n_left
    return [max(1, min(cpu_count() // n, n_most)) for n in n_at_once]


@contextmanager
def torch_threads(n_threads=None):
    """Let torch use a number of threads, and afterwards as many as before."""
    # Importing torch takes seconds, and estimators without networks do not need it.
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    # This rests on OpenMP, which torch computes with: omp_set_num_threads holds for the
    # calling thread alone, so folds in threads of one process can differ.
    before = torch.get_num_threads()
    if n_threads is not None:
        torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
