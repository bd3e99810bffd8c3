"""Stacks of masks that may overlap, in memory and on the pages of a TIFF."""

import numpy as np
import pytest
import tifffile

from sklipo.datasets import read_instances
from sklipo.datasets._mask_stacks import read_stack

GRAY = "minisblack"


def overlapping_masks(n=4, shape=(30, 40)):
    masks = np.zeros((n, *shape), bool)
    for i in range(n):
        masks[i, 3 * i : 3 * i + 9, 5 * i : 5 * i + 12] = True
        masks[i, 3 * i + 2, 5 * i + 3] = False
    return masks


def laid_out(table, shape):
    masks = np.zeros((len(table), *shape), bool)
    for i, (mask, top, left) in enumerate(
        zip(table["mask"], table["top"], table["left"], strict=True)
    ):
        masks[i, top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return masks


@pytest.mark.parametrize("dtype", ["?", "u1", ">u2", "i8", "f4", "f8"])
def test_masks_keep_their_pixels(dtype):
    masks = overlapping_masks()
    stack = masks.astype(dtype) * np.array(1 if dtype == "?" else 200, dtype)
    # Masks may have values of their own.
    stack[1] = masks[1]
    table = read_instances(stack)
    assert table["mask"].array.pixel_dtype.kind == "b"
    assert table["instance"].tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(laid_out(table, masks.shape[1:]), masks)


def test_masks_are_copies():
    stack = overlapping_masks()
    instances = read_stack(stack)
    stack[:] = False
    assert all(found.mask.any() for found in instances)


def test_masks_reach_the_border():
    masks = np.ones((2, 6, 7), bool)
    masks[1, :, 1:] = False
    np.testing.assert_array_equal(laid_out(read_instances(masks), (6, 7)), masks)


@pytest.mark.parametrize("n", [2, 3, 4, 20])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"imagej": True},
        {"compression": "zlib"},
        {"bigtiff": True},
        {"metadata": None},
    ],
)
def test_pages_of_a_tiff_are_masks(tmp_path, n, options):
    masks = overlapping_masks(n, (80, 120))
    pages = masks.astype(np.uint8) * 255
    tifffile.imwrite(tmp_path / "masks.tif", pages, photometric=GRAY, **options)
    table = read_instances(tmp_path / "masks.tif", (80, 120))
    np.testing.assert_array_equal(laid_out(table, (80, 120)), masks)


def test_masks_that_were_written_as_planes_of_colors(tmp_path):
    masks = overlapping_masks(3)
    pages = masks.astype(np.uint8)
    tifffile.imwrite(
        tmp_path / "masks.tif", pages, photometric="rgb", planarconfig="separate"
    )
    table = read_instances(tmp_path / "masks.tif")
    np.testing.assert_array_equal(laid_out(table, masks.shape[1:]), masks)


def test_pages_that_were_appended_are_masks(tmp_path):
    masks = overlapping_masks()
    for mask in masks:
        tifffile.imwrite(tmp_path / "masks.tif", mask, append=True)
    table = read_instances(tmp_path / "masks.tif")
    np.testing.assert_array_equal(laid_out(table, masks.shape[1:]), masks)


def test_a_tiff_of_one_page_is_a_label_image(tmp_path):
    labels = np.zeros((9, 9), np.uint16)
    labels[2:4, 2:5], labels[6:8, 1:8] = 1, 7
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    assert read_instances(tmp_path / "labels.tif")["instance"].tolist() == [1, 7]


def with_page(page):
    stack = overlapping_masks().astype(float)
    stack[2] = page
    return stack


BAD_STACKS = [
    (with_page(0), r"mask 2 has no pixel"),
    (with_page(np.nan), r"mask 2 has NaN or infinite pixels"),
    (with_page(np.arange(40)), r"mask 2 has 40 levels from 0 to 39"),
    (with_page(1 + np.eye(30, 40)), r"mask 2 has the numbers 1 and 2; expected 0 outs"),
    (np.zeros((0, 30, 40)), r"stack of masks of shape \(0, 30, 40\)"),
    (np.zeros((3, 0, 40)), r"stack of masks of shape \(3, 0, 40\)"),
    (np.ones((3, 5, 5), complex), "masks of complex128"),
    (np.full((3, 5, 5), "1"), "masks of <U1"),
    (np.full((3, 5, 5), None), "masks of object"),
]


@pytest.mark.parametrize("stack, message", BAD_STACKS)
def test_bad_stacks(stack, message):
    with pytest.raises(ValueError, match=message):
        read_instances(stack)


@pytest.mark.parametrize("stack, message", BAD_STACKS[:4])
def test_bad_pages(tmp_path, stack, message):
    tifffile.imwrite(tmp_path / "masks.tif", stack, photometric=GRAY)
    with pytest.raises(ValueError, match=f"masks.tif' can't be read: {message}"):
        read_instances(tmp_path / "masks.tif")


def test_pages_of_another_size_than_the_micrograph(tmp_path):
    tifffile.imwrite(tmp_path / "masks.tif", overlapping_masks(), photometric=GRAY)
    message = r"shape \(30, 40\), but the micrograph \(31, 40\)"
    with pytest.raises(ValueError, match=message):
        read_instances(tmp_path / "masks.tif", (31, 40))
    with pytest.raises(ValueError, match=message):
        read_instances(overlapping_masks(), (31, 40))


@pytest.mark.parametrize("part", [0.3, 0.6, 0.75, 0.9])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_stack_that_is_cut_off_is_no_smaller_one(tmp_path, part, compression):
    masks = np.random.default_rng(0).integers(0, 2, (5, 40, 50)).astype(np.uint8)
    path = tmp_path / "masks.tif"
    options = {"photometric": "minisblack", "metadata": None}
    tifffile.imwrite(path, masks, compression=compression, **options)
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(
        ValueError, match=r"masks\.tif' can't be read: .*damaged or trun"
    ):
        read_instances(path)
