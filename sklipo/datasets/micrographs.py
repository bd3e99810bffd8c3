"""Whole micrographs and the size of their pixels."""

from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..particles._warnings import warn_caller
from ._gray import MAX_PIXELS
from ._pixel_files import read_image
from ._pixel_sizes import check_pixel_size, to_nm


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


def read_micrograph(
    path, *, pixel_size=None, frame=None, image=None, max_pixels=MAX_PIXELS
):
    """Read a micrograph and, if the file holds it, its pixel size.

    Parameters
    ----------
    path : str or path-like
        PNG, JPEG, BMP, GIF, WebP, JPEG 2000, AVIF, PNM or TIFF, by its content; MRC or
        MAP, by its name or the stamp in it, also compressed by gzip, bzip2 or xz; with
        the extra ``em`` also DM3, DM4, SER, EMI and EMD, by its name.
    pixel_size : float, default=None
        Nanometers per pixel, if the file states none or a wrong one. None means that of
        the file.
    frame : int, default=None
        Which image of a stack to read. A stack needs it; other files refuse it. Stacks
        of more than three dimensions are numbered through.
    image : int or str, default=None
        The number or title of the image to read, if the file holds several that are no
        stack, as an EMD of Velox does. By default the first that the microscope took:
        Fourier transforms and maps of elements are passed over.
    max_pixels : float, default=2**28
        The most pixels of an image or frame that are decoded; ``float("inf")`` lifts
        the limit. It keeps small, forged files from filling the memory.

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
        If the format needs a package of the extra ``em`` that is not installed.
    TypeError
        If a parameter is of another type.
    ValueError
        If the file can't be read, is in color or not an image (a spectrum), if it has
        more than `max_pixels`, if it is a stack and no `frame` is given, if it is no
        regular file but a folder, pipe or device, or if height and width of its pixels
        differ by more than 1 % and `pixel_size` is not given: measures in nm would
        depend on direction. (Below that, it is their geometric mean, which keeps
        areas.)

    Warns
    -----
    UserWarning
        If `pixel_size` is not given, and that of the file can't be true (0, negative,
        above 1 mm), is no length, as in a diffraction pattern, or is that of an MRC and
        exactly 1 Å, which many programs write by default. If the file holds more than
        one image and `image` is not given.

    See Also
    --------
    extract_particles : Cut the particles out of a micrograph.
    load_particles : Load particles that are cut out already.

    Notes
    -----
    An image stored in three equal color channels, or with a palette of grays, is read
    as gray. It is turned as its EXIF data or its tag of the orientation say. The values
    of a TIFF are those that are stored, also where it says that 0 is white
    (MINISWHITE): to invert how a mask is shown would invert the mask.

    Pixel sizes in TIFF files are read as ImageJ, OME, DigitalMicrograph, JEOL, Thermo
    Fisher (FEI), Zeiss, TVIPS and Olympus (SIS) write them. The dots per inch of a PNG,
    JPEG or TIFF are those of a print and are ignored. Compression other than deflate
    and PackBits may need the package imagecodecs, which comes with the extra ``em``.

    In an MRC file [1]_, bytes (mode 0) are signed unless the flags of IMOD [2]_ or the
    minimum and maximum in the header say otherwise. The other formats of microscopes
    are read by RosettaSciIO [3]_. Before version 0.15 it gives the stacks of Velox EMD
    as float64, with the same values.

    References
    ----------
    .. [1] A. Cheng et al., "MRC2014: Extensions to the MRC format header for electron
       cryo-microscopy and tomography", J. Struct. Biol. 192, 2015.
    .. [2] The IMOD developers, "The MRC/CCP4 file format",
       https://bio3d.colorado.edu/imod/doc/mrc_format.txt
    .. [3] The HyperSpy developers, RosettaSciIO,
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
    path = _check_parameters(path, frame, image, max_pixels)
    check_pixel_size(pixel_size)
    doubt = None
    try:
        found = read_image(path, frame=frame, image=image, max_pixels=max_pixels)
        if pixel_size is None:
            pixel_size, doubt = to_nm(found.size)
    except ValueError as error:
        raise ValueError(f"{str(path)!r} can't be read: {error}.") from error
    if doubt:
        warn_caller(
            f"The pixel size of {str(path)!r} {doubt}; where you know it, pass "
            "pixel_size, in nm."
        )
    if found.note:
        warn_caller(f"{str(path)!r} {found.note}.")
    return Micrograph(found.pixels, None if pixel_size is None else float(pixel_size))


def _check_parameters(path, frame, image, max_pixels):
    """Return the path as a Path; raise an error unless each parameter is valid."""
    if not isinstance(path, str | PathLike):
        raise TypeError(f"path is {path!r}, expected a str or path-like.")
    if frame is not None and (
        isinstance(frame, bool) or not isinstance(frame, Integral)
    ):
        raise TypeError(f"frame is {frame!r}, expected an int or None.")
    if not (image is None or isinstance(image, str) or isinstance(image, Integral)):
        raise TypeError(f"image is {image!r}, expected an int, a str or None.")
    if not isinstance(max_pixels, Real) or isinstance(max_pixels, bool):
        raise TypeError(f"max_pixels is {max_pixels!r}, expected a number.")
    if not max_pixels > 0:
        raise ValueError(f"max_pixels is {max_pixels!r}, expected more than 0.")
    return Path(path)
