import pickle
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy.stats import bootstrap, ttest_rel
from scipy.stats import t as student
from sklearn.metrics import matthews_corrcoef

from sklipo.evaluation import CrossValidationResult, _bootstrap, _intervals
from sklipo.labeling import agreement_table
from sklipo.metrics import baseline_table, classification_table

LABELS = np.array(["empty", "full", "uncertain"])


def make_result(seed=0, share=0.7, n_groups=30, **changes):
    """Return a result of which a share is right, in five folds of whole groups."""
    rng = np.random.default_rng(seed)
    groups = np.random.default_rng(0).integers(0, n_groups, 300)
    groups[:n_groups] = np.arange(n_groups)
    codes = np.random.default_rng(1).choice(3, 300, p=[0.1, 0.7, 0.2])
    y_proba = rng.dirichlet(np.ones(3), 300)
    y_proba[rng.random(300) < share] = 0.02
    y_proba[np.arange(300), codes] += y_proba.sum(axis=1) < 0.5
    y_proba /= y_proba.sum(axis=1, keepdims=True)
    fields = {
        "classes": LABELS,
        "y_true": LABELS[codes],
        "y_pred": LABELS[y_proba.argmax(axis=1)],
        "folds": groups % 5,
        "y_proba": y_proba,
        "groups": groups,
        "index": pd.Index(np.arange(300) + 1000),
    }
    return CrossValidationResult(**{**fields, **changes})


def test_summary_is_that_of_each_fold_and_of_all():
    result = make_result()
    summary = result.summary()
    pooled = baseline_table(result.y_true, result.y_pred, result.y_proba)
    expected = pooled.loc["prediction"].to_dict()
    assert summary["pooled"].to_dict() == pytest.approx(expected, rel=1e-12)
    folds = [result.folds == i for i in range(5)]
    scores = [matthews_corrcoef(result.y_true[f], result.y_pred[f]) for f in folds]
    assert summary.loc["MCC", "mean"] == pytest.approx(np.mean(scores))
    assert summary.loc["MCC", "std"] == pytest.approx(np.std(scores, ddof=1))
    assert (summary["n_folds"] == 5).all()


def test_summary_of_a_class_is_its_row_of_the_table():
    result = make_result()
    for label in LABELS:
        row = result.classification_table().loc[label].drop("support")
        summary = result.summary(label)
        assert summary["pooled"].to_dict() == pytest.approx(row.to_dict(), rel=1e-12)
    per_fold = result.classification_table(per_fold=True)["TPR"].unstack("class")
    assert summary.loc["TPR", "mean"] == pytest.approx(per_fold["uncertain"].mean())


@pytest.mark.parametrize("grouped", [True, False])
def test_interval_is_that_of_scipy_bootstrap(grouped):
    result = make_result() if grouped else make_result(groups=None)
    units = result.groups if grouped else np.arange(300)
    members = [np.flatnonzero(units == unit) for unit in np.unique(units)]
    is_right = result.y_true == result.y_pred

    def score(drawn):
        rows = np.concatenate([members[i] for i in drawn])
        y_true, right = result.y_true[rows], is_right[rows]
        return np.mean([right[y_true == label].mean() for label in LABELS])

    expected = bootstrap(
        (np.arange(len(members)),),
        score,
        n_resamples=2000,
        method="percentile",
        vectorized=False,
        rng=np.random.default_rng(0),
    ).confidence_interval
    interval = result.summary(n_resamples=2000).loc["balanced_accuracy"]
    # The ends of intervals from 2,000 samples scatter by about a twentieth of a width.
    width = expected.high - expected.low
    assert interval["low"] == pytest.approx(expected.low, abs=0.1 * width)
    assert interval["high"] == pytest.approx(expected.high, abs=0.1 * width)


def test_interval_covers_the_truth():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(50), 4)
    n_covered = 0
    for _ in range(200):
        # Groups are right or wrong as a whole, 70 % of them right.
        right = np.repeat(rng.random(50) < 0.7, 4)
        y_true = np.tile(["a", "b"], 100)
        y_pred = np.where(right, y_true, np.where(y_true == "a", "b", "a"))
        result = CrossValidationResult(
            classes=np.array(["a", "b"]),
            y_true=y_true,
            y_pred=y_pred,
            folds=groups % 5,
            groups=groups,
        )
        row = result.summary(n_resamples=300).loc["accuracy"]
        n_covered += row["low"] <= 0.7 <= row["high"]
    # 95 % less what percentiles of few groups lack; single particles would cover 63 %.
    assert 0.89 <= n_covered / 200 <= 0.99


def test_same_seed_same_interval():
    result = make_result()
    summary = result.summary()
    pd.testing.assert_frame_equal(summary, make_result().summary())
    pd.testing.assert_frame_equal(summary, result.summary(random_state=0))
    other = result.summary(random_state=1)
    assert other.loc["F1", "low"] != summary.loc["F1", "low"]
    low = summary.loc["balanced_accuracy", "low"]
    assert f"95 % interval {low:.3f} to" in repr(result)


def test_a_single_group_has_no_interval_and_says_so():
    y = np.array(["empty", "full"] * 4)
    result = CrossValidationResult(
        classes=np.unique(y),
        y_true=y,
        y_pred=y[[1, 1, 2, 3, 4, 5, 6, 7]],
        folds=np.repeat([0, 1], 4),
        groups=np.zeros(8, int),
    )
    assert result.summary()[["low", "high"]].isna().all(axis=None)
    assert "8 particles of a single group in 2 folds" in repr(result)
    assert "0.875, no interval, as nothing tells how other groups" in repr(result)
    assert "nan" not in repr(result)


def test_a_result_draws_its_samples_once(monkeypatch):
    calls = []

    def resample(*args):
        calls.append(args)
        return _bootstrap.resample(*args)

    monkeypatch.setattr(_intervals, "resample", resample)
    result = make_result()
    repr(result)
    result._repr_html_()
    for label in (None, *LABELS):
        result.summary(label)
    assert len(calls) == 1
    result.summary(n_resamples=10)
    result.summary(random_state=1)
    assert len(calls) == 3


@pytest.mark.parametrize("random_state", [None, 0, "instance"])
def test_a_result_does_not_differ_from_itself(random_state):
    if random_state == "instance":
        random_state = np.random.RandomState(0)
    # Nor from itself without groups: both are resampled by the groups of the first.
    for other in (make_result(), make_result(groups=None)):
        table = make_result().compare(other, random_state=random_state)
        assert (table[["difference", "low", "high"]] == 0).all(axis=None)


def test_comparison_is_paired():
    good, bad = make_result(1, share=0.9), make_result(2, share=0.3)
    table = good.compare(bad)
    difference = good.summary()["pooled"] - bad.summary()["pooled"]
    assert table["difference"].to_dict() == pytest.approx(difference.to_dict())
    pd.testing.assert_series_equal(
        -bad.compare(good)["high"], table["low"], check_names=False
    )
    assert table.loc["accuracy", "low"] > 0
    assert table.loc["log_loss", "high"] < 0
    width = (table["high"] - table["low"])["accuracy"]
    widths = [
        (r.summary()["high"] - r.summary()["low"])["accuracy"] for r in (good, bad)
    ]
    # Independent intervals would add up in quadrature or more.
    assert width < 1.1 * np.hypot(*widths)


def test_p_value_is_the_plain_one_but_for_the_variance():
    good, bad = make_result(1), make_result(2, share=0.5)
    scores = [
        r.classification_table(per_fold=True)["TPR"].unstack("class").mean(axis=1)
        for r in (good, bad)
    ]
    plain = ttest_rel(*scores)
    # The variance of the mean is 1/5 + 1/4 of that of the folds, instead of 1/5.
    expected = 2 * student.sf(abs(plain.statistic) / np.sqrt(1 + 5 / 4), 4)
    table = good.compare(bad)
    assert table.loc["balanced_accuracy", "p_value"] == pytest.approx(expected)
    assert (good.compare(good)["p_value"] == 1).all()


def test_comparison_leaves_out_what_one_model_lacks():
    table = make_result().compare(make_result(y_proba=None))
    expected = make_result().summary().index.drop("log_loss")
    assert table.index.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folds": np.arange(300) % 5}, "not of the same folds"),
        ({"y_true": np.repeat(LABELS, 100)}, "not of the same particles"),
    ],
)
def test_comparison_of_other_folds_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make_result().compare(make_result(**changes))


def test_frame_has_a_row_for_each_particle():
    result = make_result()
    frame = result.to_frame()
    assert frame.index.tolist() == list(range(1000, 1300))
    assert frame.columns.tolist() == [
        *("y_true", "y_pred", "correct", "fold", "group"),
        *(f"proba_{label}" for label in LABELS),
    ]
    assert frame["correct"].mean() == result.summary().loc["accuracy", "pooled"]
    assert "group" not in make_result(groups=None).to_frame()


def test_folds_without_a_class_are_named_and_not_counted():
    y_true = np.where(np.arange(40) % 2, "full", "empty")
    y_true[20:] = "full"
    result = CrossValidationResult(
        classes=np.array(["empty", "full"]),
        y_true=y_true,
        y_pred=y_true,
        folds=np.repeat([0, 1], 20),
    )
    assert result.missing_classes == {1: ["empty"]}
    assert "fold 1 tests no particle of ['empty']" in repr(result)
    summary = result.summary("empty")
    assert summary.loc["TPR", ["mean", "n_folds"]].tolist() == [1, 1]
    table = result.classification_table(per_fold=True)
    assert np.isnan(table.loc[(1, "empty"), "TPR"])
    assert "log_loss" not in result.summary().index


def test_representations():
    result = make_result()
    assert repr(result).startswith(
        "CrossValidationResult of 300 particles of 30 groups"
    )
    html = result._repr_html_()
    for text in ("balanced_accuracy", "uncertain", "thesis_F1", "95 % interval"):
        assert text in html
    assert "over particles" in repr(make_result(groups=None))


def test_plot_shows_the_mean_confusion_matrix():
    result = make_result()
    figure = Figure()
    display = result.plot(ax=figure.subplots())
    assert display.figure_ is figure
    texts = [text.get_text() for text in display.ax_.texts]
    assert len(texts) == 9
    assert texts[0].startswith(
        f"{result.mean_confusion_matrix(normalize=True).iloc[0, 0]:.2f}"
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make_result().summary("ful"), r"no class 'ful'; there are \['empty'"),
        (lambda: make_result(classes=LABELS[:2]), "'uncertain', which is not among"),
    ],
)
def test_unknown_classes(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def small_fields(**changes):
    """Return the fields of a small result, some of them changed."""
    y = np.array(["a", "b"] * 3)
    fields = {
        "classes": np.array(["a", "b"]),
        "y_true": y,
        "y_pred": y[[0, 0, 2, 3, 4, 5]],
        "folds": np.repeat([0, 1, 2], 2),
        "y_proba": np.full((6, 2), 0.5),
        "groups": np.arange(6),
    }
    return {**fields, **changes}


def use_everything(result):
    """Call all that a result can tell."""
    repr(result)
    result._repr_html_()
    result.summary()
    result.compare(result)
    result.to_frame()
    result.mean_confusion_matrix(normalize=True)
    for per_fold in (False, True):
        result.classification_table(per_fold=per_fold)
    for label in result.classes.tolist():
        result.summary(label)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folds": [-1, -1, 0, 0, 1, 1]}, r"folds holds \[-1, 0, 1\]; expected the"),
        ({"folds": [0, 0, 1, 1, 7, 7]}, r"folds holds \[0, 1, 7\]"),
        ({"folds": [10**9] * 6}, "folds holds"),
        ({"folds": [0.5, 0, 1, 1, 2, 2]}, "folds holds"),
        ({"folds": [True, False] * 3}, "folds holds"),
        ({"folds": ["0", "1", "2"] * 2}, "folds holds"),
        ({"folds": [0, 1]}, "folds has 2 values for 6 particles"),
        ({"folds": [0, 0, np.nan, 1, 1, 1]}, "folds is missing in row 2"),
        ({"folds": None}, "folds, a NoneType, is no sequence"),
        ({"y_pred": ["a", "b"]}, "y_pred has 2 values for 6 particles"),
        ({"y_pred": ["a"] * 5 + [None]}, "y_pred is missing in row 5"),
        ({"y_pred": [0, 1] * 3}, r"y_true holds text \('a'\), but y_pred numbers"),
        ({"y_pred": ["c"] * 6}, "class 'c', which is not among classes"),
        ({"y_true": [0.5] * 6}, "y_true holds 0.5 in row 0"),
        ({"y_true": []}, "y_true is empty"),
        ({"classes": ["a"]}, "class 'b', which is not among classes"),
        ({"classes": ["a", "a", "b"]}, "classes has 'a' 2 times"),
        ({"classes": [0, 1]}, "classes numbers"),
        ({"y_proba": np.full((6, 2), 2.0)}, "y_proba is 2 in row 0"),
        ({"y_proba": np.full((6, 2), 0.1)}, "y_proba sums up to 0.2 in row 0"),
        ({"y_proba": np.full((6, 3), 1 / 3)}, r"y_proba has shape \(6, 3\)"),
        ({"groups": [1, 2]}, "groups has 2 values for 6 particles"),
        ({"groups": ["a", None] * 3}, "groups is missing in row 1"),
        ({"groups": [1, "1"] * 3}, "groups mixes numbers with text"),
        ({"index": range(5)}, "index has 5 values for 6 particles"),
        ({"index": [].index}, "index, a builtin_function_or_method, is no sequence"),
        ({"fit_times": [1.0]}, "fit_times, a list, has 1 values for 3 folds"),
        ({"estimators": 3}, "estimators, a int, has 0 values for 3 folds"),
    ],
)
def test_fields_that_disagree_are_refused(changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        CrossValidationResult(**small_fields(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"y_proba": np.full((6, 2), np.nan)},
        {"y_proba": np.array([[np.nan, np.nan]] + [[0.5, 0.5]] * 5)},
        {"y_proba": None, "groups": None},
        {"folds": [0] * 6},
        {"folds": range(6)},
        {"folds": np.repeat([0.0, 1.0, 2.0], 2)},
        {"classes": ["a", "b", "never"], "y_proba": None},
        {"classes": ["a"], "y_true": ["a"] * 6, "y_pred": ["a"] * 6, "y_proba": None},
        *(
            {"classes": names, "y_true": names * 3, "y_pred": names[:1] * 6}
            for names in ([0, 1], [False, True], [-1.0, 1.0], ["", " "], ["$a$", "_"])
        ),
    ],
)
def test_odd_results_can_be_shown(changes):
    result = CrossValidationResult(**small_fields(**changes))
    use_everything(result)
    use_everything(pickle.loads(pickle.dumps(result)))


def test_probabilities_that_are_nan_make_their_loss_nan():
    y_proba = np.full((6, 2), 0.5)
    y_proba[1] = np.nan
    result = CrossValidationResult(**small_fields(y_proba=y_proba))
    table = result.classification_table()
    np.testing.assert_allclose(table["log_loss"], [np.log(2), np.nan])
    assert table["TPR"].tolist() == [1, 2 / 3]


def test_classes_may_be_in_any_order():
    result = CrossValidationResult(**small_fields())
    other = CrossValidationResult(**small_fields(classes=["b", "a"]))
    # Intervals differ by chance: weights of pseudo-particles are drawn in that order.
    ours, theirs = (
        r.summary("a").drop(columns=["low", "high"]) for r in (result, other)
    )
    pd.testing.assert_frame_equal(ours, theirs)
    matrix = result.mean_confusion_matrix()
    pd.testing.assert_frame_equal(
        other.mean_confusion_matrix(), matrix.iloc[::-1, ::-1]
    )


def test_names_of_classes_are_text_in_a_notebook():
    names = ["<script>alert(1)</script>", "a & b", "\"'</td>\n"]
    changes = {"classes": names, "y_true": names * 2, "y_pred": names * 2}
    changes |= {"y_proba": None, "folds": np.repeat([0, 1, 2], 2)}
    html = CrossValidationResult(**small_fields(**changes))._repr_html_()
    assert "<script" not in html and "'</td>" not in html
    assert "&lt;script&gt;" in html and "a &amp; b" in html


@pytest.mark.parametrize(
    "changes",
    [
        *({"level": level} for level in (-1, 0, 1, 2, np.nan, 95, "95", None, [0.9])),
        *({"n_resamples": n} for n in (-1, 0, 2.5, 1e308, 10**12, None, "x", np.nan)),
        *({"random_state": seed} for seed in (-1, 2.5, "x", 2**40, [1])),
        {"random_state": np.random.default_rng(0)},
    ],
)
def test_parameters_of_intervals(changes):
    result = CrossValidationResult(**small_fields())
    (name,) = changes
    for call in (result.summary, lambda **changes: result.compare(result, **changes)):
        with pytest.raises(ValueError, match=f"The '{name}' parameter of Cross"):
            call(**changes)


@pytest.mark.parametrize("label", ["c", 0, [], ["a"], np.array(["a", "b"]), object()])
def test_classes_that_there_are_not(label):
    result = CrossValidationResult(**small_fields())
    for call in (result.summary, lambda label: result.compare(result, label)):
        with pytest.raises(ValueError, match=r"no class .*; there are \['a', 'b'\]"):
            call(label)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ["b", "a"]}, r"not of the same classes \(classes differs\)"),
        ({"y_true": ["b", "a"] * 3}, r"same particles \(y_true differs\)"),
        ({"groups": np.arange(6) % 2}, r"same groups \(groups differs\)"),
        ({"folds": np.arange(6) % 3}, r"same folds \(folds differs\)"),
        ({"index": range(1, 7)}, r"same particles \(index differs\)"),
    ],
)
def test_comparison_of_other_particles_is_refused(changes, message):
    result = CrossValidationResult(**small_fields(index=range(6)))
    with pytest.raises(ValueError, match=message):
        result.compare(CrossValidationResult(**small_fields(**changes)))


@pytest.mark.parametrize("other", [None, 1, "x", {}, pd.DataFrame()])
def test_comparison_with_something_else_is_refused(other):
    with pytest.raises(TypeError, match=r"other is a .*; expected what cross_val"):
        make_result().compare(other)


def test_equal_differences_have_no_p_value():
    # In each fold, one of two "b" is predicted as "a": by as much worse in all of them.
    y = np.tile(["a", "b", "b"], 3)
    wrong = np.tile(["a", "b", "a"], 3)
    shared = {"classes": ["a", "b"], "y_true": y, "folds": np.repeat([0, 1, 2], 3)}
    right = CrossValidationResult(**shared, y_pred=y)
    table = right.compare(CrossValidationResult(**shared, y_pred=wrong))
    assert table.loc["accuracy", "difference"] == pytest.approx(1 / 3)
    assert table["p_value"].isna().all()
    assert (right.compare(right)["p_value"] == 1).all()
    changed = wrong.copy()
    changed[0] = "b"
    assert (
        0
        < right.compare(CrossValidationResult(**shared, y_pred=changed)).loc[
            "accuracy", "p_value"
        ]
        < 1
    )


def test_rounding_is_no_difference():
    differences = pd.DataFrame(
        {
            "equal": [0.3, 0.1 + 0.2, 0.3],
            "none": [0.0, 1e-17, -1e-17],
            "some": [0.1, 0.2, 0.3],
            "undefined": [np.nan, 0.0, 0.0],
            "once": [np.nan, np.nan, 0.0],
        }
    )
    p_values = _bootstrap.corrected_t_test(differences)
    assert p_values[["equal", "once"]].isna().all()
    assert (p_values[["none", "undefined"]] == 1).all()
    assert 0 < p_values["some"] < 1


def make_agreement(n_experts=2, labels=LABELS):
    """Return labels that experts gave, and the table of their agreement."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, len(labels), 60)
    experts = [
        labels[np.where(rng.random(60) < 0.6, true, rng.integers(0, 2, 60))]
        for _ in range(n_experts)
    ]
    return experts, agreement_table(*experts, n_resamples=10)


@pytest.mark.parametrize("n_experts", [2, 3])
def test_experts_score_as_models_do_in_both_directions(n_experts):
    experts, agreement = make_agreement(n_experts)
    result = make_result()
    summary = result.summary(agreement=agreement)
    directions = [baseline_table(*pair) for pair in permutations(experts, 2)]
    expected = np.mean([table.loc["prediction"] for table in directions], axis=0)
    np.testing.assert_allclose(summary["experts"].drop("log_loss"), expected)
    assert np.isnan(summary.loc["log_loss", "experts"])
    pd.testing.assert_frame_equal(summary.drop(columns="experts"), result.summary())
    of_class = result.summary("uncertain", agreement=agreement)["experts"]
    tables = [classification_table(*pair) for pair in permutations(experts, 2)]
    expected = np.mean([table.loc["uncertain"].drop("support") for table in tables], 0)
    np.testing.assert_allclose(of_class.drop("log_loss"), expected)
    if n_experts == 2:
        by_class = agreement["agreement", "value"]
        assert of_class["F1"] == pytest.approx(by_class["uncertain"], rel=1e-12)
        assert summary.loc["accuracy", "experts"] == by_class["all"]
        value = agreement.loc["all", ("kappa", "value")]
        assert summary.loc["kappa", "experts"] == pytest.approx(value, rel=1e-12)


def test_experts_may_know_fewer_classes_than_the_model():
    agreement = make_agreement(labels=LABELS[:2])[1]
    summary = make_result().summary("uncertain", agreement=agreement)
    assert summary.loc[["TPR", "PPV", "F1"], "experts"].isna().all()
    assert make_result().summary(agreement=agreement).loc["F1", "experts"] > 0


@pytest.mark.parametrize(
    ("agreement", "error", "text"),
    [
        (make_agreement()[0], TypeError, "agreement is a list; expected the whole"),
        (pd.DataFrame({"a": [1]}), TypeError, "agreement is a DataFrame; expected"),
        (make_agreement()[1]["kappa"], TypeError, "agreement is a DataFrame"),
        (make_agreement()[1].drop(index="all"), TypeError, "expected the whole table"),
        (make_agreement()[1].sort_index(), TypeError, "in the order of its rows"),
        (
            make_agreement(labels=np.array(["empty", "ful"]))[1],
            ValueError,
            "The experts gave the class 'ful', which the result does not know",
        ),
    ],
    ids=["labels", "other", "part", "rows", "order", "class"],
)
def test_agreement_of_other_classes_is_refused(agreement, error, text):
    with pytest.raises(error, match=text):
        make_result().summary(agreement=agreement)
