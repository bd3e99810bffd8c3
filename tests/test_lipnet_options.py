"""What LipNetClassifier makes of imbalance, augmentation and regularization."""

import pickle
import re

import numpy as np
import pytest
import sklearn
import torch
from imblearn.pipeline import Pipeline as ImblearnPipeline
from lipnet_cases import SMALL, assert_same_bits, draw_disks_and_rings, weights_of
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import Callback

from sklipo import LipNetClassifier
from sklipo.lipnet import (
    DeferredClassWeight,
    DropoutDecay,
    EpochOverSampler,
    EpochUnderSampler,
    LogitAdjustedLoss,
    RandomAffine,
    RandomIntensity,
    StopTraining,
    WeightDecay,
    dead_filters,
)

OPTIONS = {
    "focal": {"loss": "focal"},
    "logit-adjusted": {"loss": "logit_adjusted"},
    "half adjusted": {"loss": LogitAdjustedLoss(0.5)},
    "deferred": {"class_weight": DeferredClassWeight(start=0.6)},
    "over": {"epoch_sampler": EpochOverSampler()},
    "under": {"epoch_sampler": EpochUnderSampler()},
    "augmentation": {"augmentation": RandomAffine()},
    "gray values": {"augmentation": RandomIntensity()},
    "augmentations": {"augmentation": [RandomAffine(), RandomIntensity()]},
    "dropout": {"callbacks": [DropoutDecay()]},
    "l2": {"weight_decay": 0.1},
    "l1": {"weight_decay": WeightDecay(0.1, norm="l1")},
    "conv": {"weight_decay": WeightDecay(0.1, layers="conv")},
    "cosine": {"learning_rate_schedule": "cosine"},
    "one-cycle": {"learning_rate_schedule": "one_cycle"},
    "step": {"learning_rate_schedule": "step"},
    "linear": {"learning_rate_schedule": lambda progress: 1 - progress},
}


@pytest.fixture(scope="module")
def data():
    """Return three rings among four particles, and the rest disks."""
    X, y = draw_disks_and_rings(100)
    kept = (y == "ring") | (np.arange(100) % 3 == 0)
    return X[kept], y[kept]


@pytest.fixture(scope="module")
def plain(data):
    return LipNetClassifier("lipnet-1", **SMALL).fit(*data)


@pytest.mark.parametrize("option", OPTIONS.values(), ids=OPTIONS)
def test_option_acts_and_same_seed_gives_same_bits(data, plain, option):
    before = torch.get_rng_state()
    model = LipNetClassifier("lipnet-1", **SMALL, **option).fit(*data)
    assert_same_bits(model, clone(model).fit(*data))
    assert not torch.equal(weights_of(model), weights_of(plain))
    np.testing.assert_allclose(model.predict_proba(data[0]).sum(axis=1), 1, atol=1e-6)
    assert torch.equal(before, torch.get_rng_state())


class Watch(Callback):
    """Records what the network sees, its rates and what an epoch shows."""

    def on_train_begin(self, net, **kwargs):
        self.rates_, self.dropout_, self.epochs_, self.seen_ = [], [], [], []
        net.module_.standardize.register_forward_hook(self._see)
        self.is_training_ = None

    def _see(self, layer, inputs, output):
        self.seen_.append((self.is_training_, inputs[0].clone()))

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        self.dropout_.append(
            (net.module_.features.dropout1.p, net.module_.hidden[-1].p)
        )
        self.epochs_.append(dataset_train.codes[dataset_train.rows].tolist())

    def on_batch_begin(self, net, training=False, **kwargs):
        self.is_training_ = training
        if training:
            self.rates_.append(net.optimizer_.param_groups[0]["lr"])

    def __getstate__(self):
        return {}


def watch_fit(data, callbacks=(), **params):
    """Return a fitted model and what was seen in its training."""
    model = LipNetClassifier("lipnet-1", **SMALL, callbacks=[*callbacks, Watch()])
    model.set_params(**params).fit(*data)
    return model, dict(model.net_.callbacks_)["Watch"]


def test_training_alone_is_augmented(data):
    # A shift beyond the edge leaves the fill value alone.
    off = RandomAffine(0, shear=0, zoom=(1, 1), fill_value=7.0)
    _, watch = watch_fit(data, augmentation=off, early_stopping=True)
    images = data[0].reshape(-1, 1, 12, 12)
    originals = {image.tobytes() for image in images}
    seen = {True: 0, False: 0}
    for is_training, batch in watch.seen_:
        for image in batch.numpy():
            seen[is_training] += image.tobytes() in originals
    n_valid = sum(len(batch) for is_training, batch in watch.seen_ if not is_training)
    assert seen == {True: 0, False: n_valid}


def test_noise_has_the_given_deviation_in_training_alone(data):
    X, y = data
    X = np.ones_like(X) * (y == "ring")[:, None] * 40
    noise = RandomAffine(
        0,
        shear=0,
        vertical_shift=0,
        horizontal_shift=0,
        zoom=(1, 1),
        vertical_flip=False,
        horizontal_flip=False,
        noise=0.5,
    )
    model, watch = watch_fit((X, y), augmentation=noise, early_stopping=True)
    trained = torch.cat([batch for is_training, batch in watch.seen_ if is_training])
    noise = trained - 40 * (trained > 20)
    # 24,000 values: the deviation is known to 0.5 %, the mean to 0.7 % of it.
    assert noise.std().item() == pytest.approx(0.5 * model.scale_, rel=0.03)
    assert abs(noise.mean().item()) < 0.03 * model.scale_
    valid = torch.cat([batch for is_training, batch in watch.seen_ if not is_training])
    assert set(valid.unique().tolist()) == {0, 40}


def test_search_over_parameters_of_the_augmentation(data):
    model = LipNetClassifier("lipnet-1", **SMALL, augmentation=RandomAffine())
    pipeline = Pipeline([("classify", model)])
    grid = {"classify__augmentation__rotation": [0, 90]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(*data)
    best = search.best_estimator_.named_steps["classify"].augmentation
    assert best.rotation == search.best_params_["classify__augmentation__rotation"]
    assert model.augmentation.rotation == 180


def test_augmentations_of_a_list_act_in_its_order(data):
    fill = RandomAffine(horizontal_shift=1, fill_value=7.0)
    add = RandomIntensity(fill_value=None)
    has_fill = []
    for several in ([add, fill], (fill, add)):
        _, watch = watch_fit(data, augmentation=several)
        seen = torch.cat([batch for _, batch in watch.seen_])
        has_fill.append((seen == 7).any().item())
    assert has_fill == [True, False]


def test_one_augmentation_equals_a_list_of_it_and_none_an_empty_one(data, plain):
    alone, listed, empty = (
        LipNetClassifier("lipnet-1", **SMALL, augmentation=augmentation).fit(*data)
        for augmentation in (RandomIntensity(), [RandomIntensity()], [])
    )
    assert_same_bits(alone, listed)
    assert_same_bits(empty, plain)


def test_lists_of_augmentations_are_cloned_and_pickled(data):
    several = [RandomAffine(), RandomIntensity(gain=0.1)]
    model = LipNetClassifier("lipnet-1", **SMALL, augmentation=several)
    copy = clone(model)
    assert copy.augmentation[1] is not several[1]
    assert copy.augmentation[1].gain == 0.1
    assert_same_bits(model.fit(*data), copy.fit(*data))
    again = pickle.loads(pickle.dumps(model))
    assert again.augmentation[1].gain == 0.1
    np.testing.assert_array_equal(
        again.predict_proba(data[0]), model.predict_proba(data[0])
    )
    assert_same_bits(again.fit(*data), copy)


@pytest.mark.parametrize(
    "options",
    [
        [None, RandomAffine(), [RandomAffine(), RandomIntensity()]],
        [[RandomAffine(), RandomIntensity()], [RandomIntensity(), RandomAffine()]],
    ],
)
def test_search_over_lists_of_augmentations(data, options):
    pipeline = Pipeline([("classify", LipNetClassifier("lipnet-1", **SMALL))])
    search = GridSearchCV(pipeline, {"classify__augmentation": options}, cv=2)
    search.fit(*data)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    found = [
        params["classify__augmentation"] for params in search.cv_results_["params"]
    ]
    assert found == options
    best = search.best_estimator_["classify"].augmentation
    assert repr(best) == repr(search.best_params_["classify__augmentation"])


@pytest.mark.parametrize("wrong", [RandomAffine, None, "affine", EpochOverSampler()])
def test_what_is_no_augmentation_in_a_list_is_named(data, wrong):
    model = LipNetClassifier(augmentation=[RandomAffine(), wrong])
    with pytest.raises(ValueError, match=f"holds {re.escape(repr(wrong))}; expected"):
        model.fit(*data)


def test_parameters_in_a_list_of_augmentations_are_checked(data):
    model = LipNetClassifier(augmentation=[RandomAffine(), RandomIntensity(-1)])
    with pytest.raises(ValueError, match="'gain' parameter of RandomIntensity"):
        model.fit(*data)


def test_epochs_show_balanced_classes(data):
    _, watch = watch_fit(data, epoch_sampler=EpochOverSampler())
    n_rings = (data[1] == "ring").sum()
    assert [np.bincount(codes).tolist() for codes in watch.epochs_] == (
        [[n_rings, n_rings]] * 3
    )


def test_learning_rate_and_dropout_fall_over_the_training(data):
    _, watch = watch_fit(
        data,
        learning_rate=0.01,
        learning_rate_schedule="cosine",
        callbacks=[DropoutDecay(0.5)],
        max_epochs=4,
        batch_size=20,
    )
    n_steps = 4 * -(-len(data[1]) // 20)
    expected = 0.01 * (1 + np.cos(np.pi * np.arange(n_steps) / n_steps)) / 2
    np.testing.assert_allclose(watch.rates_, expected, rtol=1e-9)
    shares = np.array([1, 0.875, 0.75, 0.625])
    np.testing.assert_allclose(watch.dropout_, shares[:, None] * [0.25, 0.5])


def test_schedule_of_fits_and_of_parts_begins_anew_after_max_epochs(data):
    params = {"learning_rate_schedule": "step", "max_epochs": 4, "batch_size": 512}
    model, watch = watch_fit(data, warm_start=True, **params)
    assert watch.rates_ == pytest.approx([1e-3, 1e-3, 1e-4, 1e-5])
    model.fit(*data)
    assert watch.rates_ == pytest.approx([1e-3, 1e-3, 1e-4, 1e-5])
    model = LipNetClassifier("lipnet-1", **SMALL).set_params(**params)
    rates = []
    for _ in range(6):
        model.partial_fit(*data, classes=["disk", "ring"])
        rates.append(model.net_.optimizer_.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-5, 1e-3, 1e-3])


class StopAtOnce(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise StopTraining


@pytest.mark.parametrize(
    ("counts", "batch_size", "sampler", "expected"),
    [
        ((90, 10), 10, None, 100),  # 10 steps an epoch would take 150
        ((90, 10), 2, None, 30),
        ((90, 10), 2, EpochOverSampler(), 17),  # 180 are shown: 16.7 epochs
        ((90, 10), 1, EpochUnderSampler(0.5), 28),  # 55 are shown: 27.3 epochs
        ((190, 10), 1, None, 10),  # 200 steps an epoch would take 7.5
    ],
)
def test_as_many_epochs_as_make_1500_steps(counts, batch_size, sampler, expected):
    y = np.repeat([0, 1], counts)
    X = np.random.default_rng(0).random((len(y), 4), dtype=np.float32)
    model = LipNetClassifier(
        "lipnet-1",
        **{**SMALL, "max_epochs": "auto"},
        batch_size=batch_size,
        epoch_sampler=sampler,
        callbacks=[StopAtOnce()],
    ).fit(X, y)
    assert model.n_iter_ == 1
    assert model.net_.max_epochs == expected
    again = clone(model).set_params(pretrained=model)
    assert again.fit(X, y).net_.max_epochs == -(-expected // 5)
    renamed = np.where(y, "core", "shell")
    assert again.fit(X, renamed).net_.max_epochs == expected


def test_warm_start_follows_what_may_change(data):
    model = LipNetClassifier("lipnet-1", **SMALL, warm_start=True)
    model.fit(*data).set_params(weight_decay=0.1, augmentation=RandomAffine())
    net = model.fit(*data).net_
    assert net.augmentation is model.augmentation
    assert net.weight_decay.strength == 0.1


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_one_step_of_decay_equals_the_closed_form(data, norm):
    params = {
        **SMALL,
        "max_epochs": 1,
        "batch_size": 512,
        "optimizer": "sgd",
        "momentum": 0,
        "learning_rate": 0.1,
    }
    free = LipNetClassifier("lipnet-1", **params).fit(*data)
    decay = WeightDecay(0.3, norm=norm, layers="dense")
    model = LipNetClassifier("lipnet-1", **params, weight_decay=decay).fit(*data)
    start = LipNetClassifier("lipnet-1", **{**params, "learning_rate": 1e-30})
    parameters = [m.net_.module_.state_dict() for m in (start.fit(*data), free, model)]
    for name in parameters[0]:
        at_start, without, with_decay = (part[name] for part in parameters)
        gradient = at_start.sign() if norm == "l1" else at_start
        is_decayed = name in ("hidden.dense.weight", "output.weight")
        by_hand = without - 0.1 * 0.3 * is_decayed * gradient
        torch.testing.assert_close(with_decay, by_hand)


def test_decay_of_convolutions_makes_dead_filters(data, plain):
    assert dead_filters(plain.net_.module_) == {"conv1": []}
    # What is left of a weight is its gradient divided by the strength of the decay.
    model = LipNetClassifier("lipnet-1", **SMALL, optimizer="sgd", learning_rate=0.01)
    model.set_params(weight_decay=WeightDecay(50.0, layers="conv"), max_epochs=20)
    network = model.fit(*data).net_.module_
    assert dead_filters(network) == {"conv1": [0, 1, 2, 3]}


def test_test_time_augmentation_averages_over_the_dihedral_group(data, plain):
    X = data[0]
    images = X.reshape(-1, 12, 12)
    turned = [
        np.rot90(view, k, (1, 2)) for view in (images, images.mT) for k in range(4)
    ]
    by_hand = np.mean([plain.predict_proba(v.reshape(X.shape)) for v in turned], axis=0)
    model = clone(plain).set_params(test_time_augmentation=True).fit(*data)
    # Augmentation is for training alone.
    model.set_params(augmentation=[RandomAffine(), RandomIntensity()])
    # Sums of float32 in another order.
    np.testing.assert_allclose(model.predict_proba(X), by_hand, rtol=1e-5)
    np.testing.assert_array_equal(
        model.predict(X), model.classes_[by_hand.argmax(axis=1)]
    )
    np.testing.assert_allclose(
        model.predict_proba(turned[3].reshape(X.shape)), by_hand, rtol=1e-5
    )


def test_test_time_augmentation_leaves_strips_as_they_are(data):
    X, y = data[0][:, :60], data[1]
    model = LipNetClassifier("lipnet-1", image_shape="row", **SMALL).fit(X, y)
    expected = model.predict_proba(X)
    model.set_params(test_time_augmentation=True)
    np.testing.assert_array_equal(model.predict_proba(X), expected)


@pytest.mark.parametrize("label_smoothing", [0, 0.1])
def test_logit_adjustment_puts_the_border_between_classes_of_equal_weight(
    label_smoothing,
):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [600, 30])
    X = (rng.normal(size=630) + 1.5 * y)[:, None] * np.ones(4)
    grid = np.linspace(-2, 5, 701)
    params = {**SMALL, "max_epochs": 30, "conv_dropout": 0, "dense_dropout": 0}
    borders = []
    for loss in ("cross_entropy", "logit_adjusted"):
        model = LipNetClassifier("lipnet-1", **params, loss=loss)
        model.set_params(label_smoothing=label_smoothing).fit(X, y)
        borders.append(grid[model.predict(grid[:, None] * np.ones(4)).argmax()])
    # By Bayes at equal frequencies the border is at 0.75, which the few samples of one
    # class tell to 1 / sqrt(30); at their own it is at 0.75 + log(20) / 1.5 = 2.75.
    assert borders[0] > 2
    assert borders[1] == pytest.approx(0.75, abs=0.4)


@pytest.mark.parametrize("pipeline", [Pipeline, ImblearnPipeline])
def test_sample_weights_are_routed_through_a_pipeline(data, pipeline):
    X, y = data
    weights = np.linspace(0.1, 2, len(y))
    model = LipNetClassifier("lipnet-1", **SMALL)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = clone(model).set_fit_request(sample_weight=True)
        steps = pipeline([("keep", FunctionTransformer()), ("classify", routed)])
        steps.fit(X, y, sample_weight=weights)
    assert_same_bits(steps["classify"], clone(model).fit(X, y, weights))
