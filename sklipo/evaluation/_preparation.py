"""Steps of a pipeline that no fold can change: done once for all folds.

Nothing here imports torch: processes that only measure particles do without.
"""

from functools import partial
from math import ceil

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from tqdm import tqdm

from .._jobs import PARCEL, map_parcels
from ..features import ParticleFeatures
from ..particles import check_particles, holds_images
from ..resize import Resize
from ..transformers import ApplyMask, CropToMask, NormalizeBackground

# They look at one particle at a time and learn nothing from the others.
_IMAGES_TO_IMAGES = (NormalizeBackground, CropToMask, ApplyMask)


def split_preparation(model, X):
    """Return the steps from images to rows that learn nothing, and the model after.

    There are none if X holds no images, or a step before the rows depends on the
    training set, as a sampler does.
    """
    if isinstance(model, Pipeline) and holds_images(X):
        for n_steps, (_, step) in enumerate(model.steps[:-1], start=1):
            if _is_fixed_doorway(step):
                rest = clone(model)
                rest.steps = rest.steps[n_steps:]
                return model.steps[:n_steps], rest
            if not isinstance(step, _IMAGES_TO_IMAGES):
                break
    return [], model


def join_preparation(steps, models, X):
    """Return whole pipelines again, from steps and fitted models after them."""
    if not steps:
        return models
    fitted = Pipeline(clone_steps(steps)).fit(check_particles(X).iloc[:1])
    wholes = [clone(model) for model in models]
    for whole, model in zip(wholes, models, strict=True):
        whole.steps = [*fitted.steps, *model.steps]
    return wholes


def prepare(steps, X, *, n_jobs=None, verbose=False):
    """Take particles through steps that learn nothing, some at a time.

    So no more than a few of them are copied, and the jobs share the work evenly. Jobs
    are for measures alone: images are resized in less time than jobs need to start.
    """
    if not steps:
        return X
    *before, (_, doorway) = steps
    if not isinstance(doorway, ParticleFeatures):
        n_jobs = None
    elif not before:  # It sends jobs no more than it measures.
        n_jobs = doorway.n_jobs if n_jobs is None else n_jobs
        return clone(doorway).set_params(n_jobs=n_jobs).fit_transform(X)
    particles = check_particles(X)  # Its messages count the rows of the whole table.
    rows = map_parcels(partial(_prepare_parcel, steps), particles, n_jobs)
    n_parcels = ceil(len(particles) / PARCEL)
    rows = list(tqdm(rows, "preparing", n_parcels, disable=not verbose))
    return (
        pd.concat(rows) if isinstance(rows[0], pd.DataFrame) else np.concatenate(rows)
    )


def clone_steps(steps):
    """Return unfitted copies of the steps of a pipeline."""
    return [(name, clone(step)) for name, step in steps]


def _is_fixed_doorway(step):
    """Tell whether a step makes rows of images by a rule that data can't change."""
    if isinstance(step, ParticleFeatures):
        return step.intensity == "relative"
    return isinstance(step, Resize)


def _prepare_parcel(steps, particles):
    """Return the rows of some particles."""
    return Pipeline(clone_steps(steps)).fit_transform(particles)
