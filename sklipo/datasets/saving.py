"""Particle tables to files."""

from pathlib import Path

import numpy as np
import pandas as pd

from ..images import ImageDtype
from ._csv import format_csv
from ._pixel_files import lossless_suffix, write_pixels


def save_particles(particles, path, *, overwrite=False):
    """Save a particle table for :func:`load_particles`.

    Parameters
    ----------
    particles : DataFrame
        The particle table.
    path : str or path-like
        A path that ends in ``.parquet`` becomes one file that holds the pixels too. A
        path that ends in ``.csv`` becomes a table of relative paths, with folders
        ``images`` and ``masks`` beside it.
    overwrite : bool, default=False
        Whether existing files may be replaced.

    Raises
    ------
    FileExistsError
        If a file exists already and `overwrite` is False. Nothing is written then.
    FileNotFoundError
        If the folder to write to does not exist.
    TypeError
        If `particles` is no DataFrame with a column ``image`` of dtype ``"image"``.
    ValueError
        If `path` has another ending or, for a CSV, if an image or mask is missing or
        columns besides ``image`` and ``mask`` hold images.

    See Also
    --------
    load_particles : Load a particle table.

    Notes
    -----
    Pixels keep every bit and their dtype in both formats: beside a CSV, uint8 and
    uint16 images are PNG files, all others TIFF. The other columns keep their types in
    Parquet, while a CSV keeps only numbers and text, and no index.

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
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(path.parent)!r}.")
    if not isinstance(particles, pd.DataFrame):
        kind = type(particles).__name__
        raise TypeError(f"particles is a {kind}, expected a DataFrame.")
    if "image" not in _image_columns(particles):
        raise TypeError("particles has no column 'image' of dtype 'image'.")
    savers[path.suffix.lower()](particles, path, overwrite)


def _image_columns(particles):
    """Return the names of the columns that hold images."""
    dtypes = particles.dtypes.items()
    return [name for name, dtype in dtypes if isinstance(dtype, ImageDtype)]


def _save_parquet(particles, path, overwrite):
    """Save everything in one file."""
    _check_free([path], overwrite)
    particles.to_parquet(path)


def _save_csv(particles, path, overwrite):
    """Save a table of paths, and its images and masks in folders beside it."""
    images = {name: particles[name].array for name in _image_columns(particles)}
    _check_saves_as_csv(images)
    # Names of equal length sort in the order of the rows.
    digits = max(5, len(str(len(particles))))
    names = {}
    for column, array in images.items():
        suffix = ".png" if column == "mask" else lossless_suffix(array.pixel_dtype)
        rows = range(len(particles))
        names[column] = [f"{column}s/{i:0{digits}}{suffix}" for i in rows]
    files = [path.parent / name for column in names.values() for name in column]
    _check_free([path, *files], overwrite)
    # The table is written last: if it exists, its images do.
    path.unlink(missing_ok=True)
    for column, array in images.items():
        (path.parent / f"{column}s").mkdir(exist_ok=True)
        for name, pixels in zip(names[column], array, strict=True):
            pixels = (pixels != 0) * np.uint8(255) if column == "mask" else pixels
            write_pixels(path.parent / name, pixels)
    table = format_csv(particles.assign(**names))
    path.write_text(table, encoding="utf-8", newline="")


def _check_saves_as_csv(images):
    """Raise an error if an image is missing or belongs to no particle."""
    others = sorted(set(images) - {"image", "mask"})
    if others:
        raise ValueError(f"A CSV can't keep the images in {others}; save as .parquet.")
    for column, array in images.items():
        missing = np.flatnonzero(array.isna())
        if len(missing):
            raise ValueError(
                f"row {missing[0]}: the {column} is missing ({len(missing)} in all); "
                f"drop such rows with particles.dropna(subset=[{column!r}])."
            )


def _check_free(paths, overwrite):
    """Raise an error if one of these files exists and may not be replaced."""
    existing = [str(path) for path in paths if path.exists()]
    if existing and not overwrite:
        raise FileExistsError(
            f"{len(existing)} of {len(paths)} files to write exist already, such as "
            f"{existing[0]!r}; pass overwrite=True to replace them."
        )
