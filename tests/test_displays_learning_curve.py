from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from display_cases import assert_readable
from matplotlib import pyplot
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB

from sklipo.displays import LearningCurveDisplay
from sklipo.evaluation import learning_curve


def make_table(models=("",), sizes=(2, 4, 8, 16), seed=0):
    """Return the points of some learning curves."""
    rng = np.random.default_rng(seed)
    rows = pd.MultiIndex.from_product([models, sizes], names=["model", "n_micrographs"])
    table = pd.DataFrame(index=rows).reset_index()
    table["n_particles"] = table["n_micrographs"] * 12.4
    table["score"] = 0.9 - 0.4 / table["n_micrographs"] + 0.05 * rng.random(len(table))
    return table.assign(low=table["score"] - 0.1, high=table["score"] + 0.08)


def make_gains(models=("",)):
    """Return what the last step of each model gained."""
    return pd.DataFrame({"model": models}).assign(
        before=8, n_micrographs=16, gain=0.0123, low=-0.0041, high=0.028
    )


@pytest.fixture(scope="module")
def curves():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), 5)
    y = rng.permutation(np.tile(["empty", "full"], 30))
    X = rng.normal(size=(60, 3)) + (y == "full")[:, np.newaxis]
    models = {"bayes": GaussianNB(), "chance": DummyClassifier()}
    return {
        name: learning_curve(model, X, y, groups=groups, cv=3, random_state=0)
        for name, model in models.items()
    }


def ends_of_band(ax, i=0):
    """Return x, low and high of a band, from its outline."""
    corners = ax.collections[i].get_paths()[0].vertices
    table = pd.DataFrame(corners, columns=["x", "y"]).groupby("x")["y"]
    return table.min().to_numpy(), table.max().to_numpy()


def test_each_model_is_a_line_with_a_band():
    models = ["svc", "net"]
    table = make_table(models)
    display = LearningCurveDisplay(table, gains=make_gains(models)).plot()
    for i, name in enumerate(models):
        rows = table[table["model"] == name]
        x, y = display.lines_[name].get_data()
        np.testing.assert_array_equal(x, rows["n_micrographs"])
        np.testing.assert_array_equal(y, rows["score"])
        low, high = ends_of_band(display.ax_, i)
        np.testing.assert_allclose(low, rows["low"])
        np.testing.assert_allclose(high, rows["high"])
    (legend,) = display.figure_.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "svc, 8 to 16: +0.012 (-0.004 to +0.028)",
        "net, 8 to 16: +0.012 (-0.004 to +0.028)",
    ]
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.get_ylabel() == "Balanced accuracy"
    assert_readable(display)


def test_a_single_model_has_its_gain_in_the_title():
    display = LearningCurveDisplay(make_table(), gains=make_gains()).plot(
        band=False, colors=["k"]
    )
    title = display.ax_.get_title()
    assert title == "8 to 16 micrographs: +0.012 (-0.004 to +0.028)"
    assert not display.figure_.legends
    assert not display.ax_.collections
    assert display.lines_[""].get_color() == "k"
    assert_readable(display)
    assert LearningCurveDisplay(make_table()).plot().ax_.get_title() == ""


@pytest.mark.parametrize("sizes", [range(1, 41), [1], [3, 1000], [100, 101, 102, 103]])
def test_ticks_are_at_numbers_of_micrographs_and_apart(sizes):
    display = LearningCurveDisplay(make_table(sizes=list(sizes))).plot()
    labels = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert labels[-1] == f"{sizes[-1]}\n({sizes[-1] * 12.4:.0f})"
    assert set(display.ax_.get_xticks()) <= set(sizes)
    assert len(labels) >= min(len(sizes), 4)
    assert_readable(display)


def test_curves_are_drawn_with_their_scores_and_gains(curves):
    display = LearningCurveDisplay.from_curves(curves, metric="F1", label="full")
    for name, curve in curves.items():
        scores = curve.scores("F1", "full")
        rows = display.table[display.table["model"] == name]
        np.testing.assert_array_equal(rows["n_micrographs"], scores.index)
        np.testing.assert_array_equal(rows["score"], scores["score"])
        np.testing.assert_array_equal(rows["low"], scores["low"])
        gain = display.gains.set_index("model").loc[name]
        assert gain["gain"] == curve.gains("F1", "full")["gain"].iloc[-1]
    assert display.ax_.get_ylabel() == "F1 of full"
    # A curve of a single point has no gain.
    point = replace(
        curves["bayes"],
        **{name: values[:1] for name, values in vars(curves["bayes"]).items()},
    )
    both = LearningCurveDisplay.from_curves({"point": point, "curve": curves["bayes"]})
    (legend,) = both.figure_.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts[0] == "point"
    assert texts[1].startswith("curve, 4 to 8: ")
    assert LearningCurveDisplay.from_curves(point).ax_.get_title() == ""
    own = curves["bayes"].plot(ax=pyplot.subplots()[1])
    title = own.ax_.get_title()
    assert title.startswith("4 to 8 micrographs: ")
    assert own.ax_.get_ylabel() == "Balanced accuracy"


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: LearningCurveDisplay([1]), "table is a list"),
        (lambda: LearningCurveDisplay(make_table()[:0]), "The table is empty"),
        (
            lambda: LearningCurveDisplay(make_table().drop(columns="low")),
            "no column 'low'",
        ),
        (
            lambda: LearningCurveDisplay(make_table().assign(n_micrographs=0)),
            "n_micrographs of the table is 0",
        ),
        (
            lambda: LearningCurveDisplay(make_table(), gains=make_table()),
            "no column 'before'",
        ),
        (
            lambda: LearningCurveDisplay(make_table(), score_name=3),
            "The 'score_name' parameter",
        ),
        (lambda: LearningCurveDisplay.from_curves({}), "dict of curves is empty"),
        (lambda: LearningCurveDisplay.from_curves([1]), "not a list"),
        (
            lambda: LearningCurveDisplay(make_table()).plot(colors={"a": "k"}),
            "colors has no color for ''",
        ),
    ],
)
def test_what_is_no_learning_curve(draw, message):
    figures = pyplot.get_fignums()
    with pytest.raises((TypeError, ValueError), match=message):
        draw()
    assert pyplot.get_fignums() == figures
