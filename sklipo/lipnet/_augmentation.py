"""What the random augmentations of training images have in common."""

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_array

from .._random import own_random_state
from ._checks import as_rows
from ._images import as_images, find_image_shape


class RandomAugmentation(BaseEstimator):
    """Base class of what augments images by a method ``augment``."""

    def augment_rows(self, X, *, image_shape=None, random_state=None):
        """Transform images that are rows of pixels, to look at them.

        Parameters
        ----------
        X : array-like of shape (n_samples, height * width)
            One image per row, as :class:`Resize` gives them.
        image_shape : tuple of (int, int) or "row", default=None
            Height and width; by default a row is a square image. ``"row"`` reads a row
            of any length as an image one pixel high.
        random_state : int, RandomState instance or None, default=None
            Seed of the draws.

        Returns
        -------
        X_augmented : ndarray of shape (n_samples, height * width)
            Transformed images; float64 if X is, else float32.

        Raises
        ------
        ValueError
            If a parameter is out of range, or X holds no images of that shape.

        Examples
        --------
        >>> import numpy as np
        >>> from sklipo.lipnet.augmentation import RandomAffine
        >>> one_particle = np.random.default_rng(0).random((1, 784), dtype="float32")
        >>> sheet = RandomAffine().augment_rows(
        ...     np.repeat(one_particle, 24, axis=0), random_state=0
        ... )
        >>> sheet.shape
        (24, 784)
        """
        self._validate_params()
        X = as_rows(X)
        X = check_array(X, dtype=["float32", "float64"], copy=True)
        images = as_images(X, find_image_shape(X.shape[1], image_shape))
        seed = own_random_state(random_state).randint(2**31)
        generator = torch.Generator().manual_seed(int(seed))
        augmented = self.augment(images, generator, scale=float(X.std()))
        return augmented.numpy().reshape(X.shape)

    def augment_inside(self, images, inside, generator=None, *, scale=1.0):
        """Transform images of differing sizes that lie in one batch.

        Parameters
        ----------
        images : Tensor of shape (n_samples, 1, height, width)
            Images of floating point numbers, padded by zeros, on any device.
        inside : Tensor of shape (n_samples, 1, height, width)
            1 where an image has pixels, 0 elsewhere, of the same dtype.
        generator : torch.Generator, default=None
            Generator on the CPU; by default the global one of torch.
        scale : float, default=1.0
            As in ``augment``.

        Returns
        -------
        augmented : Tensor of shape (n_samples, 1, height, width)
            Transformed images.
        inside : Tensor of shape (n_samples, 1, height, width)
            1 where they have pixels, 0 elsewhere.
        """
        return self.augment(images, generator, scale=scale), inside

    def stretch(self):
        """Return how much farther from the center of an image its pixels can get.

        Returns
        -------
        factor : float or None
            None if every pixel stays where it is.
        """
        return None


def list_augmentations(augmentation):
    """Return the augmentations of a parameter in their order; None stands for none."""
    if augmentation is None:
        return []
    several = augmentation if isinstance(augmentation, list | tuple) else [augmentation]
    for one in several:
        if not isinstance(one, RandomAugmentation):
            raise ValueError(
                f"augmentation={augmentation!r} holds {one!r}; expected RandomAffine, "
                "RandomIntensity, or a list of such objects."
            )
    return several


def check_images(images):
    """Refuse what is no batch of images of floating point numbers."""
    if images.ndim != 4 or not images.is_floating_point():
        raise ValueError(
            f"images has shape {tuple(images.shape)} and {images.dtype}; expected "
            "(n_samples, n_channels, height, width) and floating point numbers."
        )


def draw_uniformly(ranges, n_samples, generator):
    """Return numbers drawn for each image from ranges, by name."""
    shares = torch.rand(
        len(ranges), n_samples, generator=generator, dtype=torch.float64
    ).numpy()
    # NumPy computes on few numbers faster than torch.
    low, high = np.array(list(ranges.values()), dtype=float).T[:, :, None]
    return dict(zip(ranges, low + (high - low) * shares, strict=True))
