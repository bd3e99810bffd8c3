"""STAR files of RELION and cryoSPARC, written by starfile, their stacks by mrcfile."""

import gzip
import subprocess
import sys
from types import SimpleNamespace

import mrcfile
import numpy as np
import pandas as pd
import pytest
import starfile

from sklipo.datasets import load_particles, save_classes, save_particles
from sklipo.datasets._star import write_star
from sklipo.datasets._star_text import read_star

BOX = 12
N_STACKS, N_FRAMES = 3, 4
FRAMES = np.random.default_rng(0).normal(size=(N_STACKS, N_FRAMES, BOX, BOX))
FRAMES = FRAMES.astype(np.float32)
OPTICS = pd.DataFrame(
    {
        "rlnOpticsGroupName": ["opticsGroup1", "opticsGroup2"],
        "rlnOpticsGroup": [1, 2],
        "rlnMicrographOriginalPixelSize": [1.0, 1.0],
        "rlnImagePixelSize": [2.5, 3.75],
        "rlnImageSize": [BOX, BOX],
    }
)
STAR = "Extract/job007/particles.star"


def particle_rows():
    """Return rows of a STAR of RELION 3.1, one for each frame."""
    n = N_STACKS * N_FRAMES
    stacks = np.repeat(np.arange(N_STACKS), N_FRAMES)
    frames = np.tile(np.arange(1, N_FRAMES + 1), N_STACKS)
    return pd.DataFrame(
        {
            "rlnCoordinateX": np.linspace(10, 90, n),
            "rlnImageName": [
                f"{i:06d}@Extract/job007/Movies/m{k}.mrcs"
                for i, k in zip(frames, stacks, strict=True)
            ],
            "rlnMicrographName": [f"MotionCorr/job002/m{k}.mrc" for k in stacks],
            "rlnOpticsGroup": np.where(stacks == 2, 2, 1),
            "rlnDefocusU": np.linspace(1e4, 2e4, n),
        }
    )


@pytest.fixture
def project(tmp_path):
    """Return the folder of a project of RELION 3.1, with stacks and a STAR."""
    folder = tmp_path / "Extract/job007/Movies"
    folder.mkdir(parents=True)
    for k, frames in enumerate(FRAMES):
        mrcfile.write(folder / f"m{k}.mrcs", frames)
    write_blocks(tmp_path)
    return tmp_path


def write_blocks(project, optics=OPTICS, rows=None, name=STAR):
    """Write a STAR by starfile; return its path."""
    blocks = {} if optics is None else {"optics": optics}
    blocks["particles"] = particle_rows() if rows is None else rows
    starfile.write(blocks, project / name)
    return project / name


def edit(project, old, new, name=STAR):
    """Replace text in a STAR; return its path."""
    text = (project / name).read_text()
    assert old in text
    (project / name).write_text(text.replace(old, new))
    return project / name


def images_equal(particles, frames):
    """Tell whether particles have these frames, to the bit."""
    found = np.stack(particles["image"].tolist())
    return found.dtype == frames.dtype and (found == frames).all()


def test_relion_3_1_is_read(project):
    particles = load_particles(project / STAR)
    assert images_equal(particles, FRAMES.reshape(-1, BOX, BOX))
    assert particles["pixel_size"].tolist() == [0.25] * 8 + [0.375] * 4
    rows = particle_rows()
    assert particles["micrograph"].tolist() == rows["rlnMicrographName"].tolist()
    assert particles["rlnImageName"].tolist() == rows["rlnImageName"].tolist()
    assert np.allclose(particles["rlnDefocusU"], rows["rlnDefocusU"])
    assert particles["rlnOpticsGroup"].dtype == np.int64
    assert particles["star"].tolist() == [str((project / STAR).resolve())] * 12
    assert particles["star_row"].tolist() == list(range(12))
    assert "mask" not in particles
    assert "mask_diameter" not in particles


def test_relion_3_0_is_read(project):
    rows = particle_rows().drop(columns="rlnOpticsGroup")
    rows = rows.assign(rlnDetectorPixelSize=5.0, rlnMagnification=20000.0)
    starfile.write(rows, project / "old.star")
    particles = load_particles(project / "old.star")
    assert (project / "old.star").read_text().count("data_\n") == 1
    assert images_equal(particles, FRAMES.reshape(-1, BOX, BOX))
    # 5 micrometers over 20,000 are 2.5 Angstrom.
    assert np.allclose(particles["pixel_size"], 0.25, rtol=1e-12)


def test_the_pixel_size_of_the_boxes_goes_first(project):
    rows = particle_rows().assign(
        rlnDetectorPixelSize=5.0, rlnMagnification=20000.0, rlnImagePixelSize=8.0
    )
    particles = load_particles(write_blocks(project, rows=rows))
    assert (particles["pixel_size"] == 0.8).all()
    particles = load_particles(write_blocks(project, None, rows))
    assert (particles["pixel_size"] == 0.8).all()
    rows = rows.drop(columns="rlnImagePixelSize")
    particles = load_particles(write_blocks(project, rows=rows))
    assert (particles["pixel_size"][:8] == 0.25).all()


def test_one_group_of_optics_needs_no_column_of_groups(project):
    rows = particle_rows().drop(columns="rlnOpticsGroup")
    particles = load_particles(write_blocks(project, OPTICS[:1], rows))
    assert (particles["pixel_size"] == 0.25).all()
    with pytest.raises(ValueError, match=r"no column rlnOpticsGroup says which"):
        load_particles(write_blocks(project, OPTICS, rows))


def test_without_a_pixel_size_there_is_no_column_of_it(project):
    optics = OPTICS.drop(columns="rlnImagePixelSize")
    particles = load_particles(write_blocks(project, optics))
    assert "pixel_size" not in particles
    with pytest.raises(ValueError, match=r"tells no pixel size, .* rlnImagePixelSize"):
        load_particles(project / STAR, mask_diameter=1)
    rows = particle_rows().assign(nm=0.25)
    path = write_blocks(project, optics, rows)
    particles = load_particles(path, columns={"nm": "pixel_size"}, mask_diameter=1)
    assert (particles["pixel_size"] == 0.25).all()


def test_columns_are_renamed(project):
    rows = particle_rows().assign(rlnClassNumber=3)
    path = write_blocks(project, rows=rows)
    particles = load_particles(path, columns={"rlnClassNumber": "label"})
    assert (particles["label"] == 3).all()
    columns = {"rlnClassNumber": "micrograph"}
    particles = load_particles(path, columns=columns)
    assert (particles["micrograph"] == 3).all()
    assert particles["rlnMicrographName"].equals(rows["rlnMicrographName"])


@pytest.mark.parametrize("name", ["image", "mask", "mask_diameter", "star", "star_row"])
def test_what_sklipo_adds_to_rows_is_in_none_of_their_columns(project, name):
    match = rf"particles\.star' can't be read: columns \['{name}'\], which sklipo adds"
    with pytest.raises(ValueError, match=match):
        load_particles(project / STAR, columns={"rlnDefocusU": name})
    path = write_blocks(project, rows=particle_rows().assign(**{name: 1}))
    with pytest.raises(ValueError, match=match):
        load_particles(path)


def test_columns_that_sklipo_adds_to_rows_can_be_renamed(project):
    path = write_blocks(project, rows=particle_rows().assign(star=1))
    particles = load_particles(path, columns={"star": "other"})
    assert (particles["other"] == 1).all()


def test_a_pixel_size_in_nm_goes_before_those_of_the_optics(project):
    path = write_blocks(project, rows=particle_rows().assign(pixel_size=0.5))
    assert (load_particles(path)["pixel_size"] == 0.5).all()


def test_masks_are_disks_around_the_centers_of_boxes(project):
    particles = load_particles(project / STAR, mask_diameter=2.5)
    assert (particles["mask_diameter"] == 2.5).all()
    for row, radius in [(0, 5), (11, 2.5 / 0.375 / 2)]:
        distance = np.hypot(*(np.indices((BOX, BOX)) - BOX // 2))
        assert (particles["mask"][row] == (distance <= radius)).all()
    # Rows of one size share one mask.
    starts = particles["mask"].array.starts
    assert len(np.unique(starts)) == 2
    assert particles["mask"].array.pixels.size == 2 * BOX * BOX


@pytest.mark.parametrize("diameter", [3.1, 0.2, 1e9])
def test_disks_fit_into_their_boxes(project, diameter):
    with pytest.raises(ValueError, match=r"particles.star'.* row \d+ .*expected 1 to"):
        load_particles(project / STAR, mask_diameter=diameter)


@pytest.mark.parametrize("diameter", [0, -1, np.nan, "20"])
def test_mask_diameter_is_a_number_above_0(project, diameter):
    with pytest.raises(ValueError, match="mask_diameter"):
        load_particles(project / STAR, mask_diameter=diameter)


def test_other_tables_have_no_mask_diameter(tmp_path):
    for path in [pd.DataFrame({"image": ["0.png"]}), tmp_path, tmp_path / "a.csv"]:
        with pytest.raises(ValueError, match="mask_diameter is for the particles of a"):
            load_particles(path, mask_diameter=20)


def test_stacks_are_found_from_the_project_folder(project, monkeypatch):
    monkeypatch.chdir(project / "Extract")
    assert len(load_particles("job007/particles.star")) == 12
    elsewhere = project.parent / f"{project.name}_elsewhere"
    elsewhere.mkdir()
    star = (project / STAR).rename(elsewhere / "particles.star")
    with pytest.raises(ValueError, match=r"12 of 12 .*looked in .*pass root=.*missing"):
        load_particles(star)
    assert len(load_particles(star, root=project)) == 12
    with pytest.raises(ValueError, match=r"looked in '[^']*Extract'; pass"):
        load_particles(star, root=project / "Extract")


def test_paths_may_be_absolute_or_those_of_windows(project):
    rows = particle_rows()
    names = rows["rlnImageName"]
    rows["rlnImageName"] = names.str.replace("@", f"@{project}/")
    assert len(load_particles(write_blocks(project, rows=rows))) == 12
    rows["rlnImageName"] = names.str.replace("/", "\\")
    assert len(load_particles(write_blocks(project, rows=rows))) == 12


def test_frames_that_occur_twice_share_pixels(project):
    rows = particle_rows().iloc[[5, 0, 5]]
    particles = load_particles(write_blocks(project, rows=rows))
    assert images_equal(particles, FRAMES.reshape(-1, BOX, BOX)[[5, 0, 5]])
    assert particles["image"].array.pixels.size == 2 * BOX * BOX


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_compressed_stacks_are_read(project, n_jobs):
    path = project / "Extract/job007/Movies/m1.mrcs"
    path.write_bytes(gzip.compress(path.read_bytes()))
    rows = particle_rows()[::-1].reset_index(drop=True)
    star = write_blocks(project, rows=rows)
    particles = load_particles(star, n_jobs=n_jobs)
    assert images_equal(particles, FRAMES.reshape(-1, BOX, BOX)[::-1])


@pytest.mark.parametrize("dtype", ["i1", "i2", "u2", "f2"])
def test_stacks_keep_their_types(project, dtype):
    frames = np.arange(N_FRAMES * BOX * BOX).reshape(N_FRAMES, BOX, BOX).astype(dtype)
    for k in range(N_STACKS):
        path = project / f"Extract/job007/Movies/m{k}.mrcs"
        mrcfile.write(path, frames, overwrite=True)
    particles = load_particles(project / STAR)
    assert images_equal(particles, np.tile(frames, (N_STACKS, 1, 1)))


def test_stacks_may_differ_in_size_and_type(project):
    frames = np.arange(N_FRAMES * 8 * 6, dtype=np.int16).reshape(N_FRAMES, 8, 6)
    mrcfile.write(project / "Extract/job007/Movies/m1.mrcs", frames, overwrite=True)
    with pytest.warns(UserWarning, match=r"differ in pixel dtype .*become float32"):
        particles = load_particles(project / STAR, mask_diameter=1.5)
    assert (particles["image"][4] == frames[0]).all()
    assert (particles["image"][11] == FRAMES[2, 3]).all()
    assert particles["mask"][4].shape == (8, 6)


def test_a_file_of_one_image_needs_no_number(project):
    mrcfile.write(project / "one.mrc", FRAMES[0, 0])
    rows = particle_rows()[:2].assign(rlnImageName="one.mrc")
    particles = load_particles(write_blocks(project, rows=rows))
    assert (particles["image"][1] == FRAMES[0, 0]).all()


def test_text_is_read_by_any_line_ends_and_marks(project):
    expected = load_particles(project / STAR)
    text = (project / STAR).read_text()
    for data in [
        text.replace("\n", "\r\n").encode(),
        text.replace("\n", "\r").encode(),
        text.encode("utf-8-sig"),
        text.encode("utf-16"),
        text.rstrip("\n").encode(),
        ("# version 30001\n\n" + text.replace("\t", "     ")).encode(),
        text.replace("1\t1", '1\t"1"').replace("MotionCorr", "'Motion").encode(),
        text.replace("\nloop_", "\n\n# a remark\nloop_ #\n").encode(),
    ]:
        (project / STAR).write_bytes(data)
        particles = load_particles(project / STAR)
        if b"'Motion" not in data:
            assert particles.equals(expected)


def test_names_keep_their_apostrophes_and_zeros(project):
    rows = particle_rows().assign(rlnMicrographName="0017", rlnGroupName="Ada's")
    particles = load_particles(write_blocks(project, rows=rows))
    assert particles["micrograph"].unique().tolist() == ["0017"]
    assert particles["rlnGroupName"].unique().tolist() == ["Ada's"]
    edit(project, "Ada's", "'Ada\"s")
    particles = load_particles(project / STAR)
    assert particles["rlnGroupName"].unique().tolist() == ["'Ada\"s"]


def test_missing_numbers_of_starfile_are_missing(project):
    rows = particle_rows()
    rows.loc[3, "rlnDefocusU"] = np.nan
    particles = load_particles(write_blocks(project, rows=rows))
    assert particles["rlnDefocusU"].isna().tolist() == [i == 3 for i in range(12)]


def test_tables_are_those_of_starfile(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "ints": rng.integers(-(2**62), 2**62, 20),
            "floats": rng.normal(size=20) * 10.0 ** rng.integers(-8, 8, 20),
            "gaps": np.where(rng.random(20) < 0.5, np.nan, 1.5),
            "texts": rng.choice(["a", "b c", "1", "", "x#y z", "data_"], 20),
            "constant": 3,
        }
    )
    blocks = {"general": {"a": 1, "b": "x y", "c": 2.5}, "": table, "last": table[:1]}
    path = tmp_path / "a.star"
    starfile.write(blocks, path, float_format="%.17g")
    _, found = read_star(path)
    expected = starfile.read(path)
    assert list(found) == list(expected)
    for name in ["", "last"]:
        pd.testing.assert_frame_equal(found[name].as_frame(), expected[name])
    assert found["general"].as_frame().to_dict("records") == [blocks["general"]]


# Numbers and what looks like them: to pandas, to Python or to nobody. Old versions of
# pandas read integers beyond 64 bits among floats as texts.
WORDS = """1 -3 +4 007 1.5 .5 5. 1e5 1e400 5e-324 nan -nan <NA> inf true FALSE 0x1F
    1_000 9223372036854775807 9223372036854775808 1,5 1d5 --1 1e -
    0.30000000000000004 3.0000000000000000001 . NA None 1j \\ a\\b
    000001@x.mrcs""".split()


def test_plain_lines_are_read_as_lines_with_quotes_and_comments(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(100):
        n_rows, n_columns = rng.integers(1, 5, 2)
        columns = [rng.choice(rng.choice(WORDS, 2), n_rows) for _ in range(n_columns)]
        names = [f"_{k}" for k in range(n_columns - 1)] + ["_rlnImageName"]
        header = ["data_plain", "loop_", *names]
        rows = [" \t".join(row) for row in zip(*columns, strict=True)]
        quoted = [f'{row} # "' for row in rows]
        header_2 = ["data_quoted", *header[1:]]
        path = tmp_path / f"{i}.star"
        path.write_text("\n".join([*header, *rows, *header_2, *quoted]))
        _, blocks = read_star(path)
        pd.testing.assert_frame_equal(
            blocks["plain"].as_frame(), blocks["quoted"].as_frame(), check_exact=True
        )


def test_exports_of_cryosparc_are_read(tmp_path):
    folder = tmp_path / "J3/extract"
    folder.mkdir(parents=True)
    mrcfile.write(folder / "0123_m_particles.mrc", FRAMES[0])
    # As csparc2star.py of pyem writes one, in the layout of RELION 3.0.
    lines = [
        "",
        "data_images",
        "",
        "loop_",
        "_rlnImageName #1",
        "_rlnMicrographName #2",
    ]
    lines += ["_rlnDetectorPixelSize #3", "_rlnMagnification #4"]
    stack = "J3/extract/0123_m_particles.mrc"
    lines += [f"{i:06d}@{stack} J2/0123_m.mrc 5.000000 25000.000000" for i in (4, 2)]
    (tmp_path / "J3/particles.star").write_text("\n".join([*lines, "", ""]))
    particles = load_particles(tmp_path / "J3/particles.star", mask_diameter=2)
    assert images_equal(particles, FRAMES[0, [3, 1]])
    assert particles["pixel_size"].tolist() == [0.2, 0.2]
    assert particles["micrograph"].tolist() == ["J2/0123_m.mrc"] * 2


def test_max_pixels_counts_all_images(project):
    n_pixels = FRAMES.size
    assert len(load_particles(project / STAR, max_pixels=n_pixels)) == 12
    with pytest.raises(ValueError, match=f"have {n_pixels} pixels in all, more than"):
        load_particles(project / STAR, max_pixels=n_pixels - 1)


def test_pixels_are_counted_beyond_64_bits(project):
    for path in (project / "Extract/job007/Movies").iterdir():
        header = np.array([2**31 - 1, 2**31 - 1], "<i4").tobytes()
        path.write_bytes(header + path.read_bytes()[8:])
    n_pixels = 12 * (2**31 - 1) ** 2
    with pytest.raises(ValueError, match=f"have {n_pixels} pixels in all, more than"):
        load_particles(project / STAR)


def test_an_empty_or_missing_star_is_refused(tmp_path):
    path = tmp_path / "particles.star"
    with pytest.raises(FileNotFoundError, match=r"particles\.star"):
        load_particles(path)
    for data, reason in [
        (b"", "empty file"),
        (b"\n# version 30001\n", "it is empty"),
        (b"image,label\n0.png,a\n", "it is no STAR: line 1 is 'image,label'"),
        (b"\x00\x01\x02" * 1000, "NUL characters"),
        (b"PK\x03\x04" + bytes(100), "a zip archive"),
        (b"data_particles\n", r"no column rlnImageName"),
        (b"data_\n\nloop_\n_rlnImageName #1\n", "data_ has no rows"),
        (b"data_\nloop_\n\n", "no column rlnImageName"),
        (b"data_\n_rlnImageName\n", "line 2 in data_ is '_rlnImageName', expected"),
        (b"data_\nloop_\n_rlnA\n_rlnA\n1 2\n", r"several columns \['rlnA'\]"),
        (b"data_a\n_b 1\ndata_a\n_b 1\n", "line 3: a second block data_a"),
    ]:
        path.write_bytes(data)
        with pytest.raises(ValueError, match=reason) as error:
            load_particles(path)
        assert str(path) in str(error.value)


def test_a_truncated_star_is_refused(project):
    text = (project / STAR).read_text().rstrip()
    (project / STAR).write_text(text[: text.rindex("\t")])
    with pytest.raises(ValueError, match=r"row 11 of data_particles \(line \d+\) has"):
        load_particles(project / STAR)
    edit(project, "000002@Extract/job007/Movies/m0.mrcs", "a b")
    with pytest.raises(ValueError, match=r"row 1 of data_particles .* has 6 fields"):
        load_particles(project / STAR)


def test_a_star_of_coordinates_is_refused(project):
    rows = particle_rows().drop(columns="rlnImageName").assign(rlnCoordinateY=1.0)
    with pytest.raises(ValueError, match=r"but coordinates: .* extract_particles"):
        load_particles(write_blocks(project, rows=rows))


@pytest.mark.parametrize(
    ("optics", "reason"),
    [
        (None, "no table data_optics"),
        (OPTICS.rename(columns={"rlnOpticsGroup": "group"}), "no table data_optics"),
        (OPTICS[:0], r"row 0: the optics group 1 is not among .* \[\]"),
        (OPTICS[:1], r"row 8: the optics group 2 is not among .* \[1\]"),
        (OPTICS.assign(rlnOpticsGroup=1), "has the group 1 twice"),
        (
            OPTICS.assign(rlnImagePixelSize=[2, "?"]),
            "row 8: rlnImagePixelSize is '",
        ),
        (OPTICS.assign(rlnImagePixelSize=[2, np.nan]), "row 8: rlnImagePixelSize is"),
        (OPTICS.assign(rlnImagePixelSize=[0, 2]), "row 0: rlnImagePixelSize is 0"),
        (OPTICS.assign(rlnImagePixelSize=[2, -1]), "row 8: rlnImagePixelSize is -1"),
        (OPTICS.assign(rlnImagePixelSize=1e30), "row 0: pixel_size is 1"),
    ],
)
def test_optics_that_do_not_fit_are_refused(project, optics, reason):
    path = write_blocks(project, optics)
    with pytest.raises(ValueError, match=rf"\.star' can't be read: .*{reason}"):
        load_particles(path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("000005@Extract/job007/Movies/m1.mrcs", "frame 5 of 4"),
        ("1200@Extract/job007/Movies/m1.mrcs", "frame 1200 of 4"),
        ("000000@Extract/job007/Movies/m1.mrcs", "frame 0 of 4"),
        ("-1@Extract/job007/Movies/m1.mrcs", "'-1' before the @"),
        ("x@Extract/job007/Movies/m1.mrcs", "'x' before the @"),
        ("@Extract/job007/Movies/m1.mrcs", "'' before the @"),
        ("9" * 5000 + "@Extract/job007/Movies/m1.mrcs", "before the @"),
        ("Extract/job007/Movies/m1.mrcs", "a stack of 4 images, expected the number"),
        ("1@none.mrcs", "missing"),
        ("none.mrcs", "missing"),
        ("1@", "a folder"),
        ("1@Extract", "a folder"),
        ("1@Extract/job007/particles.star", "damaged or"),
        ("17", "missing"),
        (f"1@{'a' * 300}", "missing"),
    ],
)
def test_images_that_lead_nowhere_are_refused(project, name, reason):
    rows = particle_rows()
    rows.loc[6, "rlnImageName"] = name
    path = write_blocks(project, rows=rows)
    with pytest.raises(ValueError, match=rf"^1 of 12 .*star.*row 6 .*{reason}"):
        load_particles(path)


def test_damaged_stacks_are_refused(project):
    path = project / "Extract/job007/Movies/m1.mrcs"
    whole = path.read_bytes()
    packed = gzip.compress(np.random.default_rng(0).bytes(9) + whole)
    nan = FRAMES[1].copy()
    nan[2, 3, 3] = np.nan
    for data, rows in [
        (whole[:-1], "1 of 12 .* row 7 "),
        (whole[: 1024 + 2 * 4 * BOX * BOX], "2 of 12 .* row 6 "),
        (whole[:500], "4 of 12 .* row 4 "),
        (b"", "4 of 12 .* row 4 .*empty file"),
        (gzip.compress(whole)[:-500], "of 12 .* row 7 "),
        (packed, "4 of 12 .* row 4 .*damaged"),
    ]:
        path.write_bytes(data)
        with pytest.raises(ValueError, match=f"(?s){rows}"):
            load_particles(project / STAR)
    path.write_bytes(whole[:1024] + nan.tobytes())
    with pytest.raises(ValueError, match=r"1 of 12 .* row 6 .*NaN or infinite"):
        load_particles(project / STAR)
    mrcfile.write(path, FRAMES[1].astype(np.complex64), overwrite=True)
    with pytest.raises(ValueError, match=r"4 of 12 .* row 4 .*complex64 pixels"):
        load_particles(project / STAR)


def test_a_table_of_a_star_is_saved_and_loaded(project, tmp_path):
    particles = load_particles(project / STAR, mask_diameter=2)
    for name in ["a.parquet", "a.csv"]:
        save_particles(particles, tmp_path / name)
        found = load_particles(tmp_path / name)
        assert (found["star"].astype(str) == particles["star"].astype(str)).all()
        assert (found["star_row"] == particles["star_row"]).all()


_ODD = ["", "nan", "-1", "9" * 30, "1e400", '"', "'", "#", "_a", "loop_", "data_", "\t"]
_ODD += [
    "\n",
    "\r",
    "\0",
    "@",
    "0@a",
    "1@.",
    "1@/dev/zero",
    "<NA>",
    "\ufeff",
    "x y",
    "é",
]


def damage(text, rng):
    """Return a text with one fault, of those that editors and disks make."""
    lines = text.split("\n")
    place = rng.integers(len(lines))
    fields = lines[place].split("\t")
    fields[rng.integers(len(fields))] = rng.choice(_ODD)
    start = rng.integers(len(text))
    return [
        text[:start],
        text[:start] + rng.choice(_ODD) + text[start + rng.integers(5) :],
        "\n".join([*lines[:place], *lines[place + 1 :]]),
        "\n".join([*lines[:place], *lines[rng.integers(len(lines)) :]]),
        "\n".join([*lines[:place], "\t".join(fields), *lines[place + 1 :]]),
    ][rng.integers(5)]


@pytest.mark.parametrize("n", [100, pytest.param(5000, marks=pytest.mark.long)])
def test_whatever_is_wrong_the_error_names_the_star(project, n):
    text = (project / STAR).read_text()
    particles = load_particles(project / STAR)
    rng = np.random.default_rng(0)
    n_refused = 0
    for _ in range(n):
        (project / STAR).write_text(damage(text, rng))
        for call in [
            lambda: load_particles(project / STAR, mask_diameter=2),
            lambda: write(particles, ["a"] * 12, project / "new.star"),
        ]:
            try:
                call()
            except ValueError as error:
                assert str(project / STAR) in str(error)
                n_refused += 1
    assert n / 2 < n_refused < 2 * n


def results_of(particles, labels, confidence=None):
    """Return what a writer of classes gets."""
    return SimpleNamespace(
        particles=particles, y_pred=np.asarray(labels), confidence=confidence
    )


def write(particles, labels, path, confidence=None):
    """Write particles and their classes; return the path."""
    write_star(results_of(particles, labels, confidence), path)
    return path


def test_classes_are_added_to_the_rows_that_were_read(project, tmp_path):
    edit(project, "data_optics", "# version 30001\n\ndata_optics")
    particles = load_particles(project / STAR).iloc[[7, 0, 9]]
    labels, confidence = ["full", "not full", "full"], [0.5, 1, 1 / 3]
    path = write(particles, labels, tmp_path / "found.star", confidence)
    before, after = starfile.read(project / STAR), starfile.read(path)
    assert list(before) == list(after)
    assert after["optics"].equals(before["optics"])
    assert after["particles"]["sklipoClass"].tolist() == labels
    assert np.allclose(after["particles"]["sklipoProbability"], confidence, atol=1e-6)
    rest = after["particles"].drop(columns=["sklipoClass", "sklipoProbability"])
    assert rest.equals(before["particles"].iloc[[7, 0, 9]].reset_index(drop=True))
    assert "# version 30001" in path.read_text()
    again = load_particles(path)
    assert images_equal(again, FRAMES.reshape(-1, BOX, BOX)[[7, 0, 9]])
    assert again["sklipoClass"].tolist() == labels


def test_save_classes_writes_one_class_of_a_star(project, tmp_path):
    particles = load_particles(project / STAR)
    y_pred = ["full", "empty", "full"] * 4
    y_proba = np.tile([[0.25, 0.75], [0.625, 0.375], [0.125, 0.875]], (4, 1))
    path = tmp_path / "full.star"
    save_classes(particles, y_pred, path, y_proba=y_proba, only="full")
    found = starfile.read(path)
    assert found["optics"].equals(starfile.read(project / STAR)["optics"])
    assert found["particles"]["sklipoProbability"].tolist() == [0.75, 0.875] * 4
    names = particle_rows()["rlnImageName"][np.array(y_pred) == "full"]
    assert found["particles"]["rlnImageName"].tolist() == names.tolist()
    options = {"classes": ["empty", "full", "none"], "only": "none", "overwrite": True}
    with pytest.raises(ValueError, match=r"no particles to write, .* only="):
        save_classes(particles, y_pred, path, **options)
    assert len(load_particles(path, root=project)) == 8


def test_numbers_are_written_as_they_were(project, tmp_path):
    edit(project, "10000.000000", "1.23456789012345e+4")
    path = write(load_particles(project / STAR)[:1], ["a"], tmp_path / "b.star")
    assert "\t1.23456789012345e+4\ta\n" in path.read_text()
    assert "sklipoProbability" not in path.read_text()


def test_former_classes_are_replaced(project, tmp_path):
    particles = load_particles(project / STAR)
    first = write(particles, ["a"] * 12, project / "first.star", [0.5] * 12)
    labels = [f"{i}" for i in range(12)]
    second = write(load_particles(first), labels, tmp_path / "second.star")
    found = starfile.read(second)["particles"]
    assert found["sklipoClass"].tolist() == list(range(12))
    assert "sklipoProbability" in found
    assert load_particles(second, root=project)["sklipoClass"].tolist() == labels


def test_relion_3_0_is_written(project, tmp_path):
    rows = particle_rows().drop(columns="rlnOpticsGroup")
    starfile.write(rows, project / "old.star")
    path = write(
        load_particles(project / "old.star")[3:5], ["a", "b"], tmp_path / "new.star"
    )
    found = starfile.read(path)
    assert found["sklipoClass"].tolist() == ["a", "b"]
    assert found["rlnImageName"].tolist() == rows["rlnImageName"].tolist()[3:5]


def test_classes_with_any_characters_come_back(project, tmp_path):
    labels = ["", "_a", "#1", "data_x", "loop_", "a b", "ä", "1", "nan", ";", "$", "a#"]
    path = write(load_particles(project / STAR), labels, tmp_path / "a.star")
    assert load_particles(path, root=project)["sklipoClass"].tolist() == labels
    for label in ["a'b", 'a"b', "a\nb", "a\rb"]:
        with pytest.raises(ValueError, match="has a quote or the end of a line"):
            write(load_particles(project / STAR), [label] * 12, tmp_path / "b.star")


def test_a_star_that_changed_is_refused(project, tmp_path):
    particles = load_particles(project / STAR)
    path = tmp_path / "new.star"
    write_blocks(project, rows=particle_rows()[::-1])
    with pytest.raises(ValueError, match=r"Row 0 of .* it has changed"):
        write(particles, ["a"] * 12, path)
    write_blocks(project, rows=particle_rows()[:4])
    with pytest.raises(ValueError, match=r"Row 4 .* none of its 4 rows, .* it has"):
        write(particles, ["a"] * 12, path)
    (project / STAR).write_text("data_\n")
    with pytest.raises(ValueError, match=r"particles\.star' can't be read"):
        write(particles, ["a"] * 12, path)
    (project / STAR).unlink()
    with pytest.raises(FileNotFoundError, match=r"particles\.star'.* column 'star'"):
        write(particles, ["a"] * 12, path)
    assert not path.exists()


def test_particles_of_no_star_or_of_several_are_refused(project, tmp_path):
    particles = load_particles(project / STAR)
    other = load_particles(write_blocks(project, name="other.star"))
    path = tmp_path / "new.star"
    both = pd.concat([particles, other], ignore_index=True)
    with pytest.raises(ValueError, match="expected the path of one STAR"):
        write(both, ["a"] * 24, path)
    with pytest.raises(ValueError, match=r"lack the columns \['star_row'\]"):
        write(particles.drop(columns="star_row"), ["a"] * 12, path)
    for row in [-1, 12, 0.5, np.nan, "x"]:
        with pytest.raises(ValueError, match="none of its 12 rows"):
            write(particles.assign(star_row=row), ["a"] * 12, path)
    missing = pd.array([pd.NA] * 12, "string")
    with pytest.raises(ValueError, match="it has changed since it was read"):
        write(particles.assign(rlnImageName=missing), ["a"] * 12, path)
    with pytest.raises(ValueError, match=r"'star' of the particles holds \[1\]"):
        write(particles.assign(star=1), ["a"] * 12, path)


_PEAK = """
import resource, sys
from sklipo.datasets import load_particles
unit = 1 if sys.platform == "darwin" else 1024
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
particles = load_particles(sys.argv[1], mask_diameter=20)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
others = particles.drop(columns=["image", "mask"]).memory_usage(deep=True).sum()
pixels = sum(particles[name].array.pixels.nbytes for name in ["image", "mask"])
print(after - before - pixels - others)
"""


@pytest.mark.parametrize(
    ("n_stacks", "n_frames"), [(2, 600), pytest.param(10, 1000, marks=pytest.mark.long)]
)
def test_no_stack_is_read_as_a_whole(tmp_path, n_stacks, n_frames):
    pytest.importorskip("resource")
    frames = np.ones((n_frames, 128, 128), np.float32)
    names = []
    for k in range(n_stacks):
        mrcfile.write(tmp_path / f"{k}.mrcs", frames)
        names += [f"{i + 1}@{k}.mrcs" for i in range(n_frames)]
    rows = pd.DataFrame({"rlnImageName": names, "rlnOpticsGroup": 1})
    path = write_blocks(tmp_path, rows=rows, name="particles.star")
    run = subprocess.run(
        [sys.executable, "-c", _PEAK, path], capture_output=True, text=True, check=True
    )
    # 10 MB for what is imported and for the text; one stack has 40 or more.
    assert int(run.stdout) < 25e6
