"""The doorway from particles to tables of measures."""

from functools import partial
from itertools import chain, repeat
from numbers import Integral

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ._jobs import N_JOBS, map_parcels
from .measures import Particle
from .measures._groups import ALL, GROUPS, THESIS, Measurement
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
    intensity : {"contrast", "noise", "none"} or list of them, default="contrast"
        Unit of histogram, moments and profiles, as in :class:`NormalizeBackground`.
        ``"contrast"``: each particle's difference from its own background in units of
        its contrast, which is the root mean square of this difference inside. Particles
        of differing micrographs then compare, and ``fit`` learns nothing but the unit
        of lengths. ``"noise"``: differences in standard deviations of the surrounding.
        ``"none"``: as in the image, for micrographs that are calibrated. With these
        two, the histogram covers the range seen in ``fit``. The other groups, the one
        named ``intensity`` too, do not depend on gain and offset in any case. A list
        measures these three in each of its units, and all else once; names then end in
        the unit, but for those of the first, such as ``histogram_none_00``.
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
    intensity_range_ : tuple of (float, float) or dict
        Range of the histogram; one for each unit of a list, by its name.
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
        "intensity": [StrOptions(set(SCALES)), list, tuple],
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
        scales = _check_scales(self.intensity)
        particles = validate_particles(self, X, reset=True)
        check_same_masks(self, particles, reset=True)
        self.groups_ = groups
        self.unit_ = _length_unit(particles)
        ranges = {scale: _find_range(particles, scale) for scale in scales}
        is_one = isinstance(self.intensity, str)
        self.intensity_range_ = ranges[self.intensity] if is_one else ranges
        self._white = white_level(particles["image"].array)
        self._settings = {"n_points": self.n_points, "n_bins": self.n_bins}
        self._scales = scales
        self._names = [measure.names for measure in self._measurements]
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
        return measure_together([self], X, self.n_jobs)[0]

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
        groups = np.array([m.group for m in self._measurements], dtype=object)
        return np.repeat(groups, [len(names) for names in self._names])

    def _check_particles(self, X):
        """Return particles that can be measured as those of ``fit`` were."""
        check_is_fitted(self)
        self._check_measures()
        particles = validate_particles(self, X, reset=False)
        check_same_masks(self, particles, reset=False)
        if _length_unit(particles) != self.unit_:
            raise ValueError(_UNIT_ERRORS[self.unit_])
        self._check_scale(particles["image"].array)
        return particles

    def _check_measures(self):
        """Refuse a pickle of another version, which had other measures."""
        unknown = sorted(set(self.groups_) - set(GROUPS))
        if not unknown and self._names == [m.names for m in self._measurements]:
            return
        which = f", such as the groups {unknown}" if unknown else ""
        raise ValueError(
            "This ParticleFeatures was fitted by a version of sklipo that had other "
            f"measures{which}. Train the model anew, or load it by the version that "
            "saved it."
        )

    def _check_scale(self, images):
        """Raise an error if raw intensities are on another scale than in ``fit``."""
        if "none" in self._scales and white_level(images) != self._white:
            raise ValueError(
                f"X has {images.pixel_dtype} pixels, and ParticleFeatures was fitted to"
                " another type: raw intensities are on another scale. Convert the "
                "images to the type seen in fit, or measure with intensity='contrast'."
            )

    @property
    def _measurements(self):
        """What is measured, in the order of the result."""
        first = self._scales[0]
        ranges = self.intensity_range_
        ranges = ranges if isinstance(ranges, dict) else {first: ranges}
        return [
            Measurement(
                group,
                scale,
                (*self._settings.items(), ("value_range", ranges[scale])),
                suffix="" if scale == first else f"_{scale}",
            )
            for scale in self._scales
            for group in self.groups_
            if scale == first or GROUPS[group].scaled
        ]

    def __sklearn_tags__(self):
        # Folds of one table share its unit of lengths, so that is nothing learned.
        row_wise = self.intensity in ("contrast", ["contrast"], ("contrast",))
        return extend_tags(super().__sklearn_tags__(), row_wise=row_wise)


def measure_together(transformers, X, n_jobs=None):
    """Measure particles as several transformers do, but each measure once.

    The geometry of a particle is found once for all. A group that does not depend on
    the scale of intensities is measured on that of the first transformer that has it.

    Parameters
    ----------
    transformers : list of ParticleFeatures
        One or more, all fitted.
    X : particle table, list of 2-D arrays or array
        What :func:`~sklipo.particles.check_particles` takes.
    n_jobs : int, default=None
        Number of jobs to measure in, in place of those of the transformers.

    Returns
    -------
    tables : list of ndarray of shape (n_samples, n_features)
        What ``transform`` of each returns, but for rounding.

    Raises
    ------
    ValueError
        Where ``transform`` of one of them raises it.

    See Also
    --------
    EnsembleClassifier : Measures particles so for all its members.

    Examples
    --------
    >>> from sklipo import ParticleFeatures
    >>> from sklipo.datasets import make_liposomes
    >>> from sklipo.features import measure_together
    >>> X = make_liposomes(20, random_state=0)
    >>> scales = ["contrast", "none"]
    >>> fitted = [ParticleFeatures(intensity=scale).fit(X) for scale in scales]
    >>> [table.shape for table in measure_together(fitted, X)]
    [(20, 262), (20, 262)]
    """
    for transformer in transformers:
        particles = transformer._check_particles(X)
    each = {}
    for measurement in chain.from_iterable(t._measurements for t in transformers):
        each.setdefault(measurement.key, measurement)
    ends = np.cumsum([len(m.names) for m in each.values()])
    columns = dict(zip(each, np.split(np.arange(ends[-1]), ends[:-1]), strict=True))
    measure = partial(_measure_table, each=list(each.values()), n_features=ends[-1])
    # The noise is that of the whole surrounding.
    by_noise = any(measurement.scale == "noise" for measurement in each.values())
    if not by_noise and effective_n_jobs(n_jobs) > 1:
        particles = _crop_to_surrounding(particles)
    table = np.concatenate(list(map_parcels(measure, particles, n_jobs)))
    if len(transformers) == 1:
        return [table]
    return [
        table[:, np.concatenate([columns[m.key] for m in transformer._measurements])]
        for transformer in transformers
    ]


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


def _check_scales(intensity):
    """Return the scales of intensities asked for, each once."""
    scales = (intensity,) if isinstance(intensity, str) else tuple(intensity)
    if not scales or not all(scale in list(SCALES) for scale in scales):
        raise ValueError(
            f"intensity={intensity!r}; expected one of {list(SCALES)}, or a list of "
            "one or more of them."
        )
    return tuple(dict.fromkeys(scales))


def _length_unit(particles):
    """Return the unit that lengths are measured in."""
    return "nm" if "pixel_size" in particles else "px"


def _find_range(particles, intensity):
    """Return the range of the histogram on a scale of intensities."""
    if intensity == "contrast":
        return _CONTRAST_RANGE
    each = (particle.normalized(intensity) for particle in _each_particle(particles))
    values = [particle.intensities.values for particle in each]
    lows, highs = [v.min() for v in values], [v.max() for v in values]
    return float(min(lows)), float(max(highs))


def _each_particle(particles):
    """Yield the rows of a particle table one by one for measuring."""
    masks = particles["mask"].array if "mask" in particles else repeat(None)
    sizes = particles["pixel_size"] if "pixel_size" in particles else repeat(None)
    for image, mask, size in zip(particles["image"].array, masks, sizes, strict=False):
        yield Particle(image, mask, size)


def _crop_to_surrounding(particles):
    """Crop particles to the pixels that measures look at, to send less to jobs."""
    if "mask" not in particles:
        return particles
    starts, ends = bounding_boxes(particles["mask"].array)
    # The area of the box, which is no less than that of the mask, takes no counting.
    margins = surrounding_margin((ends - starts).prod(axis=1, keepdims=True))
    return crop_particles(particles, starts, ends, margins)


def _measure_table(particles, each, n_features):
    """Return the features of each particle as a row."""
    rows = np.empty((len(particles), n_features))
    scales = {measurement.scale for measurement in each}
    for row, particle in zip(rows, _each_particle(particles), strict=True):
        scaled = {scale: particle.normalized(scale) for scale in scales}
        measured = (m.measure(scaled[m.scale]).values() for m in each)
        _fill(row, chain.from_iterable(measured))
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
