from base64 import b64decode

import numpy as np
import pytest
from page_cases import (
    check_shares,
    evaluate,
    needs_browser,
)

from sklipo import estimate_prevalence
from sklipo.evaluation import CrossValidationResult
from sklipo.export._page.contents import describe_errors


def simulate(seed, n_classes, n_new, n_groups):
    rng = np.random.default_rng(seed)
    classes = np.array(["a", "b", "c", "d"][:n_classes])
    matrix = np.full((n_classes, n_classes), 0.3 / n_classes) + 0.7 * np.eye(n_classes)

    def predict(codes):
        return np.array([rng.choice(n_classes, p=matrix[code]) for code in codes])

    y = rng.integers(0, n_classes, 400)
    groups = None if n_groups is None else np.arange(400) % 25
    result = CrossValidationResult(
        classes=classes,
        y_true=classes[y],
        y_pred=classes[predict(y)],
        folds=np.arange(400) % 4,
        groups=groups,
    )
    truth = rng.choice(n_classes, n_new, p=rng.dirichlet(np.ones(n_classes)))
    units = None if n_groups is None else np.arange(n_new) % n_groups
    return result, classes, truth, predict(truth), units


def estimate_in_browser(browser, result, predicted, known, units):
    errors = describe_errors(result)
    drawn = np.frombuffer(b64decode(errors["drawn"]), "<f4")
    shape = -1, len(errors["matrix"]), len(errors["names"])
    errors["drawn"] = drawn.reshape(shape).tolist()
    sample = {
        "predicted": predicted.tolist(),
        "known": known.tolist(),
        "units": None if units is None else units.tolist(),
    }
    expression = "module.estimateShares(...values)"
    return evaluate(browser, "worker/shares.js", expression, sample, errors)


@needs_browser
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("n_classes", "n_new", "n_groups"),
    [(2, 300, None), (3, 200, 12), (4, 500, 30), (3, 20, None), (2, 60, 1)],
)
def test_shares_of_any_sample_are_those_of_python(browser, n_classes, n_new, n_groups):
    result, classes, _, predicted, units = simulate(n_new, n_classes, n_new, n_groups)
    estimate = estimate_prevalence(result, classes[predicted], groups=units)
    unknown = np.full(n_new, -1)
    found = estimate_in_browser(browser, result, predicted, unknown, units)
    found = np.transpose([found[name] for name in ("share", "low", "high")])
    # Of few particles, the percentiles themselves have a deviation of 0.024.
    check_shares(found, estimate, 0.03 if n_new > 50 else 0.1)


@needs_browser
def test_known_particles_bound_the_shares(browser):
    result, _, truth, predicted, units = simulate(5, 3, 240, 12)
    rng = np.random.default_rng(0)
    part = np.bincount(truth, minlength=3) / len(truth)
    widths = []
    # Whoever corrects looks for errors first.
    order = np.argsort((predicted == truth) + rng.random(len(truth)) / 2)
    for n_known in (0, 30, 120, 240):
        known = np.full(len(truth), -1)
        known[order[:n_known]] = truth[order[:n_known]]
        found = estimate_in_browser(browser, result, predicted, known, units)
        seen = np.bincount(known[known >= 0], minlength=3) / len(truth)
        share, low, high = (np.array(found[key]) for key in ("share", "low", "high"))
        assert share.sum() == pytest.approx(1)
        assert (share >= seen - 1e-9).all()
        assert ((low <= share) & (share <= high)).all()
        widths.append((high - low).sum())
    np.testing.assert_allclose(share, part, atol=1e-12)
    assert widths[-1] < widths[0]
