"""Labels that suggest_particles needs to score as random labels do.

``python -m benchmarks labeling`` takes artificial liposomes with the shares of the
thesis, ``python -m benchmarks labeling particles.csv`` a table of your own, whose
micrographs are tested in two folds.
"""

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklipo import ParticleFeatures
from sklipo.datasets import load_particles, make_liposomes
from sklipo.labeling import suggest_particles

SIZES = np.arange(40, 401, 40)
STRATEGIES = ["margin", "diverse", "rare"]
# Those of make_svc_pipeline, and of the linear member of make_ensemble_pipeline.
MODELS = {
    "SVM": SVC(gamma=1e-3, class_weight="balanced"),
    "linear": LogisticRegression(C=0.01, class_weight="balanced", max_iter=1000),
}


def main(table=None, n_seeds=10):
    X, y, groups, split = read_table(table) if table else draw_liposomes()
    print(pd.Series(y).value_counts().to_dict())
    for name, classifier in MODELS.items():
        model = make_pipeline(StandardScaler(), classifier)
        scores = {
            strategy: np.array(
                [
                    score(model, X, y, groups, split(seed), strategy, seed)
                    for seed in range(int(n_seeds))
                ]
            )
            for strategy in ["random", *STRATEGIES]
        }
        print_scores(name, scores)
        print_ratios(name, scores)


def read_table(path):
    """Return measures, labels, micrographs, and a function that makes two folds."""
    particles = load_particles(path)
    X, y, groups = measure(particles)

    def split(seed):
        folds = StratifiedGroupKFold(2, shuffle=True, random_state=seed)
        return list(folds.split(X, y, groups))

    return X, y, groups, split


def draw_liposomes():
    """Return the same of liposomes, of which those tested are a third of each class.

    The balanced accuracy does not depend on their shares, and is the surer so. Each
    seed has two thirds of the other micrographs.
    """
    pool = make_liposomes(6000, "encapsulation", random_state=0)
    tested = make_liposomes(1200, "encapsulation", weights=None, random_state=1)
    tested["micrograph"] = "tested_" + tested["micrograph"]
    X, y, groups = measure(pd.concat([pool, tested], ignore_index=True))
    names = np.unique(groups[: len(pool)])

    def split(seed):
        rng = np.random.default_rng(seed)
        drawn = rng.choice(names, 2 * len(names) // 3, replace=False)
        test = np.arange(len(pool), len(X))
        return [(np.flatnonzero(np.isin(groups, drawn)), test)]

    return X, y, groups, split


def measure(particles):
    """Return measures, labels and micrographs as arrays."""
    X = ParticleFeatures(n_jobs=-1).fit_transform(particles)
    return X, *(particles[name].to_numpy(str) for name in ("label", "micrograph"))


def score(model, X, y, groups, folds, strategy, seed):
    """Return the balanced accuracy, all folds together, after each batch of labels."""
    y_true = np.concatenate([y[test] for _, test in folds])
    y_pred = np.concatenate(
        [
            list(predict(model, X, y, groups, *fold, strategy, 2 * seed + i))
            for i, fold in enumerate(folds)
        ],
        axis=1,
    )
    return [balanced_accuracy_score(y_true, predicted) for predicted in y_pred]


def predict(model, X, y, groups, train, test, strategy, seed):
    """Yield predicted classes after each batch of labels."""
    pool, truth, groups = X[train], y[train], groups[train]
    random_state = np.random.RandomState(seed)
    at_random = random_state.permutation(len(pool))
    labels, fitted = np.full(len(pool), None), None
    for n in np.diff(SIZES, prepend=0):
        if strategy == "random":
            rows, at_random = at_random[:n], at_random[n:]
        else:
            rows = suggest_particles(
                fitted,
                pool,
                n,
                y=labels,
                groups=groups,
                strategy=strategy,
                random_state=random_state,
            )
        labels[rows] = truth[rows]
        known = labels.astype(bool)
        if len(np.unique(truth[known])) > 1:
            fitted = model.fit(pool[known], truth[known])
            yield fitted.predict(X[test])
        else:
            yield np.repeat(truth[known][:1], len(test))


def print_scores(name, scores):
    """Print the mean balanced accuracy of all seeds."""
    means = {strategy: each.mean(axis=0) for strategy, each in scores.items()}
    print(f"\n{name}: mean balanced accuracy by number of labels")
    print(pd.DataFrame(means, index=SIZES).T.round(3).to_string())


def print_ratios(name, scores):
    """Print the labels that a strategy needs to reach random ones, as a ratio.

    That is of the means over seeds, and in brackets the 5th and 95th percentile of
    means over seeds drawn with replacement.
    """
    rng = np.random.default_rng(0)
    n_seeds = len(scores["random"])
    draws = [np.arange(n_seeds), *rng.integers(n_seeds, size=(200, n_seeds))]
    rows = {}
    for strategy in STRATEGIES:
        ratios = np.array(
            [
                find_ratios(scores[strategy][i].mean(axis=0), level)
                for i, level in ((i, scores["random"][i].mean(axis=0)) for i in draws)
            ]
        )
        # Infinite ones have no mean.
        low, high = np.percentile(ratios[1:], [5, 95], axis=0, method="nearest")
        ends = zip(ratios[0], low, high, strict=True)
        rows[strategy] = [f"{r:.2f} ({a:.2f}-{b:.2f})" for r, a, b in ends]
    print(f"\n{name}: labels needed for the score of so many random ones, as a ratio")
    print(pd.DataFrame(rows, index=SIZES).to_string())


def find_ratios(scores, levels):
    """Return the labels needed to reach each level, less than the first count as it."""
    best = np.maximum.accumulate(scores)
    # Levels that are never reached need an unknown number, more than the last.
    needed = np.interp(levels, best, SIZES, right=np.inf)
    return needed / SIZES
