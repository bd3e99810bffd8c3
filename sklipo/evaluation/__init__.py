"""Cross-validation of particle classifiers, its results, and audits of new samples."""

from .audit import draw_audit
from .counts import count_by
from .cross_validation import cross_validate_particles
from .results import CrossValidationResult

__all__ = [
    "CrossValidationResult",
    "count_by",
    "cross_validate_particles",
    "draw_audit",
]
