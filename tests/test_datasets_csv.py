import numpy as np
import pandas as pd
import pytest
from dataset_cases import random_images, write_images

from sklipo import ImageArray
from sklipo.datasets import load_particles, save_particles
from sklipo.datasets._csv import parse_csv


def parse(text, **columns):
    return parse_csv(text, columns).to_dict("list")


TEXTS = ["True", "False", "1e5", "007", "NA", "nan", "None", "null", "1_000", "", "12"]
TEXTS += ["2024-01-01", "0,5", 'say "hi"', "two\nlines", " spaces ", "inf", "-"]


@pytest.mark.parametrize("name", ["label", "grid", "micrograph"])
@pytest.mark.parametrize("text", TEXTS)
def test_saved_text_comes_back_as_text(tmp_path, name, text):
    image = ImageArray(random_images(2))
    for texts in ([text, text], [text, None], [text, "a"]):
        particles = pd.DataFrame({"image": image, name: texts})
        save_particles(particles, tmp_path / "a.csv", overwrite=True)
        found = load_particles(tmp_path / "a.csv")[name]
        assert [None if pd.isna(value) else value for value in found] == texts


@pytest.mark.parametrize(
    "values",
    [
        [1, 2],
        [0.1 + 0.2, 1e-300],
        [True, False],
        [np.inf, -np.inf],
        [1.5, np.nan],
        [2**63 + 1, 0],
        np.array([0.1, 0.2], np.float32),
    ],
)
def test_saved_numbers_come_back_as_numbers(tmp_path, values):
    particles = pd.DataFrame({"image": ImageArray(random_images(2)), "x": values})
    save_particles(particles, tmp_path / "a.csv")
    found = load_particles(tmp_path / "a.csv")["x"]
    pd.testing.assert_series_equal(found, particles["x"], check_dtype=False, rtol=0)


@pytest.mark.parametrize(
    "text, expected",
    [
        # What pandas guesses.
        ("image,v\na,1\nb,2\n", [1, 2]),
        ("image,v\na,True\nb,False\n", [True, False]),
        ("image,v\na,1e5\nb,007\n", [1e5, 7]),
        # All fields are in quotes, which then say nothing.
        ('"image","v"\n"a","1.5"\n"b","2"\n', [1.5, 2]),
        ('image,v\n"a","1.5"\n"b","2"\n', [1.5, 2]),
        # Some are: what the others are not is text.
        ('image,v\na,"1.5"\nb,"2"\n', ["1.5", "2"]),
        # Words that may be missing numbers, among text.
        ("image,v\na,NA\nb,null\n", None),
        ("image,v\na,NA\nb,one\n", ["NA", "one"]),
        ("image,v\na,None\nb,\n", None),
    ],
)
def test_types_of_other_programs(text, expected):
    found = parse(text)["v"]
    assert found == expected if expected else np.isnan(found).all()


@pytest.mark.parametrize("word", ["NA", "None", "null", "nan", "N/A", "<NA>"])
@pytest.mark.parametrize("other", ["1", "full", ""])
def test_no_class_is_missing_because_of_its_name(word, other):
    found = parse(f"image,label\na,{word}\nb,{other}\n")["label"]
    assert [value for value in found if not pd.isna(value)] == [word, other][
        : 1 + bool(other)
    ]
    assert parse(f"image,class\na,{word}\n", **{"class": "label"})["class"] == [word]


@pytest.mark.parametrize(
    "text",
    [
        "image,mask,x\na,b,1.5\n",
        "image;mask;x\na;b;1.5\n",
        "image;mask;x\na;b;1,5\n",
        "image\tmask\tx\na\tb\t1.5\n",
        "sep=;\nimage;mask;x\na;b;1,5\n",
        "image, mask, x\na, b, 1.5\n",
        " image , mask , x \na,b,1.5\n",
        "image,mask,x\r\na,b,1.5\r\n",
        "image,mask,x\ra,b,1.5",
        "\n\nimage,mask,x\n\na,b,1.5\n   \n\n",
        "image,mask,x\n,,\na,b,1.5\n,,\n , ,\n",
        '"image","mask","x"\na,b,1.5\n',
        'image, mask, x\n"a", "b", 1.5\n',
    ],
)
def test_delimiters_spaces_and_ends_of_lines(text):
    assert parse(text) == {"image": ["a"], "mask": ["b"], "x": [1.5]}


def test_decimal_commas():
    assert parse('image,pixel_size\na,"0,5"\n')["pixel_size"] == [0.5]
    assert parse("image;v;label\na;1,5;1,5\nb;;2\nc;3;\n")["v"][::2] == [1.5, 3]
    assert parse("image;label\na;1,5\n")["label"] == ["1,5"]
    assert parse('image,v\na,"1,5"\n')["v"] == ["1,5"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "the file is empty"),
        ("\n  \n", "the file is empty"),
        ("image,label\n", "no particles, only the header 'image,label'"),
        ("image,label\na,b,c\n", r"row 0 \('a,b,c'\) has 3 fields, the header 2"),
        ("image,label\na,b\nc\n", r"row 1 \('c'\) has 1 fields, the header 2"),
        ("image,label\na,b,\n", "row 0 .* has 3 fields, the header 2"),
        ("image;label\na;b;c\n", "3 fields, the header 2, separated by ';'"),
        ("image,image\na,b\n", "several columns of the name 'image'"),
        ("image, image \na,b\n", "several columns of the name 'image'"),
        ('image,label\na,"b\n', "row 0: the field '\"b' begins by a quote"),
        ('image,label\na,"b"c\n', "row 0: the field '\"b\"c' begins by a quote"),
    ],
)
def test_malformed_text(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_with_a_mark(tmp_path, encoding):
    names = write_images(tmp_path, random_images(1))
    text = f"image,label\n{names[0]},Größe µ 粒子\n"
    (tmp_path / "a.csv").write_text(text, encoding=encoding)
    assert load_particles(tmp_path / "a.csv")["label"].tolist() == ["Größe µ 粒子"]


def test_cp1252_is_read_with_a_warning(tmp_path):
    names = write_images(tmp_path, random_images(1))
    text = f"image,label\n{names[0]},Größe\n"
    (tmp_path / "a.csv").write_text(text, encoding="cp1252")
    message = "not UTF-8. It is read as cp1252, in which line 2 is 'images/.*,Größe'"
    with pytest.warns(UserWarning, match=message) as seen:
        particles = load_particles(tmp_path / "a.csv")
    assert seen[0].filename == __file__
    assert particles["label"].tolist() == ["Größe"]


@pytest.mark.parametrize(
    "data, message",
    [
        (b"PK\x03\x04...", "zip archive or an Excel workbook"),
        (b"\x1f\x8b...", "compressed by gzip"),
        (b"PAR1...", "a Parquet file"),
        (b"\x89PNG\r\n", "a PNG image"),
        (b"<!DOCTYPE html><table>", "HTML or XML"),
        ("image,label\na,b\n".encode("utf-16-le"), "NUL characters"),
        (b"image,label\na,\0\n", "NUL characters"),
        (b"image,label\na,\x81\n", "neither UTF-8 nor cp1252; save it as UTF-8"),
        (b"\xff\xfeimage", "damaged UTF-16"),
    ],
)
def test_files_that_are_no_text(tmp_path, data, message):
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(ValueError, match=rf"a.csv' can't be read: .*{message}"):
        load_particles(tmp_path / "a.csv")
