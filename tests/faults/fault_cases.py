"""What all fault tests share: tables, ways to write them, processes that go wrong."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin

from sklipo import ImageArray
from sklipo.datasets import load_particles, save_particles

HERE = Path(__file__).parent


def make_table(seed, n=30, dtype=np.uint8):
    """A table whose every pixel and label depends on the seed."""
    rng = np.random.default_rng(seed)
    grays = [rng.integers(0, 100, (8 + i % 5, 12)) for i in range(n)]
    images = ImageArray([gray.astype(dtype) for gray in grays])
    table = {"image": images, "mask": ImageArray([gray > 10 for gray in grays])}
    return pd.DataFrame(table | {"label": [f"seed {seed}"] * n, "number": range(n)})


def is_table(found, seed, **options):
    """Tell whether a table that was read is that of a seed, to the bit."""
    expected = make_table(seed, **options)
    return list(found.columns) == list(expected.columns) and found.equals(expected)


def write_micrographs(folder, n=8):
    """Write micrographs of 1 to n particles, and their table; return its path."""
    rng, paths = np.random.default_rng(0), []
    for i in range(1, n + 1):
        labels = np.zeros((20, 20 * i), np.uint8)
        for j in range(i):
            labels[5:15, 20 * j : 20 * j + 10 + j] = j + 1
        pixels = rng.integers(0, 255, labels.shape, np.uint8)
        cv2.imwrite(folder / f"m{i}.png", pixels)
        cv2.imwrite(folder / f"m{i}_labels.png", labels)
        paths.append({"micrograph": f"m{i}.png", "instances": f"m{i}_labels.png"})
    pd.DataFrame(paths).to_csv(folder / "micrographs.csv", index=False)
    return folder / "micrographs.csv"


class SeedClassifier(ClassifierMixin, BaseEstimator):
    """Predicts its seed for each particle, after some seconds."""

    def __init__(self, seed=0, delay=0):
        self.seed = seed
        self.delay = delay

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        time.sleep(self.delay)
        return np.full(len(X), f"seed {self.seed}")


def list_leftovers(folder):
    """Files that belong to no table: drafts, and folders that no CSV names."""
    drafts = list(folder.rglob("*.draft"))
    text = "".join(path.read_text() for path in folder.glob("*.csv"))
    folders = [path for path in folder.glob("*_files/*") if path.name not in text]
    return drafts + folders


@contextmanager
def killer(job, folder):
    """Give a function that runs a job of `jobs.py`, and kills it after some seconds."""
    command = [sys.executable, str(HERE / "jobs.py"), job, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as jobs:

        def kill_after(delay):
            print("run", file=jobs.stdin, flush=True)
            process = int(jobs.stdout.readline())
            time.sleep(delay)
            os.kill(process, signal.SIGKILL)
            # Else it ended by itself, by an error.
            assert int(jobs.stdout.readline()) == signal.SIGKILL

        yield kill_after
        jobs.stdin.close()


def save(folder, suffix, seed, **options):
    save_particles(make_table(seed, **options), folder / f"a{suffix}", overwrite=True)


def load(folder, suffix):
    return load_particles(folder / f"a{suffix}", n_jobs=1)
