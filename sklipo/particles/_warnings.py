"""Warnings that name the line of the user's."""

import sys
import warnings

# Calls in between the user's line and the one that warns.
_BETWEEN = {"sklipo", "sklearn", "imblearn", "joblib", "contextlib"}


def warn_caller(message, category=UserWarning):
    """Warn at the line outside of sklipo and scikit-learn that led here."""
    frame, level = sys._getframe(1), 2
    while frame is not None and _package(frame) in _BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _package(frame):
    """Return the name of the package whose code a frame runs."""
    return frame.f_globals.get("__name__", "").partition(".")[0]
