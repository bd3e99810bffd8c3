import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy.stats import bootstrap, ttest_rel
from scipy.stats import t as student
from sklearn.metrics import matthews_corrcoef

from sklipo.evaluation import CrossValidationResult, _bootstrap, results
from sklipo.metrics import baseline_table

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


def test_a_result_draws_its_samples_once(monkeypatch):
    calls = []

    def resample(*args):
        calls.append(args)
        return _bootstrap.resample(*args)

    monkeypatch.setattr(results, "resample", resample)
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
        (lambda: make_result(classes=LABELS[:2]), r"\['uncertain'\] is not among"),
    ],
)
def test_unknown_classes(call, message):
    with pytest.raises(ValueError, match=message):
        call()
