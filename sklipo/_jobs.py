"""Particles sent to jobs a few at a time, so that what is under way stays small."""

import pickle
from contextlib import contextmanager
from threading import current_thread, main_thread

import cv2
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.utils import gen_batches

# What is copied at once: some megabytes of usual cut-outs.
PARCEL = 64


def map_parcels(function, particles, n_jobs):
    """Iterate over what a function makes of every few particles, in their order.

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
        A result for each :data:`PARCEL` particles, the last ones may be fewer.

    See Also
    --------
    sklipo.ImageArray.share : Lets worker processes map all pixels instead.

    Notes
    -----
    joblib would map the pixels to files and keep all of them until the end, and then
    wait a tenth of a second for the files to go. Bytes go to a worker and are gone.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklipo._jobs import map_parcels
    >>> list(map_parcels(len, pd.DataFrame({"label": ["full"] * 100}), n_jobs=None))
    [64, 36]
    """
    parcels = (particles[rows] for rows in gen_batches(len(particles), PARCEL))
    if effective_n_jobs(n_jobs) > 1:
        parcels = (pickle.dumps(parcel, protocol=5) for parcel in parcels)
    tasks = (delayed(_unpack)(function, parcel) for parcel in parcels)
    return Parallel(n_jobs=n_jobs, return_as="generator")(tasks)


def _unpack(function, parcel):
    """Return what a function makes of a parcel."""
    if not isinstance(parcel, bytes):
        return function(parcel)
    with _one_opencv_thread():
        return function(pickle.loads(parcel))


@contextmanager
def _one_opencv_thread():
    """Keep OpenCV to one thread in a process that is a job, else each takes all cores.

    The number is that of the process, so jobs that are threads leave it as it is.
    """
    if current_thread() is not main_thread():
        yield
        return
    n_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(n_threads)
