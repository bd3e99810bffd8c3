"""How often intervals of shares hold, in simulated studies whose truth is known."""

import warnings

import numpy as np
import pytest
from prevalence_cases import (
    CLASSES,
    ERRORS,
    SHARES,
    as_result,
    draw_errors,
    draw_particles,
)

from sklipo import draw_audit, estimate_prevalence

# Particles of a micrograph: how unequal, and how much errors differ between them.
STRENGTHS = {"weak": (200, 100, 0.15), "strong": (30, 20, 0.35)}
SIZES = [(12, 10), (12, 30), (30, 10), (30, 30)]
METHODS = ["adjusted", "em", "audited"]


def study(method, table, n_groups, strength, seed, *, shifted=False, **params):
    """Return the estimate of a study, and the true shares of what it sampled.

    In a ``shifted`` one, the model takes every third new particle for an empty one.
    """
    generator = np.random.default_rng([seed, table])
    shares = SHARES[table]
    clumping, by_errors, by_measures = STRENGTHS[strength]
    while True:
        parts = [
            draw_errors(
                generator, shares, ERRORS[table], n, clumping=clumping, effect=by_errors
            )
            if method == "adjusted"
            else draw_particles(
                generator, shares, n, clumping=clumping, effect=by_measures
            )
            for n in n_groups
        ]
        # A study without any label of a class is another one.
        if len(np.unique(parts[0][0])) == len(shares):
            break
    result = as_result(*parts[0])
    codes, y_pred, groups, y_proba = parts[1]
    y_pred = CLASSES[y_pred]
    if shifted:
        y_pred[generator.random(len(y_pred)) < 1 / 3] = CLASSES[0]
    if method == "audited":
        audit = draw_audit(y_pred, 200, groups=groups, y_pred=y_pred, random_state=seed)
        audit["label"] = CLASSES[codes[audit["row"]]]
        params["audited"] = audit
    else:
        params["method"] = method
    with warnings.catch_warnings():
        # A rare class is in few micrographs, which each estimate says.
        warnings.simplefilter("ignore", UserWarning)
        estimate = estimate_prevalence(
            result, y_pred, groups=groups, y_proba=y_proba, random_state=seed, **params
        )
    return estimate, shares


def coverage(method, table, n_groups, strength, n_studies, **params):
    """Return how often each share is inside of its interval, and the mean ends."""
    inside, ends = [], []
    for seed in range(n_studies):
        estimate, shares = study(method, table, n_groups, strength, seed, **params)
        inside.append((estimate.low <= shares) & (shares <= estimate.high))
        ends.append([estimate.low, estimate.high])
    return np.mean(inside, axis=0), np.mean(ends, axis=0)


@pytest.mark.parametrize("method", METHODS)
def test_intervals_hold_in_most_of_a_few_studies(method):
    inside, _ = coverage(method, 2, (12, 10), "weak", 40, n_resamples=200)
    # Of 40 at 92 %, fewer than 33 are less probable than 5 in a thousand.
    assert (inside >= 33 / 40).all()


@pytest.mark.long
@pytest.mark.parametrize("n_groups", [(12, 10), (12, 30)])
@pytest.mark.parametrize("table", [1, 2])
def test_audits_hold_where_the_model_makes_other_errors(table, n_groups):
    inside, _ = coverage("audited", table, n_groups, "strong", 300, shifted=True)
    assert (inside >= 0.92 - 2 * np.sqrt(0.92 * 0.08 / 300)).all()
    # Not so what rests on the errors of the labeled particles.
    inside, _ = coverage("adjusted", table, n_groups, "strong", 20, shifted=True)
    assert inside.min() < 0.5


@pytest.mark.long
@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("n_groups", SIZES)
@pytest.mark.parametrize("table", SHARES)
@pytest.mark.parametrize("method", METHODS)
def test_intervals_hold_in_300_studies(method, table, n_groups, strength):
    inside, (low, _) = coverage(method, table, n_groups, strength, 300, n_resamples=400)
    shown = " ".join(f"{share:.1%}" for share in inside)
    print(f"\n{method} table {table} {n_groups} {strength}: {shown}")
    # Two standard errors of 300 studies: 0.92 is what intervals have to reach.
    assert (inside >= 0.92 - 2 * np.sqrt(0.92 * 0.08 / 300)).all()
    # Too often is allowed to what is cut off at 0.
    is_cut_off = low < 0.003
    assert (inside[~is_cut_off] <= 0.985 + 2 * np.sqrt(0.985 * 0.015 / 300)).all()
