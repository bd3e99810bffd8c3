"""Damaged files: the same table, or an error that names the file."""

import cv2
import numpy as np
import pandas as pd
import pytest
from fault_cases import SeedClassifier, load, make_table, save

from sklipo import predict_partitions

SOME = pytest.param(60), pytest.param(4000, marks=pytest.mark.long)
FILES = {
    ".parquet": (".parquet", {}, "a.parquet"),
    ".png": (".csv", {}, "image"),
    ".mask": (".csv", {}, "mask"),
    ".tif": (".csv", {"dtype": "float32"}, "image"),
    ".bool": (".csv", {"dtype": "bool"}, "image"),
}


def prepare(folder, kind):
    """Save a table; return what reads it, it, and the file to damage."""
    suffix, options, name = FILES[kind]
    save(folder, suffix, 0, n=3, **options)
    table = load(folder, suffix)
    if name in ("image", "mask"):
        name = pd.read_csv(folder / "a.csv")[name][0]
    return lambda: load(folder, suffix), table, folder / name


def assert_same_or_error(read, table, file):
    """Assert that a damaged file is harmless or leads to a clear error."""
    try:
        found = read()
    except ValueError as error:
        assert file.name in str(error)
        assert len(str(error)) < 1000
    else:
        assert found.equals(table)


@pytest.mark.parametrize("n", SOME)
@pytest.mark.parametrize("kind", FILES)
def test_flipped_bits(tmp_path, kind, n):
    read, table, file = prepare(tmp_path, kind)
    data = file.read_bytes()
    rng = np.random.default_rng(0)
    for bit in rng.permutation(8 * len(data))[:n]:
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << (bit % 8)
        file.write_bytes(damaged)
        assert_same_or_error(read, table, file)


@pytest.mark.parametrize("n", SOME)
@pytest.mark.parametrize("kind", FILES)
def test_truncated_files(tmp_path, kind, n):
    read, table, file = prepare(tmp_path, kind)
    data = file.read_bytes()
    for size in np.unique(np.linspace(0, len(data) - 1, n).astype(int)):
        file.write_bytes(data[:size])
        assert_same_or_error(read, table, file)


def test_flipped_bits_of_tables_to_predict_and_of_results(tmp_path):
    save(tmp_path, ".parquet", 0, n=3)
    model = SeedClassifier().fit(None, ["seed 0"])
    folder = tmp_path / "p"

    def read():
        return predict_partitions(model, tmp_path / "a.parquet", folder).compute()

    expected, rng = read(), np.random.default_rng(0)
    for file in (folder / "part-000000.parquet", tmp_path / "a.parquet"):
        data = file.read_bytes()
        for byte in rng.integers(0, len(data), 25):
            damaged = bytearray(data)
            damaged[byte] ^= 16
            file.write_bytes(damaged)
            assert_same_or_error(read, expected, file)
        file.write_bytes(data)


def test_files_that_another_program_saved_anew_are_read(tmp_path):
    read, table, file = prepare(tmp_path, ".tif")
    pixels = table["image"][0] + 1
    cv2.imwrite(str(file), pixels)
    np.testing.assert_array_equal(read()["image"][0], pixels)
    make_table(0, n=3).to_parquet(tmp_path / "a.parquet")
    assert load(tmp_path, ".parquet").equals(make_table(0, n=3))
