"""What LipNetClassifier is given, checked: rows, labels, weights, parts and seed."""

import numpy as np
import pandas as pd
import torch
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


def check_training_data(estimator, X, y, sample_weight, groups=None, *, reset):
    """Return X, y, weights and codes of groups without the samples of weight zero."""
    y = check_labels(y)
    X, y = estimator._validate_images(X, y, reset=reset)
    check_classification_targets(y)
    weights = _check_weights(sample_weight, X)
    groups = check_groups(groups, len(y))
    if weights.all():
        return X, y, weights, groups
    kept = weights > 0
    return X[kept], y[kept], weights[kept], None if groups is None else groups[kept]


def check_rows(estimator, X):
    """Return rows of pixels to predict."""
    return validate_rows(estimator, X, reset=False)


def validate_rows(estimator, X, y="no_validation", *, reset):
    """Return rows of pixels, and labels if there are any."""
    return validate_data(estimator, as_rows(X), y, dtype=_DTYPES, reset=reset)


def check_labels(y, name="y"):
    """Refuse labels that are missing or of two kinds; return numbers as such."""
    if y is None or np.asarray(y).ndim != 1:
        return y  # scikit-learn says what is wrong
    _refuse_masked(y, name)
    dtype = getattr(y, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind != "O":
        return y  # of one kind; scikit-learn finds NaN
    labels = pd.Series(np.asarray(y, dtype=object), dtype=object)
    missing = np.flatnonzero(labels.isna())
    if len(missing):
        raise ValueError(
            f"{name} has no label in {len(missing)} of {len(labels)} rows, first in "
            f"row {missing[0]}: {labels[missing[0]]!r}. Drop these rows."
        )
    is_text = np.array([isinstance(label, str) for label in labels], bool)
    if is_text.all():
        return y
    if is_text.any():
        text, other = labels[is_text.argmax()], labels[is_text.argmin()]
        raise ValueError(
            f"{name} holds text, such as {text!r} in row {is_text.argmax()}, and other "
            f"labels, such as {other!r} in row {is_text.argmin()}. Turn all to text."
        )
    return np.asarray(labels.tolist())


def check_groups(groups, n_samples):
    """Return the number of each sample's group among the sorted groups, or None."""
    if groups is None:
        return None
    try:
        shape = np.shape(groups)
    except ValueError:
        shape = "of rows of unequal lengths"
    if shape not in ((n_samples,), (n_samples, 1)):
        raise ValueError(
            f"groups has shape {shape}, but there are {n_samples} samples; expected "
            "the micrograph of each. Behind a sampler that adds or removes rows, such "
            "as SMOTE, no groups fit."
        )
    if len(shape) == 2:
        groups = np.asarray(groups)[:, 0]
    values = np.asarray(check_labels(groups, "groups"))
    try:
        # Sorted, so that what groups draw does not depend on the order of the rows.
        codes, _ = pd.factorize(values, sort=True)
    except TypeError as error:
        raise TypeError(
            f"groups holds {type(values[0]).__name__}; expected names or numbers of "
            "micrographs."
        ) from error
    missing = np.flatnonzero(codes < 0)
    if len(missing):
        raise ValueError(
            f"groups has no value in {len(missing)} of {n_samples} rows, first in row "
            f"{missing[0]}. Drop these rows, or name what they are."
        )
    return codes


def check_power(epoch_sampler, groups):
    """Refuse a sampler that shares out among groups what is shown, without these."""
    power = getattr(epoch_sampler, "power", 1)
    # To scikit-learn, a bool is a number: True would change nothing, without a word.
    if isinstance(power, bool):
        raise TypeError(f"power={power}; expected a number between 0 and 1.")
    if power != 1 and groups is None:
        raise ValueError(
            f"{epoch_sampler!r} gives micrographs their shares in what an epoch shows, "
            "and needs to know them. Pass fit the micrograph of each sample: groups="
            "particles['micrograph'], and classify__groups= where the classifier is "
            "the step 'classify' of a pipeline."
        )


def check_classes(classes):
    """Return the classes of the first call of partial_fit, or say what is wrong."""
    if classes is None:
        return None
    if np.asarray(classes).ndim != 1 or len(classes) < 2:
        raise ValueError(f"classes={classes!r}; expected a list of two labels or more.")
    return check_labels(classes, "classes")


def _check_weights(sample_weight, X):
    """Return the weights of the samples, not all of them 0."""
    _refuse_masked(sample_weight, "sample_weight")
    kind = "f" if sample_weight is None else np.asarray(sample_weight).dtype.kind
    if kind not in "biufc":
        try:
            sample_weight = np.asarray(sample_weight, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"sample_weight holds what is no number: {error}. Expected a number "
                "for each sample."
            ) from error
    # Of X only the number of rows counts, which need not be an array.
    weights = _check_sample_weight(
        sample_weight, np.empty(len(X)), dtype=np.float64, ensure_non_negative=True
    )
    if not weights.any():
        raise ValueError("sample_weight is 0 for all samples: none is left to fit.")
    return weights


def _refuse_masked(values, name):
    """Refuse an array with masked values, which others would take for values."""
    if np.ma.is_masked(values):
        raise ValueError(
            f"{name} is a masked array, of which {np.ma.count_masked(values)} values "
            "are masked. Drop their rows, or fill them in by its method filled."
        )


def as_rows(X):
    """Return what scikit-learn can check, or say why X holds no rows of numbers."""
    _refuse_images(X)
    _refuse_masked(X, "X")
    if isinstance(X, torch.Tensor):
        X = X.detach().cpu()
        X = (X.float() if X.dtype == torch.bfloat16 else X).numpy()
    # Otherwise big-endian float64 were no float64 to scikit-learn.
    if isinstance(X, np.ndarray) and not X.dtype.isnative:
        X = X.astype(X.dtype.newbyteorder("="))
    dtypes = np.atleast_1d(getattr(X, "dtypes", getattr(X, "dtype", None)))
    for dtype in dtypes:
        if isinstance(dtype, pd.SparseDtype):
            raise TypeError("X has sparse columns. Pass X.sparse.to_dense().")
        if getattr(dtype, "kind", "f") in "mMV":
            raise TypeError(f"X holds values of type {dtype}; expected numbers.")
    return X


def _refuse_images(X):
    """Raise an error that helps those who pass images instead of rows of pixels."""
    # By the name of the dtype, since the networks know nothing of particle tables.
    dtypes = np.atleast_1d(getattr(X, "dtypes", getattr(X, "dtype", None)))
    if any(getattr(dtype, "name", None) == "image" for dtype in dtypes):
        raise TypeError(f"X holds images, as a particle table does. {_RESIZE_HINT}")
    if getattr(X, "ndim", 2) > 2:
        raise TypeError(f"X has {X.ndim} axes. {_RESIZE_HINT}")
    if isinstance(X, list | tuple) and len(X) and np.ndim(X[0]) >= 2:
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
