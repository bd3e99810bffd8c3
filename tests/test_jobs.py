"""Jobs: parcels in order, scikit-learn's configuration with them, OpenCV as it was."""

import pickle
import subprocess
import sys
import threading
from time import sleep

import cv2
import joblib
import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed
from sklearn import config_context, get_config

from sklipo import ImageArray
from sklipo._jobs import Crew, configured, map_parcels, raise_if_called_off

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


def test_backend_that_forks_is_refused_by_name():
    with joblib.parallel_config("multiprocessing"):
        assert len(list(map_parcels(look, TABLE, 1))) == 5
        with pytest.raises(ValueError, match=r"Multiprocessing.* Name 'loky'"):
            map_parcels(look, TABLE, 2)


def wait_until_called_off(seen):
    """Work until the crew is called off."""
    seen.append(threading.current_thread())
    while True:
        raise_if_called_off()
        sleep(0.01)


def fail(seen):
    while not seen:
        sleep(0.01)
    raise KeyError("mine")


@pytest.mark.parametrize("n_more", [0, 5])
def test_an_error_in_one_thread_stops_all(n_more):
    seen = []
    with pytest.raises(KeyError, match="mine"), Crew() as crew:
        works = [wait_until_called_off, fail, *[wait_until_called_off] * n_more]
        Parallel(n_jobs=2, prefer="threads")(
            delayed(crew.run)(work, seen) for work in works
        )
    assert len(seen) <= 2
    raise_if_called_off()  # which does not concern those outside


def search(seen):
    """Start threads of its own, as a search in a job may."""
    Parallel(n_jobs=2, backend="threading")(
        delayed(wait_until_called_off)(seen) for _ in range(2)
    )


def test_an_error_stops_the_threads_that_jobs_started():
    seen = []
    with pytest.raises(KeyError, match="mine"), Crew() as crew:
        Parallel(n_jobs=2, prefer="threads")(
            delayed(crew.run)(work, seen) for work in (search, fail)
        )
    raise_if_called_off()


def test_a_crew_leaves_jobs_that_succeed_alone():
    with Crew() as crew:
        assert pickle.loads(pickle.dumps(crew)).run(len, "ab") == crew.run(len, "ab")
    assert not crew.is_called_off


EXIT = """
import threading, time
import joblib, torch
from sklipo._jobs import finished_before_exit, raise_if_called_off

def work():
    with finished_before_exit():
        while True:
            torch.rand(300, 300) @ torch.rand(300, 300)
            raise_if_called_off()

threads = [threading.Thread(target=work, daemon=True) for _ in range(2)]
# In one piece: both threads print at once.
threading.excepthook = lambda args: print(args.exc_type.__name__ + "\\n", end="")
for thread in threads:
    thread.start()
time.sleep(0.1)
"""


def test_python_exits_once_work_in_threads_has_stopped():
    done = subprocess.run([sys.executable, "-c", EXIT], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["KeyboardInterrupt"] * 2
