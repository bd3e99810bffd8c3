"""Particle tables to files."""

from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import validate_params

from ..images import ImageDtype
from ..particles._columns import strip_names
from ..particles._masks import as_mask
from ._csv import encode_csv
from ._parquet import write_parquet
from ._pixel_files import encode_pixels, lossless_suffix
from ._writing import (
    check_place,
    naming,
    new_folder,
    remove_unused_folders,
    sync_folder_tree,
    write_whole,
)

# Small enough that a worker holds several, large enough that reading takes no longer.
_GROUP_BYTES = 64e6


@validate_params(
    {"particles": [pd.DataFrame], "path": [str, PathLike], "overwrite": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def save_particles(particles, path, *, overwrite=False):
    """Save a particle table for :func:`load_particles`.

    Parameters
    ----------
    particles : DataFrame
        The particle table.
    path : str or path-like
        A path that ends in ``.parquet`` becomes one file that holds the pixels too. A
        path that ends in ``.csv`` becomes a table of relative paths. The files are
        beside it, those of ``particles.csv`` in the folder ``particles_files``.
    overwrite : bool, default=False
        Whether an existing table may be replaced, with its images and masks.

    Raises
    ------
    FileExistsError
        If the table exists already and `overwrite` is False, or is no regular file, or
        if a file has the name of the folder for images.
    FileNotFoundError
        If the folder to write to does not exist.
    OSError
        If a file can't be written: the disk is full, or a former one is read-only.
    TypeError
        If `particles` is no DataFrame with a column ``image`` of dtype ``"image"``.
    ValueError
        If `path` has another ending; if Parquet has no type for a column's values; or,
        for a CSV, if :func:`load_particles` would refuse an image or mask (missing, NaN
        pixels, an empty mask, more than two levels in one), a column occurs twice,
        columns besides ``image`` and ``mask`` hold images or arrays, or a text can't be
        encoded.

    See Also
    --------
    load_particles : Load a particle table.

    Notes
    -----
    Pixels keep every bit and their dtype in both formats: beside a CSV, uint8 and
    uint16 images are PNG files, all others TIFF. The other columns keep their types in
    Parquet, while a CSV keeps only numbers and text, and no index.

    A table is replaced as a whole or not at all: whatever goes wrong, be it that the
    process is killed, `path` holds the former table or the new one. Each saving of a
    CSV makes a new folder in ``particles_files``. The former one is removed at the end,
    unless another CSV beside it names it, such as an edited copy. A table that is being
    loaded meanwhile may miss files, which is an error.

    Checksums find damage. Those of a Parquet file are for its pages and its footer,
    those of images and masks are in their files; programs that read these skip them,
    and a file that another program saved anew has none. The text of a CSV can have no
    checksum: a digit that changed in it, or lines lost at its end, go unnoticed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklipo import ImageArray
    >>> from sklipo.datasets import load_particles, save_particles
    >>> images = ImageArray([np.zeros((4, 5)), np.ones((6, 3))])
    >>> particles = pd.DataFrame({"image": images, "label": ["empty", "full"]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_particles(particles, Path(folder) / "particles.csv")
    ...     load_particles(Path(folder) / "particles.csv")
               image  label
    0  <4x5 float64>  empty
    1  <6x3 float64>   full
    """
    path = Path(path)
    savers = {".parquet": _save_parquet, ".csv": _save_csv}
    if path.suffix.lower() not in savers:
        raise ValueError(f"{str(path)!r}: expected a path ending in .parquet or .csv.")
    check_place(path, overwrite)
    if "image" not in _image_columns(particles):
        raise TypeError("particles has no column 'image' of dtype 'image'.")
    savers[path.suffix.lower()](particles, path)


def _image_columns(particles):
    """Return the names of the columns that hold images."""
    dtypes = particles.dtypes.items()
    return [name for name, dtype in dtypes if isinstance(dtype, ImageDtype)]


def _save_parquet(particles, path):
    """Save everything in one file."""
    write_parquet(particles, path, _count_rows_of_group(particles))


def _count_rows_of_group(particles):
    """Return how many particles go into one row group, some 64 MB of pixels."""
    columns = _image_columns(particles)
    n_bytes = sum(particles[name].array.nbytes for name in columns)
    return max(1, int(_GROUP_BYTES * len(particles) / max(n_bytes, 1)))


def _save_csv(particles, path):
    """Save a table of paths, and its images and masks in a folder of their own."""
    particles = strip_names(particles)
    images = {name: particles[name].array for name in _image_columns(particles)}
    _check_saves_as_csv(particles, images)
    parent = _files_folder(path)
    if parent.exists() and not parent.is_dir():
        raise FileExistsError(
            f"{str(parent)!r} is a file, where the images need a folder; rename it."
        )
    try:
        with naming(path), new_folder(parent) as folder:
            names = {
                column: _save_images(array, column, folder)
                for column, array in images.items()
            }
            sync_folder_tree(folder)
            start = f"{parent.name}/{folder.name}"
            paths = {k: [f"{start}/{name}" for name in v] for k, v in names.items()}
            table = encode_csv(particles.assign(**paths))
            write_whole(path, lambda draft: draft.write_bytes(table))
    finally:
        # Those of this table if it failed, else those of the one that it replaced.
        remove_unused_folders(parent, _list_tables(path.parent))


def _files_folder(path):
    """Return the folder for the files of a CSV table."""
    # Another ending is another table.
    stem = path.stem if path.suffix == ".csv" else path.name
    return path.with_name(f"{stem}_files")


def _save_images(array, column, folder):
    """Write the images of a column; return their names, relative to the folder."""
    (folder / f"{column}s").mkdir()
    suffix = ".png" if column == "mask" else lossless_suffix(array.pixel_dtype)
    # Names of equal length sort in the order of the rows.
    digits = max(5, len(str(len(array))))
    names = [f"{column}s/{i:0{digits}}{suffix}" for i in range(len(array))]
    for name, pixels in zip(names, array, strict=True):
        pixels = (pixels != 0) * np.uint8(255) if column == "mask" else pixels
        (folder / name).write_bytes(encode_pixels(pixels, suffix))
    return names


def _list_tables(folder):
    """Return the CSV files in a folder."""
    files = [file for file in folder.iterdir() if file.suffix.lower() == ".csv"]
    # Reading anything but a file could wait forever.
    return [file for file in files if file.is_file()]


def _check_saves_as_csv(particles, images):
    """Raise an error for what a CSV can't keep, or can't be loaded from one."""
    others = sorted(set(images) - {"image", "mask"}, key=str)
    arrays = [name for name in particles if _holds_arrays(particles[name])]
    for kind, names in [("images", others), ("arrays", arrays)]:
        if names:
            raise ValueError(
                f"A CSV can't keep the {kind} in {names}; save as .parquet."
            )
    for column, array in images.items():
        missing = np.flatnonzero(array.isna())
        if len(missing):
            raise ValueError(
                f"row {missing[0]}: the {column} is missing ({len(missing)} in all); "
                f"drop such rows with particles.dropna(subset=[{column!r}])."
            )
        check = _check_mask if column == "mask" else _check_image
        for i, pixels in enumerate(array):
            try:
                check(pixels)
            except ValueError as error:
                raise ValueError(f"row {i}: the {column} {error}") from error


def _holds_arrays(column):
    """Tell whether cells of a column are arrays, whose text leaves numbers out."""
    return column.dtype == object and any(isinstance(v, np.ndarray) for v in column)


def _check_mask(pixels):
    """Raise an error, without the row, for a mask that can't be loaded."""
    if not as_mask(pixels).any():
        raise ValueError("is empty; drop that particle.")


def _check_image(pixels):
    """Raise an error, without the row, for an image that can't be loaded."""
    if pixels.dtype.kind != "f":
        return
    if pixels.dtype.itemsize > 8:
        raise ValueError(
            f"has {pixels.dtype} pixels, which no file beside a CSV can hold; save as "
            ".parquet, or convert them to float64."
        )
    if not np.isfinite(pixels).all():
        raise ValueError("has NaN or infinite pixels; drop that particle.")
