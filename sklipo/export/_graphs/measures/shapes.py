"""Shape of a particle in a graph: the counterparts of sklipo.measures.shapes."""

import numpy as np

from .intensities import square

_ORDERS = np.arange(1.0, 9.0)


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
    invariant = square(major * minor * np.pi / area) / 16.0
    features = [
        equivalent * pixel_size,
        major * pixel_size,
        minor * pixel_size,
        feret_min * pixel_size,
        aspect_ratio,
        op.sqrt(1.0 - square(aspect_ratio)),
        op.min([invariant, 1.0 / invariant]),
        area / hull.area,
        area / op.each_min(widths * lengths),
        area * (4 / np.pi) / square(feret_max),
        feret_min / feret_max,
        geometry.deepest * 2.0 / equivalent,
        # The circle goes through centers of pixels, half a pixel inside the outline.
        area / square(hull.radius + 0.5) / np.pi,
    ]
    return op.concat([op.reshape(feature, [1]) for feature in features], axis=0)


def outline_harmonics(particle):
    """Return the affine-normalized Fourier descriptors of the outline."""
    op = particle.op
    angles, bends = _find_turns(op, _round_outline(particle))
    angles = op.unsqueeze(op.constant(_ORDERS), [1]) * angles
    # The sum over all sides of direction times change of a wave, by parts. ONNX Runtime
    # has a sine in double precision, but no cosine before version 1.24.
    cosines, sines = (
        op.split(op.matmul(op.sin(angles + phase), bends), axis=1, num_outputs=2)
        for phase in (np.pi / 2, 0.0)
    )
    pairs = [
        (cosines[0] + sines[1], cosines[1] - sines[0]),
        (cosines[0] - sines[1], cosines[1] + sines[0]),
    ]
    positive, negative = (
        op.reshape(op.sqrt(square(x) + square(y)), [-1]) / op.constant(_ORDERS**2)
        for x, y in pairs
    )
    higher = np.arange(1, len(_ORDERS))
    harmonics = [op.gather(negative, higher[::-1]), op.gather(positive, higher)]
    first = op.gather(positive, [0])
    return op.concat(harmonics, axis=0) / _or_one(op, first)


def _find_turns(op, outline):
    """Return the angles at which a closed outline turns, and changes of direction.

    Angles are 2π times the part of the length before. Where the outline goes straight
    on, the change is zero.
    """
    steps = op.roll(outline, -1, axis=1) - outline
    lengths = op.sqrt(op.each_sum(square(steps), 0))
    # A single pixel has no length, and no directions.
    directions = steps / _or_one(op, lengths)
    bends = op.roll(directions, 1, axis=1) - directions
    part = op.cumsum(lengths, np.int64(0), exclusive=True)
    part = part / _or_one(op, op.each_sum(lengths))
    return part * (2 * np.pi), op.turned(bends)


def _or_one(op, numbers):
    """Return numbers, or 1 for those that are 0."""
    return op.where(op.greater(numbers, 0.0), numbers, op.constant(1.0))


def _round_outline(particle):
    """Return the largest outline without its elongation, as two rows."""
    op, geometry = particle.op, particle.geometry
    return op.matmul(geometry.inverse_root, geometry.outline)
