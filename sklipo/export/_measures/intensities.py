"""What the pixels of a particle say, in a graph."""

from functools import cached_property

import numpy as np

from .geometry import find_surrounding

_EPS = float(np.finfo(np.float32).eps)


class Intensities:
    """Intensities of one particle: :class:`sklipo.measures.Intensities` as nodes.

    Parameters
    ----------
    op : Ops
        The operators.
    image : Var of shape (height, width), dtype float32
        Pixels of the cut-out.
    geometry : Geometry
        Which of them are inside.

    Attributes
    ----------
    image : Var of shape (height, width), dtype float64
        Intensity of each pixel of the cut-out.
    values : Var of shape (area,), dtype float64
        Intensity of each pixel inside.
    """

    def __init__(self, op, image, geometry):
        self.op = op
        self.image = op.double(image)
        self._geometry = geometry

    @cached_property
    def values(self):
        """Intensity of each pixel inside."""
        return self._geometry.select(self.image)

    @cached_property
    def mean(self):
        """Mean intensity inside."""
        # Of differences: the mean of equal values is that value, to the bit.
        first = self.op.gather(self.values, np.int64(0))
        return first + mean(self.op, self.values - first)

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
        pixels = op.compress(near, op.reshape(flags, [-1]), axis=0)
        return op.choose(
            op.any(flags), lambda: pixels, lambda: op.reshape(self.mean, [1])
        )

    @cached_property
    def background(self):
        """Median of the surrounding: neighbors change it little."""
        op = self.op
        place = op.div(op.length(self.surrounding, 0), np.int64(2))
        return op.gather(op.rising(self.surrounding, place + 1), place)

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
        largest = op.each_max(op.abs(differences))
        # Squares of very small and very large numbers leave the range of floats.
        unit = op.where(op.greater(largest, 0.0), largest, op.constant(1.0))
        scale = op.sqrt(mean(op, square(differences / unit))) * unit
        magnitude = largest + op.abs(level)
        infinite = op.constant(np.inf)
        return op.where(is_rounding(op, scale, self.values, magnitude), infinite, scale)


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
    def image(self):
        """Intensity of each pixel of the cut-out, on this scale."""
        return self._scaled(self._absolute.image)

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
        # A number divided by infinity is no infinity, but infinity by a number is.
        return self._absolute.deviation / self._origin_and_unit[1]

    @property
    def standardized(self):
        """Values less their mean, in standard deviations: the same on every scale."""
        return self._absolute.standardized

    @property
    def relative(self):
        """Values less background, in contrasts: the same on every scale."""
        return self._absolute.relative

    @property
    def surrounding(self):
        """Not on this scale: what is measured of it is relative."""
        raise NotImplementedError


def square(x):
    """Return squares."""
    return x * x


def mean(op, x):
    """Return the mean of all numbers."""
    return op.reduce_mean(x, None, keepdims=False)


def is_rounding(op, deviation, pixels, largest):
    """Tell whether rounding alone can give a deviation to equal pixels.

    The rule of sklipo.images for pixels of single precision.
    """
    n_pixels = op.double(op.size(pixels))
    eps = op.max([op.sqrt(n_pixels) * float(np.finfo(np.float64).eps), _EPS])
    return op.less_or_equal(deviation, eps * largest)


def mean_and_deviation(op, pixels):
    """Return mean and standard deviation; the latter is 0 where it is but rounding."""
    origin = op.gather(pixels, np.int64(0))
    differences = pixels - origin
    spread = op.each_max(pixels) - op.each_min(pixels)
    unit = op.where(op.greater(spread, 0.0), spread, op.constant(1.0))
    differences = differences / unit
    center = mean(op, differences)
    deviation = op.sqrt(mean(op, square(differences - center))) * unit
    is_constant = is_rounding(op, deviation, pixels, op.each_max(op.abs(pixels)))
    return origin + center * unit, op.where(is_constant, op.constant(0.0), deviation)


def noise_level(op, image, mask):
    """Return the mean of a particle's surrounding, and a unit for differences from it.

    As :func:`sklipo.surrounding.noise_level` does.
    """
    pixels = op.reshape(image, [-1])
    flags = op.reshape(find_outside(op, mask), [-1])
    center, deviation = mean_and_deviation(op, op.compress(pixels, flags, axis=0))
    return center, first_positive(op, deviation, deviation_of(op, image))


def find_outside(op, mask):
    """Return the flags of the surrounding, or of all pixels if there is none."""
    outside = find_surrounding(op, mask)
    return op.pick(op.any(outside), outside, mask)


def deviation_of(op, image):
    """Return the standard deviation of a whole image."""
    return mean_and_deviation(op, op.reshape(image, [-1]))[1]


def first_positive(op, *numbers):
    """Return the first of some numbers that is above 0, or else 1."""
    result = op.constant(1.0)
    for number in reversed(numbers):
        result = op.where(op.greater(number, 0.0), number, result)
    return result
