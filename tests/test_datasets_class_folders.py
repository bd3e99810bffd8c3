import bz2
import gzip
import lzma

import cv2
import numpy as np
import pytest
from dataset_cases import assert_images_equal, mrc, random_images

from sklipo.datasets import load_particles


def write_classes(folder, masks=True):
    images = random_images(4)
    for i, (label, image) in enumerate(zip("abab", images, strict=True)):
        (folder / label).mkdir(exist_ok=True)
        cv2.imwrite(folder / label / f"{i}.png", image)
        if masks:
            mask = (image > image.min()).astype(np.uint8)
            cv2.imwrite(folder / label / f"{i}_mask.png", mask)
    return [images[i] for i in (0, 2, 1, 3)]


@pytest.mark.parametrize("masks", [False, True])
def test_folder_of_classes(tmp_path, masks):
    images = write_classes(tmp_path, masks)
    (tmp_path / "a" / "Thumbs.db").touch()
    (tmp_path / ".cache").mkdir()
    particles = load_particles(tmp_path)
    assert_images_equal(particles["image"], images)
    assert particles["label"].tolist() == list("aabb")
    assert particles["file"].tolist() == ["a/0.png", "a/2.png", "b/1.png", "b/3.png"]
    assert ("mask" in particles.columns) == masks
    if masks:
        expected = [image > image.min() for image in images]
        assert_images_equal(particles["mask"], expected)


def test_folder_with_another_mask_suffix(tmp_path):
    write_classes(tmp_path)
    assert len(load_particles(tmp_path, mask_suffix=None)) == 8
    (tmp_path / "a" / "0_mask.png").rename(tmp_path / "a" / "0-m.png")
    with pytest.raises(ValueError, match=r"6 of 7 images .* \(name-m.png .*expected"):
        load_particles(tmp_path, mask_suffix="-m")
    with pytest.raises(ValueError, match=r"mask_suffix is empty"):
        load_particles(tmp_path, mask_suffix="")


def test_bad_folders(tmp_path):
    with pytest.raises(
        ValueError, match=r"no sub-folders, expected one for each class"
    ):
        load_particles(tmp_path)
    write_classes(tmp_path)
    with pytest.raises(ValueError, match=r"columns is for tables"):
        load_particles(tmp_path, columns={"a": "image"})
    (tmp_path / "b" / "3_mask.png").unlink()
    with pytest.raises(ValueError, match=r"1 of 4 images .*no mask.*\['b/3.png'\]"):
        load_particles(tmp_path)
    (tmp_path / "b" / "3.png").rename(tmp_path / "b" / "4_mask.png")
    with pytest.raises(ValueError, match=r"masks without an image: \['4_mask.png'\]"):
        load_particles(tmp_path)
    (tmp_path / "0").mkdir()
    with pytest.raises(ValueError, match=r"0' has no images \(.png, "):
        load_particles(tmp_path)


@pytest.mark.parametrize("ending", [".mrc", ".MRC", ".mrc.gz", ".map.BZ2", ".mrcs.xz"])
def test_a_folder_of_mrc_files_and_their_masks(tmp_path, ending):
    images = write_classes(tmp_path)
    pack = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    for path in tmp_path.glob("*/*.png"):
        pixels = cv2.imread(path, cv2.IMREAD_UNCHANGED)
        data = mrc(pixels.astype(np.int16), mode=1)
        data = pack.get(ending.lower().rpartition(".")[2], bytes)(data)
        path.with_suffix(ending).write_bytes(data)
        path.unlink()
    particles = load_particles(tmp_path)
    assert_images_equal(
        particles["image"], [image.astype(np.int16) for image in images]
    )
    expected = [image > image.min() for image in images]
    assert_images_equal(particles["mask"], expected)
    assert particles["file"].tolist() == [
        f"{x}{ending}" for x in ("a/0", "a/2", "b/1", "b/3")
    ]
    assert particles["pixel_size"].tolist() == pytest.approx([0.2] * 4)


@pytest.mark.parametrize("name", ["{}_Mask.png", "{}_MASK.PNG", "{}_mask.tif"])
def test_masks_are_found_in_any_case(tmp_path, name):
    images = write_classes(tmp_path)
    for path in sorted(tmp_path.glob("*/*_mask.png")):
        target = path.with_name(name.format(path.stem[0]))
        cv2.imwrite(target, cv2.imread(path, cv2.IMREAD_UNCHANGED))
        if target.name not in path.name:
            path.unlink()
    particles = load_particles(tmp_path)
    assert_images_equal(particles["mask"], [image > image.min() for image in images])


@pytest.mark.parametrize(
    "name, suffix",
    [
        ("{}_seg.png", "_seg"),
        ("{}-mask.png", "-mask"),
        ("{}.mask.png", ".mask"),
        ("{}m.png", "m"),
        ("{}_Segmentation 1.png", "_Segmentation 1"),
        ("mask_{}.png", None),
        ("Seg{}.png", None),
    ],
)
def test_masks_of_other_names_are_warned_of(tmp_path, name, suffix):
    images = write_classes(tmp_path)
    for path in tmp_path.glob("*/*_mask.png"):
        path.rename(path.with_name(name.format(path.stem.removesuffix("_mask"))))
    to_do = f"pass mask_suffix={suffix!r}" if suffix else "rename them to name_mask.png"
    with pytest.warns(UserWarning, match=f"seem, .* to be masks.*{to_do}") as seen:
        particles = load_particles(tmp_path)
    assert len(particles) == 8
    assert seen[0].filename == __file__
    assert len(load_particles(tmp_path, mask_suffix=None)) == 8
    if suffix:
        particles = load_particles(tmp_path, mask_suffix=suffix)
        masks = [image > image.min() for image in images]
        assert_images_equal(particles["mask"], masks)


def test_images_and_masks_by_other_prefixes(tmp_path):
    write_classes(tmp_path)
    for path in tmp_path.glob("*/?.png"):
        path.rename(path.with_name(f"img{path.name}"))
    for path in tmp_path.glob("*/?_mask.png"):
        path.rename(path.with_name(f"mask{path.stem[0]}.png"))
    with pytest.warns(UserWarning, match="seem, by their names, to be masks"):
        load_particles(tmp_path)


@pytest.mark.parametrize("name", ["1_seg", "1-Label", "1 Simple Segmentation", "1.msk"])
def test_some_masks_of_other_names_are_warned_of(tmp_path, name):
    write_classes(tmp_path, masks=False)
    cv2.imwrite(tmp_path / "a" / f"{name}.png", random_images(1)[0])
    for path in (tmp_path / "a").glob("0*"):
        path.rename(path.with_stem("1"))
    with pytest.warns(UserWarning, match="seem, by their names, to be masks"):
        load_particles(tmp_path)


@pytest.mark.parametrize(
    "names", [["1", "10"], ["segment", "label_1"], ["a_1", "a_1_2"], ["a", "b", "ab"]]
)
def test_images_whose_names_are_alike_are_no_masks(tmp_path, names):
    write_classes(tmp_path, masks=False)
    for name in names:
        cv2.imwrite(tmp_path / "a" / f"{name}.png", random_images(1)[0])
    assert len(load_particles(tmp_path)) == 4 + len(names) - ("0" in names)


def test_what_systems_leave_behind_is_skipped(tmp_path):
    images = write_classes(tmp_path)
    for name in ("__MACOSX/a/._0.png", "__MACOSX/._a", ".git/x.png", "@eaDir/0.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    for name in ("._0.png", ".DS_Store", "Thumbs.db", ".hidden.png", "._0_mask.png"):
        (tmp_path / "a" / name).write_bytes(b"\0\5\x16\7")
    (tmp_path / "a" / "__MACOSX").mkdir()
    for name in ("$RECYCLE.BIN", "System Volume Information", "lost+found"):
        (tmp_path / name).mkdir()
    (tmp_path / "._x.png").write_bytes(b"\0\5\x16\7")
    assert_images_equal(load_particles(tmp_path)["image"], images)


@pytest.mark.parametrize(
    "name, message",
    [
        ("x.png", r"1 images in .*, such as 'x.png', are not read"),
        ("a/masks/0.png", r"The folders \['masks'\] in .*a' are not read"),
        ("a/x.png/0.png", r"The folders \['x.png'\] in .*a' are not read"),
        ("a/x.npy", r"1 files in .*a', such as 'x.npy', are not read; expected"),
        ("a/x.SVG", "such as 'x.SVG', are not read"),
        ("a/0.bmp", "1 names in .*a' have several endings, such as '0'"),
        ("masks/0.png", "The folder 'masks' is read as a class"),
        ("Labels/9.png", "The folder 'Labels' is read as a class"),
    ],
)
def test_files_that_are_left_out_are_warned_of(tmp_path, name, message):
    write_classes(tmp_path, masks=False)
    (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
    cv2.imwrite(tmp_path / "a.png", random_images(1)[0])
    (tmp_path / "a.png").rename(tmp_path / name)
    with pytest.warns(UserWarning, match=message) as seen:
        load_particles(tmp_path)
    assert [warning.filename for warning in seen] == [__file__]


def test_several_masks_of_one_image(tmp_path):
    write_classes(tmp_path)
    cv2.imwrite(tmp_path / "a" / "0_mask.bmp", random_images(1)[0])
    with pytest.raises(ValueError, match=r"several masks of one image: \['0_mask.bmp"):
        load_particles(tmp_path)


def test_symbolic_links_are_followed(tmp_path):
    (tmp_path / "real").mkdir()
    images = write_classes(tmp_path / "real", masks=False)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "a").symlink_to(tmp_path / "real" / "a")
    (tmp_path / "links" / "b").mkdir()
    for name in ("1.png", "3.png"):
        (tmp_path / "links" / "b" / name).symlink_to(tmp_path / "real" / "b" / name)
    assert_images_equal(load_particles(tmp_path / "links")["image"], images)
    (tmp_path / "real" / "b" / "1.png").unlink()
    with pytest.raises(ValueError, match=r"row 2 'b/1.png' \(missing\)"):
        load_particles(tmp_path / "links")


def test_a_suffix_that_no_name_has(tmp_path):
    write_classes(tmp_path, masks=False)
    with pytest.warns(UserWarning, match="no masks: no name ends by '_seg'"):
        load_particles(tmp_path, mask_suffix="_seg")


@pytest.mark.parametrize("suffix", [1, b"_mask", ["_mask"]])
def test_what_is_no_suffix(tmp_path, suffix):
    write_classes(tmp_path)
    with pytest.raises(TypeError, match=r"'mask_suffix' parameter .* must be"):
        load_particles(tmp_path, mask_suffix=suffix)
