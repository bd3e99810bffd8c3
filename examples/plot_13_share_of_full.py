"""
The share of full particles
===========================

How many liposomes of a batch are full? A support vector machine learns from artificial
liposomes of which a third are full, a third empty and a third uncertain. Then come
samples in which 97, 90 and 50 % are full, on micrographs that differ in defocus, dose
and ice. Counting its predictions is compared with three ways to correct them: by the
confusion matrix (adjusted), by probabilities (em), and by the labels that an expert
gives to 200 particles of the sample (audited). :ref:`prevalence` tells when to take
which::

    python plot_13_share_of_full.py

A table of your own has no place here, since the truth has to be known.
"""

import matplotlib.pyplot as plt
import pandas as pd
from command_line import cross_validate, read_options, save_picture

from sklipo import draw_audit, estimate_prevalence, make_svc_pipeline
from sklipo.datasets import make_liposomes
from sklipo.displays import PrevalenceDisplay

options = read_options(
    "Estimate shares of full particles", "share_of_full.png", particles=900
)
n_labeled, n_new = (5000, 4000) if options.full else (options.particles, 800)


def draw_liposomes(n_particles, weights, seed):
    """Draw liposomes of which each class has a share."""
    how = {"margin": 20, "n_jobs": options.jobs, "random_state": seed}
    return make_liposomes(n_particles, "encapsulation", weights=weights, **how)


# %%
# What the model gets wrong
# -------------------------
# The cross-validation is by micrograph. Its confusion matrix is all that "adjusted"
# needs.

model = make_svc_pipeline(probability=True, n_jobs=options.jobs)
labeled = draw_liposomes(n_labeled, None, seed=0)
result = cross_validate(model, labeled, options)
model.fit(labeled, labeled["label"])
print(result.mean_confusion_matrix(normalize=True).round(3).to_string())

# %%
# Three samples, four answers
# ---------------------------
# The truth is known here, so it can play the expert of the audit.


def estimate_share_of_full(sample):
    """Return counted share, share and interval of the full particles by each method."""
    groups = sample["micrograph"]
    y_pred, y_proba = model.predict(sample), model.predict_proba(sample)
    audit = draw_audit(sample, 200, groups=groups, y_pred=y_pred, random_state=0)
    audit["label"] = sample["label"]
    ways = {
        "counted": {"method": "counted"},
        "adjusted": {},
        "em": {"method": "em", "y_proba": y_proba},
        "audited": {"audited": audit},
    }
    estimates = {
        name: estimate_prevalence(result, y_pred, groups=groups, **how)
        for name, how in ways.items()
    }
    rows = {name: way.to_frame().loc["full"] for name, way in estimates.items()}
    return pd.DataFrame(rows).T.rename_axis("name").reset_index()


truths = [0.97, 0.9, 0.5]
tables = {}
for seed, full in enumerate(truths, start=1):
    weights = {"full": full, "uncertain": (1 - full) / 2, "empty": (1 - full) / 2}
    sample = draw_liposomes(n_new, weights, seed)
    tables[f"{100 * full:g} % are full"] = estimate_share_of_full(sample)
table = pd.concat(tables, names=["class"]).reset_index("class")
print((100 * table.set_index(["class", "name"])).round(1).to_string())

# %%
# Each sample has a panel and an axis of its own. The vertical line is the truth.

display = PrevalenceDisplay(table).plot(colors=["#0072B2"] * len(truths))
for ax, full in zip(display.axes_, truths, strict=True):
    ax.axvline(full, color="#D55E00", zorder=1)
save_picture(display.figure_, options)
plt.show()
