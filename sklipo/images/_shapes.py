"""Height and width of images as parameters give them."""

from numbers import Integral

import numpy as np


def height_and_width(value, name):
    """Return one positive number of pixels, or two, as height and width."""
    pair = tuple(value) if np.iterable(value) else (value, value)
    if len(pair) != 2 or not all(isinstance(n, Integral) and n > 0 for n in pair):
        raise ValueError(
            f"{name}={value!r}; expected a positive number of pixels, or two: "
            "(height, width)."
        )
    return int(pair[0]), int(pair[1])
