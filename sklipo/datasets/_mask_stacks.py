"""Stacks of masks: a page of the micrograph's size for each particle."""

import numpy as np

from ..particles._masks import as_mask, is_mask
from ._gray import MAX_PIXELS
from ._instances import Instance
from ._tiff import count_frames, is_tiff, read_frames


def read_stack(stack, shape=None):
    """Return the instances of masks of shape (n, height, width), which may overlap."""
    if isinstance(stack, np.ma.MaskedArray):
        stack = stack.filled(0)
    if stack.dtype.kind not in "buif":
        raise ValueError(f"masks of {stack.dtype}, expected bools, integers or floats")
    if 0 in stack.shape:
        raise ValueError(f"a stack of masks of shape {stack.shape}, expected pixels")
    return _read_pages(stack, shape)


def holds_stack(path):
    """Tell whether a file is a TIFF of several pages; what can't be read is none."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        if not is_tiff(file.read(4)):
            return False
        file.seek(0)
        try:
            return count_frames(file) > 1
        except ValueError:
            return False


def read_stack_file(path, shape=None):
    """Return the instances of a TIFF, a mask on each page, one page after another."""
    with open(path, "rb") as file:
        return _read_pages(read_frames(file, max_pixels=MAX_PIXELS), shape)


def _read_pages(pages, shape):
    """Return the instance of each page."""
    instances = []
    for i, page in enumerate(pages):
        if shape is not None and page.shape != shape:
            raise ValueError(
                f"mask {i} has shape {page.shape}, but the micrograph {shape}; are "
                "these the masks of another micrograph, or of one of another size?"
            )
        instances.append(_read_page(page, i))
    return instances


def _read_page(page, i):
    """Return the instance of a page, cut to its box."""
    rows = np.flatnonzero(page.any(axis=1))
    if not len(rows):
        raise ValueError(
            f"mask {i} has no pixel, expected one particle on each page; remove it "
            "(the first one is mask 0)"
        )
    # Of columns, only these rows are looked at.
    top, bottom = rows[0], rows[-1] + 1
    columns = np.flatnonzero(page[top:bottom].any(axis=0))
    box = page[top:bottom, columns[0] : columns[-1] + 1]
    try:
        # Errors tell of the whole page. A copy, else all pages stay in memory.
        mask = as_mask(box if is_mask(box) else page).copy()
    except ValueError as error:
        raise ValueError(f"mask {i} {error}") from error
    return Instance(mask, int(top), int(columns[0]))
