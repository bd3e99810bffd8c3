import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import joblib
import numpy as np
import pandas as pd
import pytest
import tifffile
from dataset_cases import (
    assert_images_equal,
    random_images,
    write_images,
    write_table,
)

from sklipo import check_particles
from sklipo.datasets import load_particles
from sklipo.datasets._pixel_files import read_pixels

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="needs ../shared/data/emps_cutouts"
)


def test_csv(tmp_path):
    path, images = write_table(tmp_path, label=list("abab"), diameter=[1.5, 2, 3, 4])
    particles = load_particles(path)
    assert particles.columns.tolist() == ["image", "mask", "label", "diameter"]
    assert_images_equal(particles["image"], images)
    assert_images_equal(particles["mask"], [image > image.min() for image in images])
    assert particles["label"].tolist() == list("abab")
    assert particles["diameter"].tolist() == [1.5, 2, 3, 4]
    assert len(check_particles(particles)) == 4


def test_names_of_micrographs_are_text(tmp_path):
    names = ["434e2874", "0017", "12", "1"]
    path, _ = write_table(tmp_path, micrograph=names, grid=names)
    assert load_particles(path)["micrograph"].tolist() == names
    renamed = load_particles(path, columns={"micrograph": "m", "grid": "micrograph"})
    assert renamed["micrograph"].tolist() == names


def test_parquet_of_paths(tmp_path):
    path, _ = write_table(tmp_path, label=list("abab"))
    pd.read_csv(path).to_parquet(tmp_path / "particles.parquet")
    expected = load_particles(path)
    found = load_particles(tmp_path / "particles.parquet")
    pd.testing.assert_frame_equal(found, expected)


def test_columns_are_renamed(tmp_path):
    names = write_images(tmp_path, random_images(2))
    path = tmp_path / "list.csv"
    pd.DataFrame({"file": names, "class": ["a", "b"]}).to_csv(path, index=False)
    particles = load_particles(path, columns={"file": "image", "class": "label"})
    assert particles.columns.tolist() == ["image", "label"]
    with pytest.raises(ValueError, match=r"no column 'image' among \['file', "):
        load_particles(path)
    with pytest.raises(ValueError, match=r"names \['x'\]; the table has \['file', "):
        load_particles(path, columns={"x": "image"})
    with pytest.raises(ValueError, match=r"columns \['image'\] exist twice"):
        load_particles(path, columns={"file": "image", "class": "image"})


@pytest.mark.parametrize("lines", [False, True])
def test_json_records_of_the_thesis(tmp_path, lines):
    images = random_images(2)
    names = write_images(tmp_path, images)
    records = [
        {
            "Image": name,
            "Class": label,
            "Padding": 1,
            "PixelSize": 0.5,
            "Micrograph": "m1",
            "Moments": [1.0, 2.0],
        }
        for name, label in zip(names, ["Full", "Empty"], strict=True)
    ]
    text = "\n".join(map(json.dumps, records)) if lines else json.dumps(records)
    (tmp_path / "particles.json").write_text(text)
    particles = load_particles(tmp_path / "particles.json")
    assert_images_equal(particles["image"], images)
    assert particles["label"].tolist() == ["Full", "Empty"]
    assert particles["pixel_size"].tolist() == [0.5, 0.5]
    assert particles["micrograph"].tolist() == ["m1", "m1"]
    assert particles["Moments"].tolist() == [[1.0, 2.0]] * 2
    for image, mask in zip(images, particles["mask"], strict=True):
        expected = np.zeros(image.shape, bool)
        expected[1:-1, 1:-1] = True
        np.testing.assert_array_equal(mask, expected)


def test_json_keys_are_configurable(tmp_path):
    names = write_images(tmp_path, random_images(1))
    record = {"File": names[0], "Class": "Full", "Type": "Unilamellar"}
    (tmp_path / "particles.json").write_text(json.dumps([record]))
    columns = {"File": "image", "Type": "label"}
    particles = load_particles(tmp_path / "particles.json", columns=columns)
    assert particles["label"].tolist() == ["Unilamellar"]
    assert particles["Class"].tolist() == ["Full"]


@pytest.mark.parametrize(
    "text, message",
    [
        ('[{"Image": "a.png"}, 3]', "row 1: expected a record .*, got a int"),
        ('{"Image": "a.png"}\n{"Image', "line 2: "),
        ('{"Image"', "expected a list of records or one record per line; line 1"),
        ("[]", "no particles, the table has no rows"),
    ],
)
def test_bad_json(tmp_path, text, message):
    (tmp_path / "particles.json").write_text(text)
    with pytest.raises(ValueError, match=rf"json' can't be read: .*{message}"):
        load_particles(tmp_path / "particles.json")


def test_padding_without_mask(tmp_path):
    cv2.imwrite(tmp_path / "a.png", np.ones((5, 9), np.uint8))
    path = tmp_path / "particles.csv"
    for padding, message in [
        (3, r"row 0 padding 3 \(leaves nothing of the shape \(5, 9\)\)"),
        (-1, "row 0 padding -1 .*expected a whole number"),
        (0.5, "row 0 padding 0.5 .*expected a whole number"),
        ("", "row 0 padding nan .*expected a whole number"),
    ]:
        path.write_text(f"image,padding\na.png,{padding}\n")
        with pytest.raises(ValueError, match=message):
            load_particles(path)
    path.write_text("image,padding\na.png,0\n")
    assert load_particles(path)["mask"][0].all()


def test_threads_do_not_change_the_result(tmp_path):
    path, _ = write_table(tmp_path, n=40)
    expected = load_particles(path, n_jobs=1)
    for n_jobs in (None, 3, -1):
        pd.testing.assert_frame_equal(load_particles(path, n_jobs=n_jobs), expected)


def test_one_thread_reads_unless_more_are_asked_for(tmp_path, monkeypatch):
    path, _ = write_table(tmp_path)
    numbers = []

    class Pool(ThreadPoolExecutor):
        def __init__(self, n_threads):
            numbers.append(n_threads)
            super().__init__(n_threads)

    monkeypatch.setattr("sklipo.datasets._image_columns.ThreadPoolExecutor", Pool)
    load_particles(path)
    load_particles(path, n_jobs=2)
    with joblib.parallel_config(n_jobs=3):
        load_particles(path)
    # A pool for the images, and one for the masks.
    assert numbers == [1, 1, 2, 2, 3, 3]


def test_progress_is_shown_on_request(tmp_path, capsys):
    path, _ = write_table(tmp_path)
    load_particles(path)
    assert capsys.readouterr() == ("", "")
    load_particles(path, verbose=True)
    assert "4/4" in capsys.readouterr().err


def test_a_truncated_file_among_a_thousand_is_named(tmp_path):
    path, _ = write_table(tmp_path, n=1000)
    victim = tmp_path / "images" / "00417.png"
    victim.write_bytes(victim.read_bytes()[:-9])
    with pytest.raises(ValueError) as error:
        load_particles(path)
    assert str(error.value) == (
        "1 of 1000 particles can't be read: row 417 'images/00417.png' (truncated)."
    )


def test_of_many_bad_files_five_are_named(tmp_path):
    path, _ = write_table(tmp_path, n=9)
    for i in range(1, 9):
        (tmp_path / "images" / f"{i:05}.png").unlink()
    with pytest.raises(ValueError, match=r"8 of 9 .* row 1 .* row 5 .* and 3 more\.$"):
        load_particles(path)


def write_lossy(path, image):
    cv2.imwrite(path, image, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])


@pytest.mark.parametrize(
    "suffix, save",
    [
        (".png", cv2.imwrite),
        (".jpg", cv2.imwrite),
        (".jpg", write_lossy),
        (".tif", tifffile.imwrite),
        (".tif", lambda path, a: tifffile.imwrite(path, a, compression="zlib")),
    ],
)
def test_no_truncation_goes_unseen(tmp_path, suffix, save):
    file = tmp_path / f"0{suffix}"
    save(file, random_images(1)[0])
    data = file.read_bytes()
    expected = read_pixels(file)
    for size in range(len(data)):
        file.write_bytes(data[:size])
        try:
            found = read_pixels(file)
        except ValueError:
            continue
        # What was cut off belongs to no pixel.
        np.testing.assert_array_equal(found, expected)


BAD_IMAGES = {
    "missing": (None, r"images/00002.png' \(missing\)"),
    "empty": (b"", r"images/00002.png' \(empty file\)"),
    "text": (b"no image", r"images/00002.png' \(unreadable: damaged or no image, .*\)"),
    "color": (
        np.arange(60, dtype=np.uint8).reshape(4, 5, 3),
        r"images/00002.png' \(color image, .*cv2.imread\(path, .*_GRAYSCALE\)\)",
    ),
    "transparent": (
        np.dstack([np.zeros((2, 2, 3), np.uint8), np.eye(2, dtype=np.uint8)]),
        r"images/00002.png' \(image with transparency",
    ),
    "mask of another shape": (
        np.ones((2, 2), np.uint8),
        r"masks/00002.png' \(mask of shape \(\d+, \d+\), its image \(2, 2\)\)",
    ),
}


@pytest.mark.parametrize("kind", BAD_IMAGES)
def test_bad_images_are_named(tmp_path, kind):
    path, _ = write_table(tmp_path)
    content, message = BAD_IMAGES[kind]
    file = tmp_path / "images" / "00002.png"
    file.unlink()
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        cv2.imwrite(file, content)
    with pytest.raises(ValueError, match=rf"1 of 4 .*: row 2 '{message}"):
        load_particles(path)


def test_bad_masks_are_named(tmp_path):
    path, images = write_table(tmp_path)
    cv2.imwrite(tmp_path / "masks" / "00001.png", np.zeros(images[1].shape, np.uint8))
    (tmp_path / "masks" / "00003.png").unlink()
    with pytest.raises(ValueError) as error:
        load_particles(path)
    assert str(error.value) == (
        "2 of 4 particles can't be read: row 1 'masks/00001.png' (empty mask), "
        "row 3 'masks/00003.png' (missing)."
    )


def test_a_row_without_a_path_is_named(tmp_path):
    names = write_images(tmp_path, random_images(1))
    text = f"image,mask\n,a.png\n{names[0]},\n"
    (tmp_path / "a.csv").write_text(text)
    message = r"row 0 image nan \(expected a path\), row 1 mask nan \(expected a path\)"
    with pytest.raises(ValueError, match=message):
        load_particles(tmp_path / "a.csv")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_pixels_that_are_no_number(tmp_path, bad):
    pixels = np.ones((4, 5), np.float32)
    pixels[1, 2] = bad
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    (tmp_path / "a.csv").write_text("image\na.tif\n")
    with pytest.raises(ValueError, match=r"row 0 'a.tif' \(NaN or infinite pixels\)"):
        load_particles(tmp_path / "a.csv")


def test_a_stack_is_no_image(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((2, 4, 5), np.float32))
    (tmp_path / "a.csv").write_text("image\na.tif\n")
    with pytest.raises(
        ValueError,
        match=r"'a.tif' \(a stack of 2 images, shape \(2, 4, 5\), expected one",
    ):
        load_particles(tmp_path / "a.csv")


def test_the_conversion_that_the_message_advises_works(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(path, BAD_IMAGES["color"][0])
    cv2.imwrite(path, cv2.imread(path, cv2.IMREAD_GRAYSCALE))
    (tmp_path / "a.csv").write_text("image\na.png\n")
    assert load_particles(tmp_path / "a.csv")["image"][0].shape == (4, 5)


@pytest.mark.parametrize("alpha", [False, True])
def test_equal_channels_are_gray(tmp_path, alpha):
    gray = random_images(1)[0]
    opaque = [np.full_like(gray, 255)] * alpha
    cv2.imwrite(tmp_path / "a.png", np.dstack([gray, gray, gray, *opaque]))
    (tmp_path / "a.csv").write_text("image\na.png\n")
    assert_images_equal(load_particles(tmp_path / "a.csv")["image"], [gray])


def test_a_tiff_compressed_by_lzw(tmp_path):
    # tifffile reads these with imagecodecs only, OpenCV writes and reads them.
    image = random_images(1)[0]
    cv2.imwrite(tmp_path / "a.tif", image)
    (tmp_path / "a.csv").write_text("image\na.tif\n")
    assert_images_equal(load_particles(tmp_path / "a.csv")["image"], [image])


def test_mixed_dtypes_are_promoted_with_a_warning(tmp_path):
    images = [*random_images(2), random_images(1, np.uint16)[0] * 300]
    names = write_images(tmp_path, images)
    pd.DataFrame({"image": names}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.warns(UserWarning, match=r"2 uint8, 1 uint16.* become uint16") as seen:
        particles = load_particles(tmp_path / "a.csv")
    assert seen[0].filename == __file__
    assert_images_equal(particles["image"], [i.astype(np.uint16) for i in images])


def test_bad_table_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file or folder '.*nowhere.csv'"):
        load_particles(tmp_path / "nowhere.csv")
    for name, text, message in [
        ("a.csv", "", "a.csv' can't be read: the file is empty"),
        (
            "a.csv",
            "image,label\n",
            "a.csv' can't be read: no particles, only the header",
        ),
        ("a.parquet", "x", "a.parquet' can't be read: "),
        ("a.xlsx", "x", "a.xlsx': expected a folder or one of .csv, .parquet, .json"),
    ]:
        (tmp_path / name).write_text(text)
        with pytest.raises(ValueError, match=message):
            load_particles(tmp_path / name)


@needs_data
def test_real_particles():
    folder = DATA / "emps_cutouts"
    particles = load_particles(folder / "particles.csv")
    assert check_particles(particles)["mask"].array.pixel_dtype.kind == "b"
    assert particles["label"].value_counts().to_dict() == {
        "solid_round": 1192,
        "rod": 449,
        "polyhedral": 223,
        "hollow": 36,
        "core_shell": 35,
    }
    assert particles["micrograph"].nunique() == 155
    table = pd.read_csv(folder / "particles.csv")
    for i in range(0, len(table), 20):
        image, mask = (cv2.imread(folder / table[c][i], -1) for c in ("image", "mask"))
        np.testing.assert_array_equal(particles["image"][i], image)
        np.testing.assert_array_equal(particles["mask"][i], mask > 0)
