"""HDF5 files as ilastik writes them, by h5py."""

import json

import h5py
import numpy as np
import pytest

from sklipo.datasets import read_instances

AXES = {"t": 1, "z": 1, "c": 1}


def label_image():
    labels = np.zeros((30, 40), np.uint32)
    labels[2:10, 3:12] = 1
    labels[4:6, 5:7] = 0
    labels[20:, 30:] = 2
    labels[15, :3] = 3
    labels[12:28, 20] = 4
    return labels


def axistags(keys):
    """What vigra.AxisTags.toJSON writes."""
    axes = [
        {"key": key, "typeFlags": 2, "resolution": 0, "description": ""} for key in keys
    ]
    return json.dumps({"axes": axes})


def write_labels(path, labels, axes=None, name="exported_data", **options):
    with h5py.File(path, "a") as file:
        data = labels
        if axes is not None:
            data = labels if axes.index("y") < axes.index("x") else labels.T
            data = data.reshape([data_length(labels, key) for key in axes])
        dataset = file.create_dataset(name, data=data, **options)
        if axes is not None:
            dataset.attrs["axistags"] = axistags(axes)
    return path


def data_length(labels, key):
    return dict(zip("yx", labels.shape, strict=True)).get(key, 1)


def make_table(numbers=(1, 2, 3, 4), **columns):
    n = len(numbers)
    boxes = [np.argwhere(label_image() == number) for number in numbers]
    values = {
        "object_id": np.arange(n),
        "timestep": np.zeros(n, int),
        "labelimage_oid": np.array(numbers),
        "User Label": np.array(["0", "full", "0", "0"][:n], "S"),
        "Predicted Class": np.array(["full", "empty", "empty", "odd"][:n], "S"),
        "Bounding Box Minimum_0": np.array([b[:, 1].min() for b in boxes], "f4"),
        "Bounding Box Minimum_1": np.array([b[:, 0].min() for b in boxes], "f4"),
    } | columns
    values = {name: column for name, column in values.items() if column is not None}
    dtype = [(name, column.dtype) for name, column in values.items()]
    table = np.empty(n, dtype)
    for name, column in values.items():
        table[name] = column
    return table


def write_cutouts(path, table=None, margin=3, keys="xy", skip=None, axes=True):
    """Write a table and the objects' masks, squeezed, as ilastik's ExportFile does."""
    labels = label_image()
    table = make_table() if table is None else table
    with h5py.File(path, "w") as file:
        file["table"] = table
        for i in range(len(table)):
            mask = labels == i + 1
            rows, columns = np.nonzero(mask)
            box = mask[
                max(0, rows.min() - margin) : rows.max() + 1 + margin,
                max(0, columns.min() - margin) : columns.max() + 1 + margin,
            ].astype(np.int64)
            if i == skip:
                continue
            cut = box.T if keys == "xy" else box
            kept = [k for k, n in zip(keys, cut.shape, strict=True) if n > 1]
            file[f"images/{i}/labeling"] = cut.squeeze()
            file[f"images/{i}/labeling"].attrs["type"] = "labeling"
            if axes:
                file[f"images/{i}/labeling"].attrs["axistags"] = axistags(kept)
            file[f"images/{i}/raw"] = np.ones(cut.shape, np.uint8)
    return path


def assert_shows(table, labels):
    shown = np.zeros_like(labels)
    for number, mask, top, left in zip(
        table["instance"], table["mask"], table["top"], table["left"], strict=True
    ):
        shown[top : top + mask.shape[0], left : left + mask.shape[1]][mask] = number
    np.testing.assert_array_equal(shown, labels)


@pytest.mark.parametrize("axes", ["yx", "xy", "yxc", "tzyxc", "txyzc", "zyx", "cyxtz"])
@pytest.mark.parametrize("dtype", ["u4", "u1", "i8", "f4"])
def test_label_images(tmp_path, axes, dtype):
    path = write_labels(tmp_path / "objects.h5", label_image().astype(dtype), axes)
    table = read_instances(path, (30, 40))
    assert_shows(table, label_image())
    assert "label" not in table


@pytest.mark.parametrize(
    "shape", [(30, 40), (1, 30, 40, 1, 1), (30, 40, 1), (1, 30, 40)]
)
def test_label_images_without_tags(tmp_path, shape):
    path = write_labels(tmp_path / "objects.h5", label_image().reshape(shape))
    assert_shows(read_instances(path), label_image())


def test_any_name_compression_and_ending(tmp_path):
    path = write_labels(
        tmp_path / "objects.hdf5",
        label_image(),
        "yx",
        name="some/group/labels",
        compression="gzip",
        chunks=(10, 10),
    )
    assert_shows(read_instances(path), label_image())


def test_a_table_tells_the_classes(tmp_path):
    path = write_labels(tmp_path / "objects.h5", label_image(), "yx")
    with h5py.File(path, "a") as file:
        file["table"] = make_table()
    table = read_instances(path)
    assert_shows(table, label_image())
    # What the user said goes before what ilastik predicted.
    assert table["label"].tolist() == ["full", "full", "empty", "odd"]


@pytest.mark.parametrize("margin", [0, 3, 100])
@pytest.mark.parametrize("keys", ["xy", "yx"])
def test_tables_with_cutouts(tmp_path, margin, keys):
    path = write_cutouts(tmp_path / "table.h5", margin=margin, keys=keys)
    table = read_instances(path, (30, 40))
    assert_shows(table, label_image())
    assert table["label"].tolist() == ["full", "full", "empty", "odd"]


def test_tables_of_older_versions(tmp_path):
    table = make_table()
    names = {
        "timestep": "time",
        "labelimage_oid": "ilastik_id",
        "Bounding Box Minimum_0": "Coord<Minimum>_0",
        "Bounding Box Minimum_1": "Coord<Minimum>_1",
    }
    table.dtype.names = [names.get(name, name) for name in table.dtype.names]
    assert_shows(read_instances(write_cutouts(tmp_path / "a.h5", table)), label_image())


def test_texts_of_any_kind_and_no_classes(tmp_path):
    texts = np.array(["voll", "größer", "voll", "leer"], object)
    predicted = texts.astype(h5py.string_dtype())
    columns = {"Predicted Class": predicted, "User Label": None}
    path = write_cutouts(tmp_path / "a.h5", make_table(**columns))
    assert read_instances(path)["label"].tolist() == texts.tolist()
    columns = {"Predicted Class": None, "User Label": None}
    path = write_cutouts(tmp_path / "b.h5", make_table(**columns))
    assert "label" not in read_instances(path)


def broken_tags(path):
    write_labels(path, label_image(), "yx")
    with h5py.File(path, "a") as file:
        file["exported_data"].attrs["axistags"] = "{"


def other_axes(path):
    write_labels(path, label_image(), "yx")
    with h5py.File(path, "a") as file:
        file["exported_data"].attrs["axistags"] = axistags("zyx")


def class_image(path):
    """Write object predictions beside a table: the numbers are classes."""
    write_labels(path, (label_image() > 0).astype(np.uint8), "yx")
    with h5py.File(path, "a") as file:
        file["table"] = make_table()


def truncated(path):
    write_labels(path, np.tile(label_image(), (9, 9)), "yx")
    path.write_bytes(path.read_bytes()[:3000])


def two_images(path):
    write_labels(path, label_image(), "yx", name="first")
    write_labels(path, label_image(), "yx", name="second")


def write_table(**columns):
    return lambda path: write_cutouts(path, make_table(**columns))


def volume(axes, shape):
    def write(path):
        with h5py.File(path, "w") as file:
            file["exported_data"] = np.ones(shape, np.uint8)
            if axes:
                file["exported_data"].attrs["axistags"] = axistags(axes)

    return write


@pytest.mark.parametrize(
    "write, message",
    [
        (
            lambda path: path.write_bytes(b"no HDF5" * 100),
            "it is no HDF5 file, or it is",
        ),
        (
            lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99)),
            "it is no HDF5",
        ),
        (lambda path: path.write_bytes(b""), "empty file"),
        (truncated, "it is no HDF5 file, or it is damaged or cut off: .*truncated"),
        (lambda path: h5py.File(path, "w").close(), "it has no image, only groups"),
        (volume(None, (9,)), r"it has no image, only {'exported_data': \(9,\)}"),
        (two_images, r"it has 2 images, {'first': \(30, 40\), 'second': \(30, 40\)}"),
        (volume("zyx", (5, 9, 9)), "its 'exported_data' has 5 planes of a volume"),
        (volume("tyx", (5, 9, 9)), "its 'exported_data' has 5 points in time"),
        (volume("yxc", (9, 9, 2)), "its 'exported_data' has 2 channels"),
        (volume(None, (5, 9, 9)), r"shape \(5, 9, 9\) and no 'axistags'"),
        (volume("yx", (9, 9, 1)), r"has the axes \['y', 'x'\] by its 'axistags', but"),
        (volume("yy", (9, 9)), r"has the axes \['y', 'y'\]"),
        (volume("yq", (9, 9)), r"has the axes \['y', 'q'\]"),
        (broken_tags, "its 'exported_data' has 'axistags' that are damaged"),
        (other_axes, r"has the axes \['z', 'y', 'x'\]"),
        (
            class_image,
            "1 numbers up to 1, but its 'table' 4 objects up to 4; expo",
        ),
        (
            lambda path: write_labels(path, 0 * label_image(), "yx"),
            "has no particle, all is 0",
        ),
        (
            lambda path: write_labels(path, label_image() / 2, "yx"),
            "labels has numbers that are not whole",
        ),
        (
            lambda path: write_labels(path, -label_image().astype(int), "yx"),
            "labels has negative numbers",
        ),
        (
            lambda path: write_labels(path, np.full((3, 3), "a", "S"), "yx"),
            "labels can't be used: .S1 pixels",
        ),
        (
            lambda path: write_cutouts(path, np.arange(4)),
            r"its 'table' has shape \(4,\) and no columns",
        ),
        (
            lambda path: write_cutouts(path, skip=2),
            "it has no 'images/2/labeling' for row 2 of its 'table'",
        ),
        (write_table(timestep=np.arange(4)), "its 'table' has 4 points in time"),
        (
            write_table(labelimage_oid=None),
            r"has no column 'labelimage_oid', only \['object_id'",
        ),
        (
            write_table(**{"Bounding Box Minimum_1": None}),
            "has no column 'Bounding Box Minimum_1'",
        ),
        (
            write_table(**{"Bounding Box Minimum_1": np.array([1, np.nan, 3, 4])}),
            "row 1 of its 'table' has nan as 'Bounding Box Minimum_1'",
        ),
        (
            write_table(**{"Bounding Box Minimum_0": np.array([1, 2, 3, -4])}),
            "row 3 of its 'table' has -4 as 'Bounding Box Minimum_0'",
        ),
        (
            write_table(labelimage_oid=np.array(["a", "b", "c", "d"], "S")),
            "'labelimage_oid' in its 'table' is .S1, not numbers",
        ),
        (
            write_table(labelimage_oid=np.array([1, 2.5, 3, 4])),
            "row 1 of its 'table' has 2.5 as 'labelimage_oid'",
        ),
    ],
)
def test_bad_files(tmp_path, write, message):
    write(tmp_path / "bad.h5")
    with pytest.raises(ValueError, match=message) as error:
        read_instances(tmp_path / "bad.h5")
    assert "bad.h5" in str(error.value)


def test_a_cutout_that_is_no_mask(tmp_path):
    path = write_cutouts(tmp_path / "bad.h5")
    with h5py.File(path, "a") as file:
        pixels = file["images/1/labeling"]
        pixels[...] = np.arange(pixels.size).reshape(pixels.shape)
    with pytest.raises(ValueError, match=r"its 'images/1/labeling' has .* levels"):
        read_instances(path)
    with h5py.File(path, "a") as file:
        file["images/1/labeling"][...] = 0
    with pytest.raises(ValueError, match="1 of 4 particles hold no pixel"):
        read_instances(path)


def test_an_image_of_another_size(tmp_path):
    path = write_labels(tmp_path / "objects.h5", label_image(), "yx")
    message = r"shape \(30, 40\), but the micrograph \(40, 30\)"
    with pytest.raises(ValueError, match=message):
        read_instances(path, (40, 30))


def test_every_cut_of_a_file_is_an_error_or_whole(tmp_path):
    path = write_cutouts(tmp_path / "table.h5")
    data = path.read_bytes()
    for size in np.linspace(1, len(data) - 1, 40).astype(int):
        path.write_bytes(data[:size])
        with pytest.raises(ValueError, match=r"table\.h5"):
            read_instances(path)


def test_damaged_bytes_are_errors_of_the_file(tmp_path):
    path = write_cutouts(tmp_path / "table.h5")
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), 20):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read_instances(path)
        except ValueError as error:
            assert "table.h5" in str(error)


def test_names_that_are_no_utf_8_are_passed_over(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["exported_data"] = np.pad(np.ones((3, 3), np.uint8), 2)
        file[b"\xff\xfe"] = 5
    assert read_instances(path)["instance"].tolist() == [1]
