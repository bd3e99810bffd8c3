import pickle

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve
from scipy.stats import kstest
from sklearn.base import clone

from sklipo import ApplyMask, RandomAffine, RandomIntensity, Resize
from sklipo.datasets import make_liposomes

OFF = {
    "gain": 0,
    "blur": 0,
    "sharpening": 0,
    "offset": 0,
    "unevenness": 0,
    "noise": 0,
}
ONE_ON = {
    "gain": 0.3,
    "blur": 0.8,
    "sharpening": 0.6,
    "offset": 0.4,
    "unevenness": 0.5,
    "noise": 0.5,
}
SCALE = 3.0
BINOMIAL = np.outer([1, 2, 1], [1, 2, 1])[None, None] / 16


def only(**on):
    return RandomIntensity(**{**OFF, **on})


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def noise_images(*shape, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, generator=seeded(99))


def assert_uniform(name, intensity, measured, low, high, rtol=1e-9):
    """Check that what was measured was drawn, and drawn uniformly."""
    drawn = intensity._draw(len(measured), seeded())[name]
    np.testing.assert_allclose(measured, drawn, rtol=rtol, atol=1e-9)
    assert kstest(drawn, "uniform", args=(low, high - low)).pvalue > 0.01
    # Of 2000 values the nearest to an end is within 1 % of it but once in 10^8.
    assert low <= drawn.min() < low + 0.01 * (high - low)
    assert high - 0.01 * (high - low) < drawn.max() <= high


def test_gains_are_uniform_about_one():
    images = noise_images(2000, 1, 3, 3)
    changed = only(gain=0.3).augment(images, seeded(), scale=SCALE)
    ratios = (changed / images).flatten(1)
    torch.testing.assert_close(ratios, ratios[:, :1].expand_as(ratios))
    assert_uniform("gain", only(gain=0.3), ratios[:, 0].numpy(), 0.7, 1.3)


def test_offsets_are_uniform_in_units_of_the_scale():
    images = noise_images(2000, 1, 3, 3)
    changed = only(offset=0.4).augment(images, seeded(), scale=SCALE)
    added = (changed - images).flatten(1)
    torch.testing.assert_close(added, added[:, :1].expand_as(added))
    assert_uniform("offset", only(offset=0.4), added[:, 0] / SCALE, -0.4, 0.4, 1e-7)


@pytest.mark.parametrize(("blur", "sharpening"), [(1, 0), (0, 2), (0.5, 0.5)])
def test_waves_are_multiplied_by_the_transfer_function(blur, sharpening):
    # Cosines that are even about the edges of the image, as repeating it makes them.
    indices = torch.arange(8, dtype=torch.float64) + 0.5
    u, v = 3 / 16, 1 / 16
    wave = torch.cos(2 * torch.pi * u * indices) * torch.cos(
        2 * torch.pi * v * indices[:, None]
    )
    intensity = only(blur=blur, sharpening=sharpening)
    changed = intensity.augment(wave.expand(2000, 1, 8, 8), seeded(), scale=SCALE)
    factors = (changed / wave).flatten(1)
    torch.testing.assert_close(factors, factors[:, :1].expand_as(factors))
    smoothed = np.cos(np.pi * u) ** 2 * np.cos(np.pi * v) ** 2
    shares = (1 - factors[:, 0].numpy()) / (1 - smoothed)
    assert_uniform("blur", intensity, shares, -sharpening, blur)


@pytest.mark.parametrize("shape", [(6, 7), (1, 9), (9, 1), (1, 1), (2, 2)])
def test_blur_is_a_convolution_with_the_binomial_filter(shape):
    images = noise_images(5, 2, *shape)
    changed = only(blur=1, sharpening=1).augment(images, seeded())
    shares = only(blur=1, sharpening=1)._draw(5, seeded())["blur"]
    for ours, image, share in zip(changed.numpy(), images.numpy(), shares, strict=True):
        smooth = convolve(image, BINOMIAL[0], mode="nearest")
        np.testing.assert_allclose(ours, image + share * (smooth - image), atol=1e-12)


def test_blur_lowers_the_variance_of_noise_as_the_filter_says():
    images = noise_images(4, 1, 300, 300)
    changed = only(blur=1, sharpening=1).augment(images, seeded())
    shares = only(blur=1, sharpening=1)._draw(4, seeded())["blur"]
    # The filter's center is 1/4, and its squares sum up to (6/16)^2.
    expected = (1 - shares) ** 2 + shares * (1 - shares) / 2 + shares**2 * 9 / 64
    # 90,000 values with neighbors alike.
    np.testing.assert_allclose(changed.var((1, 2, 3)).numpy(), expected, rtol=0.04)


def test_unevenness_is_the_root_mean_square_of_smooth_backgrounds():
    shape = 40, 30
    images = noise_images(4000, 1, *shape)
    changed = only(unevenness=0.5).augment(images, seeded(), scale=SCALE)
    added = (changed - images).flatten(1).numpy() / SCALE
    # Mean squares of 4000 draws of five uniform numbers are known to 0.7 %; pixels
    # miss the integral over the image by 1 / length^2.
    assert np.sqrt(np.mean(added**2)) == pytest.approx(0.5, rel=0.02)
    np.testing.assert_allclose(added.mean(axis=1), 0, atol=0.01)
    y, x = (np.indices(shape) + 0.5).reshape(2, -1) / np.array(shape)[:, None] * 2 - 1
    quadratic = np.stack([np.ones_like(x), x, y, x * y, x**2, y**2], axis=1)
    _, residuals, rank, _ = np.linalg.lstsq(quadratic, added.T)
    assert rank == 6 and residuals.max() < 1e-20
    # Sides differ: it is a slope on top of a dome.
    edges = added.reshape(-1, *shape)[:, :, [0, -1]].mean(axis=1)
    assert abs(np.corrcoef(edges.T)[0, 1]) < 0.9


def test_deviations_of_noise_are_uniform_from_zero():
    images = torch.full((2000, 1, 40, 40), 5.0, dtype=torch.float64)
    intensity = only(noise=0.5)
    added = intensity.augment(images, seeded(), scale=SCALE) - images
    deviations = added.std((1, 2, 3)).numpy() / SCALE
    # 1600 pixels tell their deviation to 1.8 %; six times that for the worst of 2000.
    assert_uniform("noise", intensity, deviations, 0, 0.5, rtol=0.11)
    assert added.var().item() == pytest.approx(SCALE**2 * 0.5**2 / 3, rel=0.03)
    assert abs(added.mean().item()) < 0.005
    rows = added[:, 0, 0] / added[:, 0, 0].std(1, keepdim=True)
    assert (rows[:-1] * rows[1:]).mean().abs() < 0.02  # each image has its own


def test_all_together_follow_the_formula():
    images = noise_images(30, 1, 9, 9)
    intensity = RandomIntensity(noise=0, fill_value=None)
    draws = intensity._draw(30, seeded())
    gain, share, offset = (
        torch.tensor(draws[name])[:, None, None, None]
        for name in ("gain", "blur", "offset")
    )
    smooth = torch.tensor(convolve(images.numpy(), BINOMIAL, mode="nearest"))
    field = only(unevenness=0.1).augment(images, seeded(), scale=SCALE) - images
    expected = gain * (images + share * (smooth - images)) + SCALE * offset + field
    changed = intensity.augment(images, seeded(), scale=SCALE)
    torch.testing.assert_close(changed, expected)


def test_draws_are_independent():
    draws = RandomIntensity()._draw(5000, seeded())
    correlations = np.corrcoef(list(draws.values())) - np.eye(len(draws))
    # Each has a deviation of 1 / sqrt(5000); 4 deviations for the largest of 36.
    assert np.abs(correlations).max() < 4 / np.sqrt(5000)


def test_switching_one_off_leaves_the_others_as_drawn():
    together = RandomIntensity(**ONE_ON)._draw(10, seeded())
    for name in OFF.keys() - {"blur", "sharpening"}:
        draws = RandomIntensity(**{**ONE_ON, name: 0})._draw(10, seeded())
        for other in (n for n in draws if not n.startswith(name)):
            np.testing.assert_array_equal(draws[other], together[other])


def test_identity_returns_the_same_tensor_and_draws_nothing():
    images, generator = torch.rand(3, 1, 4, 4), seeded()
    before = generator.get_state()
    assert only().augment(images, generator) is images
    assert torch.equal(before, generator.get_state())


@pytest.mark.parametrize("name", ONE_ON)
def test_each_change_alone_acts_and_differs_between_images(name):
    images = noise_images(1, 1, 8, 8).expand(10, 1, 8, 8)
    changed = only(**{name: ONE_ON[name]}).augment(images, seeded())
    assert (changed - images).abs().max() > 0.1
    assert len(changed.flatten(1).unique(dim=0)) == 10


def test_an_image_does_not_depend_on_its_batch():
    images = noise_images(10, 1, 8, 8)
    changed = RandomIntensity().augment(images, seeded())
    images[1:] *= 100
    among_others = RandomIntensity().augment(images, seeded())
    assert torch.equal(changed[0], among_others[0])


def test_pixels_of_the_fill_value_stay_as_they_are():
    images = noise_images(50, 1, 12, 12)
    outside = torch.zeros(12, 12, dtype=torch.bool)
    outside[:, :4] = True
    for fill_value in (0.0, -2.5):
        images[..., outside] = fill_value
        changed = RandomIntensity(fill_value=fill_value).augment(images, seeded())
        assert (changed[..., outside] == fill_value).all()
        assert (changed != images)[..., ~outside].all()
    assert (RandomIntensity(fill_value=None).augment(images) != images).all()


def test_what_apply_mask_fills_stays_so_after_random_affine():
    particles = ApplyMask().fit_transform(make_liposomes(6, random_state=0))
    rows = Resize(28).fit_transform(particles).astype("float32")
    turned = RandomAffine().augment(torch.tensor(rows).reshape(-1, 1, 28, 28), seeded())
    changed = RandomIntensity().augment(turned, seeded())
    outside = turned == 0
    assert outside.float().mean() > 0.1
    assert torch.equal(changed == 0, outside)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 1, 28, 28), (3, 1, 27, 14), (2, 1, 1, 1)])
def test_dtype_shape_and_input_stay(dtype, shape):
    images = torch.rand(shape, dtype=dtype, requires_grad=True)
    copy = images.clone()
    changed = RandomIntensity().augment(images)
    assert changed.dtype == dtype and changed.shape == shape
    assert not changed.requires_grad
    assert changed.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(images, copy)


def test_memory_layout_does_not_matter():
    plain = torch.rand(6, 1, 9, 7, generator=seeded(1))
    channels_last = torch.empty(6, 9, 7, 1).permute(0, 3, 1, 2).copy_(plain)
    every_second = torch.empty(12, 1, 9, 7)[::2].copy_(plain)
    expected = RandomIntensity().augment(plain, seeded())
    for images in (channels_last, every_second):
        assert torch.equal(RandomIntensity().augment(images, seeded()), expected)


def test_float32_shows_the_same_as_float64():
    images = noise_images(20, 1, 28, 28)
    without_noise = RandomIntensity(noise=0)
    double = without_noise.augment(images, seeded())
    single = without_noise.augment(images.float(), seeded())
    torch.testing.assert_close(single.double(), double, rtol=0, atol=1e-5)


def test_empty_batch():
    empty = torch.zeros(0, 1, 28, 28)
    assert RandomIntensity().augment(empty).shape == (0, 1, 28, 28)


def test_the_generator_alone_decides():
    images = noise_images(30, 1, 28, 28, dtype=torch.float32)
    before = torch.get_rng_state()
    first = RandomIntensity().augment(images, seeded(5))
    assert torch.equal(first, RandomIntensity().augment(images, seeded(5)))
    assert not torch.equal(first, RandomIntensity().augment(images, seeded(6)))
    assert torch.equal(before, torch.get_rng_state())
    with torch.random.fork_rng():
        torch.manual_seed(5)
        assert torch.equal(first, RandomIntensity().augment(images))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_gpu_shows_the_same_changes():
    images = noise_images(50, 1, 28, 28, dtype=torch.float32)
    on_gpu = RandomIntensity().augment(images.cuda(), seeded())
    assert on_gpu.is_cuda
    on_cpu = RandomIntensity().augment(images, seeded())
    torch.testing.assert_close(on_gpu.cpu(), on_cpu, rtol=0, atol=1e-5)


def test_rows_are_changed_in_units_of_their_deviation():
    X = np.random.default_rng(0).normal(100, 20, size=(500, 64))
    rows = only(offset=1).augment_rows(X, random_state=0)
    added = (rows - X)[:, 0] / X.std()
    assert 0.97 < np.abs(added).max() <= 1
    np.testing.assert_array_equal(rows, only(offset=1).augment_rows(X, random_state=0))


def test_every_parameter_is_constrained_cloned_and_pickled():
    intensity = RandomIntensity(**ONE_ON, fill_value=None)
    names = RandomIntensity._parameter_constraints.keys()
    assert intensity.get_params().keys() == names
    for copy in (clone(intensity), pickle.loads(pickle.dumps(intensity))):
        assert copy.get_params() == intensity.get_params()


@pytest.mark.parametrize(
    "params",
    [
        {"gain": -0.1},
        {"gain": 1.5},
        {"gain": (0.8, 1.2)},
        {"blur": 2},
        {"sharpening": -1},
        {"offset": float("inf")},
        {"unevenness": float("nan")},
        {"noise": -1},
        {"noise": "much"},
        {"fill_value": "edge"},
        {"fill_value": float("nan")},
    ],
)
def test_bad_parameters_are_named(params):
    (name,) = params
    with pytest.raises(ValueError, match=f"'{name}' parameter of RandomIntensity"):
        RandomIntensity(**params).augment_rows(np.ones((1, 9)))


@pytest.mark.parametrize(
    "images", [torch.zeros(2, 28, 28), torch.zeros(2, 1, 3, 3, dtype=torch.uint8)]
)
def test_what_are_no_images_is_refused(images):
    with pytest.raises(ValueError, match="floating point numbers"):
        RandomIntensity().augment(images)
