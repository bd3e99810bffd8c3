"""
What helps against imbalance
============================

Of 1,000 liposomes in the shares of the thesis, six are uncertain. A network that never
says so is right in 99.4 % of the cases. This compares the techniques of the thesis
(section 4.8) and some later ones, each alone and with augmentation: the share of each
class that is found (recall), and the share of right ones among those so called
(precision), on particles and micrographs that were drawn anew.

The networks are small and trained briefly, so that all runs end within minutes;
``--full`` takes LipNet-4, the thesis's number of lamellarity particles and 20 epochs.
A table of your own has no place here, since all particles are drawn.
"""

from itertools import product

import matplotlib.pyplot as plt
import pandas as pd
from command_line import N_PARTICLES, read_options, save_picture
from imblearn.over_sampling import ADASYN, SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import RandomUnderSampler
from joblib import Parallel, delayed
from tqdm import tqdm

from sklipo import (
    ApplyMask,
    ArtificialOverSampler,
    CropToMask,
    EpochOverSampler,
    EpochUnderSampler,
    LipNetClassifier,
    NormalizeBackground,
    RandomAffine,
    Resize,
    classification_table,
)
from sklipo.datasets import make_liposomes
from sklipo.lipnet import DeferredClassWeight

options = read_options(
    "Compare techniques against imbalance", "imbalance.png", particles=1000, seeds=3
)
network = {"architecture": "lipnet-2", **options.network}
n_train = options.particles
if options.full:
    network["architecture"], n_train = "lipnet-4", N_PARTICLES["lamellarity"]

# %%
# The techniques
# --------------
# A sampler of particle tables, a sampler of rows of pixels, or options of the network.

techniques = {
    "none": {},
    "class weights": {"class_weight": "balanced"},
    "deferred weights": {"class_weight": DeferredClassWeight(start=0.8)},
    "oversampling": {"pixels": RandomOverSampler(random_state=0)},
    "oversampling each epoch": {"epoch_sampler": EpochOverSampler()},
    "undersampling": {"pixels": RandomUnderSampler(random_state=0)},
    "undersampling each epoch": {"epoch_sampler": EpochUnderSampler()},
    "SMOTE": {"pixels": SMOTE(k_neighbors=3, random_state=0)},
    "ADASYN": {"pixels": ADASYN(n_neighbors=3, random_state=0)},
    "artificial": {"table": ArtificialOverSampler(random_state=0)},
    "focal loss": {"loss": "focal"},
    "logit adjustment": {"loss": "logit_adjusted"},
}


# %%
# Train and test
# --------------
# For each seed there are three tables: one to train on, one to choose by and one to
# test on. They share no micrograph. Images are prepared as in the thesis: cropped to
# the mask, masked and resized.

prepare = make_pipeline(NormalizeBackground(), CropToMask(), ApplyMask(), Resize(28))


def draw(seed):
    """Return a table to train on, and pixels and labels to choose by and to test on."""
    train, *others = (
        make_liposomes(n, random_state=100 * seed + i)
        for i, n in enumerate((n_train, 1500, 1500))
    )
    return train, [(prepare.fit_transform(table), table["label"]) for table in others]


def score(seed, name, augmentation, train, others):
    """Train with one technique and measure each class."""
    technique = dict(techniques[name])
    table, pixels = technique.pop("table", None), technique.pop("pixels", None)
    y = train["label"]
    if table is not None:
        train, y = table.fit_resample(train, y)
    X = prepare.fit_transform(train)
    if pixels is not None:
        X, y = pixels.fit_resample(X, y)
    model = LipNetClassifier(
        **network,
        learning_rate_schedule="cosine",
        augmentation=augmentation,
        random_state=seed,
        **technique,
    )
    model.fit(X, y)
    parts = {}
    for part, (pixels, labels) in zip(("choose", "test"), others, strict=True):
        measures = classification_table(labels, model.predict(pixels))
        parts[part] = measures[["TPR", "PPV"]].fillna({"PPV": 0.0})
    full_name = f"{name} + augmentation" if augmentation else name
    return pd.concat({(full_name, seed): pd.concat(parts)})


seeds = range(options.seeds)
tables = Parallel(n_jobs=options.jobs)(delayed(draw)(seed) for seed in seeds)
runs = list(product(seeds, techniques, (None, RandomAffine())))
results = Parallel(n_jobs=options.jobs, return_as="generator_unordered")(
    delayed(score)(*run, *tables[run[0]]) for run in runs
)
results = pd.concat(tqdm(results, "trainings", len(runs))).sort_index()
results.index.names = ["technique", "seed", "part", "label"]

# %%
# What came out
# -------------
# Mean and standard deviation over the seeds. A class that is never called counts as
# precision 0.

test = results.xs("test", level="part").rename(
    columns={"TPR": "recall", "PPV": "precision"}
)
grouped = test.groupby(["technique", "label"])
mean, deviation = grouped.mean(), grouped.std()
summary = mean.map("{:.2f}".format) + " ± " + deviation.map("{:.2f}".format)
print(summary.unstack("label").swaplevel(axis=1).sort_index(axis=1).to_string())

# %%
# Which wins? The choice is made on the second table by balanced accuracy, the mean
# recall, and then judged on the third.

recall = results["TPR"].groupby(["part", "technique", "seed"]).mean()
means = recall.groupby(["part", "technique"]).mean().unstack("part")
spread = recall.groupby(["part", "technique"]).std().unstack("part")
alone = ~means.index.str.endswith("+ augmentation")
for kind, chosen in (("Alone", means[alone]), ("Of all", means)):
    winner = chosen["choose"].idxmax()
    print(
        f"{kind}, {winner} wins: balanced accuracy {means.loc[winner, 'test']:.3f} "
        f"± {spread.loc[winner, 'test']:.3f} in the test, "
        f"{means.loc['none', 'test']:.3f} with nothing."
    )

# %%
# Recall of each class: the bar is the mean, the line the standard deviation; the best
# techniques are on top.

order = means["test"].sort_values().index
recalls = mean["recall"].unstack("label").loc[order]
deviations = deviation["recall"].unstack("label").loc[order]
with_augmentation = order.str.endswith("+ augmentation")

figure, axes = plt.subplots(1, 3, figsize=(13, 8), sharey=True, layout="constrained")
figure.suptitle("Blue: alone. Orange: with augmentation.")
for ax, label in zip(axes, recalls, strict=True):
    colors = ["C1" if augmented else "C0" for augmented in with_augmentation]
    ax.barh(order, recalls[label], xerr=deviations[label], color=colors)
    ax.set(title=label, xlim=(0, 1.05), xlabel="recall")
    ax.margins(y=0.01)
save_picture(figure, options)
plt.show()
