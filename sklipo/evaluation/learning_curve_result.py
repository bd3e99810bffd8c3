"""What a learning curve found: scores, gains, and whether more labels pay."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import validate_params

from ._bootstrap import count_tallies, tally_metrics
from ._intervals import (
    INTERVAL_PARAMETERS,
    comparison_table,
    draw_samples,
    find_class,
    summary_table,
)

_METRIC = {"metric": [str], **INTERVAL_PARAMETERS}


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class LearningCurve:
    """Predictions of an estimator by the number of micrographs that it was trained on.

    Parameters
    ----------
    n_micrographs : ndarray of shape (n_sizes,)
        Numbers of micrographs, increasing.
    n_particles : ndarray of shape (n_sizes,)
        Number of particles on them that a fold trains on, on average.
    results : list of list of CrossValidationResult
        For each number, the predictions of each repeat, all of the same folds.

    See Also
    --------
    learning_curve : Makes it.
    sklipo.displays.LearningCurveDisplay : Draws it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklipo.evaluation import learning_curve
    >>> rng = np.random.default_rng(0)
    >>> y = np.tile(["empty", "full"], 100)
    >>> X = rng.normal(size=(200, 8)) + (y == "full")[:, np.newaxis] * 0.5
    >>> groups = np.repeat(np.arange(40), 5)
    >>> learning_curve(GaussianNB(), X, y, groups=groups, random_state=0)
    LearningCurve of 200 particles of 40 groups in 5 folds:
    balanced accuracy 0.770 with 32 micrographs, 95 % interval 0.699 to 0.839
    gain from 16 to 32 micrographs -0.025, 95 % interval -0.062 to +0.011
    a further step may gain nothing, or 0.011 at most
    """

    n_micrographs: np.ndarray
    n_particles: np.ndarray
    results: list

    @validate_params(_METRIC, prefer_skip_nested_validation=True)
    def scores(
        self,
        metric="balanced_accuracy",
        label=None,
        *,
        level=0.95,
        n_resamples=1000,
        random_state=None,
    ):
        """Return the score for each number of micrographs, with its interval.

        Parameters
        ----------
        metric : str, default="balanced_accuracy"
            A row of :meth:`CrossValidationResult.summary`.
        label : object, default=None
            Class to evaluate; by default all classes together.
        level : float, default=0.95
            Level of confidence of the interval.
        n_resamples : int, default=1000
            Number of bootstrap samples.
        random_state : int, RandomState instance or None, default=None
            Seed of the bootstrap. None draws the same samples at each call.

        Returns
        -------
        table : DataFrame
            One row per number of micrographs, which is the index. Columns:
            ``n_particles``, ``score`` of all predictions together, and ``low`` and
            ``high``, the ends of the interval about it.

        Raises
        ------
        ValueError
            If there is no such class or metric.

        Notes
        -----
        The interval is that of :meth:`CrossValidationResult.summary`, over the
        micrographs that are tested. Counts of repeats are averaged. Neighboring points
        are tested on the same micrographs, so that their intervals overlap even where
        one is better for certain: :meth:`gains` compares them in pairs.
        """
        position = _find_metric(self.results[0], metric, label)
        draw = (n_resamples, random_state)
        rows = [
            _summarize(results, position, level, draw).loc[metric]
            for results in self.results
        ]
        table = pd.DataFrame(rows)[["pooled", "low", "high"]]
        table.insert(0, "n_particles", self.n_particles)
        return table.rename(columns={"pooled": "score"}).set_axis(
            pd.Index(self.n_micrographs, name="n_micrographs")
        )

    @validate_params(_METRIC, prefer_skip_nested_validation=True)
    def gains(
        self,
        metric="balanced_accuracy",
        label=None,
        *,
        level=0.95,
        n_resamples=1000,
        random_state=None,
    ):
        """Return what each step to more micrographs gained, with its interval.

        Parameters
        ----------
        metric : str, default="balanced_accuracy"
            A row of :meth:`CrossValidationResult.summary`.
        label : object, default=None
            Class to evaluate; by default all classes together.
        level : float, default=0.95
            Level of confidence of the interval.
        n_resamples : int, default=1000
            Number of bootstrap samples.
        random_state : int, RandomState instance or None, default=None
            Seed of the bootstrap. None draws the same samples at each call.

        Returns
        -------
        table : DataFrame
            One row per step; the index is the number of micrographs that it leads to.
            Columns: ``before``, the number that it comes from; ``gain``, the difference
            of the scores; and ``low`` and ``high``, the ends of the interval about it.
            Of the log loss, less is better.

        Raises
        ------
        ValueError
            If there is no such class or metric.

        Notes
        -----
        The interval is that of :meth:`CrossValidationResult.compare`: the same
        micrographs are drawn for both points. In 400 simulated studies each, 94 and
        95 % of the 95 % intervals of two steps held the mean gain of all studies with
        20 micrographs, 92 and 94 % with these and three repeats, 91 and 92 % with 50
        micrographs, though other micrographs were trained on in each study.

        By default, steps double the micrographs. Where the last gain and the upper end
        of its interval are small, another doubling of the labels is hardly worth it:
        gains mostly shrink as curves go on.
        """
        position = _find_metric(self.results[0], metric, label)
        draw = (n_resamples, random_state)
        rows = [
            _compare(after, before, position, level, draw).loc[metric]
            for before, after in pairwise(self.results)
        ]
        # A curve of a single point has no step, and yet columns of numbers.
        columns = ["difference", "low", "high"]
        table = pd.DataFrame(rows, columns=columns, dtype=float)
        table.insert(0, "before", self.n_micrographs[:-1])
        return table.rename(columns={"difference": "gain"}).set_axis(
            pd.Index(self.n_micrographs[1:], name="n_micrographs")
        )

    def plot(self, *, ax=None):
        """Draw the balanced accuracy by number of micrographs.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; by default a figure is made.

        Returns
        -------
        display : LearningCurveDisplay
            The display, drawn.
        """
        # Only pictures need matplotlib, which is optional.
        from ..displays import LearningCurveDisplay

        return LearningCurveDisplay.from_curves(self, ax=ax)

    def __repr__(self):
        return "\n".join(_sentences(self))


def _find_metric(results, metric, label):
    """Return the position of a class; raise an error unless it has the metric."""
    position = find_class(label, results[0].kinds)
    known = list(tally_metrics(_mean_tallies(results, _folds), position))
    if metric not in known:
        raise ValueError(
            f"metric={metric!r}; expected one of {known}. Others are of one class, "
            "which label names, and log_loss needs probabilities."
        )
    return position


def _summarize(results, position, level, draw):
    """Return the table of metrics of all repeats together."""
    by_unit, by_fold = (_mean_tallies(results, of) for of in (_units, _folds))
    samples = draw_samples(by_unit, *draw)
    return summary_table(by_unit, by_fold, samples, position, level)


def _compare(after, before, position, level, draw):
    """Return the table of differences between two points, all repeats together."""
    # Both side by side: each sample draws the same micrographs of both.
    by_unit, by_fold = (
        np.stack([_mean_tallies(results, of) for results in (after, before)], axis=1)
        for of in (_units, _folds)
    )
    samples = draw_samples(by_unit, *draw)
    return comparison_table(by_unit, by_fold, samples, position, level)


def _units(result):
    """Return the number of the micrograph of each particle."""
    return np.unique(result.groups, return_inverse=True)[1]


def _folds(result):
    """Return the number of the fold of each particle."""
    return result.folds


def _mean_tallies(results, of):
    """Return the tally of each micrograph or fold, averaged over repeats."""
    return np.mean([count_tallies(result, of(result)) for result in results], axis=0)


def _sentences(curve):
    """Yield what a learning curve shows."""
    result, sizes = curve.results[-1][0], curve.n_micrographs
    yield (
        f"LearningCurve of {len(result.y_true)} particles of "
        f"{len(np.unique(result.groups))} groups in {result.n_folds} folds:"
    )
    last = curve.scores().iloc[-1]
    yield (
        f"balanced accuracy {last['score']:.3f} with {sizes[-1]} micrographs, 95 % "
        f"interval {last['low']:.3f} to {last['high']:.3f}"
    )
    if len(sizes) < 2:
        return
    step = curve.gains().iloc[-1]
    yield (
        f"gain from {sizes[-2]} to {sizes[-1]} micrographs {step['gain']:+.3f}, 95 % "
        f"interval {step['low']:+.3f} to {step['high']:+.3f}"
    )
    if step["low"] > 0:
        yield "more micrographs can be expected to pay"
    elif step["high"] > 0:
        yield f"a further step may gain nothing, or {step['high']:.3f} at most"
    else:
        yield "more micrographs can't be expected to pay"
