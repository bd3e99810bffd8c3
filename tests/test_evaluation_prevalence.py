import pickle
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot, rc_context
from prevalence_cases import (
    CLASSES,
    SHARES,
    TABLE_9,
    TABLE_10,
    as_result,
    draw_particles,
    result_of_table,
)
from scipy.optimize import minimize
from scipy.stats import beta

from sklipo import compare_samples, draw_audit, estimate_prevalence
from sklipo.evaluation import CrossValidationResult, PrevalenceEstimate
from sklipo.evaluation._mixtures import (
    find_shares,
    fit_calibration,
    posterior,
)

# It sets larger fonts and figures, for all tests that follow.
with rc_context():
    from quapy.method.aggregative import ACC, EMQ

EVEN = np.array([0.3, 0.4, 0.3])


def particles(seed=0, shares=EVEN, n_groups=20, **params):
    return draw_particles(np.random.default_rng(seed), shares, n_groups, **params)


@pytest.fixture(scope="module")
def labeled():
    return as_result(*particles())


@pytest.fixture(scope="module")
def new():
    """Return classes, and parameters, of a new sample with other shares."""
    codes, y_pred, groups, y_proba = particles(1, SHARES[2])
    given = {"y_pred": CLASSES[y_pred], "groups": groups, "y_proba": y_proba}
    return CLASSES[codes], given


def quietly(*args, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return estimate_prevalence(*args, **params)


def same(one, other):
    """Tell whether two estimates have equal numbers."""
    return one.to_frame().equals(other.to_frame()) and one.caveats == other.caveats


# What the shares are ------------------------------------------------------------------


@pytest.mark.parametrize("table", [TABLE_9, TABLE_10])
def test_the_tables_of_the_thesis_give_the_shares_of_the_expert(table):
    y_new = np.repeat(CLASSES, table.sum(axis=0))
    estimate = estimate_prevalence(result_of_table(table), y_new)
    expert = table.sum(axis=1) / table.sum()
    np.testing.assert_allclose(estimate.share, expert, atol=1e-8)
    np.testing.assert_allclose(estimate.counted, table.sum(axis=0) / table.sum())
    assert ((estimate.low < expert) & (expert < estimate.high)).all()


def test_table_10_counts_four_full_particles_of_five_where_nearly_all_are():
    y_new = np.repeat(CLASSES, TABLE_10.sum(axis=0))
    table = estimate_prevalence(result_of_table(TABLE_10), y_new).to_frame()
    np.testing.assert_allclose(100 * table["counted"], [6.5, 78.9, 14.6], atol=0.05)
    np.testing.assert_allclose(100 * table["share"], [0.64, 97.4, 2.0], atol=0.05)


@pytest.mark.parametrize("n_empty", [0, 30, 100, 500, 900, 1000])
def test_two_classes_are_adjusted_as_rogan_and_gladen_do(n_empty):
    result = result_of_table(np.array([[400, 100], [40, 460]]), np.array(["a", "b"]))
    y_new = np.repeat(["a", "b"], [n_empty, 1000 - n_empty])
    expected = np.clip((n_empty / 1000 - 0.08) / (0.8 - 0.08), 0, 1)
    estimate = quietly(result, y_new)
    assert estimate.share[0] == pytest.approx(expected, abs=1e-6)


def test_shares_are_the_most_likely_ones_on_the_simplex():
    rng = np.random.default_rng(0)
    for _ in range(20):
        rows = rng.dirichlet(np.ones(5), size=4)
        counts = rng.integers(1, 100, 5)
        found = find_shares(rows.T, counts[None])[0]

        def loss(shares, rows=rows, counts=counts):
            return -(counts * np.log(np.maximum(shares @ rows, 1e-12))).sum()

        oracle = minimize(
            loss,
            np.full(4, 0.25),
            bounds=[(0, 1)] * 4,
            constraints={"type": "eq", "fun": lambda shares: shares.sum() - 1},
            tol=1e-12,
        )
        assert loss(found) <= loss(oracle.x) + 1e-6
        np.testing.assert_allclose(found, oracle.x, atol=2e-4)


def test_quapy_adjusts_alike(labeled, new):
    _, given = new
    estimate = quietly(labeled, given["y_pred"])
    counts = labeled.confusion_counts.sum(axis=0)
    oracle = ACC.solve_adjustment(
        (counts / counts.sum(axis=1, keepdims=True)).T,
        estimate.counted,
        method="inversion",
        solver="minimize",
    )
    np.testing.assert_allclose(estimate.share, oracle, atol=0.01)


def textbook_em(y_proba, prior, n_steps=50_000):
    """Return shares after Saerens, Latinne and Decaestecker, formula 2.9, in a loop."""
    shares = prior
    for _ in range(n_steps):
        products = y_proba * shares / prior
        before = shares
        shares = (products / products.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(shares - before).max() < 1e-15:
            break
    return shares, products / products.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(5))
def test_expectation_maximization_is_that_of_the_textbook(seed):
    rng = np.random.default_rng(seed)
    prior = rng.dirichlet(np.full(3, 5.0))
    *_, y_proba = particles(seed, SHARES[1], n_groups=5)
    expected, corrected = textbook_em(y_proba, prior)
    found = find_shares(y_proba / prior, np.ones((1, len(y_proba))))[0]
    np.testing.assert_allclose(found, expected, atol=1e-8)
    np.testing.assert_allclose(posterior(y_proba / prior, found), corrected, atol=1e-7)


def test_em_is_expectation_maximization_of_calibrated_probabilities(labeled, new):
    _, given = new
    estimate = quietly(labeled, method="em", **given)
    codes = np.searchsorted(CLASSES, labeled.y_true)
    calibration = fit_calibration(labeled.y_proba, codes)
    part, prior = calibration.random_part, np.bincount(codes) / len(codes)
    calibrated = np.maximum(given["y_proba"], np.finfo(np.float32).eps)
    calibrated = calibrated**calibration.sharpness * np.exp(calibration.offsets)
    calibrated /= calibrated.sum(axis=1, keepdims=True)
    calibrated = (1 - part) * calibrated + part * prior
    expected, corrected = textbook_em(calibrated, prior)
    np.testing.assert_allclose(estimate.share, expected, atol=1e-8)
    np.testing.assert_allclose(estimate.corrected_proba_, corrected, atol=1e-7)
    # QuaPy stops its steps early, and knows no calibration but that which it is given.
    oracle, _ = EMQ.EM(prior, calibrated, epsilon=1e-9)
    np.testing.assert_allclose(estimate.share, oracle, atol=1e-3)


def test_em_finds_the_shares_of_the_labeled_particles_themselves(labeled):
    given = {"y_proba": labeled.y_proba, "groups": labeled.groups}
    estimate = estimate_prevalence(labeled, labeled.y_pred, method="em", **given)
    expected = [(labeled.y_true == name).mean() for name in CLASSES]
    np.testing.assert_allclose(estimate.share, expected, atol=1e-5)


@pytest.mark.parametrize("power", [0.4, 1.5])
def test_em_does_not_depend_on_how_sure_a_model_is_of_itself(labeled, new, power):
    def distort(y_proba):
        weighted = y_proba**power * [1, 3, 9]
        return weighted / weighted.sum(axis=1, keepdims=True)

    _, given = new
    other = CrossValidationResult(
        **{**vars_of(labeled), "y_proba": distort(labeled.y_proba)}
    )
    one = quietly(labeled, method="em", **given)
    given = {**given, "y_proba": distort(given["y_proba"])}
    two = quietly(other, method="em", **given)
    np.testing.assert_allclose(one.share, two.share, atol=0.004)


def vars_of(result):
    names = ["classes", "y_true", "y_pred", "folds", "y_proba", "groups"]
    return {name: getattr(result, name) for name in names}


def test_corrected_classes_are_right_more_often(labeled, new):
    y_true, given = new
    estimate = quietly(labeled, method="em", **given)
    assert (estimate.corrected_pred_ == y_true).mean() > 0.97
    assert (given["y_pred"] == y_true).mean() < 0.95


def test_probabilities_of_a_balanced_model_are_corrected(labeled, new):
    y_true, given = new
    estimate = quietly(labeled, method="em", **given)
    truth = y_true[:, None] == CLASSES

    def brier(y_proba):
        return ((y_proba - truth) ** 2).sum(axis=1).mean()

    assert brier(estimate.corrected_proba_) < brier(given["y_proba"]) / 2


def test_counted_is_a_share_of_predictions_with_the_interval_of_a_proportion():
    y_pred = np.repeat(["a", "b"], [30, 270])
    estimate = estimate_prevalence(None, y_pred, method="counted", n_resamples=20_000)
    assert estimate.share.tolist() == estimate.counted.tolist() == [0.1, 0.9]
    # A particle of either class, by chance, is added: that of Jeffreys' prior.
    expected = beta(30.5, 270.5).ppf([0.025, 0.975])
    np.testing.assert_allclose(
        [estimate.low[0], estimate.high[0]], expected, atol=0.003
    )


def test_a_class_that_the_sample_has_none_of_may_yet_be_in_others():
    result = result_of_table(np.diag([50, 50, 50]))
    estimate = estimate_prevalence(result, np.repeat(CLASSES[1:], 150))
    assert estimate.share[0] == pytest.approx(0, abs=1e-6)
    assert estimate.low[0] < 1e-6
    # The rule of three: 3 / 300.
    assert 0.005 < estimate.high[0] < 0.02


def test_an_audit_is_the_poststratified_estimate(labeled, new):
    y_true, given = new
    audit = draw_audit(
        given["y_pred"], 200, groups=given["groups"], y_pred=given["y_pred"]
    )
    audit["label"] = y_true[audit["row"]]
    estimate = estimate_prevalence(
        labeled, given["y_pred"], groups=given["groups"], audited=audit
    )
    rows = pd.crosstab(audit["prediction"], audit["label"], normalize="index")
    rows = rows.reindex(columns=CLASSES, fill_value=0)
    predicted = pd.Series(given["y_pred"]).value_counts(normalize=True)
    np.testing.assert_allclose(estimate.share, predicted[rows.index] @ rows)
    assert (estimate.method, estimate.n_labeled) == ("audited", 200)


def test_weights_of_an_audit_count_if_other_predictions_drew_it(labeled, new):
    y_true, _ = new
    # Rare classes, which another model predicted, were drawn nine times as often.
    probability = np.where(y_true == "full", 0.1, 0.9)
    drawn = np.random.default_rng(0).random(len(y_true)) < probability
    rows = np.flatnonzero(drawn)
    audit = pd.DataFrame(
        {"row": rows, "label": y_true[rows], "probability": probability[rows]}
    )
    guess = np.full(len(y_true), "full")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        estimate = estimate_prevalence(labeled, guess, audited=audit)
    expected = np.bincount(
        np.searchsorted(CLASSES, audit["label"]), 1 / audit["probability"]
    )
    np.testing.assert_allclose(estimate.share, expected / expected.sum())


def test_an_audit_is_right_for_a_sample_that_the_model_fails_on(labeled, new):
    y_true, given = new
    wrong = np.where(given["y_pred"] == "full", "empty", "full")
    kept = np.random.default_rng(0).permutation(len(y_true))[:300]
    audited = pd.Series(y_true).where(np.isin(np.arange(len(y_true)), kept))
    estimate = estimate_prevalence(
        labeled, wrong, groups=given["groups"], audited=audited
    )
    truth = np.array([(y_true == name).mean() for name in CLASSES])
    assert ((estimate.low <= truth) & (truth <= estimate.high)).all()


def test_predictions_narrow_the_interval_of_an_audit(new):
    y_true, given = new
    widths = {"with predictions": [], "alone": []}
    for seed in range(20):
        for name in widths:
            y_pred = given["y_pred"] if name[0] == "w" else np.full(len(y_true), "full")
            audit = draw_audit(
                y_pred, 200, groups=given["groups"], y_pred=y_pred, random_state=seed
            )
            audit["label"] = y_true[audit["row"]]
            estimate = quietly(None, y_pred, groups=given["groups"], audited=audit)
            table = estimate.to_frame().reindex(CLASSES)
            widths[name].append((table["high"] - table["low"])["full"])
    assert np.mean(widths["with predictions"]) < 0.9 * np.mean(widths["alone"])


# The intervals ------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["counted", "adjusted", "em"])
def test_micrographs_that_differ_widen_the_interval(labeled, new, method):
    _, given = new
    grouped = quietly(labeled, method=method, **given)
    ungrouped = quietly(labeled, method=method, **{**given, "groups": None})
    assert grouped.design_effect > 1.5
    assert (grouped.high - grouped.low)[1] > (ungrouped.high - ungrouped.low)[1]


@pytest.mark.parametrize("method", ["adjusted", "em"])
def test_more_labels_leave_less_doubt_about_the_errors(new, method):
    _, given = new
    few, many = (
        quietly(as_result(*particles(2, EVEN, n_groups)), method=method, **given)
        for n_groups in (10, 100)
    )
    assert (few.labeled_part > many.labeled_part).all()
    assert (many.labeled_part > 0).all()
    assert (few.labeled_part <= 1).all()


@pytest.mark.parametrize("method", ["counted", "adjusted", "em"])
def test_shares_and_ends_are_in_order_and_in_range(labeled, method):
    for seed, shares in enumerate([SHARES[1], [0, 1, 0], [0.5, 0.5, 0], EVEN]):
        _, y_pred, groups, y_proba = particles(seed, shares, n_groups=8)
        params = {"groups": groups, "y_proba": y_proba, "method": method}
        estimate = quietly(labeled, CLASSES[y_pred], **params)
        ordered = [np.zeros(3), estimate.low, estimate.share, estimate.high, np.ones(3)]
        assert (np.diff(ordered, axis=0) >= 0).all()
        assert estimate.share.sum() == pytest.approx(1)
        assert estimate.draws.shape == (1000, 3)


def test_a_higher_level_widens_the_interval(labeled, new):
    _, given = new
    narrow, wide = (quietly(labeled, level=level, **given) for level in (0.8, 0.99))
    assert (narrow.low > wide.low).all() or (wide.low < 1e-9).any()
    assert (narrow.high < wide.high).all()


def test_equal_data_and_seed_give_equal_intervals(labeled, new):
    _, given = new
    one, two = quietly(labeled, **given), quietly(labeled, **given)
    assert same(one, two)
    assert not same(one, quietly(labeled, random_state=1, **given))


def test_containers_do_not_matter(labeled, new):
    _, given = new
    expected = quietly(labeled, **given)
    index = np.arange(len(given["y_pred"])) + 7
    for convert in (list, pd.Series, pd.Categorical, lambda x: pd.Series(x, index)):
        changed = {name: convert(given[name]) for name in ("y_pred", "groups")}
        assert same(quietly(labeled, **changed), expected)


def test_numbers_are_classes_too(labeled, new):
    _, given = new
    codes = {name: code for code, name in enumerate(CLASSES)}
    fields = vars_of(labeled)
    for name in ("classes", "y_true", "y_pred"):
        fields[name] = np.vectorize(codes.get)(fields[name])
    numbers = np.vectorize(codes.get)(given["y_pred"])
    expected = quietly(labeled, **given)
    result = CrossValidationResult(**fields)
    estimate = quietly(result, **{**given, "y_pred": numbers})
    np.testing.assert_allclose(estimate.share, expected.share)
    assert estimate.to_frame().index.tolist() == [0, 1, 2]


@pytest.mark.parametrize("method", ["counted", "adjusted", "em", "audited"])
def test_the_unsure_are_a_prediction_but_no_kind_of_particle(labeled, new, method):
    def hesitate(y_pred, y_proba):
        is_unsure = y_proba.max(axis=1) < 0.9
        return np.where(is_unsure, "unsure", y_pred), is_unsure.mean()

    y_true, given = new
    fields = vars_of(labeled)
    fields["y_pred"], _ = hesitate(labeled.y_pred, labeled.y_proba)
    fields["classes"] = np.array([*CLASSES, "unsure"])
    fields["y_proba"] = np.pad(labeled.y_proba, [(0, 0), (0, 1)])
    result = CrossValidationResult(unsure="unsure", **fields)
    y_pred, share = hesitate(given["y_pred"], given["y_proba"])
    params = {"method": method}
    if method == "audited":
        params = {"audited": pd.Series(y_true).where(np.arange(len(y_true)) % 4 == 0)}
    estimate = quietly(result, **params, **{**given, "y_pred": y_pred})
    assert estimate.classes.tolist() == CLASSES.tolist()
    assert estimate.counted.sum() == pytest.approx(1 - share)
    if method != "counted":
        assert estimate.share.sum() == pytest.approx(1)
        truth = [(y_true == name).mean() for name in CLASSES]
        np.testing.assert_allclose(estimate.share, truth, atol=0.02)


# Samples, differences, micrographs to come --------------------------------------------


@pytest.mark.parametrize("method", ["counted", "adjusted", "em", "audited"])
def test_each_sample_is_estimated_as_if_it_were_alone(labeled, new, method):
    y_true, given = new
    samples = np.where(given["groups"] % 2, "odd", "even")
    params = {"method": method}
    if method == "audited":
        params = {"audited": pd.Series(y_true).where(np.arange(len(y_true)) % 3 == 0)}
    estimates = quietly(labeled, samples=samples, **params, **given)
    assert list(estimates) == ["even", "odd"]
    for name, estimate in estimates.items():
        kept = samples == name
        if method == "audited":
            params["audited"] = pd.Series(y_true).where(np.arange(len(y_true)) % 3 == 0)
            params["audited"] = params["audited"][kept].reset_index(drop=True)
        part = {key: values[kept] for key, values in given.items()}
        assert same(estimate, quietly(labeled, **params, **part))


def test_samples_differ_by_their_shares_and_a_sample_not_from_itself(labeled):
    one, two = (
        quietly(labeled, CLASSES[y_pred], groups=groups)
        for _, y_pred, groups, _ in (particles(3, SHARES[2]), particles(4, EVEN))
    )
    table = compare_samples(one, two)
    np.testing.assert_allclose(table["difference"], one.share - two.share)
    assert (table["low"] <= table["difference"]).all()
    assert table.loc["full", "low"] > 0
    assert (compare_samples(one, one) == 0).all(axis=None)


def test_the_errors_of_the_model_are_the_same_in_both_samples(labeled):
    # They cancel out in a difference: its interval is narrower than of two models.
    _, y_pred, groups, _ = particles(3, EVEN, n_groups=100)
    _, other_pred, other_groups, _ = particles(4, EVEN, n_groups=100)
    one = quietly(labeled, CLASSES[y_pred], groups=groups)
    two = quietly(labeled, CLASSES[other_pred], groups=other_groups)
    other_model = as_result(*particles(9))
    three = quietly(other_model, CLASSES[other_pred], groups=other_groups)
    widths = [
        (table["high"] - table["low"]).to_numpy()
        for table in (compare_samples(one, two), compare_samples(one, three))
    ]
    assert (widths[0] < widths[1]).all()


def test_compared_estimates_must_agree(labeled, new):
    _, given = new
    one = quietly(labeled, **given)
    with pytest.raises(ValueError, match="differ in level"):
        compare_samples(one, quietly(labeled, level=0.9, **given))
    with pytest.raises(ValueError, match="resamples"):
        compare_samples(one, quietly(labeled, n_resamples=100, **given))
    with pytest.raises(ValueError, match="differ in classes"):
        compare_samples(one, quietly(None, ["a", "b"] * 20, method="counted"))
    with pytest.raises(TypeError):
        compare_samples(one, one.to_frame())


def test_as_many_micrographs_as_needed_give_the_wanted_interval(labeled):
    _, y_pred, groups, _ = particles(5, EVEN, n_groups=20)
    estimate = quietly(labeled, CLASSES[y_pred], groups=groups, method="counted")
    more = estimate.micrographs_needed(0.015)["more"]
    for name, n_more in more.items():
        n_groups = 20 + int(n_more)
        _, y_pred, groups, _ = particles(6, EVEN, n_groups=n_groups)
        longer = quietly(labeled, CLASSES[y_pred], groups=groups, method="counted")
        now = longer.micrographs_needed(0.015).loc[name, "half_width"]
        assert 0.01 < now < 0.02


def test_no_number_of_micrographs_makes_up_for_few_labels(new):
    _, given = new
    result = as_result(*particles(2, EVEN, n_groups=6))
    estimate = quietly(result, **given)
    table = estimate.micrographs_needed(0.001)
    assert table["more"].isna().all()
    assert (table["least_half_width"] > 0.001).all()
    assert (estimate.micrographs_needed(0.49)["more"] == 0).all()
    with pytest.raises(ValueError, match="pass groups"):
        quietly(result, given["y_pred"]).micrographs_needed(0.01)


# Doubts -------------------------------------------------------------------------------


def test_a_sample_like_the_labeled_particles_gives_no_warning(labeled):
    for seed in range(10, 15):
        _, y_pred, groups, _ = particles(seed, EVEN)
        assert not estimate_prevalence(labeled, CLASSES[y_pred], groups=groups).caveats


def test_predictions_that_no_mixture_gives_ask_for_an_audit():
    result = result_of_table(np.array([[60, 20, 20], [20, 60, 20], [20, 20, 60]]) * 5)
    with pytest.warns(UserWarning, match="not like the labeled particles"):
        estimate = estimate_prevalence(result, np.repeat(CLASSES, [10, 900, 90]))
    assert "Audit it" in repr(estimate)


def test_false_alarms_of_a_sample_that_is_not_alike_are_rare():
    n_alarms = 0
    for seed in range(60):
        # Without any empty particle: the fit is at the edge of what is possible.
        result = as_result(*particles([seed, 0], EVEN, n_groups=12))
        _, y_pred, groups, _ = particles([seed, 1], [0, 0.9, 0.1], n_groups=12)
        estimate = quietly(result, CLASSES[y_pred], groups=groups, n_resamples=200)
        n_alarms += any("not like" in text for text in estimate.caveats)
    assert n_alarms <= 4


def test_probabilities_that_mean_something_else_are_warned_of(labeled):
    _, y_pred, groups, y_proba = particles(3)
    other = y_proba * [1, 1, 50]
    other /= other.sum(axis=1, keepdims=True)
    with pytest.warns(UserWarning, match="contradict each other: method='adjusted'"):
        estimate_prevalence(
            labeled, CLASSES[y_pred], groups=groups, y_proba=other, method="em"
        )


def test_false_alarms_of_probabilities_are_rare():
    n_alarms = 0
    for seed in range(60):
        labeled = as_result(*particles(2 * seed, n_groups=12))
        shares = SHARES[2] if seed % 2 else EVEN
        _, y_pred, groups, y_proba = particles(2 * seed + 1, shares, n_groups=10)
        given = {"groups": groups, "y_proba": y_proba, "n_resamples": 100}
        estimate = quietly(labeled, CLASSES[y_pred], method="em", **given)
        n_alarms += any("contradict" in text for text in estimate.caveats)
    assert n_alarms <= 4


def test_classes_that_get_the_same_predictions_are_named():
    table = np.array([[50, 48, 2], [49, 49, 2], [2, 2, 96]])
    with pytest.warns(UserWarning, match="tell apart 'empty' and 'full'"):
        estimate = estimate_prevalence(
            result_of_table(table), np.repeat(CLASSES, [40, 40, 20])
        )
    assert (estimate.high - estimate.low)[0] > 0.5


def test_probabilities_that_tell_nothing_leave_the_shares_open(labeled, new):
    _, given = new
    fields = {**vars_of(labeled), "y_proba": np.full(labeled.y_proba.shape, 1 / 3)}
    given = {**given, "y_proba": np.full(given["y_proba"].shape, 1 / 3)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimate_prevalence(CrossValidationResult(**fields), method="em", **given)
    assert any("may be nearly anything" in str(found.message) for found in caught)


def test_a_class_that_was_never_seen_out_of_fold_has_no_share(labeled):
    fields = vars_of(labeled)
    fields["classes"] = np.array([*CLASSES, "virus"])
    fields["y_proba"] = np.hstack(
        [labeled.y_proba, np.zeros((len(fields["folds"]), 1))]
    )
    result = CrossValidationResult(**fields)
    for method in ("adjusted", "em"):
        with pytest.warns(UserWarning, match="No labeled particle is of class 'virus'"):
            estimate = estimate_prevalence(
                result,
                [*labeled.y_pred, "virus"],
                y_proba=np.vstack([fields["y_proba"], [0, 0, 0, 1]]),
                groups=[*labeled.groups, 0],
                method=method,
            )
        table = estimate.to_frame()
        assert table.loc["virus", ["share", "low", "high"]].isna().all()
        assert table.loc["virus", "counted"] > 0
        assert table["share"].sum() == pytest.approx(1)
        assert "virus: unknown" in repr(estimate)
    assert "virus" not in estimate.corrected_pred_


@pytest.mark.parametrize(("side", "n"), [("new", 4), ("labeled", 3), ("new", 1)])
def test_few_micrographs_are_warned_of(side, n):
    n_groups = {"new": 20, "labeled": 20, side: n}
    result = as_result(*particles(0, EVEN, n_groups["labeled"]))
    _, y_pred, groups, _ = particles(1, EVEN, n_groups["new"])
    expected = f"All {side}" if n == 1 else f"There are {n} {side} micrographs"
    with pytest.warns(UserWarning, match=expected):
        estimate = estimate_prevalence(result, CLASSES[y_pred], groups=groups)
    assert (estimate.high > estimate.low).all()


def test_groups_of_one_side_only_are_warned_of(labeled, new):
    _, given = new
    with pytest.warns(UserWarning, match="The new particles have no groups"):
        estimate_prevalence(labeled, given["y_pred"])


def test_a_class_in_few_labeled_micrographs_is_warned_of(labeled, new):
    rare = labeled.y_true == "empty"
    kept = ~rare | (labeled.groups < 3)
    fields = {
        name: values if name == "classes" else values[kept]
        for name, values in vars_of(labeled).items()
    }
    _, given = new
    with pytest.warns(UserWarning, match="'empty' in 3"):
        estimate_prevalence(CrossValidationResult(**fields), **given)


def test_a_predicted_class_that_nobody_audited_is_warned_of(labeled, new):
    y_true, given = new
    audited = pd.Series(y_true).where(given["y_pred"] != "empty")
    with pytest.warns(UserWarning, match="predicted as 'empty' was audited"):
        estimate = estimate_prevalence(labeled, given["y_pred"], audited=audited)
    assert estimate.share.sum() == pytest.approx(1)


# Bad input ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"y_pred": ["ful"] * 40}, "'ful' in row 0"),
        ({"y_pred": [0] * 40}, "numbers"),
        ({"y_pred": []}, "empty"),
        ({"y_pred": [None] * 40}, "missing in row 0"),
        ({"groups": [0, 1]}, "groups has 2 values"),
        ({"samples": [0, 1]}, "samples has 2 values"),
        ({"method": "em", "y_proba": None}, "predict_proba"),
        ({"y_proba": np.full((40, 3), 0.5)}, "sums up to 1.5"),
        ({"y_proba": np.full((39, 3), 1 / 3)}, "shape"),
        ({"y_proba": np.full((40, 3), np.nan)}, "nan"),
        ({"audited": ["full"] * 9 + [None] * 31}, "9 particles"),
        ({"audited": ["full"] * 39 + ["virus"]}, "'virus'"),
        ({"audited": ["full"] * 20}, "20 entries"),
        ({"method": "acc"}, "method"),
        ({"level": 95}, "level"),
        ({"n_resamples": 10}, "n_resamples"),
        ({"result": None}, "pass audited"),
        ({"result": "svm.pkl"}, "result"),
    ],
)
def test_bad_input_is_refused(labeled, change, match):
    given = {"result": labeled, "y_pred": ["full"] * 40, **change}
    with pytest.raises((ValueError, TypeError), match=match):
        estimate_prevalence(**given)


def test_labels_of_another_kind_than_the_classes_are_named(labeled, new):
    y_pred = new[1]["y_pred"]
    for result in (labeled, None):
        with pytest.raises(TypeError, match="but audited numbers"):
            estimate_prevalence(result, y_pred, audited=np.zeros(len(y_pred)))
    with pytest.raises(TypeError, match=r"the result holds text .* but y_pred numbers"):
        estimate_prevalence(labeled, np.zeros(len(y_pred)))


def test_an_audit_of_one_micrograph_is_refused(labeled, new):
    y_true, given = new
    audited = pd.Series(y_true).where(given["groups"] == 3)
    with pytest.raises(ValueError, match="of micrograph 3"):
        estimate_prevalence(
            labeled, given["y_pred"], groups=given["groups"], audited=audited
        )


def test_em_needs_probabilities_that_are_numbers(labeled, new):
    _, given = new
    fields = vars_of(labeled)
    with pytest.raises(ValueError, match="the result has none"):
        estimate_prevalence(
            CrossValidationResult(**{**fields, "y_proba": None}), method="em", **given
        )
    y_proba = fields["y_proba"].copy()
    y_proba[:5] = np.nan
    with pytest.raises(ValueError, match="of 5 particles"):
        estimate_prevalence(
            CrossValidationResult(**{**fields, "y_proba": y_proba}),
            method="em",
            **given,
        )


def test_an_error_names_the_sample(labeled, new):
    y_true, given = new
    samples = np.where(given["groups"] == 0, "small", "large")
    audited = pd.Series(y_true).where(given["groups"] != 0)
    with pytest.raises(ValueError) as caught:
        quietly(labeled, given["y_pred"], samples=samples, audited=audited)
    assert "In sample 'small'." in caught.value.__notes__


# How it shows itself ------------------------------------------------------------------


@pytest.mark.parametrize("method", ["counted", "adjusted", "em"])
def test_an_estimate_says_what_was_done(labeled, new, method):
    _, given = new
    estimate = quietly(labeled, method=method, **given)
    shown = repr(estimate)
    assert f"{estimate.n_particles} particles of 20 groups" in shown
    assert f"full: {100 * estimate.share[1]:.1f} %" in shown
    assert "95 % interval" in shown
    assert "<table" in estimate._repr_html_()
    table = estimate.to_frame()
    assert table.columns.tolist() == ["counted", "share", "low", "high"]
    assert table.index.tolist() == CLASSES.tolist()


def test_an_estimate_is_pickled_and_drawn(labeled, new):
    _, given = new
    estimate = quietly(labeled, **given)
    copy = pickle.loads(pickle.dumps(estimate))
    assert isinstance(copy, PrevalenceEstimate)
    assert same(copy, estimate)
    figure = estimate.plot().figure_
    pyplot.close(figure)


# What it takes ------------------------------------------------------------------------


def test_em_of_many_classes_takes_little_memory():
    rng = np.random.default_rng(0)
    names = np.array([f"class {i:02d}" for i in range(30)])

    def draw(n_particles):
        codes, groups = rng.integers(30, size=n_particles), np.arange(n_particles) % 20
        scores = 12 * np.eye(30)[codes] + 3 * rng.normal(size=(n_particles, 30))
        y_proba = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        return codes, y_proba.argmax(axis=1), groups, y_proba

    labeled = as_result(*draw(3000), names=names)
    _, y_pred, groups, y_proba = draw(3000)
    given = {"groups": groups, "y_proba": y_proba, "n_resamples": 100}
    tracemalloc.start()
    quietly(labeled, names[y_pred], method="em", **given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Every resample's probabilities at once would be 100 * 3000 * 30 * 8 bytes, and
    # several such arrays.
    assert peak < 250e6


def test_micrographs_of_one_particle_each_are_particles(labeled, new):
    y_pred = new[1]["y_pred"]
    one = quietly(labeled, y_pred, groups=np.arange(len(y_pred)), method="counted")
    two = quietly(labeled, y_pred, method="counted")
    np.testing.assert_allclose(one.low, two.low, atol=0.004)
    np.testing.assert_allclose(one.high, two.high, atol=0.004)
