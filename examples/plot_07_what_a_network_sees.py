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
from thesis import load_problems, read_options

from sklipo import make_lipnet_pipeline
from sklipo.inspection import (
    ExcitationDisplay,
    FeatureMapDisplay,
    OcclusionDisplay,
)

options = read_options("Look into a network", "what_a_network_sees.png")

# %%
# Train a network
# ---------------

((name, particles),) = load_problems(options, ["lamellarity"]).items()
model = make_lipnet_pipeline("lipnet-4", random_state=0, **options.network)
model.fit(particles, particles["label"])


def save(display, what):
    """Save a picture."""
    path = options.picture.replace(".png", f"_{what}.png")
    display.figure_.savefig(path, dpi=120)
    print(f"The picture is in {path}")


# %%
# Feature maps
# ------------
# The first convolution answers to edges and to the grey level, the last one to larger
# parts of the particle.

one = particles.groupby("label").sample(1, random_state=0)
for layer in ("conv1", "conv4"):
    display = FeatureMapDisplay.from_estimator(model, one.iloc[:1], layer=layer)
    save(display, f"maps_{layer}")

# %%
# What excites a filter most
# --------------------------
# For some filters of the last convolution: the particles of the table to which the
# filter answers most, and below each what of it the filter answers to, by
# deconvolution after Zeiler and Fergus.

display = ExcitationDisplay.from_estimator(
    model, particles, layer="relu4", units=[0, 1, 2, 3]
)
save(display, "excitation")

# %%
# Which part of a particle decides
# --------------------------------
# How much the probability of the predicted class falls when a patch is covered by
# background. Where it rises (blue), the patch spoke for another class.

several = particles.groupby("label").sample(2, random_state=0)
display = OcclusionDisplay.from_estimator(model, several, window=5)
save(display, "occlusion")
plt.show()
