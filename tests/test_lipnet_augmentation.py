import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.stats import binomtest, kstest
from skimage.transform import AffineTransform, warp
from sklearn.base import clone

from sklipo import ImageArray
from sklipo.lipnet.augmentation import RandomAffine, dihedral_views

OFF = {
    "rotation": 0,
    "shear": 0,
    "vertical_shift": 0,
    "horizontal_shift": 0,
    "zoom": (1, 1),
    "vertical_flip": False,
    "horizontal_flip": False,
}
ONE_ON = {
    "rotation": 180,
    "shear": 0.2,
    "vertical_shift": 0.1,
    "horizontal_shift": 0.1,
    "zoom": (0.8, 1.0),
    "vertical_flip": True,
    "horizontal_flip": True,
}
SIDE, SIGMA = 49, 4.0


def only(**on):
    return RandomAffine(**{**OFF, **on})


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def blob_images(n_samples, x=0.0, y=0.0):
    """Return Gaussians of width SIGMA, centered x and y pixels from the middle."""
    row, column = np.indices((SIDE, SIDE)) - SIDE // 2
    blob = np.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * SIGMA**2))
    return torch.tensor(np.broadcast_to(blob, (n_samples, 1, SIDE, SIDE)))


def moments(images):
    """Return centroids and covariances, x before y, from the middle of each image."""
    images = images[:, 0].numpy()
    weights = images / images.sum(axis=(1, 2), keepdims=True)
    row, column = np.indices((SIDE, SIDE)) - SIDE // 2
    points = np.stack([column.ravel(), row.ravel()])
    weights = weights.reshape(len(images), -1)
    centroids = weights @ points.T
    second = np.einsum("np,ip,jp->nij", weights, points, points)
    return centroids, second - centroids[:, :, None] * centroids[:, None, :]


def assert_uniform(name, affine, measured, low, high, atol):
    """Check that what was measured was drawn, and drawn uniformly."""
    drawn = affine._draw(len(measured), seeded())[name]
    np.testing.assert_allclose(measured, drawn, atol=atol)
    assert kstest(drawn, "uniform", args=(low, high - low)).pvalue > 0.01
    # Of 2000 values the nearest to an end is within 1 % of it but once in 10^8.
    assert low <= drawn.min() < low + 0.01 * (high - low)
    assert high - 0.01 * (high - low) < drawn.max() <= high


# Cubic convolution with a = -0.75 displaces by up to 0.048 pixels along an axis what it
# moves by a fraction of a pixel; hence the tolerances of what is measured in images.


@pytest.mark.parametrize("rotation", [180, 30])
def test_angles_are_uniform(rotation):
    affine = only(rotation=rotation)
    centroids, _ = moments(affine.augment(blob_images(2000, x=9), seeded()))
    angles = np.rad2deg(np.arctan2(*centroids.T[::-1]))
    # 0.048 pixels at 9 pixels from the center are 0.3 degrees.
    assert_uniform("rotation", affine, angles, -rotation, rotation, atol=0.3)
    # The center of rotation is the center of the image.
    np.testing.assert_allclose(np.hypot(*centroids.T), 9, atol=0.05)


@pytest.mark.parametrize(("name", "axis"), [("horizontal", 0), ("vertical", 1)])
@pytest.mark.parametrize("shift", [0.1, 0.03])
def test_shifts_are_uniform_fractions_of_the_length(name, axis, shift):
    affine = only(**{f"{name}_shift": shift})
    centroids, _ = moments(affine.augment(blob_images(2000), seeded()))
    shares = centroids[:, axis] / SIDE
    assert_uniform(f"{name}_shift", affine, shares, -shift, shift, atol=0.05 / SIDE)
    np.testing.assert_allclose(centroids[:, 1 - axis], 0, atol=1e-9)


@pytest.mark.parametrize("zoom", [(0.8, 1.0), (0.9, 1.2)])
def test_zooms_are_uniform_and_below_one_magnify(zoom):
    affine = only(zoom=zoom)
    _, covariances = moments(affine.augment(blob_images(2000), seeded()))
    widths = np.sqrt(covariances[:, [0, 1], [0, 1]])
    np.testing.assert_allclose(widths[:, 0], widths[:, 1], rtol=1e-9)
    # 0.048 pixels at the blob's width of 4.
    assert_uniform("zoom", affine, SIGMA / widths[:, 0], *zoom, atol=0.012)


@pytest.mark.parametrize("shear", [0.2, 0.5])
def test_shear_angles_are_uniform_and_areas_kept(shear):
    affine = only(shear=shear)
    _, covariances = moments(affine.augment(blob_images(2000), seeded()))
    angles = np.arctan(-covariances[:, 0, 1] / covariances[:, 1, 1])
    assert_uniform("shear", affine, angles, 0, shear, atol=0.012)
    # Cubic convolution widens the blob by less than 1 %.
    np.testing.assert_allclose(np.linalg.det(covariances), SIGMA**4, rtol=0.02)


@pytest.mark.parametrize(("name", "axis"), [("vertical", -2), ("horizontal", -1)])
def test_half_of_the_images_are_flipped(name, axis):
    images = torch.rand(2000, 1, 5, 6, generator=seeded(1))
    flipped = only(**{f"{name}_flip": True}).augment(images, seeded())
    # Coordinates are exact to a rounding of float32, hence pixels to some.
    is_flipped = ((flipped - images.flip(axis)).abs() < 1e-5).flatten(1).all(1)
    is_same = ((flipped - images).abs() < 1e-5).flatten(1).all(1)
    assert (is_flipped ^ is_same).all()
    assert binomtest(int(is_flipped.sum()), 2000, 0.5).pvalue > 0.01


def test_draws_are_independent():
    draws = RandomAffine()._draw(5000, seeded())
    correlations = np.corrcoef(list(draws.values())) - np.eye(len(draws))
    # Each has a deviation of 1 / sqrt(5000); 4 deviations for the largest of 21.
    assert np.abs(correlations).max() < 4 / np.sqrt(5000)


def test_switching_one_off_leaves_the_others_as_drawn():
    together = RandomAffine()._draw(10, seeded())
    for name, off in OFF.items():
        draws = RandomAffine(**{name: off})._draw(10, seeded())
        for other in OFF.keys() - {name}:
            np.testing.assert_array_equal(draws[other], together[other])


def warp_one(image, draw, mode, cval=0.0):
    """Flip, then zoom, shear, rotate and shift an image with scikit-image."""
    height, width = image.shape
    image = image[:: int(draw["vertical_flip"]), :: int(draw["horizontal_flip"])]
    to_corner = AffineTransform(translation=((width - 1) / 2, (height - 1) / 2))
    forward = AffineTransform(
        scale=1 / draw["zoom"],
        shear=draw["shear"],
        rotation=np.deg2rad(draw["rotation"]),
        translation=(draw["horizontal_shift"] * width, draw["vertical_shift"] * height),
    )
    transform = to_corner.inverse + forward + to_corner
    return warp(image, transform.inverse, order=3, mode=mode, cval=cval, clip=False)


@pytest.mark.parametrize("on", [*ONE_ON, "all"])
@pytest.mark.parametrize("shape", [(40, 40), (41, 41), (30, 47)])
@pytest.mark.parametrize(("fill_value", "mode"), [(0.5, "constant"), ("edge", "edge")])
def test_images_equal_those_of_skimage(on, shape, fill_value, mode):
    rng = np.random.default_rng(0)
    images = gaussian_filter(rng.normal(size=(8, *shape)), sigma=(0, 4, 4))
    images /= images.std()
    params = ONE_ON if on == "all" else {on: ONE_ON[on]}
    affine = only(**params, fill_value=fill_value)
    augmented = affine.augment(torch.tensor(images)[:, None], seeded())[:, 0]

    draws = pd.DataFrame(affine._draw(8, seeded())).to_dict("records")
    for ours, image, draw in zip(augmented.numpy(), images, draws, strict=True):
        cval = 0.5 if mode == "constant" else 0.0
        theirs = warp_one(image, draw, mode, cval)
        # Values from beyond the edge depend on the kernel; stay two pixels inside.
        inside = warp_one(np.pad(np.ones(np.subtract(shape, 4)), 2), draw, "constant")
        inside = inside > 0.999 if mode == "constant" else np.ones(shape, bool)
        assert inside.mean() > 0.3
        # The kernels differ, a = -0.75 here and -0.5 there: ours displaces a ramp by up
        # to 0.048 pixels, theirs by none. Slopes are 0.18 a pixel, up to four times
        # that. An error of a tenth of a pixel would break the second bound.
        errors = ours[inside] - theirs[inside]
        assert np.abs(errors).max() < 0.06
        assert np.sqrt(np.mean(errors**2)) < 0.012


def test_identity_returns_the_same_tensor_and_draws_nothing():
    images, generator = torch.rand(3, 1, 4, 4), seeded()
    before = generator.get_state()
    assert RandomAffine(**OFF).augment(images, generator) is images
    assert RandomAffine(**{**OFF, "zoom": [1.0, 1.0]}).augment(images) is images
    assert torch.equal(before, generator.get_state())


@pytest.mark.parametrize("name", ONE_ON)
def test_each_technique_alone_changes_images(name):
    images = torch.rand(10, 1, 8, 8, generator=seeded(1))
    augmented = only(**{name: ONE_ON[name]}).augment(images, seeded())
    assert (augmented - images).abs().max() > 0.1


@pytest.mark.parametrize("value", [0.0, 0.3, 1234.5])
def test_constant_images_stay_constant(value):
    images = torch.full((50, 1, 9, 9), value)
    same = RandomAffine(fill_value=value).augment(images)
    assert torch.equal(same, images)
    edge = RandomAffine(fill_value="edge").augment(images)
    # 16 weights that sum up to 1, in float32.
    torch.testing.assert_close(edge, images, rtol=2e-6, atol=0)


def test_what_lies_outside_is_the_fill_value():
    affine = only(horizontal_shift=1.0, fill_value=-3.0)
    augmented = affine.augment(torch.ones(200, 1, 1, 50), seeded())
    # Moved by up to the whole width, half the pixels come from outside.
    assert (augmented == -3).float().mean() == pytest.approx(0.5, abs=0.05)


def test_input_is_not_modified():
    images = torch.rand(4, 1, 6, 6)
    copy = images.clone()
    for fill_value in (0.0, 2.0, "edge"):
        RandomAffine(fill_value=fill_value).augment(images)
    assert torch.equal(images, copy)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 1, 28, 28), (3, 1, 27, 14), (2, 1, 1, 1)])
def test_dtype_and_shape_stay(dtype, shape):
    images = torch.rand(shape, dtype=dtype, requires_grad=True)
    augmented = RandomAffine().augment(images)
    assert augmented.dtype == dtype and augmented.shape == shape
    assert not augmented.requires_grad
    assert augmented.is_contiguous(memory_format=torch.channels_last)


def test_memory_layout_does_not_matter():
    plain = torch.rand(6, 1, 9, 7, generator=seeded(1))
    channels_last = torch.empty(6, 9, 7, 1).permute(0, 3, 1, 2).copy_(plain)
    every_second = torch.empty(12, 1, 9, 7)[::2].copy_(plain)
    expected = RandomAffine().augment(plain, seeded())
    for images in (channels_last, every_second):
        assert torch.equal(RandomAffine().augment(images, seeded()), expected)


def test_float32_shows_the_same_as_float64():
    images = torch.rand(20, 1, 28, 28, dtype=torch.float64, generator=seeded(1))
    double = RandomAffine().augment(images, seeded())
    single = RandomAffine().augment(images.float(), seeded())
    # Coordinates up to 28 carry errors of 28 * 6e-8, which slopes multiply by 2 or so.
    torch.testing.assert_close(single.double(), double, rtol=0, atol=2e-5)


def test_empty_batch():
    assert RandomAffine().augment(torch.zeros(0, 1, 28, 28)).shape == (0, 1, 28, 28)


def test_strip_turned_upright_shows_one_pixel_of_itself():
    strip = torch.ones(1, 1, 1, 9)
    affine = only(rotation=180)
    affine._draw = lambda *_: {**vertical_turn, "rotation": np.array([90.0])}
    vertical_turn = only()._draw(1, seeded())
    expected = torch.zeros(1, 1, 1, 9)
    expected[..., 4] = 1
    torch.testing.assert_close(affine.augment(strip), expected, rtol=0, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 12), width=st.integers(1, 12), seed=st.integers(0, 2**32 - 1)
)
def test_overshoot_is_bounded_by_the_kernel(height, width, seed):
    images = (torch.rand(20, 1, height, width, generator=seeded(seed)) < 0.5).float()
    augmented = RandomAffine().augment(images, seeded(seed))
    # Midway between pixels the weights are -3/32, 19/32, 19/32, -3/32 along each axis;
    # their absolute values sum up to 11/8, the most anywhere.
    excess = ((11 / 8) ** 2 - 1) / 2
    assert augmented.min() >= -excess - 1e-5
    assert augmented.max() <= 1 + excess + 1e-5


def test_intensities_are_not_clipped():
    images = (torch.rand(20, 1, 28, 28, generator=seeded(1)) < 0.5).float()
    assert RandomAffine().augment(images, seeded()).max() > 1.1


def test_same_seed_same_bits():
    images = torch.rand(30, 1, 28, 28, generator=seeded(1))
    first = RandomAffine().augment(images, seeded(5))
    assert torch.equal(first, RandomAffine().augment(images, seeded(5)))
    assert not torch.equal(first, RandomAffine().augment(images, seeded(6)))


def test_without_a_generator_the_global_one_is_used():
    images = torch.rand(5, 1, 8, 8, generator=seeded(1))
    with torch.random.fork_rng():
        torch.manual_seed(3)
        augmented = RandomAffine().augment(images)
    assert torch.equal(augmented, RandomAffine().augment(images, seeded(3)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_gpu_shows_the_same_transformations():
    images = torch.rand(50, 1, 28, 28, generator=seeded(1))
    on_gpu = RandomAffine().augment(images.cuda(), seeded())
    assert on_gpu.is_cuda
    on_cpu = RandomAffine().augment(images, seeded())
    # As float32 against float64 above.
    torch.testing.assert_close(on_gpu.cpu(), on_cpu, rtol=0, atol=2e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_are_augmented_as_images(dtype):
    X = np.random.default_rng(0).random((5, 12)).astype(dtype)
    copy = X.copy()
    rows = RandomAffine().augment_rows(X, image_shape=(3, 4), random_state=0)
    seed = np.random.RandomState(0).randint(2**31)
    images = torch.tensor(X).reshape(5, 1, 3, 4)
    expected = RandomAffine().augment(images, seeded(int(seed)))
    np.testing.assert_array_equal(rows, expected.reshape(5, 12).numpy())
    assert rows.dtype == dtype
    np.testing.assert_array_equal(X, copy)


def numpy_state():
    return np.random.get_state()[1]  # noqa: NPY002


def test_rows_leave_global_generators_alone():
    X = pd.DataFrame(np.arange(18, dtype="uint8").reshape(2, 9))
    before = torch.get_rng_state(), numpy_state()
    first = RandomAffine().augment_rows(X, random_state=1)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, RandomAffine().augment_rows(X, random_state=1))
    assert not np.array_equal(first, RandomAffine().augment_rows(X))
    assert torch.equal(before[0], torch.get_rng_state())
    np.testing.assert_array_equal(before[1], numpy_state())


def test_identity_rows_are_no_view_of_the_input():
    X = np.random.default_rng(0).random((2, 9))
    rows = RandomAffine(**OFF).augment_rows(X)
    np.testing.assert_array_equal(rows, X)
    assert not np.shares_memory(rows, X)


def test_dihedral_views_are_the_rotations_and_flips_of_a_square():
    images = torch.rand(3, 1, 5, 5)
    turns = [np.rot90(images.numpy(), k, axes=(2, 3)) for k in range(4)]
    expected = {turn.tobytes() for turn in turns}
    expected |= {turn[..., ::-1].tobytes() for turn in turns}
    views = list(dihedral_views(images))
    assert len(expected) == len(views) == 8
    assert {view.numpy().tobytes() for view in views} == expected
    assert torch.equal(views[0], images)


def test_mean_over_views_is_the_same_for_a_rotated_image():
    images = torch.randint(100, (4, 1, 6, 6), generator=seeded())
    weights = torch.randint(100, (6, 6), generator=seeded(1))

    def score(images):
        return sum(
            (view * weights).sum(dim=(1, 2, 3)) for view in dihedral_views(images)
        )

    assert torch.equal(score(images), score(torch.rot90(images, 1, (2, 3))))


def test_rectangles_have_four_views():
    images = torch.rand(2, 1, 3, 5)
    views = list(dihedral_views(images))
    expected = [images, images.flip(2), images.flip(3), torch.rot90(images, 2, (2, 3))]
    assert all(map(torch.equal, views, expected)) and len(views) == 4


def test_every_parameter_is_constrained_and_cloned():
    affine = only(shear=0.1, fill_value="edge")
    assert affine.get_params().keys() == RandomAffine._parameter_constraints.keys()
    assert clone(affine).get_params() == affine.get_params()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"rotation": -10}, r"'rotation'.*\[0.*, 180.*\].*Got -10"),
        ({"rotation": 181}, "'rotation'"),
        ({"rotation": float("nan")}, "'rotation'"),
        ({"rotation": (-10, 10)}, "'rotation'"),
        ({"shear": -0.1}, "'shear'"),
        ({"shear": 20}, r"'shear'.*1\.5"),
        ({"vertical_shift": 10}, "'vertical_shift'"),
        ({"horizontal_shift": -0.1}, "'horizontal_shift'"),
        ({"zoom": 0.8}, "'zoom'"),
        ({"zoom": (1.0, 0.8)}, r"zoom=\(1\.0, 0\.8\); expected the smallest"),
        ({"zoom": (0, 1)}, "above 0"),
        ({"zoom": (-1, 1)}, "above 0"),
        ({"zoom": (0.8,)}, "two numbers"),
        ({"zoom": (0.8, float("nan"))}, "two numbers"),
        ({"zoom": (0.8, float("inf"))}, "two numbers"),
        ({"zoom": ("a", "b")}, "two numbers"),
        ({"vertical_flip": 0.5}, "'vertical_flip'"),
        ({"horizontal_flip": "yes"}, "'horizontal_flip'"),
        ({"fill_value": "nearest"}, "'fill_value'.*'edge'"),
        ({"fill_value": float("inf")}, "'fill_value'"),
    ],
)
def test_bad_parameters_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        RandomAffine(**params).augment_rows(np.ones((1, 9)))


@pytest.mark.parametrize(
    "images", [torch.zeros(2, 28, 28), torch.zeros(2, 1, 3, 3, dtype=torch.uint8)]
)
def test_what_are_no_images_is_refused(images):
    with pytest.raises(ValueError, match="floating point numbers"):
        RandomAffine().augment(images)


def test_images_in_place_of_rows_are_refused():
    images = [np.zeros((3, 3))]
    for X in (images, pd.DataFrame({"image": ImageArray(images)})):
        with pytest.raises(TypeError, match="Resize"):
            RandomAffine().augment_rows(X)
    with pytest.raises(ValueError, match="image_shape"):
        RandomAffine().augment_rows(np.zeros((1, 9)), image_shape=(2, 4))


def test_noise_has_its_deviation_and_follows_the_generator():
    images = torch.zeros(50, 1, 20, 20, dtype=torch.float64)
    noisy = RandomAffine(**OFF, noise=0.5)
    first, second, other = (
        noisy.augment(images, torch.Generator().manual_seed(seed), scale=3.0)
        for seed in (0, 0, 1)
    )
    # 20,000 draws tell their deviation to 0.5 %.
    assert first.std().item() == pytest.approx(1.5, rel=0.025)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_noise_leaves_the_transformations_as_they_were():
    images = torch.rand(5, 1, 9, 9)
    plain, noisy = (
        RandomAffine(noise=noise).augment(images, torch.Generator().manual_seed(0))
        for noise in (0, 1e-4)
    )
    torch.testing.assert_close(noisy, plain, rtol=0, atol=1e-3)
    assert not torch.equal(noisy, plain)


def test_noise_of_rows_is_in_units_of_their_deviation():
    X = np.random.default_rng(0).normal(100, 20, size=(60, 400))
    added = RandomAffine(**OFF, noise=0.1).augment_rows(X, random_state=0) - X
    assert added.std() == pytest.approx(2, rel=0.025)
