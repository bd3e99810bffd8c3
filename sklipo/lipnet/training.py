"""The skorch net that trains a LipNet."""

import math
from contextlib import nullcontext
from functools import partial

import torch
from skorch import NeuralNetClassifier

from .devices import generator_on
from .regularization import add_decay, learning_rate_factor, set_dropout


class LipNetTrainer(NeuralNetClassifier):
    """The skorch net that trains a LipNet on weighted images.

    Parameters
    ----------
    module : callable
        Builds the network, see :func:`build_lipnet`.
    *args : tuple
        Further parameters of ``skorch.NeuralNetClassifier`` by position.
    augmentation : RandomAffine, default=None
        Transforms each batch of the training set.
    input_noise : float, default=0.0
        Standard deviation of the noise that is added to it, in units of the scale by
        which the network standardises images.
    learning_rate_schedule : {"cosine", "one_cycle", "step"}, default=None
        See :func:`learning_rate_factor`.
    dropout_decay : float, default=0.0
        Share of the dropout rates that is taken away in the course of the training.
    weight_decay : float, default=0.0
        Strength of the penalty on weights, see :func:`add_decay`.
    weight_decay_norm : {"l2", "l1"}, default="l2"
        Kind of the penalty.
    weight_decay_layers : {"all", "conv", "dense"}, default="all"
        Layers with the penalty.
    **kwargs : dict
        Further parameters of ``skorch.NeuralNetClassifier``.

    See Also
    --------
    LipNetClassifier : The estimator that holds this net as ``net_``.

    Notes
    -----
    Of a batch of :class:`ImageDataset` the network sees the images, the loss the
    class codes and weights. Training and validation sets are passed to ``partial_fit``
    as a pair.

    The net knows how far it is: ``max_epochs`` epochs make one training, which begins
    at the epoch of number ``first_epoch_``.

    Examples
    --------
    >>> from sklipo.lipnet.architectures import build_lipnet
    >>> from sklipo.lipnet.losses import SmoothedCrossEntropy
    >>> from sklipo.lipnet.training import LipNetTrainer
    >>> net = LipNetTrainer(
    ...     build_lipnet,
    ...     module__architecture="lipnet-1",
    ...     module__image_shape=(28, 28),
    ...     module__n_classes=3,
    ...     criterion=SmoothedCrossEntropy,
    ... )
    >>> net.initialize().module_.output
    Linear(in_features=512, out_features=3, bias=True)
    """

    first_epoch_ = 0

    # How training computes, see ``to``.
    _compiled = None
    _precision = nullcontext

    def __init__(
        self,
        module,
        *args,
        augmentation=None,
        input_noise=0.0,
        learning_rate_schedule=None,
        dropout_decay=0.0,
        weight_decay=0.0,
        weight_decay_norm="l2",
        weight_decay_layers="all",
        **kwargs,
    ):
        super().__init__(module, *args, **kwargs)
        self.augmentation = augmentation
        self.input_noise = input_noise
        self.learning_rate_schedule = learning_rate_schedule
        self.dropout_decay = dropout_decay
        self.weight_decay = weight_decay
        self.weight_decay_norm = weight_decay_norm
        self.weight_decay_layers = weight_decay_layers

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Draw the samples of the epoch, and let dropout decay.

        Parameters
        ----------
        net : LipNetTrainer
            The net itself.
        dataset_train : TrainingSet
            Training set.
        dataset_valid : ImageDataset or None
            Validation set.
        **kwargs : dict
            Unused.
        """
        progress = (len(self.history) - self.first_epoch_) / self.max_epochs
        totals = torch.from_numpy(dataset_train.begin_epoch(progress))
        totals = totals.to(dataset_train.device, dataset_train.weights.dtype)
        self.criterion_.see_classes(totals)
        kept = 1 - self.dropout_decay * progress
        set_dropout(
            self.module_,
            kept * self.module__conv_dropout,
            kept * self.module__dense_dropout,
        )
        self.n_batches_ = math.ceil(len(dataset_train) / self.batch_size)
        super().on_epoch_begin(net, dataset_train, dataset_valid, **kwargs)

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        """Set the learning rate of the batch.

        Parameters
        ----------
        net : LipNetTrainer
            The net itself.
        batch : tuple
            The batch.
        training : bool, default=False
            Whether it is of the training set.
        **kwargs : dict
            Unused.
        """
        super().on_batch_begin(net, batch, training, **kwargs)
        if training and self.learning_rate_schedule is not None:
            n_epochs = len(self.history) - 1 - self.first_epoch_
            n_batches = len(self.history[-1]["batches"]) - 1
            progress = (n_epochs + n_batches / self.n_batches_) / self.max_epochs
            factor = learning_rate_factor(self.learning_rate_schedule, progress)
            for group in self.optimizer_.param_groups:
                group["lr"] = self.lr * factor

    def on_grad_computed(self, net, named_parameters, training=False, **kwargs):
        """Add the gradient of weight decay.

        Parameters
        ----------
        net : LipNetTrainer
            The net itself.
        named_parameters : iterable of (str, Parameter)
            Parameters of the network by name.
        training : bool, default=False
            Unused: gradients are computed in training alone.
        **kwargs : dict
            Unused.
        """
        if self.weight_decay:
            add_decay(
                named_parameters,
                self.weight_decay,
                self.weight_decay_norm,
                self.weight_decay_layers,
            )

    def get_split_datasets(self, X, y=None, **fit_params):
        """Return the data sets as they came.

        Parameters
        ----------
        X : tuple of (Dataset, Dataset or None)
            Training and validation set.
        y : None
            Unused: the data sets hold the class codes.
        **fit_params : dict
            Unused.

        Returns
        -------
        datasets : tuple of (Dataset, Dataset or None)
            Training and validation set.
        """
        return X

    def infer(self, x, **fit_params):
        """Run the network on a batch.

        Parameters
        ----------
        x : Tensor or dict of Tensor
            Images, or the X of a batch. In training they are augmented and get noise.
        **fit_params : dict
            Unused.

        Returns
        -------
        logits : Tensor of shape (n_samples, n_classes)
            Output of the network.
        """
        if isinstance(x, dict):
            x = x["images"]
        if not self.module_.training:
            return super().infer(x)
        images = self._distort(x)  # in full precision
        run = self._compiled or self.module_
        with self._precision():
            return run(images).to(images.dtype)

    def _distort(self, images):
        """Augment images and add noise to them."""
        if self.augmentation is not None:
            images = self.augmentation.augment(images, generator_on())
        if self.input_noise:
            noise = torch.empty_like(images)
            noise.normal_(generator=generator_on(images.device))
            images = images + noise * (
                self.input_noise * self.module_.standardize.scale
            )
        return images

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Return the weighted loss of a batch.

        Parameters
        ----------
        y_pred : Tensor of shape (n_samples, n_classes)
            Output of the network.
        y_true : Tensor of shape (n_samples,)
            Class codes.
        X : dict of Tensor
            The X of the batch.
        training : bool, default=False
            Unused.

        Returns
        -------
        loss : Tensor of shape ()
            Scalar to minimise.
        """
        return self.criterion_(y_pred, y_true, X["weights"])

    def to(self, device, *, mixed_precision=False, compile=False):
        """Move the network, the loss and the optimizer's state to a device.

        Parameters
        ----------
        device : torch.device
            Where to train next.
        mixed_precision : bool, default=False
            Train there in bfloat16 where it does not harm. Weights, loss and
            validation keep their precision.
        compile : bool, default=False
            Compile the network for training there.

        Returns
        -------
        self : LipNetTrainer
            The net itself.
        """
        self.device = str(device)
        self.module_.to(device)
        self.criterion_.to(device)
        # Loading a state moves it to where the parameters are.
        self.optimizer_.load_state_dict(self.optimizer_.state_dict())
        self._compiled = torch.compile(self.module_.forward) if compile else None
        self._precision = nullcontext
        if mixed_precision:
            self._precision = partial(torch.autocast, device.type, torch.bfloat16)
        return self
