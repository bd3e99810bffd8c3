"""How far experts agree on the classes of the same particles."""

from itertools import combinations

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_random_state

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import validate_params

from ..evaluation._bootstrap import draw_sums
from ..evaluation._intervals import INTERVAL_PARAMETERS, usual_seed, widen
from ..evaluation._resampled_counts import effective_number, interval_ends
from ..particles._labels import (
    check_labels,
    check_names,
    check_same_kind,
    encode,
    find_classes,
    one_a_row,
    warn_of_other_order,
)
from ..particles._warnings import warn_caller


@validate_params(INTERVAL_PARAMETERS, prefer_skip_nested_validation=True)
def agreement_table(
    first,
    second,
    *others,
    groups=None,
    level=0.95,
    n_resamples=1000,
    random_state=None,
):
    r"""Return how far experts agree on each class, and on all of them.

    A model that agrees with an expert as far as another expert does is as good as can
    be asked for: where experts disagree, their labels can't tell who is right.

    Parameters
    ----------
    first, second : array-like of shape (n_particles,)
        Classes that two experts gave to the same particles in the same order; missing
        (None or NaN) where an expert gave none.
    *others : array-like of shape (n_particles,)
        Classes by further experts.
    groups : array-like of shape (n_particles,), default=None
        Micrograph of each particle, by which intervals are drawn. Without groups,
        single particles are drawn, and intervals are too narrow if particles of one
        micrograph resemble each other.
    level : float, default=0.95
        Level of confidence of the intervals, between 0 and 1.
    n_resamples : int, default=1000
        Number of bootstrap samples.
    random_state : int, RandomState instance or None, default=None
        Seed of the bootstrap. None draws the same samples at each call.

    Returns
    -------
    table : DataFrame
        One row per class, sorted, and a last one ``all`` for all together (``(all)`` if
        a class has this name). The columns have two levels:

        - ``agreement``: ``value``, ``low`` and ``high``, the share of agreement and its
          interval: for a class, of the labels of it those that the other expert has
          confirmed (specific agreement); for all, of the particles those that have the
          same label twice;
        - ``kappa``: ``value``, ``low`` and ``high``, agreement beyond chance: for a
          class, of it against all others;
        - ``labels``: ``compared``, the number of labels by either expert of particles
          that the other one has labeled, too, and ``left_out``, of those that the other
          one has not;
        - ``confusion``: the number of particles of each class by the second expert (the
          columns) among those that the first one gave the class of the row.

        With more than two experts, the index has the levels ``experts`` and ``class``:
        such a table for each pair, as ``1 and 2`` or by the names of the Series if
        these differ; then one for ``all``, whose confusion is the sum of those of the
        pairs in both directions, and whose kappa is that of Fleiss.

    Raises
    ------
    TypeError
        If some labels are text and others numbers, or they are neither.
    ValueError
        If experts have not as many labels, missing ones counted, one of them has none,
        no particle has labels by two experts, or a group is missing.

    Warns
    -----
    UndefinedMetricWarning
        If kappa is undefined for a class, since all experts agree that none, or that
        every one, of the particles is of it. It is NaN; so is the agreement on a class
        that nobody has given, and all of two experts who share no particle.
    UserWarning
        If two Series have the same index in another order.

    See Also
    --------
    sklipo.evaluation.CrossValidationResult.summary : Shows it beside the scores.
    sklearn.metrics.cohen_kappa_score : Kappa of two experts.
    sklipo.metrics.class_kappa : Kappa of a model and the truth.

    Notes
    -----
    Where the first and the second expert gave a class :math:`f` and :math:`s` times,
    and both of them :math:`a` times, the specific agreement is
    :math:`2 a / (f + s)` [1]_. It takes no side: it is the F1 of either expert if the
    other one tells the truth. Of a rare class it tells what the overall agreement
    hides. Cohen's kappa [2]_ is

    .. math:: \kappa = \frac{p_o - p_e}{1 - p_e}

    with the share :math:`p_o` of particles with the same label twice and the share
    :math:`p_e` that would have it if both experts labeled independently, each as often
    as before. Where each of more than two experts has labeled every particle, the same
    formula is Fleiss' kappa [3]_ for the sum of the confusion matrices of all pairs, in
    both directions. Where labels are missing, a particle counts for each pair of its
    labels.

    How far can a model agree with an expert? If experts err independently of each
    other and as often, a model without any error has at most about the square root of
    their kappa: 0.8 where two experts have 0.64. (So much a measure without error
    correlates with one of that reliability [4]_.) What a model has beyond this, it has
    learned of the habits of the expert who made its labels.

    Intervals are made as those of
    :meth:`~sklipo.evaluation.CrossValidationResult.summary`: of whole micrographs drawn
    with replacement, wider for few of them, with one more particle of each class that
    the experts agree on or not by random weights, as 5 labels confirmed of 5 are no
    proof of 100 %. With a single micrograph, their ends are NaN. In 300 simulated
    studies each of 5, 10, 20 and 50 micrographs, with classes of 80, 15 and 5 %, 95 %
    intervals of kappa held the truth in 94, 93, 95 and 97 %, those of the agreement on
    the rarest class in 99, 95, 95 and 93 %.

    References
    ----------
    .. [1] J. L. Fleiss, "Statistical Methods for Rates and Proportions", 2nd ed.,
       Wiley, 1981, section 13.1.
    .. [2] J. Cohen, "A coefficient of agreement for nominal scales", Educational and
       Psychological Measurement 20, 37-46, 1960.
    .. [3] J. L. Fleiss, "Measuring nominal scale agreement among many raters",
       Psychological Bulletin 76, 378-382, 1971.
    .. [4] C. Spearman, "The proof and measurement of association between two things",
       The American Journal of Psychology 15, 72-101, 1904.

    Examples
    --------
    >>> from sklipo.labeling import agreement_table
    >>> anna = ["full", "full", "empty", "full", "empty", None]
    >>> ben = ["full", "full", "empty", "empty", "empty", "full"]
    >>> table = agreement_table(anna, ben, groups=[1, 1, 1, 2, 2, 2])
    >>> table.drop(columns=["low", "high"], level=1).round(2)
          agreement kappa   labels          confusion
              value value compared left_out     empty full
    class
    empty       0.8  0.62        5        0         2    0
    full        0.8  0.62        5        1         1    2
    all         0.8  0.62       10        1         3    2
    """
    experts = (first, second, *others)
    codes, classes = _check_labels(experts)
    groups = _number_groups(first, groups, codes.shape[1])
    draw = level, int(n_resamples), usual_seed(random_state)
    parts = {
        " and ".join(names): codes[list(pair)]
        for names, pair in zip(
            combinations(_name_experts(experts), 2),
            combinations(range(len(experts)), 2),
            strict=True,
        )
    }
    if others:
        parts["all"] = codes
    tables = {
        name: _compare(part, classes, groups, draw) for name, part in parts.items()
    }
    table = pd.concat(tables, names=["experts", "class"])
    if not others:
        table = table.droplevel("experts")
    _warn_of_undefined(table)
    return table


def _check_labels(experts):
    """Return the labels of each expert as codes, -1 where missing, and the classes."""
    names = ["first", "second", *(f"others[{i}]" for i in range(len(experts) - 2))]
    given, is_missing = zip(*map(_check_expert, experts, names), strict=True)
    for name, labels, checked in list(zip(names, experts, given, strict=True))[1:]:
        warn_of_other_order(experts[0], labels, "first", name)
        check_same_kind({"first": given[0], name: checked})
        if len(checked) != len(given[0]):
            raise ValueError(
                f"first has {len(given[0])} labels and {name} {len(checked)}; expected "
                "as many, of the same particles in the same order. A label that an "
                "expert did not give is None."
            )
    classes = find_classes(*given)
    codes = np.stack([encode(labels, classes) for labels in given])
    codes[np.stack(is_missing)] = -1
    if (np.sum(codes >= 0, axis=0) < 2).all():
        raise ValueError(
            "No particle has labels by two experts; expected the same particles in "
            "the same order."
        )
    # Missing ones make floats of whole numbers.
    is_number = classes.dtype.kind == "f"
    return codes, [int(c) if is_number else c for c in classes.tolist()]


def _check_expert(labels, name):
    """Return the labels of an expert, and which of them are missing: these are any."""
    values = one_a_row(labels, name)
    is_missing = pd.isna(values)
    if is_missing.all():
        raise ValueError(f"{name} has no label; expected one or more.")
    # A label in place of each missing one leaves the rows as errors name them.
    rows = np.where(is_missing, is_missing.argmin(), np.arange(len(values)))
    return check_labels(values[rows], name=name), is_missing


def _name_experts(experts):
    """Return the names of the Series where all differ, else numbers from 1 on."""
    names = [getattr(labels, "name", None) for labels in experts]
    if None in names or len(set(map(str, names))) < len(names):
        names = range(1, len(names) + 1)
    return list(map(str, names))


def _number_groups(first, groups, n_particles):
    """Return the number of the group of each particle, None without groups."""
    if groups is None:
        return None
    warn_of_other_order(first, groups, "first", "groups")
    groups = check_names(groups, n_particles, name="groups")
    return np.unique(groups, return_inverse=True)[1]


def _compare(codes, classes, groups, draw):
    """Return the table of two experts, or of all pairs of more."""
    n_classes = len(classes)
    n_labels = np.sum(codes >= 0, axis=0)
    # Without groups, particles are units, sorted so that their order does not matter.
    units = np.argsort(np.lexsort(codes)) if groups is None else groups
    confusion = np.zeros((n_classes, n_classes), int)
    tallies = np.zeros((units.max() + 1, 3, n_classes))
    for one, other in combinations(codes, 2):
        _count_pairs(one, other, units, confusion, tallies)
    if len(codes) > 2:
        confusion += confusion.T
        tallies += tallies[:, [0, 2, 1]]
    # How many pairs of labels a particle with a label by each expert has.
    n_pairs = 1 if len(codes) == 2 else len(codes) * (len(codes) - 1)
    columns = {
        **_intervals(tallies[tallies.any(axis=(1, 2))], n_pairs, *draw),
        ("labels", "compared"): _count_labels(codes[:, n_labels > 1], n_classes),
        ("labels", "left_out"): _count_labels(codes[:, n_labels == 1], n_classes),
    }
    for label, counts in zip(classes, confusion.T, strict=True):
        columns["confusion", label] = _with_sum(counts)
    return pd.DataFrame(columns, index=[*classes, _name_all(classes)])


def _name_all(classes):
    """Return a name for all classes together that none of them has."""
    name = "all"
    while name in classes:
        name = f"({name})"
    return name


def _count_pairs(one, other, units, confusion, tallies):
    """Add the labels of two experts to a confusion matrix and to tallies of units.

    A tally holds, for each class, how often both, the first and the second gave it.
    """
    is_common = (one >= 0) & (other >= 0)
    one, other, units = one[is_common], other[is_common], units[is_common]
    is_same = one == other
    np.add.at(confusion, (one, other), 1)
    np.add.at(tallies, (units[is_same], 0, one[is_same]), 1)
    np.add.at(tallies, (units, 1, one), 1)
    np.add.at(tallies, (units, 2, other), 1)


def _count_labels(codes, n_classes):
    """Return how many labels there are of each class, and of all."""
    return _with_sum(np.bincount(codes[codes >= 0], minlength=n_classes))


def _with_sum(counts):
    """Return counts with their sum at the end."""
    return np.append(counts, counts.sum())


def _intervals(tallies, n_pairs, level, n_resamples, random_state):
    """Return agreement and kappa with their intervals, by columns of the table."""
    random_state = check_random_state(random_state)
    whole = tallies.sum(axis=0)
    samples = draw_sums(tallies, n_resamples, random_state)
    samples += n_pairs * _draw_pseudo_particles(whole, n_resamples, random_state)
    n_units = effective_number(tallies[:, 1].sum(axis=-1))
    columns = {}
    for name, value, drawn in zip(
        ("agreement", "kappa"), _measure(whole), _measure(samples), strict=True
    ):
        low, high = interval_ends(drawn, value, widen(level, n_units))
        columns |= {(name, "value"): value, (name, "low"): low, (name, "high"): high}
    return columns


def _draw_pseudo_particles(whole, n_samples, random_state):
    """Return tallies of a particle of each class, agreed on or not by random weights.

    Where all labels of a class are confirmed, samples of them alone would know of no
    doubt. The weights are those of Jeffreys' prior: on average, a half each. Of a
    disagreement, both directions and all other classes have the same share.
    """
    is_given = whole[1:].any(axis=0)
    shape = np.where(is_given, 0.5, 0)
    size = (2, n_samples, len(is_given))
    same, different = random_state.gamma(shape, size=size)
    n_others = is_given.sum() - 1
    if n_others < 1:
        different[:] = 0
    of_others = different.sum(axis=-1, keepdims=True) - different
    given = same + (different + is_given * of_others / max(n_others, 1)) / 2
    return np.stack([same, given, given], axis=-2)


def _measure(tallies):
    """Return agreement and kappa of each class and, last, of all classes together."""
    same, first, second = np.moveaxis(tallies, -2, 0)
    by_chance = first * second
    n, n_same, n_by_chance = (
        part.sum(axis=-1, keepdims=True) for part in (first, same, by_chance)
    )
    # Undefined is 0 / 0.
    with np.errstate(invalid="ignore"):
        agreement = [2 * same / (first + second), n_same / n]
        kappa = [
            2 * (n * same - by_chance) / (n * (first + second) - 2 * by_chance),
            (n * n_same - n_by_chance) / (n**2 - n_by_chance),
        ]
    return np.concatenate(agreement, axis=-1), np.concatenate(kappa, axis=-1)


def _warn_of_undefined(table):
    """Warn of classes whose kappa is undefined: any other figure is then defined."""
    rows = table.index[table["kappa", "value"].isna()].tolist()
    if rows:
        warn_caller(
            f"kappa is undefined for {rows}: the experts agree that none, or that "
            "every one, of the particles that they share is of the class. It is NaN.",
            UndefinedMetricWarning,
        )
