"""Weights of the classes that begin to count in the course of a training."""

from numbers import Real

# Private parts of scikit-learn: _param_validation.
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions


class DeferredClassWeight(BaseEstimator):
    """Class weights that count only in the last part of a training.

    Give it to :class:`LipNetClassifier` as ``class_weight``. The network first learns
    its features from the samples as they are, then the balance of the classes.

    Parameters
    ----------
    class_weight : dict or "balanced", default="balanced"
        Weights of the classes by label; ``"balanced"`` makes them inversely
        proportional to the classes' (weighted) frequencies in what an epoch shows.
    start : float, default=0.8
        Part of ``max_epochs`` after which the weights count; 0.8 keeps them to the
        last fifth.

    See Also
    --------
    LipNetClassifier : Takes this object as its parameter ``class_weight``.
    EpochOverSampler : Balances what each epoch shows instead.

    Notes
    -----
    Deferred re-weighting of Cao et al. [1]_.

    References
    ----------
    .. [1] K. Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware
       Margin Loss", NeurIPS 2019.

    Examples
    --------
    >>> from sklipo import LipNetClassifier
    >>> from sklipo.lipnet import DeferredClassWeight
    >>> model = LipNetClassifier(class_weight=DeferredClassWeight(start=0.5))
    >>> model.get_params()["class_weight__start"]
    0.5
    """

    _parameter_constraints = {
        "class_weight": [dict, StrOptions({"balanced"})],
        "start": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(self, class_weight="balanced", *, start=0.8):
        self.class_weight = class_weight
        self.start = start
