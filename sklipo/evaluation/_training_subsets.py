"""Training parts of folds cut down to some of their micrographs."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

from ..particles._warnings import warn_caller

# More orders of micrographs are hardly ever drawn until each class comes early.
_MOST_DRAWS = 100


class NestedSubsets(NamedTuple):
    """The training part of a fold, its micrographs in an order.

    ``places`` are those of the micrograph of each row, from 0 on; ``n_classes`` is how
    many classes the first micrograph, the first two and so on have.
    """

    train: np.ndarray
    places: np.ndarray
    n_classes: np.ndarray

    def take(self, n_micrographs):
        """Return the rows of the first micrographs."""
        return self.train[self.places < n_micrographs]

    def count_classes(self, n_micrographs):
        """Return the number of classes of the first micrographs."""
        return self.n_classes[min(n_micrographs, len(self.n_classes)) - 1]

    @property
    def cover(self):
        """How many of the first micrographs have all classes."""
        return int(np.argmax(self.n_classes == self.n_classes[-1])) + 1


def draw_subsets(train, y, groups, n_least, random_state):
    """Return nested subsets of which that of the fewest micrographs has all classes.

    If none of many draws has all of them, that which has them earliest is taken.
    """
    _, micrographs = np.unique(groups[train], return_inverse=True)
    _, codes = np.unique(y[train], return_inverse=True)
    counts = np.zeros((micrographs.max() + 1, codes.max() + 1), int)
    np.add.at(counts, (micrographs, codes), 1)
    best, least = None, np.inf
    for _ in range(_MOST_DRAWS):
        order = random_state.permutation(len(counts))
        # The first micrograph that has each class.
        cover = (counts[order] > 0).argmax(axis=0).max() + 1
        if cover < least:
            best, least = order, cover
        if cover <= n_least:
            break
    n_classes = (counts[best].cumsum(axis=0) > 0).sum(axis=1)
    return NestedSubsets(train, np.argsort(best)[micrographs], n_classes)


def choose_sizes(n_micrographs, n_most):
    """Return increasing numbers of micrographs; by default each half of the next."""
    if n_most < 2:
        raise ValueError(
            "Each fold trains on a single micrograph; expected two or more, of which a "
            "part can be left out. Take more folds, or label more micrographs."
        )
    if n_micrographs is None:
        halves = n_most // 2 ** np.arange(int(np.log2(n_most)))
        return halves[::-1]
    numbers = list(n_micrographs) if getattr(n_micrographs, "ndim", 1) else []
    is_whole = [isinstance(n, Integral) and not isinstance(n, bool) for n in numbers]
    if not numbers or not all(is_whole):
        raise ValueError(
            f"n_micrographs is {n_micrographs!r}; expected a list of whole numbers of "
            f"micrographs from 1 to {n_most}, as [2, 4, 8]."
        )
    sizes = np.unique(numbers)
    wrong = sizes[(sizes < 1) | (sizes > n_most)]
    if len(wrong):
        raise ValueError(
            f"n_micrographs has {wrong[0]}; expected numbers from 1 to {n_most}, as "
            f"no fold trains on more than {n_most} micrographs. More folds train on "
            "more."
        )
    return sizes


def check_subsets(sizes, subsets):
    """Refuse sizes of which a subset has one class alone; warn if it lacks a class."""
    cover = max(of_fold.cover for of_fold in subsets)
    lacking = sizes[sizes < cover].tolist()
    for size in lacking:
        if min(of_fold.count_classes(size) for of_fold in subsets) < 2:
            raise ValueError(
                f"Of {size} micrographs, a fold has particles of one class alone to "
                f"train on. Begin with more: from {cover} on, all classes are there."
            )
    if lacking:
        warn_caller(
            f"For {lacking} micrographs, a fold lacks particles of a class to train on,"
            f" and never predicts it. From {cover} on, all classes are there."
        )
