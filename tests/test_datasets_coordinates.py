"""Particles that were picked: coordinates of STAR, EMAN .box, CSV and arrays."""

import mrcfile
import numpy as np
import pandas as pd
import pytest
import starfile

from sklipo.datasets import Micrograph, extract_particles, read_instances
from sklipo.datasets._coordinates import read_coordinates

HEIGHT, WIDTH = 60, 80
PIXELS = np.arange(HEIGHT * WIDTH, dtype=np.int32).reshape(HEIGHT, WIDTH)
MICROGRAPH = Micrograph(PIXELS, 0.5)
POINTS = np.array([[20, 30], [0, 0], [79, 59], [40.5, 10.4]])


def write(path, text):
    """Write a text file; return its path."""
    path.write_text(text)
    return path


def write_star(path, points=POINTS, **columns):
    """Write coordinates as RELION does; return the path."""
    x, y = np.transpose(points)
    table = pd.DataFrame({"rlnCoordinateX": x, "rlnCoordinateY": y, **columns})
    starfile.write({"": table}, path)
    return path


def points_of(*args):
    """Return the points that are read, as an array."""
    return read_coordinates(*args)[["x", "y"]].to_numpy()


def test_arrays_and_tables_are_read():
    table = pd.DataFrame(POINTS, columns=["X", " y "], index=list("abcd"))
    for source in [POINTS, POINTS.tolist(), table, table.assign(score=1)]:
        assert (points_of(source) == POINTS).all()
    assert read_coordinates(table.assign(score=1)).columns.tolist()[-1] == "score"
    assert read_coordinates(table.assign(Class="a"))["label"].tolist() == ["a"] * 4
    texts = pd.DataFrame({"x": ["1", "2.5"], "y": [3, 4]})
    assert points_of(texts).tolist() == [[1, 3], [2.5, 4]]


def test_stars_are_read(tmp_path):
    path = write_star(tmp_path / "a.star", rlnAutopickFigureOfMerit=[1, 2, 3, 4.5])
    found = read_coordinates(path)
    assert (found[["x", "y"]] == POINTS).all(axis=None)
    assert found["rlnAutopickFigureOfMerit"].tolist() == [1, 2, 3, 4.5]


def test_the_name_tells_which_micrograph_of_a_star(tmp_path):
    names = ["M/job1/a.mrc", "M/job1/b.c.mrc", "M/job1/a.mrc", "M/job2/b.mrc"]
    path = write_star(tmp_path / "a.star", rlnMicrographName=names, sklipoClass="full")
    for name in ["a", "a.mrc", "M/job1/a.mrc"]:
        found = read_coordinates(path, name)
        assert found.index.tolist() == [0, 2]
        assert found["label"].tolist() == ["full"] * 2
        assert "micrograph" not in found
    assert points_of(path, "b.c").tolist() == [[0, 0]]
    for name in [None, "c"]:
        with pytest.raises(ValueError, match=r"has 3 micrographs, .*; pass name="):
            read_coordinates(path, name)
    names[3] = "M/job2/a.mrc"
    path = write_star(tmp_path / "b.star", rlnMicrographName=names)
    with pytest.raises(ValueError, match="of which 2 are named 'a'"):
        read_coordinates(path, "a")
    one = write_star(tmp_path / "c.star", rlnMicrographName="x.mrc")
    assert (points_of(one, "other") == POINTS).all()


def test_boxes_of_eman_are_read(tmp_path):
    path = write(tmp_path / "a.box", "10\t20\t64\t64\t-3\r\n-8 -7 17 15\n\n1.5 2 4 4\n")
    assert points_of(path).tolist() == [[42, 52], [0, 0], [3.5, 4]]


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n20,30\n0.5,1e1\n",
        "X;Y\n20;30\n0,5;10\n",
        "score\tY\tX\n1\t30\t20\n2\t10\t0.5\n",
        "20,30\n0.5,10\n",
        "\n20 ; 30\r\n0.5 ; 10\r\n",
        "20\t30\n0.5\t10",
        '"y","x"\n"30","20"\n"10","0.5"\n',
    ],
)
def test_csvs_are_read(tmp_path, text):
    for name in ["a.csv", "a.txt"]:
        path = write(tmp_path / name, text)
        assert points_of(path).tolist() == [[20, 30], [0.5, 10]]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.csv", "x,z\n1,2\n", r"no columns x and y among \['x', 'z'\]"),
        ("a.csv", "1,2,3\n4,5,6\n", "no columns x and y among"),
        ("a.csv", "x,X,y\n1,2,3\n", "2 columns 'x', expected one"),
        ("a.csv", "x,y\n", "only the header"),
        ("a.csv", "", "empty file"),
        ("a.csv", "\n", "the file is empty"),
        ("a.csv", "x,y\n1,2\na,3\n4,\n", r"2 of 3 .*are no numbers: row 1 \(a, 3"),
        ("a.csv", "x,y\n1,inf\n", r"1 of 1 .*are no numbers: row 0 \(1, inf\)"),
        ("a.box", "1 2 3\n", "row 0 is '1 2 3', expected x, y, width and height"),
        ("a.box", "1 2 3 4\n1 2 a 4\n", "row 1 is '1 2 a 4', expected"),
        ("a.box", "1 2 3 -4\n", "row 0 is .*, expected"),
        ("a.box", "a 2 3 4\n", "are no numbers: row 0"),
        ("a.box", "\n", "no rows"),
        (
            "a.star",
            "data_\nloop_\n_rlnCoordinateX\n1\n",
            "no columns rlnCoordinateX",
        ),
        ("a.star", "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n", "no rows"),
        ("a.star", "x,y\n1,2\n", "it is no STAR"),
        ("a.star", "data_\n_rlnCoordinateX a\n_rlnCoordinateY 1\n", r"row 0 \(a, 1\)"),
        ("a.pos", "1 2\n", "expected a name that ends in one of .star, .box, .csv"),
        ("a", "1 2\n", "expected a name that ends in one of"),
        ("a.csv", "\0" * 30, "NUL characters"),
    ],
)
def test_files_of_no_coordinates_are_refused(tmp_path, name, text, reason):
    path = write(tmp_path / name, text)
    with pytest.raises(ValueError, match=reason) as error:
        extract_particles(MICROGRAPH, path, box=8)
    assert f"coordinates {str(path)!r}" in str(error.value)


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no.star"):
        extract_particles(MICROGRAPH, tmp_path / "no.star", box=8)
    with pytest.raises(ValueError, match="a folder"):
        extract_particles(MICROGRAPH, tmp_path, box=8)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ([], r"shape is \(0,\), expected \(n, 2\)"),
        ([1, 2], r"shape is \(2,\)"),
        (np.zeros((0, 2)), "no rows"),
        (np.zeros((3, 3)), r"shape is \(3, 3\)"),
        ([[1, 2], [3]], "NumPy makes no array of them"),
        (None, r"shape is \(\)"),
        ([["a", 1]], r"row 0 \(a, 1\)"),
        ([[1, np.nan]], r"are no numbers: row 0"),
        ([[1, None]], r"row 0 \(1, (nan|None)\)"),
        ([[1 + 2j, 3]], "are no numbers"),
        ([[True, False]], "are no numbers"),
        (
            np.ma.masked_less([[1.0, 2.0], [0.0, 2.0]], 1),
            "are no numbers: row 1",
        ),
        (pd.DataFrame({"x": [1]}), "no columns x and y"),
        (pd.DataFrame({"x": [], "y": []}), "no rows"),
        (pd.DataFrame([[1, 2, 3]], columns=["x", "y", "y"]), "2 columns 'y'"),
        (pd.DataFrame({"x": [1], "y": [pd.NA]}), "are no numbers"),
        ([[10**400, 1]], "are no numbers"),
        ([[1e300, 1]], "lie outside of the micrograph, 80 wide and 60 high"),
        ([[5, 5], [-1, 5]], r"lie outside of .*row 1 \(-1.0, 5.0\)"),
        ([[79.5, 5]], "lie outside"),
        ([[5, -0.51]], "lie outside"),
    ],
)
def test_what_are_no_points_is_refused(source, reason):
    with pytest.raises(ValueError, match=f"(?s)coordinates .*{reason}"):
        extract_particles(MICROGRAPH, source, box=8)


def test_boxes_are_cut_around_the_points():
    particles = extract_particles(MICROGRAPH, POINTS, box=8, name="m")
    expected = [
        PIXELS[26:34, 16:24],
        PIXELS[:4, :4],
        PIXELS[55:, 75:],
        PIXELS[6:14, 37:45],
    ]
    for found, image in zip(particles["image"], expected, strict=True):
        np.testing.assert_array_equal(found, image)
    assert particles["top"].tolist() == [26, 0, 55, 6]
    assert particles["left"].tolist() == [16, 0, 75, 37]
    assert particles["touches_border"].tolist() == [False, True, True, False]
    assert particles["instance"].tolist() == [1, 2, 3, 4]
    assert (particles["pixel_size"] == 0.5).all()
    assert (particles["micrograph"] == "m").all()
    assert (particles[["x", "y"]].to_numpy() == POINTS).all()
    without = {"mask", "mask_diameter", "overlaps", "enclosed_by"}
    assert without.isdisjoint(particles.columns)


@pytest.mark.parametrize("box", [1, 7, 8, 60])
@pytest.mark.parametrize("diameter", [0.5, 2.3, 3.5, 4])
def test_masks_are_disks_around_the_points(box, diameter):
    if diameter / 0.5 > box:
        with pytest.raises(ValueError, match=f"expected 1 to {box}, the side of box"):
            extract_particles(MICROGRAPH, POINTS, box=box, mask_diameter=diameter)
        return
    particles = extract_particles(MICROGRAPH, POINTS, box=box, mask_diameter=diameter)
    assert (particles["mask_diameter"] == diameter).all()
    rows, columns = np.indices(PIXELS.shape)
    for i, (x, y) in enumerate(np.floor(POINTS + 0.5)):
        row = particles.iloc[i]
        whole = np.hypot(rows - y, columns - x) <= diameter / 2 / 0.5
        top, left = row["top"], row["left"]
        height, width = row["image"].shape
        inside = whole[top : top + height, left : left + width]
        np.testing.assert_array_equal(row["mask"], inside)


def test_disks_that_reach_the_edge_touch_the_border():
    points = [[4, 30], [5, 30], [74, 30], [75, 30]]
    particles = extract_particles(MICROGRAPH, points, box=20, mask_diameter=4)
    assert particles["touches_border"].tolist() == [True, False, False, True]


def test_disks_that_overlap_are_counted():
    points = [[20, 30], [20, 30], [60, 30]]
    particles = extract_particles(MICROGRAPH, points, box=20, mask_diameter=4)
    assert particles["overlaps"].tolist() == [1, 1, 0]


@pytest.mark.parametrize("box", [0, -3, 8.0, True, "8", np.nan, 81, 10**12])
def test_a_box_is_a_whole_number_within_the_micrograph(box):
    with pytest.raises(ValueError, match=r"box is .*, expected an int, of 1 to 80"):
        extract_particles(MICROGRAPH, POINTS, box=box)


@pytest.mark.parametrize("diameter", [0, -1, np.nan, np.inf, "3", True, [3]])
def test_a_diameter_is_a_number_above_0(diameter):
    with pytest.raises(ValueError, match=r"mask_diameter is .*, expected nm above 0"):
        extract_particles(MICROGRAPH, POINTS, box=8, mask_diameter=diameter)


def test_disks_need_a_pixel_size_and_a_box():
    with pytest.raises(ValueError, match="needs the pixel size"):
        extract_particles(PIXELS, POINTS, box=8, mask_diameter=3)
    found = extract_particles(PIXELS, POINTS, box=8, mask_diameter=3, pixel_size=1)
    assert (found["mask_diameter"] == 3).all()
    with pytest.raises(ValueError, match="pass box= as well"):
        extract_particles(MICROGRAPH, np.ones_like(PIXELS), mask_diameter=3)


def test_coordinates_without_a_box_are_refused(tmp_path):
    for name in ["a.star", "a.box", "a.csv"]:
        with pytest.raises(ValueError, match=r"coordinates without outlines; .* box="):
            extract_particles(MICROGRAPH, tmp_path / name)
        with pytest.raises(ValueError, match=f"{name}' are coordinates"):
            read_instances(tmp_path / name)


def test_a_micrograph_is_found_in_the_star_by_its_file(tmp_path):
    path = tmp_path / "b.mrc"
    mrcfile.write(path, PIXELS.astype(np.float32), voxel_size=5)
    names = ["M/a.mrc", "M/b.mrc", "M/a.mrc", "M/b.mrc"]
    star = write_star(tmp_path / "picks.star", rlnMicrographName=names)
    particles = extract_particles(path, star, box=8, mask_diameter=3)
    assert particles["instance"].tolist() == [2, 4]
    assert particles["micrograph"].tolist() == ["b", "b"]
    assert np.allclose(particles["pixel_size"], 0.5)


def test_columns_that_are_made_anew_are_refused():
    table = pd.DataFrame(POINTS, columns=["x", "y"]).assign(overlaps=0)
    with pytest.raises(ValueError, match=r"columns \['overlaps'\], which are"):
        extract_particles(MICROGRAPH, table, box=8, mask_diameter=3)
