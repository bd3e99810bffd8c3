"""What the mask of a particle alone says, in a graph."""

from functools import cached_property

import numpy as np

from ....measures._geometry import STEP_WEIGHTS, STEPS
from ..ops import Ops
from .distances import squared_depths
from .hulls import Hull
from .outlines import largest_outline
from .rings import Rings

# Of 22.5 degrees.
_TANGENT = float(np.sqrt(2) - 1)


class Geometry:
    """Geometry of one particle, in pixels: :class:`sklipo.measures.Geometry` as nodes.

    Parameters
    ----------
    op : Ops
        The operators.
    mask : Tensor of shape (height, width), dtype bool
        True inside the particle.

    Attributes
    ----------
    start, end : Tensor of shape (2,), dtype int64
        First row and column of the bounding box, and the first ones beyond it.
    mask : Tensor of uint8
        The mask, cropped to its bounding box and widened by two pixels of zeros.
    """

    def __init__(self, op: Ops, mask):
        self.op = op
        self.whole_mask = mask

    @cached_property
    def _box(self):
        """First and last row and column of the mask."""
        op = self.op
        flags = op.cast(self.whole_mask, to=np.int32)
        sides = [op.each_max(flags, axis) for axis in (1, 0)]
        ends = [
            [op.arg_max(side, keepdims=True, select_last_index=last) for side in sides]
            for last in (0, 1)
        ]
        return [op.concat(end, axis=0) for end in ends]

    @property
    def start(self):
        """First row and column of the bounding box."""
        return self._box[0]

    @cached_property
    def end(self):
        """First row and column beyond the bounding box."""
        return self._box[1] + 1

    @cached_property
    def mask(self):
        """The mask in its box, widened by two pixels of zeros."""
        inside = self.op.cast(
            self.op.cut(self.whole_mask, self.start, self.end), to=np.uint8
        )
        return self.op.pad(inside, [2, 2, 2, 2])

    @cached_property
    def _flags(self):
        """The mask as numbers of single precision, which operators run fastest on."""
        return self.op.single(self.mask)

    @cached_property
    def places(self):
        """Rows and columns of the pixels inside, in the order of rows."""
        # Slower than what works on the whole mask.
        return self.op.non_zero(self.mask)

    @cached_property
    def _inside(self):
        """The mask as flags in a row."""
        return self.op.cast(self.op.reshape(self.mask, [-1]), to=bool)

    def _select_widened(self, image):
        """Return the pixels inside of an image of the shape of the widened mask."""
        return self.op.compress(self.op.reshape(image, [-1]), self._inside, axis=0)

    def select(self, image):
        """Return the pixels inside of an image of the shape of the cut-out."""
        op = self.op
        flags = op.reshape(op.cut(self.whole_mask, self.start, self.end), [-1])
        pixels = op.reshape(op.cut(image, self.start, self.end), [-1])
        return op.compress(pixels, flags, axis=0)

    def to_image(self, values):
        """Return an image of values inside, and of zeros outside."""
        op = self.op
        size = op.size(self.mask)
        # NonZero takes ONNX Runtime four times as long.
        places = op.compress(op.arange(size), self._inside, axis=0)
        zero = np.zeros(1, values.dtype)
        zeros = op.constant_of_shape(op.reshape(size, [1]), value=zero)
        image = op.scatter_elements(zeros, places, values, axis=0)
        return op.reshape(image, op.shape(self.mask))

    @cached_property
    def _counts(self):
        """Numbers of pixels inside in each row and in each column, doubles."""
        return [self.op.double(self.op.each_sum(self._flags, axis)) for axis in (1, 0)]

    @cached_property
    def area(self):
        """Number of pixels inside, a double."""
        return self.op.each_sum(self._counts[0])

    @cached_property
    def _squared_depths(self):
        """Image of the squared distances from the nearest pixel outside."""
        return squared_depths(self.op, self._flags)

    @cached_property
    def squared_depth(self):
        """Squared distance of each pixel inside from the nearest one outside."""
        return self.op.integer(self._select_widened(self._squared_depths))

    @cached_property
    def depth(self):
        """Distance of each pixel inside from the membrane."""
        return self.op.sqrt(self.op.double(self.squared_depth)) - 0.5

    @cached_property
    def deepest(self):
        """Largest depth."""
        largest = self.op.each_max(self._squared_depths)
        return self.op.sqrt(self.op.double(largest)) - 0.5

    @cached_property
    def shells(self):
        """Rings by distance from the nearest pixel outside: the depth plus a half."""
        return Rings(self.op, self.squared_depth)

    @cached_property
    def coordinates(self):
        """Numbers of the rows and of the columns of the mask."""
        return [self.op.double(self.op.arange(self.op.size(n))) for n in self._counts]

    @cached_property
    def _center(self):
        """Mean row and mean column of the mask, apart."""
        return [
            self.op.each_sum(places * counts) / self.area
            for places, counts in zip(self.coordinates, self._counts, strict=True)
        ]

    @cached_property
    def centroid(self):
        """Mean row and mean column of the mask."""
        return self.op.stack(self._center)

    @cached_property
    def _axes(self):
        """Rows, as a column, and columns of the mask from the centroid."""
        rows, columns = (
            places - center
            for places, center in zip(self.coordinates, self._center, strict=True)
        )
        return self.op.unsqueeze(rows, [1]), columns

    @cached_property
    def offsets(self):
        """Row and column of each pixel inside from the centroid."""
        op = self.op
        zeros = op.double(self._flags) * 0.0
        selected = [self._select_widened(axis + zeros) for axis in self._axes]
        return op.concat([op.unsqueeze(x, [0]) for x in selected], axis=0)

    @cached_property
    def squared_radii(self):
        """Squared distance of each pixel inside from the centroid."""
        y, x = self._axes
        return self._select_widened(y * y + x * x)

    @cached_property
    def rings(self):
        """Rings by distance from the centroid."""
        return Rings(self.op, self.op.integer(self.squared_radii + 0.75))

    @cached_property
    def sectors(self):
        """Which of 8 sectors around axes and diagonals each pixel inside lies in.

        The ninth, number 4, is the centroid itself.
        """
        op = self.op
        y, x = self._axes
        up, across = (
            op.double(op.greater(op.abs(one), op.abs(other) * _TANGENT))
            for one, other in ((y, x), (x, y))
        )
        sectors = op.sign(y) * 3.0 * up + op.sign(x) * across
        return op.integer(self._select_widened(sectors)) + 4

    @cached_property
    def covariance(self):
        """Variance of rows, covariance, variance of columns, each pixel a square."""
        op = self.op
        y, x = self._axes
        rows, columns = self._counts
        sums_across = op.each_sum(op.double(self._flags) * x, 1)
        y = op.squeeze(y, [1])
        moments = [
            op.each_sum(y * y * rows),
            op.each_sum(y * sums_across),
            op.each_sum(x * x * columns),
        ]
        # The variance of a square of side 1; it keeps a row of pixels from being flat.
        return op.stack(moments) / self.area + op.constant([1 / 12, 0, 1 / 12])

    @cached_property
    def variances(self):
        """Variances along the minor and the major axis."""
        op = self.op
        yy, xy, xx = op.split(self.covariance, num_outputs=3)
        half = (yy - xx) / 2.0
        root = op.sqrt(half * half + xy * xy)
        return (yy + xx) / 2.0 + op.concat([-root, root], axis=0)

    @cached_property
    def root(self):
        """The symmetric square root of the covariance of row and column."""
        op = self.op
        # By Cayley and Hamilton: the square root of the determinant is the product of
        # its eigenvalues, and the other root their sum.
        deviations = op.sqrt(self.variances)
        matrix = op.reshape(op.gather(self.covariance, [0, 1, 1, 2]), [2, 2])
        return (matrix + self._determinant * op.constant(np.eye(2))) / op.each_sum(
            deviations
        )

    @cached_property
    def inverse_root(self):
        """The inverse of ``root``, which gives the mask a round covariance."""
        op = self.op
        yy, xy, _, xx = op.split(op.reshape(self.root, [-1]), num_outputs=4)
        turned = op.concat([xx, -xy, -xy, yy], axis=0)
        return op.reshape(turned, [2, 2]) / self._determinant

    @cached_property
    def _determinant(self):
        """The determinant of ``root``."""
        minor, major = self.op.split(self.op.sqrt(self.variances), num_outputs=2)
        return self.op.squeeze(minor * major)

    @cached_property
    def perimeter(self):
        """Crofton perimeter."""
        op = self.op
        width = op.length(self.mask, 1)
        mask = op.reshape(self._flags, [-1])
        dx, dy = np.transpose(STEPS)
        # The border is wide enough for steps beyond a row to end outside.
        starts = width * op.constant(dy) + op.constant(dx)
        widened = op.pad(mask, op.concat([[0], op.reduce_max(starts, [0])], axis=0))
        ends = starts + op.size(mask)
        n_steps = len(STEPS)
        starts, ends = (op.split(x, num_outputs=n_steps) for x in (starts, ends))
        both = [
            op.reduce_sum(mask * op.slice(widened, start, end), [0])
            for start, end in zip(starts, ends, strict=True)
        ]
        both = op.double(op.concat(both, axis=0))
        # Lines enter and leave as often as steps lead from inside to outside.
        crossings = (self.area - both) * 2.0
        return op.each_sum(crossings * op.constant(STEP_WEIGHTS))

    @cached_property
    def hull(self):
        """Convex hull of the pixels inside."""
        return Hull(self.op, self._flags)

    @cached_property
    def outline(self):
        """Outline of the largest area: rows and columns of its pixels, in order."""
        return largest_outline(self.op, self._flags)

    @cached_property
    def surrounding(self):
        """First and last row and column near the particle, and its surrounding there.

        The surrounding is given by flags, of the shape of this window.
        """
        op = self.op
        radius = op.sqrt(self.area / np.pi)
        margin = op.integer(op.max([op.round(radius / 4.0), 6.0]))
        start = op.max([self.start - margin, np.int64(0)])
        end = op.min([self.end + margin, op.shape(self.whole_mask)])
        return start, end, find_surrounding(op, op.cut(self.whole_mask, start, end))


def find_surrounding(op, mask):
    """Return which pixels are the surrounding, see :mod:`sklipo.surrounding`."""
    flags = op.unsqueeze(op.single(mask), [0, 1])
    # Above zero where the maximum is, which takes ONNX Runtime ten times as long.
    near = op.average_pool(flags, kernel_shape=[5, 5], pads=[2, 2, 2, 2])
    beyond = ~op.cast(op.squeeze(near, [0, 1]), to=bool)
    return op.pick(op.any(beyond), beyond, ~mask)
