"""Images to test with."""

import cv2
import numpy as np
import pandas as pd
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sklipo import ImageArray

PIXEL_DTYPES = [
    np.bool_,
    np.uint8,
    np.int16,
    np.uint16,
    np.int32,
    np.float16,
    np.float32,
    np.float64,
]


@st.composite
def image_lists(draw, min_size=0, missing=True):
    """Lists of 2-D arrays of one dtype and differing sizes, some of them None."""
    dtype = draw(st.sampled_from(PIXEL_DTYPES))
    shapes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=5)
    image = hnp.arrays(dtype, shapes)
    element = st.none() | image if missing else image
    return draw(st.lists(element, min_size=min_size, max_size=6))


def assert_same(images, expected):
    """Assert equal shapes and bits, NaN pixels and missing images included."""
    assert len(images) == len(expected)
    for image, other in zip(images, expected, strict=True):
        if other is None or other is pd.NA:
            assert image is pd.NA
        else:
            np.testing.assert_array_equal(image, other, strict=True)


def ragged(n=5, dtype=np.uint8):
    """Return n images of differing sizes, the third of them missing."""
    images = [np.arange((i + 2) * (i + 3)).reshape(i + 2, i + 3) + i for i in range(n)]
    return [None if i == 2 else image.astype(dtype) for i, image in enumerate(images)]


def make_particles(n=6, seed=0, dtype=np.uint8):
    """Return ellipses on noise, with label and an index that repeats."""
    rng = np.random.default_rng(seed)
    images, masks = [], []
    for _ in range(n):
        height, width = rng.integers(20, 40, 2)
        mask = np.zeros((height, width), np.uint8)
        axes = (int(rng.integers(3, 8)), int(rng.integers(3, 8)))
        center = (int(width // 2), int(height // 2))
        cv2.ellipse(mask, center, axes, float(rng.uniform(0, 90)), 0, 360, 1, -1)
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
