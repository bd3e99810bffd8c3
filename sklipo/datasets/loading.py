"""Particle tables from files and to files."""

import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from numbers import Real
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from ..images import ImageArray, ImageDtype
from ._pixel_files import lossless_suffix, read_pixels, write_pixels
from ._tables import list_classes, read_table

_N_LISTED = 5


def load_particles(
    path, *, columns=None, mask_suffix="_mask", n_jobs=None, verbose=False
):
    """Load a particle table: cut-out images, their masks and what is known of them.

    Parameters
    ----------
    path : str or path-like
        One of

        - a CSV or Parquet table with a column ``image`` and, optionally, ``mask``
          that hold the files' paths, relative to the table's folder;
        - a Parquet file of :func:`save_particles`, which holds the pixels;
        - JSON: a list of records, or one record per line (JSON lines), with such
          paths. ``Image``, ``Mask``, ``Class``, ``Padding``, ``PixelSize`` and
          ``Micrograph`` are read as ``image``, ``mask``, ``label``, ``padding``,
          ``pixel_size`` and ``micrograph``;
        - a folder with one sub-folder of images per class. The sub-folder's name is
          the ``label``, and ``file`` the image's path.
    columns : dict, default=None
        The file's column names (or JSON keys) mapped to sklipo's, for instance
        ``{"filename": "image", "type": "label"}``.
    mask_suffix : str or None, default="_mask"
        In a folder, ``name_mask.png`` is the mask of ``name.png``. None: there are no
        masks.
    n_jobs : int, default=None
        Number of threads that read files. None and -1 mean one per processor core.
    verbose : bool, default=False
        Whether to show a progress bar.

    Returns
    -------
    DataFrame
        The particle table, one row per particle: ``image`` (dtype ``"image"``, in the
        files' own pixel dtype), ``mask`` (dtype ``"image"``, bool; True is the
        particle) where there are masks, and all further columns as they are.

    Raises
    ------
    FileNotFoundError
        If there is no such table or folder.
    ValueError
        If a column is missing, or image files can't be used: missing, unreadable,
        truncated, empty, in color, with NaN pixels; a mask without a pixel of the
        particle or of another shape than its image. The message counts the bad rows
        and names the first five, counted from 0.

    Warns
    -----
    UserWarning
        If images differ in pixel dtype. All get the smallest dtype that holds all
        their values, which are not rescaled.

    See Also
    --------
    save_particles : Writes what this reads.
    extract_particles : Cuts particles out of a micrograph.
    sklipo.check_particles : What a particle table is.

    Notes
    -----
    An image stored in three equal color channels is read as gray; other color
    images are an error, as are transparent ones. Any pixel of a mask that is not 0
    belongs to the particle.

    ``padding`` is the surrounding of the particle in pixels on each side, 50 in the
    data of [1]_. Where a table has it and no masks, the mask is the rectangle within:
    the image without its padding is the particle.

    Image, mask and micrograph columns of a CSV are read as text. Other columns follow
    :func:`pandas.read_csv`, for which words such as NA or None are missing values:
    classes of such a name need Parquet or JSON.

    References
    ----------
    .. [1] S. Gryshkevych, "Convolutional neural networks for classification of
       transmission electron microscopy imagery", Uppsala University, 2016, section 3.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import cv2
    >>> import numpy as np
    >>> from sklipo.datasets import load_particles
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for label, height in [("empty", 7), ("full", 9)]:
    ...         file = Path(folder) / label / "0.png"
    ...         file.parent.mkdir()
    ...         _ = cv2.imwrite(file, np.ones((height, 8), np.uint8))
    ...     load_particles(folder)
             image  label         file
    0  <7x8 uint8>  empty  empty/0.png
    1  <9x8 uint8>   full   full/0.png
    """
    path = Path(path)
    if path.is_dir():
        if columns is not None:
            raise ValueError("columns is for tables; a folder of classes has none.")
        return _load_images(list_classes(path, mask_suffix), path, n_jobs, verbose)
    table = read_table(path, columns)
    if isinstance(table["image"].dtype, ImageDtype):
        return table
    return _load_images(table, path.parent, n_jobs, verbose)


def save_particles(particles, path, *, overwrite=False):
    """Save a particle table so that :func:`load_particles` gives it back.

    Parameters
    ----------
    particles : DataFrame
        The particle table.
    path : str or path-like
        Ending in ``.parquet``: one file that holds the pixels too. Ending in ``.csv``:
        a table of relative paths with folders ``images`` and ``masks`` beside it.
    overwrite : bool, default=False
        Whether existing files may be replaced.

    Raises
    ------
    FileExistsError
        If a file is there already and `overwrite` is False. Nothing is written then.
    FileNotFoundError
        If there is no folder to write to.
    TypeError
        If `particles` is no DataFrame with a column ``image`` of dtype ``"image"``.
    ValueError
        If `path` has another ending or, for a CSV, if an image or mask is missing or
        columns besides ``image`` and ``mask`` hold images.

    See Also
    --------
    load_particles : Reads what this writes.

    Notes
    -----
    Pixels and masks keep every bit and their dtype in both formats: beside the CSV
    uint8 and uint16 images are PNG files, all others TIFF. The other columns keep
    their types in Parquet, while a CSV keeps numbers and text only, and no index.

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


def _load_images(table, root, n_jobs, verbose):
    """Replace the paths in a table by the pixels of the files."""
    images, masks = _read_all(table, root, n_jobs, verbose)
    _warn_of_mixed_dtypes(images)
    table = table.assign(image=ImageArray(images))
    if masks[0] is None:
        return table
    first = {"image": table["image"], "mask": ImageArray(masks)}
    others = table.drop(columns=list(first), errors="ignore")
    return pd.concat([pd.DataFrame(first, index=table.index), others], axis=1)


def _read_all(table, root, n_jobs, verbose):
    """Read all images and masks in threads; one error tells of all bad rows."""
    n_rows = len(table)
    make_mask, sources = _no_mask, [None] * n_rows
    if "mask" in table.columns:
        make_mask, sources = _read_mask, table["mask"]
    elif "padding" in table.columns:
        make_mask, sources = _mask_within_padding, table["padding"]

    def read(path, source):
        try:
            image = _read_file(root, path)
            return image, make_mask(root, source, image.shape), None
        except ValueError as error:
            return None, None, str(error)

    n_threads = joblib.effective_n_jobs(-1 if n_jobs is None else n_jobs)
    with ThreadPoolExecutor(n_threads) as pool:
        rows = pool.map(read, table["image"], sources)
        rows = tqdm(rows, "Reading", n_rows, unit="particle", disable=not verbose)
        images, masks, complaints = zip(*rows, strict=True)
    _raise_complaints(complaints)
    return images, masks


def _read_file(root, name):
    """Read one image; a ValueError names the file and what is wrong with it."""
    if not isinstance(name, str):
        raise ValueError(f"{name!r} (expected a path)")
    try:
        pixels = read_pixels(root / name)
    except FileNotFoundError as error:
        raise ValueError(f"{name!r} (missing)") from error
    except OSError as error:
        raise ValueError(f"{name!r} ({error.strerror})") from error
    except ValueError as error:
        raise ValueError(f"{name!r} ({error})") from error
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise ValueError(f"{name!r} (NaN or infinite pixels)")
    return pixels


def _no_mask(root, source, shape):
    """Return no mask: the table has none."""


def _read_mask(root, name, shape):
    """Read the mask of an image of this shape."""
    mask = _read_file(root, name) != 0
    if mask.shape != shape:
        raise ValueError(f"{name!r} (mask of shape {mask.shape}, its image {shape})")
    if not mask.any():
        raise ValueError(f"{name!r} (empty mask)")
    return mask


def _mask_within_padding(root, padding, shape):
    """Return a mask of all pixels but those within `padding` of the border."""
    if not (isinstance(padding, Real) and padding >= 0 and padding % 1 == 0):
        raise ValueError(f"padding {padding!r} (expected a whole number of pixels)")
    if 2 * padding >= min(shape):
        raise ValueError(f"padding {padding:g} (leaves nothing of the shape {shape})")
    inner = np.ones([int(size - 2 * padding) for size in shape], bool)
    return np.pad(inner, int(padding))


def _raise_complaints(complaints):
    """Raise one error that counts the bad rows and names the first of them."""
    bad = [f"row {i} {text}" for i, text in enumerate(complaints) if text]
    if not bad:
        return
    more = f" and {len(bad) - _N_LISTED} more" if len(bad) > _N_LISTED else ""
    raise ValueError(
        f"{len(bad)} of {len(complaints)} particles can't be read: "
        f"{', '.join(bad[:_N_LISTED])}{more}."
    )


def _warn_of_mixed_dtypes(images):
    """Warn where the images do not have one pixel dtype."""
    counts = Counter(str(image.dtype) for image in images)
    if len(counts) > 1:
        found = ", ".join(f"{n} {dtype}" for dtype, n in counts.items())
        common = np.result_type(*counts)
        warnings.warn(
            f"The images differ in pixel dtype ({found}). All become {common}, their "
            "values unscaled.",
            stacklevel=4,
        )


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
    digits = max(5, len(str(len(particles))))
    names = {}
    for column, array in images.items():
        suffix = ".png" if column == "mask" else lossless_suffix(array.pixel_dtype)
        rows = range(len(particles))
        names[column] = [f"{column}s/{i:0{digits}}{suffix}" for i in rows]
    files = [path.parent / name for column in names.values() for name in column]
    _check_free([path, *files], overwrite)
    # Written last: a table that is there is complete.
    path.unlink(missing_ok=True)
    for column, array in images.items():
        (path.parent / f"{column}s").mkdir(exist_ok=True)
        for name, pixels in zip(names[column], array, strict=True):
            pixels = (pixels != 0) * np.uint8(255) if column == "mask" else pixels
            write_pixels(path.parent / name, pixels)
    particles.assign(**names).to_csv(path, index=False)


def _check_saves_as_csv(images):
    """Raise an error unless the images are those of particles, and all there."""
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
    """Raise an error if one of these files is there and may not be replaced."""
    there = [str(path) for path in paths if path.exists()]
    if there and not overwrite:
        raise FileExistsError(
            f"{len(there)} of {len(paths)} files to write are there already, such as "
            f"{there[0]!r}; pass overwrite=True to replace them."
        )
