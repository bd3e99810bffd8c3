"""Jobs: run with scikit-learn's configuration, in parcels, stopped together."""

import atexit
import os
import pickle
from contextlib import contextmanager
from functools import partial
from numbers import Integral
from threading import Condition, current_thread, main_thread

import cv2
from joblib import Parallel, delayed, effective_n_jobs
from joblib.parallel import get_active_backend
from sklearn import config_context, get_config
from sklearn.utils import gen_batches

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval

# What `n_jobs` may be, for scikit-learn's check of parameters: joblib takes no 0.
N_JOBS = [
    Interval(Integral, 1, None, closed="left"),
    Interval(Integral, None, -1, closed="right"),
    None,
]
# Particles sent to a job at once: some megabytes of usual cut-outs.
PARCEL = 64

# The crew that each thread works for.
_crews = {}


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
    return iter_results(tasks, n_jobs)


def iter_results(tasks, n_jobs, *, prefer=None, ordered=True):
    """Iterate over the results of tasks as they come, by any backend of joblib.

    Parameters
    ----------
    tasks : iterable
        Calls that ``joblib.delayed`` made.
    n_jobs : int or None
        Number of jobs, as joblib understands it.
    prefer : {"threads", "processes"}, default=None
        What to start unless ``joblib.parallel_config`` names a backend.
    ordered : bool, default=True
        Whether results come in the order of the tasks, or as soon as they are there.

    Returns
    -------
    iterator
        The results.

    Raises
    ------
    ValueError
        If several jobs shall run by joblib's backend "multiprocessing".

    See Also
    --------
    Crew : Stops tasks that run in threads.

    Examples
    --------
    >>> from joblib import delayed
    >>> from sklipo._jobs import iter_results
    >>> list(iter_results([delayed(abs)(-1), delayed(abs)(-2)], n_jobs=None))
    [1, 2]
    """
    backend, _ = get_active_backend(prefer=prefer)
    if not backend.supports_return_generator:
        if effective_n_jobs(n_jobs) > 1:
            raise ValueError(
                f"joblib's {type(backend).__name__} copies this process without its "
                "threads, and networks then wait for these for ever. Name 'loky' or "
                "'threading' in joblib.parallel_config, or take n_jobs=1."
            )
        return iter(Parallel(n_jobs=n_jobs)(tasks))
    return_as = "generator" if ordered else "generator_unordered"
    return Parallel(n_jobs=n_jobs, prefer=prefer, return_as=return_as)(tasks)


class Crew:
    """The jobs of one call, of which an error or an interrupt stops all.

    joblib ends the processes that it started. It leaves threads alone, which would go
    on training networks that nobody waits for, and crash Python when it exits. As a
    context, a crew waits for its threads to stop if an exception leaves the context.

    See Also
    --------
    raise_if_called_off : Is called by what takes long, and stops it.

    Examples
    --------
    >>> from joblib import Parallel, delayed
    >>> from sklipo._jobs import Crew
    >>> with Crew() as crew:
    ...     Parallel(n_jobs=2)(delayed(crew.run)(abs, number) for number in (-1, -2))
    [1, 2]
    """

    def __init__(self):
        self._changed = Condition()
        self._n_running = 0
        self._is_called_off = False

    def __reduce__(self):
        # A process has a crew of its own, which joblib stops with the process.
        return Crew, ()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is not None:
            with self._changed:
                self._is_called_off = True
                self._changed.wait_for(lambda: self._n_running == 0)

    def run(self, function, /, *args, **kwargs):
        """Call a function as a job of this crew.

        Parameters
        ----------
        function : callable
            What to call.
        *args : tuple
            Its arguments.
        **kwargs : dict
            Its keyword arguments.

        Returns
        -------
        object
            What the function returns.
        """
        thread = current_thread()
        outer = _crews.get(thread)
        with self._counting():
            _crews[thread] = self
            try:
                raise_if_called_off()
                return function(*args, **kwargs)
            finally:
                if outer is None:
                    del _crews[thread]
                else:
                    _crews[thread] = outer

    @contextmanager
    def _counting(self):
        """Count what runs in this context among the running jobs."""
        with self._changed:
            self._n_running += 1
        try:
            yield
        finally:
            with self._changed:
                self._n_running -= 1
                self._changed.notify_all()

    @property
    def is_called_off(self):
        """Tell whether the jobs shall stop.

        Returns
        -------
        bool
            True after an exception has left the context.
        """
        return self._is_called_off


@contextmanager
def finished_before_exit():
    """Let Python exit only once this work, if done in a thread, has stopped.

    Threads that joblib leaves after Ctrl-C would else crash Python in compiled code.

    See Also
    --------
    raise_if_called_off : Has to be called by this work, and stops it.

    Examples
    --------
    >>> from sklipo._jobs import finished_before_exit
    >>> with finished_before_exit():
    ...     abs(-1)
    1
    """
    with _everyone._counting():
        raise_if_called_off()
        yield


def raise_if_called_off():
    """Raise KeyboardInterrupt in a job whose crew has been called off.

    Raises
    ------
    KeyboardInterrupt
        If another job of the crew failed, or the user interrupted all of them.

    See Also
    --------
    Crew : The jobs that are called off together.

    Examples
    --------
    >>> from sklipo._jobs import raise_if_called_off
    >>> raise_if_called_off()
    """
    thread = current_thread()
    if _everyone.is_called_off:
        raise KeyboardInterrupt("Python exits.")
    while thread is not None:
        crew = _crews.get(thread)
        if crew is not None and crew.is_called_off:
            raise KeyboardInterrupt("The job was called off with all others.")
        # A search in a job may start threads itself. Those of a pool, which joblib
        # takes, know in this private attribute which thread made them.
        thread = getattr(thread, "_parent", None)


# All work of this process that has to stop before it exits.
_everyone = Crew()
atexit.register(_everyone.__exit__, SystemExit, None, None)


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
