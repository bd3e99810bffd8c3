"""Versions of packages: which are installed, and which are not those of a file."""

import sys
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.metadata import PackageNotFoundError, version

WHAT_TO_DO = (
    "It may fail or predict otherwise. Compare its predictions with known ones, train "
    "it anew, or install the versions that saved it."
)

# Whether what writes or reads a file sees to the versions of all that is in it.
_are_compared = ContextVar("_are_compared", default=False)


@contextmanager
def versions_compared():
    """Let estimators neither keep versions nor compare them: the whole file does.

    A parameter that is newer than the file takes its default.
    """
    token = _are_compared.set(True)
    try:
        yield
    finally:
        _are_compared.reset(token)


def are_compared():
    """Tell whether estimators need not see to versions by themselves."""
    return _are_compared.get()


def _public(number):
    """Return a version without its build, such as that for a GPU."""
    return None if number is None else number.partition("+")[0]


def list_differing(saved, found):
    """Return the packages of which another version is found than the saved one."""
    return [name for name in found if _public(saved.get(name)) != _public(found[name])]


def in_words(versions):
    """Return the names and versions of packages as text."""
    return ", ".join(f"{name} {number}" for name, number in versions.items())


@cache
def installed_versions(packages):
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
