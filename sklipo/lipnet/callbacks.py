"""Callbacks that change a training in its course, or end it."""

import math
import warnings
from copy import deepcopy

import torch
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback

from ._networks import dropout_layers

# A training whose loss is larger than if each true class had this probability has left
# what it could learn. Every loss has such a bar; a multiple of that of guessing would
# be minute for some, such as the focal loss.
_LEAST_PROBABILITY = 1e-4


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


class StopTraining(KeyboardInterrupt):
    """What a callback raises to end a training that then counts as complete.

    A plain KeyboardInterrupt counts as an interrupt of the user.

    See Also
    --------
    StopOnDivergence : A callback that ends trainings.

    Notes
    -----
    It is a KeyboardInterrupt because skorch ends a training by no other exception. The
    early stopping of skorch raises a plain one, and is recognized.

    Examples
    --------
    >>> import numpy as np
    >>> from skorch.callbacks import Callback
    >>> from sklipo import LipNetClassifier
    >>> from sklipo.lipnet import StopTraining
    >>> class StopWhenGood(Callback):
    ...     def on_epoch_end(self, net, **kwargs):
    ...         if net.history[-1, "train_loss"] < 10:
    ...             raise StopTraining
    >>> X, y = np.random.default_rng(0).random((20, 64)), ["full", "empty"] * 10
    >>> LipNetClassifier("lipnet-1", callbacks=[StopWhenGood()]).fit(X, y).n_iter_
    1
    """


class StopOnDivergence(Callback):
    """End a training whose loss or weights are no longer finite.

    Every :class:`LipNetClassifier` has it, with ``action="raise"``. Give another one as
    one of its ``callbacks`` to keep what was trained until then.

    Parameters
    ----------
    action : {"raise", "go_back"}, default="raise"
        ``"raise"`` raises an error. ``"go_back"`` warns, and ends the training with
        the network as it was after the last epoch that was finite; where there is none,
        it raises an error, too.

    See Also
    --------
    LipNetClassifier : Has ``learning_rate``, which is mostly what is too large.
    StopTraining : What your own callbacks raise to end a training.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import LipNetClassifier
    >>> X, y = np.random.default_rng(0).random((20, 64)), ["full", "empty"] * 10
    >>> LipNetClassifier("lipnet-1", optimizer="sgd", learning_rate=1e30).fit(X, y)
    Traceback (most recent call last):
      ...
    ValueError: Training diverged in epoch ... Try a smaller learning_rate...
    """

    def __init__(self, action="raise"):
        self.action = action

    def on_train_begin(self, net, **kwargs):
        """Check the action, and keep a network that is trained already.

        Parameters
        ----------
        net : LipNetTrainer
            The net that is trained.
        **kwargs : dict
            Unused.

        Raises
        ------
        ValueError
            If the action is unknown.
        """
        if self.action not in ("raise", "go_back"):
            raise ValueError(f"action={self.action!r}; expected 'raise' or 'go_back'.")
        self.kept_ = None
        if net.history:
            self._keep(net)

    def on_epoch_end(self, net, **kwargs):
        """Look at the losses and weights of an epoch.

        Parameters
        ----------
        net : LipNetTrainer
            The net that is trained.
        **kwargs : dict
            Unused.

        Raises
        ------
        ValueError
            If one is not finite, and there is nothing to go back to.
        StopTraining
            If one is not finite, after the network has gone back.
        """
        found = _find_not_finite(net)
        if found is None:
            self._keep(net)
            return
        message = _explain(net, found)
        if self.kept_ is None:
            raise ValueError(message)
        weights, optimizer = self.kept_
        net.module_.load_state_dict(weights)
        net.optimizer_.load_state_dict(optimizer)
        net.history.pop()
        warnings.warn(
            f"{message} The network is that of epoch {len(net.history)}.",
            stacklevel=10,  # from here through skorch to the caller of fit
        )
        raise StopTraining

    def on_train_end(self, net, X=None, **kwargs):
        """Warn of a loss far above that of guesses, and forget the copy.

        Parameters
        ----------
        net : LipNetTrainer
            The net that is trained.
        X : tuple of (TrainingSet, ImageDataset or None)
            Training and validation set.
        **kwargs : dict
            Unused.
        """
        self.kept_ = None
        last = net.history[-1].get("train_loss") if net.history else None
        if last is None:
            return  # interrupted before the end of an epoch
        bar = _loss_of_being_wrong(net, X[0])
        if 0 < bar < last:
            warnings.warn(
                f"The training loss is {last:.3g} in the last epoch; if the true class "
                f"of each image had a probability of {_LEAST_PROBABILITY:g}, it would "
                f"be {bar:.3g}. The network has learned nothing. Try a learning_rate "
                f"smaller than {net.lr:g}.",
                ConvergenceWarning,
                stacklevel=8,  # from here through skorch to the caller of fit
            )

    def _keep(self, net):
        """Copy what the net can go back to."""
        if self.action == "go_back":
            states = net.module_.state_dict(), net.optimizer_.state_dict()
            self.kept_ = deepcopy(states)


@torch.no_grad()
def _loss_of_being_wrong(net, training_set):
    """Return the loss if all true classes were improbable, with the last weights."""
    codes = training_set.codes[training_set.rows].to(training_set.device)
    weights = training_set.weights.to(training_set.device)
    n_others = len(net.classes) - 1
    odds = _LEAST_PROBABILITY * n_others / (1 - _LEAST_PROBABILITY)
    logits = weights.new_zeros(len(codes), n_others + 1)
    logits.scatter_(1, codes[:, None], math.log(odds))
    return float(net.get_loss(logits, codes, {"weights": weights}))


def _find_not_finite(net):
    """Return what of the last epoch is not finite, in words, or None."""
    for batch in net.history[-1]["batches"]:
        for name in ("train_loss", "valid_loss"):
            if not math.isfinite(batch.get(name, 0.0)):
                return f"the {name} of a batch is {batch[name]}"
    states = net.module_.state_dict().values()
    # One answer for all: on a GPU each would be waited for.
    if not torch.stack([state.isfinite().all() for state in states]).all():
        return "weights of the network are no longer finite"
    return None


def _explain(net, found):
    """Return the text of the error."""
    optimizer = type(net.optimizer_).__name__.lower()
    other = "" if optimizer == "adam" else ", or optimizer='adam'"
    return (
        f"Training diverged in epoch {len(net.history)}: {found} (optimizer="
        f"{optimizer!r}, learning_rate={net.lr:g}; pixels of mean "
        f"{net.module__mean:.3g} and standard deviation {net.module__scale:.3g}). Try "
        f"a smaller learning_rate, such as a tenth of it{other}. If that "
        "does not help, look for pixels far from the others, or at a loss, schedule or "
        "network of your own. callbacks=[StopOnDivergence('go_back')] keeps the last "
        "epoch that was finite."
    )
