"""A classifier that leaves out what it can't decide well enough."""

from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    _fit_context,
    clone,
)
from sklearn.utils import get_tags

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.validation import check_is_fitted

from ._jobs import N_JOBS
from ._steps import predict_both
from .displays._probabilities import HOW_TO_GET
from .evaluation._checks import check_labels_and_groups, check_targets, check_unsure
from .evaluation._coverage import tabulate_coverage, warn_of_undecided
from .evaluation._folds import route_params
from .evaluation._preparation import join_preparation, prepare, split_preparation
from .evaluation.cross_validation import cross_validate_particles
from .particles._labels import check_labels, encode, find_classes
from .particles._probabilities import check_probabilities
from .tags import extend_tags
from .versions import VersionedMixin


class SelectiveClassifier(
    VersionedMixin, MetaEstimatorMixin, ClassifierMixin, BaseEstimator
):
    r"""Predict a class only where that is right often enough, else ``unsure``.

    For each class a threshold is learned. Where the estimator predicts the class with
    that probability or more, its prediction stands: of these predictions, a share of at
    most ``max_error`` is wrong, with a confidence that you choose. All others become
    ``unsure``, which says that the classifier can't tell. A label "uncertain" that an
    expert gave is another thing: a class like all others.

    Parameters
    ----------
    estimator : estimator
        A classifier that has ``predict_proba``, mostly a pipeline. Samplers belong into
        it: ahead of this classifier, they would put copies of a particle into several
        folds, which makes errors look rarer than they are.
    max_error : float, default=0.02
        Largest share of wrong predictions among those of each class, between 0 and 1.
    confidence : float, default=0.95
        Probability with which the share of wrong ones is not larger, for each class.
    cv : int, cross-validation splitter or iterable, default=None
        Folds of the training set that thresholds are learned from, see
        :func:`cross_validate_particles`; None means five.
    unsure : str or int, default="unsure"
        What is predicted where no class is. Where classes are numbers, pass a number,
        such as -1. A word among numbers makes ``predict`` return an array of objects,
        which neither metrics nor cross-validation take.
    n_jobs : int, default=None
        Number of folds that are fitted at once; None means 1, -1 one for each core.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted; ``unsure`` is none of them.
    thresholds_ : ndarray of shape (n_classes,)
        Least probability with which each class is predicted: 0 for a class that needs
        no threshold, infinite for one that can't be decided and is never predicted.
    coverage_table_ : DataFrame
        A row for each predicted class, see Notes.
    estimator_ : estimator
        The estimator, fitted on all samples.
    cv_result_ : CrossValidationResult
        Out-of-fold predictions of the estimator, from which thresholds were learned.
    decided_result_ : CrossValidationResult
        The same, decided by these thresholds: what :func:`estimate_prevalence` takes
        along with predictions of this classifier.
    n_features_in_ : int
        Number of features in ``fit``, if the estimator has it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features in ``fit``, if the estimator has them.

    See Also
    --------
    sklipo.displays.RiskCoverageDisplay : Shows the choice between error and coverage.
    cross_validate_particles : Tests a selective classifier on other micrographs.
    estimate_prevalence : Estimates shares from its predictions and ``decided_result_``.

    Notes
    -----
    A classifier that may decline is known as one with a reject option [1]_, or as
    selective classification [2]_.

    ``coverage_table_`` is about the out-of-fold predictions of each class. Its columns:
    ``threshold``; ``share_decided``, the share of them that is decided, with the bounds
    ``share_low`` and ``share_high``; ``error``, the share of the decided that is wrong,
    with ``error_low`` and ``error_high``; ``least_max_error``, with which the class
    would be decided, but not with 0.001 less; ``n_particles``, the number of
    predictions, ``n_decided`` and ``n_groups``, of how many micrographs the decided
    ones are. Each bound holds with ``confidence`` by itself. Without a decision,
    ``error`` is missing.

    Bounds are exact binomial ones after Clopper and Pearson for the number of
    independent particles that the decided ones are worth, which is their number divided
    by a design effect [3]_:

    .. math:: \frac{\sum_g (e_g - \hat p m_g)^2}{\hat p (1 - \hat p) \sum_g m_g}

    with :math:`m_g` decided particles of micrograph :math:`g`, of which :math:`e_g` are
    wrong, a share :math:`\hat p` in all. One more micrograph of the average size (the
    mean of :math:`m_g`, weighted by :math:`m_g`) counts here, of which all is wrong:
    conformal risk control [4]_ adds the worst case in the same way. A few micrographs
    without any error are then worth no more than their number, however many particles
    they have: for a ``max_error`` of 0.05, 59 micrographs are needed, for 0.02, 149
    (:math:`\log 0.05 / \log (1 - \text{max\_error})`). Without groups, each particle
    counts for itself. In simulated studies of 12 to 200 micrographs, bounds of 95 %
    held in 90 to 100 %, whether errors were spread evenly or fell on whole micrographs;
    in 82 % at worst, where a few micrographs held most of the particles and were wrong
    more often than others.

    A threshold that is chosen because it looks good is not as good as it looks. So
    thresholds are tested in a fixed order, from the strictest on, until one fails [5]_.
    The sequence begins where enough micrographs are decided, and anew at twice, four
    times, ... as many particles; these starts share the chance of 1 - confidence, and
    a sequence that reaches the next start hands its share on [6]_. In simulations, no
    more than 3 % of the thresholds so chosen broke a promise of 95 %.

    Three things are taken for granted: new micrographs resemble the old ones, also in
    how frequent each class is; the estimator that is fitted on all samples is no worse
    than those of the folds; and ``confidence`` is about one class, not all at once.

    ``score`` is the accuracy among all samples: the unsure ones are not right.

    References
    ----------
    .. [1] C. K. Chow, "On optimum recognition error and reject tradeoff", IEEE
       Transactions on Information Theory 16, 41-46, 1970.
    .. [2] Y. Geifman and R. El-Yaniv, "Selective classification for deep neural
       networks", NeurIPS 2017.
    .. [3] E. L. Korn and B. I. Graubard, "Confidence intervals for proportions with
       small expected number of positive counts estimated from survey data", Survey
       Methodology 24, 193-201, 1998.
    .. [4] A. N. Angelopoulos et al., "Conformal risk control", ICLR 2024.
    .. [5] A. N. Angelopoulos et al., "Learn then test: calibrating predictive
       algorithms to achieve risk control", arXiv:2110.01052, 2021.
    .. [6] B. L. Wiens and A. Dmitrienko, "The fallback procedure for evaluating a
       single family of hypotheses", Journal of Biopharmaceutical Statistics 15,
       929-942, 2005.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklipo import SelectiveClassifier
    >>> X, codes = make_blobs(600, centers=2, cluster_std=1.5, random_state=0)
    >>> y = [["empty", "full"][code] for code in codes]
    >>> model = SelectiveClassifier(LogisticRegression(), max_error=0.1).fit(X, y)
    >>> model.predict([[1, 5], [1.5, 2.6], [2, 0]])
    array(['empty', 'unsure', 'full'], dtype='<U6')
    >>> model.coverage_table_[["threshold", "share_decided", "error"]].round(2)
           threshold  share_decided  error
    class
    empty       0.66           0.87   0.07
    full        0.76           0.87   0.07
    """

    # Groups mean one thing, so they need no request, as those of splitters do not.
    __metadata_request__fit = {"groups": True}
    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"])],
        "max_error": [Interval(Real, 0, 1, closed="neither")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        # Checked by cross_validate_particles, with the labels and groups.
        "cv": "no_validation",
        "unsure": [str, Integral],
        "n_jobs": N_JOBS,
    }

    def __init__(
        self,
        estimator,
        max_error=0.02,
        *,
        confidence=0.95,
        cv=None,
        unsure="unsure",
        n_jobs=None,
    ):
        self.estimator = estimator
        self.max_error = max_error
        self.confidence = confidence
        self.cv = cv
        self.unsure = unsure
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, groups=None, **params):
        """Learn thresholds from out-of-fold predictions, then fit on all samples.

        Parameters
        ----------
        X : particle table or array of shape (n_samples, n_features)
            What the estimator is fitted on.
        y : array-like of shape (n_samples,)
            Class of each sample.
        groups : array-like of shape (n_samples,), default=None
            Micrograph of each particle. Micrographs are then kept together in the
            folds, bounds hold over micrographs, and a search in the place of the
            estimator gets them, too.
        **params : dict
            Parameters of the estimator's ``fit``, such as ``classify__sample_weight``,
            see :func:`cross_validate_particles`. Thresholds count each particle once.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        TypeError
            If labels are neither text nor numbers, or some are text and others numbers;
            if ``cv`` is none of the above.
        ValueError
            If the estimator has no ``predict_proba``, ``unsure`` is one of the classes,
            or the samples can't be cross-validated, see
            :func:`cross_validate_particles`.

        Warns
        -----
        UserWarning
            If a class can't be decided: its error may be larger than ``max_error`` at
            any threshold; also where :func:`cross_validate_particles` warns.
        """
        y, groups = self._check_before(X, y, groups)
        # Steps that learn nothing run once for the folds and for the whole.
        steps, rest = split_preparation(self.estimator, X)
        rows = prepare(steps, X, n_jobs=self.n_jobs)
        cv = 5 if self.cv is None else self.cv
        self.cv_result_ = cross_validate_particles(
            rest, rows, y, groups=groups, cv=cv, n_jobs=self.n_jobs, params=params
        )
        fitted = clone(rest).fit(rows, y, **route_params(rest, params, groups))
        (self.estimator_,) = join_preparation(steps, [fitted], X)
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        self.classes_ = self.cv_result_.classes
        promise = self.max_error, self.confidence
        self.coverage_table_ = tabulate_coverage(self.cv_result_, *promise)
        self.thresholds_ = self.coverage_table_["threshold"].to_numpy()
        warn_of_undecided(self.coverage_table_, self.cv_result_, *promise, self.unsure)
        return self

    def predict(self, X):
        """Predict the class of each sample, or ``unsure``.

        Parameters
        ----------
        X : particle table or array of shape (n_samples, n_features)
            What to predict.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
            Classes and ``unsure``.
        """
        check_is_fitted(self)
        return self.decide(*predict_both(self.estimator_, X))

    def predict_proba(self, X):
        """Return the probabilities of the estimator.

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
        return self.estimator_.predict_proba(X)

    def decide(self, y_pred, y_proba):
        """Put ``unsure`` in the place of predictions that are not sure enough.

        Parameters
        ----------
        y_pred : array-like of shape (n_samples,)
            Classes that ``estimator_`` predicted.
        y_proba : array-like of shape (n_samples, n_classes)
            Probabilities that it predicted.

        Returns
        -------
        y_pred : ndarray of shape (n_samples,)
            Classes and ``unsure``.

        Raises
        ------
        ValueError
            If a predicted class is none of ``classes_``, or probabilities are not those
            of these predictions and classes.
        """
        check_is_fitted(self)
        y_pred = check_labels(y_pred, name="y_pred")
        classes = find_classes(y_pred, classes=self.classes_)
        y_proba = check_probabilities(y_proba, len(y_pred), classes, allow_nan=True)
        codes = encode(y_pred, classes)
        # NaN, which a diverged network predicts, is never decided.
        is_decided = y_proba[np.arange(len(codes)), codes] >= self.thresholds_[codes]
        unsure = np.asarray(self.unsure)
        if is_decided.all():
            return y_pred
        if (unsure.dtype.kind == "U") != (y_pred.dtype.kind == "U"):
            # NumPy would make words of the numbers.
            y_pred = y_pred.astype(object)
        return np.where(is_decided, y_pred, unsure)

    def score(self, X, y, sample_weight=None):
        """Return the accuracy among all samples, of which the unsure are not right.

        Parameters
        ----------
        X : particle table or array of shape (n_samples, n_features)
            What to predict.
        y : array-like of shape (n_samples,)
            True class of each sample.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        float
            Between 0 and 1.
        """
        y_pred = self.predict(X)
        is_right = y_pred == check_labels(y, len(y_pred))
        return float(np.average(is_right, weights=sample_weight))

    @property
    def decided_result_(self):
        """Out-of-fold predictions of the estimator, decided by ``thresholds_``.

        Its errors are those of this classifier, as :func:`estimate_prevalence` needs
        them. Cross-validation of the whole learns other thresholds in each fold, so its
        errors are those of other classifiers. It tells fairly, though, how good such
        classifiers are; here, thresholds have seen the labels.

        Returns
        -------
        result : CrossValidationResult
            With ``unsure`` as the last of its classes.

        Raises
        ------
        TypeError
            If ``unsure`` is a word and the classes are numbers, or the reverse.
        """
        check_is_fitted(self)
        result = self.cv_result_
        unsure = check_unsure(self.unsure, self.classes_)
        return replace(
            result,
            classes=np.append(result.classes, unsure),
            y_pred=self.decide(result.y_pred, result.y_proba),
            y_proba=np.pad(result.y_proba, [(0, 0), (0, 1)]),
            unsure=unsure,
        )

    def _check_before(self, X, y, groups):
        """Return labels and groups; what can be refused is so before any training."""
        if not hasattr(self.estimator, "predict_proba"):
            raise ValueError(
                f"{type(self.estimator).__name__} has no predict_proba, and without "
                f"probabilities nothing tells what to leave out: {HOW_TO_GET}."
            )
        y, groups = check_labels_and_groups(X, check_targets(y), groups)
        check_unsure(self.unsure, np.unique(y), any_kind=True)
        return y, groups

    def get_metadata_routing(self):
        """Return what is requested here and by the estimator.

        Returns
        -------
        router : MetadataRouter
            See :class:`sklearn.utils.metadata_routing.MetadataRouter`.
        """
        fit_to_fit = MethodMapping().add(caller="fit", callee="fit")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(estimator=self.estimator, method_mapping=fit_to_fit)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if hasattr(self.estimator, "__sklearn_tags__"):
            inner = get_tags(self.estimator)
            tags.input_tags = inner.input_tags
            tags.classifier_tags = inner.classifier_tags or tags.classifier_tags
            tags.non_deterministic = inner.non_deterministic
        return extend_tags(tags, abstains=True)
