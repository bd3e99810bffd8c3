"""Outlines along the edges of pixels, and the pixels within outlines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from shapely.geometry import Polygon

from sklipo.particles._outlines import fill_rings, trace_pieces

masks = arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9)))


def paint(shape, mask, top, left):
    """Return an image of this shape with a mask laid on it."""
    canvas = np.zeros(shape, bool)
    canvas[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return canvas


@settings(deadline=None)
@given(mask=masks)
def test_outlines_hold_the_pixels_that_they_were_traced_around(mask):
    pieces = trace_pieces(mask)
    assert len(pieces) == ndimage.label(mask)[1]
    painted = np.zeros(mask.shape, bool)
    for piece in pieces:
        outer, *holes = piece
        polygon = Polygon(outer, holes)
        assert polygon.is_valid
        filled = paint(mask.shape, *fill_rings(piece))
        assert filled.sum() == polygon.area
        assert not (painted & filled).any()
        painted |= filled
    np.testing.assert_array_equal(painted, mask)


@settings(deadline=None)
@given(
    corners=arrays(
        float,
        st.tuples(st.integers(3, 6), st.just(2)),
        elements=st.floats(-3, 12, width=16),
    )
)
def test_pixels_whose_centers_are_in_a_polygon(corners):
    polygon = Polygon(corners)
    if not polygon.is_valid:
        return
    mask, top, left = fill_rings([corners])
    painted = paint((24, 24), mask, top + 6, left + 6)
    for row, column in np.ndindex(24, 24):
        center = Polygon([(row - 5.5, column - 5.5)] * 3).centroid
        if polygon.exterior.distance(center) > 1e-9:
            assert painted[row, column] == polygon.contains(center)


def test_outlines_between_centers_hold_no_pixel():
    assert fill_rings([])[0].shape == (0, 0)
    assert fill_rings([[[0.6, 0.6], [0.6, 1.4], [1.4, 1.4]]])[0].shape == (0, 0)


@pytest.mark.parametrize(
    ("ring", "message"),
    [
        ([[0, 0], [1, 1]], "2 points, expected three"),
        ([0, 1, 2, 3, 4, 5], r"shape \(6,\), expected two numbers"),
        ([[0, 0, 0]] * 3, r"shape \(3, 3\), expected two numbers"),
        ([["a", 0]] * 3, "has no numbers, two for each"),
        ([[0, 0], [1], [2, 2]], "has no numbers, two for each"),
        ([[0, None], [1, 2], [2, 2]], "NaN or infinite"),
        ([[0, np.nan], [1, 2], [2, 2]], "NaN or infinite"),
        ([[0, np.inf], [1, 2], [2, 2]], "NaN or infinite"),
        ([[0, 0], [1e6, 1e6], [2, 2]], r"1e\+06 x 1e\+06 pixels"),
        ([[0, 1e300], [1, 2], [2, 2]], "expected a particle within a micrograph"),
    ],
)
def test_what_is_no_outline(ring, message):
    with pytest.raises(ValueError, match=message):
        fill_rings([ring])


def test_outlines_that_are_far_apart_are_no_particle():
    square = np.array([[0, 0], [0, 2], [2, 2], [2, 0]])
    with pytest.raises(ValueError, match="100002 x 100002 pixels"):
        fill_rings([square, square + 10**5])
