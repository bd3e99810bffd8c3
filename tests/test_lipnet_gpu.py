"""What LipNetClassifier does on a GPU; what a CPU can do as well is tested there."""

import numpy as np
import pytest
import torch
from lipnet_cases import SMALL, assert_same_bits, draw_disks_and_rings
from sklearn.base import clone

from sklipo import (
    LipNetClassifier,
    OwnSizeLipNetClassifier,
    RandomAffine,
    RandomIntensity,
)
from sklipo.datasets import make_liposomes
from sklipo.lipnet import DropoutDecay, _training
from sklipo.lipnet._batches import Batches, ImageDataset, TrainingSet
from sklipo.lipnet._devices import fits_on

CPU, META = torch.device("cpu"), torch.device("meta")
HARD = {
    "augmentation": [RandomAffine(noise=0.1), RandomIntensity()],
    "early_stopping": True,
    "callbacks": [DropoutDecay(0.5)],
}
on_a_gpu = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no CUDA device here"
)


@pytest.fixture(scope="module")
def data():
    return draw_disks_and_rings(60)


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
        for inputs, batch_codes in Batches(dataset, 4, torch.Generator()):
            sent = [*inputs.values(), batch_codes]
            assert {tensor.device.type for tensor in sent} == {"meta"}
            assert inputs["images"].shape[1:] == (1, 4, 4)


def train_on_a_gpu(data, **params):
    model = LipNetClassifier("lipnet-4", device="cuda", **SMALL, **params)
    return model.fit(*data)


@on_a_gpu
def test_gpu_trains_the_same_bits_whether_images_stay_there_or_not(data, monkeypatch):
    resident = train_on_a_gpu(data, **HARD)
    monkeypatch.setattr(_training, "fits_on", lambda *_: False)
    assert_same_bits(train_on_a_gpu(data, **HARD), resident)


@on_a_gpu
def test_gpu_predicts_what_the_cpu_predicts(data):
    model = train_on_a_gpu(data, test_time_augmentation=True)
    on_gpu = [model.predict_proba(data[0]), model.transform(data[0])]
    model.set_params(device="cpu")
    on_cpu = [model.predict_proba(data[0]), model.transform(data[0])]
    for ours, expected in zip(on_gpu, on_cpu, strict=True):
        # TF32 convolutions keep 10 bits of each factor.
        np.testing.assert_allclose(ours, expected, atol=1e-2)


@on_a_gpu
def test_own_size_networks_train_on_a_gpu_with_the_same_bits():
    particles = make_liposomes(30, weights=None, pixel_size=4, margin=3, random_state=0)
    options = {"n_filters": 4, "max_epochs": 2, "batch_norm": True, "random_state": 0}
    model = OwnSizeLipNetClassifier(**options, **HARD, device="cuda")
    model.fit(particles, particles["label"])
    assert_same_bits(model, clone(model).fit(particles, particles["label"]))
    on_gpu = model.predict_proba(particles)
    model.set_params(device="cpu", test_time_augmentation=False)
    # Single precision, and other orders of sums.
    np.testing.assert_allclose(model.predict_proba(particles), on_gpu, atol=1e-4)
