import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imblearn.metrics import sensitivity_specificity_support
from sklearn.metrics import precision_recall_fscore_support

from sklipo import classification_table

LABELS = ["empty", "full", "uncertain"]


@given(st.lists(st.tuples(*[st.sampled_from(LABELS)] * 2), min_size=3, max_size=60))
def test_agrees_with_scikit_learn_and_imbalanced_learn(pairs):
    # Each class occurs and is predicted once, so that no measure is undefined.
    y_true, y_pred = zip(*pairs, *zip(LABELS, LABELS, strict=True), strict=True)
    table = classification_table(y_true, y_pred)
    precision, recall, f1, support = precision_recall_fscore_support(y_true, y_pred)
    _, specificity, _ = sensitivity_specificity_support(y_true, y_pred)
    # The same quotients of the same counts.
    np.testing.assert_allclose(table["PPV"], precision, rtol=1e-12)
    np.testing.assert_allclose(table["TPR"], recall, rtol=1e-12)
    np.testing.assert_allclose(table["F1"], f1, rtol=1e-12)
    np.testing.assert_allclose(table["TNR"], specificity, rtol=1e-12)
    np.testing.assert_array_equal(table["support"], support)


def test_npv_of_one_class_is_the_ppv_of_the_other():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.integers(0, 2, (2, 50))
    table = classification_table(y_true, y_pred)
    assert table["NPV"][0] == table["PPV"][1]
    assert table["TNR"][0] == table["TPR"][1]


def test_matrix_of_table_9():
    # Rows and columns: unilamellar, multilamellar, uncertain (thesis, Table 9).
    counts = np.array([[2325, 15, 124], [4, 323, 16], [2, 3, 11]])
    y_true, y_pred = np.repeat(np.argwhere(counts > 0), counts[counts > 0], axis=0).T
    table = classification_table(y_true, y_pred)
    np.testing.assert_allclose(table["TPR"], [0.944, 0.942, 0.688], atol=5e-4)
    np.testing.assert_allclose(table["NPV"], [0.717, 0.992, 0.998], atol=5e-4)
    assert table["PPV"][2] == pytest.approx(0.073, abs=5e-4)


def test_undefined_measures_are_nan():
    table = classification_table(["a", "a"], ["a", "b"], labels=["a", "b", "c"])
    assert table["TPR"].isna().tolist() == [False, True, True]
    assert table["PPV"].isna().tolist() == [False, False, True]
    assert table["TNR"].isna().tolist() == [True, False, False]
    assert table["support"].tolist() == [2, 0, 0]
