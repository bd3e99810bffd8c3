"""Predicted classes in files, read back by their own readers and others."""

import contextlib
import io
import json
import os
import warnings
from pathlib import Path

import cv2
import mrcfile
import numpy as np
import pandas as pd
import pytest
import starfile
import tifffile
from pycocotools.coco import COCO

from sklipo import ImageArray
from sklipo.datasets import (
    extract_particles,
    load_particles,
    read_instances,
    read_micrograph,
    save_classes,
)
from sklipo.datasets._pixel_files import read_pixels

MICROGRAPHS = Path(__file__).resolve().parents[2] / "shared/data/emps_micrographs"
OWN_FORMATS = [".tif", ".tiff", ".json", ".csv"]
CLASSES = ["empty", "full", "odd"]


def stack(seed=0, n=20, shape=(90, 120)):
    """Masks that overlap, have holes and reach the border."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((n, *shape), np.uint8)
    for mask in masks:
        center = tuple(int(x) for x in rng.integers(0, shape[::-1]))
        radius = int(rng.integers(3, 20))
        cv2.circle(mask, center, radius, 1, -1)
        cv2.circle(mask, center, radius // 3, 0, -1)
    return masks > 0


def particles_of(masks, **options):
    micrograph = np.arange(masks[0].size).reshape(masks[0].shape)
    options = {"margin": 4, "name": "scan", "pixel_size": 0.37} | options
    return extract_particles(micrograph, masks, **options)


def predictions(n, seed=0):
    y_proba = np.random.default_rng(seed).dirichlet(np.ones(3), n)
    return np.array(CLASSES)[y_proba.argmax(axis=1)], y_proba


def laid_out(table, shape):
    masks = np.zeros((len(table), *shape), bool)
    for i, (mask, top, left) in enumerate(
        zip(table["mask"], table["top"], table["left"], strict=True)
    ):
        masks[i, top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return masks


def load_by_pycocotools(path):
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


# pycocotools 2.0.11 has no __array__ as NumPy 2 wants it.
old_array = pytest.mark.filterwarnings("ignore:__array__ impl:DeprecationWarning")


class TestClassImage:
    def save(self, tmp_path, masks, y_pred, **options):
        save_classes(particles_of(masks), y_pred, tmp_path / "classes.tif", **options)
        return tmp_path / "classes.tif"

    def test_the_most_probable_lies_on_top(self, tmp_path):
        masks = stack()
        y_pred, y_proba = predictions(len(masks))
        path = self.save(tmp_path, masks, y_pred, y_proba=y_proba, classes=CLASSES)
        expected = np.zeros(masks.shape[1:], int)
        for i in np.argsort(y_proba.max(axis=1)):
            expected[masks[i]] = CLASSES.index(y_pred[i]) + 1
        np.testing.assert_array_equal(tifffile.imread(path), expected)

    def test_without_probabilities_the_last_lies_on_top(self, tmp_path):
        masks = stack()
        y_pred, _ = predictions(len(masks))
        path = self.save(tmp_path, masks, y_pred)
        expected = np.zeros(masks.shape[1:], int)
        for mask, label in zip(masks, y_pred, strict=True):
            expected[mask] = CLASSES.index(label) + 1
        np.testing.assert_array_equal(tifffile.imread(path), expected)

    def test_of_equal_probabilities_the_last_lies_on_top(self, tmp_path):
        masks = np.ones((3, 5, 5), bool)
        y_proba = np.full((3, 2), 0.5)
        path = self.save(tmp_path, masks, ["b", "a", "b"], y_proba=y_proba)
        assert (tifffile.imread(path) == 2).all()

    def test_numbers_are_read_as_such_and_colors_show(self, tmp_path):
        masks = stack(n=3)
        path = self.save(tmp_path, masks, CLASSES)
        numbers = tifffile.imread(path)
        assert numbers.dtype == np.uint8
        assert set(np.unique(numbers)) <= {0, 1, 2, 3}
        np.testing.assert_array_equal(read_pixels(path), numbers)
        np.testing.assert_array_equal(read_pixels(path, lossless=True), numbers)
        np.testing.assert_array_equal(read_micrograph(path).pixels, numbers)
        shown = cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]
        colors = {0: "ffffff", 1: "0072b2", 2: "e69f00", 3: "009e73"}
        for number, color in colors.items():
            assert (shown[numbers == number] == list(bytes.fromhex(color))).all()

    def test_description_and_pixel_size(self, tmp_path):
        path = self.save(tmp_path, stack(n=2), ["voll", "größer\n"])
        with tifffile.TiffFile(path) as file:
            assert file.is_imagej
            metadata = file.imagej_metadata
            assert file.pages[0].description.startswith("ImageJ=")
        legend = {"0": "background", "1": "größer\n", "2": "voll"}
        assert json.loads(metadata["Info"]) == legend
        assert json.loads(metadata["classes"]) == legend
        assert metadata["unit"] == "nm"
        assert read_micrograph(path).pixel_size == pytest.approx(0.37, rel=1e-6)

    def test_an_unknown_pixel_size_stays_unknown(self, tmp_path):
        particles = particles_of(stack(n=2), pixel_size=None)
        for table in (particles, particles.assign(pixel_size=np.nan)):
            save_classes(table, CLASSES[:2], tmp_path / "a.tif", overwrite=True)
            assert read_micrograph(tmp_path / "a.tif").pixel_size is None

    def test_255_classes_are_the_most(self, tmp_path):
        masks = np.ones((1, 5, 5), bool)
        classes = [f"{i:03}" for i in range(255)]
        path = self.save(tmp_path, masks, ["254"], classes=classes)
        assert (tifffile.imread(path) == 255).all()
        message = r"b\.tif' can't be written: 256 classes, expected 255 .* limit\.$"
        with pytest.raises(ValueError, match=message):
            save_classes(
                particles_of(masks), ["x"], tmp_path / "b.tif", classes=[*classes, "x"]
            )

    def test_several_pixel_sizes(self, tmp_path):
        particles = particles_of(stack(n=2)).assign(pixel_size=[0.5, 0.6])
        with pytest.raises(ValueError, match=r"have the pixel sizes 0.5 and 0.6 nm"):
            save_classes(particles, CLASSES[:2], tmp_path / "a.tif")
        assert not list(tmp_path.iterdir())


class TestCoco:
    @old_array
    def test_pycocotools_and_the_own_reader_find_the_masks(self, tmp_path):
        masks = stack()
        y_pred, y_proba = predictions(len(masks))
        path = tmp_path / "classes.json"
        save_classes(
            particles_of(masks), y_pred, path, y_proba=y_proba, classes=CLASSES
        )
        table = read_instances(path, masks.shape[1:], image="scan")
        np.testing.assert_array_equal(laid_out(table, masks.shape[1:]), masks)
        assert table["label"].tolist() == y_pred.tolist()
        coco = load_by_pycocotools(path)
        annotations = coco.loadAnns(coco.getAnnIds())
        assert coco.imgs[1] == {
            "id": 1,
            "file_name": "scan",
            "height": 90,
            "width": 120,
        }
        for annotation, mask, label, score in zip(
            annotations, masks, y_pred, y_proba.max(axis=1), strict=True
        ):
            np.testing.assert_array_equal(coco.annToMask(annotation) > 0, mask)
            assert coco.cats[annotation["category_id"]]["name"] == label
            assert annotation["score"] == score
            assert annotation["area"] == mask.sum()
            rows, columns = np.nonzero(mask)
            left, top, width, height = annotation["bbox"]
            assert (left, top) == (columns.min(), rows.min())
            assert (left + width, top + height) == (columns.max() + 1, rows.max() + 1)

    def test_several_micrographs(self, tmp_path):
        one, other = stack(1, 5, (50, 40)), stack(2, 3, (70, 80))
        tables = [particles_of(one, name="one"), particles_of(other, name="other")]
        path = tmp_path / "classes.json"
        save_classes(pd.concat(tables), ["full"] * 8, path)
        for name, masks in [("one", one), ("other", other)]:
            table = read_instances(path, masks.shape[1:], image=name)
            np.testing.assert_array_equal(laid_out(table, masks.shape[1:]), masks)
        assert len(load_by_pycocotools(path).anns) == 8

    def test_instances_keep_their_numbers(self, tmp_path):
        labels = np.kron(np.array([[0, 7], [30, 2]]), np.ones((9, 9), int))
        particles = extract_particles(np.ones(labels.shape), labels)
        path = tmp_path / "classes.json"
        for change, expected in [
            ({}, [2, 7, 30]),
            ({"instance": ["b", "a", "c"]}, [1, 2, 3]),
            ({"instance": [5, 5, 6]}, [1, 2, 3]),
            ({"instance": [0, 1, 2]}, [1, 2, 3]),
            ({"instance": [[7], [2], [30]]}, [1, 2, 3]),
        ]:
            save_classes(particles.assign(**change), [1, 2, 1], path, overwrite=True)
            assert read_instances(path)["instance"].tolist() == expected

    @pytest.mark.skipif(
        not MICROGRAPHS.is_dir(), reason="needs ../shared/data/emps_micrographs"
    )
    # Some particles were drawn in pieces.
    @pytest.mark.filterwarnings("ignore:.*several pieces:UserWarning")
    def test_labels_of_micrographs_lose_no_pixel(self, tmp_path):
        paths = sorted(MICROGRAPHS.glob("*_instances.png"))
        assert len(paths) == 12
        for path in paths:
            labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            particles = extract_particles(np.zeros(labels.shape), labels)
            file = tmp_path / f"{path.stem}.json"
            save_classes(particles, particles["instance"].astype(str), file)
            table = read_instances(file, labels.shape)
            found = np.zeros_like(labels)
            for mask, top, left, number in table[
                ["mask", "top", "left", "instance"]
            ].itertuples(index=False):
                box = found[top : top + mask.shape[0], left : left + mask.shape[1]]
                box[mask] = number
            np.testing.assert_array_equal(found, labels)
            assert (table["label"] == table["instance"].astype(str)).all()


@pytest.mark.parametrize(
    ("instances", "expected"),
    [([4.0, 9.0], [4, 9]), (np.array([2**64 - 1, 3], np.uint64), [1, 2])],
)
def test_ids_of_annotations_are_numbers_that_are_read_back(
    tmp_path, instances, expected
):
    table = particles_of(stack(n=2)).assign(instance=instances)
    path = tmp_path / "a.json"
    save_classes(table, ["full", "empty"], path)
    assert read_instances(path)["instance"].tolist() == expected


class TestTable:
    def test_places_sizes_and_probabilities(self, tmp_path):
        masks = stack()
        y_pred, y_proba = predictions(len(masks))
        path = tmp_path / "classes.csv"
        save_classes(
            particles_of(masks), y_pred, path, y_proba=y_proba, classes=CLASSES
        )
        table = pd.read_csv(path)
        rows, columns = zip(*(np.argwhere(m).mean(axis=0) for m in masks), strict=True)
        np.testing.assert_allclose(table["y"], rows)
        np.testing.assert_allclose(table["x_nm"], np.array(columns) * 0.37)
        diameters = 2 * np.sqrt(masks.sum(axis=(1, 2)) / np.pi)
        np.testing.assert_allclose(table["diameter"], diameters)
        assert table["prediction"].tolist() == y_pred.tolist()
        for name, column in zip(CLASSES, y_proba.T, strict=True):
            # All digits are written, but pandas 2 does not read the last of them.
            np.testing.assert_allclose(table[f"probability_{name}"], column, 1e-12)
        assert (table["micrograph"] == "scan").all()

    def test_any_text_in_names(self, tmp_path):
        names = ['a,"b"', "größer\n"]
        particles = particles_of(stack(n=2), name="x, y")
        save_classes(particles, names, tmp_path / "classes.csv")
        table = pd.read_csv(tmp_path / "classes.csv")
        assert table["prediction"].tolist() == names
        assert table["micrograph"].tolist() == ["x, y"] * 2


class TestStar:
    def load(self, tmp_path):
        """Write a STAR and its stack, and load its particles."""
        mrcfile.write(tmp_path / "a.mrcs", np.ones((4, 8, 8), np.float32))
        columns = {
            "rlnImageName": [f"{i}@a.mrcs" for i in range(1, 5)],
            "rlnMicrographName": "a.mrc",
            "rlnCoordinateX": [1.5, 2.5, 3.5, 4.5],
        }
        starfile.write(pd.DataFrame(columns), tmp_path / "particles.star")
        with warnings.catch_warnings():
            # The STAR states no pixel size.
            warnings.simplefilter("ignore", UserWarning)
            return load_particles(tmp_path / "particles.star")

    def test_rows_of_a_class(self, tmp_path):
        particles, path = self.load(tmp_path), tmp_path / "full.star"
        y_pred = ["full", "odd", "odd", "full"]
        save_classes(particles, y_pred, path, only="full", classes=CLASSES)
        table = starfile.read(path)
        assert table["rlnImageName"].tolist() == ["1@a.mrcs", "4@a.mrcs"]
        assert table["rlnCoordinateX"].tolist() == [1.5, 4.5]
        with pytest.raises(ValueError, match="no particles to write"):
            save_classes(
                particles, y_pred, path, only="empty", classes=CLASSES, overwrite=True
            )
        assert len(starfile.read(path)) == 2

    def test_a_csv_has_its_columns(self, tmp_path):
        path = tmp_path / "classes.csv"
        save_classes(
            self.load(tmp_path), list("abab"), path, y_proba=np.eye(2)[[0, 1] * 2]
        )
        table = pd.read_csv(path)
        assert table["rlnCoordinateX"].tolist() == [1.5, 2.5, 3.5, 4.5]
        assert table["prediction"].tolist() == list("abab")
        assert table["probability_b"].tolist() == [0, 1, 0, 1]
        assert "image" not in table

    def test_other_formats_need_places(self, tmp_path):
        particles = self.load(tmp_path)
        for suffix in (".tif", ".json", ".zip", ".geojson"):
            with pytest.raises(ValueError, match=f"column .*, which {suffix} needs"):
                save_classes(particles, list("abab"), tmp_path / f"a{suffix}")

    def test_particles_of_no_star(self, tmp_path):
        with pytest.raises(ValueError, match="STAR"):
            save_classes(particles_of(stack(n=3)), CLASSES, tmp_path / "a.star")
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".json", ".zip", ".geojson"])
@pytest.mark.parametrize("only", [None, "full"])
def test_outlines_are_read_back_with_their_classes(tmp_path, suffix, only):
    masks = stack()
    y_pred, y_proba = predictions(len(masks))
    path = tmp_path / f"classes{suffix}"
    options = {"y_proba": y_proba, "classes": CLASSES, "only": only}
    save_classes(particles_of(masks), y_pred, path, **options)
    table = read_instances(path, masks.shape[1:])
    kept = (y_pred == only) | (only is None)
    np.testing.assert_array_equal(laid_out(table, masks.shape[1:]), masks[kept])
    assert table["label"].tolist() == y_pred[kept].tolist()


@pytest.mark.parametrize(
    "convert",
    [
        list,
        tuple,
        np.array,
        lambda y: np.array(y, object),
        lambda y: np.array(y)[:, None],
        pd.Series,
        lambda y: pd.Series(y, dtype="category"),
        lambda y: pd.Series(y, dtype="string"),
        lambda y: pd.Series(y, dtype="string[pyarrow]"),
        pd.Categorical,
        pd.Index,
    ],
)
def test_predictions_of_any_container(tmp_path, convert):
    y_pred, _ = predictions(20)
    save_classes(particles_of(stack()), convert(y_pred.tolist()), tmp_path / "a.csv")
    assert pd.read_csv(tmp_path / "a.csv")["prediction"].tolist() == y_pred.tolist()


@pytest.mark.parametrize("dtype", [int, np.uint8, "Int64", "int8[pyarrow]", object])
def test_numbers_are_classes_in_their_order(tmp_path, dtype):
    y_pred = pd.Series([10, 2, 10], dtype=dtype)
    save_classes(particles_of(stack(n=3)), y_pred, tmp_path / "a.json")
    categories = json.loads((tmp_path / "a.json").read_text())["categories"]
    assert [category["name"] for category in categories] == ["2", "10"]


def test_a_table_of_probabilities_names_its_classes(tmp_path):
    y_pred, y_proba = predictions(20)
    order = [2, 0, 1]
    table = pd.DataFrame(y_proba, columns=CLASSES).iloc[:, order]
    contents = []
    tables = [table, table.add_prefix("probability_")]
    for name, probabilities in enumerate(tables):
        path = tmp_path / f"{name}.json"
        save_classes(particles_of(stack()), y_pred, path, y_proba=probabilities)
        contents.append(path.read_text())
    assert contents[0] == contents[1]
    coco = json.loads(contents[0])
    assert [c["name"] for c in coco["categories"]] == [CLASSES[i] for i in order]
    assert [a["score"] for a in coco["annotations"]] == y_proba.max(axis=1).tolist()


def test_probabilities_of_a_table_of_results_have_numbers_as_text(tmp_path):
    y_pred, y_proba = np.array([10, 2, 10]), np.array([[0, 1], [1, 0], [0.2, 0.8]])
    table = pd.DataFrame(y_proba, columns=["probability_2", "probability_10"])
    for classes in (None, [2, 10], np.array([2, 10])):
        path = tmp_path / f"{type(classes)}.csv"
        options = {"y_proba": table, "classes": classes}
        save_classes(particles_of(stack(n=3)), y_pred, path, **options)
        assert pd.read_csv(path)["probability_10"].tolist() == [1, 0, 0.8]


def test_numbered_columns_have_no_names(tmp_path):
    y_pred, y_proba = predictions(20)
    table = pd.DataFrame(y_proba)
    save_classes(particles_of(stack()), y_pred, tmp_path / "a.csv", y_proba=table)
    assert "probability_full" in pd.read_csv(tmp_path / "a.csv")


@pytest.mark.parametrize("suffix", OWN_FORMATS)
def test_only_one_class(tmp_path, suffix):
    masks = stack()
    y_pred, y_proba = predictions(len(masks))
    particles = particles_of(masks)
    path = tmp_path / f"classes{suffix}"
    options = {"y_proba": y_proba, "classes": CLASSES}
    save_classes(particles, y_pred, path, only="full", **options)
    n_full = (y_pred == "full").sum()
    if suffix == ".json":
        assert set(read_instances(path)["label"]) == {"full"}
        assert len(read_instances(path)) == n_full
    elif suffix == ".csv":
        assert len(pd.read_csv(path)) == n_full
    else:
        # The number stays that of the class.
        expected = 2 * masks[y_pred == "full"].any(axis=0)
        np.testing.assert_array_equal(tifffile.imread(path), expected)
    for unknown in ("Full", "", 1, ["full"]):
        with pytest.raises(ValueError, match=r"only is .*\['empty', 'full', 'odd'\]"):
            save_classes(
                particles, y_pred, path, only=unknown, overwrite=True, **options
            )


@pytest.mark.parametrize("suffix", OWN_FORMATS)
def test_only_a_class_without_particles(tmp_path, suffix):
    path = tmp_path / f"classes{suffix}"
    save_classes(
        particles_of(stack(n=2)), ["full"] * 2, path, classes=CLASSES, only="odd"
    )
    if suffix == ".json":
        coco = load_by_pycocotools(path)
        assert (len(coco.imgs), len(coco.anns)) == (1, 0)
    elif suffix == ".csv":
        assert len(pd.read_csv(path)) == 0
    else:
        assert not tifffile.imread(path).any()


@pytest.mark.parametrize("suffix", OWN_FORMATS)
def test_neither_index_nor_spaces_nor_further_columns_matter(tmp_path, suffix):
    particles = particles_of(stack(n=3))
    others = (
        particles.set_axis([5, 5, 1]),
        particles.rename(columns={"mask": " mask "}),
        particles.assign(prediction="other", weight=1.0),
        particles.drop(columns="image"),
        particles.assign(top=particles["top"].astype(float)),
        particles.assign(left=particles["left"].astype("Int64")),
        particles.assign(mask=ImageArray([200.0 * mask for mask in particles["mask"]])),
    )
    contents = []
    for i, table in enumerate((particles, *others)):
        path = tmp_path / f"{i}{suffix}"
        save_classes(table, CLASSES, path, y_proba=np.eye(3))
        contents.append(path.read_bytes())
    assert set(contents) == {contents[0]}


def test_the_table_is_not_changed(tmp_path):
    particles = particles_of(stack(n=3))
    before = particles.copy(deep=True)
    for suffix in OWN_FORMATS:
        save_classes(particles, CLASSES, tmp_path / f"a{suffix}")
    pd.testing.assert_frame_equal(particles, before)


def test_a_table_without_names_of_micrographs(tmp_path):
    particles = particles_of(stack(n=3)).drop(columns="micrograph")
    for suffix in OWN_FORMATS:
        save_classes(particles, CLASSES, tmp_path / f"a{suffix}")
    assert len(read_instances(tmp_path / "a.json")) == 3
    assert "micrograph" not in pd.read_csv(tmp_path / "a.csv")


class TestPaths:
    @pytest.mark.parametrize("suffix", OWN_FORMATS)
    def test_an_existing_file_is_replaced_only_if_asked(self, tmp_path, suffix):
        particles, path = particles_of(stack(n=3)), tmp_path / f"a{suffix}"
        path.write_text("former")
        with pytest.raises(FileExistsError, match="overwrite=True"):
            save_classes(particles, CLASSES, path)
        assert path.read_text() == "former"
        save_classes(particles, CLASSES, path, overwrite=True)
        assert path.read_bytes() != b"former"
        assert os.listdir(tmp_path) == [path.name]

    def test_no_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="There is no folder"):
            save_classes(particles_of(stack(n=3)), CLASSES, tmp_path / "no" / "a.csv")

    def test_a_folder_of_that_name(self, tmp_path):
        (tmp_path / "a.csv").mkdir()
        with pytest.raises(FileExistsError, match="no regular file"):
            save_classes(
                particles_of(stack(n=3)), CLASSES, tmp_path / "a.csv", overwrite=True
            )

    @pytest.mark.parametrize("name", ["a.png", "a", "a.csv.gz", ".csv", "a.xlsx"])
    def test_other_endings(self, tmp_path, name):
        with pytest.raises(ValueError, match=r"ending in one of \.tif, \.tiff, \.zip"):
            save_classes(particles_of(stack(n=3)), CLASSES, tmp_path / name)

    def test_endings_of_any_case(self, tmp_path):
        save_classes(particles_of(stack(n=3)), CLASSES, str(tmp_path / "a.JSON"))
        assert len(read_instances(tmp_path / "a.JSON")) == 3

    def test_a_failure_leaves_the_former_file(self, tmp_path):
        particles, path = particles_of(stack(n=2)), tmp_path / "a.tif"
        save_classes(particles, CLASSES[:2], path)
        before = path.read_bytes()
        with pytest.raises(ValueError, match="2 micrographs"):
            save_classes(
                particles.assign(micrograph=["a", "b"]),
                CLASSES[:2],
                path,
                overwrite=True,
            )
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["a.tif"]


@pytest.mark.parametrize("particles", [None, [], {}, np.ones((3, 4)), "particles.csv"])
def test_no_table(tmp_path, particles):
    with pytest.raises(TypeError, match="'particles' parameter"):
        save_classes(particles, CLASSES, tmp_path / "a.csv")


def masks_with(i, mask):
    def change(particles):
        masks = list(particles["mask"])
        masks[i] = mask
        return particles.assign(mask=ImageArray(masks))

    return change


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda t: t.drop(columns="mask"),
            "no column 'mask', which .json needs; extr.*out again: they",
        ),
        (lambda t: t.drop(columns="left"), "no column 'left', which .json needs"),
        (
            lambda t: t.drop(columns="micrograph_width"),
            "no column 'micrograph_width', which .json needs",
        ),
        (lambda t: t.assign(mask=1), "column 'mask' of particles holds no images"),
        (lambda t: t.assign(mask=[[1]] * 3), "'mask' of particles holds no images"),
        (masks_with(1, None), "row 1 of particles: the mask is empty or missing"),
        (
            masks_with(1, np.zeros((4, 4), bool)),
            "row 1 of particles: the mask is empty",
        ),
        (lambda t: t.assign(top=[1, np.nan, 2]), "row 1 of particles: top is nan, exp"),
        (lambda t: t.assign(top=[1, 2.5, 2]), "row 1 of particles: top is 2.5, expect"),
        (
            lambda t: t.assign(left=[1, 2, "a"]),
            "row 2 of particles: left is a, exp",
        ),
        (lambda t: t.assign(left=[1, 2, np.inf]), "row 2 of particles: left is inf"),
        (lambda t: t.assign(left=[1, None, 3]), "row 1 of particles: left is"),
        (lambda t: t.assign(left=[-9, 2, 3]), "row 0 of particles: its mask has rows"),
        (lambda t: t.assign(top=[1, 2, 100]), "row 2 of particles: .* of 90 x 120 pix"),
        (lambda t: t.assign(left=10**30), "row 0 of particles: left is 1"),
        (
            lambda t: t.assign(micrograph_height=[90, 91, 90]),
            "row 1 of particles: micrograph 'scan' is 91 x 120 pixels, expected one",
        ),
        (
            lambda t: t.assign(micrograph_height=0),
            "row 0 of particles: micrograph 'scan' is 0 x 120 pixels, expected one",
        ),
        (
            lambda t: t.assign(micrograph_width=[120, None, 120]),
            "row 1 of particles: micrograph_width is nan",
        ),
        (lambda t: t.assign(pixel_size=-1), "row 0 of particles: pixel_size is -1"),
        (
            lambda t: t.assign(pixel_size=[np.nan, 1, "a"]),
            "row 2 of particles: pixel_size is 'a'",
        ),
        (lambda t: t.assign(pixel_size=[{}, {}, {}]), "row 0 of particles: pixel_size"),
        (
            lambda t: t.assign(micrograph=["a", None, "a"]),
            "row 1 of particles: micrograph is missing",
        ),
        (
            lambda t: pd.concat([t, t[["mask"]]], axis=1),
            "several columns of the name 'mask'",
        ),
        (
            lambda t: t.set_axis(
                pd.MultiIndex.from_product([["a"], t.columns]), axis=1
            ),
            "The columns have 2 levels",
        ),
    ],
)
def test_bad_tables(tmp_path, change, message):
    particles = change(particles_of(stack(n=3)))
    with pytest.raises(ValueError, match=message):
        save_classes(particles, CLASSES, tmp_path / "a.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".tif", ".tiff", ".zip", ".geojson"])
def test_formats_of_one_micrograph(tmp_path, suffix):
    particles = particles_of(stack(n=3)).assign(micrograph=["b", "a", "b"])
    message = rf"2 micrographs, such as \['b', 'a'\], and a \{suffix} is of one"
    with pytest.raises(ValueError, match=message):
        save_classes(particles, CLASSES, tmp_path / f"a{suffix}")
    with pytest.raises(ValueError, match=message):
        save_classes(
            particles.set_index(["micrograph", "instance"]),
            CLASSES,
            tmp_path / f"a{suffix}",
        )


def test_a_csv_may_have_rows_without_a_micrograph(tmp_path):
    particles = particles_of(stack(n=3)).assign(micrograph=["a", None, "b"])
    save_classes(particles, CLASSES, tmp_path / "a.csv", only="full")
    assert pd.read_csv(tmp_path / "a.csv")["micrograph"].isna().all()


def test_other_formats_need_no_size_of_the_micrograph(tmp_path):
    particles = particles_of(stack(n=3)).drop(columns="micrograph_width")
    save_classes(particles, CLASSES, tmp_path / "a.csv")
    with pytest.raises(ValueError, match=r"'micrograph_width', which \.tif needs"):
        save_classes(particles, CLASSES, tmp_path / "a.tif")


@pytest.mark.parametrize(
    "y_pred, error, message",
    [
        (CLASSES[:2], ValueError, "y_pred has 2 values for 3 particles"),
        ([], ValueError, "y_pred has 0 values for 3 particles"),
        ("full", ValueError, "y_pred, a str, is no sequence"),
        (None, ValueError, "y_pred, a NoneType, is no sequence"),
        (np.eye(3), ValueError, r"y_pred, a ndarray, has shape \(3, 3\)"),
        (["full", None, "odd"], ValueError, "y_pred is missing in row 1"),
        (["full", np.nan, "odd"], ValueError, "y_pred is missing in row 1"),
        (pd.array(["a", pd.NA, "b"]), ValueError, "y_pred is missing in row 1"),
        (pd.Categorical(["a", None, "b"]), ValueError, "y_pred is missing in row 1"),
        (pd.array([1, 2, None], "Int64"), ValueError, "y_pred is missing in row 2"),
        (["full", 1, "odd"], TypeError, "y_pred mixes text with numbers"),
        ([0.5, 1.0, 2.0], ValueError, "y_pred holds 0.5 in row 0"),
        ([b"a", b"b", b"c"], TypeError, "y_pred holds bytes"),
        ([{}, {}, {}], TypeError, "y_pred holds dict"),
        ([["a"], ["b", "c"], ["d"]], (TypeError, ValueError), "y_pred"),
    ],
)
def test_bad_predictions(tmp_path, y_pred, error, message):
    with pytest.raises(error, match=message):
        save_classes(particles_of(stack(n=3)), y_pred, tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "y_proba, message",
    [
        (np.eye(3)[:2], r"y_proba has shape \(2, 3\); expected \(3, 3\)"),
        (np.eye(4)[:3], r"y_proba has shape \(3, 4\); expected \(3, 3\)"),
        (np.ones(3), r"y_proba has shape \(3,\)"),
        (0.5, r"y_proba has shape \(\)"),
        (np.eye(3) * 2, "y_proba is 2 in row 0, column 0; expected probabilities"),
        (np.eye(3) - 1, "y_proba is -1 in row 0, column 1"),
        (np.eye(3) / 2, r"y_proba sums up to 0.5 in row 0 \(3 such rows"),
        (np.where(np.eye(3), np.nan, 0), "y_proba is nan in row 0, column 0"),
        (np.full((3, 3), "a"), "y_proba, a ndarray, cannot be read as"),
        ([[1, 0, 0], [1, 0]], "y_proba, a list, cannot be read as"),
        (
            pd.DataFrame(np.eye(3), columns=["a", "b", "c"]),
            "class 'empty', which is not",
        ),
        (pd.DataFrame(np.eye(3), columns=["empty"] * 3), "'empty' 3 times"),
    ],
)
def test_bad_probabilities(tmp_path, y_proba, message):
    with pytest.raises((TypeError, ValueError), match=message):
        save_classes(
            particles_of(stack(n=3)), CLASSES, tmp_path / "a.csv", y_proba=y_proba
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "classes, message",
    [
        (["full", "empty"], r"class 'odd', which is not among classes \['full', 'emp"),
        ([*CLASSES, "full"], "classes has 'full' 2 times"),
        ([], "classes is empty"),
        ([*CLASSES, None], "classes is missing in row 3"),
        ([1, 2, 3], "text"),
        ("full", "classes, a str, is no sequence"),
    ],
)
def test_bad_classes(tmp_path, classes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        save_classes(
            particles_of(stack(n=3)), CLASSES, tmp_path / "a.csv", classes=classes
        )


def test_columns_in_another_order_than_the_classes(tmp_path):
    y_proba = pd.DataFrame(np.eye(3), columns=CLASSES[::-1])
    with pytest.raises(ValueError, match="Pass the columns in that order"):
        save_classes(
            particles_of(stack(n=3)),
            CLASSES,
            tmp_path / "a.csv",
            y_proba=y_proba,
            classes=CLASSES,
        )


def test_an_index_in_another_order_is_warned_of(tmp_path):
    y_pred = pd.Series(CLASSES, [2, 1, 0])
    with pytest.warns(UserWarning, match="matched by their position") as caught:
        save_classes(particles_of(stack(n=3)), y_pred, tmp_path / "a.csv")
    assert caught[0].filename == __file__
    found = pd.read_csv(tmp_path / "a.csv")["prediction"]
    assert found.tolist() == CLASSES


def test_a_class_that_a_model_declined_to_tell(tmp_path):
    y_proba = np.array([[0.9, 0.1, 0], [0.4, 0.6, 0], [0.2, 0.8, 0]])
    save_classes(
        particles_of(np.ones((3, 5, 5), bool)),
        ["empty", "unsure", "full"],
        tmp_path / "a.tif",
        y_proba=y_proba,
        classes=["empty", "full", "unsure"],
    )
    # What is unsure lies below.
    assert (tifffile.imread(tmp_path / "a.tif") == 1).all()
