import json

import numpy as np
import pandas as pd
import pytest
from page_cases import (
    CLASSES,
    check_shares,
    fit_model,
    make_particles,
    make_result,
    needs_browser,
    to_types,
    write_particles,
    write_png,
)
from selenium.webdriver import ActionChains

import sklipo
from sklipo import estimate_prevalence
from sklipo.datasets import extract_particles, load_particles
from sklipo.datasets._places import find_places


@pytest.fixture(scope="module")
def particles():
    return make_particles()


@pytest.fixture(scope="module")
def model():
    return fit_model()


@pytest.fixture(scope="module")
def result():
    return make_result()


@needs_browser
def test_the_page_predicts_what_python_predicts(
    page, model, particles, tmp_path, downloads
):
    some = particles[:50]
    page.choose(*write_particles(tmp_path, some, to_types))
    assert page.problems() == {}
    table = pd.read_csv(page.save(downloads))
    assert len(table) == 50
    places = table["image"].str.extract(r"(\d+)")[0].astype(int)
    for _, part in table.groupby(places % 4):
        # A table makes one type of all pixels.
        images = load_particles(part[["image", "mask"]], root=tmp_path)
        found = part[[f"probability_{name}" for name in CLASSES]]
        np.testing.assert_allclose(found, model.predict_proba(images), atol=1e-4)
        np.testing.assert_array_equal(part["prediction"], model.predict(images))


@needs_browser
def test_sklipo_reads_the_csv(page, particles, tmp_path, downloads):
    page.choose(*write_particles(tmp_path, particles[:3]))
    page.focus_card(1)
    page.press("3")
    saved = page.save(downloads)
    (tmp_path / saved.name).write_bytes(saved.read_bytes())
    table = load_particles(tmp_path / saved.name)
    assert [np.asarray(image).shape for image in table["image"]] == [
        np.asarray(image).shape for image in particles["image"][:3]
    ]
    assert table["label"].tolist()[1] == "uncertain"
    assert table["label"].isna().tolist() == [True, False, True]
    assert set(table["sklipo_version"]) == {sklipo.__version__}
    assert table["model"].str.fullmatch(r"LipNetClassifier [0-9a-f]{12}").all()
    # The table with its labels goes on where it was saved.
    page.remove_all()
    page.choose(tmp_path / saved.name, *tmp_path.glob("*.png"))
    assert page.text("counts-note").startswith("3 particles, of which 1 have")
    assert page.text("forget-labels") == "Forget 1 label that came with the files"


@needs_browser
@pytest.mark.parametrize("suffix", ["_labels", "_instances", "_mask"])
def test_particles_are_cut_out_of_a_micrograph(
    page, model, tmp_path, downloads, suffix
):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 60000, (150, 170)).astype(np.uint16)
    labels = np.zeros(image.shape, np.uint16)
    labels[3:30, 20:50], labels[80:120, 100:], labels[60:70, 60:75] = 7, 300, 2
    paths = [tmp_path / "grid.png", tmp_path / f"grid{suffix}.png"]
    for path, pixels in zip(paths, (image, labels), strict=True):
        write_png(path, pixels)
    page.choose(*paths)
    assert page.problems() == {}
    table = pd.read_csv(page.save(downloads))
    expected = extract_particles(*paths)
    assert table["instance"].tolist() == expected["instance"].tolist()
    assert set(table["micrograph"]) == {"grid"}
    found = table[[f"probability_{name}" for name in CLASSES]]
    np.testing.assert_allclose(found, model.predict_proba(expected), atol=1e-4)
    places = find_places(expected)
    for name in ("x", "y", "diameter"):
        np.testing.assert_allclose(table[name], places[name])
    assert page.find("micrograph-picture").is_displayed()


@needs_browser
def test_one_label_is_cut_out_too(page, tmp_path):
    labels = np.zeros((150, 170), np.uint8)
    labels[70:80, 70:90] = 255
    image = np.random.default_rng(0).integers(0, 255, labels.shape)
    paths = [tmp_path / "grid.png", tmp_path / "grid_labels.png"]
    write_png(paths[0], image.astype(np.uint8))
    write_png(paths[1], labels)
    page.choose(*paths)
    page.focus_card(0)
    assert page.text("details-text").startswith("grid 255: 110 x 120 pixels (uint8)")


@needs_browser
def test_an_ellipse_and_whole_images(page, model, particles, tmp_path, downloads):
    images = [np.asarray(image) for image in particles["image"][:3]]
    paths = [write_png(tmp_path / f"{i}.png", image) for i, image in enumerate(images)]
    page.choose(*paths)
    assert page.cards() == []
    assert page.text("waiting-text").startswith("3 images have no mask.")
    page.find("draw-ellipses").click()
    for name, value in [
        ("x", 30),
        ("y", 28),
        ("width", 40),
        ("height", 22),
        ("angle", 30),
    ]:
        field = page.find(f"ellipse-{name}")
        field.clear()
        field.send_keys(str(value))
    page.find("ellipse-use").click()
    page.wait("return document.querySelectorAll('.card').length === 1")
    # The second one by keys: with the picture in focus.
    page.wait(
        "return document.getElementById('ellipse-title').textContent.includes('1.png')"
    )
    page.press("\ue014", "r")
    x = float(page.find("ellipse-x").get_property("value"))
    assert x == pytest.approx(images[1].shape[1] / 2 + 1, abs=0.1)
    assert page.find("ellipse-angle").get_property("value") == "5"
    drag(page.browser, page.find("ellipse-picture"), (-50, -30), (50, 70))
    fields = [f"ellipse-{name}" for name in ("x", "y", "width", "height")]
    x, y, width, height = (
        float(page.find(field).get_property("value")) for field in fields
    )
    assert width == pytest.approx(height, rel=0.02)
    assert x == pytest.approx(images[1].shape[1] / 2, abs=1)
    assert y == pytest.approx(images[1].shape[0] / 2 + width / 5, abs=1)
    page.press("\ue00c")
    page.find("all-whole").click()
    page.wait("return document.querySelectorAll('.card').length === 3")
    table = pd.read_csv(page.save(downloads))
    assert table["outline"].tolist() == [
        "ellipse 30 28 40 22 30",
        "whole image",
        "whole image",
    ]
    ellipse = draw_ellipse(images[0].shape)
    masks = [ellipse, *(np.ones(image.shape, bool) for image in images[1:])]
    expected = pd.DataFrame(
        {"image": sklipo.ImageArray(images), "mask": sklipo.ImageArray(masks)}
    )
    found = table[[f"probability_{name}" for name in CLASSES]]
    np.testing.assert_allclose(found, model.predict_proba(expected), atol=1e-4)


def drag(browser, element, start, end):
    """Drag the mouse from one place to another, counted from the middle."""
    actions = ActionChains(browser, duration=0)
    actions.move_to_element_with_offset(element, *start).click_and_hold()
    actions.move_to_element_with_offset(element, *end).release().perform()


def draw_ellipse(shape):
    rows, columns = np.indices(shape) + 0.5
    turn = np.deg2rad(30)
    dx, dy = columns - 30, rows - 28
    along = (dx * np.cos(turn) + dy * np.sin(turn)) / 20
    across = (dy * np.cos(turn) - dx * np.sin(turn)) / 11
    return along**2 + across**2 <= 1


@needs_browser
def test_an_import_can_be_canceled(page, particles, tmp_path):
    paths = write_particles(tmp_path, particles)
    page.find("files").send_keys("\n".join(map(str, paths)))
    page.wait("return document.querySelector('.card')")
    page.browser.execute_script("document.getElementById('cancel').click()")
    page.wait_until_read()
    assert "Canceled." in page.text("announcement")
    assert 0 < len(page.cards()) < len(particles)
    # What is there already is not read again.
    page.choose(*paths)
    assert len(page.cards()) == len(particles)
    assert "were here already" in page.text("announcement")


@needs_browser
def test_corrections_and_undo(page, particles, tmp_path):
    page.choose(*write_particles(tmp_path, particles[:12]))
    before = page.cards()
    page.focus_card(0)
    page.press("\ue014")
    page.press("1")
    assert page.cards()[0] == before[0]
    note = "confirmed" if before[1].label == "empty" else "changed"
    assert page.cards()[1] == (before[1].name, "empty", note)
    # Enter confirms and goes on, a click on a class corrects, 0 takes back.
    page.press("\ue007")
    page.press("\ue007")
    assert page.cards()[2] == before[2]._replace(note="confirmed")
    page.focus_card(5)
    page.find("class-buttons").find_elements("tag name", "button")[1].click()
    assert page.cards()[5].label == "full"
    assert (
        page.text("counts-note")
        == "12 particles, of which 3 have a class given by hand."
    )
    page.focus_card(2)
    page.press("0")
    assert page.cards()[2] == before[2]
    page.find("undo").click()
    assert page.cards()[2] == before[2]._replace(note="confirmed")
    for _ in range(3):
        page.press(chr(0xE009), "z", chr(0xE000))
    assert page.cards() == before
    assert not page.find("undo").is_enabled()


@needs_browser
def test_sorting_filtering_and_counts(page, particles, tmp_path):
    page.choose(*write_particles(tmp_path, particles[:20]))

    def sureness():
        return [float(card.note.removesuffix(" %")) for card in page.cards()]

    page.pick("order", "surest")
    assert sureness() == sorted(sureness(), reverse=True)
    page.pick("order", "doubtful")
    assert sureness() == sorted(sureness())
    page.pick("order", "class")
    found = [card.label for card in page.cards()]
    assert found == sorted(found)
    assert page.table("counts") == [
        [f" {name}", str(found.count(name)), f"{5 * found.count(name):.1f} %"]
        for name in CLASSES
    ]
    name = found[0]
    page.pick("filter", f"class:{name}")
    assert len(page.cards()) == found.count(name)
    assert page.text("shown") == f"{found.count(name)} of 20 particles"


@needs_browser
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_shares_in_the_page_are_those_of_python(page, result, particles, tmp_path):
    some = particles[:40]
    paths = write_particles(tmp_path, some)
    table = pd.DataFrame(
        {
            "image": [path.name for path in paths[::2]],
            "mask": [path.name for path in paths[1::2]],
            "micrograph": some["micrograph"],
        }
    )
    table.to_csv(tmp_path / "particles.csv", index=False)
    page.choose(tmp_path / "particles.csv", *paths)
    page.wait("return !document.getElementById('corrected').ariaBusy")
    y_pred = [card.label for card in page.cards()]
    estimate = estimate_prevalence(result, y_pred, groups=some["micrograph"])
    found = page.browser.execute_script(
        "return [...document.querySelectorAll('#shares tr')].map("
        "(row) => JSON.parse(row.dataset.share))"
    )
    check_shares(found, estimate)


@needs_browser
def test_folders_can_be_dropped(page, particles, tmp_path):
    folder = tmp_path / "grid"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    (folder / ".hidden").write_text("")
    for i in range(3):
        write_png(folder / "images" / f"{i}.png", np.asarray(particles["image"][i]))
        mask = np.asarray(particles["mask"][i]).astype(np.uint8)
        write_png(folder / "masks" / f"{i}.png", mask)
    where = page.browser.execute_script(
        "const box = document.getElementById('drop').getBoundingClientRect();"
        "return [box.x + box.width / 2, box.y + box.height / 2]"
    )
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
        event = {"type": kind, "x": where[0], "y": where[1], "data": data}
        page.browser.execute_cdp_cmd("Input.dispatchDragEvent", event)
    page.wait_until_read()
    assert page.problems() == {}
    names = [card.name for card in page.cards()]
    assert names == [f"{i}.png" for i in range(3)]


@needs_browser
def test_folders_of_classes_are_labels(page, particles, tmp_path):
    for i, name in enumerate(["full", "empty"]):
        (tmp_path / "grid" / name).mkdir(parents=True)
        write_particles(tmp_path / "grid" / name, particles[i : i + 1])
    page.find("folder").send_keys(str(tmp_path / "grid"))
    page.wait_until_read()
    assert [card.label for card in page.cards()] == ["empty", "full"]
    page.find("forget-labels").click()
    assert page.text("counts-note").endswith("0 have a class given by hand.")
    assert not page.find("forget-labels").is_displayed()


@needs_browser
def test_nothing_leaves_the_page(page, particles, tmp_path):
    page.choose(*write_particles(tmp_path, particles[:2]))
    assert len(page.cards()) == 2
    asked = {
        json.loads(entry["message"])["message"]["params"]["request"]["url"].split(":")[
            0
        ]
        for entry in page.browser.get_log("performance")
        if '"Network.requestWillBeSent"' in entry["message"]
    }
    assert asked <= {"file", "about", "blob", "data", "chrome"}
    # Even a script that somebody smuggled in could not connect, nor show an image.
    blocked = page.browser.execute_async_script(
        """const done = arguments[0], blocked = [];
        addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
            blocked.push(effectiveDirective);
            if (blocked.length === 4) done(blocked);
        });
        fetch("http://127.0.0.1:9/").catch(() => {});
        new Image().src = "http://127.0.0.1:9/a.png";
        try { new WebSocket("ws://127.0.0.1:9/"); } catch {}
        document.head.append(Object.assign(document.createElement("script"),
            { textContent: "window.smuggled = true" }));"""
    )
    assert sorted(blocked) == [
        "connect-src",
        "connect-src",
        "img-src",
        "script-src-elem",
    ]
    page.browser.get_log("browser")


@needs_browser
def test_two_files_of_one_size_are_asked_about(page, tmp_path):
    rng = np.random.default_rng(0)
    labels = np.zeros((90, 90), np.uint8)
    labels[10:30, 10:30], labels[50:80, 40:70] = 1, 2
    image = write_png(
        tmp_path / "a.png", rng.integers(0, 255, (90, 90)).astype(np.uint8)
    )
    page.find("files").send_keys(f"{image}\n{write_png(tmp_path / 'b.png', labels)}")
    page.wait("return document.getElementById('labels-dialog').open")
    assert page.find("labels-1").is_selected()
    page.find("labels-dialog").find_element("tag name", "button").click()
    page.wait_until_read()
    assert [card.name for card in page.cards()] == ["1 of a", "2 of a"]
