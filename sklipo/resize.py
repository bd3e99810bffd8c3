"""Resize: images of any size to rows of pixels."""

from functools import cache, lru_cache
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import ThreadpoolController

from .images._buffer import float_dtype
from .particles import validate_particles
from .tags import extend_tags

# Integer pixels whose largest value is the white of the format.
_WHITE = {"uint8": 255, "uint16": 65535}


class Resize(TransformerMixin, BaseEstimator):
    """Bring every particle to one size and return its pixels as a row of numbers.

    This is a doorway: in come images of any size, out comes a 2-D array that every
    scikit-learn estimator and imbalanced-learn sampler takes, and that
    :class:`~sklipo.LipNetClassifier` reads as images.

    Parameters
    ----------
    size : int or tuple of (int, int), default=28
        Height and width of the result in pixels; one number for a square. The image is
        stretched to it, as in the thesis.

    Attributes
    ----------
    size_ : tuple of (int, int)
        Height and width in pixels.
    n_features_in_ : int
        Number of values in a row, where X was rows of numbers.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where X was a DataFrame of numbers.

    See Also
    --------
    ParticleFeatures : The other doorway: measures instead of pixels.
    CropToMask : Removes the surrounding first.

    Notes
    -----
    Along an axis that shrinks, a pixel of the result is the mean over the length that
    it covers, so that noise averages out and nothing is aliased; along one that grows,
    pixels are interpolated linearly. Both are products with a matrix of weights,
    computed by one thread, so that the bits do not depend on the number of threads.
    Pixels of type uint8 and uint16 are divided by 255 and 65535. Other types have no
    white level of their own and keep their values.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import Resize
    >>> images = [np.full((50, 40), 255, "uint8"), np.zeros((31, 33), "uint8")]
    >>> Resize(2).fit_transform(images)
    array([[1., 1., 1., 1.],
           [0., 0., 0., 0.]], dtype=float32)
    """

    _parameter_constraints = {
        "size": [Interval(Integral, 1, None, closed="left"), tuple, list]
    }

    def __init__(self, size=28):
        self.size = size

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
        size = _check_size(self.size)
        validate_particles(self, X, reset=True)
        self.size_ = size
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
            One image per row in C order; float64 for float64 pixels, else float32.
        """
        check_is_fitted(self)
        images = validate_particles(self, X, reset=False)["image"].array
        dtype = float_dtype(images.pixel_dtype)
        height, width = self.size_
        pixels = np.empty((len(images), height, width), dtype)
        with _threadpools().limit(limits=1, user_api="blas"):
            for out, image in zip(pixels, images, strict=True):
                rows, n_rows = _resampling(image.shape[0], height, dtype)
                columns, n_columns = _resampling(image.shape[1], width, dtype)
                np.matmul(rows @ image.astype(dtype), columns.T, out=out)
                out /= n_rows * n_columns
        white = _WHITE.get(images.pixel_dtype.name)
        if white is not None:
            pixels /= dtype(white)
            np.minimum(pixels, 1, out=pixels)  # means round up beyond white
        return pixels.reshape(len(images), -1)

    def get_feature_names_out(self, input_features=None):
        """Name the pixels of the result.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of shape (height * width,)
            ``pixel_<row>_<column>``.
        """
        check_is_fitted(self)
        return np.array([f"pixel_{y}_{x}" for y, x in np.ndindex(*self.size_)], object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return extend_tags(tags, row_wise=True)


@cache
def _threadpools():
    """Return the thread pools of this process: to look for them takes a while."""
    return ThreadpoolController()


@lru_cache(maxsize=256)
def _resampling(length, new_length, dtype):
    """Return the weights of pixels along an axis for each new one, and their sum.

    Weights are parts of pixels, and the sum divides last: so white stays white.
    """
    step = length / new_length
    pixels = np.arange(length)
    if step >= 1:
        ends = np.arange(new_length + 1)[:, np.newaxis] * step
        weights = np.minimum(pixels + 1, ends[1:]) - np.maximum(pixels, ends[:-1])
    else:
        centres = (np.arange(new_length)[:, np.newaxis] + 0.5) * step - 0.5
        weights = 1 - np.abs(pixels - centres.clip(0, length - 1))
    return weights.clip(0).astype(dtype), max(step, 1.0)


def _check_size(size):
    """Return the size as height and width."""
    if isinstance(size, Integral):
        return int(size), int(size)
    if len(size) != 2 or not all(isinstance(s, Integral) and s > 0 for s in size):
        raise ValueError(
            f"size={size!r}; expected a positive number of pixels, or two: "
            "(height, width)."
        )
    return int(size[0]), int(size[1])
