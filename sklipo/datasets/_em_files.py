"""Files of microscopes, read by RosettaSciIO: the image and the size of its pixels."""

import gc
import re
import warnings
from importlib import import_module

import numpy as np

# The module of RosettaSciIO that reads each format.
READERS = {
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
# Beyond this difference, lengths in nm would depend too much on direction.
_SQUARE_TOLERANCE = 0.01
# Frames from a warning here to the caller of read_micrograph.
_CALLER = 5


def read_em_file(path):
    """Return the pixels, which may be a stack, and nm per pixel or None."""
    signal = _pick_image(_read_signals(path), path)
    return signal["data"], _pixel_size(signal, path)


def _read_signals(path):
    """Return the signals in a file: dicts of data, axes and metadata."""
    plugin = READERS[path.suffix.lower()]
    reader = import_module(f"rsciio.{plugin}").file_reader
    # If "movie" is in the path, the MRC reader would search for further files.
    options = {"metadata_file": None} if plugin == "mrc" else {}
    # RosettaSciIO leaves some files, and damaged ones, open for the garbage collector.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            return reader(str(path), **options)
        except ImportError:
            raise
        # A damaged file can raise anything.
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
        # The file is closed here, where the warning of it is ignored.
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
            stacklevel=_CALLER,
        )
    return images[0]


def _is_image(signal):
    """Tell whether the last two axes, and only these, span the image."""
    spans_image = [not axis["navigate"] for axis in signal["axes"]]
    return spans_image[-2:] == [True, True] and not any(spans_image[:-2])


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
            stacklevel=_CALLER,
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
    # The geometric mean keeps areas.
    return float(np.sqrt(height * width))


def _units(signal):
    """Return the units of the y and x axis of an image."""
    units = [axis["units"] for axis in signal["axes"][-2:]]
    # The only unit of ImageJ that RosettaSciIO reads is the micron.
    text = signal["original_metadata"].get("ImageDescription", "")
    unit = re.search(r"^unit=(.*)$", text, re.MULTILINE)
    if text.startswith("ImageJ=") and unit and units == [None, None]:
        return [unit[1], unit[1]]
    return units
