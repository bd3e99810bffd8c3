"""From a fitted model and X to a network and the images that it sees."""

import copy

from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils import gen_batches

from .._steps import transform_by
from ..lipnet._checks import check_rows
from ..lipnet._images import as_images
from ..lipnet._prediction import prediction_batch_size
from ..lipnet.classifier import LipNetClassifier


def split_model(model, X):
    """Return the classifier of a model, and X as its rows of pixels."""
    classifier = find_classifier(model)
    if model is not classifier:
        X = transform_by(model.steps[:-1], X)
    return classifier, X


def find_classifier(model):
    """Return the fitted LipNetClassifier that a model is or ends in."""
    classifier = model.steps[-1][1] if isinstance(model, Pipeline) else model
    if not isinstance(classifier, LipNetClassifier):
        kind = type(classifier).__name__
        kind = kind if classifier is model else f"pipeline that ends in {kind}"
        raise TypeError(
            f"The model is a {kind}; expected a fitted LipNetClassifier, or a pipeline "
            "that ends in one. Of a fitted GridSearchCV, pass its best_estimator_."
        )
    if not hasattr(classifier, "net_"):
        raise NotFittedError(
            "This LipNetClassifier is not fitted yet, so that there is no network to "
            "look into. Call fit(X, y) of the model first."
        )
    return classifier


def open_network(classifier, X):
    """Return a copy of a classifier's network, and X as images of its type.

    Whatever is hooked to the copy, the network of the user stays as it is.
    """
    rows = check_rows(classifier, X)
    images = as_images(rows, classifier.image_shape_)
    return copy_network(classifier), images.to(classifier.net_.module__dtype)


def copy_network(classifier):
    """Return a copy of a classifier's network that is there to predict."""
    network = copy.deepcopy(classifier.net_.module_).cpu().eval()
    return network.requires_grad_(False)


def pixels_of(classifier, X):
    """Return rows of pixels as an array of shape (n_samples, height, width)."""
    return check_rows(classifier, X).reshape(-1, *classifier.image_shape_)


def in_batches(images):
    """Yield images in batches that suit the cache of a CPU."""
    for rows in gen_batches(len(images), prediction_batch_size(images.shape[2:])):
        yield images[rows]
