from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from skimage.measure import regionprops

from sklipo import check_particles
from sklipo.datasets import Micrograph, extract_particles, load_particles

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="needs ../shared/data/emps_micrographs and emps_cutouts"
)


def label_files():
    return sorted((DATA / "emps_micrographs").glob("*_instances.png"))


def micrograph_of(label_file):
    return label_file.with_name(label_file.name.replace("_instances", ""))


def check_against_regionprops(particles, micrograph, labels, margin):
    """Compare with scikit-image's boxes, areas and numbers of the same regions."""
    regions = regionprops(labels)
    assert particles["instance"].tolist() == [region.label for region in regions]
    for region, particle in zip(regions, particles.itertuples(), strict=True):
        top, left, bottom, right = region.bbox
        y = slice(max(top - margin, 0), bottom + margin)
        x = slice(max(left - margin, 0), right + margin)
        assert (particle.top, particle.left) == (y.start, x.start)
        np.testing.assert_array_equal(particle.image, micrograph[y, x])
        np.testing.assert_array_equal(particle.mask, labels[y, x] == region.label)
        assert particle.mask.sum() == region.area
        height, width = labels.shape
        at_border = top == 0 or left == 0 or bottom == height or right == width
        assert particle.touches_border == at_border


@needs_data
@pytest.mark.parametrize("margin", [0, 50])
@pytest.mark.parametrize("label_file", label_files(), ids=lambda path: path.stem)
def test_real_micrographs_agree_with_scikit_image(label_file, margin):
    micrograph = cv2.imread(micrograph_of(label_file), cv2.IMREAD_UNCHANGED)
    labels = cv2.imread(label_file, cv2.IMREAD_UNCHANGED)
    particles = extract_particles(micrograph_of(label_file), label_file, margin=margin)
    check_against_regionprops(particles, micrograph, labels, margin)
    assert set(particles["micrograph"]) == {micrograph_of(label_file).stem}
    assert "pixel_size" not in particles.columns


@needs_data
def test_the_cutouts_of_emps_are_found_again_in_their_micrographs():
    table = load_particles(DATA / "emps_cutouts" / "particles.csv")
    n_found = 0
    for label_file in label_files():
        extracted = extract_particles(micrograph_of(label_file), label_file)
        rows = {image.tobytes(): i for i, image in enumerate(extracted["image"])}
        expected = table[table["micrograph"] == label_file.name.split("_")[0]]
        for image, mask in zip(expected["image"], expected["mask"], strict=True):
            row = rows[image.tobytes()]
            np.testing.assert_array_equal(extracted["image"][row], image)
            np.testing.assert_array_equal(extracted["mask"][row], mask)
            n_found += 1
    assert n_found == 291


@settings(max_examples=50, deadline=None)
@given(
    labels=arrays(
        st.sampled_from([np.uint8, np.uint16, np.int32, np.int64]),
        st.tuples(st.integers(1, 12), st.integers(1, 12)),
        elements=st.sampled_from([0, 0, 0, 1, 2, 5, 117]),
    ),
    margin=st.integers(0, 15),
)
def test_any_label_image_agrees_with_scikit_image(labels, margin):
    if not labels.any():
        labels[0, 0] = 3
    micrograph = np.random.default_rng(0).normal(size=labels.shape)
    particles = extract_particles(micrograph, labels, margin=margin)
    check_against_regionprops(particles, micrograph, labels, margin)


def test_numbers_may_be_huge_and_background_may_be_lacking():
    labels = np.full((4, 6), 2**62)
    labels[:, 3:] = 7
    particles = extract_particles(np.zeros((4, 6)), labels, margin=0)
    assert particles["instance"].tolist() == [7, 2**62]
    assert particles["left"].tolist() == [3, 0]
    assert particles["mask"].array.shapes.tolist() == [[4, 3], [4, 3]]


def test_all_cutouts_are_views_of_one_copy_of_the_micrograph():
    labels = ndimage.label(np.eye(40, dtype=bool))[0]
    micrograph = np.arange(1600).reshape(40, 40)
    particles = extract_particles(micrograph.T, labels)
    images = particles["image"].array
    assert images.pixels.size == micrograph.size
    assert all(np.shares_memory(image, images.pixels) for image in images)
    micrograph[:] = 0
    np.testing.assert_array_equal(images[0], np.arange(1600).reshape(40, 40).T)


def test_inputs_are_not_modified():
    micrograph, labels = np.ones((9, 9)), np.eye(9, dtype=int)
    extract_particles(micrograph, labels, margin=2)
    np.testing.assert_array_equal(micrograph, np.ones((9, 9)))
    np.testing.assert_array_equal(labels, np.eye(9))


def test_pixel_size_and_name():
    pixels, labels = np.ones((9, 9)), np.eye(9, dtype=int)
    known = Micrograph(pixels, 0.5)
    assert extract_particles(known, labels)["pixel_size"].tolist() == [0.5]
    assert extract_particles(known, labels, pixel_size=2)["pixel_size"][0] == 2
    bare = extract_particles(Micrograph(pixels), labels)
    assert not {"pixel_size", "micrograph"} & set(bare.columns)
    named = extract_particles(pixels, labels, name="grid 3")
    assert named["micrograph"].tolist() == ["grid 3"]


def test_paths(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 9, (9, 8), dtype=np.uint8)
    labels = np.diag(np.arange(9, dtype=np.uint16) * 1000)[:, :8]
    cv2.imwrite(tmp_path / "a.png", pixels)
    cv2.imwrite(tmp_path / "a_labels.png", labels)
    tifffile.imwrite(tmp_path / "a_labels.tif", labels.astype(np.int32))
    direct = extract_particles(pixels, labels, margin=1, name="a")
    for suffix in (".png", ".tif"):
        label_file = str(tmp_path / f"a_labels{suffix}")
        read = extract_particles(tmp_path / "a.png", label_file, margin=1)
        pd.testing.assert_frame_equal(read, direct, check_dtype=False)
    assert len(check_particles(direct)) == 7


@pytest.mark.parametrize(
    "labels, message",
    [
        (np.ones((9, 8), int), r"micrograph has shape \(9, 9\), labels \(9, 8\)"),
        (np.ones((9, 9, 2), int), "expected one 2-D image each"),
        (np.ones((9, 9)), r"labels is float64, .*labels.astype\(int\)"),
        (np.ones((9, 9), bool), r"labels is bool, .*scipy.ndimage.label\(mask\)\[0\]"),
        (-np.eye(9, dtype=int), r"labels has negative numbers \(-1\)"),
        (np.zeros((9, 9), int), "labels has no particle"),
    ],
)
def test_bad_labels(labels, message):
    with pytest.raises(ValueError, match=message):
        extract_particles(np.ones((9, 9)), labels)


def test_bad_micrograph_margin_pixel_size_and_files(tmp_path):
    labels = np.eye(9, dtype=int)
    with pytest.raises(ValueError, match=r"micrograph has shape \(2, 9, 9\)"):
        extract_particles(np.ones((2, 9, 9)), labels)
    for margin in (-1, 1.5):
        with pytest.raises(ValueError, match=f"margin is {margin}, expected an int"):
            extract_particles(np.ones((9, 9)), labels, margin=margin)
    for pixel_size in (0, -1, np.nan, "1 nm"):
        with pytest.raises(ValueError, match=r"pixel_size is .*, expected nm above 0"):
            extract_particles(np.ones((9, 9)), labels, pixel_size=pixel_size)
    (tmp_path / "labels.png").write_text("no image")
    with pytest.raises(ValueError, match=r"labels '.*labels.png' can't be read"):
        extract_particles(np.ones((9, 9)), tmp_path / "labels.png")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        extract_particles(np.ones((9, 9)), tmp_path / "nowhere.png")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        extract_particles(tmp_path / "nowhere.png", labels)
