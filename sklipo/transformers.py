"""Transformers from particle tables to particle tables."""

from itertools import repeat
from numbers import Integral, Real

import numpy as np

# Private parts of scikit-learn: _fit_context, Interval, StrOptions,
# ADAPTERS_MANAGER, _get_output_config.
from sklearn.base import (
    BaseEstimator,
    OneToOneFeatureMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils._set_output import ADAPTERS_MANAGER, _get_output_config

from .images import ImageArray
from .images._buffer import view_each
from .images._index import lay_out
from .images._numbers import float_dtype
from .measures import Particle
from .particles._checking import (
    check_same_masks,
    holds_images,
    join_particles,
    validate_particles,
)
from .particles._cropping import bounding_boxes, crop_particles
from .surrounding import SCALES, noise_level, surrounding_level
from .tags import extend_tags
from .versions import VersionedMixin

# In deviations of the whole image. Noise alone gives a particle a contrast near 1.
LEAST_CONTRAST = 1e-4


# scikit-learn would turn every result into the output container that is set. A table of
# images fits into a pandas DataFrame alone, so transform wraps rows of numbers itself.
class _ParticleTransformer(
    VersionedMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,
):
    """Base of the transformers that return particles as they came.

    A subclass maps a checked particle table to another in ``_transform``. Nothing is
    learned, so ``transform`` works without ``fit``; after it, X has masks or has none
    as it had then.
    """

    _parameter_constraints = {}

    def __init_subclass__(cls, **kwargs):
        # The keyword of a class is not inherited.
        super().__init_subclass__(auto_wrap_output_keys=None, **kwargs)

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
        particles = validate_particles(self, X, reset=True)
        check_same_masks(self, particles, reset=True)
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

        Raises
        ------
        ValueError
            If X had masks in ``fit`` and has none now, or the other way round.
        """
        self._validate_params()  # there may have been no fit
        particles = validate_particles(self, X, reset=False)
        check_same_masks(self, particles, reset=False)
        particles = self._transform(particles)
        if not holds_images(X):
            return self._wrap_rows(_rows_of_pixels(particles["image"].array), X)
        return join_particles(X, particles)

    def set_output(self, *, transform=None):
        """Choose what holds the rows of numbers that come out where rows came in.

        Particle tables come out as pandas DataFrames whatever is chosen here.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            As in all transformers of scikit-learn; None changes nothing.

        Returns
        -------
        self : object
            The transformer itself.
        """
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
        return self

    def get_feature_names_out(self, input_features=None):
        """Pass the names of columns through.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X. Where X was rows of numbers, None stands for
            those seen in ``fit``; else for ``"image"``, which every table has.

        Returns
        -------
        names : ndarray of str
            The same names.
        """
        if hasattr(self, "n_features_in_"):
            return super().get_feature_names_out(input_features)
        return np.asarray(
            ["image"] if input_features is None else input_features, object
        )

    def _wrap_rows(self, rows, X):
        """Return rows of numbers in the container that scikit-learn is set to."""
        container = _get_output_config("transform", self)["dense"]
        if container == "default":
            return rows
        adapter = ADAPTERS_MANAGER.adapters[container]
        return adapter.create_container(rows, X, columns=self.get_feature_names_out)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return extend_tags(tags, row_wise=True)


class NormalizeBackground(_ParticleTransformer):
    r"""Make the background of every particle 0, and its noise or contrast 1.

    Micrographs differ in exposure and contrast. A particle measured by its surrounding
    looks the same in each. Put this step before :class:`CropToMask`, which removes it.

    Parameters
    ----------
    scale : {"noise", "contrast", "none"}, default="noise"
        What the pixels are counted in, as differences from the background:

        - ``"noise"``: standard deviations of the surrounding, of which 0 is the mean;
        - ``"contrast"``: contrasts of the particle, the unit of
          :class:`ParticleFeatures`; 0 is the median of the surrounding;
        - ``"none"``: pixels stay as they are. That is right for micrographs exposed
          alike, if brightness tells classes apart.

    See Also
    --------
    ApplyMask : Fills the surrounding, by default with the level that it has then.
    ParticleFeatures : Its parameter ``intensity`` has the same scales.

    Notes
    -----
    By noise, a pixel of value :math:`v` becomes :math:`(v - m) / s`, where :math:`m`
    and :math:`s` are mean and standard deviation of the surrounding: the pixels more
    than 2 pixels outside the mask, or all pixels outside if there are none. A particle
    that fills its image is normalized by all of its pixels. If the surrounding is
    constant but for rounding, see :func:`~sklipo.surrounding.surrounding_level`,
    :math:`s` is the deviation of the whole image, and 1 if that is constant too.
    Software for cryo-EM of single particles normalizes by the same rule [1]_.

    By contrast, it becomes :math:`(v - b) / c`, where :math:`b` is the median of the
    surrounding near the particle, and :math:`c` the root mean square difference from it

    .. math:: c = \sqrt{\frac{1}{n} \sum_{i=1}^{n} (v_i - b)^2}

    over the :math:`n` pixels inside, see :class:`~sklipo.measures.Particle`; [2]_ has
    the mean for :math:`b`. If that is rounding, or less than 1/10000 of the deviation
    of the whole image, :math:`c` is this deviation, and 1 if the image is constant.

    References
    ----------
    .. [1] S. H. W. Scheres, "RELION: Implementation of a Bayesian approach to cryo-EM
       structure determination", J. Struct. Biol. 180, 519-530, 2012.
    .. [2] E. Peli, "Contrast in complex images", J. Opt. Soc. Am. A 7, 2032-2040, 1990.

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
    >>> contrast = NormalizeBackground(scale="contrast").fit_transform(particles)
    >>> contrast["image"][0].round(2)
    array([[-0.04,  0.04],
           [ 0.  ,  1.  ]], dtype=float32)
    """

    _parameter_constraints = {"scale": [StrOptions(set(SCALES))]}

    def __init__(self, scale="noise"):
        self.scale = scale

    def _transform(self, particles):
        if self.scale == "none":
            return particles
        measure = noise_level if self.scale == "noise" else _contrast_level

        def normalize(image, mask, out):
            _write_scaled(image, *measure(image, mask), out)

        images = particles["image"].array
        masks = particles["mask"].array if "mask" in particles else repeat(None)
        dtype = float_dtype(images.pixel_dtype)
        return particles.assign(image=_map_images(normalize, images, masks, dtype))


class CropToMask(_ParticleTransformer):
    """Crop every particle to the bounding box of its mask.

    The cropped images share the pixels of the original ones: nothing is copied.
    Particles without a mask stay whole.

    Parameters
    ----------
    margin : int, default=0
        Pixels of surrounding kept on each side, at most as many as the image has.

    See Also
    --------
    ApplyMask : Fills the surrounding that remains in the box.
    Resize : Brings particles to one size.

    Notes
    -----
    The networks of the thesis scored best on cropped images, with or without
    :class:`ApplyMask` [1]_ (section 8.5).

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
        # A margin beyond every image would overflow.
        margin = min(self.margin, int(particles["image"].array.shapes.max(initial=0)))
        return crop_particles(particles, *boxes, margin)


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
    CropToMask : Removes most of the surrounding.
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

        def fill(image, mask, out):
            out[...] = fill_value
            np.copyto(out, image, where=mask)

        # A pixel of zero bits allows a multiplication, which is faster than a masked
        # copy. -0.0 has a bit set, and longdouble no integer of its size.
        blank = fill_value.itemsize <= 8 and not any(fill_value.tobytes())
        image = _blank(images, masks) if blank else _map_images(fill, images, masks)
        return particles.assign(image=image)


def _contrast_level(image, mask):
    """Return the background of a particle, and its contrast or else another unit."""
    intensities = Particle(image, mask).intensities
    background, contrast = intensities.background, intensities.contrast
    deviation = surrounding_level(image)[1]
    # All else in the image would become very large in a unit of next to nothing.
    if np.isinf(contrast) or contrast < LEAST_CONTRAST * deviation:
        contrast = deviation or 1.0
    return background, contrast


def _write_scaled(image, level, unit, out):
    """Write an image as differences from a level, in a unit."""
    if abs(level) <= 1000 * unit and 1e-30 < unit < 1e30:
        np.subtract(image, level, out=out, dtype=out.dtype, casting="same_kind")
        out /= unit
        return
    # In single precision, a level far above the unit would take digits from it, and
    # very large and small numbers would leave the range of floats.
    differences = np.subtract(image, level, dtype=np.float64, casting="same_kind")
    np.divide(differences, unit, out=out, casting="same_kind")


def _blank(images, masks):
    """Return images with all bits zero outside their masks."""
    # The product of integers keeps every bit inside, whatever type the pixels have. A
    # product of floats would make -0.0 of negative pixels outside.
    bits = np.dtype(f"u{images.pixel_dtype.itemsize}")
    numbers = images.with_pixels(images.pixels.view(bits))
    blank = _map_images(np.multiply, numbers, masks)
    return blank.with_pixels(blank.pixels.view(images.pixel_dtype))


def _map_images(write, images, masks, dtype=None):
    """Return images in a new buffer, written by ``write(image, mask, out)``."""
    index = lay_out(images.shapes)
    n_pixels = int(images.shapes.prod(axis=1).sum())
    pixels = np.empty(n_pixels, images.pixel_dtype if dtype is None else dtype)
    targets = view_each(pixels, index)
    for image, mask, target in zip(images, masks, targets, strict=False):
        write(image, mask, target)
    return ImageArray.from_buffer(pixels, *index.T)


def _rows_of_pixels(images):
    """Return images of one shape as a 2-D array with one image per row."""
    return np.stack([image.ravel() for image in images])


def _as_pixel(value, dtype):
    """Return a value as a pixel of a dtype that can hold it."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            pixel = np.array(value).astype(dtype)
        # Floats are rounded, but none that is finite becomes infinite.
        is_infinite = abs(value) == np.inf
        is_held = (
            np.isinf(pixel) == is_infinite if dtype.kind == "f" else pixel == value
        )
    except OverflowError:  # an integer that no type of NumPy holds
        is_held = False
    if not is_held:
        raise ValueError(
            f"fill_value={value!r} is no {dtype} pixel; expected a value of that type. "
            "Convert the images to float first, for example by NormalizeBackground."
        )
    return pixel
