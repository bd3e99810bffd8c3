"""Estimated shares of classes: as a table, in sentences, as a picture, compared."""

from dataclasses import dataclass
from html import escape
from numbers import Real

import numpy as np
import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval, validate_params

from ._resampled_counts import interval_ends

_COLUMNS = ("counted", "share", "low", "high")
_METHODS = {
    "counted": "counted, errors and all",
    "adjusted": "adjusted for the errors of the model",
    "em": "by expectation maximization",
    "audited": "audited",
}


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class PrevalenceEstimate:
    """Shares of classes in a sample, with their intervals.

    :func:`~sklipo.estimate_prevalence` returns it.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The kinds of particles.
    counted : ndarray of shape (n_classes,)
        Share of the predictions, 0 to 1; their sum is below 1 if the model does not
        decide on some particles.
    share, low, high : ndarray of shape (n_classes,)
        Estimated share, 0 to 1, and the ends of its interval. NaN for a class that was
        never seen out of fold.
    level : float
        Level of confidence of the intervals.
    method : {"counted", "adjusted", "em", "audited"}
        Origin of the shares.
    n_particles, n_groups : int
        Number of new particles and of their micrographs; ``n_groups`` is None without
        groups.
    n_labeled, n_labeled_groups : int
        Number of labeled particles that the errors were measured on, or that were
        audited, and of their micrographs; None where shares are only counted, and
        ``n_labeled_groups`` without groups.
    design_effect : float
        Number of particles of a micrograph that tell as much as one by itself would.
    labeled_part : ndarray of shape (n_classes,)
        Part of the variance, 0 to 1, that comes from the labeled particles. No number
        of new ones removes it.
    draws : ndarray of shape (n_resamples, n_classes)
        Shares in each resample.
    caveats : tuple of str
        What makes the shares doubtful, in whole sentences.
    corrected_proba_ : ndarray of shape (n_particles, n_classes), default=None
        Probabilities of the new particles in a sample of these shares, where the method
        is "em"; NaN for a class that was never seen out of fold.

    See Also
    --------
    estimate_prevalence : Makes it.
    sklipo.displays.PrevalenceDisplay : Draws several side by side.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import estimate_prevalence
    >>> y_pred = np.repeat(["empty", "full"], [20, 180])
    >>> estimate_prevalence(None, y_pred, method="counted")
    PrevalenceEstimate of 200 particles, counted, errors and all:
    empty: 10.0 %, 95 % interval 6.4 to 15.3 %
    full: 90.0 %, 95 % interval 84.7 to 93.6 %
    """

    classes: np.ndarray
    counted: np.ndarray
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    level: float
    method: str
    n_particles: int
    n_groups: int | None
    n_labeled: int | None
    n_labeled_groups: int | None
    design_effect: float
    labeled_part: np.ndarray
    draws: np.ndarray
    caveats: tuple = ()
    corrected_proba_: np.ndarray | None = None

    @property
    def corrected_pred_(self):
        """Most probable class of each new particle in a sample of these shares.

        Returns
        -------
        ndarray of shape (n_particles,) or None
            None unless the method is "em".
        """
        if self.corrected_proba_ is None:
            return None
        return self.classes[np.nanargmax(self.corrected_proba_, axis=1)]

    def to_frame(self):
        """Return one row per class.

        Returns
        -------
        table : DataFrame
            Columns ``counted``, ``share``, ``low`` and ``high``, all from 0 to 1.
        """
        columns = {name: getattr(self, name) for name in _COLUMNS}
        return pd.DataFrame(columns, index=pd.Index(self.classes, name="class"))

    @validate_params(
        {"half_width": [Interval(Real, 0, 0.5, closed="neither")]},
        prefer_skip_nested_validation=True,
    )
    def micrographs_needed(self, half_width):
        """Return how many more micrographs an interval of some half width takes.

        Parameters
        ----------
        half_width : float
            Wanted half of the width of each interval, between 0 and 0.5.

        Returns
        -------
        table : DataFrame
            One row per class. Columns: ``half_width``, that of the interval now;
            ``more``, the number of further micrographs of the new sample, missing where
            no number suffices since the labeled particles alone leave more doubt;
            ``least_half_width``, that of any number of new micrographs.

        Raises
        ------
        ValueError
            If the sample has no groups.

        Notes
        -----
        The variance that comes from the new sample falls with the number of its
        micrographs, of the kind and size of those seen. It contains how much these
        differ: micrographs, not particles, are counted.
        """
        if self.n_groups is None:
            raise ValueError(
                "The number of micrographs is unknown; pass groups to "
                "estimate_prevalence."
            )
        now = (self.high - self.low) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            wanted = (half_width / now) ** 2 - self.labeled_part
            needed = (1 - self.labeled_part) * self.n_groups / wanted - self.n_groups
        more = pd.Series(np.ceil(needed).clip(min=0), self.classes)
        # A class without any doubt takes no more; one that is not known never enough.
        more = more.where((wanted > 0) | (now <= half_width)).fillna(np.nan)
        more[now <= half_width] = 0
        columns = {
            "half_width": now,
            "more": more.astype("Int64").array,
            "least_half_width": now * np.sqrt(self.labeled_part),
        }
        return pd.DataFrame(columns, index=pd.Index(self.classes, name="class"))

    def plot(self, *, ax=None):
        """Draw the shares with their intervals, and the counted ones beside them.

        Parameters
        ----------
        ax : array-like of matplotlib Axes, default=None
            Where to draw, see :meth:`sklipo.displays.PrevalenceDisplay.plot`.

        Returns
        -------
        display : PrevalenceDisplay
            The display, drawn.
        """
        # Only pictures need matplotlib, which is optional.
        from ..displays import PrevalenceDisplay

        return PrevalenceDisplay.from_estimates(self, ax=ax)

    def __repr__(self):
        return "\n".join([self._title(), *self._lines(), *self.caveats])

    def _repr_html_(self):
        """Return a table for notebooks."""
        table = (100 * self.to_frame()).to_html(float_format="{:.2f} %".format)
        caveats = "".join(f"<li>{escape(text)}</li>" for text in self.caveats)
        return f"<p>{escape(self._title())}</p>{table}<ul>{caveats}</ul>"

    def _title(self):
        """Return what was done with how many particles."""
        title = f"{type(self).__name__} of {_in_words(self.n_particles, self.n_groups)}"
        if self.n_labeled is None:
            return f"{title}, {_METHODS[self.method]}:"
        labeled = _in_words(self.n_labeled, self.n_labeled_groups, "labeled")
        # Both numbers of particles and micrographs in a line would be too long.
        return f"{title},\n{_METHODS[self.method]}, by {labeled}:"

    def _lines(self):
        """Yield a line for each class."""
        for name, row in (100 * self.to_frame()).iterrows():
            counted = f" (counted {row['counted']:.1f} %)"
            if np.isnan(row["share"]):
                yield f"{name}: unknown{counted}"
                continue
            yield (
                f"{name}: {row['share']:.1f} %, {100 * self.level:g} % interval "
                f"{row['low']:.1f} to {row['high']:.1f} %"
                f"{'' if self.method == 'counted' else counted}"
            )


@validate_params(
    {"first": [PrevalenceEstimate], "second": [PrevalenceEstimate]},
    prefer_skip_nested_validation=True,
)
def compare_samples(first, second):
    """Return by how much the shares of two samples differ, with intervals.

    Parameters
    ----------
    first, second : PrevalenceEstimate
        Estimates of the two samples, of the same classes, level and number of
        resamples.

    Returns
    -------
    table : DataFrame
        One row per class. Columns: ``difference``, the share in the first sample less
        that in the second, and ``low`` and ``high``, the ends of its interval.

    Raises
    ------
    TypeError
        If one of them is no estimate.
    ValueError
        If their classes, levels or numbers of resamples differ.

    See Also
    --------
    estimate_prevalence : Estimates the shares of each sample.

    Notes
    -----
    The interval is of the differences in each resample. Where both estimates rest on
    the same labeled particles and seed, errors of the model are the same in both, and
    cancel out as far as they do; the samples themselves are resampled independently.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import compare_samples, estimate_prevalence
    >>> estimates = estimate_prevalence(
    ...     None,
    ...     np.repeat(["empty", "full", "empty", "full"], [60, 140, 10, 190]),
    ...     samples=np.repeat(["day 1", "day 2"], 200),
    ...     method="counted",
    ... )
    >>> compare_samples(estimates["day 1"], estimates["day 2"]).round(2)
           difference   low  high
    class
    empty        0.25  0.18  0.32
    full        -0.25 -0.32 -0.18
    """
    for name in ("classes", "level"):
        ours, theirs = getattr(first, name), getattr(second, name)
        if not np.array_equal(ours, theirs):
            raise ValueError(
                f"The estimates differ in {name}: {ours} and {theirs}. Estimate both "
                "with the same model and parameters."
            )
    if len(first.draws) != len(second.draws):
        raise ValueError(
            f"The estimates have {len(first.draws)} and {len(second.draws)} resamples; "
            "expected the same n_resamples."
        )
    difference = first.share - second.share
    draws = first.draws - second.draws
    low, high = interval_ends(draws, difference, first.level)
    columns = {"difference": difference, "low": low, "high": high}
    return pd.DataFrame(columns, index=pd.Index(first.classes, name="class"))


def _in_words(n_particles, n_groups, kind=""):
    """Return numbers of particles and micrographs in words."""
    words = f"{n_particles} {kind} particles".replace("  ", " ")
    if n_groups is None:
        return words
    return f"{words} of {n_groups} group{'s' * (n_groups != 1)}"
