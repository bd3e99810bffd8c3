"""The polygons that ImageJ makes of the curved outlines of its ROIs.

Corners and points are (row, column).
"""

import numpy as np
from scipy.interpolate import CubicSpline

# ImageJ's EllipseRoi.
_N_VERTICES = 72
# ImageJ's and Java's distance of a curve from its line, and how often it is halved.
_FLATNESS = 0.01
_N_HALVINGS = 10
# Where Java's RoundRectangle2D has the control points of a quarter of a circle: this
# share of the diameter from the corner.
_CONTROL = 0.2238576250846033
# ImageJ's SplineFitter goes on beyond both ends of a closed curve.
_N_CONTINUED = 7


def rotated_ellipse(start, stop, aspect):
    """Return the polygon of an ellipse by the ends of its long axis."""
    angles = np.arange(_N_VERTICES) * (2 * np.pi / _N_VERTICES)
    along = (stop - start) / 2
    across = np.array([along[1], -along[0]]) * np.clip(aspect, 0, 1)
    offsets = np.outer(np.cos(angles), along) + np.outer(np.sin(angles), across)
    return ((start + stop) / 2 + offsets).astype(np.float32)


def rotated_rectangle(start, stop, width):
    """Return the corners of a rectangle by the ends of its middle line."""
    height, length = stop - start
    across = np.array([-length, height]) * (width / 2)
    if not across.any():
        raise ValueError("it is a rectangle without length or width")
    across /= np.hypot(height, length)
    corners = [start + across, stop + across, stop - across, start - across]
    return np.array(corners).astype(np.float32)


def round_off(top, left, bottom, right, diameter):
    """Return the polygon of a rectangle whose corners are quarters of an ellipse."""
    size = np.minimum([bottom - top, right - left], diameter)
    ring = []
    # A quarter begins on one side of the corner and ends on the next one.
    for y, x, from_y, from_x, to_y, to_x in [
        (bottom, left, -1, 0, 0, 1),
        (bottom, right, 0, -1, -1, 0),
        (top, right, 1, 0, 0, -1),
        (top, left, 0, 1, 1, 0),
    ]:
        start, stop = size * (from_y, from_x), size * (to_y, to_x)
        curve = [start / 2, start * _CONTROL, stop * _CONTROL, stop / 2]
        curve = np.add(curve, [y, x])
        ring += [tuple(curve[0]), *bend(curve)]
    return ring


def bend(points, n_halvings=_N_HALVINGS):
    """Return a Bezier curve as the points after its first one, as Java flattens it."""
    points = np.asarray(points, float)
    if len(points) < 3:
        raise ValueError("its path has a curve that begins nowhere")
    if not n_halvings or _distance(points) < _FLATNESS:
        return [tuple(points[-1])]
    # De Casteljau: the middles of the middles, and so on.
    levels = [points]
    while len(levels[-1]) > 1:
        levels.append((levels[-1][:-1] + levels[-1][1:]) / 2)
    first = [level[0] for level in levels]
    second = [level[-1] for level in levels[::-1]]
    return bend(first, n_halvings - 1) + bend(second, n_halvings - 1)


def fit_spline(corners):
    """Return the polygon of the smooth curve that ImageJ lays through corners."""
    closed = np.vstack([corners, corners[:1]]).astype(np.float32)
    lengths = np.hypot(*np.diff(closed, axis=0).T)
    # Points that coincide would have one position.
    steps = np.maximum(np.sqrt(lengths), 0.001)
    positions = np.concatenate([[0], np.cumsum(steps)])
    n = min(_N_CONTINUED, len(corners))
    before, after = slice(-1 - n, -1), slice(1, 1 + n)
    total = positions[-1]
    knots = [positions[before] - total, positions, positions[after] + total]
    values = [closed[before], closed, closed[after]]
    spline = CubicSpline(*map(np.concatenate, (knots, values)), bc_type="natural")
    n_points = max(int(lengths.sum() / 2), 100)
    return spline(np.linspace(0, total, n_points)).astype(np.float32)


def _distance(points):
    """Return how far a curve's control points lie from the line between its ends."""
    start, line = points[0], points[-1] - points[0]
    offsets = points[1:-1] - start
    share = np.clip(offsets @ line / max(line @ line, 1e-300), 0, 1)
    return np.hypot(*(offsets - np.outer(share, line)).T).max()
