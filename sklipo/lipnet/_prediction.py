"""What the network of a LipNetClassifier computes of rows of pixels."""

import copy
import math

import torch
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from ._devices import check_precision, choose_device, send
from ._images import as_images
from ._networks import is_lipnet, last_dense
from .augmentation import dihedral_views


def forward(classifier, X, compute):
    """Return what a function computes by the network, batch by batch, as X's dtype."""
    check_is_fitted(classifier, "net_")
    X = classifier._validate_images(X, reset=False)
    device = choose_device(classifier.device)
    network, dtype = classifier.net_.module_, classifier.net_.module__dtype
    if device.type != "cpu":
        check_precision(device, dtype)
        network = copy.deepcopy(network).to(device)  # the fitted one rests on the CPU
    outputs = None
    with torch.inference_mode():
        for rows, images in classifier._prediction_batches(X, device):
            output = compute(network, send(images.to(dtype), device))
            if outputs is None:
                outputs = output.new_empty(len(X), *output.shape[1:])
            outputs[rows] = output
        outputs = outputs.cpu()
        _check_finite(outputs)
        return outputs.numpy().astype(X.dtype, copy=False)


def prediction_batches(X, image_shape, device):
    """Yield rows of X as images, batch by batch."""
    for rows in gen_batches(len(X), prediction_batch_size(image_shape, device)):
        yield rows, as_images(X[rows], image_shape)


def _check_finite(outputs):
    """Refuse what is not finite, from which argmax would take the first class."""
    is_bad = ~outputs.isfinite().flatten(1).all(dim=1)
    if is_bad.any():
        raise ValueError(
            f"What the network returns is not finite for {int(is_bad.sum())} of "
            f"{len(outputs)} images, first for row {int(is_bad.int().argmax())}. "
            "Either pixels lie very far from those of the training set, see mean_ and "
            "scale_, or weights of the network are not finite: train it anew."
        )


def prediction_batch_size(image_shape, device=None):
    """Return how many images a network should predict at once."""
    return max(1, pixels_at_once(device) // math.prod(image_shape))


def pixels_at_once(device=None):
    """Return how many pixels a network should see at once to predict."""
    # 2**14 pixels make feature maps of 2 MB. Larger ones were seen to take a third
    # longer on a CPU: the C library gives their memory back to the system each time,
    # which then has to clear it again.
    return 2**14 if device is None or device.type == "cpu" else 2**20


def activations(network, images):
    """Return the activations of the last hidden layer."""
    if is_lipnet(network):
        return network[:-1](images)
    network = copy.deepcopy(network)  # other threads may predict by the same network
    inputs = []
    last_dense(network).register_forward_pre_hook(
        lambda _, args: inputs.append(args[0])
    )
    network(images)
    return inputs[-1].flatten(1)


def probabilities(network, images):
    """Return the probabilities of the classes."""
    return network(images).softmax(dim=1)


def mean_probabilities(network, images):
    """Return their mean over the rotations and flips of an image."""
    # A strip one pixel wide is a sequence of numbers: its reverse is another one.
    if 1 in images.shape[-2:]:
        return probabilities(network, images)
    views = [probabilities(network, view) for view in dihedral_views(images)]
    return torch.stack(views).mean(dim=0)
