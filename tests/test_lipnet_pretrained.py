"""Trainings that start from a fitted network: weights, steps, and what is refused."""

import pickle
import re

import joblib
import numpy as np
import pytest
import torch
from lipnet_cases import EXACT, SMALL, assert_same_bits, draw_disks_and_rings
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklipo import LipNetClassifier

# Steps so short that no weight changes.
STILL = SMALL | {"learning_rate": 1e-30, "max_epochs": 1}


@pytest.fixture(scope="module")
def data():
    return draw_disks_and_rings(60)


@pytest.fixture(scope="module")
def given(data):
    return LipNetClassifier("lipnet-2", **SMALL).fit(*data)


def build(image_shape, n_classes):
    """Return a network with weights outside of dense layers and convolutions."""
    width = image_shape[0] * image_shape[1]
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.LayerNorm(width), torch.nn.Linear(width, n_classes)
    )


def layers_of(model):
    return dict(model.net_.module_.named_parameters())


def rates_of(model):
    return [group["lr"] for group in model.net_.optimizer_.param_groups]


def test_same_classes_keep_all_weights_and_others_get_a_new_output(data, given):
    X, y = data
    same = LipNetClassifier("lipnet-2", **STILL, pretrained=given).fit(X, y)
    np.testing.assert_array_equal(same.predict_proba(X), given.predict_proba(X))
    others = np.where(np.arange(len(y)) % 3, y, "neither")
    new = LipNetClassifier("lipnet-2", **STILL, pretrained=given).fit(X, others)
    for name, weights in layers_of(new).items():
        if name.startswith("output"):
            assert weights.shape != layers_of(given)[name].shape
        else:
            assert torch.equal(weights, layers_of(given)[name])
    renamed = clone(new).fit(X, np.char.upper(y))
    assert not torch.equal(
        renamed.net_.module_.output.weight, given.net_.module_.output.weight
    )


def test_pixels_are_standardized_by_the_new_training_set(data, given):
    X, y = data
    model = LipNetClassifier("lipnet-2", **STILL, pretrained=given).fit(5 + 3 * X, y)
    assert model.mean_ == pytest.approx(5 + 3 * given.mean_, rel=1e-5)
    assert model.scale_ == pytest.approx(3 * given.scale_, rel=1e-5)
    np.testing.assert_allclose(
        model.predict_proba(5 + 3 * X), given.predict_proba(X), atol=1e-5
    )


def test_models_files_and_wrapped_models_are_alike(data, given, tmp_path):
    pipeline = make_pipeline(MinMaxScaler(), given)
    joblib.dump(pipeline, tmp_path / "pipeline.joblib")
    models = [
        LipNetClassifier("lipnet-2", **SMALL, pretrained=pretrained).fit(*data)
        for pretrained in (
            given,
            pipeline,
            FrozenEstimator(given),
            tmp_path / "pipeline.joblib",
            str(tmp_path / "pipeline.joblib"),
        )
    ]
    for model in models[1:]:
        assert_same_bits(models[0], model)


def test_the_given_model_stays_as_it_was_and_is_held_once(data, given):
    before = pickle.dumps(given)
    model = LipNetClassifier("lipnet-2", **SMALL, pretrained=given).fit(*data)
    assert pickle.dumps(given) == before
    plain = LipNetClassifier("lipnet-2", **SMALL).fit(*data)
    more = len(pickle.dumps(model)) - len(pickle.dumps(plain))
    assert more < 1.1 * len(before)
    loaded = pickle.loads(pickle.dumps(model))
    assert_same_bits(clone(loaded).fit(*data), model)


def test_clones_folds_and_searches_keep_the_fitted_network(data, given):
    model = LipNetClassifier("lipnet-2", **SMALL, pretrained=given)
    assert clone(make_pipeline(model))[-1].pretrained is given
    assert np.isfinite(cross_val_score(model, *data, cv=2)).all()
    grid = {"pretrained": [None, FrozenEstimator(given)], "layer_decay": [0.5, 1]}
    search = GridSearchCV(model, grid, cv=2).fit(*data)
    assert len(search.cv_results_["params"]) == 4
    with pytest.raises(ValueError, match="FrozenEstimator"):
        GridSearchCV(model, {"pretrained": [given]}, cv=2, error_score="raise").fit(
            *data
        )


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("schedule", [None, lambda progress: 0.5])
def test_each_layer_learns_more_slowly_than_the_one_above(
    data, given, optimizer, schedule
):
    model = LipNetClassifier(
        "lipnet-2",
        **SMALL | {"learning_rate": 0.01},
        pretrained=given,
        layer_decay=0.1,
        optimizer=optimizer,
        learning_rate_schedule=schedule,
    ).fit(*data)
    factor = 1 if schedule is None else 0.5
    # output, dense, conv2 and conv1
    expected = 0.01 * factor * 0.1 ** np.arange(4)
    np.testing.assert_allclose(rates_of(model), expected)
    model.set_params(layer_decay=1, warm_start=True).fit(*data)
    np.testing.assert_allclose(rates_of(model), 0.01 * factor)


def test_a_decay_of_zero_trains_the_output_alone(data, given):
    model = LipNetClassifier("lipnet-2", **SMALL, pretrained=given, layer_decay=0).fit(
        *data
    )
    for name, weights in layers_of(model).items():
        is_same = torch.equal(weights, layers_of(given)[name])
        assert is_same != name.startswith("output")


def test_a_step_of_a_layer_shrinks_by_its_depth(data, given):
    one_step = SMALL | {"max_epochs": 1, "batch_size": 512, "optimizer": "sgd"}
    steps = []
    for decay in (1, 0.1):
        model = LipNetClassifier(
            "lipnet-2", **one_step, pretrained=given, layer_decay=decay
        ).fit(*data)
        steps.append(
            {
                name: weights - layers_of(given)[name]
                for name, weights in layers_of(model).items()
            }
        )
    whole, shrunk = steps
    layers = ["output", "hidden.dense", "features.conv2", "features.conv1"]
    for depth, layer in enumerate(layers):
        for name in (f"{layer}.weight", f"{layer}.bias"):
            expected = whole[name] * 0.1**depth
            torch.testing.assert_close(shrunk[name], expected, rtol=0.02, atol=1e-7)


def test_batch_normalization_keeps_what_it_measured(data):
    given = LipNetClassifier("lipnet-2", **SMALL, batch_norm=True).fit(*data)
    model = LipNetClassifier("lipnet-2", **STILL, batch_norm=True, pretrained=given)
    norm, others = (
        one.net_.module_.features.norm1 for one in (given, clone(model).fit(*data))
    )
    assert others.num_batches_tracked > norm.num_batches_tracked
    rates = rates_of(model.set_params(layer_decay=0.5, learning_rate=1.0).fit(*data))
    assert rates == [1, 0.5, 0.25, 0.125]  # a normalization counts to its convolution


def test_partial_fit_and_double_precision(data, given):
    X, y = data
    model = LipNetClassifier("lipnet-2", **STILL, pretrained=given)
    parts = clone(model).partial_fit(X, y, classes=np.unique(y))
    np.testing.assert_array_equal(parts.predict_proba(X), given.predict_proba(X))
    double = model.fit(X.astype(float), y)
    assert next(double.net_.module_.parameters()).dtype == torch.float64
    np.testing.assert_allclose(double.predict_proba(X), given.predict_proba(X), 1e-4)


def test_networks_of_callables_and_of_other_image_shapes(data):
    X, y = data
    given = LipNetClassifier(build, **SMALL).fit(X, y)
    same = LipNetClassifier(build, **STILL, pretrained=given).fit(X, y)
    np.testing.assert_array_equal(same.predict_proba(X), given.predict_proba(X))
    with pytest.raises(ValueError, match=r"network.1' here, LayerNorm\(\(100,\)"):
        same.fit(X[:, :100], y)
    # Averaged maps have as many weights for images of any size.
    average = LipNetClassifier("lipnet-4c", **SMALL).fit(X, y)
    LipNetClassifier("lipnet-4c", **STILL, pretrained=average).fit(X[:, :100], y)


@pytest.mark.parametrize(
    ("parameters", "layer", "words"),
    [
        ({"n_filters": 5}, "features.conv1", "(5, 1, 3, 3)"),
        ({"hidden_units": 9}, "hidden.dense", "hidden_units is 9 here and 8 there"),
        ({"batch_norm": True}, "features.norm1", "batch_norm is True here"),
        ({"architecture": "lipnet-1"}, "hidden.flatten", "'features.conv2' there"),
        ({"architecture": "lipnet-4"}, "features.conv2", "'features.pool1' there"),
        # As many weights, of the same shapes: only the order differs.
        (
            {"architecture": ("conv", "conv", "pool", "pool", "dense")},
            "features.conv2",
            "MaxPool2d",
        ),
        ({"image_shape": "row"}, "hidden.dense", "(1, 144) here and (12, 12) there"),
        ({"architecture": build}, "network.0", "Flatten"),
    ],
)
def test_other_layers_are_refused_by_name(data, given, parameters, layer, words):
    model = LipNetClassifier("lipnet-2", **SMALL, pretrained=given)
    model.set_params(**parameters)
    with pytest.raises(ValueError, match=re.escape(f"is {layer!r} here")) as error:
        model.fit(*data)
    assert words in str(error.value)
    assert not hasattr(model, "net_")


def test_what_is_no_fitted_lipnet_is_refused(data, given, tmp_path):
    damaged, foreign = tmp_path / "damaged.joblib", tmp_path / "table.joblib"
    joblib.dump({"a": 1}, foreign)
    damaged.write_bytes(pickle.dumps(given)[:-100])
    for pretrained, error, words in [
        (3, ValueError, "'pretrained' parameter"),
        (given.net_, TypeError, "LipNetTrainer"),
        (clone(given), ValueError, "not fitted"),
        (make_pipeline(MinMaxScaler(), SVC()), TypeError, "leads to a SVC"),
        (tmp_path / "none.joblib", FileNotFoundError, "no such file"),
        (tmp_path, FileNotFoundError, "no such file"),
        (damaged, ValueError, "no file that joblib can load"),
        (foreign, TypeError, "leads to a dict"),
    ]:
        model = LipNetClassifier("lipnet-2", **SMALL, pretrained=pretrained)
        with pytest.raises(error, match=words):
            model.fit(*data)
    with pytest.raises(ValueError, match="'layer_decay' parameter"):
        LipNetClassifier("lipnet-2", layer_decay=1.5).fit(*data)


@pytest.mark.long
def test_estimator_checks(tmp_path):
    # The checks' data differ in shape; averages of maps have the same weights for all.
    parameters = EXACT | {"n_filters": 32, "learning_rate": 0.02}
    given = LipNetClassifier("lipnet-4c", **parameters, random_state=0)
    given.fit(np.random.default_rng(0).random((40, 20)), np.arange(40) % 2)
    joblib.dump(given, tmp_path / "given.joblib")
    model = LipNetClassifier("lipnet-4c", **parameters, layer_decay=1)
    model.set_params(pretrained=str(tmp_path / "given.joblib"))
    for estimator, check in estimator_checks_generator(model):
        check(estimator)
