import copy
import inspect
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from lipnet_cases import (
    EXACT,
    SMALL,
    assert_same_bits,
    draw_disks_and_rings,
    weights_of,
)
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks
from skorch.callbacks import Callback, EpochScoring, GradientNormClipping, LRScheduler

from sklipo import ImageArray, LipNetClassifier
from sklipo.lipnet import (
    DeferredClassWeight,
    DropoutDecay,
    EpochOverSampler,
    EpochUnderSampler,
    FocalLoss,
    LogitAdjustedLoss,
    RandomAffine,
    WeightDecay,
)
from sklipo.tags import has_tag

# Each architecture once, and with them the options that treat all samples alike.
CHECKED = [
    LipNetClassifier(
        "lipnet-1", **EXACT, loss="logit_adjusted", learning_rate_schedule="one_cycle"
    ),
    LipNetClassifier("lipnet-2", **EXACT, optimizer="sgd").set_params(
        learning_rate=0.1, class_weight=DeferredClassWeight(start=0.5)
    ),
    LipNetClassifier("lipnet-4", **EXACT, class_weight="balanced", loss=FocalLoss()),
    # Of 8 filters on images of 2 pixels, all can die at first.
    LipNetClassifier("lipnet-4c", **EXACT, weight_decay=1e-4).set_params(
        n_filters=32, learning_rate=0.02
    ),
    LipNetClassifier(
        ("conv", "pool", "dense"),
        **EXACT,
        label_smoothing=0,
        learning_rate_schedule="cosine",
        weight_decay=WeightDecay(1e-4, norm="l1", layers="conv"),
        test_time_augmentation=True,
    ),
]

# Dropout, statistics of batches, a validation set and draws of samples tell a repeated
# sample from one of twice the weight.
UNLIKE = [
    LipNetClassifier(
        "lipnet-1",
        image_shape="row",
        n_filters=8,
        hidden_units=32,
        batch_norm=True,
        early_stopping=True,
        max_epochs=10,
    ),
    LipNetClassifier(
        "lipnet-1",
        **EXACT,
        epoch_sampler=EpochOverSampler(),
        class_weight="balanced",
        # A rotation would leave nothing of a strip one pixel high.
        augmentation=RandomAffine(
            2, shear=0, horizontal_shift=0.05, horizontal_flip=False, noise=0.1
        ),
    ),
    LipNetClassifier(
        "lipnet-1",
        **{**EXACT, "dense_dropout": 0.2},
        epoch_sampler=EpochUnderSampler(),
        callbacks=[DropoutDecay()],
        learning_rate_schedule="step",
    ),
]


@pytest.fixture(scope="module")
def data():
    X, y = draw_disks_and_rings(60)
    X.flags.writeable = False
    return X, y


@pytest.fixture(scope="module")
def fitted(data):
    return LipNetClassifier("lipnet-2", **SMALL).fit(*data)


@pytest.mark.suite
@parametrize_with_checks(CHECKED)
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("model", UNLIKE, ids=["batch_norm", "over", "under"])
def test_options_that_treat_samples_unlike_fail_the_check_of_weights_alone(model):
    results = check_estimator(model, on_fail=None)
    failed = {r["check_name"] for r in results if r["status"] != "passed"}
    assert failed == {"check_sample_weight_equivalence_on_dense_data"}


def test_every_parameter_is_constrained():
    parameters = set(inspect.signature(LipNetClassifier).parameters)
    assert set(LipNetClassifier._parameter_constraints) == parameters


def test_learns_disks_from_rings():
    X, y = draw_disks_and_rings(240)
    model = LipNetClassifier("lipnet-2", n_filters=8, hidden_units=32, random_state=0)
    assert cross_val_score(model, X, y, cv=3).mean() > 0.9


def test_shuffled_labels_are_learned_at_chance():
    X, y = draw_disks_and_rings(240)
    y = np.random.default_rng(1).permutation(y)
    model = LipNetClassifier("lipnet-2", **SMALL)
    # Chance is 0.5 with a deviation of 0.032 over 240 samples: within 4 of them.
    assert 0.37 < cross_val_score(model, X, y, cv=3).mean() < 0.63


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["ring", "disk"]),
        np.array([7, -2]),
        np.array([True, False]),
        np.array([2.0, 1.0]),
        pd.Series(["b", "a"], dtype="category"),
        pd.Series(["b", "a"]),
    ],
)
def test_labels_come_back_as_they_went_in(data, labels):
    X, y = data
    y = labels[(y == "ring").astype(int)]
    model = LipNetClassifier("lipnet-1", **SMALL).fit(X, y)
    assert model.classes_.tolist() == sorted(set(y))
    assert set(model.predict(X)) <= set(labels)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dtype_in_fit", [np.float32, np.float64])
def test_output_has_the_dtype_of_x(data, dtype_in_fit, dtype):
    X, y = data
    model = LipNetClassifier("lipnet-1", **SMALL).fit(X.astype(dtype_in_fit), y)
    assert weights_of(model).numpy().dtype == dtype_in_fit
    probabilities = model.predict_proba(X.astype(dtype))
    assert probabilities.dtype == model.transform(X.astype(dtype)).dtype == dtype
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_integer_images_train_in_float32(data):
    X, y = data
    pixels = np.clip(X * 100 + 50, 0, 255).astype(np.uint8)
    model = LipNetClassifier("lipnet-1", **SMALL).fit(pixels, y)
    as_float = clone(model).fit(pixels.astype(np.float32), y)
    assert_same_bits(model, as_float)
    assert model.predict_proba(pixels).dtype == np.float32


def test_scale_and_offset_of_the_pixels_do_not_matter(data):
    X, y = data
    model = LipNetClassifier("lipnet-1", **SMALL).fit(X.astype(float), y)
    other = clone(model).fit(X.astype(float) * 300 + 5000, y)
    assert other.mean_ == pytest.approx(model.mean_ * 300 + 5000)
    assert other.scale_ == pytest.approx(model.scale_ * 300)
    # Standardised pixels differ by roundings of 5000 / 300, which training enlarges.
    np.testing.assert_allclose(
        other.predict_proba(X * 300.0 + 5000), model.predict_proba(X * 1.0), rtol=1e-5
    )


def test_transform_gives_what_the_last_layer_sees(fitted, data):
    activations = fitted.transform(data[0])
    output = fitted.net_.module_.output
    logits = (
        activations @ output.weight.detach().numpy().T + output.bias.detach().numpy()
    )
    # Sums of 8 products in float32.
    np.testing.assert_allclose(
        softmax(logits, axis=1), fitted.predict_proba(data[0]), rtol=1e-5
    )


def test_transform_names_its_columns(data):
    X, y = data
    model = LipNetClassifier("lipnet-4c", **SMALL).set_output(transform="pandas")
    frame = model.fit_transform(pd.DataFrame(X).add_prefix("pixel"), y)
    assert frame.columns.tolist() == [f"lipnetclassifier{i}" for i in range(4)]
    assert model.feature_names_in_[0] == "pixel0"
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(pd.DataFrame(X).add_prefix("p"))


def test_image_shape_says_how_rows_are_read(data):
    X, y = data
    model = LipNetClassifier("lipnet-1", image_shape=(9, 16), **SMALL).fit(X, y)
    assert model.image_shape_ == (9, 16)
    assert model.net_.module_.hidden.dense.in_features == 4 * 5 * 8
    assert LipNetClassifier(**SMALL).fit(X, y).image_shape_ == (12, 12)


def test_rows_that_are_no_squares_need_an_image_shape(data):
    X, y = data[0][:, :60], data[1]
    model = LipNetClassifier("lipnet-1", **SMALL)
    with pytest.raises(ValueError, match=r"60 features.*image_shape=\(height, width\)"):
        model.fit(X, y)
    assert model.set_params(image_shape="row").fit(X, y).image_shape_ == (1, 60)
    assert model.set_params(image_shape=(6, 10)).fit(X, y).image_shape_ == (6, 10)


def test_net_on_images_equals_the_estimator_on_rows(fitted, data):
    images = torch.from_numpy(data[0].reshape(-1, 1, 12, 12).copy())
    # Batches of another size round in another order.
    np.testing.assert_allclose(
        fitted.net_.predict_proba(images), fitted.predict_proba(data[0]), rtol=1e-5
    )


def test_same_seed_same_bits_and_global_generators_untouched(fitted, data):
    np.random.seed(3)  # noqa: NPY002 - the global generator is what this is about
    torch.manual_seed(3)
    numpy_state, torch_state = np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    assert_same_bits(fitted, clone(fitted).fit(*data))
    other = clone(fitted).set_params(random_state=None).fit(*data)
    assert not torch.equal(weights_of(fitted), weights_of(other))
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_equal(np.random.get_state(), numpy_state)  # noqa: NPY002


def test_trainings_in_threads_do_not_take_each_others_draws(fitted, data):
    with ThreadPoolExecutor(2) as pool:
        models = list(pool.map(lambda _: clone(fitted).fit(*data), range(4)))
    for model in models:
        assert_same_bits(model, fitted)


def test_samples_of_weight_zero_are_as_if_left_out(data):
    X, y = data
    weights = np.arange(60) % 3
    model = LipNetClassifier("lipnet-1", **SMALL)
    kept = weights > 0
    assert_same_bits(
        clone(model).fit(X, y, weights),
        clone(model).fit(X[kept], y[kept], weights[kept]),
    )


def test_class_weights_are_sample_weights(data):
    X, y = data
    counts = {label: (y == label).sum() for label in ("disk", "ring")}
    by_class = {label: 60 / (2 * count) for label, count in counts.items()}
    model = LipNetClassifier("lipnet-1", **SMALL)
    by_sample = clone(model).fit(X, y, pd.Series(y).map(by_class))
    for class_weight in (by_class, "balanced"):
        other = clone(model).set_params(class_weight=class_weight).fit(X, y)
        assert_same_bits(other, by_sample)


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        ("adam", {"lr": 1e-3}),
        ("sgd", {"lr": 1e-2, "momentum": 0.9, "nesterov": True}),
    ],
)
def test_optimizer_has_its_settings(data, optimizer, expected):
    model = LipNetClassifier(optimizer=optimizer, **SMALL)
    group = model.fit(*data).net_.optimizer_.param_groups[0]
    assert {name: group[name] for name in expected} == expected
    group = model.set_params(learning_rate=0.5).fit(*data).net_.optimizer_.param_groups
    assert group[0]["lr"] == 0.5


def test_sgd_without_momentum(data):
    model = LipNetClassifier(optimizer="sgd", momentum=0, **SMALL).fit(*data)
    assert model.net_.optimizer_.param_groups[0]["nesterov"] is False


def test_history_has_a_row_per_epoch(fitted):
    assert fitted.n_iter_ == 3
    assert fitted.history_.columns.tolist() == ["epoch", "dur", "train_loss"]
    assert fitted.history_["epoch"].tolist() == [1, 2, 3]


class KeepWeights(Callback):
    """Keeps the weights after each epoch."""

    def on_train_begin(self, net, **kwargs):
        self.states_ = []

    def on_epoch_end(self, net, **kwargs):
        self.states_.append(copy.deepcopy(net.module_.state_dict()))


def test_early_stopping_restores_the_best_weights(data):
    X, y = data
    y = np.random.default_rng(0).permutation(y)
    keep = KeepWeights()
    model = LipNetClassifier(
        "lipnet-2",
        **{**SMALL, "max_epochs": 60},
        learning_rate=0.01,
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=3,
        callbacks=[keep],
    ).fit(X, y)
    losses = model.history_["valid_loss"]
    best = losses.argmin()
    assert model.n_iter_ == best + 1 + 3 < 60
    states = dict(model.net_.callbacks_)["KeepWeights"].states_
    for name, tensor in model.net_.module_.state_dict().items():
        assert torch.equal(tensor, states[best][name])
    assert not hasattr(keep, "states_")


def test_class_too_small_for_early_stopping_is_named(data):
    X, y = data
    y = np.where(np.arange(60) == 7, "lone", y)
    with pytest.raises(ValueError, match="class 'lone' has 1 sample"):
        LipNetClassifier(early_stopping=True, **SMALL).fit(X, y)


def test_warm_start_goes_on_with_net_optimizer_and_new_settings(data):
    model = LipNetClassifier("lipnet-1", warm_start=True, **SMALL).fit(*data)
    net, before = model.net_, weights_of(model)
    model.set_params(learning_rate=1e-5, max_epochs=2).fit(*data)
    assert model.net_ is net
    assert model.n_iter_ == len(model.history_) == 5
    # 60 samples in batches of 30 for 5 epochs.
    assert net.optimizer_.state_dict()["state"][0]["step"] == 10
    change = (weights_of(model) - before).abs().max()
    # A step of Adam is about as long as its learning rate; there were 4.
    assert 0 < change < 1e-4


def test_fit_without_warm_start_begins_anew(data):
    model = LipNetClassifier("lipnet-1", **SMALL).fit(*data)
    before = weights_of(model)
    assert torch.equal(weights_of(model.fit(*data)), before)
    assert model.n_iter_ == 3


def test_warm_start_refuses_a_new_class(data):
    X, y = data
    model = LipNetClassifier("lipnet-1", warm_start=True, **SMALL).fit(X, y)
    with pytest.raises(ValueError, match=r"y holds \['new'\].*\['disk', 'ring'\]"):
        model.fit(X, np.where(np.arange(60) == 7, "new", y))


def test_partial_fit_after_pickling_goes_on_exactly(data):
    X, y = data
    model = LipNetClassifier("lipnet-1", **SMALL)
    model.partial_fit(X[:30], y[:30], classes=["disk", "ring", "never seen"])
    other = pickle.loads(pickle.dumps(model))
    for part in (model, other):
        part.partial_fit(X[30:], y[30:]).partial_fit(X, y)
    assert_same_bits(model, other)
    assert model.n_iter_ == 3
    assert model.predict_proba(X).shape == (60, 3)


def test_partial_fit_needs_the_classes_at_first(data):
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        LipNetClassifier(**SMALL).partial_fit(*data)


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ({"early_stopping": True}, "early_stopping=True"),
        ({"class_weight": "balanced"}, "class_weight='balanced'"),
        ({"epoch_sampler": EpochUnderSampler()}, "epoch_sampler"),
        ({"loss": "logit_adjusted"}, "loss='logit_adjusted'"),
        ({"loss": LogitAdjustedLoss()}, "loss='logit_adjusted'"),
        ({"class_weight": DeferredClassWeight()}, "class_weight='balanced'"),
    ],
)
def test_no_partial_fit_where_the_whole_set_is_needed(data, option, name):
    model = LipNetClassifier(**SMALL, **option)
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError) as error:
        model.partial_fit(*data, classes=["disk", "ring"])
    assert f"with {name}, which must see it whole" in str(error.value.__cause__)


def test_model_predicts_the_same_in_another_process(fitted, data, tmp_path):
    joblib.dump((fitted, data[0]), tmp_path / "model.joblib")
    script = (
        "import joblib, numpy, sys; model, X = joblib.load(sys.argv[1]); "
        "numpy.save(sys.argv[2], model.predict_proba(X))"
    )
    paths = [tmp_path / "model.joblib", tmp_path / "probabilities.npy"]
    subprocess.run([sys.executable, "-W", "error", "-c", script, *paths], check=True)
    there, here = np.load(paths[1]), fitted.predict_proba(data[0])
    # The other process may use another number of threads: a rounding or two.
    np.testing.assert_allclose(there, here, rtol=1e-6)


def test_copies_predict_the_same(fitted, data):
    for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(
            other.predict_proba(data[0]), fitted.predict_proba(data[0])
        )


def test_trimmed_model_is_a_third_in_size_and_predicts(data):
    model = LipNetClassifier("lipnet-1", max_epochs=1, random_state=0).fit(*data)
    n_bytes = 4 * len(weights_of(model))
    size, expected = len(pickle.dumps(model)), model.predict_proba(data[0])
    model.net_.trim_for_prediction()
    # The network and the two moments of Adam; 50 kB for all the rest.
    assert 3 * n_bytes < size < 3 * n_bytes + 50_000
    assert n_bytes < len(pickle.dumps(model)) < n_bytes + 50_000
    trimmed = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(trimmed.predict_proba(data[0]), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_model_trained_on_a_gpu_rests_on_the_cpu(data):
    model = LipNetClassifier("lipnet-4", device="cuda", **SMALL).fit(*data)
    assert_same_bits(model, clone(model).fit(*data))
    tensors = [*model.net_.module_.state_dict().values()]
    for state in model.net_.optimizer_.state.values():
        tensors += state.values()
    assert {tensor.device.type for tensor in tensors} == {"cpu"}
    on_gpu = model.predict_proba(data[0])
    on_cpu = model.set_params(device="cpu").predict_proba(data[0])
    # TF32 convolutions keep 10 bits of each factor.
    np.testing.assert_allclose(on_gpu, on_cpu, atol=1e-2)
    model.set_params(device="cuda", warm_start=True).fit(*data)


def test_search_over_architectures_in_a_pipeline(data):
    pipeline = make_pipeline(MinMaxScaler(), LipNetClassifier(**SMALL))
    grid = {"lipnetclassifier__architecture": ["lipnet-1", "lipnet-4c"]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(*data)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(data[0]).shape == (60,)


def test_callbacks_of_skorch_work(data):
    callbacks = [
        LRScheduler(policy="StepLR", step_size=1, gamma=0.5),
        ("balanced", EpochScoring("balanced_accuracy", lower_is_better=False)),
        EpochScoring("accuracy", on_train=True, name="train_acc"),
        GradientNormClipping(1.0),
    ]
    model = LipNetClassifier(**SMALL, early_stopping=True, callbacks=callbacks)
    history = model.fit(*data).history_
    assert {"valid_loss", "balanced_accuracy", "train_acc"} <= set(history)
    assert history["balanced_accuracy"].between(0, 1).all()
    assert history["event_lr"].tolist() == [1e-3, 5e-4, 2.5e-4]


def test_verbose_prints_a_line_per_epoch(data, capsys):
    model = LipNetClassifier("lipnet-1", **SMALL).fit(*data)
    assert capsys.readouterr().out == ""
    model.set_params(verbose=1).fit(*data)
    lines = capsys.readouterr().out.splitlines()
    assert "train_loss" in lines[0]
    assert len(lines) == 2 + 3


@pytest.mark.parametrize(
    "param",
    [
        {"architecture": "lipnet-3"},
        {"architecture": 4},
        {"image_shape": "column"},
        {"n_filters": 0},
        {"hidden_units": 1.5},
        {"conv_dropout": 1.0},
        {"dense_dropout": -0.1},
        {"batch_norm": "yes"},
        {"optimizer": "lbfgs"},
        {"learning_rate": 0},
        {"momentum": 1.0},
        {"weight_decay": -1},
        {"max_epochs": 0},
        {"batch_size": 0},
        {"label_smoothing": 1.0},
        {"class_weight": "even"},
        {"validation_fraction": 1.0},
        {"n_iter_no_change": 0},
        {"callbacks": "all"},
        {"device": 0},
        {"random_state": "seed"},
        {"image_shape": 28},
        {"learning_rate_schedule": "linear"},
        {"loss": "hinge"},
        {"epoch_sampler": "over"},
        {"augmentation": "affine"},
        {"test_time_augmentation": 8},
    ],
)
def test_wrong_parameter_is_named(data, param):
    (name,) = param
    with pytest.raises(ValueError, match=f"The '{name}' parameter of LipNetClassifier"):
        LipNetClassifier(**{**SMALL, **param}).fit(*data)


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ({"label_smoothing": 0.5}, "with 2 classes it must be below 0.5"),
        ({"class_weight": {"disc": 2}}, "not in class_weight"),
        ({"class_weight": {"disk": -1}}, "finite and not negative"),
        ({"class_weight": {"disk": 0, "ring": 0}}, "weight zero to every sample"),
        ({"image_shape": (12, 13)}, "156 pixels, but X has 144 features"),
        ({"device": "gpu"}, "expected 'auto', or a device of torch"),
        ({"architecture": ("conv",)}, "'dense' or 'average' as the last one"),
        ({"loss": FocalLoss(-1)}, "'gamma' parameter of FocalLoss"),
        ({"loss": LogitAdjustedLoss(-1)}, "'tau' parameter of LogitAdjustedLoss"),
        ({"weight_decay": WeightDecay(norm="l3")}, "'norm' parameter of WeightDecay"),
        ({"weight_decay": WeightDecay(-1)}, "'strength' parameter of WeightDecay"),
        ({"class_weight": DeferredClassWeight(start=1)}, "'start' parameter of Deferr"),
        ({"callbacks": [DropoutDecay(1.5)]}, "expected a number from 0 to 1"),
        ({"augmentation": RandomAffine(noise=-1)}, "'noise' parameter of RandomAffine"),
        ({"augmentation": RandomAffine(zoom=(1, 0.8))}, "two numbers above 0 in this"),
        ({"augmentation": RandomAffine(shear=-1)}, "'shear' parameter of RandomAffine"),
        ({"epoch_sampler": EpochUnderSampler(-1)}, "'drop' parameter of EpochUnder"),
        ({"epoch_sampler": EpochOverSampler("al")}, "'sampling_strategy' parameter"),
        ({"epoch_sampler": EpochOverSampler({"disc": 9})}, r"names \['disc'\]"),
    ],
)
def test_parameter_that_does_not_suit_the_data_is_explained(data, param, message):
    model = LipNetClassifier(**SMALL, **param)
    with pytest.raises(ValueError, match=message):
        model.fit(*data)
    with pytest.raises(NotFittedError):
        model.predict(data[0])


def test_one_class_only_is_named(data):
    X, y = data
    with pytest.raises(ValueError, match="all of one class, 'disk'"):
        LipNetClassifier(**SMALL).fit(X, y, sample_weight=y == "disk")


def test_nan_and_unseen_width_are_refused(fitted, data):
    X, y = data
    with pytest.raises(ValueError, match="Input X contains NaN"):
        LipNetClassifier(**SMALL).fit(np.where(X > 1, np.nan, X), y)
    with pytest.raises(ValueError, match=r"X has 100 features, but .* expecting 144"):
        fitted.predict(X[:, :100])


IMAGES = [np.zeros((5, 4)), np.ones((3, 6))]


@pytest.mark.parametrize(
    "X",
    [
        IMAGES,
        np.zeros((2, 8, 8)),
        pd.Series(ImageArray(IMAGES)),
        pd.DataFrame({"image": ImageArray(IMAGES), "pixel_size": [0.5, 0.5]}),
        pd.DataFrame({"image": ImageArray(IMAGES)})["image"].array,
    ],
    ids=["list", "stack", "series", "particle table", "image array"],
)
def test_images_are_sent_to_resize(fitted, X):
    with pytest.raises(TypeError, match=r"make_pipeline\(Resize\(28\)"):
        LipNetClassifier(**SMALL).fit(X, ["a", "b"])
    with pytest.raises(TypeError, match="Put a Resize before it"):
        fitted.predict(X)


class Mixer(torch.nn.Module):
    """A network of the user that draws by itself: weights, two kinds of dropout."""

    def __init__(self, image_shape, n_classes):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 3, 3, padding=1)
        self.drop = torch.nn.Dropout2d(0.3)
        self.norm = torch.nn.BatchNorm2d(3)
        self.head = torch.nn.Linear(3 * image_shape[0] * image_shape[1], n_classes)

    def forward(self, images):
        maps = self.norm(self.drop(self.conv(images))).relu()
        rows = torch.nn.functional.dropout(maps.flatten(1), 0.2, self.training)
        return self.head(rows)


def test_network_of_a_callable_is_trained_reproducibly(data):
    before = torch.get_rng_state()
    model = LipNetClassifier(Mixer, **SMALL).fit(*data)
    assert_same_bits(model, clone(model).fit(*data))
    assert torch.equal(torch.get_rng_state(), before)
    assert model.predict_proba(data[0]).shape == (60, 2)
    assert model.transform(data[0]).shape == (60, 3 * 144)
    assert model.get_feature_names_out().shape == (3 * 144,)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.transform(data[0]), model.transform(data[0]))
    assert_same_bits(again.partial_fit(*data), model.partial_fit(*data))


def test_options_act_on_the_network_of_a_callable(data):
    plain = LipNetClassifier(Mixer, **SMALL).fit(*data)
    for option in (
        {"weight_decay": WeightDecay(1.0, layers="conv")},
        {"augmentation": RandomAffine(noise=0.1)},
        {"callbacks": [DropoutDecay(0.5)]},
        {"loss": FocalLoss(), "early_stopping": True},
    ):
        model = clone(plain).set_params(**option).fit(*data)
        assert not torch.equal(weights_of(model), weights_of(plain))


def build_bare(image_shape, n_classes):
    """Return a network without a dense layer."""
    pool = torch.nn.AdaptiveAvgPool2d(1)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, n_classes, 1), pool, torch.nn.Flatten()
    )


def test_transform_says_what_it_needs_of_a_network(data):
    model = LipNetClassifier(build_bare, **SMALL).fit(*data)
    assert model.predict(data[0]).shape == (60,)
    with pytest.raises(AttributeError, match=r"last torch.nn.Linear .* has none"):
        model.transform(data[0])


@pytest.mark.parametrize(
    ("architecture", "error", "message"),
    [
        (Mixer((12, 12), 2), TypeError, r"is a Mixer.*\(image_shape, n_classes\)"),
        (lambda shape, k: "lipnet-4", TypeError, "returned a str; expected a torch.nn"),
        (lambda shape, k: Mixer(shape, k + 1), ValueError, r"expected.*\(2, 2\)"),
    ],
)
def test_callable_that_builds_something_else_is_explained(
    data, architecture, error, message
):
    with pytest.raises(error, match=message):
        LipNetClassifier(architecture, **SMALL).fit(*data)


class Draw(Callback):
    """Draws as users do: from the generator of the net, and from that of torch."""

    def on_train_begin(self, net, **kwargs):
        self.draws_ = []

    def on_epoch_end(self, net, **kwargs):
        self.draws_ += [torch.rand(1, generator=net.generator_).item()]
        self.draws_ += [torch.rand(1).item()]


def test_callback_draws_reproducibly(data):
    before = torch.get_rng_state()
    draws = []
    for seed in (0, 0, 1):
        model = LipNetClassifier("lipnet-1", **SMALL, callbacks=[Draw()])
        model.set_params(random_state=seed).fit(*data)
        draws.append(dict(model.net_.callbacks_)["Draw"].draws_)
    assert draws[0] == draws[1] != draws[2]
    assert len(set(draws[0])) == 6
    assert torch.equal(torch.get_rng_state(), before)


def test_model_says_whether_threads_can_train_it():
    assert has_tag(LipNetClassifier(device="cpu"), "releases_gil")
    assert has_tag(LipNetClassifier(), "releases_gil") is not torch.cuda.is_available()
    for foreign in ({"architecture": Mixer}, {"callbacks": [Draw()]}):
        assert not has_tag(LipNetClassifier(device="cpu", **foreign), "releases_gil")
    assert not has_tag(LipNetClassifier(device="cuda"), "releases_gil")
    assert has_tag(LipNetClassifier(), "predicts_most_probable")


def test_parts_nest_in_a_search(data):
    model = LipNetClassifier(
        "lipnet-1",
        **SMALL,
        loss=FocalLoss(),
        weight_decay=WeightDecay(),
        class_weight=DeferredClassWeight(),
    )
    grid = {
        "architecture": [("conv", "stride", "average")],
        "loss__gamma": [0.5],
        "weight_decay__norm": ["l1"],
        "class_weight__start": [0.5],
    }
    best = GridSearchCV(model, grid, cv=2).fit(*data).best_estimator_
    assert best.net_.criterion_.gamma == 0.5
    assert best.net_.weight_decay.norm == "l1"
    assert best.net_.module_.features.conv2.stride == (2, 2)
