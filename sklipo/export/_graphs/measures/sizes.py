"""Sizes of a particle in a graph: the counterparts of sklipo.measures.sizes."""

import numpy as np

from .intensities import square


def area(particle):
    """Return the area of a particle."""
    return _feature(particle, particle.geometry.area * square(particle.pixel_size))


def perimeter(particle):
    """Return the Crofton perimeter of a particle."""
    return _feature(particle, particle.geometry.perimeter * particle.pixel_size)


def circularity(particle):
    """Return how close a particle is to a disk."""
    geometry = particle.geometry
    ratio = geometry.area * (4 * np.pi) / square(geometry.perimeter)
    return _feature(particle, ratio)


def maximum_width(particle):
    """Return the diameter of the largest inscribed circle."""
    return _feature(particle, particle.geometry.deepest * 2.0 * particle.pixel_size)


def diameter(particle):
    """Return the maximum Feret diameter in pixels."""
    return _feature(particle, particle.geometry.hull.feret_diameter_max)


def length(particle):
    """Return the maximum Feret diameter."""
    largest = particle.geometry.hull.feret_diameter_max
    return _feature(particle, largest * particle.pixel_size)


def moments(particle, intensity):
    """Return the image moments μ20, μ02, μ30 and μ03."""
    op, values = particle.op, particle.intensities.values
    density = op.abs(values)
    if intensity == "none":
        density = values - op.min([op.each_min(values), 0.0])
    image = particle.geometry.to_image(density)
    total = op.each_sum(image)
    # OpenCV takes moments about the corner of the image where there is no density.
    is_some = op.greater(total, float(np.finfo(np.float64).eps))
    squares, cubes = [], []
    for axis, places in enumerate(particle.geometry.coordinates):
        sums = op.each_sum(image, 1 - axis)
        center = op.where(is_some, op.each_sum(places * sums) / total, op.constant(0.0))
        offsets = places - center
        squares.append(op.each_sum(square(offsets) * sums))
        cubes.append(op.each_sum(square(offsets) * offsets * sums))
    # Rows come first here, but x runs along rows.
    result = op.stack([*reversed(squares), *reversed(cubes)])
    return result * op.pow(particle.pixel_size, np.array([4.0, 4.0, 5.0, 5.0]))


def _feature(particle, number):
    """Return a number as the only feature of a group."""
    return particle.op.reshape(number, [1])
