"""Shape of a particle and of its outline."""

import cv2
import numpy as np


def shape(particle):
    r"""Return measures of size and shape under scikit-image's names.

    Parameters
    ----------
    particle : Particle
        The particle.

    Returns
    -------
    dict
        ``equivalent_diameter_area``, ``axis_major_length``, ``axis_minor_length``,
        ``feret_diameter_min`` (nm or px), and numbers from 0 to 1:

        - ``aspect_ratio``: minor to major axis of the ellipse of equal moments;
        - ``eccentricity`` of that ellipse;
        - ``ellipticity``: 1 for any ellipse, :math:`9 / \pi^2` for a parallelogram,
          :math:`27 / 4 \pi^2` for a triangle [1]_;
        - ``solidity``: area to area of the convex hull;
        - ``rectangularity``: area to area of the smallest rectangle around it;
        - ``roundness``: area to area of a disk of the maximum Feret diameter;
        - ``feret_ratio``: minimum to maximum Feret diameter;
        - ``inscribed_ratio``: diameter of the largest inscribed circle to that of a
          disk of equal area;
        - ``circumscribed_ratio``: area to area of the smallest circle around it.

    See Also
    --------
    outline_harmonics : Corners and roughness of the outline.
    skimage.measure.regionprops : Many of the same.

    Notes
    -----
    Pixels are squares: this adds 1 / 12 to the variances that scikit-image's axes come
    from, and makes the hull that of their corners. Ellipticity is
    :math:`\min(16 \pi^2 I, 1 / 16 \pi^2 I)` with the affine moment invariant
    :math:`I = (\mu_{20} \mu_{02} - \mu_{11}^2) / \mu_{00}^4`.

    References
    ----------
    .. [1] P. L. Rosin, "Measuring shape: ellipticity, rectangularity, and
       triangularity", Mach. Vis. Appl. 14, 172-184, 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Particle, shape
    >>> square = shape(Particle(np.zeros((40, 40))))
    >>> round(float(square["ellipticity"]), 2), float(square["rectangularity"])
    (0.91, 1.0)
    """
    geometry, n = particle.geometry, particle.geometry.area
    minor, major = 4 * np.sqrt(geometry.principal_axes[0])
    widths, lengths, hull_area = _hull_extents(geometry.hull)
    feret_min, feret_max = min(widths.min(), lengths.min()), geometry.feret_diameter_max
    _, radius = cv2.minEnclosingCircle(geometry.hull.astype(np.float32))
    equivalent = np.sqrt(4 * n / np.pi)
    invariant = (np.pi * major * minor / n) ** 2 / 16
    return {
        "equivalent_diameter_area": equivalent * particle.pixel_size,
        "axis_major_length": major * particle.pixel_size,
        "axis_minor_length": minor * particle.pixel_size,
        "feret_diameter_min": feret_min * particle.pixel_size,
        "aspect_ratio": minor / major,
        # By rounding, the minor axis of a disk may be the longer one.
        "eccentricity": np.sqrt(max(1 - (minor / major) ** 2, 0)),
        "ellipticity": min(invariant, 1 / invariant),
        "solidity": n / hull_area,
        "rectangularity": n / (widths * lengths).min(),
        "roundness": 4 * n / (np.pi * feret_max**2),
        "feret_ratio": feret_min / feret_max,
        "inscribed_ratio": 2 * geometry.deepest / equivalent,
        # The circle goes through centers of pixels, half a pixel inside the outline.
        "circumscribed_ratio": n / (np.pi * (radius + 0.5) ** 2),
    }


def _hull_extents(hull):
    """Return extents across and along each side, and area, of the hull of pixels."""
    # The direction of rows stands in for the sides that a single pixel lacks.
    sides = np.concatenate([np.roll(hull, -1, axis=0) - hull, [[1.0, 0.0]]])
    norms = np.hypot(*sides.T)
    along = sides[norms > 0] / norms[norms > 0, np.newaxis]
    across = along[:, ::-1] * (-1, 1)
    # The extent of a unit square in each direction, as pixels are squares.
    pixel = np.abs(along).sum(axis=1)
    lengths = np.ptp(hull @ along.T, axis=0) + pixel
    widths = np.ptp(hull @ across.T, axis=0) + pixel
    # A convex polygon widened by a unit square grows by its extents in x and y and 1.
    hull_area = cv2.contourArea(hull.astype(np.float32)) + np.ptp(hull, axis=0).sum()
    return widths, lengths, hull_area + 1


def outline_harmonics(particle, n_harmonics=8):
    r"""Return the affine-normalized Fourier descriptors of the outline.

    Parameters
    ----------
    particle : Particle
        The particle.
    n_harmonics : int, default=8
        Highest order.

    Returns
    -------
    ndarray of shape (2 * n_harmonics - 2,)
        Amplitudes of the orders -n_harmonics, ..., -2, 2, ..., n_harmonics in units of
        the first; zeros for a single pixel.

    See Also
    --------
    shape : Elongation, which is removed here.

    Notes
    -----
    The largest outline, as a closed polygon :math:`z(t)` in the complex plane traced at
    uniform speed, has the Fourier coefficients :math:`c_k` in closed form [1]_. The
    inverse square root of the covariance of the mask first makes it as wide as long:
    an ellipse becomes a circle and a rectangle a square. A circle has :math:`c_1`
    alone; a regular n-gon has :math:`|c_k / c_1| = 1 / k^2` for
    :math:`k = 1 - n, 1 + n, \ldots` and no others, so the orders -2, -3 and -5 tell
    triangles, quadrangles and hexagons.

    References
    ----------
    .. [1] F. P. Kuhl and C. R. Giardina, "Elliptic Fourier features of a closed
       contour", Comput. Graph. Image Process. 18, 236-258, 1982.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Particle, outline_harmonics
    >>> rectangle = Particle(np.zeros((40, 90)))
    >>> outline_harmonics(rectangle, n_harmonics=3).round(1)
    array([0.1, 0. , 0. , 0. ])
    """
    z = _round_outline(particle)
    steps = z[1:] - z[:-1]
    lengths = np.abs(steps)
    if not lengths.sum():
        return np.zeros(2 * n_harmonics - 2)
    orders = np.arange(1, n_harmonics + 1)
    angles = 2 * np.pi * np.cumsum(np.append(0, lengths)) / lengths.sum()
    # Powers by products: an exponential for each order would take three times as long.
    waves = np.cumprod(np.tile(np.exp(-1j * angles), (n_harmonics, 1)), axis=0)
    changes = waves[:, 1:] - waves[:, :-1]
    directions = steps / lengths
    positive = np.abs((changes * directions).sum(axis=1)) / orders**2
    negative = np.abs((changes.conj() * directions).sum(axis=1)) / orders**2
    return np.append(negative[:0:-1], positive[1:]) / positive[0]


def _round_outline(particle):
    """Return the largest outline without its elongation, closed, as complex numbers."""
    outline = max(particle.geometry.outlines, key=cv2.contourArea)[:, ::-1]
    variances, axes = particle.geometry.principal_axes
    rounded = outline @ (axes / np.sqrt(variances)) @ axes.T
    z = rounded[:, 0] + 1j * rounded[:, 1]
    return np.concatenate([z, z[:1]])
