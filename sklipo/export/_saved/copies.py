"""A model as skops can hold it: a copy in which parts stand for some objects."""

import sys
from types import BuiltinFunctionType, FunctionType

import numpy as np

from .network_parts import NETWORK_PARTS
from .parts import PARTS, Part

_USE_JOBLIB = "Use joblib.dump, and joblib.load where you trust the file."

# skops holds these by itself.
_ATOMS = (
    *(bool, int, float, str, bytes, bytearray, type(None), slice),
    *(np.generic, np.ufunc, np.dtype),
    *(np.random.RandomState, np.random.Generator),
)
# It also holds what these packages write in C, or says that it does not.
_KNOWN_PACKAGES = ("numpy", "scipy", "sklearn", "functools", "operator")


def copy_in_parts(model):
    """Return a copy of a model that skops can hold.

    Raises TypeError where something can't be held, and names its place in the model.
    """
    return _Copier().copy(model, type(model).__name__)


class Again:
    """An object that was met before: skops would write it out each time."""

    def __init__(self, obj):
        self._number = id(obj)

    def __reduce__(self):
        """Return the number that skops gives the object."""
        return type(self), (self._number,)


class _Copier:
    """Copies objects once each, as they may be shared."""

    def __init__(self):
        # The objects themselves are held, too: else another could get the same id.
        self._copies = {}

    def copy(self, obj, place):
        """Return the copy of an object that lies at some place of the model."""
        if isinstance(obj, _ATOMS):
            return obj
        if id(obj) not in self._copies:
            # Meets itself if the object holds itself.
            self._copies[id(obj)] = obj, None
            self._copies[id(obj)] = obj, self._copy(obj, place)
            return self._copies[id(obj)][1]
        copied = self._copies[id(obj)][1]
        if copied is None:
            raise TypeError(f"{place} holds itself. {_USE_JOBLIB}")
        is_whole = isinstance(copied, Part) or _is_plain(copied)
        return Again(copied) if is_whole else copied

    def _copy(self, obj, place):
        """Return a copy of an object that was not met before."""
        part = _find_part(obj, place)
        if part is not None:
            return part.holding(self.copy(v, place) for v in part.values)
        if isinstance(obj, dict):
            copied = type(obj)()
            for key, value in obj.items():
                copied[key] = self.copy(value, f"{place}[{key!r}]")
            return copied
        if isinstance(obj, list | tuple | set):
            values = [self.copy(v, f"{place}[{i}]") for i, v in enumerate(obj)]
            return type(obj)(*values) if hasattr(obj, "_fields") else type(obj)(values)
        if isinstance(obj, type | FunctionType | BuiltinFunctionType):
            return _importable(obj, place)
        if not _is_plain(obj):
            if type(obj).__module__.partition(".")[0] in _KNOWN_PACKAGES:
                return obj
            raise TypeError(
                f"{place} is a {type(obj).__module__}.{type(obj).__qualname__}, which "
                f"a file without pickles can't hold. {_USE_JOBLIB}"
            )
        copied = type(obj).__new__(type(obj))
        for name, value in (obj.__getstate__() or {}).items():
            copied.__dict__[name] = self.copy(value, f"{place}.{name}")
        return copied


def _find_part(obj, place):
    """Return the part that stands for an object, or None."""
    for kind, part in (PARTS | NETWORK_PARTS).items():
        if isinstance(obj, kind):
            try:
                return part.of(obj)
            except TypeError as error:
                raise TypeError(f"{place}: {error} {_USE_JOBLIB}") from error
    return None


def _is_plain(obj):
    """Tell whether an object is its attributes, and nothing more."""
    kind = type(obj)
    return (
        kind.__reduce__ is object.__reduce__
        and kind.__reduce_ex__ is object.__reduce_ex__
        and hasattr(obj, "__dict__")
        and isinstance(obj.__getstate__(), dict | None)
    )


def _importable(obj, place):
    """Return a function or class, if a file can name it."""
    module = sys.modules.get(obj.__module__)
    if getattr(module, obj.__name__, None) is not obj or obj.__module__ == "__main__":
        raise TypeError(
            f"{place} is {obj!r}, which can't be imported by its name. Define it in a "
            f"module. {_USE_JOBLIB}"
        )
    return obj
