"""Label images: 0 for background, and one number for the pixels of each particle."""

from os import PathLike

import cv2
import numpy as np
import pandas as pd
from scipy.ndimage import find_objects

from ..images import ImageArray
from ..particles._warnings import warn_caller
from ._complaints import list_first
from ._gray import ColorError, as_gray
from ._pixel_files import read_pixels

# Pieces that touch at a corner are one piece, as for the labels of most programs.
_NUMBER_THEM = "scipy.ndimage.label(labels != 0, numpy.ones((3, 3)))[0]"
_N_LISTED = 3
# Numbers below this are counted in a table, which is ten times as fast as sorting.
_MANY = 2**16


def read_labels(labels):
    """Return a label image, from an array or a file, as 2-D integers."""
    if not isinstance(labels, str | PathLike):
        return _as_labels(_as_array(labels), "labels")
    name = f"labels {str(labels)!r}"
    try:
        pixels = read_pixels(labels, lossless=True)
    except ColorError as error:
        to_do = "cv2.imread(path).astype(int) @ [1, 256, 65536]"
        raise ValueError(_describe_colors(name, to_do)) from error
    except ValueError as error:
        raise ValueError(f"{name} can't be read: {error}.") from error
    return _as_labels(pixels, name)


def _describe_colors(name, to_do):
    """Say what is wrong with labels in color."""
    return (
        f"{name} is a color image, expected one number for each particle. If each "
        f"color is one particle and black is background, pass {to_do}. Reading it as "
        "gray would merge colors that are equally bright."
    )


def _as_array(labels):
    """Return the array that labels are, or hold; masked pixels are background."""
    if isinstance(labels, np.ma.MaskedArray):
        return labels.filled(0)
    try:
        array = np.asarray(labels)
    except ValueError as error:
        raise ValueError("labels has rows of differing lengths.") from error
    # Python's numbers get the smallest dtype that holds them.
    return np.array(array.tolist()) if array.dtype.kind == "O" else array


def _as_labels(labels, name):
    """Return labels of any type of whole numbers as 2-D integers."""
    try:
        labels = as_gray(labels)
    except ColorError as error:
        to_do = "labels[..., :3].astype(int) @ [65536, 256, 1]"
        raise ValueError(_describe_colors(name, to_do)) from error
    except ValueError as error:
        raise ValueError(f"{name} can't be used: {error}.") from error
    if labels.dtype.kind == "f":
        return _whole_numbers(labels, name)
    if labels.dtype.kind == "b":
        return labels.astype(np.uint8)
    return labels


def _whole_numbers(labels, name):
    """Return floats that are whole numbers as integers."""
    if not np.isfinite(labels).all():
        raise ValueError(
            f"{name} has NaN or infinite pixels, expected 0 for background; pass "
            "numpy.nan_to_num(labels, nan=0, posinf=0, neginf=0) if they are."
        )
    fractions = labels[labels % 1 != 0]
    if fractions.size:
        raise ValueError(
            f"{name} has numbers that are not whole, such as {fractions[0]:g}; "
            "expected 0 for background and one whole number for each particle. Number "
            "pieces above a threshold by scipy.ndimage.label(labels > threshold)[0]."
        )
    # From here on, neighboring whole numbers are one float of this type, or one int64.
    exponent = min(np.finfo(labels.dtype).nmant + 1, 62)
    if (abs(labels) >= 2**exponent).any():
        raise ValueError(
            f"{name} has {labels.dtype} numbers from 2**{exponent} on, which does not "
            "tell whole numbers apart there; pass integers."
        )
    return labels.astype(np.int64)


def check_labels(labels, name="labels"):
    """Raise an error unless 2-D labels have particles, and no negative numbers."""
    if labels.size and labels.min() < 0:
        raise ValueError(
            f"{name} has negative numbers ({labels.min()}), expected 0 for background "
            "and positive numbers for particles."
        )
    if not labels.any():
        raise ValueError(
            f"{name} of shape {labels.shape} has no particle, all is 0; expected one "
            f"number for each particle, as {_NUMBER_THEM} gives for a mask."
        )


def tabulate_labels(labels):
    """Return the table of the instances in a label image, ordered by number.

    Warn of numbers that seem to be several particles, or background.
    """
    codes, instances = _number(labels)
    boxes = find_objects(codes)
    masks = [codes[box] == i for i, box in enumerate(boxes, 1)]
    _warn_of_background(codes, instances)
    # Most numbers are one piece, which is soon seen.
    if any(cv2.connectedComponents(mask.view(np.uint8))[0] > 2 for mask in masks):
        _warn_of_pieces(codes, instances)
    return pd.DataFrame(
        {
            "mask": ImageArray(masks),
            "top": np.array([rows.start for rows, _ in boxes], np.int64),
            "left": np.array([columns.start for _, columns in boxes], np.int64),
            "instance": instances,
        }
    )


def _number(labels):
    """Return labels as codes without gaps, 0 for background, and the number of each."""
    if labels.max() < _MANY:
        shorts = labels.astype(np.uint16)
        counts = cv2.calcHist([shorts], [0], None, [_MANY], [0, _MANY])
        is_there = counts.ravel() > 0
        is_there[0] = False
        instances = np.flatnonzero(is_there).astype(labels.dtype)
        if instances[-1] == len(instances):
            return shorts.astype(np.int32), instances
        return np.cumsum(is_there, dtype=np.int32)[shorts], instances
    # Numbers can be as large as hashes.
    codes, instances = pd.factorize(labels.ravel(), sort=True)
    if instances[0] == 0:
        instances = instances[1:]
    else:
        codes += 1
    return codes.reshape(labels.shape), instances


def _warn_of_pieces(codes, instances):
    """Warn of numbers whose pixels are several pieces, as each is cut out as one.

    Pieces that touch at a corner are one, and so are those that only other particles
    part, which lie over it. ``codes`` are 1, 2 ... for the ``instances`` in turn.
    """
    foreground = codes != 0
    n_areas, areas = cv2.connectedComponents(foreground.astype(np.uint8))
    # One pixel of each row of a particle tells where that row belongs.
    first = foreground.copy()
    first[:, 1:] &= codes[:, 1:] != codes[:, :-1]
    pieces = codes[first] * n_areas + areas[first]
    owners = pd.unique(pieces) // n_areas
    if len(owners) == len(instances):
        return
    n_pieces = np.bincount(owners)[1:]
    split = np.flatnonzero(n_pieces > 1)
    if len(instances) == 1:
        warn_caller(
            f"labels has one number, {instances[0]}, in {n_pieces[0]} pieces, which is "
            "cut out as one particle. If labels is a mask of several particles, number "
            f"them: pass {_NUMBER_THEM}."
        )
        return
    pieces = [f"{instances[i]} ({n_pieces[i]} pieces)" for i in split]
    warn_caller(
        f"{len(split)} of {len(instances)} numbers in labels have several pieces, "
        f"{len(owners)} in all: {list_first(pieces, _N_LISTED)}. All pieces of a "
        "number are cut out as one particle. If they are particles, give each a number "
        "of its own; if they are specks, set them to 0."
    )


def _warn_of_background(codes, instances):
    """Warn if a number seems to be background: it has most of the micrograph's edge."""
    edge = np.concatenate([codes[0], codes[-1], codes[:, 0], codes[:, -1]])
    counts = np.bincount(edge)
    commonest = counts.argmax()
    is_alone = (codes == commonest).all() if commonest else True
    if is_alone or 2 * counts[commonest] <= len(edge):
        return
    number = instances[commonest - 1]
    warn_caller(
        f"The number {number} in labels has most of the micrograph's edge, and is cut "
        f"out as a particle. If it is background, pass numpy.where(labels == {number}, "
        "0, labels), or ~mask if labels is a mask that is turned round."
    )
