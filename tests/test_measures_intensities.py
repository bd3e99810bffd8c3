"""Profiles and intensities against other implementations or closed forms."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
from measure_cases import (
    MASKS,
    NOISE,
    RADIUS,
    X,
    Y,
    every_large_mask,
    every_mask,
    make_particle,
)
from numpy.testing import assert_allclose, assert_array_equal
from skimage.feature import graycomatrix, graycoprops
from skimage.filters import threshold_otsu

from sklipo import measures
from sklipo.measures import Particle
from sklipo.measures._levels import Levels
from sklipo.measures._rings import Rings


@pytest.mark.parametrize("value_range", [None, (50, 180), (-10, 300)])
def test_histogram(value_range):
    values = NOISE[MASKS["disk"]]
    low, high = value_range or (values.min(), values.max())
    counts, _ = np.histogram(np.clip(values, low, high), 32, (low, high))
    found = measures.histogram(make_particle("disk"), 32, value_range)
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
    assert measures.segmentation_variance(make_particle(name, image)) == pytest.approx(
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
    particle = make_particle(name, pixel_size=0.5)
    for found, distance, shift in (
        (
            measures.radial_profile(particle, 40),
            particle.geometry.squared_radii**0.5,
            0.5,
        ),
        (measures.edge_profile(particle, 40), particle.geometry.depth, 0.0),
    ):
        rings = np.floor(distance + shift)
        middles = np.unique(rings)
        means = [particle.intensities.values[rings == ring].mean() for ring in middles]
        positions = np.linspace(0, distance.max(), 40)
        expected = np.interp(positions, middles + 0.5 - shift, means)
        distances, intensities = found
        if shift == 0:
            positions, expected = -positions[::-1], expected[::-1]
        assert_allclose(distances, positions * 0.5, atol=1e-12)
        assert_allclose(intensities, expected, rtol=1e-9)


def test_profiles_of_known_images():
    distances, intensities = measures.radial_profile(make_particle("disk", RADIUS), 80)
    # A ring of few pixels has its mean radius off its middle, at most half a pixel.
    assert_allclose(intensities, distances, atol=0.5)
    assert_allclose(intensities[20:-4], distances[20:-4], atol=0.15)
    distances, intensities = measures.edge_profile(
        make_particle("disk", 30 - RADIUS), 80
    )
    assert distances[-1] == 0
    assert (np.diff(distances) > 0).all()
    # The outline of pixels is up to a pixel from the circle.
    assert_allclose(intensities, -distances, atol=1.0)


def test_rings_leave_out_empty_ones():
    rings = Rings(np.array([1, 2, 9, 0]))
    assert_array_equal(rings.numbers, [0, 1, 3])
    assert_array_equal(rings.sizes, [1, 2, 1])
    assert_allclose(rings.average(np.array([1.0, 2.0, 5.0, 4.0])), [4, 1.5, 5])


def test_rings_of_a_long_strip_take_no_more_memory_than_its_pixels():
    distances = np.arange(0, 10**7, 997)
    rings = Rings(distances**2)
    assert_array_equal(rings.numbers, distances)
    assert_array_equal(rings.sizes, 1)
    assert_array_equal(rings.average(distances / 2), distances / 2)
    # Halfway between two rings: the square of 2.5 is 6.25, of which 7 is kept.
    assert_array_equal(Rings(np.array([6, 7, 10**9])).numbers[:2], [2, 3])


@every_large_mask
def test_signal_to_noise_is_an_analysis_of_variance(name):
    image = NOISE + 5 * RADIUS
    particle = make_particle(name, image)
    shells = np.floor(particle.geometry.depth)
    values = particle.intensities.values
    groups = [values[shells == shell] for shell in np.unique(shells)]
    along = sum(group.size * group.var() for group in groups) / values.size
    across = values.var() - along
    expected = (across - along) / (across + along)
    assert measures.signal_to_noise(particle) == pytest.approx(expected, abs=1e-9)


def test_signal_to_noise_of_known_images():
    shells = np.floor(scipy.ndimage.distance_transform_edt(MASKS["disk"]) - 0.5)
    assert measures.signal_to_noise(make_particle("disk", shells)) == pytest.approx(1)
    assert measures.signal_to_noise(make_particle("disk")) < -0.9
    assert measures.signal_to_noise(make_particle("disk", NOISE * 0 + 7)) == 0


def test_edge_profile_spread_of_solid_and_uniform_particles():
    solid = make_particle("disk", np.where(MASKS["disk"], 9, 2))
    assert measures.edge_profile_spread(solid) == pytest.approx(0, abs=1e-9)
    assert measures.edge_profile_spread(make_particle("disk", NOISE * 0 + 4)) == 0


def test_edge_profile_spread_grows_with_one_dark_side():
    image = np.where(MASKS["disk"], 1.0, 0.0)
    spreads = [
        measures.edge_profile_spread(make_particle("disk", image * (1 + c * (X > 0))))
        for c in (0.0, 0.2, 0.6)
    ]
    assert spreads[0] < spreads[1] < spreads[2]


@pytest.mark.parametrize("order", range(1, 7))
def test_angular_harmonics_of_a_symmetricparticle(order):
    image = 1 + 0.5 * np.cos(order * np.arctan2(Y, X) + 0.3)
    particle = Particle(np.where(RADIUS <= 62, image, 0), RADIUS <= 60)
    found = measures.angular_harmonics(particle) * particle.intensities.contrast
    expected = np.zeros(7)
    expected[order - 1] = 0.5
    # Interpolation blurs the innermost ring of 4 pixels radius.
    assert_allclose(found, expected, atol=0.03)


@every_large_mask
def test_intensity_statistics(name):
    particle = make_particle(name)
    intensities, found = particle.intensities, measures.intensity(particle)
    values, background = intensities.values, intensities.background
    contrast = intensities.contrast
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
    depth = particle.geometry.depth
    rim = values[depth <= 0.15 * depth.max()]
    core = values[depth >= 0.7 * depth.max()]
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
    found = measures.haralick(make_particle(name, image))
    for key in ("contrast", "homogeneity", "energy", "correlation"):
        assert found[key] == pytest.approx(graycoprops(matrix, key).item(), rel=1e-9)
    expected = scipy.stats.entropy(matrix.ravel())
    assert found["entropy"] == pytest.approx(expected, rel=1e-9)


def test_haralick_without_pairs():
    assert measures.haralick(make_particle("pixel")) == {
        "contrast": 0,
        "homogeneity": 1,
        "energy": 1,
        "correlation": 1,
        "entropy": 0,
    }


@every_large_mask
def test_granularity_by_uniform_filters(name):
    mask, fractions = MASKS[name], (0.1, 0.3)
    particle = make_particle(name)
    values = NOISE[mask].astype(float)
    image = np.where(mask, (NOISE - values.mean()) / values.std(), 0)
    images = [image]
    for fraction in fractions:
        side = 2 * max(round(fraction * particle.geometry.deepest), 1) + 1
        images.append(scipy.ndimage.uniform_filter(image, side, mode="constant"))
    images.append(np.zeros(mask.shape))
    expected = [np.mean((a - b)[mask] ** 2) for a, b in pairwise(images)]
    # Averages are taken in single precision.
    assert_allclose(measures.granularity(particle, fractions), expected, rtol=1e-4)


def flat_particle(level, background, dtype, noise=0):
    """Return a particle of 60 pixels inside, with steps of noise up to 2."""
    mask = np.zeros((30, 30), bool)
    mask[12:18, 10:20] = True
    steps = np.random.default_rng(0).integers(0, 3, mask.shape)
    image = np.where(
        mask, np.array(level).astype(dtype), np.array(background).astype(dtype)
    )
    return Particle((image + noise * steps).astype(dtype), mask)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("level", [0.7, 0.1, 1e6 + 0.1, -3.3, 1e-30, 1e-200, 1e200])
def test_uniform_particles_have_no_texture_on_any_level(level, dtype):
    if not float(np.finfo(dtype).tiny) < abs(level) < float(np.finfo(dtype).max):
        pytest.skip("no number of this type")
    for background in (level, 2 * level):
        particle = flat_particle(level, background, dtype)
        spacing = float(np.spacing(np.array(level, dtype)))
        rounded = flat_particle(level, background, dtype, noise=spacing / 2)
        for one in (particle, particle.normalized(), rounded, rounded.normalized()):
            assert np.isinf(one.intensities.deviation)
            assert measures.segmentation_variance(one) == 0
            assert measures.histogram(one)[0] == 1
            assert not measures.granularity(one).any()
            assert measures.haralick(one)["energy"] == 1
            assert measures.intensity(one)["intensity_kurtosis"] == 0


@pytest.mark.parametrize(
    ("level", "step", "dtype"),
    [
        (0.7, 1e-6, "f4"),
        (0.7, 1e-12, "f8"),
        (1e6, 1, "f4"),
        (1e6, 1e-6, "f8"),
        (1e200, 1e190, "f8"),
        (1e-200, 1e-210, "f8"),
        (2.0**45, 1, "i8"),
        (2.0**45, 1, "u8"),
        (4e9, 1, "u4"),
        (100, 1, "u1"),
    ],
)
def test_texture_does_not_depend_on_the_level(level, step, dtype):
    expected = flat_particle(0, 0, "f8", noise=1)
    particle = flat_particle(level, level, dtype, noise=np.array(step).astype(dtype))
    for one, other in [
        (particle, expected),
        (particle.normalized(), expected.normalized()),
    ]:
        # What is added to a level of 0.7 or 1e6 is rounded to its precision.
        for measure in (
            measures.granularity,
            measures.segmentation_variance,
            measures.signal_to_noise,
        ):
            assert_allclose(measure(one), measure(other), rtol=0.05, atol=1e-3)
        for name, value in measures.haralick(other).items():
            assert_allclose(measures.haralick(one)[name], value, rtol=0.05)


def test_levels_of_large_integers_are_exact():
    for low in (2**63, 2**64 - 4):
        levels = Levels.of(np.array([low, low + 3, low, low], np.uint64))
        assert_array_equal(levels.counts, [3, 0, 0, 1])
    levels = Levels.of(np.array([-128] * 200 + [127] * 100, np.int8))
    assert (levels.values[0], levels.values[-1]) == (-128, 127)
    assert (levels.counts[0], levels.counts[-1]) == (200, 100)


@pytest.mark.parametrize("measure", [measures.segmentation_variance, measures.haralick])
def test_rounding_moves_no_value_from_level_to_level(measure):
    # Gray n of 0 to 255 is the edge of level n, and two halves of a particle are one
    # deviation from its mean: at level 4 or 12.
    grays = np.arange(256).reshape(16, 16)
    for image in (grays, grays**2 // 255, np.where(grays % 2, 7, 2)):
        expected = measure(Particle(image.astype(float)))
        for gain in (0.1, 1 / 3, 7.7):
            found = measure(Particle(gain * (image - 0.3)))
            assert found == pytest.approx(expected, rel=1e-9)
