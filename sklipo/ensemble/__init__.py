"""Several classifiers as one: members see a particle in differing views and vote."""

from .classifier import EnsembleClassifier

__all__ = ["EnsembleClassifier"]
