"""
What augmentation shows the network
===================================

The thesis rotates, shears, shifts, zooms and flips its training images at random
(section 5.5), so that a network never sees the same image twice. This is its Figure 11
on artificial liposomes, or on your own table of particles::

    python plot_02_augmented_particles.py particles.csv
"""

import matplotlib.pyplot as plt
import numpy as np
from command_line import load_problems, read_options, save_picture
from sklearn.pipeline import make_pipeline

from sklipo import (
    ApplyMask,
    CropToMask,
    NormalizeBackground,
    RandomAffine,
    RandomIntensity,
    Resize,
)

options = read_options("Show augmented particles", "augmented_particles.png")
SIZE = 64  # pixels; the network gets 28, here there are more, to see what happens

# %%
# The particles
# -------------
# One of each class, normalized by its background, cropped and masked, as the network
# gets it.

((_, particles),) = load_problems(options, ["lamellarity"]).items()
particles = particles.groupby("label").sample(1, random_state=0)
prepare = make_pipeline(NormalizeBackground(), CropToMask(), ApplyMask(), Resize(SIZE))
pixels = prepare.fit_transform(particles)

# %%
# Each technique alone, and all together
# --------------------------------------
# A technique is off at 0, at a zoom of (1, 1) or at False. The last column changes gray
# values, which the thesis does not.

off = {
    "rotation": 0,
    "shear": 0,
    "vertical_shift": 0,
    "horizontal_shift": 0,
    "zoom": (1, 1),
    "vertical_flip": False,
    "horizontal_flip": False,
}
techniques = {
    "original": RandomAffine(**off),
    "rotation": RandomAffine(**{**off, "rotation": 180}),
    "shift": RandomAffine(**{**off, "vertical_shift": 0.1, "horizontal_shift": 0.1}),
    "flip": RandomAffine(**{**off, "vertical_flip": True, "horizontal_flip": True}),
    "shear": RandomAffine(**{**off, "shear": 0.2}),
    "zoom": RandomAffine(**{**off, "zoom": (0.8, 1.0)}),
    "all": RandomAffine(),
    "all, again": RandomAffine(),
    "and again": RandomAffine(),
    "gray values": RandomIntensity(),
}

# %%
# A row for each class. White is the particle's brightest pixel, black its darkest.

figure, axes = plt.subplots(
    len(particles),
    len(techniques),
    figsize=(1.5 * len(techniques), 1.5 * len(particles) + 0.4),
    squeeze=False,
    layout="constrained",
)
for column, (name, augmentation) in enumerate(techniques.items()):
    augmented = augmentation.augment_rows(pixels, random_state=column)
    axes[0, column].set_title(name)
    for ax, image, original in zip(axes[:, column], augmented, pixels, strict=True):
        limits = {"vmin": np.min(original), "vmax": np.max(original)}
        ax.imshow(image.reshape(SIZE, SIZE), cmap="gray", **limits)
        ax.set(xticks=[], yticks=[])
for ax, label in zip(axes[:, 0], particles["label"], strict=True):
    ax.set_ylabel(label)

save_picture(figure, options)
plt.show()
