"""The loss of predicted probabilities, for each class."""

import numpy as np

from ..particles._labels import check_classes, check_labels
from ..particles._probabilities import check_probabilities
from ._averaging import average_classes
from ._losses import mean_loss_by_class, sample_losses


def class_log_loss(y_true, y_proba, *, labels=None, average="macro"):
    r"""Return the mean loss of the true samples of each class.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True classes.
    y_proba : array-like of shape (n_samples, n_classes)
        Predicted probabilities, in the order of the labels.
    labels : array-like of shape (n_classes,), default=None
        Classes of the columns; by default all that occur in ``y_true``, sorted.
    average : {"macro", None}, default="macro"
        ``"macro"`` returns the mean over the classes with true samples, None the value
        of each class.

    Returns
    -------
    value : float or ndarray of shape (n_classes,)
        From 0, the smaller the better; NaN for a class without true samples.

    Raises
    ------
    TypeError
        If some labels are text and others numbers, or they are neither.
    ValueError
        If there is not one column of probabilities for each class and one row for each
        sample, a probability is outside 0..1 or missing, the probabilities of a row do
        not sum up to 1 but for two digits' rounding, or a true class is not among the
        labels.

    Warns
    -----
    UndefinedMetricWarning
        If a class has no true sample.

    See Also
    --------
    sklearn.metrics.log_loss : The mean over all samples, whatever their class.

    Notes
    -----
    .. math:: loss_j = -\frac{1}{N_j} \sum_{i: y_i = j} \log p_{i, j}

    is formula 1 of the thesis, section 4.7, taken over the :math:`N_j` samples of class
    :math:`j`. A probability of 0 counts as the machine precision of its dtype.

    Examples
    --------
    >>> from sklipo.metrics import class_log_loss
    >>> y_proba = [[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]]
    >>> class_log_loss(["empty", "full", "full"], y_proba, average=None).round(4)
    array([0.1054, 0.3993])
    """
    y_true = check_labels(y_true, name="y_true")
    if labels is None:
        labels = np.unique(y_true)
    labels = check_classes(labels, y_true, name="labels")
    y_proba = check_probabilities(y_proba, len(y_true), labels)
    losses = sample_losses(y_true, y_proba, labels)
    values = mean_loss_by_class(y_true, losses, labels)
    return average_classes("log_loss", values, labels, average)
