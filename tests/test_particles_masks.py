import numpy as np
import pytest

from sklipo.particles._masks import as_mask, looks_inverted


def disk(radius, size=60):
    y, x = np.indices((size, size)) - (size - 1) / 2
    return np.hypot(y, x) < radius


@pytest.mark.parametrize(
    ("dtype", "inside"),
    [
        *(("u1", 1), ("u1", 255), ("i1", -1), ("i1", -128), (">u2", 256)),
        *(("u2", 2**16 - 1), (">i4", 2**31 - 1), ("i8", -(2**63)), ("u8", 2**64 - 1)),
        *(("f2", 1), ("f4", 255), ("f8", 1e300), ("f8", 0.5), ("f8", -5e-324)),
        *(("g", 1), ("f4", -1)),
    ],
)
def test_masks_of_any_type_are_0_and_one_other_number(dtype, inside):
    pixels = np.zeros((60, 60), dtype)
    pixels[disk(20)] = inside
    before = pixels.copy()
    for variant in (pixels, pixels[:, ::-1], np.asfortranarray(pixels)):
        np.testing.assert_array_equal(as_mask(variant), variant != 0)
        assert as_mask(variant).dtype == bool
    np.testing.assert_array_equal(pixels, before)


def test_bool_masks_pass_through():
    mask = disk(20)
    assert as_mask(mask) is mask


@pytest.mark.parametrize("value", [0, 1, 255, -1, 0.5])
def test_masks_of_one_number_are_full_or_empty(value):
    assert (as_mask(np.full((3, 4), value)) == bool(value)).all()


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.arange(256, dtype="u1"), "256 levels from 0 to 255.*mask > 127 does.$"),
        ([0, 1, 254, 255], "4 levels from 0 to 255.*mask > 127"),
        (np.arange(2**16, dtype="u2"), "65536 levels.*mask > 32767"),
        (np.linspace(0, 1, 99), "99 levels from 0 to 1;.*mask > 0.5 does.$"),
        ([-1e300, 0, 1e300], "3 levels"),
        ([-128, 0, 127], "3 levels from -128 to 127"),
        ([0, 57, 58], "labels == 58.*extract_particles"),
        ([0.0, 1.0, 2.0], "labels == 2.*extract_particles"),
        ([1, 2], "1 and 2; expected 0 outside.*mask == 2.*mask == 1"),
        ([254, 255], "254 and 255"),
        ([0.25, 0.75], "0.25 and 0.75"),
        ([-1, 1], "-1 and 1"),
        ([0, np.nan], "NaN or infinite"),
        ([np.nan, np.nan], "NaN or infinite"),
        ([0, np.inf], "NaN or infinite"),
        ([0, 1j], "complex128"),
        (["0", "1"], "<U1"),
        (np.array([0, None], object), "object"),
        (np.array(["2020"], "M8[s]"), "datetime64"),
    ],
)
def test_what_is_no_mask_is_refused_and_says_how_to_make_one(pixels, message):
    with pytest.raises(ValueError, match=message):
        as_mask(np.atleast_2d(np.array(pixels)))


ring = disk(30) & ~disk(22)
y, x = np.indices((60, 60))


@pytest.mark.parametrize(
    ("mask", "inverted"),
    [
        (disk(20), False),
        (~disk(20), True),
        (disk(30), False),
        (~disk(30), True),
        (ring, False),
        (ring & ~((x > 30) & (abs(y - 30) < 10)), False),
        (np.pad(ring, 5), False),
        (disk(20)[:, 25:], False),
        (disk(200), False),
        ((x < 8) | (y < 8) | (y > 51), False),
        (np.roll(disk(200), 30), False),
        (np.indices((60, 60)).any(axis=0) & ((x != 30) | (y != 30)), False),
        (np.ones((1, 1), bool), False),
        (np.zeros((1, 1), bool), False),
        (np.ones((1, 40), bool), False),
    ],
    ids=str,
)
def test_masks_that_are_true_around_the_particle_look_inverted(mask, inverted):
    assert looks_inverted(mask) is inverted
    assert looks_inverted(mask.T) is inverted
