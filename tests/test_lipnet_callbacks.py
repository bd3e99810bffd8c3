"""How a training ends: diverged, interrupted, by an error, or planned."""

import pickle
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from lipnet_cases import assert_same_bits, weights_of
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import Callback, EarlyStopping

from sklipo import LipNetClassifier, cross_validate_particles
from sklipo.lipnet import CrossEntropyLoss, FocalLoss, StopOnDivergence, StopTraining

TINY = {
    "architecture": "lipnet-1",
    "n_filters": 2,
    "hidden_units": 4,
    "max_epochs": 4,
    "batch_size": 8,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.random((24, 64), dtype=np.float32), np.repeat(["a", "b"], 12)


class NanLoss(CrossEntropyLoss):
    """A loss of the user that is wrong."""

    def __call__(self, logits, *args, **kwargs):
        return super().__call__(logits, *args, **kwargs) * float("nan")


class NanWhenValidated(CrossEntropyLoss):
    """A loss that is wrong on the validation set alone."""

    def __call__(self, logits, *args, **kwargs):
        loss = super().__call__(logits, *args, **kwargs)
        return loss if logits.requires_grad else loss * float("nan")


class SpoilWeights(Callback):
    """Spoils a weight after the last batch of some epoch."""

    def __init__(self, epoch=1):
        self.epoch = epoch

    def on_batch_end(self, net, **kwargs):
        n_batches = len(net.history[-1]["batches"])
        if len(net.history) == self.epoch and n_batches == net.n_batches_:
            with torch.no_grad():
                next(net.module_.parameters()).view(-1)[0] = torch.inf


class Raise(Callback):
    """Raises an exception at the end of an epoch, or in the midst of it."""

    def __init__(self, error, epoch=2, midst=False):
        self.error = error
        self.epoch = epoch
        self.midst = midst

    def on_batch_end(self, net, **kwargs):
        if self.midst and len(net.history) == self.epoch:
            raise self.error

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise self.error


DIVERGING = [
    {"optimizer": "sgd", "learning_rate": 1e30},
    {"learning_rate": 1e30},
    {"learning_rate": 1e300},
    {"loss": NanLoss()},
    {"loss": NanWhenValidated(), "early_stopping": True},
    {"callbacks": [SpoilWeights(4)]},
    {"callbacks": [SpoilWeights(1)], "batch_norm": True},
]


@pytest.mark.parametrize("params", DIVERGING)
def test_training_that_diverges_is_an_error_that_helps(data, params):
    model = LipNetClassifier(**{**TINY, **params})
    message = r"diverged in epoch \d.*learning_rate=.*Try a smaller learning_rate"
    with pytest.raises(ValueError, match=message):
        model.fit(*data)
    with pytest.raises(NotFittedError):
        model.predict(data[0])
    with pytest.raises(ValueError, match="diverged in epoch"):
        cross_validate_particles(model, *data, cv=2)


# scikit-learn looks for infinities by a sum, which may overflow.
@pytest.mark.filterwarnings("ignore:invalid value encountered in reduce")
def test_pixels_that_overflow_diverge(data):
    X, y = data
    X = np.where(X < 0.9, np.float32(3e38), np.float32(-3e38))
    with pytest.raises(ValueError, match=r"diverged in epoch 1.*deviation 1.86e\+38"):
        LipNetClassifier(**TINY).fit(X, y)
    with pytest.raises(ValueError, match="variance overflows"):
        LipNetClassifier(**TINY).fit(X.astype(float) * 1e200, y)


def test_diverged_fold_is_named_and_a_search_goes_on(data):
    model = LipNetClassifier(**TINY)
    with pytest.raises(ValueError, match="diverged") as caught:
        cross_validate_particles(
            LipNetClassifier(**{**TINY, "learning_rate": 1e300}), *data, cv=2, n_jobs=2
        )
    assert "In fold" in caught.value.__notes__[0]
    search = GridSearchCV(model, {"learning_rate": [1e-3, 1e300]}, cv=2)
    with pytest.warns(Warning, match="fits failed|non-finite"):
        search.fit(*data)
    assert np.isnan(search.cv_results_["mean_test_score"][1])
    assert search.best_params_ == {"learning_rate": 1e-3}


def test_going_back_keeps_the_last_good_epoch(data):
    expected = LipNetClassifier(**{**TINY, "max_epochs": 2}).fit(*data)
    callbacks = [SpoilWeights(3), StopOnDivergence("go_back")]
    model = LipNetClassifier(**TINY, callbacks=callbacks)
    with pytest.warns(
        UserWarning, match=r"epoch 3: weights.* is that of epoch 2"
    ) as seen:
        model.fit(*data)
    assert seen[0].filename == __file__
    assert_same_bits(model, expected)
    assert model.n_iter_ == len(model.history_) == 2
    assert not model.interrupted_
    dict(model.net_.callbacks_)["SpoilWeights"].epoch = 0
    assert_same_bits(model.partial_fit(*data), expected.partial_fit(*data))


def test_there_must_be_an_epoch_to_go_back_to(data):
    model = LipNetClassifier(**TINY, loss=NanLoss())
    model.set_params(callbacks=[("stop", StopOnDivergence("go_back"))])
    with pytest.raises(ValueError, match="diverged in epoch 1"):
        model.fit(*data)
    with pytest.raises(ValueError, match="expected 'raise' or 'go_back'"):
        model.set_params(callbacks=[StopOnDivergence("warn")]).fit(*data)


def test_loss_that_rose_is_warned_of(data):
    model = LipNetClassifier(**{**TINY, "learning_rate": 1e3})
    with pytest.warns(ConvergenceWarning, match="has learned nothing") as seen:
        model.fit(*data)
    assert seen[0].filename == __file__


@pytest.mark.parametrize(
    "params",
    [
        {"loss": FocalLoss(gamma=5.0), "label_smoothing": 0.0},
        {"class_weight": {"a": 1e-6, "b": 1.0}},
        {"loss": "logit_adjusted"},
    ],
)
def test_first_batch_that_is_easy_or_light_is_no_alarm(data, params):
    X, y = data
    for seed in range(4):
        model = LipNetClassifier(**{**TINY, "batch_size": 1, "random_state": seed})
        model.set_params(**params).fit(X, y)


@pytest.mark.parametrize("kind", [StopTraining, KeyboardInterrupt])
def test_end_before_the_first_batch(data, kind):
    class StopAtOnce(Callback):
        def on_epoch_begin(self, net, **kwargs):
            raise kind

    model = LipNetClassifier(**TINY, callbacks=[StopAtOnce()])
    if kind is StopTraining:
        model.fit(*data)
    else:
        with pytest.raises(KeyboardInterrupt, match="after 0 whole epochs"):
            model.fit(*data)
    assert model.n_iter_ == 0 and len(model.history_) == 0
    assert model.interrupted_ == (kind is KeyboardInterrupt)


def test_network_that_is_not_finite_does_not_predict(data):
    X, y = data
    model = LipNetClassifier(**TINY).fit(X, y)
    far = X.copy()
    far[[3, 5]] = np.float32(3e38)
    for method in (model.predict, model.predict_proba, model.transform):
        with pytest.raises(ValueError, match=r"for 2 of 24 images, first for row 3"):
            method(far)
    model.set_params(test_time_augmentation=True)
    with pytest.raises(ValueError, match="for 2 of 24 images"):
        model.predict(far)


@pytest.mark.parametrize("params", [{"loss": NanLoss()}, {"learning_rate": 1e300}])
def test_continued_training_that_diverges_leaves_the_earlier_network(data, params):
    model = LipNetClassifier(**TINY, warm_start=True).fit(*data)
    before, n_iter = weights_of(model), model.n_iter_
    model.net_.set_params(lr=1e-3)
    model.set_params(callbacks=None, learning_rate=1e300)
    for train in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match="diverged in epoch"):
            train(*data)
        assert torch.equal(weights_of(model), before)
        assert model.n_iter_ == len(model.net_.history) == n_iter
    twin = LipNetClassifier(**TINY).fit(*data).partial_fit(*data)
    model.set_params(learning_rate=None)
    assert_same_bits(model.partial_fit(*data), twin)


@pytest.mark.parametrize("error", [RuntimeError("mine"), KeyError(1), SystemExit(1)])
def test_error_of_a_callback_leaves_the_estimator_as_it_was(data, error):
    X, y = data
    model = LipNetClassifier(**TINY, callbacks=[Raise(error)])
    with pytest.raises(type(error)):
        model.fit(X, y)
    for check in (check_is_fitted, lambda model: model.predict(X)):
        with pytest.raises(NotFittedError):
            check(model)
    model.set_params(callbacks=None).fit(X, y)
    before = model.predict_proba(X)
    with pytest.raises(type(error)):
        model.set_params(callbacks=[Raise(error)]).fit(X[:, :36], 1 - (y == "a"))
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert model.image_shape_ == (8, 8)


@pytest.mark.parametrize(("epoch", "midst"), [(1, True), (1, False), (3, True)])
def test_interrupt_is_raised_and_the_network_kept(data, epoch, midst):
    X, y = data
    stop = Raise(KeyboardInterrupt(), epoch, midst)
    model = LipNetClassifier(**TINY, callbacks=[stop])
    with pytest.raises(KeyboardInterrupt, match="interrupted_=True"):
        model.fit(X, y)
    assert model.interrupted_
    assert model.n_iter_ == len(model.history_) == epoch - midst
    assert pickle.loads(pickle.dumps(model)).predict(X).shape == (24,)
    # The callback is the fitted net's own: it interrupts the same epoch alone.
    if midst:
        return
    assert not model.partial_fit(X, y).interrupted_
    assert not model.set_params(callbacks=None).fit(X, y).interrupted_


@pytest.mark.parametrize("early_stopping", [True, False])
def test_planned_end_is_no_interrupt(data, early_stopping):
    model = LipNetClassifier(**TINY, early_stopping=early_stopping, n_iter_no_change=1)
    monitor = "valid_loss" if early_stopping else "train_loss"
    skorchs = EarlyStopping(monitor, patience=1, threshold=0.9)
    for stop in (skorchs, Raise(StopTraining())):
        model.set_params(callbacks=[stop]).fit(*data)
        assert model.n_iter_ == 2
        assert not model.interrupted_


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_interrupted_search_and_pipeline_raise(data, n_jobs):
    model = LipNetClassifier(**TINY, callbacks=[Raise(KeyboardInterrupt())])
    with pytest.raises(KeyboardInterrupt):
        make_pipeline(FunctionTransformer(), model).fit(*data)
    with pytest.raises(KeyboardInterrupt):
        GridSearchCV(model, {}, cv=2).fit(*data)
    with pytest.raises(KeyboardInterrupt):
        cross_validate_particles(model, *data, cv=2, n_jobs=n_jobs)


SCRIPT = """
import signal
import sys
# A process that was started in the background ignores Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
import numpy as np
from joblib import parallel_config
from sklipo import LipNetClassifier, cross_validate_particles
backend, n_jobs = sys.argv[1], int(sys.argv[2])
X = np.random.default_rng(0).random((60, 144), dtype=np.float32)
y = np.repeat(["a", "b"], 30)
model = LipNetClassifier(n_filters=4, max_epochs=10**6, device="cpu", verbose=1)
try:
    if backend == "fit":
        model.fit(X, y)
    with parallel_config(**({"backend": backend} if backend == "loky" else {})):
        cross_validate_particles(model, X, y, cv=3, n_jobs=n_jobs)
except KeyboardInterrupt:
    print("interrupted", getattr(model, "interrupted_", False), flush=True)
"""


@pytest.mark.parametrize(
    ("backend", "n_jobs"), [("fit", 1), ("default", 1), ("default", 2), ("loky", 2)]
)
def test_ctrl_c_stops_what_was_asked_for(backend, n_jobs):
    command = [sys.executable, "-c", SCRIPT, backend, str(n_jobs)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()  # skorch prints the epochs: the training has begun
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert f"interrupted {backend == 'fit'}" in out, err
    assert process.returncode == 0, err
    assert "Traceback" not in err
