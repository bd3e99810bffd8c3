"""The convex hull of a mask, in a graph, and what is measured on it."""

from functools import cached_property

import numpy as np

from .circles import enclosing_radius

# Less than any column: where a row without pixels would end.
_NOWHERE = -1e9
# OpenCV widens the smallest circle by so many pixels.
_MARGIN = 1e-4


class Hull:
    """Convex hull of the pixels of a mask.

    Parameters
    ----------
    op : Ops
        The operators.
    mask : Tensor of shape (height, width), dtype float32
        1 inside and 0 outside.

    Attributes
    ----------
    points : Tensor of shape (n_vertices, 2), dtype float64
        Columns and rows of the pixels that are vertices, in order: the right ones
        downwards and the left ones upwards. A pixel can be both.
    """

    def __init__(self, op, mask):
        self._op = op
        ends, has_pixels = _row_ends(op, mask)
        is_vertex = _find_corners(op, ends) & has_pixels
        rows = op.double(op.arange(op.length(ends, 1)))
        right, left = (
            op.compress(
                op.concat([op.gather(ends, [side]), op.unsqueeze(rows, [0])], axis=0),
                op.gather(is_vertex, np.int64(side)),
                axis=1,
            )
            for side in (0, 1)
        )
        left = op.slice(
            left * op.constant([[-1.0], [1.0]]), [-1], [-(2**62)], [1], [-1]
        )
        self.points = op.transpose(op.concat([right, left], axis=1), perm=[1, 0])

    @cached_property
    def _sides(self):
        """Steps from each vertex to the next one."""
        op = self._op
        others = op.concat(
            [op.slice(self.points, [1], [2**62]), op.slice(self.points, [0], [1])],
            axis=0,
        )
        return others - self.points

    @cached_property
    def feret_diameter_max(self):
        """Largest distance between two middles of outer sides of pixels."""
        op = self._op
        gaps = op.abs(op.unsqueeze(self.points, [1]) - op.unsqueeze(self.points, [0]))
        squares = op.each_sum(gaps * gaps, 2) + op.each_max(gaps, 2) * 2.0
        return op.sqrt(op.each_max(squares) + 1.0)

    @cached_property
    def extents(self):
        """Extents across and along each side, of pixels that are squares."""
        op = self._op
        norms = op.sqrt(op.each_sum(self._sides * self._sides, 1))
        is_side = op.greater(norms, 0.0)
        along = op.compress(self._sides / op.unsqueeze(norms, [1]), is_side, axis=0)
        # The direction of rows stands in for the sides that a single pixel lacks.
        along = op.transpose(
            op.concat([along, op.constant([[1.0, 0.0]])], axis=0), perm=[1, 0]
        )
        across = op.gather(along, [1, 0]) * op.constant([[-1.0], [1.0]])
        pixel = op.each_sum(op.abs(along), 0)
        places = [op.matmul(self.points, directions) for directions in (across, along)]
        return [op.each_max(x, 0) - op.each_min(x, 0) + pixel for x in places]

    @cached_property
    def area(self):
        """Area of the hull of pixels that are squares."""
        op = self._op
        turned = op.gather(self._sides, [1, 0], axis=1) * op.constant([1.0, -1.0])
        polygon = op.abs(op.each_sum(self.points * turned)) / 2.0
        spans = op.each_max(self.points, 0) - op.each_min(self.points, 0)
        # A convex polygon widened by a unit square grows by its extents and 1.
        return polygon + op.each_sum(spans) + 1.0

    @cached_property
    def radius(self):
        """Radius of the smallest circle around the points."""
        return enclosing_radius(self._op, self.points) + _MARGIN


def _row_ends(op, mask):
    """Return the last column of each row, and the first one with a minus.

    Also returns flags of the rows that have pixels.
    """
    width = op.single(op.length(mask, 1))
    columns = op.single(op.arange(op.length(mask, 1)))
    last = op.reduce_max(mask * (columns + 1.0), [1]) - 1.0
    first = op.reduce_max(mask * (width - columns), [1]) - width
    ends = op.double(op.transpose(op.concat([last, first], axis=1), perm=[1, 0]))
    has_pixels = op.greater_or_equal(op.gather(ends, [0]), 0.0)
    return op.where(has_pixels, ends, op.constant(_NOWHERE)), has_pixels


def _find_corners(op, ends):
    """Return which points (n, end) are corners of the hull toward larger ends.

    A point is one if the slopes from all points before are larger than those to all
    points after.
    """
    numbers = op.double(op.arange(op.length(ends, 1)))
    steps = numbers - op.unsqueeze(numbers, [1])
    rises = op.unsqueeze(ends, [1]) - op.unsqueeze(ends, [2])
    infinite = op.constant(np.inf)
    is_before, is_after = op.less(steps, 0.0), op.greater(steps, 0.0)
    slopes = rises / steps
    from_before = op.each_min(op.where(is_before, slopes, infinite), 2)
    to_after = op.each_max(op.where(is_after, slopes, -infinite), 2)
    return op.greater(from_before, to_after)
