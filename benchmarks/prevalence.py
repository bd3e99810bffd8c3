"""Shares of classes with intervals: sklipo, and a bootstrap as users write it."""

import warnings

import numpy as np
from scipy.optimize import nnls
from sklearn.metrics import confusion_matrix

from benchmarks._timing import compare
from sklipo import estimate_prevalence
from sklipo.evaluation import CrossValidationResult

N_NEW, N_LABELED, N_RESAMPLES = (10_000, 100), (2_500, 60), 1_000
CLASSES = np.array(["empty", "full", "uncertain"])


def main():
    result, _ = draw(*N_LABELED, [0.3, 0.4, 0.3], seed=0)
    new, truth = draw(*N_NEW, [0.01, 0.97, 0.02], seed=1)
    given = new.y_pred, new.groups

    def ours(method):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return estimate_prevalence(
                result,
                new.y_pred,
                groups=new.groups,
                y_proba=new.y_proba,
                method=method,
            )

    assert np.abs(ours("adjusted").share - truth).max() < 0.02
    assert np.abs(by_hand(result, *given, 100).mean(axis=0) - truth).max() < 0.02
    ways = {
        "by hand, confusion matrices inverted": lambda: by_hand(result, *given),
        "sklipo, adjusted": lambda: ours("adjusted"),
        "sklipo, em": lambda: ours("em"),
    }
    title = f"Shares of {N_NEW[0]} particles, {N_RESAMPLES} resamples of micrographs"
    compare(title, ways, n_rounds=5, unit="s")


def by_hand(result, y_pred, groups, n_resamples=N_RESAMPLES):
    """Return shares in resamples of labeled and of new micrographs."""
    generator = np.random.default_rng(0)
    labeled_rows, new_rows = (
        [np.flatnonzero(values == group) for group in np.unique(values)]
        for values in (result.groups, groups)
    )
    shares = []
    for _ in range(n_resamples):
        labeled, new = (
            np.concatenate(
                [rows[i] for i in generator.integers(len(rows), size=len(rows))]
            )
            for rows in (labeled_rows, new_rows)
        )
        matrix = confusion_matrix(
            result.y_true[labeled],
            result.y_pred[labeled],
            labels=CLASSES,
            normalize="true",
        )
        predicted = np.array([(y_pred[new] == name).mean() for name in CLASSES])
        found, _ = nnls(matrix.T, predicted)
        shares.append(found / found.sum())
    return np.array(shares)


def draw(n_particles, n_groups, shares, seed):
    """Return particles of micrographs whose measures overlap, and their shares."""
    generator = np.random.default_rng(seed)
    groups = np.sort(generator.integers(n_groups, size=n_particles))
    codes = generator.choice(3, n_particles, p=shares)
    scores = 4 * (2.6 * np.eye(3)[codes] + generator.normal(size=(n_particles, 3)))
    y_proba = np.exp(scores - scores.max(axis=1, keepdims=True))
    y_proba /= y_proba.sum(axis=1, keepdims=True)
    result = CrossValidationResult(
        classes=CLASSES,
        y_true=CLASSES[codes],
        y_pred=CLASSES[y_proba.argmax(axis=1)],
        folds=groups % 5,
        groups=groups,
        y_proba=y_proba,
    )
    return result, np.bincount(codes) / n_particles
