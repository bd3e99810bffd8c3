"""What all displays share, those of inspection too: axes and signatures."""

import inspect

import numpy as np
import pytest
from matplotlib import pyplot
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklipo import Resize, displays, inspection
from sklipo.datasets import make_liposomes
from sklipo.displays._axes import PanelDisplay

DISPLAYS = {
    name: getattr(room, name)
    for room in (displays, inspection)
    for name in room.__all__
    if name.endswith("Display")
}
PREDICTS_NOTHING = {"FilterDisplay", "RiskCoverageDisplay", "TrainingCurveDisplay"}
NEEDS_LABELS = {
    "ClassMetricsDisplay",
    "ConfusionMatricesDisplay",
    "FeatureGroupImportanceDisplay",
    "ParticleGalleryDisplay",
    "ReliabilityDisplay",
}


def parameters(function):
    """Return positional and keyword-only parameters without ``self`` or ``cls``."""
    found = inspect.signature(function).parameters.values()
    found = [p for p in found if p.name != "self" and p.kind != p.VAR_KEYWORD]
    positional = [p.name for p in found if p.kind == p.POSITIONAL_OR_KEYWORD]
    return positional, [p.name for p in found if p.kind == p.KEYWORD_ONLY]


@pytest.mark.parametrize("name", DISPLAYS)
def test_displays_have_one_base_and_one_signature(name):
    display = DISPLAYS[name]
    assert issubclass(display, PanelDisplay)
    positional, keywords = parameters(display.plot)
    assert positional == [] and keywords[0] == "ax"
    if hasattr(display, "from_estimator"):
        expected = ["estimator"]
        expected += [] if name in PREDICTS_NOTHING else ["X"]
        expected += ["y"] if name in NEEDS_LABELS else []
        assert parameters(display.from_estimator)[0] == expected


@pytest.mark.parametrize(
    "function", [getattr(inspection, n) for n in inspection.__all__]
)
def test_functions_of_inspection_begin_alike(function):
    if inspect.isfunction(function):
        assert parameters(function)[0][:2] == ["estimator", "X"]


def test_seeds_are_none_by_default():
    functions = [f for d in DISPLAYS.values() for f in vars(d).values()]
    functions = [getattr(f, "__func__", f) for f in functions]
    functions += [getattr(inspection, name) for name in inspection.__all__]
    seeds = [
        inspect.signature(function).parameters["random_state"].default
        for function in functions
        if inspect.isfunction(function)
        and "random_state" in inspect.signature(function).parameters
    ]
    assert len(seeds) >= 5 and set(seeds) == {None}


@pytest.fixture(scope="module")
def particles():
    return make_liposomes(30, weights=None, random_state=0)


@pytest.fixture(scope="module")
def search(particles):
    pipeline = make_pipeline(Resize(4), LogisticRegression())
    grid = {"logisticregression__C": [1.0]}
    return GridSearchCV(pipeline, grid, cv=2).fit(particles, particles["label"])


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("ClassMetricsDisplay", lambda display: display.table["value"]),
        ("ConfusionMatricesDisplay", lambda display: display.shares[""]),
        ("ParticleGalleryDisplay", lambda display: display.confidence),
        ("ReliabilityDisplay", lambda display: display.table["prob_true"]),
    ],
)
def test_search_over_a_pipeline_is_drawn_as_its_best_estimator(
    search, particles, name, numbers
):
    draw = DISPLAYS[name].from_estimator
    found, expected = (
        numbers(draw(estimator, particles, particles["label"]))
        for estimator in (search, search.best_estimator_)
    )
    assert len(found)
    np.testing.assert_array_equal(found, expected)


class Rows(PanelDisplay):
    """Two rows of panels, of which the lower one ends early."""

    def plot(self, ax=None):
        self._open_grid(ax, (2, 3), ([0, 0, 0, 1], [0, 1, 2, 0]))
        return self


class Line(PanelDisplay):
    """Two panels, side by side."""

    def plot(self, ax=None):
        self._open_panels(ax, (1, 3), ["left", "right"])
        return self


def test_panels_of_a_new_figure():
    display = Line().plot()
    assert display.axes_.shape == (2,) and display.ax_ is display.axes_[0]
    assert [ax.axison for ax in display.figure_.axes] == [True, True, False]
    display = Rows().plot()
    assert display.axes_.shape == (4,)
    assert [ax.axison for ax in display.figure_.axes] == [True] * 4 + [False] * 2


def test_axes_of_the_caller_in_any_form():
    figure, axes = pyplot.subplots(2, 2)
    for given in (axes, axes.ravel(), axes.tolist(), list(axes[0])):
        display = Line().plot(given)
        assert list(display.axes_) == list(axes[0]) and display.figure_ is figure
    assert not axes[1, 0].axison
    figure, axes = pyplot.subplots(3, 4)
    assert list(Rows().plot(axes).axes_) == [*axes[0, :3], axes[1, 0]]
    assert not axes[1, 1].axison and not axes[0, 3].axison and not axes[2, 0].axison
    flat = pyplot.subplots(2, 3)[1].ravel()
    assert list(Rows().plot(flat).axes_) == list(flat[:4])


def test_wrong_axes_are_named():
    ax = pyplot.subplots()[1]
    with pytest.raises(ValueError, match=r"Line needs 2 axes, .* \(left, right\), but"):
        Line().plot(ax)
    message = r"Rows needs a grid of axes of shape \(2, 3\), but ax has shape \(3, 2\)"
    with pytest.raises(ValueError, match=message):
        Rows().plot(np.full((3, 2), ax))
    for display in (Line(), Rows()):
        with pytest.raises(TypeError, match="ax holds a str; expected matplotlib axes"):
            display.plot([ax, "left"])
