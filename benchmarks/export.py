"""ONNX files against the models that they were written from: parity and speed.

``python -m benchmarks export particles.csv`` compares probabilities and labels of up to
1,000 own particles and as many artificial ones of all sizes, and the time per particle,
for each LipNet and input mode, the SVM and the ensemble.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import onnxruntime
import pandas as pd

from sklipo import (
    ImageArray,
    make_ensemble_pipeline,
    make_lipnet_pipeline,
    make_svc_pipeline,
)
from sklipo.datasets import load_particles, make_liposomes
from sklipo.export import to_onnx
from sklipo.lipnet.architectures import ARCHITECTURES

N_TRAINED, N_COMPARED, N_TIMED = 200, 1000, 60
MODES = ("masked", "cropped", "surrounding")


def main(path=None):
    # Own particles may have no pixel size: a model measures both kinds in pixels.
    artificial = odd_particles(N_COMPARED).drop(columns="pixel_size")
    tables = {"artificial": artificial}
    if path is not None:
        own = some_of(load_particles(path), N_COMPARED)
        tables["own"] = own.drop(columns="pixel_size", errors="ignore")
    trained = some_of(tables.get("own", artificial), N_TRAINED)
    rows = []
    for name, model in make_models().items():
        model.fit(trained, trained["label"])
        rows.append({"model": name, **compare(model, tables)})
        print(pd.DataFrame(rows[-1:]).to_string(index=False), flush=True)
    print(pd.DataFrame(rows).to_string(index=False))
    print(time_rows(trained))


def make_models():
    """Return the models to compare, by name."""
    short = {"max_epochs": 3, "random_state": 0}
    models = {
        f"{architecture} {mode} {intensity}": make_lipnet_pipeline(
            architecture, input_mode=mode, intensity=intensity, **short
        )
        for architecture in ARCHITECTURES
        for mode, intensity in zip(
            MODES, ("contrast", "noise", "contrast"), strict=True
        )
    }
    models["SVM"] = make_svc_pipeline(probability=True)
    models["ensemble"] = make_ensemble_pipeline(**short).set_params(calibrate=False)
    return models


def compare(model, tables):
    """Return the largest difference, the labels that differ, and times per particle."""
    result = {}
    with TemporaryDirectory() as folder:
        start = perf_counter()
        export = to_onnx(model, Path(folder) / "model.onnx")
        result["export, s"] = perf_counter() - start
        result["MB"] = export.path.stat().st_size / 1e6
        session = make_session(export.path)
    for name, particles in tables.items():
        found = [run(session, export, row) for row in particles.itertuples()]
        y_proba = model.predict_proba(particles)
        difference = np.abs(np.concatenate([p for _, p in found]) - y_proba)
        differ = np.concatenate([y for y, _ in found]) != model.predict(particles)
        result[f"{name}: largest"] = difference.max()
        result[f"{name}: labels"] = differ.sum()
        result |= {
            f"{name}: {k}": t
            for k, t in time_each(model, session, export, particles).items()
        }
    return result


def make_session(path):
    """Return a session of one thread, as the model has."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options)


def run(session, export, row):
    """Return label and probabilities of a row of a particle table."""
    inputs = {"image": row.image.astype("float32"), "mask": row.mask}
    if "pixel_size" in export.inputs:
        inputs["pixel_size"] = np.array(row.pixel_size)
    return session.run(None, inputs)


def time_each(model, session, export, particles):
    """Return the median times of one particle, by the file and by the model, in ms."""
    particles = some_of(particles, N_TIMED)
    ours, theirs = [], []
    for i, row in enumerate(particles.itertuples()):
        one = particles.iloc[[i]]
        for times, call in (
            (ours, lambda one=one: model.predict_proba(one)),
            (theirs, lambda row=row: run(session, export, row)),
        ):
            call()
            start = perf_counter()
            call()
            times.append(1e3 * (perf_counter() - start))
    return {"file, ms": np.median(theirs), "ratio": np.median(np.divide(theirs, ours))}


def time_rows(particles, n_rows=512, n_repeats=9):
    """Return the ratio of the times of 512 rows of pixels by the file and the model."""
    ratios = {}
    for architecture in ARCHITECTURES:
        model = make_lipnet_pipeline(architecture, max_epochs=1, random_state=0)
        model.fit(particles, particles["label"])
        rows = np.resize(model[:-1].transform(particles), (n_rows, 784))
        with TemporaryDirectory() as folder:
            session = make_session(to_onnx(model[-1], Path(folder) / "rows.onnx").path)
        times = []
        for _ in range(n_repeats):
            start = perf_counter()
            model[-1].predict_proba(rows)
            middle = perf_counter()
            session.run(None, {"rows": rows})
            times.append((perf_counter() - middle) / (middle - start))
        ratios[architecture] = round(float(np.median(times)), 2)
    return pd.Series(ratios, name="512 rows, ratio")


def odd_particles(n_samples, seed=0):
    """Return artificial liposomes cut to all sizes: at borders, and single pixels."""
    rng = np.random.default_rng(seed)
    particles = make_liposomes(n_samples, weights=None, random_state=seed)
    images, masks = [], []
    for row in particles.itertuples():
        inside = np.argwhere(row.mask)
        top, left = inside.min(axis=0) - rng.integers(-10, 40, 2)
        bottom, right = inside.max(axis=0) + rng.integers(-10, 40, 2)
        window = slice(max(top, 0), bottom + 1), slice(max(left, 0), right + 1)
        image, mask = row.image[window], row.mask[window].copy()
        if rng.random() < 0.05 or not mask.any():
            mask[:] = False
            mask[tuple(rng.integers(mask.shape))] = True
        images.append(image)
        masks.append(mask)
    return particles.assign(image=ImageArray(images), mask=ImageArray(masks))


def some_of(particles, n_samples):
    """Return particles from all of a table, at most so many."""
    rows = np.linspace(0, len(particles) - 1, min(n_samples, len(particles)))
    return particles.iloc[rows.astype(int)].reset_index(drop=True)
