"""Grid search over one table of particles, measured in each task or once before.

Four settings of the SVM and three folds are twelve tasks. Measures learn nothing from
other particles, so measuring all of them first leaks nothing.
"""

import numpy as np
from sklearn.model_selection import GridSearchCV

from benchmarks._particles import draw_particles
from benchmarks._timing import compare
from sklipo import ParticleFeatures, make_svc_pipeline

N_DRAWN, N_PARTICLES = 600, 3000
GRID = {"classify__C": [1.0, 10.0], "classify__gamma": [1e-3, 1e-2]}


def main():
    rows = np.resize(np.arange(N_DRAWN), N_PARTICLES)
    particles = draw_particles(N_DRAWN).iloc[rows].reset_index(drop=True)
    scores = {}
    ways = {
        "in each task": lambda: scores.update(each=search(particles)),
        "measured once": lambda: scores.update(once=search_rows(particles)),
    }
    title = f"Grid search of 12 tasks over {N_PARTICLES} particles"
    compare(title, ways, n_rounds=1, unit="s", warm_up=False)
    np.testing.assert_array_equal(scores["once"], scores["each"])


def search(particles):
    """Return the mean score of each setting."""
    return score_settings(make_svc_pipeline(), particles, particles["label"])


def search_rows(particles):
    """Return the same by rows of measures and the steps after them."""
    measured = ParticleFeatures().fit_transform(particles)
    return score_settings(make_svc_pipeline()[1:], measured, particles["label"])


def score_settings(model, X, y):
    """Return the mean score of each setting of a model."""
    return GridSearchCV(model, GRID, cv=3).fit(X, y).cv_results_["mean_test_score"]
