"""Outlines of particles, the pixels they hold, and results to write."""

import math
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklipo.images import ImageArray

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# Holes, diagonals and several pieces, but always a pixel.
random_masks = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))).filter(
    np.any
)

# Columns of names, some of which lack, and what is written in their place.
NAMES = [
    ([5, 2], [5, 2]),
    ([5.0, np.nan], [5, 2]),
    (pd.array([None, 7]), [1, 7]),
    (np.array(["a", None], object), ["a", 2]),
    (None, [1, 2]),
]


def imagej_pixels(rings):
    """Return the pixels (row, column) that ImageJ's PolygonFiller fills.

    Each row of centers is crossed by the lines that begin above and end below it. A
    center on a line's end counts as above it. Between the crossings, in order of
    column, pixels are filled; centers on a line count as left of it.
    """
    pixels, lines = set(), []
    for ring in rings:
        for (y1, x1), (y2, x2) in zip(ring, [*ring[1:], ring[0]], strict=True):
            lines.append(min((y1, x1, y2, x2), (y2, x2, y1, x1)))
    rows = [math.floor(y) for ring in rings for y, _ in ring]
    for row in range(min(rows) - 1, max(rows) + 2):
        crossings = sorted(
            x1 + (row + 0.5 - y1) * (x2 - x1) / (y2 - y1) + 1e-8
            for y1, x1, y2, x2 in lines
            if math.floor(y1 + 0.5) <= row < math.floor(y2 + 0.5)
        )
        for left, right in zip(crossings[::2], crossings[1::2], strict=True):
            columns = range(math.floor(left + 0.5), math.floor(right + 0.5))
            pixels |= {(row, column) for column in columns}
    return pixels


def filled_pixels(mask, top, left, *_):
    """Return the pixels (row, column) of a mask that lies at this row and column."""
    return {(int(y) + top, int(x) + left) for y, x in np.argwhere(mask)}


def shapely_pixels(area):
    """Return the pixels whose centers lie in a shape of x and y, by shapely."""
    from shapely import contains_xy

    left, top, right, bottom = (math.floor(x) for x in area.bounds)
    rows, columns = np.mgrid[top : bottom + 1, left : right + 1]
    inside = contains_xy(area, columns + 0.5, rows + 0.5)
    return filled_pixels(inside, top, left)


def draw_scene(n=20, shape=(90, 120), seed=0):
    """Return masks of n rings and disks, which overlap and reach over the borders."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    masks = []
    for i in range(n):
        y, x = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        radius = rng.uniform(3, 18)
        distance = np.hypot(rows - y, columns - x)
        inner = radius / 2 if i % 3 == 0 else -1
        masks.append((distance <= radius) & (distance > inner))
    return masks


def make_results(masks, places=None, labels=None, *, probabilities=False, names=None):
    """Return what save_classes hands to a writer: masks at these rows and columns."""
    n = len(masks)
    places = np.zeros((n, 2), int) if places is None else np.asarray(places)
    labels = np.resize(["multi", "uni"], n) if labels is None else np.asarray(labels)
    table = pd.DataFrame(
        {
            "mask": ImageArray(masks),
            "top": places[:, 0],
            "left": places[:, 1],
            "instance": np.arange(1, n + 1) if names is None else names,
        }
    )
    classes = sorted(set(labels.tolist()))
    colors = [f"#{i * 40 % 256:02x}10{255 - i:02x}" for i in range(len(classes))]
    proba = pd.DataFrame({name: (labels == name) * 0.75 for name in classes})
    return SimpleNamespace(
        particles=table,
        y_pred=labels,
        classes=classes,
        confidence=np.full(n, 0.75) if probabilities else None,
        y_proba=proba if probabilities else None,
        colors=dict(zip(classes, colors, strict=True)),
    )


def check_same(instances, results):
    """Compare instances that were read with results that were written."""
    table = results.particles
    assert [found.label for found in instances] == results.y_pred.tolist()
    assert [found.name for found in instances] == table["instance"].tolist()
    for found, row in zip(instances, table.itertuples(), strict=True):
        assert filled_pixels(*found) == filled_pixels(row.mask, row.top, row.left)


def label_results(path):
    """Return the particles of a label image as results, and the label image."""
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    numbers = np.unique(labels)[1:]
    masks, places = [], []
    for number in numbers:
        rows, columns = np.nonzero(labels == number)
        box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        masks.append(labels[box] == number)
        places.append((rows.min(), columns.min()))
    return make_results(masks, places, names=numbers.astype(int)), labels


def lay_out(instances, like):
    """Return the label image of instances, which must not overlap."""
    labels = np.zeros_like(like)
    for found in instances:
        height, width = found.mask.shape
        part = labels[found.top : found.top + height, found.left : found.left + width]
        assert not part[found.mask].any()
        part[found.mask] = found.name
    return labels
