"""
Artificial liposomes
====================

The thesis draws circles with random distortions on Perlin noise (section 4.8.4,
Figure 10) and trains networks on them: their performance on real liposomes "was very
poor" (section 11). sklipo draws such circles, and, more like an electron microscope,
projections of membranes through a model of its optics. This shows both, and what a
network that is trained on either makes of the other::

    python plot_05_artificial_liposomes.py

With a table of real particles of the same classes, it is tested on these::

    python plot_05_artificial_liposomes.py particles.csv
"""

import matplotlib.pyplot as plt
from command_line import load_problems, read_options, save_picture

from sklipo import classification_table, make_lipnet_pipeline
from sklipo.datasets import make_liposomes
from sklipo.displays import ParticleGalleryDisplay

options = read_options("Show artificial liposomes", "artificial_liposomes.png")
n_particles = 5000 if options.full else options.particles

# %%
# Two styles
# ----------
# ``style="perlin"`` is that of the thesis. Particles are off the center of the cut-out,
# as they are there. ``style="projection"`` is the default.

tables = {
    style: make_liposomes(n_particles, weights=None, style=style, random_state=seed)
    for seed, style in enumerate(("perlin", "projection"))
}
for style, particles in tables.items():
    display = ParticleGalleryDisplay.from_particles(
        particles, particles["label"], random_state=0
    )
    display.figure_.suptitle(f"style={style!r}")
    save_picture(display.figure_, options, style)

# %%
# Trained on one, tested on the other
# -----------------------------------
# Balanced accuracy: the mean share of a class that is recognized, 0.33 by chance. The
# rows tell what a LipNet-4 was trained on, the columns what it was tested on.

if options.table:
    tests = load_problems(options)
else:
    tests = {
        style: make_liposomes(300, weights=None, style=style, random_state=10 + seed)
        for seed, style in enumerate(tables)
    }
for style, particles in tables.items():
    model = make_lipnet_pipeline("lipnet-4", random_state=0, **options.network)
    model.fit(particles, particles["label"])
    for name, test in tests.items():
        table = classification_table(test["label"], model.predict(test))
        found = table.loc[table["support"] > 0, "TPR"].round(2).to_dict()
        mean = table["TPR"].mean()
        print(f"trained on {style}, tested on {name}: {mean:.2f} {found}")
print(
    "The thesis gives no figures, only that its networks did very poorly on real "
    "liposomes, which are other data than these, when trained on artificial ones."
)
plt.show()
