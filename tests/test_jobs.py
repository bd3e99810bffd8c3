"""Jobs: parcels in order, scikit-learn's configuration with them, OpenCV as it was."""

import pickle

import cv2
import joblib
import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed
from sklearn import config_context, get_config

from sklipo import ImageArray
from sklipo._jobs import configured, map_parcels

TABLE = pd.DataFrame({"number": np.arange(300)})
BACKENDS = ["loky", "threading"]


def look(table):
    """Return the numbers of a parcel and the threads that OpenCV may take."""
    return table["number"].tolist(), cv2.getNumThreads()


def see_output(_=None):
    return get_config()["transform_output"]


def see_buffer(table):
    return type(table["image"].array.pixels).__name__


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("backend", BACKENDS)
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


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_configuration_goes_along(n_jobs, backend):
    with joblib.parallel_config(backend=backend):
        with config_context(transform_output="pandas"):
            parcels = map_parcels(see_output, TABLE, n_jobs)
            tasks = [delayed(configured(see_output))() for _ in range(3)]
        # It is the one at the time of the call, not of the first result.
        assert set(parcels) == {"pandas"}
        assert set(Parallel(n_jobs=n_jobs)(tasks)) == {"pandas"}
        assert set(map_parcels(see_output, TABLE, n_jobs)) == {"default"}
    assert see_output() == "default"


def test_a_configured_function_is_pickled_with_its_configuration():
    with config_context(assume_finite=True):
        function = pickle.loads(pickle.dumps(configured(get_config)))
    assert function()["assume_finite"]
    assert not get_config()["assume_finite"]


def test_pixels_are_sent_without_files():
    images = ImageArray(np.zeros((4, 800, 800), np.uint8))  # joblib maps 1 MB or more
    table = pd.DataFrame({"image": images})
    assert set(map_parcels(see_buffer, table, 2)) == {"ndarray"}
