import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, recall_score
from sklearn.model_selection import (
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
)

from sklipo import cross_validate_particles


@pytest.fixture(scope="module")
def data():
    X, y = make_classification(
        200, n_classes=3, n_informative=5, weights=[0.7, 0.2], random_state=0
    )
    return X, np.array(["a", "b", "c"])[y], np.arange(200) // 10


class Recorder(ClassifierMixin, BaseEstimator):
    """Predicts the training rows that it was fitted on: 'seen' or 'new'."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.seen_ = set(np.asarray(X)[:, 0])
        return self

    def predict(self, X):
        seen = np.array([value in self.seen_ for value in np.asarray(X)[:, 0]])
        return np.where(seen, "seen", "new")


def test_predictions_are_those_of_cross_val_predict(data):
    X, y, groups = data
    cv = StratifiedGroupKFold(4)
    result = cross_validate_particles(
        LogisticRegression(), X, y, groups=groups, cv=cv, n_jobs=2
    )
    expected = cross_val_predict(LogisticRegression(), X, y, groups=groups, cv=cv)
    np.testing.assert_array_equal(result.y_pred, expected)
    for i, (_, test) in enumerate(cv.split(X, y, groups)):
        assert (result.fold[test] == i).all()


def test_no_particle_is_seen_and_tested():
    X = np.arange(60.0)[:, None]
    y, groups = np.tile(["seen", "new"], 30), np.arange(60) // 4
    for g in (None, groups):
        result = cross_validate_particles(Recorder(), X, y, groups=g, cv=3)
        assert (result.y_pred == "new").all()
        folds_of_group = pd.Series(result.fold).groupby(groups).nunique()
        assert (folds_of_group == 1).all() or g is None


def test_figures_agree_with_scikit_learn(data):
    X, y, _ = data
    result = cross_validate_particles(LogisticRegression(), X, y, cv=5)
    assert result.balanced_accuracy == pytest.approx(
        balanced_accuracy_score(y, result.y_pred)
    )
    matrices, normalized, scores = [], [], []
    for _, test in StratifiedKFold(5).split(X, y):
        pair = y[test], result.y_pred[test]
        matrices.append(confusion_matrix(*pair))
        normalized.append(confusion_matrix(*pair, normalize="true"))
        scores.append(balanced_accuracy_score(*pair))
    np.testing.assert_array_equal(result.confusion_matrices, matrices)
    np.testing.assert_allclose(result.confusion_matrix(), np.mean(matrices, axis=0))
    np.testing.assert_allclose(
        result.confusion_matrix(normalize=True), np.mean(normalized, axis=0)
    )
    np.testing.assert_allclose(result.balanced_accuracy_per_fold, scores)
    np.testing.assert_allclose(
        result.classification_table()["TPR"],
        recall_score(y, result.y_pred, average=None),
    )


def test_a_fold_without_a_class_has_no_share_in_its_row():
    groups = np.repeat([0, 1, 2, 3], 10)
    y = np.where(np.arange(40) % 2, "a", "b").astype("U6")
    y[:4] = "single"
    X = np.arange(40.0)[:, None]
    result = cross_validate_particles(LogisticRegression(), X, y, groups=groups, cv=2)
    rows = result.confusion_matrix(normalize=True).sum(axis=1)
    np.testing.assert_allclose(rows, 1)
    assert not np.isnan(result.balanced_accuracy_per_fold).any()


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="All particles are of class 'full'"):
        cross_validate_particles(LogisticRegression(), np.ones((9, 2)), ["full"] * 9)


def test_class_smaller_than_folds_is_named():
    y = ["full"] * 20 + ["empty"] * 3
    with pytest.raises(ValueError, match="Class 'empty' has 3 particles, fewer than"):
        cross_validate_particles(LogisticRegression(), np.ones((23, 2)), y)


def test_splitter_that_leaves_particles_out_is_refused(data):
    X, y, _ = data
    with pytest.raises(ValueError, match="exactly once"):
        cross_validate_particles(LogisticRegression(), X, y, cv=ShuffleSplit(5))


def test_progress_is_visible(data, capsys):
    X, y, _ = data
    cross_validate_particles(LogisticRegression(), X, y, verbose=True)
    assert "5/5" in capsys.readouterr().err
