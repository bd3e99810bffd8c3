"""
Classify particles: a network and an SVM compared
=================================================

One membrane or several? A small convolutional network (LipNet-4) looks at the pixels of
each particle, a support vector machine at its measures. Both are tested on particles
that they were not trained on, five times over.

Without an argument the particles are artificial liposomes. To classify your own, give a
table of them: CSV, Parquet or JSON with the columns ``image``, ``mask`` and ``label``,
or a folder with a sub-folder of images for each class::

    python plot_01_classify_particles.py particles.csv

Where the table has a column ``micrograph``, particles of one micrograph stay together:
a model is never tested on a micrograph that it has seen.
"""

import argparse

import matplotlib.pyplot as plt
import pandas as pd

from sklipo import cross_validate_particles, make_lipnet_pipeline, make_svc_pipeline
from sklipo.datasets import load_particles, make_liposomes
from sklipo.displays import ConfusionMatricesDisplay, ParticleGalleryDisplay

parser = argparse.ArgumentParser(description="Compare LipNet-4 with an SVM")
parser.add_argument("table", nargs="?", help="table or folder of particles")
parser.add_argument("--label", default="label", help="column with the classes")
parser.add_argument("--group", default="micrograph", help="column that keeps together")
parser.add_argument("--epochs", type=int, default=20, help="training epochs of LipNet")
parser.add_argument("--folds", type=int, default=5, help="cross-validation folds")
parser.add_argument("--jobs", type=int, default=-1, help="folds that run at once")
parser.add_argument("--picture", default="classify_particles.png", help="where it goes")
args = parser.parse_args()

# %%
# The particles
# -------------
# A particle table is a pandas DataFrame: one row per particle, with its image, its mask
# and whatever else is known of it. The classes are unequal, though less so than in the
# thesis, where 0.6 % are uncertain: five of 800 particles, too few to say much of.

if args.table:
    columns = None if args.label == "label" else {args.label: "label"}
    particles = load_particles(args.table, columns=columns, verbose=True)
else:
    weights = {"unilamellar": 75, "multilamellar": 15, "uncertain": 10}
    particles = make_liposomes(800, weights=weights, random_state=0)
print(particles)
print(particles["label"].value_counts())

# %%
# Two models
# ----------
# Both take the particle table as it is.

models = {
    "LipNet-4": make_lipnet_pipeline(
        "lipnet-4", max_epochs=args.epochs, random_state=0
    ),
    "SVM": make_svc_pipeline(),
}

# %%
# Cross-validation
# ----------------
# Each particle is predicted by a model that was fitted without it, and without its
# micrograph.

results = {}
for name, model in models.items():
    print(f"\n{name}")
    results[name] = cross_validate_particles(
        model,
        particles,
        particles["label"],
        groups=particles.get(args.group),
        cv=args.folds,
        n_jobs=args.jobs,
        verbose=True,
    )

# %%
# What came out
# -------------
# Balanced accuracy with its 95 % interval over micrographs, and for each class: the
# share of its particles that is found (TPR), of the others that is left alone (TNR),
# the share of right ones among those so called (PPV) and not so called (NPV), and F1 of
# TPR and PPV.

for name, result in results.items():
    print(f"\n{name}: {result}")
    row = result.summary().loc["balanced_accuracy"]
    print(f"mean and standard deviation of folds: {row['mean']:.3f} ± {row['std']:.3f}")
tables = {name: result.classification_table() for name, result in results.items()}
print(pd.concat(tables)[["TPR", "TNR", "PPV", "NPV", "F1", "support"]].round(3))

# %%
# Is one better than the other, or is the difference due to the particles at hand?

difference = results["SVM"].compare(results["LipNet-4"])
print(f"\nThe SVM less LipNet-4\n{difference.round(3)}")

# %%
# Average confusion matrices over the folds; rows are true classes. In a cell the share
# of the true class, its standard deviation, and the number of particles in a fold.

display = ConfusionMatricesDisplay.from_cv_results(results)
display.figure_.savefig(args.picture, dpi=120)
print(f"\nThe confusion matrices are in {args.picture}")

# %%
# The network's mistakes, the most confident first: above a particle its row in the
# table, what it is, what it was taken for, and with which probability.

display = ParticleGalleryDisplay.from_cv_results(results["LipNet-4"], particles)
mistakes = args.picture.replace(".png", "_mistakes.png")
display.figure_.savefig(mistakes, dpi=120)
print(f"The mistakes are in {mistakes}")
plt.show()
