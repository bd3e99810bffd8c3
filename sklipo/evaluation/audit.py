"""The draw of an audit: particles of a new sample that an expert is to label."""

from collections.abc import Mapping
from numbers import Integral

import numpy as np
import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval, validate_params

# Private part of scikit-learn: check_consistent_length counts by it.
from sklearn.utils.validation import _num_samples

from .._random import own_random_state
from ..particles._labels import check_labels, check_values, warn_of_other_order
from ..particles._warnings import warn_without_groups

# Labels of each predicted class: as many as this where there are enough, and never
# fewer than the least, since a single label has no spread.
_WANTED, _LEAST = 5, 2


@validate_params(
    {
        "n": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def draw_audit(particles, n, *, groups=None, y_pred=None, random_state=None):
    r"""Draw the particles of a new sample that an expert should label.

    The draw is random with known probabilities and spread over the micrographs. Rare
    predicted classes get more labels than their share of the particles.

    Parameters
    ----------
    particles : particle table, list or array
        The new sample; of a list or an array only the length is looked at.
    n : int
        Number of particles to draw, at most all and at least two of each predicted
        class, or one where there is only one.
    groups : array-like of shape (n_samples,), default=None
        Micrograph of each particle, in the order of the table. Without, the draw is
        spread over particles alone.
    y_pred : array-like of shape (n_samples,), default=None
        Predicted class of each particle. A prediction such as "unsure" counts as a
        class. Without, all particles have the same probability.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw. Keep it with the study: an auditor can then repeat the draw.

    Returns
    -------
    audit : DataFrame
        One row per drawn particle, in the order of the table and with its index.
        Columns: ``row``, the position in the table from 0 on; ``group`` and
        ``prediction`` where given; ``probability``, that of being drawn; ``label``,
        which is missing and to be filled in.

    Raises
    ------
    TypeError
        If the particles are neither a table nor a sequence, or predictions are neither
        text nor numbers.
    ValueError
        If there are fewer than ``n`` particles, ``n`` is too small for the number of
        predicted classes, ``groups`` or ``y_pred`` are of another length, or one of
        them is missing.

    Warns
    -----
    UserWarning
        If the particles have a column ``micrograph`` and there are no ``groups``; if
        ``groups`` or ``y_pred`` have the index of the table in another order.

    See Also
    --------
    sklipo.estimate_prevalence : Takes the labels as ``audited``.
    sklipo.count_by : Counts predictions of each micrograph.
    sklipo.labeling.label_page : Shows them to an expert.
    sklipo.displays.ParticleGalleryDisplay : Shows the particles.

    Notes
    -----
    Each predicted class is a stratum. Of the :math:`N_j` particles of stratum :math:`j`
    it draws :math:`n_j`, in proportion to :math:`\sqrt{N_j}` as nearly as whole numbers
    go, but at least five where there are as many and ``n`` is large enough. This is
    Bankier's power allocation [1]_ with power 1/2. It lies between shares in proportion
    to :math:`N_j`, which leave next to no labels to a rare class, and equal shares,
    which leave the frequent class, and by that the whole, uncertain.

    Within a stratum the draw is systematic [2]_. The micrographs are put in random
    order, and the particles of each in random order. From a random start, every
    :math:`N_j / n_j`-th particle is drawn. Each has the probability
    :math:`n_j / N_j`, and a micrograph's number of labels in it differs from the
    proportional number by less than one.

    Experts should give labels without seeing the predictions. Where they can't tell the
    class, they should say so by a class of its own, such as "uncertain": particles
    without a label are taken to be like the others.

    References
    ----------
    .. [1] M. D. Bankier, "Power allocations: determining sample sizes for subnational
       areas", The American Statistician 42, 174-177, 1988.
    .. [2] W. G. Cochran, "Sampling Techniques", 3rd edition, Wiley, 1977, chapter 8.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import draw_audit
    >>> y_pred = np.repeat(["full", "empty"], [950, 50])
    >>> micrographs = np.arange(1000) % 20
    >>> audit = draw_audit(
    ...     y_pred, 60, groups=micrographs, y_pred=y_pred, random_state=0
    ... )
    >>> audit.groupby("prediction")["probability"].agg(["size", "first"])
                size     first
    prediction
    empty         11  0.220000
    full          49  0.051579

    ``audit.to_csv("audit.csv", index=False)`` writes the table for the expert, and
    ``pandas.read_csv`` reads it once the labels are filled in.
    """
    n_particles = _count(particles)
    if n > n_particles:
        raise ValueError(f"n={n}, but there are {n_particles} particles.")
    columns = {}
    if groups is not None:
        warn_of_other_order(particles, groups, "particles", "groups")
        columns["group"] = check_values(groups, n_particles, name="groups")
    else:
        warn_without_groups(
            particles, "The draw is then not spread over the micrographs."
        )
    if y_pred is not None:
        warn_of_other_order(particles, y_pred, "particles", "y_pred")
        columns["prediction"] = check_labels(y_pred, n_particles, name="y_pred")
    rows, probability = _draw(n, n_particles, random_state=random_state, **columns)
    columns = {name: values[rows] for name, values in columns.items()}
    columns["probability"] = probability
    # None, not NaN: the column takes text, which floats would refuse.
    columns["label"] = np.full(len(rows), None)
    return pd.DataFrame({"row": rows, **columns}, index=_index(particles)[rows])


def _count(particles):
    """Return the number of particles of a table, list or array."""
    if isinstance(particles, str | Mapping):
        raise TypeError(
            f"particles is a {type(particles).__name__}; expected a particle table, or "
            "a list or array with an entry for each particle."
        )
    return _num_samples(particles)


def _index(particles):
    """Return the index of a table or Series, for others the numbers of the rows."""
    if hasattr(particles, "iloc"):
        return particles.index
    return pd.RangeIndex(_num_samples(particles))


def _draw(n, n_particles, *, group=0, prediction=0, random_state):
    """Draw rows, in order, and return them with their probabilities."""
    generator = own_random_state(random_state)
    stratum, group = (
        np.unique(np.broadcast_to(values, n_particles), return_inverse=True)[1]
        for values in (prediction, group)
    )
    sizes = np.bincount(stratum)
    n_drawn = _share_out(n, sizes)
    place = generator.permutation(group.max() + 1)[group]
    order = np.lexsort((generator.permutation(n_particles), place, stratum))
    members = np.split(order, np.cumsum(sizes)[:-1])
    starts = [generator.randint(size) for size in sizes]
    # In whole numbers, each particle of N is hit by n of the N starts exactly.
    rows = [
        rows[(start + len(rows) * np.arange(n_rows)) // n_rows]
        for rows, start, n_rows in zip(members, starts, n_drawn, strict=True)
    ]
    rows = np.sort(np.concatenate(rows))
    return rows, (n_drawn / sizes)[stratum[rows]]


def _share_out(n, sizes):
    """Share n labels between strata in proportion to the roots of their sizes."""
    least = np.minimum(sizes, _LEAST).sum()
    if n < least:
        raise ValueError(
            f"n={n} is too small; expected {least} or more: {_LEAST} of each of "
            f"{len(sizes)} predicted classes, or all where there are fewer."
            if len(sizes) > 1
            else f"n={n} is too small; expected {least} or more."
        )
    floors = (np.minimum(sizes, few) for few in range(_WANTED, _LEAST - 1, -1))
    floor = next(floor for floor in floors if floor.sum() <= n)
    # The k-th label of a stratum ranks by root / (k - 1/2), as seats of a parliament do
    # (Webster, Sainte-Laguë): the n highest ranks go by proportion, rounded fairly.
    stratum = np.repeat(np.arange(len(sizes)), sizes)
    k = np.arange(len(stratum)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1
    rank = np.where(k <= floor[stratum], np.inf, np.sqrt(sizes)[stratum] / (k - 0.5))
    chosen = np.argsort(-rank, kind="stable")[:n]
    return np.bincount(stratum[chosen], minlength=len(sizes))
