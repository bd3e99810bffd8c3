"""View, size and shape against independent implementations or closed forms."""

from itertools import product

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from measure_cases import (
    MASKS,
    NOISE,
    RADIUS,
    X,
    Y,
    draw_ellipse,
    every_large_mask,
    every_mask,
    find_region,
    make_particle,
)
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from skimage.draw import polygon2mask
from skimage.measure import moments_central, perimeter_crofton

from sklipo import measures
from sklipo.measures import Particle


@every_mask
def test_view_of_pixels(name):
    particle = make_particle(name)
    padded = np.pad(MASKS[name], 1)
    exact = scipy.ndimage.distance_transform_edt(padded)[1:-1, 1:-1]
    assert_array_equal(particle.intensities.values, NOISE[MASKS[name]])
    # Both are square roots of whole numbers in double precision.
    assert_allclose(particle.geometry.depth, exact[MASKS[name]] - 0.5, rtol=1e-15)
    centroid = np.argwhere(MASKS[name]).mean(axis=0)
    distances = np.linalg.norm(np.argwhere(MASKS[name]) - centroid, axis=1)
    # The centroid comes from sums of whole numbers; the differences cancel.
    assert_allclose(np.sqrt(particle.geometry.squared_radii), distances, atol=1e-12)


def test_background_is_the_median_of_the_surrounding():
    particle = make_particle("disk")
    # A quarter of the radius of 30, and 2 pixels along rows, columns and diagonals.
    box = (abs(X) <= 37) & (abs(Y) <= 37)
    near = scipy.ndimage.binary_dilation(MASKS["disk"], np.ones((5, 5)))
    surrounding = np.sort(NOISE[box & ~near])
    found = particle.intensities
    assert_array_equal(found.surrounding.at(np.arange(2300)), surrounding)
    assert found.background == surrounding[len(surrounding) // 2]
    difference = NOISE[MASKS["disk"]] - found.background
    assert_allclose(found.contrast, np.sqrt(np.mean(difference**2)))
    # The estimate from quartiles, for uniform noise of 0 to 255: 128 / 1.349.
    assert found.background_deviation == pytest.approx(128 / 1.349, rel=0.1)


def test_background_without_surrounding_is_the_mean():
    found = make_particle("frame").intensities
    assert found.background == NOISE.mean()
    assert found.contrast == pytest.approx(NOISE.std())
    assert found.background_deviation == 0


def test_background_beside_a_narrow_margin_is_all_that_lies_outside():
    image, mask = np.arange(36.0).reshape(6, 6), np.ones((6, 6), bool)
    mask[:, 4:] = False
    outside = np.sort(image[:, 4:], axis=None)
    assert Particle(image, mask).intensities.background == outside[6]


INTENSITIES = [
    name for name in vars(measures.Intensities) if not name.startswith("_")
] + ["pixels", "levels", "surrounding"]


@pytest.mark.parametrize("attribute", INTENSITIES)
@pytest.mark.parametrize("image", [NOISE, NOISE * 0.37 - 5])
def test_normalized_has_all_that_a_relative_image_has(image, attribute):
    particle = make_particle("corner", image)
    before = particle.intensities
    for name in INTENSITIES:  # nothing that was computed may come along
        getattr(before, name)
    relative = (image - before.background) / before.contrast
    expected = getattr(make_particle("corner", relative).intensities, attribute)
    normalized = particle.normalized()
    found = getattr(normalized.intensities, attribute)
    if "levels" in attribute or attribute == "surrounding":
        found, expected = (x.at(np.arange(x.size)) for x in (found, expected))
    # Gray levels of order 1, which are scaled once or twice.
    assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert normalized.geometry is particle.geometry


@every_mask
def test_area(name):
    assert measures.area(make_particle(name)) == find_region(name).area
    assert (
        measures.area(make_particle(name, pixel_size=0.5)) == find_region(name).area / 4
    )


@pytest.mark.parametrize("center", [(0, 0), (0.5, 0.5), (0, 0.5), (0.3, 0.2)])
@pytest.mark.parametrize("radius", np.arange(3, 60.5, 0.5))
def test_circularity_of_a_disk(radius, center):
    mask = (X - center[0]) ** 2 + (Y - center[1]) ** 2 <= radius**2
    circularity = measures.circularity(Particle(mask, mask))
    # The bar of this library; four directions are 17 % off at radius 3.
    assert abs(circularity - 1) < 0.07


def test_circularity_of_a_square_depends_on_its_turn():
    # As its documentation says, in place of pi / 4: errors of six directions.
    square = np.ones((100, 100), bool)
    y, x = np.mgrid[-80:81, -80:81]
    diamond = np.abs(x) + np.abs(y) <= 71
    found = [measures.circularity(Particle(mask, mask)) for mask in (square, diamond)]
    assert_allclose(found, [0.84, 0.75], atol=0.006)


@every_mask
def test_perimeter_counts_crossings(name):
    padded = np.pad(MASKS[name].astype(int), 2)
    steps = [(1, 0), (0, 1), (2, 1), (1, 2), (2, -1), (1, -2)]
    angles = np.sort([np.arctan2(dy, dx) % np.pi for dy, dx in steps])
    gaps = np.diff([*angles, angles[0] + np.pi])
    weights = dict(zip(angles, (gaps + np.roll(gaps, 1)) / 2, strict=True))
    total = 0.0
    for dy, dx in steps:
        moved = np.roll(padded, (dy, dx), axis=(0, 1))
        crossings = np.abs(moved - padded).sum()
        total += weights[np.arctan2(dy, dx) % np.pi] * crossings / np.hypot(dy, dx) / 2
    assert_allclose(measures.perimeter(make_particle(name)), total, rtol=1e-12)


@pytest.mark.parametrize("axes", [(50, 20), (40, 35), (60, 8)])
@pytest.mark.parametrize("angle", [0, 0.3, 0.8])
def test_perimeter_near_scikit_image(axes, angle):
    mask = draw_ellipse(*axes, angle)
    # Four directions are up to 5 % off for straight outlines, six up to 2 %.
    expected = perimeter_crofton(mask, directions=4)
    assert measures.perimeter(Particle(mask, mask)) == pytest.approx(expected, rel=0.07)


@every_mask
def test_diameter_is_the_longest_chord(name):
    pixels = np.argwhere(MASKS[name])
    if len(pixels) > 3:
        pixels = pixels[ConvexHull(pixels).vertices] if name != "row" else pixels
    middles = np.array([(0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)])
    points = (pixels[:, np.newaxis] + middles).reshape(-1, 2)
    particle = make_particle(name, pixel_size=2.0)
    assert_allclose(measures.diameter(particle), pdist(points).max(), rtol=1e-12)
    assert measures.length(particle) == 2 * measures.diameter(particle)


@every_large_mask
def test_diameter_near_scikit_image(name):
    expected = find_region(name).feret_diameter_max
    # scikit-image measures a hull of pixels, which may lack one at each end.
    assert abs(measures.diameter(make_particle(name)) - expected) < 1


@every_mask
def test_maximum_width(name):
    exact = scipy.ndimage.distance_transform_edt(np.pad(MASKS[name], 1)).max()
    width = measures.maximum_width(make_particle(name, pixel_size=3.0))
    assert width == pytest.approx(3 * (2 * exact - 1), rel=1e-12)


@every_mask
def test_moments(name):
    central = moments_central(np.where(MASKS[name], NOISE, 0).astype(float), order=3)
    found = measures.moments(make_particle(name))
    # scikit-image's first index is that of rows. Third moments cancel: their rounding
    # is small beside that of odd powers without a sign, which these scales bound.
    size = NOISE[MASKS[name]].sum() * 140.0 ** np.array([2, 2, 3, 3])
    expected = [central[0, 2], central[2, 0], central[0, 3], central[3, 0]]
    assert_allclose(found / size, expected / size, atol=1e-13)


def test_moments_of_negative_intensities_are_those_of_a_density():
    lifted = measures.moments(make_particle("corner", NOISE.astype(float)))
    lowest = NOISE[MASKS["corner"]].min()
    found = measures.moments(make_particle("corner", NOISE - (lowest + 50.0)))
    reference = measures.moments(make_particle("corner", NOISE - float(lowest)))
    assert_allclose(found, reference)
    assert (measures.moments(make_particle("disk", NOISE * 0)) == 0).all()
    in_nm = measures.moments(make_particle("corner", NOISE, pixel_size=2.0))
    assert_allclose(in_nm, lifted * [16, 16, 32, 32])


@every_large_mask
def test_shape_against_scikit_image(name):
    region, shape = (
        find_region(name),
        measures.shape(make_particle(name, pixel_size=2.0)),
    )
    diameter = 2 * region.equivalent_diameter_area
    assert shape["equivalent_diameter_area"] == pytest.approx(diameter)
    # scikit-image's pixels are points; squares of side 1 add a variance of 1 / 12.
    axes = np.array([region.axis_major_length, region.axis_minor_length])
    axes = np.sqrt(axes**2 + 16 / 12)
    assert_allclose(shape["axis_major_length"], 2 * axes[0], rtol=1e-9)
    assert_allclose(shape["axis_minor_length"], 2 * axes[1], rtol=1e-9)
    assert_allclose(shape["aspect_ratio"], axes[1] / axes[0], rtol=1e-9)
    # The root of a difference that vanishes where both axes are alike.
    eccentricity = np.sqrt(1 - (axes[1] / axes[0]) ** 2)
    assert_allclose(shape["eccentricity"], eccentricity, atol=1e-6)


@every_mask
def test_shape_of_hull(name):
    shape, n = measures.shape(make_particle(name)), MASKS[name].sum()
    corners = np.array(list(product((-0.5, 0.5), repeat=2)))
    points = (np.argwhere(MASKS[name])[:, np.newaxis] + corners).reshape(-1, 2)
    hull = ConvexHull(points)
    assert_allclose(shape["solidity"], n / hull.volume, rtol=1e-9)
    angles = np.linspace(0, np.pi / 2, 1801)
    normals = np.array([np.cos(angles), np.sin(angles)])
    widths = np.ptp(points[hull.vertices] @ normals, axis=0)
    lengths = np.ptp(points[hull.vertices] @ (normals[::-1] * [[-1], [1]]), axis=0)
    # The exact angle lies between those tried, a twentieth of a degree apart.
    extent = min(widths.min(), lengths.min())
    assert_allclose(shape["feret_diameter_min"], extent, rtol=5e-3)
    rectangle = (widths * lengths).min()
    assert_allclose(shape["rectangularity"], n / rectangle, rtol=5e-3)
    assert shape["solidity"] <= 1 + 1e-12
    assert shape["rectangularity"] <= 1 + 1e-12


def test_shape_of_a_disk_and_a_triangle():
    disk = measures.shape(make_particle("disk"))
    for key in ("roundness", "feret_ratio", "inscribed_ratio", "circumscribed_ratio"):
        # The pixels' corners are half a pixel in 30 away.
        assert disk[key] == pytest.approx(1, abs=0.04)
    assert disk["ellipticity"] == pytest.approx(1, abs=1e-3)
    assert measures.shape(make_particle("ellipse"))["ellipticity"] > 0.995
    triangle = polygon2mask((141, 141), [(10, 10), (130, 20), (60, 130)])
    # Rosin's value of any triangle; its edges are pixels.
    expected = 27 / (4 * np.pi**2)
    found = measures.shape(Particle(triangle, triangle))["ellipticity"]
    assert found == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("n_corners", [3, 4, 6])
def test_outline_harmonics_of_a_polygon(n_corners):
    angles = 0.2 + 2 * np.pi * np.arange(n_corners) / n_corners
    corners = 500 + 480 * np.column_stack([np.sin(angles), np.cos(angles)])
    polygon = polygon2mask((1000, 1000), corners)
    found = measures.outline_harmonics(Particle(polygon, polygon))
    orders = np.array([*range(-8, -1), *range(2, 9)])
    expected = np.where((orders - 1) % n_corners == 0, 1 / orders**2, 0)
    # The outline is a staircase of pixels, longer in some directions than others.
    assert_allclose(found, expected, atol=0.015)


def test_outline_harmonics_ignore_elongation():
    square = np.ones((60, 60), bool)
    rectangle = np.ones((60, 180), bool)
    found = [measures.outline_harmonics(Particle(m, m)) for m in (square, rectangle)]
    # The area of pixels, unlike their centers, is not scaled by exactly three.
    assert_allclose(found[0], found[1], atol=0.01)
    assert (measures.outline_harmonics(make_particle("pixel")) == 0).all()


@given(st.integers(1, 60), st.floats(0.1, 10))
def test_lengths_and_areas_follow_the_pixel_size(radius, pixel_size):
    mask = RADIUS <= radius
    in_px, in_nm = Particle(mask, mask), Particle(mask, mask, pixel_size)
    for measure in (measures.perimeter, measures.maximum_width, measures.length):
        assert measure(in_nm) == pytest.approx(measure(in_px) * pixel_size)
    assert measures.area(in_nm) == pytest.approx(measures.area(in_px) * pixel_size**2)
    assert measures.diameter(in_nm) == measures.diameter(in_px)
    assert measures.circularity(in_nm) == measures.circularity(in_px)
