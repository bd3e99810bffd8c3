"""Pictures of filters show the weights, symmetric about zero."""

import sys

import numpy as np
import pytest
from lipnet_cases import SMALL, draw_disks_and_rings
from matplotlib import colormaps
from matplotlib import pyplot as plt
from numpy.testing import assert_array_equal

from sklipo import LipNetClassifier
from sklipo.inspection import FilterDisplay


@pytest.fixture(scope="module")
def model():
    return LipNetClassifier("lipnet-4", **SMALL).fit(*draw_disks_and_rings(30))


def weights_of(model, layer):
    return getattr(model.net_.module_.features, layer).weight.detach().numpy()


def cells_of(picture, n_rows, n_columns):
    """Return the 3x3 images of a mosaic, between lines of no value."""
    lines = np.ma.getmaskarray(np.ma.masked_invalid(picture))
    assert lines[::4].all() and lines[:, ::4].all()
    cells = np.asarray(picture)[1:, 1:].reshape(n_rows, 4, n_columns, 4)
    return cells[:, :3, :, :3].swapaxes(1, 2)


def test_first_layer(model):
    display = FilterDisplay.from_estimator(model)
    weights = weights_of(model, "conv1")
    assert_array_equal(display.weights, weights)
    cells = cells_of(display.im_.get_array().filled(np.nan), 1, 4)
    assert_array_equal(cells[0], weights[:, 0])
    low, high = display.im_.get_clim()
    assert -low == high == np.abs(weights).max()
    assert display.im_.get_cmap().name == "seismic"
    assert len(display.figure_.axes) == 2  # the filters and the color bar
    assert display.figure_.axes[1].get_ylabel() == "weight"


def test_later_layer_is_a_matrix_of_channels_and_filters(model):
    display = FilterDisplay.from_estimator(model, layer="conv3")
    cells = cells_of(display.im_.get_array().filled(np.nan), 4, 4)
    assert_array_equal(cells, weights_of(model, "conv3").swapaxes(0, 1))
    assert display.ax_.get_xlabel() == "filter"
    assert display.ax_.get_ylabel() == "channel read"


def test_chosen_channels(model):
    weights = weights_of(model, "conv3")
    one = FilterDisplay.from_estimator(model, layer="conv3", input_channels=2)
    assert_array_equal(one.weights, weights[:, [2]])
    assert one.ax_.get_title() == "4 filters of conv3, input channel 2"
    two = FilterDisplay.from_estimator(model, layer="conv3", input_channels=[3, 0])
    assert_array_equal(two.weights, weights[:, [3, 0]])
    assert [text.get_text() for text in two.ax_.get_yticklabels()] == ["3", "0"]


def test_number_of_a_filter_is_that_of_its_row_and_column():
    weights = np.arange(32.0)[:, np.newaxis, np.newaxis, np.newaxis]
    display = FilterDisplay(np.tile(weights, (1, 1, 3, 3))).plot()
    picture, ax = display.im_.get_array(), display.ax_
    rows = zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)
    columns = list(zip(ax.get_xticks(), ax.get_xticklabels(), strict=True))
    for y, row in rows:
        for x, column in columns:
            number = int(row.get_text()) + int(column.get_text())
            assert picture[round(y), round(x)] == number


def test_axes_given_and_no_color_bar(model):
    figure, ax = plt.subplots()
    display = FilterDisplay.from_estimator(model, ax=ax, colorbar=False)
    assert display.ax_ is ax and display.figure_ is figure
    assert figure.axes == [ax]
    with pytest.raises(TypeError, match="ax holds a str; expected matplotlib axes"):
        display.plot(ax="left")


def test_color_maps_by_name_and_as_objects():
    display = FilterDisplay(np.ones((2, 1, 3, 3)))
    for cmap in ("viridis", colormaps["viridis"]):
        assert display.plot(cmap=cmap).im_.get_cmap().name == "viridis"


def test_filters_of_nothing():
    display = FilterDisplay(np.zeros((2, 1, 3, 3))).plot()
    assert display.im_.get_clim() == (-1, 1)


def test_missing_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"sklipo\[plot\]"):
        FilterDisplay(np.zeros((2, 1, 3, 3))).plot()


def test_errors_name_what_exists(model):
    with pytest.raises(ValueError, match="has conv1, conv2, conv3, conv4"):
        FilterDisplay.from_estimator(model, layer="pool1")
    for channels in (4, -1, [0, 9], [], 0.5):
        with pytest.raises(ValueError, match=r"'conv2' reads 4 channels.* from 0 to 3"):
            FilterDisplay.from_estimator(model, layer="conv2", input_channels=channels)
