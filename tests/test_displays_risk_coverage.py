from dataclasses import replace

import numpy as np
import pytest
from display_cases import EIGHT_CLASSES, assert_readable, make_result
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklipo import SelectiveClassifier
from sklipo.displays import RiskCoverageDisplay


@pytest.fixture(scope="module")
def selective():
    rng = np.random.default_rng(0)
    y = np.repeat(["empty", "full"], 300)
    X = rng.normal(size=(600, 2)) + 3 * (y == "full")[:, None]
    return SelectiveClassifier(LogisticRegression(), max_error=0.1).fit(X, y)


def curve_by_hand(y_true, y_proba, classes):
    """Error among the k most probable predictions, for each k."""
    order = np.argsort(-y_proba.max(axis=1), kind="stable")
    wrong = classes[y_proba.argmax(axis=1)] != y_true
    n = np.arange(1, len(order) + 1)
    return n / len(order), np.cumsum(wrong[order]) / n


def test_curve_and_area_are_those_by_hand():
    result = make_result()
    display = RiskCoverageDisplay.from_cv_results(result)
    coverage, error = curve_by_hand(result.y_true, result.y_proba, result.classes)
    (line,) = display.ax_.lines
    np.testing.assert_allclose(line.get_xdata(), coverage)
    np.testing.assert_allclose(line.get_ydata(), error)
    assert display.areas_[""][""] == pytest.approx(error.mean())
    assert display.ax_.get_title() == f"Area under the curve {error.mean():.3f}"
    assert_readable(display)


def test_band_holds_the_curve_and_is_wider_over_groups():
    result = make_result()
    table = RiskCoverageDisplay.from_cv_results(result).table
    assert (table["low"] <= table["error"]).all()
    assert (table["error"] <= table["high"]).all()
    alone = RiskCoverageDisplay.from_cv_results(replace(result, groups=None)).table
    assert table["high"].iloc[-1] > alone["high"].iloc[-1]
    np.testing.assert_array_equal(table["error"], alone["error"])


def test_equal_probabilities_are_decided_together():
    y_proba = np.repeat([[0.9, 0.1], [0.6, 0.4]], 3, axis=0)
    y_true = ["a", "a", "b", "a", "a", "a"]
    display = RiskCoverageDisplay.from_predictions(y_true, y_proba)
    np.testing.assert_allclose(display.table["coverage"], [0.5, 1])
    np.testing.assert_allclose(display.table["error"], [1 / 3, 1 / 6])


@pytest.mark.parametrize("kind", ["all", "class"])
@pytest.mark.parametrize("n_models", [1, 2, 4])
def test_texts_fit(kind, n_models):
    result = make_result(EIGHT_CLASSES, n=400)
    results = {f"LipNet-{i}": result for i in range(n_models)}
    display = RiskCoverageDisplay.from_cv_results(results, kind=kind)
    assert len(display.axes_) == (n_models if kind == "class" else 1)
    assert_readable(display)


def test_choice_is_marked_on_the_curves(selective):
    display = RiskCoverageDisplay.from_estimator(selective)
    lines = display.ax_.lines
    for curve, mark, label in zip(
        lines[::2], lines[1::2], ["empty", "full"], strict=True
    ):
        row = selective.coverage_table_.loc[label]
        assert mark.get_xdata() == [row["share_decided"]]
        assert mark.get_ydata() == [row["error"]]
        at = np.flatnonzero(np.isclose(curve.get_xdata(), row["share_decided"]))
        assert curve.get_ydata()[at] == pytest.approx(row["error"])
    assert_readable(display)


def test_choice_over_all_classes_is_one_point(selective):
    pipeline = make_pipeline(FunctionTransformer(), selective)
    display = RiskCoverageDisplay.from_estimator({"SVM": pipeline}, kind="all")
    table = selective.coverage_table_
    decided = table["n_decided"]
    assert display.marks["coverage"][0] == decided.sum() / 600
    expected = (table["error"] * decided).sum() / decided.sum()
    assert display.marks["error"][0] == pytest.approx(expected)


def test_classifier_that_decides_nothing_has_no_mark(selective):
    with pytest.warns(UserWarning, match="2 of 2 classes can't be decided"):
        model = SelectiveClassifier(LogisticRegression(), 1e-4).fit(
            *_rows(selective.cv_result_.y_true)
        )
    for kind in ("all", "class"):
        display = RiskCoverageDisplay.from_estimator(model, kind=kind)
        assert display.marks.empty


def _rows(y):
    rng = np.random.default_rng(0)
    return rng.normal(size=(len(y), 2)) + (y == "full")[:, None], y


def test_unsure_is_no_curve_of_a_result():
    result = make_result()
    unsure = replace(
        result,
        classes=np.append(result.classes, "unsure"),
        y_pred=np.where(result.folds == 0, "unsure", result.y_pred),
        y_proba=np.pad(result.y_proba, [(0, 0), (0, 1)]),
        unsure="unsure",
    )
    display = RiskCoverageDisplay.from_cv_results(unsure, kind="class")
    assert len(display.ax_.lines) == 3


def test_wrong_input_is_named(selective):
    draw = RiskCoverageDisplay.from_cv_results
    with pytest.raises(ValueError, match="The 'kind' parameter"):
        draw(make_result(), kind="both")
    with pytest.raises(ValueError, match=r"no probabilities.*probability=True"):
        draw(replace(make_result(), y_proba=None))
    with pytest.raises(TypeError, match="expected what cross_validate_particles"):
        draw(selective)
    with pytest.raises(TypeError, match=r"is a LogisticReg.*expected a fitted Select"):
        RiskCoverageDisplay.from_estimator(selective.estimator_)
    with pytest.raises(ValueError, match="groups has 2 values for 4 particles"):
        RiskCoverageDisplay.from_predictions(
            ["a", "a", "b", "b"], np.full((4, 2), 0.5), groups=[1, 2]
        )
    table = draw(make_result()).table
    with pytest.raises(ValueError, match="no column 'low'"):
        RiskCoverageDisplay(table.drop(columns="low"))
    with pytest.raises(TypeError, match="expected a DataFrame"):
        RiskCoverageDisplay(table, marks=[1])
