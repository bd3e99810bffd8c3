"""What counts as particles: tables, lists, stacks and rows of numbers."""

from math import isqrt

import numpy as np
import pandas as pd
from sklearn import get_config
from sklearn.utils.validation import validate_data

from ..images import ImageArray, ImageDtype
from ..images._numbers import refuse_extremes, refuse_masked

_EXPECTED = (
    "expected a particle table (a DataFrame with an 'image' column, see "
    "sklipo.datasets.load_particles), a list of 2-D arrays, an (n, height, width) "
    "array, or a 2-D numeric array with one flattened image per row"
)


def check_particles(X):
    """Return particles of any accepted kind as a checked particle table.

    All of sklipo reads its input by this one function. It copies no pixels where the
    input already holds them in one buffer, and never changes the input.

    Parameters
    ----------
    X : DataFrame, ImageArray, Series, list of 2-D arrays or ndarray
        - a particle table: a DataFrame with a column ``image`` and, if known,
          ``mask`` (non-zero inside the particle) and ``pixel_size`` (nm per pixel);
          its other columns are left out of the result;
        - images alone: an ImageArray, a Series of dtype ``"image"``, a list of 2-D
          arrays of differing sizes, or an array of shape (n, height, width);
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
        If an image or mask is missing or has NaN or infinite pixels, if a mask is empty
        or differs in shape from its image, or if a pixel size is not a positive number.
        The message names the row. With ``assume_finite`` of
        :func:`sklearn.set_config`, NaN and infinite pixels are not looked for.

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
    if isinstance(X, pd.DataFrame) and not _is_numeric_table(X):
        return _check_table(X)
    return pd.DataFrame({"image": _check_images(_as_images(X), "image", _row_names(X))})


def validate_particles(estimator, X, *, reset):
    """Check X for an estimator and return it as a particle table.

    Rows of numbers pass through scikit-learn's own validation, which keeps
    ``n_features_in_`` and ``feature_names_in_``; images of any size have neither.
    ``reset`` is True in ``fit``, to remember columns, and False afterwards, to compare.
    """
    if not holds_images(X):
        refuse_masked(X)
        X = validate_data(estimator, X, reset=reset)
    elif reset:
        for name in ("n_features_in_", "feature_names_in_"):
            estimator.__dict__.pop(name, None)
    particles = check_particles(X)
    if not get_config()["assume_finite"]:
        refuse_extremes(particles["image"].array)
    return particles


def holds_images(X):
    """Tell whether X holds images, rather than rows of numbers.

    Rows of numbers go through scikit-learn's validation and come back from an image
    transformer as rows of numbers; images come back as a particle table.
    """
    if isinstance(X, pd.DataFrame):
        return not _is_numeric_table(X)
    if isinstance(X, (ImageArray, pd.Series)):
        return isinstance(X.dtype, ImageDtype) or X.dtype == object
    if isinstance(X, np.ndarray):
        return X.ndim > 2 or _is_array_of_images(X)
    return isinstance(X, (list, tuple)) and len(X) > 0 and _ndim(X[0]) >= 2


def flat_image_shape(n_pixels):
    """Return height and width of the image that a row of numbers holds.

    A square where the row can be one, else a strip that is one pixel high.
    """
    side = isqrt(n_pixels)
    return (side, side) if side * side == n_pixels else (1, n_pixels)


def _is_numeric_table(table):
    """Tell whether a DataFrame is plain scikit-learn input."""
    return (
        "image" not in table.columns
        and table.shape[1] > 0
        and all(pd.api.types.is_numeric_dtype(dtype) for dtype in table.dtypes)
    )


def _is_array_of_images(X):
    """Tell whether a 1-D object array holds arrays."""
    return X.dtype == object and X.ndim == 1 and len(X) > 0 and _ndim(X[0]) >= 2


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
        raise ValueError(
            "The table has no column 'image', and not all of its columns are numbers. "
            f"Its columns are {list(table.columns)}; {_EXPECTED}."
        )
    rows = _row_names(table)
    columns = {"image": _check_images(table["image"].array, "image", rows)}
    if "mask" in table.columns:
        masks = _check_images(table["mask"].array, "mask", rows)
        columns["mask"] = _check_masks(masks, columns["image"], rows)
    if "pixel_size" in table.columns:
        columns["pixel_size"] = _check_pixel_sizes(table["pixel_size"], rows)
    return pd.DataFrame(columns, index=table.index)


def _as_images(X):
    """Return the images of anything that is not a particle table."""
    if isinstance(X, pd.DataFrame):
        X = X.to_numpy()
    if isinstance(X, pd.Series):
        return X.array
    if isinstance(X, (ImageArray, list, tuple)):
        return X
    if not isinstance(X, np.ndarray):
        raise TypeError(f"X is a {type(X).__name__}; {_EXPECTED}.")
    if X.ndim == 3 or _is_array_of_images(X):
        return X
    if X.ndim != 2:
        raise ValueError(f"X has {X.ndim} dimensions (shape {X.shape}); {_EXPECTED}.")
    return X.reshape(len(X), *flat_image_shape(X.shape[1]))


def _row_names(X):
    """Return a function that names row i for a message."""
    index = getattr(X, "index", None)
    if not isinstance(index, pd.Index) or isinstance(index, pd.RangeIndex):
        return lambda i: f"row {i}"
    return lambda i: f"row {i} (index {index[i]!r})"


def _check_images(images, column, rows):
    """Return a column as an ImageArray without missing or non-finite images."""
    if not isinstance(images, ImageArray):
        images = _convert_images(images, column)
    missing = np.flatnonzero(images.isna())
    if len(missing):
        raise ValueError(
            f"{rows(missing[0])}: the {column} is missing ({len(missing)} in all). "
            f"Drop such rows with particles.dropna(subset=[{column!r}])."
        )
    row = _find_non_finite(images)
    if row is not None:
        raise ValueError(
            f"{rows(row)}: the {column} has NaN or infinite pixels; expected "
            "finite ones. Replace them, for example by numpy.nan_to_num."
        )
    return images


def _find_non_finite(images):
    """Return the position of the first image with a NaN or infinite pixel, or None."""
    if images.pixel_dtype.kind != "f" or get_config()["assume_finite"]:
        return None
    # A look at one image takes as long as 2**16 pixels in a row: start with the whole
    # buffer, unless few images lie in a large one.
    few = images.pixels.size > 2**16 * len(images)
    if not few and _all_finite(images.pixels):
        return None
    each = enumerate(images)
    return next((row for row, image in each if not _all_finite(image)), None)


def _all_finite(pixels):
    """Tell whether no pixel is NaN or infinite."""
    # A sum needs no memory, which isfinite fills with flags, but can overflow.
    with np.errstate(over="ignore", invalid="ignore"):
        total = pixels.sum()
    return bool(np.isfinite(total) or np.isfinite(pixels).all())


def _convert_images(images, column):
    """Return a list, stack or object column as an ImageArray."""
    first = next(iter(images), None)
    if isinstance(first, str):
        raise TypeError(
            f"Column {column!r} holds strings such as {first!r}; expected images. "
            "Read the files with sklipo.datasets.load_particles."
        )
    if _ndim(first) < 2 and first is not None:
        raise TypeError(
            f"Column {column!r} holds {type(first).__name__} values; expected images "
            "(2-D arrays)."
        )
    return ImageArray(images)


def _check_masks(masks, images, rows):
    """Return masks as bool, none empty and each of the shape of its image."""
    differing = np.flatnonzero((masks.shapes != images.shapes).any(axis=1))
    if len(differing):
        i = differing[0]
        raise ValueError(
            f"{rows(i)}: the mask has shape {tuple(masks.shapes[i].tolist())}, its "
            f"image {tuple(images.shapes[i].tolist())}; expected the same."
        )
    if masks.pixel_dtype.kind != "b":
        masks = masks.compact()
        masks = masks.with_pixels(masks.pixels != 0)
    # Most masks cover their middle, which one lookup shows for all of them. Only the
    # rest need a look at every pixel.
    middles = masks.starts + masks.heights // 2 * masks.row_strides + masks.widths // 2
    for i in np.flatnonzero(~masks.pixels[middles]):
        if not masks[i].any():
            raise ValueError(
                f"{rows(i)}: the mask is empty; expected at least one pixel inside."
            )
    return masks


def _check_pixel_sizes(pixel_sizes, rows):
    """Return pixel sizes as positive float64 values."""
    values = pd.to_numeric(pixel_sizes, errors="coerce").to_numpy(
        float, na_value=np.nan
    )
    wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if len(wrong):
        i = wrong[0]
        raise ValueError(
            f"{rows(i)}: pixel_size is {pixel_sizes.iloc[i]!r}; expected a positive "
            "number of nm per pixel. Where it is unknown, drop the column to measure "
            "in pixels."
        )
    return values
