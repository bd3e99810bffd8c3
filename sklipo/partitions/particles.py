"""Tables of particles, predicted partition by partition."""

from functools import lru_cache, partial
from numbers import Integral
from os import PathLike
from pathlib import Path
from uuid import uuid4

import joblib
import numpy as np
import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval, validate_params
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from .._extras import import_extra
from .._steps import predict_both
from ..datasets._complaints import raise_complaints
from ..datasets._image_columns import load_images
from ..datasets._parquet import (
    read_outline,
    read_parquet,
    read_row_group,
    write_parquet,
)
from ..datasets._tables import read_table
from ..datasets._writing import remove_drafts, write_whole
from ..images import ImageDtype
from ..particles._columns import strip_names

# Minutes of work for one worker.
_ROWS_OF_CSV = 5000


@validate_params(
    {
        "folder": [str, PathLike],
        "root": [str, PathLike, None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "overwrite": ["boolean"],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def predict_partitions(
    estimator,
    table,
    folder,
    *,
    root=None,
    batch_size=1000,
    overwrite=False,
    verbose=False,
):
    """Predict the class of every particle of a Dask table of image paths.

    This function is experimental: its parameters and files may change in any release.

    Each partition of the table becomes one Parquet file. Memory holds one batch of
    particles for each working thread, however long the table is. Dask chooses where the
    work is done: in threads of this process by default, on the workers of a cluster if
    there is a ``dask.distributed.Client``.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier of particle tables, such as a pipeline.
    table : dask.dataframe.DataFrame, str or path-like
        A table of paths with a column ``image`` and, optionally, ``mask`` or
        ``padding``, as in :func:`~sklipo.datasets.load_particles`; or the path of such
        a table in CSV, which is read as there, 5000 rows a partition, or in Parquet,
        where each row group is a partition. A Parquet file of
        :func:`~sklipo.datasets.save_particles`, which holds the pixels, is taken as
        well.
    folder : str or path-like
        Where to write; it is made if it does not exist. All workers must see it, and
        the images, under the same path.
    root : str or path-like, default=None
        The folder that the images' paths are relative to. None means the folder of the
        table's file, and the current folder for a Dask table.
    batch_size : int, default=1000
        Number of particles that are read and predicted at once.
    overwrite : bool, default=False
        Whether to predict partitions again whose file exists. Otherwise they are kept,
        and an interrupted job continues.
    verbose : bool, default=False
        Whether to show a progress bar that counts the partitions.

    Returns
    -------
    dask.dataframe.DataFrame
        The results, not read yet: the table's columns but those that hold pixels,
        ``prediction`` and, if the estimator has probabilities, ``probability_<class>``
        for each class.

    Raises
    ------
    FileNotFoundError
        If there is no such table.
    OSError
        If a file can't be written, as on a full disk.
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    TypeError
        If the table is neither a Dask DataFrame nor a path, or another parameter is of
        a wrong type.
    ValueError
        If `batch_size` is less than 1; if the table is damaged, is a CSV without rows,
        has no column ``image``, or has one that the results would replace; if the
        folder holds results of another table, or damaged ones; or if particles can't be
        read. The message then names partitions and files, and all other partitions are
        finished.

    See Also
    --------
    sklipo.datasets.load_particles : Read a table that fits in memory.

    Notes
    -----
    A file is written under another name and renamed when it is complete: a file named
    ``part-<number>.parquet`` is whole, even if a worker is killed, and predicting a
    partition twice does no harm. The images' paths tell whether a partition is the same
    as before or, where the table holds the pixels, all other columns do. Changes of the
    estimator or of pixels go unnoticed: pass ``overwrite=True`` or another folder after
    one. The files have checksums, like those of
    :func:`~sklipo.datasets.save_particles`. The estimator is kept in the folder
    as ``_model-<id>.joblib``, and each worker reads it once.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklipo import make_svc_pipeline, predict_partitions
    >>> from sklipo.datasets import make_liposomes, save_particles
    >>> particles = make_liposomes(40, weights=None, random_state=0)
    >>> model = make_svc_pipeline("thesis").fit(particles, particles["label"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_particles(particles, Path(folder) / "particles.csv")
    ...     table = Path(folder) / "particles.csv"
    ...     results = predict_partitions(model, table, Path(folder) / "predictions")
    ...     results["prediction"].compute().shape
    (40,)
    """
    check_is_fitted(estimator)
    outline, partitions, root = _open_table(table, root)
    _check_columns(strip_names(outline).columns, _names_of_results(estimator))
    folder = Path(folder).resolve()
    files = [folder / f"part-{n:06}.parquet" for n in range(len(partitions))]
    model_file = _prepare_folder(folder, files, overwrite)
    write_whole(model_file, partial(joblib.dump, estimator))
    # Not pure: its effect is a file, and a cluster would not run equal tasks again.
    job = import_extra("dask", "dask").delayed(_predict_partition, pure=False)
    tasks = [
        job(partition, str(file), str(model_file), str(root), batch_size)
        for partition, file in zip(partitions, files, strict=True)
    ]
    raise_complaints(
        _compute(tasks, verbose), "partitions can't be predicted:\n", separator="\n"
    )
    remove_drafts(folder)
    return import_extra("dask.dataframe", "dask").from_map(
        _read_results, [str(file) for file in files], meta=_read_results(files[0])[:0]
    )


def _open_table(table, root):
    """Return a table's columns, without rows, its partitions, and its paths' folder."""
    dataframe = import_extra("dask.dataframe", "dask")
    if isinstance(table, dataframe.DataFrame):
        return _outline(table), table.to_delayed(), Path(root or "").resolve()
    if not isinstance(table, str | Path):
        raise TypeError(
            f"table is a {type(table).__name__}; expected the path of a Parquet or CSV "
            "file, or a Dask DataFrame, as dask.dataframe.from_pandas(table, "
            "npartitions=8) makes one of a pandas DataFrame."
        )
    path = Path(table).resolve()
    root = path.parent if root is None else Path(root).resolve()
    # A name such as part-*.csv stands for several files.
    files = [path] if path.exists() else sorted(path.parent.glob(path.name))
    if not files:
        raise FileNotFoundError(f"There is no file or folder {str(path)!r}.")
    if not all(file.is_file() or file.is_dir() for file in files):
        raise ValueError(f"{str(path)!r} is no regular file, expected a table.")
    if path.suffix.lower() == ".csv":
        return *_open_csv(files), root
    if path.is_file():
        outline, n_groups = _read(path, read_outline)
        groups = range(max(1, n_groups))
        # Read by the workers, with the file's checksums, which Dask does not check.
        return outline, [partial(_read, path, read_row_group, n) for n in groups], root
    options = {"split_row_groups": True}
    table = _read(str(path), partial(dataframe.read_parquet, **options))
    return _outline(table), table.to_delayed(), root


def _open_csv(files):
    """Return the columns of CSV files, without rows, and their partitions."""
    to_rename = "table.rename(columns={})"
    tables = [read_table(file, {}, to_rename) for file in files]
    table = pd.concat(tables, ignore_index=True)
    starts = range(0, len(table), _ROWS_OF_CSV)
    return table[:0], [table[start : start + _ROWS_OF_CSV] for start in starts]


def _outline(table):
    """Return the columns of a Dask DataFrame, without rows."""
    return pd.DataFrame(columns=table.columns)


def _names_of_results(estimator):
    """Return the names of the columns that the estimator adds."""
    names = ["prediction"]
    if hasattr(estimator, "predict_proba"):
        names += [f"probability_{label}" for label in estimator.classes_]
    return names


def _check_columns(columns, results):
    """Raise an error unless the table has images and room for the results."""
    if "image" not in columns:
        raise ValueError(
            f"The table has no column 'image', only {list(columns)}; rename the one "
            "that holds the images' paths: table.rename(columns={'name': 'image'})."
        )
    taken = [name for name in results if name in columns]
    if taken:
        raise ValueError(
            f"The table has columns {taken}, which the results would replace; drop or "
            "rename them."
        )


def _prepare_folder(folder, files, overwrite):
    """Make the folder ready for the files; return a new name for the model's file."""
    folder.mkdir(parents=True, exist_ok=True)
    remove_drafts(folder)
    existing = {f for f in folder.glob("part-*.parquet") if f.stem[5:].isdecimal()}
    if existing - set(files) and not overwrite:
        raise ValueError(
            f"{str(folder)!r} holds results of a table of more than {len(files)} "
            "partitions; pass overwrite=True to remove them, or another folder."
        )
    # Removing earlier model files tells tasks of earlier calls, if any are still
    # running, to stop.
    for file in [*folder.glob("_model-*.joblib"), *(existing if overwrite else ())]:
        file.unlink()
    # Dask and pandas skip names with a leading underscore when they read the folder.
    return folder / f"_model-{uuid4().hex}.joblib"


def _compute(tasks, verbose):
    """Return the results of tasks, from this process or from a connected cluster."""
    dask = import_extra("dask", "dask")
    distributed = import_extra("dask.distributed", "dask")
    callbacks = import_extra("dask.callbacks", "dask")
    keys = {task.key for task in tasks}
    n_tasks, unit = len(tasks), "partition"
    with tqdm(None, "Predicting", n_tasks, unit=unit, disable=not verbose) as bar:

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


def _predict_partition(partition, file, model_file, root, batch_size):
    """Write the results of one partition; return a complaint if it can't be read."""
    file = Path(file)
    try:
        # A row group is read here.
        partition = strip_names(partition() if callable(partition) else partition)
        if file.exists():
            return _compare_rows(partition, file)
    except ValueError as error:
        return f"{file.stem}: {str(error).removesuffix('.')}"
    model = _load_model(model_file)
    # An empty partition needs the columns too, for Dask to read all files alike.
    results = [_no_results(model)]
    for start in range(0, len(partition), batch_size):
        rows = partition.iloc[start : start + batch_size].reset_index(drop=True)
        try:
            particles = _load_pixels(rows, root)
        except ValueError as error:
            reason = str(error).removesuffix(".")
            return f"{file.stem}, from row {start} on: {reason}"
        try:
            results.append(_predict(model, particles))
        except Exception as error:
            error.add_note(f"In {file.stem}, {len(rows)} rows from {start} on.")
            raise
    names, columns = _names_of_results(model), zip(*results, strict=True)
    table = _without_pixels(partition).assign(
        **dict(zip(names, map(np.concatenate, columns), strict=True))
    )
    # Else the results of an earlier estimator could replace those of the present one.
    if not Path(model_file).exists():
        raise RuntimeError(f"{str(file.parent)!r} is written to by a later call.")
    write_parquet(table, file)
    return None


def _load_pixels(rows, root):
    """Return particles with their pixels, which a table can hold or name."""
    if isinstance(rows["image"].dtype, ImageDtype):
        return rows
    # A batch holds all that is in memory at once.
    return load_images(rows, Path(root), if_more="pass a smaller batch_size", n_jobs=1)


def _without_pixels(table):
    """Return the columns of a table that hold no images."""
    dtypes = table.dtypes.items()
    pixels = [name for name, dtype in dtypes if isinstance(dtype, ImageDtype)]
    return table.drop(columns=pixels)


def _compare_rows(partition, file):
    """Return a complaint if a file holds results of other particles."""
    expected = _without_pixels(partition)
    # The path tells which particle it is. One with pixels is known by all that is kept.
    names = ["image"] if "image" in expected else list(expected)
    kept = _read_results(file)
    if set(names) <= set(kept) and len(kept) == len(expected):
        pairs = [(kept[name], expected[name]) for name in names]
        if all(
            a.reset_index(drop=True).equals(b.reset_index(drop=True)) for a, b in pairs
        ):
            return None
    return (
        f"{file.stem}: the file holds results of other particles; pass overwrite=True "
        "to replace them, or another folder"
    )


def _read_results(file, columns=None):
    """Return the results of one partition."""
    return _read(file, read_parquet, columns)


def _read(path, read, *arguments):
    """Read from a file; a ValueError names it."""
    try:
        return read(path, *arguments)
    except ValueError as error:
        raise ValueError(f"{str(path)!r} can't be read: {error}") from error


# Each call of predict_partitions has a path of its own, and one at a time is in use.
@lru_cache(maxsize=1)
def _load_model(path):
    """Load the model, once for each process and call of predict_partitions."""
    return joblib.load(path)


def _no_results(model):
    """Return the results of no particle: an array for each column."""
    n_probabilities = len(_names_of_results(model)) - 1
    return [model.classes_[:0], *np.empty((n_probabilities, 0), np.float32)]


def _predict(model, particles):
    """Return the results of some particles: an array for each column."""
    y_pred, y_proba = predict_both(model, particles)
    return [y_pred] if y_proba is None else [y_pred, *y_proba.T]
