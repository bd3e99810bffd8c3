"""Instance label images in every form, and what is handed over in place of them."""

import numpy as np
from scipy import ndimage

from .rule import Expected, Variants

VARIANTS = Variants()
same, fault, warned = map(
    VARIANTS.register, (Expected.SAME, Expected.ERROR, Expected.WARNING)
)


def make_plain():
    """Return a micrograph and its label image of 4 disks, numbered 1 to 4."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:60, :70]
    labels = np.zeros(y.shape, np.int32)
    for number, (top, left) in enumerate([(15, 15), (15, 50), (42, 20), (44, 52)], 1):
        labels[(y - top) ** 2 + (x - left) ** 2 < 60] = number
    return (rng.integers(80, 120, y.shape) + 40 * (labels > 0)).astype(
        np.uint16
    ), labels


MICROGRAPH, LABELS = make_plain()


@same
def other_dtypes(labels, rng):
    kinds = ["u1", "i1", "u2", ">u2", ">i4", "i8", "u8", ">u8", "f4", "f8", ">f8", "f2"]
    return labels.astype(rng.choice(kinds))


@same
def other_memory(labels, rng):
    forms = [
        np.asfortranarray(labels),
        np.repeat(labels, 2, axis=1)[:, ::2],
        labels.tolist(),
        np.ma.masked_array(labels, mask=False),
        labels[::-1].copy()[::-1],
    ]
    return forms[rng.integers(len(forms))]


@fault
def numbers_that_are_no_labels(labels, rng):
    value = rng.choice([0.5, np.nan, np.inf, -1, -np.inf, 1e300])
    labels = labels.astype(float)
    labels[tuple(rng.integers(labels.shape))] = value
    return labels


@fault
def other_shapes(labels, rng):
    forms = [
        labels[1:],
        labels.T,
        labels.ravel(),
        np.stack([labels] * 2),
        labels[:0],
        np.dstack([labels, labels + 1, labels]),
        np.zeros((0, 0), int),
        3,
        None,
        [[1], [1, 2]],
    ]
    return forms[rng.integers(len(forms))]


@fault
def other_types(labels, rng):
    forms = [
        labels.astype(str),
        labels.astype(complex),
        labels.astype("M8[s]"),
        np.full(labels.shape, None),
        np.zeros_like(labels),
        np.zeros(labels.shape, float),
        {},
        "nowhere.png",
        object(),
    ]
    return forms[rng.integers(len(forms))]


@warned
def one_number_for_several(labels, rng):
    kind = rng.integers(3)
    if kind == 0:
        return (labels > 0) * [True, 1, 255][rng.integers(3)]
    if kind == 1:
        return np.minimum(labels, rng.integers(1, 4))
    pieces = labels.copy()
    number = rng.integers(1, 5)
    box = ndimage.find_objects((labels == number).astype(int))[0]
    pieces[box[0], (box[1].start + box[1].stop) // 2] = 0
    return pieces
