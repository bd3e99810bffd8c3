"""
Sizes of the particles of each class
====================================

Does size tell the classes apart? The thesis plots width against height of its cut-outs
(Figure 3) and their distribution in each class (Figure 4). It says that images of
multilamellar liposomes are generally larger than 100 x 100 pixels (section 10.1). Here
is the same of artificial liposomes, or of your own table::

    python plot_04_image_sizes.py particles.csv
"""

import matplotlib.pyplot as plt
import pandas as pd
from command_line import load_problems, read_options, save_picture

from sklipo.displays import ImageSizeDisplay

options = read_options("Show the sizes of particles", "image_sizes.png")

# %%
# The particles
# -------------
# Two problems: is the liposome unilamellar or multilamellar, and is it full or empty?

tables = load_problems(options)

# %%
# Width against height, and the longer side in each class
# -------------------------------------------------------
# The cut-out is measured: the particle with its surrounding. Rare classes are drawn on
# top. Sizes are in nm where the table has the column ``pixel_size``.

for name, particles in tables.items():
    n_classes = particles["label"].nunique()
    figure = plt.figure(figsize=(13, 2 + 1.3 * n_classes), layout="constrained")
    figure.suptitle(name)
    left, right = figure.subfigures(1, 2)
    ImageSizeDisplay.from_particles(particles, particles["label"], ax=left.subplots())
    ImageSizeDisplay.from_particles(
        particles,
        particles["label"],
        kind="histogram",
        ax=right.subplots(n_classes, sharex=True),
    )
    save_picture(figure, options, name)

# %%
# In figures
# ----------
# The longer side of the cut-out in pixels. The data are not those of the thesis.

for name, particles in tables.items():
    longer = pd.Series(particles["image"].array.shapes.max(axis=1), particles.index)
    by_class = longer.groupby(particles["label"]).describe(
        percentiles=[0.05, 0.5, 0.95]
    )
    print(f"\n{name}\n{by_class[['count', '5%', '50%', '95%']].round().astype(int)}")
    if "multilamellar" in by_class.index:
        share = (longer[particles["label"] == "multilamellar"] > 100).mean()
        print(
            f"Multilamellar images larger than 100 pixels: {share:.0%} here, "
            "'generally' in the thesis."
        )
plt.show()
