"""Profiles and symmetry in a graph: the counterparts of sklipo.measures.profiles."""

import numpy as np

from ....measures.profiles import N_ANGLES, N_ORDERS, N_RADII, N_SHELLS
from .intensities import square

# Eight, and the centroid.
_N_SECTORS = 9


def radial_profile(particle, n_points):
    """Return the intensities of the radial density profile."""
    op, geometry = particle.op, particle.geometry
    rings = geometry.rings
    largest = op.sqrt(op.each_max(geometry.squared_radii))
    positions = largest * np.linspace(0, 1, n_points)
    means = rings.average(particle.intensities.values)
    return _interpolate(op, positions, op.double(rings.numbers), means)


def edge_profile(particle, n_points):
    """Return the intensities of the edge density profile."""
    op, geometry = particle.op, particle.geometry
    positions = geometry.deepest * np.linspace(0, 1, n_points)[::-1]
    depths = op.double(geometry.shells.numbers) - 0.5
    means = geometry.shells.average(particle.intensities.values)
    return _interpolate(op, positions, depths, means)


def _interpolate(op, positions, points, values):
    """Return values interpolated between rising points, constant beyond the ends."""
    last = op.size(points) - 1
    is_passed = op.less_or_equal(points, op.unsqueeze(positions, [1]))
    n_passed = op.each_sum(op.cast(is_passed, to=np.int64), 1)
    start = op.clip(n_passed - 1, np.int64(0), last)
    end = op.min([start + 1, last])
    (x0, x1), (y0, y1) = (
        [op.gather(x, place) for place in (start, end)] for x in (points, values)
    )
    # Points are whole numbers apart.
    slope = (y1 - y0) / op.max([x1 - x0, 1.0])
    return slope * op.max([positions - x0, 0.0]) + y0


def signal_to_noise(particle):
    """Compare the variance across the membrane with the variance along it."""
    op, intensities = particle.op, particle.intensities
    shells = particle.geometry.shells
    across = shells.average(intensities.standardized)
    share = op.each_sum(shells.sizes * square(across)) / particle.geometry.area
    is_uniform = op.isinf(intensities.deviation)
    result = op.where(is_uniform, op.constant(0.0), share * 2.0 - 1.0)
    return op.reshape(result, [1])


def edge_profile_spread(particle):
    """Return how much the edge density profile differs over the angle."""
    op, geometry = particle.op, particle.geometry
    shells = op.integer(geometry.depth * (N_SHELLS / geometry.deepest))
    shells = op.min([shells, N_SHELLS - 1])
    index = shells * _N_SECTORS + geometry.sectors
    n_parts, shape = np.int64(N_SHELLS * _N_SECTORS), [N_SHELLS, _N_SECTORS]
    relative = particle.intensities.relative
    sizes = op.reshape(op.count(index, n_parts), shape)
    sums = op.reshape(op.count(index, n_parts, relative), shape)
    each_shell = [op.reduce_sum(x, [1]) for x in (sums, sizes)]
    means = each_shell[0] / op.max([each_shell[1], 1.0])
    differences = sums / op.max([sizes, 1.0]) - means
    squares = op.each_sum(sizes * square(differences))
    return op.reshape(op.sqrt(squares / geometry.area), [1])


def angular_harmonics(particle):
    """Return how strongly intensity varies around the particle, by angular order."""
    op, geometry = particle.op, particle.geometry
    image = geometry.to_image(particle.intensities.relative)
    angles = np.arange(N_ANGLES) * (2 * np.pi / N_ANGLES)
    radii = (np.arange(N_RADII) + 0.5) / N_RADII
    circles = 2 * radii[:, np.newaxis] * [[np.sin(angles)], [np.cos(angles)]]
    points = op.matmul(geometry.root, circles.reshape(2, -1))
    points = points + op.unsqueeze(geometry.centroid, [1])
    rings = op.reshape(_look_up(op, image, points), [N_RADII, N_ANGLES])
    power = op.matmul(rings, _waves())
    power = op.each_sum(square(op.reshape(power, [N_RADII, 2, -1])), 0, 1)
    power = power * ((2 / N_ANGLES) ** 2 / N_RADII)
    low = op.slice(power, [1], [N_ORDERS + 1])
    high = op.reduce_sum(op.slice(power, [N_ORDERS + 1], [N_ANGLES]), [0])
    return op.sqrt(op.concat([low, high], axis=0))


def _waves():
    """Return cosines and sines of all orders, as columns."""
    orders = np.arange(N_ANGLES // 2 + 1)
    # Whole turns are left out: they would cost digits.
    turns = np.outer(np.arange(N_ANGLES), orders) % N_ANGLES
    phases = turns * (2 * np.pi / N_ANGLES)
    return np.hstack([np.cos(phases), np.sin(phases)])


def _look_up(op, image, points):
    """Return an image at points, by linear interpolation; at its edge beyond it."""
    last = op.unsqueeze(op.shape(image), [1]) - 1
    points = op.min([op.max([points, 0.0]), op.double(last)])
    start = op.floor(points)
    share = points - start
    start = op.integer(start)
    end = op.min([start + 1, last])
    (top, left), (bottom, right), (down, across) = (
        op.split(x, num_outputs=2) for x in (start, end, share)
    )
    width, flat = op.length(image, 1), op.reshape(image, [-1])
    rows = []
    for row in (top, bottom):
        first, second = (
            op.gather(flat, row * width + column) for column in (left, right)
        )
        rows.append(first + (second - first) * across)
    return rows[0] + (rows[1] - rows[0]) * down
