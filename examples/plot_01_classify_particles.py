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
from sklearn.metrics import ConfusionMatrixDisplay

from sklipo import cross_validate_particles, make_lipnet_pipeline, make_svc_pipeline
from sklipo.datasets import load_particles, make_liposomes

parser = argparse.ArgumentParser(description="Compare LipNet-4 and an SVM on particles")
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
# and whatever else is known of it. The classes are as unequal as in the thesis.

if args.table:
    columns = None if args.label == "label" else {args.label: "label"}
    particles = load_particles(args.table, columns=columns, verbose=True)
else:
    particles = make_liposomes(800, problem="lamellarity", random_state=0)
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
# The average confusion matrix over the folds, normalised by the number of particles of
# the class, and raw. Rows are true classes, columns predicted ones.

for name, result in results.items():
    scores = result.balanced_accuracy_per_fold
    print(
        f"\n{name}: balanced accuracy {result.balanced_accuracy:.3f} "
        f"(folds {scores.mean():.3f} ± {scores.std(ddof=1):.3f})"
    )
    print(result.confusion_matrix(normalize=True).round(2))
    print(result.confusion_matrix().round(1))

# %%
# Per class: the share of its particles that is found (TPR), of the others that is left
# alone (TNR), the share of right ones among those so called (PPV) and not so called
# (NPV), and F1 of TPR and PPV.

print(
    pd.concat(
        {
            name: result.classification_table().round(3)
            for name, result in results.items()
        }
    )
)

# %%
# The particles and both matrices in one picture: the share of the true class, and below
# it the average number of particles in a fold.

classes = results["SVM"].classes
n_examples = 6
figure = plt.figure(figsize=(17, 1.5 + 1.5 * len(classes)), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(2, 3), wspace=0.03)

left.suptitle("Examples of each class")
for row, label in zip(left.subplots(len(classes), n_examples), classes, strict=True):
    members = particles[particles["label"] == label]
    members = members.sample(min(n_examples, len(members)), random_state=0)
    for ax in row:
        ax.set_axis_off()
    for ax, image in zip(row, members["image"], strict=False):
        ax.imshow(image, cmap="gray")
    row[0].set_title(label, loc="left")

right.suptitle("Average confusion matrix over the folds")
axes = right.subplots(1, len(results), sharey=True)
for ax, (name, result) in zip(axes, results.items(), strict=True):
    shares = result.confusion_matrix(normalize=True).to_numpy()
    counts = result.confusion_matrix().to_numpy()
    display = ConfusionMatrixDisplay(shares, display_labels=classes)
    display.plot(ax=ax, cmap="Blues", im_kw={"vmin": 0, "vmax": 1}, colorbar=False)
    for cell, text in enumerate(display.text_.flat):
        text.set_text(f"{shares.flat[cell]:.2f}\n({counts.flat[cell]:.1f})")
        text.set_color("white" if shares.flat[cell] > 0.6 else "black")
    ax.set_aspect("auto")
    ax.set_title(f"{name}: balanced accuracy {result.balanced_accuracy:.2f}")
    ax.set_xticks(range(len(classes)), classes, rotation=30, ha="right")
    ax.set_ylabel("")
axes[0].set_ylabel("True class")
for ax in axes:
    ax.set_xlabel("Predicted class")

figure.savefig(args.picture, dpi=120)
print(f"\nThe picture is in {args.picture}")
plt.show()
