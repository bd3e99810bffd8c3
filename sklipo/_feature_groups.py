"""The groups of features: the one place to add a measure to."""

from dataclasses import dataclass

import numpy as np

from . import measures


@dataclass(frozen=True)
class Settings:
    """What the groups need to know besides the particle."""

    n_points: int
    n_bins: int
    value_range: tuple[float, float]
    relative: bool


def _measure_moments(particle, settings):
    """Measure the moments of mass: of relative intensity, whatever its sign."""
    density = np.abs(particle.intensities.values) if settings.relative else None
    names = ("moment_20", "moment_02", "moment_30", "moment_03")
    return dict(zip(names, measures.moments(particle, density), strict=True))


def _measure_texture(particle, settings):
    """Measure co-occurrence from pixel to pixel, and granularity."""
    texture = measures.haralick(particle)
    named = {f"texture_{name}": value for name, value in texture.items()}
    return {**named, "granularity": measures.granularity(particle)}


# A group of features is a function of particle and settings that returns numbers, or
# 1-D arrays of them, by name.
GROUPS = {
    "area": lambda p, s: {"area": measures.area(p)},
    "perimeter": lambda p, s: {"perimeter": measures.perimeter(p)},
    "circularity": lambda p, s: {"circularity": measures.circularity(p)},
    "maximum_width": lambda p, s: {"maximum_width": measures.maximum_width(p)},
    "diameter": lambda p, s: {"diameter": measures.diameter(p)},
    "length": lambda p, s: {"length": measures.length(p)},
    "moments": _measure_moments,
    "histogram": lambda p, s: {
        "histogram": measures.histogram(p, s.n_bins, s.value_range)
    },
    "radial_profile": lambda p, s: {
        "radial_profile": measures.radial_profile(p, s.n_points)[1]
    },
    "edge_profile": lambda p, s: {
        "edge_profile": measures.edge_profile(p, s.n_points)[1]
    },
    "signal_to_noise": lambda p, s: {"signal_to_noise": measures.signal_to_noise(p)},
    "segmentation_variance": lambda p, s: {
        "segmentation_variance": measures.segmentation_variance(p)
    },
    "membrane": lambda p, s: measures.membrane(p),
    "shape": lambda p, s: measures.shape(p),
    "outline": lambda p, s: {"outline_harmonic": measures.outline_harmonics(p)},
    "intensity": lambda p, s: measures.intensity(p),
    "texture": _measure_texture,
    "symmetry": lambda p, s: {"angular_harmonic": measures.angular_harmonics(p)},
}

THESIS = (
    "area",
    "circularity",
    "moments",
    "edge_profile",
    "histogram",
    "segmentation_variance",
)
