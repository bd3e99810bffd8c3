"""One particle for measuring: its geometry and its intensities."""

from copy import copy

import numpy as np

from ._geometry import Geometry
from ._intensities import ImageIntensities, RelativeIntensities


class Particle:
    """One particle for measuring: what several measures share is computed once.

    Parameters
    ----------
    image : ndarray of shape (height, width)
        Pixels of the cut-out, integer or float.
    mask : ndarray of shape (height, width), default=None
        Non-zero inside the particle. Without a mask the whole image is the particle.
    pixel_size : float, default=None
        Nanometers per pixel. Without it lengths are in pixels.

    Attributes
    ----------
    geometry : Geometry
        What the mask says: distances, axes, hull, outline, in pixels.
    intensities : Intensities
        What the pixels say: values inside, background, contrast.
    pixel_size : float
        Nanometers per pixel, 1 where unknown.

    See Also
    --------
    sklipo.ParticleFeatures : Measures all particles of a table.

    Notes
    -----
    Background and contrast are defined by the surrounding: the pixels more than 2
    pixels outside the mask and within its bounding box, widened by a quarter of the
    radius of a disk of the same area, or 6 pixels if that is more. Where none lies 2
    pixels outside, all pixels outside are the surrounding. A particle that fills its
    image is compared with its own mean.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.measures import Particle
    >>> image = np.array([[9, 9, 9], [9, 4, 9], [9, 9, 9]])
    >>> particle = Particle(image, image < 9, pixel_size=0.5)
    >>> particle.intensities.values, particle.geometry.depth
    (array([4.]), array([0.5]))
    """

    def __init__(self, image, mask=None, pixel_size=None):
        self.geometry = Geometry(np.ones(image.shape, bool) if mask is None else mask)
        self.intensities = ImageIntensities(image, self.geometry)
        self.pixel_size = 1.0 if pixel_size is None else float(pixel_size)

    def normalized(self):
        """Return the particle with its relative intensities.

        Returns
        -------
        Particle
            One of background 0 and contrast 1, unless it is uniform. It shares the
            geometry.
        """
        # A particle computes nothing itself: no result of other intensities is copied.
        other = copy(self)
        other.intensities = RelativeIntensities(self.intensities)
        return other
