"""What members do to images before they learn: done once for all folds and members."""

from sklearn.base import clone
from sklearn.pipeline import Pipeline

# Private part of scikit-learn: gives a result the container that is set.
from sklearn.utils._set_output import _wrap_data_with_container

from .._steps import transform_by
from ..evaluation._preparation import join_preparation, prepare, split_preparation
from ..features import ParticleFeatures, measure_together
from ..particles._checking import holds_images


class Preparation:
    """The first steps of members, fitted, and the rows that they make of particles.

    These steps learn nothing from labels; of raw intensities, ``ParticleFeatures``
    learns the range. So all folds of a training set share them.

    Attributes
    ----------
    rests : list of estimator
        What follows the first steps of each member, unfitted.
    rows : list of array or particle table
        What each of them is fitted on.
    """

    def __init__(self, members, X, n_jobs):
        self._X = X
        self._members = members
        tables = iter(self._measure(X, n_jobs))
        self._steps, self.rests, self.rows = [], [], []
        for member in members:
            if _begins_with_measures(member, X):
                step, rows = next(tables)
                steps, rest = [step], member[1:]
            else:
                steps, rest = split_preparation(member, X)
                rows = prepare(steps, X, n_jobs=n_jobs)
            self._steps.append(steps)
            self.rests.append(rest)
            self.rows.append(rows)

    def _measure(self, X, n_jobs):
        """Return the fitted first step of each member that measures, and its table."""
        first = [m.steps[0] for m in self._members if _begins_with_measures(m, X)]
        steps = [(name, clone(step).fit(X)) for name, step in first]
        return zip(steps, _measure([step for _, step in steps], X, n_jobs), strict=True)

    def join(self, fitted):
        """Return whole members, made of what was fitted on the rows."""
        wholes = []
        for member, steps, rest in zip(self._members, self._steps, fitted, strict=True):
            if _begins_with_measures(member, self._X):
                whole = clone(member)
                whole.steps = [*steps, *rest.steps]
            else:
                (whole,) = join_preparation(steps, [rest], self._X)
            wholes.append(whole)
        return wholes


def predict_together(members, X, n_jobs):
    """Return the probabilities of each fitted member; what they measure is shared."""
    is_measuring = [_begins_with_measures(member, X) for member in members]
    doors = [
        m.steps[0][1] for m, is_so in zip(members, is_measuring, strict=True) if is_so
    ]
    tables = iter(_measure(doors, X, n_jobs))
    return [
        member.steps[-1][1].predict_proba(
            transform_by(member.steps[1:-1], next(tables))
        )
        if is_so
        else member.predict_proba(X)
        for member, is_so in zip(members, is_measuring, strict=True)
    ]


def _begins_with_measures(member, X):
    """Tell whether a member is a pipeline that measures particles before all else."""
    return (
        isinstance(member, Pipeline)
        and isinstance(member.steps[0][1], ParticleFeatures)
        and holds_images(X)
    )


def _measure(transformers, X, n_jobs):
    """Return the table of each fitted transformer; there may be none."""
    if not transformers:
        return []
    if n_jobs is None:
        n_jobs = transformers[0].n_jobs
    tables = measure_together(transformers, X, n_jobs)
    return [
        _wrap_data_with_container("transform", table, X, transformer)
        for transformer, table in zip(transformers, tables, strict=True)
    ]
