import inspect

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_cases import make_particles
from skimage.measure import regionprops
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklipo import (
    ApplyMask,
    CropToMask,
    ImageArray,
    NormalizeBackground,
    ParticleFeatures,
    Resize,
)
from sklipo.surrounding import find_surrounding
from sklipo.tags import has_tag

TABLE_TO_TABLE = [
    *map(NormalizeBackground, ("noise", "contrast", "none")),
    *(CropToMask(margin=1), ApplyMask(fill_value=1)),
]


@pytest.mark.suite
@parametrize_with_checks([*TABLE_TO_TABLE, Resize(5), Resize((3, 4))])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", [*TABLE_TO_TABLE, Resize()])
def test_constraints_cover_the_parameters(estimator):
    parameters = set(inspect.signature(type(estimator)).parameters)
    assert set(estimator._parameter_constraints) == parameters


@pytest.mark.parametrize("transformer", [*TABLE_TO_TABLE, Resize()])
def test_each_row_is_transformed_by_itself(transformer):
    particles = make_particles()
    together = clone(transformer).fit_transform(particles)
    alone = [clone(transformer).fit_transform(particles[i : i + 1]) for i in range(6)]
    if isinstance(together, pd.DataFrame):
        together, alone = together["image"], [a["image"].iloc[0] for a in alone]
    for row, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(row, other.reshape(row.shape))
    assert has_tag(transformer, "row_wise")


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
        background = image[find_surrounding(mask)].astype(float)
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


@pytest.mark.parametrize("level", [0.7, -1 / 3, 1000.1, 1e-5])
def test_single_precision_in_a_wider_type_is_rounded_as_it_was(level):
    """Images of float32 become float64 in joins, and by NumPy's functions."""
    rng = np.random.default_rng(0)
    mask = np.pad(np.ones((20, 20), bool), 20)
    last_place = np.finfo(np.float32).eps * rng.integers(-1, 2, mask.shape)
    image = (level * (1 + last_place + mask * rng.random(mask.shape))).astype("f4")
    columns = {"mask": ImageArray([mask])}
    single, double = (
        NormalizeBackground().fit_transform(
            pd.DataFrame({"image": ImageArray([image.astype(dtype)]), **columns})
        )["image"][0]
        for dtype in ("f4", "f8")
    )
    np.testing.assert_allclose(double, single, rtol=1e-4, atol=1e-4)
    assert abs(double).max() < 10


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("side", [7, 33, 500])
@pytest.mark.parametrize("level", [0.7, 0.1, 1e6 + 0.1, 1e200, 1e-30])
def test_flat_backgrounds_of_any_level_are_no_unit(level, side, dtype):
    if level > float(np.finfo(dtype).max):
        pytest.skip("no number of this type")
    mask = np.zeros((side, side), bool)
    mask[3:4, 3:4] = True
    image = np.where(mask, 2 * level, level).astype(dtype)
    table = pd.DataFrame({"image": ImageArray([image]), "mask": ImageArray([mask])})
    normalized = NormalizeBackground().transform(table)["image"][0]
    np.testing.assert_array_equal(normalized[~mask], 0)
    # A part p of ones among zeros has the deviation sqrt(p (1 - p)).
    part = 1 / side**2
    expected = 1 / np.sqrt(part * (1 - part))
    # OpenCV's variance loses digits to the mean, of which that of 500**2 pixels is 500
    # deviations.
    np.testing.assert_allclose(normalized[mask], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("level", "noise", "dtype"),
    [
        (1e9, 10, "i4"),
        (4e9, 10, "u4"),
        (2**35, 10, "i8"),
        (2**35, 10, "u8"),
        (1e6, 8, "f4"),
        (1e9, 10, "f8"),
        (1e200, 1e200, "f8"),
        (1e-200, 1e-200, "f8"),
        (0, 9e36, "f4"),
        (0, 9e299, "f8"),
        (0, 1e-38, "f4"),
        (0, 1e-300, "f8"),
        (0, 9e299, "g"),
        (1000, 8, "f2"),
    ],
)
def test_background_is_normalized_at_any_level(level, noise, dtype):
    mask = np.zeros((30, 30), bool)
    mask[10:20, 10:20] = True
    shape = np.random.default_rng(0).integers(-1, 2, mask.shape)
    image = np.array(level).astype(dtype) + (shape * noise).astype(dtype)
    table = pd.DataFrame({"image": ImageArray([image]), "mask": ImageArray([mask])})
    original = image.copy()
    normalized = NormalizeBackground().transform(table)["image"][0]
    outside = shape[find_surrounding(mask)]
    expected = (shape - outside.mean()) / outside.std()
    # Pixels of single precision far from 0 are those nearest to what is asked for.
    np.testing.assert_allclose(normalized, expected, atol=1e-6, rtol=1e-5)
    np.testing.assert_array_equal(image, original)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (2**53 + 1, "i8"),
        (-(2**53) - 1, "i8"),
        (2**64 - 1, "u8"),
        (3e38, "f4"),
        (-1.7e308, "f8"),
        (1e301, "g"),
        ("1e400", "g"),
    ],
)
@pytest.mark.parametrize(
    "step", [*TABLE_TO_TABLE, Resize(2), ParticleFeatures("thesis")]
)
def test_numbers_too_large_to_compute_with_are_refused(step, value, dtype):
    if value == "1e400" and np.finfo("g").max < np.longdouble(value):
        pytest.skip("no number of this type")
    usual, large = np.ones((3, 3), dtype), np.full((3, 3), value, dtype)
    for images in ([usual, large], np.array([usual, large]).reshape(2, 9)):
        with pytest.raises(ValueError, match=r"row 1: .* pixels beyond .*subtract"):
            step.fit(images)
    # Pixels of no image are none of its business.
    step.fit(ImageArray([usual, large])[:1])


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
        expected = np.where(mask, image, image.dtype.type(0))
        np.testing.assert_array_equal(result, expected)
        # -0.0 would be equal to the 0 that is asked for, but not the same. Bytes do not
        # tell: those of a longdouble that fill it up can have any value.
        if image.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(result), np.signbit(expected))


@pytest.mark.parametrize(
    ("fill_value", "dtype"),
    [
        (-1, "uint8"),
        (256, "uint8"),
        (0.5, "uint8"),
        (np.inf, "uint8"),
        (-np.inf, "int32"),
        (1e30, "int64"),
        (2**70, "uint64"),
        (2, "bool"),
        (1e6, "float16"),
        (-1e300, "float32"),
        (10**400, "float64"),
    ],
    ids=lambda value: str(value)[:9],
)
def test_fill_value_must_be_a_pixel(fill_value, dtype):
    images = [np.ones((3, 3), dtype)]
    table = pd.DataFrame({"image": ImageArray(images), "mask": ImageArray(images)})
    with pytest.raises(ValueError, match=f"is no {dtype} pixel"):
        ApplyMask(fill_value).fit_transform(table.assign(mask=ImageArray([EYE])))


EYE = np.eye(3, dtype=bool)


@pytest.mark.parametrize(
    ("fill_value", "dtype"),
    [(255, "u1"), (3.0, "u1"), (True, "?"), (2**53, "f8"), (2**70, "f8"), (0.1, "f2")],
)
def test_fill_value_of_the_type_of_the_pixels_is_taken(fill_value, dtype):
    images = ImageArray([np.ones((3, 3), dtype)])
    table = pd.DataFrame({"image": images, "mask": ImageArray([EYE])})
    filled = ApplyMask(fill_value).fit_transform(table)["image"][0]
    np.testing.assert_array_equal(filled[~EYE], np.array(fill_value).astype(dtype))
    np.testing.assert_array_equal(filled[EYE], 1)


@pytest.mark.parametrize("margin", [10, 2**31, 2**63 - 1, 10**30, np.uint8(250)])
def test_a_margin_of_any_size_ends_at_the_border(margin):
    particles = make_particles(3)
    cropped = CropToMask(margin).fit_transform(particles)
    expected = CropToMask(max(10, min(margin, 200))).fit_transform(particles)
    assert (cropped["image"].array == expected["image"].array).all()


@pytest.mark.parametrize("dtype", "? i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8 g".split())
@pytest.mark.parametrize(
    "transformer",
    [
        *TABLE_TO_TABLE,
        Resize(5),
        ParticleFeatures(["histogram", "intensity", "texture"]),
    ],
    ids=repr,
)
def test_any_type_of_pixels_gives_the_same_and_stays_as_it_is(transformer, dtype):
    particles = make_particles(3)
    ones = [image > 99 for image in particles["image"]]
    images = ones if dtype == "?" else list(particles["image"].to_numpy() // 2)
    given = particles.assign(image=ImageArray([i.astype(dtype) for i in images]))
    double = particles.assign(image=ImageArray([i.astype("f8") for i in images]))
    before = given["image"].array.pixels.copy(), given["mask"].array.pixels.copy()
    columns = list(given)
    result = clone(transformer).fit(given).transform(given)
    expected = clone(transformer).fit(double).transform(double)
    white = (
        {"u1": 255, "u2": 65535}.get(dtype, 1) if "Resize" in repr(transformer) else 1
    )
    if isinstance(result, pd.DataFrame):
        result, expected = (
            np.concatenate([image.ravel() for image in table["image"]])
            for table in (result, expected)
        )
    # Single precision, of sums of up to 1000 pixels where images shrink.
    np.testing.assert_allclose(
        np.multiply(result, white, dtype=float), expected, rtol=1e-5, atol=1e-5
    )
    assert list(given) == columns
    np.testing.assert_array_equal(given["image"].array.pixels, before[0])
    np.testing.assert_array_equal(given["mask"].array.pixels, before[1])


@pytest.mark.parametrize("transformer", [*TABLE_TO_TABLE, Resize()])
def test_bad_particles_are_refused_in_fit_and_transform(transformer):
    good = make_particles(2)
    bad = good.assign(mask=ImageArray([np.ones((2, 2), bool)] * 2))
    with pytest.raises(ValueError, match="the mask has shape"):
        clone(transformer).fit(bad)
    with pytest.raises(ValueError, match="the mask has shape"):
        clone(transformer).fit(good).transform(bad)


ALL_STEPS = [*TABLE_TO_TABLE, Resize(3), ParticleFeatures(["area"])]


@pytest.mark.parametrize("step", TABLE_TO_TABLE)
def test_masks_are_there_in_fit_and_transform_or_in_neither(step):
    with_masks, without = make_particles(), make_particles()[["image"]]
    # Nothing is learned, so there is nothing to differ from without fit.
    for table in (with_masks, without):
        clone(step).transform(table)
    with pytest.raises(ValueError, match=r"no column 'mask', but had one .* fitted"):
        clone(step).fit(with_masks).transform(without)
    with pytest.raises(ValueError, match=r"a column 'mask', but had none .* fitted"):
        clone(step).fit(without).transform(with_masks)
    again = clone(step).fit(with_masks).fit(without)
    assert "mask" not in again.transform(without)


@pytest.mark.parametrize("step", TABLE_TO_TABLE)
def test_steps_return_tidy_names(step):
    table = make_particles()
    given = table.rename(columns={"image": " image", "mask": "mask "})
    result = step.fit_transform(given)
    pd.testing.assert_frame_equal(result, step.fit_transform(table))
    # So that the next step meets no name twice.
    CropToMask().fit_transform(result)


@pytest.mark.parametrize("step", ALL_STEPS)
@pytest.mark.parametrize("empty", [[], ImageArray([]), make_particles()[:0]], ids=len)
def test_no_particles_are_refused_in_fit_and_transform(step, empty):
    fitted = clone(step).fit(make_particles())
    with pytest.raises(ValueError, match="X has no particles"):
        fitted.transform(empty)
    with pytest.raises(ValueError, match="X has no particles"):
        clone(step).fit(empty)


@pytest.mark.parametrize("step", ALL_STEPS)
@pytest.mark.parametrize(
    "X", [iter([]), {1}, {"image": []}, b"", "a.csv", range(3), None], ids=type
)
def test_what_holds_no_images_is_refused_as_by_check_particles(step, X):
    with pytest.raises(TypeError, match="expected a particle table"):
        clone(step).fit(X)


def test_an_image_column_of_objects_in_rows_is_no_row_of_numbers():
    rows = make_particles()[["image"]].to_numpy()
    with pytest.raises(ValueError, match=r"shape \(\d+, 1\) and the dtype object"):
        Resize(3).fit(rows)
