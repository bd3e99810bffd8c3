"""The entry points that take particles, each as a function of the particles alone."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline

import sklipo
from sklipo.datasets import (
    extract_particles,
    load_particles,
    read_micrograph,
    save_particles,
)
from sklipo.labeling import read_labels

from .label_file_inputs import CLASSES, TABLE
from .label_inputs import MICROGRAPH
from .particle_inputs import PLAIN


@dataclass(frozen=True)
class Door:
    """A public function, and whether it gives other types of pixels other results."""

    call: object
    heeds_dtype: bool = False


def _labels(particles):
    """Return the labels of the plain particles, as many as there are particles."""
    try:
        n = len(particles)
    except TypeError:
        n = len(PLAIN)
    return np.resize(PLAIN["label"].to_numpy(), n)


@cache
def _fitted(make):
    """Return a model that was fitted on the plain particles."""
    return make().fit(PLAIN, PLAIN["label"])


def _svc():
    return sklipo.make_svc_pipeline("thesis")


def _svc_with_probabilities():
    return sklipo.make_svc_pipeline("thesis", probability=True)


def _lipnet():
    return sklipo.make_lipnet_pipeline(
        "lipnet-1", size=8, n_filters=2, hidden_units=4, max_epochs=1, random_state=0
    )


def _transform(transformer):
    """Return a function that transforms particles and leaves out further columns."""
    return lambda X: sklipo.check_particles(transformer.fit_transform(X))


def _fit_and_predict(make):
    return lambda X: make().fit(X, _labels(X)).predict(X)


def _oversample(X):
    sampler = sklipo.ArtificialOverSampler(
        sampling_strategy={"empty": 7, "full": 8}, random_state=0
    )
    particles, labels = sampler.fit_resample(X, _labels(X))
    return particles["image"].array, list(labels)


def _cross_validate(X):
    model = make_pipeline(sklipo.Resize(4), DummyClassifier())
    return sklipo.cross_validate_particles(model, X, _labels(X), cv=2).y_pred


PARTICLE_DOORS = {
    "check_particles": Door(sklipo.check_particles),
    "NormalizeBackground": Door(_transform(sklipo.NormalizeBackground())),
    "CropToMask": Door(_transform(sklipo.CropToMask())),
    "ApplyMask": Door(_transform(sklipo.ApplyMask())),
    "Resize": Door(sklipo.Resize(6).fit_transform, heeds_dtype=True),
    "ParticleFeatures": Door(sklipo.ParticleFeatures("all").fit_transform),
    "an SVC's fit": Door(_fit_and_predict(_svc)),
    "a fitted SVC": Door(lambda X: _fitted(_svc).predict(X)),
    "a fitted SVC's probabilities": Door(
        lambda X: _fitted(_svc_with_probabilities).predict_proba(X)
    ),
    "a LipNet's fit": Door(_fit_and_predict(_lipnet)),
    "a fitted LipNet": Door(lambda X: _fitted(_lipnet).predict_proba(X)),
    "ArtificialOverSampler": Door(_oversample, heeds_dtype=True),
    "cross_validate_particles": Door(_cross_validate),
}


def load(path):
    """Load the particles of a folder, and nothing but their images and masks."""
    particles = load_particles(path)
    return particles[[name for name in ("image", "mask") if name in particles]]


def save_and_load(particles, path):
    """Save a table and load it again."""
    save_particles(particles, path, overwrite=True)
    return load_particles(path)


def extract(labels):
    """Cut the particles of a label image out of the plain micrograph."""
    particles = extract_particles(MICROGRAPH, labels, margin=2)
    return particles[["image", "mask", "top", "left"]]


def join(path):
    """Read a file of labels into the table of its particles."""
    return read_labels(path, TABLE, classes=CLASSES)[["label"]]


def read(path):
    """Read the pixels of a micrograph."""
    return read_micrograph(path).pixels
