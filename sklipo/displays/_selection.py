"""Which particles a gallery shows, and in which order."""

import numpy as np
from sklearn.utils import check_random_state

from ._inputs import HOW_TO_GET


def of_each_class(y, classes, n_particles, random_state):
    """Draw rows of each class, in the order of the classes."""
    generator = check_random_state(random_state)
    members = [np.flatnonzero(y == label) for label in classes]
    drawn = [generator.permutation(rows)[:n_particles] for rows in members]
    return np.concatenate(drawn)


def rank(select, is_wrong, confidence):
    """Return the rows that are selected, first things first, and what they are."""
    n_particles = len(is_wrong)
    if select == "uncertain":
        if confidence is None:
            raise ValueError(
                "select='uncertain' needs probabilities (y_proba), but there are none: "
                f"{HOW_TO_GET}."
            )
        title = f"The least confident of {n_particles} particles"
        return np.argsort(confidence, kind="stable"), title
    rows = np.flatnonzero(is_wrong)
    if not len(rows):
        return rows, f"None of {n_particles} particles is mistaken"
    title = f"{len(rows)} of {n_particles} particles mistaken"
    if confidence is None:
        return rows, title
    order = np.argsort(-confidence[rows], kind="stable")
    return rows[order], f"{title}, the most confident first"


def probability_of(y_proba, y_pred, classes):
    """Return the probability of the predicted class of each sample."""
    column_of = {label: column for column, label in enumerate(classes.tolist())}
    columns = [column_of[label] for label in y_pred.tolist()]
    return y_proba[np.arange(len(y_pred)), columns]


def check_same_rows(result, particles):
    """Refuse other particles than those that were cross-validated."""
    if len(particles) != len(result.y_true):
        raise ValueError(
            f"There are {len(particles)} particles, but the result is about "
            f"{len(result.y_true)}; pass those that were cross-validated."
        )
    if result.index is not None and not particles.index.equals(result.index):
        raise ValueError(
            "The index of the particles differs from that of the particles that were "
            "cross-validated; pass these, in the same order."
        )
