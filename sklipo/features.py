"""The doorway from particles to tables of measures."""

from functools import lru_cache, partial
from itertools import repeat
from numbers import Integral

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ._jobs import N_JOBS, map_parcels
from .measures import Particle
from .measures._groups import ALL, GROUPS, THESIS, measure_groups
from .particles._checking import check_same_masks, validate_particles
from .particles._cropping import bounding_boxes, crop_particles
from .particles._scale import white_level
from .surrounding import SCALES, surrounding_margin
from .tags import extend_tags
from .versions import VersionedMixin

# Bins of intensities in contrasts reach two root mean squares from the background: few
# pixels lie beyond, and every particle has the same bins.
_CONTRAST_RANGE = (-2.0, 2.0)


class ParticleFeatures(VersionedMixin, TransformerMixin, BaseEstimator):
    """Measure every particle: one row of named numbers for each.

    This is a doorway: it takes images of any size and returns a 2-D array that every
    scikit-learn estimator and imbalanced-learn sampler takes.

    Parameters
    ----------
    groups : "all", "thesis" or list of str, default="all"
        The groups of features to measure: all of them but ``"lamellae"``, which takes
        longer than all others together; those that the SVM of the thesis uses (section
        4.1); or a list of names from the :ref:`table of groups <feature_groups>`. An
        unknown name is an error that lists all names.
    n_points : int, default=80
        Number of points that each profile is resampled to.
    n_bins : int, default=32
        Number of bins of the histogram.
    intensity : {"contrast", "noise", "none"}, default="contrast"
        Unit of histogram, moments and profiles, as in :class:`NormalizeBackground`.
        ``"contrast"``: each particle's difference from its own background in units of
        its contrast, which is the root mean square of this difference inside. Particles
        of differing micrographs then compare, and ``fit`` learns nothing but the unit
        of lengths. ``"noise"``: differences in standard deviations of the surrounding.
        ``"none"``: as in the image, for micrographs that are calibrated. With these
        two, the histogram covers the range seen in ``fit``. The other groups, the one
        named ``intensity`` too, do not depend on gain and offset in any case.
    n_jobs : int, default=None
        Number of jobs to measure in; -1 for all processors. None means 1 unless in a
        :obj:`joblib.parallel_config` context. The result does not depend on it.

    Attributes
    ----------
    groups_ : tuple of str
        The groups measured, in the order of the result.
    unit_ : {"nm", "px"}
        Unit of lengths: nm if the table in ``fit`` had a column ``pixel_size``. Only
        ``diameter`` is always in pixels, as in the thesis; ``length`` is the same in
        this unit.
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
    All measures are finite for every mask, down to a single pixel. Those of shape, and
    of intensity in contrasts, have no unit, so a model that is trained on them alone
    can be used at another magnification.

    With intensities in contrasts the measures of a particle depend on that particle
    alone. Measure once before a grid search, and search over the rows: nothing leaks.

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
        "groups": [StrOptions({"all", "thesis"}), list, tuple],
        "n_points": [Interval(Integral, 2, None, closed="left")],
        "n_bins": [Interval(Integral, 1, None, closed="left")],
        "intensity": [StrOptions(set(SCALES))],
        "n_jobs": N_JOBS,
    }

    def __init__(
        self,
        groups="all",
        *,
        n_points=80,
        n_bins=32,
        intensity="contrast",
        n_jobs=None,
    ):
        self.groups = groups
        self.n_points = n_points
        self.n_bins = n_bins
        self.intensity = intensity
        self.n_jobs = n_jobs

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
        groups = _check_groups(self.groups)
        particles = validate_particles(self, X, reset=True)
        check_same_masks(self, particles, reset=True)
        self.groups_ = groups
        self.unit_ = _length_unit(particles)
        self.intensity_range_ = _find_range(particles, self.intensity)
        self._white = white_level(particles["image"].array)
        self._settings = {
            "n_points": self.n_points,
            "n_bins": self.n_bins,
            "intensity": self.intensity,
        }
        self._names = _name_features(groups, self._fitted_settings)
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
            If X had a ``pixel_size`` in ``fit``, so that lengths were in nm, and has
            none now, or the other way round; the same for ``mask``. With
            ``intensity="none"``, if the pixels of one are uint8 and of the other uint16
            or of another type. If another version of sklipo fitted it to other
            measures.
        """
        check_is_fitted(self)
        self._check_measures()
        particles = validate_particles(self, X, reset=False)
        check_same_masks(self, particles, reset=False)
        if _length_unit(particles) != self.unit_:
            raise ValueError(_UNIT_ERRORS[self.unit_])
        self._check_scale(particles["image"].array)
        measure = partial(
            _measure_table,
            groups=self.groups_,
            settings=self._fitted_settings,
            n_features=sum(map(len, self._names)),
        )
        # The noise is that of the whole surrounding.
        if self._settings["intensity"] != "noise" and effective_n_jobs(self.n_jobs) > 1:
            particles = _crop_to_surrounding(particles)
        return np.concatenate(list(map_parcels(measure, particles, self.n_jobs)))

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
        return np.array([name for names in self._names for name in names], dtype=object)

    def get_feature_groups_out(self):
        """Name the group of each feature.

        Returns
        -------
        groups : ndarray of shape (n_features,)
            Names out of ``groups_``, one for each column of the result.
        """
        check_is_fitted(self)
        groups = np.array(self.groups_, dtype=object)
        return np.repeat(groups, [len(names) for names in self._names])

    def _check_measures(self):
        """Refuse a pickle of another version, which had other measures."""
        unknown = sorted(set(self.groups_) - set(GROUPS))
        if not unknown and self._names == _name_features(
            self.groups_, self._fitted_settings
        ):
            return
        which = f", such as the groups {unknown}" if unknown else ""
        raise ValueError(
            "This ParticleFeatures was fitted by a version of sklipo that had other "
            f"measures{which}. Train the model anew, or load it by the version that "
            "saved it."
        )

    def _check_scale(self, images):
        """Raise an error if raw intensities are on another scale than in ``fit``."""
        is_raw = self._settings["intensity"] == "none"
        if is_raw and white_level(images) != self._white:
            raise ValueError(
                f"X has {images.pixel_dtype} pixels, and ParticleFeatures was fitted to"
                " another type: raw intensities are on another scale. Convert the "
                "images to the type seen in fit, or measure with intensity='contrast'."
            )

    @property
    def _fitted_settings(self):
        """Settings that groups of features may take."""
        return {**self._settings, "value_range": self.intensity_range_}

    def __sklearn_tags__(self):
        # Folds of one table share its unit of lengths, so that is nothing learned.
        row_wise = self.intensity == "contrast"
        return extend_tags(super().__sklearn_tags__(), row_wise=row_wise)


_UNIT_ERRORS = {
    "nm": (
        "X has no column 'pixel_size', but had one in fit: lengths were measured in "
        "nm. State the nm per pixel as pixel_size where the particles are read, or fit "
        "without that column."
    ),
    "px": (
        "X has a column 'pixel_size', but had none in fit: lengths were measured in "
        "pixels. Drop the column, or fit with it."
    ),
}


def _check_groups(groups):
    """Return the names of the groups asked for, each once."""
    if isinstance(groups, str):
        return ALL if groups == "all" else THESIS
    known = list(GROUPS)
    if not len(groups) or not all(name in known for name in groups):
        raise ValueError(
            f"groups={groups!r}; expected 'all', 'thesis' or a list of groups out of "
            f"{sorted(GROUPS)}."
        )
    return tuple(dict.fromkeys(groups))


def _length_unit(particles):
    """Return the unit that lengths are measured in."""
    return "nm" if "pixel_size" in particles else "px"


def _find_range(particles, intensity):
    """Return the range of the histogram on a scale of intensities."""
    if intensity == "contrast":
        return _CONTRAST_RANGE
    values = [p.intensities.values for p in _each_particle(particles, intensity)]
    lows, highs = [v.min() for v in values], [v.max() for v in values]
    return float(min(lows)), float(max(highs))


def _each_particle(particles, intensity):
    """Yield the rows of a particle table one by one for measuring, on a scale."""
    masks = particles["mask"].array if "mask" in particles else repeat(None)
    sizes = particles["pixel_size"] if "pixel_size" in particles else repeat(None)
    for image, mask, size in zip(particles["image"].array, masks, sizes, strict=False):
        yield Particle(image, mask, size).normalized(intensity)


def _name_features(groups, settings):
    """Return the names of the features of each group."""
    settings = tuple(settings.items())
    return [list(_name_group(group, settings)) for group in groups]


# Each transform asks whether the names are still those of fit.
@lru_cache
def _name_group(group, settings):
    """Return the names of the features of a group."""
    # How many values a measure has depends on the settings, not on the particle.
    particle = Particle(np.zeros((1, 1)))
    return [
        name if np.ndim(values) == 0 else f"{name}_{i:02d}"
        for name, values in measure_groups(particle, [group], dict(settings)).items()
        for i in range(np.size(values))
    ]


def _crop_to_surrounding(particles):
    """Crop particles to the pixels that measures look at, to send less to jobs."""
    if "mask" not in particles:
        return particles
    starts, ends = bounding_boxes(particles["mask"].array)
    # The area of the box, which is no less than that of the mask, takes no counting.
    margins = surrounding_margin((ends - starts).prod(axis=1, keepdims=True))
    return crop_particles(particles, starts, ends, margins)


def _measure_table(particles, groups, settings, n_features):
    """Return the features of each particle as a row."""
    rows = np.empty((len(particles), n_features))
    each = _each_particle(particles, settings["intensity"])
    for row, particle in zip(rows, each, strict=True):
        _fill(row, measure_groups(particle, groups, settings).values())
    return rows


def _fill(row, measured):
    """Write numbers and arrays of them one after the other into a row."""
    # np.hstack makes an array of each number first and takes ten times as long.
    start = 0
    for values in measured:
        if isinstance(values, np.ndarray):
            row[start : start + len(values)] = values
            start += len(values)
        else:
            row[start] = values
            start += 1
