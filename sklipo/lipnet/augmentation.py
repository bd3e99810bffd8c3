"""Random movements of training images, and the symmetries of a square."""

from numbers import Real

import numpy as np
import torch

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval, StrOptions
from torch.nn.functional import grid_sample

from ._augmentation import RandomAugmentation, check_images, draw_uniformly

_POSITIVE = Interval(Real, 0, None, closed="neither")
_FINITE = Interval(Real, None, None, closed="neither")


class RandomAffine(RandomAugmentation):
    r"""Rotate, shear, shift, zoom and flip training images at random, and add noise.

    Give it to :class:`LipNetClassifier` as ``augmentation``. Each epoch then shows each
    image in another way; what is predicted is never augmented. It is no step of a
    pipeline.

    Parameters
    ----------
    rotation : float, default=180
        Largest angle, in degrees, by which an image is rotated in either direction.
    shear : float, default=0.2
        Largest angle, in radians, by which an image is sheared: its top leans to the
        right, its bottom to the left.
    vertical_shift, horizontal_shift : float, default=0.1
        Largest distance by which an image is moved in either direction, as a fraction
        of its height and of its width.
    zoom : tuple of (float, float), default=(0.8, 1.0)
        Smallest and largest part of the height and width that is shown. 0.8 magnifies
        the central 80 %; a number above 1 shows what surrounds the image as well.
    vertical_flip, horizontal_flip : bool, default=True
        Turn an image upside down, or swap its left and right, in half of the cases.
    fill_value : float or "edge", default=0.0
        Value of what lies outside the image; ``"edge"`` repeats the nearest pixel.
    noise : float, default=0.0
        Standard deviation of the noise that is added last, in units of the standard
        deviation of the training set's pixels.

    See Also
    --------
    LipNetClassifier : Has this object as its parameter ``augmentation``.
    RandomIntensity : Changes gray values rather than places.
    dihedral_views : The rotations and flips that need no interpolation.

    Notes
    -----
    Section 5.5 of the thesis [1]_ gives these transformations and ranges, in the units
    of Keras, with which it trained: angles of shear are radians, and a zoom below 1
    magnifies. It draws whole numbers; here each number is drawn uniformly from its
    whole range, once for each image. Height and width are zoomed alike.

    A point :math:`p` of the image, measured from its center, goes to

    .. math:: p' = T + \frac{1}{z} R S F p

    where :math:`F` flips, :math:`S` shears by the tangent of its angle (areas keep
    their size), :math:`R` rotates, :math:`z` is the zoom and :math:`T` the shift. The
    image is resampled once, by cubic convolution [2]_ with :math:`a = -0.75`, the
    kernel of torch, which displaces by a twentieth of a pixel along an axis at most.
    Near sharp edges the result can leave the range of the image; it is not clipped, as
    normalized pixels have no range of their own.

    A ``fill_value`` of 0 is the mean of the background after
    :class:`NormalizeBackground`, and what :class:`ApplyMask` puts around a particle.
    ``"edge"`` is for pixels that were not normalized; it draws particles that touch the
    edge, as cropped ones do, out into streaks.

    A transformation is off at 0, False or, for the zoom, (1, 1). With all of them off,
    images stay as they are to the bit and nothing is drawn. One that is off takes its
    number from the generator all the same, so that the others are drawn as before. All
    draws are made on the CPU: a seed means the same transformations on every device.

    An image one pixel high shows little but the fill value when it is rotated.

    References
    ----------
    .. [1] S. Gryshkevych, "Convolutional neural networks for classification of
       transmission electron microscopy imagery", Uppsala University, 2016.
    .. [2] R. G. Keys, "Cubic convolution interpolation for digital image processing",
       IEEE Trans. Acoust. Speech Signal Process. 29, 1153-1160, 1981.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.augmentation import RandomAffine
    >>> images = torch.rand(128, 1, 28, 28)
    >>> generator = torch.Generator().manual_seed(0)
    >>> RandomAffine(rotation=90).augment(images, generator).shape
    torch.Size([128, 1, 28, 28])
    """

    _parameter_constraints = {
        "rotation": [Interval(Real, 0, 180, closed="both")],
        "shear": [Interval(Real, 0, 1.5, closed="both")],
        "vertical_shift": [Interval(Real, 0, 1, closed="both")],
        "horizontal_shift": [Interval(Real, 0, 1, closed="both")],
        "zoom": [tuple, list],
        "vertical_flip": ["boolean"],
        "horizontal_flip": ["boolean"],
        "fill_value": [_FINITE, StrOptions({"edge"})],
        "noise": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        rotation=180,
        *,
        shear=0.2,
        vertical_shift=0.1,
        horizontal_shift=0.1,
        zoom=(0.8, 1.0),
        vertical_flip=True,
        horizontal_flip=True,
        fill_value=0.0,
        noise=0.0,
    ):
        self.rotation = rotation
        self.shear = shear
        self.vertical_shift = vertical_shift
        self.horizontal_shift = horizontal_shift
        self.zoom = zoom
        self.vertical_flip = vertical_flip
        self.horizontal_flip = horizontal_flip
        self.fill_value = fill_value
        self.noise = noise

    @torch.no_grad()
    def augment(self, images, generator=None, *, scale=1.0):
        """Transform each image of a batch in its own random way.

        Parameters
        ----------
        images : Tensor of shape (n_samples, n_channels, height, width)
            Images of floating point numbers, on any device.
        generator : torch.Generator, default=None
            Generator on the CPU; by default the global one of torch.
        scale : float, default=1.0
            Unit of the noise. ``LipNetClassifier`` passes its ``scale_``.

        Returns
        -------
        augmented : Tensor of shape (n_samples, n_channels, height, width)
            Transformed images of the same dtype on the same device; the very same
            tensor if every transformation is off.

        Raises
        ------
        ValueError
            If these are no such images.

        Notes
        -----
        Parameters are not checked at each batch: ``LipNetClassifier.fit`` and
        :meth:`augment_rows` check them once.
        """
        check_images(images)
        if not self._moves_nothing():
            grid = _draw_grid(self._draw(len(images), generator), images)
            images = _resample(images, grid, self.fill_value)
        return self._add_noise(images, generator, scale)

    @torch.no_grad()
    def augment_inside(self, images, inside, generator=None, *, scale=1.0):
        """Transform images of differing sizes that lie in one batch.

        They are not shifted, and not filled: what was not inside is not thereafter.

        Parameters
        ----------
        images : Tensor of shape (n_samples, 1, height, width)
            Images of floating point numbers, each in the middle, on any device.
        inside : Tensor of shape (n_samples, 1, height, width)
            1 where an image has pixels, 0 elsewhere, of the same dtype.
        generator : torch.Generator, default=None
            Generator on the CPU; by default the global one of torch.
        scale : float, default=1.0
            Unit of the noise.

        Returns
        -------
        augmented : Tensor of shape (n_samples, 1, height, width)
            Transformed images.
        inside : Tensor of shape (n_samples, 1, height, width)
            1 where they have pixels, 0 elsewhere.
        """
        if not self._moves_nothing():
            draws = self._draw(len(images), generator)
            for name in ("vertical_shift", "horizontal_shift"):
                draws[name] = np.zeros(len(images))
            both = torch.cat([images * inside, inside], dim=1)
            both = _resample(both, _draw_grid(draws, images), 0.0)
            images, weights = both.split(1, dim=1)
            # Mean of the pixels inside alone: the zeros outside do not darken the edge.
            images = (images / weights).where(weights > 0.5, 0)
            inside = (weights > 0.5).to(images.dtype)
        return self._add_noise(images, generator, scale), inside

    def stretch(self):
        """Return how much farther from the center of an image its pixels can get.

        Returns
        -------
        factor : float or None
            None if every pixel stays where it is.
        """
        if self._moves_nothing():
            return None
        # The largest factor of a shear by a tangent t: its larger singular value.
        half = np.tan(self.shear) / 2
        return float((half + np.sqrt(1 + half**2)) / min(self.zoom))

    def _add_noise(self, images, generator, scale):
        """Return images with noise in units of a scale."""
        if not self.noise:
            return images
        noise = torch.empty(images.shape, dtype=images.dtype)
        noise.normal_(std=self.noise * scale, generator=generator)
        return images + noise.to(images.device)

    def _validate_params(self):
        """Raise an error if a parameter is out of range."""
        super()._validate_params()
        zoom = self.zoom
        if (
            len(zoom) != 2
            or not all(map(_POSITIVE.is_satisfied_by, zoom))
            or zoom[0] > zoom[1]
        ):
            raise ValueError(
                f"zoom={zoom!r}; expected the smallest and the largest part that is "
                "shown, two numbers above 0 in this order, for example (0.8, 1.0)."
            )

    def _moves_nothing(self):
        """Tell whether every pixel stays where it is."""
        return tuple(self.zoom) == (1, 1) and not any(
            (
                self.rotation,
                self.shear,
                self.vertical_shift,
                self.horizontal_shift,
                self.vertical_flip,
                self.horizontal_flip,
            )
        )

    def _draw(self, n_samples, generator):
        """Return the numbers drawn for each image, in the units of the parameters.

        A flip is -1 for images that are flipped and 1 for the others.
        """
        ranges = {
            "rotation": (-self.rotation, self.rotation),
            "shear": (0, self.shear),
            "vertical_shift": (-self.vertical_shift, self.vertical_shift),
            "horizontal_shift": (-self.horizontal_shift, self.horizontal_shift),
            "zoom": self.zoom,
            "vertical_flip": (-1 if self.vertical_flip else 1, 1),
            "horizontal_flip": (-1 if self.horizontal_flip else 1, 1),
        }
        draws = draw_uniformly(ranges, n_samples, generator)
        for flip in ("vertical_flip", "horizontal_flip"):
            draws[flip] = np.where(draws[flip] < 0, -1, 1)
        return draws


def dihedral_views(images):
    """Yield images as they look after each rotation and flip of their own shape.

    Parameters
    ----------
    images : Tensor of shape (n_samples, n_channels, height, width)
        Images.

    Yields
    ------
    view : Tensor of shape (n_samples, n_channels, height, width)
        The images themselves, upside down, with left and right swapped and rotated by
        180 degrees; where they are square, the transposes of these four too.

    See Also
    --------
    RandomAffine : Rotations by any angle, for training.

    Notes
    -----
    The eight views of a square are its dihedral group: rotations by multiples of 90
    degrees, each with and without a flip. Pixels change their places, not their values.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.augmentation import dihedral_views
    >>> image = torch.arange(4).reshape(1, 1, 2, 2)
    >>> [view.flatten().tolist() for view in dihedral_views(image)]
    [[0, 1, 2, 3], [2, 3, 0, 1], [1, 0, 3, 2], [3, 2, 1, 0],
     [0, 2, 1, 3], [1, 3, 0, 2], [2, 0, 3, 1], [3, 1, 2, 0]]
    """
    is_square = images.shape[-2] == images.shape[-1]
    for base in (images, images.mT) if is_square else (images,):
        for axes in ((), (-2,), (-1,), (-2, -1)):
            yield base.flip(axes)


def _draw_grid(draws, images):
    """Return where in images each pixel of the result is found."""
    shape = images.shape[2:]
    matrices = _sampling_matrices(draws, *shape)
    # In this order, as some devices have no float64.
    matrices = matrices.to(images.dtype).to(images.device)
    return _sampling_grid(matrices, *shape)


def _sampling_matrices(draws, height, width):
    """Return the matrices by which a point of the result is found in the image.

    They undo what was drawn, in the coordinates of ``grid_sample``: x and y go from -1
    to 1 between the outer edges of the outer pixels.
    """
    angle, tangent = np.deg2rad(draws["rotation"]), np.tan(draws["shear"])
    cos, sin = np.cos(angle), np.sin(angle)
    aspect = height / width
    matrices = np.empty((len(angle), 2, 3))
    matrices[:, 0, 0] = cos - tangent * sin
    matrices[:, 0, 1] = (sin + tangent * cos) * aspect
    matrices[:, 1, 0] = -sin / aspect
    matrices[:, 1, 1] = cos
    shift = np.stack([draws["horizontal_shift"], draws["vertical_shift"]], axis=1)
    matrices[:, :, 2] = -2 * np.einsum("nij,nj->ni", matrices[:, :, :2], shift)
    matrices[:, 0] *= (draws["zoom"] * draws["horizontal_flip"])[:, None]
    matrices[:, 1] *= (draws["zoom"] * draws["vertical_flip"])[:, None]
    return torch.from_numpy(matrices)


def _sampling_grid(matrices, height, width):
    """Return where in the image each pixel of the result is found.

    This is ``affine_grid``, as a sum of rows and columns: several times faster.
    """
    x, y = (_pixel_centers(length, matrices) for length in (width, height))
    of_column = matrices[:, :, 0, None] * x + matrices[:, :, 2, None]
    of_row = matrices[:, :, 1, None] * y
    return (of_column[:, :, None] + of_row[:, :, :, None]).permute(0, 2, 3, 1)


def _pixel_centers(length, like):
    """Return the coordinates of the centers of pixels between -1 and 1."""
    indices = torch.arange(length, dtype=like.dtype, device=like.device)
    return (2 * indices + 1) / length - 1


def _resample(images, grid, fill_value):
    """Return the images at the points of a grid, by cubic convolution."""
    padding = "border" if fill_value == "edge" else "zeros"
    zero = 0.0 if fill_value == "edge" else fill_value
    around_zero = images - zero if zero else images
    sampled = grid_sample(
        around_zero, grid, "bicubic", padding_mode=padding, align_corners=False
    )
    return sampled.add_(zero)
