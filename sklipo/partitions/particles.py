"""Tables of particles, predicted partition by partition."""

from functools import partial
from pathlib import Path

import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import validate_params

from .._extras import import_extra
from ..datasets._complaints import raise_complaints
from ..datasets._image_columns import load_images
from ..datasets._parquet import read_outline, read_row_group
from ..datasets._tables import read_table
from ..images import ImageDtype
from ..particles._columns import strip_names
from ._parts import (
    CONSTRAINTS,
    BadPart,
    check_classifier,
    join_batches,
    names_of_results,
    open_results,
    predict_batch,
    predict_parts,
    read_named,
    read_results,
    refuse_taken,
)

# Minutes of work for one worker.
_ROWS_OF_CSV = 5000


@validate_params(CONSTRAINTS, prefer_skip_nested_validation=True)
def predict_partitions(
    model,
    table,
    out,
    *,
    root=None,
    batch_size=1000,
    n_jobs=None,
    overwrite=False,
    verbose=False,
):
    """Predict the class of every particle of a Dask table of image paths.

    This function is experimental: its parameters and files may change in any release.

    Each partition of the table becomes one Parquet file. Memory holds one batch of
    particles for each worker, however long the table is.

    Parameters
    ----------
    model : estimator
        A fitted classifier of particle tables, such as a pipeline.
    table : dask.dataframe.DataFrame, str or path-like
        A table of paths with a column ``image`` and, optionally, ``mask`` or
        ``padding``, as in :func:`~sklipo.datasets.load_particles`; or the path of such
        a table in CSV, which is read as there, 5000 rows a partition, or in Parquet,
        where each row group is a partition. A Parquet file of
        :func:`~sklipo.datasets.save_particles`, which holds the pixels, is taken as
        well.
    out : str or path-like
        Where to write; it is made if it does not exist. All workers must see it, and
        the images, under the same path.
    root : str or path-like, default=None
        The folder that the images' paths are relative to. None means the folder of the
        table's file, and the current folder for a Dask table.
    batch_size : int, default=1000
        Number of particles that are read and predicted at once.
    n_jobs : int, default=None
        Number of processes on this machine, as joblib counts them: -1 means one for
        each core. None leaves it to Dask: threads of this process by default, the
        workers of a cluster if there is a ``dask.distributed.Client``.
    overwrite : bool, default=False
        Whether to predict partitions again whose file exists. Otherwise they are kept,
        and an interrupted job continues.
    verbose : bool, default=False
        Whether to show a progress bar that counts the partitions.

    Returns
    -------
    dask.dataframe.DataFrame
        The results, not read yet: the table's columns but those that hold pixels,
        ``prediction`` and, if the model has probabilities, ``probability_<class>``
        for each class.

    Raises
    ------
    FileNotFoundError
        If there is no such table.
    OSError
        If a file can't be written, as on a full disk.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.
    TypeError
        If the table is neither a Dask DataFrame nor a path, or another parameter is of
        a wrong type.
    ValueError
        If `batch_size` is less than 1 or `n_jobs` is 0; if the table is damaged, is a
        CSV without rows, has no column ``image``, or has one that the results would
        replace; if the folder holds results of another table, or damaged ones; or if
        particles can't be read. The message then names partitions and files, and all
        other partitions are finished.

    See Also
    --------
    sklipo.datasets.load_particles : Read a table that fits in memory.

    Notes
    -----
    A file is written under another name and renamed when it is complete: a file named
    ``part-<number>.parquet`` is whole, even if a worker is killed, and predicting a
    partition twice does no harm. The images' paths tell whether a partition is the same
    as before or, where the table holds the pixels, all other columns do. Changes of the
    model or of pixels go unnoticed: pass ``overwrite=True`` or another folder after
    one. The files have checksums, like those of
    :func:`~sklipo.datasets.save_particles`. The model is kept in the folder as
    ``_model-<id>.joblib``, and each worker reads it once.

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
    check_classifier(model)
    outline, partitions, root = _open_table(table, root)
    _check_columns(strip_names(outline).columns, names_of_results(model))
    out = Path(out).resolve()
    files = [out / f"part-{n:06}.parquet" for n in range(len(partitions))]
    complaints = predict_parts(
        partial(_predict_partition, root, batch_size),
        model,
        partitions,
        [file.stem for file in files],
        files,
        unit="partition",
        overwrite=overwrite,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    raise_complaints(complaints, "partitions can't be predicted:\n", separator="\n")
    return open_results(files)


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
        outline, n_groups = read_named(path, read_outline)
        groups = range(max(1, n_groups))
        # Read by the workers, with the file's checksums, which Dask does not check.
        return (
            outline,
            [partial(read_named, path, read_row_group, n) for n in groups],
            root,
        )
    options = {"split_row_groups": True}
    table = read_named(str(path), partial(dataframe.read_parquet, **options))
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


def _check_columns(columns, results):
    """Raise an error unless the table has images and room for the results."""
    if "image" not in columns:
        raise ValueError(
            f"The table has no column 'image', only {list(columns)}; rename the one "
            "that holds the images' paths: table.rename(columns={'name': 'image'})."
        )
    refuse_taken(columns, results)


def _predict_partition(root, batch_size, partition, file, model):
    """Return the results of one partition, None if they are there."""
    try:
        # A row group is read here.
        partition = strip_names(partition() if callable(partition) else partition)
    except ValueError as error:
        raise BadPart(str(error)) from error
    kept = _without_pixels(partition)
    if file.exists():
        _check_same(kept, file)
        return None
    results = []
    for start in range(0, len(partition), batch_size):
        rows = partition.iloc[start : start + batch_size].reset_index(drop=True)
        try:
            particles = _load_pixels(rows, root)
        except ValueError as error:
            raise BadPart(f"from row {start} on, {error}") from error
        try:
            results.append(predict_batch(model, particles))
        except Exception as error:
            error.add_note(f"In {file.stem}, {len(rows)} rows from {start} on.")
            raise
    return kept.assign(**join_batches(model, results)), None


def _load_pixels(rows, root):
    """Return particles with their pixels, which a table can hold or name."""
    if isinstance(rows["image"].dtype, ImageDtype):
        return rows
    # A batch holds all that is in memory at once.
    return load_images(rows, root, if_more="pass a smaller batch_size", n_jobs=1)


def _without_pixels(table):
    """Return the columns of a table that hold no images."""
    dtypes = table.dtypes.items()
    pixels = [name for name, dtype in dtypes if isinstance(dtype, ImageDtype)]
    return table.drop(columns=pixels)


def _check_same(expected, file):
    """Raise an error if a file holds results of other particles."""
    # The path tells which particle it is. One with pixels is known by all that is kept.
    names = ["image"] if "image" in expected else list(expected)
    kept = read_results(file)
    if set(names) <= set(kept) and len(kept) == len(expected):
        pairs = [(kept[name], expected[name]) for name in names]
        if all(
            a.reset_index(drop=True).equals(b.reset_index(drop=True)) for a, b in pairs
        ):
            return
    raise ValueError(
        f"{str(file)!r} holds results of other particles; pass overwrite=True to "
        "replace them, or another folder."
    )
