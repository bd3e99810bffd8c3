"""Which pixels an outline holds, by ImageJ's rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outline_cases import filled_pixels, imagej_pixels

from sklipo.particles._outlines import fill_rings


def filled(rings):
    return filled_pixels(*fill_rings(rings))


def test_centers_on_a_line_belong_to_the_pixels_above_and_left_of_it():
    ring = [(0.5, 0.5), (0.5, 3.5), (2.5, 3.5), (2.5, 0.5)]
    assert filled([ring]) == {(y, x) for y in (1, 2) for x in (1, 2, 3)}


def test_diagonals_belong_to_the_polygon_on_their_left():
    upper, lower = [(0, 0), (0, 4), (4, 4)], [(0, 0), (4, 4), (4, 0)]
    assert filled([upper]) == {(y, x) for y in range(4) for x in range(y + 1, 4)}
    assert filled([lower]) == {(y, x) for y in range(4) for x in range(y + 1)}


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
    assert filled(rings) == imagej_pixels(rings)


def test_a_thin_outline_as_long_as_no_micrograph_is_refused():
    with pytest.raises(ValueError, match="expected a particle within a micrograph"):
        fill_rings([[(0, 0), (2**31, 0), (2**31, 0.1)]])
