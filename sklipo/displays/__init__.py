"""Pictures of results and of particles, in scikit-learn's Display convention."""

from .confusion import ConfusionMatricesDisplay

__all__ = ["ConfusionMatricesDisplay"]
