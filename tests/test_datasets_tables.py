import json
import os
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dataset_cases import (
    assert_images_equal,
    random_images,
    write_images,
    write_table,
)

from sklipo import ImageArray
from sklipo.datasets import load_particles

RECORDS = [{"image": "images/00000.png", "label": "a"}]


@pytest.fixture
def folder(tmp_path):
    write_images(tmp_path, random_images(2))
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(RECORDS, indent=2),
        "\ufeff" + json.dumps(RECORDS),
        "\n\n" + json.dumps(RECORDS[0]) + "\n\n",
        pd.DataFrame(RECORDS).to_json(orient="records"),
        pd.DataFrame(RECORDS).to_json(orient="records", lines=True),
        '[{"image": "images/00000.png", "label": "a", "n": ' + "1" * 50 + "}]",
        '{"image": "images/00000.png", "label": "a", "remark": "\u2028"}',
    ],
)
def test_json(folder, text):
    (folder / "a.json").write_text(text, encoding="utf-8")
    assert load_particles(folder / "a.json")["label"].tolist() == ["a"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "no particles"),
        ("[]", "no particles"),
        ("[" * 100_000, "nested too deep"),
        ('[{"image": "a", "x": ' + "[" * 5000 + "]" * 5000 + "}]", "nested too deep"),
        ('{"image": ["a.png"]}', "record of columns, .*orient='records'"),
        ('{"image": {"0": "a.png"}}', "record of columns, .*orient='records'"),
        ('[{"image": "a", "image": "b"}]', r"several of the keys \['image'\]"),
        ('{"image": "a", "image": "b"}', r"several of the keys \['image'\]"),
        ("5", "row 0: expected a record .*, got a int"),
        ("[null]", "row 0: expected a record .*, got a NoneType"),
        ("[{}]", "no column 'image'"),
        ('[{"n": ' + "1" * 5000 + "}]", "limit"),
    ],
)
def test_malformed_json(folder, text, message):
    (folder / "a.json").write_text(text)
    with pytest.raises(ValueError, match=rf"a.json' can't be read: .*{message}"):
        load_particles(folder / "a.json")


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"PAR1",
        lambda data: b"PAR1" * 5,
        lambda data: data[: len(data) // 2],
        lambda data: data[4:],
        lambda data: data[:-20] + b"\xff" * 12 + data[-8:],
        lambda data: b"image,label\na.png,a\n",
    ],
)
def test_damaged_parquet(folder, damage):
    path = folder / "a.parquet"
    pd.DataFrame(RECORDS).to_parquet(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"a.parquet' can't be read: damaged or no"):
        load_particles(path)


def test_parquet_of_other_programs(folder):
    path = folder / "a.parquet"
    pq.write_table(pa.Table.from_pylist(RECORDS), path)
    assert load_particles(path)["label"].tolist() == ["a"]
    table = pd.DataFrame(RECORDS * 2, index=[7, 7])
    for variant in (table, table.set_index("image"), table.astype("category")):
        variant.to_parquet(path)
        assert load_particles(path)["label"].tolist() == ["a", "a"]


@pytest.mark.parametrize(
    "cell", [[1, 2], b"x" * 1000, {"path": "a.png"}, None, 5, 1.5, [[1.0] * 99] * 99]
)
def test_cells_that_are_no_paths(folder, cell):
    table = pd.DataFrame({"image": [RECORDS[0]["image"], cell]})
    with pytest.raises(ValueError, match=r"1 of 2 .*row 1 .*expected a path") as error:
        load_particles(table, root=folder)
    assert len(str(error.value)) < 300


def test_a_data_frame_of_paths(folder, monkeypatch):
    monkeypatch.chdir(folder)
    table = pd.DataFrame({"image": ["images/00001.png", "images/00000.png"]})
    expected = table.copy()
    particles = load_particles(table)
    assert_images_equal(particles["image"], random_images(2)[::-1])
    pd.testing.assert_frame_equal(table, expected)
    table = pd.DataFrame({"file": [Path("00000.png")]}, index=[5])
    found = load_particles(table, columns={"file": "image"}, root="images")
    assert_images_equal(found["image"], random_images(2)[:1])
    assert found.index.tolist() == [5]


def test_root_of_a_table(folder):
    (folder / "tables").mkdir()
    pd.DataFrame(RECORDS).to_csv(folder / "tables" / "a.csv", index=False)
    found = load_particles(folder / "tables" / "a.csv", root=folder)
    assert_images_equal(found["image"], random_images(2)[:1])
    with pytest.raises(ValueError, match="missing"):
        load_particles(folder / "tables" / "a.csv")


@pytest.mark.parametrize(
    "table, message",
    [
        (pd.DataFrame(), "no particles"),
        (pd.DataFrame({"image": []}), "no particles"),
        (pd.DataFrame({"image": ImageArray([])}), "no particles"),
        (pd.DataFrame([["a", "b"]], columns=["image", "image"]), "'image'"),
        (pd.DataFrame([["a", "b"]], columns=["image", " image"]), "'image'"),
        (pd.DataFrame({("image", "a"): ["b"]}), "2 levels"),
        (pd.DataFrame({"Image": ["a"]}), r"columns=\{'Image': 'image'\}"),
        (pd.DataFrame({"x": ["a"], "imgs": ["a"]}), r"columns=\{'imgs': 'image'\}"),
        (pd.DataFrame([["a.png", 1]], columns=["0.png", "full"]), "no header"),
    ],
)
def test_columns_that_are_no_particle_table(table, message):
    with pytest.raises(ValueError, match=message):
        load_particles(table)


@pytest.mark.parametrize("path", [None, 5, b"a.csv", [], {"image": ["a"]}])
def test_what_is_no_path(path):
    with pytest.raises(TypeError, match=r"'path' parameter .* must be"):
        load_particles(path)


@pytest.mark.parametrize("header", ["image, mask", "image,mask ", "image,\tmask"])
def test_spaces_around_names(tmp_path, header):
    path, images = write_table(tmp_path)
    text = path.read_text().replace("image,mask", header)
    path.write_text(text.replace(",", ", ") if ", " in header else text)
    particles = load_particles(path)
    assert particles.columns.tolist() == ["image", "mask"]
    assert_images_equal(particles["mask"], [image > image.min() for image in images])


@pytest.mark.parametrize(
    "name", ["Mask", "masks", "MASK", "Pixel Size", "pixelsize", "pixel_size_nm"]
)
def test_names_that_are_nearly_right(folder, name):
    table = pd.DataFrame({"image": ["images/00000.png"], name: ["a.png"]})
    table.to_csv(folder / "a.csv", index=False)
    column = "mask" if "a" in name.lower()[:2] else "pixel_size"
    with pytest.warns(
        UserWarning, match=rf"columns=\{{'{name}': '{column}'\}}"
    ) as seen:
        particles = load_particles(folder / "a.csv")
    assert seen[0].filename == __file__
    assert particles[name].tolist() == ["a.png"]


def test_renaming_needs_no_spaces(folder):
    (folder / "a.csv").write_text("file ,type\nimages/00000.png,a\n")
    with pytest.raises(TypeError, match=r"'columns' parameter .* must be"):
        load_particles(folder / "a.csv", columns="file")
    for key in ("file", "file "):
        columns = {key: "image", "type": "label"}
        found = load_particles(folder / "a.csv", columns=columns)
        assert found.columns.tolist() == ["image", "label"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_tables_that_are_no_regular_files(tmp_path):
    for name in ("a.csv", "a.json", "a.parquet"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(ValueError, match="is no regular file, expected a table"):
            load_particles(tmp_path / name)


@pytest.mark.parametrize("field, n", [("1", 3000), ("", 3000), ("x", 40_000)])
def test_thousands_of_columns(folder, field, n):
    names = ["image", *(f"c{i}" for i in range(n))]
    row = ["images/00000.png", *[field] * n]
    (folder / "a.csv").write_text(",".join(names) + "\n" + ",".join(row) + "\n")
    start = process_time()
    found = load_particles(folder / "a.csv")
    # To assign the columns to a table, one by one, takes half a minute.
    assert process_time() - start < 15
    assert found.columns.tolist() == names
    if field == "1":
        assert (found.drop(columns="image").dtypes == np.int64).all()
