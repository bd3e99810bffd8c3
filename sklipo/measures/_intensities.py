"""What the pixels of a particle say, in units of the image or of the contrast."""

from functools import cached_property

import numpy as np

from ..images._numbers import is_rounding
from ._levels import Levels


class Intensities:
    """Intensities of one particle: each part is computed when first asked for.

    A particle has those of its image, or after :meth:`Particle.normalized` those
    relative to its background. All that is defined here follows from four things that
    both kinds define: ``image``, ``pixels``, ``levels`` and ``surrounding``.

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


class RelativeIntensities(Intensities):
    """Intensities as differences from the background, in units of the contrast."""

    # By definition: computed anew, they would differ from this by rounding, and a
    # uniform particle would have an infinite contrast.
    background = 0.0
    contrast = 1.0

    def __init__(self, absolute):
        self._absolute = absolute

    @cached_property
    def mean(self):
        """Mean relative intensity inside."""
        absolute = self._absolute
        return (absolute.mean - absolute.background) / absolute.contrast

    @cached_property
    def deviation(self):
        """Standard deviation inside, infinite if that is zero."""
        # What is rounding is seen in the pixels as they were.
        absolute = self._absolute
        is_uniform = np.isinf(absolute.deviation) or np.isinf(absolute.contrast)
        return np.inf if is_uniform else absolute.deviation / absolute.contrast

    @cached_property
    def image(self):
        """Relative intensity of each pixel of the cut-out."""
        absolute = self._absolute
        return (absolute.image - absolute.background) / absolute.contrast

    @cached_property
    def pixels(self):
        """Relative intensity of each pixel inside."""
        return self._absolute.relative

    @property
    def values(self):
        """The same: they are in double precision."""
        return self.pixels

    @property
    def relative(self):
        """The same: they are relative."""
        return self.pixels

    @cached_property
    def levels(self):
        """Levels of relative intensity inside."""
        return self._absolute.relative_levels

    @property
    def relative_levels(self):
        """The same: they are relative."""
        return self.levels

    @cached_property
    def surrounding(self):
        """Levels of relative intensity in the surrounding."""
        absolute = self._absolute
        return absolute.surrounding.scaled(absolute.background, absolute.contrast)
