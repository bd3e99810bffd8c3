"""What LipNetClassifier is given, checked: rows, labels, weights, parts and seed."""

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets

# Private in scikit-learn: _check_sample_weight.
from sklearn.utils.validation import _check_sample_weight, validate_data

from ._weights import class_weight_at
from .losses import LogitAdjustedLoss

# Integers become the first, which costs half the memory of the second.
_DTYPES = [np.float32, np.float64]

_RESIZE_HINT = (
    "LipNetClassifier takes rows of pixels, as many for each image. Put a Resize "
    "before it: make_pipeline(Resize(28), LipNetClassifier())."
)


def check_training_data(estimator, X, y, sample_weight, *, reset):
    """Return X, y and sample weights without the samples of weight zero."""
    refuse_images(X)
    X, y = validate_data(estimator, X, y, dtype=_DTYPES, reset=reset)
    check_classification_targets(y)
    weights = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    if weights.all():
        return X, y, weights
    kept = weights > 0
    return X[kept], y[kept], weights[kept]


def check_rows(estimator, X):
    """Return rows of pixels to predict."""
    refuse_images(X)
    return validate_data(estimator, X, dtype=_DTYPES, reset=False)


def refuse_images(X):
    """Raise an error that helps those who pass images instead of rows of pixels."""
    # By the name of the dtype, since the networks know nothing of particle tables.
    dtypes = np.atleast_1d(getattr(X, "dtypes", getattr(X, "dtype", None)))
    if any(getattr(dtype, "name", None) == "image" for dtype in dtypes):
        raise TypeError(f"X holds images, as a particle table does. {_RESIZE_HINT}")
    is_sequence = isinstance(X, list | tuple | np.ndarray)
    if is_sequence and len(X) and getattr(X[0], "ndim", None) == 2:
        raise TypeError(f"X is a sequence of 2-D arrays. {_RESIZE_HINT}")


def check_parts(*parts):
    """Check the parameters of the objects that are parameters."""
    for part in parts:
        if hasattr(part, "_validate_params"):
            part._validate_params()


def check_label_smoothing(label_smoothing, n_classes):
    """Raise an error if smoothing makes the true class no likelier than others."""
    limit = 1 - 1 / n_classes
    if label_smoothing >= limit:
        raise ValueError(
            f"label_smoothing={label_smoothing} makes the true class no likelier than "
            f"the others; with {n_classes} classes it must be below {limit:.3g}."
        )


def own_random_state(random_state):
    """Return a RandomState that is never the global one of NumPy."""
    if random_state is None:
        return np.random.RandomState()
    return check_random_state(random_state)


def encode(y, classes):
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


def can_fit_in_parts(classifier):
    """Return True, or say which parameters need the whole training set."""
    needy = {
        "early_stopping=True": classifier.early_stopping,
        "class_weight='balanced'": class_weight_at(classifier.class_weight, progress=1)
        == "balanced",
        "epoch_sampler": classifier.epoch_sampler is not None,
        "loss='logit_adjusted'": classifier.loss == "logit_adjusted"
        or isinstance(classifier.loss, LogitAdjustedLoss),
    }
    if any(needy.values()):
        names = ", ".join(name for name, is_set in needy.items() if is_set)
        raise AttributeError(
            "partial_fit sees the training set in parts, and cannot be used with "
            f"{names}, which must see it whole."
        )
    return True
