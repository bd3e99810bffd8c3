"""What stands at the end of a pipeline, and how X gets there."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC

from sklipo._steps import last_step, predict_both, split_last_step, transform_by
from sklipo.tags import extend_tags


@pytest.fixture(scope="module")
def data():
    return make_classification(60, random_state=0)


class Counting(LogisticRegression):
    """Counts how often it is asked, and states that its labels are most probable."""

    def fit(self, X, y):
        self.n_runs_ = 0
        return super().fit(X, y)

    def decision_function(self, X):
        self.n_runs_ += 1
        return super().decision_function(X)

    def __sklearn_tags__(self):
        return extend_tags(super().__sklearn_tags__(), predicts_most_probable=True)


def in_pipeline(classifier):
    return make_pipeline(StandardScaler(), classifier)


def in_nested_pipeline(classifier):
    return make_pipeline("passthrough", in_pipeline(classifier))


def in_search(classifier):
    return GridSearchCV(in_pipeline(classifier), {}, cv=2)


def in_pipeline_of_search(classifier):
    return make_pipeline(MinMaxScaler(), in_search(classifier))


AROUND = [in_pipeline, in_nested_pipeline, in_search, in_pipeline_of_search]


@pytest.mark.parametrize("around", AROUND)
def test_pipelines_and_searches_end_in_their_classifier(data, around):
    classifier = LogisticRegression()
    estimator = around(classifier)
    assert last_step(estimator) is classifier
    estimator.fit(*data)
    fitted = last_step(estimator)
    assert fitted.classes_.tolist() == [0, 1]
    before, _ = split_last_step(estimator)
    X = transform_by(before, data[0])
    np.testing.assert_array_equal(fitted.predict(X), estimator.predict(data[0]))


@pytest.mark.parametrize("around", [lambda classifier: classifier, *AROUND])
@pytest.mark.parametrize("classifier", [LogisticRegression(), LinearSVC(), Counting()])
def test_both_are_what_the_estimator_predicts(data, around, classifier):
    estimator = around(classifier).fit(*data)
    y_pred, y_proba = predict_both(estimator, data[0])
    np.testing.assert_array_equal(y_pred, estimator.predict(data[0]))
    if isinstance(classifier, LinearSVC):
        assert y_proba is None
    else:
        np.testing.assert_array_equal(y_proba, estimator.predict_proba(data[0]))


@pytest.mark.parametrize("around", [lambda classifier: classifier, *AROUND])
def test_most_probable_labels_need_no_second_run(data, around):
    estimator = around(Counting()).fit(*data)
    classifier = last_step(estimator)
    classifier.n_runs_ = 0
    y_pred, _ = predict_both(estimator, data[0])
    n_runs = classifier.n_runs_
    np.testing.assert_array_equal(y_pred, estimator.predict(data[0]))
    assert n_runs == 1


def test_calibration_is_a_last_step_itself(data):
    calibrated = CalibratedClassifierCV(LinearSVC(), cv=2)
    assert last_step(in_pipeline(calibrated).fit(*data)) is not calibrated.estimator
    assert isinstance(last_step(in_pipeline(calibrated)), CalibratedClassifierCV)
