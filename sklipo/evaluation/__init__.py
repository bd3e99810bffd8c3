"""Cross-validation of particle classifiers and its results."""

from .cross_validation import cross_validate_particles
from .results import CrossValidationResult

__all__ = ["CrossValidationResult", "cross_validate_particles"]
