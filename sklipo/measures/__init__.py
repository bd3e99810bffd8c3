"""Measures of one particle: pure functions of its image and mask, one for each."""

# One line for each measure. Importing a name as itself marks it as public for editors
# and type checkers, so no second list of names has to be kept.
from ._geometry import Geometry as Geometry
from ._intensities import Intensities as Intensities
from .intensities import granularity as granularity
from .intensities import haralick as haralick
from .intensities import histogram as histogram
from .intensities import intensity as intensity
from .intensities import segmentation_variance as segmentation_variance
from .lamellae import lamellae as lamellae
from .particle import Particle as Particle
from .profiles import angular_harmonics as angular_harmonics
from .profiles import edge_profile as edge_profile
from .profiles import edge_profile_spread as edge_profile_spread
from .profiles import radial_profile as radial_profile
from .profiles import signal_to_noise as signal_to_noise
from .shapes import outline_harmonics as outline_harmonics
from .shapes import shape as shape
from .sizes import area as area
from .sizes import circularity as circularity
from .sizes import diameter as diameter
from .sizes import length as length
from .sizes import maximum_width as maximum_width
from .sizes import moments as moments
from .sizes import perimeter as perimeter

# Classes and functions, not the modules that they come from.
__all__ = sorted(
    name for name, thing in globals().items() if callable(thing) and name[0] != "_"
)
