"""What LipNetClassifier does on a GPU; what a CPU can do as well is tested there."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from lipnet_cases import SMALL, assert_same_bits, draw_disks_and_rings, weights_of
from sklearn.base import clone

from sklipo import LipNetClassifier, RandomAffine
from sklipo.lipnet import _fitting, _skorch
from sklipo.lipnet.architectures import build_lipnet
from sklipo.lipnet.batches import Batches, ImageDataset, TrainingSet
from sklipo.lipnet.devices import fits_on

CPU, META = torch.device("cpu"), torch.device("meta")
OPTIONS = {"mixed_precision": True, "compile": True}
HARD = {
    "augmentation": RandomAffine(),
    "input_noise": 0.1,
    "early_stopping": True,
    "dropout_decay": 0.5,
}
on_a_gpu = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no CUDA device here"
)


@pytest.fixture(scope="module")
def data():
    return draw_disks_and_rings(60)


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Let a CPU heed the options of a GPU, and return the runs of compiled networks."""
    runs = []

    def compile(forward):
        def run(images):
            runs.append(forward.__self__.training)
            return forward(images)

        return run

    def options(classifier, device):
        return {name: getattr(classifier, name) for name in OPTIONS}

    monkeypatch.setattr(torch, "compile", compile)
    monkeypatch.setattr(_fitting, "_gpu_options", options)
    return runs


def test_cpu_heeds_no_option_of_a_gpu(data, monkeypatch):
    monkeypatch.delattr(torch, "compile")
    model = LipNetClassifier("lipnet-1", device="cpu", **SMALL)
    with_options = clone(model).set_params(**OPTIONS).fit(*data)
    assert_same_bits(with_options, model.fit(*data))


def test_training_runs_the_compiled_network(data, as_on_a_gpu):
    plain = LipNetClassifier("lipnet-2", device="cpu", **SMALL, **HARD).fit(*data)
    model = clone(plain).set_params(compile=True).fit(*data)
    assert_same_bits(model, plain)
    assert len(as_on_a_gpu) == model.n_iter_ * 2
    assert all(as_on_a_gpu)  # Validation and prediction run the network itself.
    assert list(model.net_.module_.state_dict()) == list(
        plain.net_.module_.state_dict()
    )
    as_on_a_gpu.clear()
    model.set_params(compile=False, warm_start=True).fit(*data)
    assert not as_on_a_gpu


# The compiler looks at the gradients of what dropout on a CPU, unknown to it, gives.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_compiler_of_torch_takes_the_network(data, monkeypatch):
    compile = partial(torch.compile, backend="eager")
    plain = LipNetClassifier("lipnet-4", device="cpu", **SMALL).fit(*data)
    monkeypatch.setattr(torch, "compile", compile)
    monkeypatch.setattr(_fitting, "_gpu_options", lambda *_: {"compile": True})
    model = clone(plain).fit(*data)
    assert_same_bits(model, plain)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(data[0]), plain.predict(data[0]))


def test_mixed_precision_is_of_training_alone(data, as_on_a_gpu):
    params = {**SMALL, "dense_dropout": 0, "conv_dropout": 0, "max_epochs": 10}
    plain = LipNetClassifier("lipnet-4", device="cpu", **params).fit(*data)
    model = clone(plain).set_params(mixed_precision=True).fit(*data)
    assert weights_of(model).dtype == torch.float32
    assert not torch.equal(weights_of(model), weights_of(plain))
    # bfloat16 keeps 8 bits of each factor.
    assert model.history_["train_loss"].to_numpy() == pytest.approx(
        plain.history_["train_loss"], rel=0.05
    )
    with torch.inference_mode():
        images = torch.tensor(data[0]).reshape(-1, 1, 12, 12)
        expected = model.net_.module_(images).softmax(dim=1).numpy()
    np.testing.assert_allclose(model.predict_proba(data[0]), expected, atol=1e-6)
    double = clone(model).fit(data[0].astype(float), data[1])
    assert weights_of(double).dtype == torch.float64


def test_options_leave_the_size_of_a_pickle_as_it_is(data, as_on_a_gpu):
    plain = LipNetClassifier("lipnet-2", device="cpu", **SMALL).fit(*data)
    model = clone(plain).set_params(**OPTIONS).fit(*data)
    assert abs(len(pickle.dumps(model)) - len(pickle.dumps(plain))) < 100


@pytest.mark.parametrize(
    ("n_free", "fits"), [(1999, False), (2000, True), (10**9, True)]
)
def test_images_stay_on_a_gpu_that_keeps_half_of_its_memory(monkeypatch, n_free, fits):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (n_free, 10**10))
    assert fits_on(torch.device("cuda"), 1000) == fits


def test_images_that_stay_behind_are_sent_batch_by_batch():
    images, codes = torch.rand(10, 1, 4, 4), np.arange(10) % 2
    training_set = TrainingSet(
        images, codes, np.ones(10), np.array(["a", "b"]), device=META
    )
    training_set.begin_epoch(0.0)
    for dataset in (training_set, ImageDataset(images, device=META)):
        for inputs, batch_codes in Batches(dataset, 4, shuffle=True):
            sent = [*inputs.values(), batch_codes]
            assert {tensor.device.type for tensor in sent} == {"meta"}
            assert inputs["images"].shape[1:] == (1, 4, 4)


def train_on_a_gpu(data, **params):
    model = LipNetClassifier("lipnet-4", device="cuda", **SMALL, **params)
    return model.fit(*data)


@on_a_gpu
def test_gpu_trains_the_same_bits_whether_images_stay_there_or_not(data, monkeypatch):
    resident = train_on_a_gpu(data, **HARD)
    monkeypatch.setattr(_skorch, "fits_on", lambda *_: False)
    assert_same_bits(train_on_a_gpu(data, **HARD), resident)


@on_a_gpu
@pytest.mark.parametrize("option", OPTIONS)
def test_gpu_options_change_little(data, option):
    exact = {"conv_dropout": 0, "dense_dropout": 0}
    plain = train_on_a_gpu(data, **exact)
    model = train_on_a_gpu(data, **exact, **{option: True})
    loss = model.history_["train_loss"].to_numpy()
    assert loss == pytest.approx(plain.history_["train_loss"], rel=0.05)
    assert_same_bits(clone(model).fit(*data), model)


@on_a_gpu
def test_gpu_predicts_what_the_cpu_predicts(data):
    model = train_on_a_gpu(data, test_time_augmentation=True)
    on_gpu = [model.predict_proba(data[0]), model.transform(data[0])]
    model.set_params(device="cpu")
    on_cpu = [model.predict_proba(data[0]), model.transform(data[0])]
    for ours, expected in zip(on_gpu, on_cpu, strict=True):
        # TF32 convolutions keep 10 bits of each factor.
        np.testing.assert_allclose(ours, expected, atol=1e-2)


def test_network_compiles_without_a_break(monkeypatch):
    # On a GPU dropout is the layer of torch, which the compiler knows.
    network = build_lipnet("lipnet-4", (8, 8), 3, n_filters=2, hidden_units=4)
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Dropout)]
    for layer in layers:
        layer.forward = partial(torch.nn.Dropout.forward, layer)
    run = torch.compile(network.train().forward, backend="eager", fullgraph=True)
    for n_images in (8, 7, 8):
        assert run(torch.zeros(n_images, 1, 8, 8)).shape == (n_images, 3)
