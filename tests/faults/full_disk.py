"""Save until the disk is full, in a process that has a small disk of its own."""

import sys
from pathlib import Path

import pandas as pd
from fault_cases import is_table, list_leftovers, load, save
from jobs import JOBS


def main(job, folder):
    suffix = ".parquet" if job == "save_parquet" else ".csv"
    options = {"dtype": "float32"} if job == "save_tif" else {}
    save(folder, suffix, 0, **options)
    if job == "predict_once":
        paths = pd.read_csv(folder / "a.csv")
        paths.to_parquet(folder / "a.parquet", row_group_size=3)
    ballast = folder / "ballast"
    size, failures = 1_500_000, 0
    while size > 0:
        try:
            with open(ballast, "wb") as file:
                file.write(bytes(size))
        except OSError:
            size -= 4096
            continue
        try:
            JOBS[job](folder)
            break
        except OSError as error:
            print(error)
            failures += 1
        ballast.unlink()
        if job == "predict_once":
            for part in (folder / "p").glob("part-*"):
                assert len(pd.read_parquet(part)) == 3
        assert is_table(load(folder, suffix), 0, **options)
        assert not list_leftovers(folder), list_leftovers(folder)
        size -= 40960
    assert failures, "the disk was never full"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
