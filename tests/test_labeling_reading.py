"""Labels find their particles again, whatever a spreadsheet made of their file."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

import sklipo
from sklipo import ImageArray
from sklipo.datasets import load_particles, save_particles
from sklipo.datasets._csv import encode_csv
from sklipo.labeling import read_labels
from sklipo.labeling._identity import identify

EMPS = Path(__file__).resolve().parents[2] / "shared/data/emps_cutouts/particles.csv"
CLASSES = ["empty", "full", "uncertain"]
TIME = "2026-11-26T16:40:12Z"
IMAGES = [np.arange(12).reshape(3, 4) + i for i in range(6)]
MASKS = [(image % 5 > 1) & (IMAGES[0] % 4 > 0) for image in IMAGES]
ALIKE = {"image": ImageArray(IMAGES[:1] * 6), "mask": ImageArray(MASKS[:1] * 6)}
LABELS = ["full", "empty", "full", "uncertain", "empty", "full"]
MICROGRAPHS = ["a", "a", "b", "b", "1-2", "017"]


def make_table(**columns):
    """Return six particles of four micrographs."""
    table = {
        "image": ImageArray(IMAGES),
        "mask": ImageArray(MASKS),
        "micrograph": MICROGRAPHS,
        "instance": [1, 2, 1, 2, 1, 1],
    }
    return pd.DataFrame(table | columns)


def rows_of(particles, labels=LABELS, expert="Ada", time=TIME):
    """Return the rows that a page saves."""
    rows = identify(particles)
    places = [name for name in ("micrograph", "instance") if name in rows]
    rows = rows[[*places, "pixels"]].assign(label=pd.Series(labels, dtype=object))
    for name in places:
        rows[name] = particles[name].to_list()
    missing = rows["label"].isna()
    return rows.assign(expert=expert, time=pd.Series(time).mask(missing, np.nan)[0])


def write(folder, rows, name="labels.csv"):
    """Write rows as a page does, and return the path."""
    path = folder / name
    path.write_bytes(encode_csv(rows))
    return path


def rewrite(path, encoding="utf-8", end="\r\n", change=None, **options):
    """Save a file of labels anew, as a spreadsheet does."""
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
    rows = rows if change is None else change(rows)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, **options).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def read(folder, rows, particles, **options):
    """Write rows and read them."""
    return read_labels(write(folder, rows), particles, **options)


def test_labels_come_back_as_they_were_given(tmp_path):
    table = make_table()
    found = read(tmp_path, rows_of(table), table)
    pd.testing.assert_frame_equal(found[list(table)], table)
    assert found["label"].tolist() == LABELS
    assert found["expert"].tolist() == ["Ada"] * 6
    assert found["time"].dtype == "datetime64[us, UTC]"
    assert (found["time"] == pd.Timestamp(TIME)).all()
    assert "label" not in table


def test_pixels_are_shared(tmp_path):
    table = make_table()
    found = read(tmp_path, rows_of(table), table)
    assert found["image"].array.pixels is table["image"].array.pixels


def test_index_and_order_of_the_table_do_not_matter(tmp_path):
    table = make_table()
    path = write(tmp_path, rows_of(table))
    other = table.iloc[[3, 0, 5, 1, 4, 2]].set_axis([7, 7, 0, 2, 2, 1])
    found = read_labels(path, other)
    assert found["label"].tolist() == [LABELS[i] for i in (3, 0, 5, 1, 4, 2)]
    assert found.index.equals(other.index)


def test_a_page_of_a_part_leaves_the_others_without_labels(tmp_path):
    table = make_table()
    found = read(tmp_path, rows_of(table).iloc[[4, 1]], table)
    assert found["label"].notna().tolist() == [False, True, False, False, True, False]
    assert found["label"].dropna().tolist() == ["empty", "empty"]
    assert found["expert"].isna().tolist() == found["label"].isna().tolist()
    assert found["time"].isna().tolist() == found["label"].isna().tolist()


def test_places_may_be_levels_of_the_index(tmp_path):
    table = make_table(**ALIKE)
    path = write(tmp_path, rows_of(table))
    found = read_labels(path, table.set_index(["micrograph", "instance"]))
    assert found["label"].tolist() == LABELS
    assert found.index.names == ["micrograph", "instance"]
    assert "micrograph" not in found


def test_particles_without_a_place_go_by_their_pixels(tmp_path):
    images = ImageArray(IMAGES)
    path = write(tmp_path, rows_of(pd.DataFrame({"image": images})))
    for particles in (images, IMAGES, pd.DataFrame({"image": images})):
        assert read_labels(path, particles)["label"].tolist() == LABELS
    assert read_labels(path, make_table()[["image"]])["label"].tolist() == LABELS


def test_tables_that_were_saved_meanwhile_are_found_again(tmp_path):
    table = make_table()
    path = write(tmp_path, rows_of(table))
    for name in ("particles.parquet", "particles.csv"):
        save_particles(table, tmp_path / name)
        found = read_labels(path, load_particles(tmp_path / name))
        assert found["label"].tolist() == LABELS
        # What is read can be saved, loaded and read into again.
        save_particles(found, tmp_path / name, overwrite=True)
        again = read_labels(path, load_particles(tmp_path / name))
        pd.testing.assert_frame_equal(
            again[["label", "expert", "time"]], found[["label", "expert", "time"]]
        )


# What spreadsheets and people do to a file.


def _without_last_fields(rows):
    """Leave out empty fields at the end of a row, as Excel does beyond the first."""
    return [row[:-1] if not row[-1] else row for row in rows]


REWRITTEN = {
    "semicolons": {"delimiter": ";", "encoding": "utf-8-sig"},
    "tabs in UTF-16": {"delimiter": "\t", "encoding": "utf-16"},
    "quotes everywhere": {"quoting": csv.QUOTE_ALL, "end": "\n"},
    "empty columns": {"change": lambda rows: [[*row, "", ""] for row in rows]},
    "empty rows": {"change": lambda rows: [*rows, [""] * len(rows[0]), [""]]},
    "rows of commas too long": {
        "change": lambda rows: [rows[0], *[[*row, ""] for row in rows[1:]]]
    },
    "short rows": {"change": _without_last_fields},
    "upper case": {"change": lambda rows: [[x.upper() for x in rows[0]], *rows[1:]]},
    "spaces": {"change": lambda rows: [[f" {x} " for x in row] for row in rows]},
    "sorted rows": {"change": lambda rows: [rows[0], *sorted(rows[1:])]},
    "columns turned round": {"change": lambda rows: [row[::-1] for row in rows]},
    "a comment": {
        "change": lambda rows: [[f"why; {i}", *row] for i, row in enumerate(rows)]
    },
    "no micrographs": {"change": lambda rows: [row[1:] for row in rows]},
    "no time, no expert": {"change": lambda rows: [row[:4] for row in rows]},
}


@pytest.mark.parametrize("how", REWRITTEN)
@pytest.mark.parametrize("classes", [None, CLASSES])
def test_files_saved_anew_give_the_same_labels(tmp_path, how, classes):
    table = make_table()
    labels = [*LABELS[:5], None]
    path = rewrite(write(tmp_path, rows_of(table, labels)), **REWRITTEN[how])
    with pytest.warns(UserWarning, match=r"no label for 1 of 6 .* first in row [05] "):
        found = read_labels(path, table, classes=classes)
    assert found["label"].tolist()[:5] == LABELS[:5]
    assert found["label"].isna().tolist() == [False] * 5 + [True]


def test_files_that_were_joined_bring_their_headers(tmp_path):
    table = make_table()
    for end, mark in (("\n", b""), ("\r\n", b"\xef\xbb\xbf")):
        parts = []
        for part in (slice(3), slice(3, 6)):
            path = rewrite(write(tmp_path, rows_of(table)[part]), end=end)
            parts.append(mark + path.read_bytes())
        path.write_bytes(b"".join(parts))
        assert read_labels(path, table)["label"].tolist() == LABELS
    path.write_bytes(b"pixels,label\n" * 2)
    with pytest.raises(ValueError, match="no particles"):
        read_labels(path, table)


def test_further_columns_may_have_any_name(tmp_path):
    table = make_table()
    rows = rows_of(table)
    # As pandas writes what it read, with an index each time.
    for name in ("Unnamed: 0", "", "note", "note"):
        rows.insert(0, name, range(6), allow_duplicates=True)
    path = tmp_path / "labels.csv"
    rows.to_csv(path, index=False)
    assert read_labels(path, table)["label"].tolist() == LABELS


def test_the_line_sep_is_no_header(tmp_path):
    path = rewrite(write(tmp_path, rows_of(make_table())), delimiter=";")
    path.write_bytes(b"sep=;\r\n" + path.read_bytes())
    assert read_labels(path, make_table())["label"].tolist() == LABELS


def test_windows_encodings_are_read_with_a_warning(tmp_path):
    table = make_table(micrograph=["Gerät"] * 6, instance=range(6))
    path = rewrite(
        write(tmp_path, rows_of(table, ["voll", "genähte"] * 3)), encoding="cp1252"
    )
    with pytest.warns(UserWarning, match="not UTF-8.*Gerät"):
        found = read_labels(path, table)
    assert found["label"].tolist() == ["voll", "genähte"] * 3


@pytest.mark.parametrize(
    ("name", "text"),
    [("micrograph", "2. Jan"), ("micrograph", "17"), ("instance", "1,0")],
)
def test_pixels_stand_in_for_names_that_a_spreadsheet_changed(tmp_path, name, text):
    table = make_table()
    rows = rows_of(table)
    rows[name] = rows[name].astype(object)
    rows.loc[4:, name] = text
    assert read(tmp_path, rows, table)["label"].tolist() == LABELS


def test_instances_that_became_numbers_are_found(tmp_path):
    table = make_table(instance=[f"{i:03}" for i in range(6)])
    rows = rows_of(table).assign(instance=range(6))
    assert read(tmp_path, rows, table)["label"].tolist() == LABELS
    gaps = make_table(instance=[1, 2, 1, 2, 1, None])
    assert read(tmp_path, rows_of(table), gaps)["label"].tolist() == LABELS


# Kinds of labels.


def test_numbers_stay_whole_with_gaps(tmp_path):
    table = make_table()
    numbers = [1, 2, 1, 3, 2, 1]
    found = read(tmp_path, rows_of(table, numbers), table)["label"]
    assert found.dtype == np.int64
    assert found.tolist() == numbers
    part = read(tmp_path, rows_of(table, numbers)[:4], table)["label"]
    assert part.dtype == "Int64"
    assert part[:4].tolist() == numbers[:4]
    model = make_pipeline(sklipo.Resize(3), KNeighborsClassifier(1))
    model.fit(table[:4], part[:4])
    assert set(model.predict(table)) <= set(numbers)


@pytest.mark.parametrize("written", ["{}", "{},0", "{}.00", "0{}", " {} "])
def test_numbers_come_back_from_their_text(tmp_path, written):
    numbers = [1, 2, 1, 3, 2, 1]
    rows = rows_of(make_table(), [written.format(i) for i in numbers])
    path = rewrite(write(tmp_path, rows), delimiter=";")
    found = read_labels(path, make_table(), classes=[1, 2, 3])["label"]
    assert found.dtype == np.int64
    assert found.tolist() == numbers
    texts = read_labels(path, make_table(), classes=["01", "02", "3"])["label"]
    assert texts.tolist() == ["01", "02", "01", "3", "02", "01"]


def test_fractions_are_no_classes(tmp_path):
    with pytest.raises(ValueError, match=r"holds 0\.5 in row 1; expected names or"):
        read(tmp_path, rows_of(make_table(), [1, 0.5] * 3), make_table())


@pytest.mark.parametrize("classes", [[True, False], ["True", "False"]])
def test_true_and_false_come_back_in_upper_case(tmp_path, classes):
    rows = rows_of(make_table(), ["TRUE", "FALSE"] * 3)
    path = rewrite(write(tmp_path, rows))
    found = read_labels(path, make_table(), classes=classes)["label"]
    assert found.tolist() == classes * 3
    rows = rows_of(make_table(), ["TRUE", "FALSE"] + [None] * 4)
    with pytest.warns(UserWarning, match="no label for 4 of 6"):
        found = read(tmp_path, rows, make_table(), classes=classes)["label"]
    assert found[:2].tolist() == classes
    assert found.isna().sum() == 4


def test_words_for_what_is_missing_are_classes(tmp_path):
    labels = ["NA", "None", "nan", "NA", "null", "-"]
    for change in (lambda path: path, rewrite):
        path = change(write(tmp_path, rows_of(make_table(), labels)))
        assert read_labels(path, make_table())["label"].tolist() == labels


@pytest.mark.parametrize("word", ["NA", "nan", "<NA>"])
@pytest.mark.parametrize(
    ("given", "written", "classes"),
    [
        (["full", "empty"], ['"full"', '"empty"'], None),
        (["full", "empty"], ["full", "empty"], CLASSES),
        ([1, 2], ["1", "2"], None),
        ([1, 2], ["1.0", "2.0"], None),
        ([1, 2], ["1,0", "2,0"], None),
        ([1, 2], ["1", "2"], [1, 2]),
        ([True, False], ["TRUE", "FALSE"], None),
    ],
    ids=str,
)
def test_what_r_and_python_write_for_no_label_is_none(
    tmp_path, word, given, written, classes
):
    rows = identify(make_table())[["pixels"]]
    lines = zip(rows["pixels"], [*written, *written, word, word], strict=True)
    path = tmp_path / "labels.csv"
    path.write_text(
        "pixels;label\n" + "".join(f'"{pixels}";{label}\n' for pixels, label in lines)
    )
    with pytest.warns(UserWarning, match="no label for 2 of 6"):
        found = read_labels(path, make_table(), classes=classes)["label"]
    assert found[:4].tolist() == given * 2
    assert found[4:].isna().all()


def test_an_unknown_class_is_an_error_with_a_hint(tmp_path):
    rows = rows_of(make_table(), ["full", "emptyy", "full", "emptyy", "full", "full"])
    with pytest.raises(
        ValueError,
        match=r"labels.csv': row 1 \(micrograph 'a', instance '2', px-[0-9a-f]{16}\) "
        r"has the label 'emptyy'.* among classes \['empty', .*2 such rows.*'empty'\?",
    ):
        read(tmp_path, rows, make_table(), classes=CLASSES)
    rows = rows_of(make_table(), ["full", "Full", "1", "full", "full", "full"])
    with pytest.raises(ValueError, match=r"'Full', .* Is it 'full'\? Correct it in"):
        read(tmp_path, rows, make_table(), classes=CLASSES)
    with pytest.raises(ValueError, match="'nothing alike', which is not among"):
        read(
            tmp_path, rows_of(make_table(), ["nothing alike"] * 6), make_table(),
            classes=[1, 2],
        )  # fmt: skip


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        (["7", "007"], ValueError, "'7' and '007'.*same in a spreadsheet"),
        (["True", "TRUE"], ValueError, "same in a spreadsheet"),
        (["full", "full"], ValueError, "2 times"),
        (["full", 1], TypeError, "mixes text with numbers"),
        ([], ValueError, "classes is empty"),
        ("full", TypeError, "classes"),
    ],
)
def test_classes_are_checked(tmp_path, classes, error, message):
    with pytest.raises(error, match=message):
        read(tmp_path, rows_of(make_table()), make_table(), classes=classes)


# Rows of another table.


def test_rows_of_another_table_are_counted_and_named(tmp_path):
    table = make_table()
    path = write(tmp_path, rows_of(table))
    with pytest.raises(
        ValueError, match=r"1 of 6 rows .* not in the table: row 2 \(micrograph 'b'"
    ):
        read_labels(path, table.drop(index=2))
    other = table.assign(image=ImageArray([image + 50 for image in IMAGES]))
    with pytest.raises(
        ValueError, match=r"6 of 6 rows .*others in the table: row 0 .*and 1 more\. P"
    ):
        read_labels(path, other)
    with pytest.raises(ValueError, match=r"6 of 6 rows .*not in the table.* match_par"):
        read_labels(path, other[["image", "mask"]])


@pytest.mark.parametrize(
    "change",
    [
        sklipo.CropToMask().fit_transform,
        sklipo.NormalizeBackground().fit_transform,
        lambda table: table.drop(columns="mask"),
        lambda table: table.assign(mask=ImageArray([~mask for mask in MASKS])),
    ],
)
def test_changed_pixels_are_an_error(tmp_path, change):
    table = make_table(image=ImageArray([image % 7 for image in IMAGES]))
    path = write(tmp_path, rows_of(table))
    with pytest.raises(ValueError, match="neither cropped nor normalized"):
        read_labels(path, change(table))


def test_columns_that_were_sorted_one_by_one_are_an_error(tmp_path):
    table = make_table()
    rows = rows_of(table)
    for name in ("micrograph", "instance", "pixels"):
        broken = rows.assign(**{name: rows[name].to_numpy()[::-1]})
        if name != "instance":
            with pytest.raises(ValueError, match="sorted one by one"):
                read(tmp_path, broken, table)


def test_a_place_that_occurs_twice_in_the_table_is_an_error(tmp_path):
    table = make_table(instance=[1, 2, 1, 1, 1, 1])
    with pytest.raises(ValueError, match="'b' and instance '1' in rows 2 and 3"):
        read(tmp_path, rows_of(table), table)


# Doubled rows.


def test_the_latest_of_equal_labels_counts(tmp_path):
    table = make_table()
    rows = rows_of(table)
    later = rows[:2].assign(expert="Ben", time="2026-11-26T18:00:00+01:00")
    earlier = rows[2:4].assign(expert="Cem", time="2025-01-01")
    for doubled in ([rows, later, earlier], [earlier, later, rows]):
        found = read(tmp_path, pd.concat(doubled), table)
        assert found["label"].tolist() == LABELS
        assert found["expert"].tolist() == ["Ben", "Ben", "Ada", "Ada", "Ada", "Ada"]
        assert found["time"][0] == pd.Timestamp("2026-11-26T17:00:00Z")


def test_different_labels_by_one_expert_are_an_error(tmp_path):
    table = make_table()
    rows = rows_of(table)
    doubled = pd.concat([rows, rows[1:2].assign(label="full")])
    with pytest.raises(
        ValueError,
        match=r"row 1 .* 'empty' by 'Ada', and row 6 .*same particle, .* 'full' by "
        r"'Ada' \(1 such in all\)\. Delete one",
    ):
        read(tmp_path, doubled, table)


def test_one_of_several_experts_is_chosen(tmp_path):
    table = make_table()
    other = ["empty", *LABELS[1:]]
    both = pd.concat([rows_of(table), rows_of(table, other, "Ben Oh")])
    with pytest.raises(ValueError, match=r"Pass as expert one of \['Ada', 'Ben Oh'\]"):
        read(tmp_path, both, table)
    for expert, labels in [("Ada", LABELS), ("Ben Oh", other)]:
        found = read(tmp_path, both, table, expert=expert)
        assert found["label"].tolist() == labels
        assert set(found["expert"]) == {expert}
    with pytest.raises(ValueError, match=r"'Cem'; there are \['Ada', 'Ben Oh'\]"):
        read(tmp_path, both, table, expert="Cem")


def test_what_an_expert_left_out_is_counted(tmp_path):
    table = make_table()
    both = pd.concat([rows_of(table), rows_of(table, expert="Ben")[:2]])
    with pytest.warns(UserWarning, match="no label by the expert 'Ben' for 4 of 6"):
        found = read(tmp_path, both, table, expert="Ben")
    assert found["label"].notna().sum() == 2


def test_a_file_without_any_label_is_a_warning(tmp_path):
    table = make_table()
    path = str(write(tmp_path, rows_of(table, [None] * 6)))
    with pytest.warns(
        UserWarning, match=r"no label for 6 of 6 .* row 0 \(micro"
    ) as told:
        found = read_labels(path, table)
    assert [warning.filename for warning in told] == [__file__]
    assert found["label"].isna().all()
    assert found["time"].dtype == "datetime64[us, UTC]"


# Particles that look alike.


def test_twins_with_places_keep_their_own_labels(tmp_path):
    table = make_table(
        image=ImageArray([IMAGES[0]] * 6), mask=ImageArray([MASKS[0]] * 6)
    )
    path = write(tmp_path, rows_of(table).iloc[::-1])
    assert read_labels(path, table)["label"].tolist() == LABELS


def test_twins_without_places_share_what_their_rows_agree_on(tmp_path):
    table = pd.DataFrame({"image": ImageArray([*IMAGES[:3], *IMAGES[:3]])})
    found = read(tmp_path, rows_of(table, ["full", "empty", "full"] * 2), table)
    assert found["label"].tolist() == ["full", "empty", "full"] * 2
    found = read(tmp_path, rows_of(table, ["full", "empty", "full"] * 2)[:2], table)
    assert found["label"].dropna().index.tolist() == [0, 1, 3, 4]
    with pytest.raises(ValueError, match=r"row 1 \(px-.* and row 4 \(px-"):
        read(tmp_path, rows_of(table, ["full", "empty", "full", "full"] * 2)[:6], table)


def test_twins_whose_place_is_lost_take_what_no_other_row_names(tmp_path):
    table = make_table(
        image=ImageArray([IMAGES[0]] * 6), mask=ImageArray([MASKS[0]] * 6)
    )
    rows = rows_of(table)
    rows.loc[4, "micrograph"] = "2. Jan"
    assert read(tmp_path, rows, table)["label"].tolist() == LABELS


@pytest.mark.parametrize(
    ("name", "known", "written"),
    [
        ("micrograph", ["007", "008"], [7, 8]),
        ("micrograph", [7, 8], [7.0, 8.0]),
        ("micrograph", ["7", "8"], ["007", "008"]),
        ("micrograph", ["1.10", "2"], ["1,1", "2"]),
        ("instance", [7, 8], [7.0, 8.0]),
        ("instance", [7.0, 8.0], [7.0, 8.0]),
    ],
)
def test_twins_keep_their_own_labels_where_numbers_are_written_anew(
    tmp_path, name, known, written
):
    table = make_table(**ALIKE, micrograph="a", instance=[1, 1, 2, 2, 3, 3])
    if name == "instance":
        table["micrograph"] = ["a", "a", "b", "b", "c", "c"]
    table[name] = known * 3
    rows = rows_of(table)
    rows[name] = written * 3
    assert read(tmp_path, rows, table)["label"].tolist() == LABELS
    with pytest.warns(UserWarning, match="no label for 5 of 6"):
        found = read(tmp_path, rows.assign(label=[None] * 5 + ["full"]), table)
    assert found["label"].dropna().index.tolist() == [5]


def test_names_of_the_same_number_are_not_taken_for_each_other(tmp_path):
    table = make_table(**ALIKE, micrograph=["7", "007", "a", "b", "c", "d"], instance=1)
    assert read(tmp_path, rows_of(table), table)["label"].tolist() == LABELS
    rows = rows_of(table).assign(micrograph=["7.0", "07", "a", "b", "c", "d"])
    with pytest.raises(ValueError, match=r"row 0 .* row 1 .* 'empty'"):
        read(tmp_path, rows, table)


# Tables that have labels already.


def test_files_read_in_turn_collect_labels(tmp_path):
    table = make_table()
    first, second = rows_of(table)[:3], rows_of(table, expert="Ben")[3:5]
    found = read(tmp_path, second, read(tmp_path, first, table))
    assert found["label"].tolist()[:5] == LABELS[:5]
    assert found["expert"].tolist()[:5] == ["Ada"] * 3 + ["Ben"] * 2
    assert found[["label", "expert", "time"]].iloc[5].isna().all()
    # An expert corrects what is wrong.
    corrected = rows_of(table, ["uncertain"] * 6, time="2026-11-27")[:1]
    found = read(tmp_path, corrected, found)
    assert found["label"].tolist()[:2] == ["uncertain", "empty"]
    assert found["time"][0] == pd.Timestamp("2026-11-27", tz="UTC")


def test_labels_of_somebody_else_are_replaced_with_a_warning(tmp_path):
    table = read(tmp_path, rows_of(make_table()), make_table())
    rows = rows_of(table, ["full"] * 6, "Benjamin")
    with pytest.warns(
        UserWarning, match=r"replaces 3 labels .*row 1 .*'empty' by 'Ada' and is 'full'"
    ):
        found = read(tmp_path, rows, table)
    assert found["label"].tolist() == ["full"] * 6
    assert found["expert"].tolist() == ["Benjamin"] * 6
    assert table["expert"].tolist() == ["Ada"] * 6
    with pytest.warns(UserWarning, match="'uncertain' by 'nobody'"):
        read(tmp_path, rows, make_table(label="uncertain"))


@pytest.mark.parametrize("dtype", ["float", "Int64", "int8", "int64[pyarrow]"])
def test_whole_numbers_stay_such_among_former_ones(tmp_path, dtype):
    table = make_table(label=pd.Series([5] * 6, dtype=dtype))
    rows = rows_of(table, [1, 2, 1, None, None, None])
    with pytest.warns(UserWarning, match="no label for 3|was 5 by 'nobody' and is 1"):
        found = read(tmp_path, rows, table)["label"]
    assert found.dtype == np.int64
    assert found.tolist() == [1, 2, 1, 5, 5, 5]


def test_whole_numbers_stay_such_beside_gaps_of_others(tmp_path):
    table = make_table()
    numbers = [1, 2, 1, 3, 2, 1]
    both = [rows_of(table, numbers), rows_of(table, [None, 2] * 3, expert="Bo")]
    found = read(tmp_path, pd.concat(both), table, expert="Ada")["label"]
    assert found.dtype == np.int64
    assert found.tolist() == numbers


def test_numbers_of_a_table_with_gaps_are_those_of_the_file(tmp_path):
    table = make_table(label=[1.0, 2.0, np.nan, np.nan, np.nan, np.nan])
    found = read(tmp_path, rows_of(table, [1] * 6)[:1], table)
    assert found["label"].dtype == "Int64"


def test_text_and_numbers_do_not_mix(tmp_path):
    with pytest.raises(TypeError, match=r"numbers \(1\), but The column 'label' of"):
        read(tmp_path, rows_of(make_table(), [1] * 6), make_table(label="full"))


def test_a_column_time_of_other_things_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"has 3\.5 in its column 'time', row 0"):
        read(tmp_path, rows_of(make_table()), make_table(time=3.5))


@pytest.mark.parametrize("time", ["26.11.2026 16:40", "11/26/2026 4:40 PM", "46352,69"])
def test_no_label_is_lost_for_a_time(tmp_path, time):
    table = make_table()
    rows = rows_of(table)
    rows.loc[1:2, "time"] = time
    with pytest.warns(UserWarning, match=r"row 1 .* has the time .*\(2 such rows"):
        found = read(tmp_path, rows, table)
    assert found["label"].tolist() == LABELS
    assert found["time"].isna().tolist() == [False, True, True, False, False, False]


# Files of other things.


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"pixels,label\n", "only the header"),
        (b"PK\x03\x04", "an Excel workbook"),
        (b"\x89PNG", "a PNG image"),
        (b"\x00\x01" * 9, "NUL"),
        (b"<html>", "HTML"),
        (b"image,mask,label\na,b,c\n", "no column 'pixels' among .*label_page"),
        (b"pixels,class\npx-0123456789abcdef,c\n", "no column 'label'"),
        (b"Pixels,pixels,label\n1,2,3\n", "several columns of the name 'pixels'"),
        (b"pixels,label\npx-0123,c\n", "row 0 has the pixels 'px-0123' .1 such"),
        (b'pixels,label\n"",""\n,\n', "all rows are empty"),
        (b"pixels,label\n,c\n", "row 0 has the pixels ''"),
        (b"pixels,label\npx-0123456789abcdef,c,d\n", "row 0 .* 3 fields, the header 2"),
        (
            b"pixels,label,expert,time\npx-0123456789abcdef,c\n",
            "has 2 fields, the header 4",
        ),
        (b'pixels,label\npx-0123456789abcdef,"c\n', "begins by a quote"),
    ],
)
def test_other_files_are_an_error(tmp_path, data, message):
    path = tmp_path / "labels.csv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"labels.csv': .*{message}"):
        read_labels(path, make_table())


def test_a_file_that_is_none_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        read_labels(tmp_path / "no.csv", make_table())
    with pytest.raises(ValueError, match="no regular file"):
        read_labels(tmp_path, make_table())


# Whatever the names, whatever the order.

_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=6
) | st.sampled_from(
    [
        "=1+1",
        "007",
        "1e5",
        "1,5",
        "NA",
        "true",
        'é;",',
        "a\nb",
        "\r",
        " ",
        "1-2",
        "TRUE",
    ]
)
_CLASS = _TEXT.filter(lambda text: text.strip())


def _alike(text):
    """Return what is left of a class in a spreadsheet, written another way."""
    try:
        return float(text.strip().replace(",", ".").replace("_", "x"))
    except ValueError:
        return text.strip().lower()


@st.composite
def _labeled(draw):
    """Draw a table of odd names, labels of odd classes, and these classes."""
    n = len(IMAGES)
    classes = draw(st.lists(_CLASS, min_size=2, max_size=4, unique_by=_alike))
    names = st.lists(_TEXT.filter(bool), min_size=n, max_size=n, unique=True)
    table = make_table(micrograph=draw(names), instance=draw(names))
    labels = draw(st.lists(st.sampled_from(classes), min_size=n, max_size=n))
    return table, labels, classes


@settings(max_examples=30)
@given(_labeled(), st.permutations(range(6)), st.permutations(range(6)), st.booleans())
def test_any_name_and_any_order_round_trip(
    tmp_path_factory, drawn, rows, columns, are_alike
):
    table, labels, classes = drawn
    table = table.assign(**ALIKE) if are_alike else table
    saved = rows_of(table, labels).iloc[rows, columns]
    path = write(tmp_path_factory.getbasetemp(), saved, "round-trip.csv")
    for given_classes in (None, classes):
        found = read_labels(path, table, classes=given_classes)
        assert found["label"].tolist() == labels


@settings(max_examples=30)
@given(_labeled(), st.permutations(range(6)), st.sampled_from([",", ";", "\t"]))
def test_any_file_of_a_spreadsheet_gives_each_label_to_its_particle(
    tmp_path_factory, drawn, order, delimiter
):
    table, labels, classes = drawn
    saved = rows_of(table, labels).iloc[order]
    # Names as a spreadsheet leaves them: numbers, spaces cut off.
    for name in ("micrograph", "instance"):
        saved[name] = [_as_cell(text) for text in saved[name]]
    path = write(tmp_path_factory.getbasetemp(), saved, "spreadsheet.csv")
    path = rewrite(path, delimiter=delimiter)
    try:
        found = read_labels(path, table, classes=classes)
    except ValueError as error:
        # The name of one particle became that of another.
        assert "pixels are others" in str(error)
    else:
        assert found["label"].tolist() == labels


def _as_cell(text):
    """Return what a spreadsheet makes of a text."""
    try:
        return f"{float(text.replace('_', 'x')):g}"
    except ValueError:
        return text.strip()


@pytest.mark.skipif(not EMPS.exists(), reason="needs ../shared/data/emps_cutouts")
def test_labels_of_real_particles(tmp_path):
    particles = load_particles(pd.read_csv(EMPS)[::10], root=EMPS.parent)
    classes = sorted(particles["label"].unique())
    labels = particles["label"].to_numpy()
    unlabeled = particles.drop(columns="label")
    path = write(tmp_path, rows_of(unlabeled, labels).sample(frac=1, random_state=0))
    path = rewrite(path, delimiter=";", encoding="utf-8-sig")
    found = read_labels(path, unlabeled[::-1], classes=classes)
    assert found["label"].tolist() == labels[::-1].tolist()
