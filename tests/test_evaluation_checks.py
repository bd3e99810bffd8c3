from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import (
    RepeatedStratifiedKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from sklipo import cross_validate_particles

X = np.arange(24.0).reshape(12, 2)
Y = np.array(["a", "b"] * 6)
GROUPS = np.repeat(np.arange(6), 2)
ROWS = np.arange(12)
HALVES = [(ROWS[6:], ROWS[:6]), (ROWS[:6], ROWS[6:])]


def cross_validate(X=X, y=Y, **changes):
    return cross_validate_particles(DummyClassifier(), X, y, **{"cv": 2, **changes})


@pytest.mark.parametrize(
    "y",
    [
        list(Y),
        Y.astype(object),
        Y[:, np.newaxis],
        pd.DataFrame({"label": Y}),
        pd.Categorical(Y),
        pd.Series(Y, dtype="string"),
        pd.Series(Y == "a", dtype="boolean"),
        pd.Series(Y == "a").astype("Int64"),
        (Y == "a").astype(float),
    ],
    ids=lambda y: type(y).__name__,
)
def test_labels_of_any_container_give_the_same_matrix(y):
    matrix = cross_validate(y=y).confusion_counts
    # "b" is True where the labels are numbers, and most frequent nowhere.
    assert matrix.sum() == 12 and matrix.shape == (2, 2, 2)


@pytest.mark.parametrize(
    "groups",
    [
        list(GROUPS),
        GROUPS[:, np.newaxis],
        pd.DataFrame({"micrograph": GROUPS}),
        pd.Categorical(GROUPS),
        pd.Series(GROUPS, dtype="Int64"),
        GROUPS + 0.5,
        [f"{i}.mrc" for i in GROUPS],
        [Path(f"{i}.mrc") for i in GROUPS],
        pd.Timestamp("2020-01-01") + pd.to_timedelta(GROUPS, "D"),
    ],
    ids=lambda groups: type(groups).__name__,
)
def test_groups_of_any_kind_give_the_same_folds(groups):
    expected = cross_validate(groups=GROUPS).folds
    np.testing.assert_array_equal(cross_validate(groups=groups).folds, expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": Y[:5]}, "y has 5 values for 12 particles"),
        ({"y": np.eye(12)}, r"y, a ndarray, has shape \(12, 12\)"),
        (
            {"y": np.linspace(0, 1, 12)},
            "y holds 0.09.* in row 1; expected names or whole",
        ),
        ({"y": [None, *Y[1:]]}, "y is missing in row 0"),
        ({"y": [1, *Y[1:]]}, "y mixes numbers with text"),
        ({"y": None}, "y, a NoneType, is no sequence"),
        ({"y": ROWS}, "Class 0 has 1 particles, fewer than the 2 folds"),
        ({"y": ROWS * 0}, "All particles are of one class, 0"),
        ({"X": X[:0], "y": Y[:0]}, "X has no particles"),
        ({"X": [], "y": []}, "X has no particles"),
        ({"groups": GROUPS[:5]}, "groups has 5 values for 12 particles"),
        ({"groups": np.c_[GROUPS, GROUPS]}, r"groups, a ndarray, has shape \(12, 2\)"),
        ({"groups": [None, *GROUPS[1:]]}, "groups is missing in row 0"),
        ({"groups": [1, "1"] * 6}, "groups mixes numbers with text"),
        ({"groups": "micrograph"}, "groups, a str, is no sequence"),
        ({"groups": GROUPS, "cv": 7}, "Class 'a' has 6 particles|6 groups, fewer than"),
    ],
)
def test_labels_and_groups_that_do_not_fit(changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        cross_validate(**changes)


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        *((cv, f"cv={cv}; expected 2 folds or more") for cv in (0, 1, -5, True)),
        *(
            (cv, "cv=.*; expected a number of folds, a spl")
            for cv in ("5", 2.5, np.nan)
        ),
        (10**12, "Class 'a' has 6 particles, fewer than the 1000000000000 folds"),
        (StratifiedKFold, r"cv is the class StratifiedKFold; expected an instance"),
        (RepeatedStratifiedKFold(n_splits=2, n_repeats=3), "row 0 is tested 3 times"),
        (TimeSeriesSplit(2), "row 0 is tested 0 times"),
        ([], "row 0 is tested 0 times"),
        ([HALVES[0]], "row 6 is tested 0 times"),
        ([*HALVES, HALVES[0]], "row 0 is tested 2 times"),
        ([(ROWS, ROWS[:6]), HALVES[1]], "Fold 0 of cv tests row 0, which it trains on"),
        ([HALVES[0], (ROWS[:6] - 12, ROWS[6:])], "Fold 1 of cv trains on row -12"),
        ([(ROWS[6:] + 1, ROWS[:6]), HALVES[1]], "Fold 0 of cv trains on row 12"),
        ([([], ROWS)], "Fold 0 of cv trains on no particle"),
        ([*HALVES, (ROWS, [])], "Fold 2 of cv tests no particle"),
        ([(ROWS[6:] / 1, ROWS[:6])], "dtype float64; expected a list of whole numbers"),
        ([(ROWS[6:, None], ROWS[:6])], r"trains on rows of shape \(6, 1\)"),
        ([("ab", "cd")], "dtype <U2; expected a list of whole numbers"),
        ([(ROWS < 3, ROWS[:5] > 2)], r"tests rows of shape \(5,\) and dtype bool"),
        ([1, 2, 3], "Fold 0 of cv is a int; expected a pair"),
        ([(ROWS, ROWS, ROWS)], "Fold 0 of cv is a tuple; expected a pair"),
        ({0: 1}, "Fold 0 of cv is a int; expected a pair"),
    ],
)
def test_folds_that_do_not_work(cv, message):
    with pytest.raises((TypeError, ValueError), match=message):
        cross_validate(cv=cv)


@pytest.mark.parametrize(
    "cv",
    [
        HALVES,
        iter(HALVES),
        (pair for pair in HALVES),
        [(list(train), list(test)) for train, test in HALVES],
        [(ROWS >= 6, ROWS < 6), (ROWS < 6, ROWS >= 6)],
        [(np.repeat(train, 2), test) for train, test in HALVES],
    ],
    ids=["pairs", "iterator", "generator", "lists", "masks", "twice in training"],
)
def test_folds_may_be_given(cv):
    assert cross_validate(cv=cv).folds.tolist() == [0] * 6 + [1] * 6


def test_labels_with_the_index_in_another_order_are_warned_of():
    table = pd.DataFrame(X).sample(frac=1, random_state=0)
    with pytest.warns(UserWarning, match="X and y have the same index") as caught:
        cross_validate(table, pd.Series(Y))
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="X and groups have the same index"):
        cross_validate(table, Y, groups=pd.Series(GROUPS))
    assert (cross_validate(table, pd.Series(Y, table.index)).y_true == Y).all()


def test_a_list_has_no_index_of_rows():
    assert cross_validate(X.tolist()).index is None
