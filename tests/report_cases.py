"""What the tests of reports share: a sample, its estimate, and eyes for the page."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd

from sklipo.evaluation import PrevalenceEstimate
from sklipo.images import ImageArray

CLASSES = ("empty", "full", "uncertain")
# Elements of HTML without an end.
VOID = {"meta", "img", "wbr", "br"}


def make_particles(n=40, seed=0):
    """Return small particles with masks, pixel sizes and micrographs."""
    rng = np.random.default_rng(seed)
    shapes = rng.integers(8, 24, (n, 2))
    images = [rng.integers(0, 255, shape).astype(np.uint8) for shape in shapes]
    masks = [np.pad(np.ones((h - 4, w - 4), bool), 2) for h, w in shapes]
    return pd.DataFrame(
        {
            "image": ImageArray(images),
            "mask": ImageArray(masks),
            "pixel_size": 0.5,
            "micrograph": [f"m{i % 8}" for i in range(n)],
            "batch": np.where(np.arange(n) % 2, "a", "b"),
        },
        index=[f"p{i}" for i in range(n)],
    )


def make_predictions(n=40, classes=CLASSES, seed=0):
    """Return predictions, all classes among them, and their probabilities."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n, len(classes)))
    codes = np.arange(n) % len(classes)
    scores[np.arange(n), codes] += 5
    y_proba = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return np.array(classes)[y_proba.argmax(axis=1)], y_proba


def make_estimate(y_pred, classes=CLASSES, **fields):
    """Return an estimate of predictions; its shares are no whole percents."""
    counted = np.array([np.mean(np.asarray(y_pred) == label) for label in classes])
    share = (counted + 0.001) ** 2
    share /= share.sum()
    parts = {
        "classes": np.array(classes),
        "counted": counted,
        "share": share,
        "low": np.clip(share - 0.0312, 0, 1),
        "high": np.clip(share + 0.0217, 0, 1),
        "level": 0.95,
        "method": "adjusted",
        "n_particles": len(y_pred),
        "n_groups": 8,
        "n_labeled": 120,
        "n_labeled_groups": 30,
        "design_effect": 1.0,
        "labeled_part": np.full(len(classes), 0.5),
        "draws": np.tile(share, (1000, 1)),
    }
    return PrevalenceEstimate(**{**parts, **fields})


class Page(HTMLParser):
    """A page as its elements; it fails where an element is not closed in turn.

    ``elements`` has a tag, attributes and text of each, in the order of their starts.
    ``tables`` has a DataFrame of texts for each table, by its caption.
    """

    def __init__(self, path):
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.elements, self._open = [], []
        self.feed(self.html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names))
        element = [tag, dict(attrs), ""]
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        for element in self._open:
            element[2] += data

    def texts(self, *tags):
        """Return the texts of all elements of some tags."""
        return [_plain(text) for tag, _, text in self.elements if tag in tags]

    @property
    def text(self):
        """All text of the body."""
        return self.texts("body")[0]

    @property
    def tables(self):
        """A list of pairs: caption, and table of texts."""
        tables = []
        for tag, attributes, text in self.elements:
            if tag == "caption":
                tables.append((_plain(text), [], []))
            elif tag == "th" and attributes["scope"] == "col":
                tables[-1][1].append(_plain(text))
            elif tag == "th":
                tables[-1][2].append([_plain(text)])
            elif tag == "td":
                tables[-1][2][-1].append(_plain(text))
        return [
            (caption, pd.DataFrame(rows, columns=head).set_index(head[0]))
            for caption, head, rows in tables
        ]

    def table(self, words):
        """Return the table whose caption has these words."""
        (found,) = [table for caption, table in self.tables if words in caption]
        return found


def numbers(texts):
    """Return the first number of each text; NaN for a dash. Percents are shares."""
    values = []
    for text in texts:
        number = text.split()[0].replace(",", "").strip("()")
        value = np.nan if number == "\N{EN DASH}" else float(number)
        values.append(value / 100 if "%" in text else value)
    return np.array(values)


def _plain(text):
    """Return a text with spaces of one kind."""
    return " ".join(text.split())
