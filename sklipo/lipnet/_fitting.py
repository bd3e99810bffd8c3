"""How a LipNetClassifier trains its network and runs it."""

import copy

import numpy as np
import torch
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from ._inputs import (
    _as_images,
    _check_label_smoothing,
    _check_rows,
    _encode,
    _find_image_shape,
    _mean_and_scale,
    _own_random_state,
    _weigh,
)
from ._skorch import (
    _changeable_params,
    _make_datasets,
    _make_net,
    _tabulate,
)
from .augmentation import dihedral_views
from .batches import prediction_batch_size
from .devices import (
    CPU,
    as_own_generator,
    choose_device,
    keep_freed_memory,
    seeded_generators,
    send,
)


def _train(classifier, X, y, weights, *, is_new, n_epochs):
    """Train a new network, or the fitted one for some more epochs."""
    _check_parts(classifier)
    codes = _encode(y, classifier.classes_)
    weights_at_end = _weigh(
        classifier.class_weight, classifier.classes_, codes, weights
    )
    device = choose_device(classifier.device)
    if is_new:
        _learn_from_first(classifier, X, weights_at_end)
    net = _make_net(classifier, X.dtype.name) if is_new else classifier.net_
    datasets = _make_datasets(classifier, net, X, codes, weights, device)
    seed = classifier._random_state.randint(np.iinfo(np.int32).max)
    keep_freed_memory()
    with seeded_generators(seed, device):
        if is_new:
            with as_own_generator():
                net.initialize()
        net.set_params(**_changeable_params(classifier))
        # A fit begins its schedules anew. Calls of partial_fit go through them.
        done = len(net.history)
        net.first_epoch_ = done - (done % net.max_epochs if n_epochs == 1 else 0)
        net.to(device, **_gpu_options(classifier, device))
        net.partial_fit(datasets, epochs=n_epochs)
    net.to(CPU).module_.eval()
    classifier.net_ = net
    classifier.n_iter_ = len(net.history)
    classifier.history_ = _tabulate(net.history)
    return classifier


def _gpu_options(classifier, device):
    """Return how to compute on a GPU; a CPU heeds none of it."""
    if device.type != "cuda":
        return {}
    with torch.cuda.device(device):
        has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
    return {
        "mixed_precision": classifier.mixed_precision and has_bfloat16,
        "compile": classifier.compile,
    }


def _check_parts(classifier):
    """Check the parameters of the objects that are parameters."""
    for part in (classifier.augmentation, classifier.epoch_sampler):
        if part is not None:
            part._validate_params()


def _learn_from_first(classifier, X, weights):
    """Set what the first training set decides for all that follow."""
    _check_label_smoothing(classifier.label_smoothing, len(classifier.classes_))
    classifier.image_shape_ = _find_image_shape(X.shape[1], classifier.image_shape)
    classifier.mean_, classifier.scale_ = _mean_and_scale(X, weights)
    classifier._random_state = _own_random_state(classifier.random_state)


def _forward(classifier, X, compute):
    """Return what a function computes by the network, batch by batch, as X's dtype."""
    check_is_fitted(classifier, "net_")
    X = _check_rows(classifier, X)
    device = choose_device(classifier.device)
    network, dtype = classifier.net_.module_, classifier.net_.module__dtype
    if device.type != "cpu":
        network = copy.deepcopy(network).to(device)
    shape = classifier.image_shape_
    keep_freed_memory()
    with torch.inference_mode():
        outputs = [
            compute(network, send(_as_images(X[rows], shape).to(dtype), device))
            for rows in gen_batches(len(X), prediction_batch_size(shape, device))
        ]
        return torch.cat(outputs).cpu().numpy().astype(X.dtype, copy=False)


def _activations(network, images):
    """Return the activations of the last hidden layer."""
    return network[:-1](images)


def _probabilities(network, images):
    """Return the probabilities of the classes."""
    return network(images).softmax(dim=1)


def _mean_probabilities(network, images):
    """Return their mean over the rotations and flips of an image.

    A strip one pixel wide is a sequence of numbers, of which the reverse is another.
    """
    if 1 in images.shape[-2:]:
        return _probabilities(network, images)
    views = [_probabilities(network, view) for view in dihedral_views(images)]
    return torch.stack(views).mean(dim=0)
