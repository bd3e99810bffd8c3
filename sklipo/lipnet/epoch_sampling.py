"""Which samples each epoch shows."""

from numbers import Real

import numpy as np
from imblearn.utils import check_sampling_strategy

# Private parts of scikit-learn: _param_validation.
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import column_or_1d

from ._batches import draw_rows

_STRATEGIES = {"minority", "not minority", "not majority", "all", "auto"}


class EpochSampler(BaseEstimator):
    """Base of the samplers that draw another part of the training set at each epoch.

    A subclass says in ``count_samples`` how many samples of each class an epoch shows.

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

    def sample(self, y, generator=None):
        """Draw the samples of one epoch.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Class labels.
        generator : torch.Generator, default=None
            Generator on the CPU; by default the global one of torch.

        Returns
        -------
        rows : ndarray of shape (n_samples_shown,), dtype int64
            Indices of the samples, class by class. Of one class each sample occurs
            equally often, or once more than the others.

        Raises
        ------
        ValueError
            If a parameter is out of range or does not suit the classes.
        """
        self._validate_params()
        y = column_or_1d(y)
        classes, codes = np.unique(y, return_inverse=True)
        counts = self.count_samples(y)
        return draw_rows(codes, [counts[label] for label in classes], generator)


class EpochOverSampler(EpochSampler):
    """Balance the classes anew at each epoch, by repeating samples of the smaller ones.

    Give it to :class:`LipNetClassifier` as ``epoch_sampler``.

    Parameters
    ----------
    sampling_strategy : str, dict, float or callable, default="auto"
        What imbalanced-learn's ``RandomOverSampler`` takes: which classes become as
        large as the largest, by default all; or the number of samples of each class by
        label; or, of two classes, the size of the smaller relative to the larger.

    See Also
    --------
    imblearn.over_sampling.RandomOverSampler : Repeats samples once for all epochs.
    EpochUnderSampler : Leaves samples of the largest class out.

    Notes
    -----
    Section 4.8.1 of the thesis repeats samples once, before training. Here, where the
    repeats do not come out even, other samples get the additional one at each epoch,
    and no pixels are copied.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklipo.lipnet.epoch_sampling import EpochOverSampler
    >>> y = np.array(["full", "full", "full", "full", "full", "empty", "empty"])
    >>> rows = EpochOverSampler().sample(y, torch.Generator().manual_seed(0))
    >>> np.bincount(rows)
    array([1, 1, 1, 1, 1, 3, 2])
    """

    _parameter_constraints = {
        "sampling_strategy": [
            Interval(Real, 0, 1, closed="right"),
            StrOptions(_STRATEGIES),
            dict,
            callable,
        ],
    }

    def __init__(self, sampling_strategy="auto"):
        self.sampling_strategy = sampling_strategy

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
    >>> rows = EpochUnderSampler().sample(y, torch.Generator().manual_seed(0))
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
