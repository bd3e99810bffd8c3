"""Inputs of LipNetClassifier as people have them: right, or an error that helps."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.exceptions import NotFittedError

from sklipo import LipNetClassifier, RandomAffine

TINY = {"n_filters": 2, "hidden_units": 4, "max_epochs": 1, "random_state": 0}
X = np.random.default_rng(0).random((12, 64), dtype=np.float32)
Y = np.repeat(["a", "b"], 6)
CODES = np.repeat([0, 1], 6)
THIRD = np.arange(12) == 3


def make(**params):
    return LipNetClassifier(**{"architecture": "lipnet-1", **TINY, **params})


EXPECTED = make().fit(X, Y).predict_proba(X)


def read_only(values):
    values = values.copy()
    values.flags.writeable = False
    return values


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X.astype(">f4"),
        lambda X: X.astype(np.longdouble),
        lambda X: X.astype(object),
        read_only,
        np.asfortranarray,
        lambda X: np.repeat(X, 2, axis=1)[:, ::2],
        lambda X: np.frombuffer(X.tobytes(), np.float32).reshape(X.shape),
        np.ma.masked_array,
        pd.DataFrame,
        lambda X: pd.DataFrame(X).convert_dtypes(),
        np.ndarray.tolist,
        lambda X: torch.tensor(X, requires_grad=True),
    ],
)
def test_rows_of_any_container_and_byte_order_are_the_same(change):
    rows = change(X)
    before = np.array(X)
    proba = make().fit(rows, Y).predict_proba(rows)
    np.testing.assert_allclose(proba, EXPECTED, atol=1e-4)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("double", [X.astype(">f8"), torch.tensor(X).double()])
def test_double_precision_is_that_of_native_arrays(double):
    expected = make().fit(X.astype(float), Y).predict_proba(X.astype(float))
    proba = make().fit(double, Y).predict_proba(double)
    assert proba.dtype == np.float64
    np.testing.assert_allclose(proba, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (np.ma.masked_array(X, X > 0.9), ValueError, r"masked array, of which \d+"),
        (X.astype("m8[s]"), TypeError, "timedelta64.*expected numbers"),
        (np.zeros(12, [("a", "f4")]), TypeError, "expected numbers"),
        (sparse.csr_array(X), TypeError, "dense data is required"),
        (
            pd.DataFrame(X).astype(pd.SparseDtype(float)),
            TypeError,
            r"X\.sparse\.to_dense",
        ),
        (X.reshape(-1, 8, 8), TypeError, r"3 axes.*Resize\(28\)"),
        (X.reshape(-1, 1, 8, 8), TypeError, r"4 axes.*Resize\(28\)"),
        (torch.tensor(X).reshape(-1, 8, 8), TypeError, r"3 axes.*Resize\(28\)"),
        (X.reshape(-1, 8, 8).tolist(), TypeError, r"2-D arrays.*Resize\(28\)"),
        (X.astype(float) * 1e200, ValueError, "variance overflows"),
        (X.astype(complex), ValueError, "Complex data not supported"),
    ],
)
def test_what_is_no_rows_of_numbers_is_refused(rows, error, message):
    with pytest.raises(error, match=message):
        make().fit(rows, Y)
    if "overflows" not in message:
        with pytest.raises(error, match=message):
            make().fit(X, Y).predict(rows)


def test_masked_rows_are_not_augmented_either():
    with pytest.raises(ValueError, match="masked array"):
        RandomAffine().augment_rows(np.ma.masked_array(X, X > 0.9))


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (CODES.astype(">i4"), [0, 1]),
        (CODES.astype(object), [0, 1]),
        (pd.Series(CODES, dtype="Int64"), [0, 1]),
        (pd.Series(CODES == 1, dtype="boolean"), [False, True]),
        (pd.Series(Y, dtype="string", index=range(12, 0, -1)), ["a", "b"]),
        (pd.Series(Y, dtype="category"), ["a", "b"]),
        (torch.tensor(CODES), [0, 1]),
        (CODES.astype("u8") + 2**63, [2**63, 2**63 + 1]),
        (CODES.astype("M8[D]").tolist(), None),
    ],
)
def test_labels_of_any_kind(y, expected):
    if expected is None:
        with pytest.raises(ValueError, match="Unknown label type"):
            make().fit(X, y)
        return
    classes = make().fit(X, y).classes_
    assert classes.tolist() == expected
    assert type(classes.tolist()[0]) is type(expected[0])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([None, *Y[1:]], "y has no label in 1 of 12 rows, first in row 0: None"),
        (pd.Series(Y).where(~THIRD), "no label in 1 of 12 rows, first in row 3: nan"),
        (pd.Series(Y, dtype="string").where(~THIRD), "first in row 3: <NA>"),
        (pd.Series(CODES, dtype="Int64").where(~THIRD), "first in row 3: <NA>"),
        (pd.Series(Y, dtype="category").where(~THIRD), "first in row 3"),
        ([np.nan, *Y[1:]], "first in row 0: nan"),
        (np.where(THIRD, np.nan, CODES), "Input y contains NaN"),
        (np.ma.masked_array(CODES, THIRD), "y is a masked array, of which 1"),
        ([1, *Y[1:]], r"text, such as .*'a'.* in row 1.*such as 1 in row 0"),
        (np.arange(12) / 7, "continuous"),
        (np.eye(2)[CODES], r"1d array, got an array of shape \(12, 2\)"),
        (["a"] * 12, "all of one class, 'a'"),
        (Y[:5], r"inconsistent numbers of samples: \[12, 5\]"),
        ("a", "1d array"),
        (None, "requires y"),
    ],
)
def test_labels_that_are_none_are_named(y, message):
    with pytest.raises(ValueError, match=message):
        make().fit(X, y)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (-np.ones(12), "Negative values"),
        (np.where(THIRD, np.nan, 1), "sample_weight contains NaN"),
        (np.where(THIRD, np.inf, 1), "sample_weight contains infinity"),
        (np.zeros(12), "non-zero number|is 0 for all"),
        (0, "non-zero number|is 0 for all"),
        (np.full(12, 1e308), "add up to infinity"),
        (np.ma.masked_array(np.ones(12), THIRD), "sample_weight is a masked array"),
        (["x"] * 12, "no number: could not convert string"),
        ({"a": 1}, "sample_weight holds what is no number"),
        (np.ones(4), r"\(4,\), expected \(12,\)"),
        (np.ones((12, 1)), "1D array"),
    ],
)
def test_weights_that_are_none_are_refused(weights, message):
    model = make()
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y, sample_weight=weights)
    with pytest.raises(NotFittedError):
        model.predict(X)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"class_weight": {"a": "x"}}, ValueError, "weights are numbers, finite"),
        ({"class_weight": {"a": [1]}}, ValueError, "weights are numbers, finite"),
        ({"class_weight": {"a": None}}, ValueError, "weights are numbers, finite"),
        ({"class_weight": {"a": 1e308, "b": 1e308}}, ValueError, "up to infinity"),
        ({"image_shape": (True, 64)}, ValueError, "two whole numbers"),
        ({"image_shape": (np.nan, 8)}, ValueError, "two whole numbers"),
        ({"image_shape": (np.inf, 8)}, ValueError, "two whole numbers"),
        ({"image_shape": (None, 8)}, ValueError, "two whole numbers"),
        ({"image_shape": ((8,), 8)}, ValueError, "two whole numbers"),
        ({"image_shape": (1e300, 8)}, ValueError, r"8e\+300 pixels"),
        ({"callbacks": [3]}, ValueError, r"callbacks=\[3\]; expected"),
        ({"callbacks": [("a",)]}, ValueError, "expected a list of skorch callbacks"),
        ({"learning_rate_schedule": lambda t: np.nan}, ValueError, "returned nan"),
        ({"learning_rate_schedule": lambda t: -1}, ValueError, "returned -1"),
        ({"learning_rate_schedule": lambda t: None}, ValueError, "returned None"),
        ({"learning_rate_schedule": lambda t: "x"}, ValueError, "returned 'x'"),
        ({"hidden_units": 10**13}, MemoryError, "hidden_units=10000000000000"),
        ({"learning_rate": np.inf}, ValueError, "The 'learning_rate' parameter"),
        ({"dense_dropout": np.nan}, ValueError, "The 'dense_dropout' parameter"),
    ],
)
def test_parameter_that_cannot_be_used_is_named(params, error, message):
    with pytest.raises(error, match=message):
        make(**params).fit(X, Y)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["a", "c"], r"y holds \['b'\], not among"),
        (["a"], "two labels or more"),
        ([], "two labels or more"),
        ([["a"], ["b"]], "two labels or more"),
        ("ab", "two labels or more"),
        (["a", "b", None], "classes has no label in 1 of 3"),
        (["a", "b", np.nan], "classes has no label in 1 of 3"),
        (["a", "b", 1], "classes holds text"),
        (None, "classes must be passed"),
    ],
)
def test_classes_of_partial_fit_are_checked(classes, message):
    model = make()
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X, Y, classes=classes)
    assert model.partial_fit(X, Y, classes=["b", "a"]).classes_.tolist() == ["a", "b"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.7, 0.1, -3.3, 7e5, 1e-30])
def test_images_without_contrast_are_not_blown_up(value, dtype):
    rounded = np.full((12, 64), value, dtype=np.float32).astype(dtype)
    rounded[::2] = np.nextafter(rounded[::2].astype(np.float32), np.float32(np.inf))
    assert make().fit(rounded, Y).scale_ == 1


def test_small_differences_on_a_large_offset_keep_their_scale():
    rows = X.astype(float)
    scale = make().fit(rows + 1e4, Y).scale_
    assert scale == pytest.approx(rows.std(), rel=1e-10)
