"""Intensities of a particle: their histogram, contrast to the background, texture."""

import cv2
import numpy as np

# With more levels, the co-occurrence matrix of a small particle would have more entries
# than the particle has pairs of pixels.
N_LEVELS = 16
# A value on the edge of two levels or bins must not change between them by rounding:
# gain and offset would then show.
ROUNDING = 1e-9
# No minimum and maximum: a single hot pixel would set them.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Half widths of the squares that granularity averages over, by the largest depth.
FRACTIONS = (0.05, 0.1, 0.2, 0.4)


def histogram(particle, n_bins=32, value_range=None):
    """Return the histogram of the intensities inside a particle.

    Parameters
    ----------
    particle : Particle
        The particle.
    n_bins : int, default=32
        Number of bins of equal width.
    value_range : tuple of (float, float), default=None
        Lower end of the first bin and upper end of the last one; these two also count
        all values beyond. By default the lowest and highest intensity inside.

    Returns
    -------
    ndarray of shape (n_bins,)
        Share of the pixels inside that lies in each bin.

    See Also
    --------
    numpy.histogram : Counts, without values beyond the range.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Particle, histogram
    >>> histogram(Particle(np.array([[0, 1, 2, 9]])), n_bins=2, value_range=(0, 4))
    array([0.5, 0.5])
    """
    levels = particle.intensities.levels
    values = levels.values
    low, high = (values.min(), values.max()) if value_range is None else value_range
    if value_range is None and np.isinf(particle.intensities.deviation):
        high = low  # no more than rounding lies between them
    bins = (values - low) * (n_bins / (high - low) if high > low else 0.0)
    bins = (bins + ROUNDING).clip(0, n_bins - 1).astype(np.intp)
    return np.bincount(bins, levels.counts, minlength=n_bins) / levels.size


def segmentation_variance(particle):
    r"""Return how well the inside of a particle splits into two intensities.

    Parameters
    ----------
    particle : Particle
        The particle.

    Returns
    -------
    float
        From 0 for a uniform inside to 1 for one of just two intensities; :math:`2/\pi`
        for Gaussian noise.

    See Also
    --------
    skimage.filters.threshold_otsu : The threshold itself.

    Notes
    -----
    The thesis uses an internal segmentation variance without defining it. Here it is
    the separability that Otsu's threshold maximises [1]_: the variance between the two
    segments, :math:`w_0 w_1 (m_0 - m_1)^2` with their shares and means, over the total
    variance. The threshold is one of 256 levels from lowest to highest intensity.

    References
    ----------
    .. [1] N. Otsu, "A threshold selection method from gray-level histograms", IEEE
       Trans. Syst. Man Cybern. 9, 62-66, 1979.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Particle, segmentation_variance
    >>> round(segmentation_variance(Particle(np.array([[3, 3, 3, 7, 7]]))), 6)
    1.0
    """
    intensities = particle.intensities
    if np.isinf(intensities.deviation):
        return 0.0
    values, low = intensities.values, intensities.values.min()
    # OpenCV finds Otsu's threshold of 8-bit images only: hence 256 levels.
    levels = (values - low) * (255 / (values.max() - low)) + ROUNDING
    levels = levels.astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 1, cv2.THRESH_OTSU)
    above = (levels > threshold).ravel()
    share = np.count_nonzero(above) / above.size
    # With total mean 0 and variance 1, the segments' means are mean / share and
    # -mean / (1 - share).
    mean = intensities.standardized.sum(where=above) / above.size
    return float(mean**2 / (share * (1 - share)))


def intensity(particle):
    """Return statistics of intensity that no gain or offset of the detector changes.

    Parameters
    ----------
    particle : Particle
        The particle.

    Returns
    -------
    dict
        In units of the particle's contrast, from the background:

        - ``intensity_mean``, ``intensity_std``;
        - ``intensity_q05`` to ``intensity_q95``: quantiles;
        - ``intensity_rim``, ``intensity_core``: mean over the outer 15 % and the inner
          30 % of the depth, and ``intensity_core_rim``, their difference;
        - ``background_std``: noise of the surrounding;

        and ``intensity_skewness``, ``intensity_kurtosis`` (0 for Gaussian ones).

    See Also
    --------
    sklipo.measures.Particle : Defines background and contrast.

    Notes
    -----
    All are relative to the background, whatever the parameter ``intensity`` of
    :class:`~sklipo.ParticleFeatures` is: that chooses the unit of histogram, moments
    and profiles. Inverting the contrast changes signs and mirrors quantiles. The
    standard deviation of the surrounding is estimated by its interquartile range over
    1.349, which neighbors disturb little, and limited to 10 contrasts.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Particle, intensity
    >>> image = np.pad(np.full((5, 5), 2.0), 5, constant_values=9.0)
    >>> result = intensity(Particle(image, image < 9))
    >>> float(result["intensity_mean"]), float(result["intensity_std"])
    (-1.0, 0.0)
    """
    intensities = particle.intensities
    rim, core = _rim_and_core(particle)
    levels = intensities.relative_levels
    mean = levels.average(levels.values)
    standard = (intensities.levels.values - intensities.mean) / intensities.deviation
    squares = standard * standard
    kurtosis = levels.average(np.square(squares))
    places = (np.array(QUANTILES) * (levels.size - 1)).round().astype(int)
    names = [f"intensity_q{100 * quantile:02.0f}" for quantile in QUANTILES]
    noise = intensities.background_deviation / intensities.contrast
    return {
        "intensity_mean": mean,
        "intensity_std": np.sqrt(levels.average(np.square(levels.values - mean))),
        "intensity_skewness": levels.average(standard * squares),
        # The kurtosis of a uniform inside is undefined: 0 / 0.
        "intensity_kurtosis": kurtosis - 3 if kurtosis else 0.0,
        **dict(zip(names, levels.at(places), strict=True)),
        "intensity_rim": rim,
        "intensity_core": core,
        "intensity_core_rim": core - rim,
        # A particle that hardly differs from its background has hardly any unit.
        "background_std": min(noise, 10.0),
    }


def _rim_and_core(particle):
    """Return the mean relative intensity near the membrane and deep inside."""
    depth, deepest = particle.geometry.depth, particle.geometry.deepest
    relative = particle.intensities.relative
    # The outermost pixels are half a pixel deep: a small particle has a rim, too.
    rim = relative[depth <= max(0.15 * deepest, 0.5)].mean()
    return rim, relative[depth >= 0.7 * deepest].mean()


def haralick(particle):
    """Return texture measures of the gray-level co-occurrence matrix.

    Parameters
    ----------
    particle : Particle
        The particle.

    Returns
    -------
    dict
        ``contrast``, ``homogeneity``, ``energy``, ``correlation`` and ``entropy`` by
        scikit-image's definitions. A particle without pairs of pixels has those of a
        uniform one.

    See Also
    --------
    skimage.feature.graycoprops : Definitions.
    granularity : Texture by size.

    Notes
    -----
    Intensities are clipped to 2 standard deviations around their mean and quantized to
    16 levels. Pairs of neighboring pixels inside, in both orders, along rows, columns
    and both diagonals, are counted in one matrix [1]_.

    References
    ----------
    .. [1] R. M. Haralick, K. Shanmugam and I. Dinstein, "Textural features for image
       classification", IEEE Trans. Syst. Man Cybern. 3, 610-621, 1973.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Particle, haralick
    >>> stripes = np.tile([0.0, 1.0], (8, 4))
    >>> bool(haralick(Particle(stripes))["correlation"] < 0)
    True
    """
    matrix = _cooccurrence(particle)
    levels = np.arange(N_LEVELS)
    squares = (levels[:, np.newaxis] - levels) ** 2
    margin = matrix.sum(axis=0)
    centered = levels - levels @ margin
    variance = centered**2 @ margin
    positive = matrix[matrix > 0]
    return {
        "contrast": (squares * matrix).sum(),
        "homogeneity": (matrix / (1 + squares)).sum(),
        "energy": np.sqrt(positive @ positive),
        "correlation": centered @ matrix @ centered / variance if variance else 1.0,
        "entropy": -(positive @ np.log(positive)),
    }


def _cooccurrence(particle):
    """Return the symmetric co-occurrence matrix, summed over directions."""
    geometry = particle.geometry
    levels = (particle.intensities.standardized + 2) * (N_LEVELS / 4) + ROUNDING
    # Pixels outside have a level beyond the matrix, so they are not counted. They lie
    # on every side: no pair of pixels inside spans two rows, and rows can be chained.
    image = np.full(geometry.mask.shape, N_LEVELS, np.uint8)
    image[geometry.inside] = np.clip(levels, 0, N_LEVELS - 1)
    image = image.ravel()
    row = geometry.mask.shape[1]
    matrix = np.zeros((N_LEVELS, N_LEVELS))
    for step in (1, row - 1, row, row + 1):
        pairs = [image[:-step], image[step:]]
        matrix += cv2.calcHist(pairs, [0, 1], None, [N_LEVELS] * 2, [0, N_LEVELS] * 2)
    matrix += matrix.T
    if not matrix.any():
        matrix[0, 0] = 1.0
    return matrix / matrix.sum()


def granularity(particle, fractions=FRACTIONS):
    """Return the share of the variance that lies in details of each size.

    Parameters
    ----------
    particle : Particle
        The particle.
    fractions : tuple of float, default=(0.05, 0.1, 0.2, 0.4)
        Rising half widths of the averaging squares, as parts of the largest depth.

    Returns
    -------
    ndarray of shape (len(fractions) + 1,)
        Mean square of the difference that each averaging makes to the one before, and
        of the last average, over the variance inside.

    See Also
    --------
    haralick : Texture from pixel to pixel.

    Notes
    -----
    Pixels outside take the particle's mean, which keeps the outline from counting as
    texture. The squares grow with the particle, so the result does not depend on the
    magnification.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Particle, granularity
    >>> noise = np.random.default_rng(0).normal(size=(60, 60))
    >>> granularity(Particle(noise)).round(1)
    array([0.9, 0.1, 0. , 0. , 0. ])
    """
    geometry = particle.geometry
    # Standardized, the mean is 0, which to_image puts outside.
    image = geometry.to_image(particle.intensities.standardized, np.float32)
    squares, rest = [], image
    for fraction in fractions:
        side = 2 * max(round(fraction * geometry.deepest), 1) + 1
        average = cv2.blur(image, (side, side), borderType=cv2.BORDER_CONSTANT)
        squares.append(cv2.norm(rest, average, cv2.NORM_L2SQR, geometry.mask))
        rest = average
    squares.append(cv2.norm(rest, cv2.NORM_L2SQR, geometry.mask))
    return np.array(squares) / geometry.area
