import numpy as np
import pandas as pd
import pytest
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_normalized_margin_for_each_label
from test_evaluation_results import make_result

from sklipo import ParticleFeatures, cross_validate_particles, make_svc_pipeline
from sklipo.datasets import make_liposomes
from sklipo.evaluation import CrossValidationResult


@pytest.fixture(scope="module")
def liposomes():
    """Return features, labels and micrographs of liposomes of two classes."""
    particles = make_liposomes(
        400, weights={"unilamellar": 0.5, "multilamellar": 0.5}, random_state=0
    )
    features = ParticleFeatures().fit_transform(particles)
    return features, particles["label"].to_numpy(str), particles["micrograph"]


def judge(features, y, groups):
    """Return the suspicious labels by an SVM that is tested on other micrographs."""
    model = make_svc_pipeline(probability=True)[1:]
    result = cross_validate_particles(model, features, y, groups=groups)
    return result.suspicious_labels()


def flip(y, is_wrong):
    """Return labels of which some are those of the other class."""
    one, other = np.unique(y)
    return np.where(is_wrong, np.where(y == one, other, one), y)


@pytest.mark.parametrize("seed", range(5))
def test_suspicious_labels_are_those_of_cleanlab(seed):
    result = make_result(seed, share=0.6)
    table = result.suspicious_labels()
    codes = np.searchsorted(result.classes, result.y_true)
    expected = find_label_issues(
        codes, result.y_proba, filter_by="confident_learning", n_jobs=1
    )
    assert sorted(table["row"]) == np.flatnonzero(expected).tolist()
    # Cleanlab's margin is from 0 to 1.
    margin = 2 * get_normalized_margin_for_each_label(codes, result.y_proba) - 1
    np.testing.assert_allclose(table["margin"], margin[table["row"]], atol=1e-12)
    assert table["margin"].is_monotonic_increasing


def test_suspicious_labels_follow_the_definition():
    result = make_result(3)
    table = result.suspicious_labels().sort_values("row")
    thresholds = [
        result.y_proba[result.y_true == label, i].mean()
        for i, label in enumerate(result.classes)
    ]
    expected = []
    for row, proba in enumerate(result.y_proba):
        of_label = proba[list(result.classes).index(result.y_true[row])]
        confident = [
            (p, label)
            for p, label, threshold in zip(
                proba, result.classes, thresholds, strict=True
            )
            if p >= threshold
        ]
        if (
            confident
            and max(confident)[1] != result.y_true[row]
            and of_label < max(proba)
        ):
            expected.append((row, max(confident)[1], of_label, max(confident)[0]))
    columns = ["row", "suggested", "proba_true", "proba_suggested"]
    assert list(table[columns].itertuples(index=False, name=None)) == expected
    rows = table["row"]
    assert table["y_true"].tolist() == result.y_true[rows].tolist()
    assert table["fold"].tolist() == result.folds[rows].tolist()
    assert table["group"].tolist() == result.groups[rows].tolist()
    assert table.index.tolist() == result.index[rows].tolist()
    for group, share in zip(table["group"], table["group_share"], strict=True):
        n_suspicious = (table["group"] == group).sum()
        assert share == pytest.approx(n_suspicious / (result.groups == group).sum())


@pytest.mark.parametrize("seed", range(3))
def test_planted_wrong_labels_are_found(liposomes, seed):
    features, y, groups = liposomes
    is_wrong = np.zeros(400, bool)
    is_wrong[np.random.default_rng(seed).choice(400, 20, replace=False)] = True
    table = judge(features, flip(y, is_wrong), groups)
    found = is_wrong[table["row"]]
    # Of 400 labels, 20 of them wrong, it names 23 to 30 and so finds 10 to 13 of the
    # wrong ones; the model mistakes every eighth particle.
    assert found.sum() >= 9
    assert found.mean() >= 0.35
    assert found[:10].mean() >= 0.5
    suggested = table.loc[found, "suggested"]
    assert (suggested == y[table["row"][found]]).all()


def test_micrograph_that_is_wrong_as_a_whole_is_seen(liposomes):
    features, y, groups = liposomes
    wrong = groups.iloc[0]
    table = judge(features, flip(y, groups == wrong), groups)
    share = table.groupby("group")["group_share"].first()
    assert share[wrong] > 0.75
    assert share.drop(wrong).max() < 0.25


def test_order_and_index_without_groups_and_index():
    table = make_result(groups=None, index=None).suspicious_labels()
    assert table.index.tolist() == table["row"].tolist()
    assert "group" not in table
    assert "group_share" not in table


def small_result(y_proba, y_true=("a", "a", "b", "b"), classes=("a", "b"), **fields):
    """Return a result of one fold."""
    return CrossValidationResult(
        classes=np.array(classes),
        y_true=np.array(y_true),
        y_pred=np.array(y_true),
        folds=np.zeros(len(y_true), int),
        y_proba=np.array(y_proba, float),
        **fields,
    )


def test_labels_that_probabilities_bear_out_are_not_suspicious():
    table = small_result(np.tile([[0.5, 0.5]], (4, 1))).suspicious_labels()
    assert table.empty
    assert table.columns[:3].tolist() == ["row", "y_true", "suggested"]
    assert small_result([[1.0]] * 3, ["a"] * 3, ["a"]).suspicious_labels().empty
    # Row 1 is above the threshold of b, 0.25, but its label is the most probable.
    y_proba = [[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.7, 0.3]]
    assert small_result(y_proba).suspicious_labels()["row"].tolist() == [2]


def test_class_without_labels_is_never_suggested():
    y_proba = [[0.9, 0.0, 0.1], [0.1, 0.0, 0.9], [0.0, 1.0, 0.0], [0.1, 0.9, 0.0]]
    result = small_result(y_proba, classes=("a", "b", "unsure"))
    assert result.suspicious_labels().empty


def test_diverged_folds_are_left_out_with_a_warning():
    whole = make_result()
    y_proba = whole.y_proba.copy()
    y_proba[whole.folds == 2] = np.nan
    result = make_result(y_proba=y_proba)
    with pytest.warns(
        UserWarning, match="of 300 particles have probabilities that are"
    ) as caught:
        table = result.suspicious_labels()
    assert caught[0].filename == __file__
    assert len(table)
    assert not (table["fold"] == 2).any()
    with pytest.warns(UserWarning, match="300 of 300 particles"):
        table = make_result(y_proba=np.full((300, 3), np.nan)).suspicious_labels()
    assert table.empty


def test_numbers_may_be_labels_and_an_index_may_repeat():
    y_proba = [[0.9, 0.1], [0.1, 0.9], [0.1, 0.9], [0.2, 0.8]]
    index = pd.Index(["x", "y", "x", "y"])
    table = small_result(y_proba, [0, 0, 1, 1], [0, 1], index=index).suspicious_labels()
    assert table[["row", "y_true", "suggested"]].values.tolist() == [[1, 0, 1]]
    assert table.index.tolist() == ["y"]


def test_probabilities_are_needed():
    with pytest.raises(ValueError, match=r"no probabilities.*make_svc_pipeline"):
        make_result(y_proba=None).suspicious_labels()
