"""Samplers for imbalanced particles that imbalanced-learn lacks."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from scipy import sparse
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions

from .artificial._recombination import (
    Cutout,
    as_pixels,
    choose_background,
    draw_like,
    recombine,
    turned,
)
from .artificial._scenes import CLASSES, MEDIAN_RADIUS
from .images import ImageArray
from .particles import (
    check_particles,
    flat_image_shape,
    holds_images,
    validate_particles,
)


class ArtificialOverSampler(BaseOverSampler):
    r"""Fill the minority classes with artificial particles.

    Random oversampling repeats the few particles of a class, and with them their
    surroundings, so that a classifier can learn both by heart. Here every new particle
    lies on the background of another one: a real particle moved there, or a drawn one.
    Its size, the histogram of its grey values and its background are those of the
    particles given, in a pipeline those of the training fold.

    Put it where particles still have their surrounding: after
    :class:`NormalizeBackground`, if that is used, and before :class:`CropToMask`.

    Parameters
    ----------
    sampling_strategy : float, str, dict or callable, default="auto"
        How many particles each class shall have, in the words of imbalanced-learn:

        - a float is the size of the minority class over that of the majority class
          afterwards, for two classes only;
        - "minority", "not minority", "not majority" or "all" names the classes that
          are filled up to the size of the largest; "auto" is "not majority";
        - a dict gives the number of particles by class;
        - a callable takes ``y`` and returns such a dict.
    method : {"recombine", "draw", "auto"}, default="recombine"
        How a new particle is made:

        - "recombine" moves a particle of the class, as its mask cuts it out, onto the
          background of any other particle. It needs to know nothing of the class;
        - "draw" draws a liposome as :func:`~sklipo.datasets.make_liposomes` does, on
          such a background, with the radius and the grey values of a particle of the
          class. The classes must be called as they are there ("unilamellar",
          "multilamellar" and "uncertain", or "full", "uncertain" and "empty") and
          matter must be dark;
        - "auto" draws classes of those names and recombines all others.
    feather : int, default=3
        Pixels around the mask over which the particle gives way to the background.
    jitter : float, default=0.1
        Largest relative change of a particle's contrast, at random.
    turn : bool, default=True
        Whether particles and backgrounds are turned by right angles and flipped, at
        random.
    random_state : int, RandomState instance or None, default=None
        Determines all that is drawn at random. Pass an int for the same particles in
        each call.

    Attributes
    ----------
    sampling_strategy_ : dict
        Number of new particles by class.
    sample_indices_ : ndarray of shape (n_new_samples,)
        For each row of the result the row of X that it is, or is made after.
    n_features_in_ : int
        Number of values in a row, where X was rows of numbers.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where X was a DataFrame of numbers.

    See Also
    --------
    imblearn.over_sampling.RandomOverSampler : Repeats particles as they are.
    imblearn.over_sampling.SMOTE : Interpolates between rows of numbers.
    sklipo.datasets.make_liposomes : Draws liposomes that fit no data.

    Notes
    -----
    The result holds the rows of X, then the new ones. Each particle of a class is used
    equally often. Columns other than ``image`` and ``mask`` repeat those of the
    particle that a new one is made after, so that a column such as ``radius_nm``
    remains true, but one about what is inside a drawn liposome does not.

    A grey value :math:`v` of a particle becomes

    .. math:: m' + g \frac{s'}{s} (v - m)

    with mean :math:`m` and standard deviation :math:`s` of its own surrounding,
    :math:`m'` and :math:`s'` of the new one and :math:`g` within 1 - jitter and 1 +
    jitter. :class:`NormalizeBackground` gives both the same values. Of 100 backgrounds
    at random the most similar one is taken, so that noise and contrast fit; where
    integer pixels have no room for the contrast, it is lessened. The background's own
    particle is replaced by the mirror image of what surrounds it.

    A drawing is added to noise with the power spectrum of the background. Then the
    quantiles within its mask are brought to those of the real particle. The artificial
    liposomes of [1]_ matched no statistics of the data, and did not help. Detectors
    learn well from objects that are cut out and pasted elsewhere [2]_.

    Rows of numbers are taken as images without a background, see
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
        """Append what is made for each class that is to grow."""
        rng = self._generator()
        traits = self._choose_traits(X, y)
        if isinstance(X, pd.DataFrame):
            X, sources = self._add_particles(X, y, traits, rng)
        else:
            X, sources = self._add_rows(X, y, rng)
        self.sample_indices_ = np.concatenate([np.arange(len(y)), sources])
        return X, y[self.sample_indices_]

    def _generator(self):
        """Return a generator of its own; NumPy's global one stays as it was."""
        if self.random_state is None:
            return np.random.default_rng()
        random_state = check_random_state(self.random_state)
        return np.random.default_rng(random_state.randint(2**32, size=4, dtype="u4"))

    def _choose_traits(self, X, y):
        """Return what to draw for each class that is drawn, not recombined."""
        if self.method == "recombine":
            return {}
        labels = set(y.tolist())
        # "uncertain" is a class of both problems: the other classes tell which it is.
        classes = max(CLASSES.values(), key=lambda classes: len(labels & set(classes)))
        wanted = set(self.sampling_strategy_)
        if self.method == "draw":
            _check_drawable(X, wanted, classes)
        return {label: classes[label] for label in wanted & set(classes)}

    def _add_particles(self, X, y, traits, rng):
        """Return the table with new particles, and the row each is made after."""
        particles = check_particles(X)
        cutouts = list(map(Cutout, particles["image"].array, particles["mask"].array))
        with_background = np.array([not cutout.mask.all() for cutout in cutouts])
        sources = _spread(self.sampling_strategy_, y, with_background, rng)
        if not len(sources):
            return X.reset_index(drop=True), sources
        donors = np.flatnonzero(with_background)
        surroundings = np.full((len(y), 4), np.nan)
        surroundings[donors] = [cutouts[i].surrounding for i in donors]
        nm_per_pixel = _nm_per_pixel(particles, cutouts)
        made = []
        for i in sources:
            donor = cutouts[choose_background(i, donors, surroundings, rng)]
            drawn_as = traits.get(y[i])
            made.append(self._make(cutouts[i], donor, drawn_as, nm_per_pixel[i], rng))
        images, masks = zip(*made, strict=True)
        new = X.iloc[sources].assign(image=ImageArray(images), mask=ImageArray(masks))
        return pd.concat([X, new], ignore_index=True), sources

    def _make(self, source, donor, traits, nm_per_pixel, rng):
        """Return image and mask of one artificial particle."""
        gain = rng.uniform(1 - self.jitter, 1 + self.jitter)
        source, donor = self._turned(source, rng), self._turned(donor, rng)
        if traits is None:
            image, mask = recombine(source, donor, self.feather, gain), source.mask
        else:
            image, mask = draw_like(
                source, donor, traits, nm_per_pixel, self.feather, gain, rng
            )
        return as_pixels(image, source.image.dtype), mask

    def _turned(self, cutout, rng):
        """Return a cut-out turned at random, if that is wanted."""
        return cutout.turned(rng.integers(8)) if self.turn else cutout

    def _add_rows(self, X, y, rng):
        """Return the rows with varied ones appended, and the row each is made after."""
        sources = _spread(self.sampling_strategy_, y, np.ones(len(y), bool), rng)
        new = X[sources].toarray() if sparse.issparse(X) else X[sources]
        shape = flat_image_shape(X.shape[1])
        for row in new:
            gain = rng.uniform(1 - self.jitter, 1 + self.jitter)
            row[:] = as_pixels(gain * row, X.dtype)
            if self.turn and shape[0] == shape[1]:
                row[:] = turned(row.reshape(shape), rng.integers(8)).ravel()
        if sparse.issparse(X):
            return sparse.vstack([X, new], format=X.format), sources
        return np.vstack([X, new]), sources

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.sampler_tags.sample_indices = True
        return tags


def _check_drawable(X, wanted, classes):
    """Raise an error if something is to be drawn that cannot be."""
    if not isinstance(X, pd.DataFrame):
        raise ValueError(
            "method='draw' draws cut-outs, and X is rows of numbers; put the sampler "
            "before Resize, or use method='recombine'."
        )
    for label in sorted(wanted - set(classes), key=str):
        raise ValueError(
            f"method='draw' cannot draw the class {label!r}; it draws "
            f"{' or '.join(str(list(classes)) for classes in CLASSES.values())}. Use "
            "method='auto' to recombine what cannot be drawn."
        )


def _spread(sampling_strategy, y, usable, rng):
    """Return the rows to make new ones after, each one of a class equally often."""
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
    """Return pixel sizes; where unknown, those that make particles usual liposomes."""
    if "pixel_size" in particles:
        return particles["pixel_size"].to_numpy()
    radius = np.median([cutout.radius for cutout in cutouts])
    return np.full(len(cutouts), MEDIAN_RADIUS[0] / radius)
