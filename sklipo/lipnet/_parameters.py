"""What the parameters of LipNetClassifier may be."""

import os
from numbers import Integral, Real

import torch

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from .architectures import ARCHITECTURES
from .augmentation import RandomAffine
from .class_weights import DeferredClassWeight
from .epoch_sampling import EpochSampler
from .intensity import RandomIntensity
from .losses import LOSSES, CrossEntropyLoss
from .regularization import WeightDecay

_SHARE = Interval(Real, 0, 1, closed="left")
_COUNT = Interval(Integral, 1, None, closed="left")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_SCHEDULES = StrOptions({"cosine", "one_cycle", "step"})

PARAMETER_CONSTRAINTS = {
    "architecture": [StrOptions(set(ARCHITECTURES)), tuple, list, callable],
    "image_shape": [tuple, list, StrOptions({"row"}), None],
    "n_filters": [_COUNT],
    "hidden_units": [_COUNT],
    "conv_dropout": [_SHARE],
    "dense_dropout": [_SHARE],
    "batch_norm": ["boolean"],
    "pretrained": [HasMethods("predict"), str, os.PathLike, None],
    "layer_decay": [Interval(Real, 0, 1, closed="both")],
    "optimizer": [StrOptions({"adam", "sgd"})],
    "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
    "learning_rate_schedule": [
        StrOptions({"cosine", "one_cycle", "step"}),
        callable,
        None,
    ],
    "momentum": [_SHARE],
    "weight_decay": [_NOT_NEGATIVE, WeightDecay],
    "max_epochs": [_COUNT],
    "batch_size": [_COUNT],
    "loss": [StrOptions(set(LOSSES)), CrossEntropyLoss],
    "label_smoothing": [_SHARE],
    "class_weight": [dict, StrOptions({"balanced"}), DeferredClassWeight, None],
    "epoch_sampler": [EpochSampler, None],
    "augmentation": [RandomAffine, RandomIntensity, list, tuple, None],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [_COUNT],
    "callbacks": [list, None],
    "test_time_augmentation": ["boolean"],
    "device": [str, torch.device],
    "random_state": ["random_state"],
    "warm_start": ["boolean"],
    "verbose": ["verbose"],
}
