"""Particle tables from files."""

from collections.abc import Mapping
from numbers import Real
from os import PathLike
from pathlib import Path

import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval, validate_params

from .._jobs import N_JOBS
from ..images import ImageDtype
from ._class_folders import DEFAULT_MASK_SUFFIX, list_classes
from ._image_columns import MAX_PIXELS_IN_ALL, load_images
from ._star import is_star_file, load_star
from ._tables import read_table, rename_columns, strip_columns


@validate_params(
    {
        "path": [str, PathLike, pd.DataFrame],
        "columns": [Mapping, None],
        "root": [str, PathLike, None],
        "mask_suffix": [str, None],
        "mask_diameter": [Interval(Real, 0, None, closed="neither"), None],
        "max_pixels": [Interval(Real, 1, None, closed="left")],
        "n_jobs": N_JOBS,
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def load_particles(
    path,
    *,
    columns=None,
    root=None,
    mask_suffix=DEFAULT_MASK_SUFFIX,
    mask_diameter=None,
    max_pixels=MAX_PIXELS_IN_ALL,
    n_jobs=None,
    verbose=False,
):
    """Load a particle table: cut-out images, their masks and all further columns.

    Parameters
    ----------
    path : str, path-like or DataFrame
        One of

        - a CSV or Parquet table with a column ``image`` and, optionally, ``mask``
          that hold the files' paths, relative to the table's folder; the fields of a
          CSV are separated by commas, semicolons or tabs;
        - a Parquet file of :func:`save_particles`, which holds the pixels;
        - JSON: a list of records, or one record per line (JSON lines), with such
          paths. ``Image``, ``Mask``, ``Class``, ``Padding``, ``PixelSize`` and
          ``Micrograph`` are read as ``image``, ``mask``, ``label``, ``padding``,
          ``pixel_size`` and ``micrograph``;
        - a folder with one sub-folder of images per class. The sub-folder's name is
          the ``label``, and ``file`` the image's path;
        - a DataFrame of such paths, as pandas reads it from other formats;
        - a STAR of particles, of RELION from 3.0 on or of cryoSPARC's export, whose
          ``rlnImageName`` are frames of MRC stacks, as ``000123@job/stack.mrcs``.
    columns : dict, default=None
        The file's column names (or JSON keys) mapped to sklipo's, for instance
        ``{"filename": "image", "type": "label"}``.
    root : str or path-like, default=None
        The folder that the images' paths are relative to. None means the folder of the
        table's file, and the current folder for a DataFrame. Stacks of a STAR are
        looked for in its folder and those above, as paths of RELION begin in the
        project's.
    mask_suffix : str or None, default="_mask"
        In a folder, ``name_mask.png`` is the mask of ``name.png``, in letters of any
        case. None means that there are no masks.
    mask_diameter : float, default=None
        For a STAR, the diameter of the particles in nm: the mask is a disk around the
        center of the box, and the column ``mask_diameter`` says that it is no outline.
        None means that there are no masks.
    max_pixels : int, default=2**31
        The most pixels that the images may have in all, against files that would fill
        the memory. An image that several rows name counts once.
    n_jobs : int, default=None
        Number of threads that read files. None means 1 unless in a
        :obj:`joblib.parallel_config` context; -1 means all processors.
    verbose : bool, default=False
        Whether to show a progress bar.

    Returns
    -------
    DataFrame
        The particle table, one row per particle: ``image`` (dtype ``"image"``, in the
        files' own pixel dtype), ``mask`` (dtype ``"image"``, bool; True is the
        particle) if there are masks, and all further columns unchanged. A table without
        a column ``pixel_size`` gets one, in nm, if all images' files state theirs. The
        columns of a STAR keep its names, beside ``pixel_size`` (nm), ``micrograph``
        (the path in ``rlnMicrographName``) and, for :func:`save_classes` to find the
        rows again, ``star`` (its path) and ``star_row``.

    Raises
    ------
    FileNotFoundError
        If there is no such table or folder.
    TypeError
        If `path` is neither a path nor a DataFrame, or `columns` is no dict.
    ValueError
        If a table can't be read, has no rows, lacks a column or has one twice; if the
        images have more than `max_pixels`; or if image files can't be used: missing,
        unreadable, truncated, empty, in color or with NaN pixels; a mask that is all 0,
        has more than two levels, is a JPEG or differs in shape from its image; a file
        that holds a stack; without a column ``pixel_size``, a file whose pixels are not
        square by more than 1 %. The message counts the bad rows and names the first
        five, counted from 0. Also if a STAR has no images, optics that do not belong to
        its rows, or columns that are made here, if a stack has fewer frames than it
        says, or if a disk of `mask_diameter` is larger than its box, or the pixel size
        unknown.
    ImportError
        If a format needs a package of the extra ``em`` that is not installed.

    Warns
    -----
    UserWarning
        If images differ in pixel dtype: all get the smallest dtype that holds all
        their values, which are not rescaled. If masks seem True outside of the
        particle, if a column's name is nearly one that is read, if a text file is not
        UTF-8, and if files of a folder are left out or seem to be masks. If the pixel
        sizes in files are doubtful, as :func:`read_micrograph` tells, or only some
        files state theirs, which are not read then; if files hold further images.

    See Also
    --------
    save_particles : Save a particle table.
    extract_particles : Cut particles out of a micrograph.
    read_micrograph : Read one image and its pixel size; lists the formats.
    sklipo.check_particles : Check a particle table.

    Notes
    -----
    Images and masks can be in all formats that :func:`read_micrograph` reads; masks not
    in those that change pixels, such as JPEG. An image stored in three equal color
    channels is read as gray; other color images are an error, as are transparent ones.
    A mask is 0 outside of the particle, and one other number inside. Rows that name one
    file share its pixels.

    ``padding`` is the surrounding of the particle in pixels on each side, 50 in the
    data of [1]_. If a table has this column and no masks, the mask is the image without
    its padding.

    Image, mask and micrograph columns of a CSV are read as text, as are columns in
    quotes, unless all fields are in quotes. For other columns :func:`pandas.read_csv`
    guesses the type. Words such as NA or None are missing values among numbers, and
    text among text and in the column ``label``.

    The pixel size of a STAR [2]_ is ``rlnImagePixelSize``, of the row or of its group
    in the table of the optics, else ``rlnDetectorPixelSize`` over ``rlnMagnification``.
    The center of a box is the pixel at half its side, rounded down. Stacks are read
    frame by frame, each frame once; compressed ones take longer.

    References
    ----------
    .. [1] S. Gryshkevych, "Convolutional neural networks for classification of
       transmission electron microscopy imagery", Uppsala University, 2016, section 3.
    .. [2] S. H. W. Scheres, "RELION: Implementation of a Bayesian approach to cryo-EM
       structure determination", J. Struct. Biol. 180, 2012.

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
    reading = {"max_pixels": max_pixels, "n_jobs": n_jobs, "verbose": verbose}
    columns = strip_columns(columns)
    is_star = not isinstance(path, pd.DataFrame) and is_star_file(Path(path))
    if is_star:
        return load_star(
            Path(path), columns, root=root, mask_diameter=mask_diameter, **reading
        )
    if mask_diameter is not None:
        raise ValueError("mask_diameter is for the particles of a STAR alone.")
    if isinstance(path, pd.DataFrame):
        table, folder = rename_columns(path, columns), Path()
    elif Path(path).is_dir():
        if columns:
            raise ValueError("columns is for tables, and a folder of classes has none.")
        table, folder = list_classes(Path(path), mask_suffix), Path(path)
    else:
        table, folder = read_table(Path(path), columns), Path(path).parent
    if isinstance(table["image"].dtype, ImageDtype):
        return table
    return load_images(table, folder if root is None else Path(root), **reading)
