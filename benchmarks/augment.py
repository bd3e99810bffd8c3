"""Augmenting a batch by sklipo, by kornia, and by warp of scikit-image."""

from functools import partial

import numpy as np
import torch
from skimage.transform import AffineTransform, warp

from benchmarks._timing import compare
from sklipo.lipnet.augmentation import RandomAffine
from sklipo.lipnet.intensity import RandomIntensity

N_IMAGES, SIDE = 128, 28
N_ROUNDS = 100


def main():
    torch.set_num_threads(1)  # as many as warp uses
    images = torch.rand(N_IMAGES, SIDE, SIDE, 1).permute(0, 3, 1, 2)
    sklipo = {
        "sklipo, gray values": RandomIntensity().augment,
        "sklipo": RandomAffine().augment,
    }
    augmenters = {**warp_ways(images), **kornia_ways(), **sklipo}
    ways = {name: partial(augment, images) for name, augment in augmenters.items()}
    title = f"Augment {N_IMAGES} images of {SIDE} x {SIDE} px, one thread"
    compare(title, ways, n_rounds=N_ROUNDS)


def kornia_ways():
    """Return the same transformations by kornia, where it is installed."""
    try:
        from kornia import augmentation as kornia
    except ImportError:
        print("kornia is not installed: not compared")
        return {}
    flips = kornia.RandomHorizontalFlip(p=0.5), kornia.RandomVerticalFlip(p=0.5)
    ways = {}
    for resample in ("bilinear", "bicubic"):
        affine = kornia.RandomAffine(
            degrees=180.0,
            translate=(0.1, 0.1),
            scale=(1.0, 1.25),
            shear=(0.0, np.rad2deg(0.2)),
            resample=resample,
            p=1.0,
        )
        ways[f"kornia {resample}"] = affine
        ways[f"kornia {resample} and flips"] = torch.nn.Sequential(affine, *flips)
    return ways


def warp_ways(images):
    """Return one skimage.transform.warp per image, transformations drawn beforehand."""
    rng = np.random.default_rng(0)
    to_corner = AffineTransform(translation=((SIDE - 1) / 2,) * 2)
    transforms = [
        to_corner.inverse
        + AffineTransform(
            scale=rng.uniform(0.8, 1),
            rotation=rng.uniform(-np.pi, np.pi),
            shear=rng.uniform(0, 0.2),
            translation=rng.uniform(-0.1 * SIDE, 0.1 * SIDE, 2),
        )
        + to_corner
        for _ in range(N_IMAGES)
    ]
    pixels = images[:, 0].numpy()

    def warp_each(_):
        for image, transform in zip(pixels, transforms, strict=True):
            warp(image, transform, order=3)

    return {"by hand, skimage.transform.warp": warp_each}
