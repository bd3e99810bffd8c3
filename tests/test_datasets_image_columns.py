import os
import shutil
import warnings
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import tifffile
from dataset_cases import assert_images_equal, mrc, write_images

from sklipo import ImageArray
from sklipo.datasets import load_particles, read_micrograph

EM_FORMATS = Path(__file__).resolve().parents[2] / "shared" / "data" / "em_formats"
needs_data = pytest.mark.skipif(
    not EM_FORMATS.is_dir(), reason="needs ../shared/data/em_formats"
)


def disk(size=40, radius=12):
    y, x = np.mgrid[:size, :size] - size // 2
    return y**2 + x**2 < radius**2


@pytest.fixture
def folder(tmp_path):
    write_images(tmp_path, [np.full((40, 40), i, np.uint8) for i in range(3)])
    return tmp_path


def load(folder, *names, **options):
    return load_particles(pd.DataFrame({"image": names}), root=folder, **options)


def load_mask(folder, mask, suffix=".png"):
    cv2.imwrite(folder / f"mask{suffix}", mask)
    table = {"image": ["images/00000.png"], "mask": [f"mask{suffix}"]}
    return load_particles(pd.DataFrame(table), root=folder)["mask"]


@pytest.mark.parametrize(
    "mask",
    [
        disk() * np.uint8(1),
        disk() * np.uint8(255),
        disk() * np.uint16(65535),
        np.dstack([disk() * np.uint8(255)] * 3),
        np.full((40, 40), 255, np.uint8),
    ],
)
def test_masks_of_two_values(folder, mask):
    assert_images_equal(load_mask(folder, mask), [mask.reshape(40, 40, -1)[..., 0] > 0])


@pytest.mark.parametrize(
    "mask, message",
    [
        (disk() * np.uint8(1) + 1, "mask that has the numbers 1 and 2; .*mask == 2"),
        (disk() * np.uint8(1) + disk(40, 5), "mask that has 3 levels from 0 to 2"),
        (
            cv2.GaussianBlur(disk() * np.uint8(255), (5, 5), 2),
            r"mask that has \d+ levels from 0 to 255; .*Threshold it, as mask > 127",
        ),
        (np.zeros((40, 40), np.uint8), "empty mask"),
        (disk(38) * np.uint8(255), r"mask of shape \(38, 38\), its image \(40, 40\)"),
    ],
)
def test_masks_that_are_none(folder, mask, message):
    with pytest.raises(ValueError, match=rf"1 of 1 .*row 0 'mask.png' \({message}"):
        load_mask(folder, mask)


def test_jpeg_masks_are_refused(folder):
    with pytest.raises(ValueError, match=r"row 0 'mask.jpg' \(JPEG changes pixels"):
        load_mask(folder, disk() * np.uint8(255), ".jpg")


def test_masks_that_are_turned_round(folder):
    with pytest.warns(UserWarning, match=r"1 of 1 masks look .* row 0.*~mask") as seen:
        mask = load_mask(folder, ~disk() * np.uint8(255))
    assert seen[0].filename.endswith("test_datasets_image_columns.py")
    assert_images_equal(ImageArray([~mask for mask in mask]), [disk()])


@pytest.mark.parametrize(
    "name",
    [
        "images\\00000.png",
        ".\\images\\00000.png",
        " images/00000.png",
        "images/00000.png \t",
        "images/../images/00000.png",
    ],
)
def test_paths_of_other_systems(folder, name):
    assert_images_equal(load(folder, name)["image"], [np.zeros((40, 40), np.uint8)])
    assert load(folder, str(folder / "images" / "00000.png"))["image"][0].max() == 0


def test_a_name_with_spaces_is_tried_as_it_is(folder):
    (folder / "images" / "00000.png").rename(folder / " a b.png ")
    assert len(load(folder, " a b.png ")) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_images_that_are_no_regular_files(folder):
    os.mkfifo(folder / "pipe.png")
    (folder / "folder.png").mkdir()
    names = ["pipe.png", "folder.png", "/dev/zero", "~/a.png", "http://a/b.png", ""]
    with pytest.raises(ValueError) as error:
        load(folder, *names[:5])
    message = str(error.value)
    assert message.count("expected a regular file") == 3
    assert message.count("missing") == 2
    with pytest.raises(ValueError, match=r"row 0 '' \(a folder, expected a regular"):
        load(folder, "")


def test_an_image_that_several_rows_name_is_read_once(folder, monkeypatch):
    read, files = cv2.imdecode, []
    monkeypatch.setattr(cv2, "imdecode", lambda *a: files.append(1) or read(*a))
    names = ["images/00001.png", "images/00002.png"] * 50
    particles = load(folder, *names, n_jobs=2)
    assert len(files) == 2
    assert [image[0, 0] for image in particles["image"]] == [1, 2] * 50
    assert particles["image"].array.pixels.size == 2 * 40 * 40
    table = pd.DataFrame({"image": names, "padding": [1, 2] * 50})
    masks = load_particles(table, root=folder)["mask"].array
    assert masks.pixels.size == 2 * 40 * 40


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_a_limit_on_the_pixels_of_all_images(folder, n_jobs):
    names = [f"images/{i:05}.png" for i in range(3)]
    with pytest.raises(ValueError, match=r"more than 4000 pixels .* a larger max_p"):
        load(folder, *names, max_pixels=4000, n_jobs=n_jobs)
    assert len(load(folder, *names, *names, max_pixels=4800, n_jobs=n_jobs)) == 6
    with pytest.raises(ValueError, match=r"40 x 40 = 1600 pixels, .*max_pixels=1000"):
        load(folder, names[0], max_pixels=1000, n_jobs=n_jobs)
    for bad in (0, -1, None, "5", np.nan):
        with pytest.raises(ValueError, match=r"'max_pixels' parameter .* must be"):
            load(folder, names[0], max_pixels=bad)


@pytest.mark.parametrize("padding", [[1], "1", None, -1, 0.5, np.inf, np.nan, 20])
def test_paddings_that_are_none(folder, padding):
    table = pd.DataFrame({"image": ["images/00000.png"] * 2, "padding": [1, padding]})
    with pytest.raises(ValueError, match=r"1 of 2 .*row 1 padding"):
        load_particles(table.astype({"padding": object}), root=folder)


def save_webp(path, image):
    cv2.imwrite(path, image, [cv2.IMWRITE_WEBP_QUALITY, 101])


def save_mrc(path, image, **header):
    path.write_bytes(mrc(image.astype(np.int16), mode=1, **header))


def save_imagej(path, image, unit="nm", size=0.5):
    scale = {"resolution": (1 / size, 1 / size), "metadata": {"unit": unit}}
    tifffile.imwrite(path, image, imagej=True, **scale)


SAVED = {
    ".mrc": save_mrc,
    ".tif": save_imagej,
    ".webp": save_webp,
    ".pgm": cv2.imwrite,
    ".bmp": cv2.imwrite,
    ".jp2": lambda path, image: cv2.imwrite(
        path, image, [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000]
    ),
}


@pytest.mark.parametrize("suffix", SAVED)
def test_images_and_masks_in_any_format(tmp_path, suffix):
    image = np.arange(1600, dtype=np.uint8).reshape(40, 40) % 199
    SAVED[suffix](tmp_path / f"image{suffix}", image)
    SAVED[suffix](tmp_path / f"mask{suffix}", disk() * np.uint8(255))
    table = pd.DataFrame({"image": [f"image{suffix}"], "mask": [f"mask{suffix}"]})
    if suffix == ".jp2":
        with pytest.raises(ValueError, match=r"mask.jp2' \(JPEG 2000 changes pixels"):
            load_particles(table, root=tmp_path)
        return
    particles = load_particles(table, root=tmp_path)
    np.testing.assert_array_equal(particles["image"][0], image)
    np.testing.assert_array_equal(particles["mask"][0], disk())


@needs_data
@pytest.mark.parametrize("file", ["64x64_TEM_images_acquire_1.ser", "test-1.dm4"])
def test_files_of_microscopes_are_cut_outs_like_others(tmp_path, file):
    source = EM_FORMATS / "rosettasciio" / file
    names = [f"{i}{source.suffix}" for i in range(40)]
    for name in names:
        shutil.copy(source, tmp_path / name)
    filters = warnings.filters[:]
    # In threads, of which each ignores the warnings of RosettaSciIO.
    particles = load(tmp_path, *names, n_jobs=4)
    assert warnings.filters == filters
    expected = read_micrograph(source)
    assert_images_equal(particles["image"], [expected.pixels] * 40)
    if expected.pixel_size:
        assert particles["pixel_size"].tolist() == [expected.pixel_size] * 40


def test_sizes_that_all_files_state_become_a_column(tmp_path):
    save_imagej(tmp_path / "a.tif", np.ones((4, 5), np.uint8), size=0.5)
    save_imagej(tmp_path / "b.tif", np.ones((4, 5), np.uint8), "um", size=0.002)
    particles = load(tmp_path, "a.tif", "b.tif", "a.tif")
    assert particles["pixel_size"].tolist() == pytest.approx([0.5, 2.0, 0.5])
    assert list(particles.columns) == ["image", "pixel_size"]


def test_sizes_in_the_table_go_before_those_of_files(tmp_path):
    image = np.ones((6, 8), np.uint8)
    save_mrc(tmp_path / "a.mrc", image, cell=(8, 6, 1))
    save_imagej(tmp_path / "b.tif", image.astype(np.int16), "inch")
    names = ["a.mrc", "b.tif"]
    table = pd.DataFrame({"image": names, "pixel_size": [0.3, np.nan]})
    # No warning, either.
    particles = load_particles(table, root=tmp_path)
    pd.testing.assert_series_equal(particles["pixel_size"], table["pixel_size"])


def test_sizes_that_some_files_state_are_not_read(tmp_path):
    for i in range(5):
        save_imagej(tmp_path / f"{i}.tif", np.ones((4, 5), np.uint8))
        tifffile.imwrite(tmp_path / f"{i + 5}.tif", np.ones((4, 5), np.uint8))
    names = [f"{i}.tif" for i in range(10)]
    message = (
        r"5 of 10 images state no pixel size, such as '5.tif', .* column pixel_size"
    )
    with pytest.warns(UserWarning, match=message) as seen:
        particles = load(tmp_path, *names)
    assert seen[0].filename == __file__
    assert len(seen) == 1
    assert "pixel_size" not in particles.columns


def test_doubtful_sizes_of_many_files_are_one_warning(tmp_path):
    for i in range(9):
        save_mrc(tmp_path / f"{i}.mrc", np.ones((6, 8)), cell=(8, 6, 1))
    names = [f"{i}.mrc" for i in range(9)]
    with pytest.warns(UserWarning, match=r"'0.mrc' and of 8 others is 1 Å, ") as seen:
        particles = load(tmp_path, *names, names[0])
    assert len(seen) == 1
    assert seen[0].filename == __file__
    assert particles["pixel_size"].tolist() == pytest.approx([0.1] * 10)
    with pytest.warns(UserWarning, match=r"size of '0.mrc' is 1 Å, .* a column"):
        load(tmp_path, "0.mrc")


def test_sizes_that_are_no_length_are_left_out(tmp_path):
    save_imagej(tmp_path / "a.tif", np.ones((4, 5), np.uint8), "inch")
    with pytest.warns(UserWarning, match=r"'a.tif' is left unknown: .*'inch'"):
        particles = load(tmp_path, "a.tif")
    assert "pixel_size" not in particles.columns


def test_pixels_that_are_not_square_are_a_fault_of_their_row(tmp_path):
    save_mrc(tmp_path / "a.mrc", np.ones((6, 8)))
    save_mrc(tmp_path / "b.mrc", np.ones((6, 8)), cell=(16, 13, 1))
    message = (
        r"row 1 'b.mrc' \(its pixels are 0.216667 nm high and 0.2 nm wide, .*size\)"
    )
    with pytest.raises(ValueError, match=message):
        load(tmp_path, "a.mrc", "b.mrc")
    table = pd.DataFrame({"image": ["a.mrc", "b.mrc"], "pixel_size": 0.2})
    assert len(load_particles(table, root=tmp_path)) == 2


def test_a_stack_of_microscopes_is_no_cut_out(tmp_path):
    save_mrc(tmp_path / "a.mrcs", np.ones((3, 6, 8)))
    with pytest.raises(
        ValueError, match=r"row 0 'a.mrcs' \(a stack of 3 images, shape"
    ):
        load(tmp_path, "a.mrcs")


def test_further_images_of_files_are_one_warning(tmp_path):
    for name in ("a.tif", "b.tif", "c.tif"):
        with tifffile.TiffWriter(tmp_path / name) as tiff:
            tiff.write(np.ones((4, 5), np.uint8))
            tiff.write(np.zeros((8, 9), np.uint8))
    with pytest.warns(UserWarning, match=r"'a.tif' holds 2 images.* 2 others") as seen:
        particles = load(tmp_path, "a.tif", "b.tif", "c.tif")
    assert len(seen) == 1
    assert particles["image"].array.shapes.tolist() == [[4, 5]] * 3
