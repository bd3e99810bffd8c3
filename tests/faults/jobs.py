"""Jobs that a test starts in a process of their own, to kill it or fill its disk."""

import itertools
import os
import signal
import sys
from pathlib import Path

import joblib
from fault_cases import SeedClassifier, make_table, save
from joblib import parallel_config
from sklearn.utils.fixes import parse_version

from sklipo import predict_micrographs, predict_partitions
from sklipo.datasets import save_particles


def overwrite(folder, suffix):
    """Replace a table by that of another seed, over and over."""
    tables = [make_table(seed) for seed in (0, 1)]
    for number in itertools.count():
        path = folder / f"a{suffix}"
        save_particles(tables[number % 2], path, overwrite=True)


def predict(folder):
    """Predict a table of paths, over and over."""
    model = SeedClassifier().fit(None, ["seed 0"])
    for _ in itertools.count():
        predict_partitions(model, folder / "a.parquet", folder / "p", overwrite=True)


def predict_slowly(folder, n_jobs):
    """Predict micrographs where an earlier job was killed, then wait to be killed."""
    model = SeedClassifier(delay=0.05).fit(None, ["seed 0"])
    options = {"batch_size": 1, "n_jobs": n_jobs}
    # Workers outlive this process by 5 minutes, unless joblib 1.5 is told otherwise.
    is_old = parse_version(joblib.__version__) < parse_version("1.5")
    with parallel_config("loky", **({} if is_old else {"idle_worker_timeout": 2})):
        predict_micrographs(model, folder / "micrographs.csv", folder / "p", **options)
    signal.pause()


JOBS = {
    "overwrite_csv": lambda folder: overwrite(folder, ".csv"),
    "overwrite_parquet": lambda folder: overwrite(folder, ".parquet"),
    "predict": predict,
    "predict_micrographs": lambda folder: predict_slowly(folder, 1),
    "predict_micrographs_in_processes": lambda folder: predict_slowly(folder, 2),
    "save_csv": lambda folder: save(folder, ".csv", 1),
    "save_parquet": lambda folder: save(folder, ".parquet", 1),
    "save_tif": lambda folder: save(folder, ".csv", 1, dtype="float32"),
    "predict_once": lambda folder: predict_partitions(
        SeedClassifier().fit(None, ["seed 0"]), folder / "a.parquet", folder / "p"
    ),
}


def main(name, folder):
    """Start the job in a fork for each line that is read, and print its number."""
    for _ in sys.stdin:
        # Importing sklipo takes longer than all else; nothing has run here yet, so
        # that there are no threads that a fork would lose.
        process = os.fork()
        if not process:
            JOBS[name](folder)
        print(process, flush=True)
        _, status = os.waitpid(process, 0)
        print(os.WTERMSIG(status), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
