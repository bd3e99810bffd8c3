"""Five folds: one after the other, two at once, and LipNet-4 in plain torch."""

import numpy as np
import torch
from sklearn.model_selection import StratifiedKFold

from benchmarks import _by_hand
from benchmarks._particles import draw_particles
from benchmarks._timing import compare
from sklipo import LipNetClassifier, cross_validate_particles, make_svc_pipeline

N_PARTICLES, N_IMAGES, N_EPOCHS = 2000, 1280, 3


def main():
    compare_lipnet()  # First: a process that has used threads can't be forked.
    compare_jobs_of_svm()


def compare_lipnet():
    rng = np.random.default_rng(0)
    X = rng.random((N_IMAGES, 28 * 28), dtype=np.float32)
    y = np.arange(N_IMAGES) % _by_hand.N_CLASSES
    folds = list(StratifiedKFold(5).split(X, y))
    model = LipNetClassifier("lipnet-4", max_epochs=N_EPOCHS, random_state=0)

    def train_by_hand():
        for train, test in folds:
            network = _by_hand.train(X[train], y[train], N_EPOCHS)
            _by_hand.predict_proba(network, X[test])

    def validate(n_jobs):
        cross_validate_particles(model, X, y, cv=folds, n_jobs=n_jobs)

    ways = {
        "by hand": train_by_hand,
        "sklipo, n_jobs=1": lambda: validate(1),
        "sklipo, n_jobs=2": lambda: validate(2),
    }
    threads = torch.get_num_threads()
    title = f"Five folds of LipNet-4, {N_IMAGES} images, {threads} threads"
    compare(title, ways, n_rounds=5, unit="s", apart=True)


def compare_jobs_of_svm():
    particles = draw_particles(N_PARTICLES)
    y = np.resize(["multilamellar", "uncertain", "unilamellar"], N_PARTICLES)
    groups = np.arange(N_PARTICLES) // 20

    def validate(n_jobs):
        model = make_svc_pipeline()
        return cross_validate_particles(
            model, particles, y, groups=groups, n_jobs=n_jobs
        )

    ways = {"n_jobs=1": lambda: validate(1), "n_jobs=2": lambda: validate(2)}
    title = f"Five folds of measures and SVM, {N_PARTICLES} particles"
    compare(title, ways, n_rounds=5, unit="s")
