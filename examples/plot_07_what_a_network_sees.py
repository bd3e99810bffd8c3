"""
What a network sees in a particle
=================================

Feature maps of the convolutions (Figure 15 of the thesis), and what it could not do for
want of time (sections 4.4 and 10): deconvolution, which takes activations back to the
pixels that caused them. And occlusion, which hides a part of the particle and watches
the probability of its class. For your own table::

    python plot_07_what_a_network_sees.py particles.csv
"""

import matplotlib.pyplot as plt
from command_line import load_problems, read_options, save_picture

from sklipo import make_lipnet_pipeline
from sklipo.inspection import ExcitationDisplay, FeatureMapDisplay, OcclusionDisplay

options = read_options("Look into a network", "what_a_network_sees.png")

# %%
# Train a network
# ---------------

((name, particles),) = load_problems(options, ["lamellarity"]).items()
model = make_lipnet_pipeline("lipnet-4", random_state=0, **options.network)
model.fit(particles, particles["label"])


# %%
# Feature maps
# ------------
# The first convolution answers to edges and to the gray level, the last one to larger
# parts of the particle.

one = particles.groupby("label").sample(1, random_state=0)
for layer in ("conv1", "conv4"):
    display = FeatureMapDisplay.from_estimator(model, one.iloc[:1], layer=layer)
    save_picture(display.figure_, options, "maps", layer)

# %%
# What excites a filter most
# --------------------------
# For some filters of the last convolution: the particles of the table to which the
# filter answers most, and below each what of it the filter answers to, by
# deconvolution after Zeiler and Fergus.

display = ExcitationDisplay.from_estimator(
    model, particles, layer="relu4", units=[0, 1, 2, 3]
)
save_picture(display.figure_, options, "excitation")

# %%
# Which part of a particle decides
# --------------------------------
# How much the probability of the predicted class falls when a patch is covered by
# background. Where it rises (blue), the patch spoke for another class.

several = particles.groupby("label").sample(2, random_state=0)
display = OcclusionDisplay.from_estimator(model, several, window=5)
save_picture(display.figure_, options, "occlusion")
plt.show()
