"""Versions of the packages that a model was saved with."""

import sys
import warnings
from functools import cache
from importlib.metadata import PackageNotFoundError, version

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
        return {**super().__getstate__(), _KEY: _installed(self._versioned)}

    def __setstate__(self, state):
        """Take the attributes over, unless they are those of another class."""
        state = dict(state)
        saved = state.pop(_KEY, {})
        self._check_parameters(state, saved)
        self._check_versions(saved)
        super().__setstate__(state)

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
        installed = _installed(self._versioned)
        if {name: _public(saved.get(name)) for name in installed} == {
            name: _public(number) for name, number in installed.items()
        }:
            return
        now = ", ".join(f"{name} {number}" for name, number in installed.items())
        warnings.warn(
            f"This {type(self).__name__} was saved {_by(saved)} and is loaded by "
            f"{now}. It may fail or predict otherwise. Compare its predictions with "
            "known ones, train it anew, or install the versions that saved it.",
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
    return "by " + ", ".join(f"{name} {number}" for name, number in saved.items())


def _public(number):
    """Return a version without its build, such as that for a GPU."""
    return None if number is None else number.partition("+")[0]


@cache
def _installed(packages):
    """Return the versions of packages, by name."""
    return {name: _find_version(name) for name in packages}


def _find_version(package):
    """Return the version of a package."""
    # What is imported counts: a checkout need not be installed.
    module = sys.modules.get({"scikit-learn": "sklearn"}.get(package, package))
    try:
        return getattr(module, "__version__", None) or version(package)
    except PackageNotFoundError:
        return "unknown"
