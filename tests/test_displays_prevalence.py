from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from display_cases import EIGHT_CLASSES, assert_readable, make_result
from matplotlib import pyplot
from matplotlib.colors import to_hex

from sklipo import estimate_prevalence
from sklipo.displays import PrevalenceDisplay

CLASSES = ["empty", "full", "uncertain"]


def make_table(names=("",), classes=CLASSES, *, seed=0):
    """Return shares of some samples, with intervals that are cut at 0 and at 1."""
    rng = np.random.default_rng(seed)
    rows = pd.MultiIndex.from_product([names, classes], names=["name", "class"])
    table = pd.DataFrame(index=rows).reset_index()
    table["counted"] = rng.random(len(table))
    table["share"] = rng.random(len(table))
    table["low"] = (table["share"] - 0.1).clip(lower=0)
    table["high"] = (table["share"] + 0.2).clip(upper=1)
    return table


def make_estimate(table, level=0.95):
    """Return what stands for an estimate: its level and its table."""
    frame = table.drop(columns="name").set_index("class")
    return SimpleNamespace(level=level, to_frame=lambda: frame)


def drawn(ax):
    """Return shares and counted shares of a panel, and the ends of its intervals."""
    # The entries of the legend are lines without points.
    lines = [line for line in ax.lines if len(line.get_xdata())]
    marks = {line.get_marker(): line.get_xdata() for line in lines}
    (bars,) = ax.collections
    ends = [segment[:, 0] for segment in bars.get_segments()]
    return marks["o"], marks["D"], np.array(ends)


def test_each_class_has_a_panel_with_the_numbers_of_the_table():
    names = ["b", "a"]
    table = make_table(names)
    display = PrevalenceDisplay(table).plot()
    assert [ax.get_title() for ax in display.axes_] == CLASSES
    for ax, label in zip(display.axes_, CLASSES, strict=True):
        rows = table[table["class"] == label].set_index("name").loc[names]
        shares, counted, ends = drawn(ax)
        np.testing.assert_array_equal(shares, rows["share"])
        np.testing.assert_array_equal(counted, rows["counted"])
        np.testing.assert_allclose(ends, rows[["low", "high"]], atol=1e-15)
        low, high = ax.get_xlim()
        assert low < rows.drop(columns="class").min().min()
        assert high > rows.drop(columns="class").max().max()
        top, bottom = sorted(ax.get_ylim(), reverse=True)
        assert (top, bottom) == ax.get_ylim()  # the first sample is on top
    samples = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert samples == names
    assert_readable(display)


def test_estimates_of_one_sample_or_of_several():
    table = make_table(["batch 1", 2])
    by_name = {
        name: make_estimate(rows) for name, rows in table.groupby("name", sort=False)
    }
    several = PrevalenceDisplay.from_estimates(by_name)
    pd.testing.assert_frame_equal(several.table, table, check_dtype=False)
    single = PrevalenceDisplay.from_estimates(by_name[2], colors=["k"] * 3)
    assert single.table["name"].tolist() == [""] * 3
    assert not single.ax_.get_yticklabels()
    np.testing.assert_array_equal(single.table["share"], table["share"][3:])


def test_what_estimate_prevalence_returns_can_be_drawn():
    y_pred = np.repeat(["empty", "full"], [20, 180])
    samples = np.arange(200) % 2
    counted = estimate_prevalence(None, y_pred, samples=samples, method="counted")
    several = PrevalenceDisplay.from_estimates(counted)
    assert several.table["name"].tolist() == [0, 0, 1, 1]
    single = counted[1].plot(ax=pyplot.subplots(1, 2, layout="constrained")[1])
    np.testing.assert_array_equal(single.table["share"], counted[1].share)
    assert_readable(several)


def test_legend_names_level_and_marks():
    estimate = make_estimate(make_table(), level=0.9)
    display = PrevalenceDisplay.from_estimates(estimate)
    (legend,) = display.figure_.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "share of the particles, with its 90 % interval",
        "share of the predictions, counted",
    ]


@pytest.mark.parametrize(
    ("share", "low", "high", "text"),
    [
        (0.974, 0.962, 0.981, "97.4 % (96.2 to 98.1)"),
        (0.0064, 0.0024, 0.0112, "0.64 % (0.24 to 1.12)"),
        (0.9936, 0.9836, 1.0, "99.36 % (98.36 to 100.00)"),
        (0.0, 0.0, 0.03, "0.0 % (0.0 to 3.0)"),
        (0.5, np.nan, np.nan, "50.0 %"),
        (np.nan, np.nan, np.nan, "unknown"),
    ],
)
def test_numbers_are_written_with_digits_that_tell(share, low, high, text):
    table = make_table(classes=["a"]).assign(share=share, low=low, high=high)
    display = PrevalenceDisplay(table).plot()
    assert [written.get_text() for written in display.ax_.texts] == [text]


@pytest.mark.parametrize("share", [0.0, 0.003, 0.5, 0.999, 1.0])
def test_no_tick_is_beyond_0_or_100_percent(share):
    for width in (0, 0.001, 0.02, 0.4):
        low, high = np.clip([share - width, share + width], 0, 1)
        table = make_table(classes=["a"]).assign(share=share, low=low, high=high)
        display = PrevalenceDisplay(table.assign(counted=share)).plot()
        left, right = display.ax_.get_xlim()
        assert left < low
        assert high < right
        ticks = display.ax_.get_xticks()
        ticks = ticks[(left <= ticks) & (ticks <= right)]
        assert len(ticks) > 1
        assert ticks.min() >= -1e-12
        assert ticks.max() <= 1 + 1e-12
        assert_readable(display)


@pytest.mark.parametrize("n_samples", [1, 2, 12])
def test_eight_classes_with_long_names_fit(n_samples):
    names = [f"sample {i} of the second batch" for i in range(n_samples)]
    assert_readable(PrevalenceDisplay(make_table(names, EIGHT_CLASSES)).plot())


def test_what_is_unknown_is_not_drawn():
    table = make_table(["a", "b"], [1, 2])
    table.loc[0, ["low", "high"]] = np.nan
    table.loc[2, "counted"] = np.nan
    one, two = PrevalenceDisplay(table.drop(3)).plot().axes_
    shares, counted, ends = drawn(one)
    assert np.isfinite(shares).all()
    assert np.isnan(counted).tolist() == [False, True]
    np.testing.assert_allclose(ends, table.loc[[2], ["low", "high"]])
    shares, counted, ends = drawn(two)
    assert np.isnan(shares).tolist() == np.isnan(counted).tolist() == [False, True]
    nothing = table.assign(counted=np.nan, share=np.nan, low=np.nan, high=np.nan)
    assert_readable(PrevalenceDisplay(nothing).plot())


def test_tables_of_any_dtype():
    table = make_table(["a", "b"], ["c", "d"])
    expected = [drawn(ax) for ax in PrevalenceDisplay(table).plot().axes_]
    nullable = table.convert_dtypes()
    nullable.loc[3, "counted"] = pd.NA
    categories = table.astype({"name": "category", "class": "category"})
    for other in (nullable, categories, table.convert_dtypes(dtype_backend="pyarrow")):
        found = [drawn(ax) for ax in PrevalenceDisplay(other).plot().axes_]
        np.testing.assert_array_equal(found[0][0], expected[0][0])
        np.testing.assert_array_equal(found[1][2], expected[1][2])


def test_axes_and_colors_of_the_caller():
    axes = pyplot.subplots(1, 4, layout="constrained")[1]
    colors = dict(zip(CLASSES, ["#ff0000", "#00ff00", "#0000ff"], strict=True))
    display = PrevalenceDisplay(make_table()).plot(ax=axes, colors=colors)
    assert list(display.axes_) == list(axes[:3])
    assert not axes[3].axison
    fills = [
        to_hex(next(line for line in ax.lines if line.get_marker() == "o").get_mfc())
        for ax in display.axes_
    ]
    assert fills == list(colors.values())
    with pytest.raises(ValueError, match=r"needs 3 axes.*empty, full, uncertain"):
        PrevalenceDisplay(make_table()).plot(ax=axes[0])
    with pytest.raises(ValueError, match="9 classes, but only 8 colors"):
        PrevalenceDisplay(make_table(classes=list(range(9)))).plot()


def test_wrong_tables_are_named():
    table = make_table(["a"])
    for wrong, message in (
        (table.drop(columns="low"), "no column 'low'"),
        (table.head(0), "The table is empty"),
        (pd.concat([table, table]), "class 'empty' twice for sample 'a'"),
        (table.assign(share=97.4), "'share' of the table goes from 97.4 to 97.4"),
        (table.assign(counted=-0.1), "'counted' of the table goes from -0.1"),
        (table.assign(high=np.inf), "'high' of the table goes from inf"),
        (table.assign(low=1.0, high=0.5), "whose 'low' is above their 'high'"),
        (table.assign(name=["a", None, "b"]), "'name' of the table has missing"),
        (table.assign(**{"class": np.nan}), "'class' of the table has missing"),
    ):
        with pytest.raises(ValueError, match=message):
            PrevalenceDisplay(wrong)
    with pytest.raises(TypeError, match="expected a DataFrame"):
        PrevalenceDisplay(table.to_dict())
    with pytest.raises(TypeError, match="Column 'share' of the table is of dtype"):
        PrevalenceDisplay(table.assign(share="97 %"))
    with pytest.raises(ValueError, match="The 'level' parameter of PrevalenceDisplay"):
        PrevalenceDisplay(table, level=95)


def test_wrong_estimates_are_named():
    table = make_table()
    with pytest.raises(ValueError, match="dict of estimates is empty"):
        PrevalenceDisplay.from_estimates({})
    for wrong in (None, table, table["share"], make_result(), [make_estimate(table)]):
        with pytest.raises(TypeError, match="expected what estimate_prevalence"):
            PrevalenceDisplay.from_estimates(wrong)
    with pytest.raises(TypeError, match=r"estimates\[0\] is a DataFrame"):
        PrevalenceDisplay.from_estimates({0: table})
    levels = {"a": make_estimate(table), "b": make_estimate(table, level=0.9)}
    with pytest.raises(ValueError, match=r"different levels: {'a': 0.95, 'b': 0.9}"):
        PrevalenceDisplay.from_estimates(levels)
