"""
The SVM on hand-made features
=============================

The laboratory of the thesis classifies by area, circularity, image moments, edge
density profile, histogram and internal segmentation variance, with a support vector
machine and balanced class weights (section 8.4, Tables 7 and 8). Here are these
features and all that sklipo measures. For your own table::

    python plot_10_svm.py particles.csv

The thesis's figures of the SVM deserve caution: the author's public code, as it is
stored, evaluates the SVM on the very folds that it was trained on. The figures here are
of particles, and micrographs, that the model has not seen.
"""

import matplotlib.pyplot as plt
from command_line import cross_validate, load_problems, read_options, save_picture
from thesis_tables import TABLE_7, TABLE_8, print_beside_thesis

from sklipo import make_svc_pipeline
from sklipo.displays import ConfusionMatricesDisplay
from sklipo.inspection import FeatureGroupImportanceDisplay

options = read_options("Test the SVM", "svm.png")
published = {"encapsulation": TABLE_7, "lamellarity": TABLE_8}

# %%
# Cross-validation
# ----------------
# Measured, standardized and learned anew in each fold.

tables = load_problems(options)
results = {}
for problem, particles in tables.items():
    results[problem] = {
        name: cross_validate(make_svc_pipeline(groups), particles, options)
        for name, groups in (("thesis", "thesis"), ("all features", "all"))
    }
    for name, result in results[problem].items():
        print(f"{problem}, {name}\n{result}")

# %%
# Confusion matrices (Tables 7 and 8)
# -----------------------------------
# Averages over the folds, by the features of the thesis and by all.

for problem, by_features in results.items():
    display = ConfusionMatricesDisplay.from_cv_results(by_features)
    display.figure_.suptitle(problem)
    save_picture(display.figure_, options, problem)
    if problem in published:
        table = published[problem]
        matrix = by_features["thesis"].mean_confusion_matrix(normalize=True)
        matrix = matrix.loc[table.index, table.columns]
        print_beside_thesis(f"SVM, {problem}, rows true", matrix, table)

# %%
# Does the model judge what it has seen?
# --------------------------------------
# What the author's code would have printed: the same model on its training particles.

for problem, particles in tables.items():
    model = make_svc_pipeline("thesis").fit(particles, particles["label"])
    right = model.predict(particles) == particles["label"]
    seen = right.groupby(particles["label"]).mean().mean()
    unseen = results[problem]["thesis"].balanced_accuracy
    print(f"{problem}: {seen:.2f} on what it was trained on, {unseen:.2f} on the rest")

# %%
# Which features matter?
# ----------------------
# The loss of balanced accuracy when a group of features is shuffled, on the micrographs
# of the last fold.

for problem, particles in tables.items():
    result = results[problem]["all features"]
    test = result.folds == result.folds.max()
    model = make_svc_pipeline().fit(particles[~test], particles["label"][~test])
    display = FeatureGroupImportanceDisplay.from_estimator(
        model, particles[test], particles["label"][test], random_state=0
    )
    display.ax_.set_title(problem)
    save_picture(display.figure_, options, "features", problem)
plt.show()
