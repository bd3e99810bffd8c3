import cv2
import numpy as np
import pytest
from dataset_cases import assert_images_equal, random_images

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
