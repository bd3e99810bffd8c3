"""Members of an ensemble: what is asked of them, and how they are fitted."""

from contextlib import contextmanager

from joblib import delayed
from sklearn.base import clone

# Private part of scikit-learn: the base of all searches.
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from .._jobs import configured, iter_results
from ..displays._probabilities import HOW_TO_GET
from ..evaluation._folds import route_params, share_cores, torch_threads
from ..evaluation.cross_validation import cross_validate_particles
from ..particles._warnings import kept_warnings


def check_members(estimators):
    """Return the names and the members; each has to have probabilities."""
    if not estimators or not all(_is_pair(pair) for pair in estimators):
        raise ValueError(
            f"estimators={estimators!r}; expected a list of one or more pairs of a "
            "name and a classifier, such as [('svc', "
            "make_svc_pipeline(probability=True))]."
        )
    names, members = zip(*estimators, strict=True)
    for name, member in estimators:
        if isinstance(member, type) or not hasattr(member, "fit"):
            raise TypeError(
                f"Member {name!r} is {member!r}; expected an instance of a classifier."
            )
        if not hasattr(member, "predict_proba"):
            raise ValueError(
                f"Member {name!r}, {type(member).__name__}, has no predict_proba, and "
                f"can't vote without probabilities: {HOW_TO_GET}."
            )
    return names, members


def weight_params(names, members, sample_weight):
    """Return parameters of each member's ``fit`` that hand the weights to it."""
    if sample_weight is None:
        return [{} for _ in members]
    found = [_name_of_weights(member) for member in members]
    if None in found:
        raise ValueError(
            f"Member {names[found.index(None)]!r} takes no sample_weight in its fit. "
            "Leave sample_weight out, or exchange the member."
        )
    return [{name: sample_weight} for name in found]


def predict_out_of_fold(names, preparation, y, groups, folds, params, n_jobs):
    """Return the out-of-fold predictions of each member, as results by name."""
    results = {}
    members = zip(names, preparation.rests, preparation.rows, params, strict=True)
    for name, rest, rows, own_params in members:
        # What there is to warn of is the same for all: the ensemble has said it.
        with _naming(name), kept_warnings():
            results[name] = cross_validate_particles(
                rest,
                rows,
                y,
                groups=groups,
                cv=folds,
                n_jobs=n_jobs,
                params=own_params,
            )
    return results


def fit_members(names, preparation, y, groups, params, n_jobs):
    """Return the members, or what follows their preparation, fitted on all rows."""
    run = configured(_fit_member)
    n_threads = share_cores(len(names), n_jobs)
    members = zip(names, preparation.rests, preparation.rows, params, strict=True)
    tasks = (
        delayed(run)(name, clone(rest), rows, y, route_params(rest, own, groups), n)
        for (name, rest, rows, own), n in zip(members, n_threads, strict=True)
    )
    return list(iter_results(tasks, n_jobs))


def _fit_member(name, member, rows, y, params, n_threads):
    """Return a fitted member; an error says which it is."""
    with _naming(name), torch_threads(n_threads):
        return member.fit(rows, y, **params)


@contextmanager
def _naming(name):
    """Name the member in errors that are raised in this context."""
    try:
        yield
    except Exception as error:
        error.add_note(f"In member {name!r} of the ensemble.")
        raise


def _is_pair(pair):
    """Tell whether something is a name and one thing more."""
    return (
        isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str)
    )


def _name_of_weights(estimator):
    """Return the parameter of ``fit`` that takes sample weights, None without one.

    That of the last step of a pipeline has the name of the step in front of its own.
    """
    if isinstance(estimator, BaseSearchCV):
        return _name_of_weights(estimator.estimator)
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        inner = _name_of_weights(last)
        return None if inner is None else f"{name}__{inner}"
    return "sample_weight" if has_fit_parameter(estimator, "sample_weight") else None
