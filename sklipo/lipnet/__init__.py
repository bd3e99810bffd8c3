"""The networks, and the parts that a LipNetClassifier is put together from."""

from .architectures import Dropout, Standardize, build_lipnet, set_generator
from .augmentation import RandomAffine, dihedral_views
from .callbacks import DropoutDecay, StopOnDivergence, StopTraining
from .class_weights import DeferredClassWeight
from .classifier import LipNetClassifier
from .epoch_sampling import EpochOverSampler, EpochSampler, EpochUnderSampler
from .intensity import RandomIntensity
from .losses import CrossEntropyLoss, FocalLoss, LogitAdjustedLoss
from .regularization import WeightDecay, dead_filters, learning_rate_factor
from .trainer import LipNetTrainer

__all__ = [
    "CrossEntropyLoss",
    "DeferredClassWeight",
    "Dropout",
    "DropoutDecay",
    "EpochOverSampler",
    "EpochSampler",
    "EpochUnderSampler",
    "FocalLoss",
    "LipNetClassifier",
    "LipNetTrainer",
    "LogitAdjustedLoss",
    "RandomAffine",
    "RandomIntensity",
    "Standardize",
    "StopOnDivergence",
    "StopTraining",
    "WeightDecay",
    "build_lipnet",
    "dead_filters",
    "dihedral_views",
    "learning_rate_factor",
    "set_generator",
]
