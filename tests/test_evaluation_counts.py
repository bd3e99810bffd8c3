import numpy as np
import pandas as pd
import pytest

from sklipo import count_by
from sklipo.datasets import make_liposomes


@pytest.fixture
def particles():
    """Return a table of 30 particles of two samples, without pixels."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "micrograph": rng.choice(["m1", "m2", "m10"], 30),
            "sample": np.repeat(["second", "first"], 15),
            "day": np.repeat([2, 1], 15),
        },
        index=np.arange(30) // 2,
    )


@pytest.fixture
def y_pred():
    return np.random.default_rng(1).choice(["full", "empty", "unsure"], 30)


@pytest.mark.parametrize("by", ["micrograph", ["sample", "micrograph"], ["day"]])
def test_counts_are_those_of_crosstab(particles, y_pred, by):
    table = count_by(particles, y_pred, by)
    columns = [by] if isinstance(by, str) else by
    keys = [particles[column].to_numpy() for column in columns]
    expected = pd.crosstab(keys, y_pred)
    assert table.index.tolist() == expected.index.tolist()
    assert table.index.names == columns
    assert table.columns.tolist() == ["n", "empty", "full", "unsure"]
    assert table["n"].tolist() == expected.sum(axis=1).tolist()
    shares = expected.to_numpy() / expected.sum(axis=1).to_numpy()[:, None]
    np.testing.assert_allclose(table.iloc[:, 1:], shares, rtol=1e-12)


def test_micrographs_are_the_usual_groups(particles, y_pred):
    pd.testing.assert_frame_equal(
        count_by(particles, y_pred), count_by(particles, y_pred, ["micrograph"])
    )


def test_classes_without_a_particle_in_a_group_are_zero():
    particles = pd.DataFrame({"micrograph": ["a", "b", "b"]})
    table = count_by(particles, [1, 0, 0])
    assert table.to_numpy().tolist() == [[1, 0, 1], [2, 1, 0]]
    assert table.columns.tolist() == ["n", 0, 1]
    assert table["n"].dtype.kind == "i"


def test_categories_keep_their_order_and_unused_ones_are_no_groups(particles, y_pred):
    order = ["unused", "m2", "m10", "m1"]
    particles["micrograph"] = pd.Categorical(particles["micrograph"], order)
    assert count_by(particles, y_pred).index.tolist() == ["m2", "m10", "m1"]
    y_pred = pd.Categorical(y_pred, ["unsure", "full", "empty", "never"])
    table = count_by(particles, y_pred, ["day", "micrograph"])
    assert table.columns.tolist() == ["n", "empty", "full", "unsure"]
    assert len(table) == 6


def test_table_with_images():
    particles = make_liposomes(20, random_state=0)
    table = count_by(particles, particles["label"])
    assert table["n"].sum() == 20
    with pytest.raises(TypeError, match="'image' holds ndarray; expected names"):
        count_by(particles, particles["label"], "image")


@pytest.mark.parametrize(
    "values",
    [
        pd.array([1, 2] * 15, "Int64"),
        pd.array(["a", "b"] * 15, "string"),
        pd.to_datetime(["2026-01-01", "2026-01-02"] * 15),
        pd.to_datetime(["2026-01-01", "2026-01-02"] * 15, utc=True),
        [True, False] * 15,
        [0.5, 1.5] * 15,
    ],
)
def test_groups_may_be_of_any_kind(particles, y_pred, values):
    particles = particles.assign(sample=values)
    assert count_by(particles, y_pred, "sample")["n"].tolist() == [15, 15]


def test_predictions_in_another_order_are_told(particles, y_pred):
    particles = particles.reset_index(drop=True)
    y_pred = pd.Series(y_pred).sample(frac=1, random_state=0)
    with pytest.warns(UserWarning, match="same index in another order") as caught:
        count_by(particles, y_pred)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("by", "error", "message"),
    [
        (
            "Micrograph",
            ValueError,
            "no column 'Micrograph'. Did you mean 'micrograph'?",
        ),
        (["sample", "micrographs"], ValueError, "Did you mean 'micrograph'?"),
        ("grid", ValueError, r"no column 'grid'. Its columns are \['micrograph', 'sam"),
        (None, ValueError, "no column None"),
        ([], TypeError, r"by=\[\]; expected the name of a column"),
        ({"a": 1}, TypeError, r"by=\{'a': 1\}; expected the name of a column"),
        ([["sample"]], TypeError, "expected the name of a column"),
        (["day", "day"], ValueError, "names a column twice"),
        ("gaps", ValueError, "The column 'gaps' is missing in row 1 "),
        ("mixed", TypeError, "The column 'mixed' mixes numbers with text"),
        ("lists", TypeError, "The column 'lists' holds list"),
    ],
)
def test_bad_columns_are_refused(particles, y_pred, by, error, message):
    particles["gaps"] = ["a", None] * 15
    particles["mixed"] = [1, "a"] * 15
    particles["lists"] = [[1]] * 30
    with pytest.raises(error, match=message):
        count_by(particles, y_pred, by)


@pytest.mark.parametrize(
    ("y_pred", "error", "message"),
    [
        (["full"] * 29, ValueError, "y_pred has 29 values for 30 particles"),
        (["full", None] * 15, ValueError, "y_pred is missing in row 1"),
        (["full", 1] * 15, TypeError, "y_pred mixes text with numbers"),
        ([0.5] * 30, ValueError, "expected names or whole numbers of classes"),
        ("full", ValueError, "y_pred, a str, is no sequence"),
        (["n", "full"] * 15, ValueError, "'n', as the column of numbers is. Rename"),
        (["micrograph"] * 30, ValueError, "'micrograph', as the column of groups is"),
    ],
)
def test_bad_predictions_are_refused(particles, y_pred, error, message):
    with pytest.raises(error, match=message):
        count_by(particles, y_pred)


def test_bad_tables_are_refused(particles, y_pred):
    with pytest.raises(TypeError, match="particles is a list; expected a DataFrame"):
        count_by([1, 2], y_pred)
    with pytest.raises(ValueError, match="'micrograph' is empty"):
        count_by(particles.iloc[:0], y_pred)
    twice = pd.concat([particles, particles], axis=1)
    with pytest.raises(ValueError, match="several columns of the name 'micrograph'"):
        count_by(twice, y_pred)
