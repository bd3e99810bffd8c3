"""How well prediction and truth agree on a class, in one number."""

from ..particles._labels import check_predictions
from ._averaging import class_metric


def thesis_f1(y_true, y_pred, *, labels=None, average="macro"):
    r"""Return the harmonic mean of TPR and TNR, which the thesis calls F1.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True classes.
    y_pred : array-like of shape (n_samples,)
        Predicted classes.
    labels : array-like of shape (n_classes,), default=None
        Classes to evaluate; by default all that occur, sorted.
    average : {"macro", None}, default="macro"
        ``"macro"`` returns the mean over the classes for which the metric is defined,
        None the value of each class.

    Returns
    -------
    value : float or ndarray of shape (n_classes,)
        Between 0 and 1; NaN for a class for which it is undefined.

    Raises
    ------
    TypeError
        If some labels are text and others numbers, or they are neither.
    ValueError
        If there are not as many predicted labels as true ones, a label is missing, or
        labels are not one a row.

    Warns
    -----
    UndefinedMetricWarning
        If the metric is undefined for a class: it has no true sample, or no other
        class has.

    See Also
    --------
    sklearn.metrics.f1_score : What everybody else calls F1.
    imblearn.metrics.geometric_mean_score : The geometric mean of the same two.

    Notes
    -----
    .. math:: F_{thesis} = \frac{2}{1 / TPR + 1 / TNR}

    (thesis, section 4.6). Unlike the usual F1 it does not depend on how frequent the
    class is, and a classifier that is right by chance alone can reach 0.5.

    Examples
    --------
    >>> from sklipo.metrics import thesis_f1
    >>> y_true = ["empty", "full", "full", "full"]
    >>> y_pred = ["empty", "empty", "full", "full"]
    >>> thesis_f1(y_true, y_pred, average=None).round(3)
    array([0.8, 0.8])
    """
    checked = check_predictions(y_true, y_pred, labels)
    return class_metric("thesis_F1", *checked, average)


def phi_coefficient(y_true, y_pred, *, labels=None, average="macro"):
    r"""Return the correlation of being of a class with being given the class.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True classes.
    y_pred : array-like of shape (n_samples,)
        Predicted classes.
    labels : array-like of shape (n_classes,), default=None
        Classes to evaluate; by default all that occur, sorted.
    average : {"macro", None}, default="macro"
        ``"macro"`` returns the mean over the classes for which the metric is defined,
        None the value of each class.

    Returns
    -------
    value : float or ndarray of shape (n_classes,)
        Between -1 and 1, 0 by chance; NaN for a class for which it is undefined.

    Raises
    ------
    TypeError
        If some labels are text and others numbers, or they are neither.
    ValueError
        If there are not as many predicted labels as true ones, a label is missing, or
        labels are not one a row.

    Warns
    -----
    UndefinedMetricWarning
        If the metric is undefined for a class: it has no true sample, or no other
        class has.

    See Also
    --------
    sklearn.metrics.matthews_corrcoef : Over all classes at once.
    class_kappa : Agreement beyond chance.

    Notes
    -----
    .. math:: \phi = \frac{TP \cdot TN - FP \cdot FN}
        {\sqrt{(TP + FP)(TP + FN)(TN + FP)(TN + FN)}}

    after Powers [1]_, also known as Matthews' correlation coefficient. It is 0 for a
    class that is never or always predicted.

    References
    ----------
    .. [1] D. M. W. Powers, "Evaluation: from precision, recall and F-factor to ROC,
       informedness, markedness & correlation", Flinders University, 2007.

    Examples
    --------
    >>> from sklipo.metrics import phi_coefficient
    >>> y_true = ["empty", "full", "full", "full"]
    >>> y_pred = ["empty", "empty", "full", "full"]
    >>> phi_coefficient(y_true, y_pred, average=None).round(3)
    array([0.577, 0.577])
    """
    checked = check_predictions(y_true, y_pred, labels)
    return class_metric("phi", *checked, average)


def class_kappa(y_true, y_pred, *, labels=None, average="macro"):
    r"""Return the agreement on a class beyond chance: Cohen's kappa.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True classes.
    y_pred : array-like of shape (n_samples,)
        Predicted classes.
    labels : array-like of shape (n_classes,), default=None
        Classes to evaluate; by default all that occur, sorted.
    average : {"macro", None}, default="macro"
        ``"macro"`` returns the mean over the classes for which the metric is defined,
        None the value of each class.

    Returns
    -------
    value : float or ndarray of shape (n_classes,)
        At most 1, 0 by chance; NaN for a class for which it is undefined.

    Raises
    ------
    TypeError
        If some labels are text and others numbers, or they are neither.
    ValueError
        If there are not as many predicted labels as true ones, a label is missing, or
        labels are not one a row.

    Warns
    -----
    UndefinedMetricWarning
        If the metric is undefined for a class: it has no true sample, or no other
        class has.

    See Also
    --------
    sklearn.metrics.cohen_kappa_score : Over all classes at once.
    phi_coefficient : Correlation instead of agreement.

    Notes
    -----
    .. math:: \kappa = \frac{p_o - p_e}{1 - p_e}

    where :math:`p_o` is the share of samples on which truth and prediction agree
    whether they are of the class, and :math:`p_e` the share on which they would agree
    if they were independent (Powers [1]_).

    References
    ----------
    .. [1] D. M. W. Powers, "Evaluation: from precision, recall and F-factor to ROC,
       informedness, markedness & correlation", Flinders University, 2007.

    Examples
    --------
    >>> from sklipo.metrics import class_kappa
    >>> y_true = ["empty", "full", "full", "full"]
    >>> y_pred = ["empty", "empty", "full", "full"]
    >>> class_kappa(y_true, y_pred, average=None).round(3)
    array([0.5, 0.5])
    """
    checked = check_predictions(y_true, y_pred, labels)
    return class_metric("kappa", *checked, average)
