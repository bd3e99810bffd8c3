"""From the parameters and data of LipNetClassifier to those of skorch, and back."""

import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from skorch.callbacks import EarlyStopping

from ._inputs import _as_images, _split_each_class, _weigh
from ._optimizers import SGD, Adam
from .architectures import build_lipnet
from .batches import Batches, ImageDataset, TrainingSet, prediction_batch_size
from .devices import fits_on
from .losses import LOSSES
from .training import LipNetTrainer

_DEFAULT_LEARNING_RATES = {"adam": 1e-3, "sgd": 1e-2}

# What LipNetClassifier and LipNetTrainer call the same.
_CHANGEABLE = (
    "augmentation",
    "batch_size",
    "dropout_decay",
    "input_noise",
    "learning_rate_schedule",
    "max_epochs",
    "verbose",
    "weight_decay",
    "weight_decay_layers",
    "weight_decay_norm",
)


def _make_net(classifier, dtype_name):
    """Return the skorch net that a classifier asks for, not yet initialised."""
    n_classes = len(classifier.classes_)
    return LipNetTrainer(
        build_lipnet,
        module__architecture=classifier.architecture,
        module__image_shape=classifier.image_shape_,
        module__n_classes=n_classes,
        module__n_filters=classifier.n_filters,
        module__hidden_units=classifier.hidden_units,
        module__conv_dropout=classifier.conv_dropout,
        module__dense_dropout=classifier.dense_dropout,
        module__batch_norm=classifier.batch_norm,
        module__mean=classifier.mean_,
        module__scale=classifier.scale_,
        module__dtype=getattr(torch, dtype_name),
        **_loss_params(classifier),
        dataset=ImageDataset,
        iterator_train=Batches,
        iterator_train__shuffle=True,
        iterator_valid=Batches,
        iterator_valid__batch_size=prediction_batch_size(classifier.image_shape_),
        train_split=None,
        classes=np.arange(n_classes),
        predict_nonlinearity=torch.nn.Softmax(dim=1),
        callbacks=_make_callbacks(classifier),
        **_optimizer_params(classifier),
        **_changeable_params(classifier),
    )


def _changeable_params(classifier):
    """Return what may change from one training of a net to the next."""
    learning_rate = classifier.learning_rate
    if learning_rate is None:
        learning_rate = _DEFAULT_LEARNING_RATES[classifier.optimizer]
    return {
        "lr": learning_rate,
        **{name: getattr(classifier, name) for name in _CHANGEABLE},
    }


def _loss_params(classifier):
    """Return the loss and its settings."""
    params = {
        "criterion": LOSSES[classifier.loss],
        "criterion__label_smoothing": classifier.label_smoothing,
    }
    if classifier.loss == "focal":
        params["criterion__gamma"] = classifier.focal_gamma
    return params


def _optimizer_params(classifier):
    """Return the optimizer and its settings.

    Fused steps were seen to save a tenth of an epoch on a CPU.
    """
    if classifier.optimizer == "adam":
        return {"optimizer": Adam, "optimizer__fused": True}
    return {
        "optimizer": SGD,
        "optimizer__momentum": classifier.momentum,
        "optimizer__nesterov": classifier.momentum > 0,
        "optimizer__fused": True,
    }


def _make_callbacks(classifier):
    """Return copies of the user's callbacks, and the one for early stopping."""
    callbacks = clone(classifier.callbacks or [], safe=False)
    if classifier.early_stopping:
        stop = EarlyStopping(patience=classifier.n_iter_no_change, load_best=True)
        callbacks.append(("early_stopping", stop))
    return callbacks


def _make_datasets(classifier, net, X, codes, weights, device):
    """Return training set and validation set, or None, on the device if they fit."""
    images = _as_images(X, classifier.image_shape_).to(net.module__dtype)
    if fits_on(device, images.nbytes):
        images = images.to(device)
    classes, class_weight = classifier.classes_, classifier.class_weight
    rows = rows_valid = None
    if classifier.early_stopping:
        rows, rows_valid = _split_each_class(
            codes, classes, classifier.validation_fraction, classifier._random_state
        )
    training_set = TrainingSet(
        images,
        codes,
        weights,
        classes,
        rows,
        epoch_sampler=classifier.epoch_sampler,
        class_weight=class_weight,
        reweight_from=classifier.reweight_from,
        device=device,
    )
    if rows_valid is None:
        return training_set, None
    weights = _weigh(class_weight, classes, codes[rows_valid], weights[rows_valid])
    return training_set, ImageDataset(
        images,
        training_set.codes,
        torch.from_numpy(rows_valid),
        torch.from_numpy(weights).to(images),
        device,
    )


def _tabulate(history):
    """Return losses, scores and seconds of a skorch history, one row per epoch."""
    table = pd.DataFrame(list(history))
    return table.loc[:, ~table.columns.str.contains("batch|_best$")]
