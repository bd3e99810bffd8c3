"""The skorch net that trains a network."""

import torch
from sklearn.base import clone
from skorch import NeuralNetClassifier
from skorch.callbacks import EarlyStopping

from .._jobs import raise_if_called_off
from ._augmentation import list_augmentations
from ._networks import dropout_layers
from .architectures import set_generator
from .callbacks import StopTraining
from .losses import CrossEntropyLoss
from .regularization import learning_rate_factor


class LipNetTrainer(NeuralNetClassifier):
    """The skorch net that trains a network on weighted images.

    ``LipNetClassifier.fit`` makes it, and keeps it as ``net_``. Callbacks get it as
    their argument ``net``; what they draw from its ``generator_`` follows the seed.

    Parameters
    ----------
    module : callable
        Builds the network; takes a ``generator`` and the parameters ``module__*``.
    *args : tuple
        Further parameters of ``skorch.NeuralNetClassifier`` by position.
    augmentation : RandomAffine, RandomIntensity or list of them, default=None
        Transforms each batch of the training set, one after the other.
    loss : CrossEntropyLoss, default=None
        What training minimizes; by default cross-entropy.
    label_smoothing : float, default=0.0
        Probability that the loss takes from the true class.
    learning_rate_schedule : {"cosine", "one_cycle", "step"} or callable, default=None
        See :func:`learning_rate_factor`.
    weight_decay : WeightDecay, default=None
        Penalty on weights; none by default.
    layer_decay : float, default=1.0
        Factor of the learning rate for each step down from the output, if the network
        started from a pretrained one.
    **kwargs : dict
        Further parameters of ``skorch.NeuralNetClassifier``.

    Attributes
    ----------
    generator_ : torch.Generator or None
        Generator on the CPU that a training draws orders, samples and augmentations
        from. None between trainings.
    knew_classes_ : bool
        Whether the training began with a pretrained network of the same classes.
    interrupted_ : bool
        Whether the last training was cut short by a KeyboardInterrupt.

    See Also
    --------
    LipNetClassifier : The estimator that holds this net as ``net_``.

    Notes
    -----
    The network receives the images of a batch; the loss receives class codes and
    weights. Training and validation set are passed to ``partial_fit`` as a pair.

    Progress is counted from epoch ``first_epoch_``; one training lasts ``max_epochs``
    epochs.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import LipNetClassifier
    >>> X, y = np.random.default_rng(0).random((20, 64)), ["full", "empty"] * 10
    >>> net = LipNetClassifier("lipnet-1", max_epochs=2).fit(X, y).net_
    >>> type(net).__name__, net.module_.output
    ('LipNetTrainer', Linear(in_features=512, out_features=2, bias=True))
    """

    first_epoch_ = 0
    generator_ = None
    totals_ = None
    knew_classes_ = False
    interrupted_ = False

    def __init__(
        self,
        module,
        *args,
        augmentation=None,
        loss=None,
        label_smoothing=0.0,
        learning_rate_schedule=None,
        weight_decay=None,
        layer_decay=1.0,
        **kwargs,
    ):
        super().__init__(module, *args, **kwargs)
        self.augmentation = augmentation
        self.loss = loss
        self.label_smoothing = label_smoothing
        self.learning_rate_schedule = learning_rate_schedule
        self.weight_decay = weight_decay
        self.layer_decay = layer_decay

    @property
    def progress(self):
        """Part of the training that was done when the current epoch began.

        Returns
        -------
        float
            From 0 to 1.
        """
        return (len(self.history) - 1 - self.first_epoch_) / self.max_epochs

    def initialize_module(self):
        """Build the network with weights drawn from ``generator_``.

        Returns
        -------
        self : LipNetTrainer
            The net itself.
        """
        params = self.get_params_for("module")
        self.module_ = self.module(**params, generator=self.generator_)
        self.dropout_rates_ = [layer.p for layer in dropout_layers(self.module_)]
        return self

    def initialize_criterion(self):
        """Take the loss.

        Returns
        -------
        self : LipNetTrainer
            The net itself.
        """
        self.criterion_ = CrossEntropyLoss() if self.loss is None else clone(self.loss)
        return self

    def get_iterator(self, dataset, training=False):
        """Return the batches of a data set, in random order in training.

        Parameters
        ----------
        dataset : ImageDataset
            Training or validation set.
        training : bool, default=False
            Whether it is the training set.

        Returns
        -------
        batches : Batches
            What skorch goes through.
        """
        batches = super().get_iterator(dataset, training)
        batches.generator = self.generator_ if training else None
        return batches

    def on_epoch_begin(self, net, dataset_train=None, dataset_valid=None, **kwargs):
        """Draw the samples of the epoch.

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
        super().on_epoch_begin(net, dataset_train, dataset_valid, **kwargs)
        totals = torch.from_numpy(dataset_train.begin_epoch(self.progress))
        self.totals_ = totals.to(dataset_train.device, dataset_train.weights.dtype)
        self.n_batches_ = len(self.get_iterator(dataset_train, training=True))

    def on_batch_begin(self, net, batch=None, training=False, **kwargs):
        """Set the learning rate of the batch, unless the training is called off.

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

        Raises
        ------
        KeyboardInterrupt
            If this training is one of several jobs, which were interrupted.
        """
        super().on_batch_begin(net, batch, training, **kwargs)
        raise_if_called_off()
        groups = self.optimizer_.param_groups
        # One group without a schedule is left to callbacks that set its learning rate.
        if training and (self.learning_rate_schedule is not None or len(groups) > 1):
            n_batches = len(self.history[-1]["batches"]) - 1
            progress = self.progress + n_batches / self.n_batches_ / self.max_epochs
            factor = learning_rate_factor(self.learning_rate_schedule, progress)
            for group in groups:
                decay = self.layer_decay ** group.get("depth", 0)
                group["lr"] = self.lr * factor * decay

    def on_grad_computed(self, net, named_parameters, **kwargs):
        """Add the gradient of weight decay.

        Parameters
        ----------
        net : LipNetTrainer
            The net itself.
        named_parameters : iterable of (str, Parameter)
            Unused.
        **kwargs : dict
            Unused.
        """
        if self.weight_decay is not None:
            self.weight_decay.add_gradients(self.module_)

    def fit_loop(self, X, y=None, epochs=None, **fit_params):
        """Run the epochs, and note whether they were interrupted.

        Parameters
        ----------
        X : tuple of (Dataset, Dataset or None)
            Training and validation set.
        y : None
            Unused: the data sets hold the class codes.
        epochs : int, default=None
            Number of epochs; ``max_epochs`` by default.
        **fit_params : dict
            As in skorch.

        Returns
        -------
        self : LipNetTrainer
            The net itself.

        Raises
        ------
        KeyboardInterrupt
            By the user or by a callback; ``partial_fit`` catches it.
        """
        self.interrupted_ = False
        try:
            return super().fit_loop(X, y, epochs, **fit_params)
        except KeyboardInterrupt as stop:
            # Early stopping raises the same as Ctrl-C, once its patience is at an end.
            is_planned = isinstance(stop, StopTraining) or any(
                isinstance(callback, EarlyStopping)
                and callback.misses_ == callback.patience
                for _, callback in self.callbacks_
            )
            self.interrupted_ = not is_planned
            raise

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
            Images, or the X of a batch. In training they are augmented.
        **fit_params : dict
            Unused.

        Returns
        -------
        logits : Tensor of shape (n_samples, n_classes)
            Output of the network.
        """
        images = x["images"] if isinstance(x, dict) else x
        if self.module_.training:
            images = self.augment(images)
        return super().infer(images)

    def augment(self, images):
        """Transform a batch of the training set at random.

        Parameters
        ----------
        images : Tensor
            Images of a batch.

        Returns
        -------
        augmented : Tensor
            Transformed images.
        """
        for augmentation in list_augmentations(self.augmentation):
            images = augmentation.augment(
                images, self.generator_, scale=self.module__scale
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
            Scalar to minimize.
        """
        return self.criterion_(
            y_pred,
            y_true,
            X["weights"],
            label_smoothing=self.label_smoothing,
            totals=self.totals_,
        )

    def draw_from(self, generator, device_generator):
        """Let what follows draw from two generators, or from none.

        Parameters
        ----------
        generator : torch.Generator or None
            On the CPU: for weights, orders, samples and augmentations.
        device_generator : torch.Generator or None
            On the device of the network: for dropout.
        """
        self.generator_ = generator
        if hasattr(self, "module_"):
            set_generator(self.module_, device_generator)

    def to(self, device):
        """Move the network and the optimizer's state to a device.

        Parameters
        ----------
        device : torch.device
            Where to train next.

        Returns
        -------
        self : LipNetTrainer
            The net itself.
        """
        self.device = str(device)
        self.module_.to(device)
        if self.totals_ is not None:
            self.totals_ = self.totals_.to(device)
        # Loading a state moves it to where the parameters are.
        self.optimizer_.load_state_dict(self.optimizer_.state_dict())
        return self
