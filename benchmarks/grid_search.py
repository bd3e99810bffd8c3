"""Grid search over one table of particles, with measures kept in memory= and without.

Four settings of the SVM and three folds are twelve tasks. The memory= of a Pipeline
alone would keep what the model learns from, and measure the rest each time.
"""

from tempfile import TemporaryDirectory

import numpy as np
from sklearn.model_selection import GridSearchCV

from benchmarks._particles import draw_particles
from benchmarks._timing import compare
from sklipo import make_svc_pipeline

N_DRAWN, N_PARTICLES = 600, 6000
GRID = {"classify__C": [1.0, 10.0], "classify__gamma": [1e-3, 1e-2]}


def main():
    rows = np.resize(np.arange(N_DRAWN), N_PARTICLES)
    particles = draw_particles(N_DRAWN).iloc[rows].reset_index(drop=True)
    # Else what is drawn once would be measured once.
    particles["pixel_size"] = np.linspace(0.5, 1.5, N_PARTICLES)
    scores = {}
    ways = {
        "without": lambda: scores.update(without=search(particles)),
        "sklipo": lambda: scores.update(sklipo=search_remembering(particles)),
    }
    title = f"Grid search of 12 tasks over {N_PARTICLES} particles"
    compare(title, ways, n_rounds=1, unit="s", warm_up=False)
    np.testing.assert_array_equal(scores["sklipo"], scores["without"])


def search(particles, memory=None):
    """Return the mean score of each setting."""
    model = make_svc_pipeline(memory=memory)
    found = GridSearchCV(model, GRID, cv=3).fit(particles, particles["label"])
    return found.cv_results_["mean_test_score"]


def search_remembering(particles):
    """Return the same by measures that are kept in an empty folder."""
    with TemporaryDirectory() as folder:
        return search(particles, memory=folder)
