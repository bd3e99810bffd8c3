"""Importance of groups of features against a plain loop and planted evidence."""

from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from joblib import parallel_config
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklipo import (
    ApplyMask,
    ImageArray,
    NormalizeBackground,
    ParticleFeatures,
    make_lipnet_pipeline,
    make_svc_pipeline,
)
from sklipo.inspection import FeatureGroupImportanceDisplay, feature_group_importance


@pytest.fixture(scope="module")
def particles():
    """Bright and dark squares in noise; their sizes tell nothing of that."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images, masks = [], []
    for label in labels:
        mask = np.zeros((16, 16), bool)
        side = rng.integers(5, 11)
        mask[2 : 2 + side, 3 : 3 + side] = True
        images.append(rng.normal(size=(16, 16)) + (2 * label - 1) * mask)
        masks.append(mask)
    return pd.DataFrame(
        {"image": ImageArray(images), "mask": ImageArray(masks), "label": labels}
    )


GROUPS = ["circularity", "histogram", "area", "moments"]


@pytest.fixture(scope="module")
def model(particles):
    model = make_svc_pipeline(GROUPS, gamma=0.05)
    return model.fit(particles, particles["label"])


def permute_directly(model, particles, y, n_repeats, seed):
    """Shuffle all columns of a group alike, by scikit-learn's generator."""
    measured = np.asarray(model[0].transform(particles))
    names = model[0].get_feature_names_out()
    base = balanced_accuracy_score(y, model[1:].predict(measured))
    seed = np.random.RandomState(seed).randint(np.iinfo(np.int32).max + 1)
    drops = {}
    for group in GROUPS:
        columns = [i for i, n in enumerate(names) if n.startswith(group.rstrip("s"))]
        rng, order = np.random.RandomState(seed), np.arange(len(y))
        shuffled, drops[group] = measured.copy(), []
        for _ in range(n_repeats):
            rng.shuffle(order)
            shuffled[:, columns] = shuffled[:, columns][order]
            score = balanced_accuracy_score(y, model[1:].predict(shuffled))
            drops[group].append(base - score)
    table = pd.DataFrame({g: [np.mean(d), np.std(d)] for g, d in drops.items()})
    return table.T.set_axis(["mean", "std"], axis=1)


def test_plain_loop(model, particles):
    table = feature_group_importance(
        model, particles, particles["label"], n_repeats=6, random_state=3
    )
    expected = permute_directly(model, particles, particles["label"], 6, 3)
    assert table.columns.tolist() == ["mean", "std"]
    assert table["mean"].is_monotonic_decreasing
    # The same scores; means of six differ by rounding.
    assert_allclose(table.loc[GROUPS], expected.loc[GROUPS], atol=1e-12)


def test_planted_evidence(model, particles):
    table = feature_group_importance(
        model, particles, particles["label"], random_state=0
    )
    assert table.index[0] == "histogram"
    assert table.loc["histogram", "mean"] > 0.3
    assert (table["mean"].drop("histogram") < 0.05).all()


def test_group_of_one_column_equals_scikit_learn(particles):
    model = make_svc_pipeline(["area", "perimeter", "length"])
    model.fit(particles, particles["label"])
    table = feature_group_importance(
        model, particles, particles["label"], random_state=1
    )
    single = permutation_importance(
        model[1:],
        model[0].transform(particles),
        particles["label"],
        scoring="balanced_accuracy",
        n_repeats=10,
        random_state=1,
    )
    groups = list(model[0].groups_)
    assert_array_equal(table.loc[groups, "mean"], single.importances_mean)
    assert_array_equal(table.loc[groups, "std"], single.importances_std)


def test_particles_are_measured_once(model, particles):
    original = ParticleFeatures.transform
    with patch.object(ParticleFeatures, "transform", autospec=True) as transform:
        transform.side_effect = original
        feature_group_importance(model, particles, particles["label"])
    assert transform.call_count == 1


def test_n_jobs_and_seed(model, particles):
    y = particles["label"]
    # Processes would take seconds to import what they need.
    with parallel_config("threading"):
        tables = [
            feature_group_importance(model, particles, y, n_jobs=n_jobs, random_state=7)
            for n_jobs in (None, 2)
        ]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss", "accuracy"])
def test_other_scorers(particles, scoring):
    model = make_pipeline(
        ParticleFeatures(GROUPS), RandomForestClassifier(10, random_state=0)
    )
    model.fit(particles, particles["label"])
    table = feature_group_importance(
        model, particles, particles["label"], scoring=scoring, random_state=0
    )
    assert table.index[0] == "histogram" and table["mean"].iloc[0] > 0.1


def test_decision_function_and_its_lack(model, particles):
    y = particles["label"]
    table = feature_group_importance(model, particles, y, scoring="roc_auc")
    assert np.isfinite(table).all(axis=None)
    with pytest.raises(AttributeError, match="predict_proba"):
        feature_group_importance(model, particles, y, scoring="neg_log_loss")


def test_data_frames_and_longer_pipelines(particles):
    """Names stay, or scikit-learn would warn; steps before count, samplers do not."""
    y = particles["label"]
    plain = make_imblearn_pipeline(
        NormalizeBackground(),
        ApplyMask(fill_value=3),
        ParticleFeatures(GROUPS, intensity="none"),
        StandardScaler(),
        RandomOverSampler(random_state=0),
        SVC(),
    )
    named = clone(plain)
    named[2].set_output(transform="pandas")
    named[3].set_output(transform="pandas")
    plain.fit(particles, y), named.fit(particles, y)
    tables = [
        feature_group_importance(model, particles, y, random_state=0)
        for model in (plain, named)
    ]
    pd.testing.assert_frame_equal(*tables)


def test_model_particles_and_generator_stay_as_they_are(model, particles):
    before = model[0].transform(particles)
    generator = np.random.get_state()[1].copy()  # noqa: NPY002
    predictions = model.predict(particles)
    feature_group_importance(model, particles, particles["label"])
    assert_array_equal(np.random.get_state()[1], generator)  # noqa: NPY002
    assert_array_equal(model[0].transform(particles), before)
    assert_array_equal(model.predict(particles), predictions)


def test_display(model, particles):
    display = FeatureGroupImportanceDisplay.from_estimator(
        model, particles, particles["label"], random_state=0
    )
    table = feature_group_importance(
        model, particles, particles["label"], random_state=0
    )
    assert_array_equal([bar.get_width() for bar in display.bars_], table["mean"])
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels == table.index.tolist()
    low, high = display.ax_.get_ylim()
    assert low > high  # the first row is on top
    assert "balanced accuracy" in display.ax_.get_xlabel()
    figure, ax = plt.subplots()
    assert display.plot(ax=ax).figure_ is figure


def test_search_over_a_pipeline_is_looked_into(particles):
    y = particles["label"]
    search = GridSearchCV(
        make_svc_pipeline(["area", "histogram"]), {"classify__C": [1]}
    )
    search.fit(particles, y)
    settings = {"n_repeats": 2, "random_state": 0}
    display = FeatureGroupImportanceDisplay.from_estimator(
        search, particles, y, **settings
    )
    table = feature_group_importance(search.best_estimator_, particles, y, **settings)
    pd.testing.assert_frame_equal(display.importances, table)


def test_wrong_models(particles):
    y = particles["label"]
    for model, kinds in (
        (SVC(), "a SVC of SVC"),
        (make_lipnet_pipeline(), "a ImagePipeline of NormalizeBackground, "),
        (make_pipeline(ParticleFeatures()), "a Pipeline of ParticleFeatures"),
    ):
        message = f"is {kinds}.*; expected a fitted pipeline of one ParticleFeatures"
        with pytest.raises(TypeError, match=message):
            feature_group_importance(model, particles, y)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        feature_group_importance(make_svc_pipeline(), particles, y)
