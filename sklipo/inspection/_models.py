"""From a fitted estimator and X to a network and the images that it sees.

All that inspection takes from the inside of ``lipnet`` passes through this module.
"""

import copy

import torch
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from .._steps import last_step, split_last_step, transform_by
from ..displays._networks import not_a_network
from ..lipnet._checks import check_rows
from ..lipnet._images import as_images
from ..lipnet._prediction import (
    mean_probabilities,
    prediction_batch_size,
    probabilities,
)
from ..lipnet.classifier import LipNetClassifier
from ..own_size import OwnSizeLipNetClassifier


def split_estimator(estimator, X):
    """Return the classifier that an estimator ends in, and X as its rows of pixels."""
    classifier = find_classifier(estimator)
    steps, _ = split_last_step(estimator)
    return classifier, transform_by(steps, X)


def find_classifier(estimator):
    """Return the fitted LipNetClassifier that an estimator is or ends in."""
    classifier = last_step(estimator)
    if isinstance(classifier, OwnSizeLipNetClassifier):
        raise TypeError(
            "The estimator is an OwnSizeLipNetClassifier or ends in one, which sees "
            "each image at its own size. Expected a LipNetClassifier behind a Resize, "
            "whose images are of one size."
        )
    if not isinstance(classifier, LipNetClassifier):
        raise not_a_network(estimator)
    check_is_fitted(classifier, "net_")
    return classifier


def open_network(classifier, X):
    """Return a copy of a classifier's network, and X as images of its type."""
    rows = check_rows(classifier, X)
    images = as_images(rows, classifier.image_shape_)
    network = copy_network(classifier)
    return network, images.to(next(network.parameters()).dtype)


def copy_network(classifier):
    """Return a copy of a classifier's network that is ready to predict."""
    # A copy: hooks are attached to it, and the user's network must stay as it is.
    network = copy.deepcopy(classifier.net_.module_).cpu().eval()
    return network.requires_grad_(False)


def probability_function(classifier, network):
    """Return the function from images to probabilities that predict_proba applies."""
    averaged = classifier.test_time_augmentation
    compute = mean_probabilities if averaged else probabilities

    def compute_all(images):
        return torch.cat([compute(network, batch) for batch in in_batches(images)])

    return compute_all


def images_of(classifier, X):
    """Return rows of pixels as an array of shape (n_samples, height, width)."""
    return check_rows(classifier, X).reshape(-1, *classifier.image_shape_)


def batch_size_of(images):
    """Return how many images the network should get at once."""
    # Larger batches leave the cache of a CPU and take up to twice as long.
    return prediction_batch_size(images.shape[2:])


def batch_slices(images):
    """Return slices that cut images into batches."""
    return gen_batches(len(images), batch_size_of(images))


def in_batches(images):
    """Yield images in batches."""
    for rows in batch_slices(images):
        yield images[rows]
