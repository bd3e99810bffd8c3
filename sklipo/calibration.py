"""Calibration of probabilities where some classes are rare."""

import numpy as np
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.utils import assert_all_finite, column_or_1d

from .versions import VersionedMixin


class BalancedCalibratedClassifierCV(VersionedMixin, CalibratedClassifierCV):
    """Calibration of probabilities as if all classes were equally frequent.

    Plain calibration learns how rare a class is. The most probable class is then hardly
    ever a rare one, whatever class weights the estimator has. Here every class has the
    same total weight, both for the estimator and for its calibration.

    Parameters
    ----------
    estimator : estimator, default=None
        Classifier whose ``fit`` takes ``sample_weight``; None stands for a LinearSVC.
    method : {"sigmoid", "isotonic", "temperature"}, default="sigmoid"
        Kind of the calibration.
    cv : int, cross-validation splitter or iterable, default=None
        Folds that the calibration learns from; None means five.
    n_jobs : int, default=None
        Number of folds that are fitted at once; -1 means one for each core.
    ensemble : bool or "auto", default="auto"
        Whether each fold keeps its own classifier, see
        :class:`sklearn.calibration.CalibratedClassifierCV`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    calibrated_classifiers_ : list
        The calibrated classifiers; a single one with ``ensemble=False``.
    n_features_in_ : int
        Number of features in ``fit``, if the estimator has it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features in ``fit``, if the estimator has them.

    See Also
    --------
    make_svc_pipeline : Ends in it with ``probability=True``.
    sklearn.calibration.CalibratedClassifierCV : Calibration by the classes' shares.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.svm import SVC
    >>> from sklipo.calibration import BalancedCalibratedClassifierCV
    >>> X, y = make_classification(weights=[0.9], class_sep=0.5, random_state=0)
    >>> model = BalancedCalibratedClassifierCV(SVC(), ensemble=False).fit(X, y)
    >>> model.predict_proba(X).shape
    (100, 2)
    """

    def fit(self, X, y, sample_weight=None):
        """Fit the estimator and its calibration.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples.
        y : array-like of shape (n_samples,)
            Class of each sample.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of samples; their shares within each class are kept.

        Returns
        -------
        self : object
            The fitted classifier.
        """
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        weights = _balance(y, sample_weight)
        # With routing, the weights would need a request of the user, who gave none.
        with config_context(enable_metadata_routing=False):
            return super().fit(X, y, sample_weight=weights)


def _balance(y, sample_weight):
    """Return weights of which each class has the same sum."""
    codes = np.unique(y, return_inverse=True)[1]
    if sample_weight is None:
        sample_weight = np.ones(len(y))
    sample_weight = np.asarray(sample_weight, dtype=float)
    totals = np.bincount(codes, weights=sample_weight)
    # A class of weight 0 stays without weight.
    totals = np.where(totals == 0, np.inf, totals)
    return sample_weight * (sample_weight.sum() / (len(totals) * totals))[codes]
