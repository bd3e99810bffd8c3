"""Resize: images of any size to rows of pixels."""

from numbers import Integral, Real

import numpy as np

# Private parts of scikit-learn: _fit_context, Interval, _check_feature_names_in.
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from .images._numbers import float_dtype
from .images._resizing import resize_image
from .images._shapes import height_and_width
from .particles._checking import validate_particles
from .particles._scale import check_white, white_level
from .tags import extend_tags
from .versions import VersionedMixin


class Resize(VersionedMixin, TransformerMixin, BaseEstimator):
    """Bring every particle to one size and return its pixels as a row of numbers.

    Every scikit-learn estimator and imbalanced-learn sampler takes the rows, and
    :class:`~sklipo.LipNetClassifier` reads them as images.

    Parameters
    ----------
    size : int or tuple of (int, int), default=28
        Height and width of the result in pixels; one number for a square.
    keep_aspect_ratio : bool, default=False
        Whether an image keeps its proportions and lies in the middle of the result, as
        large as fits. By default it is stretched to fit, as in the thesis.
    fill_value : float, default=0
        Value beside an image that keeps its proportions, on the scale of its pixels.
        After :class:`NormalizeBackground`, 0 is the mean of the background.

    Attributes
    ----------
    size_ : tuple of (int, int)
        Height and width in pixels.
    white_ : int
        The number that pixels are divided by: 255 if they were of type uint8 in
        ``fit``, 65535 if uint16, else 1.
    n_features_in_ : int
        Number of values in a row, where X was rows of numbers.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where X was a DataFrame of numbers.

    See Also
    --------
    ParticleFeatures : Makes rows of measures instead of pixels.
    CropToMask : Removes the surrounding first.

    Notes
    -----
    Along an axis that shrinks, a pixel of the result is the mean over the length that
    it covers, which averages noise out and aliases nothing; along one that grows,
    pixels are interpolated linearly. OpenCV computes both, with weights in single
    precision.

    An image that keeps its proportions gets whole numbers of pixels, one at least: of
    an axis of ``n`` pixels, the nearest to ``n`` times the factor of the axis that
    fills the result.

    Pixels of type uint8 and uint16 are divided by 255 and 65535. Other types have no
    white level of their own and keep their values. A model that has learned from the
    one kind would see the other on a scale that is off by such a factor, so
    ``transform`` refuses it. After :class:`NormalizeBackground` by noise or contrast
    all types are alike.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import Resize
    >>> images = [np.full((50, 40), 255, "uint8"), np.zeros((31, 33), "uint8")]
    >>> Resize(2).fit_transform(images)
    array([[1., 1., 1., 1.],
           [0., 0., 0., 0.]], dtype=float32)
    >>> long = [np.full((4, 8), 255, "uint8")]
    >>> Resize(4, keep_aspect_ratio=True).fit_transform(long).reshape(4, 4)
    array([[0., 0., 0., 0.],
           [1., 1., 1., 1.],
           [1., 1., 1., 1.],
           [0., 0., 0., 0.]], dtype=float32)
    """

    _parameter_constraints = {
        "size": [Interval(Integral, 1, None, closed="left"), tuple, list],
        "keep_aspect_ratio": ["boolean"],
        "fill_value": [Interval(Real, None, None, closed="neither")],
    }

    def __init__(self, size=28, *, keep_aspect_ratio=False, fill_value=0):
        self.size = size
        self.keep_aspect_ratio = keep_aspect_ratio
        self.fill_value = fill_value

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check X and the size.

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
        size = height_and_width(self.size, "size")
        images = validate_particles(self, X, reset=True)["image"].array
        self.size_ = size
        self.white_ = white_level(images)
        return self

    def transform(self, X):
        """Resize each particle.

        Parameters
        ----------
        X : particle table, list of 2-D arrays or array
            What :func:`~sklipo.particles.check_particles` takes.

        Returns
        -------
        pixels : ndarray of shape (n_samples, height * width)
            One image per row in C order; float64 for float64 and longdouble pixels,
            else float32.

        Raises
        ------
        ValueError
            If ``fit`` saw pixels that are divided by another white.
        """
        check_is_fitted(self)
        images = validate_particles(self, X, reset=False)["image"].array
        check_white(self, images)
        dtype = float_dtype(images.pixel_dtype)
        height, width = self.size_
        pixels = np.empty((len(images), height, width), dtype)
        resize = resize_image
        if self.keep_aspect_ratio:
            pixels[:] = self.fill_value
            resize = _resize_in_proportion
        for out, image in zip(pixels, images, strict=True):
            # OpenCV knows no bool and few integers, and would round means of those.
            resize(image.astype(dtype, copy=False), out)
        if self.white_ != 1:
            pixels /= dtype(self.white_)
            np.minimum(pixels, 1, out=pixels)  # means round up beyond white
        return pixels.reshape(len(images), height * width)

    def get_feature_names_out(self, input_features=None):
        """Name the pixels of the result.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X. They are compared with those seen in ``fit``
            where X was rows of numbers, else ignored.

        Returns
        -------
        names : ndarray of shape (height * width,)
            ``pixel_<row>_<column>``.
        """
        check_is_fitted(self)
        if hasattr(self, "n_features_in_"):
            _check_feature_names_in(self, input_features, generate_names=False)
        return np.array([f"pixel_{y}_{x}" for y, x in np.ndindex(*self.size_)], object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return extend_tags(tags, row_wise=True)


def _resize_in_proportion(image, out):
    """Write an image into the middle of another one, as large as fits."""
    factor = min(np.divide(out.shape, image.shape))
    shape = np.maximum(np.rint(np.multiply(image.shape, factor)), 1).astype(int)
    part = np.empty(shape, out.dtype)  # OpenCV writes into whole arrays only
    resize_image(image, part)
    (top, left), (bottom, right) = (out.shape - shape) // 2, (out.shape + shape) // 2
    out[top:bottom, left:right] = part
