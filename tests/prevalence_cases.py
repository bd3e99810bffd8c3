"""Simulated studies of shares, whose truth is known, for tests of several modules."""

import numpy as np

from sklipo.evaluation import CrossValidationResult

# Tables 9 and 10 of the thesis, in particles: rows are true, columns predicted classes.
TABLE_9 = np.array([[2325, 15, 124], [4, 323, 16], [2, 3, 11]])
TABLE_10 = np.array([[24, 1, 7], [272, 3929, 660], [30, 9, 61]])
ERRORS = {1: TABLE_9, 2: TABLE_10, 9: TABLE_9, 10: TABLE_10}
# Tables 1 and 2 have the shares of all particles.
SHARES = {
    1: np.array([12_368, 1_717, 84]) / 14_169,
    2: np.array([161, 24_255, 502]) / 24_918,
    9: TABLE_9.sum(axis=1) / TABLE_9.sum(),
    10: TABLE_10.sum(axis=1) / TABLE_10.sum(),
}
CLASSES = np.array(["empty", "full", "uncertain"])


def result_of_table(table, names=CLASSES):
    """Return a result with a confusion matrix of counts."""
    true, predicted = np.repeat(np.argwhere(table), table[table > 0], axis=0).T
    return CrossValidationResult(
        classes=names,
        y_true=names[true],
        y_pred=names[predicted],
        folds=np.arange(len(true)) % 5,
    )


def draw_particles(generator, shares, n_groups, *, size=80, clumping=30, effect=0.35):
    """Draw classes, predictions, micrographs and probabilities of particles.

    Shares differ between micrographs, the more the smaller ``clumping`` is (the sum of
    the parameters of a Dirichlet distribution; infinite for equal shares). Measures are
    normal about a mean of each class; ``effect`` is by how much a micrograph shifts
    them all, in standard deviations of a particle. The model knows the means alone, and
    is too sure of itself.
    """
    codes, groups = _draw_classes(generator, shares, n_groups, size, clumping)
    means = 2.6 * np.eye(len(shares))
    measures = means[codes] + generator.normal(size=(len(codes), len(shares)))
    measures += effect * generator.normal(size=(n_groups, len(shares)))[groups]
    scores = 1.7 * (measures @ means.T)
    y_proba = np.exp(scores - scores.max(axis=1, keepdims=True))
    y_proba /= y_proba.sum(axis=1, keepdims=True)
    return codes, y_proba.argmax(axis=1), groups, y_proba


def draw_errors(
    generator, shares, errors, n_groups, *, size=80, clumping=30, effect=20
):
    """Draw classes, predictions and micrographs by a confusion matrix.

    The rows of each micrograph vary about those of the matrix by a Dirichlet
    distribution with parameters of the sum ``effect``.
    """
    codes, groups = _draw_classes(generator, shares, n_groups, size, clumping)
    rows = np.asarray(errors) / np.sum(errors, axis=1, keepdims=True)
    y_pred = np.empty(len(codes), int)
    for group in range(n_groups):
        for code, row in enumerate(rows):
            own_row = generator.dirichlet(np.maximum(row * effect, 1e-3))
            members = np.flatnonzero((groups == group) & (codes == code))
            y_pred[members] = generator.choice(len(row), len(members), p=own_row)
    return codes, y_pred, groups, None


def as_result(codes, y_pred, groups, y_proba, names=CLASSES):
    """Return drawn particles as a result of cross-validation."""
    return CrossValidationResult(
        classes=names,
        y_true=names[codes],
        y_pred=names[y_pred],
        folds=np.unique(groups % 5, return_inverse=True)[1],
        groups=groups,
        y_proba=y_proba,
    )


def _draw_classes(generator, shares, n_groups, size, clumping):
    """Draw class and micrograph of particles; shares differ between micrographs."""
    shares = np.asarray(shares) / np.sum(shares)
    sizes = generator.lognormal(np.log(size) - 0.125, 0.5, n_groups)
    groups = np.repeat(np.arange(n_groups), np.maximum(sizes, 1).astype(int))
    if np.isinf(clumping):
        return generator.choice(len(shares), len(groups), p=shares), groups
    own = generator.dirichlet(np.maximum(shares * clumping, 1e-3), n_groups)
    limits = own.cumsum(axis=1)[groups]
    above = generator.random((len(groups), 1)) > limits[:, :-1]
    return above.sum(axis=1), groups
