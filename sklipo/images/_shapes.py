"""Height and width of images as parameters give them."""

from numbers import Integral

import numpy as np

# What is beyond is no image, but a slip of the hand that takes all memory.
_MOST_PIXELS = 2**31 - 1


def height_and_width(value, name):
    """Return one positive number of pixels, or two, as height and width."""
    pair = tuple(value) if np.iterable(value) else (value, value)
    if len(pair) != 2 or not all(map(_is_length, pair)):
        raise ValueError(
            f"{name}={value!r}; expected a positive number of pixels, or two: "
            "(height, width)."
        )
    height, width = map(int, pair)
    if height * width > _MOST_PIXELS:
        raise ValueError(
            f"{name}={value!r}; expected height times width to be less than 2**31."
        )
    return height, width


def _is_length(value):
    """Tell whether a value is a positive whole number; True is none."""
    return isinstance(value, Integral) and not isinstance(value, bool) and value > 0
