"""Predict micrographs of 4k x 4k: two processes, memory, where time goes, kill -9.

Takes some minutes. ``python -c "from benchmarks.micrographs import main; main(4, 1024,
20)"`` tries it on a few small ones.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

import dask
import joblib
import numpy as np
import pandas as pd
import tifffile

from benchmarks._particles import draw_particles
from benchmarks.partitions import MIB, peak_memory
from sklipo import ParticleFeatures, make_svc_pipeline, predict_micrographs
from sklipo.datasets import extract_particles, make_micrographs

N_MICROGRAPHS, SIDE, N_PARTICLES = 40, 4096, 100
N_KILLS = 10


def main(n_micrographs=N_MICROGRAPHS, side=SIDE, n_particles=N_PARTICLES):
    with TemporaryDirectory() as name:
        folder = Path(name)
        table = write_micrographs(folder, n_micrographs, side, n_particles)
        particles = draw_particles(300)
        model = make_svc_pipeline().fit(particles, particles["label"])
        joblib.dump(model, folder / "model.joblib")
        compare_with_features(model, folder, table)
        compare_jobs(folder, table)
        compare_memory(folder, table)
        kill_often(folder, table)


def write_micrographs(folder, n_micrographs, side, n_particles):
    """Draw micrographs and write them with their label images; return their table."""
    options = {"n_particles": n_particles, "shape": (side, side), "random_state": 0}
    drawn = make_micrographs(n_micrographs, **options)
    rows = []
    for number, (micrograph, instances) in enumerate(drawn):
        labels = np.zeros(micrograph.pixels.shape, np.uint16)
        places = zip(
            instances["mask"], instances["top"], instances["left"], strict=True
        )
        for i, (mask, top, left) in enumerate(places):
            height, width = mask.shape
            labels[top : top + height, left : left + width][mask] = i + 1
        row = {"micrograph": f"m{number}.tif", "instances": f"m{number}_labels.tif"}
        tifffile.imwrite(folder / row["micrograph"], micrograph.pixels)
        tifffile.imwrite(folder / row["instances"], labels, compression="zlib")
        rows.append(row | {"pixel_size": micrograph.pixel_size})
    return pd.DataFrame(rows)


def compare_with_features(model, folder, table):
    """Print what one micrograph takes, in times of what its features alone take."""
    row = table.iloc[0]
    files = [folder / row[name] for name in ("micrograph", "instances")]
    particles = extract_particles(*files, pixel_size=row["pixel_size"])
    options = {"root": folder, "overwrite": True, "n_jobs": 1}
    features = ParticleFeatures().fit(particles)
    measured = fastest(lambda: features.transform(particles))
    cut = fastest(lambda: extract_particles(*files, pixel_size=row["pixel_size"]))
    whole = fastest(
        lambda: predict_micrographs(model, table[:1], folder / "one", **options)
    )
    print(f"  one micrograph of {len(particles)} particles: {whole:.2f} s, ", end="")
    print(f"{whole / measured:.2f} times its features; to cut it out: {cut:.2f} s")


def fastest(run, n_rounds=5):
    """Return the least seconds of some rounds."""
    seconds = []
    for _ in range(n_rounds):
        begin = perf_counter()
        run()
        seconds.append(perf_counter() - begin)
    return min(seconds)


def compare_jobs(folder, table):
    """Print the seconds of two processes and of two threads beside those of one."""
    model = joblib.load(folder / "model.joblib")
    ways = {"1 process": 1, "2 processes": 2, "2 threads": None}
    seconds = {}
    for name, n_jobs in ways.items():
        options = {"root": folder, "n_jobs": n_jobs, "overwrite": True}
        with dask.config.set(num_workers=2):
            # Workers start and import.
            predict_micrographs(model, table[:2], folder / name, **options)
            begin = perf_counter()
            predict_micrographs(model, table, folder / name, **options)
        seconds[name] = perf_counter() - begin
        times = seconds["1 process"] / seconds[name]
        print(f"  {name}: {seconds[name]:.1f} s, {times:.2f} times as fast as one")


def compare_memory(folder, table):
    """Print the peak memory of a process for a quarter and for all micrographs."""
    for n in (max(1, len(table) // 4), len(table)):
        table[:n].to_csv(folder / "table.csv", index=False)
        with start(folder, f"memory{n}") as process, peak_memory(process.pid) as peak:
            process.wait()
        print(f"  {n} micrographs: {peak.bytes / MIB:.0f} MiB at most")


def kill_often(folder, table):
    """Kill ten times; print whether the rows are then those of a run that was not."""
    table.to_csv(folder / "table.csv", index=False)
    begin = perf_counter()
    with start(folder, "once") as process:
        process.wait()
    seconds = perf_counter() - begin
    rng, n_parts = np.random.default_rng(0), []
    for _ in range(N_KILLS):
        with start(folder, "killed") as process:
            sleep(rng.uniform(0, seconds / 3))
            os.kill(process.pid, signal.SIGKILL)
        n_parts.append(len(list((folder / "killed").glob("part-*"))))
    with start(folder, "killed") as process:
        assert process.wait() == 0
    once, killed = (
        pd.concat(
            pd.read_parquet(part) for part in sorted((folder / name).glob("part-*"))
        )
        for name in ("once", "killed")
    )
    print(f"  parts that {N_KILLS} kills left: {n_parts} of {len(table)}")
    print(f"  the same {len(once)} rows as in one run: {once.equals(killed)}")


def start(folder, out):
    """Predict the table of a folder in a process of its own."""
    code = (
        "import sys; from benchmarks import micrographs as m; m.predict(*sys.argv[1:])"
    )
    return subprocess.Popen([sys.executable, "-c", code, str(folder), out])


def predict(folder, out):
    """Predict the table of a folder."""
    folder = Path(folder)
    model = joblib.load(folder / "model.joblib")
    predict_micrographs(model, folder / "table.csv", folder / out, n_jobs=1)
