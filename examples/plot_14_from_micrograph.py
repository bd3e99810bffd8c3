"""
From a micrograph to a percentage
=================================

All steps in one script: micrographs of 4096 x 4096 pixels come in, each liposome is
outlined, cut out and classified, and at the end stand the classes on the micrograph, a
table with a row per micrograph, and the share of each class with its interval::

    python plot_14_from_micrograph.py

The micrographs are artificial, so the truth is known at each step. Ten lines of
scikit-image make the outlines, which do for liposomes on clean ice. Programs such as
Cellpose or micro-sam do better, and :ref:`from_micrograph` says how to bring their
outlines. A table of your own has no place here.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from command_line import cross_validate, read_options, save_picture
from scipy import ndimage
from skimage import filters, measure, morphology, segmentation, transform

from sklipo import count_by, estimate_prevalence, make_svc_pipeline
from sklipo.datasets import extract_particles, make_micrographs, save_classes
from sklipo.displays import (
    MicrographDisplay,
    ParticleGalleryDisplay,
    PrevalenceDisplay,
)

options = read_options(
    "Classify the liposomes of whole micrographs", "from_micrograph.png", particles=480
)
n_each, side = (40, 4096) if options.full or options.particles >= 400 else (20, 1500)
n_labeled = (4800 if options.full else options.particles) // n_each


def draw_micrographs(n_micrographs, weights, seed):
    """Draw micrographs, and the pixels and the class of each of their liposomes."""
    how = {"n_particles": n_each, "shape": (side, side), "random_state": seed}
    return make_micrographs(n_micrographs, "encapsulation", weights=weights, **how)


# %%
# Outlines
# --------
# What is darker than the ice around it, and very dark somewhere, is a liposome once its
# holes are filled. A piece that has two middles is two liposomes that touch. Pixels of
# 4 nm are enough for that.


def outline_liposomes(pixels, step=4):
    """Return a label image: 0 for the ice, and a number for each liposome."""
    reduced = filters.gaussian(transform.downscale_local_mean(pixels, (step, step)))
    darkness = filters.gaussian(reduced, 25) - reduced
    noise = np.median(abs(darkness))
    walls = filters.apply_hysteresis_threshold(darkness, 2.6 * noise, 6 * noise)
    solid = ndimage.binary_fill_holes(morphology.closing(walls, morphology.disk(3)))
    solid = morphology.opening(solid, morphology.disk(5))
    depth = ndimage.distance_transform_edt(solid)
    middles = measure.label(morphology.h_maxima(depth, 1))
    labels = segmentation.watershed(-depth, middles, mask=solid)
    labels = labels.repeat(step, axis=0).repeat(step, axis=1)
    return labels[: pixels.shape[0], : pixels.shape[1]]


# %%
# The truth plays the expert who looks at each outline. It is the drawn liposome with
# which it shares at least half of the pixels that one of them has. All else is
# "uncertain": ice, half a liposome, two at once.


def label_outlines(labels, instances):
    """Return the class of each outline that is a drawn liposome, by its number."""
    areas = np.bincount(labels.ravel())
    classes = {}
    for true in instances.itertuples():
        height, width = true.mask.shape
        box = labels[true.top : true.top + height, true.left : true.left + width]
        common = np.bincount(box[true.mask], minlength=len(areas))
        agreement = common / (areas + true.mask.sum() - common)
        number = agreement[1:].argmax() + 1
        if agreement[number] >= 0.5:
            classes[number] = true.label
    return classes


def cut_out(micrographs, name):
    """Return the particles that were outlined, with the labels of the expert."""
    tables, n_drawn, n_found = [], 0, 0
    for i, (micrograph, instances) in enumerate(micrographs):
        labels = outline_liposomes(micrograph.pixels)
        particles = extract_particles(micrograph, labels, name=f"{name}_{i:02}")
        classes = label_outlines(labels, instances)
        particles["label"] = particles["instance"].map(classes).fillna("uncertain")
        tables.append(particles)
        n_drawn, n_found = n_drawn + len(instances), n_found + len(classes)
    table = pd.concat(tables, ignore_index=True)
    print(
        f"{name}: {n_found} of {n_drawn} liposomes found, "
        f"{len(table) - n_found} of {len(table)} outlines are something else"
    )
    return table


# %%
# A model
# -------
# It learns from outlines that were made in the same way as those of new micrographs.
# One that has learned from outlines drawn by hand is lost on these: it has never seen
# half a liposome, nor ice. The cross-validation is by micrograph.

weights = {"full": 0.5, "uncertain": 0.15, "empty": 0.35}
labeled = cut_out(draw_micrographs(n_labeled, weights, seed=0), "labeled")
model = make_svc_pipeline(probability=True, n_jobs=options.jobs)
result = cross_validate(model, labeled, options)
model.fit(labeled, labeled["label"])
print(result.mean_confusion_matrix(normalize=True).round(2).to_string())

# %%
# Classes on the micrograph
# -------------------------
# Now comes the sample: other micrographs, on which 90 % of the liposomes are full.

weights = {"full": 0.9, "uncertain": 0.05, "empty": 0.05}
n_new = max(n_labeled // 2, 2)
sample = cut_out(draw_micrographs(n_new, weights, seed=1), "sample")
y_pred, y_proba = model.predict(sample), model.predict_proba(sample)

# %%
# Look at the dashed liposomes of the first micrograph: the model is the least sure of
# their class. Beside each are the number of its row in the table and the probability.

micrograph, _ = next(draw_micrographs(n_new, weights, seed=1))
is_first = (sample["micrograph"] == "sample_00").to_numpy()
display = MicrographDisplay.from_predictions(
    micrograph,
    sample[is_first],
    y_pred[is_first],
    y_proba[is_first],
    classes=model.classes_,
)
save_picture(display.figure_, options)

# %%
# The classes go back to the program that made the outlines, or to any other that opens
# them: here to QuPath.

path = options.picture.replace(".png", ".geojson")
save_classes(sample[is_first], y_pred[is_first], path, overwrite=True)
print(f"The classes are in {path}")

# %%
# All micrographs together: in each class, the particles of which the model is the
# least sure. Most are outlines that went wrong: halves, pairs, ice at the rim. No truth
# is needed to see that, so it works on a sample of your own.

display = ParticleGalleryDisplay.from_predictions(
    sample, None, y_pred, y_proba=y_proba, select="uncertain", classes=model.classes_
)
save_picture(display.figure_, options, "least_sure")

# %%
# A row per micrograph
# --------------------
# A micrograph that is unlike the others shows here.

print(count_by(sample, y_pred).round(2).to_string())

# %%
# The share of each class
# -----------------------
# Counting takes the errors of the model along, so the counts are corrected by what the
# cross-validation found. The vertical line is what the expert says of all outlines.
# What has no outline is not counted: these are shares among what was found.

estimate = estimate_prevalence(result, y_pred, groups=sample["micrograph"])
expert = sample["label"].value_counts(normalize=True)
table = estimate.to_frame().assign(expert=expert)
print((100 * table).round(1).to_string())
display = PrevalenceDisplay.from_estimates(estimate)
for ax, label in zip(display.axes_, table.index, strict=True):
    ax.axvline(expert.get(label, 0), color="#D55E00", zorder=1)
save_picture(display.figure_, options, "shares")
plt.show()
