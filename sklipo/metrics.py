"""Measures of a classification, per class (thesis, section 4.6)."""

import numpy as np
import pandas as pd
from sklearn.metrics import multilabel_confusion_matrix
from sklearn.utils.multiclass import unique_labels


def classification_table(y_true, y_pred, *, labels=None):
    r"""Return the measures of each class as a table.

    Each class in turn is the positive one, all others together are negative.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True classes.
    y_pred : array-like of shape (n_samples,)
        Predicted classes.
    labels : array-like, default=None
        Classes in the order of the rows; by default all that occur, sorted.

    Returns
    -------
    table : DataFrame
        One row per class with the columns ``TPR`` (true positive rate: recall,
        sensitivity), ``TNR`` (true negative rate: specificity), ``PPV`` (positive
        predictive value: precision), ``NPV`` (negative predictive value), ``F1``
        (harmonic mean of TPR and PPV) and ``support`` (number of true samples). A
        measure whose denominator is zero is NaN.

    See Also
    --------
    sklearn.metrics.classification_report : Precision, recall and F1 as text.
    cross_validate_particles : Its result has this table over folds.

    Notes
    -----
    With the counts of true and false positives and negatives,

    .. math::

        TPR = \frac{TP}{TP + FN} \quad TNR = \frac{TN}{TN + FP} \quad
        PPV = \frac{TP}{TP + FP} \quad NPV = \frac{TN}{TN + FN} \quad
        F_1 = \frac{2 TP}{2 TP + FP + FN}

    after Powers [1]_. The thesis prints the harmonic mean of TPR and TNR under the name
    :math:`F_1`; here it means what it means everywhere else.

    References
    ----------
    .. [1] D. M. W. Powers, "Evaluation: from precision, recall and F-factor to ROC,
       informedness, markedness & correlation", Flinders University, 2007.

    Examples
    --------
    >>> from sklipo import classification_table
    >>> classification_table(["full", "full", "empty"], ["full", "empty", "empty"])
           TPR  TNR  PPV  NPV        F1  support
    empty  1.0  0.5  0.5  1.0  0.666667        1
    full   0.5  1.0  1.0  0.5  0.666667        2
    """
    labels = unique_labels(y_true, y_pred) if labels is None else np.asarray(labels)
    counts = multilabel_confusion_matrix(y_true, y_pred, labels=labels).astype(float)
    tn, fp, fn, tp = counts.reshape(-1, 4).T
    with np.errstate(invalid="ignore"):
        measures = {
            "TPR": tp / (tp + fn),
            "TNR": tn / (tn + fp),
            "PPV": tp / (tp + fp),
            "NPV": tn / (tn + fn),
            "F1": 2 * tp / (2 * tp + fp + fn),
        }
    return pd.DataFrame(
        {**measures, "support": (tp + fn).astype(int)}, index=pd.Index(labels)
    )
