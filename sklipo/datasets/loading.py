"""Particle tables from files."""

from pathlib import Path

from ..images import ImageDtype
from ._class_folders import list_classes
from ._image_columns import load_images
from ._tables import read_table


def load_particles(
    path, *, columns=None, mask_suffix="_mask", n_jobs=None, verbose=False
):
    """Load a particle table: cut-out images, their masks and all further columns.

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
        In a folder, ``name_mask.png`` is the mask of ``name.png``. None means that
        there are no masks.
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
        particle) if there are masks, and all further columns unchanged.

    Raises
    ------
    FileNotFoundError
        If there is no such table or folder.
    ValueError
        If a column is missing, or if image files can't be used: missing, unreadable,
        truncated, empty, in color or with NaN pixels; a mask that is all 0 or differs
        in shape from its image. The message counts the bad rows and names the first
        five, counted from 0.

    Warns
    -----
    UserWarning
        If images differ in pixel dtype. All get the smallest dtype that holds all
        their values, which are not rescaled.

    See Also
    --------
    save_particles : Save a particle table.
    extract_particles : Cut particles out of a micrograph.
    sklipo.check_particles : Check a particle table.

    Notes
    -----
    An image stored in three equal color channels is read as gray; other color
    images are an error, as are transparent ones. All pixels of a mask that are not 0
    belong to the particle.

    ``padding`` is the surrounding of the particle in pixels on each side, 50 in the
    data of [1]_. If a table has this column and no masks, the mask is the image without
    its padding.

    Image, mask and micrograph columns of a CSV are read as text. Other columns follow
    :func:`pandas.read_csv`, which reads words such as NA or None as missing values:
    classes with such names need Parquet or JSON.

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
            raise ValueError("columns is for tables, and a folder of classes has none.")
        table, root = list_classes(path, mask_suffix), path
    else:
        table, root = read_table(path, columns), path.parent
    if isinstance(table["image"].dtype, ImageDtype):
        return table
    return load_images(table, root, n_jobs=n_jobs, verbose=verbose)
