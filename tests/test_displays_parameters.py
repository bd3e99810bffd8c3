import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from display_cases import make_result
from matplotlib import pyplot

from sklipo.datasets import make_liposomes
from sklipo.displays import (
    ClassMetricsDisplay,
    ConfusionMatricesDisplay,
    ImageSizeDisplay,
    LearningCurveDisplay,
    ParticleGalleryDisplay,
    ReliabilityDisplay,
    TrainingCurveDisplay,
)

ODD = [-1, 0, 2.5, np.nan, 10**12, "nonsense", [], {}, np.zeros((2, 2)), object(), int]
ODD += [np.array([]), np.array(2), pd.DataFrame({"a": [1]}), pd.NA]
HISTORY = pd.DataFrame({"train_loss": [1.0, 0.5]})
POINTS = pd.DataFrame({"model": ["m"], "n_micrographs": 2, "n_particles": 9.0})
POINTS = POINTS.assign(score=0.5, low=0.4, high=0.6)
METRICS = pd.DataFrame([["m", "a", "F1", 0.5, 0.4, 0.6]], columns=[*"mcf", *"vlh"])
METRICS.columns = ["model", "class", "metric", "value", "low", "high"]


@pytest.fixture(autouse=True)
def nothing_left_over():
    """Hold each call to what it must leave as it was."""
    figures, settings = pyplot.get_fignums(), dict(mpl.rcParams)
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    yield
    assert pyplot.get_fignums() == figures
    assert dict(mpl.rcParams) == settings
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


@pytest.fixture(scope="module")
def particles():
    return make_liposomes(12, weights=None, random_state=0)


def calls(particles):
    """Return a way to draw by each display, and its parameters that take few values."""
    y = particles["label"]
    result = make_result(n=30)
    return {
        "confusion": (
            lambda **p: ConfusionMatricesDisplay.from_cv_results(result, **p),
            ["ax", "cmap", "colorbar"],
        ),
        "metrics": (
            lambda **p: ClassMetricsDisplay.from_cv_results(result, **p),
            ["ax", "metric", "spread", "x", "kind", "colors"],
        ),
        "reliability": (
            lambda **p: ReliabilityDisplay.from_cv_results(result, **p),
            ["ax", "kind", "n_bins", "colors"],
        ),
        "gallery": (
            lambda **p: ParticleGalleryDisplay.from_predictions(
                particles, y, y.to_numpy()[::-1], **p
            ),
            ["ax", "select", "n_particles", "n_columns", "outline", "scale_bar"],
        ),
        "particles": (
            lambda **p: ParticleGalleryDisplay.from_particles(particles, y, **p),
            ["n_particles", "classes"],
        ),
        "sizes": (
            lambda **p: ImageSizeDisplay.from_particles(
                particles, y, **{"kind": "histogram", **p}
            ),
            ["ax", "region", "unit", "kind", "bins", "colors"],
        ),
        "learning": (
            lambda **p: LearningCurveDisplay(POINTS).plot(**p),
            ["ax", "colors", "band"],
        ),
        "training": (
            lambda **p: TrainingCurveDisplay({"m": [HISTORY]}).plot(**p),
            ["ax", "columns", "colors"],
        ),
    }


@pytest.mark.parametrize("name", calls(pd.DataFrame({"label": []})))
def test_odd_parameters_are_refused_and_leave_no_figure(name, particles):
    draw, parameters = calls(particles)[name]
    for parameter in parameters:
        for value in ODD:
            with pytest.raises((TypeError, ValueError)) as caught:
                draw(**{parameter: value})
            ours = caught.traceback[-1].path.parts
            assert "sklipo" in ours or "sklearn" in ours, (parameter, value)
            assert str(caught.value)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: ConfusionMatricesDisplay([[1]], ["a"]), "counts is a list"),
        (lambda: ConfusionMatricesDisplay({}, ["a"]), "counts is a dict without"),
        (lambda: ConfusionMatricesDisplay({"m": "x"}, ["a"]), "counts of 'm' is a str"),
        (
            lambda: ConfusionMatricesDisplay({"m": [[[np.nan]]]}, ["a"]),
            "counts of 'm' has NaN",
        ),
        (
            lambda: ConfusionMatricesDisplay({"m": np.ones((1, 2, 2))}, ["a", "a"]),
            "classes has 'a' 2 times",
        ),
        (lambda: ClassMetricsDisplay(None), "table is a NoneType"),
        (lambda: ClassMetricsDisplay(METRICS[:0]), "The table is empty"),
        (lambda: ClassMetricsDisplay(METRICS.assign(low="x")), "'low' of the table"),
        (lambda: ClassMetricsDisplay(METRICS, value_name=3), "'value_name' parameter"),
        (lambda: ReliabilityDisplay([1, 2]), "table is a list"),
        (lambda: ReliabilityDisplay(METRICS), "no column 'curve'"),
        (lambda: ReliabilityDisplay(METRICS, kind="x"), "The 'kind' parameter"),
        (lambda: ReliabilityDisplay(METRICS, n_bins=0), "The 'n_bins' parameter"),
        (lambda: ParticleGalleryDisplay([np.eye(3)], []), "y_true has 0 values for 1"),
        (
            lambda: ParticleGalleryDisplay([np.eye(3)], ["a"], y_pred="a"),
            "y_pred, a str, is no sequence",
        ),
        (
            lambda: ParticleGalleryDisplay([np.eye(3)], ["a"], confidence=["a"]),
            "confidence is a list that holds more than numbers",
        ),
        (
            lambda: ParticleGalleryDisplay([np.eye(3)], ["a"], rows="x"),
            "The 'rows' parameter",
        ),
        (lambda: ImageSizeDisplay([1], [1, 2], ["a", "b"]), r"widths has shape \(1,\)"),
        (lambda: ImageSizeDisplay([1, 2], None, ["a", "b"]), "heights .*shape|NaN"),
        (lambda: TrainingCurveDisplay(None), "histories is a NoneType"),
        (lambda: TrainingCurveDisplay({"m": HISTORY}), r"histories\['m'\] is a DataFr"),
        (lambda: TrainingCurveDisplay({"m": [[1]]}), "table is a list"),
        (
            lambda: ConfusionMatricesDisplay.from_predictions(["a"], {}),
            "The dict of predictions is empty",
        ),
    ],
)
def test_displays_of_something_else(draw, message):
    with pytest.raises((TypeError, ValueError), match=message):
        draw()


def test_limits_beyond_all_pixels(particles):
    display = ParticleGalleryDisplay(particles[:1], ["a"])
    with pytest.raises(ValueError, match="vmin=2 must be below vmax=1"):
        display.plot(vmin=2, vmax=1)
    for limit in ({"vmin": 1e6}, {"vmax": -1e6}):
        display.plot(**limit).figure_.canvas.draw()
        pyplot.close(display.figure_)


def test_the_axes_of_others_stay_open():
    figure, ax = pyplot.subplots()
    display = ConfusionMatricesDisplay({"m": [[[1]]]}, ["a"])
    with pytest.raises(ValueError, match="cmap='nonsense'"):
        display.plot(ax=ax, cmap="nonsense")
    assert pyplot.fignum_exists(figure.number)
    pyplot.close(figure)


@pytest.mark.parametrize(
    "names",
    [
        ["$a$", "$b$"],
        [r"$\frac{1", "$}"],
        ["_a", "__b"],
        ["two\nlines", "tab\t"],
        [" ", ""],
        ["a&b", "<b>"],
        [r"C:\data\$x", "100 %"],
    ],
)
def test_names_are_drawn_as_they_are(names, particles):
    result = make_result(names, n=12)
    models = dict.fromkeys(names, result)
    drawn = [
        ConfusionMatricesDisplay.from_cv_results(models),
        ClassMetricsDisplay.from_cv_results(models),
        ClassMetricsDisplay.from_cv_results(models, x="model", kind="line"),
        ReliabilityDisplay.from_cv_results(models),
        ReliabilityDisplay.from_cv_results(models, kind="class"),
        ParticleGalleryDisplay.from_particles(particles, result.y_true),
        ParticleGalleryDisplay.from_cv_results(
            result, particles.reset_index(drop=True), select="uncertain"
        ),
        ImageSizeDisplay.from_particles(particles, result.y_true),
        ImageSizeDisplay.from_particles(particles, result.y_true, kind="histogram"),
    ]
    for display in drawn:
        display.figure_.canvas.draw()
        pyplot.close(display.figure_)
    # Both classes are in the legend, whatever their names begin with.
    assert len(drawn[-2].ax_.get_legend().get_texts()) == 2
