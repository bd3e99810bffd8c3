import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from sklipo import LipNetClassifier, make_svc_pipeline
from sklipo.datasets import make_liposomes
from sklipo.inspection import (
    ExcitationDisplay,
    FeatureGroupImportanceDisplay,
    FeatureMapDisplay,
    FilterDisplay,
    OcclusionDisplay,
    feature_group_importance,
    feature_maps,
    most_exciting_particles,
    occlusion_map,
    reconstruct,
)

X = np.random.default_rng(0).random((20, 64), dtype=np.float32)
ODD = [-1, 2.5, np.nan, 10**12, "nonsense", [], {}, np.zeros((2, 2)), object(), int]
ODD += [np.array([]), pd.DataFrame({"a": [1]}), pd.NA]
ZEROS = np.zeros((2, 3, 3))


@pytest.fixture(scope="module")
def model():
    network = LipNetClassifier("lipnet-1", max_epochs=1, n_filters=4, random_state=0)
    return network.fit(X, ["a", "b"] * 10)


@pytest.fixture(autouse=True)
def no_figure_left_over():
    figures = pyplot.get_fignums()
    yield
    assert pyplot.get_fignums() == figures


CALLS = {
    "occlusion": (occlusion_map, {"target": "a", "window": 3, "stride": 1}),
    "fill": (occlusion_map, {"fill_value": 0.0}),
    "maps": (feature_maps, {"layer": "conv1"}),
    "excitation": (
        most_exciting_particles,
        {"layer": "conv1", "unit": 0, "n_particles": 2},
    ),
    "output": (most_exciting_particles, {"layer": "output", "unit": "a"}),
    "reconstruction": (reconstruct, {"layer": "conv1", "unit": 0, "method": "auto"}),
    "filters": (
        lambda model, _, **p: FilterDisplay.from_estimator(model, **p),
        {"layer": "conv1", "input_channels": 0, "cmap": "gray", "colorbar": True},
    ),
    "pictures": (
        ExcitationDisplay.from_estimator,
        {"layer": "conv1", "units": 0, "n_particles": 2, "cmap": "gray", "ax": None},
    ),
    "patches": (OcclusionDisplay.from_estimator, {"cmap": "gray", "ax": None}),
}


@pytest.mark.parametrize("name", CALLS)
def test_odd_parameters_are_refused_and_leave_no_figure(model, name):
    call, usual = CALLS[name]
    for parameter in usual:
        for value in ODD:
            # Zero is the mean of the background, but any number may fill a patch.
            number = isinstance(value, int | float) and np.isfinite(value)
            if parameter == "fill_value" and number:
                continue
            with pytest.raises((TypeError, ValueError)) as caught:
                call(model, X[:2], **{**usual, parameter: value})
            ours = caught.traceback[-1].path.parts
            assert "sklipo" in ours or "sklearn" in ours, (parameter, value)


@pytest.mark.parametrize("window", [9, (9, 1), (1,), (1, 2, 3), "ab", (0, 1), (-1, 2)])
def test_patches_that_do_not_fit(model, window):
    with pytest.raises(ValueError, match="window="):
        occlusion_map(model, X[:1], window=window)


def test_models_of_other_kinds():
    particles = make_liposomes(12, weights=None, random_state=0)
    pipeline = make_svc_pipeline(["area"]).fit(particles, particles["label"])
    with pytest.raises(TypeError, match="expected a fitted LipNetClassifier"):
        occlusion_map(pipeline, particles)
    for y in (None, {}, ["a"], [None] * 12, np.linspace(0, 1, 12)):
        with pytest.raises((TypeError, ValueError), match=r"^y"):
            feature_group_importance(pipeline, particles, y)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: FeatureMapDisplay(None, ZEROS, "c"), "image"),
        (
            lambda: FeatureMapDisplay(ZEROS[0], ZEROS[0], "c"),
            r"maps has shape \(3, 3\)",
        ),
        (lambda: FilterDisplay(ZEROS), r"weights has shape \(2, 3, 3\)"),
        (lambda: FilterDisplay([["a"]]), "weights is a list that holds more than"),
        (
            lambda: FilterDisplay(ZEROS[:, None], input_channels=[0, 1]),
            "input_channels=.*; expected the numbers of the 1 channels",
        ),
        (lambda: FilterDisplay(ZEROS[:, None], layer=1), "The 'layer' parameter"),
        (lambda: OcclusionDisplay(ZEROS, ZEROS[:1], "ab", [1, 1]), "drops has shape"),
        (lambda: OcclusionDisplay(ZEROS, ZEROS, ["a"], [1, 1]), "targets has 1 values"),
        (lambda: OcclusionDisplay(ZEROS, ZEROS, ["a", "b"], 1), "probabilities has"),
        (lambda: FeatureGroupImportanceDisplay([0.5]), "table is a list"),
        (
            lambda: FeatureGroupImportanceDisplay(pd.DataFrame({"mean": [1]})),
            "no column 'std'",
        ),
    ],
)
def test_displays_of_something_else(draw, message):
    with pytest.raises((TypeError, ValueError), match=message):
        draw()
