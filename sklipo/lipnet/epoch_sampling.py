"""Which samples each epoch shows."""

from numbers import Real

import numpy as np
from imblearn.utils import check_sampling_strategy

# Private parts of scikit-learn: _param_validation.
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import column_or_1d

from ._batches import draw_rows
from ._checks import check_groups, check_power

_STRATEGIES = {"minority", "not minority", "not majority", "all", "auto"}


class EpochSampler(BaseEstimator):
    """Base of the samplers that draw another part of the training set at each epoch.

    A subclass says in ``count_samples`` how many samples of each class an epoch shows.
    It may have a parameter ``power``, see :class:`EpochOverSampler`.

    See Also
    --------
    EpochOverSampler : Repeats samples of the smaller classes.
    EpochUnderSampler : Leaves samples of the largest class out.

    Examples
    --------
    >>> from sklipo.lipnet.epoch_sampling import EpochOverSampler, EpochSampler
    >>> isinstance(EpochOverSampler(), EpochSampler)
    True
    """

    _parameter_constraints = {}
    power = 1.0

    def sample(self, y, groups=None, generator=None):
        """Draw the samples of one epoch.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Class labels.
        groups : array-like of shape (n_samples,), default=None
            Micrograph of each sample. Only a ``power`` other than 1 makes use of them.
        generator : torch.Generator, default=None
            Generator on the CPU; by default the global one of torch.

        Returns
        -------
        rows : ndarray of shape (n_samples_shown,), dtype int64
            Indices of the samples, class by class. Of one class each sample occurs
            equally often, or once more than the others; with ``power``, each of one
            class on one micrograph does.

        Raises
        ------
        TypeError
            If ``power`` is a bool.
        ValueError
            If a parameter is out of range or does not suit the classes, or if groups
            are missing or not one for each sample.
        """
        self._validate_params()
        y = column_or_1d(y)
        classes, codes = np.unique(y, return_inverse=True)
        groups = check_groups(groups, len(y))
        check_power(self, groups)
        counts = self.count_samples(y)
        counts = [counts[label] for label in classes]
        return draw_rows(codes, counts, generator, groups, self.power)


class EpochOverSampler(EpochSampler):
    """Balance the classes anew at each epoch, by repeating samples of the smaller ones.

    Give it to :class:`LipNetClassifier` as ``epoch_sampler``.

    Parameters
    ----------
    sampling_strategy : str, dict, float or callable, default="auto"
        What imbalanced-learn's ``RandomOverSampler`` takes: which classes become as
        large as the largest, by default all; or the number of samples of each class by
        label; or, of two classes, the size of the smaller relative to the larger.
    power : float, default=1.0
        What a micrograph's share in a class depends on, between 0 and 1, as in
        :func:`~sklipo.micrograph_weights`. With 1, all particles of a class share
        equally in what an epoch shows of it, and ``fit`` needs no ``groups``. With 0,
        all micrographs that have the class do; with 0.5, a micrograph of four times as
        many particles of the class has twice the share.

    See Also
    --------
    sklipo.micrograph_weights : Gives micrographs the same shares by weights.
    imblearn.over_sampling.RandomOverSampler : Repeats samples once for all epochs.
    EpochUnderSampler : Leaves samples of the largest class out.

    Notes
    -----
    Section 4.8.1 of the thesis repeats samples once, before training. Here, where the
    repeats do not come out even, other samples get the additional one at each epoch,
    and no pixels are copied.

    With ``power``, how many samples a micrograph gives is drawn systematically: the
    number is less than one from its share, and equals it on the average of epochs.
    Where its samples come out uneven, again others get the additional one.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklipo.lipnet.epoch_sampling import EpochOverSampler
    >>> y = np.array(["full", "full", "full", "full", "full", "empty", "empty"])
    >>> generator = torch.Generator().manual_seed(0)
    >>> rows = EpochOverSampler().sample(y, generator=generator)
    >>> np.bincount(rows)
    array([1, 1, 1, 1, 1, 3, 2])

    Of the full ones, four are on one micrograph, and the fifth counts as two of them:

    >>> groups = ["a", "a", "a", "a", "b", "a", "b"]
    >>> rows = EpochOverSampler({"full": 6}, power=0.5).sample(y, groups, generator)
    >>> np.bincount(rows)
    array([1, 1, 1, 1, 2, 1, 1])
    """

    _parameter_constraints = {
        "sampling_strategy": [
            Interval(Real, 0, 1, closed="right"),
            StrOptions(_STRATEGIES),
            dict,
            callable,
        ],
        "power": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, sampling_strategy="auto", *, power=1.0):
        self.sampling_strategy = sampling_strategy
        self.power = power

    def count_samples(self, y):
        """Return how many samples of each class an epoch shows.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            Class labels.

        Returns
        -------
        counts : dict of int
            Number of samples by label.

        Raises
        ------
        ValueError
            If ``sampling_strategy`` names an unknown class or takes samples away.
        """
        counts = _count(y)
        strategy = self.sampling_strategy
        if isinstance(strategy, dict) and not strategy.keys() <= counts.keys():
            unknown = sorted(strategy.keys() - counts.keys(), key=str)
            raise ValueError(
                f"sampling_strategy={strategy!r} names {unknown}, not among the "
                f"classes {list(counts)}."
            )
        added = check_sampling_strategy(strategy, y, "over-sampling")
        return {label: n + added.get(label, 0) for label, n in counts.items()}


class EpochUnderSampler(EpochSampler):
    """Leave another random part of the largest class out at each epoch.

    Give it to :class:`LipNetClassifier` as ``epoch_sampler``.

    Parameters
    ----------
    drop : float, default=0.2
        Share of the largest class that an epoch does not show.

    See Also
    --------
    imblearn.under_sampling.RandomUnderSampler : Leaves samples out for good.
    EpochOverSampler : Repeats samples of the smaller classes.

    Notes
    -----
    Section 4.8.2 of the thesis. Epochs draw independently: after ``n`` of them a share
    of ``drop ** n`` has not been seen, of 20 % one sample in 3,000 after five.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklipo.lipnet.epoch_sampling import EpochUnderSampler
    >>> y = np.array(["full", "full", "full", "full", "full", "empty", "empty"])
    >>> generator = torch.Generator().manual_seed(0)
    >>> rows = EpochUnderSampler().sample(y, generator=generator)
    >>> y[rows].tolist()
    ['empty', 'empty', 'full', 'full', 'full', 'full']
    """

    _parameter_constraints = {"drop": [Interval(Real, 0, 1, closed="left")]}

    def __init__(self, drop=0.2):
        self.drop = drop

    def count_samples(self, y):
        """Return how many samples of each class an epoch shows.

        Parameters
        ----------
        y : ndarray of shape (n_samples,)
            Class labels.

        Returns
        -------
        counts : dict of int
            Number of samples by label, one or more.
        """
        counts = _count(y)
        largest = max(counts, key=counts.get)
        counts[largest] = max(1, counts[largest] - round(self.drop * counts[largest]))
        return counts


def _count(y):
    """Return the number of samples of each class by label."""
    labels, counts = np.unique(y, return_counts=True)
    return dict(zip(labels.tolist(), counts.tolist(), strict=True))
