import inspect

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import block_reduce, regionprops
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from sklipo import ApplyMask, CropToMask, ImageArray, NormalizeBackground, Resize

TABLE_TO_TABLE = [NormalizeBackground(), CropToMask(margin=1), ApplyMask(fill_value=1)]


@pytest.mark.suite
@parametrize_with_checks([*TABLE_TO_TABLE, Resize(5), Resize((3, 4))])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", [*TABLE_TO_TABLE, Resize()])
def test_constraints_cover_the_parameters(estimator):
    parameters = set(inspect.signature(type(estimator)).parameters)
    assert set(estimator._parameter_constraints) == parameters


def make_particles(n=6, seed=0, dtype=np.uint8):
    """Return ellipses on noise, with label and an index that repeats."""
    rng = np.random.default_rng(seed)
    images, masks = [], []
    for _ in range(n):
        height, width = rng.integers(20, 40, 2)
        mask = np.zeros((height, width), np.uint8)
        axes = (int(rng.integers(3, 8)), int(rng.integers(3, 8)))
        centre = (int(width // 2), int(height // 2))
        cv2.ellipse(mask, centre, axes, float(rng.uniform(0, 90)), 0, 360, 1, -1)
        images.append(rng.integers(0, 200, mask.shape).astype(dtype) + dtype(5) * mask)
        masks.append(mask.astype(bool))
    return pd.DataFrame(
        {
            "image": ImageArray([image.astype(dtype) for image in images]),
            "mask": ImageArray(masks),
            "label": [f"class {i % 2}" for i in range(n)],
        },
        index=[0] * n,
    )


@pytest.mark.parametrize("transformer", TABLE_TO_TABLE)
def test_other_columns_ride_along(transformer):
    particles = make_particles()
    before = particles.copy(deep=True)
    pixels = particles["image"].array.pixels.copy()
    result = clone(transformer).fit_transform(particles)
    assert list(result.columns) == list(particles.columns)
    assert list(result["label"]) == list(particles["label"])
    assert list(result.index) == [0] * len(particles)
    assert (before == particles).all(axis=None)
    np.testing.assert_array_equal(particles["image"].array.pixels, pixels)


@pytest.mark.parametrize("transformer", [*TABLE_TO_TABLE, Resize()])
def test_label_column_may_be_gone_at_predict(transformer):
    particles = make_particles()
    fitted = clone(transformer).fit(particles)
    with_label = fitted.transform(particles)
    without = fitted.transform(particles.drop(columns="label"))
    if isinstance(with_label, pd.DataFrame):
        with_label, without = with_label["image"].array, without["image"].array
    assert all(map(np.array_equal, with_label, without))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.float32, float])
def test_background_has_mean_0_and_deviation_1(dtype):
    particles = make_particles(dtype=dtype)
    normalized = NormalizeBackground().fit_transform(particles)
    expected = np.float64 if dtype is float else np.float32
    assert normalized["image"].array.pixel_dtype == expected
    for image, mask in zip(normalized["image"], normalized["mask"], strict=True):
        background = image[~mask].astype(float)
        # float32 has 7 digits; sums of ~1000 pixels of order 1 keep 5.
        assert abs(background.mean()) < 1e-5
        assert abs(background.std() - 1) < 1e-5


@settings(max_examples=25)
@given(scale=st.floats(0.1, 10), offset=st.floats(-100, 100))
def test_normalized_image_does_not_know_its_exposure(scale, offset):
    particles = make_particles(2, dtype=np.float64)
    changed = ImageArray([image * scale + offset for image in particles["image"]])
    a = NormalizeBackground().transform(particles)["image"]
    b = NormalizeBackground().transform(particles.assign(image=changed))["image"]
    for image_a, image_b in zip(a, b, strict=True):
        np.testing.assert_allclose(image_a, image_b, atol=1e-9)


def test_background_without_contrast():
    mask = np.zeros((6, 6), bool)
    mask[2:4, 2:4] = True
    flat_background = np.where(mask, 9.0, 5.0)
    flat = np.full((6, 6), 5.0)
    whole = np.arange(36.0).reshape(6, 6)
    particles = pd.DataFrame(
        {
            "image": ImageArray([flat_background, flat, whole]),
            "mask": ImageArray([mask, mask, np.ones((6, 6), bool)]),
        }
    )
    a, b, c = NormalizeBackground().fit_transform(particles)["image"]
    np.testing.assert_allclose(a, (flat_background - 5) / flat_background.std())
    np.testing.assert_array_equal(b, 0)
    np.testing.assert_allclose(c, (whole - whole.mean()) / whole.std())


def test_crop_is_the_bounding_box_of_regionprops():
    particles = make_particles()
    cropped = CropToMask().fit_transform(particles)
    for i, mask in enumerate(particles["mask"]):
        top, left, bottom, right = regionprops(mask.astype(int))[0].bbox
        np.testing.assert_array_equal(
            cropped["image"].iloc[i], particles["image"].iloc[i][top:bottom, left:right]
        )
        np.testing.assert_array_equal(
            cropped["mask"].iloc[i], mask[top:bottom, left:right]
        )


def test_crop_copies_no_pixels():
    particles = make_particles()
    cropped = CropToMask().fit_transform(particles)
    assert cropped["image"].array.pixels is particles["image"].array.pixels


def test_crop_margin_ends_at_the_border():
    mask = np.zeros((10, 8), bool)
    mask[1:4, 5:7] = True
    particles = pd.DataFrame(
        {"image": ImageArray([np.zeros((10, 8))]), "mask": ImageArray([mask])}
    )
    for margin, shape in [(0, (3, 2)), (1, (5, 4)), (2, (6, 5)), (99, (10, 8))]:
        result = CropToMask(margin).fit_transform(particles)
        assert result["image"].iloc[0].shape == shape


def test_without_mask_the_whole_image_is_the_particle():
    images = [np.arange(6.0).reshape(2, 3), np.ones((4, 4))]
    for transformer in (CropToMask(), ApplyMask()):
        result = transformer.fit_transform(images)["image"]
        assert all(map(np.array_equal, result, images))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, bool])
def test_mask_is_applied(dtype):
    particles = make_particles(dtype=np.uint8)
    images = ImageArray([image.astype(dtype) for image in particles["image"]])
    particles = particles.assign(image=images)
    masked = ApplyMask(1).fit_transform(particles)
    assert masked["image"].array.pixel_dtype == dtype
    for image, mask, result in zip(
        images, particles["mask"], masked["image"], strict=True
    ):
        np.testing.assert_array_equal(result, np.where(mask, image, dtype(1)))


@pytest.mark.parametrize("dtype", ["u1", "?", "i2", "i8", "f2", "f4", "f8", "g"])
def test_blank_outside_and_every_bit_inside(dtype):
    rng = np.random.default_rng(0)
    pixels = (100 * rng.normal(size=(3, 9, 8))).astype("i1").astype(dtype)
    masks = pixels > 0
    masks[:, 2, 3] = True
    particles = pd.DataFrame({"image": ImageArray(-pixels if dtype != "?" else pixels)})
    particles["mask"] = ImageArray(masks)
    particles = CropToMask().fit_transform(particles)
    masked = ApplyMask().fit_transform(particles)
    assert masked["image"].array.pixel_dtype == dtype
    for image, mask, result in zip(
        *particles.to_dict("list").values(), masked["image"], strict=True
    ):
        # -0.0 would be equal to the 0 that is asked for, but not the same.
        assert result.tobytes() == np.where(mask, image, image.dtype.type(0)).tobytes()


@pytest.mark.parametrize("fill_value", [-1, 256, 0.5])
def test_fill_value_must_be_a_pixel(fill_value):
    with pytest.raises(ValueError, match="is no uint8 pixel"):
        ApplyMask(fill_value).fit_transform(make_particles())


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535)])
def test_resize_by_a_whole_factor_is_a_block_mean(dtype, white):
    rng = np.random.default_rng(0)
    image = rng.integers(0, white, (84, 56), dtype=dtype)
    pixels = Resize(28).fit_transform([image])
    expected = block_reduce(image.astype(float), (3, 2), np.mean) / white
    assert pixels.dtype == np.float32
    # float32 sums of six pixels, relative to white.
    np.testing.assert_allclose(pixels.reshape(28, 28), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "size"), [((91, 33), 28), ((130, 117), (28, 20)), ((29, 57), 28)]
)
def test_resize_keeps_the_mean(shape, size):
    image = np.random.default_rng(0).random(shape)
    pixels = Resize(size).fit_transform([image])
    assert pixels.dtype == np.float64
    # Every source pixel has the same weight in a mean over areas; OpenCV's table of
    # weights is in float32.
    assert pixels.mean() == pytest.approx(image.mean(), rel=1e-5)


def test_resize_to_its_own_size_returns_the_pixels():
    image = np.random.default_rng(0).random((28, 28))
    np.testing.assert_array_equal(Resize(28).fit_transform([image])[0], image.ravel())


def test_resize_enlarges_without_overshoot():
    image = np.random.default_rng(0).random((5, 40))
    pixels = Resize(28).fit_transform([image])
    assert image.min() <= pixels.min() and pixels.max() <= image.max()


def test_resize_white_stays_white_and_in_range():
    rng = np.random.default_rng(0)
    images = [np.full(rng.integers(29, 99, 2), 255, np.uint8) for _ in range(20)]
    pixels = Resize().fit_transform(images)
    assert pixels.max() <= 1
    np.testing.assert_allclose(pixels, 1, atol=1e-6)


def test_resize_names_pixels_by_row_and_column():
    resize = Resize((2, 3)).set_output(transform="pandas")
    pixels = resize.fit_transform(make_particles())
    assert list(pixels.columns)[:4] == [
        "pixel_0_0",
        "pixel_0_1",
        "pixel_0_2",
        "pixel_1_0",
    ]
    assert list(pixels.index) == [0] * 6


@pytest.mark.parametrize("size", [0, (28,), (28, -1), (3.5, 2), [1, 2, 3]])
def test_resize_refuses_other_sizes(size):
    with pytest.raises(ValueError, match="size"):
        Resize(size).fit(make_particles())


@pytest.mark.parametrize("transformer", [*TABLE_TO_TABLE, Resize()])
def test_bad_particles_are_refused_in_fit_and_transform(transformer):
    good = make_particles(2)
    bad = good.assign(mask=ImageArray([np.ones((2, 2), bool)] * 2))
    with pytest.raises(ValueError, match="the mask has shape"):
        clone(transformer).fit(bad)
    with pytest.raises(ValueError, match="the mask has shape"):
        clone(transformer).fit(good).transform(bad)


def test_resize_is_that_of_opencv():
    rng = np.random.default_rng(0)
    for shape, way in (((83, 91), cv2.INTER_AREA), ((9, 20), cv2.INTER_LINEAR)):
        image = rng.random(shape).astype(np.float32)
        expected = cv2.resize(image, (28, 28), interpolation=way).ravel()
        # Sums of float32 in another order; OpenCV interpolates in float32, too.
        np.testing.assert_allclose(Resize(28).fit_transform([image])[0], expected, 1e-5)


def test_resize_treats_each_axis_by_itself():
    image = np.random.default_rng(0).random((60, 5))
    narrow = Resize((6, 5)).fit_transform([image]).reshape(6, 5)
    np.testing.assert_allclose(narrow, image.reshape(6, 10, 5).mean(axis=1))
    wide = Resize((60, 9)).fit_transform([image]).reshape(60, 9)
    both = Resize((6, 9)).fit_transform([image]).reshape(6, 9)
    np.testing.assert_allclose(both, wide.reshape(6, 10, 9).mean(axis=1))


def test_resize_gives_the_same_bits_on_any_number_of_threads():
    images = np.random.default_rng(0).random((3, 400, 300))
    resized = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            resized.append(Resize(64).fit_transform(images))
    np.testing.assert_array_equal(*resized)
