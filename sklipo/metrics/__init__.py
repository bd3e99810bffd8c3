"""Measures of a classification: functions, tables and scorers (thesis, section 4.6)."""

from .agreement import (
    class_balanced_accuracy,
    class_kappa,
    phi_coefficient,
    precision_recall_f1,
    thesis_f1,
)
from .probabilities import class_log_loss
from .rates import (
    negative_predictive_value,
    positive_predictive_value,
    true_negative_rate,
    true_positive_rate,
)
from .scorers import measure_scorer
from .tables import baseline_table, classification_table

__all__ = [
    "baseline_table",
    "class_balanced_accuracy",
    "class_kappa",
    "class_log_loss",
    "classification_table",
    "measure_scorer",
    "negative_predictive_value",
    "phi_coefficient",
    "positive_predictive_value",
    "precision_recall_f1",
    "thesis_f1",
    "true_negative_rate",
    "true_positive_rate",
]
