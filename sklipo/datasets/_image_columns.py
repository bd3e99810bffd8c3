"""The pixels of the image and mask files that a table names."""

import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from numbers import Real

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from ..images import ImageArray
from ._complaints import raise_complaints
from ._pixel_files import read_pixels


def load_images(table, root, *, n_jobs=None, verbose=False):
    """Replace the paths in a table by the pixels of the files."""
    images, masks = _read_all(table, root, n_jobs, verbose)
    _warn_of_mixed_dtypes(images)
    table = table.assign(image=ImageArray(images))
    if masks[0] is None:
        return table
    # The mask follows the image, wherever its path was.
    first = {"image": table["image"], "mask": ImageArray(masks)}
    others = table.drop(columns=list(first), errors="ignore")
    return pd.concat([pd.DataFrame(first, index=table.index), others], axis=1)


def _read_all(table, root, n_jobs, verbose):
    """Read all images and masks in threads; raise one error for all bad rows."""
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

    # Threads, since decoders release the GIL and pixels need not be sent back.
    with ThreadPoolExecutor(joblib.effective_n_jobs(n_jobs)) as pool:
        rows = pool.map(read, table["image"], sources)
        rows = tqdm(rows, "Reading", n_rows, unit="particle", disable=not verbose)
        images, masks, complaints = zip(*rows, strict=True)
    complaints = [text and f"row {i} {text}" for i, text in enumerate(complaints)]
    raise_complaints(complaints, "particles can't be read: ")
    return images, masks


def _read_file(root, name):
    """Read one image; a ValueError names the file and its fault."""
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
    """Return None: the table has no masks."""


def _read_mask(root, name, shape):
    """Read the mask of an image of this shape."""
    mask = _read_file(root, name) != 0
    if mask.shape != shape:
        raise ValueError(f"{name!r} (mask of shape {mask.shape}, its image {shape})")
    if not mask.any():
        raise ValueError(f"{name!r} (empty mask)")
    return mask


def _mask_within_padding(root, padding, shape):
    """Return a mask that leaves out the pixels within ``padding`` of the border."""
    if not (isinstance(padding, Real) and padding >= 0 and padding % 1 == 0):
        raise ValueError(f"padding {padding!r} (expected a whole number of pixels)")
    if 2 * padding >= min(shape):
        raise ValueError(f"padding {padding:g} (leaves nothing of the shape {shape})")
    inner = np.ones([int(size - 2 * padding) for size in shape], bool)
    return np.pad(inner, int(padding))


def _warn_of_mixed_dtypes(images):
    """Warn if the images differ in pixel dtype."""
    counts = Counter(str(image.dtype) for image in images)
    if len(counts) > 1:
        found = ", ".join(f"{n} {dtype}" for dtype, n in counts.items())
        common = np.result_type(*counts)
        warnings.warn(
            f"The images differ in pixel dtype ({found}). All become {common}, their "
            "values unscaled.",
            # The caller of load_particles.
            stacklevel=4,
        )
