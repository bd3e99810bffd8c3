"""The guide's code is tested in a folder that holds the files it names."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import find_objects

from sklipo.datasets import make_liposomes, save_particles

# None of these holds doctests of the guide.
collect_ignore_glob = ["*.py", "sphinxext/*", "_build/*", "auto_examples/*", "api/*"]


@pytest.fixture(scope="session")
def guide_folder(tmp_path_factory):
    """Write a table of particles, and a micrograph with its label image."""
    folder = tmp_path_factory.mktemp("guide")
    particles = make_liposomes(30, weights=None, random_state=0)
    save_particles(particles, folder / "particles.csv")
    micrograph, labels = _put_side_by_side(particles.head(4))
    cv2.imwrite(folder / "grid1_007.png", micrograph)
    cv2.imwrite(folder / "grid1_007_labels.png", labels)
    for image, label in zip(particles["image"].head(6), "ABABAB", strict=True):
        (folder / "by_class" / label).mkdir(parents=True, exist_ok=True)
        n_files = len(list((folder / "by_class" / label).iterdir()))
        cv2.imwrite(folder / "by_class" / label / f"{n_files}.png", image)
    return folder


def _put_side_by_side(particles):
    """Return one image of all cut-outs, and one of the particles' numbers."""
    height = particles["image"].array.heights.max()
    micrograph, labels = [], []
    for number, (image, mask) in enumerate(
        zip(particles["image"], particles["mask"], strict=True), start=1
    ):
        below = ((0, height - len(image)), (0, 0))
        micrograph.append(np.pad(image, below, mode="edge"))
        labels.append(np.pad(mask.astype(np.uint8) * number, below))
    assert len(find_objects(np.hstack(labels))) == len(particles)
    return np.hstack(micrograph), np.hstack(labels)


@pytest.fixture(autouse=True)
def _work_in_guide_folder(guide_folder, monkeypatch):
    """Let the paths in the guide lead to these files."""
    monkeypatch.chdir(guide_folder)
