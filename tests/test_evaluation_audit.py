from io import StringIO

import numpy as np
import pandas as pd
import pytest

from sklipo import draw_audit
from sklipo.evaluation._audited import check_audit

SIZES = {"empty": 30, "full": 260, "unsure": 10}


def make_sample(seed=0):
    """Return predictions of 300 particles and their micrographs, of unequal sizes."""
    rng = np.random.default_rng(seed)
    y_pred = rng.permutation(np.repeat(list(SIZES), list(SIZES.values())))
    return y_pred, np.sort(rng.choice(12, 300, p=np.arange(1, 13) / 78))


def fill_in(audit):
    """Return the audit with the predictions as labels."""
    return audit.assign(label=audit["prediction"])


def through_csv(table, **options):
    """Return a table as a file gives it back."""
    return pd.read_csv(StringIO(table.to_csv(index=False)), **options)


def test_each_particle_is_drawn_with_the_probability_that_is_told():
    y_pred, groups = make_sample()
    n_draws, times = 5000, np.zeros(300)
    random_state = np.random.RandomState(0)
    for _ in range(n_draws):
        audit = draw_audit(
            y_pred, 40, groups=groups, y_pred=y_pred, random_state=random_state
        )
        assert len(audit) == 40
        times[audit["row"]] += 1
    probability = pd.Series(audit["probability"].to_numpy(), audit["prediction"])
    expected = y_pred.copy().astype(object)
    for label in SIZES:
        expected[y_pred == label] = probability[label].iloc[0]
    expected = expected.astype(float)
    deviation = np.sqrt(n_draws * expected * (1 - expected))
    # Of 300 normal numbers the largest is seldom above 4.
    assert np.abs((times - n_draws * expected) / deviation).max() < 4.2


def test_labels_go_by_the_root_of_the_size_within_bounds():
    y_pred, groups = make_sample()

    def numbers(n):
        audit = draw_audit(y_pred, n, groups=groups, y_pred=y_pred, random_state=0)
        sizes = audit["prediction"].value_counts()
        assert np.isclose((1 / audit["probability"]).sum(), 300)
        return [sizes[label] for label in SIZES]

    roots = np.sqrt(list(SIZES.values()))
    np.testing.assert_allclose(numbers(60), 60 * roots / roots.sum(), atol=0.51)
    # Five where there are as many labels, fewer where there are not, at least two.
    assert numbers(18) == [5, 8, 5]
    assert numbers(12) == [4, 4, 4]
    assert numbers(6) == [2, 2, 2]
    # No class has more than it has particles.
    assert numbers(120)[2] == 10
    assert numbers(299) == [30, 259, 10]
    assert numbers(300) == [30, 260, 10]


def test_single_particles_of_a_class_are_drawn():
    y_pred = np.repeat(["full", "rare"], [50, 1])
    audit = draw_audit(y_pred, 3, y_pred=y_pred, random_state=0)
    assert audit["prediction"].tolist() == ["full", "full", "rare"]
    assert audit["probability"].tolist() == [0.04, 0.04, 1]


def test_draw_is_spread_over_micrographs():
    groups = make_sample()[1]
    n_members = np.bincount(groups)
    for seed in range(20):
        audit = draw_audit(groups, 30, groups=groups, random_state=seed)
        n_drawn = np.bincount(audit["group"], minlength=12)
        assert (np.abs(n_drawn - n_members / 10) < 1).all()
    # Simple random sampling, as without groups, leaves these bounds at once.
    audit = draw_audit(groups, 30, random_state=0)
    n_drawn = np.bincount(groups[audit["row"]], minlength=12)
    assert (np.abs(n_drawn - n_members / 10) > 1).any()


def test_same_seed_same_draw():
    y_pred, groups = make_sample()
    draws = [
        draw_audit(y_pred, 40, groups=groups, y_pred=y_pred, random_state=seed)
        for seed in (0, 0, 1)
    ]
    pd.testing.assert_frame_equal(draws[0], draws[1])
    assert draws[0]["row"].tolist() != draws[2]["row"].tolist()


def test_the_table_keeps_index_and_order_of_the_particles():
    y_pred, groups = make_sample()
    particles = pd.DataFrame({"y": y_pred}, index=np.arange(300) // 2 + 5)
    audit = draw_audit(particles, 20, groups=groups, y_pred=y_pred, random_state=0)
    assert audit.columns.tolist() == [
        "row", "group", "prediction", "probability", "label",
    ]  # fmt: skip
    assert audit["row"].is_monotonic_increasing
    assert audit.index.tolist() == particles.index[audit["row"]].tolist()
    assert audit["group"].tolist() == groups[audit["row"]].tolist()
    assert audit["prediction"].tolist() == y_pred[audit["row"]].tolist()
    assert audit["label"].isna().all()
    assert audit["label"].dtype == object
    assert draw_audit([0] * 5, 5).columns.tolist() == ["row", "probability", "label"]


def test_forgotten_micrographs_are_told():
    particles = pd.DataFrame({"micrograph": ["a"] * 20})
    with pytest.warns(UserWarning, match="not spread over the micrographs") as caught:
        draw_audit(particles, 5)
    assert caught[0].filename == __file__


def test_other_orders_are_told():
    particles = pd.DataFrame({"y": list("abcd") * 5})
    mixed = particles["y"].sample(frac=1, random_state=0)
    with pytest.warns(UserWarning, match="y_pred have the same index in another"):
        draw_audit(particles, 10, y_pred=mixed)
    with pytest.warns(UserWarning, match="groups have the same index in another"):
        draw_audit(particles, 10, groups=mixed)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"n": 31}, ValueError, "n=31, but there are 30 particles"),
        ({"n": 0}, ValueError, "The 'n' parameter of draw_audit"),
        ({"n": 2.5}, ValueError, "The 'n' parameter of draw_audit"),
        ({"n": 3}, ValueError, "n=3 is too small; expected 4 or more: 2 of each"),
        ({"n": 1, "y_pred": None}, ValueError, "n=1 is too small; expected 2 or"),
        ({"particles": 30}, TypeError, "Expected sequence"),
        ({"particles": "table.csv"}, TypeError, "particles is a str"),
        ({"particles": {"image": []}}, TypeError, "particles is a dict"),
        ({"particles": [], "n": 1}, ValueError, "n=1, but there are 0 particles"),
        ({"groups": [1, 2]}, ValueError, "groups has 2 values for 30 particles"),
        ({"y_pred": ["a"]}, ValueError, "y_pred has 1 values for 30 particles"),
        ({"y_pred": ["a", None] * 15}, ValueError, "y_pred is missing in row 1"),
        ({"groups": [np.nan] * 30}, ValueError, "groups is missing in row 0"),
        ({"y_pred": [1, "a"] * 15}, TypeError, "y_pred mixes numbers with text"),
        ({"random_state": "a"}, ValueError, "The 'random_state' parameter"),
    ],
)
def test_bad_draws_are_refused(changes, error, message):
    arguments = {"particles": [0] * 30, "n": 10, "y_pred": ["a", "b"] * 15, **changes}
    with pytest.raises(error, match=message):
        draw_audit(**arguments)


@pytest.mark.parametrize(
    "as_given",
    [
        list,
        np.array,
        pd.Series,
        lambda y: pd.Series(y, dtype="string"),
        lambda y: pd.Series(y, dtype="category"),
        lambda y: pd.Series(y).fillna(" "),
        lambda y: pd.DataFrame({"label": y}),
        lambda y: pd.Series(y).to_numpy()[:, None],
    ],
)
def test_labels_with_gaps(as_given):
    labels = [None, "full", "empty"] * 10
    rows, found, probabilities = check_audit(as_given(labels), 30)
    assert rows.tolist() == [i for i in range(30) if i % 3]
    assert found.tolist() == ["full", "empty"] * 10
    assert found.dtype.kind == "U"
    assert probabilities is None


@pytest.mark.parametrize(
    "labels",
    [
        [1.0, np.nan, 0.0],
        pd.array([1, pd.NA, 0], "Int64"),
        pd.array([True, pd.NA, False], "boolean"),
        np.ma.masked_equal([1, 7, 0], 7),
    ],
)
def test_numbers_with_gaps(labels):
    labels = np.ma.concatenate([labels] * 10) if np.ma.isMA(labels) else labels
    labels = pd.concat([pd.Series(labels)] * 10) if len(labels) == 3 else labels
    rows, found, _ = check_audit(labels, 30)
    assert rows.tolist() == [i for i in range(30) if i % 3 != 1]
    assert found.dtype.kind in "biuf"
    assert found.tolist() == [1, 0] * 10


def test_everything_may_be_audited():
    rows, labels, _ = check_audit(["a", "b"] * 10, 20)
    assert rows.tolist() == list(range(20))
    assert labels.tolist() == ["a", "b"] * 10


def test_series_in_another_order_is_told():
    labels = pd.Series(["full"] * 20, index=[f"p{i}" for i in range(20)])
    with pytest.warns(UserWarning, match="audited have the same index in another"):
        check_audit(labels, 20, index=labels.index[::-1])
    check_audit(labels, 20, index=labels.index)
    check_audit(labels, 20, index=pd.RangeIndex(20))


@pytest.mark.parametrize("kind", ["as it is", "csv", "csv as text", "sorted", "index"])
def test_a_draw_comes_back(kind):
    y_pred, groups = make_sample()
    audit = draw_audit(y_pred, 40, groups=groups, y_pred=y_pred, random_state=0)
    given = {
        "as it is": lambda table: table,
        "csv": through_csv,
        "csv as text": lambda table: through_csv(table, dtype=str),
        "sorted": lambda table: table.sort_values(["label", "row"], ascending=False),
        "index": lambda table: table.set_axis(["one"] * 40),
    }[kind](fill_in(audit))
    rows, labels, probabilities = check_audit(given, 300)
    assert rows.dtype.kind == "i"
    assert rows.tolist() == audit["row"].tolist()
    assert labels.tolist() == audit["prediction"].tolist()
    np.testing.assert_allclose(probabilities, audit["probability"], rtol=1e-12)


@pytest.mark.parametrize("with_predictions", [True, False])
def test_drawn_particles_without_a_label_are_left_out(with_predictions):
    y_pred, groups = make_sample()
    audit = fill_in(draw_audit(y_pred, 40, groups=groups, y_pred=y_pred))
    is_full = audit["prediction"] == "full"
    is_lost = is_full & (is_full.cumsum() <= 4)
    audit.loc[is_lost, "label"] = None
    if not with_predictions:
        audit = audit.drop(columns=["prediction", "group"])
    with pytest.warns(UserWarning, match="^4 of 40 drawn particles have no label"):
        rows, labels, probabilities = check_audit(through_csv(audit), 300)
    assert rows.tolist() == audit.loc[~is_lost, "row"].tolist()
    assert len(labels) == 36
    if with_predictions:
        # Those that are left stand for their whole stratum.
        sums = pd.Series(1 / probabilities).groupby(labels).sum()
        assert sums.to_dict() == pytest.approx(SIZES)
    else:
        np.testing.assert_allclose(
            probabilities, audit.loc[~is_lost, "probability"] * 0.9
        )


def test_a_predicted_class_without_labels_is_named():
    y_pred, _ = make_sample()
    audit = fill_in(draw_audit(y_pred, 40, y_pred=y_pred))
    audit.loc[audit["prediction"] == "unsure", "label"] = ""
    with pytest.warns(UserWarning, match=r"None is left of those predicted \['unsure'"):
        rows, *_ = check_audit(audit, 300)
    assert (y_pred[rows] != "unsure").all()


def test_dropped_rows_and_other_samples_are_told():
    y_pred, _ = make_sample()
    audit = fill_in(draw_audit(y_pred, 40, y_pred=y_pred))
    with pytest.warns(UserWarning, match="rows of the audit were dropped"):
        check_audit(audit.iloc[3:], 300)
    with pytest.warns(
        UserWarning, match=r"stand for 300.0 particles, but there are 40"
    ):
        check_audit(audit, 400)


@pytest.mark.parametrize(
    ("audited", "error", "message"),
    [
        (["a"] * 9 + [None] * 21, ValueError, "labels of 9 particles; expected 10 or"),
        (["a"] + [None] * 29, ValueError, "labels of 1 particles; expected 10 or"),
        ([None] * 30, ValueError, "labels of 0 particles; expected 10"),
        ([], ValueError, "audited has 0 entries for 30 particles"),
        (["a"] * 20, ValueError, r"audited has 20 entries .* audited.reindex"),
        ("full", ValueError, "audited, a str, is no sequence"),
        ({"a": 1}, ValueError, "audited, a dict, is no sequence"),
        (np.zeros((30, 2)), ValueError, "has shape"),
        (["a", 1, None] * 10, TypeError, "mixes text with numbers: 'a' in row 0, 1 in"),
        ([None, "a", 1] * 10, TypeError, "row 2"),
        ([0.5, None, 1] * 10, ValueError, "audited holds 0.5 in row 0"),
        (pd.date_range("2026", periods=30), TypeError, "Timestamp|datetime"),
    ],
)
def test_bad_labels_are_refused(audited, error, message):
    with pytest.raises(error, match=message):
        check_audit(audited, 30)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": None}, "no column 'label', only"),
        ({"row": None}, "no column 'row', only"),
        ({"probability": None}, "no column 'probability', only"),
        ({"row": 30}, r"'row' of audited holds 30 in row 1 .* from 0 to 29"),
        ({"row": -1}, "'row' of audited holds -1"),
        ({"row": 1.5}, "'row' of audited holds 1.5"),
        ({"row": np.nan}, "'row' of audited holds nan"),
        ({"row": "x"}, "'row' of audited holds 'x'"),
        ({"row": 0}, r"'row' of audited holds [0-9]+ in row 1 .*each row once"),
        (
            {"probability": 0},
            "'probability' of audited holds 0 in row 1 .* above 0 and up to 1",
        ),
        ({"probability": 1.1}, "'probability' of audited holds 1.1"),
        ({"probability": np.nan}, "'probability' of audited holds nan"),
        ({"probability": "0,5"}, "'probability' of audited holds '0,5'"),
    ],
)
def test_bad_draws_that_come_back_are_refused(changes, message):
    audit = draw_audit([0] * 30, 15, random_state=0).assign(label="full")
    for name, value in changes.items():
        values = pd.Series(audit[name].tolist(), audit.index, object)
        values.iloc[1] = values.tolist()[0] if (name, value) == ("row", 0) else value
        audit = audit.drop(columns=name)
        if value is not None:
            audit[name] = values
    with pytest.raises(ValueError, match=message):
        check_audit(audit, 30)


def test_an_empty_draw_is_refused():
    audit = draw_audit([0] * 30, 15, random_state=0)
    with pytest.raises(ValueError, match="audited has no rows"):
        check_audit(audit.iloc[:0], 30)
    with pytest.raises(ValueError, match="audited has labels of 0"):
        check_audit(audit, 30)
    with pytest.raises(ValueError, match="several columns of the name 'row'"):
        check_audit(pd.concat([audit, audit["row"]], axis=1), 30)
