"""Profiles of density in a particle, and its symmetry."""

from functools import cache

import numpy as np
from scipy.ndimage import map_coordinates

# Few and wide: a shell of a small particle has pixels in most of the 8 sectors.
N_SHELLS = 8
# Samples of the intensity, and the orders told apart. 32 angles have orders up to 16,
# of which the higher ones are mostly noise and counted together.
N_RADII, N_ANGLES, N_ORDERS = 8, 32, 6


def radial_profile(particle, n_points=80):
    """Return the radial density profile: intensity from the center outward.

    Parameters
    ----------
    particle : Particle
        The particle.
    n_points : int, default=80
        Number of points that the profile is resampled to.

    Returns
    -------
    distances : ndarray of shape (n_points,)
        Distance from the centroid of the mask, from 0 to the farthest pixel inside (nm
        or px).
    intensities : ndarray of shape (n_points,)
        Mean intensity of the pixels inside on concentric rings of one pixel width
        around whole numbers of pixels, interpolated linearly.

    See Also
    --------
    edge_profile : The same by distance from the membrane.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Particle, radial_profile
    >>> y, x = np.mgrid[-3:4, -3:4]
    >>> distances, intensities = radial_profile(Particle(x**2 + y**2), n_points=3)
    >>> distances.round(1), intensities.round(1)
    (array([0. , 2.1, 4.2]), array([ 0. ,  5.2, 14.7]))
    """
    rings = particle.geometry.rings
    positions = _parts(n_points) * np.sqrt(particle.geometry.squared_radii.max())
    means = rings.average(particle.intensities.values)
    return positions * particle.pixel_size, np.interp(positions, rings.numbers, means)


def edge_profile(particle, n_points=80):
    """Return the edge density profile: intensity from the center to the membrane.

    Parameters
    ----------
    particle : Particle
        The particle.
    n_points : int, default=80
        Number of points that the profile is resampled to.

    Returns
    -------
    distances : ndarray of shape (n_points,)
        Distance from the membrane by the exact Euclidean distance transform: negative
        inside, rising to 0 at the membrane (nm or px).
    intensities : ndarray of shape (n_points,)
        Mean intensity in shells of one pixel width, the outermost 0 to 1 pixel deep,
        interpolated linearly between their middles.

    See Also
    --------
    radial_profile : The same by distance from the centroid.
    edge_profile_spread : How much it differs over the angle.
    lamellae : Bilayers, their thickness and spacing.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Particle, edge_profile
    >>> ring = np.pad(np.zeros((3, 3)), 1, constant_values=8)
    >>> distances, intensities = edge_profile(Particle(ring), n_points=4)
    >>> distances.round(2), intensities.round(2)
    (array([-2.5 , -1.67, -0.83,  0.  ]), array([0.  , 0.  , 5.33, 8.  ]))
    """
    positions = _parts(n_points)[::-1] * particle.geometry.deepest
    depths = _shell_depths(particle)
    means = particle.geometry.shells.average(particle.intensities.values)
    intensities = np.interp(positions, depths, means)
    # 0 - x, since -x would make the last distance -0.0.
    return (0 - positions) * particle.pixel_size, intensities


def _shell_depths(particle):
    """Return the depth of the middle of each shell."""
    # Shells count from the pixels outside, half a pixel beyond the membrane.
    return particle.geometry.shells.numbers - 0.5


@cache
def _parts(n_points):
    """Return numbers from 0 to 1 in equal steps; callers must not change them."""
    return np.linspace(0, 1, n_points)


def signal_to_noise(particle):
    r"""Compare the variance across the membrane with the variance along it.

    Parameters
    ----------
    particle : Particle
        The particle.

    Returns
    -------
    float
        From 1 where intensity depends on the distance from the membrane alone to -1
        where it does not depend on it; 0 for a uniform particle. It has the name that
        the thesis gives it, but it is a difference over a sum, not a ratio.

    See Also
    --------
    edge_profile : The shells that are compared.

    Notes
    -----
    The variance inside is the sum of that of the edge density profile, the variance
    across the membrane :math:`v_\perp`, and of the mean variance within its shells, the
    variance along the membrane :math:`v_\parallel`. The measure is
    :math:`(v_\perp - v_\parallel) / (v_\perp + v_\parallel)`, which stays finite
    without noise; the ratio is :math:`v_\perp / v_\parallel = (1 + s) / (1 - s)`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Particle, signal_to_noise
    >>> round(signal_to_noise(Particle(np.pad(np.zeros((3, 3)), 1, constant_values=8))))
    1
    """
    intensities, shells = particle.intensities, particle.geometry.shells
    if np.isinf(intensities.deviation):
        return 0.0
    across = shells.average(intensities.standardized)
    return 2 * (shells.sizes @ across**2) / particle.geometry.area - 1


def edge_profile_spread(particle):
    """Return how much the edge density profile differs over the angle.

    Parameters
    ----------
    particle : Particle
        The particle.

    Returns
    -------
    float
        0 for a particle that looks the same in every direction, in units of the
        particle's contrast; 0 for one that does not differ from its background.

    See Also
    --------
    edge_profile : The profile of all directions together.
    angular_harmonics : The same by angular order.

    Notes
    -----
    The root mean square difference between the profiles of 8 sectors and that of all,
    in 8 shells of equal width.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Particle, edge_profile_spread
    >>> y, x = np.mgrid[-20:21, -20:21]
    >>> disk = x**2 + y**2 < 200
    >>> edge_profile_spread(Particle(disk * 9, disk))
    0.0
    >>> edge_profile_spread(Particle(disk * np.where(x > 0, 9, 3), disk)) > 0.3
    True
    """
    geometry, relative = particle.geometry, particle.intensities.relative
    shells = geometry.depth * (N_SHELLS / geometry.deepest)
    # The deepest pixels lie on the upper edge of the last shell.
    shells = np.minimum(shells.astype(np.intp), N_SHELLS - 1)
    index = shells * 9 + geometry.sectors
    sizes = np.bincount(index, minlength=N_SHELLS * 9).reshape(N_SHELLS, 9)
    sums = np.bincount(index, relative, sizes.size).reshape(sizes.shape)
    means = sums.sum(axis=1) / np.maximum(sizes.sum(axis=1), 1)
    differences = sums / np.maximum(sizes, 1) - means[:, np.newaxis]
    return float(np.sqrt((sizes * differences**2).sum() / sizes.sum()))


def angular_harmonics(particle):
    """Return how strongly intensity varies around the particle, by angular order.

    Parameters
    ----------
    particle : Particle
        The particle.

    Returns
    -------
    ndarray of shape (7,)
        Amplitudes of the orders 1 to 6 and of all higher ones together, as root mean
        square over the radii, in units of the particle's contrast. In a k-fold
        symmetric particle, only orders that are multiples of k differ from zero.

    See Also
    --------
    sklipo.measures.outline_harmonics : The same of the outline.

    Notes
    -----
    Intensities are interpolated linearly at 32 angles on 8 ellipses with the axes and
    the centroid of the mask, from the center to the ellipse of equal moments. Pixels
    outside the mask take the value of the background. Amplitudes are those of the
    discrete Fourier transform along each ellipse, the rotational power spectra of
    single particle analysis [1]_.

    References
    ----------
    .. [1] R. A. Crowther and L. A. Amos, "Harmonic analysis of electron microscope
       images with rotational symmetry", J. Mol. Biol. 60, 123-130, 1971.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Particle, angular_harmonics
    >>> y, x = np.mgrid[-20:21, -20:21]
    >>> quarters = np.where(x * y > 0, 1.0, -1.0)
    >>> int(angular_harmonics(Particle(quarters)).argmax()) + 1
    2
    """
    geometry = particle.geometry
    # Relative, the background is 0, which to_image puts outside.
    image = geometry.to_image(particle.intensities.relative)
    variances, axes = geometry.principal_axes
    root = axes * np.sqrt(variances) @ axes.T
    angles = np.arange(N_ANGLES) * (2 * np.pi / N_ANGLES)
    ellipse = 2 * root @ [np.sin(angles), np.cos(angles)]
    radii = (np.arange(N_RADII) + 0.5) / N_RADII
    points = ellipse[:, np.newaxis] * radii[:, np.newaxis]
    points += np.reshape(geometry.centroid, (2, 1, 1))
    rings = map_coordinates(image, points, order=1, mode="nearest")
    power = (np.abs(np.fft.rfft(rings)) ** 2).mean(axis=0) * (2 / N_ANGLES) ** 2
    low = power[1 : N_ORDERS + 1]
    return np.sqrt(np.append(low, power[N_ORDERS + 1 :].sum()))
