"""What counts as particles: tables, lists, stacks and rows of numbers."""

from math import isqrt

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from sklearn import get_config
from sklearn.utils.validation import validate_data

from ..images import ImageArray, ImageDtype
from ..images._numbers import refuse_extremes
from ._columns import near_names, strip_names, tidy_columns
from ._contents import check_images, check_masks, check_pixel_sizes
from ._warnings import warn_caller

_EXPECTED = (
    "expected a particle table (a DataFrame with an 'image' column, see "
    "sklipo.datasets.load_particles), a list of 2-D arrays, an (n, height, width) "
    "array, or a 2-D numeric array with one flattened image per row"
)
_CHANNELS = (
    " Make color gray, as X.mean(axis=-1) does; drop an axis of length 1, as X[..., 0] "
    "or X[:, 0] does."
)


def check_particles(X):
    """Return particles of any accepted kind as a checked particle table.

    All of sklipo reads its input by this one function. It copies no pixels where the
    input already holds them in one buffer, and never changes the input.

    Parameters
    ----------
    X : DataFrame, ImageArray, Series, list of 2-D arrays or ndarray
        - a particle table: a DataFrame with a column ``image`` and, if known,
          ``mask`` (0 outside the particle, one other number inside) and
          ``pixel_size`` (nm per pixel); its other columns are left out of the result;
        - images alone: an ImageArray, a Series of dtype ``"image"``, a list of 2-D
          arrays of differing sizes, or an array of shape (n, height, width), also
          a tensor or what else NumPy reads as an array;
        - a 2-D numeric array or DataFrame of shape (n_samples, n_features): each row
          is a square image in C order, or a 1 x n_features strip where n_features
          is no square.

    Returns
    -------
    particles : DataFrame
        Columns ``image`` (dtype ``"image"``), ``mask`` (dtype ``"image"`` of bool
        pixels) and ``pixel_size`` (float64, nm per pixel); the last two only where
        X has them. Without a mask the whole image is the particle.

    Raises
    ------
    TypeError
        If X is none of the above, or a column holds anything but images.
    ValueError
        If X has no particles, two columns of one name or columns of several levels; if
        an image or mask is missing or has NaN, infinite or hidden pixels; if a mask is
        empty, differs in shape from its image or has more numbers than 0 and one other,
        such as probabilities, labels of several particles or a mask from a JPEG file;
        or if a pixel size is not a number from 0.0001 to 1,000,000. The message names
        the row. With ``assume_finite`` of :func:`sklearn.set_config`, NaN and infinite
        pixels are not looked for.

    Warns
    -----
    UserWarning
        If a mask seems to be True around its particle and False inside, if a column is
        not read whose name is nearly ``mask`` or ``pixel_size`` (spaces around these
        names do not matter), or if a stack of images looks like one color image.

    See Also
    --------
    sklipo.datasets.load_particles : Read a particle table from files.
    sklipo.datasets.extract_particles : Cut a particle table from a micrograph.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo.particles import check_particles
    >>> check_particles([np.zeros((4, 6)), np.ones((3, 3))])
               image
    0  <4x6 float64>
    1  <3x3 float64>
    """
    X = _as_known(X)
    if _is_particle_table(X):
        return _check_table(tidy_columns(X))
    images = check_images(_as_images(X), "image", _row_names(X))
    return pd.DataFrame({"image": images})


def validate_particles(estimator, X, *, reset):
    """Check X for an estimator and return it as a particle table.

    Rows of numbers pass through scikit-learn's own validation, which keeps
    ``n_features_in_`` and ``feature_names_in_``; images of any size have neither.
    ``reset`` is True in ``fit``, to remember columns, and False afterwards, to compare.
    """
    X = _as_known(X)
    if not holds_images(X):
        X = validate_data(estimator, X, reset=reset)
    elif reset:
        for name in ("n_features_in_", "feature_names_in_"):
            estimator.__dict__.pop(name, None)
    particles = check_particles(X)
    if not get_config()["assume_finite"]:
        refuse_extremes(particles["image"].array)
    return particles


def check_same_masks(estimator, particles, *, reset):
    """Remember in ``fit`` whether particles have masks; afterwards, refuse a change.

    A particle without a mask fills its image, which is another particle to whatever has
    learned from masks. Without ``fit`` there is nothing to compare with.
    """
    has_masks = "mask" in particles
    if reset:
        estimator._fitted_to_masks = has_masks
    if getattr(estimator, "_fitted_to_masks", has_masks) != has_masks:
        name = type(estimator).__name__
        raise ValueError(
            f"X has a column 'mask', but had none when {name} was fitted. Drop the "
            "column, or fit with it."
            if has_masks
            else f"X has no column 'mask', but had one when {name} was fitted. Add the "
            "masks, or fit without them."
        )


def holds_images(X):
    """Tell whether X holds images, rather than rows of numbers.

    Rows of numbers go through scikit-learn's validation and come back from an image
    transformer as rows of numbers; images come back as a particle table.
    """
    X = _as_known(X)
    if isinstance(X, pd.DataFrame):
        return _is_particle_table(X)
    if isinstance(X, (ImageArray, pd.Series)):
        return isinstance(X.dtype, ImageDtype) or not is_numeric_dtype(X.dtype)
    if isinstance(X, np.ndarray) and X.ndim:
        holds_objects = X.dtype == object and _ndim(next(X.flat, None)) >= 2
        is_column = X.ndim == 1 and not is_numeric_dtype(X.dtype)
        return X.ndim > 2 or is_column or holds_objects
    # Of sparse matrices and of what has one value scikit-learn says best what is wrong,
    # of all other things check_particles does.
    is_other_table = "image" in getattr(X, "column_names", getattr(X, "columns", ()))
    return is_other_table or not hasattr(X, "shape")


def join_particles(X, particles):
    """Return checked particles of X as a table, with every further column of X."""
    if not isinstance(X, pd.DataFrame):
        return particles
    columns = {name: particles[name].array for name in particles}
    return strip_names(X).assign(**columns)


def flat_image_shape(n_pixels):
    """Return height and width of the image that a row of numbers holds.

    A square where the row can be one, else a strip that is one pixel high.
    """
    side = isqrt(n_pixels)
    return (side, side) if side * side == n_pixels else (1, n_pixels)


def _as_known(X):
    """Return arrays of other libraries, and rows of numbers in lists, as NumPy's."""
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError(
            f"X: {np.ma.count_masked(X)} pixels are masked; expected a number in each. "
            "Fill them, as X.filled(value) does."
        )
    if not _is_array(X):
        return X
    try:
        return np.asarray(X)
    # Rows of unequal lengths, tensors on another device: NumPy's errors, and theirs.
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"X is a {type(X).__name__} that NumPy makes no array of: {error}"
        ) from error


def _is_array(X):
    """Tell whether X is an array of another library, or rows of numbers in a list."""
    if isinstance(X, (list, tuple)):
        # Where there is neither image nor row, what is wrong with images says more.
        return _ndim(next((item for item in X if item is not None), None)) == 1
    if isinstance(X, (type, np.ndarray, pd.DataFrame, pd.Series, ImageArray)):
        return False
    is_table = hasattr(X, "columns")
    return isinstance(X, memoryview) or (hasattr(X, "__array__") and not is_table)


def _is_particle_table(X):
    """Tell whether X is a DataFrame, but not plain scikit-learn input."""
    return isinstance(X, pd.DataFrame) and not (
        "image" not in X.columns
        and X.shape[1] > 0
        and all(map(is_numeric_dtype, X.dtypes.unique()))
    )


def _ndim(value):
    """Return the number of dimensions of an array or nested list, 0 if ragged."""
    if hasattr(value, "ndim"):
        return value.ndim
    try:
        return np.ndim(value)
    except ValueError:
        return 0


def _check_table(table):
    """Return the image, mask and pixel size columns of a table, checked."""
    if "image" not in table.columns:
        raise ValueError(_describe_lack_of_images(table))
    rows = _row_names(table)
    columns = {"image": check_images(table["image"].array, "image", rows)}
    if "mask" in table.columns:
        masks = check_images(table["mask"].array, "mask", rows)
        columns["mask"] = check_masks(masks, columns["image"], rows)
    if "pixel_size" in table.columns:
        columns["pixel_size"] = check_pixel_sizes(table["pixel_size"], rows)
    return pd.DataFrame(columns, index=table.index)


def _describe_lack_of_images(table):
    """Say which column might hold the images of a table without 'image'."""
    kinds = table.dtypes
    found = near_names(table, "image") or list(
        kinds.index[[isinstance(kind, ImageDtype) for kind in kinds]]
    )
    if found:
        return (
            f"The table has no column 'image'. If {found[0]!r} holds the images, pass "
            f"table.rename(columns={{{found[0]!r}: 'image'}})."
        )
    others = [name for name, kind in kinds.items() if not is_numeric_dtype(kind)]
    if not others:
        return f"The table has no columns; {_EXPECTED}."
    names = list(table.columns)
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return (
        "The table has no column 'image', and not all of its columns are numbers: "
        f"{others[0]!r} has the dtype {table[others[0]].dtype}. Its columns are "
        f"{names[:10]}{more}; {_EXPECTED}."
    )


def _as_images(X):
    """Return the images of anything that is not a particle table."""
    if isinstance(X, pd.DataFrame):
        X = _as_rows(X)
    if isinstance(X, pd.Series):
        return X.array
    if isinstance(X, (ImageArray, list, tuple)):
        return X
    if not isinstance(X, np.ndarray):
        raise TypeError(f"X is a {type(X).__name__}; {_EXPECTED}.{_hint(X)}")
    if X.ndim == 3:
        _warn_of_color(X)
    if X.ndim == 3 or (X.ndim == 1 and not is_numeric_dtype(X.dtype)):
        return X
    if X.ndim != 2 or X.dtype == object:
        raise ValueError(
            f"X has the shape {X.shape} and the dtype {X.dtype}; {_EXPECTED}."
            f"{_CHANNELS if X.ndim == 4 else ''}"
        )
    return np.asarray(X).reshape(len(X), *flat_image_shape(X.shape[1]))


def _as_rows(table):
    """Return a table of numbers as an array."""
    rows = table.to_numpy()
    # Missing numbers of pandas' own types have no place in an array of numbers.
    return table.to_numpy(float, na_value=np.nan) if rows.dtype == object else rows


def _hint(X):
    """Say how X becomes particles, where its type tells."""
    if hasattr(X, "to_pandas"):
        return " Pass X.to_pandas()."
    if hasattr(X, "toarray"):
        return " Pass X.toarray()."
    if isinstance(X, dict):
        return " Pass pandas.DataFrame(X)."
    is_series = np.iterable(X) and not isinstance(X, (str, bytes, set, frozenset))
    return " Pass list(X)." if is_series else ""


def _warn_of_color(stack):
    """Warn if a stack of images has the shape of one color image."""
    n, height, width = stack.shape
    if width in (3, 4) and min(n, height) >= 8 * width:
        warn_caller(
            f"X of shape {stack.shape} is read as {n} images of {height} x {width} "
            "pixels. If it is one color image, make it gray and pass it in a list: "
            "[X.mean(axis=2)]."
        )


def _row_names(X):
    """Return a function that names row i for a message."""
    index = getattr(X, "index", None)
    if not isinstance(index, pd.Index) or isinstance(index, pd.RangeIndex):
        return lambda i: f"row {i}"
    return lambda i: f"row {i} (index {index[[i]].tolist()[0]!r})"
