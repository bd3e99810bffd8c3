"""Occlusion maps against a plain loop over patches, and against planted evidence."""

import sys

import numpy as np
import pytest
from lipnet_cases import SMALL, draw_disks_and_rings
from matplotlib import pyplot as plt
from numpy.testing import assert_allclose, assert_array_equal

from sklipo import LipNetClassifier
from sklipo.inspection import OcclusionDisplay, occlusion_map

X, Y = draw_disks_and_rings(60)


@pytest.fixture(scope="module")
def model():
    return LipNetClassifier("lipnet-1", **{**SMALL, "max_epochs": 10}).fit(X, Y)


def occlude_directly(model, X, code, window, stride, fill_value):
    """Cover one patch after the other and average the drops at each pixel."""
    height, width = model.image_shape_
    total, counts = np.zeros((2, len(X), height, width))
    whole = model.predict_proba(X)
    n_steps = [
        -(-(side - length) // step)
        for side, length, step in zip((height, width), window, stride, strict=True)
    ]
    for i in range(n_steps[0] + 1):
        for j in range(n_steps[1] + 1):
            y, x = i * stride[0], j * stride[1]
            patch = np.s_[:, y : y + window[0], x : x + window[1]]
            images = X.copy().reshape(-1, height, width)
            images[patch] = fill_value
            covered = model.predict_proba(images.reshape(len(X), -1))
            drop = (whole - covered)[np.arange(len(X)), code]
            total[patch] += drop[:, np.newaxis, np.newaxis]
            counts[patch] += 1
    assert counts.all()
    return total / counts


@pytest.mark.parametrize(
    ("shape", "window", "stride", "fill_value"),
    [
        ((12, 12), (3, 3), (1, 1), 0.0),
        ((12, 12), (5, 4), (3, 2), 1.5),
        ((9, 16), (4, 7), (4, 7), -1),
        ((1, 144), (1, 9), (1, 4), 0.5),
        ((12, 12), (12, 12), (1, 1), 0.0),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_plain_loop(shape, window, stride, fill_value, dtype):
    X = draw_disks_and_rings(60)[0].astype(dtype)
    model = LipNetClassifier("lipnet-2", image_shape=shape, **SMALL).fit(X, Y)
    few = X[:19]  # more than are worked on at once
    for target in (None, "ring"):
        code = 1 if target else model.predict_proba(few).argmax(axis=1)
        drops = occlusion_map(
            model,
            few,
            target=target,
            window=window,
            stride=stride,
            fill_value=fill_value,
        )
        expected = occlude_directly(model, few, code, window, stride, fill_value)
        assert drops.shape == (19, *shape) and drops.dtype == np.float32
        # Differences of probabilities up to 1, which float32 rounds by 6e-8.
        assert_allclose(drops, expected, atol=1e-6)


def test_test_time_augmentation(model):
    averaging = LipNetClassifier("lipnet-1", test_time_augmentation=True, **SMALL)
    averaging.fit(X, Y)
    drops = occlusion_map(averaging, X[:2], target="disk", window=4, stride=4)
    expected = occlude_directly(averaging, X[:2], 0, (4, 4), (4, 4), 0)
    assert_allclose(drops, expected, atol=1e-6)


def test_default_window_is_a_fifth(model):
    assert_array_equal(
        occlusion_map(model, X[:2]), occlusion_map(model, X[:2], window=(2, 2))
    )


def test_evidence_is_found_where_it_was_planted():
    rng = np.random.default_rng(0)
    images = rng.normal(scale=0.1, size=(120, 12, 12)).astype(np.float32)
    y = np.arange(120) % 2
    images[y == 1, 2:5, 7:10] += 2
    X = images.reshape(120, -1)
    model = LipNetClassifier("lipnet-1", **{**SMALL, "max_epochs": 20}).fit(X, y)
    assert model.score(X, y) == 1
    drops = occlusion_map(model, X[y == 1][:10], target=1, window=3)
    best = drops.reshape(10, -1).argmax(axis=1)
    rows, columns = np.unravel_index(best, (12, 12))
    assert ((rows >= 2) & (rows < 5) & (columns >= 7) & (columns < 10)).all()


def test_display(model):
    display = OcclusionDisplay.from_estimator(model, X[:10], window=4, stride=2)
    assert display.axes_.shape == (2, 10)
    drops = occlusion_map(model, X[:10], window=4, stride=2)
    limit = np.abs(drops).max()
    assert_array_equal(display.targets, model.predict(X[:10]))
    assert_array_equal(display.probabilities, model.predict_proba(X[:10]).max(axis=1))
    for (above, below), image, drop in zip(display.axes_.T, X, drops, strict=False):
        assert_array_equal(above.images[0].get_array(), image.reshape(12, 12))
        assert_array_equal(below.images[0].get_array(), drop)
        assert below.images[0].get_clim() == (-limit, limit)
    # Ten particles are in two rows of eight, above their maps.
    places = [ax.get_subplotspec() for ax in display.axes_[:, 8]]
    cells = [(place.rowspan.start, place.colspan.start) for place in places]
    assert cells == [(2, 0), (3, 0)]
    assert len(display.figure_.axes) == 33  # 32 panels and a color bar
    assert sum(not ax.axison for ax in display.figure_.axes) == 12


def test_display_of_a_class_on_axes_given(model):
    figure, axes = plt.subplots(2, 3)
    display = OcclusionDisplay.from_estimator(
        model, X[:3], target="ring", window=6, stride=6, ax=axes
    )
    assert display.figure_ is figure
    assert_array_equal(display.targets, ["ring"] * 3)
    assert_array_equal(display.probabilities, model.predict_proba(X[:3])[:, 1])
    with pytest.raises(ValueError, match=r"needs a grid of axes of shape \(2, 3\)"):
        display.plot(ax=axes[0])


def test_errors(model):
    with pytest.raises(ValueError, match=r"'square'; the classes are \['disk', 'ring'"):
        occlusion_map(model, X, target="square")
    with pytest.raises(ValueError, match=r"window=\(13, 2\) does not fit .*\(12, 12\)"):
        occlusion_map(model, X, window=(13, 2))
    with pytest.raises(ValueError, match=r"stride=\(4, 4\) is larger than window"):
        occlusion_map(model, X, window=3, stride=4)
    for window in (0, 2.5, (1, 2, 3), "big"):
        with pytest.raises(ValueError, match=r"window=.*; expected a positive number"):
            occlusion_map(model, X, window=window)
    for fill_value in (np.nan, "0", None):
        with pytest.raises(ValueError, match="expected a finite number"):
            occlusion_map(model, X, fill_value=fill_value)


def test_missing_captum(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(ImportError, match=r"sklipo\[inspect\]"):
        occlusion_map(model, X[:1])
