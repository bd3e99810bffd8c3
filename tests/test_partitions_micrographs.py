"""Prediction of whole micrographs: all forms of tables, failures, what is kept."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import cv2
import dask
import joblib
import numpy as np
import pandas as pd
import pytest
import tifffile
from dask.distributed import Client, LocalCluster
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklipo import ParticleFeatures, Resize, predict_micrographs, predict_partitions
from sklipo.datasets import extract_particles, make_liposomes
from sklipo.datasets._places import find_places
from sklipo.partitions import _parts, micrographs

NAMES = ["a", "b", "c", "d"]
PIXEL_SIZE = 2.0


def make_model():
    features = ParticleFeatures(["area", "intensity"])
    return make_pipeline(features, StandardScaler(), LogisticRegression())


@pytest.fixture(scope="module")
def particles():
    return make_liposomes(60, weights=None, pixel_size=2, random_state=0)


@pytest.fixture(scope="module")
def model(particles):
    return make_model().fit(particles, particles["label"])


@pytest.fixture
def root(tmp_path):
    """A folder of micrographs and their label images, of 1 to 4 particles each."""
    for n, name in enumerate(NAMES):
        write_micrograph(tmp_path, name, n + 1)
    return tmp_path


@pytest.fixture
def table():
    return make_table(NAMES)


def make_table(names):
    return pd.DataFrame(
        {
            "micrograph": [f"{name}.png" for name in names],
            "instances": [f"{name}_labels.png" for name in names],
            "pixel_size": PIXEL_SIZE,
            "sample": [f"sample {name}" for name in names],
        }
    )


def write_micrograph(folder, name, n, split=False):
    """Write a noisy micrograph of n squares, the first of which touches the border."""
    pixels = np.random.default_rng(n).integers(90, 255, (80, 50 * n), np.uint8)
    labels = np.zeros(pixels.shape, np.uint8)
    for i in range(n):
        labels[20 : 40 + i, 50 * i : 50 * i + 25] = i + 1
    if split:
        labels[70:, :5] = 1
    cv2.imwrite(folder / f"{name}.png", pixels)
    cv2.imwrite(folder / f"{name}_labels.png", labels)


def by_hand(model, root, names=NAMES):
    """The rows of all micrographs by the functions that do one."""
    tables = []
    for name in names:
        files = root / f"{name}.png", root / f"{name}_labels.png"
        particles = extract_particles(*files, pixel_size=PIXEL_SIZE)
        places = find_places(particles).drop(columns="micrograph")
        copied = particles[["touches_border", "overlaps"]]
        found = pd.DataFrame({"prediction": model.predict(particles)})
        proba = model.predict_proba(particles)
        found[[f"probability_{label}" for label in model.classes_]] = proba
        tables.append(pd.concat([places, copied, found], axis=1))
        tables[-1]["instance"] = tables[-1]["instance"].astype(str)
        tables[-1].insert(0, "micrograph", f"{name}.png")
        tables[-1].insert(1, "sample", f"sample {name}")
    return pd.concat(tables, ignore_index=True)


def assert_rows(results, expected):
    """Assert that results, computed, hold the expected columns."""
    results = results.compute().reset_index(drop=True)
    columns = [name for name in expected.columns if name in results]
    assert len(columns) > 10
    # Dask has texts of a type of its own.
    options = {"check_dtype": False, "check_column_type": False}
    pd.testing.assert_frame_equal(results[columns], expected[columns], **options)


def forms(table, root):
    """The same table in all forms that are taken, with the options of each."""
    table.to_csv(root / "table.csv", index=False)
    table.to_parquet(root / "table.parquet")
    paths = table.assign(micrograph=table["micrograph"].map(Path), sample="x")
    absolute = table.assign(instances=[root / name for name in table["instances"]])
    return {
        "table": (table, {"root": root}),
        "csv": (root / "table.csv", {}),
        "parquet": (str(root / "table.parquet"), {}),
        "paths": (paths.drop(columns="sample"), {"root": str(root)}),
        "absolute": (absolute, {"root": root}),
        "index": (table.set_index("micrograph"), {"root": root}),
        "other index": (table.set_axis([5, 5, 7, 8]), {"root": root}),
        "spaces": (table.rename(columns={"instances": " instances "}), {"root": root}),
    }


@pytest.mark.parametrize(
    "form",
    "table csv parquet paths absolute index other~index spaces".split(),
)
def test_all_tables_give_what_one_micrograph_after_another_gives(
    root, table, model, form
):
    table, options = forms(table, root)[form.replace("~", " ")]
    results = predict_micrographs(model, table, root / "out", **options)
    assert_rows(results, by_hand(model, root))
    assert results.npartitions == len(NAMES)


@pytest.mark.parametrize("options", [{"n_jobs": 1}, {"n_jobs": 2}, {"batch_size": 1}])
def test_jobs_and_batches_change_nothing(root, table, model, options):
    results = predict_micrographs(model, table, root / "out", root=root, **options)
    assert_rows(results, by_hand(model, root))


def test_same_on_a_cluster(root, table, model):
    with LocalCluster(2, threads_per_worker=1, dashboard_address=":0") as cluster:
        with Client(cluster):
            results = predict_micrographs(model, table, root / "out", root=root)
            assert_rows(results, by_hand(model, root))


@pytest.mark.parametrize(
    "patterns",
    [
        ("*.png", "*_labels.png"),
        ["?.png", Path("*_labels.png")],
        ("**/*.png", "**/*_labels.png"),
        ("./*.png", "*_labels.png"),
    ],
)
def test_patterns_pair_files_by_their_stems(root, model, patterns):
    model = without_nm(model)
    results = predict_micrographs(model, patterns, root / "out", root=root).compute()
    assert results["micrograph"].unique().tolist() == [f"{n}.png" for n in NAMES]
    assert results["instances"].unique().tolist() == [f"{n}_labels.png" for n in NAMES]
    assert results["pixel_size"].isna().all()
    assert results["x_nm"].isna().all()


def without_nm(model):
    """A model for particles without pixel size."""
    particles = make_liposomes(60, weights=None, random_state=1)
    particles = particles.drop(columns="pixel_size")
    return make_model().fit(particles, particles["label"])


@pytest.mark.parametrize(
    "added",
    ["", "_mask", "_cp_masks", "-Labels", "_RoiSet", " rois", ".instances", "_seg"],
)
def test_what_is_added_to_the_name_of_a_micrograph(tmp_path, model, added):
    write_micrograph(tmp_path, "a_mask_1", 2)
    (tmp_path / "x").mkdir()
    labels = tmp_path / "x" / f"a_mask_1{added}.png"
    (tmp_path / "a_mask_1_labels.png").rename(labels)
    patterns, model = ("*.png", "x/*"), without_nm(model)
    results = predict_micrographs(model, patterns, tmp_path / "out", root=tmp_path)
    assert len(results) == 2


@pytest.mark.parametrize(
    "patterns, error, message",
    [
        (("*.mrc", "*_labels.png"), FileNotFoundError, r"no file '\*\.mrc' in '/"),
        (("*.png", "*.zip"), FileNotFoundError, r"no file '\*\.zip'"),
        (("[ab].png", "*_labels.png"), ValueError, "2 files .* 'c_labels.png', 'd_la"),
        (("?.png", "a_labels.png"), ValueError, "3 files .* partner: 'b.png', 'c.png"),
        (("*.png", "*.png"), ValueError, "8 files can't be told apart"),
        (("?.png", "**/?_labels.*"), ValueError, "2 files can't be told apart"),
        (("?.png",), TypeError, "expected two patterns"),
        (("?.png", 5), TypeError, "expected two patterns"),
        (("a.png", "b.png", "c.png"), TypeError, "expected two patterns"),
        ([{"micrograph": "a.png"}], TypeError, "expected two patterns"),
        ((), TypeError, "expected two patterns"),
    ],
)
def test_patterns_that_pair_nothing(root, model, patterns, error, message):
    (root / "a_labels.tif").write_bytes(b"")
    with pytest.raises(error, match=message):
        predict_micrographs(model, patterns, root / "out", root=root)
    assert not (root / "out").exists()


BAD_TABLES = {
    "a number": (lambda t: 5, TypeError, "is a int; expected a pandas DataFrame"),
    "None": (lambda t: None, TypeError, "is a NoneType; expected"),
    "a dict": (lambda t: t.to_dict(), TypeError, "is a dict; expected"),
    "an array": (lambda t: t.to_numpy(), TypeError, "is a ndarray; expected"),
    "no row": (lambda t: t[:0], ValueError, "no rows, expected one per micrograph"),
    "no column": (lambda t: t[[]], ValueError, "no column 'micrograph', only"),
    "no instances": (
        lambda t: t.drop(columns="instances"),
        ValueError,
        r"no column 'instances', only \['micrograph', .*{'name': 'instances'}",
    ),
    "numbers": (
        lambda t: t.assign(micrograph=range(4)),
        ValueError,
        "'micrograph' holds 0 in row 0, expected the path of a file",
    ),
    "NaN": (
        lambda t: t.assign(instances=["a", "b", np.nan, "c"]),
        ValueError,
        r"'instances' holds nan in row 2, .*dropna\(subset=\['instances'\]\)",
    ),
    "missing": (
        lambda t: t.assign(instances=["a", None, "b", "c"]),
        ValueError,
        "'instances' holds (None|nan) in row 1",
    ),
    "NA": (
        lambda t: t.assign(instances=pd.array(["a", pd.NA, "b", "c"])),
        ValueError,
        "'instances' holds (<NA>|nan) in row 1",
    ),
    "empty": (
        lambda t: t.assign(instances=["a", "b", "c", " "]),
        ValueError,
        "'instances' holds ' ' in row 3",
    ),
    "arrays": (
        lambda t: t.assign(instances=[np.zeros((2, 2))] * 4),
        ValueError,
        "'instances' holds array",
    ),
    "lists": (
        lambda t: t.assign(micrograph=[["a.png"]] * 4),
        ValueError,
        r"'micrograph' holds \['a.png'\] in row 0",
    ),
    "bytes": (
        lambda t: t.assign(micrograph=[b"a.png"] * 4),
        ValueError,
        "'micrograph' holds b'a.png' in row 0",
    ),
    "twice": (
        lambda t: t.assign(micrograph=["a.png", "b.png", "./a.png", "x/../b.png"]),
        ValueError,
        r"2 of 2 micrographs are in several rows, such as '/.*/a.png' in rows \[0, 2\]",
    ),
    "pixel size 0": (
        lambda t: t.assign(pixel_size=[1, 2, 0, 1]),
        ValueError,
        "pixel_size is 0 in row 2, expected nm from",
    ),
    "pixel size as text": (
        lambda t: t.assign(pixel_size="1 nm"),
        ValueError,
        "pixel_size is '1 nm' in row 0",
    ),
    "pixel size True": (
        lambda t: t.assign(pixel_size=True),
        ValueError,
        "pixel_size is True in row 0",
    ),
    "pixel size infinite": (
        lambda t: t.assign(pixel_size=np.inf),
        ValueError,
        "pixel_size is inf in row 0",
    ),
    "label": (
        lambda t: t.assign(label="x"),
        ValueError,
        r"columns \['label'\], which the results would replace",
    ),
    "results": (
        lambda t: t.assign(x=1, prediction=2, probability_unilamellar=3),
        ValueError,
        r"columns \['x', 'prediction', 'probability_unilamellar'\]",
    ),
    "levels": (
        lambda t: t.set_axis(pd.MultiIndex.from_product([t.columns, [1]]), axis=1),
        ValueError,
        "have 2 levels",
    ),
    "names twice": (
        lambda t: t.rename(columns={"sample": "micrograph"}),
        ValueError,
        "several columns of the name 'micrograph'",
    ),
    "spaces twice": (
        lambda t: t.rename(columns={"sample": " micrograph"}),
        ValueError,
        "several columns of the name 'micrograph'",
    ),
    "names of numbers": (
        lambda t: t.rename(columns={"sample": 7}),
        ValueError,
        r"columns \[7\], whose names are no text",
    ),
    "mixed types": (
        lambda t: t.assign(sample=["a", 1, 2.5, {}]),
        ValueError,
        "can't be saved as Parquet: .* give each column one type",
    ),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_tables_that_are_refused(root, table, model, case):
    change, error, message = BAD_TABLES[case]
    with pytest.raises(error, match=message):
        predict_micrographs(model, change(table), root / "out", root=root)
    assert not (root / "out").exists()


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("t.csv", b"", "t.csv' can't be read: "),
        ("t.csv", b"micrograph,instances\n", "no rows|only the header"),
        ("t.csv", b"micrograph;roi\na;b\n", "no column 'instances', only .*'roi'"),
        ("t.csv", b"micrograph,instances\na\n", "row 0 .* has 1 fields"),
        ("t.csv", b"micrograph,instances\na,\n", "'instances' holds .* in row 0"),
        ("t.csv", b"\xff\x00\x01", "t.csv' can't be read"),
        ("t.parquet", b"PAR1", "t.parquet' can't be read: damaged"),
        ("t.txt", b"a.png", r"a file with the ending .csv or .parquet"),
        ("a.png", b"", r"pass a pair of patterns, such as"),
    ],
)
def test_files_that_are_no_tables(root, model, name, content, message):
    (root / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        predict_micrographs(model, root / name, root / "out")
    assert not (root / "out").exists()


def test_paths_that_lead_nowhere(root, table, model):
    with pytest.raises(FileNotFoundError, match=r"There is no file '/.*/nowhere.csv'"):
        predict_micrographs(model, root / "nowhere.csv", root / "out")
    with pytest.raises(ValueError, match="expected a table of micrographs, a file"):
        predict_micrographs(model, root, root / "out")
    with pytest.raises(FileExistsError, match=r"a.png' is no folder"):
        predict_micrographs(model, table, root / "a.png", root=root)
    with pytest.raises(NotADirectoryError, match=r"a.png"):
        predict_micrographs(model, table, root / "a.png" / "out", root=root)


@pytest.mark.parametrize(
    "wrong",
    [
        {"margin": -1},
        {"box": 0},
        {"box": 1.5},
        {"mask_diameter": 0},
        {"mask_diameter": "10 nm"},
        {"margin": 1.5},
        {"batch_size": 0},
        {"n_jobs": 0},
        {"n_jobs": "two"},
        {"root": 5},
        {"overwrite": "yes"},
        {"verbose": "loud"},
        {"out": None},
    ],
)
def test_parameters_are_checked_before_work(root, table, model, wrong):
    name = next(iter(wrong))
    arguments = {"table": table, "out": root / "out", "root": root} | wrong
    with pytest.raises((TypeError, ValueError), match=f"'{name}' parameter"):
        predict_micrographs(model, **arguments)
    assert not (root / "out").exists()


def test_models_that_are_no_fitted_classifiers(root, table, particles):
    predict = partial(predict_micrographs, table=table, out=root / "out", root=root)
    with pytest.raises(NotFittedError):
        predict(make_pipeline(Resize(8), LinearSVC()))
    with pytest.raises(TypeError, match="LinearRegression has no attribute classes_"):
        predict(LinearRegression().fit([[1], [2]], [1, 2]))
    with pytest.raises(TypeError, match="not an estimator"):
        predict("model.joblib")
    assert not (root / "out").exists()


@pytest.mark.parametrize("classes", ["words", "numbers", "bool"])
def test_models_of_all_kinds(root, table, particles, classes):
    y = {
        "words": particles["label"],
        "numbers": particles["label"].factorize()[0],
        "bool": particles["label"] == "unilamellar",
    }[classes]
    for model in (
        make_pipeline(Resize(8), LinearSVC()).fit(particles, y),
        make_model(),
    ):
        model.fit(particles, y)
        options = {"root": root, "overwrite": True}
        results = predict_micrographs(model, table, root / "out", **options).compute()
        assert results["prediction"].isin(model.classes_).all()
        assert len(results) == 10


def test_columns_are_the_same_whatever_a_micrograph_tells(
    root, table, model, monkeypatch
):
    def extract(micrograph, *args, **kwargs):
        particles = extract_particles(micrograph, *args, **kwargs)
        if micrograph.stem == "c":
            names = [f"liposome {n}" for n in particles["instance"]]
            within = pd.array([None, names[0], None])
            columns = {"instance": names, "label": ["x", None, "y"]}
            return particles.assign(**columns, enclosed_by=within)
        return particles

    monkeypatch.setattr(micrographs, "extract_particles", extract)
    table["sample"] = [None, "x", None, "y"]
    results = predict_micrographs(model, table, root / "out", root=root)
    parts = [part.compute() for part in results.partitions]
    assert all(part.dtypes.equals(parts[0].dtypes) for part in parts)
    assert dict(results.dtypes) == dict(parts[0].dtypes)
    rows = results.compute()
    assert rows["instance"].tolist()[2:5] == ["2", "liposome 1", "liposome 2"]
    assert rows["label"].dropna().tolist() == ["x", "y"]
    assert rows["enclosed_by"].dropna().tolist() == ["liposome 1"]
    assert rows["sample"].dropna().tolist() == ["x"] * 2 + ["y"] * 4
    assert list(rows.columns[:4]) == ["micrograph", "instances", "pixel_size", "sample"]
    assert set(rows["x_nm"] / rows["x"]) == {PIXEL_SIZE}


def test_the_pixel_size_is_that_of_the_table_else_of_the_file(root, table, model):
    for name in NAMES:
        pixels = cv2.imread(root / f"{name}.png", cv2.IMREAD_GRAYSCALE)
        options = {"resolution": (1 / 1.5,) * 2, "metadata": {"unit": "nm"}}
        tifffile.imwrite(root / f"{name}.tif", pixels, imagej=True, **options)
    table["micrograph"] = [f"{name}.tif" for name in NAMES]
    table["pixel_size"] = [3, np.nan, pd.NA, None]
    results = predict_micrographs(model, table, root / "out", root=root).compute()
    sizes = results.groupby("micrograph")["pixel_size"].first()
    np.testing.assert_allclose(sizes, [3, 1.5, 1.5, 1.5])
    np.testing.assert_allclose(results["y_nm"], results["y"] * results["pixel_size"])


def test_a_column_that_is_nearly_the_pixel_size_is_warned_of(root, table, particles):
    model = make_pipeline(Resize(8), LinearSVC()).fit(particles, particles["label"])
    table = table.rename(columns={"pixel_size": "Pixel size (nm)"})
    with pytest.warns(UserWarning, match=r"'Pixel size \(nm\)' is not read") as caught:
        predict_micrographs(model, table, root / "out", root=root)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("mask_diameter", [None, 40.0])
def test_picked_particles(root, table, particles, mask_diameter):
    places = pd.DataFrame({"x": [30, 9.5], "y": [20, 30]})
    for name in NAMES:
        places.to_csv(root / f"{name}_labels.csv", index=False)
    table["instances"] = table["instances"].str.replace("png", "csv")
    model = make_pipeline(Resize(8), LinearSVC()).fit(particles, particles["label"])
    options = {"box": 32, "mask_diameter": mask_diameter}
    results = predict_micrographs(model, table, root / "out", root=root, **options)
    results = results.compute()
    assert len(results) == 8
    assert results["diameter"].isna().all() == (mask_diameter is None)
    # Boxes lie on whole pixels.
    np.testing.assert_allclose(results["x"], [30, 9.5] * 4, atol=1)
    np.testing.assert_allclose(results["y_nm"], [40, 60] * 4, atol=2)
    if mask_diameter is not None:
        np.testing.assert_allclose(results["diameter_nm"], 40, rtol=0.05)
    with pytest.raises(ValueError, match="pass box= as well"):
        predict_micrographs(model, table, root / "out", mask_diameter=40.0)


def test_a_coco_file_of_several_micrographs_gives_labels(root, table, model):
    images, annotations = [], []
    for i, name in enumerate(NAMES):
        size = {"height": 80, "width": 50 * (i + 1)}
        images.append({"id": i, "file_name": f"{name}.png"} | size)
        polygon = [[2, 2, 30, 2, 30, 40, 2, 40]]
        annotations.append(
            {"id": i, "image_id": i, "category_id": 7, "segmentation": polygon}
        )
    categories = [{"id": 7, "name": "vesicle"}]
    data = {"images": images, "annotations": annotations, "categories": categories}
    (root / "coco.json").write_text(json.dumps(data))
    table["instances"] = ["coco.json"] * 3 + ["d_labels.png"]
    results = predict_micrographs(model, table, root / "out", root=root).compute()
    assert results["label"].dropna().tolist() == ["vesicle"] * 3
    assert results["x"][:3].tolist() == [15.5] * 3
    assert len(results) == 7


def times(folder):
    return {file: file.stat().st_mtime_ns for file in folder.glob("part-*")}


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_micrographs_that_fail_stop_no_others(root, table, model, n_jobs):
    folder, bad = root / "out", root / "c.png"
    whole = bad.read_bytes()
    bad.write_bytes(whole[: len(whole) // 2])
    (root / "d.png").rename(root / "e.png")
    predict = partial(predict_micrographs, root=root, n_jobs=n_jobs)
    with pytest.warns(UserWarning) as caught:
        results = predict(model, table, folder)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    lines = str(caught[0].message).splitlines()
    assert lines[0] == "2 of 4 micrographs can't be predicted:"
    assert "c.png: '" in lines[1] and "can't be read: truncated" in lines[1]
    assert "d.png: [Errno 2] No such file or directory: '/" in lines[2]
    assert lines[2].endswith(" The next call tries them again.")
    assert_rows(results, by_hand(model, root, ["a", "b"]))
    before = times(folder)
    bad.write_bytes(whole)
    (root / "e.png").rename(root / "d.png")
    assert_rows(predict(model, table, folder), by_hand(model, root))
    assert before.items() < times(folder).items()


def test_no_particle_is_a_failure_with_a_reason(root, table, model):
    cv2.imwrite(root / "b_labels.png", np.zeros((80, 100), np.uint8))
    cv2.imwrite(root / "c_labels.png", np.ones((8, 8), np.uint8))
    with pytest.warns(UserWarning, match=r"2 of 4 (.|\n)*b.png: .*\n.*c.png: .*shape"):
        results = predict_micrographs(model, table, root / "out", root=root)
    assert results.npartitions == 2


def test_nothing_is_left_if_all_fail(root, table, model):
    table["instances"] = table["micrograph"].str.replace(".png", "_rois.png")
    message = r"4 of 4 micrographs can't be predicted:\na.png: \[Errno 2\] No such fil"
    with pytest.raises(ValueError, match=message):
        predict_micrographs(model, table, root / "out", root=root)
    assert not times(root / "out")


def test_errors_of_the_model_are_those_of_a_micrograph(root, table, model):
    table["pixel_size"] = [2, 2, None, 2]
    with pytest.warns(UserWarning, match="1 of 4 (.|\n)*c.png: .*pixel_size"):
        results = predict_micrographs(model, table, root / "out", root=root)
    assert_rows(results, by_hand(model, root, ["a", "b", "d"]))


class Fail(TransformerMixin, BaseEstimator):
    """A step that raises an error on micrographs of more than two particles."""

    def __init__(self, error=None):
        self.error = error

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        if self.error is not None and len(X) > 2:
            raise self.error
        return X


def test_other_errors_tell_their_kind(root, table, model):
    failing = make_pipeline(Fail(ZeroDivisionError("by zero")), *model)
    with pytest.warns(UserWarning, match=r"c.png: ZeroDivisionError: by zero\n"):
        predict_micrographs(failing, table, root / "out", root=root)


@pytest.mark.parametrize("n_jobs", [None, 1])
def test_goes_on_where_it_was_interrupted(root, table, model, n_jobs):
    failing = make_pipeline(Fail(KeyboardInterrupt()), *model)
    predict = partial(predict_micrographs, root=root, n_jobs=n_jobs)
    with dask.config.set(num_workers=1), pytest.raises(KeyboardInterrupt):
        predict(failing, table, root / "out")
    before = times(root / "out")
    assert n_jobs is None or len(before) == 2
    assert not list((root / "out").glob(".*"))
    assert_rows(predict(model, table, root / "out"), by_hand(model, root))
    assert before.items() <= times(root / "out").items()


def test_a_full_disk_stops_all(root, table, model, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_parts, "write_parquet", fail)
    with pytest.raises(OSError, match="No space left"):
        predict_micrographs(model, table, root / "out", root=root)


def move(root, name):
    """Write other instances of a micrograph."""
    labels = cv2.imread(root / f"{name}_labels.png", cv2.IMREAD_UNCHANGED)
    cv2.imwrite(root / f"{name}_labels.png", labels[::-1])


def test_what_changed_is_predicted_again(root, table, model):
    predict = partial(predict_micrographs, model, out=root / "out", root=root)
    predict(table)
    before = times(root / "out")
    predict(table)
    assert times(root / "out") == before
    move(root, "b")
    assert_rows(predict(table), by_hand(model, root))
    changed = [
        file for file, time in times(root / "out").items() if time > before[file]
    ]
    assert [file.name[:7] for file in changed] == ["part-b-"]
    results = predict(table.assign(sample="new")).compute()
    assert set(results["sample"]) == {"new"}
    other = predict(table.assign(pixel_size=4.0)).compute()
    np.testing.assert_allclose(other["diameter_nm"], 2 * results["diameter_nm"])
    before = times(root / "out")
    predict(table.assign(pixel_size=4.0), margin=3)
    assert all(time > before[file] for file, time in times(root / "out").items())


def test_results_of_what_fails_now_are_not_kept(root, table, model):
    predict = partial(predict_micrographs, model, table, root / "out", root=root)
    predict()
    (root / "b_labels.png").write_bytes(b"")
    with pytest.warns(UserWarning, match="1 of 4"):
        results = predict()
    assert_rows(results, by_hand(model, root, ["a", "c", "d"]))
    assert len(times(root / "out")) == 3


def test_results_stay_while_their_micrographs_are_out_of_reach(root, table, model):
    predict = partial(predict_micrographs, model, table, root / "out", root=root)
    predict()
    before = times(root / "out")
    (root / "b.png").rename(root / "away.png")
    with pytest.warns(UserWarning, match="1 of 4"):
        assert_rows(predict(), by_hand(model, root, ["a", "c", "d"]))
    (root / "away.png").rename(root / "b.png")
    assert_rows(predict(), by_hand(model, root))
    assert times(root / "out") == before


def test_damaged_results_are_made_again(root, table, model):
    predict = partial(predict_micrographs, model, table, root / "out", root=root)
    predict()
    files = sorted(times(root / "out"))
    data = bytearray(files[0].read_bytes())
    data[40] ^= 16
    files[0].write_bytes(data)
    files[1].write_bytes(b"PAR1")
    assert_rows(predict(), by_hand(model, root))


def test_tables_may_grow_and_change_their_order(root, table, model):
    predict = partial(predict_micrographs, model, out=root / "out", root=root)
    predict(table[1:3])
    before = times(root / "out")
    results = predict(table[::-1])
    assert_rows(results, by_hand(model, root, NAMES[::-1]))
    assert before.items() < times(root / "out").items()


def test_results_of_another_table_are_not_mixed(root, table, model):
    predict = partial(predict_micrographs, model, out=root / "out", root=root)
    predict(table)
    message = r"results of 2 micrographs that this table does not have, such as part-a-"
    with pytest.raises(ValueError, match=message):
        predict(table[2:])
    assert len(times(root / "out")) == 4
    assert_rows(predict(table[2:], overwrite=True), by_hand(model, root, ["c", "d"]))
    assert len(times(root / "out")) == 2
    paths = pd.DataFrame({"image": ["a.png"]})
    paths.to_csv(root / "particles.csv", index=False)
    with pytest.raises(ValueError, match="results of 2 partitions that this table do"):
        predict_partitions(model, root / "particles.csv", root / "out")


def test_files_of_others_stay_in_the_folder(root, table, model):
    (root / "out").mkdir()
    for name in ("part-list.parquet", "notes.txt"):
        (root / "out" / name).write_text("mine")
    predict_micrographs(model, table, root / "out", root=root, overwrite=True)
    assert (root / "out" / "part-list.parquet").read_text() == "mine"


def test_names_that_are_hard_to_write(root, model):
    names = ["a b", "ä" * 100, "x.y", "-", "a'\"", "line\nbreak"]
    for name in names:
        write_micrograph(root, name, 1)
    results = predict_micrographs(model, make_table(names), root / "out", root=root)
    assert results.compute()["micrograph"].tolist() == [f"{name}.png" for name in names]


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_warnings_are_told_at_the_end(root, table, model, n_jobs):
    for n, name in enumerate("bd"):
        write_micrograph(root, name, n + 2, split=True)
    with pytest.warns(UserWarning) as caught:
        predict_micrographs(model, table, root / "out", root=root, n_jobs=n_jobs)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    message = str(caught[0].message)
    assert message.startswith("2 of 4 micrographs gave warnings:\nb.png: ")
    assert "\nd.png: " in message


@pytest.mark.parametrize("n_jobs", [None, 1, 2])
def test_progress_counts_micrographs_if_asked_for(root, table, model, capsys, n_jobs):
    options = {"root": root, "n_jobs": n_jobs}
    predict_micrographs(model, table, root / "out", **options)
    assert capsys.readouterr() == ("", "")
    predict_micrographs(model, table, root / "out", verbose=True, **options)
    assert "4/4" in capsys.readouterr().err


SCRIPT = """
import joblib
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline
from sklipo import predict_micrographs

class Same(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self
    def transform(self, X):
        return X

model = make_pipeline(Same(), *joblib.load("model.joblib"))
results = predict_micrographs(model, "table.csv", "out", n_jobs=2)
print(len(results.compute()))
"""


def test_a_script_needs_no_guard_of_its_main_part(root, table, model):
    joblib.dump(model, root / "model.joblib")
    table.to_csv(root / "table.csv", index=False)
    (root / "script.py").write_text(SCRIPT)
    paths = os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])
    command = [sys.executable, "script.py"]
    options = {"cwd": root, "capture_output": True, "text": True}
    environment = os.environ | {"PYTHONPATH": paths}
    result = subprocess.run(command, env=environment, **options)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "10\n"
