import gzip
import json
import re
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from page_cases import (
    CLASSES,
    fit_model,
    make_particles,
    make_result,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

import sklipo
from sklipo import make_lipnet_pipeline
from sklipo.evaluation import CrossValidationResult
from sklipo.export import to_html

TOOLS = Path(__file__).parents[1] / "tools" / "page"
LIBRARIES = files("sklipo.export._page") / "libraries"


@pytest.fixture(scope="module")
def particles():
    return make_particles()


@pytest.fixture(scope="module")
def model():
    return fit_model()


@pytest.fixture(scope="module")
def result():
    return make_result()


def test_title_and_names_are_escaped(page_path):
    text = page_path.read_text(encoding="utf-8")
    assert (
        "<title>Liposomes &lt;/title&gt; &amp; &lt;b&gt;more&lt;/b&gt;</title>" in text
    )
    assert "Liposomes </title>" not in text


def test_the_page_is_one_small_file(page_path):
    text = page_path.read_text(encoding="utf-8")
    assert page_path.stat().st_size < 8e6
    assert not re.search(r'(?:src|href)="(?!#main")', text.split("<script")[0])
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none';")
    assert "unsafe-inline" not in policy
    assert "http" not in policy


def test_models_that_no_page_can_be_made_of(model, particles, tmp_path):
    path = tmp_path / "page.html"
    y = particles["label"]
    rows = sklipo.Resize(8).fit_transform(particles)
    features = sklipo.ParticleFeatures(["lamellae"])
    lamellae = make_pipeline(features, LogisticRegression()).fit(particles, y)
    unsure = make_pipeline(sklipo.Resize(8), SVC()).fit(particles, y)
    cases = [
        (LogisticRegression().fit(rows, y), "does not start at the image"),
        (lamellae, "lamellae"),
        (unsure, r"no probabilities.*make_svc_pipeline\(probability=True\)"),
    ]
    for bad, text in cases:
        with pytest.raises(ValueError, match=text):
            to_html(bad, path)
    with pytest.raises(NotFittedError):
        to_html(make_lipnet_pipeline("lipnet-1"), path)
    with pytest.raises(ValueError, match=r"expected a path ending in \.html"):
        to_html(model, tmp_path / "page.txt")
    with pytest.raises(FileNotFoundError, match="no folder"):
        to_html(model, tmp_path / "gone" / "page.html")
    with pytest.raises(ValueError, match="title is empty"):
        to_html(model, path, title=" ")
    assert list(tmp_path.iterdir()) == []


def test_a_result_of_other_classes(model, result, tmp_path):
    path = tmp_path / "page.html"
    y = np.repeat(["empty", "virus"], 10)
    other = CrossValidationResult(
        classes=np.unique(y), y_true=y, y_pred=y, folds=np.arange(20) % 2
    )
    with pytest.raises(ValueError, match="pass the cross-validation of this model"):
        to_html(model, path, result=other)
    y_pred = np.where(np.arange(600) % 9, result.y_pred, "unsure")
    decided = CrossValidationResult(
        classes=np.array([*CLASSES, "unsure"]),
        y_true=result.y_true,
        y_pred=y_pred,
        folds=result.folds,
        unsure="unsure",
    )
    with pytest.raises(ValueError, match="decided_result_"):
        to_html(model, path, result=decided)
    assert not path.exists()


def test_libraries_are_those_of_the_pinned_versions():
    contents = json.loads((LIBRARIES / "contents.json").read_text())
    wanted = json.loads((TOOLS / "package.json").read_text())["dependencies"]
    locked = json.loads((TOOLS / "package-lock.json").read_text())["packages"]
    assert wanted.items() <= contents["packages"].items()
    for name, version in contents["packages"].items():
        assert locked[f"node_modules/{name}"]["version"] == version
    found = {
        "libraries.js": (LIBRARIES / "libraries.js").read_bytes(),
        "onnxruntime.wasm": gzip.decompress(
            (LIBRARIES / "onnxruntime.wasm.gz").read_bytes()
        ),
    }
    for name, data in found.items():
        assert sha256(data).hexdigest() == contents["sha256"][name]
    licenses = (LIBRARIES / "licenses.txt").read_text(encoding="utf-8")
    for name, version in contents["packages"].items():
        assert f"{name} {version} (" in licenses
