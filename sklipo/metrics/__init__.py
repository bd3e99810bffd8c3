"""Metrics of a classification: tables, scorers and functions (thesis, section 4.6)."""

from .agreement import class_kappa, phi_coefficient, thesis_f1
from .probabilities import class_log_loss
from .scorers import metric_scorer
from .tables import baseline_table, classification_table

__all__ = [
    "baseline_table",
    "class_kappa",
    "class_log_loss",
    "classification_table",
    "metric_scorer",
    "phi_coefficient",
    "thesis_f1",
]
