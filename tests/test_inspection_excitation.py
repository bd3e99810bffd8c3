"""The particles that excite a unit most, found by hand and drawn."""

import numpy as np
import pytest
from lipnet_cases import SMALL, draw_disks_and_rings
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose, assert_array_equal

from sklipo import LipNetClassifier
from sklipo.inspection import (
    ExcitationDisplay,
    feature_maps,
    most_exciting_particles,
    reconstruct,
)

X, Y = draw_disks_and_rings(150)


@pytest.fixture(scope="module")
def model():
    return LipNetClassifier("lipnet-2", **SMALL).fit(X, Y)


def test_filter(model):
    rows, activations = most_exciting_particles(model, X, "conv2", 3, n_particles=20)
    greatest = feature_maps(model, X, "conv2")[:, 3].max(axis=(1, 2))
    assert_array_equal(rows, np.argsort(-greatest, kind="stable")[:20])
    assert_array_equal(activations, greatest[rows])


def test_hidden_unit(model):
    hidden = model.transform(X)
    unit = int(hidden.max(axis=0).argmax())
    rows, activations = most_exciting_particles(model, X, "hidden", unit)
    assert_array_equal(rows, np.argsort(-hidden[:, unit], kind="stable")[:5])
    assert_array_equal(activations, hidden[rows, unit])


def test_output_gives_the_logit_of_a_class(model):
    disk_rows, disk = most_exciting_particles(
        model, X, "output", "disk", n_particles=150
    )
    ring_rows, ring = most_exciting_particles(
        model, X, "output", "ring", n_particles=150
    )
    logits = np.empty((150, 2))
    logits[disk_rows, 0], logits[ring_rows, 1] = disk, ring
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    # The logits are in float32, which rounds to 6e-8.
    assert_allclose(probabilities, model.predict_proba(X), rtol=1e-5)


def test_few_particles_and_ties(model):
    rows, activations = most_exciting_particles(model, X[[4, 4, 4]], "relu1", 0)
    assert_array_equal(rows, [0, 1, 2])
    assert len(np.unique(activations)) == 1


def test_errors(model):
    with pytest.raises(ValueError, match="The 'n_particles' parameter of"):
        most_exciting_particles(model, X, "conv1", 0, n_particles=0)
    with pytest.raises(ValueError, match="the network has conv1, relu1"):
        most_exciting_particles(model, X, "conv9", 0)
    with pytest.raises(ValueError, match="unit=7; layer 'conv1' has 4 units"):
        most_exciting_particles(model, X, "conv1", 7)
    with pytest.raises(ValueError, match=r"the classes are \['disk', 'ring'\]"):
        most_exciting_particles(model, X, "output", "square")


def test_display(model):
    display = ExcitationDisplay.from_estimator(
        model, X, layer="relu2", units=[1, 3], n_particles=4
    )
    assert display.axes_.shape == (4, 4) and display.method == "deconvolution"
    for i, unit in enumerate((1, 3)):
        rows, activations = most_exciting_particles(
            model, X, "relu2", unit, n_particles=4
        )
        assert_array_equal(display.rows[i], rows)
        assert_array_equal(display.activations[i], activations)
        patterns = reconstruct(model, X[rows], "relu2", unit)
        limit = np.abs(patterns).max()
        for j, row in enumerate(rows):
            above, below = display.axes_[2 * i : 2 * i + 2, j]
            assert_array_equal(above.images[0].get_array(), X[row].reshape(12, 12))
            assert_array_equal(below.images[0].get_array(), patterns[j])
            assert below.images[0].get_clim() == (-limit, limit)
    assert len({ax.images[0].get_clim() for ax in display.axes_[::2].flat}) == 1


def test_display_of_one_class_on_axes_given(model):
    figure, axes = plt.subplots(2, 3)
    display = ExcitationDisplay.from_estimator(
        model, X, layer="output", units="ring", n_particles=3, ax=axes
    )
    assert display.figure_ is figure
    assert display.axes_[0, 0].get_ylabel() == "output\nring"
    assert display.axes_[0, 0].get_title().startswith("logit ")
    with pytest.raises(ValueError, match=r"a grid of axes of shape \(2, 3\).* \(3,\)"):
        display.plot(ax=axes[0])


def test_strips_are_drawn_high_enough_to_see():
    strips = X[:, :31]
    model = LipNetClassifier("lipnet-1", image_shape="row", **SMALL).fit(strips, Y)
    display = ExcitationDisplay.from_estimator(model, strips, layer="conv1", units=0)
    display.figure_.draw_without_rendering()
    heights = [ax.get_window_extent().height for ax in display.axes_.flat]
    assert min(heights) > 50


def test_display_names_guided_backpropagation():
    model = LipNetClassifier("lipnet-4c", **SMALL).fit(X, Y)
    display = ExcitationDisplay.from_estimator(model, X[:9], layer="relu6", units=0)
    assert display.method == "guided_backpropagation"
    assert "guided" in display.axes_[1, 0].get_ylabel()
