"""Which particles to label next, so that each label is worth most."""

from numbers import Integral

import numpy as np
import pandas as pd
from scipy.special import softmax
from sklearn.utils import check_array

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

# Private part of scikit-learn: check_consistent_length counts by it.
from sklearn.utils.validation import _num_samples, check_is_fitted

from .._random import own_random_state
from .._steps import split_last_step, transform_by
from ..displays._probabilities import result_probabilities
from ..evaluation import CrossValidationResult
from ..features import ParticleFeatures
from ..particles._checking import holds_images
from ..particles._labels import (
    check_labels,
    check_same_kind,
    check_values,
    encode,
    one_a_row,
    warn_of_other_order,
)
from ..particles._probabilities import check_probabilities, class_names
from ..particles._warnings import warn_without_groups
from ._spreading import draw_apart, standardize

# So many candidates there are for each particle of a batch. Members of a rare class are
# few; among twice as many candidates most would be others.
_N_CANDIDATES = {"margin": 3, "rare": 1}


@validate_params(
    {
        "n": [Interval(Integral, 1, None, closed="left")],
        "strategy": [StrOptions({"margin", "diverse", "rare"})],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def suggest_particles(
    model,
    particles,
    n,
    *,
    y=None,
    groups=None,
    y_proba=None,
    strategy="margin",
    random_state=None,
):
    r"""Suggest the particles that an expert should label next.

    Parameters
    ----------
    model : estimator, CrossValidationResult or None
        What knows how sure it is: a fitted classifier that takes ``particles`` and has
        ``predict_proba`` or ``decision_function``, or the result of a cross-validation
        of these particles. None for the first batch, or with ``y_proba``.
    particles : particle table, list of 2-D arrays or array
        All particles, labeled or not. Rows of numbers, as of
        :class:`~sklipo.ParticleFeatures`, are read as measures.
    n : int
        Number of particles to suggest, the batch.
    y : array-like of shape (n_samples,), default=None
        Labels so far, missing (None or NaN) where there is none. Particles with a label
        are never suggested, nor are those that look like them while others are left.
    groups : array-like of shape (n_samples,), default=None
        Micrograph of each particle. Without, the batch is not spread over micrographs.
    y_proba : array-like of shape (n_samples, n_classes), default=None
        Probabilities of the particles, in place of those of a model. For "rare" with
        ``y``, its columns are the classes of ``y``, sorted, unless a DataFrame names
        them.
    strategy : {"margin", "diverse", "rare"}, default="margin"
        "margin": particles between two classes; "diverse": such as differ from all that
        are labeled; "rare": likely members of the classes with the fewest labels.
        Without a model, the batch is always as diverse as can be.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.

    Returns
    -------
    rows : ndarray of shape (n,)
        Positions in the table from 0 on, in the order in which to label them.

    Raises
    ------
    TypeError
        If the model is no classifier, the particles are neither images nor measures, or
        labels are of several kinds.
    ValueError
        If fewer than ``n`` particles are without a label; if ``y``, ``groups`` or
        ``y_proba`` are of another length than the particles; if probabilities are
        missing or do not sum up to 1; if there is both a model and ``y_proba``; if
        "rare" finds none of the classes of ``y`` among those of the model.
    NotFittedError
        If the model is not fitted.

    Warns
    -----
    UserWarning
        If the particles have a column ``micrograph`` and there are no ``groups``; if
        ``y``, ``groups`` or ``y_proba`` have the index of the table in another order.

    See Also
    --------
    label_page : Shows the particles to an expert, by ``order=``.
    sklipo.evaluation.learning_curve : Tells whether more labels pay.
    sklipo.draw_audit : Draws particles at random, to estimate shares by their labels.
    sklipo.evaluation.CrossValidationResult.suspicious_labels : Labels to look at again.

    Notes
    -----
    Particles that were suggested are no random sample. A model may learn from them, but
    their shares of classes are not those of the sample.

    **Score.** With the probabilities :math:`p_1 \ge p_2 \ge \dots` of a particle, that
    of "margin" is :math:`p_2 - p_1` [1]_. That of "rare" is
    :math:`\sum_k p_k / (1 + n_k)`, with :math:`n_k` labels of class :math:`k` so far
    or, without ``y``, as many as the sum of its probabilities. Only the order of scores
    counts, so a decision function does as well; softmax makes probabilities of it. The
    candidates are the :math:`3 n` particles with the highest scores [2]_, of "rare" the
    :math:`n` highest, of "diverse" all.

    **Draw.** From the candidates one particle is drawn after the other as k-means++
    does [3]_: with a probability in proportion to :math:`D^2 / (1 + c)^2`. Here
    :math:`D` is its distance from the nearest particle that is labeled or drawn, and
    :math:`c` the number of these in its micrograph. So there are no twins in a batch
    while others are left, and it is spread over micrographs. Every third particle is
    drawn from all, since a model does not look for classes that it does not know.

    **Distance.** It is Euclidean, between standardized measures; beyond 2 standard
    deviations they count as 2, and where missing as the mean. Measures are those of the
    model if it has a step :class:`~sklipo.ParticleFeatures`, those given, or all that
    this class measures by default. Thousands of particles are better measured once:
    models and this function take the rows.

    For the balanced accuracy of 80 to 360 random labels, the batches of "margin" needed
    0.3 to 0.7 times as many on the EMPS data set, and 0.2 to 0.5 times as many on
    artificial liposomes of which 97 % are full and 0.65 % empty. "rare" is for rare
    classes only: it finds most of their members, but where classes are equally frequent
    it needs more labels than random ones, twice as many on artificial liposomes.
    ``python -m benchmarks labeling`` prints the tables.

    References
    ----------
    .. [1] T. Scheffer, C. Decomain and S. Wrobel, "Active hidden Markov models for
       information extraction", International Symposium on Intelligent Data Analysis,
       309-318, 2001.
    .. [2] F. Zhdanov, "Diverse mini-batch active learning", arXiv:1901.05954, 2019.
    .. [3] D. Arthur and S. Vassilvitskii, "k-means++: the advantages of careful
       seeding", Symposium on Discrete Algorithms, 1027-1035, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import make_svc_pipeline
    >>> from sklipo.datasets import make_liposomes
    >>> from sklipo.labeling import suggest_particles
    >>> particles = make_liposomes(120, weights=None, random_state=0)
    >>> groups = particles["micrograph"]
    >>> rows = suggest_particles(None, particles, 20, groups=groups, random_state=0)

    An expert labels these; here the truth is known:

    >>> y = np.full(len(particles), None)
    >>> y[rows] = particles["label"].iloc[rows]
    >>> model = make_svc_pipeline().fit(particles.iloc[rows], y[rows])
    >>> more = suggest_particles(model, particles, 10, y=y, groups=groups)
    >>> np.intersect1d(rows, more).size
    0
    """
    n_particles = _num_samples(particles)
    labels, is_known = _check_labels_so_far(y, particles, n_particles)
    _check_number(n, n_particles, is_known.sum())
    groups = _check_groups(groups, particles, n_particles)
    y_proba, classes, measures = _ask(model, y_proba, particles, labels)
    measures = _measure(particles) if measures is None else measures
    measures = check_array(measures, dtype=float, ensure_all_finite="allow-nan")
    generator = own_random_state(random_state)
    # The rows are put into an order of their own, so that theirs does not matter.
    direction = generator.normal(size=measures.shape[1])
    order = np.argsort(np.nan_to_num(measures) @ direction, kind="stable")
    is_known, is_candidate = is_known[order], ~is_known[order]
    if strategy != "diverse" and y_proba is not None:
        scores = _score(y_proba, classes, labels, strategy)[order]
        n_candidates = _N_CANDIDATES[strategy] * n
        is_candidate = _has_highest(scores, is_candidate, n_candidates, generator)
    points = standardize(measures[order])
    rows = draw_apart(points, groups[order], is_known, is_candidate, n, generator)
    return order[rows]


def _check_labels_so_far(y, particles, n_particles):
    """Return the labels that there are, and which particles have one."""
    if y is None:
        return np.empty(0), np.zeros(n_particles, dtype=bool)
    warn_of_other_order(particles, y, "particles", "y")
    values = one_a_row(y, "y")
    is_known = ~pd.isna(values)
    # Checked with all rows in place, so that messages name the right one.
    any_label = values[is_known][0] if is_known.any() else 0
    labels = check_labels(np.where(is_known, values, any_label), n_particles)
    return labels[is_known], is_known


def _check_number(n, n_particles, n_known):
    """Refuse to suggest more particles than are without a label."""
    if n > n_particles - n_known:
        raise ValueError(
            f"n={n}, but {n_particles - n_known} of {n_particles} particles are without"
            " a label."
            if n_known < n_particles
            else f"All {n_particles} particles have a label; there are none to suggest."
        )


def _check_groups(groups, particles, n_particles):
    """Return the number of each particle's group; without groups, each is its own."""
    if groups is not None:
        warn_of_other_order(particles, groups, "particles", "groups")
        groups = check_values(groups, n_particles, name="groups")
        return np.unique(groups, return_inverse=True)[1]
    warn_without_groups(particles, "The batch is then not spread over the micrographs.")
    return np.arange(n_particles)


def _ask(model, y_proba, particles, labels):
    """Return probabilities, their classes, and measures, each None if not known."""
    if model is None and y_proba is None:
        return None, None, None
    measures = None
    if model is None:
        name, classes = "y_proba", _name_columns(y_proba, labels)
        warn_of_other_order(particles, y_proba, "particles", "y_proba")
    elif y_proba is not None:
        raise ValueError("Both model and y_proba are given; expected one of them.")
    elif isinstance(model, CrossValidationResult):
        name, classes, y_proba = "model", model.kinds, result_probabilities(model)
        warn_of_other_order(particles, model, "particles", "model")
    else:
        name, (y_proba, classes, measures) = "model", _predict(model, particles)
    columns = range(_n_columns(y_proba)) if classes is None else classes
    y_proba = check_probabilities(y_proba, _num_samples(particles), columns)
    if classes is not None and len(labels):
        _check_classes(classes, labels, name)
    return y_proba, classes, measures


def _predict(model, particles):
    """Return probabilities of a classifier, its classes, and measures if it has any."""
    before, last = split_last_step(model)
    if not (hasattr(last, "predict_proba") or hasattr(last, "decision_function")):
        raise TypeError(
            f"model, a {type(model).__name__}, has neither predict_proba nor "
            "decision_function; expected a fitted classifier, a CrossValidationResult "
            "or None."
        )
    check_is_fitted(model)
    X = transform_by(before, particles)
    if hasattr(last, "predict_proba"):
        y_proba = last.predict_proba(X)
    else:
        decisions = last.decision_function(X)
        if decisions.ndim == 1:
            decisions = np.column_stack([np.zeros_like(decisions), decisions])
        y_proba = softmax(decisions, axis=1)
    measured = any(isinstance(step, ParticleFeatures) for _, step in before)
    return y_proba, last.classes_, X if measured else None


def _name_columns(y_proba, labels):
    """Return the classes of the columns: their names, or those of labels if as many."""
    classes = np.unique(labels)
    if hasattr(y_proba, "columns"):
        # Those of results name classes as text.
        occurring = {str(label): label for label in classes.tolist()}
        return np.array([occurring.get(str(c), c) for c in class_names(y_proba)])
    return classes if len(classes) == _n_columns(y_proba) else None


def _n_columns(y_proba):
    """Return the number of columns, 1 where there is no such thing."""
    return (*np.asarray(y_proba, dtype=object).shape, 1, 1)[1]


def _check_classes(classes, labels, name):
    """Refuse labels of which a model or its probabilities know none."""
    check_same_kind({"y": labels, f"the classes of {name}": classes})
    if not np.isin(labels, classes).any():
        raise ValueError(
            f"{name} knows the classes {classes.tolist()}, but y has "
            f"{np.unique(labels).tolist()}; expected one or more in common. Was the "
            "model fitted to other labels?"
        )


def _measure(particles):
    """Return the measures of particles; rows of numbers are measures already."""
    if holds_images(particles):
        return ParticleFeatures().fit_transform(particles)
    return particles


def _score(y_proba, classes, labels, strategy):
    """Return how worthwhile a label of each particle is, by its probabilities."""
    if strategy == "margin":
        # A single class is sure of all.
        at_least_two = np.pad(y_proba, [(0, 0), (1, 0)])
        second, first = np.partition(at_least_two, -2, axis=1)[:, -2:].T
        return second - first
    if not len(labels):
        n_labels = y_proba.sum(axis=0)
    elif classes is None:
        raise ValueError(
            f"y_proba has {y_proba.shape[1]} columns, and y has the classes "
            f"{np.unique(labels).tolist()}. For strategy='rare', pass a DataFrame "
            "whose columns have the names of their classes."
        )
    else:
        codes = encode(labels, classes)
        n_labels = np.bincount(codes[codes >= 0], minlength=len(classes))
    return y_proba @ (1 / (1 + n_labels))


def _has_highest(scores, is_free, n, generator):
    """Tell which of the free particles have the n highest scores, drawing ties."""
    scores = np.where(is_free, scores, -np.inf)
    ranked = np.lexsort((generator.uniform(size=len(scores)), -scores))
    return is_free & np.isin(np.arange(len(scores)), ranked[:n])
