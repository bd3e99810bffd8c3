"""The loss of each sample: formula 1 of the thesis before it is summed."""

import numpy as np

from ..particles._labels import encode


def sample_losses(y_true, y_proba, classes):
    """Return the loss of each sample, given its class and checked probabilities."""
    columns = encode(y_true, classes)
    if (columns < 0).any():
        unknown = np.unique(y_true[columns < 0])
        raise ValueError(
            f"y_true holds {unknown.tolist()}, not among the labels "
            f"{np.asarray(classes).tolist()}."
        )
    # As scikit-learn's log_loss: a probability of 0 must not make the mean infinite.
    smallest = np.finfo(y_proba.dtype).eps
    of_class = y_proba[np.arange(len(y_true)), columns]
    return -np.log(np.clip(of_class, smallest, 1 - smallest))


def mean_loss_by_class(y_true, losses, labels):
    """Return the mean loss of the samples of each class, NaN without any."""
    parts = (losses[y_true == label] for label in labels)
    return np.array([np.mean(part) if len(part) else np.nan for part in parts])
