"""All features of section 3 of the thesis: ParticleFeatures, and SciPy by hand."""

import numpy as np
from scipy.ndimage import distance_transform_edt
from skimage.measure import moments_central, regionprops

from benchmarks._particles import draw_particles
from benchmarks._timing import compare
from sklipo import ParticleFeatures

N_DRAWN, N_PARTICLES = 600, 2400
N_POINTS, N_BINS, WHITE = 80, 32, 255
GROUPS = [
    "maximum_width",
    "diameter",
    "length",
    "histogram",
    "moments",
    "radial_profile",
    "edge_profile",
    "signal_to_noise",
]


def main():
    rows = np.resize(np.arange(N_DRAWN), N_PARTICLES)
    particles = draw_particles(N_DRAWN)[["image", "mask", "pixel_size"]].iloc[rows]
    raw = ParticleFeatures(GROUPS, intensity="none").fit(particles)
    relative = ParticleFeatures(GROUPS).fit(particles)
    threads = ParticleFeatures(GROUPS, intensity="none", n_jobs=2).fit(particles)
    check(raw, particles)
    rows = list(particles.itertuples(index=False, name=None))
    ways = {
        "by hand": lambda: [measure_by_hand(*row) for row in rows],
        "sklipo": lambda: raw.transform(particles),
        "sklipo, relative to the background": lambda: relative.transform(particles),
        "sklipo, n_jobs=2": lambda: threads.transform(particles),
    }
    compare(
        f"Features of section 3, {N_PARTICLES} particles, each",
        ways,
        n_items=N_PARTICLES,
        unit="us",
    )


def measure_by_hand(image, mask, pixel_size):
    """Return the features of one particle, as one writes them with scikit-image."""
    region = regionprops(mask.view(np.uint8), image)[0]
    inside, pixels = region.image, region.image_intensity
    values = pixels[inside].astype(float)
    depths = distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1][inside] - 0.5
    y, x = np.nonzero(inside)
    radii = np.hypot(y - y.mean(), x - x.mean())
    diameter = region.feret_diameter_max
    histogram, _ = np.histogram(values, N_BINS, (0, WHITE))
    moments = moments_central(pixels.astype(float), order=3)
    shells, means, sizes = ring_means(depths, values)
    rings, ring_values, _ = ring_means(radii + 0.5, values)
    positions = np.linspace(0, 1, N_POINTS)
    across = sizes @ (means - values.mean()) ** 2 / values.size
    return [
        2 * depths.max() * pixel_size,
        diameter,
        diameter * pixel_size,
        *histogram / values.size,
        *(moments[[0, 2, 0, 3], [2, 0, 3, 0]] * pixel_size ** np.array([4, 4, 5, 5])),
        *np.interp(positions * radii.max(), rings, ring_values),
        *np.interp(positions[::-1] * depths.max(), shells + 0.5, means),
        2 * across / values.var() - 1,
    ]


def ring_means(distances, values):
    """Return the whole number, mean and size of the rings that hold pixels."""
    rings = distances.astype(int)
    sizes = np.bincount(rings)
    filled = np.flatnonzero(sizes)
    return filled, np.bincount(rings, values)[filled] / sizes[filled], sizes[filled]


def check(measure, particles):
    """Raise an error unless both ways agree."""
    measure.intensity_range_ = (0, WHITE)
    by_hand = [measure_by_hand(*row) for row in particles.itertuples(index=False)]
    is_diameter = np.isin(measure.get_feature_names_out(), ["diameter", "length"])
    found, expected = measure.transform(particles), np.array(by_hand)
    np.testing.assert_allclose(found[:, ~is_diameter], expected[:, ~is_diameter], 1e-6)
    # scikit-image measures the diameter from a hull of pixels, up to a pixel less.
    np.testing.assert_allclose(found[:, is_diameter], expected[:, is_diameter], 0.02)
