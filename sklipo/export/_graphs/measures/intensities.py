"""What the pixels of a particle say, in a graph."""

from functools import cached_property

import numpy as np

from ....surrounding import LEAST_RELATIVE_DEVIATION
from .geometry import find_surrounding

# Levels that pixels are sorted by before few of them are sorted exactly.
_N_LEVELS = 1024


class Intensities:
    """Intensities of one particle: :class:`sklipo.measures.Intensities` as nodes.

    Parameters
    ----------
    op : Ops
        The operators.
    image : Tensor of shape (height, width), dtype float32
        Pixels of the cut-out.
    geometry : Geometry
        Which of them are inside.

    Attributes
    ----------
    image : Tensor of shape (height, width), dtype float32
        Intensity of each pixel of the cut-out.
    values : Tensor of shape (area,), dtype float64
        Intensity of each pixel inside.
    """

    def __init__(self, op, image, geometry):
        self.op = op
        self.image = image
        self._geometry = geometry

    @cached_property
    def values(self):
        """Intensity of each pixel inside."""
        return self.op.double(self._geometry.select(self.image))

    @cached_property
    def mean(self):
        """Mean intensity inside."""
        # Of differences: the mean of equal values is that value, to the bit.
        first = self.op.gather(self.values, np.int64(0))
        return first + average(self.op, self.values - first)

    @cached_property
    def deviation(self):
        """Standard deviation inside, infinite if that is zero."""
        return self._scale_about(self.mean)

    @cached_property
    def standardized(self):
        """Values less their mean, in standard deviations."""
        return (self.values - self.mean) / self.deviation

    @cached_property
    def surrounding(self):
        """Pixels of the surrounding, or the mean inside if it has none."""
        op = self.op
        start, end, flags = self._geometry.surrounding
        near = op.reshape(op.cut(self.image, start, end), [-1])
        pixels = op.double(op.compress(near, op.reshape(flags, [-1]), axis=0))
        return op.choose(
            op.any(flags), lambda: pixels, lambda: op.reshape(self.mean, [1])
        )

    @cached_property
    def _quartiles(self):
        """Median, lower and upper quartile of the surrounding."""
        op = self.op
        size = op.double(op.size(self.surrounding))
        median = op.floor(size * np.array([0.5]))
        others = op.round((size - 1.0) * np.array([0.25, 0.75]))
        return at(op, self.surrounding, op.concat([median, others], axis=0))

    @cached_property
    def background(self):
        """Median of the surrounding: neighbors change it little."""
        return self.op.gather(self._quartiles, np.int64(0))

    @cached_property
    def relative_noise(self):
        """Deviation of the surrounding, from its interquartile range, in contrasts."""
        low, high = (self.op.gather(self._quartiles, np.int64(i)) for i in (1, 2))
        return (high - low) / 1.349 / self.contrast

    @cached_property
    def contrast(self):
        """Root mean square of values less background, infinite if that is zero."""
        return self._scale_about(self.background)

    @cached_property
    def relative(self):
        """Values less background, in contrasts."""
        return (self.values - self.background) / self.contrast

    @cached_property
    def noise(self):
        """Mean and deviation of the whole surrounding, the latter never 0."""
        return noise_level(self.op, self.image, self._geometry.whole_mask)

    def _scale_about(self, level):
        """Return the root mean square of values less level, infinite if zero."""
        op = self.op
        differences = self.values - level
        magnitude = op.each_max(op.abs(differences)) + op.abs(level)
        # Squares of single precision do not leave the range of doubles.
        scale = op.sqrt(average(op, square(differences)))
        infinite = op.constant(np.inf)
        return op.where(is_rounding(op, scale, magnitude), infinite, scale)


class ScaledIntensities(Intensities):
    """Intensities as differences from an origin, in a unit: "contrast" or "noise"."""

    def __init__(self, absolute, scale):
        self.op = absolute.op
        self._geometry = absolute._geometry
        self._absolute = absolute
        self._scale = scale

    @cached_property
    def _origin_and_unit(self):
        """Level that becomes 0, and what becomes 1, in units of the image."""
        absolute = self._absolute
        if self._scale == "contrast":
            return absolute.background, absolute.contrast
        return absolute.noise

    def _scaled(self, numbers):
        """Return intensities of the image on this scale."""
        origin, unit = self._origin_and_unit
        return (numbers - origin) / unit

    @cached_property
    def values(self):
        """Intensity of each pixel inside, on this scale."""
        return self._scaled(self._absolute.values)

    @cached_property
    def mean(self):
        """Mean inside, on this scale."""
        return self._scaled(self._absolute.mean)

    @cached_property
    def deviation(self):
        """Standard deviation inside, infinite if that is zero."""
        op, deviation = self.op, self._absolute.deviation
        unit = self._origin_and_unit[1]
        is_zero = op.isinf(deviation) | op.isinf(unit)
        return op.where(is_zero, op.constant(np.inf), deviation / unit)

    @property
    def relative(self):
        """Values less background, in contrasts: the same on every scale."""
        return self._absolute.relative

    @property
    def relative_noise(self):
        """Deviation of the surrounding, in contrasts: the same on every scale."""
        return self._absolute.relative_noise


def square(x):
    """Return squares."""
    return x * x


def average(op, x):
    """Return the mean of all numbers."""
    return op.reduce_mean(x, None, keepdims=False)


def at(op, values, places):
    """Return numbers by their places in rising order, each from 0 to n - 1.

    Sorting all takes up to 20 times as long as sorting those on the levels of the
    numbers that are looked for.
    """
    low = op.each_min(values)
    spread = op.each_max(values) - low
    step = op.where(op.greater(spread, 0.0), spread, op.constant(1.0))
    levels = op.integer((values - low) * ((_N_LEVELS - 1.0) / step))
    counts = op.count(levels, np.int64(_N_LEVELS))
    ends = op.cumsum(counts, np.int64(0))
    columns = op.unsqueeze(places, [1])
    is_below = op.less_or_equal(ends, columns)
    holds = op.less_or_equal(ends - counts, columns) & ~is_below
    is_kept = op.cast(op.each_max(op.cast(holds, to=np.int32), 0), to=bool)
    skipped = op.each_sum(op.double(is_below & ~is_kept) * counts, 1)
    kept = op.compress(values, op.gather_elements(is_kept, levels), axis=0)
    rising, _ = op.top_k(kept, op.shape(kept), largest=False)
    return op.gather(rising, op.integer(places - skipped))


def is_rounding(op, deviation, largest):
    """Tell whether rounding alone can give a deviation to equal pixels.

    The rule of sklipo.images for pixels of single precision.
    """
    return op.less_or_equal(deviation, largest * float(np.finfo(np.float32).eps))


def mean_and_deviation(op, pixels):
    """Return mean and standard deviation; the latter is 0 where it is but rounding."""
    origin = op.gather(pixels, np.int64(0))
    differences = pixels - origin
    center = average(op, differences)
    deviation = op.sqrt(average(op, square(differences - center)))
    is_constant = is_rounding(op, deviation, op.each_max(op.abs(pixels)))
    return origin + center, op.where(is_constant, op.constant(0.0), deviation)


def noise_level(op, image, mask):
    """Return the mean of a particle's surrounding, and a unit for differences from it.

    As :func:`sklipo.surrounding.noise_level` does.
    """
    flags = find_surrounding(op, mask)
    flags = op.reshape(op.pick(op.any(flags), flags, mask), [-1])
    outside = op.compress(op.reshape(image, [-1]), flags, axis=0)
    center, deviation = _level(op, outside)
    unit = op.choose(
        op.greater(deviation, 0.0),
        lambda: deviation,
        lambda: positive_or_one(op, deviation_of(op, image)),
    )
    return center, unit


def deviation_of(op, image):
    """Return the standard deviation of a whole image."""
    return _level(op, op.reshape(image, [-1]))[1]


def _level(op, pixels):
    """Return mean and standard deviation, the latter 0 where it is but rounding."""
    pixels = op.double(pixels)
    # As OpenCV does, to the bit where sums are whole numbers.
    share = 1.0 / op.double(op.size(pixels))
    center, squares = (op.each_sum(x) * share for x in (pixels, square(pixels)))
    deviation = op.sqrt(op.max([squares - square(center), 0.0]))
    # Of a smaller deviation, few digits would be left.
    keeps_digits = op.greater(deviation, op.abs(center) * LEAST_RELATIVE_DEVIATION)
    level = op.choose(
        keeps_digits,
        lambda: op.stack([center, deviation]),
        lambda: op.stack(mean_and_deviation(op, pixels)),
    )
    return [op.gather(level, np.int64(i)) for i in range(2)]


def positive_or_one(op, number):
    """Return a number if it is above 0, or else 1."""
    return op.where(op.greater(number, 0.0), number, op.constant(1.0))
