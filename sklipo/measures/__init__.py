"""Measures of one particle: pure functions of its image and mask, one for each."""

from .intensities import (
    granularity,
    haralick,
    histogram,
    intensity,
    segmentation_variance,
)
from .particle import Particle
from .profiles import (
    angular_harmonics,
    edge_profile,
    membrane,
    radial_profile,
    signal_to_noise,
)
from .shapes import outline_harmonics, shape
from .sizes import (
    area,
    circularity,
    diameter,
    length,
    maximum_width,
    moments,
    perimeter,
)

__all__ = [
    "Particle",
    "angular_harmonics",
    "area",
    "circularity",
    "diameter",
    "edge_profile",
    "granularity",
    "haralick",
    "histogram",
    "intensity",
    "length",
    "maximum_width",
    "membrane",
    "moments",
    "outline_harmonics",
    "perimeter",
    "radial_profile",
    "segmentation_variance",
    "shape",
    "signal_to_noise",
]
