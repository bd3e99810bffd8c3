"""Cross-validation of particle classifiers, shares in new samples, and reports."""

from .audit import draw_audit
from .counts import count_by
from .cross_validation import cross_validate_particles
from .learning_curve_result import LearningCurve
from .learning_curves import learning_curve
from .prevalence import estimate_prevalence
from .prevalence_estimate import PrevalenceEstimate, compare_samples
from .report import write_report
from .results import CrossValidationResult

__all__ = [
    "CrossValidationResult",
    "LearningCurve",
    "PrevalenceEstimate",
    "compare_samples",
    "count_by",
    "cross_validate_particles",
    "draw_audit",
    "estimate_prevalence",
    "learning_curve",
    "write_report",
]
