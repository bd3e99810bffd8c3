"""Learning curves: what more micrographs with labels would gain."""

from numbers import Integral

import numpy as np

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import HasMethods, Interval, validate_params

from .._jobs import N_JOBS
from .._random import own_random_state
from ._checks import check_labels_and_groups, make_folds, warn_of_missing_classes
from ._out_of_fold import PreparedModel
from ._training_subsets import check_subsets, choose_sizes, draw_subsets
from .learning_curve_result import LearningCurve


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"])],
        "n_micrographs": ["array-like", None],
        "n_repeats": [Interval(Integral, 1, 1000, closed="both")],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=False,
)
def learning_curve(
    estimator,
    X,
    y,
    *,
    groups=None,
    cv=5,
    n_micrographs=None,
    n_repeats=1,
    n_jobs=None,
    random_state=None,
    verbose=False,
):
    """Cross-validate with more and more micrographs to train on.

    Parameters
    ----------
    estimator : estimator
        A classifier, mostly a pipeline; it is cloned for each fit.
    X : particle table or array of shape (n_samples, n_features)
        What the estimator is fitted on.
    y : array-like of shape (n_samples,)
        Class of each particle, in the order of the rows of ``X``.
    groups : array-like of shape (n_samples,)
        Micrograph of each particle. It has to be given.
    cv : int, cross-validation splitter or iterable, default=5
        The folds, as for :func:`cross_validate_particles`.
    n_micrographs : array-like of int, default=None
        Numbers of micrographs to train on. None means all of them, half of them, a
        quarter of them and so on, down to the least of which every fold has all
        classes to train on. A fold that has fewer trains on all it has.
    n_repeats : int, default=1
        How often the subsets of micrographs are drawn. More of them even out which
        micrographs a small subset happens to have. All micrographs are trained on once.
    n_jobs : int, default=None
        Number of folds that run at once; None means 1, -1 one for each core.
    random_state : int, RandomState instance or None, default=None
        Seed of the subsets.
    verbose : bool, default=False
        Show a progress bar over the folds of each subset.

    Returns
    -------
    curve : LearningCurve
        The predictions by number of micrographs, with scores, gains and intervals.

    Raises
    ------
    TypeError
        As :func:`cross_validate_particles` does.
    ValueError
        If there are no groups; a fold has less than two micrographs to train on;
        ``n_micrographs`` are no whole numbers, or are more than any fold trains on, or
        so few that there is a single class; and as :func:`cross_validate_particles`
        does.

    Warns
    -----
    UserWarning
        If a subset of ``n_micrographs`` lacks a class that the fold has; and as
        :func:`cross_validate_particles` does.

    See Also
    --------
    cross_validate_particles : The last point of the curve, by itself.
    sklipo.displays.LearningCurveDisplay : Draws it.
    sklearn.model_selection.learning_curve : Scores by numbers of samples, whichever
        micrographs these are of.

    Notes
    -----
    Each fold tests the same particles at each point, by an estimator that was trained
    on a part of the other micrographs. Subsets of a fold are nested: whoever labels
    more micrographs keeps those that are labeled. Whole micrographs are drawn, since
    particles of the same one resemble each other: ten more of a new micrograph tell
    more than ten more of a known one.

    Subsets are drawn, 100 times at most, until the smallest one has each class that the
    fold trains on. Small ones thus hold rare classes more often than labels of as many
    micrographs would, and the first gains are rather more than those that are shown.

    Some estimators need several particles of each class, as those that calibrate their
    probabilities by folds of their own. Where the least micrographs have fewer, fitting
    fails with a note that names the numbers to begin with.

    With all micrographs, each fold trains on what :func:`cross_validate_particles`
    trains it on: the curve ends at its result, to the bit if the estimator has a seed.
    The same seed gives the same curve, whatever ``n_jobs``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklipo.evaluation import learning_curve
    >>> rng = np.random.default_rng(0)
    >>> micrographs = np.repeat(np.arange(40), 5)
    >>> y = np.tile(["empty", "full"], 100)
    >>> X = rng.normal(size=(200, 8)) + (y == "full")[:, np.newaxis] * 0.5
    >>> curve = learning_curve(GaussianNB(), X, y, groups=micrographs, random_state=0)
    >>> curve.scores().round(2)
                   n_particles  score   low  high
    n_micrographs
    2                     10.0   0.62  0.54  0.68
    4                     20.0   0.68  0.62  0.75
    8                     40.0   0.77  0.72  0.82
    16                    80.0   0.80  0.73  0.85
    32                   160.0   0.77  0.70  0.84
    """
    if groups is None:
        raise ValueError(
            "groups is None, but whole micrographs are drawn: what is asked is what "
            "more of them would gain, and those of one micrograph resemble each other. "
            "Pass the micrograph of each particle, as groups=X['micrograph']; "
            "sklearn.model_selection.learning_curve draws single particles."
        )
    y, groups = check_labels_and_groups(X, y, groups)
    folds = make_folds(X, y, groups, cv)
    warn_of_missing_classes(np.unique(y), y, folds)
    plan = _plan(folds, y, groups, n_micrographs, n_repeats, random_state)
    jobs = {"n_jobs": n_jobs, "verbose": verbose}
    model = PreparedModel.prepare(estimator, X, y, groups, None, **jobs)
    sizes = list(plan)
    return LearningCurve(
        n_micrographs=np.array(sizes),
        n_particles=np.array([_mean_size(repeats) for repeats in plan.values()]),
        results=[
            _cross_validate(model, plan[size], size, sizes, jobs) for size in plan
        ],
    )


def _plan(folds, y, groups, n_micrographs, n_repeats, random_state):
    """Return folds with less to train on, for each size and each repeat."""
    n_most = max(len(np.unique(groups[train])) for train, _ in folds)
    sizes = choose_sizes(n_micrographs, n_most)
    random_state = own_random_state(random_state)
    repeats = [
        [draw_subsets(train, y, groups, sizes[0], random_state) for train, _ in folds]
        for _ in range(n_repeats)
    ]
    subsets = [of_fold for subsets in repeats for of_fold in subsets]
    if n_micrographs is None:
        sizes = sizes[sizes >= max(of_fold.cover for of_fold in subsets)]
    check_subsets(sizes, subsets)
    return {
        size: [
            [
                (of_fold.take(size), test)
                for of_fold, (_, test) in zip(subsets, folds, strict=True)
            ]
            # All micrographs are the same ones each time.
            for subsets in (repeats[:1] if size >= n_most else repeats)
        ]
        for size in sizes.tolist()
    }


def _cross_validate(model, repeats, size, sizes, jobs):
    """Return the results of some repeats; an error notes which sizes are larger."""
    try:
        return [model.cross_validate(folds, **jobs) for folds in repeats]
    except Exception as error:
        if larger := [n for n in sizes if n > size]:
            error.add_note(
                f"These are {size} micrographs. If they have too few particles to fit "
                f"the estimator on, begin with more: n_micrographs={larger}."
            )
        raise


def _mean_size(repeats):
    """Return how many particles folds train on, on average."""
    return np.mean([len(train) for folds in repeats for train, _ in folds])
