import os

import cv2
import numpy as np
import pandas as pd
import pytest
from dataset_cases import assert_images_equal, write_images

from sklipo import ImageArray
from sklipo.datasets import load_particles


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
