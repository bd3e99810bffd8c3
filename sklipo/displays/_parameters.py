"""Parameters and tables of displays: checked before anything is drawn."""

from functools import wraps
from numbers import Integral, Real

import numpy as np
import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval, validate_params

from .._extras import import_extra

# More bins, particles or columns than these would take gigabytes for a picture that
# shows none of them.
COUNT = Interval(Integral, 1, 10_000, closed="both")
NUMBER = Interval(Real, None, None, closed="neither")
COLORS = ["array-like", dict, str, None]


def draws(constraints):
    """Return a decorator for ``plot``: it validates, and closes what it leaves half.

    Beside the constraints of :func:`sklearn.utils._param_validation.validate_params`,
    it checks the color map, by matplotlib's list of them. If drawing fails, the figure
    that was made for it is closed.
    """

    def decorate(plot):
        validated = validate_params(constraints, prefer_skip_nested_validation=True)(
            plot
        )

        @wraps(plot)
        def draw(self, **params):
            if "cmap" in params:
                _check_color_map(params["cmap"])
            self._own_figure = None
            try:
                return validated(self, **params)
            except BaseException:
                if self._own_figure is not None:
                    import_extra("matplotlib.pyplot", "plot").close(self._own_figure)
                raise

        return draw

    return decorate


def check_table(table, columns, *, numbers=()):
    """Raise an error unless a table has rows, and numbers in some of its columns."""
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"table is a {type(table).__name__}; expected a DataFrame with the columns "
            f"{columns}."
        )
    missing = [column for column in columns if column not in table]
    if missing:
        raise ValueError(f"The table has no column {missing[0]!r}; expected {columns}.")
    if not len(table):
        raise ValueError("The table is empty; expected one row or more.")
    for column in numbers:
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise TypeError(
                f"Column {column!r} of the table is of dtype {table[column].dtype}; "
                "expected numbers."
            )


def check_numbers(values, shape, name, *, allow_nan=False):
    """Return numbers as an array of a shape, in which None stands for any length."""
    try:
        array = np.asarray(values, float)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(
            f"{name} is a {type(values).__name__} that holds more than numbers; "
            f"expected an array of {_in_words(shape)}."
        ) from error
    fits = array.ndim == len(shape) and all(
        expected in (None, n) for n, expected in zip(array.shape, shape, strict=True)
    )
    if not fits or not array.size:
        raise ValueError(
            f"{name} has shape {array.shape}; expected {_in_words(shape)}, none empty."
        )
    if not allow_nan and not np.isfinite(array).all():
        raise ValueError(f"{name} has NaN or infinite values; expected numbers.")
    return array


def _in_words(shape):
    """Return an expected shape as text, for instance 'shape (n, 28, 28)'."""
    lengths = ["n" if length is None else str(length) for length in shape]
    return f"shape ({', '.join(lengths)}{',' if len(shape) == 1 else ''})"


def _check_color_map(cmap):
    """Raise an error unless matplotlib knows the color map."""
    matplotlib = import_extra("matplotlib", "plot")
    # matplotlib looks names up in a dict, which takes no list.
    if isinstance(cmap, str) and cmap in list(matplotlib.colormaps):
        return
    if not hasattr(cmap, "with_extremes"):
        raise ValueError(
            f"cmap={cmap!r}; expected a color map or its name, for example 'gray' or "
            "'viridis'. list(matplotlib.colormaps) names all."
        )
