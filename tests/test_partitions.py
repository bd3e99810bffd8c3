"""Prediction of Dask tables: in one process, on a cluster, interrupted, resumed."""

import contextlib
import os
import re
import signal
from functools import partial
from pathlib import Path

import dask
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
from dask.distributed import Client, LocalCluster
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import Pipeline, make_pipeline
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklipo import (
    ApplyMask,
    CropToMask,
    ParticleFeatures,
    Resize,
    predict_partitions,
)
from sklipo.datasets import load_particles, make_liposomes, save_particles, saving
from sklipo.datasets._image_columns import load_images
from sklipo.partitions import particles as partitions

N, N_PARTITIONS = 48, 6


@pytest.fixture(scope="module")
def particles():
    return make_liposomes(N, weights=None, pixel_size=2, margin=10, random_state=0)


@pytest.fixture(scope="module")
def model(particles):
    """A pipeline of the kind that the user guide shows, sampler included."""
    steps = [
        ("crop", CropToMask()),
        ("mask", ApplyMask()),
        ("resize", Resize(8)),
        ("balance", RandomOverSampler(random_state=0)),
        ("classify", LogisticRegression()),
    ]
    return Pipeline(steps).fit(particles, particles["label"])


@pytest.fixture
def table(particles, tmp_path):
    """The path of a Parquet file of paths, with a row group for each partition."""
    save_particles(particles, tmp_path / "particles.csv")
    paths = pd.read_csv(tmp_path / "particles.csv")
    path = tmp_path / "particles.parquet"
    paths.to_parquet(path, row_group_size=N // N_PARTITIONS)
    return path


@pytest.fixture(scope="module")
def two_processes():
    """The client of two worker processes, ready to use."""
    with (
        LocalCluster(2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def client(two_processes):
    """The client of two worker processes, which Dask uses during this test alone."""
    with two_processes.as_current():
        yield two_processes


@pytest.fixture(params=["this process", "two processes"])
def either_place(request):
    """Let Dask use threads of this process, then the two worker processes."""
    if request.param == "two processes":
        request.getfixturevalue("client")


def assert_predicted(results, model, particles):
    """Assert that results are those of the model in this process, in order."""
    results = results.compute()
    np.testing.assert_array_equal(results["prediction"], model.predict(particles))
    probabilities = results[[f"probability_{label}" for label in model.classes_]]
    # Products of matrices of fewer rows may be added up in another order.
    np.testing.assert_allclose(
        probabilities, model.predict_proba(particles), rtol=1e-5, atol=1e-7
    )
    for name in ("label", "micrograph", "radius_nm"):
        np.testing.assert_array_equal(results[name], particles[name])


@pytest.mark.parametrize("n_jobs", [None, 1, 2])
@pytest.mark.parametrize("kind", ["parquet", "csv", "dask", "small batches"])
def test_same_as_in_one_process(kind, n_jobs, table, model, particles, tmp_path):
    options = {"batch_size": 3} if kind == "small batches" else {}
    options["n_jobs"] = n_jobs
    if kind == "csv":
        table = table.with_suffix(".csv")
    if kind == "dask":
        options["root"] = table.parent
        table = dd.from_pandas(pd.read_parquet(table), npartitions=4)
    results = predict_partitions(model, table, tmp_path / "results", **options)
    assert_predicted(results, model, particles)


@pytest.mark.parametrize(
    "to_data",
    [
        lambda text: text.replace(",", ";").encode("utf-16"),
        lambda text: b"sep=;\r\n" + text.replace(",", ";").encode(),
        lambda text: text.replace(",", "\t").encode("utf-8-sig"),
        lambda text: text.replace("image,mask", " image , mask ").encode(),
    ],
)
def test_a_csv_is_read_as_load_particles_reads_it(
    table, model, particles, tmp_path, monkeypatch, to_data
):
    monkeypatch.setattr(partitions, "_ROWS_OF_CSV", 20)
    path = table.with_suffix(".csv")
    lines = path.read_text().splitlines()
    words = ["word", '"True"', '"1e5"', *['"007"'] * (N - 2)]
    text = "\n".join(f"{line},{word}" for line, word in zip(lines, words, strict=True))
    path.write_bytes(to_data(text))
    results = predict_partitions(model, path, tmp_path / "results")
    assert results.npartitions == 3
    assert_predicted(results, model, particles)
    expected = load_particles(path)["word"].tolist()
    assert (
        results["word"].compute().tolist()
        == expected
        == ["True", "1e5", *["007"] * (N - 2)]
    )


def test_several_csv_files_are_one_table(table, model, particles, tmp_path):
    paths = pd.read_parquet(table)
    for i in range(2):
        paths[i * 24 : i * 24 + 24].to_csv(tmp_path / f"part-{i}.csv", index=False)
    results = predict_partitions(model, tmp_path / "part-*.csv", tmp_path / "results")
    assert_predicted(results, model, particles)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "a.csv' can't be read: the file is empty"),
        ("image,mask\n", "a.csv' can't be read: no particles, only the header"),
        ("name,label\na.png,1\n", r"with table.rename\(columns={'name': 'image'}\)"),
        ("image,image\na.png,b.png\n", "several columns of the name 'image'"),
        ("image,label\na.png\n", "row 0 .* has 1 fields, the header 2"),
    ],
)
def test_csv_files_that_are_no_tables(model, tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        predict_partitions(model, tmp_path / "a.csv", tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_spaces_around_the_columns_of_any_table(table, model, particles, tmp_path):
    paths = pd.read_parquet(table).rename(columns={"mask": " mask", "image": "image "})
    paths.to_parquet(table)
    rows = dd.from_pandas(paths, npartitions=2)
    for i, spaced in enumerate([table, rows]):
        results = predict_partitions(model, spaced, tmp_path / f"{i}", root=tmp_path)
        assert_predicted(results, model, particles)


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0},
        {"batch_size": 1.5},
        {"n_jobs": 0},
        {"n_jobs": 1.5},
        {"root": 5},
        {"overwrite": "yes"},
    ],
)
def test_parameters_are_checked_before_work(table, model, tmp_path, wrong):
    with pytest.raises((TypeError, ValueError), match=f"'{next(iter(wrong))}' param"):
        predict_partitions(model, table, tmp_path / "results", **wrong)
    assert not (tmp_path / "results").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a"])
def test_a_table_that_is_no_regular_file(model, tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match="is no regular file, expected a table"):
        predict_partitions(model, tmp_path / name, tmp_path / "results")


def test_a_batch_of_too_many_pixels(table, model, tmp_path, monkeypatch):
    monkeypatch.setattr(
        partitions, "load_images", partial(load_images, max_pixels=20_000)
    )
    with pytest.raises(ValueError, match="20000 pixels in all; pass a smaller batch_s"):
        predict_partitions(model, table, tmp_path / "results")


def test_a_table_with_pixels(table, model, particles, tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "_GROUP_BYTES", 1e5)
    save_particles(particles, tmp_path / "pixels.parquet")
    for _ in range(2):
        results = predict_partitions(model, tmp_path / "pixels.parquet", tmp_path / "p")
        assert results.npartitions > 3
        assert_predicted(results, model, particles)
        assert not {"image", "mask"} & set(results.columns)
    with pytest.raises(ValueError, match="holds results of other particles"):
        rows = dd.from_pandas(particles[::-1], npartitions=results.npartitions)
        predict_partitions(model, rows, tmp_path / "p")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 9, b"image\n1.png"])
@pytest.mark.parametrize("name", ["a.parquet", "a[1].parquet", "a", "a.txt"])
def test_files_that_are_no_tables(model, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{re.escape(name)}' can't be read: damaged"):
        predict_partitions(model, tmp_path / name, tmp_path / "p")


def test_same_on_two_processes(client, table, model, particles, tmp_path):
    results = predict_partitions(model, str(table), str(tmp_path / "results"))
    assert_predicted(results, model, particles)
    assert len(list((tmp_path / "results").glob("part-*.parquet"))) == N_PARTITIONS


class DieOnce(TransformerMixin, BaseEstimator):
    """A step that kills its process, once, when two files are written."""

    def __init__(self, folder):
        self.folder = folder

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        killed = Path(self.folder) / ".killed"
        if len(list(killed.parent.glob("part-*"))) >= 2 and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return X


def test_same_when_a_worker_is_killed(client, table, model, particles, tmp_path):
    folder = tmp_path / "results"
    mortal = Pipeline([("die", DieOnce(str(folder))), *model.steps])
    pids = set(client.run(os.getpid).values())
    results = predict_partitions(mortal, table, folder)
    assert_predicted(results, model, particles)
    assert not list(folder.glob(".part-*"))
    client.wait_for_workers(2)
    assert set(client.run(os.getpid).values()) != pids


def test_goes_on_where_it_was_interrupted(table, model, particles, tmp_path):
    folder = tmp_path / "results"
    spoiled = tmp_path / pd.read_parquet(table)["image"][19]
    whole = spoiled.read_bytes()
    spoiled.write_bytes(whole[: len(whole) // 2])
    message = r"""1 of 6 partitions can't be predicted:
part-000002: from row 2 on, 1 of 2 particles .* row 1 '.*/images/00019.png' \(trunc"""
    with pytest.raises(ValueError, match=message):
        predict_partitions(model, table, folder, batch_size=2)
    before = {path: path.stat().st_mtime_ns for path in folder.glob("part-*")}
    assert len(before) == N_PARTITIONS - 1
    spoiled.write_bytes(whole)
    results = predict_partitions(model, table, folder)
    assert_predicted(results, model, particles)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_results_of_another_table_are_not_mixed(table, model, particles, tmp_path):
    folder, paths = tmp_path / "results", pd.read_parquet(table)
    predict_partitions(model, table, folder)
    for rows, options in [(paths[:20], {}), (paths[::-1], {"npartitions": 6})]:
        other = dd.from_pandas(rows, sort=False, **({"npartitions": 2} | options))
        with pytest.raises(ValueError, match=r"overwrite=True .* another folder"):
            predict_partitions(model, other, folder, root=tmp_path)
    first = dd.from_pandas(paths[:20], npartitions=2)
    results = predict_partitions(model, first, folder, root=tmp_path, overwrite=True)
    assert_predicted(results, model, particles[:20])


class BeLate(DieOnce):
    """A step during which a later call removes the model's file."""

    def transform(self, X):
        for file in Path(self.folder).glob("_model-*.joblib"):
            file.unlink()
        return X


def test_what_is_left_of_a_former_call_writes_nothing(table, model, tmp_path):
    folder = tmp_path / "results"
    late = Pipeline([("late", BeLate(str(folder))), *model.steps])
    with (
        # A second thread could find no file to begin with.
        dask.config.set(scheduler="synchronous"),
        pytest.raises(RuntimeError, match="written to by a later call"),
    ):
        predict_partitions(late, table, folder)
    assert not list(folder.iterdir())


@pytest.mark.usefixtures("either_place")
def test_errors_of_the_model_tell_the_partition(table, particles, tmp_path):
    model = make_pipeline(ParticleFeatures(["area"]), LinearSVC())
    model.fit(particles.drop(columns="pixel_size"), particles["filled"])
    with pytest.raises(ValueError, match="'pixel_size', but had none in fit") as info:
        predict_partitions(model, table, tmp_path / "results", batch_size=5)
    assert re.fullmatch(r"In part-00000\d, 5 rows from 0 on\.", info.value.__notes__[0])


def test_empty_partitions_and_models_without_probabilities(table, particles, tmp_path):
    model = make_pipeline(ParticleFeatures(["area", "intensity"]), LinearSVC())
    model.fit(particles, particles["filled"])
    rows = dd.read_parquet(table, split_row_groups=True)
    some = rows[rows["radius_nm"] > particles["radius_nm"].quantile(0.9)]
    results = predict_partitions(model, some, tmp_path / "results", root=tmp_path)
    results = results.compute()
    chosen = particles["radius_nm"] > particles["radius_nm"].quantile(0.9)
    expected = model.predict(particles[chosen])
    np.testing.assert_array_equal(results["prediction"], expected)
    assert not any("probability" in name for name in results.columns)


def test_no_progress_unless_asked_for(table, model, tmp_path, capsys):
    predict_partitions(model, table, tmp_path / "results")
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("either_place")
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_progress_counts_partitions(table, model, tmp_path, capsys, n_jobs):
    options = {"n_jobs": n_jobs, "verbose": True}
    predict_partitions(model, table, tmp_path / "results", **options)
    assert f"{N_PARTITIONS}/{N_PARTITIONS}" in capsys.readouterr().err


def test_bad_input_is_refused_before_work(table, model, particles, tmp_path):
    folder = tmp_path / "results"
    rows = dd.read_parquet(table)
    with pytest.raises(NotFittedError):
        predict_partitions(Pipeline([("svc", LinearSVC())]), table, folder)
    with pytest.raises(TypeError, match="StandardScaler has no attribute classes_"):
        predict_partitions(StandardScaler().fit([[1]]), table, folder)
    with pytest.raises(TypeError, match=r"is a DataFrame; .*from_pandas"):
        predict_partitions(model, particles, folder)
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*nowhere"):
        predict_partitions(model, tmp_path / "nowhere.csv", folder)
    with pytest.raises(ValueError, match=r"no column 'image', only \['mask'"):
        predict_partitions(model, rows.drop(columns="image"), folder)
    with pytest.raises(ValueError, match=r"columns \['prediction'\]"):
        predict_partitions(model, rows.assign(prediction=0), folder)
    assert not folder.exists()


class DieInFit(DieOnce):
    """A step that kills its process, once, after three fits have begun."""

    def fit(self, X, y=None):
        folder = Path(self.folder)
        n_fits = len(list(folder.glob("fit-*")))
        (folder / f"fit-{n_fits}-{os.getpid()}").touch()
        if n_fits >= 3:
            with contextlib.suppress(FileExistsError):
                (folder / "killed").touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)
        return self

    def transform(self, X):
        return X


def test_grid_search_while_a_worker_is_killed(client, particles, tmp_path):
    steps = [ParticleFeatures("thesis"), StandardScaler(), LogisticRegression()]
    grid = {"particlefeatures__n_bins": [4, 8], "logisticregression__C": [0.01, 1.0]}
    X, y = particles, particles["label"]
    search = GridSearchCV(make_pipeline(*steps), grid, cv=2).fit(X, y)
    steps.insert(0, DieInFit(str(tmp_path)))
    remote = GridSearchCV(make_pipeline(*steps), grid, cv=2, refit=False)
    with joblib.parallel_config(backend="dask"):
        remote.fit(X, y)
    assert (tmp_path / "killed").exists()
    for name in ("split0_test_score", "split1_test_score"):
        np.testing.assert_array_equal(
            remote.cv_results_[name], search.cv_results_[name]
        )
