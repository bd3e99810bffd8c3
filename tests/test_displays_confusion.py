import numpy as np
import pytest
from display_cases import EIGHT_CLASSES, assert_readable, make_result
from matplotlib import pyplot
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import confusion_matrix
from sklearn.tree import DecisionTreeClassifier

from sklipo.displays import ConfusionMatricesDisplay


def test_cells_are_mean_spread_and_count_over_folds():
    result = make_result()
    display = ConfusionMatricesDisplay.from_cv_results({"SVM": result})
    shares = [
        confusion_matrix(
            result.y_true[result.folds == fold],
            result.y_pred[result.folds == fold],
            normalize="true",
        )
        for fold in range(5)
    ]
    np.testing.assert_allclose(display.shares["SVM"], np.mean(shares, axis=0))
    np.testing.assert_allclose(display.spreads["SVM"], np.std(shares, axis=0, ddof=1))
    np.testing.assert_allclose(
        display.shares["SVM"], result.mean_confusion_matrix(normalize=True)
    )
    np.testing.assert_allclose(
        display.mean_counts["SVM"], result.mean_confusion_matrix()
    )
    share, spread = np.mean(shares, axis=0)[0, 1], np.std(shares, axis=0, ddof=1)[0, 1]
    count = result.mean_confusion_matrix().iloc[0, 1]
    text = display.text_["SVM"][0, 1].get_text()
    assert text == f"{share:.2f}\n±{spread:.2f}\n({count:.1f})"


def test_rows_are_true_classes():
    display = ConfusionMatricesDisplay.from_predictions(["a", "a", "b"], ["b"] * 3)
    texts = np.vectorize(lambda text: text.get_text())(display.text_[""])
    np.testing.assert_array_equal(
        texts, [["0.00\n(0)", "1.00\n(2)"], ["0.00\n(0)", "1.00\n(1)"]]
    )
    text = display.text_[""][0, 1]
    assert text.get_position() == (1, 0)  # column 1, row 0
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["a", "b"]
    assert display.ax_.get_ylabel() == "True class"
    # Row 0 is on top.
    assert display.ax_.get_ylim() == (1.5, -0.5)


def test_models_stand_side_by_side_on_one_scale():
    results = {"LipNet-4": make_result(skill=3), "SVM": make_result(skill=1)}
    display = ConfusionMatricesDisplay.from_cv_results(results)
    assert [ax.get_title() for ax in display.axes_] == ["LipNet-4", "SVM"]
    assert [ax.images[0].get_clim() for ax in display.axes_] == [(0, 1), (0, 1)]
    assert display.ax_ is display.axes_[0]
    assert display.figure_ is display.ax_.figure


@pytest.mark.parametrize("cmap", ["Blues", "viridis", "gray", "cividis"])
def test_text_stands_out_on_every_cell(cmap):
    shares = np.linspace(0, 1, 8)
    counts = np.diag(100 * shares) + np.fliplr(np.diag(100 * (1 - shares)))
    display = ConfusionMatricesDisplay({"": counts[None]}, range(8)).plot(cmap=cmap)
    image = display.ax_.images[0]
    for (row, column), text in np.ndenumerate(display.text_[""]):
        cell = image.cmap(display.shares[""][row, column])
        # WCAG 2.1 asks for 4.5; the better of black and white has 4.58 at least.
        assert contrast(cell, text.get_color()) > 4.5


def contrast(cell, text):
    """Contrast ratio of WCAG 2.1, by its definition."""

    def luminance(color):
        channels = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in pyplot.matplotlib.colors.to_rgb(color)
        ]
        return np.dot([0.2126, 0.7152, 0.0722], channels)

    one, other = luminance(cell), luminance(text)
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def test_class_without_particles_is_undefined_not_zero():
    counts = [[[3, 1, 0], [0, 0, 0], [1, 0, 4]]] * 2
    display = ConfusionMatricesDisplay({"": counts}, ["a", "b", "c"]).plot()
    assert [text.get_text() for text in display.text_[""][1]] == ["undefined"] * 3
    assert np.isnan(display.shares[""][1]).all()


def test_fold_without_a_class_has_no_share_in_its_row():
    counts = [[[4, 0], [2, 2]], [[4, 0], [0, 0]]]
    display = ConfusionMatricesDisplay({"": counts}, ["a", "b"]).plot()
    np.testing.assert_array_equal(display.shares[""], [[1, 0], [0.5, 0.5]])
    np.testing.assert_array_equal(display.spreads[""], [[0, 0], [np.nan, np.nan]])
    assert display.text_[""][1, 0].get_text() == "0.50\n(1.0)"


@pytest.mark.parametrize("classes", [EIGHT_CLASSES, [0, 1], [True, False]])
@pytest.mark.parametrize("n_models", [1, 4])
def test_texts_fit(classes, n_models):
    result = make_result(sorted(classes), n=80_000)
    results = {f"LipNet-{i}": result for i in range(n_models)}
    display = ConfusionMatricesDisplay.from_cv_results(results)
    assert_readable(display)
    cell = display.ax_.get_window_extent().width / len(classes)
    for text in display.text_["LipNet-0"].flat:
        assert text.get_window_extent().width < cell


def test_axes_of_the_caller_are_used():
    figure = pyplot.figure(layout="constrained")
    _, right = figure.subfigures(1, 2)
    axes = right.subplots(1, 2)
    results = {"a": make_result(), "b": make_result(seed=1)}
    display = ConfusionMatricesDisplay.from_cv_results(results, ax=axes)
    assert list(display.axes_) == list(axes)
    assert display.figure_ is right
    assert len(pyplot.get_fignums()) == 1
    with pytest.raises(ValueError, match=r"needs 2 axes.*\(a, b\), but ax holds 1"):
        ConfusionMatricesDisplay.from_cv_results(results, ax=axes[0])
    with pytest.raises(TypeError, match="ax holds a Figure"):
        ConfusionMatricesDisplay.from_cv_results(results["a"], ax=figure)


def test_estimators_are_asked():
    X, y = np.arange(6.0)[:, None], ["a"] * 4 + ["b"] * 2
    models = {
        "tree": DecisionTreeClassifier().fit(X, y),
        "majority": DummyClassifier().fit(X, y),
    }
    display = ConfusionMatricesDisplay.from_estimator(models, X, y, colorbar=False)
    np.testing.assert_array_equal(display.shares["tree"], np.eye(2))
    np.testing.assert_array_equal(display.shares["majority"], [[1, 0], [1, 0]])
    assert len(display.figure_.axes) == 2
    with pytest.raises(NotFittedError):
        ConfusionMatricesDisplay.from_estimator(DecisionTreeClassifier(), X, y)


def test_wrong_input_is_named():
    result = make_result()
    draw = ConfusionMatricesDisplay.from_cv_results
    with pytest.raises(ValueError, match="results is empty"):
        draw({})
    with pytest.raises(TypeError, match=r"results\['test_score'\] is a ndarray"):
        draw({"test_score": np.ones(5)})
    other = make_result(("empty", "full", "x"))
    with pytest.raises(ValueError, match=r"different classes: 'a' has .* 'b' has"):
        draw({"a": result, "b": other})
    with pytest.raises(ValueError, match=r"shape \(2, 2\); expected shape \(n, 2, 2\)"):
        ConfusionMatricesDisplay({"a": np.eye(2)}, ["x", "y"])
    with pytest.raises(ValueError, match="go down to -1; expected numbers"):
        ConfusionMatricesDisplay({"a": -np.eye(2)[None]}, ["x", "y"])
    draw = ConfusionMatricesDisplay.from_predictions
    with pytest.raises(ValueError, match="y_true is missing in row 1"):
        draw(["a", None], ["a", "a"])
    with pytest.raises(ValueError, match="y_pred has 1 values for 2 particles"):
        draw(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="class 'b', which is not among classes"):
        draw(["a", "b"], ["a", "a"], classes=["a"])
