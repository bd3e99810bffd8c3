"""Callbacks that change a training in its course."""

from skorch.callbacks import Callback

from ._networks import dropout_layers


class DropoutDecay(Callback):
    """Lower the dropout rates in the course of a training.

    Give it to :class:`LipNetClassifier` as one of its ``callbacks``.

    Parameters
    ----------
    share : float, default=1.0
        Share of each rate that is taken off, linearly, over the training.

    See Also
    --------
    LipNetClassifier : Has the rates as ``conv_dropout`` and ``dense_dropout``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import LipNetClassifier
    >>> from sklipo.lipnet import DropoutDecay
    >>> X, y = np.random.default_rng(0).random((20, 64)), ["full", "empty"] * 10
    >>> model = LipNetClassifier(max_epochs=2, callbacks=[DropoutDecay(0.5)])
    >>> model.fit(X, y).net_.module_.hidden.dropout
    Dropout(p=0.375, inplace=False)
    """

    def __init__(self, share=1.0):
        self.share = share

    def on_train_begin(self, net, **kwargs):
        """Refuse a share that is none.

        Parameters
        ----------
        net : LipNetTrainer
            The net that is trained.
        **kwargs : dict
            Unused.

        Raises
        ------
        ValueError
            If the share is not between 0 and 1.
        """
        if not 0 <= self.share <= 1:
            raise ValueError(f"share={self.share!r}; expected a number from 0 to 1.")

    def on_epoch_begin(self, net, **kwargs):
        """Set the rates of the epoch.

        Parameters
        ----------
        net : LipNetTrainer
            The net that is trained.
        **kwargs : dict
            Unused.
        """
        kept = 1 - self.share * net.progress
        for layer, rate in zip(
            dropout_layers(net.module_), net.dropout_rates_, strict=True
        ):
            layer.p = kept * rate
