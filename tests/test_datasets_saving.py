import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from dataset_cases import assert_images_equal
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklipo import ImageArray
from sklipo.datasets import load_particles, save_particles

PIXELS = np.arange(6.0).reshape(2, 3)
MASK = PIXELS == 5

DTYPES = [bool, np.uint8, np.int8, np.uint16, np.int16, np.int32, np.uint32, np.int64]
DTYPES += [np.float16, np.float32, np.float64]


@st.composite
def particle_tables(draw):
    """Tables of images of one dtype, with or without masks."""
    dtype = draw(st.sampled_from(DTYPES))
    sizes = st.tuples(st.integers(1, 6), st.integers(1, 6))
    shapes = draw(st.lists(sizes, min_size=1, max_size=4))
    finite = {"allow_nan": False, "allow_infinity": False}
    images = [draw(arrays(dtype, shape, elements=finite)) for shape in shapes]
    table = pd.DataFrame({"image": ImageArray(images), "area": range(len(images))})
    if draw(st.booleans()):
        masks = [draw(arrays(bool, shape)) for shape in shapes]
        for mask in masks:
            mask[0, 0] = True
        table.insert(1, "mask", ImageArray(masks))
    return table


@settings(max_examples=60, deadline=None)
@given(particles=particle_tables(), suffix=st.sampled_from([".csv", ".parquet"]))
def test_saved_particles_come_back_to_the_bit(particles, suffix):
    before = particles.copy()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"particles{suffix}"
        save_particles(particles, path)
        found = load_particles(path, n_jobs=1)
    pd.testing.assert_frame_equal(particles, before)
    assert found.columns.tolist() == particles.columns.tolist()
    assert found["area"].tolist() == particles["area"].tolist()
    for column in found.columns.difference(["area"]):
        assert_images_equal(found[column], particles[column])


def small_table(n=2):
    images = [np.arange(3 * (4 + i), dtype=np.uint8).reshape(3, -1) for i in range(n)]
    masks = ImageArray([image > -1 for image in images])
    return pd.DataFrame({"image": ImageArray(images), "mask": masks})


def test_crops_are_saved_as_they_are_seen(tmp_path):
    particles = small_table()
    particles["image"] = particles["image"].array.crop(1, 1, 2, 2)
    particles["mask"] = particles["mask"].array.crop(0, 0, 2, 2)
    for name in ("a.csv", "a.parquet"):
        save_particles(particles, tmp_path / name)
        found = load_particles(tmp_path / name)
        assert_images_equal(found["image"], particles["image"])


def test_masks_that_are_not_bool_come_back_as_bool(tmp_path):
    particles = small_table(1)
    mask = np.eye(*particles["image"][0].shape, dtype=np.uint8)
    particles["mask"] = ImageArray([mask])
    save_particles(particles, tmp_path / "a.csv")
    assert_images_equal(load_particles(tmp_path / "a.csv")["mask"], [mask > 0])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_nothing_is_overwritten_unless_asked(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    save_particles(small_table(), path)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.*")}
    with pytest.raises(FileExistsError, match=r"exists already; pass overwrite=True"):
        save_particles(small_table(3), path)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*.*")} == before
    save_particles(small_table(3), path, overwrite=True)
    assert_images_equal(load_particles(path)["image"], small_table(3)["image"])


@pytest.mark.parametrize("other", ["b.csv", "a.CSV", "a_files.csv", "images.csv"])
def test_two_tables_in_one_folder(tmp_path, other):
    save_particles(small_table(), tmp_path / "a.csv")
    for n in (3, 4):
        save_particles(small_table(n), tmp_path / other, overwrite=True)
        for path, n_rows in [("a.csv", 2), (other, n)]:
            found = load_particles(tmp_path / path)["image"]
            assert_images_equal(found, small_table(n_rows)["image"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_images_stay_while_a_copy_of_the_table_names_them(tmp_path, encoding):
    save_particles(small_table(), tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text()
    (tmp_path / "copy.csv").write_text(text, encoding=encoding)
    save_particles(small_table(3), tmp_path / "a.csv", overwrite=True)
    assert len(list((tmp_path / "a_files").iterdir())) == 2
    assert (tmp_path / text.splitlines()[1].split(",")[0]).exists()
    (tmp_path / "copy.csv").unlink()
    save_particles(small_table(4), tmp_path / "a.csv", overwrite=True)
    assert len(list((tmp_path / "a_files").iterdir())) == 1


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "a_files").touch()
    with pytest.raises(FileExistsError, match=r"a_files' is a file.*rename it"):
        save_particles(small_table(), tmp_path / "a.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["a_files"]


def test_foreign_files_stay(tmp_path):
    for name in ["notes", "deadbeef0", "images"]:
        (tmp_path / "a_files" / name).mkdir(parents=True)
    (tmp_path / "a_files" / "12345678").touch()
    before = set(tmp_path.rglob("*"))
    for n in (2, 3):
        save_particles(small_table(n), tmp_path / "a.csv", overwrite=True)
    assert before <= set(tmp_path.rglob("*"))


@pytest.mark.parametrize(
    "values", [[1, "a"], [{1}, 2], [1j, 2], [Path("a"), 1], ["\ud800", "a"]]
)
def test_columns_that_parquet_has_no_type_for(tmp_path, values):
    particles = small_table().assign(odd=pd.Series(values, dtype=object))
    save_particles(small_table(), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"can't be saved as Parquet: .*; give each"):
        save_particles(particles, tmp_path / "a.parquet", overwrite=True)
    assert_images_equal(
        load_particles(tmp_path / "a.parquet")["image"], small_table()["image"]
    )
    assert len(list(tmp_path.iterdir())) == 1


def test_columns_of_one_name_are_not_saved_as_parquet(tmp_path):
    particles = pd.concat([small_table(), pd.DataFrame({"a": [1, 2]})], axis=1)
    particles = pd.concat([particles, particles[["a"]]], axis=1)
    with pytest.raises(ValueError, match=r"Duplicate column.*a name of its own"):
        save_particles(particles, tmp_path / "a.parquet")


def test_text_that_cannot_be_encoded(tmp_path):
    particles = small_table().assign(label=pd.Series(["a", "\ud800"], dtype=object))
    with pytest.raises(ValueError, match=r"ud800.*UTF-8"):
        save_particles(particles, tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


def test_row_groups_are_of_moderate_size(tmp_path):
    pixels = np.zeros((40, 2000, 1000), np.uint8)
    particles = pd.DataFrame({"image": ImageArray(pixels)})
    save_particles(particles, tmp_path / "a.parquet")
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 2


def test_what_cannot_be_saved(tmp_path):
    particles = small_table()
    with pytest.raises(ValueError, match=r"expected a path ending in \.parquet or"):
        save_particles(particles, tmp_path / "a.xlsx")
    with pytest.raises(FileNotFoundError, match=r"no folder '.*nowhere'"):
        save_particles(particles, tmp_path / "nowhere" / "a.csv")
    with pytest.raises(TypeError, match=r"'particles' parameter .* must be"):
        save_particles([], tmp_path / "a.csv")
    with pytest.raises(TypeError, match=r"no column 'image' of dtype 'image'"):
        save_particles(particles.drop(columns="image"), tmp_path / "a.csv")
    with pytest.raises(ValueError, match=r"can't keep the images in \['edge'\]"):
        save_particles(particles.assign(edge=particles["image"]), tmp_path / "a.csv")
    particles["mask"] = ImageArray([particles["mask"][0], None])
    with pytest.raises(ValueError, match=r"row 1: the mask is missing \(1 in all\)"):
        save_particles(particles, tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "column, values, message",
    [
        ("label", ["a\0b", "c"], "NUL characters"),
        ("mask", ImageArray([MASK, 0 * MASK]), "row 1: the mask is empty"),
        ("mask", ImageArray([MASK, PIXELS]), "row 1: the mask has 6 levels"),
        ("image", ImageArray([PIXELS, PIXELS * np.nan]), "row 1: the image has NaN"),
        ("image", ImageArray([PIXELS.astype("g")] * 2), "row 0: the image has float"),
        ("contour", [np.zeros(2000), np.zeros(3)], r"arrays in \['contour'\]"),
    ],
)
def test_what_cannot_be_loaded_from_a_csv_is_not_saved(
    tmp_path, column, values, message
):
    particles = pd.DataFrame({"image": ImageArray([PIXELS] * 2)})
    path = tmp_path / "a.csv"
    save_particles(particles, path)
    with pytest.raises(ValueError, match=message):
        save_particles(particles.assign(**{column: values}), path, overwrite=True)
    assert_images_equal(load_particles(path)["image"], [PIXELS] * 2)


def test_a_csv_with_two_columns_of_one_name_is_not_saved(tmp_path):
    particles = pd.DataFrame({"image": ImageArray([PIXELS])})
    particles = pd.concat(
        [particles, pd.DataFrame([[1, 2]], columns=["a", "a"])], axis=1
    )
    with pytest.raises(ValueError, match="several columns of the name 'a'"):
        save_particles(particles, tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["<x", "PAR1", "BZh", "%PDF", "\ufeffx", "sep=;", "{"])
def test_names_that_look_like_other_files(tmp_path, name):
    particles = pd.DataFrame({name: ["a"], "image": ImageArray([PIXELS])})
    save_particles(particles, tmp_path / "a.csv")
    assert load_particles(tmp_path / "a.csv").columns.tolist() == [name, "image"]


def test_an_index_named_image(tmp_path):
    index = pd.Index([5], name="image")
    particles = pd.DataFrame({"image": ImageArray([PIXELS])}, index)
    save_particles(particles, tmp_path / "a.parquet")
    assert load_particles(tmp_path / "a.parquet").index.equals(index)
