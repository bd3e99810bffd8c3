"""Networks trained on artificial liposomes: what is kept where, and how it is used."""

import subprocess
import sys

import joblib
import numpy as np
import pytest
from lipnet_cases import assert_same_bits
from sklearn.model_selection import StratifiedGroupKFold

from sklipo import (
    EpochOverSampler,
    cross_validate_particles,
    make_lipnet_pipeline,
    pretrain_lipnet,
)
from sklipo.datasets import make_liposomes

LAYERS = {"architecture": "lipnet-1", "n_filters": 2, "hidden_units": 4}
TINY = LAYERS | {"n_samples": 30, "size": 12, "max_epochs": 1}

PRETRAIN = """
import sys
from sklipo import pretrain_lipnet
pretrain_lipnet(cache=sys.argv[1], **{parameters})
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("home") / "new" / "cache"


@pytest.fixture(scope="module")
def given(folder):
    return pretrain_lipnet(**TINY, cache=folder)


def same(one, other):
    assert_same_bits(one["classify"], other["classify"])
    return True


def test_a_pipeline_starts_from_the_result(given):
    particles = make_liposomes(60, weights=None, margin=10, random_state=1)
    y, groups = particles["label"], particles["micrograph"]
    model = make_lipnet_pipeline(
        **LAYERS, size=12, max_epochs=1, random_state=0, pretrained=given
    )
    result = cross_validate_particles(
        model, particles, y, groups=groups, cv=StratifiedGroupKFold(2)
    )
    assert result.y_proba.shape == (60, 3)
    assert given.predict(particles).shape == (60,)
    problem = pretrain_lipnet("encapsulation", **TINY, cache=False)
    assert set(problem.classes_) == {"full", "empty", "uncertain"}
    model.set_params(classify__pretrained=problem).fit(particles, y)
    assert set(model.classes_) == set(y)
    with pytest.raises(ValueError, match="image_shape is \\(8, 8\\) here"):
        model.set_params(resize__size=8).fit(particles, y)


def test_the_second_call_reads_what_the_first_one_kept(given, folder, monkeypatch):
    (file,) = folder.iterdir()
    assert file.name.startswith("lipnet-lamellarity-")
    monkeypatch.setattr("sklipo.datasets.liposomes.make_liposomes", None)
    kept = pretrain_lipnet(**TINY, cache=str(folder), verbose=1, n_jobs=2)
    assert same(given, kept)
    assert kept.get_params()["classify__verbose"] == 0


def test_the_same_parameters_give_the_same_file_in_any_process(given, folder):
    script = PRETRAIN.format(parameters=TINY)
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True)
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"n_samples": 31},
        {"random_state": 1},
        {"intensity": "noise"},
        {"input_mode": "cropped"},
        {"max_epochs": 2},
        {"problem": "encapsulation"},
    ],
)
def test_each_parameter_has_a_file_of_its_own(given, folder, tmp_path, change):
    pretrain_lipnet(**TINY | change, cache=tmp_path)
    (file,), (other,) = tmp_path.iterdir(), folder.iterdir()
    assert file.name != other.name


def test_a_change_of_what_draws_trains_anew(folder, given, tmp_path, monkeypatch):
    (file,) = folder.iterdir()
    monkeypatch.setattr("sklipo.pretraining._code_that_draws", lambda: ["other"])
    pretrain_lipnet(**TINY, cache=tmp_path)
    assert [other.name for other in tmp_path.iterdir()] != [file.name]


@pytest.mark.parametrize("cache", [None, False])
def test_what_is_not_kept(tmp_path, monkeypatch, cache):
    monkeypatch.setenv("SKLIPO_DATA", str(tmp_path))
    first = pretrain_lipnet(**TINY, cache=cache)
    assert len(list(tmp_path.iterdir())) == (cache is None)
    if cache is None:
        monkeypatch.delenv("SKLIPO_DATA")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        assert same(first, pretrain_lipnet(**TINY))
        assert len(list((tmp_path / "sklipo_data").iterdir())) == 1


def test_results_that_may_differ_the_next_time_are_not_kept(tmp_path):
    for change in (
        {"random_state": None},
        {"random_state": np.random.RandomState(0)},
        {"learning_rate_schedule": lambda progress: 1.0},
    ):
        pretrain_lipnet(**TINY | change, cache=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fault", ["cut off", "foreign", "unfitted"])
def test_bad_files_are_trained_anew_with_a_warning(given, folder, tmp_path, fault):
    (file,) = folder.iterdir()
    bad = tmp_path / file.name
    if fault == "cut off":
        bad.write_bytes(file.read_bytes()[:-200])
    else:
        joblib.dump({} if fault == "foreign" else make_lipnet_pipeline(), bad)
    with pytest.warns(UserWarning, match="trained anew") as warnings:
        model = pretrain_lipnet(**TINY, cache=tmp_path)
    assert warnings[0].filename == __file__
    assert same(model, given)
    assert same(joblib.load(bad), given)


def test_a_folder_that_cannot_be_written_to_costs_no_network(given, tmp_path):
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="could not be kept"):
        model = pretrain_lipnet(**TINY, cache=tmp_path / "file" / "cache")
    assert same(model, given)


def test_training_knows_the_micrographs():
    sampler = EpochOverSampler(power=0)
    model = pretrain_lipnet(**TINY, cache=False, epoch_sampler=sampler)
    assert model["classify"].n_iter_ > 0


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"problem": "shape"}, "problem"),
        ({"n_samples": 2}, "n_samples"),
        ({"cache": True}, "cache"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"architecture": "lipnet-3"}, "architecture"),
        ({"input_mode": "masks"}, "input_mode"),
        ({"size": "large"}, "size"),
        ({"size": "own"}, "'lipnet-4' ends in 'dense'"),
        ({"n_filters": 0}, "n_filters"),
        ({"pretrained": 3}, "pretrained"),
    ],
)
def test_bad_parameters_are_named_before_anything_is_drawn(
    parameters, message, monkeypatch
):
    monkeypatch.setattr("sklipo.datasets.liposomes.make_liposomes", None)
    with pytest.raises(ValueError, match=message):
        pretrain_lipnet(**{"cache": False} | parameters)
