"""The ensemble, its members, and a union of features, on artificial or own particles.

``python -m benchmarks ensemble particles.csv`` takes a table with columns ``label`` and
``micrograph``; a number after it is the seed of folds and networks.
"""

from time import perf_counter

import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight

from sklipo import (
    ParticleFeatures,
    make_ensemble_pipeline,
    make_lipnet_pipeline,
    make_svc_pipeline,
)
from sklipo.datasets import load_particles, make_liposomes

N_FOLDS = 5


def main(path=None, seed="0"):
    seed = int(seed)
    particles = (
        make_liposomes(600, random_state=0) if path is None else load_particles(path)
    )
    y, groups = particles["label"].to_numpy(), particles["micrograph"].to_numpy()
    folds = StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=seed)
    rows = []
    for number, (train, test) in enumerate(folds.split(y, y, groups)):
        for name, model in make_models(seed).items():
            start = perf_counter()
            known = {"groups": groups[train]} if name == "ensemble" else {}
            model.fit(particles.iloc[train], y[train], **known)
            seconds = perf_counter() - start
            parts = getattr(model, "named_estimators_", {})
            for part, fitted in {name: model, **parts}.items():
                scores = score(fitted, particles.iloc[test], y[test])
                rows.append({"model": part, "fold": number, **scores})
            rows[-1 - len(parts)]["fit, s"] = seconds
        print(summarize(rows), flush=True)


def make_models(seed):
    """Return the models to compare by name; the ensemble shows its members, too."""
    learned = make_lipnet_pipeline("lipnet-2", random_state=seed)
    union = make_pipeline(
        FeatureUnion([("made", ParticleFeatures()), ("learned", learned)]),
        StandardScaler(),
        SVC(gamma=1e-3, class_weight="balanced"),
    )
    return {
        "SVM": make_svc_pipeline(),
        "LipNet-4": make_lipnet_pipeline(random_state=seed),
        "union and SVM": union,
        "ensemble": make_ensemble_pipeline(random_state=seed),
    }


def score(model, X, y):
    """Return balanced accuracy, and log loss with all classes counting as much."""
    if not hasattr(model, "predict_proba"):
        return {"recall": balanced_accuracy_score(y, model.predict(X))}
    y_proba = model.predict_proba(X)
    y_pred = model.classes_[y_proba.argmax(axis=1)]
    weights = compute_sample_weight("balanced", y)
    return {
        "recall": balanced_accuracy_score(y, y_pred),
        "log loss": log_loss(y, y_proba, sample_weight=weights, labels=model.classes_),
    }


def summarize(rows):
    """Return the mean over folds, and the worst fold, of each model."""
    table = pd.DataFrame(rows).groupby("model", sort=False)
    columns = {
        "balanced accuracy": table["recall"].mean(),
        "worst fold": table["recall"].min(),
        "log loss": table["log loss"].mean(),
        "fit, s": table["fit, s"].mean().replace(0, np.nan),
    }
    return pd.DataFrame(columns).round(3).to_string()
