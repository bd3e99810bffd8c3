"""Micrographs: read, cut into particles and predicted, one at a time."""

import json
import os
from functools import partial
from hashlib import sha256
from numbers import Integral, Real
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval, validate_params

from ..datasets._complaints import describe_complaints, raise_complaints
from ..datasets._places import find_places
from ..datasets.extraction import extract_particles
from ..particles._warnings import warn_caller
from ._micrograph_tables import open_micrographs
from ._parts import (
    CONSTRAINTS,
    BadPart,
    check_classifier,
    join_batches,
    names_of_results,
    open_results,
    predict_batch,
    predict_parts,
    read_results,
    refuse_taken,
)

# The same in all files, whatever the instances of one micrograph state. Names and
# numbers of instances are texts, since a table can have files of both.
_TYPES = {
    "instance": pa.string(),
    "x": pa.float64(),
    "y": pa.float64(),
    "x_nm": pa.float64(),
    "y_nm": pa.float64(),
    "diameter": pa.float64(),
    "diameter_nm": pa.float64(),
    "touches_border": pa.bool_(),
    "overlaps": pa.float64(),
    "enclosed_by": pa.string(),
    "label": pa.string(),
}
_FAILURE = "micrographs can't be predicted:\n"


class _Work(NamedTuple):
    """What is done with each micrograph."""

    root: Path
    cut: dict
    batch_size: int
    schema: pa.Schema


@validate_params(
    {
        **CONSTRAINTS,
        "margin": [Interval(Integral, 0, None, closed="left")],
        "box": [Interval(Integral, 1, None, closed="left"), None],
        "mask_diameter": [Interval(Real, 0, None, closed="neither"), None],
    },
    prefer_skip_nested_validation=True,
)
def predict_micrographs(
    model,
    table,
    out,
    *,
    root=None,
    margin=50,
    box=None,
    mask_diameter=None,
    batch_size=1000,
    n_jobs=None,
    overwrite=False,
    verbose=False,
):
    """Predict the class of every particle of many micrographs.

    This function is experimental: its parameters and files may change in any release.

    Each micrograph becomes one Parquet file with a row per particle: where it lies, its
    size, its class. Memory holds one micrograph for each worker, however many there
    are. Call the function again after an interrupt, a power cut or an error: it goes on
    where it was.

    Parameters
    ----------
    model : estimator
        A fitted classifier of particle tables, such as a pipeline.
    table : DataFrame, str, path-like or pair of str
        One row per micrograph, or the path of such a table in CSV or Parquet, with the
        columns

        - ``micrograph``: the path of what :func:`~sklipo.datasets.read_micrograph`
          reads;
        - ``instances``: the path of what :func:`~sklipo.datasets.read_instances` reads:
          a label image, ROIs, COCO; or, with `box`, of coordinates;
        - ``pixel_size``, if wanted: nm per pixel, which replaces that of the
          micrograph's file, or NaN;

        and any others, such as ``sample``, which are repeated for each particle. Or a
        pair of patterns, such as ``("mics/*.mrc", "rois/*.zip")``: files of the same
        stem belong together. The second one may have an addition, as ``a_masks.tif``
        has for ``a.mrc``: masks, cp_masks, instances, labels, rois, RoiSet, seg.
    out : str or path-like
        The folder where to write; it is made if it does not exist. All workers must see
        it, and the micrographs, under the same path.
    root : str or path-like, default=None
        The folder that the paths are relative to. None means the folder of the table's
        file, else the current folder.
    margin : int, default=50
        Surrounding on each side of a particle in pixels, as in
        :func:`~sklipo.datasets.extract_particles`: what the model was trained with.
    box : int, default=None
        With coordinates, such as a STAR or CSV of x and y: side of the square cut-outs
        around them, in pixels. It takes the place of `margin`.
    mask_diameter : float, default=None
        With `box`, the diameter of the particles in nm: masks are disks then. None
        means that the model gets no masks.
    batch_size : int, default=1000
        Number of particles that are predicted at once.
    n_jobs : int, default=None
        Number of processes on this machine, as joblib counts them: -1 means one for
        each core. None leaves it to Dask: threads of this process by default, the
        workers of a cluster if there is a ``dask.distributed.Client``.
    overwrite : bool, default=False
        Whether to predict micrographs again whose file exists, and to remove files of
        micrographs that are not in the table.
    verbose : bool, default=False
        Whether to show a progress bar that counts the micrographs.

    Returns
    -------
    dask.dataframe.DataFrame
        The results, not read yet: the table's columns; ``pixel_size``; ``instance``,
        its number or name as a text; the center's ``x`` and ``y`` and the ``diameter``
        of the circle of the particle's area, in pixels and as ``x_nm``, ``y_nm`` and
        ``diameter_nm``; ``touches_border``, ``overlaps``, ``enclosed_by`` and ``label``
        as in :func:`~sklipo.datasets.extract_particles`; ``prediction`` and, if the
        model has probabilities, ``probability_<class>`` for each class. All have the
        same columns: what a micrograph does not tell is missing.

    Raises
    ------
    FileNotFoundError
        If there is no such table, or no file for one of the patterns.
    OSError
        If a file can't be written, as on a full disk.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.
    TypeError
        If the model is no classifier, the table is none of the above, or another
        parameter is of a wrong type.
    ValueError
        If a number is out of its range, or `mask_diameter` without `box`; if the table
        is damaged, has no rows, lacks a column, has a row without path, one micrograph
        in two rows, a pixel size that can't be true, or a column that the results would
        replace; if files of the patterns can't be paired; if the folder holds results
        of micrographs that are not in the table; or if no micrograph at all can be
        predicted.

    Warns
    -----
    UserWarning
        If some micrographs can't be predicted: files that are missing or damaged,
        instances that lie outside, no particle, a model that can't take them. The first
        are named with the reason. They are tried again by the next call. Also if
        micrographs give warnings.

    See Also
    --------
    predict_partitions : Predict particles that are cut out already.
    estimate_prevalence : Shares of the sample from these predictions.
    sklipo.datasets.extract_particles : Cut the particles out of one micrograph.

    Notes
    -----
    A file is written under another name and renamed when it is complete. Results are
    kept if they are whole and were made from the same row of the table, by the same
    `margin`, `box`, `mask_diameter` and classes, from files of the same size and time
    of change. Other changes of the model go unnoticed: pass ``overwrite=True`` or
    another folder after one. The model is kept in the folder as
    ``_model-<id>.joblib``.

    The results of a micrograph are in the order of its instances: those of
    :func:`~sklipo.datasets.extract_particles`, which has the masks that
    :class:`~sklipo.displays.MicrographDisplay` and
    :func:`~sklipo.datasets.save_classes` need.

    With `n_jobs`, processes of a call that was killed by ``kill -9`` may stay for some
    minutes. They write nothing once another call has begun in the same folder.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import cv2
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklipo import make_svc_pipeline, predict_micrographs
    >>> from sklipo.datasets import make_liposomes
    >>> particles = make_liposomes(40, weights=None, random_state=0)
    >>> model = make_svc_pipeline("thesis").fit(particles, particles["label"])
    >>> labels = np.zeros((90, 120), np.uint8)
    >>> labels[20:60, 10:50], labels[30:70, 70:110] = 1, 2
    >>> pixels = np.random.default_rng(0).integers(0, 255, labels.shape, np.uint8)
    >>> names = {"micrograph": ["a.png"], "instances": ["a_labels.png"]}
    >>> table = pd.DataFrame(names | {"pixel_size": 1.2, "sample": "fresh"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = cv2.imwrite(Path(folder) / "a.png", pixels)
    ...     _ = cv2.imwrite(Path(folder) / "a_labels.png", labels)
    ...     out = Path(folder) / "predictions"
    ...     results = predict_micrographs(model, table, out, root=folder)
    ...     results[["micrograph", "sample", "instance", "x", "y"]].compute()
      micrograph sample instance     x     y
    0      a.png  fresh        1  29.5  39.5
    1      a.png  fresh        2  89.5  49.5
    """
    check_classifier(model)
    table, root = open_micrographs(table, root)
    refuse_taken(table.columns, [*_TYPES, *names_of_results(model)])
    if mask_diameter is not None and box is None:
        raise ValueError("mask_diameter is for coordinates: pass box= as well.")
    cut = {"margin": margin, "box": box, "mask_diameter": mask_diameter}
    work = _Work(root, cut, batch_size, _find_schema(table, model))
    out = Path(out).resolve()
    files = [out / _name_part(path) for path in table["micrograph"]]
    complaints = predict_parts(
        partial(_predict_micrograph, work),
        model,
        [table[i : i + 1] for i in range(len(table))],
        table["micrograph"],
        files,
        unit="micrograph",
        n_jobs=n_jobs,
        overwrite=overwrite,
        verbose=verbose,
    )
    if all(complaints):
        raise_complaints(complaints, _FAILURE, separator="\n")
    if text := describe_complaints(complaints, _FAILURE, separator="\n"):
        warn_caller(f"{text} The next call tries them again.")
    good = [f for f, complaint in zip(files, complaints, strict=True) if not complaint]
    return open_results(good)


def _find_schema(table, model):
    """Return the arrow schema of all results."""
    try:
        own = pa.Table.from_pandas(table, preserve_index=False).schema
    # pyarrow raises errors of many kinds.
    except Exception as error:
        raise ValueError(
            f"The table can't be saved as Parquet: {error}; give each column one type "
            "of values, such as table[name].astype(str)."
        ) from error
    types = dict(zip(own.names, own.types, strict=True)) | {"pixel_size": pa.float64()}
    prediction, *probabilities = names_of_results(model)
    types |= _TYPES | {prediction: pa.array(model.classes_).type}
    return pa.schema(types | dict.fromkeys(probabilities, pa.float64()))


def _name_part(micrograph):
    """Return the name of the file of a micrograph, for people and for sure."""
    digest = sha256(os.fsencode(micrograph)).hexdigest()
    return f"part-{Path(micrograph).stem[:50]}-{digest[:12]}.parquet"


def _predict_micrograph(work, part, file, model):
    """Return the results of a micrograph and their schema, None if they are there."""
    try:
        made_from = _describe_sources(work, part.iloc[0])
        if file.exists():
            if _is_kept(file, made_from):
                return None
            # They must not stay if the new ones fail. Those whose sources are out of
            # reach do stay: a drive may be unplugged.
            file.unlink()
        results = _predict(work, part, model)
    # Whatever is wrong with this one, the others can be good.
    except Exception as error:
        is_clear = isinstance(error, ValueError | OSError | ImportError)
        kind = "" if is_clear else f"{type(error).__name__}: "
        raise BadPart(f"{kind}{error}") from error
    # pandas keeps these in Parquet.
    results.attrs["made_from"] = made_from
    return results, work.schema


def _describe_sources(work, row):
    """Return a text that changes with all that results are made from but the model."""
    states = [os.stat(work.root / row[name]) for name in ("micrograph", "instances")]
    return json.dumps(
        {
            "row": [str(value) for value in row],
            "files": [[state.st_size, state.st_mtime_ns] for state in states],
            "cut": {name: str(value) for name, value in work.cut.items()},
            "columns": [f"{field.name}: {field.type}" for field in work.schema],
        }
    )


def _is_kept(file, made_from):
    """Tell whether a file holds whole results that were made from the same."""
    try:
        return read_results(file).attrs.get("made_from") == made_from
    except ValueError:
        return False


def _predict(work, part, model):
    """Return the results of a micrograph."""
    row = part.iloc[0]
    stated = row.get("pixel_size", np.nan)
    particles = extract_particles(
        work.root / row["micrograph"],
        work.root / row["instances"],
        pixel_size=None if np.isnan(stated) else stated,
        **work.cut,
    )
    starts = range(0, len(particles), work.batch_size)
    batches = (particles[start : start + work.batch_size] for start in starts)
    results = join_batches(model, [predict_batch(model, batch) for batch in batches])
    found = find_places(particles).drop(columns="micrograph")
    return _tabulate(work.schema, part, particles, found.assign(**results))


def _tabulate(schema, part, particles, found):
    """Return the columns of the schema, missing where nothing is known."""
    copied = [name for name in schema.names if name in particles and name not in found]
    found = found.join(particles[copied])
    # The pixel size is that which was used.
    own = part.drop(columns=["pixel_size"], errors="ignore")
    own = own.loc[own.index.repeat(len(found))].reset_index(drop=True)
    table = pd.concat([own, found.drop(columns=own.columns, errors="ignore")], axis=1)
    for name in ("instance", "enclosed_by", "label"):
        if name in table:
            table[name] = table[name].map(str, na_action="ignore").astype(object)
    return table.reindex(columns=schema.names)
