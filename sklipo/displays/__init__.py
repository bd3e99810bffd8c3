"""Pictures of results and of particles, in scikit-learn's Display convention."""

from .confusion import ConfusionMatricesDisplay
from .gallery import ParticleGalleryDisplay
from .learning_curve import LearningCurveDisplay
from .metrics import ClassMetricsDisplay
from .micrograph import MicrographDisplay
from .prevalence import PrevalenceDisplay
from .reliability import ReliabilityDisplay
from .risk_coverage import RiskCoverageDisplay
from .sizes import ImageSizeDisplay
from .training import TrainingCurveDisplay

__all__ = [
    "ClassMetricsDisplay",
    "ConfusionMatricesDisplay",
    "ImageSizeDisplay",
    "LearningCurveDisplay",
    "MicrographDisplay",
    "ParticleGalleryDisplay",
    "PrevalenceDisplay",
    "ReliabilityDisplay",
    "RiskCoverageDisplay",
    "TrainingCurveDisplay",
]
