"""Which particles a gallery shows, and in which order."""

import numpy as np

from .._random import own_random_state
from ._probabilities import HOW_TO_GET


def draw_each_class(y, classes, n_particles, random_state):
    """Draw rows of each class at random, in the order of the classes."""
    generator = own_random_state(random_state)
    members = [np.flatnonzero(y == label) for label in classes]
    drawn = [generator.permutation(rows)[:n_particles] for rows in members]
    return np.concatenate(drawn)


def rank(select, is_wrong, confidence, y_proba):
    """Return the selected rows, the most telling first, and a title for them."""
    n_particles = len(is_wrong)
    if select == "uncertain":
        if confidence is None:
            raise ValueError(
                "select='uncertain' needs probabilities (y_proba), but there are none: "
                f"{HOW_TO_GET}."
            )
        title = f"The least confident of {n_particles} particles"
        # Those undecided have the confidence 0: their likeliest class tells more.
        return np.lexsort((y_proba.max(axis=1), confidence)), title
    rows = np.flatnonzero(is_wrong)
    if not len(rows):
        return rows, f"None of {n_particles} particles is mistaken"
    title = f"{len(rows)} of {n_particles} particles mistaken"
    if confidence is None:
        return rows, title
    order = np.argsort(-confidence[rows], kind="stable")
    return rows[order], f"{title}, the most confident first"


def most_suspicious(result, n_particles):
    """Return rows of the most suspicious labels, and what a gallery shows of them."""
    table = result.suspicious_labels()
    n_samples = len(result.y_true)
    title = f"{len(table)} of {n_samples} labels suspicious, the most doubtful first"
    if table.empty:
        title = f"None of {n_samples} labels is suspicious"
    table = table.head(int(n_particles))
    return table["row"].to_numpy(), {
        "y_true": table["y_true"].to_numpy(),
        "y_pred": table["suggested"].to_numpy(),
        "confidence": table["proba_suggested"].to_numpy(),
        "title": title,
    }


def check_same_rows(result, particles):
    """Raise an error if other particles were cross-validated than those given."""
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
