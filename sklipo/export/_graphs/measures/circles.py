"""The smallest circle around points, in a graph."""

from itertools import combinations

import numpy as np

# Three of four points, the last twice where two points are enough.
_PAIRS = [(a, b, b) for a, b in combinations(range(4), 2)]
_N_PAIRS = len(_PAIRS)
_CHOICES = np.array([*_PAIRS, *combinations(range(4), 3)])
# How far points on a circle may lie beyond it, and that points beyond lie farther, in
# squared radii. ONNX Runtime drops a factor as near 1 as the sum of 1 and these.
_ROUNDING, _LEAST_GAP = 1e-10, 1e-8


def enclosing_radius(op, points):
    """Return the radius of the smallest circle around points.

    The smallest circle around three points and the one farthest from it, again and
    again, until no point is beyond.

    Parameters
    ----------
    op : Ops
        The operators.
    points : Tensor of shape (n_points, 2), dtype float64
        The points.

    Returns
    -------
    Tensor of shape (), dtype float64
        The radius.
    """

    def add_farthest(support, center, _):
        squares = _squared_distances(op, points, center)
        farthest = op.gather(points, op.arg_max(squares, axis=0, keepdims=True))
        four = op.concat([support, farthest], axis=0)
        support, center, square = _smallest_circle(op, four)
        largest = op.each_max(_squared_distances(op, points, center))
        is_beyond = op.greater(largest, square + square * _LEAST_GAP)
        return is_beyond, support, center, square

    first = op.gather(points, [0, 0, 0])
    center = op.gather(points, [0])
    *_, square = op.repeat(
        op.constant(True), add_farthest, first, center, op.constant(0.0)
    )
    return op.sqrt(square)


def _squared_distances(op, points, others):
    """Return the squared distances between points and others, or one other."""
    steps = points - others
    return op.each_sum(steps * steps, 1)


def _smallest_circle(op, four):
    """Return the smallest circle around four points: its support, center and square."""
    first, second, third = (op.gather(four, choice) for choice in _CHOICES.T)
    centers = first + _to_centers(op, second - first, third - first)
    radii = _squared_distances(op, centers, first)
    to_each = op.unsqueeze(four, [0]) - op.unsqueeze(centers, [1])
    squares = op.each_sum(to_each * to_each, 2)
    holds_all = op.less_or_equal(op.each_max(squares, 1), radii + radii * _ROUNDING)
    radii = op.where(holds_all, radii, op.constant(np.inf))
    best = op.arg_min(radii, axis=0, keepdims=False)
    support = op.gather(four, op.gather(op.constant(_CHOICES), best))
    return support, op.gather(centers, op.reshape(best, [1])), op.gather(radii, best)


def _to_centers(op, second, third):
    """Return the centers of circles through the origin and two points, or one point."""
    pairs = op.slice(second, [0], [_N_PAIRS]) / 2.0
    second, third = (op.slice(x, [_N_PAIRS], [len(_CHOICES)]) for x in (second, third))
    turned_second, turned_third = (
        op.gather(x, [1, 0], axis=1) * op.constant([1.0, -1.0]) for x in (second, third)
    )
    squares = [op.reduce_sum(x * x, [1]) for x in (second, third)]
    twice = op.reduce_sum(second * turned_third, [1]) * 2.0
    # There is no circle through three points in a row, but any other may be tried.
    twice = op.where(op.equal(twice, 0.0), op.constant(1.0), twice)
    circles = (turned_third * squares[0] - turned_second * squares[1]) / twice
    return op.concat([pairs, circles], axis=0)
