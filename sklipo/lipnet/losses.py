"""The losses that a LipNet can minimise, all with smoothed labels and weights."""

import torch
from torch import nn


class SmoothedCrossEntropy(nn.Module):
    r"""Cross-entropy with smoothed labels and weighted samples.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Probability :math:`\epsilon` that is taken from the true class.

    See Also
    --------
    FocalLoss : Lets samples that are easy count less.
    LogitAdjustedCrossEntropy : Makes up for classes of differing frequency.
    LipNetClassifier : Minimises this loss.

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
    >>> from sklipo.lipnet.losses import SmoothedCrossEntropy
    >>> logits = torch.log(torch.tensor([[0.5, 0.25, 0.25]]))
    >>> SmoothedCrossEntropy(0.1)(logits, torch.tensor([0]), torch.ones(1))
    tensor(0.7625)
    """

    def __init__(self, label_smoothing=0.0):
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, logits, codes, weights):
        """Return the mean over the batch of weight times loss.

        Parameters
        ----------
        logits : Tensor of shape (n_samples, n_classes)
            Output of the network.
        codes : Tensor of shape (n_samples,), dtype int64
            Index of each sample's true class.
        weights : Tensor of shape (n_samples,)
            Weight of each sample; their mean over the training set is 1.

        Returns
        -------
        loss : Tensor of shape ()
            Scalar to minimise.
        """
        terms = self._class_terms(logits)
        true = terms.gather(1, codes[:, None]).squeeze(1)
        n_classes = logits.shape[1]
        share = self.label_smoothing * n_classes / (n_classes - 1)
        losses = (1 - share) * true + share * self._mean_over_classes(terms)
        return -(weights * losses).mean()

    def see_classes(self, totals):
        """Take note of how much there is of each class in the epoch that begins.

        Parameters
        ----------
        totals : Tensor of shape (n_classes,)
            Sum of the sample weights of each class.
        """

    def _class_terms(self, logits):
        """Return what stands in the loss, with a minus, if a class is the true one."""
        return logits.log_softmax(dim=1)

    def _mean_over_classes(self, terms):
        """Return the mean of each sample's terms, the classes being equally likely."""
        return terms.mean(dim=1)


class FocalLoss(SmoothedCrossEntropy):
    r"""Cross-entropy in which samples that are already right count less.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Probability :math:`\epsilon` that is taken from the true class.
    gamma : float, default=2.0
        How fast samples lose influence as they become right; 0 is cross-entropy.

    See Also
    --------
    SmoothedCrossEntropy : The loss with gamma = 0.

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
    >>> from sklipo.lipnet.losses import FocalLoss
    >>> logits = torch.log(torch.tensor([[0.5, 0.25, 0.25]]))
    >>> FocalLoss(gamma=2.0)(logits, torch.tensor([0]), torch.ones(1))
    tensor(0.1733)
    """

    def __init__(self, label_smoothing=0.0, gamma=2.0):
        super().__init__(label_smoothing)
        self.gamma = gamma

    def _class_terms(self, logits):
        log_p = logits.log_softmax(dim=1)
        # A power below 1 has no gradient at 0.
        missing = (-log_p.expm1()).clamp_min(torch.finfo(log_p.dtype).tiny)
        return missing**self.gamma * log_p


class LogitAdjustedCrossEntropy(SmoothedCrossEntropy):
    r"""Cross-entropy of logits to which the classes' log frequencies are added.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Probability :math:`\epsilon` that is taken from the true class.

    See Also
    --------
    SmoothedCrossEntropy : The same where classes are equally frequent.

    Notes
    -----
    Menon et al. [1]_, with :math:`\tau = 1`; also known as balanced softmax. The
    frequencies explain in training why a class is rare. The network's own logits,
    by which it predicts, then stand for classes of equal frequency: their maximum
    minimises the balanced error.

    Frequencies are shares in the sample weights of what an epoch shows: where an epoch
    sampler makes classes equal, this is cross-entropy. Class weights do not enter them
    and come on top; ``"balanced"`` would make up for rare classes twice. A class of
    which nothing is shown is not adjusted.

    Smoothing mixes the true class with the frequencies of the classes instead of the
    uniform distribution, to the same share. Through the adjustment that becomes a
    uniform share in what is predicted, and the most probable class stays the same. A
    uniform share in the target could exceed the frequency of a rare class, which then
    would be predicted for every sample.

    References
    ----------
    .. [1] A. K. Menon et al., "Long-tail learning via logit adjustment", ICLR 2021.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.losses import LogitAdjustedCrossEntropy
    >>> criterion = LogitAdjustedCrossEntropy()
    >>> criterion.see_classes(torch.tensor([90.0, 10.0]))
    >>> criterion(torch.zeros(1, 2), torch.tensor([1]), torch.ones(1))
    tensor(2.3026)
    """

    def __init__(self, label_smoothing=0.0):
        super().__init__(label_smoothing)
        self.register_buffer("totals", torch.ones(()))

    def see_classes(self, totals):
        """Take note of how much there is of each class in the epoch that begins.

        Parameters
        ----------
        totals : Tensor of shape (n_classes,)
            Sum of the sample weights of each class.
        """
        self.totals = totals

    def _class_terms(self, logits):
        is_shown = self.totals > 0
        frequencies = torch.where(is_shown, self.totals / self.totals.sum(), 1)
        return (logits + frequencies.log()).log_softmax(dim=1)

    def _mean_over_classes(self, terms):
        totals = self.totals.expand(terms.shape[1])
        return (terms * (totals / totals.sum())).sum(dim=1)


LOSSES = {
    "cross_entropy": SmoothedCrossEntropy,
    "focal": FocalLoss,
    "logit_adjusted": LogitAdjustedCrossEntropy,
}
