"""Cross-validation of particle classifiers, its results, and shares in new samples."""

from .audit import draw_audit
from .counts import count_by
from .cross_validation import cross_validate_particles
from .prevalence import estimate_prevalence
from .prevalence_estimate import PrevalenceEstimate, compare_samples
from .results import CrossValidationResult

__all__ = [
    "CrossValidationResult",
    "PrevalenceEstimate",
    "compare_samples",
    "count_by",
    "cross_validate_particles",
    "draw_audit",
    "estimate_prevalence",
]
