"""The doorway from particles to tables of measures."""

import hashlib
from functools import partial
from itertools import repeat
from numbers import Integral
from pathlib import Path

import numpy as np
from joblib import Memory, effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, check_memory

from . import __version__
from ._feature_groups import GROUPS, THESIS, Settings
from ._jobs import map_parcels
from ._store import find_or_make
from .measures import Particle
from .measures.particle import surrounding_margin
from .particles import bounding_boxes, crop_particles, validate_particles
from .tags import extend_tags

# Bins of relative intensities reach two root mean squares from the background.
_RELATIVE_RANGE = (-2.0, 2.0)


class ParticleFeatures(TransformerMixin, BaseEstimator):
    """Measure every particle: one row of named numbers for each.

    This is a doorway: in come images of any size, out comes a 2-D array that every
    scikit-learn estimator and imbalanced-learn sampler takes.

    Parameters
    ----------
    features : "all", "thesis" or list of str, default="all"
        The groups of features to measure: all of them, those that the SVM of the
        thesis uses (section 4.1), or a list from

        - size: ``area``, ``perimeter``, ``circularity``, ``maximum_width``,
          ``diameter``, ``length``;
        - intensity: ``moments``, ``histogram``, ``radial_profile``, ``edge_profile``,
          ``signal_to_noise``, ``segmentation_variance``;
        - beyond the thesis: ``membrane``, ``shape``, ``outline``, ``intensity``,
          ``texture``, ``symmetry``.
    n_points : int, default=80
        Number of points that each profile is resampled to.
    n_bins : int, default=32
        Number of bins of the histogram.
    intensity : {"relative", "raw"}, default="relative"
        Unit of histogram, moments and measures. ``"relative"``: each particle's
        difference from its own background in units of its contrast, which is the root
        mean square of this difference inside, so that particles of differing
        micrographs compare. ``"raw"``: as in the image, for micrographs that are
        calibrated; the histogram then covers the range seen in ``fit``. The other
        groups do not depend on gain and offset in any case.
    n_jobs : int, default=None
        Number of jobs to measure in; -1 for all processors. None means 1 unless in a
        :obj:`joblib.parallel_config` context. The result does not depend on it.
    memory : str or joblib.Memory, default=None
        Where to keep the measures of every particle that is transformed, so that a
        grid search measures each particle once, whatever parts the table is split
        into. What is kept is found by pixels, mask, pixel size and the parameters.
        None keeps nothing.

    Attributes
    ----------
    groups_ : tuple of str
        The groups measured, in the order of the result.
    unit_ : {"nm", "px"}
        Unit of lengths: nm if the table in ``fit`` had a column ``pixel_size``. Only
        ``diameter`` is always in pixels, as in the thesis.
    intensity_range_ : tuple of (float, float)
        Range of the histogram.
    n_features_in_ : int
        Number of values in a row, where X was rows of numbers.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where X was a DataFrame of numbers.

    See Also
    --------
    Resize : The other doorway: pixels instead of measures.
    sklipo.measures : The measures, one function each.

    Notes
    -----
    All measures are finite for every mask, down to a single pixel. Those of shape and
    relative intensity have no unit, so that a model that is trained on them alone can
    be used at another magnification.

    References
    ----------
    .. [1] S. Gryshkevych, "Convolutional neural networks for classification of
       transmission electron microscopy imagery", Uppsala University, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import ParticleFeatures
    >>> images = [np.zeros((4, 6)), np.ones((3, 3))]
    >>> measure = ParticleFeatures(["area", "diameter"]).set_output(transform="pandas")
    >>> measure.fit_transform(images).round(1)
       area  diameter
    0  24.0       6.7
    1   9.0       3.6
    """

    _parameter_constraints = {
        "features": [StrOptions({"all", "thesis"}), list, tuple],
        "n_points": [Interval(Integral, 2, None, closed="left")],
        "n_bins": [Interval(Integral, 1, None, closed="left")],
        "intensity": [StrOptions({"relative", "raw"})],
        "n_jobs": [Integral, None],
        "memory": [str, Memory, None],
    }

    def __init__(
        self,
        features="all",
        *,
        n_points=80,
        n_bins=32,
        intensity="relative",
        n_jobs=None,
        memory=None,
    ):
        self.features = features
        self.n_points = n_points
        self.n_bins = n_bins
        self.intensity = intensity
        self.n_jobs = n_jobs
        self.memory = memory

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check X and learn the unit of lengths and the range of the histogram.

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
        groups = _check_groups(self.features)
        particles = validate_particles(self, X, reset=True)
        self.groups_ = groups
        self.unit_ = _length_unit(particles)
        self.intensity_range_ = (
            _RELATIVE_RANGE if self.intensity == "relative" else _find_range(particles)
        )
        return self

    def transform(self, X):
        """Measure each particle.

        Parameters
        ----------
        X : particle table, list of 2-D arrays or array
            What :func:`~sklipo.particles.check_particles` takes.

        Returns
        -------
        features : ndarray of shape (n_samples, n_features)
            One row per particle, in double precision.

        Raises
        ------
        ValueError
            If lengths were in nm in ``fit`` and X has no ``pixel_size``, or the other
            way round.
        """
        check_is_fitted(self)
        particles = validate_particles(self, X, reset=False)
        if _length_unit(particles) != self.unit_:
            raise ValueError(_UNIT_ERRORS[self.unit_])
        wanted = self.groups_, self._settings, len(self.get_feature_names_out())
        store = check_memory(self.memory).store_backend
        if store is None:
            return _measure_in_jobs(particles, wanted, self.n_jobs)
        made_by = hashlib.sha1(
            repr((wanted, __version__)).encode(), usedforsecurity=False
        )
        return find_or_make(
            Path(store.location, "sklipo", made_by.hexdigest()),
            _digests(particles),
            lambda rows: _measure_in_jobs(particles.iloc[rows], wanted, self.n_jobs),
        )

    def get_feature_names_out(self, input_features=None):
        """Name the features.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        names : ndarray of shape (n_features,)
            Names of the measures; ``<name>_<number>`` for each of several values.
        """
        check_is_fitted(self)
        measured = _measure(Particle(np.zeros((1, 1))), self.groups_, self._settings)
        names = []
        for name, values in measured.items():
            many = np.ndim(values) > 0
            names += [f"{name}_{i:02d}" for i in range(len(values))] if many else [name]
        return np.array(names, dtype=object)

    def get_feature_groups_out(self):
        """Name the group of each feature.

        Returns
        -------
        groups : ndarray of shape (n_features,)
            Names out of ``groups_``, one for each column of the result.
        """
        check_is_fitted(self)
        particle = Particle(np.zeros((1, 1)))
        sizes = [
            sum(map(np.size, _measure(particle, (group,), self._settings).values()))
            for group in self.groups_
        ]
        return np.repeat(np.array(self.groups_, dtype=object), sizes)

    @property
    def _settings(self):
        """What the groups need to know."""
        relative = self.intensity == "relative"
        return Settings(self.n_points, self.n_bins, self.intensity_range_, relative)

    def __sklearn_tags__(self):
        # Raw intensities are binned over the range of all particles of the fit.
        row_wise = self.intensity == "relative"
        return extend_tags(super().__sklearn_tags__(), row_wise=row_wise)


_UNIT_ERRORS = {
    "nm": (
        "X has no column 'pixel_size', but had one in fit: lengths were measured in "
        "nm. Add the nm per pixel of each particle, or fit without that column."
    ),
    "px": (
        "X has a column 'pixel_size', but had none in fit: lengths were measured in "
        "pixels. Drop the column, or fit with it."
    ),
}


def _check_groups(features):
    """Return the names of the groups asked for."""
    if isinstance(features, str):
        return tuple(GROUPS) if features == "all" else THESIS
    unknown = [name for name in features if name not in GROUPS]
    if unknown or not len(features):
        raise ValueError(
            f"features={features!r}; expected 'all', 'thesis' or a list of groups out "
            f"of {sorted(GROUPS)}."
        )
    return tuple(dict.fromkeys(features))


def _length_unit(particles):
    """Return the unit that lengths are measured in."""
    return "nm" if "pixel_size" in particles else "px"


def _find_range(particles):
    """Return the lowest and highest intensity inside of all particles."""
    values = [particle.values for particle in _each_particle(particles)]
    lows, highs = [v.min() for v in values], [v.max() for v in values]
    return float(min(lows)), float(max(highs))


def _each_particle(particles):
    """Yield the rows of a particle table one by one for measuring."""
    masks = particles["mask"].array if "mask" in particles else repeat(None)
    sizes = particles["pixel_size"] if "pixel_size" in particles else repeat(None)
    for image, mask, size in zip(particles["image"].array, masks, sizes, strict=False):
        yield Particle(image, mask, size)


def _measure_in_jobs(particles, wanted, n_jobs):
    """Return the features of each particle as a row, measured in several jobs."""
    if effective_n_jobs(n_jobs) > 1:
        particles = _crop_to_surrounding(particles)
    measure = partial(_measure_table, wanted=wanted)
    return np.concatenate(list(map_parcels(measure, particles, n_jobs)))


def _crop_to_surrounding(particles):
    """Return particles without what no measure looks at, so that jobs are sent less."""
    if "mask" not in particles:
        return particles
    starts, ends = bounding_boxes(particles["mask"].array)
    margins = surrounding_margin((ends - starts).prod(axis=1, keepdims=True))
    return crop_particles(particles, starts, ends, margins)


def _digests(particles):
    """Return bytes that stand for each particle, wherever it lies in memory."""
    digests = [hashlib.sha1(usedforsecurity=False) for _ in range(len(particles))]
    for name, column in particles.items():
        if name == "pixel_size":
            values = [(size.tobytes(), b"") for size in column.to_numpy(float)]
        else:
            values = ((repr((i.dtype.str, i.shape)).encode(), i) for i in column.array)
        for digest, (form, value) in zip(digests, values, strict=True):
            digest.update(name.encode() + form)
            digest.update(np.ascontiguousarray(value))
    return [digest.digest() for digest in digests]


def _measure_table(particles, wanted):
    """Return the features of each particle as a row."""
    groups, settings, n_features = wanted
    rows = np.empty((len(particles), n_features))
    for row, particle in zip(rows, _each_particle(particles), strict=True):
        _fill(row, _measure(particle, groups, settings).values())
    return rows


def _fill(row, measured):
    """Write numbers and arrays of them one after the other into a row."""
    start = 0
    for values in measured:
        if isinstance(values, np.ndarray):
            row[start : start + len(values)] = values
            start += len(values)
        else:
            row[start] = values
            start += 1


def _measure(particle, groups, settings):
    """Return the features of one particle by name."""
    if settings.relative:
        particle = particle.normalized()
    measured = {}
    for group in groups:
        measured.update(GROUPS[group](particle, settings))
    return measured
