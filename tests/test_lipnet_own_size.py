"""Networks for images of differing sizes: held against LipNets on each image alone."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sklipo import RandomAffine, RandomIntensity
from sklipo.lipnet import build_lipnet, set_generator
from sklipo.lipnet._own_size import OwnSizeImages, PaddedImages
from sklipo.lipnet._own_size_network import build_own_size_network

ARCHITECTURES = [
    "lipnet-4c",
    ("average",),
    ("conv", "pool", "conv", "pool", "average"),
    ("pool", "pool", "conv", "stride", "average"),
]
SHAPES = [(1, 1), (1, 7), (5, 2), (9, 9), (13, 8), (30, 17), (4, 33)]


def draw_images(shapes, masked=False, seed=0):
    rng = np.random.default_rng(seed)
    n_pixels = sum(height * width for height, width in shapes)
    inside = rng.random(n_pixels) < 0.7 if masked else np.ones(n_pixels, bool)
    pixels = rng.normal(2, 3, n_pixels)
    return OwnSizeImages(pixels, inside, np.array(shapes))


def pad(images, rows=None, **options):
    padded = PaddedImages(images, batch_size=32, batch_pixels=10**6, **options)
    return padded[torch.arange(len(images)) if rows is None else torch.tensor(rows)]


def build(architecture, batch_norm=False):
    network = build_own_size_network(
        architecture,
        3,
        n_filters=4,
        batch_norm=batch_norm,
        mean=2.0,
        scale=3.0,
        dtype=torch.float64,
        generator=torch.Generator().manual_seed(0),
    )
    with torch.no_grad():
        for name, values in (*network.named_parameters(), *network.named_buffers()):
            if "bias" in name or ("norm" in name and values.is_floating_point()):
                values.uniform_(0.2, 0.9, generator=torch.Generator().manual_seed(1))
    return network


def as_lipnet(network, architecture, shape, batch_norm):
    plain = build_lipnet(
        architecture, shape, 3, n_filters=4, batch_norm=batch_norm, dtype=torch.float64
    )
    plain.load_state_dict(network.state_dict())
    return plain.eval()


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_image_of_a_batch_is_seen_as_by_a_lipnet_alone(architecture, batch_norm):
    images = draw_images(SHAPES)
    network = build(architecture, batch_norm).eval()
    logits = network(pad(images))
    for i, (image, _) in enumerate(images):
        plain = as_lipnet(network, architecture, image.shape, batch_norm)
        alone = plain(torch.from_numpy(image)[None, None])
        # Sums of some hundred numbers in double precision.
        torch.testing.assert_close(logits[i], alone[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_masked_images_do_not_see_their_padding(architecture):
    images = draw_images(SHAPES, masked=True)
    network = build(architecture, batch_norm=True).eval()
    together = network(pad(images))
    alone = torch.cat([network(pad(images, [i])) for i in range(len(images))])
    torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("masked", [False, True])
def test_values_outside_do_not_count(masked):
    images = draw_images(SHAPES, masked)
    batch = pad(images)
    other = batch.clone()
    other[:, 0][batch[:, 1] == 0] = 1e3
    network = build("lipnet-4c", batch_norm=True)
    for mode in (True, False):
        network.train(mode)
        outputs = []
        for each in (batch, other):
            set_generator(network, torch.Generator().manual_seed(0))
            outputs.append(network(each))
        assert torch.equal(*outputs)


def test_batch_normalization_counts_pixels_inside_alone():
    images = draw_images([(6, 8)] * 5)
    network = build(("conv", "average"), batch_norm=True).train()
    plain = copy.deepcopy(network)
    plain.features.norm1 = nn.BatchNorm2d(4, dtype=torch.float64)
    plain.features.norm1.load_state_dict(network.features.norm1.state_dict())
    pixels = torch.from_numpy(images.pixels).reshape(5, 1, 6, 8)
    expected = plain.features(plain.standardize(pixels)).mean(dim=(2, 3))
    averages = network[:-1](nn.functional.pad(pad(images), (0, 9, 0, 3)))
    torch.testing.assert_close(averages, expected, rtol=1e-10, atol=1e-12)
    for name, values in plain.features.norm1.named_buffers():
        torch.testing.assert_close(values, network.features.norm1.get_buffer(name))


def test_gradients_do_not_depend_on_padding():
    images, gradients = draw_images(SHAPES, masked=True), []
    for more in (0, 16):
        network = build(("pool", "conv", "pool", "stride", "average")).eval()
        network(
            nn.functional.pad(pad(images), (0, more, 0, more))
        ).square().sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters()]))
    assert gradients[0].isfinite().all()
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=60
    ),
    st.integers(1, 12),
    st.integers(1600, 6000),
    st.booleans(),
)
def test_each_image_is_in_one_batch_within_the_bounds(
    shapes, batch_size, batch_pixels, is_drawn
):
    images = draw_images(shapes)
    padded = PaddedImages(images, batch_size, batch_pixels)
    generator = torch.Generator().manual_seed(0) if is_drawn else None
    rows = np.arange(len(shapes))[::-1]
    plan = padded.plan(rows, generator)
    assert sorted(torch.cat(plan).tolist()) == sorted(rows)
    for part in plan:
        sides = np.array(shapes)[rows[part.numpy()]]
        assert len(part) <= batch_size
        assert len(part) == 1 or len(part) * sides.max(axis=0).prod() <= batch_pixels


@pytest.mark.parametrize("stretch", [None, 1.5])
def test_a_batch_holds_the_pixels_and_zeros(stretch):
    images = draw_images(SHAPES, masked=True)
    batch = pad(images, stretch=stretch)
    for (image, inside), (pixels, is_inside) in zip(images, batch, strict=True):
        height, width = image.shape
        y = (pixels.shape[0] - height) // 2 if stretch else 0
        x = (pixels.shape[1] - width) // 2 if stretch else 0
        expected = np.zeros((2, *pixels.shape))
        expected[0, y : y + height, x : x + width] = image * inside
        expected[1, y : y + height, x : x + width] = inside
        np.testing.assert_array_equal(torch.stack([pixels, is_inside]), expected)


def test_views_are_the_rotations_and_flips_of_each_image():
    images = draw_images([(3, 5), (4, 4), (1, 6)])
    seen = [set() for _ in range(3)]
    for view in images.views():
        for i, (pixels, inside) in enumerate(pad(view)):
            height, width = int(inside.sum(dim=0).max()), int(inside.sum(dim=1).max())
            seen[i].add(pixels[:height, :width].numpy().tobytes())
    for found, (image, _) in zip(seen, images, strict=True):
        turned = [np.rot90(flip, k) for flip in (image, image.T) for k in range(4)]
        assert found == {np.ascontiguousarray(each).tobytes() for each in turned}


def test_mean_and_scale_are_those_of_the_pixels_inside():
    images = draw_images([(5, 6)] * 4, masked=True)
    inside = [image[is_inside] for image, is_inside in images]
    mean = np.mean([each.mean() for each in inside])
    scale = np.sqrt(np.mean([np.square(each - mean).mean() for each in inside]))
    assert images.mean_and_scale(np.ones(4)) == pytest.approx((mean, scale), rel=1e-12)


def draw_disk(radius=9):
    side = 2 * radius + 1
    y, x = np.mgrid[:side, :side] - radius
    inside = np.hypot(y, x) <= radius
    return OwnSizeImages(
        np.full(side**2, 5.0), inside.ravel(), np.array([[side, side]])
    )


@pytest.mark.parametrize(
    "images", [draw_images([(20, 6)]), draw_disk()], ids=["bar", "disk"]
)
@pytest.mark.parametrize(
    ("augmentation", "factor"),
    [
        (RandomAffine(zoom=(1, 1), shear=0), 1),
        (RandomAffine(zoom=(1, 1), shear=0.5), 1),
        (RandomAffine(zoom=(0.5, 0.5)), 4),
        (RandomAffine(zoom=(1.25, 1.25)), 0.64),
    ],
)
def test_nothing_is_cut_off_where_images_move(images, augmentation, factor):
    batch = pad(images, [0] * 50, stretch=augmentation.stretch())
    generator = torch.Generator().manual_seed(0)
    _, inside = augmentation.augment_inside(*batch.split(1, dim=1), generator)
    areas = inside.sum(dim=(1, 2, 3)) / batch[:, 1].sum(dim=(1, 2))
    # A row of pixels at the edge of the bar is a sixth of it, and is in or out.
    np.testing.assert_allclose(areas, factor, rtol=0.2)
    assert areas.mean().item() == pytest.approx(factor, rel=0.03)


def test_the_edge_of_a_moved_image_is_not_darkened():
    batch = pad(draw_disk(), [0] * 20, stretch=2.0)
    moved, inside = RandomAffine().augment_inside(*batch.split(1, dim=1))
    torch.testing.assert_close(moved[inside > 0], torch.full_like(moved[inside > 0], 5))
    assert (moved[inside == 0] == 0).all()


def test_flips_are_exact_and_intensity_keeps_what_is_inside():
    batch = pad(draw_images([(8, 8)]), stretch=1.0)[:, :, 2:10, 2:10]
    images, inside = batch.split(1, dim=1)
    flips = RandomAffine(0, shear=0, zoom=(1, 1), horizontal_flip=False)
    found = set()
    for seed in range(8):
        generator = torch.Generator().manual_seed(seed)
        moved, still = flips.augment_inside(images, inside, generator)
        assert torch.equal(still, inside)
        found.add(tuple(moved.flatten().round(decimals=6).tolist()))
    expected = {
        tuple(each.flatten().round(decimals=6).tolist())
        for each in (images, images.flip(-2))
    }
    assert found == expected
    changed, same = RandomIntensity().augment_inside(images, inside)
    assert same is inside
    assert not torch.equal(changed, images)
