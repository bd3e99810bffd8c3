"""Single frames of many MRC stacks, read into one buffer of pixels."""

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from os.path import exists, join
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
from tqdm import tqdm

from ..images import ImageArray
from ._complaints import raise_complaints
from ._image_columns import warn_of_mixed_dtypes
from ._mrc import open_mrc, read_frame, read_stack_header
from ._pixel_files import check_file

_NUMBER = re.compile(r"[0-9]{1,18}")


class _Place(NamedTuple):
    """A stack as a STAR names it, and the frame's number: None in a file of one."""

    stack: str
    number: int | str | None

    @property
    def index(self):
        """The frame's place in its stack."""
        return 0 if self.number is None else self.number - 1


def read_frames(names, folders, source, *, max_pixels, n_jobs, verbose):
    """Return the images that names such as 000001@stack.mrcs lead to.

    Stacks are looked for in the folders in turn. Equal names share pixels. ``source``
    is what errors name.
    """
    places = [_parse(name) for name in names]
    stacks = dict.fromkeys(place.stack for place in places)
    paths = {stack: _find(stack, folders) for stack in stacks}
    # All headers first: they tell how large the buffer is, and of which type.
    headers = {stack: _read_header(path) for stack, path in paths.items()}
    faults = [_find_fault(place, headers[place.stack]) for place in places]
    _complain(names, faults, source, folders if None in paths.values() else ())
    warn_of_mixed_dtypes([headers[place.stack] for place in places])
    distinct = {place: i for i, place in enumerate(dict.fromkeys(places))}
    shapes = [headers[place.stack] for place in distinct]
    images, targets = _allocate(shapes, max_pixels)
    to_fill = {stack: [] for stack in stacks}
    for place, target in zip(distinct, targets, strict=True):
        to_fill[place.stack].append((place, target))
    jobs = [(paths[stack], headers[stack], to_fill[stack]) for stack in stacks]
    with ThreadPoolExecutor(joblib.effective_n_jobs(n_jobs)) as pool:
        found = pool.map(_fill, *zip(*jobs, strict=True))
        progress = "Reading stacks", len(jobs)
        found = dict(chain.from_iterable(tqdm(found, *progress, disable=not verbose)))
    _complain(names, [found.get(place) for place in places], source)
    return images.take([distinct[place] for place in places])


def _parse(name):
    """Return the place that a name leads to."""
    number, is_frame, stack = name.strip().partition("@")
    if not is_frame:
        return _Place(number, None)
    return _Place(stack, int(number) if _NUMBER.fullmatch(number) else number)


def _find(stack, folders):
    """Return the path of a stack, None if it is in none of the folders."""
    # Other than Path.exists, it takes a name that is too long for one of no file.
    paths = (join(folder, stack.replace("\\", "/")) for folder in folders)
    return next((Path(path) for path in paths if exists(path)), None)


def _read_header(path):
    """Return the header of a stack, or text that says the fault of its file."""
    if path is None:
        return "missing"
    try:
        check_file(path)
        with open_mrc(path) as file:
            header = read_stack_header(file)
    except OSError as error:
        return error.strerror or str(error)
    except ValueError as error:
        return str(error)
    if header.dtype.kind not in "iuf":
        return f"{header.dtype} pixels, expected integers or floats"
    return header


def _find_fault(place, header):
    """Return what is wrong with a place, None if nothing is."""
    if isinstance(header, str):
        return header
    number = place.number
    if number is None and header.n_frames > 1:
        return f"a stack of {header.n_frames} images, expected the number of one, as 1@"
    if number is None:
        return None
    if isinstance(number, str):
        return f"{number!r} before the @, expected the frame's number, from 1 on"
    if not 1 <= number <= header.n_frames:
        return f"frame {number} of {header.n_frames}, counted from 1"
    return None


def _complain(names, faults, source, folders=()):
    """Raise an error for the rows that can't be read; it tells where was looked."""
    complaints = [
        f"row {i} {name!r} ({fault})" if fault else None
        for i, (name, fault) in enumerate(zip(names, faults, strict=True))
    ]
    looked = (
        f" (looked in {', '.join(repr(str(folder)) for folder in folders)}; "
        "pass root=, the folder that the paths begin in)"
    )
    failure = f"particles of {source!r} can't be read{looked if folders else ''}: "
    raise_complaints(complaints, failure)


def _allocate(headers, max_pixels):
    """Return images of these headers' shapes, and views of them to be filled."""
    # Numbers of Python: what a damaged header says may be beyond 64 bits in all.
    n_pixels = sum(header.height * header.width for header in headers)
    if n_pixels > max_pixels:
        raise ValueError(
            f"The images have {n_pixels} pixels in all, more than {max_pixels}; pass a "
            "larger max_pixels if they fit into memory."
        )
    heights, widths = np.array([header[1:3] for header in headers]).T
    ends = np.cumsum(heights * widths)
    dtype = np.result_type(*{header.dtype for header in headers})
    pixels = np.empty(n_pixels, dtype)
    starts = ends - heights * widths
    targets = [
        pixels[start:end].reshape(height, -1)
        for start, end, height in zip(starts, ends, heights, strict=True)
    ]
    return ImageArray.from_buffer(pixels, starts, heights, widths, widths), targets


def _fill(path, header, to_fill):
    """Read the places of a stack into their targets; return pairs: place, fault."""
    faults = []
    # A compressed file is read in one go if the frames are in order.
    to_fill = sorted(to_fill, key=lambda pair: pair[0].index)
    try:
        with open_mrc(path) as file:
            for place, target in to_fill:
                target[...] = read_frame(file, header, place.index)
                if target.dtype.kind == "f" and not np.isfinite(target).all():
                    faults.append((place, "NaN or infinite pixels"))
    # A file that is damaged, or truncated, here is so further on.
    except (OSError, ValueError) as error:
        bad = [pair for pair in to_fill if pair[0].index >= place.index]
        faults += [(place, str(error)) for place, _ in bad]
    return faults
