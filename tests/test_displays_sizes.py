import numpy as np
import pandas as pd
import pytest
from display_cases import EIGHT_CLASSES, assert_readable
from matplotlib import pyplot
from matplotlib.colors import to_hex

from sklipo import ImageArray
from sklipo.displays import ImageSizeDisplay


@pytest.fixture
def particles():
    shapes = [(10, 20), (30, 15), (12, 12), (9, 40)]
    masks = [np.zeros(shape, bool) for shape in shapes]
    for mask in masks:
        mask[2:5, 3:9] = True
    return pd.DataFrame(
        {
            "image": ImageArray([np.zeros(shape) for shape in shapes]),
            "mask": ImageArray(masks),
            "pixel_size": [0.5, 0.5, 2.0, 1.0],
        }
    )


LABELS = ["common", "common", "rare", "common"]


def points(display):
    """Return the points of each class."""
    return [scatter.get_offsets().data for scatter in display.ax_.collections]


def test_width_is_across(particles):
    display = ImageSizeDisplay.from_particles(particles, LABELS)
    common, rare = points(display)
    np.testing.assert_array_equal(common, [[10, 5], [7.5, 15], [40, 9]])
    np.testing.assert_array_equal(rare, [[24, 24]])
    assert display.ax_.get_xlabel() == "Width (nm)"
    assert display.ax_.get_ylabel() == "Height (nm)"
    assert display.ax_.get_aspect() == 1
    assert_readable(display)


def test_units(particles):
    draw = ImageSizeDisplay.from_particles
    pixels = draw(particles, LABELS, unit="px")
    assert pixels.ax_.get_xlabel() == "Width (px)"
    np.testing.assert_array_equal(points(pixels)[1], [[12, 12]])
    unscaled = particles.drop(columns="pixel_size")
    assert draw(unscaled, LABELS).unit == "px"
    with pytest.raises(ValueError, match="needs the column 'pixel_size'"):
        draw(unscaled, LABELS, unit="nm")


def test_bounding_box_of_the_mask(particles):
    draw = ImageSizeDisplay.from_particles
    display = draw(particles, LABELS, region="mask", unit="px")
    np.testing.assert_array_equal(np.concatenate(points(display)), [[6, 3]] * 4)
    with pytest.raises(ValueError, match="region='mask' needs masks"):
        draw(particles.drop(columns="mask"), LABELS, region="mask")


def test_rare_classes_are_on_top():
    rng = np.random.default_rng(0)
    y = np.repeat(["x", "m", "a"], [5, 50, 500])
    display = ImageSizeDisplay(rng.random(555), rng.random(555), y).plot()
    order = {
        scatter.get_label(): (scatter.get_zorder(), scatter.get_sizes()[0])
        for scatter in display.ax_.collections
    }
    assert order["a (500)"] < order["m (50)"] < order["x (5)"]
    assert list(order) == ["a (500)", "m (50)", "x (5)"]  # the legend is sorted


def test_histograms_share_bins(particles):
    display = ImageSizeDisplay.from_particles(particles, LABELS, kind="histogram")
    longer = {"common": [10, 15, 40], "rare": [24]}
    edges = np.linspace(10, 40, 31)
    for ax, label in zip(display.axes_, longer, strict=True):
        expected = np.histogram(longer[label], edges)[0]
        assert [bar.get_height() for bar in ax.patches] == expected.tolist()
        assert ax.get_title() == f"{label} ({len(longer[label])})"
        assert ax.get_xlabel() == "Longer side (nm)"
    first, second = display.axes_
    assert first.get_xlim() == second.get_xlim()
    assert_readable(display)


@pytest.mark.parametrize("kind", ["scatter", "histogram"])
def test_eight_classes_with_long_names_fit(kind):
    rng = np.random.default_rng(0)
    sizes = rng.integers(20, 2000, (2, 80))
    display = ImageSizeDisplay(*sizes, np.repeat(EIGHT_CLASSES, 10)).plot(kind=kind)
    assert_readable(display)


def test_classes_in_order_and_colors(particles):
    colors = {"common": "#000000", "rare": "#ff0000"}
    display = ImageSizeDisplay.from_particles(
        particles, LABELS, classes=["rare", "common"], colors=colors
    )
    drawn = {
        scatter.get_label(): to_hex(scatter.get_facecolor()[0])
        for scatter in display.ax_.collections
    }
    assert list(drawn.items()) == [("rare (1)", "#ff0000"), ("common (3)", "#000000")]
    nine = np.arange(9)
    with pytest.raises(ValueError, match="9 classes, but only 8 colors"):
        ImageSizeDisplay(nine, nine, nine).plot()


def test_axes_of_the_caller(particles):
    axes = pyplot.subplots(1, 2)[1]
    draw = ImageSizeDisplay.from_particles
    assert draw(particles, LABELS, ax=axes[1]).ax_ is axes[1]
    display = draw(particles, LABELS, ax=axes, kind="histogram")
    assert list(display.axes_) == list(axes)


def test_wrong_input_is_named(particles):
    draw = ImageSizeDisplay.from_particles
    for wrong, message in (
        ({"region": "box"}, "The 'region' parameter of ImageSizeDisplay"),
        ({"unit": "um"}, "The 'unit' parameter of ImageSizeDisplay"),
        ({"kind": "pie"}, "The 'kind' parameter of ImageSizeDisplay"),
    ):
        with pytest.raises(ValueError, match=message):
            draw(particles, LABELS, **wrong)
    with pytest.raises(ValueError, match="y is missing in row 3"):
        draw(particles, [*LABELS[:3], np.nan])
    with pytest.raises(ValueError, match="y has 3 values for 4 particles"):
        draw(particles, LABELS[:3])
