"""Shape of a particle in a graph: the counterparts of sklipo.measures.shapes."""

import numpy as np


def shape(particle):
    """Return the measures of size and shape, in the order of their names."""
    op, geometry, pixel_size = particle.op, particle.geometry, particle.pixel_size
    hull, area = geometry.hull, geometry.area
    minor, major = op.split(op.sqrt(geometry.variances) * 4.0, num_outputs=2)
    widths, lengths = hull.extents
    feret_min = op.min([op.each_min(widths), op.each_min(lengths)])
    feret_max = hull.feret_diameter_max
    equivalent = op.sqrt(area * (4 / np.pi))
    aspect_ratio = minor / major
    invariant = _square(major * minor * np.pi / area) / 16.0
    features = [
        equivalent * pixel_size,
        major * pixel_size,
        minor * pixel_size,
        feret_min * pixel_size,
        aspect_ratio,
        op.sqrt(1.0 - _square(aspect_ratio)),
        op.min([invariant, 1.0 / invariant]),
        area / hull.area,
        area / op.each_min(widths * lengths),
        area * (4 / np.pi) / _square(feret_max),
        feret_min / feret_max,
        geometry.deepest * 2.0 / equivalent,
        # The circle goes through centers of pixels, half a pixel inside the outline.
        area / _square(hull.radius + 0.5) / np.pi,
    ]
    return op.concat([op.reshape(feature, [1]) for feature in features], axis=0)


def _square(x):
    return x * x
