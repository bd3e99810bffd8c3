"""From rows of pixels, labels and weights to what a network trains on."""

import numpy as np
import torch
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

# Private in scikit-learn: _check_sample_weight.
from sklearn.utils.validation import _check_sample_weight, validate_data

from ..particles import flat_image_shape

# Integers become the first, which costs half the memory of the second.
_DTYPES = [np.float32, np.float64]

_RESIZE_HINT = (
    "LipNetClassifier takes rows of pixels, as many for each image. Put a Resize "
    "before it: make_pipeline(Resize(28), LipNetClassifier())."
)


def _check_training_data(estimator, X, y, sample_weight, reset):
    """Return X, y and sample weights without the samples of weight zero."""
    _refuse_images(X)
    X, y = validate_data(estimator, X, y, dtype=_DTYPES, reset=reset)
    check_classification_targets(y)
    weights = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    if weights.all():
        return X, y, weights
    kept = weights > 0
    return X[kept], y[kept], weights[kept]


def _check_rows(estimator, X):
    """Return rows of pixels to predict."""
    _refuse_images(X)
    return validate_data(estimator, X, dtype=_DTYPES, reset=False)


def _refuse_images(X):
    """Raise an error that helps those who pass images instead of rows of pixels."""
    dtypes = np.atleast_1d(getattr(X, "dtypes", getattr(X, "dtype", None)))
    if any(getattr(dtype, "name", None) == "image" for dtype in dtypes):
        raise TypeError(f"X holds images, as a particle table does. {_RESIZE_HINT}")
    is_sequence = isinstance(X, list | tuple | np.ndarray)
    if is_sequence and len(X) and getattr(X[0], "ndim", None) == 2:
        raise TypeError(f"X is a sequence of 2-D arrays. {_RESIZE_HINT}")


def _find_image_shape(n_pixels, image_shape):
    """Return height and width of the images that rows of pixels hold."""
    flat_shape = flat_image_shape(n_pixels)
    if image_shape is None:
        return flat_shape
    lengths = [int(length) for length in image_shape if length == int(length) > 0]
    if len(lengths) != 2 or len(image_shape) != 2:
        raise ValueError(
            f"image_shape={image_shape!r}; expected height and width, two whole "
            "numbers of pixels."
        )
    height, width = lengths
    if height * width != n_pixels:
        is_square = flat_shape[0] == flat_shape[1]
        hint = f"; a square image would be {flat_shape}" if is_square else ""
        raise ValueError(
            f"image_shape={image_shape!r} stands for {height * width} pixels, but X "
            f"has {n_pixels} features{hint}."
        )
    return height, width


def _check_label_smoothing(label_smoothing, n_classes):
    """Raise an error if smoothing makes the true class no likelier than others."""
    limit = 1 - 1 / n_classes
    if label_smoothing >= limit:
        raise ValueError(
            f"label_smoothing={label_smoothing} makes the true class no likelier than "
            f"the others; with {n_classes} classes it must be below {limit:.3g}."
        )


def _own_random_state(random_state):
    """Return a RandomState that is never the global one of NumPy."""
    if random_state is None:
        return np.random.RandomState()
    return check_random_state(random_state)


def _encode(y, classes):
    """Return the index of each label among the classes."""
    if len(classes) < 2:
        raise ValueError(
            "A classifier needs two classes or more to tell apart; the samples of "
            f"nonzero weight are all of one class, {classes.tolist()[0]!r}."
        )
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(
            f"y holds {unknown.tolist()}, not among the classes that training began "
            f"with: {classes.tolist()}."
        )
    return np.searchsorted(classes, y)


def _weigh(class_weight, classes, codes, weights):
    """Multiply sample weights by class weights and scale them to a mean of 1."""
    if class_weight == "balanced":
        totals = np.bincount(codes, weights, minlength=len(classes))
        weights = weights * (weights.sum() / (len(classes) * totals[codes]))
    else:
        by_class = compute_class_weight(class_weight, classes=classes, y=classes)
        if not (np.isfinite(by_class) & (by_class >= 0)).all():
            raise ValueError(
                f"class_weight={class_weight!r}; weights are finite and not negative."
            )
        weights = weights * by_class[codes]
    if not weights.any():
        raise ValueError(
            f"class_weight={class_weight!r} gives weight zero to every sample."
        )
    return weights / weights.mean()


def _split_each_class(codes, classes, fraction, random_state):
    """Return the sorted rows of a training and of a validation set.

    Of each class at least one sample goes into either.
    """
    order = random_state.permutation(len(codes))
    is_valid = np.zeros(len(codes), dtype=bool)
    for code in np.unique(codes):
        rows = order[codes[order] == code]
        if len(rows) < 2:
            raise ValueError(
                "early_stopping=True sets samples of each class aside and needs two of "
                f"each or more, but class {classes.tolist()[code]!r} has 1 sample."
            )
        n_valid = np.clip(round(fraction * len(rows)), 1, len(rows) - 1)
        is_valid[rows[:n_valid]] = True
    return np.flatnonzero(~is_valid), np.flatnonzero(is_valid)


def _as_images(rows, image_shape):
    """Return rows of pixels as a tensor of images, without a copy where possible.

    With the axis of the channels last in memory, convolutions take it as it is.
    """
    rows = np.require(rows, requirements=["C_CONTIGUOUS", "WRITEABLE"])
    return torch.from_numpy(rows).reshape(-1, *image_shape, 1).permute(0, 3, 1, 2)


def _mean_and_scale(X, weights):
    """Return weighted mean and standard deviation of all pixels, the latter never 0."""
    means = X.mean(axis=1, dtype=np.float64)
    # Unlike a sum of X ** 2, this copies no pixels.
    squares = np.einsum("ij,ij->i", X, X, dtype=np.float64) / X.shape[1]
    mean = np.average(means, weights=weights)
    variance = np.average(squares, weights=weights) - mean**2
    # Pixels that differ by no more than float32 rounds are constant.
    is_constant = variance <= (10 * np.finfo(np.float32).eps * mean) ** 2
    return float(mean), 1.0 if is_constant else float(np.sqrt(variance))
