"""The convex hull of a mask, in a graph, and what is measured on it."""

from functools import cached_property

from .circles import enclosing_radius

# More than any slope between pixels.
_FAR = 1e9
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
        right, left = (_find_corners(op, ends) for ends in _row_ends(op, mask))
        left = op.slice(
            left * op.constant([[-1.0], [1.0]]), [-1], [-(2**62)], [1], [-1]
        )
        self.points = op.turned(op.concat([right, left], axis=1))

    @cached_property
    def _sides(self):
        """Steps from each vertex to the next one."""
        return self._op.roll(self.points, -1, axis=0) - self.points

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
        along = op.turned(op.concat([along, op.constant([[1.0, 0.0]])], axis=0))
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
    """Return the last column and the row of rows; and first ones, with a minus."""
    width = op.single(op.length(mask, 1))
    columns = op.single(op.arange(op.length(mask, 1)))
    last = op.reduce_max(mask * (columns + 1.0), [1]) - 1.0
    first = op.reduce_max(mask * (width - columns), [1]) - width
    has_pixels = op.reshape(op.greater_or_equal(last, 0.0), [-1])
    rows = op.single(op.unsqueeze(op.arange(op.length(mask, 0)), [1]))
    ends = op.double(
        op.compress(op.concat([last, first, rows], axis=1), has_pixels, axis=0)
    )
    ends = op.transpose(ends, perm=[1, 0])
    return [op.gather(ends, which) for which in ([0, 2], [1, 2])]


def _find_corners(op, ends):
    """Return the ends of rows that are corners of the hull.

    An end is one if the slopes from all ends before are larger than those to all after.
    First of all, only the next ones are compared: matrices of few ends are small.
    """
    ends = op.compress(ends, _is_corner_of_three(op, ends), axis=1)
    columns, rows = op.split(ends, num_outputs=2)
    steps = rows - op.transpose(rows, perm=[1, 0])
    rises = columns - op.transpose(columns, perm=[1, 0])
    slopes = rises / (steps + op.eye_like(steps))
    # Adding to the slopes of the others is faster than leaving them out.
    others_before = op.max([steps + 1.0, 0.0]) * _FAR
    others_after = op.min([steps - 1.0, 0.0]) * _FAR
    from_before = op.each_min(slopes + others_before, 1)
    to_after = op.each_max(slopes + others_after, 1)
    return op.compress(ends, op.greater(from_before, to_after), axis=1)


def _is_corner_of_three(op, ends):
    """Tell of which ends the slope from the one before is larger than that to the next.

    Before the first and after the last, ends are far below.
    """
    widened = op.concat(
        [_far_below(op, ends, 0, -1.0), ends, _far_below(op, ends, -1, 1.0)], axis=1
    )
    steps = op.slice(widened, [1], [2**62], [1]) - op.slice(widened, [0], [-1], [1])
    before, after = op.slice(steps, [0], [-1], [1]), op.slice(steps, [1], [2**62], [1])
    products = before * op.gather(after, [1, 0])
    rise, fall = op.split(products, num_outputs=2)
    return op.reshape(op.greater(rise, fall), [-1])


def _far_below(op, ends, which, step):
    """Return an end a step before or after the first or last one, and far below it."""
    end = op.gather(ends, [which], axis=1)
    return end + op.constant([[-_FAR], [step]])
