"""Intensities as levels and counts, for measures that do not ask where pixels lie."""

import numpy as np


class Levels:
    """Intensities of some pixels: each level with the number of its pixels.

    Parameters
    ----------
    values : ndarray of shape (n_levels,), dtype float64
        The levels, in rising order if they have counts.
    counts : ndarray of shape (n_levels,), default=None
        Number of pixels of each level; by default every value is one pixel's.

    Attributes
    ----------
    size : int
        Number of pixels.

    See Also
    --------
    sklipo.measures.Particle : Has levels inside and in its surrounding.

    Notes
    -----
    An image of 8 bits has no more than 256 levels. To count them takes a tenth of the
    time of sorting the pixels, and what follows goes through few numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures.levels import Levels
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
        """Count the levels of pixels, if they are whole numbers of a narrow range.

        Parameters
        ----------
        pixels : ndarray of shape (n_pixels,)
            Intensities, one or more.

        Returns
        -------
        Levels
            Their levels. Where the range is wider than there are pixels, counting
            does not pay, and every pixel is a level.
        """
        if pixels.dtype.kind in "iu":
            low, high = int(pixels.min()), int(pixels.max())
            if high - low < pixels.size:
                counts = np.bincount(np.subtract(pixels, low, dtype=np.intp))
                return cls(np.arange(low, high + 1, dtype=float), counts)
        return cls(pixels.astype(float))

    def scaled(self, origin, unit):
        """Return the levels as differences from an origin.

        Parameters
        ----------
        origin, unit : float
            Where to measure from, and the positive unit of the result.

        Returns
        -------
        Levels
            The levels of the same pixels.
        """
        return Levels((self.values - origin) / unit, self.counts)

    def average(self, numbers):
        """Return the mean over all pixels of a number that belongs to their level.

        Parameters
        ----------
        numbers : ndarray of shape (n_levels,)
            Number of each level.

        Returns
        -------
        float
            Mean over the pixels.
        """
        # Not a dot product: the sums of BLAS depend on its number of threads.
        weighted = numbers if self.counts is None else numbers * self.counts
        return float(weighted.sum()) / self.size

    def at(self, places):
        """Return intensities by their place in rising order.

        Parameters
        ----------
        places : array-like of int
            Numbers of pixels, from 0 for the darkest to ``size - 1``.

        Returns
        -------
        ndarray of shape (n_places,)
            Their intensities.
        """
        if self.counts is None:
            return np.sort(self.values)[places]
        return self.values[np.searchsorted(self.counts.cumsum(), places, side="right")]
