"""
Five networks compared
======================

How deep should the network be? The thesis compares LipNet-1, -2, -4, -4c and -6 by a
score of each class that it calls F1, the harmonic mean of TPR and TNR (section 8.3,
Figures 18 and 19). For your own table::

    python plot_09_five_lipnets.py particles.csv
"""

import matplotlib.pyplot as plt
import pandas as pd
from command_line import cross_validate, load_problems, read_options, save_picture

from sklipo import make_lipnet_pipeline
from sklipo.displays import ClassMetricsDisplay

options = read_options("Compare the five LipNets", "five_lipnets.png")

# %%
# Train all five
# --------------
# On cropped and masked images of 28 x 28 pixels, 32 x 32 for LipNet-6, augmented and
# balanced. All are tested on the same folds.

sizes = {
    "lipnet-1": 28,
    "lipnet-2": 28,
    "lipnet-4": 28,
    "lipnet-4c": 28,
    "lipnet-6": 32,
}
results = {}
for problem, particles in load_problems(options).items():
    results[problem] = {}
    for architecture, size in sizes.items():
        model = make_lipnet_pipeline(
            architecture, size=size, random_state=0, **options.network
        )
        result = cross_validate(model, particles, options)
        results[problem][architecture] = result
        minutes = result.fit_times.sum() / 60
        print(f"{problem}, {architecture}, {minutes:.1f} min of training\n{result}")

# %%
# Scores of each class (Figures 18 and 19)
# ----------------------------------------
# Mean and standard deviation over the folds.

for problem, by_network in results.items():
    display = ClassMetricsDisplay.from_cv_results(
        by_network, metric="thesis_F1", x="model"
    )
    display.ax_.set_title(problem)
    save_picture(display.figure_, options, problem)

# %%
# Is the difference real?
# -----------------------
# Each network against LipNet-4 on the same folds: the difference in balanced accuracy,
# its 95 % interval over micrographs, and the p-value of the corrected t-test.

for problem, by_network in results.items():
    rows = {
        name: result.compare(by_network["lipnet-4"]).loc["balanced_accuracy"]
        for name, result in by_network.items()
        if name != "lipnet-4"
    }
    print(f"\n{problem}: difference from lipnet-4\n{pd.DataFrame(rows).T.round(3)}")
print(
    "\nThe thesis, of other data: LipNet-4 leads in lamellarity for all classes. In "
    "encapsulation there is no clear leader; LipNet-1 and -2 are best for 'empty', "
    "LipNet-4 and -4c for 'uncertain', and LipNet-6 is the worst."
)
plt.show()
