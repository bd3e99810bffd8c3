"""
Classify particles: a network, an SVM and an ensemble compared
==============================================================

One membrane or several? A small convolutional network (LipNet-4) looks at the pixels of
each particle, a support vector machine at its measures. In an ensemble, five such
models vote. All are tested on particles that they were not trained on.

Without an argument the particles are artificial liposomes, few enough to be done in a
minute or two. To classify your own, give a table of them: CSV, Parquet or JSON with the
columns ``image``, ``mask`` and ``label``, or a folder with a sub-folder of images for
each class. ``--full`` trains the network of the thesis for longer::

    python plot_01_classify_particles.py particles.csv --full

Where the table has a column ``micrograph``, particles of one micrograph stay together:
a model is never tested on a micrograph that it has seen.
"""

import matplotlib.pyplot as plt
import pandas as pd
from command_line import cross_validate, load_problems, read_options, save_picture

from sklipo import make_ensemble_pipeline, make_lipnet_pipeline, make_svc_pipeline
from sklipo.displays import ConfusionMatricesDisplay, ParticleGalleryDisplay

options = read_options(
    "Compare LipNet-4, an SVM and an ensemble", "classify_particles.png", folds=3
)

# %%
# The particles
# -------------
# A particle table is a pandas DataFrame: one row per particle, with its image, its mask
# and whatever else is known of it. The classes are unequal, though less so than in the
# thesis, where 0.6 % are uncertain: two of 400 particles, too few to say much of.

((_, particles),) = load_problems(options, ["lamellarity"]).items()
print(particles)

# %%
# Three models
# ------------
# All take the particle table as it is. The ensemble could also learn how sure it may
# be, at three times the cost. Here only the classes are looked at.

models = {
    "LipNet-4": make_lipnet_pipeline("lipnet-4", random_state=0, **options.network),
    "SVM": make_svc_pipeline(),
    "Ensemble": make_ensemble_pipeline(
        calibrate=False, random_state=0, **options.network
    ),
}

# %%
# Cross-validation
# ----------------
# Each particle is predicted by a model that was fitted without it, and without its
# micrograph.

results = {}
for name, model in models.items():
    print(f"\n{name}")
    results[name] = cross_validate(model, particles, options, verbose=True)

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

for other in ("LipNet-4", "SVM"):
    difference = results["Ensemble"].compare(results[other])
    print(f"\nThe ensemble less {other}\n{difference.round(3)}")

# %%
# Average confusion matrices over the folds; rows are true classes. In a cell the share
# of the true class, its standard deviation, and the number of particles in a fold.

display = ConfusionMatricesDisplay.from_cv_results(results)
save_picture(display.figure_, options)

# %%
# The network's mistakes, the most confident first: above a particle its row in the
# table, what it is, what it was taken for, and with which probability.

display = ParticleGalleryDisplay.from_cv_results(results["LipNet-4"], particles)
save_picture(display.figure_, options, "mistakes")
plt.show()
