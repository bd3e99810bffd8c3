"""The outline of a mask in a graph, as OpenCV traces it."""

import numpy as np


def largest_outline(op, mask):
    """Return the closed outline of the largest area, through the centers of pixels.

    A tracer follows the sides between pixels inside and outside, with the outside on
    its right: counterclockwise as one looks at the image, and clockwise in holes.
    Pixels that touch at a corner are connected. Which side comes next depends on the
    neighbors of each alone, so there is no need to trace: jumps along one side each
    double to jumps along two, four and so on.

    Parameters
    ----------
    op : Ops
        The operators.
    mask : Tensor of shape (height, width), dtype float32
        1 inside and 0 outside, where the two outer rows and columns are.

    Returns
    -------
    Tensor of shape (2, n_sides), dtype float64
        Row and column of the pixel at each side; one follows itself where the outline
        turns around it.
    """
    sides = _Sides(op, mask)
    places = op.gather(sides.pixels, sides.largest_cycle())
    return op.double(sides.split(places))


class _Sides:
    """Sides of pixels inside that face pixels outside.

    Attributes
    ----------
    pixels : Tensor of shape (n_sides,), dtype int64
        Places of the pixels inside in the flat mask.
    next : Tensor of shape (n_sides,), dtype int64
        Number of the side that comes next.
    """

    def __init__(self, op, mask):
        self._op = op
        self._width = op.length(mask, 1)
        flat = op.reshape(mask, [-1])
        pixels = _find_border(op, mask)
        n_pixels = op.size(pixels)
        neighbors = op.unsqueeze(pixels, [0]) + op.unsqueeze(self._steps(4), [1])
        is_side = op.reshape(op.equal(op.gather(flat, neighbors), 0.0), [-1])
        sides = op.reshape(op.non_zero(is_side), [-1])
        outward = op.div(sides, n_pixels)
        self.pixels = op.gather(pixels, sides - outward * n_pixels)
        turns, following = self._follow(flat, outward)
        outward = op.mod(outward + turns, np.int64(4))
        place = op.gather(_number(op, pixels, op.shape(flat)), following)
        numbers = _number(op, sides, op.shape(is_side))
        self.next = op.gather(numbers, outward * n_pixels + place)

    def _steps(self, n):
        """Return the steps to the neighbors above, left, below, right and above."""
        op = self._op
        width = op.reshape(self._width, [1])
        return op.slice(op.concat([-width, [-1], width, [1], -width], axis=0), [0], [n])

    def _follow(self, flat, outward):
        """Return how far the next side is turned, and its pixel."""
        op = self._op
        # Ahead is one turn from the way out.
        ahead = self.pixels + op.gather(self._steps(5), outward + 1)
        beyond = ahead + op.gather(self._steps(5), outward)
        is_ahead, is_beyond = (
            op.greater(op.gather(flat, x), 0.0) for x in (ahead, beyond)
        )
        turns = op.where(is_ahead, op.constant(0), op.constant(1))
        pixels = op.where(is_ahead, ahead, self.pixels)
        return (
            op.where(is_beyond, op.constant(3), turns),
            op.where(is_beyond, beyond, pixels),
        )

    def split(self, places):
        """Return rows and columns of places in the flat mask."""
        op = self._op
        rows = op.div(places, self._width)
        columns = places - rows * self._width
        return op.concat([op.unsqueeze(x, [0]) for x in (rows, columns)], axis=0)

    def largest_cycle(self):
        """Return the numbers of the sides of the largest outline, in order."""
        op = self._op
        n_sides = op.size(self.next)
        # The first side is above the first pixel, which is on no hole.
        first = op.constant([0])
        cycle = self._trace(first, n_sides)
        n_rounds = op.each_sum(op.integer(op.equal(cycle, 0)))

        def trace_largest():
            firsts = self._find_firsts()
            best = self._find_largest(firsts)
            n_sides = op.each_sum(op.integer(op.equal(firsts, best)))
            return self._trace(op.reshape(best, [1]), n_sides)

        # A mask of one part without holes has no other outline.
        return op.choose(op.equal(n_rounds, 1), lambda: cycle, trace_largest)

    def _trace(self, first, n_sides):
        """Return the numbers of as many sides from the first one on."""
        op = self._op

        def follow(sides, jumps):
            sides = op.concat([sides, op.gather(jumps, sides)], axis=0)
            return sides, op.gather(jumps, jumps)

        # A slice, as a length that is known must not change in a loop.
        first = op.slice(op.arange(op.size(self.next)), first, first + 1)
        sides, _ = op.double_up_to(n_sides, follow, first, self.next)
        return op.slice(sides, [0], op.reshape(n_sides, [1]))

    def _find_firsts(self):
        """Return the lowest number of all sides of the outline that each is on."""
        op = self._op

        def look_farther(firsts, jumps):
            firsts = op.min([firsts, op.gather(firsts, jumps)])
            return firsts, op.gather(jumps, jumps)

        n_sides = op.size(self.next)
        numbers = op.arange(n_sides)
        return op.double_up_to(n_sides, look_farther, numbers, self.next)[0]

    def _find_largest(self, firsts):
        """Return the first side of the outline of the largest area."""
        op = self._op
        places = self.split(self.pixels)
        following = op.gather(places, self.next, axis=1)
        products = places * op.gather(following, [1, 0])
        areas = op.each_sum(products * op.constant([[1], [-1]]), 0)
        areas = op.count(firsts, op.size(firsts), op.double(areas))
        # Holes have areas below zero.
        is_first = op.equal(firsts, op.arange(op.size(firsts)))
        areas = op.where(is_first, areas, op.constant(-1.0))
        # OpenCV lists the outlines from below.
        return op.arg_max(areas, axis=0, keepdims=False, select_last_index=True)


def _find_border(op, mask):
    """Return the places in the flat mask of pixels inside that face one outside."""
    steps = [[1, 0, -1, 0], [0, 1, 0, -1], [-1, 0, 1, 0], [0, -1, 0, 1]]
    within = op.min([op.pad(mask, step) for step in steps])
    return op.reshape(op.non_zero(op.reshape(op.greater(mask, within), [-1])), [-1])


def _number(op, places, shape):
    """Return the number of each place, in a table with a 0 for other places."""
    zeros = op.constant_of_shape(shape, value=np.array([0]))
    return op.scatter_elements(zeros, places, op.arange(op.size(places)), axis=0)
