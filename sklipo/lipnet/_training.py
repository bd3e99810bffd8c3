"""From the parameters and data of a LipNetClassifier to a trained net.

skorch runs the epochs, keeps the history, calls callbacks, stops early and pickles the
optimizer's state. What it feeds to the network is ours: images that lie in memory as a
whole, gathered batch by batch, with weights and samples that change from epoch to
epoch.
"""

import copy
import math
from contextlib import contextmanager, nullcontext

import numpy as np
import pandas as pd
import torch
from sklearn.base import clone
from skorch.callbacks import EarlyStopping

from .._jobs import finished_before_exit
from .._random import own_random_state
from ._augmentation import list_augmentations
from ._checks import check_label_smoothing, check_parts, check_power, encode
from ._devices import (
    CPU,
    check_precision,
    choose_device,
    fits_on,
    keep_freed_memory,
    make_generators,
    repeatable,
    seeded_globally,
)
from ._pretrained import start_from_pretrained
from ._weights import class_weight_at, split_each_class, weigh
from .callbacks import StopOnDivergence
from .losses import LOSSES
from .regularization import WeightDecay

OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
_DEFAULT_LEARNING_RATES = {"adam": 1e-3, "sgd": 1e-2}

# What LipNetClassifier and LipNetTrainer call the same, and what may change from one
# training of a net to the next.
_CHANGEABLE = (
    "augmentation",
    "batch_size",
    "layer_decay",
    "learning_rate_schedule",
    "verbose",
)

# What "auto" stands for: epochs that add up to so many steps, within limits.
_N_STEPS = 1500
_EPOCHS = 10, 100


@contextmanager
def whole_training(classifier, *, is_new):
    """Put a classifier back as it was after an error, and pass interrupts on.

    An interrupted training is kept, and raised once the classifier is complete.
    """
    earlier = vars(classifier).copy()
    if not is_new:
        earlier |= {
            name: copy.deepcopy(earlier[name]) for name in ("net_", "_random_state")
        }
    try:
        with finished_before_exit():
            yield
    except BaseException:
        vars(classifier).clear()
        vars(classifier).update(earlier)
        raise
    if classifier.interrupted_:
        raise KeyboardInterrupt(
            f"Training was interrupted after {classifier.n_iter_} whole epochs. The "
            "classifier keeps the network as it is, with interrupted_=True."
        )


def train(classifier, X, y, weights, groups=None, *, is_new, n_epochs=None):
    """Train a new network or that of the classifier, by default as long as a fit."""
    check_parts(*list_augmentations(classifier.augmentation))
    check_parts(classifier.epoch_sampler, classifier.class_weight)
    check_power(classifier.epoch_sampler, groups)
    check_parts(classifier.loss, classifier.weight_decay)
    classes = classifier.classes_
    codes = encode(y, classes)
    class_weight = class_weight_at(classifier.class_weight, progress=1.0)
    final_weights = weigh(class_weight, classes, codes, weights)
    if is_new:
        check_label_smoothing(classifier.label_smoothing, len(classes))
        classifier._learn_images(X, final_weights)
        classifier._random_state = own_random_state(classifier.random_state)
    net = None if is_new else classifier.net_
    net = _train_net(classifier, net, X, codes, weights, groups, n_epochs)
    classifier.net_ = net
    classifier.n_iter_ = len(net.history)
    classifier.history_ = _tabulate(net.history)
    classifier.interrupted_ = net.interrupted_


def _train_net(classifier, net, X, codes, weights, groups, n_epochs):
    """Return a net trained for some epochs, by default as many as a fit takes."""
    device = choose_device(classifier.device)
    is_new = net is None
    dtype = getattr(torch, X.dtype.name) if is_new else net.module__dtype
    check_precision(device, dtype)
    training_set, validation_set = _make_datasets(
        classifier, X, codes, weights, groups, device, dtype
    )
    if is_new:
        net = _make_net(classifier, dtype)
    seed = int(classifier._random_state.randint(np.iinfo(np.int32).max))
    generator, device_generator = make_generators(seed, device)
    training_set.generator = generator
    keep_freed_memory()
    with _seeds(classifier, seed, device), repeatable(device):
        net.draw_from(generator, device_generator)
        if is_new:
            _initialize(net, classifier)
            if classifier.pretrained is not None:
                start_from_pretrained(net, classifier)
        net.set_params(
            **_changeable_params(classifier),
            max_epochs=_count_epochs(classifier, training_set, net),
        )
        # A fit begins its schedules anew. Calls of partial_fit go through them.
        done = len(net.history)
        net.first_epoch_ = done - (done % net.max_epochs if n_epochs else 0)
        net.to(device).draw_from(generator, device_generator)
        try:
            net.partial_fit((training_set, validation_set), epochs=n_epochs)
        finally:
            net.draw_from(None, None)  # generators can't be copied with a model
    net.to(CPU).module_.eval()
    if net.history and "dur" not in net.history[-1]:
        net.history.pop()  # an epoch that was cut short
    return net


def _initialize(net, classifier):
    """Make the network, or say that it is too large."""
    try:
        net.initialize()
    except RuntimeError as error:
        if "allocate" not in str(error):
            raise
        sizes = ("n_filters", "hidden_units", "image_shape")
        network = net.get_params_for("module")
        sizes = ", ".join(
            f"{name}={network[name]}" for name in sizes if name in network
        )
        raise MemoryError(
            f"There is not enough memory for a network of {sizes}."
        ) from error


def _tabulate(history):
    """Return losses, scores and seconds of a skorch history, one row per epoch."""
    table = pd.DataFrame(list(history), columns=None if history else ["epoch"])
    return table.loc[:, ~table.columns.str.contains("batch|_best$")]


def has_foreign_code(classifier):
    """Tell whether training runs code that may draw from torch's global generators."""
    return callable(classifier.architecture) or bool(classifier.callbacks)


def _seeds(classifier, seed, device):
    """Return the context that foreign code needs to draw reproducibly."""
    if not has_foreign_code(classifier):
        return nullcontext()
    return seeded_globally(seed, device)


def _make_net(classifier, dtype):
    """Return the skorch net that a classifier asks for, not yet initialized."""
    loss = classifier.loss
    return new_net(
        classifier,
        **classifier._net_parameters(),
        module__architecture=classifier.architecture,
        module__n_classes=len(classifier.classes_),
        module__n_filters=int(classifier.n_filters),
        module__conv_dropout=classifier.conv_dropout,
        module__batch_norm=classifier.batch_norm,
        module__mean=classifier.mean_,
        module__scale=classifier.scale_,
        module__dtype=dtype,
        loss=LOSSES[loss]() if isinstance(loss, str) else loss,
        label_smoothing=classifier.label_smoothing,
        callbacks=_make_callbacks(classifier),
        **_optimizer_params(classifier),
        **_changeable_params(classifier),
    )


def new_net(kind, **settings):
    """Return a net for a classifier, or for the class of one, not yet initialized."""
    return kind._trainer(
        module=kind._build,
        dataset=kind._dataset,
        iterator_train=kind._batches,
        iterator_valid=kind._batches,
        train_split=None,
        classes=np.arange(settings["module__n_classes"]),
        predict_nonlinearity=torch.nn.Softmax(dim=1),
        **settings,
    )


def _changeable_params(classifier):
    """Return what may change from one training of a net to the next."""
    learning_rate = classifier.learning_rate
    if learning_rate is None:
        learning_rate = _DEFAULT_LEARNING_RATES[classifier.optimizer]
    weight_decay = classifier.weight_decay
    if not isinstance(weight_decay, WeightDecay):
        weight_decay = WeightDecay(weight_decay)
    return {
        "lr": learning_rate,
        "weight_decay": weight_decay,
        **{name: getattr(classifier, name) for name in _CHANGEABLE},
    }


def _count_epochs(classifier, training_set, net):
    """Return the number of epochs of a fit."""
    if classifier.max_epochs != "auto":
        return classifier.max_epochs
    n_steps = math.ceil(training_set.n_shown / classifier.batch_size)
    n_epochs = np.clip(math.ceil(_N_STEPS / n_steps), *_EPOCHS)
    # What a network knows of the classes beforehand is lost to few labels in time.
    return math.ceil(n_epochs / 5) if net.knew_classes_ else int(n_epochs)


def _optimizer_params(classifier):
    """Return the optimizer and its settings as skorch takes them."""
    # Fused steps were seen to save a tenth of an epoch on a CPU.
    params = {"optimizer": OPTIMIZERS[classifier.optimizer], "optimizer__fused": True}
    if classifier.optimizer == "sgd":
        params["optimizer__momentum"] = classifier.momentum
        params["optimizer__nesterov"] = classifier.momentum > 0
    return params


def _make_callbacks(classifier):
    """Return copies of the user's callbacks, and those that parameters ask for."""
    callbacks = clone(classifier.callbacks or [], safe=False)
    given = [item[-1] if isinstance(item, tuple) else item for item in callbacks]
    if not all(item is None or hasattr(item, "on_train_begin") for item in given):
        raise ValueError(
            f"callbacks={classifier.callbacks!r}; expected a list of skorch callbacks, "
            "or of tuples of a name and a callback."
        )
    if not any(isinstance(callback, StopOnDivergence) for callback in given):
        callbacks.insert(0, ("divergence", StopOnDivergence()))
    if classifier.early_stopping:
        stop = EarlyStopping(patience=classifier.n_iter_no_change, load_best=True)
        callbacks.append(("early_stopping", stop))
    return callbacks


def _make_datasets(classifier, X, codes, weights, groups, device, dtype):
    """Return training set and validation set, or None, on the device if they fit."""
    images = classifier._training_images(X).to(dtype)
    if fits_on(device, images.nbytes):
        images = images.to(device)
    classes, class_weight = classifier.classes_, classifier.class_weight
    rows = rows_valid = None
    if classifier.early_stopping:
        fraction, draws = classifier.validation_fraction, classifier._random_state
        rows, rows_valid = split_each_class(codes, classes, fraction, draws, groups)
    training_set = classifier._training_set(
        images,
        codes,
        weights,
        classes,
        rows,
        groups=groups,
        epoch_sampler=classifier.epoch_sampler,
        class_weight=class_weight,
        device=device,
    )
    if rows_valid is None:
        return training_set, None
    weights = weigh(
        class_weight_at(class_weight, 1.0),
        classes,
        codes[rows_valid],
        weights[rows_valid],
    )
    return training_set, classifier._dataset(
        images,
        training_set.codes,
        torch.from_numpy(rows_valid),
        torch.from_numpy(weights).to(images.device, images.dtype),
        device,
    )
