"""Load a table of image and mask files: load_particles, and loops by hand."""

from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import pandas as pd
from skimage.io import imread

from benchmarks._particles import draw_particles
from benchmarks._timing import compare
from sklipo.datasets import load_particles, save_particles

N_PARTICLES = 500


def main():
    with TemporaryDirectory() as folder:
        path = Path(folder) / "particles.csv"
        save_particles(draw_particles(N_PARTICLES), path)
        loaded, by_hand = load_particles(path), load_by_hand(path, imread)
        assert all(loaded["image"].array == by_hand["image"].array)
        ways = {
            "by hand, cv2.imread": lambda: load_by_hand(path, read_with_cv2),
            "by hand, skimage.io.imread": lambda: load_by_hand(path, imread),
            "sklipo, n_jobs=1": lambda: load_particles(path, n_jobs=1),
            "sklipo, n_jobs=-1": lambda: load_particles(path, n_jobs=-1),
        }
        title = f"Load {N_PARTICLES} images and masks from PNG, each pair"
        compare(title, ways, n_items=N_PARTICLES, unit="us")


def load_by_hand(path, read):
    """Return the table with the pixels of its files, read one after the other."""
    table = pd.read_csv(path)
    images = [read(path.parent / name) for name in table["image"]]
    masks = [read(path.parent / name) > 0 for name in table["mask"]]
    return table.assign(
        image=pd.array(images, dtype="image"), mask=pd.array(masks, dtype="image")
    )


def read_with_cv2(path):
    return cv2.imread(path, cv2.IMREAD_GRAYSCALE)
