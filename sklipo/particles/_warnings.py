"""Warnings that name the line of the user's."""

import sys
import warnings
from contextlib import contextmanager
from contextvars import ContextVar

# Calls in between the user's line and the one that warns.
_BETWEEN = {"sklipo", "sklearn", "imblearn", "joblib", "contextlib"}

# Where this thread's warnings go, if not to the user at once.
_kept = ContextVar("_kept", default=None)


@contextmanager
def kept_warnings():
    """Give a list that gets the texts of all warnings of sklipo in this thread."""
    # warnings.catch_warnings is for one thread only.
    token = _kept.set([])
    try:
        yield _kept.get()
    finally:
        _kept.reset(token)


def warn_caller(message, category=UserWarning):
    """Warn at the line outside of sklipo and scikit-learn that led here."""
    kept = _kept.get()
    if kept is not None:
        kept.append(message)
        return
    frame, level = sys._getframe(1), 2
    while frame is not None and _package(frame) in _BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def warn_without_groups(particles, consequence, name="particles"):
    """Warn of what follows if a table names micrographs that no groups tell of."""
    if "micrograph" in getattr(particles, "columns", ()):
        warn_caller(
            "The particles have a column 'micrograph', but groups is None. "
            f"{consequence} Pass groups={name}['micrograph'], or drop the column."
        )


def _package(frame):
    """Return the name of the package whose code a frame runs."""
    return frame.f_globals.get("__name__", "").partition(".")[0]
