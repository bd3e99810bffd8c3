"""What a training sees: images, which of them an epoch shows, and batches of them."""

import math

import numpy as np
import torch

from ._inputs import _weigh
from .devices import CPU, generator_on, send
from .epoch_sampling import draw_rows


class ImageDataset(torch.utils.data.Dataset):
    """Images with class codes and weights, indexed by tensors of positions.

    Parameters
    ----------
    images : Tensor of shape (n_images, 1, height, width)
        All images, on the device or on the CPU.
    codes : Tensor of shape (n_images,), dtype int64, default=None
        Index of each image's class; 0 by default.
    rows : Tensor of shape (n_samples,), dtype int64, default=None
        Which images the data set shows, in order and possibly more than once; all by
        default.
    weights : Tensor of shape (n_samples,), default=None
        Weight of each sample shown; 1 by default.
    device : torch.device, default=None
        Where batches are needed; by default where the images are.

    See Also
    --------
    Batches : Goes through a data set.
    TrainingSet : Shows other images at each epoch.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.batches import ImageDataset
    >>> X, codes = ImageDataset(torch.zeros(9, 1, 28, 28))[torch.tensor([2, 7])]
    >>> X["images"].shape, X["weights"], codes
    (torch.Size([2, 1, 28, 28]), tensor([1., 1.]), tensor([0, 0]))
    """

    def __init__(self, images, codes=None, rows=None, weights=None, device=None):
        n_images = len(images)
        if codes is None:
            codes = images.new_zeros(n_images, dtype=torch.int64)
        rows = torch.arange(n_images) if rows is None else rows
        self.images = images
        self.codes = codes
        self.rows = rows.to(images.device)
        self.weights = images.new_ones(len(rows)) if weights is None else weights
        self.device = images.device if device is None else device

    def __len__(self):
        """Return the number of samples."""
        return len(self.rows)

    def __getitem__(self, positions):
        """Return the images and weights of some samples as a dict, and their codes."""
        rows = self.rows[positions]
        inputs = {"images": self.images[rows], "weights": self.weights[positions]}
        inputs = {name: send(values, self.device) for name, values in inputs.items()}
        return inputs, send(self.codes[rows], self.device)


class TrainingSet(ImageDataset):
    """Images of which each epoch shows some, with weights of its own.

    Parameters
    ----------
    images : Tensor of shape (n_images, 1, height, width)
        All images, on the device or on the CPU.
    codes : ndarray of shape (n_images,), dtype int64
        Index of each image's class.
    sample_weights : ndarray of shape (n_images,)
        Weight of each image, before the weight of its class.
    classes : ndarray of shape (n_classes,)
        Class labels.
    rows : ndarray of shape (n_samples,), default=None
        Images to train on; all by default.
    epoch_sampler : EpochSampler, default=None
        Which of them an epoch shows; all by default.
    class_weight : dict or "balanced", default=None
        Weights of the classes by label.
    reweight_from : float, default=0.0
        Part of the training after which ``class_weight`` is heeded.
    device : torch.device, default=None
        Where batches are needed; by default where the images are.

    See Also
    --------
    ImageDataset : Always shows the same images.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklipo.lipnet.batches import TrainingSet
    >>> from sklipo.lipnet.epoch_sampling import EpochOverSampler
    >>> codes, classes = np.array([0, 0, 0, 1]), np.array(["empty", "full"])
    >>> data = TrainingSet(
    ...     torch.zeros(4, 1, 28, 28),
    ...     codes,
    ...     np.ones(4),
    ...     classes,
    ...     epoch_sampler=EpochOverSampler(),
    ... )
    >>> data.begin_epoch(progress=0.0)
    array([3., 3.])
    >>> data.rows
    tensor([0, 1, 2, 3, 3, 3])
    """

    def __init__(
        self,
        images,
        codes,
        sample_weights,
        classes,
        rows=None,
        *,
        epoch_sampler=None,
        class_weight=None,
        reweight_from=0.0,
        device=None,
    ):
        self._codes = codes
        self._sample_weights = sample_weights
        self._classes = classes
        self._rows = np.arange(len(codes)) if rows is None else rows
        self._class_weight = class_weight
        self._reweight_from = reweight_from
        self._counts = None
        if epoch_sampler is not None:
            counts = epoch_sampler.count_samples(classes[codes[self._rows]])
            self._counts = [counts.get(label, 0) for label in classes.tolist()]
        codes = torch.from_numpy(codes).to(images.device)
        super().__init__(images, codes, device=device)

    def begin_epoch(self, progress):
        """Draw the samples of an epoch and give them their weights.

        Parameters
        ----------
        progress : float
            Part of the training that is done, from 0 to 1.

        Returns
        -------
        totals : ndarray of shape (n_classes,)
            Sum of the sample weights of each class.
        """
        rows = self._rows
        if self._counts is not None:
            rows = rows[draw_rows(self._codes[rows], self._counts, generator_on())]
        codes = self._codes[rows]
        class_weight = self._class_weight if progress >= self._reweight_from else None
        weights = self._sample_weights[rows]
        totals = np.bincount(codes, weights, minlength=len(self._classes))
        weights = _weigh(class_weight, self._classes, codes, weights)
        self.rows = torch.from_numpy(rows).to(self.images.device)
        self.weights = torch.from_numpy(weights).to(self.images)
        return totals


class Batches:
    """Batches of a data set, each gathered at once.

    Parameters
    ----------
    dataset : ImageDataset
        Data set that a tensor of positions can index.
    batch_size : int
        Largest number of samples in a batch.
    shuffle : bool, default=False
        Draw a new order at each pass.

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
    >>> from sklipo.lipnet.batches import Batches, ImageDataset
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
        if self.shuffle:
            order = torch.randperm(n_samples, generator=generator_on())
        else:
            order = torch.arange(n_samples)
        order = order.to(self.dataset.images.device)
        for positions in order.tensor_split(len(self)):
            yield self.dataset[positions]


def prediction_batch_size(image_shape, device=CPU):
    """Return how many images a network should predict at once.

    Parameters
    ----------
    image_shape : tuple of (int, int)
        Height and width of the images in pixels.
    device : torch.device, default=torch.device("cpu")
        Where the network computes.

    Returns
    -------
    batch_size : int
        Number of images of about 2**17 pixels together: on a CPU larger batches were
        seen to leave the cache and to take up to twice as long. A GPU gets 2**20.

    See Also
    --------
    Batches : Goes through a data set.

    Examples
    --------
    >>> from sklipo.lipnet.batches import prediction_batch_size
    >>> prediction_batch_size((64, 64))
    32
    """
    n_pixels = 2**17 if device.type == "cpu" else 2**20
    return max(1, n_pixels // math.prod(image_shape))
