"""Writers that are killed: a path holds the old table or the new one, never a part."""

import sys

import numpy as np
import pandas as pd
import pytest
from fault_cases import (
    SeedClassifier,
    is_table,
    killer,
    list_leftovers,
    load,
    save,
    write_micrographs,
)

from sklipo import predict_micrographs, predict_partitions

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no kill -9"
)

N_KILLS = [pytest.param(3), pytest.param(40, marks=pytest.mark.long)]


@pytest.mark.parametrize("n_kills", N_KILLS)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_killed_writer_leaves_a_whole_table(tmp_path, suffix, n_kills):
    rng = np.random.default_rng(n_kills)
    save(tmp_path, suffix, 0)
    found = []
    with killer(f"overwrite_{suffix[1:]}", tmp_path) as kill_after:
        for delay in rng.uniform(0, 0.6, n_kills):
            kill_after(delay)
            table = load(tmp_path, suffix)
            found.append([is_table(table, seed) for seed in (0, 1)])
    assert np.sum(found, axis=1).tolist() == [1] * n_kills
    save(tmp_path, suffix, 2)
    assert is_table(load(tmp_path, suffix), 2)
    assert not list_leftovers(tmp_path)


@pytest.mark.parametrize("n_kills", N_KILLS)
def test_killed_predictions_are_whole_or_absent(tmp_path, n_kills):
    rng = np.random.default_rng(n_kills)
    save(tmp_path, ".csv", 0)
    paths = pd.read_csv(tmp_path / "a.csv")
    paths.to_parquet(tmp_path / "a.parquet", row_group_size=3)
    with killer("predict", tmp_path) as kill_after:
        for delay in rng.uniform(0, 2, n_kills):
            kill_after(delay)
            for part in (tmp_path / "p").glob("part-*"):
                found = pd.read_parquet(part)["prediction"]
                assert found.tolist() == ["seed 0"] * 3
    model = SeedClassifier().fit(None, ["seed 0"])
    results = predict_partitions(model, tmp_path / "a.parquet", tmp_path / "p")
    assert results.compute()["number"].tolist() == paths["number"].tolist()
    assert not list_leftovers(tmp_path)
    assert len(list((tmp_path / "p").glob("_model-*"))) == 1


@pytest.mark.parametrize("n_kills", [2, pytest.param(10, marks=pytest.mark.long)])
@pytest.mark.parametrize("job", ["", "_in_processes"])
def test_killed_predictions_of_micrographs_go_on(tmp_path, job, n_kills):
    rng = np.random.default_rng(n_kills)
    table = write_micrographs(tmp_path)
    model = SeedClassifier().fit(None, ["seed 0"])
    once = predict_micrographs(model, table, tmp_path / "once").compute()
    n_found = [0]
    with killer(f"predict_micrographs{job}", tmp_path) as kill_after:
        for delay in rng.uniform(0, 3, n_kills):
            kill_after(delay)
            parts = list((tmp_path / "p").glob("part-*"))
            n_found.append(len(parts))
            for part in parts:
                found = pd.read_parquet(part)
                expected = once[once["micrograph"] == found["micrograph"][0]]
                assert found["instance"].tolist() == expected["instance"].tolist()
    assert n_found == sorted(n_found)
    results = predict_micrographs(model, table, tmp_path / "p").compute()
    pd.testing.assert_frame_equal(results, once)
    assert not list_leftovers(tmp_path)
