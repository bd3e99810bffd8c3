"""Images to test with."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

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
