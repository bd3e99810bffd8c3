"""Probabilities of a sample whose classes have other shares than in training."""

import numpy as np
import pandas as pd
import pytest

from sklipo.calibration import shift_prior

CLASSES = ["empty", "full", "other"]
PROBA = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
SHARES = [0.05, 0.9, 0.05]


def test_probabilities_are_those_of_bayes_rule():
    # Two normal classes: the posterior is known for any shares.
    x = np.linspace(-3, 3, 50)
    densities = np.exp(-((x[:, np.newaxis] - [-1, 1]) ** 2) / 2)
    posteriors = [
        densities * shares / (densities * shares).sum(axis=1, keepdims=True)
        for shares in ([0.3, 0.7], [0.95, 0.05])
    ]
    shifted = shift_prior(posteriors[0], [0.95, 0.05], prior=[0.3, 0.7])
    np.testing.assert_allclose(shifted, posteriors[1])
    back = shift_prior(shifted, [0.3, 0.7], prior=[0.95, 0.05])
    np.testing.assert_allclose(back, posteriors[0])


def test_equal_shares_change_nothing():
    np.testing.assert_allclose(shift_prior(PROBA, [1 / 3] * 3), PROBA)
    np.testing.assert_allclose(shift_prior(PROBA, SHARES, prior=SHARES), PROBA)


@pytest.mark.parametrize(
    "shares",
    [
        SHARES,
        tuple(SHARES),
        np.array(SHARES, dtype=np.float32),
        pd.array(SHARES, dtype="Float64"),
        {"full": 0.9, "other": 0.05, "empty": 0.05},
        pd.Series(SHARES[::-1], index=CLASSES[::-1], dtype="Float64"),
        pd.Series(SHARES, index=pd.CategoricalIndex(CLASSES)),
    ],
)
def test_shares_by_order_or_by_class(shares):
    expected = shift_prior(PROBA, SHARES)
    np.testing.assert_allclose(expected.sum(axis=1), 1)
    table = pd.DataFrame(PROBA, index=[7, 8, 9], columns=CLASSES)
    shifted = shift_prior(table, shares, prior=pd.Series(1 / 3, index=CLASSES))
    pd.testing.assert_frame_equal(
        shifted, pd.DataFrame(expected, index=[7, 8, 9], columns=CLASSES)
    )
    np.testing.assert_array_equal(table, PROBA)


@pytest.mark.parametrize(
    "y_proba",
    [
        PROBA.tolist(),
        PROBA.astype(np.float32),
        pd.DataFrame(PROBA).astype("Float64"),
        pd.DataFrame(PROBA, columns=pd.Index(CLASSES, dtype="category")),
    ],
)
def test_kinds_of_probabilities(y_proba):
    shifted = shift_prior(y_proba, SHARES)
    assert isinstance(shifted, pd.DataFrame) == isinstance(y_proba, pd.DataFrame)
    np.testing.assert_allclose(shifted, shift_prior(PROBA, SHARES), atol=1e-6)


def test_what_is_undefined_is_nan():
    proba = np.vstack([PROBA, np.full(3, np.nan)])
    shifted = shift_prior(proba, [0, 0.9, 0.1])
    # The second particle is surely of a class that the sample does not have.
    np.testing.assert_array_equal(
        np.isnan(shifted).all(axis=1), [False, True, False, True]
    )
    assert shift_prior(np.empty((0, 3)), SHARES).shape == (0, 3)
    # A prior of 0 is no harm where the probability is 0.
    zero_column = np.array([[0.5, 0.5, 0.0]])
    shifted = shift_prior(zero_column, [0.9, 0.1, 0], prior=[0.5, 0.5, 0])
    np.testing.assert_allclose(shifted, [[0.9, 0.1, 0]])


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ([0.5, 0.5], r"y_proba has shape \(3, 3\); expected \(3, 2\)"),
        ([0.5, 0.6, -0.1], r"shares is \[0.5, 0.6, -0.1\]"),
        ([80, 15, 5], "sum of 100; expected shares from 0 to 1"),
        ([0.5, 0.2, 0.2], "sum of 0.9; expected"),
        ([0.5, 0.5, np.nan], "sum of nan; expected"),
        ([0.5, 0.5, None], "sum of nan; expected"),
        ([np.inf, 0, 0], "sum of inf; expected"),
        (["a", "b", "c"], "shares cannot be read as one number for each class"),
        ([[0.5], [0.5]], r"shares has shape \(2, 1\)"),
        ([[0.5], 0.5], "shares cannot be read"),
        (1, r"shares has shape \(\)"),
        (None, r"shares has shape \(\)"),
        ([], r"shares has shape \(0,\)"),
    ],
)
def test_shares_that_are_none(shares, message):
    with pytest.raises(ValueError, match=message):
        shift_prior(PROBA, shares)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shares": {"full": 0.9, "empty": 0.1}}, r"shares is of the classes \['full'"),
        ({"shares": pd.Series(SHARES)}, r"shares is of the classes \[0, 1, 2\]"),
        ({"shares": pd.Series(SHARES, index=["full"] * 3)}, "expected each column"),
        ({"shares": SHARES[:2]}, r"shares has shape \(2,\); expected \(3,\)"),
        ({"prior": [0.5, 0.5]}, r"prior has shape \(2,\); expected \(3,\)"),
        ({"prior": {"full": 1}}, "prior is of the classes"),
        ({"prior": [0, 0.5, 0.5]}, "prior of class 'empty' is 0, but its probability"),
        ({"y_proba": PROBA[0]}, r"y_proba has shape \(3,\); expected \(3, 3\)"),
        ({"y_proba": PROBA * 2}, "y_proba is 2 in row 1, column 0"),
        ({"y_proba": PROBA / 2}, "y_proba sums up to 0.5 in row 0"),
        ({"y_proba": [["a", "b", "c"]]}, "y_proba, a list, cannot be read"),
    ],
)
def test_bad_input(changes, message):
    table = pd.DataFrame(PROBA, columns=CLASSES)
    with pytest.raises(ValueError, match=message):
        shift_prior(**{"y_proba": table, "shares": SHARES, **changes})


@pytest.mark.parametrize("shares", [pd.Series(SHARES), dict.fromkeys(CLASSES, 1 / 3)])
def test_shares_by_class_need_the_classes_of_columns(shares):
    for changes in ({"shares": shares}, {"shares": SHARES, "prior": shares}):
        with pytest.raises(TypeError, match="is by class, but y_proba, which is no"):
            shift_prior(PROBA, **changes)


@pytest.mark.parametrize("y_proba", [None, 1.0])
def test_no_probabilities(y_proba):
    with pytest.raises(TypeError):
        shift_prior(y_proba, SHARES)
