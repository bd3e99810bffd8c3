import subprocess
import sys

import joblib
import numpy as np
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_validate
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklipo import (
    ParticleFeatures,
    Resize,
    cross_validate_particles,
    make_lipnet_pipeline,
    make_svc_pipeline,
    micrograph_weights,
)
from sklipo._steps import transform_by
from sklipo.calibration import BalancedCalibratedClassifierCV
from sklipo.datasets import make_liposomes
from sklipo.lipnet.epoch_sampling import EpochOverSampler

PREDICT = """
import sys
import joblib
model, particles, expected = joblib.load(sys.argv[1])
result = {name: getattr(model, name)(particles) for name in expected}
assert all((result[name] == expected[name]).all() for name in expected), result
"""


@pytest.fixture(scope="module")
def particles():
    return make_liposomes(120, weights=None, random_state=0)


@pytest.fixture
def lipnet():
    return make_lipnet_pipeline("lipnet-1", n_filters=4, max_epochs=3, random_state=0)


@pytest.fixture(params=["lipnet", "svc", "calibrated svc"])
def model(request, lipnet):
    if request.param == "lipnet":
        return lipnet
    return make_svc_pipeline(probability=request.param == "calibrated svc")


@pytest.mark.parametrize(
    ("make", "grid"),
    [
        (
            lambda: make_lipnet_pipeline(n_filters=4, max_epochs=2, random_state=0),
            {"classify__architecture": ["lipnet-1", "lipnet-4c"], "resize__size": [16]},
        ),
        (
            make_svc_pipeline,
            {"classify__C": [0.1, 10], "features__groups": ["all", "thesis"]},
        ),
        (
            lambda: make_lipnet_pipeline(n_filters=4, max_epochs=2, random_state=0),
            {"normalize__scale": ["contrast", "noise", "none"]},
        ),
        (
            lambda: make_svc_pipeline(["histogram", "area"]),
            {"features__intensity": ["contrast", "noise", "none"]},
        ),
    ],
    ids=["lipnet", "svc", "lipnet's scale", "svc's scale"],
)
def test_grid_search_over_both_models(particles, make, grid):
    search = GridSearchCV(make(), grid, cv=2, n_jobs=2, error_score="raise")
    search.fit(particles, particles["label"])
    assert search.best_score_ > 1 / 3
    assert search.predict(particles).shape == (len(particles),)


def test_intensity_sets_the_scale_of_the_first_step():
    assert make_lipnet_pipeline()["normalize"].scale == "contrast"
    assert make_svc_pipeline()["features"].intensity == "contrast"
    for intensity in ("contrast", "noise", "none"):
        lipnet = make_lipnet_pipeline(intensity=intensity)
        assert lipnet["normalize"].scale == intensity
        svc = make_svc_pipeline(intensity=intensity)
        assert svc["features"].intensity == intensity
    for make in (make_lipnet_pipeline, make_svc_pipeline):
        with pytest.raises(ValueError, match="'intensity' parameter"):
            make(intensity="raw")


def test_raw_pixels_of_another_type_are_refused(particles):
    model = make_lipnet_pipeline(intensity="none", n_filters=4, max_epochs=1)
    model.fit(particles, particles["label"])
    few = particles[:3]
    floats = few.assign(image=[image.astype("f4") for image in few["image"]])
    with pytest.raises(ValueError, match="on different scales"):
        model.predict(floats)


def test_cross_validate_with_groups(particles, model):
    scores = cross_validate(
        model,
        particles,
        particles["label"],
        groups=particles["micrograph"],
        cv=StratifiedGroupKFold(2),
        scoring="balanced_accuracy",
        error_score="raise",
    )
    assert scores["test_score"].shape == (2,)


def test_other_process_predicts_the_same(particles, model, tmp_path):
    model.fit(particles, particles["label"])
    few = particles.iloc[:20]
    names = ["predict"] + ["predict_proba"] * hasattr(model, "predict_proba")
    expected = {name: getattr(model, name)(few) for name in names}
    path = tmp_path / "model.joblib"
    joblib.dump((model, few, expected), path)
    subprocess.run([sys.executable, "-c", PREDICT, str(path)], check=True)


def test_same_seed_same_bits(particles, model):
    few, names = particles.iloc[:30], ("predict_proba", "decision_function")
    name = next(name for name in names if hasattr(model, name))
    first, second = (
        getattr(clone(model).fit(particles, particles["label"]), name)(few)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("routing", [False, True])
def test_sample_weights_reach_the_classifier(particles, model, routing):
    y, groups = particles["label"], particles["micrograph"]
    weights = micrograph_weights(y, groups, power=0)
    assert len(np.unique(weights)) > 3
    *before, (_, classify) = clone(model).fit(particles, y).steps
    rows = transform_by(before, particles)
    name = "predict_proba" if hasattr(model, "predict_proba") else "decision_function"
    unweighted = getattr(classify, name)(rows)
    expected = clone(classify).fit(rows, y, sample_weight=weights)
    with config_context(enable_metadata_routing=routing):
        params = {"classify__sample_weight": weights}
        if routing:
            model["classify"].set_fit_request(sample_weight=True)
            if "scale" in model.named_steps:
                model["scale"].set_fit_request(sample_weight=False)
            params = {"sample_weight": weights}
        found = getattr(model.fit(particles, y, **params), name)(particles)
    np.testing.assert_array_equal(found, getattr(expected, name)(rows))
    assert (found != unweighted).any()


def test_labels_may_be_gone_at_predict(particles, model):
    model.fit(particles, particles["label"])
    bare = particles[["image", "mask", "pixel_size"]]
    np.testing.assert_array_equal(model.predict(bare), model.predict(particles))


@pytest.mark.parametrize(
    ("input_mode", "steps"),
    [
        ("surrounding", ["normalize", "resize", "classify"]),
        ("cropped", ["normalize", "crop", "resize", "classify"]),
        ("masked", ["normalize", "crop", "mask", "resize", "classify"]),
    ],
)
def test_input_modes_of_the_thesis(input_mode, steps):
    model = make_lipnet_pipeline(input_mode=input_mode)
    assert [name for name, _ in model.steps] == steps


def test_recipe_can_be_changed():
    classify = make_lipnet_pipeline(augmentation=None).named_steps["classify"]
    assert classify.augmentation is None
    assert isinstance(classify.epoch_sampler, EpochOverSampler)


def test_unknown_input_mode():
    with pytest.raises(ValueError, match=r"'input_mode' parameter .* 'whole'"):
        make_lipnet_pipeline(input_mode="whole")


def test_calibrated_probabilities_are_distributions(particles):
    model = make_svc_pipeline(probability=True)
    model.fit(particles, particles["label"])
    probabilities = model.predict_proba(particles)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities >= 0).all()
    assert not hasattr(make_svc_pipeline(), "predict_proba")


CALIBRATED = BalancedCalibratedClassifierCV(LogisticRegression(), ensemble=False)


@pytest.mark.suite("scikit-learn estimator checks")
@parametrize_with_checks([CALIBRATED])
def test_scikit_learn_checks_of_calibration(estimator, check):
    check(estimator)


def test_weights_of_calibration_are_balanced_within_the_given_ones():
    X, y = make_classification(150, weights=[0.8], random_state=0)
    weights = np.random.default_rng(0).uniform(0.5, 2, 150)
    balanced = weights / np.bincount(y, weights)[y] * weights.sum() / 2
    fitted = clone(CALIBRATED).fit(X, y, sample_weight=weights)
    plain = CalibratedClassifierCV(LogisticRegression(), ensemble=False)
    expected = plain.fit(X, y, sample_weight=balanced).predict_proba(X)
    # The same weights but for the order of multiplication.
    np.testing.assert_allclose(fitted.predict_proba(X), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(5), r"sample_weight.shape == \(5,\), expected \(150,\)"),
        (np.full(150, -1), "Negative values in data passed to `?sample_weight"),
        (np.full(150, np.nan), "sample_weight contains NaN"),
    ],
)
def test_bad_weights_of_calibration(weights, message):
    X, y = make_classification(150, random_state=0)
    with pytest.raises(ValueError, match=message):
        clone(CALIBRATED).fit(X, y, sample_weight=weights)


def test_calibration_works_with_metadata_routing():
    X, y = make_classification(150, weights=[0.8], random_state=0)
    expected = clone(CALIBRATED).fit(X, y).predict_proba(X)
    with config_context(enable_metadata_routing=True):
        found = clone(CALIBRATED).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(found, expected)


def test_calibration_leaves_rare_classes_their_chance():
    particles = make_liposomes(300, weights=[5, 4, 1], random_state=0)
    y = particles["label"]
    found = [
        cross_validate_particles(
            make_svc_pipeline("thesis", probability=probability),
            particles,
            y,
            groups=particles["micrograph"],
            cv=3,
        ).balanced_accuracy
        for probability in (True, False)
    ]
    # Calibrated by how rare they are, rare classes are hardly ever predicted.
    assert found[0] > found[1] - 0.05


def test_svc_votes_one_vs_one():
    y = make_liposomes(90, weights=None, random_state=1)
    model = make_svc_pipeline().set_params(classify__decision_function_shape="ovo")
    decision = model.fit(y, y["micrograph"].str[:0] + y["label"]).decision_function(y)
    assert decision.shape == (90, 3)


def test_one_class_is_refused(particles, model):
    same = particles[particles["label"] == "uncertain"]
    with pytest.raises(ValueError, match="class"):
        model.fit(same, same["label"])


def test_other_width_at_predict(particles, model):
    rows = np.random.default_rng(0).random((60, 100))
    y = np.tile(["a", "b"], 30)
    model.fit(rows, y)
    with pytest.raises(ValueError, match="100 features"):
        model.predict(rows[:, :81])


def test_samplers_are_passed_by_on_the_way_to_the_last_step(particles):
    model = make_pipeline(
        ParticleFeatures("thesis"), RandomOverSampler(random_state=0), SVC()
    ).fit(particles, particles["label"])
    X = transform_by(model.steps[:-1], particles)
    np.testing.assert_array_equal(model[-1].predict(X), model.predict(particles))
    assert transform_by([("pass", "passthrough")], X) is X


@pytest.mark.parametrize("size", [(14, 56), (20, 30), [9, 16]])
def test_network_sees_images_in_the_shape_they_are_resized_to(particles, size):
    model = make_lipnet_pipeline("lipnet-1", size=size, max_epochs=1, random_state=0)
    model.fit(particles, particles["label"])
    assert model["classify"].image_shape_ == tuple(size)
    seen = []
    standardize = model["classify"].net_.module_.standardize
    hook = standardize.register_forward_hook(lambda _, args, out: seen.append(args[0]))
    model.predict(particles.head(3))
    hook.remove()
    resize = make_pipeline(*[step for _, step in model.steps[:-2]], Resize(size))
    expected = resize.fit_transform(particles.head(3)).reshape(3, 1, *size)
    np.testing.assert_array_equal(seen[0].numpy(), expected)


@pytest.mark.parametrize(
    ("size", "grid"),
    [
        (28, {"resize__size": [(14, 56)]}),
        (28, {"resize__size": [(20, 30)]}),
        ((14, 56), {"resize__size": [28]}),
        (28, {"classify__image_shape": [(14, 56)]}),
    ],
)
def test_search_over_sizes_that_are_no_squares_fails_loudly(particles, size, grid):
    model = make_lipnet_pipeline("lipnet-1", size=size, max_epochs=1)
    search = GridSearchCV(model, grid, cv=2)
    with pytest.raises(ValueError, match=r"Set classify__image_shape=\("):
        search.fit(particles, particles["label"])


def test_search_over_sizes_and_shapes_together_works(particles):
    model = make_lipnet_pipeline("lipnet-1", max_epochs=1, random_state=0)
    shapes = [
        {"resize__size": [12, 14], "classify__image_shape": [None]},
        {"resize__size": [(9, 16)], "classify__image_shape": [(9, 16)]},
    ]
    search = GridSearchCV(model, shapes, cv=2).fit(particles, particles["label"])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_search_in_threads_scores_as_one_after_another():
    particles = make_liposomes(40, weights=None, random_state=0)
    model = make_lipnet_pipeline("lipnet-1", max_epochs=1, size=12, random_state=0)
    grid = {"classify__learning_rate": [0.01, 0.001]}
    scores = []
    for n_jobs in (1, 2):
        search = GridSearchCV(model, grid, cv=2, n_jobs=n_jobs)
        with joblib.parallel_config("threading"):
            search.fit(particles, particles["label"])
        scores.append(search.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(*scores)
