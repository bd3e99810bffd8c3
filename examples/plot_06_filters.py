"""
Filters of a trained network
============================

The 3x3 filters that LipNet-4 has learned, as in Figure 14 of the thesis: red weights
are positive, blue ones negative, white is zero. One can not say that they are like any
well known filters, as the thesis finds (section 10). For your own table::

    python plot_06_filters.py particles.csv
"""

import matplotlib.pyplot as plt
from command_line import load_problems, read_options, save_picture

from sklipo import make_lipnet_pipeline
from sklipo.displays import TrainingCurveDisplay
from sklipo.inspection import FilterDisplay
from sklipo.lipnet import dead_filters

options = read_options("Show convolution filters", "filters.png")

# %%
# Train a network
# ---------------
# On all particles, as nothing is tested here.

((name, particles),) = load_problems(options, ["lamellarity"]).items()
network = {**options.network, "n_filters": 32}
model = make_lipnet_pipeline("lipnet-4", random_state=0, **network)
model.fit(particles, particles["label"])

# %%
# Was it trained long enough? The training loss tells.

TrainingCurveDisplay.from_estimator(model)

# %%
# Its filters
# -----------
# A filter of the first convolution reads one image. A filter of the others reads all
# maps of the convolution before, so it has a 3x3 square for each of them. All
# squares of a layer have one scale, symmetric about zero.

figure, axes = plt.subplots(
    1, 2, figsize=(13, 6.5), width_ratios=(1, 1), layout="constrained"
)
figure.suptitle(f"LipNet-4 trained on: {name}")
for layer, ax in zip(("conv1", "conv4"), axes, strict=True):
    FilterDisplay.from_estimator(model, layer=layer, ax=ax)

save_picture(figure, options)

# %%
# In figures
# ----------
# Weight decay can kill filters (section 5.1). It is off here.

print("Filters that are dead:", dead_filters(model[-1].net_.module_))
plt.show()
