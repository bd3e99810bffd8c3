"""VersionedMixin: estimators that know the versions that saved them."""

import inspect
import sys
import warnings

from ._comparing import (
    WHAT_TO_DO,
    are_compared,
    in_words,
    installed_versions,
    list_differing,
)

_KEY = "_versions"


class VersionedMixin:
    """Mixin of estimators that keep versions in their pickles, and check them.

    It comes first among the bases. An estimator that was saved by another version of
    sklipo, or of a package that it names in ``_versioned``, warns when it is loaded.
    One whose constructor had other parameters then is refused: it would fail later.

    See Also
    --------
    sklearn.exceptions.InconsistentVersionWarning : The same of scikit-learn's own.

    Examples
    --------
    >>> import pickle
    >>> from sklearn.base import BaseEstimator
    >>> from sklipo.versions import VersionedMixin
    >>> class Threshold(VersionedMixin, BaseEstimator):
    ...     def __init__(self, level=0.5):
    ...         self.level = level
    >>> sorted(Threshold().__getstate__()["_versions"])
    ['scikit-learn', 'sklipo']
    """

    _versioned = ("sklipo", "scikit-learn")

    def __getstate__(self):
        """Return the attributes, and the versions of now."""
        state = super().__getstate__()
        if are_compared():
            return state
        return {**state, _KEY: installed_versions(self._versioned)}

    def __setstate__(self, state):
        """Take the attributes over, unless they are those of another class."""
        state = dict(state)
        saved = state.pop(_KEY, {})
        if are_compared():
            state |= self._defaults(without=state)
        self._check_parameters(state, saved)
        if not are_compared():
            self._check_versions(saved)
        super().__setstate__(state)

    def _defaults(self, without):
        """Return the defaults of parameters that some attributes lack, by name."""
        parameters = inspect.signature(type(self).__init__).parameters
        return {
            name: parameters[name].default
            for name in self._get_param_names()
            if name not in without
            and parameters[name].default is not inspect.Parameter.empty
        }

    def _check_parameters(self, state, saved):
        """Refuse attributes that are not those of the constructor."""
        names = set(self._get_param_names())
        # Fitted attributes end with an underscore, private ones begin with one.
        there = {name for name in state if name.strip("_") == name}
        if names <= there:
            return
        raise ValueError(
            f"This {type(self).__name__} was saved {_by(saved)} and lacks the "
            f"parameters {sorted(names - there)} that it has now. Train it anew, or "
            "load it by the versions that saved it."
        )

    def _check_versions(self, saved):
        """Warn if packages are not those that saved the estimator."""
        found = installed_versions(self._versioned)
        if not list_differing(saved, found):
            return
        warnings.warn(
            f"This {type(self).__name__} was saved {_by(saved)} and is loaded by "
            f"{in_words(found)}. {WHAT_TO_DO}",
            stacklevel=_level_of_load(),
        )


def _level_of_load():
    """Return the stacklevel, in the caller, of the line of the user that loads."""
    frame, level = sys._getframe(1), 1
    # joblib unpickles in Python, by one frame for each estimator that holds another.
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in (
        "sklipo",
        "sklearn",
        "joblib",
        "pickle",
    ):
        frame, level = frame.f_back, level + 1
    return level


def _by(saved):
    """Return in words what saved an estimator."""
    if not saved:
        return "by a sklipo that kept no versions"
    return f"by {in_words(saved)}"
