"""Cross-validation of particle classifiers, with what a microscopist asks of it."""

from collections.abc import Mapping

import numpy as np

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import HasMethods, validate_params

from .._jobs import N_JOBS
from ._checks import check_labels_and_groups, make_folds, warn_of_missing_classes
from ._out_of_fold import PreparedModel


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"])],
        "n_jobs": N_JOBS,
        "params": [Mapping, None],
        "return_estimator": ["boolean"],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=False,
)
def cross_validate_particles(
    estimator,
    X,
    y,
    *,
    groups=None,
    cv=5,
    n_jobs=None,
    params=None,
    return_estimator=False,
    verbose=False,
):
    """Predict every particle by an estimator that was fitted without it.

    Parameters
    ----------
    estimator : estimator
        A classifier, mostly a pipeline; it is cloned for each fold. A search, such as
        GridSearchCV, gets the groups of the training part for folds of its own; so does
        an estimator, or the last step of a pipeline, whose ``fit`` has a parameter
        ``groups``, such as :class:`SelectiveClassifier` and :class:`LipNetClassifier`.
        Behind a sampler of rows, a network gets none.
    X : particle table or array of shape (n_samples, n_features)
        What the estimator is fitted on.
    y : array-like of shape (n_samples,)
        Class of each particle, in the order of the rows of ``X``: an index is not
        looked at.
    groups : array-like of shape (n_samples,), default=None
        Micrograph of each particle. All particles of a group fall into the same fold,
        since crops of one micrograph resemble each other: an estimator that is tested
        on the micrographs that it was trained on looks better than it is.
    cv : int, cross-validation splitter or iterable, default=5
        Number of stratified folds, a splitter of scikit-learn, or pairs of rows to
        train on and rows to test. Every particle must be in exactly one test fold.
    n_jobs : int, default=None
        Number of folds that run at once; None means 1, -1 one for each core.
    params : dict, default=None
        Parameters of the estimator's ``fit``, for instance
        ``{"classify__sample_weight": weights}``. Arrays with a value for each particle
        are split as the particles are. With ``enable_metadata_routing``, these
        parameters and ``groups`` are routed to where they are requested.
    return_estimator : bool, default=False
        Keep the fitted estimator of each fold in the result.
    verbose : bool, default=False
        Show a progress bar over the folds.

    Returns
    -------
    result : CrossValidationResult
        Out-of-fold predictions and probabilities, confusion matrices, metrics with
        their spread and intervals.

    Raises
    ------
    TypeError
        If labels are neither text nor numbers, or some are text and others numbers; if
        ``cv`` is none of the above.
    ValueError
        If there are no particles, or not as many labels or groups; there is only one
        class or a label is missing, a class has fewer members than there are folds,
        there are fewer groups than folds, the splitter leaves particles out, or a fold
        tests a particle or a group that it trains on.
    KeyboardInterrupt
        If the user interrupts. Folds that run are stopped; there is no result.
    RuntimeError
        If the worker process of a fold is killed twice, see Notes.

    Warns
    -----
    UserWarning
        If ``X`` has a column ``micrograph`` and there are no ``groups``; if a fold
        trains or tests without any particle of a class; if the labels or groups have
        the index of ``X`` in another order; if a worker process is killed.

    See Also
    --------
    sklearn.model_selection.cross_validate : Scores without keeping predictions.
    sklipo.evaluation.CrossValidationResult : All that follows from the predictions.
    sklipo.evaluation.learning_curve : Whether more micrographs would pay.

    Notes
    -----
    A class that a training part lacks has probability 0 in that fold. Fitting,
    resampling and augmentation use the training part only. The first steps of a
    pipeline that have the tag ``row_wise``, see :class:`~sklipo.tags.ParticleTags`,
    learn nothing. Images go through them once for all folds.

    An error while an estimator is fitted is raised with a note that tells the fold and
    how many particles of each class it trains on. It stops the other folds.

    If the system kills a worker process, mostly for lack of memory, the folds that have
    no result yet run again, one at a time.

    Folds that run at once share the cores: on two cores, each of two networks trains
    with one thread. Folds of an incomplete last round get more. The same call gives the
    same bits again; another number of threads can give others.

    Estimators with the tag ``releases_gil``, such as networks on a CPU, are fitted in
    threads of this process, all others in processes of their own, unless
    ``joblib.parallel_config`` names a backend.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklipo import cross_validate_particles
    >>> X, y = [[0]] * 10, ["empty"] * 4 + ["full"] * 6
    >>> result = cross_validate_particles(DummyClassifier(), X, y, cv=2)
    >>> result.mean_confusion_matrix()
           empty  full
    empty    0.0   2.0
    full     0.0   3.0
    """
    y, groups = check_labels_and_groups(X, y, groups)
    folds = make_folds(X, y, groups, cv)
    warn_of_missing_classes(np.unique(y), y, folds)
    jobs = {"n_jobs": n_jobs, "verbose": verbose}
    model = PreparedModel.prepare(estimator, X, y, groups, params, **jobs)
    return model.cross_validate(folds, return_estimator=return_estimator, **jobs)
