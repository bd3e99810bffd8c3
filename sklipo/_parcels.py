"""Particles sent to jobs a few at a time, so that what is under way stays small."""

import pickle

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
    >>> from sklipo._parcels import map_parcels
    >>> list(map_parcels(len, pd.DataFrame({"label": ["full"] * 100}), n_jobs=None))
    [64, 36]
    """
    parcels = (particles[rows] for rows in gen_batches(len(particles), PARCEL))
    if effective_n_jobs(n_jobs) > 1:
        parcels = map(pickle.dumps, parcels)
    tasks = (delayed(_unpack)(function, parcel) for parcel in parcels)
    return Parallel(n_jobs=n_jobs, return_as="generator")(tasks)


def _unpack(function, parcel):
    """Return what a function makes of a parcel."""
    return function(pickle.loads(parcel) if isinstance(parcel, bytes) else parcel)
