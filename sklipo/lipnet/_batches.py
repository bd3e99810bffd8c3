"""What a training sees: images, which of them an epoch shows, and batches of them."""

import math

import numpy as np
import torch

from ._devices import send
from ._weights import class_weight_at, weigh


class ImageDataset(torch.utils.data.Dataset):
    """Images with class codes and weights, indexed by tensors of positions.

    ``rows`` says which images it shows, in order and possibly more than once; by
    default all. ``device`` is where batches are needed, by default where the images
    are. Codes are 0 and weights 1 by default.
    """

    def __init__(self, images, codes=None, rows=None, weights=None, device=None):
        n_images = len(images)
        if codes is None:
            codes = torch.zeros(n_images, dtype=torch.int64, device=images.device)
        rows = torch.arange(n_images) if rows is None else rows
        self.images = images
        self.codes = codes
        self.rows = rows.to(images.device)
        if weights is None:
            weights = torch.ones(len(rows), dtype=images.dtype, device=images.device)
        self.weights = weights
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

    ``codes`` and ``sample_weights`` are arrays with a value for each image; ``rows``
    are the images to train on, by default all. ``epoch_sampler`` draws from them by
    ``generator``, by default all are shown; a sampler that shares out what it shows
    among groups needs their codes, one for each image.
    """

    def __init__(
        self,
        images,
        codes,
        sample_weights,
        classes,
        rows=None,
        *,
        groups=None,
        epoch_sampler=None,
        class_weight=None,
        generator=None,
        device=None,
    ):
        self._codes = codes
        self._sample_weights = sample_weights
        self._classes = classes
        self._rows = np.arange(len(codes)) if rows is None else rows
        self._class_weight = class_weight
        self.generator = generator
        self._counts = None
        if epoch_sampler is not None:
            counts = epoch_sampler.count_samples(classes[codes[self._rows]])
            self._counts = [counts.get(label, 0) for label in classes.tolist()]
            self._power = epoch_sampler.power
            self._groups = None if groups is None else groups[self._rows]
        codes = torch.from_numpy(codes).to(images.device)
        super().__init__(images, codes, device=device)

    @property
    def n_shown(self):
        """Return the number of samples that an epoch shows."""
        return len(self._rows) if self._counts is None else sum(self._counts)

    def begin_epoch(self, progress):
        """Draw the samples of an epoch and weigh them; return each class's total.

        ``progress`` is the part of the training that is done, from 0 to 1. Totals are
        sums of sample weights, an array of shape (n_classes,).
        """
        rows = self._rows
        if self._counts is not None:
            shares = self._groups, self._power
            drawn = draw_rows(self._codes[rows], self._counts, self.generator, *shares)
            rows = rows[drawn]
        codes, weights = self._codes[rows], self._sample_weights[rows]
        totals = np.bincount(codes, weights, minlength=len(self._classes))
        class_weight = class_weight_at(self._class_weight, progress)
        weights = weigh(class_weight, self._classes, codes, weights)
        self.rows = torch.from_numpy(rows).to(self.images.device)
        weights = torch.from_numpy(weights)
        self.weights = weights.to(self.images.device, self.images.dtype)
        return totals


class Batches:
    """Batches of a data set, each gathered at once, in an order drawn by a generator.

    Without a generator samples keep their order. Sizes differ by one at most: a short
    last batch would take as large a step as the others on fewer samples, and batch
    normalization fails on a batch of one.
    """

    def __init__(self, dataset, batch_size, generator=None):
        self.dataset = dataset
        self.batch_size = batch_size
        self.generator = generator

    def __len__(self):
        """Return the number of batches."""
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self):
        """Yield the batches of one pass."""
        n_samples = len(self.dataset)
        if self.generator is None:
            order = torch.arange(n_samples)
        else:
            order = torch.randperm(n_samples, generator=self.generator)
        order = order.to(self.dataset.images.device)
        for positions in order.tensor_split(len(self)):
            yield self.dataset[positions]


def draw_rows(codes, counts, generator, groups=None, power=1):
    """Return the rows of a number of samples of each class, repeated evenly.

    A group's share in a class goes as the power of its number of samples there.
    """
    if power != 1:
        codes, counts = _share_out(codes, counts, generator, groups, power)
    ends = np.cumsum(np.bincount(codes, minlength=len(counts)))
    by_code = np.split(np.argsort(codes, kind="stable"), ends[:-1])
    parts = []
    for rows, count in zip(by_code, counts, strict=True):
        n_repeats, n_more = divmod(count, max(len(rows), 1))
        parts.append(np.tile(rows, n_repeats))
        if n_more:
            order = torch.randperm(len(rows), generator=generator).numpy()
            parts.append(rows[order[:n_more]])
    return np.concatenate(parts)


def _share_out(codes, counts, generator, groups, power):
    """Return a code for each class and group that meet, and how many to draw of each.

    By systematic sampling, a number is less than one from its exact share, and equal to
    it on the average of many draws.
    """
    pairs, pair_of, sizes = np.unique(
        codes * (groups.max() + 1) + groups, return_inverse=True, return_counts=True
    )
    class_of = pairs // (groups.max() + 1)
    shared = np.zeros(len(pairs), dtype=int)
    for code in np.unique(class_of):
        own = np.flatnonzero(class_of == code)
        own = own[torch.randperm(len(own), generator=generator).numpy()]
        start = torch.rand((), generator=generator, dtype=torch.float64).item()
        ends = np.cumsum(sizes[own] ** float(power))
        ends = np.floor(ends / ends[-1] * counts[code] + start).astype(int)
        # A start just below 1 may be rounded up.
        shared[own] = np.diff(ends.clip(max=counts[code]), prepend=0)
    return pair_of, shared
