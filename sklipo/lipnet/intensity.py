"""Random changes of the gray values of training images."""

from numbers import Real

import numpy as np
import torch

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval

from ._augmentation import RandomAugmentation, check_images, draw_uniformly

_SHARE = Interval(Real, 0, 1, closed="both")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_FINITE = Interval(Real, None, None, closed="neither")


class RandomIntensity(RandomAugmentation):
    r"""Change the gray values of training images at random, as microscopes differ.

    Gain, sharpness, offset, uneven background and noise are drawn for each image. Give
    it to :class:`LipNetClassifier` as ``augmentation``, alone or in a list after
    :class:`RandomAffine`. What is predicted is never augmented.

    Parameters
    ----------
    gain : float, default=0.2
        Largest share by which gray values are multiplied up or down.
    blur : float, default=0.5
        Largest share of an image, at most 1, that its smoothed copy takes the place of.
    sharpening : float, default=0.5
        Largest share by which an image is moved away from its smoothed copy.
    offset : float, default=0.2
        Largest number that is added to an image or subtracted from it, in units of the
        standard deviation of the training set's pixels.
    unevenness : float, default=0.1
        Root mean square of the smooth background that is added, over pixels and images,
        in the same units.
    noise : float, default=0.1
        Largest standard deviation of the noise that is added last, in the same units.
    fill_value : float or None, default=0.0
        Pixels of exactly this value show nothing, and stay as they are. None changes
        all pixels.

    See Also
    --------
    RandomAffine : Moves pixels rather than changing their values.
    LipNetClassifier : Has this object as its parameter ``augmentation``.

    Notes
    -----
    An image :math:`I` becomes

    .. math:: I' = g\,\bigl(I + b\,(K * I - I)\bigr)
              + s\,(o + B(x, y) + \sigma\,\varepsilon)

    with numbers drawn uniformly, once for each image: the gain :math:`g` from
    :math:`1 \mp` ``gain``, the blur :math:`b` from ``-sharpening`` to ``blur``, the
    offset :math:`o` from :math:`\mp` ``offset`` and the deviation :math:`\sigma` from 0
    to ``noise``. :math:`\varepsilon` is normal noise of each pixel, and :math:`s` the
    scale of the training set. Gray values are multiplied about 0, which is the mean of
    the background after :class:`NormalizeBackground` and no electrons in raw pixels.

    :math:`K` is the binomial filter of 3 x 3 pixels [1]_, outer products of
    :math:`(1, 2, 1) / 4`; the edge of the image is repeated. The image's waves of
    :math:`u` and :math:`v` periods a pixel are multiplied by

    .. math:: 1 - b + b \cos^2(\pi u) \cos^2(\pi v)

    so that :math:`b = 1` blurs as a Gaussian of 0.7 pixels does, and a negative
    :math:`b` is an unsharp mask: it makes the finest waves :math:`1 - b` times as
    strong. Waves that the image shows over many pixels stay as they are.

    The background is a polynomial of second order, with :math:`x` and :math:`y` from -1
    to 1 between the outer edges of the image,

    .. math:: B = c_1 \sqrt{3}\,x + c_2 \sqrt{3}\,y + c_3\,3\,x y
              + c_4 \sqrt{5}\,\frac{3 x^2 - 1}{2} + c_5 \sqrt{5}\,\frac{3 y^2 - 1}{2}

    Its terms are products of Legendre polynomials, each of mean 0 and mean square 1
    over the image. The :math:`c_i` are drawn from
    :math:`\mp \sqrt{3/5}` ``unevenness``.

    :class:`ApplyMask` fills what surrounds a particle with 0, in training as in
    prediction. These pixels must not change, as no microscope would show them so. That
    is what ``fill_value`` is for: set it to that of :class:`ApplyMask` and of
    :class:`RandomAffine`. Blur mixes the outermost pixels of a particle with it. Noise
    of :class:`RandomAffine` hides which pixels were filled: leave noise to this class.

    A change is off at 0. With all of them off, images stay as they are to the bit and
    nothing is drawn. One that is off takes its number from the generator all the same,
    so that the others are drawn as before. All draws are made on the CPU: a seed means
    the same changes on every device.

    References
    ----------
    .. [1] B. Jaehne, "Digital Image Processing", 6th ed., Springer, 2005. Chapter 11,
       binomial filters.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.intensity import RandomIntensity
    >>> images = torch.rand(128, 1, 28, 28)
    >>> generator = torch.Generator().manual_seed(0)
    >>> RandomIntensity(gain=0.5).augment(images, generator).shape
    torch.Size([128, 1, 28, 28])

    Turn particles first, then change their gray values:

    >>> from sklipo import LipNetClassifier, RandomAffine
    >>> model = LipNetClassifier(augmentation=[RandomAffine(), RandomIntensity()])
    """

    _parameter_constraints = {
        "gain": [_SHARE],
        "blur": [_SHARE],
        "sharpening": [_NOT_NEGATIVE],
        "offset": [_NOT_NEGATIVE],
        "unevenness": [_NOT_NEGATIVE],
        "noise": [_NOT_NEGATIVE],
        "fill_value": [_FINITE, None],
    }

    def __init__(
        self,
        gain=0.2,
        *,
        blur=0.5,
        sharpening=0.5,
        offset=0.2,
        unevenness=0.1,
        noise=0.1,
        fill_value=0.0,
    ):
        self.gain = gain
        self.blur = blur
        self.sharpening = sharpening
        self.offset = offset
        self.unevenness = unevenness
        self.noise = noise
        self.fill_value = fill_value

    @torch.no_grad()
    def augment(self, images, generator=None, *, scale=1.0):
        """Change the gray values of each image of a batch in its own random way.

        Parameters
        ----------
        images : Tensor of shape (n_samples, n_channels, height, width)
            Images of floating point numbers, on any device.
        generator : torch.Generator, default=None
            Generator on the CPU; by default the global one of torch.
        scale : float, default=1.0
            Unit of offset, unevenness and noise. ``LipNetClassifier`` passes its
            ``scale_``.

        Returns
        -------
        augmented : Tensor of shape (n_samples, n_channels, height, width)
            Changed images of the same dtype on the same device; the very same tensor if
            every change is off.

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
        if self._changes_nothing():
            return images
        draws = self._draw(len(images), generator)
        # In this order, as some devices have no float64.
        values = torch.from_numpy(np.stack(list(draws.values()), axis=1))
        values = values.to(images.dtype).to(images.device)
        gain, blur, deviation = values[:, :3, None, None, None].unbind(dim=1)
        changed = images * (gain * (1 - blur))
        if self.blur or self.sharpening:
            changed.addcmul_(_smooth(images), gain * blur)
        if self.offset or self.unevenness:
            changed += _backgrounds(values[:, 3:] * scale, images)
        if self.noise:
            noise = torch.empty(images.shape, dtype=images.dtype)
            noise = noise.normal_(generator=generator).to(images.device)
            changed.addcmul_(noise, deviation * scale)
        if self.fill_value is None:
            return changed
        return torch.where(images == self.fill_value, images, changed)

    def _changes_nothing(self):
        """Tell whether every pixel keeps its value."""
        return not any(
            (
                self.gain,
                self.blur,
                self.sharpening,
                self.offset,
                self.unevenness,
                self.noise,
            )
        )

    def _draw(self, n_samples, generator):
        """Return the numbers drawn for each image: g, b, sigma, o and each c."""
        # A uniform number has a third of its limit's square as mean square.
        largest = self.unevenness * np.sqrt(3 / 5)
        ranges = {
            "gain": (1 - self.gain, 1 + self.gain),
            "blur": (-self.sharpening, self.blur),
            "noise": (0, self.noise),
            "offset": (-self.offset, self.offset),
            **{f"unevenness{i}": (-largest, largest) for i in range(5)},
        }
        return draw_uniformly(ranges, n_samples, generator)


def _smooth(images):
    """Return images smoothed by the binomial filter of 3 x 3 pixels."""
    return _add_neighbors(_add_neighbors(images, -1), -2) / 16


def _add_neighbors(images, axis):
    """Return twice each pixel, plus the one before and the one after along an axis.

    Sums of slices are eight times as fast as a padded convolution of torch.
    """
    last = images.shape[axis] - 1
    sums = 2 * images
    sums.narrow(axis, 1, last).add_(images.narrow(axis, 0, last))
    sums.narrow(axis, 0, last).add_(images.narrow(axis, 1, last))
    # The pixels at the edge are their own neighbors.
    for edge in (0, last):
        sums.narrow(axis, edge, 1).add_(images.narrow(axis, edge, 1))
    return sums


def _backgrounds(coefficients, images):
    """Return polynomials of second order, one for each image."""
    height, width = images.shape[2:]
    y, x = (
        (2 * torch.arange(length, dtype=images.dtype) + 1) / length - 1
        for length in (height, width)
    )
    y = y[:, None]
    terms = (
        torch.ones_like(x),
        np.sqrt(3) * x,
        np.sqrt(3) * y,
        3 * x * y,
        np.sqrt(5) * (3 * x**2 - 1) / 2,
        np.sqrt(5) * (3 * y**2 - 1) / 2,
    )
    terms = torch.stack([term.expand(height, width) for term in terms])
    fields = coefficients @ terms.flatten(1).to(images.device)
    return fields.reshape(-1, 1, height, width)
