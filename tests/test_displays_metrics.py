import sys

import numpy as np
import pandas as pd
import pytest
from display_cases import EIGHT_CLASSES, assert_readable, make_result
from matplotlib.colors import to_hex
from sklearn.exceptions import NotFittedError
from sklearn.metrics import precision_score, recall_score
from sklearn.tree import DecisionTreeClassifier

from sklipo.displays import ClassMetricsDisplay
from sklipo.labeling import agreement_table


def bars(ax):
    """Heights of the bars of each color."""
    return [
        [bar.get_height() for bar in container]
        for container in ax.containers
        if hasattr(container, "patches")
    ]


def test_bars_are_means_over_folds_with_their_deviation():
    result = make_result()
    display = ClassMetricsDisplay.from_cv_results({"SVM": result}, metric="TPR")
    recalls = [
        recall_score(
            result.y_true[result.folds == fold],
            result.y_pred[result.folds == fold],
            average=None,
        )
        for fold in range(5)
    ]
    mean, deviation = np.mean(recalls, axis=0), np.std(recalls, axis=0, ddof=1)
    np.testing.assert_allclose(bars(display.ax_), [mean])
    np.testing.assert_allclose(display.table["low"], mean - deviation)
    np.testing.assert_allclose(display.table["high"], mean + deviation)
    summary = result.summary("full").loc["TPR"]
    row = display.table.set_index("class").loc["full"]
    assert row["value"] == pytest.approx(summary["mean"])
    assert row["high"] - row["value"] == pytest.approx(summary["std"])
    assert "mean ± SD over folds" in display.ax_.get_ylabel()
    assert "TPR" in display.ax_.get_ylabel()


def test_pooled_bars_have_the_interval_of_the_summary():
    result = make_result()
    display = ClassMetricsDisplay.from_cv_results(
        result, metric=["kappa", "log_loss"], spread="bootstrap"
    )
    for _, row in display.table.iterrows():
        expected = result.summary(row["class"]).loc[row["metric"]]
        assert (row["value"], row["low"], row["high"]) == pytest.approx(
            tuple(expected[["pooled", "low", "high"]])
        )
    assert "95 % interval" in display.ax_.get_ylabel()


@pytest.mark.parametrize("spread", ["folds", "bootstrap"])
def test_experts_are_one_more_model(spread):
    result = make_result()
    labels = result.y_true, np.roll(result.y_true, 1)
    agreement = agreement_table(*labels, n_resamples=10)
    options = {"metric": ["F1", "TPR"], "spread": spread, "agreement": agreement}
    display = ClassMetricsDisplay.from_cv_results(result, **options)
    assert_readable(display)
    assert display.table["model"].unique().tolist() == ["model", "experts"]
    rows = display.table.query("model == 'experts' and metric == 'F1'")
    expected = agreement["agreement", "value"].iloc[:-1]
    np.testing.assert_allclose(rows["value"], expected, rtol=1e-12)
    assert rows[["low", "high"]].isna().all(axis=None)
    alone = ClassMetricsDisplay.from_cv_results(
        {"model": result}, metric=["F1", "TPR"], spread=spread
    )
    of_model = display.table.query("model == 'model'").reset_index(drop=True)
    pd.testing.assert_frame_equal(of_model, alone.table)
    with pytest.raises(ValueError, match="A model is named 'experts'"):
        ClassMetricsDisplay.from_cv_results({"experts": result}, **options)


def test_error_bars_end_where_the_table_says():
    table = pd.DataFrame(
        {
            "model": "m",
            "class": ["a", "b", "c"],
            "metric": "TPR",
            "value": [0.5, 0.4, 0.8],
            "low": [0.2, 0.45, np.nan],  # an interval may leave out the value
            "high": [0.6, 0.7, np.nan],
        }
    )
    display = ClassMetricsDisplay(table).plot()
    (segments,) = [lines.get_segments() for lines in display.ax_.collections]
    np.testing.assert_allclose(
        segments, [[[0, 0.2], [0, 0.6]], [[1, 0.45], [1, 0.7]]], atol=1e-12
    )


@pytest.mark.parametrize(
    ("x", "panels", "colors", "ticks"),
    [
        ("class", ["TPR (recall)", "phi"], ["SVM", "CNN"], ["empty", "full"]),
        ("model", ["TPR (recall)", "phi"], ["empty", "full"], ["SVM", "CNN"]),
        ("metric", ["empty", "full"], ["SVM", "CNN"], ["TPR", "phi"]),
    ],
)
@pytest.mark.parametrize("kind", ["bar", "line"])
def test_layouts(x, panels, colors, ticks, kind):
    classes = ("empty", "full")
    results = {"SVM": make_result(classes), "CNN": make_result(classes, seed=1)}
    display = ClassMetricsDisplay.from_cv_results(
        results, metric=["TPR", "phi"], x=x, kind=kind
    )
    assert [ax.get_title() for ax in display.axes_] == panels
    legend = display.figure_.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == colors
    for ax in display.axes_:
        assert [label.get_text() for label in ax.get_xticklabels()] == ticks
    assert_readable(display)
    values = display.table.set_index(["model", "class", "metric"])["value"]
    expected = values["CNN", "full", "phi"]
    if kind == "bar":
        assert bars(display.axes_[1])[1][1] == pytest.approx(expected)
    else:
        lines = {line.get_label(): line for line in display.axes_[1].lines}
        assert lines[colors[1]].get_ydata()[1] == pytest.approx(expected)


def test_undefined_is_marked_and_no_bar():
    y_true, y_pred = ["a", "a", "b"], ["a", "a", "a"]
    display = ClassMetricsDisplay.from_predictions(y_true, y_pred, metric="PPV")
    np.testing.assert_array_equal(bars(display.ax_), [[2 / 3, np.nan]])
    (text,) = display.ax_.texts
    assert text.get_text() == "undefined"
    assert text.get_position()[0] == 1
    zero = ClassMetricsDisplay.from_predictions(y_true, y_pred, metric="TPR")
    np.testing.assert_array_equal(bars(zero.ax_), [[1, 0]])
    assert not zero.ax_.texts


def test_missing_matplotlib_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "sklipo\[plot\]"'):
        ClassMetricsDisplay.from_cv_results(make_result())


def test_gap_in_a_line_has_its_color():
    y_true, y_pred = ["a", "a", "b"], {"one": ["a", "a", "a"], "two": ["a", "a", "b"]}
    display = ClassMetricsDisplay.from_predictions(
        y_true, y_pred, metric="PPV", x="model", kind="line", colors=["red", "blue"]
    )
    (text,) = display.ax_.texts
    assert text.get_color() == "blue"
    lines = {line.get_label(): line.get_ydata() for line in display.ax_.lines}
    np.testing.assert_array_equal(lines["b"], [np.nan, 1])


def test_several_predictions():
    y_true = ["a", "b", "b", "c"]
    predictions = {"one": ["a", "b", "c", "c"], "other": ["a", "b", "b", "b"]}
    display = ClassMetricsDisplay.from_predictions(
        y_true, predictions, metric="PPV", classes=["c", "b", "a"]
    )
    expected = [
        precision_score(
            y_true, y, average=None, labels=["c", "b", "a"], zero_division=np.nan
        )
        for y in predictions.values()
    ]
    np.testing.assert_allclose(bars(display.ax_), expected)


def test_same_scale_in_all_panels_of_one_range():
    results = {"a": make_result(skill=0), "b": make_result(seed=1)}
    display = ClassMetricsDisplay.from_cv_results(
        results, metric=["TPR", "kappa", "log_loss"]
    )
    tpr, kappa, log_loss = (ax.get_ylim() for ax in display.axes_)
    assert tpr == kappa
    assert tpr[0] < 0  # kappa of guesses
    assert log_loss[0] == 0
    assert log_loss[1] > 1
    shares = ClassMetricsDisplay.from_cv_results(results, metric=["TPR", "PPV"])
    assert {ax.get_ylim() for ax in shares.axes_} == {(0.0, 1.03)}


@pytest.mark.parametrize("x", ["class", "model", "metric"])
def test_eight_classes_with_long_names_fit(x):
    result = make_result(EIGHT_CLASSES, n=400)
    display = ClassMetricsDisplay.from_cv_results(
        {"LipNet-4": result, "a support vector machine": result},
        metric=["TPR", "PPV", "balanced_accuracy"],
        x=x,
    )
    assert_readable(display)


def test_colors():
    results = {f"model {i}": make_result(seed=i) for i in range(9)}
    with pytest.raises(
        ValueError, match=r"9 models, but only 8 colors.*colors=\[...\]"
    ):
        ClassMetricsDisplay.from_cv_results(results)
    gray = [str(i / 10) for i in range(9)]
    display = ClassMetricsDisplay.from_cv_results(results, colors=gray)
    drawn = [container[0].get_facecolor() for container in display.ax_.containers[::2]]
    assert [to_hex(color) for color in drawn] == [to_hex(color) for color in gray]
    few = dict(list(results.items())[:2])
    for colors, message in (
        (["red"], "1 colors for 2 models"),
        ({"model 0": "red"}, "no color for 'model 1'"),
        (["red", "rde"], "'rde' for 'model 1' is no color"),
    ):
        with pytest.raises(ValueError, match=message):
            ClassMetricsDisplay.from_cv_results(few, colors=colors)


def test_default_colors_never_repeat():
    results = {f"model {i}": make_result(seed=i) for i in range(8)}
    display = ClassMetricsDisplay.from_cv_results(results)
    drawn = {to_hex(c[0].get_facecolor()) for c in display.ax_.containers[::2]}
    assert len(drawn) == 8


def test_estimators_are_asked():
    X, y = np.arange(6.0)[:, None], [0] * 4 + [1] * 2
    tree = DecisionTreeClassifier()
    with pytest.raises(NotFittedError):
        ClassMetricsDisplay.from_estimator(tree, X, y)
    display = ClassMetricsDisplay.from_estimator(tree.fit(X, y), X, y, metric="TPR")
    np.testing.assert_array_equal(bars(display.ax_), [[1, 1]])
    assert not display.figure_.legends


def test_wrong_input_is_named():
    result = make_result()
    for wrong, message in (
        ({"metric": "recall"}, r"metric='recall'; expected one of \['TPR'"),
        ({"metric": np.array(2)}, "metric=2; expected one of"),
        ({"spread": "range"}, "The 'spread' parameter of ClassMetricsDisplay"),
        ({"x": "fold"}, "The 'x' parameter of ClassMetricsDisplay"),
        ({"kind": "pie"}, "The 'kind' parameter of ClassMetricsDisplay"),
    ):
        with pytest.raises(ValueError, match=message):
            ClassMetricsDisplay.from_cv_results(result, **wrong)
    table = ClassMetricsDisplay.from_cv_results(result).table
    with pytest.raises(ValueError, match="no column 'low'"):
        ClassMetricsDisplay(table.drop(columns="low"))
    with pytest.raises(ValueError, match="of class 'empty' twice for model ''"):
        ClassMetricsDisplay(pd.concat([table, table]))
