"""Intensities as levels and counts, for measures that do not ask where pixels lie."""

import numpy as np

from ..images._numbers import above_lowest


class Levels:
    """Intensities of some pixels: each level with the number of its pixels.

    An image of 8 bits has at most 256 levels. Counting them takes a tenth of the time
    of sorting the pixels, and later steps handle few numbers.

    Parameters
    ----------
    values : ndarray of shape (n_levels,), dtype float64
        The levels, in rising order if they have counts.
    counts : ndarray of shape (n_levels,), default=None
        Number of pixels of each level; by default each value belongs to one pixel.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures._levels import Levels
    >>> levels = Levels.of(np.array([3, 4, 4, 3, 3], dtype=np.uint8))
    >>> levels.values, levels.counts
    (array([3., 4.]), array([3, 2]))
    >>> levels.average(levels.values), levels.at([0, 4])
    (3.4, array([3., 4.]))
    """

    def __init__(self, values, counts=None):
        self.values = values
        self.counts = counts
        self.size = int(values.size if counts is None else counts.sum())

    @classmethod
    def of(cls, pixels):
        """Count the levels of pixels, or keep every pixel if counting does not pay."""
        if pixels.dtype.kind in "iu":
            low, high = int(pixels.min()), int(pixels.max())
            # A range wider than the number of pixels has more levels than pixels.
            if high - low < pixels.size:
                counts = np.bincount(_above(pixels, low))
                return cls(low + np.arange(high - low + 1, dtype=float), counts)
        return cls(pixels.astype(float))

    def scaled(self, origin, unit):
        """Return the levels as differences from an origin, in a positive unit."""
        return Levels((self.values - origin) / unit, self.counts)

    def average(self, numbers):
        """Return the mean over all pixels of a number that belongs to their level."""
        # Not a dot product: the sums of BLAS depend on its number of threads.
        weighted = numbers if self.counts is None else numbers * self.counts
        return float(weighted.sum()) / self.size

    def at(self, places):
        """Return intensities by their place in rising order, from 0 to size - 1."""
        if self.counts is None:
            return np.partition(self.values, places)[places]
        return self.values[np.searchsorted(self.counts.cumsum(), places, side="right")]


def _above(pixels, low):
    """Return integer pixels less the lowest of them, as positions."""
    if pixels.dtype.itemsize < 8:
        return np.subtract(pixels, low, dtype=np.intp)
    # Pixels of 64 bits do not fit into positions; their differences do.
    return above_lowest(pixels).astype(np.intp)
