"""Resize: each axis by its own rule, pixels on one scale."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_cases import make_particles
from skimage.measure import block_reduce
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_info

from sklipo import CropToMask, ImageArray, NormalizeBackground, Resize


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


@given(
    shape=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
)
@settings(max_examples=60, deadline=None)
def test_resize_in_proportion_fills_one_axis_and_centers_the_other(shape, size):
    image = np.random.default_rng(0).random(shape) + 1
    resize = Resize(size, keep_aspect_ratio=True, fill_value=-1)
    result = resize.fit_transform([image]).reshape(size)
    rows, columns = (
        np.flatnonzero((result > 0).any(1)),
        (result > 0).any(0).nonzero()[0],
    )
    found = len(rows), len(columns)
    factor = min(size[0] / shape[0], size[1] / shape[1])
    for n_found, n_source, n_target in zip(found, shape, size, strict=True):
        assert n_found == pytest.approx(max(n_source * factor, 1), abs=0.5 + 1e-9)
        assert n_found <= n_target
    assert found[0] == size[0] or found[1] == size[1]
    for indices, n_target in zip((rows, columns), size, strict=True):
        assert 0 <= (n_target - 1 - indices[-1]) - indices[0] <= 1  # in the middle
    part = result[np.ix_(rows, columns)]
    np.testing.assert_array_equal(part.ravel(), Resize(found).fit_transform([image])[0])
    assert np.sum(result == -1) == result.size - part.size


def test_resize_fills_on_the_scale_of_the_pixels():
    image = np.full((10, 20), 200, np.uint8)
    resize = Resize(20, keep_aspect_ratio=True, fill_value=200)
    np.testing.assert_allclose(resize.fit_transform([image]), 200 / 255, rtol=1e-6)


@pytest.mark.parametrize("fill_value", [np.nan, np.inf, "0", None])
def test_resize_refuses_other_fill_values(fill_value):
    with pytest.raises(ValueError, match="fill_value"):
        Resize(4, fill_value=fill_value).fit([np.ones((4, 4))])


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


@pytest.mark.parametrize(
    "size",
    [
        *(0, -3, True, False, 1.5, np.nan, None, "28", 10**9, 2**31, 2**70),
        *((28,), (28, -1), (3.5, 2), [1, 2, 3], (), ("3", "4"), (True, 5), [[3, 4]]),
        *(np.array(5), np.array([3, 4]), np.float64(3), {3, 4}, (10**5, 10**5)),
    ],
    ids=repr,
)
def test_resize_refuses_other_sizes(size):
    with pytest.raises(ValueError, match="size"):
        Resize(size).fit(make_particles())


def resample(image, n):
    """Resize along the first axis in double precision, another way than OpenCV does."""
    length = len(image)
    if n < length:  # Differences of cumulative sums are exact means over an area.
        sums = np.vstack([np.zeros(image.shape[1]), image.cumsum(axis=0, dtype=float)])
        ends = np.arange(n + 1) * length / n
        columns = [np.interp(ends, np.arange(length + 1), s) for s in sums.T]
        return np.diff(columns).T * n / length
    centers = (np.arange(n) + 0.5) * length / n - 0.5
    return np.transpose([np.interp(centers, np.arange(length), c) for c in image.T])


SHAPES = [
    (120, 110),
    (91, 33),
    (29, 57),
    (20, 17),
    (5, 400),
    (28, 300),
    (1, 1),
    (1, 99),
]


@pytest.mark.parametrize("size", [(28, 28), (20, 64), (1, 1)])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_resize_is_mean_over_area_or_linear_along_each_axis(dtype, shape, size):
    image = np.random.default_rng(0).random(shape).astype(dtype)
    expected = resample(resample(image, size[0]).T, size[1]).T
    pixels = Resize(size).fit_transform([image]).reshape(size)
    assert pixels.dtype == dtype
    # OpenCV's weights are in float32, so are its sums of float32 pixels, of up to 9100
    # of them.
    atol = 1e-6 if dtype == np.float32 else 1e-7
    np.testing.assert_allclose(pixels, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("shape", [(40_000, 3), (2, 70_000), (1, 40_000), (99_999, 1)])
def test_resize_takes_sides_beyond_16_bits(shape):
    image = np.random.default_rng(0).random(shape)
    expected = resample(resample(image, 5).T, 7).T
    pixels = Resize((5, 7)).fit_transform([image]).reshape(5, 7)
    np.testing.assert_allclose(pixels, expected, rtol=0, atol=1e-7)
    back = Resize(shape).fit_transform([image[:2, :2]])
    assert back.shape == (1, image.size)
    assert np.isfinite(back).all()


@pytest.mark.parametrize(
    "dtype", "? i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8 g >u2 >f8".split()
)
def test_resize_takes_any_type_of_pixels(dtype):
    image = np.random.default_rng(0).integers(0, 2, (31, 9)).astype(dtype)
    pixels = Resize().fit_transform([image])
    white = {"u1": 255, "u2": 65535, ">u2": 65535}.get(dtype, 1)
    assert pixels.dtype == (np.float64 if dtype in ("f8", ">f8", "g") else np.float32)
    expected = Resize().fit_transform([image.astype("f4")]) / np.float32(white)
    # Sums of float32 and float64 pixels differ by what float32 resolves.
    np.testing.assert_allclose(pixels, expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_crops_are_resized_as_their_copies(dtype):
    image = np.random.default_rng(0).integers(0, 255, (90, 70)).astype(dtype)
    crop = ImageArray([image]).crop(3, 5, 41, 50)
    assert not crop[0].flags.c_contiguous
    np.testing.assert_array_equal(
        Resize().fit_transform(crop), Resize().fit_transform([image[3:44, 5:55].copy()])
    )


def test_resize_treats_each_axis_by_itself():
    image = np.random.default_rng(0).random((60, 5))
    narrow = Resize((6, 5)).fit_transform([image]).reshape(6, 5)
    np.testing.assert_allclose(narrow, image.reshape(6, 10, 5).mean(axis=1))
    wide = Resize((60, 9)).fit_transform([image]).reshape(60, 9)
    both = Resize((6, 9)).fit_transform([image]).reshape(6, 9)
    np.testing.assert_allclose(both, wide.reshape(6, 10, 9).mean(axis=1))


def test_resize_gives_the_same_bits_on_any_number_of_threads():
    images = np.random.default_rng(0).random((3, 2000, 1500))
    before = cv2.getNumThreads()
    resized = []
    try:
        for n_threads in (1, 2, 5):
            cv2.setNumThreads(n_threads)
            resized.append(Resize((700, 1600)).fit_transform(images))
    finally:
        cv2.setNumThreads(before)
    for other in resized[1:]:
        np.testing.assert_array_equal(resized[0], other)


def test_resize_in_threads_leaves_the_threads_of_libraries_alone():
    images = np.random.default_rng(0).random((8, 300, 200))
    expected = Resize(20).fit_transform(images)
    before = cv2.getNumThreads(), threadpool_info()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: Resize(20).fit_transform(images), range(12)))
    assert (cv2.getNumThreads(), threadpool_info()) == before
    for result in results:
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("size", [np.int64(3), (np.uint8(3), 3), [3, 3]])
def test_resize_takes_whole_numbers_of_any_kind(size):
    assert Resize(size).fit_transform(make_particles(2)).shape == (2, 9)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 0)])
def test_images_without_pixels_are_refused_by_row(shape):
    with pytest.raises(ValueError, match=r"row 1: the image of shape .* has no pixels"):
        Resize(3).fit([np.ones((1, 1)), np.ones(shape)])


KINDS = {255: ["uint8"], 65535: ["uint16"], 1: "? i1 i2 u4 i8 f2 f4 f8".split()}


@pytest.mark.parametrize("fitted", KINDS)
@pytest.mark.parametrize("given", KINDS)
@pytest.mark.parametrize("as_rows", [False, True])
def test_resize_refuses_pixels_of_another_scale(fitted, given, as_rows):
    images = np.random.default_rng(0).integers(0, 2, (3, 4, 4))
    images = images.reshape(3, 16) if as_rows else images
    for dtype in KINDS[fitted]:
        resize = Resize(2).fit(images.astype(dtype))
        assert resize.white_ == fitted
        for other in map(np.dtype, KINDS[given]):
            X = images.astype(other)
            if fitted == given:
                np.testing.assert_array_equal(
                    resize.transform(X), Resize(2).fit_transform(X)
                )
                continue
            with pytest.raises(
                ValueError, match=rf"X has {other} pixels\. .* image / 255"
            ):
                resize.transform(X)


def test_resize_says_what_it_saw_in_fit():
    stack = np.ones((2, 3, 3))
    for dtype, words in [
        ("uint8", "uint8 pixels and divides them by 255"),
        ("uint16", "uint16 pixels and divides them by 65535"),
    ]:
        with pytest.raises(ValueError, match=words):
            Resize(2).fit(stack.astype(dtype)).transform(stack)
        with pytest.raises(ValueError, match="keeps their values"):
            Resize(2).fit(stack).transform(stack.astype(dtype))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_a_normalized_background_makes_all_pixels_alike(dtype):
    particles = make_particles()
    images = [image.astype(dtype) for image in particles["image"]]
    other = particles.assign(image=ImageArray(images))
    model = make_pipeline(NormalizeBackground(), CropToMask(), Resize(8))
    expected = model.fit_transform(particles)
    # Float pixels are normalized in their own precision.
    np.testing.assert_allclose(model.transform(other), expected, rtol=1e-5, atol=1e-6)
