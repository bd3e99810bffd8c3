"""What the pixels of a particle say, in units of the image, contrast or noise."""

from functools import cached_property

import numpy as np

from ..images._numbers import is_rounding
from ..surrounding import noise_level
from ._levels import Levels


class Intensities:
    """Intensities of one particle: each part is computed when first asked for.

    A particle has those of its image, or after :meth:`Particle.normalized` those in
    units of its contrast or noise. All that is defined here follows from four things
    that both kinds define: ``image``, ``pixels``, ``levels`` and ``surrounding``.

    Attributes
    ----------
    image : ndarray of shape (height, width)
        Intensity of each pixel of the cut-out.
    pixels : ndarray of shape (area,)
        Intensity of each pixel inside, of the image's dtype.
    levels : object
        Levels of intensity inside with the number of pixels of each.
    surrounding : object
        The same in the surrounding of the particle.

    See Also
    --------
    Geometry : What the mask says.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Particle
    >>> image = np.pad(np.full((3, 3), 4.0), 6, constant_values=9.0)
    >>> particle = Particle(image, image < 9)
    >>> particle.intensities.background, particle.intensities.contrast
    (9.0, 5.0)
    >>> particle.normalized().intensities.mean
    -1.0
    """

    @cached_property
    def values(self):
        """Intensity of each pixel inside, in double precision."""
        return self.pixels.astype(float)

    @cached_property
    def mean(self):
        """Mean intensity inside."""
        # Of differences: the mean of equal values is that value, to the bit.
        values = self.levels.values
        return float(values[0]) + self.levels.average(values - values[0])

    @cached_property
    def deviation(self):
        """Standard deviation inside, infinite if that is zero."""
        return self._scale_about(self.mean)

    @cached_property
    def standardized(self):
        """Values less their mean, in standard deviations."""
        return (self.values - self.mean) / self.deviation

    @cached_property
    def background(self):
        """Median of the surrounding: neighbors change it little."""
        return float(self.surrounding.at(self.surrounding.size // 2))

    @cached_property
    def background_deviation(self):
        """Standard deviation of the surrounding, from its interquartile range."""
        last = self.surrounding.size - 1
        low, high = self.surrounding.at([round(0.25 * last), round(0.75 * last)])
        return float(high - low) / 1.349  # interquartile range of a normal distribution

    @cached_property
    def contrast(self):
        """Root mean square of values less background, infinite if that is zero."""
        return self._scale_about(self.background)

    @cached_property
    def relative(self):
        """Values less background, in contrasts."""
        return (self.values - self.background) / self.contrast

    @cached_property
    def relative_levels(self):
        """Levels of relative intensity inside."""
        return self.levels.scaled(self.background, self.contrast)

    def _scale_about(self, level):
        """Return the root mean square of values less level, infinite if zero."""
        differences = self.levels.values - level
        largest = float(max(differences.max(), -differences.min()))
        if largest == 0:
            return np.inf
        magnitude = largest + abs(level)
        # Squares of very large and very small numbers leave the range of floats.
        unit = 1.0 if 1e-100 < largest < 1e100 else largest
        square = self.levels.average(np.square(differences / unit))
        scale = float(np.sqrt(square) * unit)
        # What differs only by rounding becomes zero when divided by infinity.
        return np.inf if is_rounding(scale, self.pixels, magnitude) else scale


class ImageIntensities(Intensities):
    """Intensities as they are in an image, for the pixels that a geometry selects."""

    def __init__(self, image, geometry):
        self.image = image
        self._geometry = geometry

    @cached_property
    def pixels(self):
        """Intensity of each pixel inside, of the image's dtype."""
        return self._geometry.select(self.image)

    @cached_property
    def levels(self):
        """Levels of intensity inside."""
        return Levels.of(self.pixels)

    @cached_property
    def surrounding(self):
        """Levels of intensity in the surrounding, or the mean inside if it has none."""
        near, outside = self._geometry.surrounding
        pixels = self.image[near][outside]
        return Levels.of(pixels if pixels.size else np.array([self.mean]))

    @cached_property
    def noise(self):
        """Mean and deviation of the whole surrounding, the latter never 0."""
        return noise_level(self.image, self._geometry.whole_mask)


class ScaledIntensities(Intensities):
    """Intensities as differences from an origin, in a unit: see ``Particle``."""

    def __init__(self, absolute, scale):
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

    def _scaled_deviation(self, deviation):
        """Return a deviation on this scale, infinite if it is zero."""
        # What is rounding is seen in the pixels as they were.
        unit = self._origin_and_unit[1]
        return np.inf if np.isinf(deviation) or np.isinf(unit) else deviation / unit

    @cached_property
    def mean(self):
        """Mean inside, on this scale."""
        return self._scaled(self._absolute.mean)

    @cached_property
    def deviation(self):
        """Standard deviation inside, infinite if that is zero."""
        return self._scaled_deviation(self._absolute.deviation)

    @cached_property
    def background(self):
        """Median of the surrounding, on this scale."""
        return self._scaled(self._absolute.background)

    @cached_property
    def contrast(self):
        """Contrast on this scale; 1 for a uniform particle in units of it."""
        if self._scale == "contrast":
            return 1.0
        return self._scaled_deviation(self._absolute.contrast)

    @cached_property
    def noise(self):
        """Mean and deviation of the whole surrounding, on this scale."""
        mean, deviation = self._absolute.noise
        return self._scaled(mean), deviation / self._origin_and_unit[1]

    @cached_property
    def image(self):
        """Intensity of each pixel of the cut-out, on this scale."""
        return self._scaled(self._absolute.image)

    @cached_property
    def pixels(self):
        """Intensity of each pixel inside, on this scale."""
        return self._scaled(self._absolute.values)

    @property
    def values(self):
        """The same: they are in double precision."""
        return self.pixels

    @property
    def relative(self):
        """Values less background, in contrasts: the same on every scale."""
        return self._absolute.relative

    @cached_property
    def levels(self):
        """Levels of intensity inside, on this scale."""
        return self._absolute.levels.scaled(*self._origin_and_unit)

    @property
    def relative_levels(self):
        """Levels of relative intensity inside: the same on every scale."""
        return self._absolute.relative_levels

    @cached_property
    def surrounding(self):
        """Levels of intensity in the surrounding, on this scale."""
        return self._absolute.surrounding.scaled(*self._origin_and_unit)
