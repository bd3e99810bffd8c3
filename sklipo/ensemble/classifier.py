"""EnsembleClassifier: classifiers that see particles in differing views vote."""

from dataclasses import replace

import numpy as np
from sklearn import config_context

# Private parts of scikit-learn: _fit_context, and what VotingClassifier is based on.
from sklearn.base import ClassifierMixin, MetaEstimatorMixin, _fit_context
from sklearn.utils import Bunch, get_tags

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import _BaseComposition

# Private parts of scikit-learn: _check_sample_weight and _num_samples.
from sklearn.utils.validation import (
    _check_sample_weight,
    _num_samples,
    check_is_fitted,
)

from .._jobs import N_JOBS
from ..evaluation._checks import (
    check_labels_and_groups,
    check_targets,
    make_folds,
)
from ..particles._labels import check_labels
from ..particles._warnings import warn_caller
from ..tags import extend_tags
from ..versions import VersionedMixin
from ._members import check_members, fit_members, predict_out_of_fold, weight_params
from ._preparation import Preparation, predict_together
from ._vote import balance, find_temperature, find_weights, mix, temper


class EnsembleClassifier(
    VersionedMixin, MetaEstimatorMixin, ClassifierMixin, _BaseComposition
):
    r"""Let several classifiers vote, each of which sees particles in its own way.

    The probabilities of all members are averaged. Members that err on different
    particles, such as an SVM of measures and a network of pixels, are together mostly
    better than the best of them, and near it where you can't know which that is.
    :func:`make_ensemble_pipeline` makes one whose members are well chosen.

    Parameters
    ----------
    estimators : list of tuple of (str, estimator)
        Names and members: classifiers that have ``predict_proba``, mostly pipelines.
        Their probabilities should all be those of a sample of equally frequent classes,
        or all those of the training set. A search reaches parameters of a member by its
        name, such as ``svc__features__groups``, and exchanges it by ``svc``.
    weights : array-like of shape (n_members,) or "out_of_fold", default=None
        Weight of each member in the mean, not negative; None means equal ones.
        ``"out_of_fold"`` takes the weights with which the out-of-fold probabilities
        of the training set have the least log loss, every class counting as much.
        Equal weights are hard to beat with less than some dozen micrographs a class.
    calibrate : bool, default=True
        Make the probabilities harder or softer, by one temperature that is learned from
        out-of-fold probabilities. It never changes which class is the most probable.
    cv : int, cross-validation splitter or iterable, default=3
        Folds of the training set for ``"out_of_fold"`` and ``calibrate``, see
        :func:`cross_validate_particles`. Members are fitted once for each, and once on
        all; without these two, just once.
    n_jobs : int, default=None
        Number of members or folds that are fitted at once, and of jobs that measure
        particles; None means 1, -1 one for each core.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    estimators_ : list of estimator
        The members, fitted on all samples; each can be used by itself.
    named_estimators_ : Bunch
        The same by name.
    weights_ : ndarray of shape (n_members,)
        Weights of the members, with a sum of 1.
    temperature_ : float
        What logarithms of mean probabilities are divided by; 1 if not calibrated.
    cv_results_ : dict of CrossValidationResult
        Out-of-fold predictions of each member by name; empty if none were needed.
    cv_result_ : CrossValidationResult or None
        Out-of-fold predictions of the ensemble. Weights and temperature have seen their
        labels.
    n_features_in_ : int
        Number of features in ``fit``, if the first member has it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features in ``fit``, if the first member has them.

    See Also
    --------
    make_ensemble_pipeline : Members by measures and by pixels, by contrast and raw.
    sklearn.ensemble.VotingClassifier : Knows neither particles nor micrographs.
    SelectiveClassifier : Leaves out what such a model can't decide.

    Notes
    -----
    With the probabilities :math:`p_{mk}` of member :math:`m` for class :math:`k` and
    the weights :math:`w_m`, the ensemble's are, at temperature :math:`T` [1]_,

    .. math:: \frac{\bar p_k^{1/T}}{\sum_j \bar p_j^{1/T}}, \quad
        \bar p_k = \sum_m w_m p_{mk}

    Both are learned as if all classes were equally frequent. Weights are those of
    stacking by a convex combination [2]_. With ``groups``, the folds that they are
    learned from leave whole micrographs out. A class that is on one micrograph alone
    then has no part in it: nothing else tells how sure one may be of it elsewhere.

    The first steps of pipelines, up to where they learn from labels, run once for all
    folds. :class:`ParticleFeatures` that begin a pipeline measure together, which takes
    hardly longer than the most demanding of them.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern
       neural networks", ICML 2017.
    .. [2] L. Breiman, "Stacked regressions", Machine Learning 24, 49-64, 1996.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklipo import EnsembleClassifier
    >>> X, y = make_classification(200, random_state=0)
    >>> members = [("linear", LogisticRegression()), ("bayes", GaussianNB())]
    >>> model = EnsembleClassifier(members, weights="out_of_fold").fit(X, y)
    >>> model.weights_.round(1), model.predict_proba(X).shape
    (array([0.3, 0.7]), (200, 2))
    """

    # Groups mean one thing, so they need no request, as those of splitters do not.
    __metadata_request__fit = {"groups": True}
    _parameter_constraints = {
        "estimators": [list],
        "weights": ["array-like", StrOptions({"out_of_fold"}), None],
        "calibrate": ["boolean"],
        # Checked by make_folds, with the labels and groups.
        "cv": "no_validation",
        "n_jobs": N_JOBS,
    }

    def __init__(self, estimators, *, weights=None, calibrate=True, cv=3, n_jobs=None):
        self.estimators = estimators
        self.weights = weights
        self.calibrate = calibrate
        self.cv = cv
        self.n_jobs = n_jobs

    def get_params(self, deep=True):
        """Return the parameters, and those of the members.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return the members by name, and their parameters.

        Returns
        -------
        params : dict
            Values by name, such as ``svc__features__groups``.
        """
        return self._get_params("estimators", deep=deep)

    def set_params(self, **params):
        """Set parameters, exchange members by name, or set parameters of members.

        Parameters
        ----------
        **params : dict
            Values by names that ``get_params`` returns.

        Returns
        -------
        self : object
            The classifier itself.
        """
        return self._set_params("estimators", **params)

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, groups=None, sample_weight=None):
        """Fit all members, and learn how to count their votes.

        Parameters
        ----------
        X : particle table or array of shape (n_samples, n_features)
            What the members are fitted on.
        y : array-like of shape (n_samples,)
            Class of each sample.
        groups : array-like of shape (n_samples,), default=None
            Micrograph of each particle. The folds within the training set then keep
            micrographs together, and members whose ``fit`` takes groups get them.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative, for all members, and within each class
            for weights and temperature.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        TypeError
            If a member is no estimator, labels are neither text nor numbers, or some
            are text and others numbers; if ``cv`` is none of the above.
        ValueError
            If a member has no ``predict_proba`` or takes no ``sample_weight``, two have
            one name, ``weights`` are not one for each, negative or all 0, if all sample
            weights of a class are 0, or the samples can't be divided into folds, see
            :func:`cross_validate_particles`. All this is found before any training.

        Warns
        -----
        UserWarning
            If folds are needed, and X has a column ``micrograph`` but there are no
            ``groups``, or no fold can learn a class that it tests.
        """
        names, members = check_members(self.estimators)
        self._validate_names(names)
        weights = self._check_weights(len(members))
        y, groups, sample_weight = self._check_samples(X, y, groups, sample_weight)
        params = weight_params(names, members, sample_weight)
        folds = make_folds(X, y, groups, self.cv) if self._needs_folds else None
        is_known = None if folds is None else _find_known(y, folds)
        # With routing, parameters of members would need requests of the user.
        with config_context(enable_metadata_routing=False):
            preparation = Preparation(members, X, self.n_jobs)
            self.cv_results_ = {}
            if folds is not None:
                self.cv_results_ = predict_out_of_fold(
                    names, preparation, y, groups, folds, params, self.n_jobs
                )
            fitted = fit_members(names, preparation, y, groups, params, self.n_jobs)
        self.estimators_ = preparation.join(fitted)
        self.named_estimators_ = Bunch(
            **dict(zip(names, self.estimators_, strict=True))
        )
        self.classes_ = np.unique(y)
        self._learn_to_count(weights, is_known, sample_weight)
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
            if hasattr(self.estimators_[0], name):
                setattr(self, name, getattr(self.estimators_[0], name))
        return self

    def predict(self, X):
        """Return the most probable class of each sample.

        Parameters
        ----------
        X : particle table or array of shape (n_samples, n_features)
            What to predict.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
            Classes.
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X):
        """Return the probability of each class.

        Parameters
        ----------
        X : particle table or array of shape (n_samples, n_features)
            What to predict.

        Returns
        -------
        y_proba : ndarray of shape (n_samples, n_classes)
            One column for each of ``classes_``.
        """
        check_is_fitted(self)
        votes = predict_together(self.estimators_, X, self.n_jobs)
        return temper(mix(np.stack(votes), self.weights_), self.temperature_)

    @property
    def _needs_folds(self):
        """Whether something is learned from out-of-fold predictions."""
        return self.calibrate or isinstance(self.weights, str)

    def _check_weights(self, n_members):
        """Return the weights of the members, with a sum of 1."""
        if self.weights is None or isinstance(self.weights, str):
            return np.full(n_members, 1 / n_members)
        weights = np.asarray(self.weights)
        if weights.shape != (n_members,) or weights.dtype.kind not in "biuf":
            raise ValueError(
                f"weights={self.weights!r}; expected {n_members} numbers, one for each "
                "member."
            )
        # A comparison with NaN is false, so NaN is refused, too.
        if not ((weights >= 0) & (weights < np.inf)).all() or not weights.any():
            raise ValueError(
                f"weights={self.weights!r}; expected finite numbers that are not "
                "negative, and not all 0."
            )
        return weights / weights.sum()

    def _check_samples(self, X, y, groups, sample_weight):
        """Return labels, groups and sample weights that fit X."""
        y = check_targets(y)
        if groups is None and not self._needs_folds:
            y = check_labels(y, _num_samples(X))
        else:
            y, groups = check_labels_and_groups(X, y, groups)
        if sample_weight is None:
            return y, groups, None
        sample_weight = _check_sample_weight(
            sample_weight, y, dtype=np.float64, ensure_non_negative=True
        )
        classes, codes = np.unique(y, return_inverse=True)
        without = np.bincount(codes, weights=sample_weight) == 0
        if without.any():
            raise ValueError(
                f"All particles of class {classes[without][0].item()!r} have "
                "sample_weight 0. Leave the class out, or give one of them a weight."
            )
        return y, groups, sample_weight

    def _learn_to_count(self, weights, is_known, sample_weight):
        """Learn weights and temperature from out-of-fold predictions."""
        self.weights_, self.temperature_, self.cv_result_ = weights, 1.0, None
        if not self.cv_results_:
            return
        results = list(self.cv_results_.values())
        votes = np.stack([result.y_proba for result in results])
        known = votes[:, is_known]
        codes = np.searchsorted(self.classes_, results[0].y_true)[is_known]
        if sample_weight is None:
            sample_weight = np.ones(len(is_known))
        balanced = balance(codes, sample_weight[is_known])
        if isinstance(self.weights, str):
            self.weights_ = find_weights(known, codes, balanced)
        if self.calibrate:
            mean = mix(known, self.weights_)
            self.temperature_ = find_temperature(mean, codes, balanced)
        y_proba = temper(mix(votes, self.weights_), self.temperature_)
        self.cv_result_ = replace(
            results[0],
            y_pred=self.classes_[y_proba.argmax(axis=1)],
            y_proba=y_proba,
            fit_times=np.sum([result.fit_times for result in results], axis=0),
            score_times=np.sum([result.score_times for result in results], axis=0),
        )

    def __sklearn_tags__(self):
        tags = extend_tags(super().__sklearn_tags__(), predicts_most_probable=True)
        pairs = self.estimators if isinstance(self.estimators, list) else []
        inner = [get_tags(m) for _, m in pairs if hasattr(m, "__sklearn_tags__")]
        for name in ("sparse", "allow_nan", "string", "categorical"):
            all_have_it = all(getattr(tag.input_tags, name) for tag in inner)
            setattr(tags.input_tags, name, bool(inner) and all_have_it)
        tags.non_deterministic = any(tag.non_deterministic for tag in inner)
        return tags


def _find_known(y, folds):
    """Tell for each sample whether its fold learns its class; warn where not."""
    is_known = np.ones(len(y), bool)
    for train, test in folds:
        is_known[test] = np.isin(y[test], y[train])
    unknown = np.unique(y[~is_known]).tolist()
    if unknown:
        warn_caller(
            f"Weights and calibration of the ensemble leave {(~is_known).sum()} of "
            f"{len(y)} particles out, of the classes {unknown}: folds that test them "
            "have none to learn from, since these are on too few micrographs. The "
            "members learn from all particles."
        )
    return is_known
