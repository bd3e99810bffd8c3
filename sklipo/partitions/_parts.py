"""Results in parts: each a file, whole or not there, made where Dask or joblib say."""

import re
from functools import lru_cache, partial
from numbers import Integral
from os import PathLike
from pathlib import Path
from uuid import uuid4

import joblib
import numpy as np
from joblib import delayed

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from .._extras import import_extra
from .._jobs import N_JOBS, configured, iter_results
from .._steps import predict_both
from ..datasets._complaints import describe_complaints
from ..datasets._parquet import read_parquet, write_parquet
from ..datasets._writing import remove_drafts, write_whole
from ..particles._probabilities import PROBABILITY
from ..particles._warnings import kept_warnings, warn_caller

# A number, or the name of a micrograph and what tells it from others of that name.
_PART = re.compile(r"part-(\d+|.*-[0-9a-f]{12})\.parquet", re.DOTALL)

# Parameters that all have whose results are in parts.
CONSTRAINTS = {
    "out": [str, PathLike],
    "root": [str, PathLike, None],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "n_jobs": N_JOBS,
    "overwrite": ["boolean"],
    "verbose": ["verbose"],
}


class BadPart(ValueError):
    """What is wrong with one part, of which the others can be predicted."""


def predict_parts(predict, model, parts, names, files, *, unit, n_jobs, **options):
    """Write the results of each part into its file; return a complaint or None of each.

    ``predict(part, file, model)`` returns a table, and an arrow schema or None; or None
    where the results in the file are kept. It raises BadPart where that part can't be
    predicted; other errors end the whole. What the parts are warned of is told at the
    end, as complaints are, by their names.
    """
    folder = files[0].parent
    model_file = _prepare_folder(folder, files, unit, options["overwrite"])
    write_whole(model_file, partial(_dump_model, model))
    run = partial(_predict_part, predict, str(model_file))
    compute = _compute_by_dask if n_jobs is None else partial(_compute_here, n_jobs)
    hidden = not options["verbose"]
    with tqdm(None, "Predicting", len(parts), unit=unit, disable=hidden) as bar:
        ends = compute(run, parts, [str(file) for file in files], bar)
    remove_drafts(folder)
    complaints, warnings = (
        [end and f"{name}: {end}" for name, end in zip(names, column, strict=True)]
        for column in zip(*ends, strict=True)
    )
    if text := describe_complaints(warnings, f"{unit}s gave warnings:\n", "\n"):
        warn_caller(text)
    return complaints


def check_classifier(model):
    """Raise an error unless the model is a fitted classifier."""
    check_is_fitted(model)
    if not hasattr(model, "classes_"):
        raise TypeError(
            f"{type(model).__name__} has no attribute classes_; expected a classifier."
        )


def open_results(files):
    """Return a Dask DataFrame of the results in files, which are not read yet."""
    return import_extra("dask.dataframe", "dask").from_map(
        read_results, [str(file) for file in files], meta=read_results(files[0])[:0]
    )


def read_results(file, columns=None):
    """Return the results of one part."""
    return read_named(file, read_parquet, columns)


def read_named(path, read, *arguments):
    """Read from a file; a ValueError names it."""
    try:
        return read(path, *arguments)
    except ValueError as error:
        raise ValueError(f"{str(path)!r} can't be read: {error}") from error


def names_of_results(model):
    """Return the names of the columns that the model adds."""
    names = ["prediction"]
    if hasattr(model, "predict_proba"):
        names += [f"{PROBABILITY}{label}" for label in model.classes_]
    return names


def refuse_taken(columns, results):
    """Raise an error if the table has columns that the results would replace."""
    taken = [name for name in results if name in columns]
    if taken:
        raise ValueError(
            f"The table has columns {taken}, which the results would replace; drop or "
            "rename them."
        )


def predict_batch(model, particles):
    """Return the results of some particles: an array for each column."""
    y_pred, y_proba = predict_both(model, particles)
    return [y_pred] if y_proba is None else [y_pred, *y_proba.T]


def join_batches(model, results):
    """Return the results of all batches as a dict of columns.

    Without batches these have no rows, for Dask to read all files alike.
    """
    names = names_of_results(model)
    none = [model.classes_[:0], *np.empty((len(names) - 1, 0), np.float32)]
    columns = zip(none, *results, strict=True)
    return dict(zip(names, map(np.concatenate, columns), strict=True))


def _prepare_folder(folder, files, unit, overwrite):
    """Make the folder ready for the files; return a new name for the model's file."""
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{str(folder)!r} is no folder, where results could be.")
    folder.mkdir(parents=True, exist_ok=True)
    remove_drafts(folder)
    existing = {file for file in folder.iterdir() if _PART.fullmatch(file.name)}
    others = existing - set(files)
    if others and not overwrite:
        raise ValueError(
            f"{str(folder)!r} holds results of {len(others)} {unit}s that this table "
            f"does not have, such as {min(others).name}; pass overwrite=True to remove "
            "all results there, or another folder."
        )
    # Removing earlier model files tells tasks of earlier calls, if any are still
    # running, to stop.
    for file in [*folder.glob("_model-*.joblib"), *(existing if overwrite else ())]:
        file.unlink()
    # Dask and pandas skip names with a leading underscore when they read the folder.
    return folder / f"_model-{uuid4().hex}.joblib"


def _compute_here(n_jobs, run, parts, files, bar):
    """Return how all parts end, in processes that joblib starts."""
    dask = import_extra("dask", "dask")
    run = configured(partial(_number, run))
    tasks = (
        # A part of a Dask table knows the graph of the whole, of which few is its own.
        delayed(run)(number, *dask.optimize(part), file)
        for number, (part, file) in enumerate(zip(parts, files, strict=True))
    )
    ends = dict.fromkeys(range(len(files)))
    for number, end in iter_results(tasks, n_jobs, ordered=False):
        ends[number] = end
        bar.update()
    return list(ends.values())


def _number(run, number, part, file):
    """Return the number of a part, and how it ends."""
    if hasattr(part, "dask"):
        part = part.compute(scheduler="synchronous")
    return number, run(part, file)


def _compute_by_dask(run, parts, files, bar):
    """Return how all parts end, in threads or from a connected cluster."""
    dask = import_extra("dask", "dask")
    distributed = import_extra("dask.distributed", "dask")
    callbacks = import_extra("dask.callbacks", "dask")
    # Not pure: its effect is a file, and a cluster would not run equal tasks again.
    job = dask.delayed(run, pure=False)
    tasks = [job(part, file) for part, file in zip(parts, files, strict=True)]
    keys = {task.key for task in tasks}

    def count(key, *_):
        bar.update(key in keys)

    # In this process, persist returns at the end, and calls back after each task.
    # On a cluster it returns at once, with futures.
    with callbacks.Callback(posttask=count):
        tasks = dask.persist(*tasks)
    futures = distributed.futures_of(tasks)
    try:
        if futures:
            for _ in distributed.as_completed(futures, with_results=True):
                bar.update()
        return dask.compute(*tasks)
    finally:
        # After an error or Ctrl-C the cluster shall not go on with the rest.
        for future in futures:
            future.release()


def _predict_part(predict, model_file, part, file):
    """Write the results of one part; return a complaint and warnings, if any."""
    with kept_warnings() as warnings:
        try:
            results = predict(part, Path(file), _load_model(model_file))
        except BadPart as error:
            return str(error).removesuffix("."), None
    if results is None:
        return None, None
    # Else the results of an earlier model could replace those of the present one.
    if not Path(model_file).exists():
        folder = str(Path(file).parent)
        raise RuntimeError(f"{folder!r} is written to by a later call.")
    table, schema = results
    write_parquet(table, file, schema=schema)
    return None, "; ".join(text.removesuffix(".") for text in warnings)


def _dump_model(model, path):
    """Write the model, with those of its classes that the user's script defines."""
    # joblib.dump only names these, and other processes do not run the script.
    with open(path, "wb") as file:
        import_extra("cloudpickle", "dask").dump(model, file)


# Each call has a path of its own, and one at a time is in use.
@lru_cache(maxsize=1)
def _load_model(path):
    """Load the model, once for each process and call."""
    return joblib.load(path)
