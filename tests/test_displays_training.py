from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from display_cases import assert_readable, make_result
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklipo import LipNetClassifier
from sklipo.displays import TrainingCurveDisplay

NETWORK = {"architecture": "lipnet-1", "n_filters": 2, "hidden_units": 4}


@pytest.fixture(scope="module")
def data():
    X = np.random.default_rng(0).random((40, 16), dtype=np.float32)
    return X, np.repeat(["dark", "light"], 20)


@pytest.fixture(scope="module")
def network(data):
    model = LipNetClassifier(
        **NETWORK, max_epochs=4, early_stopping=True, random_state=0
    )
    return make_pipeline(StandardScaler(), model).fit(*data)


def test_losses_of_a_pipeline_are_drawn(network):
    display = TrainingCurveDisplay.from_estimator(network)
    history = network[-1].history_
    for column in ("train_loss", "valid_loss"):
        (line,) = display.lines_[""][column]
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
        np.testing.assert_array_equal(line.get_ydata(), history[column])
    *_, circle = display.ax_.lines
    assert circle.get_xdata() == [history["valid_loss"].argmin() + 1]
    assert circle.get_ydata() == [history["valid_loss"].min()]
    assert display.ax_.get_ylabel() == "Loss"
    assert_readable(display)


def test_search_over_a_pipeline_without_validation(data):
    network = LipNetClassifier(**NETWORK, max_epochs=1, random_state=0)
    pipeline = make_pipeline(StandardScaler(), network)
    grid = {"lipnetclassifier__n_filters": [2]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(*data)
    display = TrainingCurveDisplay.from_estimator(search)
    (line,) = display.lines_[""]["train_loss"]
    assert line.get_marker() == "."  # a line of one point can't be seen
    assert list(display.lines_[""]) == ["train_loss"]


class Fitted:
    """Stands for a fitted network."""

    def __init__(self, *losses):
        self.history_ = pd.DataFrame(
            {"epoch": range(len(losses)), "train_loss": losses, "valid_loss": losses}
        )


def test_mean_of_folds_ends_where_the_first_fold_ended():
    folds = [Fitted(3.0, 2.0, 1.0), Fitted(1.0, 1.0), Fitted(2.0, 3.0, 4.0, 5.0)]
    result = make_result()
    results = {
        "long": replace(result, folds=np.arange(120) % 3, estimators=folds),
        "short": replace(result, folds=np.zeros(120), estimators=folds[1:2]),
    }
    display = TrainingCurveDisplay.from_cv_results(results)
    *single, mean = display.lines_["long"]["train_loss"]
    assert [len(line.get_ydata()) for line in single] == [3, 2, 4]
    np.testing.assert_allclose(mean.get_ydata(), [2, 2])
    assert "mean of 3 fits" in mean.get_label()
    assert max(line.get_linewidth() for line in single) < mean.get_linewidth()
    assert len(display.lines_["short"]["train_loss"]) == 1
    first, second = display.axes_
    assert [first.get_title(), second.get_title()] == ["long", "short"]
    assert first.get_ylim() == second.get_ylim()
    assert_readable(display)


def test_other_columns(network):
    display = TrainingCurveDisplay.from_estimator(network, columns="valid_acc")
    assert display.ax_.get_ylabel() == "valid_acc"
    with pytest.raises(ValueError, match=r"no column 'accuracy'; they have \['epoch'"):
        display.plot(columns=["accuracy"])


def test_wrong_models_are_named(data):
    draw = TrainingCurveDisplay.from_estimator
    with pytest.raises(NotFittedError):
        draw(LipNetClassifier())
    with pytest.raises(TypeError, match="is a SVC; expected a fitted LipNetClass"):
        draw(SVC().fit(*data))
    with pytest.raises(TypeError, match="is a Pipeline that ends in SVC; expected"):
        draw(make_pipeline(StandardScaler(), SVC()).fit(*data))
    with pytest.raises(ValueError, match=r"of CNN has no .* return_estimator=True"):
        TrainingCurveDisplay.from_cv_results({"CNN": make_result()})
