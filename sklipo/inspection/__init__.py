"""Look into fitted models: what a network sees, what an SVM relies on."""

from .excitation import ExcitationDisplay, most_exciting_particles
from .feature_maps import FeatureMapDisplay, feature_maps
from .filters import FilterDisplay
from .importance import FeatureGroupImportanceDisplay, feature_group_importance
from .occlusion import OcclusionDisplay, occlusion_map
from .reconstruction import reconstruct

__all__ = [
    "ExcitationDisplay",
    "FeatureGroupImportanceDisplay",
    "FeatureMapDisplay",
    "FilterDisplay",
    "OcclusionDisplay",
    "feature_group_importance",
    "feature_maps",
    "most_exciting_particles",
    "occlusion_map",
    "reconstruct",
]
