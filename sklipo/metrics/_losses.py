"""The loss of each sample: formula 1 of the thesis before it is summed."""

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.multiclass import unique_labels


def sample_losses(y_true, y_proba, labels=None):
    """Return the classes of the columns, and the loss of each sample."""
    y_true = np.asarray(y_true)
    y_proba = check_array(y_proba, dtype=[np.float64, np.float32])
    labels = unique_labels(y_true) if labels is None else np.asarray(labels)
    if y_proba.shape != (len(y_true), len(labels)):
        raise ValueError(
            f"y_proba has shape {y_proba.shape}; expected {len(y_true)} samples and a "
            f"column for each of the {len(labels)} classes {labels.tolist()}."
        )
    is_class = y_true[:, None] == labels
    unknown = np.unique(y_true[~is_class.any(axis=1)])
    if len(unknown):
        raise ValueError(
            f"y_true holds {unknown.tolist()}, not among the labels {labels.tolist()}."
        )
    # As scikit-learn's log_loss: a probability of 0 must not make the mean infinite.
    smallest = np.finfo(y_proba.dtype).eps
    return labels, -np.log(np.clip(y_proba[is_class], smallest, 1 - smallest))


def mean_loss_by_class(y_true, losses, labels):
    """Return the mean loss of the samples of each class, NaN without any."""
    y_true = np.asarray(y_true)
    parts = (losses[y_true == label] for label in labels)
    return np.array([np.mean(part) if len(part) else np.nan for part in parts])
