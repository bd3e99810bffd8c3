"""What a report is about: its parts, checked against each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..particles import check_particles
from ..particles._labels import (
    check_labels,
    check_names,
    encode,
    warn_of_other_order,
)
from ..particles._probabilities import check_probabilities
from ._experts import expert_metrics

# What a report reads of an estimate. A Series has to_frame, too.
_OF_ESTIMATES = ("to_frame", "counted", "classes", "caveats", "n_particles")


@dataclass(frozen=True, eq=False, kw_only=True)
class Contents:
    """What a report is about.

    Parameters
    ----------
    estimates : dict of PrevalenceEstimate
        The estimates by sample; a single one of all particles has the name ''.
    particles : DataFrame
        The particle table.
    micrographs : ndarray of shape (n_particles,) or None
        Micrograph of each particle, if known.
    samples : ndarray of shape (n_particles,) or None
        Sample of each particle, if there are several.
    y_pred : ndarray of shape (n_particles,)
        Predicted class of each particle, or ``unsure``.
    classes : ndarray of shape (n_classes,)
        Kinds of particles.
    unsure : str, number or None
        The prediction that stands for "not decided", if there is one.
    confidence : ndarray of shape (n_particles,) or None
        Probability of the predicted class; of the unsure, of the likeliest class.
    result : CrossValidationResult or None
        How the model was judged.
    agreement : DataFrame or None
        How far experts agree on the classes of the result.
    """

    estimates: dict
    particles: pd.DataFrame
    micrographs: np.ndarray | None
    samples: np.ndarray | None
    y_pred: np.ndarray
    classes: np.ndarray
    unsure: object
    confidence: np.ndarray | None
    result: object
    agreement: pd.DataFrame | None

    @property
    def first(self):
        """The first estimate: all have its classes, method and level."""
        return next(iter(self.estimates.values()))

    @property
    def predictions(self):
        """All that can be predicted: the classes, and the unsure if there are any."""
        return [*self.classes.tolist(), *([] if self.unsure is None else [self.unsure])]


def check_path(path):
    """Return where a report can be written."""
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{str(path)!r}: expected a path ending in .html.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(path.parent)!r}.")
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder; expected a file.")
    return path


def check_contents(estimate, particles, y_pred, *, result, agreement, y_proba, samples):
    """Return the parts of a report, each of the same particles and classes."""
    estimates = _check_estimates(estimate, samples)
    warn_of_other_order(particles, y_pred, "particles", "y_pred")
    table = check_particles(particles)
    n_particles = len(table)
    y_pred = check_labels(y_pred, n_particles, name="y_pred")
    classes = next(iter(estimates.values())).classes
    unsure = _find_unsure(y_pred, classes, estimates, result)
    if samples is not None:
        samples = _check_samples(samples, particles, n_particles, estimates)
    _check_counts(estimates, y_pred, samples)
    if agreement is not None:
        _check_agreement(agreement, result)
    if y_proba is not None:
        y_proba = _check_proba(y_proba, n_particles, classes, unsure)
    return Contents(
        estimates=estimates,
        particles=table,
        micrographs=_find_micrographs(particles, n_particles),
        samples=samples,
        y_pred=y_pred,
        classes=classes,
        unsure=unsure,
        confidence=None if y_proba is None else _confidence(y_proba, y_pred, classes),
        result=result,
        agreement=agreement,
    )


def _check_estimates(estimate, samples):
    """Return the estimates by sample, all of the same classes and the same method."""
    is_dict = isinstance(estimate, Mapping)
    estimates = dict(estimate) if is_dict else {"": estimate}
    if not estimates:
        raise ValueError("The dict of estimates is empty; expected one or more.")
    for name, one in estimates.items():
        if not all(hasattr(one, part) for part in _OF_ESTIMATES):
            where = f"estimate[{name!r}]" if is_dict else "estimate"
            raise TypeError(
                f"{where} is a {type(one).__name__}; expected what "
                "estimate_prevalence returns, or a dict of several by sample."
            )
    if is_dict and samples is None:
        raise ValueError(
            f"There are estimates of {len(estimates)} samples, but samples is None; "
            "pass the column of particles, or the values, that they were made by."
        )
    (first_name, first), *others = estimates.items()
    for name, other in others:
        for part in ("classes", "method", "level"):
            one, two = getattr(first, part), getattr(other, part)
            if not np.array_equal(one, two):
                raise ValueError(
                    f"The estimates differ in {part}: {first_name!r} has {one}, "
                    f"{name!r} has {two}. Write a report for each."
                )
    return estimates


def _find_unsure(y_pred, classes, estimates, result):
    """Return the prediction that stands for "not decided", None without any."""
    known = classes.tolist()
    others = [label for label in np.unique(y_pred).tolist() if label not in known]
    unsure = None
    if result is not None:
        unsure = _check_result(result, classes)
    elif others and min(one.counted.sum() for one in estimates.values()) < 1 - 1e-9:
        # The counts leave particles over, for which an estimate has no name.
        unsure = others[0]
    unknown = [label for label in others if label != unsure]
    if unknown:
        raise ValueError(
            f"y_pred holds {unknown}, which the estimate does not know; its classes "
            f"are {classes.tolist()}. Pass the predictions that it was made of."
        )
    return unsure


def _check_result(result, classes):
    """Return what the result calls the unsure; its classes must be the estimate's."""
    if not hasattr(result, "confusion_counts"):
        raise TypeError(
            f"result is a {type(result).__name__}; expected what "
            "cross_validate_particles returns."
        )
    decided = result.kinds.tolist()
    if decided != classes.tolist():
        raise ValueError(
            f"The result has the classes {decided}, the estimate {classes.tolist()}; "
            "pass the result that the estimate was made with."
        )
    return result.unsure


def _check_agreement(agreement, result):
    """Raise an error unless experts gave classes of a result."""
    if result is None:
        raise ValueError(
            "There is agreement of experts, but result is None; pass the result of "
            "cross-validation whose scores it stands beside."
        )
    expert_metrics(agreement, result.kinds, None)


def _check_samples(samples, particles, n_particles, estimates):
    """Return the sample of each particle, from a column or from values."""
    if isinstance(samples, str):
        columns = getattr(particles, "columns", ())
        if samples not in columns:
            raise ValueError(
                f"The particles have no column {samples!r}, but {list(columns)}."
            )
        samples = particles[samples]
    warn_of_other_order(particles, samples, "particles", "samples")
    samples = check_names(samples, n_particles, name="samples")
    names = np.unique(samples).tolist()
    if "" not in estimates and set(names) != set(estimates):
        raise ValueError(
            f"The estimates are of the samples {list(estimates)}, but samples holds "
            f"{names}; expected the same."
        )
    return samples


def _check_counts(estimates, y_pred, samples):
    """Raise an error unless the estimates were made of these predictions."""
    for name, estimate in estimates.items():
        predicted = y_pred if name == "" else y_pred[samples == name]
        of_sample = "" if name == "" else f" of sample {name!r}"
        if len(predicted) != estimate.n_particles:
            raise ValueError(
                f"The estimate{of_sample} is of {estimate.n_particles} particles, but "
                f"there are {len(predicted)}. Pass those that it was made of."
            )
        for label, counted in zip(estimate.classes, estimate.counted, strict=True):
            found = np.mean(predicted == label)
            if not np.isclose(found, counted):
                raise ValueError(
                    f"The estimate{of_sample} was made of other predictions: "
                    f"{100 * found:.4g} % of y_pred is {label.item()!r}, where it "
                    f"counted {100 * counted:.4g} %. Pass those that it was made of, "
                    "not the corrected ones."
                )


def _check_proba(y_proba, n_particles, classes, unsure):
    """Return the probabilities of the classes, without a column of the unsure."""
    if unsure is not None and np.shape(y_proba)[1:] == (len(classes) + 1,):
        classes = np.append(classes, unsure)
    return check_probabilities(y_proba, n_particles, classes)


def _confidence(y_proba, y_pred, classes):
    """Return the probability of what was predicted, or of what is the likeliest."""
    codes = encode(y_pred, classes)
    of_predicted = y_proba[np.arange(len(y_pred)), codes]
    return np.where(codes < 0, y_proba.max(axis=1), of_predicted)


def _find_micrographs(particles, n_particles):
    """Return the column of micrographs, None without one."""
    if "micrograph" not in getattr(particles, "columns", ()):
        return None
    return check_names(particles["micrograph"], n_particles, name="micrograph")
