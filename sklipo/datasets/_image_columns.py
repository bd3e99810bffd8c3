"""The pixels of the image and mask files that a table names."""

import reprlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from numbers import Real
from os import PathLike, fspath
from threading import Lock

import joblib
import numpy as np
import pandas as pd
from sklearn.utils import gen_batches
from tqdm import tqdm

from ..images import ImageArray
from ..particles._masks import as_mask, looks_inverted
from ..particles._warnings import warn_caller
from ._complaints import raise_complaints
from ._pixel_files import read_image
from ._pixel_sizes import to_nm

# Two gigabytes of 8-bit pixels: more than the 14,000 particles of the thesis have.
MAX_PIXELS_IN_ALL = 2**31
_LONG = 300
_BATCH = 16


def load_images(
    table,
    root,
    *,
    max_pixels=MAX_PIXELS_IN_ALL,
    if_more="pass a larger max_pixels if they fit into memory",
    n_jobs=None,
    verbose=False,
):
    """Replace the paths in a table by the pixels of the files.

    Where the table has no pixel sizes, it gets those that the files state.
    A file that several rows name is read once, and its pixels are shared. ``if_more``
    is what the user can do about images of more than ``max_pixels``.
    """
    n_threads = joblib.effective_n_jobs(n_jobs)
    reader = _Reader(root, max_pixels, if_more, n_threads, verbose)
    reader.wants_sizes = "pixel_size" not in table.columns
    images = reader.read(table["image"], "image", reader.read_image)
    make_masks = _no_masks
    if "mask" in table.columns:
        make_masks = _read_masks
    elif "padding" in table.columns:
        make_masks = _pad_masks
    masks = make_masks(table, images, reader)
    # An image's fault goes before that of its mask.
    pairs = zip(images, masks or images, strict=True)
    faults = [image if isinstance(image, str) else mask for image, mask in pairs]
    complaints = [
        f"row {i} {fault}" if isinstance(fault, str) else None
        for i, fault in enumerate(faults)
    ]
    raise_complaints(complaints, "particles can't be read: ")
    warn_of_mixed_dtypes(images)
    sizes = _find_pixel_sizes(table["image"], reader.sizes)
    table = table.assign(image=_share(images), **sizes)
    _warn_of_notes(reader.notes)
    if masks is None:
        return table
    _warn_of_inverted_masks(masks)
    # The mask follows the image, wherever its path was.
    first = {"image": table["image"], "mask": _share(masks)}
    others = table.drop(columns=list(first), errors="ignore")
    return pd.concat([pd.DataFrame(first, index=table.index), others], axis=1)


class _Reader:
    """Reads files in threads, each once, up to a number of pixels in all."""

    def __init__(self, root, max_pixels, if_more, n_threads, verbose):
        self.root = root
        self.max_pixels = max_pixels
        self.if_more = if_more
        self.n_threads = n_threads
        self.verbose = verbose
        self.n_pixels = 0
        self.lock = Lock()
        # By file: nm per pixel and what is doubtful about it; what was not read.
        self.wants_sizes, self.sizes = False, {}
        self.notes = {}

    def read(self, names, what, read):
        """Return for each name the pixels of its file, or text that says its fault."""
        faults = {
            i: f"{what} {_show(name)} (expected a path)"
            for i, name in enumerate(names)
            if not isinstance(name, str | PathLike)
        }
        paths = [None if i in faults else fspath(name) for i, name in enumerate(names)]
        files = dict.fromkeys(path for path in paths if path is not None)
        # Threads, since decoders release the GIL and pixels need not be sent back.
        with ThreadPoolExecutor(self.n_threads) as pool:
            # One thread would cost as much as opening the files again.
            in_turn = pool.map if self.n_threads > 1 else map
            found = chain.from_iterable(
                in_turn(
                    lambda names: [self._try(read, name) for name in names],
                    _in_batches(files),
                )
            )
            progress = f"Reading {what}s", len(files)
            found = tqdm(found, *progress, unit="file", disable=not self.verbose)
            pixels = dict(zip(files, found, strict=True))
        if self.n_pixels > self.max_pixels:
            raise ValueError(
                f"The images have more than {self.max_pixels} pixels in all; "
                f"{self.if_more}."
            )
        return [faults.get(i) or pixels[path] for i, path in enumerate(paths)]

    def _try(self, read, name):
        """Return the pixels of a file, or text that names the file and its fault."""
        # Beyond the limit there will be an error, whatever is in the other files.
        if self.n_pixels > self.max_pixels:
            return None
        try:
            return read(name)
        except FileNotFoundError:
            return f"{_show(name)} (missing)"
        except OSError as error:
            return f"{_show(name)} ({error.strerror})"
        except ValueError as error:
            return f"{_show(name)} ({str(error).removesuffix('.')})"

    def read_image(self, name):
        """Return the pixels of an image; they are finite."""
        pixels, size, note = self._read(name, lossless=False)
        if self.wants_sizes:
            self.sizes[name] = to_nm(size)
        if note:
            self.notes[name] = note
        with self.lock:
            self.n_pixels += pixels.size
        if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
            raise ValueError("NaN or infinite pixels")
        return pixels

    def read_mask(self, name):
        """Return a mask as bool."""
        try:
            mask = as_mask(self._read(name, lossless=True).pixels)
        except ValueError as error:
            raise ValueError(str(error).replace("has", "mask that has", 1)) from error
        if not mask.any():
            raise ValueError("empty mask")
        return mask

    def _read(self, name, lossless):
        """Read a file, also where its name is that of Windows or has spaces around."""
        limit = {"max_pixels": self.max_pixels, "lossless": lossless}
        try:
            return read_image(self.root / name, **limit)
        except FileNotFoundError:
            tidy = name.strip().replace("\\", "/")
            if tidy == name:
                raise
            return read_image(self.root / tidy, **limit)


def _in_batches(names):
    """Return lists of a few names: handing each to a thread would cost a third more."""
    names = list(names)
    return [names[rows] for rows in gen_batches(len(names), _BATCH)]


def _show(name):
    """Return a name for an error; a table can hold whole images in place of paths."""
    is_plain = isinstance(name, str | Real) and len(str(name)) < _LONG
    return repr(name) if is_plain else reprlib.repr(name)


def _no_masks(table, images, reader):
    """Return None: the table has no masks."""


def _read_masks(table, images, reader):
    """Return the masks in files, or text that says their fault."""
    names = table["mask"]
    masks = reader.read(names, "mask", reader.read_mask)
    return [
        mask
        if _fits(mask, image)
        else f"{_show(name)} (mask of shape {mask.shape}, its image {image.shape})"
        for name, mask, image in zip(names, masks, images, strict=True)
    ]


def _fits(mask, image):
    """Tell whether mask and image have one shape, or one of them a fault of its own."""
    if isinstance(mask, str) or isinstance(image, str):
        return True
    return mask.shape == image.shape


def _pad_masks(table, images, reader):
    """Return the masks of images with a padding, or text that says their fault."""
    masks, made = [], {}
    for padding, image in zip(table["padding"], images, strict=True):
        mask = _check_padding(padding, image)
        if mask is None:
            key = int(padding), image.shape
            if key not in made:
                made[key] = _pad(*key)
            mask = made[key]
        masks.append(mask)
    return masks


def _check_padding(padding, image):
    """Return text that says what is wrong with a padding, if anything is."""
    if not (isinstance(padding, Real) and padding >= 0 and padding % 1 == 0):
        return f"padding {_show(padding)} (expected a whole number of pixels)"
    if isinstance(image, str):
        return image
    if 2 * padding >= min(image.shape):
        return f"padding {padding:g} (leaves nothing of the shape {image.shape})"
    return None


def _pad(padding, shape):
    """Return a mask that leaves out the pixels within ``padding`` of the border."""
    inner = np.ones([size - 2 * padding for size in shape], bool)
    return np.pad(inner, padding)


def _share(arrays):
    """Return a column of images; rows of one array share its pixels."""
    distinct = {id(array): array for array in arrays}
    numbers = {key: i for i, key in enumerate(distinct)}
    rows = [numbers[id(array)] for array in arrays]
    return ImageArray(list(distinct.values())).take(rows)


def _find_pixel_sizes(names, sizes):
    """Return the column pixel_size of files that all state theirs, else no column.

    ``sizes`` has nm per pixel and what is doubtful about it for each file.
    """
    doubts = {name: doubt for name, (_, doubt) in sizes.items() if doubt}
    if doubts:
        first, doubt = next(iter(doubts.items()))
        others = f" and of {len(doubts) - 1} others" if len(doubts) > 1 else ""
        warn_caller(
            f"The pixel size of {_show(first)}{others} {doubt}; where you know it, "
            "give the table a column pixel_size, in nm."
        )
    unknown = [name for name, (nm, _) in sizes.items() if nm is None]
    if len(unknown) == len(sizes):
        return {}
    if unknown:
        warn_caller(
            f"{len(unknown)} of {len(sizes)} images state no pixel size, such as "
            f"{_show(unknown[0])}, so that it is not read from the others, either; to "
            "measure in nm, give the table a column pixel_size."
        )
        return {}
    return {"pixel_size": [sizes[fspath(name)][0] for name in names]}


def _warn_of_notes(notes):
    """Warn of files of which not all was read."""
    if notes:
        first, note = next(iter(notes.items()))
        others = f" {len(notes) - 1} others do so, too." if len(notes) > 1 else ""
        warn_caller(f"{_show(first)} {note}.{others}")


def _warn_of_inverted_masks(masks):
    """Warn of masks that seem True outside of the particle."""
    rows = [i for i, mask in enumerate(masks) if looks_inverted(mask)]
    if rows:
        warn_caller(
            f"{len(rows)} of {len(masks)} masks look turned round, such as row "
            f"{rows[0]}: the border is inside, the middle outside. If they are, turn "
            "them: particles['mask'] = sklipo.ImageArray([~mask for mask in "
            "particles['mask']])."
        )


def warn_of_mixed_dtypes(images):
    """Warn if the images differ in pixel dtype."""
    counts = Counter(str(image.dtype) for image in images)
    if len(counts) > 1:
        found = ", ".join(f"{n} {dtype}" for dtype, n in counts.items())
        common = np.result_type(*counts)
        warn_caller(
            f"The images differ in pixel dtype ({found}). All become {common}, their "
            "values unscaled."
        )
