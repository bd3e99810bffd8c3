"""Transformers from particle tables to particle tables."""

from itertools import repeat
from numbers import Integral, Real

import cv2
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval

from .images import ImageArray
from .images._buffer import float_dtype, lay_out, view_each
from .particles import (
    bounding_boxes,
    crop_particles,
    holds_images,
    validate_particles,
)
from .tags import extend_tags

_CV2_TYPES = {"uint8", "int8", "uint16", "int16", "int32", "float32", "float64"}


class _ParticleTransformer(TransformerMixin, BaseEstimator):
    """Base of the transformers that return particles as they came.

    A subclass maps a checked particle table to another in ``_transform``. Nothing is
    learnt, so ``transform`` works without ``fit``.
    """

    _parameter_constraints = {}

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check X; there is nothing to learn.

        Parameters
        ----------
        X : particle table, list of 2-D arrays or array
            What :func:`~sklipo.particles.check_particles` takes.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The transformer itself.
        """
        validate_particles(self, X, reset=True)
        return self

    def transform(self, X):
        """Transform each particle.

        Parameters
        ----------
        X : particle table, list of 2-D arrays or array
            What :func:`~sklipo.particles.check_particles` takes.

        Returns
        -------
        X_out : DataFrame or ndarray of shape (n_samples, n_features)
            A particle table with every further column of X as it was; rows of numbers
            where X is rows of numbers.
        """
        particles = self._transform(validate_particles(self, X, reset=False))
        if not holds_images(X):
            return _rows_of_pixels(particles["image"].array)
        if isinstance(X, pd.DataFrame):
            return X.assign(**{name: particles[name].array for name in particles})
        return particles

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return extend_tags(tags, row_wise=True)


class NormalizeBackground(_ParticleTransformer):
    """Give every particle a surrounding of mean 0 and standard deviation 1.

    Micrographs differ in exposure and contrast. Measured in deviations of its own
    surrounding, a particle looks the same in each of them. Put this step before
    :class:`CropToMask`, which takes the surrounding away.

    See Also
    --------
    ApplyMask : Fills the surrounding; its value 0 is then the background's mean.

    Notes
    -----
    A pixel of value :math:`v` becomes :math:`(v - m) / s`, where :math:`m` and
    :math:`s` are mean and standard deviation of the pixels outside the mask. A particle
    without any such pixels is normalised by all of its own; where they are all equal,
    :math:`s` is the deviation of the whole image, and 1 if that is constant too. Single
    particle software for cryo-EM normalises by the same rule [1]_.

    References
    ----------
    .. [1] S. H. W. Scheres, "RELION: Implementation of a Bayesian approach to cryo-EM
       structure determination", J. Struct. Biol. 180, 519-530, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklipo import ImageArray, NormalizeBackground
    >>> image = np.array([[100, 104], [102, 150]], dtype="uint8")
    >>> mask = np.array([[False, False], [False, True]])
    >>> particles = pd.DataFrame(
    ...     {"image": ImageArray([image]), "mask": ImageArray([mask])}
    ... )
    >>> NormalizeBackground().fit_transform(particles)["image"][0].round(2)
    array([[-1.22,  1.22],
           [ 0.  , 29.39]], dtype=float32)
    """

    def _transform(self, particles):
        images = particles["image"].array
        masks = particles["mask"].array if "mask" in particles else repeat(None)
        return particles.assign(
            image=_map_images(
                _normalize, images, masks, dtype=float_dtype(images.pixel_dtype)
            )
        )


class CropToMask(_ParticleTransformer):
    """Crop every particle to the bounding box of its mask.

    The cropped images share the pixels of the original ones: nothing is copied.
    Particles without a mask stay whole.

    Parameters
    ----------
    margin : int, default=0
        Pixels of surrounding kept on each side, as far as the image has them.

    See Also
    --------
    ApplyMask : Fills the surrounding that is left.
    Resize : Brings particles to one size.

    Notes
    -----
    Cropped input, with or without :class:`ApplyMask`, gave the networks of the thesis
    their best scores [1]_ (section 8.5).

    References
    ----------
    .. [1] S. Gryshkevych, "Convolutional neural networks for classification of
       transmission electron microscopy imagery", Uppsala University, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklipo import CropToMask, ImageArray
    >>> mask = np.zeros((5, 6), dtype=bool)
    >>> mask[1:3, 2:6] = True
    >>> particles = pd.DataFrame(
    ...     {"image": ImageArray([np.ones((5, 6))]), "mask": ImageArray([mask])}
    ... )
    >>> CropToMask().fit_transform(particles)
               image        mask
    0  <2x4 float64>  <2x4 bool>
    """

    _parameter_constraints = {"margin": [Interval(Integral, 0, None, closed="left")]}

    def __init__(self, margin=0):
        self.margin = margin

    def _transform(self, particles):
        if "mask" not in particles:
            return particles
        boxes = bounding_boxes(particles["mask"].array)
        return crop_particles(particles, *boxes, self.margin)


class ApplyMask(_ParticleTransformer):
    """Fill every pixel outside the mask with one value.

    Particles without a mask stay as they are.

    Parameters
    ----------
    fill_value : float, default=0
        Value of the pixels outside the mask. After :class:`NormalizeBackground`, 0 is
        the mean of the background.

    See Also
    --------
    CropToMask : Takes most of the surrounding away.
    NormalizeBackground : Makes 0 the mean of the background.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklipo import ApplyMask, ImageArray
    >>> image = np.array([[7, 8], [9, 9]], dtype="uint8")
    >>> particles = pd.DataFrame(
    ...     {"image": ImageArray([image]), "mask": ImageArray([image > 8])}
    ... )
    >>> ApplyMask().fit_transform(particles)["image"][0]
    array([[0, 0],
           [9, 9]], dtype=uint8)
    """

    _parameter_constraints = {"fill_value": [Interval(Real, None, None, closed="both")]}

    def __init__(self, fill_value=0):
        self.fill_value = fill_value

    def _transform(self, particles):
        if "mask" not in particles:
            return particles
        images, masks = particles["image"].array, particles["mask"].array
        fill_value = _as_pixel(self.fill_value, images.pixel_dtype)

        def fill(out, image, mask):
            out[...] = fill_value
            np.copyto(out, image, where=mask)

        blank = fill_value.itemsize <= 8 and not any(fill_value.tobytes())
        image = _blank(images, masks) if blank else _map_images(fill, images, masks)
        return particles.assign(image=image)


def _normalize(out, image, mask):
    """Write an image in deviations from the mean of what lies outside its mask."""
    if image.dtype.name not in _CV2_TYPES:
        image = image.astype(np.float64)
    outside = None if mask is None or mask.all() else (~mask).view(np.uint8)
    (mean,), (deviation,) = cv2.meanStdDev(image, mask=outside)
    if not deviation:
        deviation = cv2.meanStdDev(image)[1][0] or np.ones(1)
    np.subtract(image, mean, out=out, dtype=out.dtype, casting="same_kind")
    out /= deviation.astype(out.dtype)


def _blank(images, masks):
    """Return images with all bits zero outside their masks.

    Multiplied as whole numbers, they keep every bit inside, whatever their type, and
    no -0.0 arises outside.
    """
    bits = np.dtype(f"u{images.pixel_dtype.itemsize}")
    numbers = images.with_pixels(images.pixels.view(bits))

    def multiply(out, image, mask):
        np.multiply(image, mask, out=out)

    blank = _map_images(multiply, numbers, masks)
    return blank.with_pixels(blank.pixels.view(images.pixel_dtype))


def _map_images(write, images, masks, dtype=None):
    """Return images in a new buffer, written by a function of image and mask."""
    index = lay_out(images.shapes)
    n_pixels = int(images.shapes.prod(axis=1).sum())
    pixels = np.empty(n_pixels, images.pixel_dtype if dtype is None else dtype)
    targets = view_each(pixels, index)
    for target, image, mask in zip(targets, images, masks, strict=False):
        write(target, image, mask)
    return ImageArray.from_buffer(pixels, *index.T)


def _rows_of_pixels(images):
    """Return images of one shape as a 2-D array with one image per row."""
    return np.stack([image.ravel() for image in images])


def _as_pixel(value, dtype):
    """Return a value as a pixel of a dtype that can hold it."""
    pixel = np.array(value).astype(dtype)
    if dtype.kind != "f" and pixel != value:
        raise ValueError(
            f"fill_value={value!r} is no {dtype} pixel; expected a value of that type. "
            "Convert the images to float first, for example by NormalizeBackground."
        )
    return pixel
