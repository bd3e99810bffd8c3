"""Which particles a gallery shows, and in which order."""

from typing import NamedTuple

import numpy as np

from .._random import own_random_state
from ..particles._labels import check_labels, find_classes
from ._probabilities import HOW_TO_GET, check_columns, probability_of


class Predictions(NamedTuple):
    """Checked classes of particles; what is unknown is None.

    Columns of ``y_proba`` are in the order of the classes.
    """

    y_true: np.ndarray | None
    y_pred: np.ndarray
    classes: np.ndarray
    y_proba: np.ndarray | None
    confidence: np.ndarray | None


def check_predictions(n_particles, y_true, y_pred, y_proba, classes):
    """Return the predictions for so many particles, checked."""
    labels = (
        {"y_pred": y_pred} if y_true is None else {"y_true": y_true, "y_pred": y_pred}
    )
    labels = {
        name: check_labels(y, n_particles, name=name) for name, y in labels.items()
    }
    y_true, y_pred = labels.get("y_true"), labels["y_pred"]
    if y_proba is None:
        classes = find_classes(*labels.values(), classes=classes)
        return Predictions(y_true, y_pred, classes, None, None)
    y_proba, classes = check_columns(y_proba, *labels.values(), classes=classes)
    confidence = probability_of(y_proba, y_pred, classes)
    return Predictions(y_true, y_pred, classes, y_proba, confidence)


def draw_each_class(y, classes, n_particles, random_state):
    """Draw rows of each class at random, in the order of the classes."""
    order = own_random_state(random_state).permutation(len(y))
    return _first_of_each_class(order, y, classes, n_particles)


def select_rows(select, known, n_particles, random_state):
    """Return rows in the order in which a gallery shows them, its layout and title.

    Without true classes, each predicted class has a row in the gallery.
    """
    if select is None:
        without_truth = "class" if known.y_proba is None else "confident"
        select = without_truth if known.y_true is None else "mistakes"
    y = known.y_pred if known.y_true is None else known.y_true
    if select == "class":
        rows = draw_each_class(y, known.classes, n_particles or 6, random_state)
        return rows, "class", ""
    if select == "mistakes":
        order, title = _rank_mistakes(known)
    else:
        order, title = _rank_by_confidence(select, known)
    if known.y_true is not None:
        return order[: n_particles or 18], None, title
    rows = _first_of_each_class(order, y, known.classes, n_particles or 6)
    return rows, "class", title


def _first_of_each_class(order, y, classes, n_particles):
    """Return the first rows of each class in an order of all rows."""
    members = [order[y[order] == label][:n_particles] for label in classes]
    return np.concatenate(members)


def _rank_mistakes(known):
    """Return the mistaken rows, the most confident first, and a title for them."""
    if known.y_true is None:
        raise ValueError(
            "select='mistakes' needs the true classes (y_true), but they are None. "
            "Select 'confident', 'uncertain' or 'class' without them."
        )
    n_particles = len(known.y_pred)
    rows = np.flatnonzero(known.y_true != known.y_pred)
    if not len(rows):
        return rows, f"None of {n_particles} particles is mistaken"
    title = f"{len(rows)} of {n_particles} particles mistaken"
    if known.confidence is None:
        return rows, title
    order = np.argsort(-known.confidence[rows], kind="stable")
    return rows[order], f"{title}, the most confident first"


def _rank_by_confidence(select, known):
    """Return all rows, the least or the most confident first, and a title for them."""
    if known.confidence is None:
        raise ValueError(
            f"select={select!r} needs probabilities (y_proba), but there are none: "
            f"{HOW_TO_GET}."
        )
    sign, word = (1, "least") if select == "uncertain" else (-1, "most")
    # Those undecided have the confidence 0: their likeliest class tells more.
    order = np.lexsort((sign * known.y_proba.max(axis=1), sign * known.confidence))
    return order, f"The {word} confident of {len(order)} particles"


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
