"""Memory of cross-validation with two jobs: all processes together, at its peak.

Memory is the proportional set size (PSS) that Linux reports: a page that several
processes share is divided among them. For a process alone it is the resident set size.
"""

import pickle
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pandas as pd

from sklipo import (
    ImageArray,
    cross_validate_particles,
    make_lipnet_pipeline,
    make_svc_pipeline,
)

N_DRAWN, N_PARTICLES = 600, 6000
MEGABYTE = 1e6
DRAW = [
    sys.executable,
    "-c",
    "import pickle, sys; from benchmarks._particles import draw_particles; "
    f"sys.stdout.buffer.write(pickle.dumps(draw_particles({N_DRAWN})))",
]
IMPORT = "import sys, torch, sklipo; print(flush=True); sys.stdin.read()"


def main():
    process = memory_of_importing()
    print(f"A process that has imported torch and sklipo: {process / MEGABYTE:.0f} MB")
    for name in ("SVM", "LipNet-4"):  # each in a process of its own
        code = f"from benchmarks.memory import validate; validate({name!r}, {process})"
        subprocess.run([sys.executable, "-c", code], check=True)


def validate(name, process):
    """Cross-validate a model and print its memory."""
    # Another process draws them: this one shall look as if it had read them.
    particles = copy_often(pickle.loads(subprocess.check_output(DRAW)))
    y = np.resize(["multilamellar", "uncertain", "unilamellar"], N_PARTICLES)
    groups = np.arange(N_PARTICLES) // 40
    if name == "SVM":
        model = make_svc_pipeline()
    else:
        model = make_lipnet_pipeline(max_epochs=1, random_state=0)
    with Watch() as watch:
        cross_validate_particles(model, particles, y, groups=groups, n_jobs=2)
    table = sum(particles[name].array.pixels.nbytes for name in ("image", "mask"))
    limit = 1.5 * table + 3 * process
    print(
        f"{name}, table of {table / MEGABYTE:.0f} MB: peak {watch.peak / MEGABYTE:.0f} "
        f"MB, {watch.peak / limit:.2f} of 1.5 tables and 3 such processes"
    )


def copy_often(particles):
    """Return a table with pixels of its own for each row."""
    n_times = N_PARTICLES // len(particles)
    return pd.DataFrame(
        {n: repeat(particles[n].array, n_times) for n in ("image", "mask")}
    )


def repeat(images, n_times):
    """Return the images several times over, each time with pixels of their own."""
    images = images.compact()
    sizes = images.heights * images.widths
    starts = np.cumsum(np.tile(sizes, n_times)) - np.tile(sizes, n_times)
    pixels = np.concatenate([image.ravel() for image in images])
    heights, widths = (np.tile(n, n_times) for n in (images.heights, images.widths))
    return ImageArray.from_buffer(
        np.tile(pixels, n_times), starts, heights, widths, widths
    )


def memory_of_importing():
    """Return the bytes of a process that has only imported torch and sklipo."""
    command = [sys.executable, "-c", IMPORT]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        process.stdout.readline()
        size = set_size(process.pid, "Rss")
        process.stdin.close()
    return size


class Watch:
    """Watches this process and its children, and keeps their largest total."""

    def __enter__(self):
        self.peak = 0
        self.is_over = Event()
        self.thread = Thread(target=self.look)
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.is_over.set()
        self.thread.join()

    def look(self):
        while not self.is_over.wait(0.05):
            self.peak = max(self.peak, sum(map(set_size, family())))


def family(parent="self"):
    """Return the numbers of a process and of all that it has started."""
    pids = [parent]
    for file in Path(f"/proc/{parent}/task").glob("*/children"):
        try:
            children = file.read_text().split()
        except OSError:  # The thread has ended.
            continue
        for child in children:
            pids += family(child)
    return pids


def set_size(pid, kind="Pss"):
    """Return the memory of a process in bytes, 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    sizes = (int(line.split()[1]) for line in lines if line.startswith(f"{kind}:"))
    return 1024 * sum(sizes)
