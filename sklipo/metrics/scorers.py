"""Metrics as scorers for GridSearchCV and cross_validate."""

from difflib import get_close_matches

import numpy as np

from ..particles._labels import check_classes, check_labels, check_predictions
from ..particles._probabilities import check_probabilities
from ._averaging import average_classes, class_metric
from ._confusion import (
    class_metrics,
    count_pairs,
    mean_over_classes,
    summary_metrics,
)
from ._losses import mean_loss_by_class, sample_losses

_OF_CLASS = {
    "TPR",
    "TNR",
    "PPV",
    "NPV",
    "F1",
    "thesis_F1",
    "balanced_accuracy",
    "phi",
    "kappa",
    "log_loss",
}
_OF_ALL = (_OF_CLASS - {"phi"}) | {"accuracy", "MCC"}


def metric_scorer(name, label=None):
    """Return a scorer by a metric of one class, or of all classes together.

    Parameters
    ----------
    name : str
        With a label: ``"TPR"``, ``"TNR"``, ``"PPV"``, ``"NPV"``, ``"F1"``,
        ``"thesis_F1"``, ``"balanced_accuracy"``, ``"phi"``, ``"kappa"`` or
        ``"log_loss"`` of that class, as in :func:`classification_table`. Without:
        ``"accuracy"``, ``"balanced_accuracy"``, ``"MCC"``, ``"kappa"`` or
        ``"log_loss"`` of all samples, or the mean over the classes of ``"TPR"``,
        ``"TNR"``, ``"PPV"``, ``"NPV"``, ``"F1"`` or ``"thesis_F1"``.
    label : object, default=None
        The class to evaluate.

    Returns
    -------
    scorer : callable
        Takes a fitted estimator, X and y, and returns a number, the greater the better:
        for the log loss, its negative. It can be pickled.

    Raises
    ------
    TypeError
        If the label is neither text nor a number.
    ValueError
        If there is no such metric; when it scores, if neither the model nor the
        particles have the class.

    Warns
    -----
    UndefinedMetricWarning
        When it scores particles without any of the class: the score is NaN. The mean
        over the classes leaves such a class out.

    See Also
    --------
    classification_table : All metrics of all classes.
    sklearn.metrics.make_scorer : Scorers from other functions.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklipo import make_svc_pipeline
    >>> from sklipo.datasets import make_liposomes
    >>> from sklipo.metrics import metric_scorer
    >>> particles = make_liposomes(60, weights=None, random_state=0)
    >>> search = GridSearchCV(
    ...     make_svc_pipeline(groups="thesis"),
    ...     {"classify__C": [1, 10]},
    ...     scoring=metric_scorer("TPR", label="uncertain"),
    ...     cv=3,
    ... )
    >>> search.fit(particles, particles["label"]).best_params_.keys()
    dict_keys(['classify__C'])
    """
    allowed = _OF_ALL if label is None else _OF_CLASS
    if not isinstance(name, str) or name not in allowed:
        of = "all classes" if label is None else "one class"
        raise ValueError(
            f"There is no metric {name!r}{_suggestion(name, allowed)}; of {of} there "
            f"are {sorted(allowed, key=str.lower)}."
        )
    if label is not None:
        if not np.isscalar(label):
            raise TypeError(
                f"label={label!r}; expected the name or the number of one class."
            )
        (label,) = check_labels([label], name="label").tolist()
    return _MetricScorer(name, label)


def _suggestion(name, allowed):
    """Return the metric that is probably meant, as part of a sentence."""
    known = {metric.lower(): metric for metric in allowed}
    close = get_close_matches(str(name).lower().replace(" ", "_"), known, n=1)
    return f" (do you mean {known[close[0]]!r}?)" if close else ""


class _MetricScorer:
    """A scorer that remembers its metric."""

    def __init__(self, name, label):
        self.name = name
        self.label = label

    def __call__(self, estimator, X, y):
        if self.name == "log_loss":
            return -self._log_loss(y, estimator.predict_proba(X), estimator.classes_)
        y, y_pred, classes = check_predictions(y, estimator.predict(X))
        if self.label is None:
            counts = count_pairs(y, y_pred, classes)
            means = {k: mean_over_classes(v) for k, v in class_metrics(counts).items()}
            return float({**means, **summary_metrics(counts)}[self.name])
        self._check_label(np.union1d(classes, getattr(estimator, "classes_", classes)))
        return class_metric(self.name, y, y_pred, np.array([self.label]), "macro")

    def _log_loss(self, y, y_proba, classes):
        """Return the mean loss of all samples or of those of the class."""
        y = check_labels(y)
        classes = check_classes(classes, y)
        y_proba = check_probabilities(y_proba, len(y), classes)
        losses = sample_losses(y, y_proba, classes)
        if self.label is None:
            return float(losses.mean())
        self._check_label(classes)
        label = np.array([self.label])
        mean = mean_loss_by_class(y, losses, label)
        return average_classes("log_loss", mean, label, "macro")

    def _check_label(self, classes):
        """Raise an error if neither the model nor the particles know the class."""
        if self.label not in classes.tolist():
            raise ValueError(
                f"There is no class {self.label!r}; the model and the particles have "
                f"{classes.tolist()}."
            )

    def __repr__(self):
        of = "" if self.label is None else f", label={self.label!r}"
        return f"metric_scorer({self.name!r}{of})"
