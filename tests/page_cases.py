"""Pages in a headless Chromium: opened from the disk, filled with files, read."""

import json
import shutil
import time
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import pytest
import tifffile
from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from sklipo import make_lipnet_pipeline
from sklipo.datasets import make_liposomes
from sklipo.displays._page.page import join_scripts
from sklipo.evaluation import CrossValidationResult

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMEDRIVER = shutil.which("chromedriver")
CLASSES = ["empty", "full", "uncertain"]
needs_browser = pytest.mark.skipif(
    not (CHROMIUM and CHROMEDRIVER), reason="chromium or chromedriver is not installed"
)
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
_PATIENCE = 60


def start_browser(downloads):
    """Start Chromium, which saves files to a folder."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*_FLAGS, "--window-size=1400,1000"):
        options.add_argument(flag)
    options.add_experimental_option(
        "prefs", {"download.default_directory": str(downloads)}
    )
    options.set_capability(
        "goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"}
    )
    service = webdriver.ChromeService(CHROMEDRIVER)
    browser = webdriver.Chrome(options=options, service=service)
    browser.set_script_timeout(_PATIENCE)
    return browser


@contextmanager
def other_tab(browser):
    """Give an empty tab, beside that of the page."""
    before = browser.current_window_handle
    browser.switch_to.new_window("tab")
    yield
    browser.close()
    browser.switch_to.window(before)


def evaluate(browser, path, expression, *values, before=""):
    """Return what an expression of a module of the page is, in an empty page."""
    path = f"export/_page/{path}"
    script = join_scripts(path).removeprefix('"use strict";')
    with other_tab(browser):
        answer = browser.execute_async_script(
            f"""const values = [...arguments], done = values.pop();
            {before}\n{script}
            (async () => {{ const module = modules[{json.dumps(path)}];
                return {expression}; }})().then((value) => done({{ value }}),
                (error) => done({{ error: String(error) }}));""",
            *values,
        )
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["value"]


class Card(NamedTuple):
    """What a card shows: the name of a file, a class, and how sure it is."""

    name: str
    label: str
    note: str


class Page:
    """A page that is open in a browser."""

    def __init__(self, browser, path):
        self.browser = browser
        browser.get(path.as_uri())

    def find(self, name):
        """Return the element of an id."""
        return self.browser.find_element(By.ID, name)

    def remove_all(self):
        """Remove all particles, as the buttons of the page do."""
        self.browser.execute_script(
            """document.getElementById("filter").value = "all";
            document.getElementById("order").value = "name";
            document.getElementById("announcement").textContent = "";
            document.getElementById("remove-all").click();
            document.querySelector('#remove-dialog [value="yes"]').click();"""
        )
        self.wait("return !document.querySelector('.card')")

    def text(self, name):
        """Return the text of the element of an id, whether it shows or not."""
        return self.find(name).get_property("textContent")

    def choose(self, *paths):
        """Choose files, and wait until they are read."""
        self.browser.execute_script(
            "document.getElementById('announcement').textContent = ''"
        )
        self.find("files").send_keys("\n".join(str(path) for path in paths))
        self.wait_until_read()

    def wait_until_read(self):
        """Wait until the page says how many particles it has read."""
        self.wait("return document.getElementById('announcement').textContent")
        self.wait("return document.getElementById('progress').hidden")

    def wait(self, script):
        """Wait until a script returns what is true."""
        end = time.monotonic() + _PATIENCE
        while not (found := self.browser.execute_script(script)):
            assert time.monotonic() < end, self.browser.get_log("browser")
            time.sleep(0.02)
        return found

    def cards(self):
        """Return the file, the class and the note of each card."""
        cards = self.browser.execute_script(
            """return [...document.querySelectorAll(".card")].map((card) =>
                [".card-name", ".card-label", ".card-note"].map((name) =>
                    card.querySelector(name).textContent))"""
        )
        return [Card(*card) for card in cards]

    def problems(self):
        """Return what the page says is wrong, by file."""
        rows = self.browser.execute_script(
            "return [...document.querySelectorAll('#problems-list tr')].map("
            "(row) => [...row.cells].map((cell) => cell.textContent))"
        )
        return dict(rows)

    def table(self, name):
        """Return the texts of the cells of a table's body."""
        return self.browser.execute_script(
            "return [...document.getElementById(arguments[0]).rows].map("
            "(row) => [...row.cells].map((cell) => cell.textContent))",
            name,
        )

    def pick(self, name, value):
        """Pick an option of a list."""
        Select(self.find(name)).select_by_value(value)

    def press(self, *keys):
        """Press keys where the focus is."""
        self.browser.switch_to.active_element.send_keys(*keys)

    def focus_card(self, number):
        """Click a card."""
        self.browser.execute_script(
            "document.querySelectorAll('.card')[arguments[0]].click()", number
        )

    def save(self, folder):
        """Save the CSV; return its path."""
        path = folder / "classes.csv"
        path.unlink(missing_ok=True)
        self.find("save").click()
        end = time.monotonic() + _PATIENCE
        while not path.exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        return path


class LabelPage(Page):
    """A page for labels that is open in a browser."""

    def __init__(self, browser, path, expert="Anna"):
        super().__init__(browser, path)
        if expert is not None:
            self.begin(expert)

    def begin(self, expert):
        """Say who labels."""
        self.wait("return document.querySelector('#expert-dialog[open]')")
        self.browser.execute_script(
            "document.getElementById('expert-name').value = arguments[0]", expert
        )
        self.find("expert-name").send_keys(Keys.ENTER)
        # The page takes the name a moment after its question has been closed.
        end = time.monotonic() + _PATIENCE
        while self.text("expert") != f"Expert: {expert}":
            assert time.monotonic() < end
            time.sleep(0.02)
        self.wait_for_focus()

    def wait_for_focus(self):
        """Wait until no question is open, and something else has the focus."""
        # A field keeps the focus for a moment after its question has been closed.
        self.wait(
            """const element = document.activeElement;
            return !document.querySelector("dialog[open]") &&
                element !== document.body && element.checkVisibility()"""
        )

    def labels(self):
        """Return the class on each card, or None, in the order of the cards."""
        return self.browser.execute_script(
            """return [...document.querySelectorAll(".card")].map((card) =>
                card.classList.contains("labeled")
                    ? card.querySelector(".card-label").textContent : null)"""
        )

    def focused(self):
        """Return the number of the particle that keys are for."""
        return int(
            self.browser.switch_to.active_element.get_dom_attribute("data-number")
        )

    def card(self, number):
        """Return the card of a particle."""
        return self.browser.find_element("css selector", f"[data-number='{number}']")

    def click(self, number, *keys):
        """Click a card while keys are held."""
        actions = ActionChains(self.browser)
        for key in keys:
            actions.key_down(key)
        actions.click(self.card(number))
        for key in keys:
            actions.key_up(key)
        actions.perform()

    def chord(self, *keys):
        """Press keys at once."""
        self.press(*keys, Keys.NULL)

    def save(self, folder, expert="Anna"):
        """Save the labels; return the path."""
        path = folder / f"labels-{expert}.csv"
        path.unlink(missing_ok=True)
        self.chord(Keys.CONTROL, "s")
        end = time.monotonic() + _PATIENCE
        while not path.exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        return path

    def open(self, path):
        """Open a file of labels; return what the page says about it."""
        self.find("file").send_keys(str(path))
        self.wait("return document.querySelector('#opened-dialog[open]')")
        told = self.find("opened-dialog").text
        self.press(Keys.ENTER)
        self.wait_for_focus()
        return told

    def check_fits(self):
        """Hold that what one labels with is seen without scrolling the page."""
        size = self.browser.execute_script(
            "const { scrollWidth, scrollHeight } = document.documentElement;"
            "return [scrollWidth, scrollHeight]"
        )
        assert size == [1280, 720]
        for name in ("progress", "save", "class-buttons", "picture"):
            box = self.find(name).rect
            assert 0 <= box["x"] and box["x"] + box["width"] <= 1280
            assert 0 <= box["y"] and box["y"] + box["height"] <= 720
        cards = self.browser.find_elements("css selector", ".card")[:8]
        assert all(card.is_displayed() for card in cards)


@cache
def make_particles():
    """Return particles that a page may classify."""
    return make_liposomes(60, "encapsulation", weights=None, margin=10, random_state=0)


@cache
def fit_model():
    """Return a model that is fitted to the particles."""
    particles = make_particles()
    model = make_lipnet_pipeline("lipnet-4c", max_epochs=20, random_state=0)
    return model.fit(particles, particles["label"])


def make_result():
    """Return a cross-validation with the classes of the model."""
    rng = np.random.default_rng(0)
    y = np.tile(CLASSES, 200)
    y_pred = np.where(rng.random(len(y)) < 0.8, y, rng.choice(CLASSES, len(y)))
    return CrossValidationResult(
        classes=np.array(CLASSES),
        y_true=y,
        y_pred=y_pred,
        folds=np.arange(len(y)) % 3,
        groups=rng.integers(0, 40, len(y)),
    )


def write_png(path, pixels):
    """Write a PNG; return its path."""
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return path


def write_particles(folder, particles, convert=lambda image, i: (image, ".png")):
    """Write images and their masks to a folder; return the paths of both in turn."""
    paths = []
    folder.mkdir(exist_ok=True)
    for i, row in enumerate(particles.itertuples()):
        pixels, suffix = convert(np.asarray(row.image), i)
        path = folder / f"particle_{i}{suffix}"
        if suffix == ".png":
            write_png(path, pixels)
        else:
            tifffile.imwrite(path, pixels)
        mask = np.asarray(row.mask).astype(np.uint8)
        paths += [path, write_png(folder / f"particle_{i}_mask.png", mask)]
    return paths


def to_types(image, i):
    """Return the image in one of four types, and the ending of a file for it."""
    if i % 4 == 0:
        return image.astype(np.uint8), ".png"
    wide = image.astype(np.uint16) * 157 + 11
    return [(wide, ".png"), (wide, ".tif"), (wide.astype(np.float32), ".tif")][
        i % 4 - 1
    ]


def check_shares(found, estimate, atol=0.03):
    """Hold share, low and high of each class in a page against those of Python."""
    share, low, high = np.transpose(found)
    np.testing.assert_allclose(share, estimate.share, atol=1e-6)
    # Two estimates of percentiles by 1,000 resamples each.
    np.testing.assert_allclose(low, estimate.low, atol=atol)
    np.testing.assert_allclose(high, estimate.high, atol=atol)
