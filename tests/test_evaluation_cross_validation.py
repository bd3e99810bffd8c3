import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, recall_score
from sklearn.model_selection import (
    GridSearchCV,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from sklipo import (
    cross_validate_particles,
    make_svc_pipeline,
)
from sklipo.datasets import make_liposomes


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
    result = cross_validate_particles(LogisticRegression(), X, y, groups=groups, cv=cv)
    expected = cross_val_predict(LogisticRegression(), X, y, groups=groups, cv=cv)
    np.testing.assert_array_equal(result.y_pred, expected)
    for i, (_, test) in enumerate(cv.split(X, y, groups)):
        assert (result.folds[test] == i).all()


def test_no_particle_is_seen_and_tested():
    X = np.arange(60.0)[:, None]
    y, groups = np.tile(["seen", "new"], 30), np.arange(60) // 4
    for g in (None, groups):
        result = cross_validate_particles(Recorder(), X, y, groups=g, cv=3)
        assert (result.y_pred == "new").all()
        folds_of_group = pd.Series(result.folds).groupby(groups).nunique()
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
    np.testing.assert_array_equal(result.confusion_counts, matrices)
    np.testing.assert_allclose(
        result.mean_confusion_matrix(), np.mean(matrices, axis=0)
    )
    np.testing.assert_allclose(
        result.mean_confusion_matrix(normalize=True), np.mean(normalized, axis=0)
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
    with pytest.warns(
        UserWarning, match=r"(train|test) without .* 'single' in \[[01]\]"
    ):
        result = cross_validate_particles(
            LogisticRegression(), X, y, groups=groups, cv=2
        )
    rows = result.mean_confusion_matrix(normalize=True).sum(axis=1)
    np.testing.assert_allclose(rows, 1)
    assert not np.isnan(result.balanced_accuracy_per_fold).any()
    assert list(result.missing_classes.values()) == [["single"]]


def test_probabilities_are_those_of_cross_val_predict(data):
    X, y, groups = data
    cv = StratifiedGroupKFold(4)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    result = cross_validate_particles(
        model, X, y, groups=groups, cv=cv, return_estimator=True
    )
    expected = cross_val_predict(
        model, X, y, groups=groups, cv=cv, method="predict_proba"
    )
    np.testing.assert_array_equal(result.y_proba, expected)
    test = result.folds == 2
    assert (result.estimators[2].predict(X[test]) == result.y_pred[test]).all()
    assert result.fit_times.shape == result.score_times.shape == (4,)


def test_models_without_probabilities_and_kept_models(data):
    X, y, _ = data
    result = cross_validate_particles(LinearSVC(random_state=0), X, y)
    assert result.y_proba is None
    assert result.estimators is None


def test_a_class_that_a_fold_could_not_learn_has_probability_zero():
    X = np.arange(40.0)[:, None]
    y = np.where(np.arange(40) % 2, "a", "b").astype("U6")
    y[:4] = "single"
    groups = np.repeat([0, 1, 2, 3], 10)
    with pytest.warns(UserWarning, match="without any particle"):
        result = cross_validate_particles(
            LogisticRegression(), X, y, groups=groups, cv=2
        )
    unseen = result.folds == result.folds[0]
    single = result.y_proba[:, 2]
    assert (single[unseen] == 0).all() and (single[~unseen] > 0).all()
    np.testing.assert_allclose(result.y_proba.sum(axis=1), 1)


def test_shuffled_labels_score_at_chance():
    # An oversampler before the split, or a scaler that saw the test part, would show.
    rng = np.random.default_rng(0)
    X, y = (
        rng.normal(size=(600, 5)),
        rng.choice(["a", "b", "c"], 600, p=[0.7, 0.2, 0.1]),
    )
    model = make_imblearn_pipeline(
        RandomOverSampler(random_state=0), KNeighborsClassifier(1)
    )
    row = cross_validate_particles(model, X, y).summary().loc["balanced_accuracy"]
    # The interval holds 1/3 in 95 of 100 such data sets; with this seed it does.
    assert row["low"] < 1 / 3 < row["high"]
    resampled = RandomOverSampler(random_state=0).fit_resample(X, y)
    leaky = cross_validate_particles(KNeighborsClassifier(1), *resampled)
    assert leaky.balanced_accuracy > 0.8


def test_shuffled_labels_of_particles_score_at_chance():
    particles = make_liposomes(150, weights=None, random_state=0)
    y = particles["label"].sample(frac=1, random_state=0).to_numpy()
    row = cross_validate_particles(
        make_svc_pipeline("thesis"),
        particles,
        y,
        groups=particles["micrograph"],
    ).summary()
    assert row.loc["balanced_accuracy", "low"] < 1 / 3
    assert row.loc["balanced_accuracy", "high"] > 1 / 3


@pytest.mark.filterwarnings("ignore:The groups parameter is ignored")
def test_a_group_in_training_and_test_part_is_refused(data):
    X, y, groups = data
    with pytest.raises(ValueError, match=r"Fold 0 tests group \d+, which it trains on"):
        cross_validate_particles(
            LogisticRegression(), X, y, groups=groups, cv=StratifiedKFold(4)
        )
    # One particle of one group strays into the training part of one fold.
    folds = [list(fold) for fold in StratifiedGroupKFold(4).split(X, y, groups)]
    stray = folds[1][1][0]
    folds[1][0] = np.append(folds[1][0], stray)
    with pytest.raises(ValueError, match=f"Fold 1 of cv tests row {stray}, which"):
        cross_validate_particles(LogisticRegression(), X, y, groups=groups, cv=folds)


def test_unused_micrographs_are_warned_of(data):
    X, y, groups = data
    table = pd.DataFrame(X).assign(micrograph=groups).rename(columns=str)
    model = DecisionTreeClassifier()
    with pytest.warns(UserWarning, match="column 'micrograph', but groups is None"):
        cross_validate_particles(model, table, y)
    cross_validate_particles(model, table, y, groups=groups)
    cross_validate_particles(model, table.drop(columns="micrograph"), y)


def test_index_of_the_table_is_kept(data):
    X, y, _ = data
    table = pd.DataFrame(X, index=[f"particle {i}" for i in range(200)]).rename(
        columns=str
    )
    result = cross_validate_particles(LogisticRegression(), table, y)
    joined = table.join(result.to_frame())
    assert (joined["y_true"] == y).all()


def test_a_search_gets_the_groups_of_its_training_part(data):
    X, y, groups = data
    search = GridSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 3]},
        cv=StratifiedGroupKFold(2),
    )
    result = cross_validate_particles(
        search, X, y, groups=groups, cv=4, return_estimator=True
    )
    train = result.folds != 0
    expected = search.fit(X[train], y[train], groups=groups[train])
    found = result.estimators[0].cv_results_["mean_test_score"]
    np.testing.assert_array_equal(found, expected.cv_results_["mean_test_score"])


def test_measuring_needs_no_torch():
    # Worker processes import what they are sent; torch costs each of them 150 MB.
    code = "import sys, sklipo.evaluation; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": np.arange(200) % 3}, "3 groups, fewer than the 5 folds"),
        ({"groups": np.zeros(200)}, "All particles are of one group"),
        ({"groups": [None] + [1] * 199}, "groups is missing in row 0"),
        ({"y": ["a"] * 100 + [None] * 100}, r"y is missing in row 100 \(100 such"),
        ({"y": ["a"] * 199 + [np.nan]}, "y is missing in row 199"),
        ({"y": ["a", "b"]}, "y has 2 values for 200 particles"),
    ],
)
def test_bad_labels_and_groups(data, changes, message):
    X, y, groups = data
    arguments = {"y": y, "groups": groups, **changes}
    with pytest.raises(ValueError, match=message):
        cross_validate_particles(LogisticRegression(), X, **arguments)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="All particles are of one class, 'full'"):
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
