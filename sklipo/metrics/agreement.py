"""How well prediction and truth agree on a class, in one number."""

from ._average import measure


def precision_recall_f1(y_true, y_pred, *, labels=None, average="macro"):
    r"""Return the harmonic mean of precision (PPV) and recall (TPR): the usual F1.

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
    sklearn.metrics.f1_score : The same, but 0 for a class without true samples.
    thesis_f1 : What the thesis calls F1.

    Notes
    -----
    .. math:: F_1 = \frac{2}{1 / PPV + 1 / TPR} = \frac{2 TP}{2 TP + FP + FN}

    It is 0 for a class that is never predicted.

    Examples
    --------
    >>> from sklipo.metrics import precision_recall_f1
    >>> y_true = ["empty", "full", "full", "full"]
    >>> y_pred = ["empty", "empty", "full", "full"]
    >>> precision_recall_f1(y_true, y_pred, average=None).round(3)
    array([0.667, 0.8  ])
    """
    return measure("F1", y_true, y_pred, labels, average)


def thesis_f1(y_true, y_pred, *, labels=None, average="macro"):
    r"""Return the harmonic mean of TPR and TNR, which the thesis calls F1.

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
        If the measure is undefined for a class: it has no true sample, or no other
        class has.

    See Also
    --------
    precision_recall_f1 : What everybody else calls F1.
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
    return measure("thesis_F1", y_true, y_pred, labels, average)


def class_balanced_accuracy(y_true, y_pred, *, labels=None, average="macro"):
    """Return the mean of TPR and TNR of a class.

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
        Between 0 and 1, 0.5 by chance; NaN for a class for which it is undefined.

    Warns
    -----
    UndefinedMetricWarning
        If the measure is undefined for a class: it has no true sample, or no other
        class has.

    See Also
    --------
    sklearn.metrics.balanced_accuracy_score : The mean TPR over all classes.
    thesis_f1 : The harmonic mean of the same two.

    Notes
    -----
    This is scikit-learn's balanced accuracy of the two classes "it" and "not it".

    Examples
    --------
    >>> from sklipo.metrics import class_balanced_accuracy
    >>> y_true = ["empty", "full", "full", "full"]
    >>> y_pred = ["empty", "empty", "full", "full"]
    >>> class_balanced_accuracy(y_true, y_pred, average=None).round(3)
    array([0.833, 0.833])
    """
    return measure("balanced_accuracy", y_true, y_pred, labels, average)


def phi_coefficient(y_true, y_pred, *, labels=None, average="macro"):
    r"""Return the correlation of being of a class with being given the class.

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
        Between -1 and 1, 0 by chance; NaN for a class for which it is undefined.

    Warns
    -----
    UndefinedMetricWarning
        If the measure is undefined for a class: it has no true sample, or no other
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
    return measure("phi", y_true, y_pred, labels, average)


def class_kappa(y_true, y_pred, *, labels=None, average="macro"):
    r"""Return the agreement on a class beyond chance: Cohen's kappa.

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
        At most 1, 0 by chance; NaN for a class for which it is undefined.

    Warns
    -----
    UndefinedMetricWarning
        If the measure is undefined for a class: it has no true sample, or no other
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
    return measure("kappa", y_true, y_pred, labels, average)
