"""What the thesis reports, and what the scripts of its experiments have in common.

S. Gryshkevych, "Convolutional neural networks for classification of transmission
electron microscopy imagery", Uppsala University, 2016.
"""

import argparse

import numpy as np
import pandas as pd

from sklipo import cross_validate_particles
from sklipo.datasets import load_particles, make_liposomes

ENCAPSULATION = ["empty", "full", "uncertain"]
LAMELLARITY = ["unilamellar", "multilamellar", "uncertain"]

# Tables 1 and 2: particles in all.
N_PARTICLES = {"lamellarity": 14_169, "encapsulation": 24_918}

# Average confusion matrices over 5 folds, rows true. Normalised: Table 6, LipNet-4
# augmented by zoom alone; Tables 7 and 8, the SVM.
TABLE_6 = pd.DataFrame(
    [[0.43, 0.13, 0.44], [0.04, 0.90, 0.06], [0.14, 0.35, 0.51]],
    ENCAPSULATION,
    ENCAPSULATION,
)
TABLE_7 = pd.DataFrame(
    [[0.89, 0.01, 0.10], [0.04, 0.87, 0.09], [0.18, 0.10, 0.72]],
    ENCAPSULATION,
    ENCAPSULATION,
)
TABLE_8 = pd.DataFrame(
    [[0.94, 0.04, 0.02], [0.00, 0.98, 0.02], [0.03, 0.11, 0.86]],
    LAMELLARITY,
    LAMELLARITY,
)

# In particles: Tables 9 and 10, the networks with all augmentation.
TABLE_9 = pd.DataFrame(
    [[2325, 15, 124], [4, 323, 16], [2, 3, 11]], LAMELLARITY, LAMELLARITY
)
TABLE_10 = pd.DataFrame(
    [[24, 1, 7], [272, 3929, 660], [30, 9, 61]], ENCAPSULATION, ENCAPSULATION
)

# What a first run takes: enough rare particles for five folds, and small networks.
_QUICK_WEIGHTS = {
    "lamellarity": {"unilamellar": 70, "multilamellar": 18, "uncertain": 12},
    "encapsulation": {"full": 70, "uncertain": 16, "empty": 14},
}
_QUICK_NETWORK = {"n_filters": 16, "hidden_units": 128, "max_epochs": 10}
_FULL_NETWORK = {"max_epochs": 20}


def read_options(description, picture):
    """Read what all experiments can be told on the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("table", nargs="?", help="your table or folder of particles")
    parser.add_argument("--label", default="label", help="column with the classes")
    parser.add_argument(
        "--group", default="micrograph", help="column that keeps particles together"
    )
    parser.add_argument(
        "--full", action="store_true", help="as many particles and epochs as the thesis"
    )
    parser.add_argument(
        "--particles", type=int, default=400, help="if there is no table"
    )
    parser.add_argument("--epochs", type=int, help="training epochs of each network")
    parser.add_argument("--folds", type=int, default=5, help="cross-validation folds")
    parser.add_argument("--jobs", type=int, default=-1, help="folds that run at once")
    parser.add_argument("--picture", default=picture, help="where the picture goes")
    options = parser.parse_args()
    options.network = dict(_FULL_NETWORK if options.full else _QUICK_NETWORK)
    if options.epochs:
        options.network["max_epochs"] = options.epochs
    return options


def load_problems(options, problems=("lamellarity", "encapsulation")):
    """Return a particle table for each problem: the user's, or artificial liposomes."""
    if options.table:
        columns = None if options.label == "label" else {options.label: "label"}
        tables = {"your table": load_particles(options.table, columns=columns)}
    else:
        tables = {problem: _draw(options, problem) for problem in problems}
    for name, particles in tables.items():
        counts = particles["label"].value_counts().to_dict()
        print(f"{name}: {len(particles)} particles, {counts}")
    return tables


def _draw(options, problem):
    """Draw the liposomes of a problem."""
    if options.full:
        return make_liposomes(
            N_PARTICLES[problem], problem, n_jobs=options.jobs, random_state=0
        )
    weights = _QUICK_WEIGHTS[problem]
    return make_liposomes(options.particles, problem, weights=weights, random_state=0)


def cross_validate(model, particles, options, **params):
    """Test a model on each micrograph by training on the others."""
    return cross_validate_particles(
        model,
        particles,
        particles["label"],
        groups=particles.get(options.group),
        cv=options.folds,
        n_jobs=options.jobs,
        **params,
    )


def print_beside_thesis(title, ours, thesis):
    """Print our figures beside those of the thesis, which are of other data."""
    print(f"\n{title}")
    print("The thesis measured other particles: compare the pattern, not the size.")
    print(pd.concat({"here": ours, "thesis": thesis}, axis=1).round(2).to_string())


def expand(matrix):
    """Return true and predicted classes with such a confusion matrix of counts."""
    counts = matrix.to_numpy()
    rows, columns = np.repeat(np.argwhere(counts > 0), counts[counts > 0], axis=0).T
    return matrix.index.to_numpy()[rows], matrix.columns.to_numpy()[columns]
