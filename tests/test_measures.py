"""Each measure against an independent implementation or a closed form."""

from itertools import pairwise, product

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from skimage.draw import polygon2mask
from skimage.feature import graycomatrix, graycoprops
from skimage.filters import threshold_otsu
from skimage.measure import moments_central, perimeter_crofton, regionprops

from sklipo import measures
from sklipo.measures import Particle
from sklipo.measures.particle import ring_means

Y, X = np.mgrid[-70:71, -70:71]
RADIUS = np.hypot(X, Y)
NOISE = np.random.default_rng(0).integers(0, 256, X.shape).astype(np.uint8)


def _ellipse(a, b, angle):
    u = X * np.cos(angle) + Y * np.sin(angle)
    v = Y * np.cos(angle) - X * np.sin(angle)
    return (u / a) ** 2 + (v / b) ** 2 <= 1


MASKS = {
    "disk": RADIUS <= 30,
    "ellipse": _ellipse(50, 20, 0.5),
    "rectangle": (abs(X) < 40) & (abs(Y) < 12),
    "corner": (X > -30) & (Y > -30) & (X < 30) & (Y < 30) & ~((X > 0) & (Y > 0)),
    "ring": (RADIUS <= 30) & (RADIUS > 12),
    "two": (np.hypot(X - 30, Y) <= 15) | (np.hypot(X + 30, Y) <= 10),
    "row": (Y == 0) & (abs(X) < 9),
    "pixel": (Y == 3) & (X == 5),
    "frame": np.ones(X.shape, bool),
}
LARGE = ["disk", "ellipse", "rectangle", "corner", "ring", "two", "frame"]
every_mask = pytest.mark.parametrize("name", MASKS)
every_large_mask = pytest.mark.parametrize("name", LARGE)


def _particle(name, image=NOISE, **kwargs):
    return Particle(image, MASKS[name], **kwargs)


def _region(name):
    return regionprops(MASKS[name].astype(np.uint8), intensity_image=NOISE)[0]


@every_mask
def test_view_of_pixels(name):
    particle = _particle(name)
    padded = np.pad(MASKS[name], 1)
    exact = scipy.ndimage.distance_transform_edt(padded)[1:-1, 1:-1]
    assert_array_equal(particle.values, NOISE[MASKS[name]])
    # Both are square roots of whole numbers in double precision.
    assert_allclose(particle.depth, exact[MASKS[name]] - 0.5, rtol=1e-15)
    centroid = np.argwhere(MASKS[name]).mean(axis=0)
    distances = np.linalg.norm(np.argwhere(MASKS[name]) - centroid, axis=1)
    # The centroid comes from sums of whole numbers; the differences cancel.
    assert_allclose(particle.radii, distances, atol=1e-12)


def test_background_is_the_median_of_the_surrounding():
    particle = _particle("disk")
    # Half the radius of 30, and 2 pixels of blur along rows, columns and diagonals.
    box = (abs(X) <= 45) & (abs(Y) <= 45)
    near = scipy.ndimage.binary_dilation(MASKS["disk"], np.ones((5, 5)))
    surrounding = np.sort(NOISE[box & ~near])
    assert_array_equal(particle.surrounding, surrounding)
    assert particle.background == surrounding[len(surrounding) // 2]
    difference = NOISE[MASKS["disk"]] - particle.background
    assert_allclose(particle.contrast, np.sqrt(np.mean(difference**2)))
    # The estimate from quartiles, for uniform noise of 0 to 255: 128 / 1.349.
    assert particle.background_deviation == pytest.approx(128 / 1.349, rel=0.05)


def test_background_without_surrounding_is_the_mean():
    particle = _particle("frame")
    assert particle.background == NOISE.mean()
    assert particle.contrast == pytest.approx(NOISE.std())
    assert particle.background_deviation == 0


@every_mask
def test_area(name):
    assert measures.area(_particle(name)) == _region(name).area
    assert measures.area(_particle(name, pixel_size=0.5)) == _region(name).area / 4


@pytest.mark.parametrize("centre", [(0, 0), (0.5, 0.5), (0, 0.5), (0.3, 0.2)])
@pytest.mark.parametrize("radius", np.arange(3, 60.5, 0.5))
def test_circularity_of_a_disk(radius, centre):
    mask = (X - centre[0]) ** 2 + (Y - centre[1]) ** 2 <= radius**2
    circularity = measures.circularity(Particle(mask, mask))
    # The bar of this library; four directions are 17 % off at radius 3.
    assert abs(circularity - 1) < 0.07


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
    assert_allclose(measures.perimeter(_particle(name)), total, rtol=1e-12)


@pytest.mark.parametrize("axes", [(50, 20), (40, 35), (60, 8)])
@pytest.mark.parametrize("angle", [0, 0.3, 0.8])
def test_perimeter_near_scikit_image(axes, angle):
    mask = _ellipse(*axes, angle)
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
    particle = _particle(name, pixel_size=2.0)
    assert_allclose(measures.diameter(particle), pdist(points).max(), rtol=1e-12)
    assert measures.length(particle) == 2 * measures.diameter(particle)


@every_large_mask
def test_diameter_near_scikit_image(name):
    expected = _region(name).feret_diameter_max
    # scikit-image measures a hull of pixels, which may lack one at each end.
    assert abs(measures.diameter(_particle(name)) - expected) < 1


@every_mask
def test_maximum_width(name):
    exact = scipy.ndimage.distance_transform_edt(np.pad(MASKS[name], 1)).max()
    width = measures.maximum_width(_particle(name, pixel_size=3.0))
    assert width == pytest.approx(3 * (2 * exact - 1), rel=1e-12)


@every_mask
def test_moments(name):
    central = moments_central(np.where(MASKS[name], NOISE, 0).astype(float), order=3)
    found = measures.moments(_particle(name))
    # scikit-image's first index is that of rows. Third moments cancel: their rounding
    # is small beside that of odd powers without a sign, which these scales bound.
    size = NOISE[MASKS[name]].sum() * 140.0 ** np.array([2, 2, 3, 3])
    expected = [central[0, 2], central[2, 0], central[0, 3], central[3, 0]]
    assert_allclose(found / size, expected / size, atol=1e-13)


def test_moments_of_negative_intensities_are_those_of_a_density():
    lifted = measures.moments(_particle("corner", NOISE.astype(float)))
    lowest = NOISE[MASKS["corner"]].min()
    found = measures.moments(_particle("corner", NOISE - (lowest + 50.0)))
    reference = measures.moments(_particle("corner", NOISE - float(lowest)))
    assert_allclose(found, reference)
    assert (measures.moments(_particle("disk", NOISE * 0)) == 0).all()
    in_nm = measures.moments(_particle("corner", NOISE, pixel_size=2.0))
    assert_allclose(in_nm, lifted * [16, 16, 32, 32])


@every_large_mask
def test_shape_against_scikit_image(name):
    region, shape = _region(name), measures.shape(_particle(name, pixel_size=2.0))
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
    shape, n = measures.shape(_particle(name)), MASKS[name].sum()
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
    disk = measures.shape(_particle("disk"))
    for key in ("roundness", "feret_ratio", "inscribed_ratio", "circumscribed_ratio"):
        # The pixels' corners are half a pixel in 30 away.
        assert disk[key] == pytest.approx(1, abs=0.04)
    assert disk["ellipticity"] == pytest.approx(1, abs=1e-3)
    assert measures.shape(_particle("ellipse"))["ellipticity"] > 0.995
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
    # The area of pixels, unlike their centres, is not scaled by exactly three.
    assert_allclose(found[0], found[1], atol=0.01)
    assert (measures.outline_harmonics(_particle("pixel")) == 0).all()


@pytest.mark.parametrize("value_range", [None, (50, 180), (-10, 300)])
def test_histogram(value_range):
    values = NOISE[MASKS["disk"]]
    low, high = value_range or (values.min(), values.max())
    counts, _ = np.histogram(np.clip(values, low, high), 32, (low, high))
    found = measures.histogram(_particle("disk"), 32, value_range)
    assert_allclose(found, counts / values.size, rtol=1e-12)


@every_large_mask
def test_segmentation_variance(name):
    image = (NOISE // 2 + 100 * (X > 5)).astype(np.uint8)
    image[70:72, 70:72] = (0, 255)
    values = image[MASKS[name]]
    threshold = threshold_otsu(values)
    below, above = values[values <= threshold], values[values > threshold]
    shares = below.size * above.size / values.size**2
    expected = shares * (below.mean() - above.mean()) ** 2 / values.var()
    # Levels are those of the range inside, which need not be whole intensities.
    assert measures.segmentation_variance(_particle(name, image)) == pytest.approx(
        expected, rel=2e-3
    )


def test_segmentation_variance_of_known_images():
    noise = np.random.default_rng(0).normal(size=(300, 300))
    # Splitting a Gaussian in the middle; 256 levels of 90,000 samples.
    found = measures.segmentation_variance(Particle(noise))
    assert found == pytest.approx(2 / np.pi, rel=0.01)
    assert measures.segmentation_variance(Particle(np.full((9, 9), 0.1))) == 0
    assert measures.segmentation_variance(Particle(np.eye(4))) == pytest.approx(1)


@every_mask
def test_profiles_by_loops(name):
    particle = _particle(name, pixel_size=0.5)
    for found, distance, shift in (
        (measures.radial_profile(particle, 40), particle.radii, 0.5),
        (measures.edge_profile(particle, 40), particle.depth, 0.0),
    ):
        rings = np.floor(distance + shift)
        middles = np.unique(rings)
        means = [particle.values[rings == ring].mean() for ring in middles]
        positions = np.linspace(0, distance.max(), 40)
        expected = np.interp(positions, middles + 0.5 - shift, means)
        distances, intensities = found
        if shift == 0:
            positions, expected = -positions[::-1], expected[::-1]
        assert_allclose(distances, positions * 0.5, atol=1e-12)
        assert_allclose(intensities, expected, rtol=1e-9)


def test_profiles_of_known_images():
    distances, intensities = measures.radial_profile(_particle("disk", RADIUS), 80)
    # A ring of few pixels has its mean radius off its middle, at most half a pixel.
    assert_allclose(intensities, distances, atol=0.5)
    assert_allclose(intensities[20:-4], distances[20:-4], atol=0.15)
    distances, intensities = measures.edge_profile(_particle("disk", 30 - RADIUS), 80)
    assert distances[-1] == 0
    assert (np.diff(distances) > 0).all()
    # The outline of pixels is up to a pixel from the circle.
    assert_allclose(intensities, -distances, atol=1.0)


def test_ring_means_leave_out_empty_rings():
    found = ring_means(np.array([0.2, 0.9, 3.0]), np.array([1.0, 2.0, 5.0]))
    for values, expected in zip(found, ([0, 3], [1.5, 5], [2, 1]), strict=True):
        assert_allclose(values, expected)


@every_large_mask
def test_signal_to_noise_is_an_analysis_of_variance(name):
    image = NOISE + 5 * RADIUS
    particle = _particle(name, image)
    shells = np.floor(particle.depth)
    groups = [particle.values[shells == shell] for shell in np.unique(shells)]
    along = sum(group.size * group.var() for group in groups) / particle.values.size
    across = particle.values.var() - along
    expected = (across - along) / (across + along)
    assert measures.signal_to_noise(particle) == pytest.approx(expected, abs=1e-9)


def test_signal_to_noise_of_known_images():
    shells = np.floor(scipy.ndimage.distance_transform_edt(MASKS["disk"]) - 0.5)
    assert measures.signal_to_noise(_particle("disk", shells)) == pytest.approx(1)
    assert measures.signal_to_noise(_particle("disk")) < -0.9
    assert measures.signal_to_noise(_particle("disk", NOISE * 0 + 7)) == 0


@pytest.mark.parametrize("n_lamellae", [1, 2, 3])
@pytest.mark.parametrize("sign", [1, -1])
def test_membrane_of_a_vesicle(n_lamellae, sign):
    radii = 52 - 12 * np.arange(n_lamellae)
    lamellae = sum(np.exp(-((RADIUS - r) ** 2) / (2 * 2.0**2)) for r in radii)
    noise = np.random.default_rng(0).normal(0, 0.2, X.shape)
    vesicle = Particle(100 + 40 * sign * (lamellae + noise), RADIUS <= 60, 0.5)
    found = measures.membrane(vesicle)
    assert found["membrane_peaks"] == n_lamellae
    # Full width at half maximum of a Gaussian; smoothing and shells add 0.5 pixel.
    width = np.sqrt(8 * np.log(2)) * 2
    assert found["membrane_thickness"] == pytest.approx(0.5 * width, abs=0.5)
    assert found["membrane_depth"] == pytest.approx(0.5 * 8, abs=0.5)


def test_membrane_of_solid_and_uniform_particles():
    solid = measures.membrane(_particle("disk", np.where(MASKS["disk"], 9, 2)))
    assert solid["membrane_peaks"] == 1
    assert solid["membrane_thickness_ratio"] == pytest.approx(1, abs=0.05)
    assert solid["edge_profile_spread"] == pytest.approx(0, abs=1e-9)
    uniform = measures.membrane(_particle("disk", NOISE * 0 + 4))
    assert set(uniform.values()) == {0.0}


def test_edge_profile_spread_grows_with_one_dark_side():
    image = np.where(MASKS["disk"], 1.0, 0.0)
    spreads = [
        measures.membrane(_particle("disk", image * (1 + c * (X > 0))))
        for c in (0.0, 0.2, 0.6)
    ]
    values = [s["edge_profile_spread"] for s in spreads]
    assert values[0] < values[1] < values[2]


@pytest.mark.parametrize("order", range(1, 7))
def test_angular_harmonics_of_a_symmetric_particle(order):
    image = 1 + 0.5 * np.cos(order * np.arctan2(Y, X) + 0.3)
    particle = Particle(np.where(RADIUS <= 62, image, 0), RADIUS <= 60)
    found = measures.angular_harmonics(particle) * particle.contrast
    expected = np.zeros(7)
    expected[order - 1] = 0.5
    # Interpolation blurs the innermost ring of 4 pixels radius.
    assert_allclose(found, expected, atol=0.03)


@every_large_mask
def test_intensity_statistics(name):
    particle = _particle(name)
    values, found = particle.values, measures.intensity(particle)
    background, contrast = particle.background, particle.contrast
    assert found["intensity_skewness"] == pytest.approx(scipy.stats.skew(values))
    assert found["intensity_kurtosis"] == pytest.approx(scipy.stats.kurtosis(values))
    assert found["intensity_std"] == pytest.approx(values.std() / contrast)
    mean = (values.mean() - background) / contrast
    assert found["intensity_mean"] == pytest.approx(mean, abs=1e-12)
    for percent in (5, 25, 50, 75, 95):
        quantile = np.percentile(values, percent, method="nearest")
        # Where two values are equally near, either will do: the next of 256 levels.
        expected = (quantile - background) / contrast
        assert found[f"intensity_q{percent:02d}"] == pytest.approx(
            expected, abs=2 / contrast
        )
    rim = values[particle.depth <= 0.15 * particle.depth.max()]
    core = values[particle.depth >= 0.7 * particle.depth.max()]
    assert found["intensity_core_rim"] == pytest.approx(
        (core.mean() - rim.mean()) / contrast, abs=1e-9
    )


@every_large_mask
def test_haralick_against_scikit_image(name):
    image = scipy.ndimage.gaussian_filter(NOISE.astype(float), 1.5)
    values = image[MASKS[name]]
    levels = np.clip((image - values.mean()) / values.std() + 2, 0, None) * 4
    levels = np.where(MASKS[name], np.minimum(levels, 15), 16).astype(np.uint8)
    angles = np.arange(4) * np.pi / 4
    counts = graycomatrix(levels, [1], angles, levels=17, symmetric=True)
    counts = counts.sum(axis=3, keepdims=True)[:16, :16]
    matrix = counts / counts.sum()
    found = measures.haralick(_particle(name, image))
    for key in ("contrast", "homogeneity", "energy", "correlation"):
        assert found[key] == pytest.approx(graycoprops(matrix, key).item(), rel=1e-9)
    expected = scipy.stats.entropy(matrix.ravel())
    assert found["entropy"] == pytest.approx(expected, rel=1e-9)


def test_haralick_without_pairs():
    assert measures.haralick(_particle("pixel")) == {
        "contrast": 0,
        "homogeneity": 1,
        "energy": 1,
        "correlation": 1,
        "entropy": 0,
    }


@every_large_mask
def test_granularity_by_uniform_filters(name):
    mask, fractions = MASKS[name], (0.1, 0.3)
    particle = _particle(name)
    values = NOISE[mask].astype(float)
    image = np.where(mask, (NOISE - values.mean()) / values.std(), 0)
    images = [image]
    for fraction in fractions:
        side = 2 * max(round(fraction * particle.deepest), 1) + 1
        images.append(scipy.ndimage.uniform_filter(image, side, mode="constant"))
    images.append(np.zeros(mask.shape))
    expected = [np.mean((a - b)[mask] ** 2) for a, b in pairwise(images)]
    # Averages are taken in single precision.
    assert_allclose(measures.granularity(particle, fractions), expected, rtol=1e-4)


@given(st.integers(1, 60), st.floats(0.1, 10))
def test_lengths_and_areas_follow_the_pixel_size(radius, pixel_size):
    mask = RADIUS <= radius
    in_px, in_nm = Particle(mask, mask), Particle(mask, mask, pixel_size)
    for measure in (measures.perimeter, measures.maximum_width, measures.length):
        assert measure(in_nm) == pytest.approx(measure(in_px) * pixel_size)
    assert measures.area(in_nm) == pytest.approx(measures.area(in_px) * pixel_size**2)
    assert measures.diameter(in_nm) == measures.diameter(in_px)
    assert measures.circularity(in_nm) == measures.circularity(in_px)
