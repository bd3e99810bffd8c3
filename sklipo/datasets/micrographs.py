"""Whole micrographs and the size of their pixels."""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ._em_files import READERS, read_em_file
from ._pixel_files import as_gray, read_pixels


class Micrograph(NamedTuple):
    """One image of the microscope and the size of its pixels.

    Parameters
    ----------
    pixels : ndarray of shape (height, width)
        The gray values in the file's own dtype.
    pixel_size : float, default=None
        Nanometers per pixel; None if it is unknown.

    See Also
    --------
    read_micrograph : Read a micrograph from a file.
    extract_particles : Cut the particles out of a micrograph.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.datasets import Micrograph
    >>> Micrograph(np.zeros((512, 512)), pixel_size=0.5).pixel_size
    0.5
    """

    pixels: np.ndarray
    pixel_size: float | None = None


def read_micrograph(path, *, frame=None):
    """Read a micrograph and, if the file holds it, its pixel size.

    Parameters
    ----------
    path : str or path-like
        PNG, JPEG, BMP or TIFF; with the extra ``em`` also MRC, MAP, DM3, DM4, SER, EMI
        and EMD.
    frame : int, default=None
        Which image of a stack to read. A stack needs it; other files refuse it.

    Returns
    -------
    Micrograph
        Its `pixels`, of shape (height, width) in the file's own dtype, and its
        `pixel_size` in nm per pixel, None if unknown.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If the format needs the extra ``em`` and it is not installed.
    ValueError
        If the file can't be read, is in color or not an image (a spectrum), if it is a
        stack and no `frame` is given, or if height and width of its pixels differ by
        more than 1 %: measures in nm would depend on direction. (Below that,
        `pixel_size` is their geometric mean, which keeps areas.)

    Warns
    -----
    UserWarning
        If the unit of the pixel size is no length, as in a diffraction pattern, if the
        pixel size of a TIFF is not read because the extra ``em`` is not installed, or
        if the file holds more than one image.

    See Also
    --------
    extract_particles : Cut the particles out of a micrograph.
    load_particles : Load particles that are cut out already.

    Notes
    -----
    An image stored in three equal color channels is read as gray. The formats of
    microscopes are read by RosettaSciIO [1]_. It reads the pixel sizes that
    microscopes, DigitalMicrograph and ImageJ write to TIFF files, and not those of
    OME-TIFF. Before version 0.15 it gives the stacks of Velox EMD as float64, with the
    same values. The dots per inch of a PNG, JPEG or TIFF are those of a print and are
    ignored.

    References
    ----------
    .. [1] The HyperSpy developers, RosettaSciIO,
       https://hyperspy.org/rosettasciio

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import cv2
    >>> import numpy as np
    >>> from sklipo.datasets import read_micrograph
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "micrograph.png"
    ...     _ = cv2.imwrite(path, np.eye(3, dtype=np.uint8))
    ...     pixels, pixel_size = read_micrograph(path)
    >>> pixels
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 0, 1]], dtype=uint8)
    >>> pixel_size is None
    True
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}.")
    try:
        pixels, pixel_size = _read_any(path)
        return Micrograph(_one_frame(pixels, frame), pixel_size)
    except ValueError as error:
        raise ValueError(f"{str(path)!r} can't be read: {error}.") from error


def _read_any(path):
    """Return the pixels, which may be a stack, and nm per pixel or None."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        return read_pixels(path), None
    try:
        return read_em_file(path)
    except ImportError as error:
        needs = "the extra 'em': pip install sklipo[em]"
        if reader != "tiff":
            raise ImportError(f"Reading {str(path)!r} needs {needs}") from error
        message = f"The pixel size of a TIFF ({str(path)!r}) needs {needs}"
        warnings.warn(message, stacklevel=3)
        return read_pixels(path), None


def _one_frame(pixels, frame):
    """Return the one gray image, or the frame of a stack, in memory of its own."""
    if pixels.ndim == 2 and frame is not None:
        raise ValueError(f"frame={frame} is given, but the file holds no stack")
    if pixels.ndim == 3:
        pixels = pixels[_check_frame(frame, pixels.shape)]
    # A view would keep the whole stack, or the open file, alive.
    return np.array(as_gray(pixels))


def _check_frame(frame, shape):
    """Return the index of an image in a stack of this shape."""
    if frame is None:
        raise ValueError(
            f"a stack of {shape[0]} images, shape {shape}: choose one with frame=0 to "
            f"frame={shape[0] - 1}"
        )
    if not 0 <= frame < shape[0]:
        raise ValueError(f"frame={frame}, expected 0 to {shape[0] - 1}")
    return frame
