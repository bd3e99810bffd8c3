"""
Which particles to label
========================

Labels cost an expert's time. Where 2 % of the liposomes are empty, it takes 50 labels
at random to see the first. ``suggest_particles`` chooses each batch by what a model has
learned from those before. How many labels does that save? For your own table, whose
labels play the expert::

    python plot_16_labels.py particles.csv
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from command_line import read_options, save_picture
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold

from sklipo import ParticleFeatures, make_svc_pipeline
from sklipo.datasets import load_particles, make_liposomes
from sklipo.labeling import suggest_particles

options = read_options(
    "Compare ways to choose labels", "labels.png", particles=2000, folds=2, seeds=5
)

# %%
# Particles and their measures
# ----------------------------
# The particles are measured once. The model then takes the rows, and so does
# ``suggest_particles``: a batch is chosen in a second.

if options.table:
    columns = None if options.label == "label" else {options.label: "label"}
    particles = load_particles(options.table, columns=columns)
else:
    weights = {"full": 0.95, "uncertain": 0.03, "empty": 0.02}
    particles = make_liposomes(
        options.particles,
        "encapsulation",
        weights=weights,
        n_jobs=options.jobs,
        random_state=0,
    )
labels = particles["label"].to_numpy()
micrographs = particles.get(options.group, particles.index).to_numpy()
measures = ParticleFeatures(n_jobs=options.jobs).fit_transform(particles)
model = make_svc_pipeline()[1:]
counts = particles["label"].value_counts()
rarest = counts.index[-1]
print(counts.to_dict())

# %%
# Suggest, label, fit, again
# --------------------------
# A part of the micrographs is for tests and never labeled. The first batch has no model
# and is spread over measures and micrographs. Particles that have a label are left out
# later.

STYLES = {
    "random": {"color": "#666666", "linestyle": "--", "marker": "."},
    "margin": {"color": "#0072B2", "marker": "o"},
    "diverse": {"color": "#009E73", "marker": "s"},
    "rare": {"color": "#D55E00", "marker": "^"},
}
n_batches = 8
batch = min(40, len(labels) // (4 * n_batches))


def label_in_batches(strategy, train, test, seed):
    """Yield the number of labels and what is predicted for the test particles."""
    random_state, truth = np.random.RandomState(seed), labels[train]
    known, fitted = np.full(len(train), None), None
    for i in range(n_batches):
        if strategy == "random":
            rows = random_state.permutation(np.flatnonzero(pd.isna(known)))[:batch]
        else:
            rows = suggest_particles(
                fitted,
                measures[train],
                batch,
                y=known,
                groups=micrographs[train],
                strategy=strategy,
                random_state=random_state,
            )
        known[rows] = truth[rows]
        has_label = ~pd.isna(known)
        if len(set(known[has_label])) > 1:
            fitted = model.fit(measures[train][has_label], truth[has_label])
            yield (i + 1) * batch, fitted.predict(measures[test])
        else:
            yield (i + 1) * batch, np.repeat(truth[rows[:1]], len(test))


# %%
# All strategies have the same folds.

rows = []
for seed in range(options.seeds):
    folds = StratifiedGroupKFold(options.folds, shuffle=True, random_state=seed)
    for train, test in folds.split(measures, labels, micrographs):
        for strategy in STYLES:
            for n_labels, y_pred in label_in_batches(strategy, train, test, seed):
                found = y_pred[labels[test] == rarest] == rarest
                score = balanced_accuracy_score(labels[test], y_pred)
                rows.append((strategy, n_labels, found.mean(), score))
names = ["strategy", "labels", f"recall of {rarest}", "balanced accuracy"]
table = pd.DataFrame(rows, columns=names).groupby(names[:2], sort=False).mean()
print(table.unstack(0).round(2).to_string())

# %%
# Means over folds and seeds; more labels than these bring the lines together again.

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, name in zip(axes, names[2:], strict=True):
    for strategy, style in STYLES.items():
        ax.plot(table.loc[strategy, name], label=strategy, **style)
    ax.set(xlabel="number of labels", ylabel=name, ylim=(0, 1))
    ax.grid(alpha=0.3)
axes[0].legend()
save_picture(figure, options)
plt.show()
