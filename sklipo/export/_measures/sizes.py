"""Sizes of a particle in a graph: the counterparts of sklipo.measures.sizes."""

import numpy as np


def area(particle):
    """Return the area of a particle."""
    square = particle.pixel_size * particle.pixel_size
    return _feature(particle, particle.geometry.area * square)


def perimeter(particle):
    """Return the Crofton perimeter of a particle."""
    return _feature(particle, particle.geometry.perimeter * particle.pixel_size)


def circularity(particle):
    """Return how close a particle is to a disk."""
    geometry = particle.geometry
    square = geometry.perimeter * geometry.perimeter
    return _feature(particle, geometry.area * (4 * np.pi) / square)


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


def _feature(particle, number):
    """Return a number as the only feature of a group."""
    return particle.op.reshape(number, [1])
