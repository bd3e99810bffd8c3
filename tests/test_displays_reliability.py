from dataclasses import replace

import numpy as np
import pytest
from display_cases import EIGHT_CLASSES, assert_readable, make_result
from sklearn.calibration import calibration_curve
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from sklipo.calibration import shift_prior
from sklipo.displays import ReliabilityDisplay


def calibration_error(hit, probability, n_bins):
    """Expected calibration error by its definition, bin by bin."""
    edges = np.linspace(0, 1, n_bins + 1)
    error = 0.0
    for i in range(n_bins):
        low, high = edges[i], edges[i + 1]
        inside = (probability > low) & (probability <= high)
        if i == 0:
            inside |= probability == 0
        if inside.any():
            gap = hit[inside].mean() - probability[inside].mean()
            error += inside.mean() * abs(gap)
    return error


def test_confidence_of_several_models():
    result = make_result(n=300)
    proba = result.y_proba
    blunt = np.sqrt(proba) / np.sqrt(proba).sum(axis=1, keepdims=True)
    results = {"sharp": result, "blunt": replace(result, y_proba=blunt)}
    display = ReliabilityDisplay.from_cv_results(results, n_bins=8)
    hit = result.y_pred == result.y_true
    for i, (name, probability) in enumerate({"sharp": proba, "blunt": blunt}.items()):
        confidence = probability.max(axis=1)
        line = display.ax_.lines[1 + i]
        prob_true, prob_pred = calibration_curve(hit, confidence, n_bins=8)
        np.testing.assert_allclose(line.get_xdata(), prob_pred)
        np.testing.assert_allclose(line.get_ydata(), prob_true)
        error = calibration_error(hit, confidence, 8)
        assert display.errors_[name][name] == pytest.approx(error)
        assert line.get_label() == f"{name} (ECE {error:.3f})"
        counts = display.axes_[1].patches[i].get_data().values
        expected = np.histogram(confidence, np.linspace(0, 1, 9))[0]
        np.testing.assert_array_equal(counts, expected)
    assert_readable(display)


def test_curve_for_each_class():
    result = make_result()
    display = ReliabilityDisplay.from_cv_results({"SVM": result}, kind="class")
    for column, label in enumerate(result.classes):
        probability = result.y_proba[:, column]
        error = calibration_error(result.y_true == label, probability, 10)
        assert display.errors_["SVM"][label] == pytest.approx(error)
    assert [ax.get_title() for ax in display.axes_] == ["SVM", ""]


@pytest.mark.parametrize("kind", ["confidence", "class"])
@pytest.mark.parametrize("n_models", [1, 2])
def test_texts_fit(kind, n_models):
    result = make_result(EIGHT_CLASSES, n=400)
    results = {f"LipNet-{i}": result for i in range(n_models)}
    display = ReliabilityDisplay.from_cv_results(results, kind=kind)
    n_panels = n_models if kind == "class" else 1
    assert len(display.axes_) == 2 * n_panels
    assert_readable(display)


def test_perfect_probabilities_lie_on_the_diagonal():
    y = np.repeat(["a", "b"], 5)
    display = ReliabilityDisplay.from_predictions(y, np.repeat(np.eye(2), 5, axis=0))
    assert display.errors_ == {"": {"": 0.0}}
    assert display.ax_.get_title() == "Expected calibration error 0.000"


def test_single_precision_may_exceed_one():
    proba = np.array([[1.0000001, 0], [0, 1]], np.float32)
    display = ReliabilityDisplay.from_predictions(["a", "b"], proba)
    assert display.table["prob_pred"].max() == 1


def test_class_that_does_not_occur():
    proba = [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]
    display = ReliabilityDisplay.from_predictions(
        ["a", "b"], proba, classes=["a", "b", "c"], kind="class"
    )
    # It has probability 0.1 throughout, and never comes.
    assert display.errors_[""]["c"] == pytest.approx(0.1)


def test_estimators_are_asked():
    X, y = np.arange(20.0)[:, None], [0] * 10 + [1] * 10
    model = LogisticRegression()
    draw = ReliabilityDisplay.from_estimator
    with pytest.raises(NotFittedError):
        draw(model, X, y)
    model.fit(X, y)
    display = draw({"logistic": model}, X, y)
    hit = model.predict(X) == y
    error = calibration_error(hit, model.predict_proba(X).max(axis=1), 10)
    assert display.errors_["logistic"]["logistic"] == pytest.approx(error)
    other = LogisticRegression().fit(X, ["a"] * 10 + ["b"] * 10)
    with pytest.raises(ValueError, match=r"different classes: 'logistic' has \[0, 1"):
        draw({"logistic": model, "other": other}, X, y)


def test_how_to_get_probabilities_is_said():
    X, y = np.arange(20.0)[:, None], [0] * 10 + [1] * 10
    with pytest.raises(ValueError, match=r"SVC has no predict_proba.*probability=True"):
        ReliabilityDisplay.from_estimator(SVC().fit(X, y), X, y)
    results = {"SVM": replace(make_result(), y_proba=None)}
    with pytest.raises(ValueError, match=r"of SVM has no probab.*probability=True"):
        ReliabilityDisplay.from_cv_results(results)


def test_wrong_input_is_named():
    result = make_result()
    draw = ReliabilityDisplay.from_cv_results
    with pytest.raises(ValueError, match="The 'kind' parameter of ReliabilityDisplay"):
        draw(result, kind="both")
    with pytest.raises(ValueError, match="of b is about other particles"):
        draw({"a": result, "b": make_result(seed=1)})
    nine = make_result([*EIGHT_CLASSES, "y"], n=200)
    with pytest.raises(ValueError, match=r"9 classes, but only 8 colors"):
        draw(nine, kind="class")
    draw(nine, kind="class", colors=[str(i / 10) for i in range(9)])


def test_probabilities_as_trained_and_of_the_sample():
    result = make_result(n=300)
    shares = [np.mean(result.y_true == label) for label in result.classes]
    probabilities = {
        "as if equal": result.y_proba,
        "of this sample": shift_prior(result.y_proba, shares),
    }
    display = ReliabilityDisplay.from_predictions(
        result.y_true, probabilities, kind="class"
    )
    assert list(display.errors_) == list(probabilities)
    # The axis of counts reaches the highest of both panels.
    low, high = display.axes_[-1].get_ylim()
    assert low < 1
    assert high > display.table["count"].max()
