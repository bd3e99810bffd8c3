import json
import re
from base64 import b64decode
from html.parser import HTMLParser

import cv2
import numpy as np
import pandas as pd
import pytest

from sklipo.datasets import make_liposomes
from sklipo.displays._page.page import join_scripts
from sklipo.labeling import label_page
from sklipo.labeling._identity import identify
from sklipo.labeling._page.pictures import draw_picture, longest_side

CLASSES = ["empty", "full", "uncertain"]
N = 6
SHARES = np.full((N, 3), [0.8, 0.1, 0.1])


@pytest.fixture(scope="module")
def particles():
    return make_liposomes(N, weights=None, margin=10, random_state=0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.html"


class Scripts(HTMLParser):
    """What is in the scripts of a page, by id, and its texts."""

    def __init__(self, page):
        super().__init__()
        self.scripts, self.texts, self._name = {}, [], None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self._name = dict(attributes).get("id") if tag == "script" else None

    def handle_endtag(self, tag):
        self._name = None

    def handle_data(self, data):
        self.texts.append(data)
        if self._name:
            self.scripts[self._name] = data


def read_page(path):
    """Return the contents of a page, and its pictures."""
    scripts = Scripts(path.read_text(encoding="utf-8")).scripts
    pictures = [
        cv2.imdecode(np.frombuffer(b64decode(line), np.uint8), cv2.IMREAD_UNCHANGED)
        for line in scripts["pictures"].split("\n")
    ]
    return json.loads(scripts["contents"]), pictures


def test_the_page_knows_its_particles(particles, path):
    before = particles.copy()
    order = [4, 0, 5]
    label_page(particles, path, classes=CLASSES, order=order)
    pd.testing.assert_frame_equal(particles, before)
    contents, pictures = read_page(path)
    assert contents["classes"] == CLASSES
    identity = identify(particles.iloc[order])
    for name in ("pixels", "micrograph"):
        assert contents[name] == identity[name].tolist()
    assert contents["names"] == ["4", "0", "5"]
    assert contents["sizes"] == particles["pixel_size"].iloc[order].tolist()
    # Experts label blind.
    assert "label" not in contents and "unilamellar" not in json.dumps(contents)
    for row, picture, shape in zip(order, pictures, contents["shapes"], strict=True):
        assert tuple(shape) == np.shape(particles["image"].iloc[row])
        assert max(picture.shape) == min(512, max(shape))
    for row, (text, height, width, top, left) in zip(
        order, contents["masks"], strict=True
    ):
        bits = np.unpackbits(np.frombuffer(b64decode(text), np.uint8))
        mask = np.zeros(np.shape(particles["mask"].iloc[row]), bool)
        box = bits[: height * width].reshape(height, width)
        mask[top : top + height, left : left + width] = box
        np.testing.assert_array_equal(mask, particles["mask"].iloc[row])


def test_proposals(particles, path):
    y_pred = ["full", "empty", "full", "full", "uncertain", "empty"]
    shares = np.full((N, 3), 0.1)
    shares[np.arange(N), [CLASSES.index(name) for name in y_pred]] = 0.8
    label_page(particles, path, classes=CLASSES, y_pred=y_pred, y_proba=shares)
    contents, _ = read_page(path)
    assert contents["proposals"] == [1, 0, 1, 1, 2, 0]
    assert contents["probabilities"] == [0.8] * N
    # By their names, the columns of a table may be in any order, or few.
    table = pd.DataFrame(shares[:, ::-1], columns=CLASSES[::-1])
    label_page(particles, path, classes=CLASSES, y_pred=y_pred, y_proba=table)
    assert read_page(path)[0] == contents
    two = pd.DataFrame({"probability_full": shares[:, 1]})
    two["probability_empty"] = 1 - two["probability_full"]
    few = ["full", "empty", "full", "full", "empty", "empty"]
    label_page(particles, path, classes=CLASSES, y_pred=few, y_proba=two)
    assert read_page(path)[0]["probabilities"][:4] == [0.8, 0.9, 0.8, 0.8]
    with pytest.warns(UserWarning, match="In 6 of 6 rows of y_proba, another class"):
        label_page(
            particles, path, classes=CLASSES, y_pred=["full"] * N, y_proba=SHARES
        )


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float16", ">f4", bool])
@pytest.mark.parametrize("shape", [(40, 30), (1, 1), (2000, 30), (1, 700), (500, 400)])
def test_pictures(dtype, shape):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 2 if dtype is bool else 100, shape).astype(dtype)
    text, low, high = draw_picture(image, 192)
    picture = cv2.imdecode(np.frombuffer(b64decode(text), np.uint8), -1)
    scale = min(1, 192 / max(shape))
    assert picture.shape == tuple(max(1, round(side * scale)) for side in shape)
    assert picture.dtype == np.uint8
    if scale == 1 and image.size > 1:
        expected = np.clip((image.astype(float) - low) / (high - low) * 255, 0, 255)
        # The loss of a JPEG of noise.
        assert np.abs(picture - expected).mean() < 6
    if image.size == 1:
        assert picture[0, 0] in (127, 128)


def test_pictures_of_many_particles_are_smaller():
    sides = [longest_side(n) for n in (1, 128, 512, 1000, 5000)]
    assert sides == [512, 512, 256, 183, 160]


def test_gray_levels_of_a_micrograph(path):
    images = [np.arange(100.0).reshape(10, 10) * scale for scale in (1, 2, 50)]
    table = pd.DataFrame({"image": images, "micrograph": ["a", "a", "b"]})
    label_page(table, path, classes=CLASSES)
    levels = np.array(read_page(path)[0]["levels"])
    # Black and white of both in "a", in 256 levels of each.
    factors = (levels[:2, 1] - levels[:2, 0]) / 255
    assert factors[0] == pytest.approx(2 * factors[1], rel=0.01)
    np.testing.assert_allclose(levels[2], [0, 255], atol=0.1)


def test_odd_names_are_text(path):
    names = ["</script><b>", '"quoted"', "naïve ‱ 粒子", "a\\b"]
    table = pd.DataFrame({"image": [np.eye(4)] * 4, "micrograph": names})
    label_page(table, path, classes=["<!--", "&amp;"], title="</title><script>")
    contents, _ = read_page(path)
    assert contents["micrograph"] == names
    assert contents["classes"] == ["<!--", "&amp;"]
    page = Scripts(path.read_text(encoding="utf-8"))
    assert page.texts.count("</title><script>") == 2


def test_what_the_browser_keeps_belongs_to_particles_and_classes(particles, path):
    def find_id(table=particles, classes=CLASSES, **given):
        label_page(table, path, classes=classes, **given)
        return read_page(path)[0]["id"]

    first = find_id()
    assert find_id(order=range(N)[::-1], y_pred=["full"] * N, title="a") == first
    assert find_id(table=particles[:-1]) != first
    assert find_id(classes=CLASSES[:2]) != first


@pytest.mark.parametrize(
    "instance, numbers",
    [([1, 2.0], ["instance"]), (["1", "2"], []), ([True, False], ["instance"])],
)
def test_numbers_are_saved_as_numbers(path, instance, numbers):
    table = pd.DataFrame({"image": [np.eye(4)] * 2, "instance": instance})
    label_page(table, path, classes=CLASSES)
    assert read_page(path)[0]["numbers"] == numbers
    label_page(table, path, classes=[7, 1])
    contents, _ = read_page(path)
    assert contents["numbers"] == ["label", "proposal", *numbers]
    assert contents["classes"] == ["7", "1"]


@pytest.mark.parametrize(
    "given",
    [np.zeros((3, 5, 4)), [np.ones((2, 2))], np.arange(18.0).reshape(2, 9)],
)
def test_images_without_a_table(path, given):
    label_page(given, path, classes=CLASSES)
    contents, pictures = read_page(path)
    assert len(pictures) == len(given)
    assert contents["masks"] is None and contents["sizes"] is None
    assert contents["columns"] == ["pixels"]


@pytest.mark.parametrize(
    "given, error, message",
    [
        ({"classes": ["a"]}, ValueError, "There are 1 classes; expected 2 to 9"),
        ({"classes": range(10)}, ValueError, "There are 10 classes"),
        (
            {"classes": ["a", "b", "a"]},
            ValueError,
            "has 'a' and 'a'.*each class once",
        ),
        ({"classes": ["a", " "]}, ValueError, r"classes\[1\] is ' '; expected a name"),
        ({"classes": ["a", "b\n"]}, ValueError, r"classes\[1\] is 'b\\n'"),
        ({"classes": ["a", ""]}, ValueError, r"classes\[1\] is ''"),
        ({"classes": ["a", "b" * 61]}, ValueError, r"classes\[1\] has 61 characters"),
        ({"classes": ["a", None]}, ValueError, "classes is missing in row 1"),
        ({"classes": ["a", 1]}, TypeError, "classes mixes text with numbers"),
        ({"classes": [1, 1.5]}, ValueError, "classes holds 1.5 in row 1"),
        ({"y_proba": SHARES}, ValueError, "y_proba is given without y_pred"),
        ({"y_pred": ["full"]}, ValueError, "y_pred has 1 values for 6 particles"),
        ({"y_pred": ["odd"] * N}, ValueError, "y_pred is 'odd' in row 0, which is not"),
        ({"y_pred": [1] * N}, TypeError, "classes holds text .* but y_pred numbers"),
        ({"y_pred": [None] * N}, ValueError, "y_pred is missing in row 0"),
        ({"order": []}, ValueError, "order is empty"),
        ({"order": [0, 1, 1]}, ValueError, "order has row 1 2 times"),
        ({"order": [0, 6]}, ValueError, r"order\[1\] is 6; expected positions from 0"),
        ({"order": [-1]}, ValueError, r"order\[0\] is -1"),
        ({"order": [0.0]}, TypeError, "order is an array of float64"),
        ({"order": [True] * N}, TypeError, "order is a mask; pass numpy.flatnonzero"),
        ({"order": [[0]]}, TypeError, "order is an array of int64 of the shape"),
        ({"order": 3}, ValueError, "order"),
        ({"title": " "}, ValueError, "title is empty"),
        ({"path": "labels.txt"}, ValueError, "expected a path ending in .html"),
        ({"path": "gone/labels.html"}, FileNotFoundError, "There is no folder"),
    ],
)
def test_bad_input(particles, tmp_path, given, error, message):
    given = {"path": "labels.html", "classes": CLASSES} | given
    with pytest.raises(error, match=message):
        label_page(particles, tmp_path / given.pop("path"), **given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "y_proba, message",
    [
        (SHARES[:, :2], "y_proba has 2 columns; .* columns=model.classes_"),
        (SHARES[:, :2].tolist(), r"y_proba has shape \(6, 2\); expected \(6, 3\)"),
        (SHARES[:3], r"y_proba has shape \(3, 3\)"),
        (SHARES * np.nan, "y_proba is nan in row 0"),
        (SHARES / 2, "y_proba sums up to 0.5"),
        (pd.DataFrame(SHARES, columns=["a", "full", "empty"]), "some of the classes"),
        (pd.DataFrame(SHARES, columns=["full"] * 3), "each once"),
    ],
)
def test_bad_probabilities(particles, path, y_proba, message):
    with pytest.raises(ValueError, match=message):
        label_page(
            particles, path, classes=CLASSES, y_pred=["empty"] * N, y_proba=y_proba
        )


@pytest.mark.parametrize(
    "images, message",
    [
        ([], "no particles"),
        ([np.full((2, 2), np.nan)], "NaN or infinite pixels"),
        ([np.full((2, 2), 1e306)], "too large to compute with"),
    ],
)
def test_bad_particles(path, images, message):
    with pytest.raises(ValueError, match=message):
        label_page(images, path, classes=CLASSES)


def test_a_place_of_two_particles(path):
    places = {"micrograph": ["a", "b", "a"], "instance": [1, 1, 1.0]}
    table = pd.DataFrame({"image": [np.eye(4)] * 3, **places})
    with pytest.raises(ValueError, match="'a' and instance '1' in rows 0 and 2"):
        label_page(table, path, classes=CLASSES, order=[0])
    # Levels of the index tell places, too.
    with pytest.raises(ValueError, match="'a' and instance '1' in rows 0 and 2"):
        label_page(table.set_index([*places]), path, classes=CLASSES)
    # Without an instance, these have no place.
    table["instance"] = np.nan
    label_page(table, path, classes=CLASSES)
    assert read_page(path)[0]["instance"] == [""] * 3


def test_too_many_particles(path):
    images = np.zeros((20_000, 1, 1), np.uint8)
    with pytest.raises(ValueError, match="20000 particles; expected 5000") as error:
        label_page(images, path, classes=CLASSES)
    # The message is code that works.
    assert "np.array_split(np.arange(20000), 4)" in str(error.value)
    label_page(images, path, classes=CLASSES, order=np.arange(0, 20_000, 5_000))
    assert len(read_page(path)[1]) == 4


def test_a_former_page_is_replaced_whole(particles, path, monkeypatch):
    path.write_text("former")

    def fail(*args):
        raise OSError("full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="full"):
        label_page(particles, path, classes=CLASSES)
    assert path.read_text() == "former"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_page_can_be_heard_and_loads_nothing(particles, path):
    label_page(particles, path, classes=CLASSES)
    page = path.read_text(encoding="utf-8")
    html = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r"(src|href)=(?!\"#)", html)
    assert "default-src 'none'" in html and "connect-src" not in html
    for name in re.findall(r'aria-labelledby="([^"]+)"', html):
        assert f'id="{name}"' in html
    script = join_scripts("labeling/_page/view/main.js")
    ids = set(re.findall(r'find\("([^"]+)"\)', script))
    assert {name for name in ids if f'id="{name}"' not in html} == set()
