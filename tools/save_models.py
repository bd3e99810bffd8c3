"""Save a model of each kind as this release does, with what it predicts.

::

    python tools/save_models.py

Run it once for each release, with the least versions that pyproject.toml claims (see
least_versions.py), and commit what it writes to tests/data: all later releases have to
open the files, with all later versions, and to predict the same. A file of a former
release is never written anew.
"""

import json
import sys
from pathlib import Path

import numpy as np

import sklipo
from sklipo import (
    SelectiveClassifier,
    make_ensemble_pipeline,
    make_lipnet_pipeline,
    make_svc_pipeline,
)
from sklipo.datasets import make_liposomes
from sklipo.export import save_model

FOLDER = Path(__file__).parent.parent / "tests" / "data"
GROUPS = ["area", "intensity"]
TINY = {"n_filters": 2, "max_epochs": 2, "random_state": 0}
SMALL = {"architecture": "lipnet-2", "hidden_units": 4, "size": 14, **TINY}


def list_models():
    """Return the models by name, not yet fitted."""
    svc = make_svc_pipeline(GROUPS, probability=True)
    ensemble = make_ensemble_pipeline(["area"], **SMALL)
    ensemble.set_params(forest__classify__n_estimators=3)
    return {
        "lipnet": make_lipnet_pipeline(batch_norm=True, early_stopping=True, **SMALL),
        "own-size": make_lipnet_pipeline("lipnet-4c", size="own", **TINY),
        "svc": svc,
        "ensemble": ensemble,
        "selective": SelectiveClassifier(svc, max_error=0.8, cv=3),
    }


def save_models(folder):
    """Save all models in a folder, with the particles that they predict.

    Parameters
    ----------
    folder : Path
        Where to; files of this release must not be there.
    """
    particles = make_liposomes(45, weights=None, random_state=0)
    labels = particles.pop("label").to_numpy()
    particles = particles[["image", "mask"]]
    sizes = particles["image"].array.shapes.prod(axis=1)
    # The smallest ones make the smallest file.
    shown = particles.iloc[np.argsort(sizes, kind="stable")[:4]]
    pixels = {
        f"{column}_{i}": np.asarray(image)
        for column in ("image", "mask")
        for i, image in enumerate(shown[column])
    }
    start = folder / f"sklipo-{sklipo.__version__}"
    np.savez_compressed(f"{start}.npz", **pixels)
    for name, model in list_models().items():
        model.fit(particles, labels)
        expected = {
            "predict": model.predict(shown).tolist(),
            "predict_proba": model.predict_proba(shown).tolist(),
        }
        save_model(model, f"{start}-{name}.skops")
        Path(f"{start}-{name}.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    there = [path.name for path in FOLDER.glob(f"sklipo-{sklipo.__version__}*.skops")]
    if there:
        sys.exit(f"{there} are there already, and are kept.")
    FOLDER.mkdir(exist_ok=True)
    save_models(FOLDER)
