"""What the tests of displays share: results to draw, and eyes for what is drawn."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text

from sklipo.evaluation import CrossValidationResult

EIGHT_CLASSES = [
    "core_shell",
    "dirt",
    "hollow with a very long name",
    "polyhedral",
    "rod",
    "solid_round",
    "uncertain",
    "x",
]


def make_result(classes=("empty", "full", "uncertain"), n=120, seed=0, skill=2.0):
    """Return a cross-validation of a model that is often right, over five folds."""
    rng = np.random.default_rng(seed)
    classes = np.array(classes)
    codes = rng.permutation(np.arange(n) % len(classes))
    scores = rng.normal(size=(n, len(classes)))
    scores[np.arange(n), codes] += skill
    y_proba = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    groups = np.arange(n) // 4
    predicted = classes[y_proba.argmax(axis=1)]
    return CrossValidationResult(
        classes=classes,
        y_true=classes[codes],
        y_pred=predicted,
        folds=groups % 5,
        y_proba=y_proba,
        groups=groups,
    )


def visible_texts(figure):
    """Return the texts of a figure and their rectangles in pixels, after a draw."""
    figure.canvas.draw()
    hidden = {text for ax in figure.findobj(Axes) for text in _hidden_texts(ax)}
    texts = [
        text
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in hidden
    ]
    return [(text, text.get_window_extent()) for text in texts]


def _hidden_texts(ax):
    """Yield labels of ticks that are out of view or switched off with the axes."""
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not ax.axison or not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


def assert_readable(display):
    """Assert that texts lie in the figure and none lies on another."""
    figure = display.figure_
    page = figure.bbox
    texts = visible_texts(figure)
    assert texts
    for text, box in texts:
        inside = (page.x0 - 1 <= box.x0, box.x1 <= page.x1 + 1)
        inside += (page.y0 - 1 <= box.y0, box.y1 <= page.y1 + 1)
        assert all(inside), f"{text} leaves the figure"
    level = [(text, box) for text, box in texts if text.get_rotation() in (0, 90)]
    x0, y0, x1, y1 = np.array([box.padded(-1).extents for _, box in level]).T
    overlap = (x0[:, None] < x1) & (x0 < x1[:, None])
    overlap &= (y0[:, None] < y1) & (y0 < y1[:, None])
    for i, j in np.argwhere(np.triu(overlap, 1)):
        one, other = level[i][0], level[j][0]
        # Ticks of shared axes may lie on each other, as equal text at one place.
        assert one.get_text() == other.get_text(), f"{one} and {other} overlap"
