"""Rings of one pixel width around a center or a membrane."""

from functools import cache
from math import isqrt

import numpy as np

# Squares are counted up to the largest, which is fast, but not in a long strip:
# one of 100,000 pixels would be counted for a minute, in 20 GB.
_MOST_COUNTS = 16


class Rings:
    """Pixels sorted into rings of one pixel width by their distance.

    Ring n is one pixel wide around the distance n. It starts at the square
    (n - 1/2)² = n² - n + 1/4. Adding 3/4 makes that a whole number, so whole numbers
    can be counted, without a root, and split exactly.

    Parameters
    ----------
    squares : ndarray of shape (n_pixels,), dtype intp
        Squared distance of each pixel. Where squares are no whole numbers, the square
        plus 3/4, rounded down.

    Attributes
    ----------
    numbers : ndarray of shape (n_rings,)
        Number of each ring that holds pixels.
    sizes : ndarray of shape (n_rings,)
        Number of its pixels.
    """

    def __init__(self, squares):
        # The last ring is that of the largest square, by n² - n + 1 <= square.
        largest = int(squares.max())
        self._starts = _ring_starts((3 + isqrt(max(4 * largest - 3, 0))) // 2)
        if largest > _MOST_COUNTS * len(squares):
            squares = np.searchsorted(self._starts, squares, side="right") - 1
            self._starts = np.arange(len(self._starts))
        self._squares = squares
        counts = np.bincount(squares)
        sizes = np.add.reduceat(counts, self._starts)
        self.numbers = sizes.nonzero()[0]
        self.sizes = sizes[self.numbers]

    def average(self, values):
        """Return the mean of the pixels' values in each ring."""
        sums = np.add.reduceat(np.bincount(self._squares, values), self._starts)
        return sums[self.numbers] / self.sizes


@cache
def _ring_starts(n_rings):
    """Return the smallest whole number that belongs to each ring."""
    rings = np.arange(n_rings)
    return np.where(rings > 0, rings**2 - rings + 1, 0)
