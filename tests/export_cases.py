"""Particles and sessions for the tests of what leaves Python."""

import json

import numpy as np
import onnxruntime
import pandas as pd

from sklipo import ImageArray
from sklipo.datasets import load_particles, make_liposomes
from sklipo.export import to_onnx


def odd_particles(dtype="uint8", n_samples=60, seed=0):
    """Return particles of all sizes: at the border, of one pixel, uniform, filling."""
    rng = np.random.default_rng(seed)
    images, masks = [], []
    for i in range(n_samples):
        height, width = rng.integers(1, 90, size=2)
        y, x = np.mgrid[:height, :width]
        center, radii = rng.random(2) * (height, width), 1 + rng.random(2) * 30
        mask = np.hypot((y - center[0]) / radii[0], (x - center[1]) / radii[1]) < 1
        image = rng.integers(60, 120, (height, width)) + 40 * mask
        if i % 6 == 0 or not mask.any():
            mask[:] = False
            mask[rng.integers(height), rng.integers(width)] = True
        elif i % 6 == 1:
            mask[:] = True
        elif i % 6 == 2:
            image[:] = image[0, 0]
        images.append(image)
        masks.append(mask)
    scale = {"uint8": 1, "uint16": 257}.get(dtype, 1 / 255)
    return pd.DataFrame(
        {
            "image": ImageArray([(image * scale).astype(dtype) for image in images]),
            "mask": ImageArray(masks),
            "pixel_size": rng.uniform(0.4, 2, n_samples),
            "label": np.resize(["empty", "full", "uncertain"], n_samples),
        }
    )


def real_particles(folder, n_samples=40):
    """Return some of the real particles, of all classes."""
    particles = load_particles(folder / "particles.csv")
    rows = np.linspace(0, len(particles) - 1, n_samples).astype(int)
    return particles.iloc[rows].reset_index(drop=True)


def drawn_particles(n_samples=30):
    """Return artificial particles."""
    return make_liposomes(n_samples, weights=None, random_state=0)


def run(path, particles, dtype="float32"):
    """Return labels and probabilities of particles by a file that starts at images."""
    session = onnxruntime.InferenceSession(path)
    takes = {value.name for value in session.get_inputs()}
    results = []
    for image, mask, size in zip(
        particles["image"], masks_of(particles), sizes_of(particles), strict=True
    ):
        inputs = {"image": image.astype(dtype), "mask": mask, "pixel_size": size}
        results.append(
            session.run(None, {name: inputs[name] for name in inputs if name in takes})
        )
    return [np.concatenate(parts) for parts in zip(*results, strict=True)]


def masks_of(particles):
    """Return the masks of particles, or masks of whole images."""
    if "mask" in particles:
        return list(particles["mask"])
    return [np.ones(image.shape, bool) for image in particles["image"]]


def sizes_of(particles):
    """Return the pixel sizes of particles as arrays without axes."""
    if "pixel_size" not in particles:
        return [np.array(1.0)] * len(particles)
    return [np.array(size) for size in particles["pixel_size"]]


def check_parity(model, particles, path, dtype="float32", **parameters):
    """Compare a model with its file on particles, and return the export."""
    export = to_onnx(model, path, dtype=dtype, **parameters)
    labels, *probabilities = run(path, particles, dtype)
    y_pred = model.predict(particles)
    if not probabilities:
        assert (labels == y_pred.astype(str)).all()
        return export
    y_proba = model.predict_proba(particles)
    np.testing.assert_allclose(probabilities[0], y_proba, rtol=0, atol=1e-4)
    best = np.sort(y_proba, axis=1)
    is_tie = best[:, -1] - best[:, -2] < 2e-4
    assert ((labels == y_pred.astype(str)) | is_tie).all()
    return export


def classes_of(export):
    """Return the classes that the metadata of a file hold."""
    return json.loads(export.metadata["classes"])
