"""What a cross-validation found: predictions, tables, intervals, comparisons."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import validate_params

from ..metrics._confusion import average_shares, summary_metrics
from ._bootstrap import fold_tables, tally_table
from ._fields import check_fields
from ._intervals import INTERVAL_PARAMETERS, TalliedPredictions
from ._label_errors import find_label_errors
from ._representation import as_frame, describe, describe_in_html


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class CrossValidationResult(TalliedPredictions):
    """Out-of-fold predictions and what follows from them.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The classes in the order of the columns of ``y_proba``; ``unsure`` comes last.
    y_true, y_pred : ndarray of shape (n_samples,)
        True and predicted class of each particle.
    folds : ndarray of shape (n_samples,)
        Number of the fold in which each particle was tested.
    y_proba : ndarray of shape (n_samples, n_classes), default=None
        Predicted probabilities; None where the estimator has none.
    groups : ndarray of shape (n_samples,), default=None
        Micrograph of each particle; None where folds are not grouped.
    index : Index of length n_samples, default=None
        Index of the particle table; by default 0, 1, 2, ...
    fit_times, score_times : ndarray of shape (n_folds,), default=None
        Seconds that fitting and predicting took in each fold.
    estimators : list of estimators, default=None
        The fitted estimator of each fold, where they were kept.
    unsure : str or int, default=None
        Prediction of undecided particles, see :class:`~sklipo.SelectiveClassifier`. It
        is no true class and has probability 0: these particles are not recognized.

    Raises
    ------
    TypeError
        If labels are neither text nor numbers, or some are text and others numbers.
    ValueError
        If fields disagree in length or in their classes, a label or a group is missing,
        folds are not numbered from 0 without a gap, or probabilities are outside 0..1
        or do not sum up to 1 (they may be NaN, as those of a diverged network are); if
        ``unsure`` is a true class, is not the last of ``classes`` or is probable.

    See Also
    --------
    cross_validate_particles : Makes it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.evaluation import CrossValidationResult
    >>> y = np.array(["empty", "full", "empty", "full"])
    >>> CrossValidationResult(
    ...     classes=np.unique(y),
    ...     y_true=y,
    ...     y_pred=y[[1, 1, 2, 3]],
    ...     folds=np.array([0, 0, 1, 1]),
    ... )
    CrossValidationResult of 4 particles in 2 folds:
    balanced accuracy 0.750, 95 % interval 0.105 to 0.998 over particles
    """

    classes: np.ndarray
    y_true: np.ndarray
    y_pred: np.ndarray
    folds: np.ndarray
    y_proba: np.ndarray | None = None
    groups: np.ndarray | None = None
    index: pd.Index | None = None
    fit_times: np.ndarray | None = None
    score_times: np.ndarray | None = None
    estimators: list | None = None
    unsure: str | float | None = None

    def __post_init__(self):
        for name, value in check_fields(**vars(self)).items():
            # The way around frozen that the dataclasses module itself takes.
            object.__setattr__(self, name, value)

    @property
    def n_folds(self):
        """Number of folds.

        Returns
        -------
        int
            Folds are numbered from 0.
        """
        return int(self.folds.max()) + 1

    @property
    def kinds(self):
        """The classes that particles can truly be of.

        Returns
        -------
        ndarray of shape (n_kinds,)
            All ``classes`` but ``unsure``, which is the last one.
        """
        return self.classes if self.unsure is None else self.classes[:-1]

    @cached_property
    def confusion_counts(self):
        """Confusion matrix of each fold, in particles.

        Returns
        -------
        counts : ndarray of shape (n_folds, n_classes, n_classes)
            Rows are true classes, columns predicted ones. A row of ``unsure`` is zero.
        """
        return self._fold_tallies[..., :-1].astype(int)

    @validate_params({"normalize": ["boolean"]}, prefer_skip_nested_validation=True)
    def mean_confusion_matrix(self, *, normalize=False):
        """Average the confusion matrix over the folds, as in Tables 6 to 10.

        Parameters
        ----------
        normalize : bool, default=False
            Divide each row by its sum before averaging. A fold without a class has no
            share in the average of that row, which is NaN if no fold has the class.

        Returns
        -------
        matrix : DataFrame of shape (n_kinds, n_classes)
            Rows are true classes, columns predicted ones.
        """
        matrices = self.confusion_counts[:, : len(self.kinds)].astype(float)
        matrix = average_shares(matrices)[0] if normalize else matrices.mean(axis=0)
        return pd.DataFrame(matrix, self.kinds, self.classes)

    @validate_params({"per_fold": ["boolean"]}, prefer_skip_nested_validation=True)
    def classification_table(self, *, per_fold=False):
        """Return the metrics of each class.

        Parameters
        ----------
        per_fold : bool, default=False
            Evaluate each fold by itself instead of all predictions together.

        Returns
        -------
        table : DataFrame
            As from :func:`~sklipo.metrics.classification_table`. With ``per_fold`` its
            index has the levels ``fold`` and ``class``; NaN where a fold lacks a class.
        """
        if per_fold:
            return fold_tables(self._fold_tallies, self.kinds)
        return tally_table(self._fold_tallies.sum(axis=0), self.kinds)

    @property
    def balanced_accuracy(self):
        """Mean over the classes of the share that is recognized, all folds together.

        Returns
        -------
        float
            Between 0 and 1; 1 / n_classes by chance.
        """
        counts = self.confusion_counts.sum(axis=0)
        return float(summary_metrics(counts)["balanced_accuracy"])

    @property
    def balanced_accuracy_per_fold(self):
        """Balanced accuracy of each fold over the classes that occur in it.

        Returns
        -------
        ndarray of shape (n_folds,)
            They spread as far as micrographs differ.
        """
        return summary_metrics(self.confusion_counts)["balanced_accuracy"]

    @property
    def missing_classes(self):
        """Classes that a fold does not test, since none of its particles is of them.

        Returns
        -------
        dict of list
            The classes by number of the fold. Metrics that need them are NaN in that
            fold and have no share in means over folds.
        """
        support = self.confusion_counts.sum(axis=2)[:, : len(self.kinds)]
        missing = {i: self.kinds[n == 0].tolist() for i, n in enumerate(support)}
        return {fold: classes for fold, classes in missing.items() if classes}

    @validate_params(INTERVAL_PARAMETERS, prefer_skip_nested_validation=True)
    def summary(
        self,
        label=None,
        *,
        agreement=None,
        level=0.95,
        n_resamples=1000,
        random_state=None,
    ):
        r"""Return each metric with its spread over folds and its interval.

        Parameters
        ----------
        label : object, default=None
            Class to evaluate; by default all classes together.
        agreement : DataFrame, default=None
            How far experts agree on these classes: what
            :func:`~sklipo.labeling.agreement_table` returned.
        level : float, default=0.95
            Level of confidence of the interval, between 0 and 1.
        n_resamples : int, default=1000
            Number of bootstrap samples.
        random_state : int, RandomState instance or None, default=None
            Seed of the bootstrap. None draws the same samples at each call, so that
            tables and pictures of the result agree.

        Returns
        -------
        table : DataFrame
            One row per metric: for a class those of
            :func:`~sklipo.metrics.classification_table`, for all together those of
            :func:`~sklipo.metrics.baseline_table`. Columns: ``pooled``, of all
            predictions together; ``mean`` and ``std`` over the ``n_folds`` folds in
            which the metric is defined; ``low`` and ``high``, the ends of the interval
            about ``pooled``; with ``agreement``, ``experts``: the metric of one expert
            if another one tells the truth, the mean of both directions and all pairs.

        Raises
        ------
        TypeError
            If ``agreement`` is something else.
        ValueError
            If there is no such class, or experts gave one that the result has not.

        Notes
        -----
        The ends of the interval are percentiles of a bootstrap over groups: whole
        micrographs are drawn with replacement, since particles of one micrograph
        resemble each other [1]_. Without groups, single particles are drawn. The
        interval tells how the figure would differ on other micrographs of the kind. It
        does not contain what another training would change.

        Plain percentiles are too narrow for few groups. Their level is therefore that
        of Student's t, times :math:`\sqrt{1 + 1 / n}` [2]_, with the effective number
        of groups :math:`n = (\sum m)^2 / \sum m^2` [3]_ of m particles as degrees of
        freedom. And each sample has one more particle of each class, right or wrong by
        the random weights of Jeffreys' prior [4]_, as 5 right ones of 5 are no proof of
        100 %. In 300 simulated studies each of 10, 20 and 50 micrographs, with classes
        of 80, 15 and 5 %, 95 % intervals of balanced accuracy held the truth in 98, 96
        and 93 %, those of the rarest class's TPR in 98, 94 and 92 %, of its F1 in 94,
        94 and 93 %. Less often, 82 %, did F1 and PPV of a class of 1 % in a few of 50
        micrographs, the log loss of a handful of particles, and balanced accuracy of 2
        micrographs (3: 90 %). With a single one, the ends are NaN.

        A model that scores as experts do against each other, on particles of the same
        micrographs, is as good as another expert. How much more their labels could
        show is told at :func:`~sklipo.labeling.agreement_table`.

        References
        ----------
        .. [1] A. C. Davison and D. V. Hinkley, "Bootstrap Methods and their
           Application", Cambridge University Press, 1997, section 3.8.
        .. [2] T. C. Hesterberg, "What Teachers Should Know About the Bootstrap", The
           American Statistician 69, 371-386, 2015.
        .. [3] L. Kish, "Survey Sampling", Wiley, 1965.
        .. [4] L. D. Brown, T. T. Cai and A. DasGupta, "Interval Estimation for a
           Binomial Proportion", Statistical Science 16, 101-133, 2001.
        """
        return self._summarize(label, agreement, level, n_resamples, random_state)

    @validate_params(INTERVAL_PARAMETERS, prefer_skip_nested_validation=True)
    def compare(
        self, other, label=None, *, level=0.95, n_resamples=1000, random_state=None
    ):
        r"""Compare with another estimator that was tested on the same folds.

        Parameters
        ----------
        other : CrossValidationResult
            Result of the other estimator, of the same particles in the same folds.
        label : object, default=None
            Class to evaluate; by default all classes together.
        level : float, default=0.95
            Level of confidence of the interval.
        n_resamples : int, default=1000
            Number of bootstrap samples.
        random_state : int, RandomState instance or None, default=None
            Seed of the bootstrap, as in :meth:`summary`.

        Returns
        -------
        table : DataFrame
            One row per metric: ``difference`` of this result from the other, of all
            predictions together; ``mean`` and ``std`` of the differences in each fold;
            ``low`` and ``high``, the ends of the interval about ``difference``, from
            the same bootstrap samples for both; ``p_value`` of the corrected t-test,
            NaN where it is undefined.

        Raises
        ------
        TypeError
            If the other one is no result.
        ValueError
            If the particles, classes, groups or folds are not the same, or there is no
            such class.

        Notes
        -----
        Training sets of different folds overlap, which makes their scores dependent,
        and the plain t-test finds differences where there are none. Nadeau and Bengio
        [1]_ correct the variance :math:`s^2` of the differences over :math:`k` folds by
        the sizes of test and training sets:

        .. math:: t = \frac{\bar d}{\sqrt{(1 / k + n_{test} / n_{train}) s^2}}

        Where the difference is the same in each fold, :math:`s^2` is 0 and the test has
        nothing to measure the difference by: the p-value is NaN, not 0, and 1 only if
        there is no difference at all. It is NaN with a single fold, too.

        The interval is made as in :meth:`summary`, with the same additional particle
        for both results and, as n, the harmonic mean of the effective numbers of groups
        of all particles and of the (rarest) class. In simulations of equal models with
        10, 20 and 50 micrographs, 5, 4 and 5 % of the intervals of balanced accuracy
        were beside 0; with 2, 3 and 4 micrographs, 35, 22 and 11 %.

        References
        ----------
        .. [1] C. Nadeau and Y. Bengio, "Inference for the generalization error",
           Machine Learning 52, 239-281, 2003.
        """
        return self._compare(other, label, level, n_resamples, random_state)

    def to_frame(self):
        """Return one row per particle, to look at or to join to the particle table.

        Returns
        -------
        table : DataFrame
            Columns ``y_true``, ``y_pred``, ``correct``, ``fold``, ``group`` if there
            are groups, and ``proba_<class>`` for each class if there are probabilities.
            Its index is that of the particle table.
        """
        return as_frame(self)

    def suspicious_labels(self):
        r"""Return particles whose label the out-of-fold probabilities contradict.

        Returns
        -------
        table : DataFrame
            One row per particle that an expert should look at again, the most
            suspicious first, with the index of the particle table. Columns: ``row``,
            its position from 0 on; ``y_true``; ``suggested``, the class that it seems
            to be; ``proba_true`` and ``proba_suggested``, their probabilities;
            ``margin``, the probability of the label less the largest of the others;
            ``fold``, ``group``; and ``group_share``, the share of the group's particles
            that are suspicious: near 1 where a whole micrograph is labeled wrong.

        Raises
        ------
        ValueError
            If there are no probabilities.

        Notes
        -----
        This is confident learning [1]_. The threshold :math:`t_j` of class :math:`j` is
        the mean of its probability :math:`p_j` over the particles labeled :math:`j`.
        Of the classes with :math:`p_j \ge t_j`, the most probable one is suggested. The
        label is suspicious if it is neither this class nor the most probable of all.
        Thresholds allow for classes that the model predicts too often or seldom.

        Particles with probabilities that are NaN are left out, with a warning. Without
        ``groups``, the model has learned the wrong labels of a micrograph, too.

        References
        ----------
        .. [1] C. G. Northcutt, L. Jiang and I. L. Chuang, "Confident learning:
           estimating uncertainty in dataset labels", Journal of Artificial
           Intelligence Research 70, 1373-1411, 2021.
        """
        return find_label_errors(self)

    def plot(self, *, ax=None):
        """Draw the mean confusion matrix.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; by default a figure is made.

        Returns
        -------
        display : ConfusionMatricesDisplay
            The display, drawn.
        """
        # Only pictures need matplotlib, which is optional.
        from ..displays import ConfusionMatricesDisplay

        return ConfusionMatricesDisplay.from_cv_results(self, ax=ax)

    def __repr__(self):
        return describe(self)

    def _repr_html_(self):
        """Return tables for notebooks."""
        return describe_in_html(self)
