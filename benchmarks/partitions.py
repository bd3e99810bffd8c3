"""Predict particles from Parquet on two Dask workers: time and memory by number.

A few hundred drawn particles stand for all: the table repeats the paths of their files,
which are read anew each time.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter

import numpy as np
import pandas as pd
import psutil
from dask.distributed import Client, LocalCluster

from benchmarks._particles import draw_particles
from sklipo import make_lipnet_pipeline, predict_partitions
from sklipo.datasets import save_particles

N_DRAWN, ROW_GROUP = 300, 1000
SIZES = 10_000, 100_000
MIB = 2**20


def main():
    with TemporaryDirectory() as name:
        folder = Path(name)
        particles = draw_particles(N_DRAWN)
        save_particles(particles, folder / "particles.csv")
        model = make_lipnet_pipeline("lipnet-1", max_epochs=1, random_state=0)
        model.fit(particles, particles["label"])
        (time, memory), (large_time, large_memory) = (
            run(model, folder, n_particles) for n_particles in SIZES
        )
    factor = SIZES[1] / SIZES[0]
    print(f"  time, {factor:.0f} times the particles: {large_time / time:.2f} times")
    print(f"  peak memory: {large_memory / memory:.2f} times")


def run(model, folder, n_particles):
    """Predict so many particles; return and print the seconds and the peak memory."""
    few = write_table(folder, 6 * ROW_GROUP)
    table = write_table(folder, n_particles)
    with LocalCluster(2, threads_per_worker=1, dashboard_address=":0") as cluster:
        with Client(cluster):
            # All workers import, and fill their caches.
            predict_partitions(model, few, folder / "few", overwrite=True)
            start = perf_counter()
            with peak_memory() as peak:
                results = predict_partitions(model, table, folder / table.stem)
            seconds = perf_counter() - start
            assert len(results) == n_particles
    each, most = 1e3 * seconds / n_particles, peak.bytes / MIB
    print(f"{n_particles:9,} particles {seconds:8.1f} s, {each:5.2f} ms each", end="")
    print(f", {most:6.0f} MiB at most")
    return seconds, peak.bytes


def write_table(folder, n_particles):
    """Write a Parquet table of so many paths, and return its own path."""
    paths = pd.read_csv(folder / "particles.csv")
    rows = np.resize(np.arange(len(paths)), n_particles)
    table = paths.iloc[rows].reset_index(drop=True)
    path = folder / f"{n_particles}.parquet"
    table.to_parquet(path, row_group_size=ROW_GROUP)
    return path


class peak_memory:
    """Peak of the resident memory of a process and its workers, while inside."""

    def __init__(self, pid=None):
        self._pid = pid

    def __enter__(self):
        self._done, self.bytes = Event(), 0
        self._pool = ThreadPoolExecutor(1)
        self._watch = self._pool.submit(self._watch_memory)
        return self

    def __exit__(self, *_):
        self._done.set()
        self._watch.result()
        self._pool.shutdown()

    def _watch_memory(self):
        this = psutil.Process(self._pid)
        processes = [this, *this.children(recursive=True)]
        while not self._done.wait(0.05):
            # A process that has ended takes none.
            with suppress(psutil.NoSuchProcess):
                used = sum(process.memory_info().rss for process in processes)
                self.bytes = max(self.bytes, used)
