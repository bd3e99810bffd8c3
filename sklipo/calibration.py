"""Calibration of probabilities where some classes are rare."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.utils import assert_all_finite, column_or_1d

# Private parts of scikit-learn: _check_sample_weight and _num_samples.
from sklearn.utils.validation import _check_sample_weight, _num_samples

from .particles._probabilities import check_probabilities
from .versions import VersionedMixin

# Shares that were written with two digits are off by so much, each.
_ROUNDED = 0.005


class BalancedCalibratedClassifierCV(VersionedMixin, CalibratedClassifierCV):
    """Calibration of probabilities as if all classes were equally frequent.

    Plain calibration learns how rare a class is. The most probable class is then hardly
    ever a rare one, whatever class weights the estimator has. Here every class has the
    same total weight, both for the estimator and for its calibration. The probabilities
    are those of a sample of equally frequent classes; :func:`shift_prior` turns them
    into those of another sample.

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
    shift_prior : Turns the probabilities into those of a sample with other shares.
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
            Weights of samples, not negative; their shares within each class are kept.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If a label is missing, or if weights are not one for each sample, negative
            or not finite.
        """
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        weights = _balance(y, sample_weight)
        # With routing, the weights would need a request of the user, who gave none.
        with config_context(enable_metadata_routing=False):
            return super().fit(X, y, sample_weight=weights)


def shift_prior(y_proba, shares, *, prior=None):
    r"""Turn probabilities into those of a sample whose classes have other shares.

    Where training makes all classes equally frequent, a rare class is found more often,
    and its probability is too high for a sample in which it is rare.

    Parameters
    ----------
    y_proba : array-like or DataFrame of shape (n_samples, n_classes)
        Probabilities from ``predict_proba``; columns of a DataFrame are the classes.
    shares : array-like of shape (n_classes,), dict or Series
        Share of each class in the sample, in the order of the columns, or by class
        if ``y_proba`` is a DataFrame.
    prior : array-like of shape (n_classes,), dict or Series, default=None
        Shares that the classifier was trained for. None stands for equal ones: those of
        :func:`~sklipo.make_svc_pipeline`, :func:`~sklipo.make_lipnet_pipeline` and
        :class:`BalancedCalibratedClassifierCV`.

    Returns
    -------
    shifted : ndarray or DataFrame of shape (n_samples, n_classes)
        Probabilities of the sample, a DataFrame if ``y_proba`` is one. Rows of NaN
        stay NaN, and a row becomes NaN that leaves only classes of share 0.

    Raises
    ------
    TypeError
        If ``shares`` or ``prior`` are by class and ``y_proba`` has no classes.
    ValueError
        If shares are missing, negative, or do not add up to 1, if there are others than
        those of the columns, if probabilities are outside 0..1 or do not add up to 1,
        or if a class has a probability whose prior is 0.

    See Also
    --------
    sklipo.make_svc_pipeline : Has such probabilities with ``probability=True``.
    BalancedCalibratedClassifierCV : Calibrates as if classes were equally frequent.
    sklipo.displays.ReliabilityDisplay : Compares probabilities with what came true.

    Notes
    -----
    With the probabilities :math:`p_k` of a particle, the shares :math:`s_k` and the
    prior :math:`\pi_k`, the result is (equation 2.4 of [1]_)

    .. math:: \frac{p_k s_k / \pi_k}{\sum_j p_j s_j / \pi_j}

    It holds if particles of a class look the same in the sample as in training.

    References
    ----------
    .. [1] M. Saerens, P. Latinne and C. Decaestecker, "Adjusting the Outputs of a
           Classifier to New a Priori Probabilities: A Simple Procedure", Neural
           Computation 14, 21-41, 2002.

    Examples
    --------
    >>> from sklipo.calibration import shift_prior
    >>> shift_prior([[0.5, 0.5], [0.05, 0.95]], [0.9, 0.1]).round(2)
    array([[0.9 , 0.1 ],
           [0.32, 0.68]])
    """
    classes = y_proba.columns if isinstance(y_proba, pd.DataFrame) else None
    shares = _check_shares(shares, classes, name="shares")
    n_classes = len(shares) if classes is None else len(classes)
    names = range(n_classes) if classes is None else classes
    probabilities = check_probabilities(
        y_proba, _num_samples(y_proba), names, allow_nan=True
    )
    if prior is None:
        prior = np.full(n_classes, 1 / n_classes)
    prior = _check_shares(prior, classes, n_classes, name="prior")
    _check_possible(probabilities, prior, names)
    shifted = probabilities * np.divide(
        shares, prior, out=np.zeros(n_classes), where=prior > 0
    )
    sums = shifted.sum(axis=1, keepdims=True)
    shifted = np.divide(
        shifted, sums, out=np.full(shifted.shape, np.nan), where=sums > 0
    )
    if classes is None:
        return shifted
    return pd.DataFrame(shifted, y_proba.index, classes)


def _check_shares(shares, classes, n_classes=None, *, name):
    """Return shares as an array in the order of the columns of the probabilities."""
    if isinstance(shares, Mapping | pd.Series):
        shares = _order_shares(pd.Series(shares), classes, name)
    try:
        shares = np.asarray(shares, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} cannot be read as one number for each class: {error}."
        ) from error
    n_classes = n_classes or (shares.size if classes is None else len(classes))
    if shares.shape != (n_classes,) or not n_classes:
        raise ValueError(
            f"{name} has shape {shares.shape}; expected {(n_classes,)}: one number for "
            "each column of y_proba."
        )
    # A comparison with NaN is false, so NaN is refused, too.
    if not (shares >= 0).all() or abs(shares.sum() - 1) > _ROUNDED * n_classes:
        raise ValueError(
            f"{name} is {shares.tolist()}, with a sum of {shares.sum():g}; expected "
            "shares from 0 to 1 that add up to 1."
        )
    return shares


def _order_shares(shares, classes, name):
    """Return shares by class in the order of the classes."""
    if classes is None:
        raise TypeError(
            f"{name} is by class, but y_proba, which is no DataFrame, does not say "
            f"which column is which class. Pass {name} as an array in the order of the "
            "columns, or pd.DataFrame(y_proba, columns=model.classes_)."
        )
    asked, given = classes.tolist(), shares.index.tolist()
    if sorted(map(repr, given)) != sorted(map(repr, set(asked))):
        raise ValueError(
            f"{name} is of the classes {given}; expected each column of y_proba once: "
            f"{asked}."
        )
    return shares.reindex(classes)


def _check_possible(probabilities, prior, names):
    """Refuse probabilities of classes that there were none of in training."""
    impossible = (prior == 0) & (probabilities > 0)
    if impossible.any():
        row, column = np.argwhere(impossible)[0]
        raise ValueError(
            f"The prior of class {list(names)[column]!r} is 0, but its probability in "
            f"row {row} is {probabilities[row, column]:g}: a classifier gives no "
            "probability to a class that it was not trained for."
        )


def _balance(y, sample_weight):
    """Return weights of which each class has the same sum."""
    codes = np.unique(y, return_inverse=True)[1]
    sample_weight = _check_sample_weight(
        sample_weight, y, dtype=np.float64, ensure_non_negative=True
    )
    totals = np.bincount(codes, weights=sample_weight)
    # A class of weight 0 stays without weight.
    totals = np.where(totals == 0, np.inf, totals)
    return sample_weight * (sample_weight.sum() / (len(totals) * totals))[codes]
