"""Selective classification: thresholds, their promise, and what happens to unsure."""

import inspect
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_resampling_pipeline
from scipy.stats import beta, binom
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklipo import (
    ParticleFeatures,
    SelectiveClassifier,
    cross_validate_particles,
    estimate_prevalence,
    make_svc_pipeline,
)
from sklipo.datasets import make_liposomes
from sklipo.displays import (
    ClassMetricsDisplay,
    ConfusionMatricesDisplay,
    ParticleGalleryDisplay,
    ReliabilityDisplay,
    RiskCoverageDisplay,
)
from sklipo.metrics._risk import (
    count_cuts,
    find_cut,
    find_least_error,
    groups_needed,
)

UNDECIDED = "ignore:. of . classes can't be decided:UserWarning"
# What is right now and then can be decided, so that checks find classes predicted.
LENIENT = SelectiveClassifier(
    LogisticRegression(), max_error=0.99, confidence=0.01, cv=3
)


# Some checks draw labels at random: a class may be wrong throughout.
@pytest.mark.filterwarnings(UNDECIDED)
@pytest.mark.suite
@parametrize_with_checks([LENIENT])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_constraints_cover_the_parameters():
    parameters = set(inspect.signature(SelectiveClassifier).parameters)
    assert set(SelectiveClassifier._parameter_constraints) == parameters


def make_rows(n=1800, n_groups=180, seed=0, gap=3):
    """Return rows of three classes that overlap, in groups of all classes."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, n)
    X = rng.normal(size=(n, 2))
    X[:, 0] += gap * codes
    y = np.array(["empty", "full", "uncertain"])[codes]
    return X, y, np.arange(n) % n_groups


@pytest.fixture(scope="module")
def rows():
    return make_rows()


@pytest.fixture(scope="module")
def fitted(rows):
    X, y, groups = rows
    return SelectiveClassifier(LogisticRegression(), 0.1).fit(X, y, groups)


# The bound and the tests over thresholds.


def test_without_groups_the_bound_is_that_of_clopper_and_pearson():
    rng = np.random.default_rng(0)
    score, is_wrong = rng.random(200), rng.random(200) < 0.1
    cuts = count_cuts(score, is_wrong)
    wrong = np.cumsum(is_wrong[np.argsort(-score)])
    n = np.arange(1, 201)
    np.testing.assert_array_equal(cuts.n_wrong, wrong)
    # The worst case that is added does not matter to independent samples.
    np.testing.assert_allclose(cuts.n_effective, n)
    expected = np.where(wrong < n, beta.ppf(0.95, wrong + 1, n - wrong), 1)
    np.testing.assert_allclose(cuts.upper(0.95), expected)
    lower = np.where(wrong > 0, beta.ppf(0.05, wrong, n - wrong + 1), 0)
    np.testing.assert_allclose(cuts.lower(0.95), lower, atol=1e-12)
    np.testing.assert_allclose(cuts.p_value(0.1), binom.cdf(wrong, n, 0.1))


@pytest.mark.parametrize("size", [1, 7, 40])
def test_groups_without_errors_are_worth_their_number(size):
    groups = np.repeat(np.arange(30), size)
    cuts = count_cuts(np.zeros(30 * size), np.zeros(30 * size, bool), groups)
    assert cuts.n_effective == pytest.approx([30])
    assert cuts.upper(0.95) == pytest.approx([1 - 0.05 ** (1 / 30)])
    assert find_cut(cuts, 0.05, 0.95) is None


def test_groups_that_are_wrong_as_a_whole_are_worth_their_number():
    groups = np.repeat(np.arange(400), 10)
    cuts = count_cuts(np.zeros(4000), groups < 40, groups)
    assert cuts.n_effective == pytest.approx([400], rel=0.01)


def test_errors_spread_evenly_make_many_groups_worth_their_particles():
    groups = np.repeat(np.arange(4000), 10)
    is_wrong = np.tile(np.arange(10) == 0, 4000)
    assert count_cuts(np.zeros(40000), is_wrong, groups).n_effective == [40000]


def test_cuts_are_those_counted_one_by_one():
    rng = np.random.default_rng(1)
    score, groups = rng.integers(0, 8, 60) / 8, rng.integers(0, 9, 60)
    is_wrong = rng.random(60) < 0.3
    cuts = count_cuts(score, is_wrong, groups)
    for i, threshold in enumerate(np.unique(score)[::-1]):
        is_decided = score >= threshold
        size = np.bincount(groups[is_decided], minlength=9)
        wrong = np.bincount(groups[is_decided & is_wrong], minlength=9)
        assert cuts.threshold[i] == threshold
        assert (cuts.n[i], cuts.n_wrong[i]) == (size.sum(), wrong.sum())
        assert cuts.n_groups[i] == (size > 0).sum()
        assert cuts.squares[i] == (size**2).sum()
        assert cuts.products[i] == (size * wrong).sum()
        assert cuts.squared_errors[i] == (wrong**2).sum()


def test_nan_is_decided_last():
    cuts = count_cuts(np.array([np.nan, 0.5, 0.2]), [True, False, False])
    np.testing.assert_array_equal(cuts.n_wrong, [0, 0, 1])


@pytest.mark.parametrize(("max_error", "n"), [(0.02, 149), (0.05, 59), (0.5, 5)])
def test_fewest_groups_that_pass(max_error, n):
    assert n - 1 < groups_needed(max_error, 0.05) < n
    for n_groups, expected in ((n - 1, None), (n, 0)):
        cuts = count_cuts(np.zeros(n_groups), np.zeros(n_groups, bool))
        assert find_cut(cuts, max_error, 0.95) == expected


def test_least_error_is_the_least_that_finds_a_cut():
    rng = np.random.default_rng(0)
    score = rng.random(500)
    cuts = count_cuts(score, rng.random(500) < 0.3 * (1 - score))
    least = find_least_error(cuts, 0.95)
    # What is read in a warning works as it stands.
    assert least == round(least, 3)
    assert find_cut(cuts, least, 0.95) is not None
    assert find_cut(cuts, least - 0.001, 0.95) is None


def test_least_error_is_one_where_nothing_is_right():
    cuts = count_cuts(np.ones(5), np.ones(5))
    assert find_least_error(cuts, 0.95) == 1


def draw_errors(kind, n_groups, error, rng):
    """Return groups and errors, of which a share is wrong: evenly, or by group."""
    sizes = 1 + rng.poisson(15, n_groups)
    if kind == "even":
        of_group = np.full(n_groups, error)
    elif kind == "beta":
        of_group = rng.beta(4 * error, 4 * (1 - error), n_groups)
    else:
        of_group = (rng.random(n_groups) < error).astype(float)
    groups = np.repeat(np.arange(n_groups), sizes)
    return groups, rng.random(len(groups)) < of_group[groups]


@pytest.mark.parametrize("kind", ["even", "beta", "whole groups"])
@pytest.mark.parametrize("n_groups", [12, 80])
def test_bound_holds_with_effects_of_micrographs(kind, n_groups):
    rng = np.random.default_rng(0)
    n_missed = 0
    for _ in range(300):
        groups, is_wrong = draw_errors(kind, n_groups, 0.15, rng)
        cut = count_cuts(np.zeros(len(groups)), is_wrong, groups)
        n_missed += cut.upper(0.95)[0] < 0.15
    # 5 % and two standard errors.
    assert n_missed / 300 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 300)


def test_threshold_keeps_the_promise_however_many_are_tried():
    rng = np.random.default_rng(0)
    max_error, n_broken, coverages = 0.1, 0, []
    for _ in range(300):
        # Errors by score and micrograph; the true error at a threshold is known.
        groups = np.repeat(np.arange(80), 12)
        score = rng.random(len(groups))
        of_group = rng.choice([0.5, 1.5], 80)[groups]
        cuts = count_cuts(score, rng.random(960) < 0.3 * (1 - score) * of_group, groups)
        chosen = find_cut(cuts, max_error, 0.95)
        if chosen is not None:
            # The mean of 0.3 * (1 - score) above the threshold.
            n_broken += 0.15 * (1 - cuts.threshold[chosen]) > max_error
            coverages.append(1 - cuts.threshold[chosen])
    assert n_broken / 300 <= 0.05
    # Of the two thirds that might be decided at most, half are.
    assert len(coverages) > 200
    assert np.mean(coverages) > 0.33


# The classifier.


def test_error_stays_below_on_other_micrographs(rows, fitted):
    X, y, _ = make_rows(20000, seed=1)
    y_pred = fitted.predict(X)
    table = fitted.coverage_table_
    for label in fitted.classes_:
        is_decided = y_pred == label
        assert (y[is_decided] != label).mean() < 0.1
        share = is_decided.sum() / (fitted.estimator_.predict(X) == label).sum()
        row = table.loc[label]
        assert row["share_low"] - 0.05 < share < row["share_high"] + 0.05
    assert 0.02 < (y_pred == "unsure").mean() < 0.5


def test_table_is_that_of_the_out_of_fold_predictions(rows, fitted):
    result, table = fitted.cv_result_, fitted.coverage_table_
    np.testing.assert_array_equal(result.groups, rows[2])
    score = result.y_proba.max(axis=1)
    for label, row in table.iterrows():
        of_class = result.y_pred == label
        is_decided = of_class & (score >= row["threshold"])
        assert row["n_particles"] == of_class.sum()
        assert row["n_decided"] == is_decided.sum()
        assert row["n_groups"] == len(np.unique(result.groups[is_decided]))
        assert row["share_decided"] == is_decided.sum() / of_class.sum()
        error = (result.y_true[is_decided] != label).mean()
        assert row["error"] == pytest.approx(error)
        assert row["error_low"] < error < row["error_high"] <= 0.1
        assert row["share_low"] < row["share_decided"] <= row["share_high"]
        assert row["least_max_error"] <= 0.1
    assert table["n_particles"].dtype.kind == "i"


def test_predictions_are_those_of_the_estimator_or_unsure(rows, fitted):
    X, _, _ = rows
    plain, y_proba = fitted.estimator_.predict(X), fitted.predict_proba(X)
    y_pred = fitted.predict(X)
    threshold = fitted.coverage_table_["threshold"].loc[plain].to_numpy()
    is_decided = y_proba.max(axis=1) >= threshold
    np.testing.assert_array_equal(y_pred, np.where(is_decided, plain, "unsure"))
    np.testing.assert_array_equal(fitted.decide(list(plain), y_proba), y_pred)
    np.testing.assert_array_equal(fitted.classes_, ["empty", "full", "uncertain"])
    refitted = LogisticRegression().fit(X, rows[1])
    np.testing.assert_allclose(y_proba, refitted.predict_proba(X))


def test_decided_result_has_the_thresholds_of_the_classifier(rows, fitted):
    _, y, groups = rows
    result = fitted.decided_result_
    assert result.unsure == "unsure"
    assert result.classes.tolist() == [*fitted.classes_, "unsure"]
    decided = pd.Series(result.y_pred != "unsure").groupby(fitted.cv_result_.y_pred)
    expected = fitted.coverage_table_["n_decided"]
    assert decided.sum().tolist() == expected.tolist()
    np.testing.assert_array_equal(result.groups, groups)
    np.testing.assert_array_equal(result.y_true, y)
    with pytest.raises(NotFittedError):
        SelectiveClassifier(LogisticRegression()).decided_result_  # noqa: B018


def test_decided_result_of_numbers_needs_a_number():
    X, codes = make_blobs(200, centers=2, cluster_std=1, random_state=0)
    model = SelectiveClassifier(LogisticRegression(), 0.2).fit(X, codes)
    with pytest.raises(TypeError, match="unsure='unsure', but the classes are numbers"):
        model.decided_result_  # noqa: B018
    model.set_params(unsure=-1).fit(X, codes.astype(np.uint8))
    assert model.decided_result_.classes.tolist() == [0, 1, -1]


def test_shares_by_the_thresholds_of_the_classifier():
    X, y, groups = make_rows(seed=3)
    model = SelectiveClassifier(LogisticRegression(), 0.15).fit(X, y, groups)
    X_new, y_new, groups_new = make_rows(seed=4)
    kept = (y_new == "full") | (np.arange(len(y_new)) % 10 == 0)
    y_pred = model.predict(X_new[kept])
    assert (y_pred == "unsure").any()
    # Other thresholds would give such errors that no shares explain the predictions.
    estimate = estimate_prevalence(
        model.decided_result_, y_pred, groups=groups_new[kept]
    )
    truth = pd.Series(y_new[kept]).value_counts(normalize=True).sort_index()
    np.testing.assert_allclose(estimate.share, truth, atol=0.04)
    with pytest.raises(ValueError, match="of a SelectiveClassifier its decided_result"):
        estimate_prevalence(model.cv_result_, y_pred)


def test_score_is_the_accuracy_among_all(rows, fitted):
    X, y, _ = rows
    is_right = fitted.predict(X) == y
    assert fitted.score(X, y) == pytest.approx(is_right.mean())
    weights = np.arange(len(y))
    expected = np.average(is_right, weights=weights)
    assert fitted.score(X, list(y), sample_weight=weights) == pytest.approx(expected)


def test_nan_of_a_diverged_network_is_unsure(fitted):
    y_proba = np.array([[np.nan] * 3, [1, 0, 0]])
    y_pred = fitted.decide(["empty", "empty"], y_proba)
    np.testing.assert_array_equal(y_pred, ["unsure", "empty"])


def test_clones_pickles_and_parameters(rows, fitted):
    X, y, groups = rows
    again = clone(fitted).fit(X, y, groups=groups)
    pd.testing.assert_frame_equal(again.coverage_table_, fitted.coverage_table_)
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))
    fitted = clone(fitted).set_params(estimator__C=0.1, unsure="?")
    assert fitted.estimator.C == 0.1


def test_class_that_needs_no_threshold_is_always_decided():
    X, y, groups = make_rows(gap=12)
    model = SelectiveClassifier(LogisticRegression(), 0.1).fit(X, y, groups)
    np.testing.assert_array_equal(model.thresholds_, 0)
    assert (model.coverage_table_["share_decided"] == 1).all()
    y_proba = [[0.34, 0.33, 0.33]]
    assert model.decide(["empty"], y_proba) == ["empty"]


def test_class_that_cannot_be_decided_is_named(rows):
    X, y, groups = rows
    model = SelectiveClassifier(LogisticRegression(), 0.1)
    y = np.where(np.random.default_rng(0).random(len(y)) < 0.3, "full", y)
    with pytest.warns(UserWarning, match="can't be decided") as caught:
        model.fit(X, y, groups=groups // 16)
    (warning,) = caught
    assert warning.filename == __file__
    text = str(warning.message)
    assert text.startswith("3 of 3 classes can't be decided with max_error=0.1 and ")
    assert "'full' (predicted for" in text
    assert "takes 29 micrographs or more of a class, all of them right" in text
    assert "there are 12. More micrographs" in text
    assert np.isinf(model.thresholds_).all()
    assert model.coverage_table_["error"].isna().all()
    assert (model.predict(X) == "unsure").all()
    # What the warning says would help does help.
    least = model.coverage_table_["least_max_error"]
    with pytest.warns(UserWarning, match="2 of 3 classes"):
        model.set_params(max_error=least.min()).fit(X, y, groups=groups // 16)


def test_class_that_is_never_predicted_is_named(rows):
    X, y, groups = rows
    y = np.where(np.arange(len(y)) % 40 == 0, "rare", y)
    with pytest.warns(UserWarning, match=r"'rare' \(never predicted\)"):
        model = SelectiveClassifier(LogisticRegression(), 0.2).fit(X, y, groups)
    assert model.coverage_table_.loc["rare", "n_particles"] == 0
    model.predict(X)


@pytest.mark.parametrize(
    ("y", "unsure", "kind"),
    [
        ([0, 1], -1, "i"),
        ([0, 1], "unsure", "O"),
        (np.array([0, 1], np.uint8), -1, "i"),
        ([0.0, 1.0], -1, "f"),
        ([False, True], -1, "i"),
        (["a", "b"], "unsure", "U"),
        (np.array(["a", "b"], object), "unsure", "U"),
        (pd.Series(["a", "b"], dtype="category"), "unsure", "U"),
        (pd.Series(["a", "b"], dtype="string"), "unsure", "U"),
        (pd.Series([0, 1], dtype="Int64"), -1, "i"),
        (pd.DataFrame({"y": ["a", "b"]}), "unsure", "U"),
    ],
)
@pytest.mark.filterwarnings("ignore:A column-vector y was passed")
def test_labels_of_any_kind(y, unsure, kind):
    rng = np.random.default_rng(0)
    repeat = np.repeat([0, 1], 100)
    y = y.iloc[repeat] if hasattr(y, "iloc") else [y[i] for i in repeat]
    X = rng.normal(size=(200, 2)) + 2 * repeat[:, None]
    model = SelectiveClassifier(LogisticRegression(), 0.1, unsure=unsure).fit(X, y)
    X_new = [[0, 0], [1.02, 1.02], [2, 2]]
    y_pred = model.predict(X_new)
    assert y_pred.dtype.kind == kind
    first, second = model.classes_.tolist()
    assert y_pred.tolist() == [first, unsure, second]
    assert model.score(X_new, [first, first, second]) == pytest.approx(2 / 3)


def test_wrong_input_is_refused_before_any_training(rows):
    X, y, groups = rows

    class Untrainable(LogisticRegression):
        def fit(self, X, y):
            raise AssertionError

    model = SelectiveClassifier(Untrainable())
    with pytest.raises(ValueError, match=r"SVC has no predict_proba.*probability=Tr"):
        SelectiveClassifier(SVC()).fit(X, y)
    with pytest.raises(ValueError, match=r"unsure='full' is one of the classes"):
        clone(model).set_params(unsure="full").fit(X, y)
    with pytest.raises(ValueError, match="unsure=1 is one of the classes"):
        clone(model).set_params(unsure=1).fit(X, np.arange(1800) % 3)
    for unsure in (None, 0.5, ["a"]):
        with pytest.raises(ValueError, match="'unsure' parameter"):
            clone(model).set_params(unsure=unsure).fit(X, y)
    for max_error in (0, 1, "2 %", None, np.nan):
        with pytest.raises(ValueError, match="'max_error' parameter"):
            clone(model).set_params(max_error=max_error).fit(X, y)
    with pytest.raises(ValueError, match="'confidence' parameter"):
        clone(model).set_params(confidence=95).fit(X, y)
    with pytest.raises(ValueError, match="groups has 2 values for 1800 particles"):
        model.fit(X, y, groups=[1, 2])
    with pytest.raises(ValueError, match="y is missing in row 0"):
        model.fit(X, [None, *y[1:]])
    with pytest.raises(TypeError, match="y mixes text with numbers"):
        model.fit(X, [*y[1:], 1])
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        model.fit(X, X[:, 0])
    with pytest.raises(ValueError, match="y should be a 1d array"):
        model.fit(X, np.c_[y, y])
    with pytest.raises(ValueError, match="groups is missing in row 0"):
        model.fit(X, y, groups=[None, *groups[1:]])
    with pytest.raises(ValueError, match="one class, 'full'"):
        model.fit(X, ["full"] * 1800)
    with pytest.raises(ValueError, match="y has 2 values for 1800 particles"):
        model.fit(X, ["full", "empty"])
    with pytest.raises(ValueError, match="All particles are of one group"):
        model.fit(X, y, groups=np.zeros(1800))
    with pytest.raises(ValueError, match="cv=1; expected 2 folds"):
        model.set_params(cv=1).fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)
    with pytest.raises(NotFittedError):
        model.decide(["full"], [[0, 1, 0]])


def test_decisions_on_foreign_predictions_are_refused(fitted):
    with pytest.raises(ValueError, match="'dirt', which is not among classes"):
        fitted.decide(["dirt"], [[1, 0, 0]])
    with pytest.raises(ValueError, match="y_proba has shape"):
        fitted.decide(["full"], [[1, 0]])
    with pytest.raises(TypeError, match="numbers"):
        fitted.decide([1], [[1, 0, 0]])


# Pipelines, particles, searches.


@pytest.fixture(scope="module")
def particles():
    return make_liposomes(240, weights=None, random_state=0)


@pytest.mark.filterwarnings(UNDECIDED)
def test_particles_are_measured_once(particles, monkeypatch):
    sizes = []
    measure = ParticleFeatures.transform
    monkeypatch.setattr(
        ParticleFeatures,
        "transform",
        lambda self, X: sizes.append(len(X)) or measure(self, X),
    )
    model = SelectiveClassifier(make_svc_pipeline("thesis", probability=True), 0.3)
    y, groups = particles["label"], np.arange(240) // 3
    model.fit(particles, y, groups=groups)
    # All particles once, and one that fits the steps of the whole pipeline.
    assert sizes == [240, 1] or sizes == [240]
    whole = clone(model.estimator).fit(particles, y)
    found = model.predict_proba(particles)
    np.testing.assert_allclose(found, whole.predict_proba(particles), rtol=1e-6)
    assert not hasattr(model, "n_features_in_")


@pytest.mark.filterwarnings(UNDECIDED)
def test_micrographs_that_are_not_passed_are_missed(particles):
    model = SelectiveClassifier(make_svc_pipeline("thesis", probability=True), 0.3)
    with pytest.warns(UserWarning, match="column 'micrograph', but groups is None"):
        model.fit(particles, particles["label"])


@pytest.mark.filterwarnings(UNDECIDED)
def test_samplers_stay_within_the_training_part(rows):
    X, y, groups = rows
    estimator = make_resampling_pipeline(
        RandomOverSampler(random_state=0), LogisticRegression()
    )
    model = SelectiveClassifier(estimator, 0.1).fit(X, y, groups)
    assert len(model.cv_result_.y_true) == len(y)


@pytest.mark.filterwarnings(UNDECIDED)
def test_search_inside_gets_the_groups(rows):
    X, y, groups = rows
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=GroupKFold(3))
    model = SelectiveClassifier(search, 0.1).fit(X, y, groups=groups)
    assert model.estimator_.best_params_["C"] in (0.1, 1)


@pytest.mark.filterwarnings(UNDECIDED)
def test_search_outside_passes_groups_by_routing(rows):
    X, y, groups = rows
    with config_context(enable_metadata_routing=True):
        model = SelectiveClassifier(LogisticRegression()).set_fit_request(groups=True)
        search = GridSearchCV(model, {"max_error": [0.1, 0.2]}, cv=GroupKFold(3))
        search.fit(X, y, groups=groups)
    np.testing.assert_array_equal(search.best_estimator_.cv_result_.groups, groups)


@pytest.mark.filterwarnings(UNDECIDED)
def test_weights_arrive_in_the_folds_and_in_the_whole(rows):
    X, y, groups = rows
    weights = np.where(y == "full", 5, 1) * np.linspace(0.5, 2, len(y))
    pipeline = make_pipeline(FunctionTransformer(), LogisticRegression())
    name = "logisticregression__sample_weight"
    model = SelectiveClassifier(pipeline, 0.1, cv=3)
    model.fit(X, y, groups, **{name: weights})
    expected = cross_validate_particles(
        pipeline, X, y, groups=groups, cv=3, params={name: weights}
    )
    np.testing.assert_array_equal(model.cv_result_.y_proba, expected.y_proba)
    whole = LogisticRegression().fit(X, y, weights)
    np.testing.assert_array_equal(model.predict_proba(X), whole.predict_proba(X))
    assert (model.predict_proba(X) != clone(whole).fit(X, y).predict_proba(X)).any()


@pytest.mark.filterwarnings(UNDECIDED)
def test_weights_arrive_by_routing(rows):
    X, y, groups = rows
    weights = np.where(y == "full", 5.0, 1.0)
    with config_context(enable_metadata_routing=True):
        inner = LogisticRegression().set_fit_request(sample_weight=True)
        model = SelectiveClassifier(inner, 0.1, cv=3)
        model.set_fit_request(groups=True).set_score_request(sample_weight=False)
        search = GridSearchCV(model, {"max_error": [0.1, 0.2]}, cv=GroupKFold(3))
        search.fit(X, y, groups=groups, sample_weight=weights)
    best = search.best_estimator_
    np.testing.assert_array_equal(best.cv_result_.groups, groups)
    whole = LogisticRegression().fit(X, y, weights)
    np.testing.assert_array_equal(best.predict_proba(X), whole.predict_proba(X))


# Cross-validation.


@pytest.fixture(scope="module")
def result(rows):
    X, y, groups = rows
    model = SelectiveClassifier(LogisticRegression(), 0.1)
    return cross_validate_particles(
        model, X, y, groups=groups, cv=3, return_estimator=True
    )


def test_groups_of_the_training_part_arrive(rows, result):
    groups = rows[2]
    for fold, model in enumerate(result.estimators):
        np.testing.assert_array_equal(
            model.cv_result_.groups, groups[result.folds != fold]
        )


@pytest.mark.filterwarnings(UNDECIDED)
def test_groups_arrive_at_the_end_of_a_pipeline(rows):
    X, y, groups = rows
    model = make_pipeline(
        FunctionTransformer(), SelectiveClassifier(LogisticRegression(), 0.1)
    )
    result = cross_validate_particles(
        model, X, y, groups=groups, cv=3, return_estimator=True
    )
    np.testing.assert_array_equal(
        result.estimators[0][-1].cv_result_.groups, groups[result.folds != 0]
    )
    assert result.unsure == "unsure"


def test_unsure_is_a_column_of_the_confusion_matrix_and_no_class(rows, result):
    _, y, _ = rows
    assert result.unsure == "unsure"
    np.testing.assert_array_equal(result.classes, [*np.unique(y), "unsure"])
    np.testing.assert_array_equal(result.kinds, np.unique(y))
    assert (result.y_proba[:, -1] == 0).all()
    counts = result.confusion_counts.sum(axis=0)
    assert counts.sum() == len(y)
    assert counts[:, -1].sum() == (result.y_pred == "unsure").sum() > 0
    matrix = result.mean_confusion_matrix(normalize=True)
    assert matrix.shape == (3, 4)
    np.testing.assert_allclose(matrix.sum(axis=1), 1)
    assert result.missing_classes == {}


def test_metrics_take_unsure_as_not_recognized(rows, result):
    _, y, _ = rows
    table = result.classification_table()
    assert table.index.tolist() == result.kinds.tolist()
    recognized = [(result.y_pred[y == k] == k).mean() for k in result.kinds]
    np.testing.assert_allclose(table["TPR"], recognized)
    assert result.balanced_accuracy == pytest.approx(np.mean(recognized))
    assert result.classification_table(per_fold=True).shape[0] == 9
    assert result.summary()["pooled"].notna().all()
    assert result.summary("full").loc["TPR", "pooled"] == table.loc["full", "TPR"]
    with pytest.raises(ValueError, match="no class 'unsure'"):
        result.summary("unsure")
    assert "predicted 'unsure', which counts as not recognized" in repr(result)
    assert "proba_full" in result.to_frame()
    assert "proba_unsure" not in result.to_frame()
    result._repr_html_()
    pickle.loads(pickle.dumps(result))


def test_displays_show_unsure_as_a_prediction_alone(rows, result):
    display = ConfusionMatricesDisplay.from_cv_results(result)
    assert display.text_[""].shape == (3, 4)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == [
        *result.kinds
    ]
    table = ClassMetricsDisplay.from_cv_results(result, spread="bootstrap").table
    assert set(table["class"]) == set(result.kinds)
    for kind in ("class", "confidence"):
        display = ReliabilityDisplay.from_cv_results(result, kind=kind)
        assert "unsure" not in display.errors_[""]


def test_galleries_show_what_is_unsure(particles):
    y = particles["label"].to_numpy()
    estimator = make_svc_pipeline("thesis", probability=True)
    model = SelectiveClassifier(estimator, 0.2)
    with pytest.warns(UserWarning, match="can't be decided"):
        model.fit(particles, y, groups=np.arange(240) // 12)
    display = ParticleGalleryDisplay.from_estimator(model, particles, y)
    assert "unsure" in display.y_pred
    with pytest.warns(UserWarning, match="can't be decided"):
        result = cross_validate_particles(
            model, particles, y, groups=np.arange(240) // 12, cv=2
        )
    for select in ("mistakes", "uncertain", "class"):
        display = ParticleGalleryDisplay.from_cv_results(
            result, particles, select=select
        )
        captions = [ax.get_title() for ax in display.axes_.flat]
        assert not any("(0.00)" in caption for caption in captions)
    display = ParticleGalleryDisplay.from_cv_results(
        result, particles, select="uncertain", n_particles=5
    )
    # Of those that are unsure, the least confident come first.
    likeliest = result.y_proba.max(axis=1)
    unsure = np.flatnonzero(result.y_pred == "unsure")
    expected = unsure[np.argsort(likeliest[unsure], kind="stable")][:5]
    assert display.particles.index.tolist() == expected.tolist()


def test_numbers_and_a_word_are_refused_before_any_fold(rows):
    X, _, groups = rows
    model = SelectiveClassifier(LogisticRegression())
    with pytest.raises(TypeError, match=r"the classes are numbers.*unsure=-2"):
        cross_validate_particles(model, X, np.arange(1800) % 2 - 1, groups=groups)
    model = SelectiveClassifier(LogisticRegression(), unsure=-1)
    with pytest.raises(TypeError, match=r"the classes are words.*unsure='unsure'"):
        cross_validate_particles(model, X, rows[1], groups=groups)
    model.set_params(unsure="full")
    with pytest.raises(ValueError, match="is one of the classes"):
        cross_validate_particles(model, X, rows[1], groups=groups)


def test_numbers_with_a_number_are_cross_validated(rows):
    X, y, groups = rows
    codes = np.unique(y, return_inverse=True)[1]
    model = SelectiveClassifier(LogisticRegression(), 0.1, unsure=-1)
    result = cross_validate_particles(model, X, codes, groups=groups, cv=3)
    assert result.unsure == -1
    np.testing.assert_array_equal(result.classes, [0, 1, 2, -1])
    assert result.confusion_counts[..., -1].sum() == (result.y_pred == -1).sum() > 0


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"unsure": "?"}, ValueError, r"unsure='\?' is not the last of the classes"),
        ({"unsure": "full"}, ValueError, "is not the last of the classes"),
        ({"unsure": 3}, ValueError, "unsure=3 is not the last"),
        (
            {"y_true": "unsure"},
            ValueError,
            "y_true holds unsure='unsure'; expected true classes only",
        ),
        (
            {"y_proba": 3},
            ValueError,
            "y_proba has 3 columns, none for unsure='unsure'; expected one of zeros",
        ),
        ({"y_proba": 4}, ValueError, "y_proba is not 0 for unsure='unsure'"),
    ],
)
def test_results_with_unsure_are_checked(result, changes, error, match):
    n = len(result.y_true)
    if "y_true" in changes:
        changes = {"y_true": np.full(n, "unsure")}
    if "y_proba" in changes:
        n_columns = changes["y_proba"]
        changes = {"y_proba": np.full((n, n_columns), 1 / n_columns)}
    with pytest.raises(error, match=match):
        replace(result, **changes)


def test_results_of_unsure_alone_are_possible(result):
    nothing = replace(result, y_pred=np.full(len(result.y_true), "unsure"))
    assert nothing.balanced_accuracy == 0
    assert "100.0% of the particles" in repr(nothing)
    replace(result, y_proba=None).summary()


def test_comparison_is_of_the_same_classes(result, rows):
    X, y, groups = rows
    plain = cross_validate_particles(LogisticRegression(), X, y, groups=groups, cv=3)
    with pytest.raises(ValueError, match="same classes: unsure is 'unsure' in the fir"):
        result.compare(plain)
    result.compare(result)


def test_pictures_show_a_selective_and_a_plain_model(result, rows):
    X, y, groups = rows
    plain = cross_validate_particles(LogisticRegression(), X, y, groups=groups, cv=3)
    both = {"plain": plain, "selective": result}
    display = ConfusionMatricesDisplay.from_cv_results(both)
    assert display.classes.tolist() == [*plain.classes, "unsure"]
    np.testing.assert_array_equal(display.mean_counts["plain"][:, -1], 0)
    assert (display.mean_counts["selective"][:, -1] > 0).any()
    for maker in (ClassMetricsDisplay, ReliabilityDisplay, RiskCoverageDisplay):
        maker.from_cv_results(both)
    doubtful = replace(
        result,
        classes=np.array([*plain.classes, "zz"]),
        y_pred=np.where(result.y_pred == "unsure", "zz", result.y_pred),
        unsure="zz",
    )
    with pytest.raises(ValueError, match="different classes"):
        ConfusionMatricesDisplay.from_cv_results({**both, "doubtful": doubtful})
