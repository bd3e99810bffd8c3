"""The groups of features. A measure becomes a feature by one row of the table here.

The guide lists the groups from this table, and the API reference lists the functions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .. import measures
from .particle import Particle

_SIZE, _INTENSITY, _BEYOND = "Size", "Intensity", "Beyond the thesis"
_BY_NAME = "Only by name"


@dataclass(frozen=True)
class Group:
    """A group of features: one row of the table.

    Parameters
    ----------
    section : str
        Heading under which the guide lists the group.
    description : str
        What it measures, in a few words for the guide.
    measure : callable
        Takes a particle; returns a number or a 1-D array, or a dict of these by name.
    settings : tuple of str
        Settings that ``measure`` takes as well, of those that ``ParticleFeatures``
        knows: ``n_points``, ``n_bins``, ``value_range`` and ``intensity``.
    feature : str
        Name of the features if ``measure`` names none; by default that of the group.
    in_all : bool
        Whether ``"all"`` includes it: not what takes longer than all others together.
    scaled : bool
        Whether it depends on the scale of intensities: on their gain and offset.
    """

    section: str
    description: str
    measure: Callable
    settings: tuple[str, ...] = ()
    feature: str | None = None
    in_all: bool = True
    scaled: bool = False


class Measurement(NamedTuple):
    """A group of features on a scale of intensities, with all settings.

    Parameters
    ----------
    group : str
        Name of the group.
    scale : str
        Scale of intensities, see :meth:`Particle.normalized`.
    settings : tuple of (str, object)
        Settings that groups may take, by name.
    suffix : str
        What the names of the features have after that of the measure.
    """

    group: str
    scale: str
    settings: tuple
    suffix: str = ""

    @property
    def key(self):
        """What the values depend on: not all do on the scale, or on each setting."""
        group = GROUPS[self.group]
        used = tuple(item for item in self.settings if item[0] in group.settings)
        return self.group, self.scale if group.scaled else None, used

    @property
    def names(self):
        """Names of the features."""
        return _name_features(self)

    @property
    def arguments(self):
        """Settings that the group takes, by name."""
        settings = {**dict(self.settings), "intensity": self.scale}
        return {key: settings[key] for key in GROUPS[self.group].settings}

    def measure(self, particle):
        """Return the features by name of a particle that is on the scale."""
        group = GROUPS[self.group]
        result = group.measure(particle, **self.arguments)
        return (
            result
            if isinstance(result, dict)
            else {group.feature or self.group: result}
        )


# Each transform asks whether the names are still those of fit.
@lru_cache
def _name_features(measurement):
    """Return the names of the features of a measurement."""
    # How many values a measure has depends on the settings, not on the particle.
    return [
        name + measurement.suffix + ("" if np.ndim(values) == 0 else f"_{i:02d}")
        for name, values in measurement.measure(Particle(np.zeros((1, 1)))).items()
        for i in range(np.size(values))
    ]


def _measure_moments(particle, intensity):
    """Measure moments of raw intensity, or of differences without their sign."""
    values = particle.intensities.values
    density = None if intensity == "none" else np.abs(values)
    names = ("moment_20", "moment_02", "moment_30", "moment_03")
    return dict(zip(names, measures.moments(particle, density), strict=True))


def _measure_radial_profile(particle, n_points):
    """Measure the densities of the radial profile, without their distances."""
    return measures.radial_profile(particle, n_points)[1]


def _measure_edge_profile(particle, n_points):
    """Measure the densities of the edge profile, without their distances."""
    return measures.edge_profile(particle, n_points)[1]


def _measure_texture(particle):
    """Measure co-occurrence from pixel to pixel, and granularity."""
    texture = measures.haralick(particle)
    named = {f"texture_{name}": value for name, value in texture.items()}
    return {**named, "granularity": measures.granularity(particle)}


GROUPS = {
    "area": Group(_SIZE, "area of the mask, in nm² or px²", measures.area),
    "perimeter": Group(_SIZE, "length of the outline, in nm or px", measures.perimeter),
    "circularity": Group(
        _SIZE, "4π area / perimeter²: 1 for a disk", measures.circularity
    ),
    "maximum_width": Group(
        _SIZE,
        "diameter of the largest circle inside, in nm or px",
        measures.maximum_width,
    ),
    "diameter": Group(
        _SIZE,
        "greatest distance between two points of the outline; always in pixels",
        measures.diameter,
    ),
    "length": Group(_SIZE, "the same in nm", measures.length),
    "moments": Group(
        _INTENSITY,
        "image moments μ20, μ02, μ30 and μ03",
        _measure_moments,
        settings=("intensity",),
        scaled=True,
    ),
    "histogram": Group(
        _INTENSITY,
        "shares of the intensities in 32 bins",
        measures.histogram,
        settings=("n_bins", "value_range"),
        scaled=True,
    ),
    "radial_profile": Group(
        _INTENSITY,
        "mean intensity on rings from the center outward",
        _measure_radial_profile,
        settings=("n_points",),
        scaled=True,
    ),
    "edge_profile": Group(
        _INTENSITY,
        "mean intensity from the center to the membrane",
        _measure_edge_profile,
        settings=("n_points",),
        scaled=True,
    ),
    "signal_to_noise": Group(
        _INTENSITY,
        "variance across the membrane against variance along it, from -1 to 1",
        measures.signal_to_noise,
    ),
    "segmentation_variance": Group(
        _INTENSITY,
        "how well the inside splits into two intensities",
        measures.segmentation_variance,
    ),
    "edge_profile_spread": Group(
        _BEYOND,
        "how much the edge profile differs over the angle",
        measures.edge_profile_spread,
    ),
    "shape": Group(
        _BEYOND, "axes, solidity, roundness and other ratios", measures.shape
    ),
    "outline": Group(
        _BEYOND,
        "Fourier descriptors of the outline: corners and roughness",
        measures.outline_harmonics,
        feature="outline_harmonic",
    ),
    "intensity": Group(
        _BEYOND,
        "mean, spread, skewness and the like; not the parameter of this name",
        measures.intensity,
    ),
    "texture": Group(
        _BEYOND,
        "co-occurrence of neighboring pixels; size of the grain",
        _measure_texture,
    ),
    "symmetry": Group(
        _BEYOND,
        "how the intensity varies around the particle",
        measures.angular_harmonics,
        feature="angular_harmonic",
    ),
    "lamellae": Group(
        _BY_NAME,
        "bilayers: how many, how thick, how far apart",
        measures.lamellae,
        in_all=False,
    ),
}

ALL = tuple(name for name, group in GROUPS.items() if group.in_all)

# What the SVM of the thesis was meant to have (section 4.1).
THESIS = (
    "area",
    "circularity",
    "moments",
    "edge_profile",
    "histogram",
    "segmentation_variance",
)
