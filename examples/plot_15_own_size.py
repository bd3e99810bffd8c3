"""
Particles at their own size
===========================

Resized to 28 x 28 pixels, a liposome of 30 nm and one of 200 nm look equally large, and
the membrane of the large one is thinner than a pixel. Section 12 of the thesis proposes
fully convolutional networks that take images of any size. Does it help, and what does
it cost? For your own table, with a column ``pixel_size`` in nm::

    python plot_15_own_size.py particles.csv
"""

import matplotlib.pyplot as plt
import pandas as pd
from command_line import cross_validate, read_options, save_picture

from sklipo import CropToMask, Resize, make_lipnet_pipeline
from sklipo.datasets import load_particles, make_liposomes

options = read_options("Compare sizes", "own_size.png", particles=300, folds=2)

# %%
# Micrographs of three magnifications
# -----------------------------------
# The same kinds of liposomes, a pixel of whose images is 1, 2 or 3 nm.

if options.table:
    particles = load_particles(options.table)
else:
    parts = [
        make_liposomes(
            options.particles // 3,
            weights=None,
            pixel_size=pixel_size,
            margin=20,
            random_state=pixel_size,
        )
        for pixel_size in (1, 2, 3)
    ]
    particles = pd.concat(parts, keys=[1, 2, 3], names=["magnification", None])
    particles = particles.reset_index("magnification").reset_index(drop=True)
    names = particles["magnification"].astype(str) + "_" + particles["micrograph"]
    particles["micrograph"] = names
print(particles.groupby("pixel_size")["label"].value_counts().unstack())

# %%
# What the two networks see
# -------------------------
# A small, a middle and a large particle: above as ``Resize(28)`` shows them, below at
# 6 nm per pixel.

PIXEL_SIZE = 6
cropped = CropToMask().fit_transform(particles)
shapes = cropped["image"].array.shapes * particles["pixel_size"].to_numpy()[:, None]
order = shapes.max(axis=1).argsort()
shown = order[[len(order) // 20, len(order) // 2, -len(order) // 20]]
figure, axes = plt.subplots(2, 3, figsize=(6, 4.4), layout="constrained")
half = max(28, shapes[shown].max() / PIXEL_SIZE) / 2
for column, i in enumerate(shown):
    own = tuple(map(round, shapes[i] / PIXEL_SIZE))
    for ax, (height, width) in zip(axes[:, column], [(28, 28), own], strict=True):
        pixels = Resize((height, width)).fit_transform(cropped.iloc[[i]])
        # All pixels are equally large in the picture.
        extent = (-width / 2, width / 2, -height / 2, height / 2)
        ax.imshow(pixels.reshape(height, width), cmap="gray", extent=extent)
        ax.set(xlim=(-half, half), ylim=(-half, half))
        ax.set_title(f"{height} x {width} pixels", fontsize="medium")
        ax.set_axis_off()
    axes[0, column].set_title(
        f"{shapes[i].max():.0f} nm\n28 x 28 pixels", fontsize="medium"
    )
save_picture(figure, options, "seen")

# %%
# Scores, and what they cost
# --------------------------
# The same layers, options and folds. Batch normalization lets LipNet-4c learn in few
# epochs. ``size="own"`` leaves out ``Resize``. So few particles and epochs show what it
# costs; what it gains is in the guide, see :ref:`own_size`.

networks = {
    "28 x 28": {"size": 28},
    f"{PIXEL_SIZE} nm per pixel": {"size": "own", "pixel_size": PIXEL_SIZE},
}
options.network.pop("hidden_units", None)  # LipNet-4c has none
rows = {}
for name, size in networks.items():
    model = make_lipnet_pipeline(
        "lipnet-4c", batch_norm=True, random_state=0, **size, **options.network
    )
    result = cross_validate(model, particles, options)
    rows[name] = {
        "balanced accuracy": result.balanced_accuracy,
        "seconds to train a fold": result.fit_times.mean(),
    }
print(pd.DataFrame(rows).T.round(2))
plt.show()
