"""Rates of a class: what is found, and what can be believed."""

from ._average import measure


def true_positive_rate(y_true, y_pred, *, labels=None, average="macro"):
    r"""Return the share of the particles of a class that are recognised.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True classes.
    y_pred : array-like of shape (n_samples,)
        Predicted classes.
    labels : array-like of shape (n_classes,), default=None
        Classes to measure; by default all that occur, sorted.
    average : {"macro", None}, default="macro"
        ``"macro"`` returns the mean over the classes for which the measure is defined,
        None the value of each class.

    Returns
    -------
    value : float or ndarray of shape (n_classes,)
        Between 0 and 1; NaN for a class for which it is undefined.

    Warns
    -----
    UndefinedMetricWarning
        If the measure is undefined for a class: it has no true sample.

    See Also
    --------
    sklearn.metrics.recall_score : The same, also known as recall or sensitivity.
    positive_predictive_value : The share of right ones among those so called.

    Notes
    -----
    .. math:: TPR = \frac{TP}{TP + FN}

    (thesis, section 4.6). Its mean over the classes is the balanced accuracy.

    Examples
    --------
    >>> from sklipo.metrics import true_positive_rate
    >>> y_true = ["empty", "full", "full", "full"]
    >>> y_pred = ["empty", "empty", "full", "full"]
    >>> true_positive_rate(y_true, y_pred, average=None).round(3)
    array([1.   , 0.667])
    """
    return measure("TPR", y_true, y_pred, labels, average)


def true_negative_rate(y_true, y_pred, *, labels=None, average="macro"):
    r"""Return the share of the particles of other classes that are not given the class.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True classes.
    y_pred : array-like of shape (n_samples,)
        Predicted classes.
    labels : array-like of shape (n_classes,), default=None
        Classes to measure; by default all that occur, sorted.
    average : {"macro", None}, default="macro"
        ``"macro"`` returns the mean over the classes for which the measure is defined,
        None the value of each class.

    Returns
    -------
    value : float or ndarray of shape (n_classes,)
        Between 0 and 1; NaN for a class for which it is undefined.

    Warns
    -----
    UndefinedMetricWarning
        If the measure is undefined for a class: all samples are of that class.

    See Also
    --------
    imblearn.metrics.specificity_score : The same, also known as specificity.
    true_positive_rate : The share of the class's own particles.

    Notes
    -----
    .. math:: TNR = \frac{TN}{TN + FP}

    (thesis, section 4.6).

    Examples
    --------
    >>> from sklipo.metrics import true_negative_rate
    >>> y_true = ["empty", "full", "full", "full"]
    >>> y_pred = ["empty", "empty", "full", "full"]
    >>> true_negative_rate(y_true, y_pred, average=None).round(3)
    array([0.667, 1.   ])
    """
    return measure("TNR", y_true, y_pred, labels, average)


def positive_predictive_value(y_true, y_pred, *, labels=None, average="macro"):
    r"""Return the share of right ones among the particles that are given a class.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True classes.
    y_pred : array-like of shape (n_samples,)
        Predicted classes.
    labels : array-like of shape (n_classes,), default=None
        Classes to measure; by default all that occur, sorted.
    average : {"macro", None}, default="macro"
        ``"macro"`` returns the mean over the classes for which the measure is defined,
        None the value of each class.

    Returns
    -------
    value : float or ndarray of shape (n_classes,)
        Between 0 and 1; NaN for a class for which it is undefined.

    Warns
    -----
    UndefinedMetricWarning
        If the measure is undefined for a class: it is never predicted.

    See Also
    --------
    sklearn.metrics.precision_score : The same, also known as precision.
    negative_predictive_value : The same of those not given the class.

    Notes
    -----
    .. math:: PPV = \frac{TP}{TP + FP}

    (thesis, section 4.6). It depends on how frequent the class is: of a rare class, a
    small share of false alarms among the others is enough to make it low.

    Examples
    --------
    >>> from sklipo.metrics import positive_predictive_value
    >>> y_true = ["empty", "full", "full", "full"]
    >>> y_pred = ["empty", "empty", "full", "full"]
    >>> positive_predictive_value(y_true, y_pred, average=None).round(3)
    array([0.5, 1. ])
    """
    return measure("PPV", y_true, y_pred, labels, average)


def negative_predictive_value(y_true, y_pred, *, labels=None, average="macro"):
    r"""Return the share of right ones among the particles that are not given a class.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True classes.
    y_pred : array-like of shape (n_samples,)
        Predicted classes.
    labels : array-like of shape (n_classes,), default=None
        Classes to measure; by default all that occur, sorted.
    average : {"macro", None}, default="macro"
        ``"macro"`` returns the mean over the classes for which the measure is defined,
        None the value of each class.

    Returns
    -------
    value : float or ndarray of shape (n_classes,)
        Between 0 and 1; NaN for a class for which it is undefined.

    Warns
    -----
    UndefinedMetricWarning
        If the measure is undefined for a class: nothing else is predicted.

    See Also
    --------
    positive_predictive_value : The same of those given the class.

    Notes
    -----
    .. math:: NPV = \frac{TN}{TN + FN}

    (thesis, section 4.6).

    Examples
    --------
    >>> from sklipo.metrics import negative_predictive_value
    >>> y_true = ["empty", "full", "full", "full"]
    >>> y_pred = ["empty", "empty", "full", "full"]
    >>> negative_predictive_value(y_true, y_pred, average=None).round(3)
    array([1. , 0.5])
    """
    return measure("NPV", y_true, y_pred, labels, average)
