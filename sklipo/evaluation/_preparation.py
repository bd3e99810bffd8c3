"""First steps of a pipeline that no fold can change: done once for all folds."""

from functools import partial
from math import ceil

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from tqdm import tqdm

from .._jobs import PARCEL, map_parcels
from ..particles import check_particles
from ..particles._checking import holds_images, join_particles
from ..tags import has_tag


def split_preparation(estimator, X):
    """Return the first steps that learn nothing, and the estimator that follows them.

    The steps end where one learns from the data, or drops or adds rows. Rows of numbers
    are left to the folds: what is done to them takes hardly any time.
    """
    if not isinstance(estimator, Pipeline) or not holds_images(X):
        return [], estimator
    n_steps = 0
    for _, step in estimator.steps[:-1]:
        if not _is_row_wise(step):
            break
        n_steps += 1
    rest = clone(estimator)
    rest.steps = rest.steps[n_steps:]
    return estimator.steps[:n_steps], rest


def join_preparation(steps, estimators, X):
    """Return whole pipelines again, from steps and fitted estimators after them."""
    if not steps:
        return estimators
    # The steps learn nothing: one particle fits them as well as all do.
    fitted = Pipeline(_clone_steps(steps)).fit(
        join_particles(X, check_particles(X)).iloc[:1]
    )
    wholes = [clone(estimator) for estimator in estimators]
    for whole, estimator in zip(wholes, estimators, strict=True):
        whole.steps = [*fitted.steps, *estimator.steps]
    return wholes


def prepare(steps, X, *, n_jobs=None, verbose=False):
    """Take particles through steps that learn nothing, a few at a time.

    No more than these few are copied, and jobs share the work evenly.
    """
    if not steps:
        return X
    jobs = [step.n_jobs for _, step in steps if hasattr(step, "n_jobs")]
    if not jobs:
        # What has no parameter n_jobs takes less time than jobs need to start.
        n_jobs = None
    elif n_jobs is None:
        n_jobs = jobs[-1]
    if jobs and len(steps) == 1:
        # It shares the work out by itself, and knows which pixels it needs.
        return clone(steps[0][1]).set_params(n_jobs=n_jobs).fit_transform(X)
    # Checked before it is cut into parcels, whose rows would be counted from 0.
    particles = join_particles(X, check_particles(X))
    rows = map_parcels(partial(_prepare_parcel, steps), particles, n_jobs)
    n_parcels = ceil(len(particles) / PARCEL)
    rows = list(tqdm(rows, "preparing", n_parcels, disable=not verbose))
    return (
        pd.concat(rows) if isinstance(rows[0], pd.DataFrame) else np.concatenate(rows)
    )


def _is_row_wise(step):
    """Tell whether a step, or each step of a pipeline in its place, learns nothing."""
    if isinstance(step, Pipeline):
        return all(_is_row_wise(inner) for _, inner in step.steps)
    return step in (None, "passthrough") or has_tag(step, "row_wise")


def _prepare_parcel(steps, particles):
    """Return what the steps make of some particles."""
    steps = _clone_steps(steps)
    for _, step in steps:
        if hasattr(step, "n_jobs"):
            step.set_params(n_jobs=None)  # A parcel is the work of one job.
    return Pipeline(steps).fit_transform(particles)


def _clone_steps(steps):
    """Return unfitted copies of the steps of a pipeline."""
    return [(name, clone(step, safe=False)) for name, step in steps]
