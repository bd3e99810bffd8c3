"""Rings of one pixel width, in a graph."""


class Rings:
    """Pixels sorted into rings: :class:`sklipo.measures._rings.Rings` as nodes.

    Parameters
    ----------
    op : Ops
        The operators.
    squares : Tensor of shape (n_pixels,), dtype int64
        Squared distance of each pixel. Where squares are no whole numbers, the square
        plus 3/4, rounded down.

    Attributes
    ----------
    numbers : Tensor of shape (n_rings,), dtype int64
        Number of each ring that holds pixels.
    sizes : Tensor of shape (n_rings,), dtype float64
        Number of its pixels.
    """

    def __init__(self, op, squares):
        self._op = op
        # Ring n starts at the whole number n² - n + 1, ring 0 at 0. The root of a
        # square is exact, so that rounding moves no pixel.
        root = op.sqrt(op.max([op.double(4 * squares - 3), 0.0]))
        self._rings = op.integer((root + 1.0) / 2.0)
        self._n = op.each_max(self._rings) + 1
        sizes = op.count(self._rings, self._n)
        self.numbers = op.reshape(op.non_zero(op.greater(sizes, 0.0)), [-1])
        self.sizes = op.gather(sizes, self.numbers)

    def average(self, values):
        """Return the mean of the pixels' values in each ring."""
        sums = self._op.count(self._rings, self._n, values)
        return self._op.gather(sums, self.numbers) / self.sizes
