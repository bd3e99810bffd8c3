"""Read whole micrographs and their pixel size."""

import gc
import re
import warnings
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ._pixel_files import as_gray, read_pixels

_EM_READERS = {
    ".mrc": "mrc",
    ".mrcs": "mrc",
    ".map": "mrc",
    ".dm3": "digitalmicrograph",
    ".dm4": "digitalmicrograph",
    ".ser": "tia",
    ".emi": "tia",
    ".emd": "emd",
    ".tif": "tiff",
    ".tiff": "tiff",
}
_NM_PER_UNIT = {
    "pm": 1e-3,
    "A": 0.1,
    "Å": 0.1,
    "nm": 1.0,
    "um": 1e3,
    "µm": 1e3,
    "\\u00B5m": 1e3,  # as ImageJ writes it
    "micron": 1e3,
    "mm": 1e6,
    "m": 1e9,
}
_NO_UNIT = {None, "", "[]", "px", "pixel", "pixels", "<undefined>"}
_SQUARE_TOLERANCE = 0.01


class Micrograph(NamedTuple):
    """One image of the microscope and the size of its pixels.

    Parameters
    ----------
    pixels : ndarray of shape (height, width)
        The gray values in the file's own dtype.
    pixel_size : float, default=None
        Nanometers per pixel; None where it is unknown.

    See Also
    --------
    read_micrograph : Reads one from a file.
    extract_particles : Cuts the particles out of it.

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
    """Read a micrograph and, where the file holds it, its pixel size.

    Parameters
    ----------
    path : str or path-like
        PNG, JPEG, BMP or TIFF; with the extra ``em`` also MRC, MAP, DM3, DM4, SER, EMI
        and EMD.
    frame : int, default=None
        Which image of a stack to read. Needed for a stack, an error else.

    Returns
    -------
    Micrograph
        Its `pixels`, of shape (height, width) in the file's own dtype, and its
        `pixel_size` in nm per pixel, None where unknown.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If the format needs the extra ``em`` and it is not installed.
    ValueError
        If the file can't be read, is in color or not an image (a spectrum), is a
        stack and no `frame` is given, or if its pixels' height and width differ by
        more than 1 %, as measures in nm would then depend on direction. (Below that,
        `pixel_size` is their geometric mean, which keeps areas.)

    Warns
    -----
    UserWarning
        If the pixel size is in a unit other than a length, as in a diffraction
        pattern, if a TIFF is read without the extra ``em``, which alone knows where
        microscopes write its pixel size, or if the file holds more than one image.

    See Also
    --------
    extract_particles : Cuts the particles out of a micrograph.
    load_particles : Loads particles that are cut out already.

    Notes
    -----
    An image stored in three equal color channels is read as gray. The formats of
    microscopes are read by RosettaSciIO [1]_. Of TIFF files the pixel sizes that
    microscopes, DigitalMicrograph and ImageJ write are known, that of OME-TIFF is not.
    The resolution in dots per inch of a PNG, JPEG or TIFF is that of a print and is
    not read.

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
    suffix = path.suffix.lower()
    if suffix not in _EM_READERS:
        return read_pixels(path), None
    try:
        signals = _read_signals(path, _EM_READERS[suffix])
    except ImportError as error:
        needs = "the extra 'em': pip install sklipo[em]"
        if _EM_READERS[suffix] != "tiff":
            raise ImportError(f"Reading {str(path)!r} needs {needs}") from error
        message = f"The pixel size of a TIFF ({str(path)!r}) needs {needs}"
        warnings.warn(message, stacklevel=3)
        return read_pixels(path), None
    signal = _pick_image(signals, path)
    return signal["data"], _pixel_size(signal, path)


def _read_signals(path, plugin):
    """Return what RosettaSciIO finds in a file: dicts of data, axes and metadata."""
    reader = import_module(f"rsciio.{plugin}").file_reader
    # Its MRC reader looks for files beside one with "movie" in its path. It leaves some
    # files, and damaged ones, to the garbage collector to close.
    options = {"metadata_file": None} if plugin == "mrc" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            return reader(str(path), **options)
        except ImportError:
            raise
        except Exception as error:  # a damaged file can raise anything
            reason = f"{type(error).__name__}: {error}"
        gc.collect()
    raise ValueError(f"damaged, truncated or of another format ({reason})")


def _pick_image(signals, path):
    """Return the first signal that is an image or a stack of images."""
    images = [signal for signal in signals if _is_image(signal)]
    if not images:
        axes = [[axis["name"] or "?" for axis in s["axes"]] for s in signals]
        raise ValueError(f"not an image but a spectrum or other data with axes {axes}")
    if len(images) > 1:
        shapes = [signal["data"].shape for signal in images]
        warnings.warn(
            f"{str(path)!r} holds {len(images)} images, of shapes {shapes}; the first "
            "is read.",
            stacklevel=4,
        )
    return images[0]


def _is_image(signal):
    """Tell whether the last two axes, and they alone, span the image."""
    spans_image = [not axis["navigate"] for axis in signal["axes"]]
    return spans_image[-2:] == [True, True] and not any(spans_image[:-2])


def _one_frame(pixels, frame):
    """Return the gray image asked for, in memory of its own."""
    if pixels.ndim == 2 and frame is not None:
        raise ValueError(f"frame={frame} is given, but the file holds no stack")
    if pixels.ndim == 3:
        pixels = pixels[_check_frame(frame, pixels.shape)]
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


def _pixel_size(signal, path):
    """Return nm per pixel of an image, None if unknown."""
    axes, units = signal["axes"][-2:], _units(signal)
    if _NO_UNIT.issuperset(units):
        return None
    if not _NM_PER_UNIT.keys() >= set(units):
        warnings.warn(
            f"The pixel size of {str(path)!r} is left unknown: its axes are in "
            f"{units[0]!r} and {units[1]!r}, expected a length such as nm (1/nm is a "
            "diffraction pattern, inch and cm are the size of a print).",
            stacklevel=4,
        )
        return None
    height, width = (
        axis["scale"] * _NM_PER_UNIT[unit]
        for axis, unit in zip(axes, units, strict=True)
    )
    if not (np.isfinite([height, width]).all() and height > 0 and width > 0):
        return None
    if abs(height - width) > _SQUARE_TOLERANCE * max(height, width):
        raise ValueError(
            f"its pixels are {height:.6g} nm high and {width:.6g} nm wide, expected "
            "square ones; read it with rosettasciio, resample it to square pixels and "
            "pass these to extract_particles(pixels, labels, pixel_size=...)"
        )
    return float(np.sqrt(height * width))


def _units(signal):
    """Return the units of the y and x axis of an image."""
    units = [axis["units"] for axis in signal["axes"][-2:]]
    # RosettaSciIO knows no unit of ImageJ but the micron.
    text = signal["original_metadata"].get("ImageDescription", "")
    unit = re.search(r"^unit=(.*)$", text, re.MULTILINE)
    if text.startswith("ImageJ=") and unit and units == [None, None]:
        return [unit[1], unit[1]]
    return units
