"""One particle for measuring, and what its measures share."""

from copy import copy
from functools import cache, cached_property
from math import isqrt

import cv2
import numpy as np

from .levels import Levels

# Steps between pixels in six nearly equally spaced directions, which Crofton's
# formula averages over, each weighed by the angle that it stands for.
_STEPS = ((1, 0), (2, 1), (1, 2), (0, 1), (-1, 2), (-2, 1))
_KNIGHT = np.arctan2(1, 2)
_STEP_WEIGHTS = np.array(
    [(np.pi / 4 - _KNIGHT / 2 if dx and dy else _KNIGHT) for dx, dy in _STEPS]
) / (2 * np.hypot(*np.transpose(_STEPS)))
# The surrounding starts where the blur of a membrane has ended, 2 pixels outside.
_BLUR = np.ones((5, 5), np.uint8)


class Particle:
    """One particle for measuring: what several measures share is computed once.

    Parameters
    ----------
    image : ndarray of shape (height, width)
        Pixels of the cut-out, integer or float.
    mask : ndarray of shape (height, width), default=None
        Non-zero inside the particle. Without a mask the whole image is the particle.
    pixel_size : float, default=None
        Nanometres per pixel. Without it lengths are in pixels.

    Attributes
    ----------
    mask : ndarray of uint8
        The mask, cropped to its bounding box and widened by two pixels of zeros.
    inside : ndarray of bool
        The same as bool, to select the pixels inside.
    pixels : ndarray of shape (area,)
        Intensity of each pixel inside, of the image's dtype.
    values : ndarray of shape (area,)
        The same in double precision.
    pixel_size : float
        Nanometres per pixel, 1 where unknown.

    See Also
    --------
    sklipo.ParticleFeatures : Measures all particles of a table.

    Notes
    -----
    Background and contrast are defined by the surrounding. That is what lies more than
    2 pixels outside the mask and within its bounding box, widened by a quarter of the
    radius of a disk of the same area, or 6 pixels if that is more. A particle without
    surrounding is compared with its own mean.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Particle
    >>> image = np.array([[9, 9, 9], [9, 4, 9], [9, 9, 9]])
    >>> particle = Particle(image, image < 9, pixel_size=0.5)
    >>> particle.values, particle.depth
    (array([4.]), array([0.5]))
    """

    def __init__(self, image, mask=None, pixel_size=None):
        if mask is None:
            mask = np.ones(image.shape, bool)
        self._image = image
        self._mask = mask.view(np.uint8) if mask.dtype == bool else np.uint8(mask != 0)
        left, top, width, height = self._box = cv2.boundingRect(self._mask)
        box = slice(top, top + height), slice(left, left + width)
        self.pixel_size = 1.0 if pixel_size is None else float(pixel_size)
        self.mask = np.zeros((height + 4, width + 4), np.uint8)
        self.mask[2:-2, 2:-2] = self._mask[box]
        self.inside = self.mask.view(bool)
        self.pixels = image[box][self.inside[2:-2, 2:-2]]
        self.values = self.pixels.astype(float)

    def to_image(self, values, dtype=None):
        """Return an image of values inside, and of zeros outside.

        Parameters
        ----------
        values : ndarray of shape (area,)
            Value of each pixel inside.
        dtype : dtype, default=None
            Type of the pixels; by default that of the values.

        Returns
        -------
        ndarray
            An image of the shape of ``mask``.
        """
        image = np.zeros(self.mask.shape, values.dtype if dtype is None else dtype)
        image[self.inside] = values
        return image

    @cached_property
    def squared_depth(self):
        """Squared distance of each pixel inside from the nearest one outside.

        Whole numbers, by the exact Euclidean distance transform.
        """
        # OpenCV gives the roots, with rounding errors.
        squares = np.square(_distance_transform(self.mask)[self.inside])
        squares += 0.5
        return squares.astype(np.intp)

    @cached_property
    def depth(self):
        """Distance of each pixel inside from the membrane, in pixels.

        The exact Euclidean distance from pixel centre to the nearest one outside, less
        the half pixel between that and the membrane.
        """
        depths = np.sqrt(np.arange(self.squared_depth.max() + 1)) - 0.5
        return depths[self.squared_depth]

    @cached_property
    def deepest(self):
        """Largest depth."""
        return float(np.sqrt(self.squared_depth.max()) - 0.5)

    @cached_property
    def shells(self):
        """Depth, mean intensity and size of shells of one pixel width."""
        rings, means, sizes = ring_means(self.squared_depth, self.values)
        return rings - 0.5, means, sizes

    @cached_property
    def _moments(self):
        """Geometric moments of the mask."""
        return cv2.moments(self.mask)

    @cached_property
    def centroid(self):
        """Mean row and mean column of the mask."""
        sums = self._moments
        return sums["m01"] / sums["m00"], sums["m10"] / sums["m00"]

    @property
    def squared_radii(self):
        """Squared distance of each pixel inside from the centroid, in square pixels."""
        y, x = self._offsets
        return (np.square(y)[:, np.newaxis] + np.square(x))[self.inside]

    @property
    def _offsets(self):
        """Rows and columns of the mask from the centroid."""
        return (
            np.arange(n) - c
            for n, c in zip(self.mask.shape, self.centroid, strict=True)
        )

    @property
    def sectors(self):
        """Which of 8 sectors around the axes and diagonals each pixel inside lies in.

        The ninth, number 4, is the centroid itself. Borders at odd multiples of 22.5
        degrees pass through no pixel centres, so that turned and mirrored particles
        split alike.
        """
        y, x = self._offsets
        tangent = np.sqrt(2) - 1
        up = np.abs(y)[:, np.newaxis] > tangent * np.abs(x)
        across = np.abs(x) > tangent * np.abs(y)[:, np.newaxis]
        signs_y, signs_x = np.int8(np.sign(y)), np.int8(np.sign(x))
        sectors = 3 * signs_y[:, np.newaxis] * up + signs_x * across + np.int8(4)
        return sectors[self.inside]

    @cached_property
    def principal_axes(self):
        """Variances along the minor and major axis, and unit vectors as columns.

        They belong to the covariance of row and column, each pixel being a square.
        """
        xx, xy, yy = (self._moments[name] for name in ("mu20", "mu11", "mu02"))
        covariance = np.array([[yy, xy], [xy, xx]]) / self._moments["m00"]
        return np.linalg.eigh(covariance + np.eye(2) / 12)

    @cached_property
    def perimeter(self):
        """Crofton perimeter, in pixels."""
        height, width = self.mask.shape
        crossings = []
        for dx, dy in _STEPS:
            start = self.mask[: height - dy, max(-dx, 0) : width - max(dx, 0)]
            end = self.mask[dy:, max(dx, 0) : width + min(dx, 0)]
            crossings.append(cv2.norm(start, end, cv2.NORM_L1))
        return float(_STEP_WEIGHTS @ crossings)

    @cached_property
    def outlines(self):
        """Corners of the boundary of each component in order, as columns and rows."""
        outlines, _ = cv2.findContours(
            self.mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
        )
        return [outline[:, 0] for outline in outlines]

    @cached_property
    def hull(self):
        """Pixels that are vertices of the convex hull, as columns and rows."""
        return cv2.convexHull(np.concatenate(self.outlines))[:, 0].astype(float)

    @cached_property
    def feret_diameter_max(self):
        """Largest distance between two middles of outer sides of pixels, in pixels."""
        dx, dy = (np.abs(c[:, np.newaxis] - c) for c in self.hull.T.copy())
        squares = 2 * np.maximum(dx, dy)
        squares += np.square(dx, out=dx)
        squares += np.square(dy, out=dy)
        return float(np.sqrt(squares.max() + 1))

    @cached_property
    def levels(self):
        """Levels of intensity inside."""
        return Levels.of(self.pixels)

    @cached_property
    def surrounding(self):
        """Levels of intensity in the surrounding."""
        left, top, width, height = self._box
        margin = surrounding_margin(self.values.size)
        rows = slice(max(top - margin, 0), top + height + margin)
        columns = slice(max(left - margin, 0), left + width + margin)
        near = cv2.dilate(self._mask[rows, columns], _BLUR)
        pixels = self._image[rows, columns][near == 0]
        return Levels.of(pixels if pixels.size else np.array([self.mean]))

    @cached_property
    def background(self):
        """Median of the surrounding: neighbours change it little."""
        return float(self.surrounding.at(self.surrounding.size // 2))

    @cached_property
    def background_deviation(self):
        """Standard deviation of the surrounding, from its interquartile range."""
        last = self.surrounding.size - 1
        low, high = self.surrounding.at([round(0.25 * last), round(0.75 * last)])
        return float(high - low) / 1.349

    @cached_property
    def mean(self):
        """Mean intensity inside."""
        return self.levels.average(self.levels.values)

    @cached_property
    def contrast(self):
        """Root mean square of values less background, infinite if that is zero."""
        return self._scale_about(self.background)

    @cached_property
    def deviation(self):
        """Standard deviation inside, infinite if that is zero."""
        return self._scale_about(self.mean)

    def _scale_about(self, level):
        """Return the root mean square of values less level, infinite if zero.

        Divided by infinity, what differs only by rounding becomes zero.
        """
        scale = np.sqrt(self.levels.average(np.square(self.levels.values - level)))
        rounding = 1e-9 * (abs(level) + abs(self.values[0]))
        return scale if scale > rounding else np.inf

    @cached_property
    def relative(self):
        """Values less background, in contrasts."""
        return (self.values - self.background) / self.contrast

    @cached_property
    def standardized(self):
        """Values less their mean, in standard deviations."""
        return (self.values - self.mean) / self.deviation

    def normalized(self):
        """Return the particle with its relative intensities as values.

        Returns
        -------
        Particle
            One of background 0 and contrast 1, unless it is uniform.
        """
        other = copy(self)
        for of_values in ("deviation", "mean", "shells", "standardized"):
            other.__dict__.pop(of_values, None)
        other.pixels = other.values = other.relative = self.relative
        other.levels = self.levels.scaled(self.background, self.contrast)
        other.background_deviation = self.background_deviation / self.contrast
        other.background = 0.0
        other.contrast = 1.0
        return other


def surrounding_margin(area):
    """Return how far the surrounding reaches beyond the bounding box of a mask.

    Parameters
    ----------
    area : int or ndarray of int
        Number of pixels inside.

    Returns
    -------
    int or ndarray of int
        Pixels: a quarter of the radius of a disk of that area, and 6 or more.

    See Also
    --------
    Particle : Defines the surrounding.

    Examples
    --------
    >>> from sklipo.measures.particle import surrounding_margin
    >>> int(surrounding_margin(5000))
    10
    """
    return np.maximum(6, np.rint(np.sqrt(area / np.pi) / 4).astype(int))


def _distance_transform(mask):
    """Return the distance of each pixel from the nearest one outside, exactly.

    Intel's library, which OpenCV may call, takes a third longer for a particle. The
    choice is that of the calling thread.
    """
    uses_ipp = cv2.ipp.useIPP()
    cv2.ipp.setUseIPP(False)
    try:
        return cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    finally:
        cv2.ipp.setUseIPP(uses_ipp)


def ring_means(squares, values):
    """Return number, mean value and size of rings around a centre, less empty ones.

    Parameters
    ----------
    squares : ndarray of shape (n,), dtype intp
        Squared distance of each pixel from the centre. Of distances whose squares are
        no whole numbers, the square plus 3/4, rounded down.
    values : ndarray of shape (n,)
        Its intensity.

    Returns
    -------
    rings : ndarray of shape (n_rings,)
        Number of each ring. Ring n is one pixel wide around the distance n.
    means : ndarray of shape (n_rings,)
        Mean value.
    sizes : ndarray of shape (n_rings,)
        Number of pixels.

    See Also
    --------
    sklipo.measures.radial_profile : Rings around the centroid.
    sklipo.measures.edge_profile : Rings around what lies outside.

    Notes
    -----
    Ring n starts at the square :math:`(n - 1/2)^2 = n^2 - n + 1/4`. Adding 3/4 makes
    that a whole number, so that counting pixels by whole numbers, without a root,
    splits them exactly.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures.particle import ring_means
    >>> ring_means(np.array([0, 5, 8]), np.array([1.0, 2.0, 3.0]))
    (array([0, 2, 3]), array([1., 2., 3.]), array([1, 1, 1]))
    """
    counts = np.bincount(squares)
    starts = _ring_starts((3 + isqrt(max(4 * len(counts) - 7, 0))) // 2)
    sizes = np.add.reduceat(counts, starts)
    sums = np.add.reduceat(np.bincount(squares, values), starts)
    filled = sizes.nonzero()[0]
    sizes = sizes[filled]
    return filled, sums[filled] / sizes, sizes


@cache
def _ring_starts(n_rings):
    """Return the smallest whole number that belongs to each ring."""
    rings = np.arange(n_rings)
    return np.where(rings > 0, rings**2 - rings + 1, 0)
