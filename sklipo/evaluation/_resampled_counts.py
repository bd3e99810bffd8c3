"""Counts of particles by cell, as they would be in other samples of micrographs.

A cell is whatever particles have in common: a predicted class, a true and a predicted
class, or nearly the same probabilities.
"""

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import norm
from scipy.stats import t as student

# Below this shape, one micrograph of many gets nearly all weight.
_LEAST_SHAPE = 0.1
# Numbers that are held at once: of more, memory and its caches run short.
_MOST_NUMBERS = 2**22


@dataclass(frozen=True)
class Resampler:
    """Draws micrographs, by weights that widen intervals where these are few.

    The weights follow a gamma distribution, so their shares are those of a Bayesian
    bootstrap, in which no micrograph is ever left out: a class that few of them have
    never vanishes. In the usual Bayesian bootstrap the distribution is exponential,
    which makes the intervals of ten micrographs too narrow. Here its variance is
    larger, by the degrees of freedom and by the square of the ratio of Student's
    quantile to the normal one.
    """

    level: float
    n_resamples: int
    seed: np.ndarray

    def draw(self, cells, n_cells, units=None, *, alike=None, n_means=1):
        """Return resampled counts of shape (n_resamples, n_cells).

        ``units`` is the micrograph of each particle, from 0 on; without it, particles
        are drawn, as for a single one. ``alike`` are other cells, whose counts have
        the same micrographs drawn. ``n_means`` is how many means are estimated from
        the counts, each of which takes a degree of freedom.
        """
        generator = self.generator(cells if alike is None else alike, units)
        # Micrographs of one particle each are such draws, too.
        if units is None or units.max() + 1 in (1, len(cells)):
            counts = np.bincount(cells, minlength=n_cells)
            shape = self._shape(np.ones(len(cells)), n_means)
            # The sum of gamma variables is one again: particles need no draw each.
            size = (self.n_resamples, n_cells)
            return generator.gamma(shape * counts, 1 / shape, size)
        # Most cells of most micrographs are empty.
        places, ones = (units, cells), np.ones(len(cells))
        table = csr_array((ones, places), shape=(units.max() + 1, n_cells))
        shape = self._shape(table.sum(axis=1), n_means)
        counts = np.empty((self.n_resamples, n_cells))
        for rows in blocks(self.n_resamples, table.shape[0]):
            size = (len(counts[rows]), table.shape[0])
            counts[rows] = generator.gamma(shape, 1 / shape, size) @ table
        return counts

    def draw_particle(self, n_cells, weight, *data):
        """Return counts of one more particle, in any of the cells by chance.

        What no particle of a sample shows may yet be in others. Its weight is the
        design effect: the number of particles that tell as much as one by itself.
        """
        generator = self.generator(*data, np.array([n_cells]))
        cells = generator.integers(n_cells, size=self.n_resamples)
        counts = np.zeros((self.n_resamples, n_cells))
        rows = np.arange(self.n_resamples)
        counts[rows, cells] = weight * generator.exponential(size=self.n_resamples)
        return counts

    def draw_rows(self, n_rows, *data):
        """Return a row drawn at random for each resample."""
        generator = self.generator(*data, np.array([n_rows]))
        return generator.integers(n_rows, size=self.n_resamples)

    def generator(self, *data):
        """Return a generator of which equal data get the same draws, others others.

        Two samples are then resampled independently of each other, and both with the
        same errors of the model.
        """
        checksum = 0
        for values in data:
            if values is not None:
                checksum = crc32(np.ascontiguousarray(values).tobytes(), checksum)
        return np.random.default_rng([*self.seed, checksum])

    def _shape(self, sizes, n_means):
        """Return the shape of the weights of micrographs of given sizes."""
        n_units = max(effective_number(sizes), 2.0)
        # Not every class is in every micrograph: many classes take half of them.
        n_free = max(n_units - n_means, (n_units - 1) / 2)
        # Shares of n gamma weights of this shape have 1 / (n * shape + 1) of the
        # variance; that of n with so many degrees of freedom asks for 1 / n_free.
        widening = find_widening(n_free, self.level)
        return max((n_free / widening - 1) / n_units, _LEAST_SHAPE)


def find_widening(n_free, level):
    """Return by how much few degrees of freedom raise the variance of weights."""
    upper = (1 + level) / 2
    return (student.ppf(upper, n_free) / norm.ppf(upper)) ** 2


def effective_number(sizes):
    """Return the effective number of units, after Kish: 0 where all are empty.

    Units of the same size count as one each, small ones beside large ones for less.
    """
    squares = (sizes**2).sum(axis=0)
    return sizes.sum(axis=0) ** 2 / np.where(squares > 0, squares, 1)


def interval_ends(draws, value, level):
    """Return percentiles of resamples with the value between them."""
    outside = (1 - level) / 2
    low, high = np.quantile(draws, (outside, 1 - outside), axis=0)
    return np.minimum(low, value), np.maximum(high, value)


def blocks(n_rows, n_columns, n_numbers=_MOST_NUMBERS):
    """Yield slices of rows, so many that memory suffices for them."""
    step = max(1, n_numbers // n_columns)
    for start in range(0, n_rows, step):
        yield slice(start, start + step)


def design_effect(cells, n_cells, units):
    r"""Return how many times single particles the same certainty takes.

    It is the ratio of the variance of shares between micrographs to that of as many
    independent particles, all cells together, and at least 1.
    """
    if units is None or not units.any():
        return 1.0
    table = np.bincount(units * n_cells + cells, minlength=(units.max() + 1) * n_cells)
    table = table.reshape(-1, n_cells)
    sizes = table.sum(axis=1, keepdims=True)
    shares = table.sum(axis=0) / sizes.sum()
    n_units = len(table)
    between = ((table - sizes * shares) ** 2).sum() * n_units / (n_units - 1)
    within = sizes.sum() * (shares * (1 - shares)).sum()
    return max(1.0, float(between / within)) if within > 0 else 1.0
