"""Jobs: particles a few at a time, with scikit-learn's configuration sent along."""

import os
import pickle
from contextlib import contextmanager
from functools import partial
from threading import current_thread, main_thread

import cv2
from joblib import Parallel, delayed, effective_n_jobs
from sklearn import config_context, get_config
from sklearn.utils import gen_batches

# Particles sent to a job at once: some megabytes of usual cut-outs.
PARCEL = 64


def configured(function):
    """Return a function that runs in any job as it would run here.

    Parameters
    ----------
    function : callable
        What joblib shall call. Worker processes need to be able to unpickle it.

    Returns
    -------
    callable
        Applies the configuration that scikit-learn has now, and keeps OpenCV to one
        thread where it is called in a worker process.

    See Also
    --------
    map_parcels : Sends particles to such a function.

    Examples
    --------
    >>> from joblib import Parallel, delayed
    >>> from sklearn import config_context, get_config
    >>> from sklipo._jobs import configured
    >>> with config_context(transform_output="pandas"):
    ...     tasks = [delayed(configured(get_config))() for _ in range(2)]
    >>> [config["transform_output"] for config in Parallel()(tasks)]
    ['pandas', 'pandas']
    """
    # sklearn.utils.parallel sends the filters of warnings too, and with them to each
    # process every module whose warnings they name, such as all of torch.
    return partial(_call, function, get_config(), os.getpid())


def map_parcels(function, particles, n_jobs):
    """Iterate over the results of a function for every few particles, in their order.

    Parameters
    ----------
    function : callable
        Takes a particle table.
    particles : DataFrame
        Particle table.
    n_jobs : int or None
        Number of jobs, as joblib understands it.

    Returns
    -------
    iterator
        A result for each :data:`PARCEL` particles; the last ones may be fewer.

    See Also
    --------
    configured : What is done around each call.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklipo._jobs import map_parcels
    >>> list(map_parcels(len, pd.DataFrame({"label": ["full"] * 100}), n_jobs=None))
    [64, 36]
    """
    run = configured(function)
    parcels = (particles[rows] for rows in gen_batches(len(particles), PARCEL))
    if effective_n_jobs(n_jobs) > 1:
        # joblib would write the pixels of each parcel to a file and keep all files
        # until the end; bytes are soon freed. So they are by Parallel(max_nbytes=None),
        # but a change of that option restarts all workers, which takes over 2 s.
        run = partial(_unpickle_and_call, run)
        parcels = (pickle.dumps(parcel, protocol=5) for parcel in parcels)
    tasks = (delayed(run)(parcel) for parcel in parcels)
    return Parallel(n_jobs=n_jobs, return_as="generator")(tasks)


def _unpickle_and_call(function, parcel):
    """Call a function with a parcel that was sent as bytes."""
    return function(pickle.loads(parcel))


def _call(function, config, caller, /, *args, **kwargs):
    """Call a function with a configuration, as a job of the process named."""
    with config_context(**config), _one_opencv_thread(os.getpid() != caller):
        return function(*args, **kwargs)


@contextmanager
def _one_opencv_thread(in_worker):
    """Keep OpenCV to one thread in a worker process, else each takes all cores.

    The number is that of the process, so jobs that are threads leave it as it is.
    """
    if not in_worker or current_thread() is not main_thread():
        yield
        return
    n_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(n_threads)
