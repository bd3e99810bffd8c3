import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sklipo.lipnet._batches import Batches, ImageDataset
from sklipo.lipnet._devices import choose_device, seeded_globally
from sklipo.lipnet._images import as_images, find_image_shape, mean_and_scale
from sklipo.lipnet._weights import split_each_class, weigh

CPU = torch.device("cpu")


@given(n_samples=st.integers(1, 200), batch_size=st.integers(1, 70))
def test_batches_are_equal_in_size_and_hold_each_sample_once(n_samples, batch_size):
    dataset = ImageDataset(torch.zeros(n_samples, 1, 1, 1), torch.arange(n_samples))
    generator = torch.Generator().manual_seed(0)
    batches = [codes for _, codes in Batches(dataset, batch_size, generator)]
    sizes = {len(batch) for batch in batches}
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    assert len(batches) == len(Batches(dataset, batch_size))
    assert sorted(torch.cat(batches).tolist()) == list(range(n_samples))


def test_each_pass_has_its_own_order():
    dataset = ImageDataset(torch.zeros(50, 1, 1, 1), torch.arange(50))
    batches = Batches(dataset, 50, torch.Generator().manual_seed(0))
    first, second = next(iter(batches))[1], next(iter(batches))[1]
    assert not torch.equal(first, second)


def test_global_generator_is_put_back_after_an_error():
    before = torch.get_rng_state()
    with pytest.raises(KeyError), seeded_globally(0, CPU):
        torch.rand(3)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)


def test_device_auto_is_the_gpu_where_there_is_one():
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert choose_device("auto").type == expected
    assert choose_device(torch.device("cpu")) == CPU


@pytest.mark.parametrize("device", ["gpu", "cuda:x", ""])
def test_unknown_device_is_refused(device):
    with pytest.raises(ValueError, match="expected 'auto', or a device of torch"):
        choose_device(device)


@pytest.mark.parametrize("device", ["meta", "cuda:99", "mps:99", "xpu:99"])
def test_missing_device_is_said(device):
    with pytest.raises(ValueError, match=r"can't compute there.*device='auto'"):
        choose_device(device)


@pytest.mark.parametrize(
    ("n_pixels", "image_shape", "expected"),
    [
        (784, None, (28, 28)),
        (1, None, (1, 1)),
        (12, "row", (1, 12)),
        (9, "row", (1, 9)),
        (12, [3, 4], (3, 4)),
        (784, (np.int64(14), 56.0), (14, 56)),
    ],
)
def test_image_shape(n_pixels, image_shape, expected):
    assert find_image_shape(n_pixels, image_shape) == expected


@pytest.mark.parametrize("n_pixels", [2, 600, 783])
def test_row_that_is_no_square_is_refused(n_pixels):
    with pytest.raises(ValueError, match=rf"{n_pixels} features.*image_shape='row'"):
        find_image_shape(n_pixels, None)


def test_wrong_image_shape_names_pixels_and_square():
    with pytest.raises(ValueError, match=r"840 pixels, but X has 784 .*\(28, 28\)"):
        find_image_shape(784, (28, 30))
    with pytest.raises(ValueError, match=r"9 pixels, but X has 12 features\.$"):
        find_image_shape(12, (3, 3))


@pytest.mark.parametrize(
    "image_shape", [(28,), (0, 28), (2.5, 4), (-2, -2), (2, 2, 3), "column", "28"]
)
def test_image_shape_is_two_whole_numbers(image_shape):
    with pytest.raises(ValueError, match="expected height and width"):
        find_image_shape(784, image_shape)


def test_float32_rows_become_images_without_a_copy():
    rows = np.arange(24, dtype=np.float32).reshape(2, 12)
    images = as_images(rows, (3, 4))
    np.testing.assert_array_equal(images[:, 0], rows.reshape(2, 3, 4))
    assert np.shares_memory(images.numpy(), rows)


@given(
    n_pixels=st.integers(1, 30),
    offset=st.floats(-100, 100),
    seed=st.integers(0, 2**31),
)
def test_mean_and_scale_are_the_weighted_moments(n_pixels, offset, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(offset, size=(20, n_pixels)).astype(np.float32)
    weights = rng.integers(1, 4, size=20)
    repeated = np.repeat(X, weights, axis=0).astype(np.float64)
    mean, scale = mean_and_scale(X, weights)
    # The difference of squares loses up to 1e4 float64 roundings at offset 100.
    assert mean == pytest.approx(repeated.mean(), rel=1e-9, abs=1e-9)
    assert scale == pytest.approx(repeated.std(), rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, -7e5])
def test_constant_images_have_scale_1(value):
    X = np.full((5, 9), value, dtype=np.float32)
    assert mean_and_scale(X, np.ones(5)) == (pytest.approx(np.float32(value)), 1.0)


@given(
    counts=st.lists(st.integers(2, 40), min_size=1, max_size=5),
    fraction=st.floats(0.01, 0.99),
)
def test_validation_set_takes_its_share_of_each_class(counts, fraction):
    codes = np.repeat(np.arange(len(counts)), counts)
    classes = np.arange(len(counts))
    rng = np.random.RandomState(0)
    train, valid = split_each_class(codes, classes, fraction, rng)
    assert sorted([*train, *valid]) == list(range(len(codes)))
    for code, count in enumerate(counts):
        n_valid = (codes[valid] == code).sum()
        assert 1 <= n_valid <= count - 1
        # Rounded to whole samples, and kept within 1 and count - 1.
        assert abs(n_valid - fraction * count) <= 1


def test_balanced_weights_give_each_class_the_same_total():
    codes, weights = np.array([0, 0, 0, 1, 2]), np.array([1.0, 2.0, 1.0, 0.5, 3.0])
    balanced = weigh("balanced", np.arange(3), codes, weights)
    np.testing.assert_allclose(np.bincount(codes, balanced), [5 / 3] * 3)


def test_class_weights_multiply_sample_weights():
    weights = weigh({"b": 3}, np.array(["a", "b"]), np.array([0, 1]), np.ones(2))
    np.testing.assert_allclose(weights, [0.5, 1.5])
