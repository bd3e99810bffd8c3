"""What trains a LipNet: its loss, its batches and its skorch net."""

import math

import torch
from skorch import NeuralNetClassifier
from torch import nn


class SmoothedCrossEntropy(nn.Module):
    r"""Cross-entropy with smoothed labels and weighted samples.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        Probability :math:`\epsilon` that is taken from the true class.

    See Also
    --------
    LipNetClassifier : Minimises this loss.

    Notes
    -----
    Formula 2 of the thesis: the target is :math:`1 - \epsilon` for the true class and
    :math:`\epsilon / (K - 1)` for each of the other :math:`K - 1`.
    ``torch.nn.CrossEntropyLoss`` gives :math:`\epsilon / K` to every class, the true
    one too.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.training import SmoothedCrossEntropy
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
        log_p = logits.log_softmax(dim=1)
        true = log_p.gather(1, codes[:, None]).squeeze(1)
        others = log_p.sum(dim=1) - true
        share = self.label_smoothing / (logits.shape[1] - 1)
        losses = -(1 - self.label_smoothing) * true - share * others
        return (weights * losses).mean()


class ImageDataset(torch.utils.data.Dataset):
    """Images with class codes and weights, indexed by tensors of row numbers.

    Parameters
    ----------
    images : Tensor of shape (n_samples, 1, height, width)
        All images, on the device.
    codes : Tensor of shape (n_samples,), dtype int64, default=None
        Index of each sample's class; 0 by default.
    weights : Tensor of shape (n_samples,), default=None
        Weight of each sample; 1 by default.

    See Also
    --------
    Batches : Goes through a data set.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.training import ImageDataset
    >>> X, codes = ImageDataset(torch.zeros(9, 1, 28, 28))[torch.tensor([2, 7])]
    >>> X["images"].shape, X["weights"], codes
    (torch.Size([2, 1, 28, 28]), tensor([1., 1.]), tensor([0, 0]))
    """

    def __init__(self, images, codes=None, weights=None):
        n_samples = len(images)
        self.images = images
        self.codes = (
            images.new_zeros(n_samples, dtype=torch.int64) if codes is None else codes
        )
        self.weights = images.new_ones(n_samples) if weights is None else weights

    def __len__(self):
        """Return the number of samples."""
        return len(self.images)

    def __getitem__(self, rows):
        """Return the images and weights of some rows as a dict, and their codes."""
        inputs = {"images": self.images[rows], "weights": self.weights[rows]}
        return inputs, self.codes[rows]


class Batches:
    """Batches of a data set, each gathered at once from tensors on the device.

    Parameters
    ----------
    dataset : ImageDataset or torch.utils.data.Subset
        Data set that a tensor of row numbers can index.
    batch_size : int
        Largest number of samples in a batch.
    shuffle : bool, default=False
        Draw a new order from the global generator of torch at each pass.

    See Also
    --------
    LipNetTrainer : Trains on these batches.

    Notes
    -----
    Sizes differ by one at most. A short last batch would take as large a step as the
    others on fewer samples, and batch normalisation fails on a batch of one.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.training import Batches, ImageDataset
    >>> dataset = ImageDataset(torch.zeros(9, 1, 28, 28))
    >>> [len(codes) for _, codes in Batches(dataset, batch_size=4)]
    [3, 3, 3]
    """

    def __init__(self, dataset, batch_size, shuffle=False):
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __len__(self):
        """Return the number of batches."""
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self):
        """Yield the batches of one pass."""
        n_samples = len(self.dataset)
        order = torch.randperm(n_samples) if self.shuffle else torch.arange(n_samples)
        for rows in order.tensor_split(len(self)):
            yield self.dataset[rows]


class LipNetTrainer(NeuralNetClassifier):
    """The skorch net that trains a LipNet on weighted images.

    Parameters
    ----------
    module : callable
        Builds the network, see :func:`build_lipnet`.
    *args : tuple
        Further parameters of ``skorch.NeuralNetClassifier`` by position.
    criterion : type
        Class of the loss, see :class:`SmoothedCrossEntropy`.
    train_split : None
        Unused: training and validation sets come separately.
    classes : ndarray of shape (n_classes,)
        Class codes, from 0 on.
    **kwargs : dict
        Further parameters of ``skorch.NeuralNetClassifier``.

    See Also
    --------
    LipNetClassifier : The estimator that holds this net as ``net_``.

    Notes
    -----
    Of a batch of :class:`ImageDataset` the network sees the images, the loss the
    class codes and weights.

    Examples
    --------
    >>> from sklipo.lipnet.architectures import build_lipnet
    >>> from sklipo.lipnet.training import LipNetTrainer, SmoothedCrossEntropy
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
            Images, or the X of a batch.
        **fit_params : dict
            Unused.

        Returns
        -------
        logits : Tensor of shape (n_samples, n_classes)
            Output of the network.
        """
        return super().infer(x["images"] if isinstance(x, dict) else x)

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

    def to(self, device):
        """Move the network, the loss and the optimizer's state to a device.

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
        self.criterion_.to(device)
        # Loading a state moves it to where the parameters are.
        self.optimizer_.load_state_dict(self.optimizer_.state_dict())
        return self
