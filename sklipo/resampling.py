"""Samplers for imbalanced particles that imbalanced-learn lacks."""

from numbers import Integral, Real

import numpy as np
import pandas as pd

# Private parts of imbalanced-learn: BaseOverSampler, which no package exports, with its
# _parameter_constraints and _check_X_y.
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from scipy import sparse
from sklearn.utils import check_consistent_length, column_or_1d

# Private parts of scikit-learn: the constraints of parameters.
from sklearn.utils._param_validation import Interval, StrOptions

from ._random import own_seed
from .artificial._backgrounds import choose_background, describe_background
from .artificial._cutouts import Cutout, as_pixels, turn_image
from .artificial._imitation import draw_like
from .artificial._recombination import recombine
from .artificial._sampling import CLASSES, MEDIAN_RADIUS
from .images import ImageArray
from .particles import check_particles
from .particles._checking import (
    flat_image_shape,
    holds_images,
    validate_particles,
)
from .particles._columns import strip_names
from .versions import VersionedMixin


class ArtificialOverSampler(VersionedMixin, BaseOverSampler):
    r"""Fill the minority classes with artificial particles.

    Random oversampling repeats the few particles of a class, and with them their
    surroundings. A classifier can learn both by heart. Here every new particle, a real
    one or a drawn one, lies on the background of another particle. Its size, the
    histogram of its gray values and its background are those of the particles given, in
    a pipeline those of the training fold.

    Put it where particles still have their surrounding: after
    :class:`NormalizeBackground`, if that is used, and before :class:`CropToMask`.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        How many particles each class gets, in the words of imbalanced-learn:

        - a float is the ratio of the minority class to the majority class afterwards,
          for two classes only;
        - "minority", "not minority", "not majority" or "all" fills these classes up to
          the size of the largest; "auto" is "not majority";
        - a dict gives the number of particles by class;
        - a callable takes ``y`` and returns such a dict.
    method : {"recombine", "draw", "auto"}, default="recombine"
        How a new particle is made:

        - "recombine" moves a particle of the class, as its mask cuts it out, onto the
          background of any other particle. This works for every class;
        - "draw" draws a liposome as :func:`~sklipo.datasets.make_liposomes` does, on
          such a background, with the radius and the gray values of a particle of the
          class. Classes must have the names that function gives them ("unilamellar",
          "multilamellar" and "uncertain", or "full", "uncertain" and "empty"), and
          matter must be dark;
        - "auto" draws classes of those names and recombines all others.
    feather : int, default=3
        Width in pixels of the ring around the mask in which particle and background
        are blended.
    jitter : float, default=0.1
        Largest relative change of a particle's contrast, at random.
    turn : bool, default=True
        Whether particles and backgrounds are turned by right angles and flipped, at
        random.
    random_state : int, RandomState instance or None, default=None
        Determines everything random. Pass an int for the same particles in each call.

    Attributes
    ----------
    sampling_strategy_ : dict
        Number of new particles by class.
    sample_indices_ : ndarray of shape (n_new_samples,)
        Row of X for each row of the result: the same particle, or the one that a new
        particle is made after.
    n_features_in_ : int
        Number of values in a row, where X was rows of numbers.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where X was a DataFrame of numbers.

    See Also
    --------
    imblearn.over_sampling.RandomOverSampler : Repeat particles unchanged.
    imblearn.over_sampling.SMOTE : Interpolate between rows of numbers.
    sklipo.datasets.make_liposomes : Draw liposomes that fit no data.

    Notes
    -----
    The result holds the rows of X, then the new ones. Each particle of a class is used
    equally often. Columns other than ``image`` and ``mask`` repeat those of the
    particle that a new one is made after: a column such as ``radius_nm`` remains true,
    a column about the contents of a drawn liposome does not.

    A gray value :math:`v` of a particle becomes

    .. math:: m' + g \frac{s'}{s} (v - m)

    with mean :math:`m` and standard deviation :math:`s` of its own surrounding,
    :math:`m'` and :math:`s'` of the new one and :math:`g` within 1 - jitter and 1 +
    jitter. :class:`NormalizeBackground` gives both the same values. The background is
    the most similar of 100 random ones, to fit in noise and contrast. The contrast is
    lessened where integer pixels have no room for it. The background's own particle is
    replaced by the mirror image of its surrounding.

    A drawing is added to noise with the power spectrum of the background. Then the
    quantiles within its mask are brought to those of the real particle. The artificial
    liposomes of [1]_ matched no statistics of the data, and did not help. Detectors
    learn well from objects that are cut out and pasted elsewhere [2]_.

    Rows of numbers are read as images without a background, see
    :func:`check_particles`: square ones are turned and flipped, and the contrast of all
    is changed. For rows of measures use SMOTE.

    References
    ----------
    .. [1] S. Gryshkevych, "Convolutional neural networks for classification of
       transmission electron microscopy imagery", Uppsala University, 2016, section
       4.8.4.
    .. [2] D. Dwibedi, I. Misra and M. Hebert, "Cut, Paste and Learn: Surprisingly Easy
       Synthesis for Instance Detection", ICCV, 2017.

    Examples
    --------
    >>> from sklipo.resampling import ArtificialOverSampler
    >>> from sklipo.datasets import make_liposomes
    >>> particles = make_liposomes(20, weights=[12, 5, 3], random_state=0)
    >>> sampler = ArtificialOverSampler(random_state=0)
    >>> resampled, y = sampler.fit_resample(particles, particles["label"])
    >>> y[20:].value_counts().to_dict()
    {'uncertain': 9, 'multilamellar': 7}
    >>> resampled["mask"].dtype.name
    'image'
    """

    _parameter_constraints = {
        **BaseOverSampler._parameter_constraints,
        "method": [StrOptions({"recombine", "draw", "auto"})],
        "feather": [Interval(Integral, 0, None, closed="left")],
        "jitter": [Interval(Real, 0, 1, closed="left")],
        "turn": ["boolean"],
    }

    def __init__(
        self,
        *,
        sampling_strategy="auto",
        method="recombine",
        feather=3,
        jitter=0.1,
        turn=True,
        random_state=None,
    ):
        super().__init__(sampling_strategy=sampling_strategy)
        self.method = method
        self.feather = feather
        self.jitter = jitter
        self.turn = turn
        self.random_state = random_state

    def _check_X_y(self, X, y):
        """Check a particle table here, and rows of numbers as imbalanced-learn does."""
        if not holds_images(X):
            return super()._check_X_y(X, y)
        y, is_one_vs_all = check_target_type(y, indicate_one_vs_all=True)
        y = column_or_1d(y)
        check_consistent_length(X, y)
        if "mask" not in validate_particles(self, X, reset=True):
            raise ValueError(
                "X has no masks to tell particles from their background; expected "
                "a particle table with the columns 'image' and 'mask', see "
                "sklipo.datasets.load_particles."
            )
        return X, y, is_one_vs_all

    def _fit_resample(self, X, y):
        """Append the new particles of each class that grows."""
        rng = np.random.default_rng(own_seed(self.random_state))
        traits = self._choose_traits(X, y)
        if isinstance(X, pd.DataFrame):
            X, sources = self._add_particles(X, y, traits, rng)
        else:
            X, sources = self._add_rows(X, y, rng)
        self.sample_indices_ = np.concatenate([np.arange(len(y)), sources])
        return X, y[self.sample_indices_]

    def _choose_traits(self, X, y):
        """Return the traits of each class that is drawn, not recombined."""
        if self.method == "recombine":
            return {}
        labels = set(y.tolist())
        # "uncertain" is a class of both problems: the other classes tell which it is.
        classes = max(CLASSES.values(), key=lambda classes: len(labels & set(classes)))
        growing = set(self.sampling_strategy_)
        if self.method == "draw":
            _check_drawable(X, growing, classes)
        return {label: classes[label] for label in growing & set(classes)}

    def _add_particles(self, X, y, traits, rng):
        """Return the table with new particles appended, and their sources' rows."""
        names, X = X.columns, strip_names(X)
        particles = check_particles(X)
        cutouts = list(map(Cutout, particles["image"].array, particles["mask"].array))
        with_background = np.array([not cutout.mask.all() for cutout in cutouts])
        sources = _spread(self.sampling_strategy_, y, with_background, rng)
        if not len(sources):
            return X.reset_index(drop=True).set_axis(names, axis=1), sources
        donors = np.flatnonzero(with_background)
        descriptions = np.full((len(y), 4), np.nan)
        descriptions[donors] = [describe_background(cutouts[i]) for i in donors]
        nm_per_pixel = _nm_per_pixel(particles, cutouts)
        made = []
        for i in sources:
            donor = cutouts[choose_background(i, donors, descriptions, rng)]
            drawn_as = traits.get(y[i])
            made.append(self._make(cutouts[i], donor, drawn_as, nm_per_pixel[i], rng))
        images, masks = zip(*made, strict=True)
        new = X.iloc[sources].assign(image=ImageArray(images), mask=ImageArray(masks))
        # imbalanced-learn asks for the columns under the names that they came with.
        table = pd.concat([X, new], ignore_index=True).set_axis(names, axis=1)
        return table, sources

    def _make(self, source, donor, traits, nm_per_pixel, rng):
        """Return image and mask of one artificial particle."""
        gain = rng.uniform(1 - self.jitter, 1 + self.jitter)
        source, donor = self._turn(source, rng), self._turn(donor, rng)
        if traits is None:
            image, mask = recombine(source, donor, self.feather, gain), source.mask
        else:
            image, mask = draw_like(
                source, donor, traits, nm_per_pixel, self.feather, gain, rng
            )
        return as_pixels(image, source.image.dtype), mask

    def _turn(self, cutout, rng):
        """Turn a cut-out at random if the parameter says so."""
        return cutout.turn(rng.integers(8)) if self.turn else cutout

    def _add_rows(self, X, y, rng):
        """Return the rows with varied ones appended, and their sources' rows."""
        sources = _spread(self.sampling_strategy_, y, np.ones(len(y), bool), rng)
        new = X[sources].toarray() if sparse.issparse(X) else X[sources]
        shape = flat_image_shape(X.shape[1])
        for row in new:
            gain = rng.uniform(1 - self.jitter, 1 + self.jitter)
            row[:] = as_pixels(gain * row, X.dtype)
            if self.turn and shape[0] == shape[1]:
                row[:] = turn_image(row.reshape(shape), rng.integers(8)).ravel()
        if sparse.issparse(X):
            return sparse.vstack([X, new], format=X.format), sources
        return np.vstack([X, new]), sources

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.sampler_tags.sample_indices = True
        return tags


def _check_drawable(X, labels, classes):
    """Raise an error unless particles with these labels can be drawn."""
    if not isinstance(X, pd.DataFrame):
        raise ValueError(
            "method='draw' draws cut-outs, and X is rows of numbers; put the sampler "
            "before Resize, or use method='recombine'."
        )
    for label in sorted(labels - set(classes), key=str):
        raise ValueError(
            f"method='draw' cannot draw the class {label!r}; it draws "
            f"{' or '.join(str(list(classes)) for classes in CLASSES.values())}. Use "
            "method='auto' to recombine what cannot be drawn."
        )


def _spread(sampling_strategy, y, usable, rng):
    """Return the rows to make new particles after, each of a class equally often."""
    sources = [np.empty(0, np.intp)]
    for label, n_new in sampling_strategy.items():
        rows = np.flatnonzero((y == label) & usable)
        if n_new and (len(rows) == 0 or usable.sum() < 2):
            raise ValueError(
                f"The class {label!r} has no particle with a background, or no other "
                "particle has one: their masks fill the images. Put the sampler before "
                "CropToMask, and cut particles out with a margin."
            )
        sources.append(np.resize(rng.permutation(rows), n_new))
    return np.concatenate(sources)


def _nm_per_pixel(particles, cutouts):
    """Return the pixel sizes; guess them from the usual radius if unknown."""
    if "pixel_size" in particles:
        return particles["pixel_size"].to_numpy()
    radius = np.median([cutout.radius for cutout in cutouts])
    return np.full(len(cutouts), MEDIAN_RADIUS[0] / radius)
