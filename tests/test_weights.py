import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklipo import micrograph_weights

Y = ["full"] * 5 + ["empty"]
GROUPS = ["a"] * 4 + ["b"] * 2

POWERS = st.floats(0, 1)
# Up to three classes on up to five micrographs.
PARTICLES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 4)), min_size=1, max_size=60
).map(lambda pairs: np.array(pairs).T)


@pytest.mark.parametrize(
    ("power", "expected"),
    [
        (0, [5 / 2 / 4] * 4 + [5 / 2, 1]),
        (0.5, [5 / 3 * 2 / 4] * 4 + [5 / 3, 1]),
        (1, [1] * 6),
    ],
)
def test_closed_form(power, expected):
    weights = micrograph_weights(Y, GROUPS, power)
    np.testing.assert_allclose(weights, expected, rtol=1e-15)


def test_default_is_the_square_root():
    np.testing.assert_array_equal(
        micrograph_weights(Y, GROUPS), micrograph_weights(Y, GROUPS, power=0.5)
    )


@given(PARTICLES, POWERS)
def test_each_class_keeps_its_total(particles, power):
    y, groups = particles
    totals = np.bincount(y, micrograph_weights(y, groups, power))
    np.testing.assert_allclose(totals, np.bincount(y), rtol=1e-12)


@given(PARTICLES, POWERS)
def test_shares_are_the_powers_of_the_numbers(particles, power):
    y, groups = particles
    weights = micrograph_weights(y, groups, power)
    assert (weights > 0).all()
    table = pd.DataFrame({"y": y, "group": groups, "weight": weights})
    by_pair = table.groupby(["y", "group"])["weight"]
    assert (by_pair.nunique() == 1).all()
    ratios = by_pair.sum() / by_pair.size() ** power
    spread = ratios.groupby("y").agg(lambda ratio: ratio.max() / ratio.min())
    np.testing.assert_allclose(spread, 1, rtol=1e-12)


@given(PARTICLES)
def test_power_1_weighs_nothing(particles):
    assert (micrograph_weights(*particles, power=1) == 1).all()


@given(PARTICLES, POWERS, st.randoms(use_true_random=False))
def test_order_does_not_matter_to_the_bit(particles, power, random):
    order = np.array(random.sample(range(particles.shape[1]), particles.shape[1]))
    y, groups = particles
    np.testing.assert_array_equal(
        micrograph_weights(y[order], groups[order], power),
        micrograph_weights(y, groups, power)[order],
    )


@given(PARTICLES, POWERS)
def test_a_class_does_not_depend_on_the_others(particles, power):
    y, groups = particles
    of_first = y == y[0]
    np.testing.assert_allclose(
        micrograph_weights(y, groups, power)[of_first],
        micrograph_weights(y[of_first], groups[of_first], power),
        rtol=1e-12,
    )


@given(PARTICLES, POWERS)
def test_one_micrograph_weighs_nothing(particles, power):
    y, _ = particles
    weights = micrograph_weights(y, np.zeros(len(y)), power)
    np.testing.assert_allclose(weights, 1, rtol=1e-12)


@pytest.mark.parametrize(
    "convert",
    [
        tuple,
        np.array,
        pd.Series,
        pd.Index,
        lambda values: np.array(values, dtype=object),
        lambda values: np.array(values)[:, None],
        lambda values: pd.Series(values, dtype="category"),
        lambda values: pd.Series(values, dtype="string[pyarrow]"),
        lambda values: pd.DataFrame({"value": values}),
        lambda values: [values.index(value) for value in values],
        lambda values: np.array([values.index(value) for value in values], float),
        lambda values: [value == values[0] for value in values],
    ],
)
def test_every_kind_of_labels_and_groups(convert):
    weights = micrograph_weights(convert(Y), convert(GROUPS))
    assert isinstance(weights, np.ndarray)
    np.testing.assert_array_equal(weights, micrograph_weights(Y, GROUPS))


@pytest.mark.parametrize(
    ("y", "groups", "error", "message"),
    [
        (Y, GROUPS[1:], ValueError, "groups has 5 values for 6 particles"),
        (Y, None, ValueError, "groups, a NoneType, is no sequence"),
        (Y, "abbbbb", ValueError, "groups, a str, is no sequence"),
        (Y, np.ones((6, 2)), ValueError, r"groups, a ndarray, has shape \(6, 2\)"),
        (Y, [*GROUPS[1:], np.nan], ValueError, "groups is missing in row 5"),
        (Y, [*GROUPS[1:], 1], TypeError, "groups mixes text with numbers"),
        ([None, *Y[1:]], GROUPS, ValueError, "y is missing in row 0"),
        ([0.5] * 6, GROUPS, ValueError, "y holds 0.5 in row 0"),
        ([], [], ValueError, "y is empty"),
    ],
)
def test_bad_labels_and_groups(y, groups, error, message):
    with pytest.raises(error, match=message):
        micrograph_weights(y, groups)


@pytest.mark.parametrize("power", [-0.1, 1.1, np.nan, np.inf, "half", None, [0.5]])
def test_bad_power(power):
    with pytest.raises(ValueError, match=r"'power'.* must be a float in the range"):
        micrograph_weights(Y, GROUPS, power)


@pytest.mark.parametrize("power", [True, False])
def test_power_is_no_switch(power):
    with pytest.raises(TypeError, match=f"power={power}; expected a number"):
        micrograph_weights(Y, GROUPS, power)


def test_other_order_of_the_same_index_is_told():
    y, groups = pd.Series(Y), pd.Series(GROUPS)
    with pytest.warns(UserWarning, match="y and groups have the same index") as caught:
        micrograph_weights(y, groups[::-1])
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        micrograph_weights(y, groups)
