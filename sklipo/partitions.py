"""Prediction of particles that fit in no memory, on one machine or on many."""

from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

import joblib
import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from ._extras import import_extra
from ._steps import predict_both
from .datasets._complaints import raise_complaints
from .datasets._image_columns import load_images
from .datasets._tables import TEXT_COLUMNS


def predict_partitions(
    model, table, folder, *, root=None, batch_size=1000, overwrite=False, verbose=False
):
    """Predict the class of every particle of a Dask table of image paths.

    Each partition of the table becomes one Parquet file. What is in memory is one batch
    of particles for each thread that works, however long the table is. Where the work
    is done is Dask's choice: threads of this process by default, the workers of a
    cluster where a ``dask.distributed.Client`` is there.

    Parameters
    ----------
    model : estimator
        A fitted classifier of particle tables, such as a pipeline.
    table : dask.dataframe.DataFrame, str or path-like
        A table of paths with a column ``image`` and, optionally, ``mask`` or
        ``padding``, as in :func:`~sklipo.datasets.load_particles`; or the path of such
        a table in Parquet, of which each row group is a partition, or in CSV.
    folder : str or path-like
        Where to write; it is made if it is not there. The workers must see it, and the
        images, under the same path.
    root : str or path-like, default=None
        The folder that the images' paths are relative to. None means the folder that
        the table's file is in, and the present one for a Dask table.
    batch_size : int, default=1000
        Number of particles that are read and predicted at once.
    overwrite : bool, default=False
        Whether to predict partitions again whose file is there. Otherwise they are
        left as they are, so that a job that was interrupted goes on.
    verbose : bool, default=False
        Whether to show a progress bar that counts the partitions.

    Returns
    -------
    dask.dataframe.DataFrame
        The results, not read yet: the table's columns, ``prediction`` and, if the
        model has probabilities, ``probability_<class>`` for each class.

    Raises
    ------
    FileNotFoundError
        If there is no such table.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.
    TypeError
        If the table is neither a Dask DataFrame nor a path.
    ValueError
        If the table has no column ``image``, or one that the results would replace; if
        the folder holds results of another table; or if particles can't be read. The
        message then names partitions and files, and all other partitions are done.

    See Also
    --------
    sklipo.datasets.load_particles : Read a table that fits in memory.

    Notes
    -----
    A file is written under another name and renamed when it is complete: what has the
    name ``part-<number>.parquet`` is whole, even if a worker is killed, and to predict
    a partition twice does no harm. Paths tell whether a partition is the same as
    before; a change of the model or of the pixels is not noticed, so pass
    ``overwrite=True`` or another folder after one. The model is kept in the folder as
    ``_model-<id>.joblib``, from where each worker reads it once.

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
    check_is_fitted(model)
    table, root = _open_table(table, root)
    _check_columns(table.columns, _names_of_results(model))
    folder = Path(folder).resolve()
    files = [folder / f"part-{n:06}.parquet" for n in range(table.npartitions)]
    model_file = _prepare_folder(folder, files, overwrite)
    _replace(model_file, lambda path: joblib.dump(model, path))
    job = import_extra("dask", "dask").delayed(_predict_partition, pure=False)
    tasks = [
        job(partition, str(file), str(model_file), str(root), batch_size)
        for partition, file in zip(table.to_delayed(), files, strict=True)
    ]
    with _progress(folder, len(files), verbose):
        complaints = import_extra("dask", "dask").compute(*tasks)
    raise_complaints(complaints, "partitions can't be predicted:\n", separator="\n")
    for left_over in folder.glob(".part-*"):  # by workers that were killed
        left_over.unlink(missing_ok=True)
    return import_extra("dask.dataframe", "dask").read_parquet(str(folder))


def _open_table(table, root):
    """Return the table as a Dask DataFrame, and the folder its paths start from."""
    dataframe = import_extra("dask.dataframe", "dask")
    if isinstance(table, dataframe.DataFrame):
        return table, Path("" if root is None else root).resolve()
    if not isinstance(table, str | Path):
        raise TypeError(
            f"table is a {type(table).__name__}; expected the path of a Parquet or CSV "
            "file, or a Dask DataFrame, as dask.dataframe.from_pandas(table, "
            "npartitions=8) makes one of a pandas DataFrame."
        )
    path = Path(table).resolve()
    root = path.parent if root is None else Path(root).resolve()
    if not any(path.parent.glob(path.name)):
        raise FileNotFoundError(f"There is no file or folder {str(path)!r}.")
    if path.suffix.lower() == ".csv":
        text = dict.fromkeys(TEXT_COLUMNS, str)
        # A megabyte has some ten thousand paths, as many as one worker should take.
        return dataframe.read_csv(str(path), dtype=text, blocksize="1MB"), root
    return dataframe.read_parquet(str(path), split_row_groups=True), root


def _names_of_results(model):
    """Return the names of the columns that the model adds."""
    names = ["prediction"]
    if hasattr(model, "predict_proba"):
        names += [f"probability_{label}" for label in model.classes_]
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
    """Make the folder ready for the files; return a new name for the model's file.

    Dask and pandas leave out a file of such a name when they read the folder. The
    models of former calls are removed: by that their tasks, if any still run, know that
    they are called off.
    """
    folder.mkdir(parents=True, exist_ok=True)
    there = set(folder.glob("part-*.parquet"))
    if there - set(files) and not overwrite:
        raise ValueError(
            f"{str(folder)!r} holds results of a table of more than {len(files)} "
            "partitions; pass overwrite=True to remove them, or another folder."
        )
    for file in [*folder.glob("_model-*.joblib"), *(there if overwrite else ())]:
        file.unlink()
    return folder / f"_model-{uuid4().hex}.joblib"


def _replace(file, write):
    """Write a file so that it is there as a whole or not at all."""
    draft = file.with_name(f".{file.stem}.{uuid4().hex}")
    try:
        write(draft)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _progress(folder, n_files, verbose):
    """Show how many files there are, wherever they are written."""
    done = Event()

    def watch():
        with tqdm(desc="Predicting", total=n_files, unit="partition") as bar:
            finished = False
            while not finished:
                finished = done.wait(0.5)
                bar.update(sum(1 for _ in folder.glob("part-*.parquet")) - bar.n)

    thread = Thread(target=watch if verbose else done.wait)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _predict_partition(partition, file, model_file, root, batch_size):
    """Write the results of one partition; return what is wrong with it, if anything."""
    file = Path(file)
    if file.exists():
        return _compare_rows(partition, file)
    model = _load_model(model_file)
    results = [_no_results(model)]
    for start in range(0, len(partition), batch_size):
        paths = partition.iloc[start : start + batch_size].reset_index(drop=True)
        try:
            particles = load_images(paths, Path(root), n_jobs=1)
        except ValueError as error:
            return f"{file.stem}, from row {start} on: {error}"
        try:
            results.append(_predict(model, particles))
        except Exception as error:
            error.add_note(f"In {file.stem}, {len(paths)} rows from {start} on.")
            raise
    names, columns = _names_of_results(model), zip(*results, strict=True)
    table = partition.assign(
        **dict(zip(names, map(np.concatenate, columns), strict=True))
    )
    if not Path(model_file).exists():
        raise RuntimeError(f"{str(file.parent)!r} is written to by a later call.")
    _replace(file, table.to_parquet)
    return None


def _compare_rows(partition, file):
    """Return a complaint if a file holds results of other particles."""
    kept = pd.read_parquet(file, columns=["image"])["image"]
    if kept.tolist() == partition["image"].tolist():
        return None
    return (
        f"{file.stem}: the file there holds results of other particles; pass "
        "overwrite=True to replace them, or another folder."
    )


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
