from time import perf_counter

import cv2
import numpy as np
import pandas as pd
import pytest
from display_cases import assert_readable, visible_texts
from matplotlib import pyplot
from matplotlib.colors import to_hex

from sklipo.datasets import Micrograph, extract_particles, read_instances
from sklipo.displays import MicrographDisplay
from sklipo.displays._colors import OKABE_ITO

Y = ["full", "empty", "full", "uncertain"]
PROBA = np.array(
    [[0.1, 0.8, 0.1], [0.6, 0.3, 0.1], [0.2, 0.55, 0.25], [0.02, 0.03, 0.95]]
)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).normal(100, 10, (200, 300))


@pytest.fixture(scope="module")
def particles(pixels):
    labels = np.zeros(pixels.shape, int)
    labels[20:60, 30:80] = 1
    labels[30:40, 45:55] = 0
    labels[100:150, 100:160] = 2
    labels[100:150, 200:230] = 3
    labels[180:, 250:] = 4
    return extract_particles(pixels, labels, margin=7, pixel_size=2, name="grid1_007")


def lines_of(display):
    """Return the corners of all outlines, by the color of their class."""
    lines = {}
    for drawn in display.ax_.collections:
        corners = [path.vertices for path in drawn.get_paths()]
        lines.setdefault(to_hex(drawn.get_color()[0]), []).extend(corners)
    return lines


def legend_of(display):
    (legend,) = display.figure_.legends
    return [text.get_text() for text in legend.get_texts()]


def test_outlines_follow_the_edges_of_pixels_in_the_colors_of_classes(
    pixels, particles
):
    display = MicrographDisplay.from_predictions(pixels, particles, Y)
    lines = lines_of(display)
    assert list(lines) == [color.lower() for color in OKABE_ITO[:3]]
    (empty,) = lines[OKABE_ITO[0].lower()]
    assert empty.min(axis=0).tolist() == [99.5, 99.5]
    assert empty.max(axis=0).tolist() == [159.5, 149.5]
    np.testing.assert_array_equal(empty[0], empty[-1])
    sizes = sorted(np.ptp(line, axis=0).tolist() for line in lines["#e69f00"])
    assert sizes == [[10, 10], [30, 50], [50, 40]]
    (uncertain,) = lines["#009e73"]
    assert uncertain.max(axis=0).tolist() == [299.5, 199.5]
    assert display.ax_.get_xlim() == (-0.5, 299.5)
    assert display.ax_.get_ylim() == (199.5, -0.5)
    assert legend_of(display) == ["empty (1)", "full (2)", "uncertain (1)"]
    assert_readable(display)


def test_overlapping_particles_are_both_drawn(pixels):
    masks = [np.ones((50, 50), bool), np.ones((20, 20), bool)]
    table = pd.DataFrame({"mask": pd.Series(masks), "top": [10, 20], "left": [10, 20]})
    table["mask"] = table["mask"].astype("image")
    display = MicrographDisplay.from_particles(pixels, table, ["a", "b"])
    (one,), (other,) = lines_of(display).values()
    assert (one.max(), other.max()) == (59.5, 39.5)


def test_the_least_sure_are_dashed_and_named(pixels, particles):
    display = MicrographDisplay.from_predictions(
        pixels, particles, Y, PROBA, n_unsure=2
    )
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts == ["2 (0.55)", "1 (0.60)", "100 nm"]
    assert legend_of(display)[-1] == "the 2 least sure (0.55 to 0.60)"
    dashed = [
        path.vertices.min(axis=0).tolist()
        for drawn in display.ax_.collections
        if drawn.get_linestyle()[0][1] is not None
        for path in drawn.get_paths()
    ]
    assert dashed == [[99.5, 99.5], [199.5, 99.5]]
    assert_readable(display)
    one = MicrographDisplay.from_predictions(pixels, particles, Y, PROBA, n_unsure=1)
    assert legend_of(one)[-1] == "the least sure (0.55)"
    plain = MicrographDisplay.from_predictions(pixels, particles, Y, PROBA, n_unsure=0)
    assert [text.get_text() for text in plain.ax_.texts] == ["100 nm"]
    assert len(legend_of(plain)) == 3


def test_columns_of_results_name_the_classes(pixels, particles):
    # As predict_micrographs has them, and here one class is not predicted.
    proba = pd.DataFrame(PROBA, columns=["empty", "full", "uncertain"])
    y = proba[["full", "empty"]].idxmax(axis=1)
    proba = proba.add_prefix("probability_")
    display = MicrographDisplay.from_predictions(pixels, particles, y, proba)
    assert display.classes.tolist() == ["empty", "full", "uncertain"]
    # Classes may be numbers.
    numbers = proba.set_axis([f"probability_{n}" for n in (0, 1, 2)], axis=1)
    y = [0, 1, 2, 0]
    display = MicrographDisplay.from_predictions(pixels, particles, y, numbers)
    assert display.classes.tolist() == [0, 1, 2]
    y = ["empty", "full", "uncertain", "full"]
    with pytest.raises(ValueError, match="in the order"):
        MicrographDisplay.from_predictions(
            pixels, particles, y, proba, classes=["full", "empty", "uncertain"]
        )


def test_micrographs_in_the_index_are_told_apart(pixels, particles):
    alone = particles.drop(columns="micrograph")
    two = pd.concat([alone, alone], keys=["a", "b"], names=["micrograph", None])
    with pytest.raises(ValueError, match="are of 2 micrographs"):
        MicrographDisplay.from_particles(pixels, two)


def test_undecided_particles_are_no_unsure_ones(pixels, particles):
    display = MicrographDisplay(
        pixels, particles, y=["unsure", *Y[1:]], confidence=[0, 0.9, 0.8, 0.7]
    ).plot(n_unsure=1)
    assert display.ax_.texts[0].get_text() == "3 (0.70)"


def test_texts_stay_within_the_micrograph(pixels):
    masks = pd.Series([np.ones((10, 10), bool)] * 4).astype("image")
    top, left = [0, 0, 190, 190], [0, 290, 0, 290]
    table = pd.DataFrame({"mask": masks, "top": top, "left": left})
    table.index = ["top left", "top right", "low left", "low right"]
    display = MicrographDisplay(pixels, table, y=Y, confidence=[0.5] * 4).plot()
    area = display.ax_.get_window_extent()
    boxes = [box for text, box in visible_texts(display.figure_) if text.axes]
    boxes = [box for box in boxes if box.width > 1]
    assert len(boxes) == 4
    for box in boxes:
        assert area.x0 - 1 <= box.x0 and box.x1 <= area.x1 + 1
        assert area.y0 <= box.y0 and box.y1 <= area.y1
    assert_readable(display)


def test_segmentation_is_shown_without_classes(pixels, particles):
    display = MicrographDisplay.from_particles(pixels, particles)
    assert list(lines_of(display)) == ["#e69f00"]
    assert legend_of(display) == ["particles (4)"]
    display = MicrographDisplay.from_particles(pixels, particles, colors=["red"])
    assert list(lines_of(display)) == ["#ff0000"]


def test_classes_and_colors_of_the_user(pixels, particles):
    classes = ["uncertain", "full", "empty", "broken"]
    display = MicrographDisplay.from_predictions(
        pixels, particles, Y, classes=classes, colors=["red", "lime", "blue", "white"]
    )
    assert legend_of(display) == [
        "uncertain (1)",
        "full (2)",
        "empty (1)",
        "broken (0)",
    ]
    assert list(lines_of(display)) == ["#ff0000", "#00ff00", "#0000ff"]
    with pytest.raises(ValueError, match="'empty', which is not among classes"):
        MicrographDisplay.from_particles(pixels, particles, Y, classes=["full"])
    with pytest.raises(ValueError, match="colors has 1 colors for 3 classes"):
        MicrographDisplay.from_particles(pixels, particles, Y, colors=["red"])


def test_columns_of_probabilities_name_the_classes(pixels, particles):
    proba = pd.DataFrame(PROBA[:, [0, 1]], columns=["empty", "full"])
    proba["broken"] = 1 - proba.sum(axis=1)
    y_pred = ["full", "empty", "full", "full"]
    display = MicrographDisplay.from_predictions(pixels, particles, y_pred, proba)
    assert legend_of(display)[:3] == ["empty (1)", "full (3)", "broken (0)"]
    with pytest.raises(ValueError, match=r"expected \(4, 2\).*pass all classes"):
        MicrographDisplay.from_predictions(pixels, particles, y_pred, PROBA)


def test_particles_of_a_file_are_selected_by_its_name(tmp_path, pixels, particles):
    path = tmp_path / "grid1_007.tif"
    cv2.imwrite(path, pixels.astype(np.float32))
    other = particles.assign(micrograph="grid1_008", top=0)
    both = pd.concat([other, particles], ignore_index=True)
    y = ["x"] * 4 + Y
    proba = np.vstack([np.eye(4)[[3] * 4], np.pad(PROBA, [(0, 0), (0, 1)])])
    for found in (path, str(path)):
        display = MicrographDisplay.from_predictions(found, both, y, proba, n_unsure=1)
        assert display.particles.index.tolist() == [4, 5, 6, 7]
        assert display.ax_.texts[0].get_text() == "6 (0.55)"
        # Colors are the same on all micrographs of a table.
        assert legend_of(display)[3] == "x (0)"
    with pytest.raises(ValueError, match=r"of 2 micrographs: \['grid1_008', 'grid1_0"):
        MicrographDisplay.from_particles(pixels, both)
    with pytest.raises(ValueError, match=r"None of the 4 particles is .*'grid1_007'"):
        MicrographDisplay.from_particles(path, other)
    no_names = particles.drop(columns="micrograph")
    assert legend_of(MicrographDisplay.from_particles(path, no_names))


def test_scale_bar(pixels, particles):
    bare = particles.drop(columns="pixel_size")
    draw = MicrographDisplay.from_particles
    assert not draw(pixels, bare).ax_.texts
    assert not draw(pixels, particles, scale_bar=False).ax_.texts
    display = draw(Micrograph(pixels, 4.0), bare)
    assert display.ax_.texts[0].get_text() == "200 nm"
    # What the user said when the particles were cut out counts more than the file.
    display = draw(Micrograph(pixels, 4.0), particles)
    assert display.ax_.texts[0].get_text() == "100 nm"
    (bar,) = (line for line in display.ax_.lines if len(line.get_xdata()))
    assert np.ptp(bar.get_xdata()) == 50


def test_pixels_that_are_no_numbers_are_left_out_of_means():
    pixels = np.ones((3000, 3000))
    # Each of the drawn pixels is of four.
    pixels[::2, ::2] = np.nan
    pixels[:2, :2] = np.nan
    pixels[2, 3], pixels[3, 3] = 3, np.inf
    table = read_instances(np.ones((9, 9), int))
    display = MicrographDisplay.from_particles(pixels, table)
    (image,) = display.ax_.images
    drawn = image.get_array()
    assert drawn.shape == (1500, 1500)
    assert np.isnan(np.ma.filled(drawn, np.nan)[0, 0])
    assert drawn[1, 1] == 2
    assert (drawn[2:] == 1).all()


def test_micrographs_of_bools_are_drawn(pixels, particles):
    display = MicrographDisplay.from_particles(pixels > 100, particles)
    assert display.ax_.images[0].get_array().max() == 1


@pytest.mark.parametrize(
    "dtype", ["u1", "i1", ">i2", "u2", "i4", "u4", "f2", "f4", ">f8", "?"]
)
def test_large_micrographs_are_drawn_reduced(dtype):
    pixels = np.tile(np.array([[0, 4], [0, 4]]), (2100, 150)).astype(dtype)
    table = pd.DataFrame({"mask": pd.Series([np.ones((50, 60), bool)]).astype("image")})
    table = table.assign(top=4000, left=200)
    display = MicrographDisplay.from_particles(pixels, table)
    drawn = display.ax_.images[0]
    assert drawn.get_array().shape == (1400, 100)
    assert tuple(drawn.get_extent()) == (-0.5, 299.5, 4199.5, -0.5)
    assert lines_of(display)["#e69f00"][0].max(axis=0).tolist() == [259.5, 4049.5]


def test_gray_limits_pass_over_what_is_no_number(pixels, particles):
    pixels = pixels.copy()
    pixels[0, :3] = np.nan, np.inf, 1e30
    display = MicrographDisplay.from_particles(pixels, particles)
    low, high = display.ax_.images[0].get_clim()
    assert 50 < low < 90 and 110 < high < 150
    display = MicrographDisplay.from_particles(pixels, particles, vmin=0, vmax=255)
    assert display.ax_.images[0].get_clim() == (0, 255)
    with pytest.raises(ValueError, match="vmin=2 must be below vmax=1"):
        MicrographDisplay.from_particles(pixels, particles, vmin=2, vmax=1)


def test_axes_of_the_caller(pixels, particles):
    axes = pyplot.subplots(1, 2)[1]
    display = MicrographDisplay.from_particles(pixels, particles, Y, ax=axes[1])
    assert display.ax_ is axes[1]
    assert len(axes[1].get_legend().get_texts()) == 3


def test_hundreds_of_particles_on_a_large_micrograph_take_a_second():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (8192, 8192), np.uint8)
    y, x = np.ogrid[-60:61, -60:61]
    masks = pd.Series([y**2 + x**2 <= 3600] * 400).astype("image")
    places = rng.integers(0, 8000, (2, 400))
    table = pd.DataFrame({"mask": masks, "top": places[0], "left": places[1]})
    MicrographDisplay.from_particles(
        pixels[:200, :200], table.head(1).assign(top=0, left=0)
    )
    start = perf_counter()
    MicrographDisplay.from_particles(pixels, table, rng.integers(0, 3, 400))
    # A third of a second on an idle machine.
    assert perf_counter() - start < 5


def test_what_says_no_place_is_refused(pixels, particles):
    draw = MicrographDisplay.from_predictions
    for name in ("mask", "top", "left"):
        with pytest.raises(ValueError, match=f"no column '{name}'.*extract_particles"):
            draw(pixels, particles.drop(columns=name), Y)
    with pytest.raises(TypeError, match="particles is a ndarray; expected the DataF"):
        draw(pixels, pixels, Y)
    with pytest.raises(TypeError, match="particles is a int"):
        draw(pixels, 4, Y)
    with pytest.raises(ValueError, match=r"row 1 .*top is .*1\.5"):
        draw(pixels, particles.assign(top=[1, 1.5, 2, 3]), Y)
    with pytest.raises(ValueError, match=r"row 0 .*top is .*nan"):
        draw(pixels, particles.assign(top=np.nan), Y)
    with pytest.raises(ValueError, match="holds no images"):
        draw(pixels, particles.assign(mask=1), Y)
    empty = pd.Series([np.zeros((5, 5), bool)] * 4).astype("image")
    with pytest.raises(ValueError, match="mask is empty"):
        draw(pixels, particles.assign(mask=empty), Y)


def test_faults_of_the_table_are_named(pixels, particles):
    draw = MicrographDisplay.from_particles
    for size in (0, "abc", -1, np.inf):
        sizes = pd.Series([size] * 4, dtype=object)
        with pytest.raises(ValueError, match=r"pixel_size is .*; expected a positive"):
            draw(pixels, particles.assign(pixel_size=sizes))
    with pytest.raises(ValueError, match="pixel_size is 0; expected a positive"):
        draw(Micrograph(pixels, 0), particles.drop(columns="pixel_size"))
    for name in ("top", "pixel_size", "micrograph"):
        twice = pd.concat([particles, particles[[name]]], axis=1)
        with pytest.raises(ValueError, match=f"several columns of the name '{name}'"):
            draw(pixels, twice)
    with pytest.raises(ValueError, match="has no row"):
        draw(pixels, particles.iloc[:0])


def test_particles_of_another_micrograph_are_refused(pixels, particles):
    draw = MicrographDisplay.from_particles
    with pytest.raises(ValueError, match=r"1 of 4 particles .* lie outside .*another"):
        draw(pixels, particles.assign(top=[500, 0, 0, 0]))
    with pytest.raises(ValueError, match=r"shape \(200, 300\).*whose height is 400"):
        draw(pixels, particles.assign(micrograph_height=400, micrograph_width=300))
    unknown = particles.assign(micrograph_height=np.nan, micrograph_width=np.nan)
    assert draw(pixels, unknown).ax_


def test_other_wrong_input_is_named(pixels, particles):
    draw = MicrographDisplay.from_predictions
    with pytest.raises(ValueError, match="y_pred has 3 values for 4 particles"):
        draw(pixels, particles, Y[:3])
    with pytest.raises(ValueError, match=r"y_proba has shape \(3, 3\)"):
        draw(pixels, particles, Y, PROBA[:3])
    with pytest.raises(ValueError, match="y has 1 values for 4 particles"):
        MicrographDisplay.from_particles(pixels, particles, ["a"])
    with pytest.raises(ValueError, match=r"confidence has shape \(2,\)"):
        MicrographDisplay(pixels, particles, y=Y, confidence=[0.5, 0.5])
    with pytest.raises(ValueError, match=r"can't be used: shape \(5,\)"):
        draw(np.ones(5), particles, Y)
    with pytest.raises(ValueError, match="no pixel that is a number"):
        draw(np.full((200, 300), np.nan), particles, Y)
    with pytest.raises(ValueError, match=r"can't be used: .*expected integers"):
        draw("abc".split(), particles, Y)
    with pytest.raises(FileNotFoundError):
        draw("grid1_007.mrc", particles, Y)
    with pytest.raises(ValueError, match="'n_unsure' parameter"):
        draw(pixels, particles, Y, n_unsure=-1)
