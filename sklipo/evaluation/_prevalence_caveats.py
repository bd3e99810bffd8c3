"""What makes an estimate of shares doubtful, in sentences."""

from itertools import combinations

import numpy as np

from ._mixtures import find_shares
from ._prevalence_methods import count_units

_FEW = 5
# A difference of the predictions of two classes below which errors grow tenfold.
_LEAST_GAP = 0.1
# Probability of such predictions, if the new particles are like the labeled ones.
_IMPROBABLE = 0.01
# An interval of this width leaves a share open.
_ANYTHING = 0.9
# Differences of shares that do not matter, whatever their chance.
_LEAST_SPREAD = 1e-3


def find_caveats(labeled, sample, names, predictions, share, level):
    """Return all that is doubtful about shares that rest on errors of the model.

    The share is that of each class that such errors give.
    """
    return [
        *caveats_of_groups(sample.units, labeled),
        *caveats_of_labeled(labeled, names, predictions, level),
        *_of_fit(predictions, share),
    ]


def caveats_of_labeled(labeled, names, predictions, level):
    """Return what is doubtful about any shares that rest on these labeled particles."""
    return [
        *_of_unseen_classes(labeled, names),
        *_of_rare_classes(labeled, names),
        *_of_errors(predictions, names, level),
    ]


def caveats_of_groups(units, labeled=None):
    """Return what there is to say of the numbers of micrographs."""
    sides = {"new": units}
    if labeled is not None:
        sides["labeled"] = labeled.units
    n_units = {side: count_units(codes) for side, codes in sides.items()}
    found = [text for pair in n_units.items() for text in caveats_of_number(*pair)]
    without = [side for side, n in n_units.items() if n is None]
    if len(without) < len(sides):
        found.extend(
            f"The {side} particles have no groups, though the others have. Particles "
            "of one micrograph resemble each other, so the interval is too narrow. "
            "Pass the micrographs of both."
            for side in without
        )
    return found


def caveats_of_number(side, n_units):
    """Return what there is to say of the number of micrographs of one side."""
    if n_units == 1:
        return [
            f"All {side} particles are of one micrograph. The interval can't contain "
            "how micrographs differ, and is too narrow."
        ]
    if n_units is not None and n_units < _FEW:
        return [
            f"There are {n_units} {side} micrographs. Intervals rest on how "
            "micrographs differ, and are themselves uncertain with fewer than "
            f"{_FEW}."
        ]
    return []


def caveats_of_audit(audited, sample, names):
    """Return what is doubtful about shares that rest on an audit."""
    unseen = np.setdiff1d(sample.predicted, audited.predicted)
    found = caveats_of_groups(sample.units)
    if len(unseen):
        n = np.isin(sample.predicted, unseen).sum()
        which = ", ".join(repr(names[code].item()) for code in unseen)
        found.append(
            f"None of the {n} particles that are predicted as {which} was audited; in "
            "the share they count as predicted. draw_audit with y_pred draws some of "
            "each class."
        )
    n_units = count_units(audited.units)
    if n_units is not None and n_units < _FEW:
        found.append(
            f"The audited particles are of {n_units} micrographs; expected {_FEW} or "
            "more. draw_audit with groups spreads them."
        )
    return found


def caveats_of_width(names, low, high):
    """Return of which classes the share may be nearly anything."""
    open_names = [repr(name) for name in names[high - low > _ANYTHING].tolist()]
    if not open_names:
        return []
    return [
        f"The share of {', '.join(open_names)} may be nearly anything: the model's "
        "predictions, or probabilities, hardly depend on the class. Train a better "
        "one, or audit the sample."
    ]


def caveats_of_probabilities(expected, adjusted):
    """Return whether shares by probabilities contradict those by predictions.

    Both were found in the same resamples, which tell how much chance lets them differ.
    """
    spread = expected.draws - adjusted.draws
    scale = np.maximum(spread.std(axis=0), _LEAST_SPREAD)
    away = np.abs(spread - spread.mean(axis=0)) / scale
    difference = np.abs(expected.share - adjusted.share) / scale
    if (away.max(axis=1) >= difference.max()).mean() >= _IMPROBABLE:
        return []
    return [
        "Probabilities and predictions contradict each other: method='adjusted' gives "
        "other shares than method='em', by more than chance would. The probabilities "
        "do not mean in the new sample what they meant out of fold. Take 'adjusted', "
        "or audit the sample."
    ]


def _of_unseen_classes(labeled, names):
    """Return which classes no labeled particle is of."""
    unseen = names[labeled.n_classes : labeled.n_kinds].tolist()
    if not unseen:
        return []
    return [
        f"No labeled particle is of class {', '.join(map(repr, unseen))}: its share "
        "is unknown, and the others are those of a sample without it. Label some."
    ]


def _of_rare_classes(labeled, names):
    """Return which classes only few labeled micrographs have."""
    if labeled.units is None or labeled.units.max() + 1 < _FEW:
        return []
    few = []
    for code, name in enumerate(names[: labeled.n_classes].tolist()):
        n_units = len(np.unique(labeled.units[labeled.true == code]))
        if n_units < _FEW:
            few.append(f"{name!r} in {n_units}")
    if not few:
        return []
    return [
        f"Few labeled micrographs have particles of a class: {', '.join(few)}. How "
        "well it is recognized elsewhere is hardly known."
    ]


def _of_errors(predictions, names, level):
    """Return which classes the model can't tell apart."""
    matrix, drawn = predictions.matrix, predictions.drawn_matrices
    alike = []
    for one, other in combinations(range(len(matrix)), 2):
        # Half the sum of the differences is the largest share that tells them apart.
        towards = np.sign(matrix[one] - matrix[other])
        gaps = (drawn[:, one] - drawn[:, other]) @ towards / 2
        if np.quantile(gaps, (1 - level) / 2) < _LEAST_GAP:
            alike.append(f"{names[one].item()!r} and {names[other].item()!r}")
    if not alike:
        return []
    return [
        f"The model can't surely tell apart {', '.join(alike)}: their particles get "
        "nearly the same predictions, as far as the labeled ones tell. Their shares "
        "are hardly known, only their sum is. Label more of them, or audit the sample."
    ]


def _of_fit(predictions, share):
    """Return whether no mixture of the classes would get such predictions."""
    if _misfit_probability(predictions, share) >= _IMPROBABLE:
        return []
    return [
        "The new sample is not like the labeled particles: no shares of the classes "
        "would give such predictions. Its particles look different, or there are "
        "others among them. Audit it: label those of draw_audit, and pass audited."
    ]


def _misfit_probability(predictions, share):
    """Return how probable a fit as bad as that of the predictions is.

    Samples are resampled about the fitted mixture, in which they fit.
    """
    matrix, counts, matrices, drawn = predictions
    observed = counts[None] / counts.sum()
    fitted = share[None] @ matrix
    misfit = _divergence(observed, fitted)[0]
    if misfit < 1e-9:
        return 1.0
    drawn = drawn / drawn.sum(axis=1, keepdims=True)
    drawn = np.maximum(drawn + fitted - observed, 0)
    shares = find_shares(matrices.transpose(0, 2, 1), drawn, tolerance=1e-6)
    refitted = np.matmul(shares[:, None], matrices)[:, 0]
    drawn /= drawn.sum(axis=1, keepdims=True)
    return float((_divergence(drawn, refitted) >= misfit).mean())


def _divergence(shares, expected):
    """Return the Kullback-Leibler divergence of shares from those expected."""
    ratios = np.where(shares > 0, shares / np.maximum(expected, 1e-12), 1)
    return (shares * np.log(ratios)).sum(axis=1)
