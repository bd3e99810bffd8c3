"""Switches of the examples on the command line. Skip this file if you only read.

Each example calls these functions for what is not its subject: which particles it
takes, how long it trains, and where its pictures go.
"""

import argparse

from sklipo import cross_validate_particles
from sklipo.datasets import load_particles, make_liposomes

# Tables 1 and 2 of the thesis: particles in all.
N_PARTICLES = {"lamellarity": 14_169, "encapsulation": 24_918}

# A first run takes enough rare particles for five folds, and small networks.
QUICK_WEIGHTS = {
    "lamellarity": {"unilamellar": 70, "multilamellar": 18, "uncertain": 12},
    "encapsulation": {"full": 70, "uncertain": 16, "empty": 14},
}
QUICK_NETWORK = {"n_filters": 16, "hidden_units": 128, "max_epochs": 10}
FULL_NETWORK = {"max_epochs": 20}


def read_options(description, picture, *, particles=400, folds=5, seeds=None):
    """Read the switches that all examples have."""
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
        "--particles", type=int, default=particles, help="if there is no table"
    )
    parser.add_argument("--epochs", type=int, help="training epochs of each network")
    parser.add_argument(
        "--folds", type=int, default=folds, help="cross-validation folds"
    )
    parser.add_argument("--jobs", type=int, default=-1, help="folds that run at once")
    parser.add_argument("--picture", default=picture, help="where the picture goes")
    if seeds:
        parser.add_argument("--seeds", type=int, default=seeds, help="repetitions")
    options = parser.parse_args()
    options.network = dict(FULL_NETWORK if options.full else QUICK_NETWORK)
    if options.epochs:
        options.network["max_epochs"] = options.epochs
    return options


def load_problems(options, problems=("lamellarity", "encapsulation")):
    """Return a particle table for each problem: the user's, or artificial liposomes."""
    if options.table:
        columns = None if options.label == "label" else {options.label: "label"}
        tables = {"your table": load_particles(options.table, columns=columns)}
    else:
        tables = {problem: draw_liposomes(options, problem) for problem in problems}
    for name, particles in tables.items():
        counts = particles["label"].value_counts().to_dict()
        print(f"{name}: {len(particles)} particles, {counts}")
    return tables


def draw_liposomes(options, problem):
    """Draw the liposomes of a problem."""
    if options.full:
        return make_liposomes(
            N_PARTICLES[problem], problem, n_jobs=options.jobs, random_state=0
        )
    weights = QUICK_WEIGHTS[problem]
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


def save_picture(figure, options, *names):
    """Save a picture under the name from the command line and some more."""
    suffix = "".join(f"_{name.replace(' ', '_')}" for name in names)
    path = options.picture.replace(".png", f"{suffix}.png")
    figure.savefig(path, dpi=120)
    print(f"The picture is in {path}")
