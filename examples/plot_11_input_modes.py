"""
Surrounding, cropped, or cropped and masked
===========================================

What should the network see of a particle? The thesis compares cut-outs with their
surrounding, cropped to the particle, and cropped with everything outside the mask
blanked (section 8.5, Figures 20 and 21). The last is best there. For your own table::

    python plot_11_input_modes.py particles.csv
"""

import matplotlib.pyplot as plt
import pandas as pd
from command_line import cross_validate, load_problems, read_options, save_picture

from sklipo import make_lipnet_pipeline
from sklipo.displays import ClassMetricsDisplay

options = read_options("Compare what the network sees", "input_modes.png")
modes = {
    "with surrounding": "surrounding",
    "cropped": "cropped",
    "cropped and masked": "masked",
}

# %%
# The three inputs
# ----------------
# One particle of each class, as LipNet-4 gets it.

tables = load_problems(options)
for problem, particles in tables.items():
    some = particles.groupby("label").sample(1, random_state=0)
    figure, axes = plt.subplots(
        len(some), 3, figsize=(6, 2 * len(some)), layout="constrained", squeeze=False
    )
    figure.suptitle(problem)
    for column, (name, mode) in zip(axes.T, modes.items(), strict=True):
        prepare = make_lipnet_pipeline(input_mode=mode)[:-1]
        column[0].set_title(name)
        for ax, pixels in zip(column, prepare.fit_transform(some), strict=True):
            ax.imshow(pixels.reshape(28, 28), cmap="gray")
            ax.set(xticks=[], yticks=[])
    for ax, label in zip(axes[:, 0], some["label"], strict=True):
        ax.set_ylabel(label)
    save_picture(figure, options, "inputs", problem)

# %%
# Train with each
# ---------------

results = {}
for problem, particles in tables.items():
    results[problem] = {}
    for name, mode in modes.items():
        model = make_lipnet_pipeline(
            "lipnet-4", input_mode=mode, random_state=0, **options.network
        )
        results[problem][name] = cross_validate(model, particles, options)
        print(f"{problem}, {name}\n{results[problem][name]}")

# %%
# Scores of each class (Figures 20 and 21)
# ----------------------------------------
# The harmonic mean of TPR and TNR, which the thesis calls F1: mean and standard
# deviation over the folds.

for problem, by_mode in results.items():
    display = ClassMetricsDisplay.from_cv_results(by_mode, metric="thesis_F1")
    display.ax_.set_title(problem)
    save_picture(display.figure_, options, problem)

# %%
# What masking adds
# -----------------
# How much masking adds to the thesis's F1, here and there.

for problem, by_mode in results.items():
    scores = pd.DataFrame(
        {
            name: result.classification_table()["thesis_F1"]
            for name, result in by_mode.items()
        }
    )
    scores["masking adds"] = scores["cropped and masked"] - scores["cropped"]
    print(f"\n{problem}\n{scores.round(2)}")
print(
    "\nThe thesis, of other data (section 10): in encapsulation, masking adds 6 % for "
    "full and 7 % for empty, and takes 2 % for uncertain; in lamellarity, it adds 2 % "
    "for unilamellar and 7 % for uncertain."
)
plt.show()
