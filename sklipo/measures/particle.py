"""One particle for measuring: its geometry and its intensities."""

from copy import copy

import numpy as np

from ..surrounding import SCALES
from ._geometry import Geometry
from ._intensities import ImageIntensities, ScaledIntensities


class Particle:
    r"""One particle for measuring: what several measures share is computed once.

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
    image is compared with its own mean. The background :math:`b` is the median of the
    surrounding; the contrast is the root mean square of the particle's differences from
    it, :math:`c = \sqrt{\frac{1}{n} \sum_i (v_i - b)^2}` over the :math:`n` pixels
    inside.

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

    def normalized(self, scale="contrast"):
        """Return the particle with its intensities on another scale.

        Parameters
        ----------
        scale : {"contrast", "noise", "none"}, default="contrast"
            ``"contrast"``: differences from the background in units of the contrast.
            ``"noise"``: differences from the mean of the whole surrounding in units of
            its standard deviation, see :func:`~sklipo.surrounding.noise_level`.
            ``"none"``: as they are.

        Returns
        -------
        Particle
            It shares the geometry. By contrast, its background is 0 and its contrast 1;
            a particle that does not differ from its background is 0 everywhere.

        Raises
        ------
        ValueError
            If there is no such scale.
        """
        if scale not in SCALES:
            raise ValueError(f"scale={scale!r}; expected one of {list(SCALES)}.")
        if scale == "none":
            return self
        # A particle computes nothing itself: no result of other intensities is copied.
        other = copy(self)
        other.intensities = ScaledIntensities(self.intensities, scale)
        return other
