"""Files of microscopes, read by RosettaSciIO: the image and the size of its pixels."""

import gc
import warnings
from contextlib import contextmanager
from importlib import import_module
from threading import Lock

import numpy as np

from ._gray import as_gray, check_size, choose_frame, choose_image
from ._pixel_sizes import PixelSize

# The module of RosettaSciIO that reads each format. An EMD is compressed: its shape is
# looked at before it is decoded. Its spectra can be much larger than its images.
_READERS = {
    ".dm3": ("digitalmicrograph", {}),
    ".dm4": ("digitalmicrograph", {}),
    ".ser": ("tia", {}),
    ".emi": ("tia", {}),
    ".emd": ("emd", {"lazy": True, "select_type": "images"}),
}


# What warnings are ignored holds for all threads: one reads at a time.
_LOCK = Lock()


def is_em_file(path):
    """Tell by its name whether a file is one that RosettaSciIO reads."""
    return path.suffix.lower() in _READERS


def read_em_file(path, frame, image, max_pixels):
    """Return the gray pixels, their PixelSize, and a note of what was not read."""
    plugin, options = _READERS[path.suffix.lower()]
    with _naming_damage(path):
        reader = import_module(f"rsciio.{plugin}").file_reader
        signals = reader(str(path), **options)
    images = _find_images(signals)
    index, note = choose_image(
        image,
        [s["metadata"].get("General", {}).get("title") or "" for s in images],
        [s["data"].shape for s in images],
        _preferred(images),
    )
    stack = images[index]["data"]
    stack = stack.reshape(-1, *stack.shape[-2:])
    frame = choose_frame(frame, stack.shape)
    check_size(stack.shape[1:], max_pixels)
    with _naming_damage(path):
        # A view would keep the whole stack, or the open file, alive.
        pixels = np.array(stack[frame])
    return as_gray(pixels), _pixel_size(images[index]), note


@contextmanager
def _naming_damage(path):
    """Turn any error of the reader into a ValueError, but for a missing package."""
    # RosettaSciIO leaves some files, and damaged ones, open for the garbage collector.
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
            return
        except ImportError as error:
            raise ImportError(
                f"Reading {str(path)!r} needs a package that is not installed "
                f"({error.name or error!s}): pip install sklipo[em]"
            ) from error
        # A damaged file can raise anything.
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
        # The file is closed here, where the warning of it is ignored.
        gc.collect()
    raise ValueError(f"damaged, truncated or of another format ({reason})")


def _find_images(signals):
    """Return the signals that are images or stacks of images."""
    images = [signal for signal in signals if _is_image(signal)]
    if not images:
        axes = [[axis.get("name") or "?" for axis in s["axes"]] for s in signals]
        raise ValueError(f"not an image but a spectrum or other data with axes {axes}")
    return images


def _is_image(signal):
    """Tell whether the last two axes, and only these, span the image."""
    # An axis whose points are not at equal distances need not have the key.
    spans_image = [not axis.get("navigate") for axis in signal["axes"]]
    return spans_image[-2:] == [True, True] and not any(spans_image[:-2])


def _preferred(images):
    """Return which images are taken by the microscope, and not computed from others."""
    # The Fourier transforms of Velox are complex, the maps of elements are floats.
    for kinds in ("biu", "bifuV"):
        found = [i for i, s in enumerate(images) if s["data"].dtype.kind in kinds]
        if found:
            return found
    return list(range(len(images)))


def _pixel_size(signal):
    """Return the PixelSize of an image by its last two axes."""
    height, width = signal["axes"][-2:]
    return PixelSize(
        float(height.get("scale", np.nan)),
        float(width.get("scale", np.nan)),
        height.get("units"),
        width.get("units"),
    )
