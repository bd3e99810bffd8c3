"""Intensities in a graph: the counterparts of sklipo.measures.intensities."""

import numpy as np

from ....measures.intensities import FRACTIONS, N_LEVELS, QUANTILES, ROUNDING
from .intensities import at, average, square

# Otsu's threshold is that of an 8-bit image; splits of less OpenCV leaves out.
_N_GRAYS = 256
_LEAST_SHARE = float(np.finfo(np.float32).eps)


def histogram(particle, n_bins, value_range):
    """Return the histogram of the intensities inside."""
    op, values = particle.op, particle.intensities.values
    low, high = value_range
    bins = (values - low) * (n_bins / (high - low) if high > low else 0.0)
    bins = op.integer(op.clip(bins + ROUNDING, 0.0, n_bins - 1.0))
    return op.count(bins, np.int64(n_bins)) / particle.geometry.area


def segmentation_variance(particle):
    """Return how well the inside splits into two intensities."""
    op, intensities = particle.op, particle.intensities
    values = intensities.values
    low = op.each_min(values)
    spread = op.each_max(values) - low
    unit = op.where(op.greater(spread, 0.0), spread, op.constant(1.0))
    grays = op.integer((values - low) * ((_N_GRAYS - 1.0) / unit) + ROUNDING)
    area = particle.geometry.area
    threshold = _otsu(op, op.count(grays, np.int64(_N_GRAYS)) / area)
    above = op.double(op.greater(grays, threshold))
    share = op.each_sum(above) / area
    mean = op.each_sum(intensities.standardized * above) / area
    result = square(mean) / (share * (1.0 - share))
    is_uniform = op.isinf(intensities.deviation)
    return op.reshape(op.where(is_uniform, op.constant(0.0), result), [1])


def _otsu(op, shares):
    """Return Otsu's threshold, the first if several are best, for shares of grays."""
    # Of all grays up to each one.
    weighted = shares * np.arange(float(_N_GRAYS))
    below, sums = (op.cumsum(x, np.int64(0)) for x in (shares, weighted))
    above = 1.0 - below
    differences = sums / below - (op.each_sum(weighted) - sums) / above
    between = below * above * square(differences)
    is_split = op.greater_or_equal(op.min([below, above]), _LEAST_SHARE)
    # Where there is no such split, numbers may be infinite.
    return op.arg_max(op.where(is_split, between, op.constant(0.0)), keepdims=False)


def intensity(particle):
    """Return statistics of intensity that no gain or offset changes."""
    op, intensities = particle.op, particle.intensities
    relative, standardized = intensities.relative, intensities.standardized
    mean = average(op, relative)
    squares = square(standardized)
    kurtosis = average(op, square(squares))
    rim, core = _rim_and_core(particle)
    # The kurtosis of a uniform inside is undefined: 0 / 0.
    is_some = op.greater(kurtosis, 0.0)
    statistics = [
        mean,
        op.sqrt(average(op, square(relative - mean))),
        average(op, standardized * squares),
        op.where(is_some, kurtosis - 3.0, kurtosis),
    ]
    places = op.round((particle.geometry.area - 1.0) * np.array(QUANTILES))
    others = [rim, core, core - rim, op.min([intensities.relative_noise, 10.0])]
    parts = [op.stack(statistics), at(op, relative, places), op.stack(others)]
    return op.concat(parts, axis=0)


def _rim_and_core(particle):
    """Return the mean relative intensity near the membrane and deep inside."""
    op, geometry = particle.op, particle.geometry
    depth, deepest = geometry.depth, geometry.deepest
    parts = [
        op.less_or_equal(depth, op.max([deepest * 0.15, 0.5])),
        op.greater_or_equal(depth, deepest * 0.7),
    ]
    weights = [op.double(part) for part in parts]
    relative = particle.intensities.relative
    return [op.each_sum(relative * w) / op.each_sum(w) for w in weights]


def texture(particle):
    """Return measures of co-occurrence from pixel to pixel, and granularity."""
    return particle.op.concat([haralick(particle), granularity(particle)], axis=0)


def haralick(particle):
    """Return texture measures of the gray-level co-occurrence matrix."""
    op, matrix = particle.op, _cooccurrence(particle)
    levels = op.constant(np.arange(float(N_LEVELS)))
    squares = square(op.unsqueeze(levels, [1]) - levels)
    margin = op.each_sum(matrix, 0)
    centered = levels - op.each_sum(margin * levels)
    variance = op.each_sum(square(centered) * margin)
    covariance = op.each_sum(matrix * op.unsqueeze(centered, [1]) * centered)
    is_positive = op.greater(matrix, 0.0)
    logarithms = op.log(op.where(is_positive, matrix, op.constant(1.0)))
    # Of a uniform particle the correlation is 0 / 0.
    is_uniform = op.equal(variance, 0.0)
    correlation = op.where(is_uniform, op.constant(1.0), covariance / variance)
    return op.stack(
        [
            op.each_sum(matrix * squares),
            op.each_sum(matrix / (squares + 1.0)),
            op.sqrt(op.each_sum(square(matrix))),
            correlation,
            -op.each_sum(matrix * logarithms),
        ]
    )


def _cooccurrence(particle):
    """Return the symmetric co-occurrence matrix, summed over directions."""
    op, geometry = particle.op, particle.geometry
    levels = (particle.intensities.standardized + 2.0) * (N_LEVELS / 4)
    levels = op.integer(op.clip(levels + ROUNDING, 0.0, N_LEVELS - 1.0))
    # Outside are zeros, on every side: no pair inside spans two rows.
    image = op.reshape(geometry.to_image(levels + 1), [-1])
    row = op.unsqueeze(op.length(geometry.mask, 1), [0])
    n, n_first = N_LEVELS + 1, op.shape(image) - row - 1
    first, *others = (
        op.slice(image, step, step + n_first)
        for step in (op.constant([0]), op.constant([1]), row - 1, row, row + 1)
    )
    # Each pixel with two of its neighbors at once, so that half as many are counted.
    threes = [
        (first * n + others[i]) * n + others[i + 1] for i in range(0, len(others), 2)
    ]
    counts = op.count(op.concat(threes, axis=0), np.int64(n**3))
    counts = op.slice(op.reshape(counts, [n, n, n]), [1], [n], [0])
    pairs = op.each_sum(counts, 2) + op.each_sum(counts, 1)
    matrix = op.slice(pairs, [1], [n], [1])
    matrix = matrix + op.transpose(matrix, perm=[1, 0])
    one = np.zeros((N_LEVELS, N_LEVELS))
    one[0, 0] = 1.0
    has_pairs = op.greater(op.each_max(matrix), 0.0)
    matrix = op.where(has_pairs, matrix, op.constant(one))
    return matrix / op.each_sum(matrix)


def granularity(particle):
    """Return the share of the variance that lies in details of each size."""
    op, geometry = particle.op, particle.geometry
    inside = op.double(geometry.mask)
    image = geometry.to_image(particle.intensities.standardized)
    # Sums over all pixels above and left of each corner of a pixel.
    sums = op.pad(image, [1, 1, 0, 0])
    for axis in (0, 1):
        sums = op.cumsum(sums, np.int64(axis))
    differences, rest = [], image
    for fraction in FRACTIONS:
        radius = op.max([op.round(geometry.deepest * fraction), 1.0])
        blurred = _blur(op, sums, op.integer(op.reshape(radius, [1])))
        differences.append(rest - blurred)
        rest = blurred
    squares = [
        op.reduce_sum_square(difference * inside, None, keepdims=False)
        for difference in (*differences, rest)
    ]
    return op.stack(squares) / geometry.area


def _blur(op, sums, radius):
    """Return means over squares around each pixel, by sums up to each corner."""
    side = radius * 2 + 1
    # Outside the image are zeros, which add nothing.
    sums = op.pad(sums, op.expand(radius, [4]), mode="edge")
    last = op.constant([np.iinfo(np.int64).max])
    for axis in (0, 1):
        ends = op.slice(sums, side, last, [axis])
        sums = ends - op.slice(sums, [0], -side, [axis])
    return sums * (1.0 / op.double(square(side)))
