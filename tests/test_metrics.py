import pickle
import warnings
from functools import partial
from math import isnan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imblearn.metrics import specificity_score
from sklearn import metrics as reference
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.svm import LinearSVC

from sklipo import classification_table
from sklipo import metrics as ours
from sklipo.metrics import baseline_table, metric_scorer

LABELS = ["empty", "full", "uncertain"]
# Rows are true classes. Thesis, Tables 9 (unilamellar, multilamellar, uncertain) and
# 10 (empty, full, uncertain).
TABLE_9 = np.array([[2325, 15, 124], [4, 323, 16], [2, 3, 11]])
TABLE_10 = np.array([[24, 1, 7], [272, 3929, 660], [30, 9, 61]])
FUNCTIONS = {
    "thesis_F1": ours.thesis_f1,
    "phi": ours.phi_coefficient,
    "kappa": ours.class_kappa,
}

# Each class occurs and is predicted once, so no metric is undefined.
PAIRS = st.lists(
    st.tuples(*[st.sampled_from(LABELS)] * 2), min_size=3, max_size=60
).map(lambda pairs: zip(*pairs, *zip(LABELS, LABELS, strict=True), strict=True))


def expand(counts):
    """Return true and predicted codes with such a confusion matrix."""
    return np.repeat(np.argwhere(counts > 0), counts[counts > 0], axis=0).T


@pytest.fixture(scope="module")
def data():
    X, y = make_classification(
        200, n_classes=3, n_informative=5, weights=[0.7, 0.2], random_state=0
    )
    return X, np.array(LABELS)[y]


@given(PAIRS)
def test_table_agrees_with_scikit_learn_and_imbalanced_learn(pairs):
    y_true, y_pred = map(np.array, pairs)
    table = classification_table(y_true, y_pred)
    precision, recall, f1, support = reference.precision_recall_fscore_support(
        y_true, y_pred
    )
    specificity = specificity_score(y_true, y_pred, average=None)
    # The same quotients of the same counts.
    expected = {"PPV": precision, "TPR": recall, "F1": f1, "TNR": specificity}
    one_vs_rest = {
        "NPV": partial(reference.precision_score, pos_label=False),
        "phi": reference.matthews_corrcoef,
        "kappa": reference.cohen_kappa_score,
        "balanced_accuracy": reference.balanced_accuracy_score,
    }
    for name, function in one_vs_rest.items():
        expected[name] = [function(y_true == c, y_pred == c) for c in LABELS]
    for name, values in expected.items():
        np.testing.assert_allclose(table[name], values, rtol=1e-12, atol=1e-12)
    with np.errstate(divide="ignore"):
        f_thesis = 2 / (1 / recall + 1 / specificity)
    np.testing.assert_allclose(table["thesis_F1"], f_thesis, rtol=1e-12)
    np.testing.assert_array_equal(table["support"], support)


@given(PAIRS)
def test_functions_are_the_columns_of_the_table(pairs):
    y_true, y_pred = pairs
    table = classification_table(y_true, y_pred)
    for name, function in FUNCTIONS.items():
        by_class = function(y_true, y_pred, average=None)
        np.testing.assert_array_equal(by_class, table[name])
        assert function(y_true, y_pred) == pytest.approx(table[name].mean(), rel=1e-12)
        one = function(y_true, y_pred, labels=["full"], average=None)
        assert one == table.loc["full", name]


@given(PAIRS)
def test_first_row_of_baselines_agrees_with_scikit_learn(pairs):
    y_true, y_pred = pairs
    row = baseline_table(y_true, y_pred).loc["prediction"]
    expected = {
        "accuracy": reference.accuracy_score(y_true, y_pred),
        "balanced_accuracy": reference.balanced_accuracy_score(y_true, y_pred),
        "F1": reference.f1_score(y_true, y_pred, average="macro"),
        "MCC": reference.matthews_corrcoef(y_true, y_pred),
        "kappa": reference.cohen_kappa_score(y_true, y_pred),
        "thesis_F1": classification_table(y_true, y_pred)["thesis_F1"].mean(),
    }
    assert row.to_dict() == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_npv_of_one_class_is_the_ppv_of_the_other():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.integers(0, 2, (2, 50))
    table = classification_table(y_true, y_pred)
    assert table["NPV"][0] == table["PPV"][1]
    assert table["TNR"][0] == table["TPR"][1]


def test_tables_9_and_10_of_the_thesis():
    # To the three digits that follow from the counts by hand.
    table = classification_table(*expand(TABLE_9)).round(3)
    assert table["TPR"].tolist() == [0.944, 0.942, 0.688]
    assert table["NPV"].tolist() == [0.717, 0.992, 0.998]
    assert table["PPV"][2] == 0.073
    table = classification_table(*expand(TABLE_10)).round(3)
    assert table["TPR"].tolist() == [0.750, 0.808, 0.610]
    assert table["PPV"].tolist() == [0.074, 0.997, 0.084]


def test_undefined_metrics_are_nan_and_never_zero():
    table = classification_table(["a", "a"], ["a", "b"], labels=["a", "b", "c"])
    assert table["TPR"].isna().tolist() == [False, True, True]
    assert table["PPV"].isna().tolist() == [False, False, True]
    assert table["TNR"].isna().tolist() == [True, False, False]
    assert table["support"].tolist() == [2, 0, 0]
    needs_true = ["TPR", "F1", "thesis_F1", "balanced_accuracy", "phi", "kappa"]
    assert table.loc[["b", "c"], needs_true].isna().all(axis=None)


def test_a_class_that_is_never_predicted_is_zero():
    table = classification_table(["a", "b"], ["a", "a"])
    names = ["TPR", "F1", "thesis_F1", "phi", "kappa"]
    assert (table.loc["b", names] == 0).all()


@pytest.mark.parametrize("average", ["macro", None])
def test_functions_say_for_which_class_they_are_undefined(average):
    with pytest.warns(UndefinedMetricWarning, match=r"kappa is undefined for \['c'\]"):
        values = ours.class_kappa(
            ["a", "b"], ["a", "c"], labels=["a", "b", "c"], average=average
        )
    np.testing.assert_array_equal(values, [1, 0, np.nan] if average is None else 0.5)


def test_recall_and_precision_of_scikit_learn_can_be_nan_too():
    # What the guide names in place of functions of our own.
    y_true, y_pred, labels = ["a", "b"], ["a", "d"], ["a", "b", "c", "d"]
    table = classification_table(y_true, y_pred, labels=labels)
    functions = {
        "TPR": reference.recall_score,
        "PPV": reference.precision_score,
    }
    for name, function in functions.items():
        values = function(
            y_true, y_pred, labels=labels, average=None, zero_division=np.nan
        )
        np.testing.assert_array_equal(values, table[name])


def test_log_loss_agrees_with_scikit_learn(data):
    X, y = data
    probabilities = LogisticRegression().fit(X, y).predict_proba(X)
    by_class = ours.class_log_loss(y, probabilities, average=None)
    for label, value in zip(LABELS, by_class, strict=True):
        own = y == label
        expected = reference.log_loss(y[own], probabilities[own], labels=LABELS)
        assert value == pytest.approx(expected, rel=1e-12)
    table = classification_table(y, y, probabilities)
    np.testing.assert_array_equal(table["log_loss"], by_class)
    row = baseline_table(y, y, probabilities).loc["prediction"]
    expected = reference.log_loss(y, probabilities)
    assert row["log_loss"] == pytest.approx(expected, rel=1e-12)


def test_log_loss_of_the_examples_of_section_4_7():
    for probability, loss in ((0.5, 0.6932), (0.9, 0.1054), (0.1, 2.3026)):
        both = [[probability, 1 - probability]] * 2
        value = ours.class_log_loss(["a", "b"], both, average=None)[0]
        assert value == pytest.approx(loss, abs=1e-4)  # digits printed
    certain = ours.class_log_loss(["a", "b"], [[0, 1], [1, 0]])
    assert np.isfinite(certain) and certain > 30


def test_baselines_are_those_of_dummy_classifiers(data):
    X, y = data
    table = baseline_table(y, y, random_state=3)
    for strategy in ("most_frequent", "stratified", "uniform"):
        guess = DummyClassifier(strategy=strategy, random_state=3).fit(X, y).predict(X)
        expected = reference.accuracy_score(y, guess)
        assert table.loc[strategy, "accuracy"] == pytest.approx(expected)
    most = table.loc["most_frequent"]
    # The accuracy paradox: often right, and of no use.
    assert most["accuracy"] > 0.65
    assert most["balanced_accuracy"] == pytest.approx(1 / 3)
    assert most["MCC"] == 0


def test_order_of_labels_changes_no_baseline(data):
    X, y = data
    probabilities = LogisticRegression().fit(X, y).predict_proba(X)
    table = baseline_table(y, y, probabilities, random_state=0)
    reverse = baseline_table(
        y, y, probabilities[:, ::-1], labels=LABELS[::-1], random_state=0
    )
    np.testing.assert_allclose(reverse, table, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "scoring"),
    [
        ("accuracy", "accuracy"),
        ("balanced_accuracy", "balanced_accuracy"),
        ("TPR", "recall_macro"),
        ("PPV", "precision_macro"),
        ("F1", "f1_macro"),
        ("MCC", "matthews_corrcoef"),
        ("log_loss", "neg_log_loss"),
    ],
)
def test_scorers_of_all_classes_agree_with_scikit_learn(data, name, scoring):
    X, y = data
    model = LogisticRegression().fit(X[:100], y[:100])
    expected = reference.get_scorer(scoring)(model, X[100:], y[100:])
    assert metric_scorer(name)(model, X[100:], y[100:]) == pytest.approx(expected)


def test_scorers_of_a_class_are_the_cells_of_the_table(data):
    X, y = data
    model = LogisticRegression().fit(X[:100], y[:100])
    X, y = X[100:], y[100:]
    table = classification_table(y, model.predict(X), model.predict_proba(X))
    for name in table.columns.drop(["support", "log_loss"]):
        score = metric_scorer(name, label="empty")(model, X, y)
        assert score == pytest.approx(table.loc["empty", name], rel=1e-12)
    loss = -metric_scorer("log_loss", label="empty")(model, X, y)
    assert loss == pytest.approx(table.loc["empty", "log_loss"])
    specificity = specificity_score(y == "full", model.predict(X) == "full")
    assert metric_scorer("TNR", "full")(model, X, y) == pytest.approx(specificity)


def test_grid_search_chooses_by_a_class(data):
    X, y = data
    grid = {"class_weight": [None, {"uncertain": 50}]}
    scoring = {
        "found": metric_scorer("TPR", label="uncertain"),
        "accuracy": metric_scorer("accuracy"),
    }
    search = GridSearchCV(
        LinearSVC(random_state=0), grid, scoring=scoring, refit="found", cv=3
    ).fit(X, y)
    assert search.best_params_ == {"class_weight": {"uncertain": 50}}
    assert search.cv_results_["rank_test_accuracy"].tolist() == [1, 2]
    copy = pickle.loads(pickle.dumps(scoring["found"]))
    assert repr(copy) == "metric_scorer('TPR', label='uncertain')"


def test_scorer_of_a_class_that_is_not_there(data):
    X, y = data
    model = LogisticRegression().fit(X, y)
    others = y != "uncertain"
    with pytest.warns(UndefinedMetricWarning, match="TPR is undefined"):
        assert isnan(metric_scorer("TPR", "uncertain")(model, X[others], y[others]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metric_scorer("TPR")(model, X[others], y[others]) > 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metric_scorer("recall"), "no metric 'recall'; of all classes there"),
        (lambda: metric_scorer("MCC", label="a"), "of one class there are"),
        (lambda: ours.thesis_f1(["a"], ["a"], average="micro"), "expected 'macro' or"),
        (
            lambda: classification_table(["a", "b"], ["a", "b"], [[1.0], [1.0]]),
            r"shape \(2, 1\); expected \(2, 2\): a row for each sample and a column",
        ),
        (
            lambda: ours.class_log_loss(["a", "x"], [[1, 0]] * 2, labels=["a", "b"]),
            r"y_true holds \['x'\], not among the labels",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Four labels in all the ways in which people hold them.
TEXT = ["a", "b", "a", "b"]
NUMBERS = [1, 0, 1, 0]
CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "objects": lambda y: np.array(y, object),
    "series": pd.Series,
    "index": pd.Index,
    "categorical": pd.Categorical,
    "categories": lambda y: pd.Series(y, dtype="category"),
    "column": lambda y: np.array(y)[:, np.newaxis],
    "frame": lambda y: pd.DataFrame({"label": y}),
    "masked": np.ma.array,
    "strided": lambda y: np.repeat(np.array(y), 2)[::2],
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("labels", [TEXT, NUMBERS, [True, False, True, False]])
def test_labels_of_any_container_count_the_same(container, labels):
    y_pred = [labels[0], *labels[:3]]
    expected = ours.thesis_f1(labels, y_pred, average=None)
    held = CONTAINERS[container](labels)
    np.testing.assert_array_equal(ours.thesis_f1(held, y_pred, average=None), expected)
    np.testing.assert_array_equal(
        ours.thesis_f1(y_pred, held, average=None),
        ours.thesis_f1(y_pred, labels, average=None),
    )


@pytest.mark.parametrize(
    "dtype", ["u1", ">i4", "f4", "Int64", "Float64", "boolean", "int64[pyarrow]"]
)
def test_numbers_of_any_dtype_count_the_same(dtype):
    expected = ours.thesis_f1(NUMBERS, [1, 1, 1, 0], average=None)
    values = ours.thesis_f1(pd.Series(NUMBERS, dtype=dtype), [1, 1, 1, 0], average=None)
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a"], "y_true has 1 labels and y_pred 4"),
        ([*TEXT, "a"], "y_true has 5 labels and y_pred 4"),
        ([], "y_true is empty"),
        (np.array([]), "y_true is empty"),
        ("abab", "y_true, a str, is no sequence"),
        (None, "y_true, a NoneType, is no sequence"),
        (3, "y_true, a int, is no sequence"),
        ({"a": 1, "b": 2}, "y_true, a dict, is no sequence"),
        ({"a", "b"}, "y_true, a set, is no sequence"),
        ([TEXT], r"y_true, a list, has shape \(1, 4\); expected one value a row"),
        (np.eye(4), r"has shape \(4, 4\)"),
        ([["a", "b"], ["a"], ["a"], ["b"]], "y_true holds list"),
        ([np.eye(2), np.eye(2, 3)], "rows of unequal lengths"),
        (["a", None, "a", "b"], "y_true is missing in row 1"),
        (["a", "b", np.nan, "b"], "y_true is missing in row 2"),
        (pd.Series([1, None, 1, 0], dtype="Int64"), "y_true is missing in row 1"),
        (pd.Categorical(["a", None, "a", "b"]), "y_true is missing in row 1"),
        (np.ma.array(NUMBERS, mask=[0, 0, 0, 1]), "y_true is missing in row 3"),
        ([1, "1", 1, "1"], "y_true mixes numbers with text: 1 in row 0, '1' in row 1"),
        (["a", 1.0, "a", True], "y_true mixes text with numbers"),
        (NUMBERS, r"y_true holds numbers \(1\), but y_pred text \('a'\)"),
        ([True, False] * 2, r"y_true holds numbers \(True\), but y_pred text"),
        ([0.5, 1, 0, 1], "y_true holds 0.5 in row 0; expected names or whole numbers"),
        ([1, np.inf, 0, 1], "y_true holds inf in row 1"),
        ([b"a", b"b"] * 2, "y_true holds bytes"),
        ([1j, 0j] * 2, "y_true holds complex"),
        (pd.date_range("2020", periods=4), "y_true holds datetime64"),
        ([object()] * 4, "y_true holds object"),
    ],
)
def test_labels_that_are_none_are_refused(y, message):
    y_proba = [[0.5, 0.5]] * 4
    for call in (
        lambda: ours.thesis_f1(y, TEXT),
        lambda: classification_table(y, TEXT, y_proba),
        lambda: baseline_table(y, TEXT),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            call()
    with pytest.raises((TypeError, ValueError)):
        ours.class_log_loss(y, y_proba, labels=["a", "b"])


def test_names_of_particles_are_no_classes():
    # A table of pairs of all of them would not fit into memory.
    names = np.arange(100_000)
    with pytest.raises(ValueError, match="100000 different values"):
        ours.class_kappa(names, names)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "a"], "labels has 'a' 2 times"),
        ([], "labels is empty"),
        ([0, 1], r"y holds text \('a'\), but labels numbers \(0\)"),
        ("ab", "labels, a str, is no sequence"),
        (["a", None], "labels is missing in row 1"),
    ],
)
def test_bad_classes_to_evaluate(labels, message):
    for function in (ours.phi_coefficient, classification_table):
        with pytest.raises((TypeError, ValueError), match=message):
            function(TEXT, TEXT, labels=labels)


PROBABILITIES = np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.1, 0.9]])


@pytest.mark.parametrize(
    ("y_proba", "message"),
    [
        (PROBABILITIES - 1, "y_proba is -0.1 in row 0, column 0"),
        (PROBABILITIES * 100, "y_proba is 90 in row 0, column 0"),
        ([[-1, 2]] * 4, "y_proba is -1 in row 0, column 0"),
        (np.where(PROBABILITIES > 0.8, np.nan, 0.5), "y_proba is nan in row 0"),
        (np.ma.array(PROBABILITIES, mask=np.eye(4, 2)), "y_proba is nan in row 0"),
        ([[0.5, np.inf]] * 4, "y_proba is inf in row 0, column 1"),
        (PROBABILITIES / 2, r"y_proba sums up to 0.5 in row 0 \(4 such rows in all\)"),
        ([[0.9, 0.9]] * 4, "y_proba sums up to 1.8 in row 0"),
        (PROBABILITIES[:, 1], r"y_proba has shape \(4,\); expected \(4, 2\)"),
        (PROBABILITIES[:3], r"y_proba has shape \(3, 2\)"),
        (PROBABILITIES.T, r"y_proba has shape \(2, 4\)"),
        (pd.DataFrame(PROBABILITIES, columns=["b", "a"]), r"columns \['b', 'a'\], but"),
        ([["a", "b"]] * 4, "y_proba, a list, cannot be read"),
        ([[0.5, 0.5], [1]], "y_proba, a list, cannot be read"),
        ({"a": 1}, "y_proba, a dict, cannot be read"),
        (10**400, "y_proba, a int, cannot be read"),
    ],
)
def test_what_is_no_probability_is_refused(y_proba, message):
    for call in (
        lambda: ours.class_log_loss(TEXT, y_proba),
        lambda: classification_table(TEXT, TEXT, y_proba),
        lambda: baseline_table(TEXT, TEXT, y_proba),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_rounded_probabilities_are_such():
    thirds = np.full((4, 3), 0.33)
    assert ours.class_log_loss(list("abca"), thirds) == pytest.approx(-np.log(0.33))
    halves = PROBABILITIES.astype(np.float16)
    expected = ours.class_log_loss(TEXT, PROBABILITIES)
    # Three digits.
    assert ours.class_log_loss(TEXT, halves) == pytest.approx(expected, rel=1e-3)


def test_rows_in_another_order_are_warned_of():
    y_true = pd.Series(TEXT, index=[3, 1, 2, 0])
    with pytest.warns(UserWarning, match="same index in another order") as caught:
        value = ours.thesis_f1(y_true, pd.Series(TEXT))
    assert value == 1 and caught[0].filename == __file__
    with pytest.warns(UserWarning, match="same index in another order") as caught:
        classification_table(y_true, pd.Series(TEXT))
    assert caught[0].filename == __file__
    # Other rows, or the same twice, cannot be told apart from a new numbering.
    for index in ([4, 5, 6, 7], [0, 0, 1, 1], [0, 1, 2, 3]):
        ours.thesis_f1(pd.Series(TEXT, index=index), pd.Series(TEXT))


def test_baselines_leave_the_global_generator_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    baseline_table(TEXT, TEXT)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("tpr", "TPR"),
        ("balanced accuracy", "balanced_accuracy"),
        ("acuracy", "accuracy"),
    ],
)
def test_misspelled_metrics_are_suggested(name, meant):
    with pytest.raises(ValueError, match=f"do you mean '{meant}'"):
        metric_scorer(name)


@pytest.mark.parametrize("name", [None, 1, [], {}, np.array([1]), "", b"TPR", ["TPR"]])
def test_what_is_no_metric_is_refused(name):
    with pytest.raises(ValueError, match="There is no metric"):
        metric_scorer(name)


@pytest.mark.parametrize("name", ["TPR", "kappa", "log_loss"])
@pytest.mark.parametrize("label", ["ful", 1])
def test_scorer_of_a_class_that_nobody_knows(data, name, label):
    X, y = data
    model = LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match=rf"no class {label!r}; .*'uncertain'\]"):
        metric_scorer(name, label)(model, X, y)


@pytest.mark.parametrize("label", [[], ["a"], np.array(["a", "b"]), object(), np.nan])
def test_labels_of_scorers(label):
    with pytest.raises((TypeError, ValueError), match="label"):
        metric_scorer("TPR", label)
