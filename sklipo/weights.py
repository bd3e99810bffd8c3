"""Weights of particles in training, by the micrographs that they are on."""

from numbers import Real

import numpy as np
import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval, validate_params

from .particles._labels import check_labels, check_names, warn_of_other_order


@validate_params(
    {"power": [Interval(Real, 0, 1, closed="both")]},
    prefer_skip_nested_validation=True,
)
def micrograph_weights(y, groups, power=0.5):
    r"""Return sample weights by which each micrograph has its share within its class.

    Particles of one micrograph resemble each other, so a hundred of them teach less
    than a hundred of many micrographs. With equal weights, a class is learned mostly
    from its fullest micrographs.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Class of each particle.
    groups : array-like of shape (n_samples,)
        Micrograph of each particle, in the order of ``y``: an index is not looked at.
    power : float, default=0.5
        What a micrograph's share in a class depends on, between 0 and 1. With 0, all
        micrographs that have the class share it equally; with 1, all its particles do,
        and each weight is 1. With 0.5, a micrograph of four times as many particles of
        the class has twice the share.

    Returns
    -------
    weights : ndarray of shape (n_samples,)
        Weight of each particle, above 0. The sum over a class is its number of
        particles, so the balance of the classes stays as it is.

    Raises
    ------
    TypeError
        If ``power`` is a bool, or ``y`` or ``groups`` mix text and numbers or hold
        neither names nor numbers.
    ValueError
        If ``power`` is not between 0 and 1, ``y`` and ``groups`` differ in length or
        are empty, or a label or a group is missing.

    Warns
    -----
    UserWarning
        If ``y`` and ``groups`` have the same index in another order.

    See Also
    --------
    cross_validate_particles : Splits weights in ``params`` as the particles.
    EpochOverSampler : Shows a network more of some micrographs, by the same shares.
    sklearn.utils.class_weight.compute_sample_weight : Weights by class alone.

    Notes
    -----
    A particle of class :math:`c` on micrograph :math:`g` has the weight

    .. math:: \frac{1}{n_{cg}} \; N_c \; \frac{n_{cg}^p}{\sum_h n_{ch}^p}

    with the power :math:`p`, :math:`n_{cg}` particles of the class on the micrograph
    and :math:`N_c` on all. These shares are Bankier's power allocation [1]_.

    References
    ----------
    .. [1] M. D. Bankier, "Power allocations: determining sample sizes for subnational
       areas", The American Statistician 42, 174-177, 1988.

    Examples
    --------
    Of four full particles on micrograph "a" and one on "b", the one counts as much as
    two of the four:

    >>> from sklipo import micrograph_weights
    >>> y = ["full", "full", "full", "full", "full", "empty"]
    >>> groups = ["a", "a", "a", "a", "b", "b"]
    >>> micrograph_weights(y, groups).round(3)
    array([0.833, 0.833, 0.833, 0.833, 1.667, 1.   ])
    >>> micrograph_weights(y, groups, power=0)
    array([0.625, 0.625, 0.625, 0.625, 2.5  , 1.   ])
    """
    # To scikit-learn, a bool is a number: True would weigh nothing, without a word.
    if isinstance(power, bool):
        raise TypeError(f"power={power}; expected a number between 0 and 1.")
    warn_of_other_order(y, groups, "y", "groups")
    y = check_labels(y)
    groups = check_names(groups, len(y), name="groups")
    codes = np.unique(y, return_inverse=True)[1]
    places, micrographs = pd.factorize(groups)
    # One entry for each class and micrograph that meet.
    pairs, pair_of, sizes = np.unique(
        codes * len(micrographs) + places, return_inverse=True, return_counts=True
    )
    class_of = pairs // len(micrographs)
    # Summed by size, so that the last bits do not depend on the order of the particles.
    order = np.argsort(sizes)
    shares = np.bincount(class_of[order], sizes[order] ** power)
    weights = sizes ** (power - 1.0) * (np.bincount(codes) / shares)[class_of]
    return weights[pair_of]
