"""One particle in a graph: its geometry and its intensities."""

from copy import copy

from .geometry import Geometry
from .intensities import Intensities, ScaledIntensities


class Particle:
    """One particle for measuring: :class:`sklipo.measures.Particle` as nodes.

    Parameters
    ----------
    op : Ops
        The operators.
    image : Tensor of shape (height, width), dtype float32
        Pixels of the cut-out.
    mask : Tensor of shape (height, width), dtype bool
        True inside.
    pixel_size : Tensor of shape (), dtype float64
        Nanometers per pixel, 1 where unknown.

    Attributes
    ----------
    geometry : Geometry
        What the mask says.
    intensities : Intensities
        What the pixels say.
    """

    def __init__(self, op, image, mask, pixel_size):
        self.op = op
        self.geometry = Geometry(op, mask)
        self.intensities = Intensities(op, image, self.geometry)
        self.pixel_size = pixel_size

    def normalized(self, scale):
        """Return the particle with its intensities by "contrast", "noise" or "none"."""
        if scale == "none":
            return self
        other = copy(self)
        other.intensities = ScaledIntensities(self.intensities, scale)
        return other
