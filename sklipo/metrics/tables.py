"""All metrics of a classification at once, as tables."""

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier

from ..particles._labels import check_predictions
from ..particles._probabilities import check_probabilities
from ._confusion import class_metrics, count_pairs, summary_metrics
from ._losses import mean_loss_by_class, sample_losses

_BASELINES = ("most_frequent", "stratified", "uniform")


def classification_table(y_true, y_pred, y_proba=None, *, labels=None):
    r"""Return the metrics of each class as a table.

    Each class in turn is the positive one, all others together are negative.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True classes.
    y_pred : array-like of shape (n_samples,)
        Predicted classes.
    y_proba : array-like of shape (n_samples, n_classes), default=None
        Predicted probabilities, in the order of the rows.
    labels : array-like, default=None
        Classes in the order of the rows; by default all that occur, sorted.

    Returns
    -------
    table : DataFrame
        One row per class with the columns

        - ``TPR``: true positive rate (recall, sensitivity);
        - ``TNR``: true negative rate (specificity);
        - ``PPV``: positive predictive value (precision);
        - ``NPV``: negative predictive value;
        - ``F1``: harmonic mean of TPR and PPV;
        - ``thesis_F1``: harmonic mean of TPR and TNR, which the thesis calls F1;
        - ``balanced_accuracy``: mean of TPR and TNR;
        - ``phi``: the phi coefficient, or Matthews' correlation coefficient;
        - ``kappa``: Cohen's kappa;
        - ``log_loss``: mean loss of the true samples, where probabilities are given;
        - ``support``: number of true samples.

        An undefined metric is NaN, never 0: for a class without true samples, all that
        need such samples.

    Raises
    ------
    TypeError
        If some labels are text and others numbers, or they are neither.
    ValueError
        If there are not as many predicted labels as true ones, or a label is missing;
        if probabilities have not a row for each sample and a column for each class, or
        are none: outside 0..1, missing, or with another sum than 1.

    See Also
    --------
    baseline_table : Metrics of all classes together, beside those of chance.
    sklearn.metrics.classification_report : Precision, recall and F1 as text.
    cross_validate_particles : Its result has this table over folds.

    Notes
    -----
    With the counts of true and false positives and negatives,

    .. math::

        TPR = \frac{TP}{TP + FN} \quad TNR = \frac{TN}{TN + FP} \quad
        PPV = \frac{TP}{TP + FP} \quad NPV = \frac{TN}{TN + FN} \quad
        F_1 = \frac{2 TP}{2 TP + FP + FN}

    after Powers [1]_. The others are defined at
    :func:`~sklipo.metrics.thesis_f1`, :func:`~sklipo.metrics.phi_coefficient`,
    :func:`~sklipo.metrics.class_kappa` and :func:`~sklipo.metrics.class_log_loss`.

    References
    ----------
    .. [1] D. M. W. Powers, "Evaluation: from precision, recall and F-factor to ROC,
       informedness, markedness & correlation", Flinders University, 2007.

    Examples
    --------
    >>> from sklipo import classification_table
    >>> table = classification_table(
    ...     ["full", "full", "empty"], ["full", "empty", "empty"]
    ... )
    >>> table[["TPR", "TNR", "PPV", "NPV", "F1", "support"]].round(3)
           TPR  TNR  PPV  NPV     F1  support
    empty  1.0  0.5  0.5  1.0  0.667        1
    full   0.5  1.0  1.0  0.5  0.667        2
    """
    y_true, y_pred, labels = check_predictions(y_true, y_pred, labels)
    counts = count_pairs(y_true, y_pred, labels)
    rows = slice(len(labels))
    columns = {name: v[rows] for name, v in class_metrics(counts).items()}
    if y_proba is not None:
        y_proba = check_probabilities(y_proba, len(y_true), labels)
        losses = sample_losses(y_true, y_proba, labels)
        columns["log_loss"] = mean_loss_by_class(y_true, losses, labels)
    columns["support"] = counts.sum(axis=1)[rows]
    return pd.DataFrame(columns, index=pd.Index(labels))


def baseline_table(y_true, y_pred, y_proba=None, *, labels=None, random_state=None):
    """Return the metrics of all classes together, beside those of mere chance.

    An accuracy of 97 % is worth nothing where 97 % of the particles are of one class:
    the accuracy paradox (thesis, section 4.6). Compare the first row with the others,
    which look at no image.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True classes.
    y_pred : array-like of shape (n_samples,)
        Predicted classes.
    y_proba : array-like of shape (n_samples, n_classes), default=None
        Predicted probabilities, in the order of the labels.
    labels : array-like of shape (n_classes,), default=None
        Classes of the columns of ``y_proba``; by default all that occur, sorted.
    random_state : int, RandomState instance or None, default=None
        Seed of the guesses.

    Returns
    -------
    table : DataFrame
        Rows ``prediction``, ``most_frequent`` (always the most frequent class),
        ``stratified`` (each class as often as it occurs, at random) and ``uniform``
        (each equally often, at random). Columns ``accuracy``, ``balanced_accuracy``
        (mean TPR), ``F1`` and ``thesis_F1`` (means over the classes), ``MCC``
        (Matthews' correlation coefficient), ``kappa`` (Cohen's) and, where
        probabilities are given, ``log_loss``.

    Raises
    ------
    TypeError
        If some labels are text and others numbers, or they are neither.
    ValueError
        If there are not as many predicted labels as true ones, or a label is missing;
        if probabilities have not a row for each sample and a column for each class, or
        are none: outside 0..1, missing, or with another sum than 1.

    See Also
    --------
    classification_table : Metrics of each class.
    sklearn.dummy.DummyClassifier : Makes the baselines.

    Examples
    --------
    >>> from sklipo.metrics import baseline_table
    >>> y_true = ["full"] * 97 + ["empty"] * 3
    >>> y_pred = ["full"] * 90 + ["empty"] * 10
    >>> table = baseline_table(y_true, y_pred)
    >>> table.loc["prediction":"most_frequent", "accuracy":"balanced_accuracy"].round(2)
                   accuracy  balanced_accuracy
    prediction         0.93               0.96
    most_frequent      0.97               0.50
    """
    y_true, y_pred, labels = check_predictions(y_true, y_pred, labels)
    if y_proba is not None:
        y_proba = check_probabilities(y_proba, len(y_true), labels)
    if random_state is None:
        # NumPy's global generator is the caller's.
        random_state = np.random.RandomState()
    predictions = {"prediction": (y_pred, y_proba)}
    no_images = np.zeros((len(y_true), 1))
    for strategy in _BASELINES:
        chance = DummyClassifier(strategy=strategy, random_state=random_state)
        guesses = chance.fit(no_images, y_true).predict(no_images)
        shares = None
        if y_proba is not None:
            shares = np.zeros((len(y_true), len(labels)))
            columns = pd.Index(labels).get_indexer(chance.classes_)
            shares[:, columns] = chance.predict_proba(no_images)
        predictions[strategy] = guesses, shares
    return pd.DataFrame(
        {name: _summarize(y_true, *p, labels) for name, p in predictions.items()}
    ).T


def _summarize(y_true, y_pred, y_proba, labels):
    """Return the metrics of all classes together."""
    summary = summary_metrics(count_pairs(y_true, y_pred, labels))
    if y_proba is not None:
        summary["log_loss"] = sample_losses(y_true, y_proba, labels).mean()
    return summary
