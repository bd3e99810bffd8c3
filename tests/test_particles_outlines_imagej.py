"""Which pixels an outline holds, against ImageJ's rule in a few slow lines."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklipo.particles._outlines import fill_rings


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


def filled_pixels(rings):
    mask, top, left = fill_rings(rings)
    return {(int(y) + top, int(x) + left) for y, x in np.argwhere(mask)}


def test_centers_on_a_line_belong_to_the_pixels_above_and_left_of_it():
    ring = [(0.5, 0.5), (0.5, 3.5), (2.5, 3.5), (2.5, 0.5)]
    assert filled_pixels([ring]) == {(y, x) for y in (1, 2) for x in (1, 2, 3)}


def test_diagonals_belong_to_the_polygon_on_their_left():
    upper, lower = [(0, 0), (0, 4), (4, 4)], [(0, 0), (4, 4), (4, 0)]
    assert filled_pixels([upper]) == {(y, x) for y in range(4) for x in range(y + 1, 4)}
    assert filled_pixels([lower]) == {(y, x) for y in range(4) for x in range(y + 1)}


# Halves and thirds put many centers on lines.
numbers = st.integers(-24, 24).map(lambda number: number / 2)
thirds = st.integers(-24, 24).map(lambda number: number / 3)


@given(
    rings=st.lists(
        st.lists(st.tuples(numbers | thirds, numbers | thirds), min_size=3, max_size=7),
        min_size=1,
        max_size=3,
    )
)
def test_pixels_are_those_that_imagej_fills(rings):
    assert filled_pixels(rings) == imagej_pixels(rings)


def test_a_thin_outline_as_long_as_no_micrograph_is_refused():
    with pytest.raises(ValueError, match="expected a particle within a micrograph"):
        fill_rings([[(0, 0), (2**31, 0), (2**31, 0.1)]])
