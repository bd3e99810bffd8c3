"""Images of differing sizes: their pixels, the batches they are cut to, their training.

A batch is a tensor of shape (n_samples, 2, height, width): an image, and 1 where it has
pixels and 0 elsewhere.
"""

import copy

import numpy as np
import torch

from ._augmentation import list_augmentations
from ._batches import Batches, ImageDataset, TrainingSet
from ._images import finish_scale
from .trainer import LipNetTrainer

# So many batches are drawn at random, and their images then sorted by size.
_POOL = 8
# Sides of batches are multiples of this. oneDNN prepares itself for each new shape.
_STEP = 4

# Upside down, left and right swapped, rows and columns swapped.
VIEWS = [(y, x, t) for t in (False, True) for y in (False, True) for x in (False, True)]


class OwnSizeImages:
    """The pixels of images of differing sizes, in one array.

    ``inside`` tells of each pixel whether it counts. A circle of the radius ``reach``
    about the center of an image holds all that do.
    """

    def __init__(self, pixels, inside, shapes):
        self.pixels = pixels
        self.inside = inside
        self.shapes = np.array(shapes)  # torch warns of arrays that are read-only
        n_pixels = self.shapes.prod(axis=1)
        self.starts = np.cumsum(n_pixels) - n_pixels
        self.view = (False, False, False)
        self.reaches = np.array([_reach(inside) for _, inside in self])

    dtype = property(lambda self: self.pixels.dtype)

    def __len__(self):
        """Return the number of images."""
        return len(self.shapes)

    def __iter__(self):
        """Yield each image, and what of it is inside."""
        for start, (height, width) in zip(self.starts, self.shapes, strict=True):
            place = slice(start, start + height * width)
            yield tuple(
                values[place].reshape(height, width)
                for values in (self.pixels, self.inside)
            )

    def __getitem__(self, rows):
        """Return some of the images, without a copy of their pixels."""
        some = copy.copy(self)
        for name in ("shapes", "starts", "reaches"):
            setattr(some, name, getattr(self, name)[rows])
        return some

    def views(self):
        """Yield the images as they look after each rotation and flip."""
        for view in VIEWS:
            turned = copy.copy(self)
            turned.view = view
            yield turned

    def mean_and_scale(self, weights):
        """Return weighted mean and standard deviation of the pixels that are inside.

        Each image counts by its weight, whatever its size. The latter is never 0.
        """
        values = [image[inside].astype(np.float64) for image, inside in self]
        mean = np.average([image.mean() for image in values], weights=weights)
        with np.errstate(over="ignore"):
            squares = [np.square(image - mean).mean() for image in values]
        variance = np.average(squares, weights=weights)
        return finish_scale(mean, variance, np.abs(self.pixels).max())


def _reach(inside):
    """Return the largest distance from the center of an image to a pixel's corner."""
    height, width = inside.shape
    if inside.all():
        return np.hypot(height, width) / 2
    y, x = np.nonzero(inside)
    distances = np.hypot(
        np.abs(y - (height - 1) / 2) + 0.5, np.abs(x - (width - 1) / 2) + 0.5
    )
    return distances.max()


class PaddedImages:
    """Images of differing sizes as tensors, from which batches are gathered.

    Where training moves images, ``stretch`` is how much farther their pixels may get
    from the center. Each then lies in the middle of a square that leaves room for it.
    """

    def __init__(self, images, batch_size, batch_pixels, stretch=None):
        self.pixels = torch.from_numpy(images.pixels)
        self.inside = torch.from_numpy(images.inside)
        self.starts = torch.from_numpy(images.starts)
        self.shapes = torch.from_numpy(images.shapes)
        self.reaches = images.reaches
        self.view = images.view
        self.batch_size = batch_size
        self.batch_pixels = batch_pixels
        self.stretch = stretch

    device = property(lambda self: self.pixels.device)
    dtype = property(lambda self: self.pixels.dtype)

    @property
    def nbytes(self):
        """Number of bytes of the pixels, and of what is inside."""
        return self.pixels.nbytes + self.inside.nbytes

    def __len__(self):
        """Return the number of images."""
        return len(self.shapes)

    def to(self, kind):
        """Return the images of another dtype, or on a device."""
        twin = copy.copy(self)
        twin.pixels = self.pixels.to(kind)
        for name in ("inside", "starts", "shapes"):
            setattr(twin, name, getattr(self, name).to(twin.device))
        return twin

    def still(self):
        """Return the images as they are where nothing moves them."""
        twin = copy.copy(self)
        twin.stretch = None
        return twin

    def canvases(self):
        """Return height and width of the canvas that each image needs."""
        if self.stretch is None:
            shapes = self.shapes.cpu().numpy()
            return shapes[:, ::-1] if self.view[2] else shapes
        sides = np.ceil(2 * self.stretch * self.reaches).astype(np.int64)
        return np.stack([sides, sides], axis=1)

    def __getitem__(self, rows):
        """Return a batch of images, and where they have pixels, as float numbers."""
        rows = rows.to(self.device)
        canvas = self.canvases()[rows.cpu().numpy()].max(axis=0)
        height, width = (-(-canvas // _STEP) * _STEP).tolist()
        places, is_there = self._places(rows, height, width)
        inside = is_there & self.inside[places]
        images = self.pixels[places] * inside
        return torch.stack([images, inside.to(images.dtype)], dim=1)

    def _places(self, rows, height, width):
        """Return where pixels of a batch lie in the array, and where there are any."""
        flip_y, flip_x, transpose = self.view
        own = self.shapes[rows].T[:, :, None, None]
        y = torch.arange(height, device=self.device)[:, None]
        x = torch.arange(width, device=self.device)
        y, x = (x, y) if transpose else (y, x)
        if self.stretch is not None:
            y = y - (height - own[0]) // 2
            x = x - (width - own[1]) // 2
        is_there = (y >= 0) & (y < own[0]) & (x >= 0) & (x < own[1])
        y = own[0] - 1 - y if flip_y else y
        x = own[1] - 1 - x if flip_x else x
        places = self.starts[rows][:, None, None] + y * own[1] + x
        return places.where(is_there, 0), is_there

    def plan(self, rows, generator=None):
        """Return the positions of each batch among rows: images of similar size.

        A batch has no more than ``batch_size`` images and ``batch_pixels`` pixels with
        its padding, or is one image. Without a generator nothing is drawn.
        """
        n_rows = len(rows)
        canvases = self.canvases()[rows]
        order, n_pools = np.arange(n_rows), 1
        if generator is not None:
            order = torch.randperm(n_rows, generator=generator).numpy()
            n_pools = -(-n_rows // (_POOL * self.batch_size))
        parts = []
        for pool in np.array_split(order, n_pools):
            pool = pool[np.argsort(canvases[pool].max(axis=1), kind="stable")]
            for part in np.array_split(pool, -(-len(pool) // self.batch_size)):
                n_pixels = canvases[part].max(axis=0).prod()
                n_images = max(self.batch_pixels // n_pixels, 1)
                parts += np.array_split(part, -(-len(part) // n_images))
        if generator is not None:
            shuffled = torch.randperm(len(parts), generator=generator).tolist()
            parts = [parts[i] for i in shuffled]
        return [torch.from_numpy(part) for part in parts]


class OwnSizeDataset(ImageDataset):
    """Images of differing sizes, none of them moved, with class codes and weights."""

    def __init__(self, images, *args):
        super().__init__(images.still(), *args)
        self.plan = self.images.plan(self.rows.cpu().numpy())


class OwnSizeTrainingSet(TrainingSet):
    """Images of differing sizes of which each epoch shows some."""

    def begin_epoch(self, progress):
        """Draw the samples of an epoch and cut them to batches."""
        totals = super().begin_epoch(progress)
        self.plan = self.images.plan(self.rows.cpu().numpy(), self.generator)
        return totals


class OwnSizeBatches(Batches):
    """The batches of a data set, as it has planned them."""

    def __len__(self):
        """Return the number of batches."""
        return len(self.dataset.plan)

    def __iter__(self):
        """Yield the batches of one pass."""
        for positions in self.dataset.plan:
            yield self.dataset[positions.to(self.dataset.images.device)]


class OwnSizeTrainer(LipNetTrainer):
    """The skorch net that trains a network on images of differing sizes."""

    def augment(self, images):
        """Transform a batch at random, and what of it is inside alike."""
        images, inside = images.split(1, dim=1)
        for augmentation in list_augmentations(self.augmentation):
            images, inside = augmentation.augment_inside(
                images, inside, self.generator_, scale=self.module__scale
            )
        return torch.cat([images, inside], dim=1)
