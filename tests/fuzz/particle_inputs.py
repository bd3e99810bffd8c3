"""Particles in every form that people hand over, and with every fault seen in them.

`PLAIN` is the plainest form: a particle table of uint8 images. Each function here takes
a table and a random generator and returns another one; the decorator says what a door
may make of it.
"""

import decimal

import numpy as np
import pandas as pd
from scipy import sparse

from sklipo import ImageArray

from .rule import Expected, Variants

VARIANTS = Variants()
same, fault = VARIANTS.register(Expected.SAME), VARIANTS.register(Expected.ERROR)
warned, either = VARIANTS.register(Expected.WARNING), VARIANTS.register(Expected.EITHER)


def make_plain(n=12, seed=0):
    """Return disks and rings of a few sizes on noise, a label for each."""
    rng = np.random.default_rng(seed)
    images, masks = [], []
    for i in range(n):
        height, width = rng.integers(18, 30, 2)
        y, x = np.mgrid[:height, :width]
        mask = (y - height / 2) ** 2 + (x - width / 2) ** 2 < rng.integers(5, 8) ** 2
        image = rng.integers(90, 130, (height, width))
        image[mask] += 40 if i % 2 else 90
        images.append(image.astype(np.uint8))
        masks.append(mask)
    return pd.DataFrame(
        {
            "image": ImageArray(images),
            "mask": ImageArray(masks),
            "pixel_size": np.linspace(0.4, 0.6, n),
            "label": ["empty", "full"] * (n // 2),
        }
    )


PLAIN = make_plain()


def _objects(arrays):
    """Return arrays as a column of objects, which NumPy would make a stack."""
    column = np.empty(len(arrays), object)
    for i, array in enumerate(arrays):
        column[i] = array
    return column


def _each(name, change):
    """Return a function that changes each image of a column."""
    return lambda table: table.assign(
        **{name: _objects([change(a) for a in table[name]])}
    )


def _one(table, name, rng, change):
    """Return the table with one image of a column changed, kept as objects."""
    arrays = list(table[name])
    row = rng.integers(len(arrays))
    arrays[row] = change(np.array(arrays[row]))
    return table.assign(**{name: _objects(arrays)})


# The same particles.


@same
def plain(table, rng):
    return table


@same
def foreign_bytes(table, rng):
    kind = rng.choice([">u2", ">i4", ">f4", ">f8", ">i8"])
    floats = _each("image", lambda a: np.asarray(a).astype(kind))
    return floats(table)


foreign_bytes.changes_dtype = True


@same
def read_only_images(table, rng):
    def freeze(image):
        image = np.array(image)
        image.flags.writeable = False
        return image

    return _each("image", freeze)(table)


@same
def strided_images(table, rng):
    def stretch(image):
        image = np.asarray(image)
        order = rng.integers(3)
        if order == 0:
            return np.asfortranarray(image)
        if order == 1:
            return np.ascontiguousarray(image[::-1, ::-1])[::-1, ::-1]
        return np.repeat(image, 2, axis=1)[:, ::2]

    return _each("image", stretch)(table)


@same
def nested_list_images(table, rng):
    return _each("image", lambda a: np.asarray(a).tolist())(table)


nested_list_images.changes_dtype = True


@same
def unmasked_masked_arrays(table, rng):
    return _each("image", lambda a: np.ma.masked_array(a, mask=False))(table)


@same
def numeric_masks(table, rng):
    dtype = rng.choice(["u1", "i8", ">u2", "f4", "f8", "u8", "i1", ">f8"])
    value = rng.choice([1, 100])
    return _each("mask", lambda m: (np.asarray(m) * value).astype(dtype))(table)


@same
def numbered_masks(table, rng):
    numbers = iter(range(1, 1000))
    return _each("mask", lambda m: m.astype(np.uint16) * next(numbers))(table)


@same
def object_masks(table, rng):
    return _each("mask", np.array)(table)


@same
def pixel_sizes_of_other_types(table, rng):
    # Not of foreign bytes: pandas itself does not take rows of such a column.
    sizes = PLAIN["pixel_size"]
    kinds = [
        sizes.astype("Float64"),
        sizes.astype(object),
        sizes.map(repr),
        sizes.map(lambda size: decimal.Decimal(repr(size))),
        sizes.astype("category"),
        sizes.astype("double[pyarrow]"),
    ]
    return table.assign(pixel_size=kinds[rng.integers(len(kinds))].array)


@same
def other_index(table, rng):
    n = len(table)
    indices = [
        [0] * n,
        list("abcdefghijkl"[:n]),
        pd.MultiIndex.from_product([["a"], range(n)]),
        pd.date_range("2026-01-01", periods=n),
        np.arange(n)[::-1],
        [np.nan] * n,
        pd.RangeIndex(5, 5 + 2 * n, 2),
        pd.CategoricalIndex(["x"] * n),
        np.arange(n) + 0.5,
    ]
    return table.set_axis(indices[rng.integers(len(indices))])


@same
def further_columns(table, rng):
    table = table.assign(
        note=[{"a": [1]}] * len(table), count_=1, when=pd.Timestamp("2026-01-01")
    )
    return table[rng.permutation(table.columns)]


@same
def spaces_around_names(table, rng):
    name = rng.choice(["image", "mask", "pixel_size"])
    return table.rename(
        columns={name: rng.choice([f" {name}", f"{name} ", f"\t{name}"])}
    )


@same
def windows_of_one_buffer(table, rng):
    padded = ImageArray([np.pad(a, 3) for a in table["image"]])
    heights, widths = padded.shapes.T - 6
    return table.assign(image=padded.crop(3, 3, heights, widths))


# Faults.


@fault
def pixels_that_are_no_numbers(table, rng):
    value = rng.choice([np.nan, np.inf, -np.inf])

    def spoil(image):
        image = image.astype(rng.choice(["f2", "f4", "f8", ">f4"]))
        image[tuple(rng.integers(image.shape))] = value
        return image

    return _one(table, "image", rng, spoil)


@fault
def missing_images(table, rng):
    name = rng.choice(["image", "mask"])
    value = [None, np.nan, pd.NA, pd.NaT][rng.integers(4)]
    return _one(table, name, rng, lambda _: value)


@fault
def masked_pixels(table, rng):
    def hide(image):
        return np.ma.masked_array(image, mask=image == image[0, 0])

    return _one(table, "image", rng, hide)


@fault
def images_of_other_dimensions(table, rng):
    def reshape(image):
        forms = [
            np.dstack([image, image + 1, image]),
            image.ravel(),
            image[:0],
            image[:, :0],
            image[np.newaxis, np.newaxis],
            image[0, 0],
            np.stack([image] * 5),
        ]
        return forms[rng.integers(len(forms))]

    return _one(table, rng.choice(["image", "mask"]), rng, reshape)


@fault
def pixels_of_other_types(table, rng):
    kind = rng.choice(["c16", "U3", "M8[s]", "m8[s]", "S2", "V1"])
    change = [
        lambda a: np.zeros(a.shape, kind),
        lambda a: a.astype(str),
        lambda a: np.full(a.shape, None),
        lambda a: np.full(a.shape, {}),
        lambda a: a.tobytes(),
        lambda a: "images/0.png",
        lambda a: {"data": a},
        lambda a: [[1, 2], [3]],
    ]
    return _one(table, "image", rng, change[rng.integers(len(change))])


@fault
def paths_for_images(table, rng):
    paths = [f"images/{i}.png" for i in range(len(table))]
    dtype = rng.choice(["str", "object", "category", "string"])
    return table.assign(
        **{rng.choice(["image", "mask"]): pd.Series(paths, dtype=dtype)}
    )


@fault
def empty_masks(table, rng):
    dtype = rng.choice(["bool", "u1", "f8"])
    return _one(table, "mask", rng, lambda m: np.zeros(m.shape, dtype))


@fault
def masks_of_other_shape(table, rng):
    change = [
        lambda m: np.pad(m, ((0, 1), (0, 0))),
        lambda m: m[1:],
        lambda m: np.pad(m, ((0, 3), (1, 0))).T,
        lambda m: np.ones((1, 1), bool),
    ]
    return _one(table, "mask", rng, change[rng.integers(len(change))])


@fault
def masks_of_many_levels(table, rng):
    def blur(mask):
        mask = mask != 0
        forms = [
            np.where(mask, 200 + np.arange(mask.size).reshape(mask.shape) % 56, 3),
            mask * np.linspace(0.2, 1, mask.size).reshape(mask.shape),
            mask.astype(int) + (mask & np.roll(mask, 3, axis=0)),
            np.where(mask, 2, 1),
            np.where(mask, 1, -1),
            np.where(mask, 1.0, np.nan),
            np.where(mask, 1.0, 1e-9),
        ]
        return forms[rng.integers(len(forms))]

    return _one(table, "mask", rng, blur)


@fault
def wrong_pixel_sizes(table, rng):
    sizes = list(table["pixel_size"])
    wrong = [0, -1, np.nan, np.inf, None, "abc", 1j, "", pd.NA, [], "0,5", 1e400]
    sizes[rng.integers(len(sizes))] = wrong[rng.integers(len(wrong))]
    return table.assign(pixel_size=pd.Series(sizes, index=table.index, dtype=object))


@fault
def columns_that_occur_twice(table, rng):
    name = rng.choice(["image", "mask", "pixel_size"])
    other = table[[name]].set_axis([rng.choice([name, f"{name} "])], axis=1)
    return pd.concat([table, other], axis=1)


@fault
def columns_of_levels(table, rng):
    return table.set_axis(pd.MultiIndex.from_product([["a"], table.columns]), axis=1)


@fault
def no_images(table, rng):
    name = rng.choice(["Image", "images", "img", "path", "Image ", "IMAGE"])
    return table.rename(columns={"image": name})


@fault
def no_particles(table, rng):
    return table.iloc[:0]


@fault
def no_columns(table, rng):
    return table[[]]


@fault
def no_table(table, rng):
    values = [
        None, 3, 2.5, "particles.csv", b"", {}, {"image": list(table["image"])}, set(),
        iter(table["image"]), len, np.float64(1), np.array(None), object(), [], (),
        np.zeros((0, 5)), np.zeros((2, 3, 4, 5)), np.zeros(4), [1, 2], ["a"], [None],
        [[1, 2], [3]], np.zeros((3, 2), "U1"), np.zeros((3, 2), complex),
        np.array([None, None]), pd.Series([1, 2]), pd.Index([1]), range(4), slice(3),
        np.full((2, 4), np.nan), np.full((2, 4), "a", object), [{}], [{"image": 1}],
        pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": pd.to_datetime(["2026"])}),
        np.ma.masked_array(np.ones((2, 4)), mask=np.eye(2, 4)), np.ones((2, 3, 0)),
        sparse.csr_matrix(np.eye(4)),
    ]  # fmt: skip
    return values[rng.integers(len(values))]


@warned
def masks_turned_round(table, rng):
    return _each("mask", np.logical_not)(table)


@warned
def masks_under_a_near_name(table, rng):
    names = ["Mask", "masks", "MASK", "Masks "]
    return table.rename(columns={"mask": rng.choice(names)})


@warned
def pixel_sizes_under_a_near_name(table, rng):
    names = [
        "Pixel Size",
        "PixelSize",
        "pixelsize",
        "pixel_sizes",
        "Pixel_Size",
        "pixel-size",
    ]
    return table.rename(columns={"pixel_size": rng.choice(names)})
