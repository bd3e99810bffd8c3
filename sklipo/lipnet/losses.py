"""The losses that a LipNet can minimize, all with smoothed labels and weights."""

from numbers import Real

import torch

# Private parts of scikit-learn: _param_validation.
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval


class CrossEntropyLoss(BaseEstimator):
    r"""Cross-entropy with smoothed labels and weighted samples.

    See Also
    --------
    FocalLoss : Lets samples that are easy count less.
    LogitAdjustedLoss : Makes up for classes of differing frequency.
    LipNetClassifier : Minimizes this loss by default.

    Notes
    -----
    Formula 2 of the thesis: the target is :math:`1 - \epsilon` for the true class and
    :math:`\epsilon / (K - 1)` for each of the other :math:`K - 1`. This is a mixture of
    the true class and, to :math:`\epsilon K / (K - 1)`, the uniform distribution.
    ``torch.nn.CrossEntropyLoss`` gives :math:`\epsilon / K` to every class, the true
    one too.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet import CrossEntropyLoss
    >>> logits = torch.log(torch.tensor([[0.5, 0.25, 0.25]]))
    >>> CrossEntropyLoss()(logits, torch.tensor([0]), label_smoothing=0.1)
    tensor(0.7625)
    """

    _parameter_constraints = {}

    def __call__(self, logits, codes, weights=None, *, label_smoothing=0, totals=None):
        r"""Return the mean over the batch of weight times loss.

        Parameters
        ----------
        logits : Tensor of shape (n_samples, n_classes)
            Output of the network.
        codes : Tensor of shape (n_samples,), dtype int64
            Index of each sample's true class.
        weights : Tensor of shape (n_samples,), default=None
            Weight of each sample, 1 by default; their mean over the training set is 1.
        label_smoothing : float, default=0
            Probability :math:`\epsilon` that is taken from the true class.
        totals : Tensor of shape (n_classes,), default=None
            Sum of the sample weights of each class in what the epoch shows. By
            default the classes are equally frequent.

        Returns
        -------
        loss : Tensor of shape ()
            Scalar to minimize.
        """
        n_classes = logits.shape[1]
        totals = logits.new_ones(n_classes) if totals is None else totals
        terms = self._class_terms(logits, totals)
        true = terms.gather(1, codes[:, None]).squeeze(1)
        share = label_smoothing * n_classes / (n_classes - 1)
        losses = -(1 - share) * true - share * self._mean_over_classes(terms, totals)
        return (losses if weights is None else weights * losses).mean()

    def _class_terms(self, logits, totals):
        """Return, for each class, the negative loss if that class were the true one."""
        return logits.log_softmax(dim=1)

    def _mean_over_classes(self, terms, totals):
        """Return the mean of each sample's terms over what smoothing mixes in."""
        return terms.mean(dim=1)


class FocalLoss(CrossEntropyLoss):
    r"""Cross-entropy in which samples that are already right count less.

    Parameters
    ----------
    gamma : float, default=2.0
        How fast samples lose influence as they become right; 0 is cross-entropy.

    See Also
    --------
    CrossEntropyLoss : The loss with gamma = 0.

    Notes
    -----
    Lin et al. [1]_ multiply :math:`-\log p` of the true class by
    :math:`(1 - p)^\gamma`. With smoothed labels, as here, the term
    :math:`-\log p_k` of each class is multiplied by its own :math:`(1 - p_k)^\gamma`.

    References
    ----------
    .. [1] T.-Y. Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet import FocalLoss
    >>> logits = torch.log(torch.tensor([[0.5, 0.25, 0.25]]))
    >>> FocalLoss(gamma=2.0)(logits, torch.tensor([0]))
    tensor(0.1733)
    """

    _parameter_constraints = {"gamma": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, gamma=2.0):
        self.gamma = gamma

    def _class_terms(self, logits, totals):
        log_p = logits.log_softmax(dim=1)
        # A power below 1 has no gradient at 0.
        missing = (-log_p.expm1()).clamp_min(torch.finfo(log_p.dtype).tiny)
        return missing ** float(self.gamma) * log_p


class LogitAdjustedLoss(CrossEntropyLoss):
    r"""Cross-entropy of logits to which the classes' log frequencies are added.

    Parameters
    ----------
    tau : float, default=1.0
        How much of the log frequencies is added. 1 makes up for them in full, 0 is
        cross-entropy.

    See Also
    --------
    CrossEntropyLoss : The same where classes are equally frequent.

    Notes
    -----
    Menon et al. [1]_; with :math:`\tau = 1` also known as balanced softmax. To the
    logits of a class of frequency :math:`\pi` the loss adds :math:`\tau \log \pi`. In
    training, the frequencies then explain why a class is rare. The network's own
    logits, by which it predicts, stand for classes of equal frequency: their maximum
    minimizes the balanced error.

    Frequencies are shares in the sample weights of what an epoch shows: where an epoch
    sampler makes classes equal, this is cross-entropy. Class weights do not enter them
    and come on top; ``"balanced"`` would make up for rare classes twice. A class of
    which nothing is shown is not adjusted.

    Smoothing mixes the true class with what is added, as a distribution, instead of
    the uniform distribution, to the same share. Through the adjustment that becomes a
    uniform share in what is predicted, and the most probable class stays the same. A
    uniform share in the target could exceed the frequency of a rare class, which then
    would be predicted for every sample.

    References
    ----------
    .. [1] A. K. Menon et al., "Long-tail learning via logit adjustment", ICLR 2021.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet import LogitAdjustedLoss
    >>> totals = torch.tensor([90.0, 10.0])
    >>> LogitAdjustedLoss()(torch.zeros(1, 2), torch.tensor([1]), totals=totals)
    tensor(2.3026)
    """

    _parameter_constraints = {"tau": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, tau=1.0):
        self.tau = tau

    def _class_terms(self, logits, totals):
        frequencies = torch.where(totals > 0, totals / totals.sum(), 1)
        return (logits + float(self.tau) * frequencies.log()).log_softmax(dim=1)

    def _mean_over_classes(self, terms, totals):
        shares = (totals / totals.sum()) ** float(self.tau)
        return (terms * (shares / shares.sum())).sum(dim=1)


LOSSES = {
    "cross_entropy": CrossEntropyLoss,
    "focal": FocalLoss,
    "logit_adjusted": LogitAdjustedLoss,
}
