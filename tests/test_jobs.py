"""Particles in parcels: in order, whatever the jobs are, and OpenCV as it was."""

import cv2
import joblib
import numpy as np
import pandas as pd
import pytest

from sklipo._jobs import map_parcels

TABLE = pd.DataFrame({"number": np.arange(300)})


def look(table):
    """Return the numbers of a parcel and the threads that OpenCV may take."""
    return table["number"].tolist(), cv2.getNumThreads()


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_parcels_come_in_order(n_jobs, backend):
    with joblib.parallel_config(backend=backend):
        numbers, _ = zip(*map_parcels(look, TABLE, n_jobs), strict=True)
    assert np.concatenate(numbers).tolist() == list(range(300))


def test_jobs_do_not_take_all_cores_each():
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        for n_jobs, backend, expected in [(2, "loky", 1), (2, "threading", 3)]:
            with joblib.parallel_config(backend=backend):
                threads = {n for _, n in map_parcels(look, TABLE, n_jobs)}
            assert threads == {expected}
            assert cv2.getNumThreads() == 3
        assert {n for _, n in map_parcels(look, TABLE, None)} == {3}
    finally:
        cv2.setNumThreads(before)
