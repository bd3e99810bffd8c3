"""The outline of a mask in a graph, as OpenCV traces it."""

import numpy as np

# Directions that lead out of a pixel, in turn: up, left, down and right.
_UP, _LEFT, _DOWN, _RIGHT = range(4)


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
        flat = op.cast(op.reshape(mask, [-1]), to=bool)
        n_pixels = op.size(flat)
        flags = _face_outside(op, mask)
        keys = op.reshape(op.non_zero(flags), [-1])
        outward = op.div(keys, n_pixels)
        self.pixels = keys - outward * n_pixels
        turns, pixels = self._follow(flat, outward)
        outward = op.mod(outward + turns, np.int64(4))
        numbers = op.arange(op.size(keys))
        table = op.scatter_elements(op.integer(flags) * 0, keys, numbers, axis=0)
        self.next = op.gather(table, outward * n_pixels + pixels)

    def _follow(self, flat, outward):
        """Return how far the next side is turned, and its pixel."""
        op = self._op
        # Ahead is one turn from the way out.
        steps = op.concat(
            [
                -op.reshape(self._width, [1]),
                [-1],
                op.reshape(self._width, [1]),
                [1],
                -op.reshape(self._width, [1]),
            ],
            axis=0,
        )
        ahead = self.pixels + op.gather(steps, outward + 1)
        beyond = ahead + op.gather(steps, outward)
        is_ahead, is_beyond = (op.gather(flat, x) for x in (ahead, beyond))
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
        firsts = self._find_firsts()
        best = self._find_largest(firsts)
        n_sides = op.each_sum(op.integer(op.equal(firsts, best)))

        def follow(sides, jumps):
            sides = op.concat([sides, op.gather(jumps, sides)], axis=0)
            return op.less(op.size(sides), n_sides), sides, op.gather(jumps, jumps)

        # A slice, as the length of a tensor in a loop must not be known to change.
        best = op.reshape(best, [1])
        start = op.slice(op.arange(op.size(self.next)), best, best + 1)
        sides, _ = op.repeat(op.constant(True), follow, start, self.next)
        return op.slice(sides, [0], op.reshape(n_sides, [1]))

    def _find_firsts(self):
        """Return the lowest number of all sides of the outline that each is on."""
        op = self._op
        n_sides = op.size(self.next)

        def look_farther(firsts, jumps, reach):
            firsts = op.min([firsts, op.gather(firsts, jumps)])
            reach = reach + reach
            return op.less(reach, n_sides), firsts, op.gather(jumps, jumps), reach

        return op.repeat(
            op.constant(True),
            look_farther,
            op.arange(n_sides),
            self.next,
            op.constant(1),
        )[0]

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
        return op.arg_max(areas, axis=0, keepdims=False, select_last_index=True)


def _face_outside(op, mask):
    """Return flags of the pixels inside, by the side that faces one outside."""
    neighbors = [[1, 0, -1, 0], [0, 1, 0, -1], [-1, 0, 1, 0], [0, -1, 0, 1]]
    faces = [
        op.reshape(op.greater(mask, op.pad(mask, pads)), [-1]) for pads in neighbors
    ]
    return op.concat(faces, axis=0)
