"""A new sample and the labeled particles, checked, as codes of classes."""

from typing import NamedTuple

import numpy as np

from ..displays._probabilities import HOW_TO_GET
from ..particles._labels import check_labels, check_same_kind, check_values, encode
from ..particles._probabilities import check_probabilities
from ._audited import FEWEST_LABELS, check_audit
from ._prevalence_methods import Labeled, Sample


class Audited(NamedTuple):
    """Labels of some particles, and the number of particles that each stands for."""

    rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray


class NewParticles(NamedTuple):
    """Predictions of particles without labels, but for those that were audited."""

    y_pred: np.ndarray
    groups: np.ndarray | None
    y_proba: np.ndarray | None
    audited: Audited | None

    def take(self, rows):
        """Return some of the particles, whose rows are given in order."""
        audited = self.audited
        if audited is not None:
            kept = np.isin(audited.rows, rows)
            audited = Audited(
                np.searchsorted(rows, audited.rows[kept]),
                audited.labels[kept],
                audited.weights[kept],
            )
        parts = (None if part is None else part[rows] for part in self[1:3])
        return NewParticles(self.y_pred[rows], *parts, audited)


def check_new(result, y_pred, *, groups, y_proba, audited):
    """Return new particles whose parts agree in length."""
    index = getattr(y_pred, "index", None)
    y_pred = check_labels(y_pred, name="y_pred")
    n_particles = len(y_pred)
    if groups is not None:
        groups = check_values(groups, n_particles, name="groups")
    if y_proba is not None:
        if result is None:
            raise ValueError(
                "y_proba has no use without a result; pass that of "
                "cross_validate_particles, or no probabilities."
            )
        # Models that may be unsure have probabilities of the kinds alone.
        shape = getattr(y_proba, "shape", ())
        is_of_all = shape[1:] == (len(result.classes),)
        names = result.classes if is_of_all else result.kinds
        y_proba = check_probabilities(y_proba, n_particles, names)
    if audited is not None:
        rows, labels, probabilities = check_audit(audited, n_particles, index)
        weights = np.ones(len(rows)) if probabilities is None else 1 / probabilities
        audited = Audited(rows, labels, weights)
    return NewParticles(y_pred, groups, y_proba, audited)


def name_classes(result, new):
    """Return the names of all kinds of particles, and of what else is predicted."""
    labels = None if new.audited is None else new.audited.labels
    if result is None:
        if labels is None:
            return np.unique(new.y_pred), []
        check_same_kind({"y_pred": new.y_pred, "audited": labels})
        return np.union1d(new.y_pred, labels), []
    check_same_kind({"the result": result.classes, "y_pred": new.y_pred})
    unknown = np.setdiff1d(new.y_pred, result.classes)
    if len(unknown):
        row = np.flatnonzero(new.y_pred == unknown[0])[0]
        raise ValueError(
            f"y_pred is {unknown[0].item()!r} in row {row}, which is no class of the "
            f"result: {result.classes.tolist()}. Pass the result and the predictions "
            "of the same model, of a SelectiveClassifier its decided_result_."
        )
    kinds = result.kinds
    if labels is not None:
        check_same_kind({"the result": kinds, "audited": labels})
        unknown = np.setdiff1d(labels, kinds)
        if len(unknown):
            raise ValueError(
                f"audited has the label {unknown[0].item()!r}, which is no class of "
                f"the result: {kinds.tolist()}. Correct the label, or name the class "
                "that it is."
            )
    return kinds, result.classes[len(kinds) :]


def encode_labeled(result, names, n_classes, n_kinds):
    """Return the labeled particles by codes of names, of which the first are kinds."""
    scores = result.y_proba
    if scores is not None:
        columns = encode(names[:n_classes], result.classes)
        scores = scores[:, columns]
    return Labeled(
        encode(result.y_true, names),
        encode(result.y_pred, names),
        _encode_groups(result.groups),
        n_classes,
        n_kinds,
        len(names),
        scores,
    )


def encode_sample(result, new, names, n_classes):
    """Return the new particles by codes of names, of which the first are kinds."""
    scores = new.y_proba
    if scores is not None:
        scores = scores[:, encode(names[:n_classes], result.classes)]
    return Sample(encode(new.y_pred, names), _encode_groups(new.groups), scores)


def encode_audited(new, names, n_classes):
    """Return the audited particles by codes of names, of which the first are kinds."""
    rows, labels, _ = new.audited
    if len(rows) < FEWEST_LABELS:
        raise ValueError(
            f"audited has labels of {len(rows)} particles of this sample; expected "
            f"{FEWEST_LABELS} or more. Draw an audit of each sample."
        )
    units = _encode_groups(new.groups)
    if units is not None and units.any():
        units = units[rows]
        if len(np.unique(units)) == 1:
            raise ValueError(
                f"All {len(rows)} audited particles are of micrograph "
                f"{new.groups[rows].tolist()[0]!r}; expected a random part of all "
                "micrographs, as draw_audit draws it."
            )
    codes = (encode(values, names) for values in (labels, new.y_pred[rows]))
    return Labeled(*codes, units, n_classes, n_classes, len(names))


def _encode_groups(groups):
    """Return numbers of micrographs from 0 on."""
    return None if groups is None else np.unique(groups, return_inverse=True)[1]


def check_scores(result, y_proba):
    """Raise an error if probabilities are missing, or are no numbers."""
    if result.y_proba is None:
        raise ValueError(
            f"method='em' needs probabilities, but the result has none: {HOW_TO_GET}."
        )
    if y_proba is None:
        raise ValueError(
            "method='em' needs the probabilities of the new particles; pass "
            "y_proba=model.predict_proba(particles)."
        )
    n_missing = np.isnan(result.y_proba).any(axis=1).sum()
    if n_missing:
        raise ValueError(
            f"The result has no probabilities of {n_missing} particles (NaN): a "
            "training diverged. Mend it, or take method='adjusted'."
        )
