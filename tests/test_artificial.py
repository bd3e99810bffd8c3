from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from resampling_cases import MARGIN, make_coded, make_real, radii
from scipy.stats import ks_2samp

from sklipo import ImageArray, NormalizeBackground
from sklipo.artificial._backgrounds import clear_particle, lay_background, mirrored
from sklipo.artificial._cutouts import Cutout
from sklipo.datasets import load_particles, make_liposomes
from sklipo.resampling import ArtificialOverSampler

EMPS = Path(__file__).resolve().parents[2] / "shared/data/emps_cutouts/particles.csv"
needs_emps = pytest.mark.skipif(
    not EMPS.exists(), reason="needs ../shared/data/emps_cutouts"
)


@pytest.fixture(scope="module")
def large_real():
    return make_real(150, (3, 1, 1))


@pytest.fixture(scope="module", params=["recombine", "draw"])
def made(request, large_real):
    """Return real particles and artificial ones of the same classes, by method."""
    sampler = ArtificialOverSampler(method=request.param, random_state=0)
    resampled, _ = sampler.fit_resample(large_real, large_real["label"])
    new = resampled.iloc[len(large_real) :]
    return large_real[large_real["label"] != "unilamellar"], new


def pooled(particles, inside, n=200):
    """Return as many gray values of each particle, from within or outside its mask."""
    rng = np.random.default_rng(0)
    return np.concatenate(
        [
            rng.choice(image[mask if inside else ~mask], n)
            for image, mask in zip(particles["image"], particles["mask"], strict=True)
        ]
    )


def edge_contrast(particles):
    """Return the median gradient within 5 px around masks, in background deviations."""
    contrasts = []
    for image, mask in zip(particles["image"], particles["mask"], strict=True):
        smooth = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1)
        gradient = np.hypot(*np.gradient(smooth))
        distance = cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, 5)
        near = (distance > 0) & (distance <= 5)
        contrasts.append(gradient[near].mean() / image[~mask].std())
    return np.median(contrasts)


def test_gray_values_match_those_of_real_particles(made):
    particles, new = made
    unfitted = make_liposomes(60, weights=[0, 1, 1], random_state=1)
    for label in ("multilamellar", "uncertain"):
        real, fitted, other = (
            t[t["label"] == label] for t in (particles, new, unfitted)
        )
        for inside in (True, False):
            values = pooled(real, inside)
            distance = ks_2samp(values, pooled(fitted, inside)).statistic
            # Backgrounds change, and contrasts by 10 %: 0.01 to 0.10 were seen for
            # four seeds. Unfitted liposomes are at 0.7 and more.
            assert distance < 0.12
            assert distance < 0.3 * ks_2samp(values, pooled(other, inside)).statistic


def test_a_drawing_has_the_quantiles_of_the_particle_it_is_made_after():
    real = NormalizeBackground().fit_transform(make_real())
    sampler = ArtificialOverSampler(
        method="draw", sampling_strategy={"multilamellar": 29}, jitter=0, random_state=0
    )
    resampled, _ = sampler.fit_resample(real, real["label"])
    quantiles = np.array(
        [
            np.quantile(image[mask], [0.05, 0.25, 0.5, 0.75, 0.95])
            for image, mask in zip(resampled["image"], resampled["mask"], strict=True)
        ]
    )
    new, sources = np.arange(60, 80), sampler.sample_indices_[60:]
    units = [resampled["image"][i][~resampled["mask"][i]].std() for i in new]
    errors = quantiles[new] / np.array(units)[:, None] - quantiles[sources]
    # In deviations of the background, which what overlaps the mask adds to in a few
    # drawings: 0.10 was seen, and 0.58 without the matching of quantiles.
    assert np.median(np.abs(errors).max(axis=1)) < 0.2


def test_sizes_match_those_of_real_particles(made):
    particles, new = made
    for label in ("multilamellar", "uncertain"):
        quantiles = [
            np.quantile(
                radii(table[table["label"] == label]), [0.1, 0.25, 0.5, 0.75, 0.9]
            )
            for table in (particles, new)
        ]
        # Each radius occurs twice; a drawn outline is cut at whole pixels.
        np.testing.assert_allclose(*quantiles, rtol=0.03)


def test_masks_fit_images_and_keep_the_margins(made, large_real):
    _, new = made
    assert new["mask"].array.pixel_dtype.kind == "b"
    np.testing.assert_array_equal(new["mask"].array.shapes, new["image"].array.shapes)
    expected = {((MARGIN, MARGIN), (MARGIN, MARGIN))}
    assert {
        Cutout(image, mask).margins
        for table in (new, large_real)
        for image, mask in zip(table["image"], table["mask"], strict=True)
    } == expected


def test_there_is_no_seam_around_the_mask(made):
    for label in ("multilamellar", "uncertain"):
        real, fitted = (t[t["label"] == label] for t in made)
        ratio = edge_contrast(fitted) / edge_contrast(real)
        assert 0.8 < ratio < 1.25


def test_the_background_is_that_of_another_particle():
    particles = make_coded()
    y = np.array([0, 0, 0, 0, 0, 1])
    sampler = ArtificialOverSampler(random_state=0)
    resampled, _ = sampler.fit_resample(particles, y)
    surroundings = [
        image[~mask]
        for image, mask in zip(particles["image"], particles["mask"], strict=True)
    ]
    for image, mask in resampled.iloc[len(y) :].itertuples(index=False):
        wide = cv2.dilate(mask.view(np.uint8), np.ones((9, 9))).view(bool)
        sources = [np.isin(image[~wide], values).all() for values in surroundings]
        assert sources.count(True) == 1
        assert sources[5] is np.False_


@pytest.mark.parametrize("turn", [False, True])
def test_contrast_is_kept_in_units_of_the_background(turn):
    particles = make_coded()
    y = np.array([0, 0, 0, 0, 0, 1])
    sampler = ArtificialOverSampler(jitter=0, turn=turn, feather=0, random_state=0)
    resampled, _ = sampler.fit_resample(particles, y)
    normalized = NormalizeBackground().fit_transform(resampled)
    expected = np.sort(normalized["image"][5][particles["mask"][5]])
    for image, mask in normalized.iloc[len(y) :].itertuples(index=False):
        if not turn:
            np.testing.assert_array_equal(mask, particles["mask"][5])
        # double precision, through two normalizations
        np.testing.assert_allclose(np.sort(image[mask]), expected, rtol=1e-9)


def test_jitter_changes_the_contrast_within_its_range():
    particles = make_coded()
    y = np.array([0, 0, 0, 0, 0, 1])
    sampler = ArtificialOverSampler(
        sampling_strategy={1: 60, 0: 60}, jitter=0.2, feather=0, random_state=0
    )
    resampled, y = sampler.fit_resample(particles, y)
    normalized = NormalizeBackground().fit_transform(resampled)
    contrasts = np.array(
        [image[mask].mean() for image, mask in normalized.itertuples(index=False)]
    )
    gains = contrasts[6:] / contrasts[sampler.sample_indices_[6:]]
    # 114 uniform draws leave 0.005 free at either end but once in 4 seeds; 0.02 never.
    assert 0.8 <= gains.min() < 0.82
    assert 1.18 < gains.max() <= 1.2


def test_contrast_is_lessened_where_integer_pixels_have_no_room():
    rng = np.random.default_rng(0)
    images = [rng.normal(150, 1 + 9 * i, (40, 40)) for i in range(4)]
    mask = np.zeros((40, 40), bool)
    mask[12:28, 12:28] = True
    images[0][mask] = 90
    images[0][16:24, 16:24] = 60  # ten times as strong, both would be black
    pixels = np.clip(np.rint(images), 0, 255).astype("uint8")
    particles = pd.DataFrame({"image": ImageArray(pixels), "mask": [mask] * 4})
    particles["mask"] = ImageArray(particles["mask"])
    sampler = ArtificialOverSampler(
        sampling_strategy={1: 9}, turn=False, random_state=0
    )
    resampled, _ = sampler.fit_resample(particles, np.array([1, 0, 0, 0]))
    for image in resampled["image"][4:]:
        shell, core = int(image[14, 14]), int(image[20, 20])
        assert 0 <= core < shell - 20 < 130
        # the core is 90 below the background, the shell 60
        assert abs((150 - shell) / (150 - core) - 2 / 3) < 0.05


def test_feather_blends_particle_and_background():
    particles = make_coded()
    y = np.array([0, 0, 0, 0, 0, 1])
    hard, soft = (
        ArtificialOverSampler(feather=feather, turn=False, random_state=0).fit_resample(
            particles, y
        )[0]["image"][6]
        for feather in (0, 4)
    )
    mask = particles["mask"][5].view(np.uint8)
    distance = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    changed = hard != soft
    # OpenCV's 5 x 5 distance is up to 2 % off
    assert changed[(distance > 0) & (distance < 4.8)].all()
    assert not changed[(distance == 0) | (distance > 5.2)].any()


@pytest.mark.parametrize("length", [1, 2, 5])
def test_mirrored_is_numpys_reflection(length):
    expected = np.pad(np.arange(length), 12, mode="reflect")
    np.testing.assert_array_equal(
        mirrored(np.arange(-12, length + 12), length), expected
    )


@settings(max_examples=60, deadline=None)
@given(
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=30),
    st.integers(0, 2**32 - 1),
)
def test_a_cleared_image_holds_pixels_of_the_background_alone(shape, seed):
    rng = np.random.default_rng(seed)
    mask = cv2.blur(rng.random(shape), (3, 3)) > 0.5
    mask.flat[rng.choice(mask.size, min(2, mask.size))] = True
    mask.flat[rng.integers(mask.size)] = False
    assume(mask.any())
    image = rng.random(shape)
    cleared = clear_particle(Cutout(image, mask))
    assert np.isin(cleared, image[~mask]).all()
    laid = lay_background(Cutout(image, mask), Cutout(image.T, mask.T))
    assert laid.shape == image.T.shape
    assert np.isin(laid, cleared).all()


@pytest.mark.parametrize("method", ["recombine", "draw"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
def test_pixels_keep_their_dtype_and_range(dtype, method):
    real = make_real(30, seed=2)
    brighter = 255 - np.rint(0.2 * real["image"].array.pixels).astype("uint8")
    images = real["image"].array
    images = ImageArray.from_buffer(
        brighter.astype(dtype),
        images.starts,
        images.heights,
        images.widths,
        images.widths,
    )
    sampler = ArtificialOverSampler(
        method=method, sampling_strategy={"uncertain": 14}, jitter=0.9, random_state=0
    )
    resampled, _ = sampler.fit_resample(real.assign(image=images), real["label"])
    new = resampled["image"].array[30:]
    assert new.pixel_dtype == dtype
    # Wrapped around, values beyond 255 would be small.
    assert min(image.min() for image in new) > 50


def test_without_pixel_sizes_liposomes_are_drawn_to_the_radius_in_pixels():
    real = make_real()
    sampler = ArtificialOverSampler(
        method="draw", sampling_strategy={"multilamellar": 25}, random_state=0
    )
    resampled, _ = sampler.fit_resample(real.drop(columns="pixel_size"), real["label"])
    new = np.arange(len(real), len(resampled))
    expected = radii(real)[sampler.sample_indices_[new]]
    # outlines are cut at whole pixels
    np.testing.assert_allclose(radii(resampled)[new], expected, rtol=0.01)


@needs_emps
def test_real_particles_keep_their_gray_values():
    particles = load_particles(EMPS)
    particles = particles[
        particles["label"].isin(["hollow", "core_shell", "polyhedral"])
    ]
    sampler = ArtificialOverSampler(random_state=0)
    resampled, _ = sampler.fit_resample(particles, particles["label"])
    normalized = NormalizeBackground().fit_transform(resampled)
    for label in ("hollow", "core_shell"):
        old = normalized["label"] == label
        new = old & (np.arange(len(normalized)) >= len(particles))
        old &= ~new
        distance = ks_2samp(
            pooled(normalized[old], True), pooled(normalized[new], True)
        )
        # A jitter of 10 % and the clipping at white, 0.01 to 0.02 as seen.
        assert distance.statistic < 0.05


@pytest.mark.parametrize("method", ["recombine", "draw"])
@pytest.mark.parametrize("flat", [False, True])
def test_smallest_particles_on_flat_and_narrow_backgrounds(method, flat):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (3, 3 + i)).astype("uint8") for i in range(6)]
    masks = [np.zeros(image.shape, bool) for image in images]
    for image, mask in zip(images, masks, strict=True):
        mask[1, 1] = True
        image[~mask] = 100 if flat else image[~mask]
    particles = pd.DataFrame({"image": ImageArray(images), "mask": ImageArray(masks)})
    y = np.array(["unilamellar"] * 4 + ["multilamellar"] * 2)
    sampler = ArtificialOverSampler(
        method=method, sampling_strategy={"multilamellar": 14}, random_state=0
    )
    resampled, _ = sampler.fit_resample(particles, y)
    assert all(mask.any() and not mask.all() for mask in resampled["mask"])
    if flat and method == "recombine":
        # A flat background is no unit: the gray values stay, but for the jitter.
        for i, source in enumerate(sampler.sample_indices_):
            old, new = (
                resampled["image"][j][resampled["mask"][j]] for j in (source, i)
            )
            # half a gray level of rounding, 10 % of the contrast
            assert abs(float(new[0]) - old[0]) <= 0.5 + 0.1 * abs(float(old[0]) - 100)
