"""Few labels: LipNet-4 from random weights, and from artificial liposomes.

It measures scores, not seconds: balanced accuracy on micrographs that gave no label.
"""

from pathlib import Path

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold

from sklipo import make_lipnet_pipeline, pretrain_lipnet
from sklipo.datasets import load_particles, make_liposomes

N_SEEDS = 10
N_LABELS = (10, 5, 30, 100)
# Another microscope: each range lies beyond those that pretraining draws from.
OTHER = {
    "defocus": (250, 450),
    "dose": (50, 100),
    "grain": (0.1, 0.4),
    "mean": (175, 200),
    "stretch": (60, 110),
    "bilayer_thickness": (3.0, 3.4),
}
OTHER_PIXEL_SIZE = 2.8
# Real particles, where a checkout has them beside it.
EMPS = Path(__file__).resolve().parents[2] / "shared" / "data" / "emps_cutouts"


def main():
    pretrained = pretrain_lipnet(verbose=1)
    other = make_liposomes(
        2000,
        weights=None,
        conditions=OTHER,
        pixel_size=OTHER_PIXEL_SIZE,
        margin=20,
        random_state=1,
    )
    compare("Artificial liposomes of another microscope", other, pretrained)
    if EMPS.is_dir():
        real = load_particles(EMPS / "particles.csv")
        compare("EMPS, other micrographs", real, pretrained)


def compare(title, particles, pretrained):
    """Print the scores with and without pretraining by the number of labels."""
    rows = make_lipnet_pipeline()[:-1].fit_transform(particles)
    y, groups = particles["label"].to_numpy(), particles["micrograph"].to_numpy()
    print(f"{title}, {N_SEEDS} seeds")
    print(
        f"  {'labels a class':16}{'random':>8}{'pretrained':>12}{'gain':>8}{'worst':>8}"
    )
    for n_labels in N_LABELS:
        scores = np.array(
            [
                score(rows, y, groups, n_labels, seed, pretrained)
                for seed in range(N_SEEDS)
            ]
        )
        (random, given), gains = scores.mean(axis=0), np.diff(scores)
        numbers = f"{random:8.3f}{given:12.3f}{gains.mean():8.3f}{gains.min():8.3f}"
        print(f"  {n_labels:<16}{numbers}", flush=True)


def score(rows, y, groups, n_labels, seed, pretrained):
    """Return the scores without and with pretraining on half of the micrographs."""
    halves = StratifiedGroupKFold(2, shuffle=True, random_state=seed)
    train, test = next(halves.split(rows, y, groups))
    order = np.random.default_rng(seed).permutation(train)
    few = np.concatenate(
        [order[y[order] == label][:n_labels] for label in np.unique(y)]
    )
    scores = []
    for start in (None, pretrained):
        model = make_lipnet_pipeline(pretrained=start, random_state=seed)["classify"]
        y_pred = model.fit(rows[few], y[few]).predict(rows[test])
        scores.append(balanced_accuracy_score(y[test], y_pred))
    return scores
