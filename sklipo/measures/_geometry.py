"""What the mask of a particle alone says, whatever the unit of its intensities."""

from functools import cached_property

import cv2
import numpy as np

from ..surrounding import find_surrounding, surrounding_margin
from ._rings import Rings

# Steps between pixels in six nearly equally spaced directions, which Crofton's
# formula averages over, each weighed by the angle that it stands for.
STEPS = ((1, 0), (2, 1), (1, 2), (0, 1), (-1, 2), (-2, 1))
_KNIGHT = np.arctan2(1, 2)
STEP_WEIGHTS = np.array(
    [(np.pi / 4 - _KNIGHT / 2 if dx and dy else _KNIGHT) for dx, dy in STEPS]
) / (2 * np.hypot(*np.transpose(STEPS)))


def _distance_transform(mask):
    """Return the distance of each pixel from the nearest one outside, exactly."""
    # Intel's library, which OpenCV may call, takes twice as long for one particle: 57
    # us more, of the 360 us that all features of the thesis take without it. The choice
    # is that of the calling thread.
    uses_ipp = cv2.ipp.useIPP()
    cv2.ipp.setUseIPP(False)
    try:
        return cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    finally:
        cv2.ipp.setUseIPP(uses_ipp)


class Geometry:
    """Geometry of one particle, in pixels: each part is computed when first asked for.

    Parameters
    ----------
    mask : ndarray of shape (height, width)
        Non-zero inside the particle.

    Attributes
    ----------
    whole_mask : ndarray of uint8
        The mask of the cut-out, of zeros and ones.
    mask : ndarray of uint8
        The same, cropped to its bounding box and widened by two pixels of zeros.
    inside : ndarray of bool
        The same as bool, to select the pixels inside.
    box : tuple of (slice, slice)
        Rows and columns of the bounding box in the cut-out.

    See Also
    --------
    Intensities : What the pixels say.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Geometry
    >>> geometry = Geometry(np.array([[0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]]))
    >>> geometry.area, geometry.centroid, geometry.deepest
    (9, (3.0, 3.0), 1.5)
    """

    def __init__(self, mask):
        is_bool = mask.dtype == bool
        self.whole_mask = mask.view(np.uint8) if is_bool else np.uint8(mask != 0)
        left, top, width, height = cv2.boundingRect(self.whole_mask)
        self.box = slice(top, top + height), slice(left, left + width)
        # Two pixels, so that a knight's move from the outline ends in the image.
        self.mask = np.zeros((height + 4, width + 4), np.uint8)
        self.mask[2:-2, 2:-2] = self.whole_mask[self.box]
        self.inside = self.mask.view(bool)

    def select(self, image):
        """Return the pixels inside.

        Parameters
        ----------
        image : ndarray
            Of the shape of the cut-out.

        Returns
        -------
        ndarray of shape (area,)
            Its pixels in the mask, row by row.
        """
        return image[self.box][self.inside[2:-2, 2:-2]]

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
    def surrounding(self):
        """Rows and columns near the particle, and flags of its surrounding in them."""
        margin = int(surrounding_margin(self.area))
        near = tuple(
            slice(max(inside.start - margin, 0), inside.stop + margin)
            for inside in self.box
        )
        return near, find_surrounding(self.whole_mask[near])

    @cached_property
    def area(self):
        """Number of pixels inside."""
        return cv2.countNonZero(self.mask)

    @cached_property
    def squared_depth(self):
        """Squared distance of each pixel inside from the nearest one outside.

        Whole numbers, by the exact Euclidean distance transform.
        """
        distances = _distance_transform(self.mask)[self.inside]
        # OpenCV gives the roots. Adding a half rounds their squares to whole numbers.
        squares = np.square(distances)
        squares += 0.5
        return squares.astype(np.intp)

    @cached_property
    def depth(self):
        """Distance of each pixel inside from the membrane.

        The exact Euclidean distance from pixel center to the nearest one outside, less
        the half pixel between that and the membrane.
        """
        # A table of roots: fewer squares occur than there are pixels.
        depths = np.sqrt(np.arange(self.squared_depth.max() + 1)) - 0.5
        return depths[self.squared_depth]

    @cached_property
    def deepest(self):
        """Largest depth."""
        return float(np.sqrt(self.squared_depth.max()) - 0.5)

    @cached_property
    def shells(self):
        """Rings by distance from the nearest pixel outside: the depth plus a half."""
        return Rings(self.squared_depth)

    @cached_property
    def _moments(self):
        """Geometric moments of the mask."""
        return cv2.moments(self.mask)

    @cached_property
    def centroid(self):
        """Mean row and mean column of the mask."""
        sums = self._moments
        return sums["m01"] / sums["m00"], sums["m10"] / sums["m00"]

    @cached_property
    def squared_radii(self):
        """Squared distance of each pixel inside from the centroid."""
        y, x = self._offsets
        return (np.square(y)[:, np.newaxis] + np.square(x))[self.inside]

    @cached_property
    def rings(self):
        """Rings by distance from the centroid."""
        return Rings((self.squared_radii + 0.75).astype(np.intp))

    @property
    def _offsets(self):
        """Rows and columns of the mask from the centroid."""
        return (
            np.arange(n) - c
            for n, c in zip(self.mask.shape, self.centroid, strict=True)
        )

    @cached_property
    def sectors(self):
        """Which of 8 sectors around the axes and diagonals each pixel inside lies in.

        The ninth, number 4, is the centroid itself. Borders at odd multiples of 22.5
        degrees pass through no pixel centers, so turned and mirrored particles split
        alike.
        """
        y, x = self._offsets
        tangent = np.sqrt(2) - 1  # of 22.5 degrees
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
        # The variance of a square of side 1; it keeps a row of pixels from being flat.
        return np.linalg.eigh(covariance + np.eye(2) / 12)

    @cached_property
    def perimeter(self):
        """Crofton perimeter."""
        height, width = self.mask.shape
        crossings = []
        for dx, dy in STEPS:
            start = self.mask[: height - dy, max(-dx, 0) : width - max(dx, 0)]
            end = self.mask[dy:, max(dx, 0) : width + min(dx, 0)]
            # The sum of differences counts the lines that cross the outline.
            crossings.append(cv2.norm(start, end, cv2.NORM_L1))
        return float(STEP_WEIGHTS @ crossings)

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
        """Largest distance between two middles of outer sides of pixels."""
        dx, dy = (np.abs(c[:, np.newaxis] - c) for c in self.hull.T.copy())
        # The middles of two sides that face away from each other lie half a pixel
        # farther apart at each end, along the longer leg: (d + 1)² = d² + 2d + 1.
        squares = 2 * np.maximum(dx, dy)
        squares += np.square(dx, out=dx)
        squares += np.square(dy, out=dy)
        return float(np.sqrt(squares.max() + 1))
