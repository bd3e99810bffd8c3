import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.io import imread
from skimage.morphology import dilation

from sklipo import ImageArray
from sklipo.datasets import extract_particles
from sklipo.labeling import match_particles

MICROGRAPHS = Path(__file__).resolve().parents[2] / "shared/data/emps_micrographs"
# Images that are side by side on one large label image, one row of it.
A_ROW = 50


def cut(labels, micrograph=None, margin=2):
    """Return the particles of a label image, whose classes alternate."""
    with warnings.catch_warnings():
        # A random image can look like a mask.
        warnings.simplefilter("ignore", UserWarning)
        table = extract_particles(
            np.zeros(labels.shape), labels, margin=margin, name=micrograph
        )
    return table.assign(label=np.where(table["instance"] % 2, "full", "empty"))


def stripes(*lengths):
    """Return a label image of particles side by side; negative lengths are gaps."""
    numbers = [i * (length > 0) for i, length in enumerate(lengths, 1)]
    row = np.repeat(numbers, np.abs(lengths))
    return np.tile(np.pad(row, (0, 40 - len(row))), (2, 1))


def random_labels(rng, shape=(12, 12), n=7):
    """Return a label image of rectangles over each other."""
    labels = np.zeros(shape, int)
    for number in range(1, n + 1):
        top, left = rng.integers(0, np.subtract(shape, 1))
        height, width = rng.integers(1, 7, size=2)
        labels[top : top + height, left : left + width] = number
    return labels


def count_pairs(new, old):
    """Return the overlap of all numbers of two label images that share a pixel."""
    is_common = (new > 0) & (old > 0)
    numbers = np.stack([new[is_common], old[is_common]])
    (new_numbers, old_numbers), common = np.unique(numbers, axis=1, return_counts=True)
    areas = np.bincount(new.ravel())[new_numbers], np.bincount(old.ravel())[old_numbers]
    table = {"new": new_numbers, "old": old_numbers, "overlap": common / sum(areas)}
    table["overlap"] = common / (areas[0] + areas[1] - common)
    table |= {"of_new": common / areas[0], "of_old": common / areas[1]}
    return pd.DataFrame(table)


def largest_total(pairs):
    """Return the largest total overlap of pairs that share no number, by trial."""
    by_new = [
        list(zip(g["old"], g["overlap"], strict=True)) for _, g in pairs.groupby("new")
    ]

    def best(i, taken):
        if i == len(by_new):
            return 0.0
        totals = [
            overlap + best(i + 1, taken | {old})
            for old, overlap in by_new[i]
            if old not in taken
        ]
        return max([best(i + 1, taken), *totals])

    return best(0, frozenset())


def by_number(pairs, new, old):
    """Return pairs of labels of the index as triples of numbers, 0 where missing."""
    sides = [
        table["instance"].reindex(pairs[side].fillna(-1)).fillna(0).astype(int)
        for side, table in (("new", new), ("old", old))
    ]
    return list(zip(*sides, strict=True))


@pytest.fixture(scope="module")
def images():
    """Return two label images of a thousand small ones each, far from each other."""
    rng = np.random.default_rng(0)
    canvases = np.zeros((2, 1000 // A_ROW * 12, A_ROW * 12), int)
    for i in range(1000):
        pair = [random_labels(rng), random_labels(rng)]
        if i % 2:
            # Alike, as two segmentations are.
            pair[1] = np.where(rng.random(pair[0].shape) < 0.8, *pair)
        top, left = 12 * (i // A_ROW), 12 * (i % A_ROW)
        pair = np.where(np.array(pair) > 0, np.array(pair) + 10 * i, 0)
        canvases[:, top : top + 12, left : left + 12] = pair
    return canvases


@pytest.fixture(scope="module")
def tables(images):
    return [cut(image) for image in images]


@pytest.mark.parametrize("min_overlap", [0.5, 0.01])
def test_matches_of_1000_pairs_of_images_are_those_of_brute_force(
    images, tables, min_overlap
):
    new, old = tables
    labels, _ = match_particles(new, old, min_overlap=min_overlap)
    assert labels.index.equals(new.index)
    matched = labels[labels["old"].notna()]
    assert matched["old"].is_unique
    found = by_number(matched.assign(new=matched.index), new, old)
    pairs = count_pairs(*images)
    pairs = pairs[pairs["overlap"] >= min_overlap]
    expected = pairs.set_index(["new", "old"])["overlap"]
    np.testing.assert_array_equal(matched["overlap"], expected.loc[found])
    totals = expected.loc[found].groupby(lambda pair: pair[0] // 10).sum()
    best = pairs.groupby(pairs["new"] // 10).apply(largest_total)
    np.testing.assert_allclose(totals, best, rtol=0, atol=1e-12)
    assert (matched["label"].to_numpy() == old["label"].loc[matched["old"]]).all()
    assert labels.loc[labels["old"].isna(), ["label", "overlap"]].isna().all(axis=None)


def test_changes_of_1000_pairs_of_images_are_those_of_brute_force(images, tables):
    new, old = tables
    labels, changes = match_particles(new, old)
    pairs = count_pairs(*images)
    parts, wholes = pairs[pairs["of_new"] > 0.5], pairs[pairs["of_old"] > 0.5]
    expected = {
        "split": parts[parts.duplicated("old", keep=False)],
        "merged": wholes[wholes.duplicated("new", keep=False)],
    }
    rows = {change: g for change, g in changes.groupby("change", sort=False)}
    assert list(rows) == ["lost", "split", "merged", "added"]
    known = labels.assign(new=labels.index).dropna(subset="old")
    known = by_number(known, new, old)
    for change, of_pixels in expected.items():
        assert len(of_pixels)
        found = by_number(rows[change], new, old)
        overlap = of_pixels.set_index(["new", "old"])["overlap"]
        assert sorted(found) == sorted(overlap.index)
        np.testing.assert_array_equal(rows[change]["overlap"], overlap.loc[found])
        known += found
    for change, side, table in (("lost", 1, old), ("added", 0, new)):
        names = [pair[side] for pair in by_number(rows[change], new, old)]
        assert sorted(names) == sorted(
            set(table["instance"]) - {pair[side] for pair in known}
        )
        largest = pairs.groupby("new" if side == 0 else "old")["overlap"].max()
        np.testing.assert_array_equal(
            rows[change]["overlap"], largest.reindex(names, fill_value=0)
        )


@settings(max_examples=30)
@given(
    images=arrays(np.int8, (2, 4, 5), elements=st.integers(0, 3)),
    seed=st.integers(0, 2**32 - 1),
    min_overlap=st.sampled_from([0.1, 0.5, 1]),
)
def test_the_order_of_rows_does_not_matter(images, seed, min_overlap):
    if not images.any(axis=(1, 2)).all():
        return
    new, old = map(cut, images)
    rng = np.random.default_rng(seed)
    orders = rng.permutation(len(new)), rng.permutation(len(old))
    expected, changes = match_particles(new, old, min_overlap=min_overlap)
    labels, others = match_particles(
        new.iloc[orders[0]], old.iloc[orders[1]], min_overlap=min_overlap
    )
    pd.testing.assert_frame_equal(labels, expected.iloc[orders[0]])
    by = ["change", "old", "new"]
    pd.testing.assert_frame_equal(
        others.sort_values(by, ignore_index=True),
        changes.sort_values(by, ignore_index=True),
    )


@settings(max_examples=30)
@given(arrays(np.int8, (4, 5), elements=st.integers(0, 4)))
def test_the_same_segmentation_matches_itself(image):
    if not image.any():
        return
    old = cut(image)
    new = cut(np.where(image > 0, 5 - image, 0), margin=1)
    labels, changes = match_particles(new, old, min_overlap=1)
    assert (old["instance"][labels["old"]].to_numpy() == 5 - new["instance"]).all()
    assert (labels["overlap"] == 1).all()
    assert changes.empty


def test_splits_mergers_and_labels_that_disagree():
    # Old 1 is in two parts, old 2 and 3 in one, old 4 as it was, old 5 gone, new 5 new.
    old = cut(stripes(10, -1, 5, -1, 6, -2, 4, -1, 3, -5))
    new = cut(stripes(6, 4, -1, 12, -2, 4, -5, 4), margin=1)
    old["label"] = ["full", "empty", "full", "full", "empty"]
    labels, changes = match_particles(new, old)
    assert labels["old"].tolist() == [0, pd.NA, 2, 3, pd.NA]
    assert labels["label"].tolist()[::2] == ["full", "full", labels["label"].iloc[4]]
    np.testing.assert_allclose(labels["overlap"], [0.6, np.nan, 0.5, 1, np.nan])
    expected = pd.DataFrame(
        [
            ["lost", 4, pd.NA, 0, "empty", False],
            ["split", 0, 0, 6 / 10, "full", False],
            ["split", 0, 1, 4 / 10, "full", False],
            ["merged", 1, 2, 5 / 12, "empty", True],
            ["merged", 2, 2, 6 / 12, "full", True],
            ["added", pd.NA, 4, 0, np.nan, False],
        ],
        columns=["change", "old", "new", "overlap", "label", "conflict"],
    )
    expected = expected.astype({"old": "Int64", "new": "Int64", "overlap": float})
    pd.testing.assert_frame_equal(changes, expected)
    # Of a merger with one labeled particle alone there is nothing to decide.
    _, changes = match_particles(
        new, old.assign(label=old["label"].mask(old.index == 1))
    )
    assert not changes["conflict"].any()


def test_of_halves_the_same_is_taken_for_any_order():
    old, new = cut(stripes(8)), cut(stripes(4, 4))
    labels, changes = match_particles(new, old)
    assert labels["old"].tolist() == [0, pd.NA]
    assert changes["change"].tolist() == ["split", "split"]
    labels, _ = match_particles(new[::-1], old)
    assert labels["old"].tolist() == [pd.NA, 0]


def test_where_contested_the_total_counts():
    # New 2 has its largest overlap with old 2, which new 3 has no other than.
    new = cut(stripes(-4, 8, 7, -1))
    old = cut(stripes(7, 5, 8))
    labels, _ = match_particles(new, old, min_overlap=0.01)
    overlaps = count_pairs(stripes(-4, 8, 7, -1), stripes(7, 5, 8))
    assert labels["overlap"].sum() == pytest.approx(largest_total(overlaps))


def test_masks_that_lie_over_each_other():
    full = np.ones((4, 4), bool)
    masks = pd.DataFrame({"mask": ImageArray([full, full, full[:2]])})
    old = masks.assign(top=[0, 1, 0], left=[0, 1, 8], label=[1, 2, 3])
    labels, changes = match_particles(old.iloc[[1, 0, 2]], old, min_overlap=0.3)
    assert labels["old"].tolist() == labels.index.tolist() == [1, 0, 2]
    assert labels["label"].tolist() == [2, 1, 3]
    assert changes["change"].tolist() == ["split"] * 4 + ["merged"] * 4


@pytest.mark.parametrize(
    "label",
    [
        pd.Series([1, 2, 3]),
        pd.Series([True, False, True]),
        pd.Series([1.0, np.nan, 3.0]),
        pd.Series(["a", None, "c"], dtype=object),
        pd.Series(["a", "b", "c"]),
        pd.Series(["a", "b", "c"], dtype="category"),
        pd.Series([1, None, 3], dtype="Int64"),
    ],
)
def test_labels_keep_their_kind(label):
    old, new = cut(stripes(3, -1, 3, -1, 3)), cut(stripes(3, -1, 3, -6, 3))
    labels, _ = match_particles(new, old.assign(label=label))
    carried = labels["label"]
    assert carried.iloc[:2].astype(object).equals(label.iloc[:2].astype(object))
    assert pd.isna(carried.iloc[2])
    if label.dtype.kind in "ib" and isinstance(label.dtype, np.dtype):
        assert carried.dtype == label.convert_dtypes().dtype
    else:
        assert carried.dtype == label.dtype


def test_columns_of_read_labels_and_any_index_are_carried():
    old = cut(stripes(3, -1, 3), "a").drop(columns="label")
    new = cut(stripes(3, -1, 2), "a").set_index(["micrograph", "instance"])
    labels, changes = match_particles(new, old)
    assert list(labels) == ["old", "overlap"]
    assert list(changes) == ["micrograph", "change", "old", "new", "overlap"]
    old = old.assign(label=["x", None], expert=["me", None], time="now")
    old.index = ["first", "second"]
    before = new.copy(), old.copy()
    labels, _ = match_particles(new, old)
    assert list(labels) == ["label", "expert", "time", "old", "overlap"]
    assert labels.index.equals(new.index)
    assert labels["old"].tolist() == ["first", "second"]
    assert labels["label"].isna().tolist() == [False, True]
    labels, changes = match_particles(old, new, min_overlap=1)
    assert labels["old"].iloc[0] == ("a", 1)
    assert changes["old"].dropna().tolist() == [("a", 3)]
    assert changes["change"].tolist() == ["lost", "added"]
    for table, kept in zip((new, old), before, strict=True):
        pd.testing.assert_frame_equal(table, kept)


def test_tables_without_a_row():
    table = cut(stripes(3, -1, 3), "a")
    labels, changes = match_particles(table, table[:0])
    assert labels.isna().all(axis=None)
    assert changes["change"].tolist() == ["added", "added"]
    labels, changes = match_particles(table[:0], table)
    assert labels.empty
    assert changes["change"].tolist() == ["lost", "lost"]
    empty = pd.DataFrame({"mask": [], "top": [], "left": []})
    labels, changes = match_particles(empty, empty)
    assert labels.empty
    assert changes.empty


def test_particles_match_on_their_own_micrograph_only():
    one, other = stripes(3, -1, 3), stripes(3, -4)
    old = pd.concat([cut(one, "a"), cut(other, "b")], ignore_index=True)
    new = pd.concat([cut(other, "c"), cut(other, "a")], ignore_index=True)
    with pytest.warns(UserWarning, match="(old|new) lacks 1 of the 2") as caught:
        labels, changes = match_particles(new, old)
    assert [str(warning.message)[:47] for warning in caught] == [
        "old lacks 1 of the 2 micrographs of new: 'c'. T",
        "new lacks 1 of the 2 micrographs of old: 'b'. T",
    ]
    assert caught[0].filename == __file__
    assert labels["old"].tolist() == [pd.NA, 0]
    assert changes["micrograph"].tolist() == ["a", "b", "c"]
    assert changes["change"].tolist() == ["lost", "lost", "added"]


TABLE = cut(stripes(3, -1, 3), "a").assign(pixel_size=0.5)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (TABLE.drop(columns="mask"), "new has no column 'mask'"),
        (TABLE.drop(columns="left"), "new has no column 'left'.*no places"),
        (TABLE.drop(columns="micrograph"), "new has no column 'micrograph', but"),
        (
            TABLE.assign(micrograph="b"),
            "No micrograph is in both.*new has 'b', old has",
        ),
        (TABLE.assign(micrograph=1), "new has 1, old has 'a'"),
        (
            TABLE.assign(micrograph=["a", None]),
            r"new\['micrograph'\] is missing in row 1",
        ),
        (
            TABLE.assign(micrograph_height=4),
            "micrograph_height of .* 'a' is both 2 and 4",
        ),
        (
            TABLE.assign(pixel_size=1),
            "pixel_size of the micrograph 'a' is both 0.5 and 1",
        ),
        (TABLE.set_axis([7, 7]), "The index of new names several particles 7"),
        (TABLE.assign(top=[0, 0.5]), "row 1 of new: top is 0.5"),
        (TABLE.assign(left=[None, 3]), "row 0 of new: left is (None|nan)"),
        (TABLE.assign(mask=TABLE["image"]), "row 0 of new: the mask is empty"),
        (TABLE.assign(mask=1), "'mask' of new holds no images"),
        (
            TABLE.assign(mask=TABLE["mask"].where([True, False])),
            "row 1 of new: the mask",
        ),
        (TABLE.to_dict(), "'new' parameter"),
    ],
)
def test_tables_that_do_not_fit(new, message):
    with pytest.raises(ValueError, match=message):
        match_particles(new, TABLE)


@pytest.mark.parametrize("min_overlap", [0, 1.5, None, np.nan])
def test_overlaps_out_of_range(min_overlap):
    with pytest.raises(ValueError, match="'min_overlap' parameter"):
        match_particles(TABLE, TABLE, min_overlap=min_overlap)


def test_pixel_sizes_may_be_rounded_or_unknown():
    for pixel_size in (0.5004, None):
        labels, _ = match_particles(TABLE.assign(pixel_size=pixel_size), TABLE)
        assert (labels["overlap"] == 1).all()


@pytest.mark.skipif(not MICROGRAPHS.is_dir(), reason="needs ../shared/data")
@pytest.mark.parametrize("change", ["larger", "moved", "without some"])
def test_instances_of_real_micrographs(change):
    paths = sorted(MICROGRAPHS.glob("*_instances.png"))[:2]
    images = {path.stem: imread(path) for path in paths}
    old = {name: cut(labels, name, 0) for name, labels in images.items()}
    for name, labels in images.items():
        removed = np.unique(labels)[1::3]
        altered = {
            "larger": lambda x: np.where(x, x, dilation(x, np.ones((3, 3)))),
            "moved": lambda x: np.roll(x, (1, -1), (0, 1)),
            "without some": lambda x, gone=removed: np.where(np.isin(x, gone), 0, x),
        }[change](labels)
        new = cut(altered, name, 0)
        found, changes = match_particles(new, old[name], min_overlap=0.3)
        pairs = count_pairs(altered, labels)
        pairs = pairs[pairs["overlap"] >= 0.3].sort_values("overlap")
        # Of pixels that hardly moved, the largest overlap is with the same particle.
        expected = pairs.groupby("new").last().loc[new["instance"]]
        matched = old[name]["instance"][found["old"]].to_numpy()
        np.testing.assert_array_equal(matched, expected["old"])
        np.testing.assert_array_equal(matched, new["instance"])
        np.testing.assert_array_equal(found["overlap"], expected["overlap"])
        if change == "without some":
            lost = changes.loc[changes["change"] == "lost", "old"]
            assert sorted(old[name]["instance"][lost]) == removed.tolist()
