"""The rule that each door of sklipo is held to, whatever it is given.

A call is *right* if it returns what the same particles give in their plainest form, or
if its error is *clear*: of a type that says who is at fault, raised by sklipo or by the
validation of scikit-learn in words of their own, not by a library beneath. Everything
else is a fault, named in `FAULTS`.
"""

import gc
import os
import random
import re
import signal
import traceback
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import cv2
import joblib
import numpy as np
import pandas as pd
import sklearn
import torch

# Seconds after which a call counts as a hang: the slowest door takes less than one.
_TIMEOUT = 20
_TYPES = (ValueError, TypeError, OSError, ImportError, IndexError)
# Those who may speak to the user: sklipo, and those whose parameters it passes on.
_SPEAKERS = re.compile(
    r"[/\\](sklipo|sklearn|imblearn|matplotlib|pandas[/\\]core[/\\]indexers)[/\\]"
)
# Here scikit-learn lets NumPy say what is no number.
_CONVERSION = re.compile(r"[/\\]sklearn[/\\]utils[/\\](validation|_array_api).py$")
_FEWEST_LETTERS = 15


class Outcome(StrEnum):
    """What became of one input."""

    RIGHT = "right"
    CLEAR = "clear"
    UNCLEAR = "unclear"
    WRONG_TYPE = "wrong type"
    SILENTLY_WRONG = "silently wrong"
    REFUSED = "valid input refused"
    STATE_CHANGED = "state changed"
    HANG = "hang"


FAULTS = set(Outcome) - {Outcome.RIGHT, Outcome.CLEAR}


class Expected(StrEnum):
    """What may become of one input."""

    SAME = "same"  # the result of the plain form
    WARNING = "warning"  # a warning and a result, or an error
    ERROR = "error"
    EITHER = "either"  # an error or the result of the plain form


class Variants(dict):
    """Functions that change an input, by name, with what may become of the result."""

    def register(self, expected):
        """Return a decorator that takes a function in."""

        def take_in(function):
            self[function.__name__] = (function, expected)
            return function

        return take_in


@dataclass
class Verdict:
    """What became of one input, and how it came about."""

    outcome: Outcome
    case: str
    detail: str = ""

    def __str__(self):
        return f"{self.outcome}: {self.case}\n    {self.detail}"


def judge(case, call, arguments, expected, reference=None):
    """Call a door and say what became of it.

    `reference` is what the plain form of the same input gives; None where the result
    can't be compared.
    """
    before, digest = _state(), _digest(arguments)
    result = error = None
    with warnings.catch_warnings(record=True) as caught, _alarm():
        warnings.simplefilter("always")
        filters = list(warnings.filters)
        try:
            result = call(*arguments)
        except TimeoutError as timeout:
            return Verdict(Outcome.HANG, case, str(timeout))
        except Exception as raised:
            error = raised
        changed = None if warnings.filters == filters else "warnings.filters"
    after = _state()
    changed = changed or next(
        (key for key in before if before[key] != after[key]), None
    )
    if changed is None and _digest(arguments) != digest:
        changed = "the input"
    if changed:
        return Verdict(Outcome.STATE_CHANGED, case, changed)
    if error is not None:
        return _judge_error(case, error, expected)
    return _judge_result(case, result, caught, expected, reference)


def _judge_error(case, error, expected):
    """Say whether an error is one that a user can act upon."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    name, text = type(error).__name__, str(error)
    detail = f"{name}: {text[:300]!r} ({last.filename}:{last.lineno})"
    if not isinstance(error, _TYPES) or isinstance(error, UnicodeError):
        return Verdict(Outcome.WRONG_TYPE, case, detail)
    # An error of NumPy and others in C has the line that called them as its last one.
    spoken = _SPEAKERS.search(last.filename) and last.line.startswith("raise")
    if not (spoken or _CONVERSION.search(last.filename)) or len(text) < _FEWEST_LETTERS:
        return Verdict(Outcome.UNCLEAR, case, detail)
    if expected == Expected.SAME:
        return Verdict(Outcome.REFUSED, case, detail)
    return Verdict(Outcome.CLEAR, case, detail)


def _judge_result(case, result, caught, expected, reference):
    """Say whether a result is the right one."""
    told = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    if expected == Expected.ERROR:
        return Verdict(Outcome.SILENTLY_WRONG, case, f"no error: {result!r:.300}")
    if expected == Expected.WARNING:
        outcome = Outcome.CLEAR if told else Outcome.SILENTLY_WRONG
        return Verdict(outcome, case, f"no warning: {result!r:.300}")
    if reference is not None and not is_same(result, reference):
        detail = f"{result!r:.300} instead of {reference!r:.300}"
        return Verdict(Outcome.SILENTLY_WRONG, case, detail)
    return Verdict(Outcome.RIGHT, case)


def is_same(result, reference):
    """Tell whether two results agree, up to the rounding of float32."""
    if isinstance(reference, pd.DataFrame):
        return list(result.columns) == list(reference.columns) and all(
            is_same(result[name].array, reference[name].array) for name in reference
        )
    if isinstance(reference, tuple):
        return all(map(is_same, result, reference))
    if getattr(reference, "dtype", None) == "image" or isinstance(reference, list):
        return len(result) == len(reference) and all(map(is_same, result, reference))
    result, reference = np.asarray(result), np.asarray(reference)
    if result.shape != reference.shape:
        return False
    if reference.dtype.kind in "OUST":
        return result.tolist() == reference.tolist()
    scale = np.abs(reference[np.isfinite(reference)]).max(initial=1e-30)
    return np.allclose(result, reference, rtol=1e-4, atol=1e-5 * scale, equal_nan=True)


def _state():
    """Return what a call must leave as it was."""
    return {
        "np.random": joblib.hash(np.random.get_state()),  # noqa: NPY002
        "random": hash(random.getstate()),
        "torch's generator": joblib.hash(torch.get_rng_state().numpy()),
        "torch's threads": torch.get_num_threads(),
        "OpenCV's threads": cv2.getNumThreads(),
        "np.geterr": tuple(np.geterr().items()),
        "scikit-learn's configuration": tuple(sklearn.get_config().items()),
        "the working directory": os.getcwd(),
    }


def _digest(value):
    """Return a text that tells one value from another, whatever objects hold it."""
    if isinstance(value, pd.DataFrame):
        columns = [
            (str(name), str(value.dtypes.iloc[i])) for i, name in enumerate(value)
        ]
        rows = [_digest(value.iloc[:, i].tolist()) for i in range(value.shape[1])]
        return repr((columns, value.index.tolist(), rows))
    if isinstance(value, np.ma.MaskedArray):
        return _digest([value.data, np.ma.getmaskarray(value)])
    if isinstance(value, np.ndarray) and value.dtype != object:
        return repr((value.shape, str(value.dtype), hash(value.tobytes())))
    if isinstance(value, tuple | list):
        return repr([_digest(item) for item in value])
    return repr(value)


@contextmanager
def _alarm():
    """Raise TimeoutError in a call that hangs."""

    def ring(*_):
        raise TimeoutError(f"no end within {_TIMEOUT} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, _TIMEOUT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.collect(0)
