import zlib
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


# Such labels have several pieces, and most of the edge.
@pytest.mark.filterwarnings("ignore:.*labels")
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


def three_particles():
    """Return a label image of three particles, of 25, 100 and 200 pixels."""
    labels = np.zeros((60, 60), int)
    labels[5:10, 5:10], labels[20:30, 20:30], labels[40:45, 10:50] = 1, 2, 3
    return labels


@pytest.mark.parametrize(
    "convert",
    [
        *(lambda a, d=d: a.astype(d) for d in (">u2", ">i4", "u8", ">u8", "i1", "O")),
        *(lambda a, d=d: a.astype(d) for d in (">f8", "f2", "f4", "g")),
        lambda a: np.where(a == 3, 2**63 + 5, a.astype(np.uint64)),
        lambda a: a.tolist(),
        lambda a: pd.DataFrame(a),
        lambda a: np.ma.masked_equal(np.where(a == 0, 9, a), 9),
        lambda a: np.asfortranarray(a),
        lambda a: np.repeat(a, 2, axis=1)[:, ::2],
        lambda a: np.frombuffer(a.tobytes(), int).reshape(a.shape),
        lambda a: np.dstack([a, a, a]),
    ],
)
def test_labels_are_whole_numbers_of_any_type(convert):
    labels = convert(three_particles())
    particles = extract_particles(np.ones((60, 60)), labels)
    assert [mask.sum() for mask in particles["mask"]] == [25, 100, 200]
    assert particles["instance"].dtype.kind in "iu"


@pytest.mark.parametrize(
    "convert, message",
    [
        (lambda a: a[:, 1:], r"micrograph has shape \(60, 60\), labels \(60, 59\)"),
        (lambda a: np.stack([a, a]), r"mask 0 has 4 levels"),
        (lambda a: a[0], "labels can't be used: .*expected one 2-D image"),
        (lambda a: None, "labels can't be used: object"),
        (lambda a: a.astype(str), "labels can't be used: <U21"),
        (lambda a: a + 0j, "labels can't be used: complex"),
        (lambda a: [[1], [1, 2]], "labels has rows of differing lengths"),
        (lambda a: np.where(a == 1, None, a), "labels can't be used: object"),
        (lambda a: a / 2, r"not whole, such as 0.5; .*label\(labels > threshold\)"),
        (lambda a: np.where(a, a, np.nan), "labels has NaN or infinite pixels"),
        (lambda a: np.where(a == 1, np.inf, a), "labels has NaN or infinite pixels"),
        (lambda a: a * 2.0**60, r"labels has float64 numbers from 2\*\*53"),
        (lambda a: (a * 2.0**23).astype("f4"), r"float32 numbers from 2\*\*24"),
        (lambda a: (a * 1024 - (a > 2)).astype("f2"), r"float16 numbers from 2\*\*11"),
        (lambda a: -a, r"labels has negative numbers \(-3\)"),
        (lambda a: 0 * a, "labels of shape .* has no particle"),
        (lambda a: a[:0], "labels of shape .* has no particle"),
        (lambda a: np.dstack([a, a * 2, a]), r"color image, .*\[65536, 256, 1\]"),
    ],
)
def test_bad_labels(convert, message):
    labels = convert(three_particles())
    is_empty = isinstance(labels, np.ndarray) and not labels.size
    micrograph = np.ones((0 if is_empty else 60, 60))
    with pytest.raises(ValueError, match=message):
        extract_particles(micrograph, labels)


@pytest.mark.parametrize("inside", [True, 1, 255, 255.0, 1000])
def test_a_mask_of_several_particles_is_no_label_image(inside):
    mask = (three_particles() != 0) * inside
    with pytest.warns(UserWarning, match=r"has one number, \d+, in 3 pieces") as seen:
        particles = extract_particles(np.ones((60, 60)), mask)
    assert len(particles) == 1
    assert seen[0].filename == __file__
    assert "scipy.ndimage.label(labels != 0, numpy.ones((3, 3)))[0]" in str(
        seen[0].message
    )
    labels = ndimage.label(mask != 0, np.ones((3, 3)))[0]
    assert len(extract_particles(np.ones((60, 60)), labels)) == 3


def test_a_number_in_several_pieces():
    labels = three_particles()
    labels[50:, 50:] = labels[0, 50:] = 2
    message = r"1 of 3 numbers .* 5 in all: 2 \(3 pieces\)\. All pieces"
    with pytest.warns(UserWarning, match=message):
        extract_particles(np.ones((60, 60)), labels)


def test_a_micrograph_is_not_its_own_label_image(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(path, np.arange(1, 101, dtype=np.uint8).reshape(10, 10))
    with pytest.raises(ValueError, match=r"micrograph and instances are both .*a.png"):
        extract_particles(str(path), path)


def test_holes_overlaps_and_corners_are_no_pieces():
    labels = np.zeros((60, 60), int)
    labels[10:50, 10:20] = 1
    labels[12:15, 12:15] = 0
    # This one lies over the first.
    labels[20:30, 5:40] = 2
    labels[40:60, 40:60] = np.diag(np.full(20, 3))
    particles = extract_particles(np.ones((60, 60)), labels)
    assert [mask.sum() for mask in particles["mask"]] == [291, 350, 20]


@pytest.mark.parametrize("background", [1, 7])
def test_background_that_is_not_0(background):
    labels = three_particles()
    labels = np.where(labels == 0, background, labels * 10)
    with pytest.warns(UserWarning, match=rf"The number {background} .* ~mask if"):
        extract_particles(np.ones((60, 60)), labels)
    inverted = three_particles() == 0
    with pytest.warns(UserWarning, match="most of the micrograph's edge"):
        extract_particles(np.ones((60, 60)), inverted)


def test_one_particle_may_cover_everything():
    particles = extract_particles(np.ones((9, 9)), np.ones((9, 9), int))
    assert particles["mask"][0].all()


def palette_png(indices, colors):
    """Return a PNG whose pixels are indices into a palette of colors."""
    height, width = indices.shape

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return len(data).to_bytes(4) + kind + data + check.to_bytes(4)

    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 3, 0, 0, 0])
    rows = b"".join(b"\0" + row.tobytes() for row in indices.astype(np.uint8))
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"PLTE", np.array(colors, np.uint8).tobytes()),
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        ]
    )


def test_indices_of_a_palette_are_labels(tmp_path):
    labels, path = three_particles(), tmp_path / "labels.png"
    # The second and third color are equally bright.
    path.write_bytes(palette_png(labels, [[0] * 3, [9] * 3, [0, 51, 0], [100, 0, 1]]))
    particles = extract_particles(np.ones((60, 60)), path)
    assert particles["instance"].tolist() == [1, 2, 3]


def test_the_advice_for_colors_tells_equally_bright_ones_apart(tmp_path):
    labels, path = three_particles(), tmp_path / "labels.png"
    colors = np.array([[0, 0, 0], [0, 51, 0], [100, 0, 1], [8, 8, 8]])[labels]
    cv2.imwrite(path, colors.astype(np.uint8))
    with pytest.raises(ValueError, match=r"astype\(int\) @ \[1, 256, 65536\]"):
        extract_particles(np.ones((60, 60)), path)
    codes = cv2.imread(path).astype(int) @ [1, 256, 65536]
    assert len(extract_particles(np.ones((60, 60)), codes)) == 3
    codes = colors[..., :3].astype(int) @ [65536, 256, 1]
    assert len(extract_particles(np.ones((60, 60)), codes)) == 3


def test_jpeg_labels_are_refused(tmp_path):
    cv2.imwrite(tmp_path / "labels.jpg", three_particles())
    for name in ("labels.jpg", "labels.png"):
        (tmp_path / "labels.jpg").replace(tmp_path / name)
        with pytest.raises(ValueError, match=r"JPEG changes pixels.* PNG or TIFF"):
            extract_particles(np.ones((60, 60)), tmp_path / name)
        (tmp_path / name).replace(tmp_path / "labels.jpg")


@pytest.mark.parametrize(
    "convert, message",
    [
        (lambda a: np.stack([a, a]), r"can't be used: shape \(2, 60, 60\)"),
        (lambda a: a[0], r"can't be used: shape \(60,\)"),
        (lambda a: np.dstack([a, 2 * a, a]), "can't be used: color image"),
        (lambda a: a + 1j, "can't be used: complex"),
        (lambda a: np.ma.masked_less(a, 0), r"a masked array.*micrograph\.filled"),
        (lambda a: np.where(a > 2, np.nan, a), "particles have NaN or infinite pixels"),
    ],
)
def test_bad_micrographs(convert, message):
    micrograph = np.random.default_rng(0).normal(size=(60, 60))
    with pytest.raises(ValueError, match=message):
        extract_particles(convert(micrograph), three_particles())


def test_nan_pixels_far_from_particles():
    micrograph = np.ones((60, 60))
    micrograph[-1, -1] = np.nan
    assert len(extract_particles(micrograph, three_particles(), margin=5)) == 3
    message = "1 of 3 particles .* such as number 3"
    with pytest.raises(ValueError, match=message):
        extract_particles(micrograph, three_particles(), margin=20)


def test_bad_margin_pixel_size_name_and_files(tmp_path):
    labels = np.eye(9, dtype=int)
    for margin in (-1, 1.5, True, "5", None):
        with pytest.raises(ValueError, match=f"margin is {margin!r}, expected an int"):
            extract_particles(np.ones((9, 9)), labels, margin=margin)
    for pixel_size in (0, -1, np.nan, np.inf, 1e-5, 2e6, "1", True, np.ones(1)):
        with pytest.raises(ValueError, match=r"pixel_size is .*, expected nm above 0"):
            extract_particles(np.ones((9, 9)), labels, pixel_size=pixel_size)
    with pytest.raises(ValueError, match=r"name is \['a'\], expected a str"):
        extract_particles(np.ones((9, 9)), labels, name=["a"])
    huge = extract_particles(np.ones((9, 9)), labels, margin=10**30)
    assert huge["image"][0].shape == (9, 9)
    (tmp_path / "labels.png").write_text("no image")
    with pytest.raises(ValueError, match=r"labels '.*labels.png' can't be read"):
        extract_particles(np.ones((9, 9)), tmp_path / "labels.png")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        extract_particles(np.ones((9, 9)), tmp_path / "nowhere.png")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        extract_particles(tmp_path / "nowhere.png", labels)
