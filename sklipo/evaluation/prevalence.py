"""Shares of classes in a new sample, corrected for the errors of the model."""

from numbers import Integral, Real

import numpy as np

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from .._random import own_seed
from ..particles._labels import check_values, encode
from ..particles._warnings import warn_caller
from ._new_samples import (
    check_new,
    check_scores,
    encode_audited,
    encode_labeled,
    encode_sample,
    name_classes,
)
from ._prevalence_caveats import (
    caveats_of_audit,
    caveats_of_groups,
    caveats_of_probabilities,
    caveats_of_width,
    find_caveats,
)
from ._prevalence_methods import (
    adjust,
    audit,
    count,
    count_units,
    expect,
    resample_predictions,
)
from ._resampled_counts import Resampler, design_effect, interval_ends
from .prevalence_estimate import PrevalenceEstimate
from .results import CrossValidationResult


@validate_params(
    {
        "result": [CrossValidationResult, None],
        "method": [StrOptions({"counted", "adjusted", "em"})],
        "level": [Interval(Real, 0, 1, closed="neither")],
        "n_resamples": [Interval(Integral, 100, 1_000_000, closed="both")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def estimate_prevalence(
    result,
    y_pred,
    *,
    groups=None,
    y_proba=None,
    samples=None,
    audited=None,
    method="adjusted",
    level=0.95,
    n_resamples=1000,
    random_state=0,
):
    r"""Estimate the share of each class in a new sample, with its interval.

    A share of predictions is not a share of particles: of 97 full and one empty
    particle, a model that is right nine times in ten finds ten empty ones. The errors
    that cross-validation found correct the count.

    Parameters
    ----------
    result : CrossValidationResult or None
        Cross-validation of the model on labeled particles; of a
        :class:`~sklipo.SelectiveClassifier`, its ``decided_result_``. An audit and
        ``method="counted"`` do without.
    y_pred : array-like of shape (n_particles,)
        Predictions of the model, fitted on all labeled particles, for the new ones.
    groups : array-like of shape (n_particles,), default=None
        Micrograph of each new particle.
    y_proba : array-like of shape (n_particles, n_classes), default=None
        Predicted probabilities of the new particles, which ``method="em"`` needs, in
        the order of ``result.kinds``.
    samples : array-like of shape (n_particles,), default=None
        Sample of each new particle, for an estimate of each sample.
    audited : array-like of shape (n_particles,) or DataFrame, default=None
        Labels that an expert gave to a random part of the new particles: missing where
        nobody looked, or the table of :func:`draw_audit` with its labels filled in.
        With it, shares rest on these labels, and ``method`` is not looked at.
    method : {"adjusted", "em", "counted"}, default="adjusted"
        "adjusted" inverts the confusion matrix. "em" corrects probabilities by
        expectation maximization; its intervals are narrower, and it corrects the
        classes of single particles, too. "counted" only counts the predictions, with
        all their errors.
    level : float, default=0.95
        Level of confidence of the intervals.
    n_resamples : int, default=1000
        Number of resamples, 100 or more.
    random_state : int, RandomState instance or None, default=0
        Seed of the resamples. Equal data and an equal seed give equal intervals.

    Returns
    -------
    estimate : PrevalenceEstimate or dict of PrevalenceEstimate
        The shares; with ``samples`` a dict by sample.

    Raises
    ------
    TypeError
        If ``result`` is something else, or labels are neither text nor numbers.
    ValueError
        If there is no result, but the method is "adjusted" or "em" and nothing is
        audited; a prediction is of a class that the result does not know; something is
        of another length, or missing; probabilities are missing for "em", or don't sum
        up to 1; an audited label is of a class that neither the result nor the
        predictions have, there are fewer than 10 of them, or all are of one micrograph
        of several.

    Warns
    -----
    UserWarning
        If classes can't be told apart, or a share may be nearly anything; if no mixture
        of the classes would get such predictions; if "em" and "adjusted" contradict
        each other; if a class was never seen out of fold, or is in fewer than five
        micrographs; if there are fewer than five micrographs on either side. The
        estimate repeats all this in its ``caveats``.

    See Also
    --------
    sklipo.draw_audit : Draws the particles to label.
    sklipo.compare_samples : Difference of two samples.
    sklipo.count_by : Counts predictions by micrograph or sample.
    sklipo.calibration.shift_prior : Corrects probabilities by known shares.

    Notes
    -----
    **adjusted.** The labeled particles tell the probability :math:`M_{kj}` of
    prediction j for particles of class k. A sample with shares :math:`p_k` gets
    prediction j with probability :math:`\sum_k p_k M_{kj}`. The shares are those that
    make the predictions of the new sample most likely, among all that are at least 0
    and sum up to 1. For two classes this is the estimate of Rogan and Gladen [1]_ and
    Forman [2]_, cut off at 0 and 1.

    **em.** Probabilities are calibrated first, by the labeled particles. A temperature
    corrects how sure the model is, and an offset of each class the prior that it was
    trained with [4]_. In addition, the predictions of a small part of the particles are
    taken to say nothing about their classes. Without this part, a few micrographs on
    which the model is sure and wrong would make it look unsure everywhere. Temperature,
    offsets and part are those that make the labels most likely, given the probabilities
    out of fold. The shares are then those that make the calibrated probabilities of the
    new particles most likely, by expectation maximization [3]_.

    Both hold if the particles of each class look like the labeled ones of this class,
    whatever the shares. An audit asks for no likeness:

    **audited.** Share = mean of predictions + mean of (label - prediction) over the
    audited particles, each weighted by the inverse of its probability to be drawn, as
    in prediction-powered inference [5]_. Power tuning gives each pair of a label and
    a prediction its best weight. As predictions are classes, this is the poststratified
    estimate: of each predicted class, the audited ones tell the shares of labels.

    **Intervals** are percentiles over resamples of the labeled micrographs and of
    the new ones, since both the errors and the sample are chance. They are for the
    shares in all that the micrographs were taken of. Micrographs are drawn by random
    weights, as in the Bayesian bootstrap [6]_, of a variance that makes up for
    their number by Student's t, with a degree of freedom less for each class of the
    labeled. One more particle, of a class by chance, stands for what a sample of this
    size may fail to show. Without groups, particles are drawn.

    Of 300 simulated studies of each kind (12 or 30 labeled and 10 or 30 new
    micrographs, shares as in Tables 1, 2, 9 and 10, errors and shares that vary between
    micrographs), intervals of a level of 95 % covered the true share in 92 to 98 %,
    those that are cut off at 0, of classes below 3 %, in up to 100 %.

    References
    ----------
    .. [1] W. J. Rogan and B. Gladen, "Estimating prevalence from the results of a
       screening test", American Journal of Epidemiology 107, 71-76, 1978.
    .. [2] G. Forman, "Quantifying counts and costs via classification", Data Mining and
       Knowledge Discovery 17, 164-206, 2008.
    .. [3] M. Saerens, P. Latinne and C. Decaestecker, "Adjusting the outputs of a
       classifier to new a priori probabilities", Neural Computation 14, 21-41, 2002.
    .. [4] A. Alexandari, A. Kundaje and A. Shrikumar, "Maximum likelihood with
       bias-corrected calibration is hard-to-beat at label shift adaptation", ICML 2020.
    .. [5] A. N. Angelopoulos, J. C. Duchi and T. Zrnic, "PPI++: Efficient
       prediction-powered inference", arXiv:2311.01453, 2023.
    .. [6] D. B. Rubin, "The Bayesian bootstrap", Annals of Statistics 9, 130-134, 1981.

    Examples
    --------
    Of 1,000 predictions, 100 are "empty". But the model takes 8 % of the full particles
    for empty ones, and 20 % of the empty ones for full:

    >>> import numpy as np
    >>> from sklipo import estimate_prevalence
    >>> from sklipo.evaluation import CrossValidationResult
    >>> y_true = np.repeat(["empty", "full"], 500)
    >>> y_pred = np.repeat(["empty", "full", "empty", "full"], [400, 100, 40, 460])
    >>> result = CrossValidationResult(
    ...     classes=np.unique(y_true),
    ...     y_true=y_true,
    ...     y_pred=y_pred,
    ...     folds=np.arange(1000) % 5,
    ... )
    >>> y_new = np.repeat(["empty", "full"], [100, 900])
    >>> estimate_prevalence(result, y_new).to_frame().round(3)
           counted  share    low   high
    class
    empty      0.1  0.028  0.000  0.066
    full       0.9  0.972  0.934  1.000
    """
    new = check_new(result, y_pred, groups=groups, y_proba=y_proba, audited=audited)
    if audited is not None:
        method = "audited"
    elif result is None and method != "counted":
        raise ValueError(
            f"method={method!r} needs the result of cross_validate_particles, which "
            "tells the errors of the model. Without one, pass audited."
        )
    elif method == "em":
        check_scores(result, y_proba)
    # Classes are those of all samples, so that their tables agree.
    kinds, others = name_classes(result, new)
    resampler = Resampler(level, int(n_resamples), own_seed(random_state))
    if samples is None:
        return _estimate(result, new, kinds, others, method, resampler)
    samples = check_values(samples, len(new.y_pred), name="samples")
    estimates = {}
    for name in np.unique(samples).tolist():
        part = new.take(np.flatnonzero(samples == name))
        try:
            estimates[name] = _estimate(result, part, kinds, others, method, resampler)
        except ValueError as error:
            error.add_note(f"In sample {name!r}.")
            raise
    return estimates


def _estimate(result, new, kinds, others, method, resampler):
    """Estimate the shares of one sample, and warn of what is doubtful."""
    is_known = np.ones(len(kinds), bool)
    if method in ("adjusted", "em"):
        is_known = np.isin(kinds, result.y_true)
    # Classes without errors to correct by come last, as what is no kind of particle.
    names = np.concatenate([kinds[is_known], kinds[~is_known], others])
    sample = encode_sample(result, new, names, is_known.sum())
    found, labeled, caveats = _find(
        result, new, sample, names, len(kinds), is_known.sum(), method, resampler
    )
    low, high = interval_ends(found.draws, found.share, resampler.level)
    caveats += caveats_of_width(names[: len(low)], low, high)
    for text in caveats:
        warn_caller(text)
    counts = np.bincount(sample.predicted, minlength=len(names))
    values = {
        "share": found.share,
        "low": low,
        "high": high,
        "labeled_part": found.labeled_part(),
        "draws": found.draws,
        "corrected_proba_": found.corrected_proba,
    }
    return PrevalenceEstimate(
        classes=kinds,
        counted=counts[encode(kinds, names)] / len(new.y_pred),
        level=resampler.level,
        method=method,
        n_particles=len(new.y_pred),
        n_groups=count_units(sample.units),
        n_labeled=None if labeled is None else len(labeled.true),
        n_labeled_groups=None if labeled is None else count_units(labeled.units),
        design_effect=design_effect(sample.predicted, len(names), sample.units),
        caveats=tuple(caveats),
        **{name: _spread(part, is_known) for name, part in values.items()},
    )


def _find(result, new, sample, names, n_kinds, n_known, method, resampler):
    """Return the shares by a method, the labeled particles, and what is doubtful."""
    if method == "counted":
        found = count(sample, n_kinds, len(names), resampler)
        return found, None, caveats_of_groups(sample.units)
    if method == "audited":
        labeled = encode_audited(new, names, n_kinds)
        found = audit(labeled, sample, new.audited, resampler)
        return found, labeled, caveats_of_audit(labeled, sample, names)
    labeled = encode_labeled(result, names, n_known, n_kinds)
    predictions = resample_predictions(labeled, sample, resampler)
    found = adjust(predictions)
    caveats = find_caveats(
        labeled, sample, names, predictions, found.share, resampler.level
    )
    if method == "em":
        adjusted, found = found, expect(labeled, sample, resampler)
        caveats += caveats_of_probabilities(found, adjusted)
    return found, labeled, caveats


def _spread(values, is_known):
    """Return values of the known classes in the last axis as those of all."""
    if values is None or is_known.all():
        return values
    spread = np.full((*values.shape[:-1], len(is_known)), np.nan)
    spread[..., is_known] = values
    return spread
