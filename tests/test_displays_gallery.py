from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from display_cases import assert_readable, make_result
from matplotlib import pyplot
from sklearn.exceptions import NotFittedError

from sklipo import make_svc_pipeline
from sklipo.datasets import make_liposomes
from sklipo.displays import ParticleGalleryDisplay
from sklipo.displays._particle_images import draw_particle, round_length

NAMES = ["a", "b", "c"]


@pytest.fixture(scope="module")
def particles():
    table = make_liposomes(40, weights=None, margin=5, random_state=0)
    table.index = [f"particle {i}" for i in range(40)]
    return table


def shown(display):
    """Return the pictures, by the first line of what stands above each."""
    return {ax.get_title().split("\n")[0]: ax for ax in display.axes_}


def test_examples_of_each_class(particles):
    labels = particles["label"]
    draw = ParticleGalleryDisplay.from_particles
    display = draw(particles, labels, n_particles=3, random_state=0)
    assert len(display.axes_) == 9
    for name, ax in shown(display).items():
        np.testing.assert_array_equal(
            ax.images[0].get_array(), particles.loc[name, "image"]
        )
    names = [ax.get_ylabel() for ax in display.axes_]
    classes = sorted(labels.unique())
    assert names == [c for label in classes for c in (label, "", "")]
    assert list(labels[list(shown(display))]) == sorted(classes * 3)
    assert_readable(display)
    again = draw(particles, labels, n_particles=3, random_state=0)
    assert list(shown(again)) == list(shown(display))
    other = draw(particles, labels, n_particles=3, random_state=1)
    assert list(shown(other)) != list(shown(display))


def test_global_generator_is_neither_used_nor_disturbed(particles):
    draw = ParticleGalleryDisplay.from_particles
    names = []
    for _ in range(2):
        np.random.seed(0)  # noqa: NPY002
        names.append(list(shown(draw(particles, particles["label"], n_particles=2))))
    assert names[0] != names[1]
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    draw(particles, particles["label"], n_particles=1)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_small_class_leaves_places_empty(particles):
    y = ["rare", "rare"] + ["common"] * 38
    display = ParticleGalleryDisplay.from_particles(particles, y, n_particles=4)
    assert len(display.axes_) == 6
    assert sum(not ax.axison for ax in display.figure_.axes) == 2
    rows = [ax.get_subplotspec().rowspan.start for ax in display.axes_]
    assert rows == [0, 0, 0, 0, 1, 1]


def test_suspicious_labels(particles):
    result = make_result(n=40, skill=1.0)
    table = result.suspicious_labels()
    draw = ParticleGalleryDisplay.from_cv_results
    display = draw(result, particles.reset_index(drop=True), select="suspicious")
    n_shown = min(len(table), 18)
    assert list(shown(display)) == [str(row) for row in table["row"][:n_shown]]
    first = table.iloc[0]
    caption = display.axes_[0].get_title().split("\n")[1:]
    arrow = f"→ {first['suggested']} ({first['proba_suggested']:.2f})"
    assert caption == [first["y_true"], arrow]
    title = f"{len(table)} of 40 labels suspicious, the most doubtful first"
    assert display.figure_.get_suptitle() == title
    assert_readable(display)
    display = draw(result, particles, select="suspicious", n_particles=2)
    assert len(display.axes_) == 2
    right = make_result(n=40, skill=50.0)
    display = draw(right, particles, select="suspicious")
    assert display.ax_.texts[0].get_text() == "None of 40 labels is suspicious"
    with pytest.raises(ValueError, match="'suspicious'"):
        draw(result, particles, select="suspect")
    without = replace(result, y_proba=None)
    with pytest.raises(ValueError, match="no probabilities"):
        draw(without, particles, select="suspicious")


def test_mistakes_most_confident_first(particles):
    y_true = ["a", "a", "b", "b", "c"]
    y_pred = ["a", "b", "a", "b", "a"]
    proba = np.array([0.9, 0.6, 0.8, 0.7, 0.7])
    y_proba = np.zeros((5, 3))
    y_proba[range(5), [NAMES.index(label) for label in y_pred]] = proba
    y_proba[:, 2] += 1 - proba
    five = particles.iloc[:5]
    display = ParticleGalleryDisplay.from_predictions(
        five, y_true, y_pred, y_proba=y_proba
    )
    assert [ax.get_title() for ax in display.axes_] == [
        "particle 2\nb\n→ a (0.80)",
        "particle 4\nc\n→ a (0.70)",
        "particle 1\na\n→ b (0.60)",
    ]
    title = display.figure_.get_suptitle()
    assert title == "3 of 5 particles mistaken, the most confident first"
    assert_readable(display)
    display = ParticleGalleryDisplay.from_predictions(
        five, y_true, y_pred, y_proba=y_proba, select="uncertain", n_particles=2
    )
    assert [ax.get_title() for ax in display.axes_] == [
        "particle 1\na\n→ b (0.60)",
        "particle 3\nb (0.70)",
    ]


def test_without_probabilities(particles):
    y_true, y_pred = ["a", "a", "b"], ["b", "a", "a"]
    draw = ParticleGalleryDisplay.from_predictions
    three = particles.iloc[:3]
    display = draw(three, y_true, y_pred)
    assert [ax.get_title() for ax in display.axes_] == [
        "particle 0\na\n→ b",
        "particle 2\nb\n→ a",
    ]
    display = draw(three, y_true, y_pred, select="class", n_particles=1)
    for name, ax in shown(display).items():
        row = three.index.get_loc(name)
        right = y_true[row] == y_pred[row]
        expected = "right" if right else f"→ {y_pred[row]}"
        assert ax.get_title().split("\n")[1] == expected
    with pytest.raises(ValueError, match=r"probability=True"):
        draw(three, y_true, y_pred, select="uncertain")


def test_no_mistake_is_said(particles):
    labels = particles["label"]
    display = ParticleGalleryDisplay.from_predictions(particles, labels, labels)
    assert len(display.axes_) == 0
    (text,) = display.ax_.texts
    assert text.get_text() == "None of 40 particles is mistaken"


def test_results_belong_to_their_particles(particles):
    labels = particles["label"].to_numpy()
    result = make_result(sorted(set(labels)), n=40)
    display = ParticleGalleryDisplay.from_cv_results(result, particles, n_particles=1)
    wrong = np.flatnonzero(result.y_true != result.y_pred)
    worst = wrong[result.y_proba.max(axis=1)[wrong].argmax()]
    assert list(shown(display)) == [particles.index[worst]]
    draw = ParticleGalleryDisplay.from_cv_results
    with pytest.raises(ValueError, match="39 particles, but the result is about 40"):
        draw(result, particles.iloc[1:])
    object.__setattr__(result, "index", particles.index)
    draw(result, particles)
    with pytest.raises(ValueError, match="index of the particles differs"):
        draw(result, particles.iloc[::-1])
    with pytest.raises(TypeError, match=r"one result at a time.*\['SVM'\]"):
        draw({"SVM": result}, particles)


def test_estimator_is_asked(particles):
    model = make_svc_pipeline("thesis")
    draw = ParticleGalleryDisplay.from_estimator
    with pytest.raises(NotFittedError):
        draw(model, particles, particles["label"])
    model.fit(particles, particles["label"])
    display = draw(model, particles, particles["label"], select="class", n_particles=2)
    predicted = dict(zip(particles.index, model.predict(particles), strict=True))
    for name, ax in shown(display).items():
        right = predicted[name] == particles.loc[name, "label"]
        line = "right" if right else f"→ {predicted[name]}"
        assert ax.get_title() == f"{name}\n{line}"


def test_long_names_do_not_touch(particles):
    y_true = ["a class with quite a long name"] * 12
    y_pred = ["another_class_with_a_long_name_in_one_word"] * 12
    display = ParticleGalleryDisplay.from_predictions(
        particles.iloc[:12], y_true, y_pred
    )
    assert_readable(display)


def test_axes_of_the_caller(particles):
    axes = pyplot.subplots(3, 5)[1]
    draw = ParticleGalleryDisplay.from_particles
    display = draw(particles, particles["label"], n_particles=2, ax=axes)
    assert list(display.axes_) == list(axes[:, :2].ravel())
    assert not axes[0, 2].axison
    with pytest.raises(ValueError, match=r"grid of axes of shape \(3, 6\).* \(3, 5\)"):
        draw(particles, particles["label"], ax=axes)


@pytest.mark.parametrize(
    ("width", "expected"), [(3, 1), (5.9, 1), (6, 2), (15, 5), (300, 100), (0.6, 0.2)]
)
def test_round_length(width, expected):
    assert round_length(width) == pytest.approx(expected)


def test_scale_bar_is_as_long_as_it_says():
    ax = pyplot.subplots()[1]
    draw_particle(ax, np.eye(90), pixel_size=2.5)
    (bar,) = ax.lines
    (label,) = ax.texts
    assert label.get_text() == "50 nm"
    assert np.ptp(bar.get_xdata()) == pytest.approx(50 / 2.5)
    draw_particle(ax, np.eye(90), pixel_size=50)
    assert ax.texts[-1].get_text() == "1 µm"


def test_scale_bar_and_outline_are_options(particles):
    draw = ParticleGalleryDisplay.from_particles
    labels = particles["label"]
    one = {"n_particles": 1}
    plain = draw(particles, labels, outline=False, scale_bar=False, **one).ax_
    assert not plain.lines
    assert not plain.collections
    full = draw(particles, labels, **one).ax_
    assert full.lines
    assert full.collections
    bare = draw(particles.drop(columns=["mask", "pixel_size"]), labels, **one).ax_
    assert not bare.lines
    assert not bare.collections


def test_outline_closes_at_the_border():
    ax = pyplot.subplots()[1]
    mask = np.zeros((4, 6), bool)
    mask[:2, :3] = True
    draw_particle(ax, np.zeros((4, 6)), mask=mask)
    (outline,) = ax.collections[0].get_paths()
    np.testing.assert_array_equal(outline.vertices[0], outline.vertices[-1])
    # Halfway between pixels in and out.
    np.testing.assert_array_equal(outline.vertices.min(axis=0), [-0.5, -0.5])
    np.testing.assert_array_equal(outline.vertices.max(axis=0), [2.5, 1.5])
    assert ax.get_xlim() == (-0.5, 5.5)
    assert ax.get_ylim() == (3.5, -0.5)


def test_gray_scale(particles):
    draw = ParticleGalleryDisplay.from_particles
    ax = draw(particles, particles["label"], n_particles=1).ax_
    image = particles.loc[ax.get_title(), "image"]
    assert ax.images[0].get_clim() == tuple(np.percentile(image, [0.5, 99.5]))
    shared = draw(particles, particles["label"], n_particles=2, vmin=0, vmax=255)
    assert {ax.images[0].get_clim() for ax in shared.axes_} == {(0, 255)}


def test_lists_of_images_will_do():
    images = [np.eye(5), np.zeros((3, 4)), np.ones((4, 4), bool)]
    display = ParticleGalleryDisplay.from_particles(images, [1, 2, 1])
    assert list(shown(display)) in (["0", "2", "1"], ["2", "0", "1"])


def test_wrong_input_is_named(particles):
    labels = particles["label"]
    draw = ParticleGalleryDisplay.from_predictions
    with pytest.raises(
        ValueError, match="The 'select' parameter of ParticleGalleryDisplay"
    ):
        draw(particles, labels, labels, select="all")
    with pytest.raises(ValueError, match="y_true has 39 values for 40 particles"):
        draw(particles, labels[1:], labels)
    with pytest.raises(ValueError, match=r"shape \(40, 2\); expected \(40, 3\)"):
        draw(particles, labels, labels, y_proba=np.full((40, 2), 0.5))
    with pytest.raises(ValueError, match="y_proba is nan in row 0"):
        draw(particles, labels, labels, y_proba=np.full((40, 3), np.nan))


def test_without_truth_each_predicted_class_has_a_row(particles):
    y_pred = ["b", "a", "b", "a", "b"]
    y_proba = [[0.4, 0.6], [0.8, 0.2], [0.1, 0.9], [0.9, 0.1], [0.3, 0.7]]
    draw = ParticleGalleryDisplay.from_predictions
    display = draw(particles.iloc[:5], None, y_pred, y_proba=y_proba, n_particles=2)
    assert [ax.get_title() for ax in display.axes_] == [
        "particle 3\na (0.90)",
        "particle 1\na (0.80)",
        "particle 2\nb (0.90)",
        "particle 4\nb (0.70)",
    ]
    assert [ax.get_ylabel() for ax in display.axes_] == ["a", "", "b", ""]
    assert display.figure_.get_suptitle() == "The most confident of 5 particles"
    assert_readable(display)
    display = draw(
        particles.iloc[:5],
        y_true=None,
        y_pred=y_pred,
        y_proba=y_proba,
        select="uncertain",
        n_particles=1,
        classes=["a", "b"],
    )
    assert list(shown(display)) == ["particle 1", "particle 0"]
    assert display.figure_.get_suptitle() == "The least confident of 5 particles"


def test_without_truth_and_probabilities_particles_are_drawn_by_lot(particles):
    y_pred = np.repeat(["full", "empty"], 20)
    draw = ParticleGalleryDisplay.from_predictions
    display = draw(particles, None, y_pred, n_particles=3, random_state=0)
    assert {ax.get_title().split("\n")[1] for ax in display.axes_} == {"full", "empty"}
    again = draw(particles, None, y_pred, select="class", n_particles=3, random_state=0)
    assert list(shown(again)) == list(shown(display))
    with pytest.raises(ValueError, match="'mistakes' needs the true classes"):
        draw(particles, None, y_pred, select="mistakes")
    with pytest.raises(ValueError, match="'confident' needs probabilities"):
        draw(particles, None, y_pred, select="confident")
    with pytest.raises(ValueError, match="y_true, a NoneType, is no sequence"):
        ParticleGalleryDisplay(particles, None)


def test_most_confident_with_truth_fill_a_grid(particles):
    y_true, y_pred = ["a", "b", "b"], ["a", "a", "b"]
    y_proba = [[0.7, 0.3], [0.9, 0.1], [0.2, 0.8]]
    display = ParticleGalleryDisplay.from_predictions(
        particles.iloc[:3], y_true, y_pred, y_proba=y_proba, select="confident"
    )
    assert list(shown(display)) == ["particle 1", "particle 2", "particle 0"]
    assert display.rows is None


def test_columns_of_probabilities_name_classes_that_nothing_was_taken_for(particles):
    y_proba = pd.DataFrame({"a": [0.7, 0.6], "b": [0.2, 0.3], "c": [0.1, 0.1]})
    draw = ParticleGalleryDisplay.from_predictions
    display = draw(particles.iloc[:2], None, ["a", "a"], y_proba=y_proba)
    assert [ax.get_title() for ax in display.axes_] == [
        "particle 0\na (0.70)",
        "particle 1\na (0.60)",
    ]


def test_estimator_is_asked_about_new_particles(particles):
    model = make_svc_pipeline(probability=True).fit(particles, particles["label"])
    display = ParticleGalleryDisplay.from_estimator(model, particles, None)
    assert display.y_true is None
    assert [ax.get_ylabel() for ax in display.axes_ if ax.get_ylabel()] == [
        label for label in model.classes_ if label in display.y_pred
    ]
