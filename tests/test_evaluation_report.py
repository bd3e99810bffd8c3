import re
import shutil
import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from display_cases import make_result
from matplotlib import pyplot
from report_cases import (
    CLASSES,
    Page,
    make_estimate,
    make_particles,
    make_predictions,
    numbers,
)

import sklipo
from sklipo.evaluation import (
    CrossValidationResult,
    count_by,
    estimate_prevalence,
    write_report,
)
from sklipo.labeling import agreement_table

AGREEMENT = agreement_table(
    np.repeat(CLASSES, 4), np.roll(np.repeat(CLASSES, 4), 1), n_resamples=10
)
METHODS = ["counted", "adjusted", "em", "audited"]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Return a report with all that it can have, and what it was made of."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    y_pred, y_proba = make_predictions()
    parts = {
        "estimate": make_estimate(y_pred, caveats=("A <i>first</i> one.", "And two.")),
        "particles": make_particles(),
        "y_pred": y_pred,
        "result": make_result(CLASSES),
        "y_proba": y_proba,
        "samples": "batch",
        "title": 'Batch 7 <b>&"quoted"\'',
    }
    write_report(path, **parts)
    return Page(path), parts


@pytest.fixture
def without_thumbnails(monkeypatch):
    """Leave the particles out, which take most of the time."""
    monkeypatch.setattr(
        "sklipo.evaluation._report_particles.draw_thumbnail", lambda _: (b"", "jpeg")
    )


def write(tmp_path, **changes):
    """Write a report of a few particles with changed arguments; return the page."""
    y_pred, _ = make_predictions()
    arguments = {
        "estimate": make_estimate(y_pred),
        "particles": make_particles(),
        "y_pred": y_pred,
        **changes,
    }
    write_report(tmp_path / "report.html", **arguments)
    return Page(tmp_path / "report.html")


def test_shares_are_those_of_the_estimate(full):
    page, parts = full
    expected = parts["estimate"].to_frame()
    table = page.table("Share of each class among 40 particles on 8 micrographs")
    assert table.index.tolist() == expected.index.tolist()
    for name in ("counted", "share"):
        found = numbers(table[name.capitalize()])
        np.testing.assert_allclose(found, expected[name], atol=0.0005)
    ends = table["95 % interval"].str.split(" to ", expand=True)
    np.testing.assert_allclose(numbers(ends[0] + " %"), expected["low"], atol=0.0005)
    np.testing.assert_allclose(numbers(ends[1]), expected["high"], atol=0.0005)


@pytest.mark.parametrize(
    ("by", "words"), [("batch", "in each sample"), ("micrograph", "on each micrograph")]
)
def test_counts_are_those_of_count_by(full, by, words):
    page, parts = full
    keys = ["batch"] if by == "batch" else ["batch", "micrograph"]
    expected = count_by(parts["particles"], parts["y_pred"], keys)
    table = page.table(words)
    names = [" / ".join(np.atleast_1d(name)) for name in expected.index]
    assert table.index.tolist() == names
    assert numbers(table["Particles"]).tolist() == expected["n"].tolist()
    for label in CLASSES:
        found = numbers(table[label])
        np.testing.assert_allclose(found, expected[label], atol=0.0005)


def test_figures_of_the_model_are_those_of_the_result(full):
    page, parts = full
    result = parts["result"]
    matrix = page.table("Confusion matrix")
    shares, counts = (
        np.stack([numbers(part) for part in columns])
        for columns in zip(
            *(
                matrix[label].str.extract(r"(.* %) (.*)").to_numpy().T
                for label in CLASSES
            ),
            strict=True,
        )
    )
    expected = result.mean_confusion_matrix(normalize=True).to_numpy()
    np.testing.assert_allclose(shares.T, expected, atol=0.0005)
    np.testing.assert_array_equal(counts.T, result.confusion_counts.sum(axis=0))
    summary = result.summary().drop("thesis_F1")
    table = page.table("All classes together")
    names = table.index.str.replace(", mean of the classes", "").str.replace(" ", "_")
    assert names.tolist() == summary.index.tolist()
    for name, column in {"All folds": "pooled", "Mean": "mean", "SD": "std"}.items():
        found = numbers(table[name])
        np.testing.assert_allclose(found, summary[column], atol=0.0005)
    for label in CLASSES:
        row = page.table("Each class, with").loc[label]
        for metric, text in row.drop("Particles").items():
            expected = result.summary(label).loc[re.findall(r"\((.*)\)", metric)[0]]
            found = numbers(re.findall(r"[\d.]+", text))
            expected = expected[["pooled", "low", "high"]]
            np.testing.assert_allclose(found, expected, atol=0.0005)
    assert "120 particles on 30 micrographs in 5 folds" in page.text
    assert "No micrograph is in two folds." in page.text


def test_experts_are_beside_the_scores_of_the_model(tmp_path, without_thumbnails):
    result = make_result(CLASSES)
    page = write(tmp_path, result=result, agreement=AGREEMENT)
    expected = result.summary(agreement=AGREEMENT).drop("thesis_F1")["experts"]
    found = page.table("All classes together")["Experts"]
    np.testing.assert_allclose(numbers(found[:-1]), expected[:-1], atol=0.0005)
    found = numbers(page.table("Each class, with")["Experts"])
    of_classes = [
        result.summary(label, agreement=AGREEMENT).loc["PPV", "experts"]
        for label in CLASSES
    ]
    np.testing.assert_allclose(found, of_classes, atol=0.0005)
    assert page.text.count("Experts: the same for one expert if the labels") == 2


def test_sizes_are_those_of_the_masks_in_nm(full):
    page, parts = full
    masks = parts["particles"]["mask"]
    sides = np.array([0.5 * np.ptp(np.argwhere(mask), axis=0).max() for mask in masks])
    sizes = pd.Series(sides + 0.5).groupby(parts["y_pred"])
    table = page.table("Size of the particles in nm")
    assert numbers(table["Particles"]).tolist() == sizes.size().tolist()
    found = {name: numbers(table[name]) for name in table.columns[1:]}
    np.testing.assert_allclose(found["Mean"], sizes.mean(), atol=0.051)
    np.testing.assert_allclose(found["SD"], sizes.std(), atol=0.051)
    np.testing.assert_allclose(found["D50"], sizes.median(), atol=0.051)
    assert (found["D10"] <= found["D50"]).all()
    assert (found["D50"] <= found["D90"]).all()


def test_galleries_have_the_surest_and_the_least_sure(full):
    page, parts = full
    confidence = parts["y_proba"].max(axis=1)
    for label in CLASSES:
        names = [
            re.match("Particle (.*), predicted", attributes["alt"])[1]
            for tag, attributes, _ in page.elements
            if tag == "img" and attributes["alt"].endswith(f"predicted {label}")
        ]
        rows = parts["particles"].index.get_indexer(names)
        assert len(set(names)) == len(names) == 13 + (label == "empty")
        falling = confidence[rows[:8]]
        rising = confidence[rows[8:]]
        assert (np.diff(falling) <= 0).all()
        assert (np.diff(rising) >= 0).all()
        assert falling.min() >= rising.max()
        captions = page.texts("figcaption")
        shown = confidence[rows[0]]
        assert f"{names[0]} ({shown:.2f})" in captions


def test_warnings_and_names_of_users_are_text(full):
    page, _ = full
    assert "A <i>first</i> one." in page.text
    assert "And two." in page.text
    assert page.texts("h1") == page.texts("title") == ['Batch 7 <b>&"quoted"\'']
    assert not {"i", "b"} & {tag for tag, _, _ in page.elements}


def test_page_loads_nothing_and_can_be_heard(full):
    page, _ = full
    tags = {tag for tag, _, _ in page.elements}
    assert not {"script", "link", "iframe", "object", "a"} & tags
    assert "url(" not in page.html
    assert "@import" not in page.html
    for tag, attributes, _ in page.elements:
        if tag == "img":
            assert attributes["src"].startswith("data:image/")
            if attributes["alt"].startswith("Particle"):
                assert len(attributes["src"]) < 14_000
            assert attributes["alt"]
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
        assert not any(name.startswith("on") for name in attributes)
    levels = [int(tag[1]) for tag, _, _ in page.elements if re.match("h[1-6]$", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert (np.diff(levels) <= 1).all()
    assert dict(page.elements[0][1]) == {"lang": "en"}


def test_versions_and_date_are_given(full):
    page, _ = full
    versions = page.table("What was loaded")["Version"]
    assert versions["sklipo"] == sklipo.__version__
    assert versions["Python"] == sys.version.split()[0]
    ((_, time, text),) = [part for part in page.elements if part[0] == "time"]
    assert pd.Timestamp(time["datetime"]) == pd.Timestamp(text)
    assert abs(pd.Timestamp(text) - pd.Timestamp.now("UTC")) < pd.Timedelta("1h")


@pytest.mark.usefixtures("without_thumbnails")
@pytest.mark.parametrize("groups", [None, 8])
@pytest.mark.parametrize("method", METHODS)
def test_method_is_told_in_two_sentences_with_its_references(tmp_path, method, groups):
    y_pred, _ = make_predictions()
    is_counted = method == "counted"
    estimate = make_estimate(
        y_pred,
        method=method,
        n_groups=groups,
        n_labeled=None if is_counted else 120,
        n_labeled_groups=None if is_counted or groups is None else 30,
        level=0.9,
    )
    page = write(tmp_path, estimate=estimate)
    (start,) = [i for i, part in enumerate(page.elements) if part[2] == "Method"]
    text = page.elements[start + 1][2]
    assert len(re.findall(r"\.(?= |$)", text)) == 2
    assert "{" not in text
    assert "90\N{NO-BREAK SPACE}%" in text
    assert ("micrograph" in text) == (groups is not None)
    cited = [int(n) for n in re.findall(r"\d", " ".join(re.findall(r"\[.*?\]", text)))]
    n_references = page.elements[start + 2][2].strip().count("\n") + 1
    assert cited == list(range(1, n_references + 1))


@pytest.mark.usefixtures("without_thumbnails")
@pytest.mark.filterwarnings("ignore::UserWarning")  # they are in the report
@pytest.mark.parametrize("samples", [None, "batch"])
@pytest.mark.parametrize("method", METHODS)
def test_report_of_every_kind_of_estimate(tmp_path, method, samples):
    particles = make_particles(400)
    y_pred, y_proba = make_predictions(400)
    result = make_result(CLASSES)
    audited = pd.Series(y_pred, particles.index).where(np.arange(400) % 4 > 1)
    estimate = estimate_prevalence(
        result,
        y_pred,
        y_proba=y_proba,
        groups=particles["micrograph"],
        samples=None if samples is None else particles[samples],
        audited=audited if method == "audited" else None,
        method="adjusted" if method == "audited" else method,
    )
    page = write(
        tmp_path,
        estimate=estimate,
        particles=particles,
        y_pred=y_pred,
        y_proba=y_proba,
        result=result,
        samples=samples,
    )
    estimates = {"": estimate} if samples is None else estimate
    tables = [table for text, table in page.tables if "Share of each" in text]
    for table, one in zip(tables, estimates.values(), strict=True):
        np.testing.assert_allclose(numbers(table["Share"]), one.share, atol=0.0005)
    for caveat in {text for one in estimates.values() for text in one.caveats}:
        assert caveat in page.text


@pytest.mark.usefixtures("without_thumbnails")
def test_share_of_a_class_that_is_unknown_has_a_dash(tmp_path):
    unknown = np.array([np.nan, 0.4, 0.6])
    estimate = make_estimate(
        make_predictions()[0], share=unknown, low=unknown, high=unknown
    )
    row = write(tmp_path, estimate=estimate).table("Share of each class").loc["empty"]
    assert row.tolist()[1:] == ["\N{EN DASH}"] * 2


def test_report_of_images_alone_says_what_is_missing(tmp_path):
    images = list(make_particles()["image"])
    page = write(tmp_path, particles=images)
    assert "no column 'micrograph'" in page.text
    assert "drawn at random" in page.text
    assert "without the cross-validation" in page.text
    assert "in px by predicted class: the longer side of the whole image" in page.text
    assert "None was given." in page.text
    alts = [part[1]["alt"] for part in page.elements if part[0] == "img"]
    assert sum(alt.startswith("Particle") for alt in alts) == 8 * len(CLASSES)


@pytest.mark.usefixtures("without_thumbnails")
def test_estimates_of_samples_have_a_table_each_and_one_picture(tmp_path):
    y_pred, _ = make_predictions()
    particles = make_particles()
    batches = particles["batch"]
    estimates = {
        name: make_estimate(y_pred[batches == name], caveats=caveats, n_groups=4)
        for name, caveats in {"b": ("Few micrographs.",), "a": ()}.items()
    }
    for samples in ("batch", batches, list(batches), batches.astype("category")):
        page = write(tmp_path, estimate=estimates, samples=samples)
        tables = [table for text, table in page.tables if "20 particles on 4" in text]
        for table, estimate in zip(tables, estimates.values(), strict=True):
            found = numbers(table["Share"])
            np.testing.assert_allclose(found, estimate.share, atol=0.0005)
        headings = page.texts("h3")
        # The tables, and the warning of b.
        assert headings[:4] == ["b", "a", "Difference of the samples", "b"]
        difference = estimates["b"].share - estimates["a"].share
        table = page.table("Share in b less that in a")
        found = [float(text) for text in table["Difference"]]
        np.testing.assert_allclose(found, 100 * difference, atol=0.05)
        assert "40 particles on 8 micrographs in 2 samples" in page.text


@pytest.mark.usefixtures("without_thumbnails")
def test_undecided_particles_are_kept(tmp_path):
    y_pred, y_proba = make_predictions()
    y_pred = np.where(y_proba.max(axis=1) < 0.95, "not sure", y_pred)
    share = np.mean(y_pred == "not sure")
    assert share > 0
    estimate = make_estimate(y_pred)
    for probabilities in (y_proba, np.column_stack([y_proba, np.zeros(40)])):
        page = write(tmp_path, estimate=estimate, y_pred=y_pred, y_proba=probabilities)
        table = page.table("Share of each class among")
        row = table.loc["not sure"]
        assert numbers(row)[0] == pytest.approx(share, abs=0.0005)
        assert row.tolist()[1:] == ["\N{EN DASH}"] * 2
        assert any(text.startswith("not sure: ") for text in page.texts("h3"))
        assert "not sure" in page.table("Size of the particles").index
        assert "not sure" in page.table("on each micrograph").columns


@pytest.mark.usefixtures("without_thumbnails")
def test_result_of_a_model_that_may_not_decide(tmp_path):
    result = make_result(CLASSES)
    undecided = result.y_proba.max(axis=1) < 0.6
    parts = {
        "classes": np.array([*CLASSES, "unsure"]),
        "y_true": result.y_true,
        "y_pred": np.where(undecided, "unsure", result.y_pred),
        "folds": result.folds,
    }
    result = CrossValidationResult(**parts, unsure="unsure")
    y_proba = make_predictions()[1]
    y_pred = np.where(y_proba.max(axis=1) < 0.95, "unsure", Y_PRED)
    estimate = make_estimate(y_pred)
    predicted = {"y_pred": y_pred, "y_proba": y_proba}
    page = write(tmp_path, estimate=estimate, result=result, **predicted)
    said = " ".join(page.texts("p"))
    assert "Of the unsure, it is that of the likeliest class." in said
    matrix = page.table("Confusion matrix")
    assert matrix.index.tolist() == list(CLASSES)
    assert matrix.columns.tolist() == [*CLASSES, "unsure"]
    expected = result.mean_confusion_matrix(normalize=True).loc[list(CLASSES)]
    for label in matrix:
        found = numbers(matrix[label].str.extract("(.* %)")[0])
        np.testing.assert_allclose(found, expected[label], atol=0.0005)


@pytest.mark.usefixtures("without_thumbnails")
def test_a_class_that_is_never_predicted(tmp_path):
    y_pred = np.where(make_predictions()[0] == "empty", "full", "uncertain")
    page = write(tmp_path, estimate=make_estimate(y_pred), y_pred=y_pred)
    assert "empty: 0 particles" in page.texts("h3")
    row = page.table("Size of the particles").loc["empty"].tolist()
    assert row == ["0", *["\N{EN DASH}"] * 5]


@pytest.mark.usefixtures("without_thumbnails")
def test_folds_without_groups_or_that_share_them_are_told(tmp_path):
    result = make_result(CLASSES)
    fields = {name: value for name, value in vars(result).items() if name[0] != "_"}
    fields.pop("confusion_counts", None)
    page = write(tmp_path, result=type(result)(**{**fields, "groups": None}))
    assert "may have been trained on and tested" in page.text
    shared = np.arange(len(result.groups)) // 3
    page = write(tmp_path, result=type(result)(**{**fields, "groups": shared}))
    assert re.search(r"\d+ of the micrographs are in several folds", page.text)


@pytest.mark.usefixtures("without_thumbnails")
@pytest.mark.parametrize(
    ("y_pred", "classes"),
    [
        ([1, 0] * 20, (0, 1)),
        ([True, False] * 20, (False, True)),
        (pd.Series(["full", "empty"] * 20, dtype="category"), ("empty", "full")),
        (pd.Series([1, 0] * 20, dtype="Int64"), (0, 1)),
        (["$x$ & <td>", "_a\tb"] * 20, ("$x$ & <td>", "_a\tb")),
    ],
)
def test_labels_of_any_kind(tmp_path, y_pred, classes):
    estimate = make_estimate(y_pred, classes)
    page = write(tmp_path, estimate=estimate, y_pred=y_pred)
    names = [" ".join(str(label).split()) for label in classes]
    assert page.table("Share of each class among").index.tolist() == names


@pytest.mark.usefixtures("without_thumbnails")
def test_twelve_classes_of_long_names(tmp_path):
    classes = [f"{name}_of_a_very_long_name_{i}" for i in (1, 2) for name in "abcdef"]
    y_pred, y_proba = make_predictions(480, classes)
    page = write(
        tmp_path,
        estimate=make_estimate(y_pred, classes),
        particles=make_particles(480),
        y_pred=y_pred,
        y_proba=y_proba,
        result=make_result(classes, n=480),
    )
    assert page.table("Confusion matrix").columns.tolist() == classes
    # With 14 kB for each of the 16 particles of a class, it stays below 3 MB.
    assert len(page.html) < 5e5


@pytest.mark.usefixtures("without_thumbnails")
def test_equal_reports_are_equal_but_for_their_date(tmp_path):
    one, other = (
        re.sub("<time.*?</time>", "", write(tmp_path, y_proba=y_proba).html)
        for y_proba in [make_predictions()[1]] * 2
    )
    assert one == other


def test_no_figure_and_no_setting_is_left(tmp_path):
    before = pyplot.get_fignums(), matplotlib.get_backend(), dict(matplotlib.rcParams)
    write(tmp_path)
    after = pyplot.get_fignums(), matplotlib.get_backend(), dict(matplotlib.rcParams)
    assert after == before


@pytest.mark.usefixtures("without_thumbnails")
def test_report_replaces_a_file_as_a_whole(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    write(tmp_path)
    before = path.read_bytes()

    def fail(section):
        raise RuntimeError("drawing failed")

    monkeypatch.setattr("sklipo.evaluation.report.version_section", fail)
    with pytest.raises((RuntimeError, TypeError)):
        write(tmp_path, title="another")
    assert path.read_bytes() == before
    monkeypatch.undo()
    write(tmp_path, title="another")
    assert "another" in path.read_text()
    assert list(tmp_path.iterdir()) == [path]


def test_without_matplotlib_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install \"sklipo\[plot\]\""):
        write(tmp_path)
    assert not list(tmp_path.iterdir())


Y_PRED, Y_PROBA = make_predictions()
OTHER = np.where(np.arange(40) < 5, "full", Y_PRED)
BATCHES = {"a": make_estimate(Y_PRED[1::2]), "b": make_estimate(Y_PRED[::2])}
BAD = {
    "labels of experts": (
        {"result": make_result(CLASSES), "agreement": [Y_PRED, OTHER]},
        TypeError,
        "agreement is a list",
    ),
    "experts without a result": (
        {"agreement": AGREEMENT},
        ValueError,
        "result is None",
    ),
    "another length": ({"y_pred": Y_PRED[:-1]}, ValueError, "39 values for 40"),
    "no predictions": ({"y_pred": []}, ValueError, "y_pred"),
    "a missing one": ({"y_pred": [None, *Y_PRED[1:]]}, ValueError, "missing in row 0"),
    "other predictions": ({"y_pred": OTHER}, ValueError, "made of other predictions"),
    "numbers": ({"y_pred": [1] * 40}, ValueError, r"y_pred holds \[1\]"),
    "two unknown classes": (
        {"y_pred": ["dirt", "rod", *Y_PRED[2:]]},
        ValueError,
        r"y_pred holds \['rod'\]|y_pred holds",
    ),
    "fewer particles": (
        {"particles": make_particles(39), "y_pred": Y_PRED[:39]},
        ValueError,
        "of 40 particles, but there are 39",
    ),
    "no particles": ({"particles": []}, ValueError, "particles"),
    "a table": ({"estimate": BATCHES["a"].to_frame()}, TypeError, "is a DataFrame"),
    "no estimates": ({"estimate": {}}, ValueError, "empty"),
    "something in a dict": (
        {"estimate": {"a": 1}, "samples": "batch"},
        TypeError,
        r"estimate\['a'\] is a int",
    ),
    "samples left out": ({"estimate": BATCHES}, ValueError, "samples is None"),
    "samples of another name": (
        {"estimate": BATCHES, "samples": "micrograph"},
        ValueError,
        "expected the same",
    ),
    "samples exchanged": (
        {"estimate": {"a": BATCHES["b"], "b": BATCHES["a"]}, "samples": "batch"},
        ValueError,
        "of sample 'a'",
    ),
    "a missing micrograph": (
        {"particles": make_particles().assign(micrograph=None)},
        ValueError,
        "micrograph is missing in row 0",
    ),
    "no such column": ({"samples": "lot"}, ValueError, "no column 'lot'"),
    "samples of another length": ({"samples": [1, 2]}, ValueError, "samples has 2"),
    "samples that are images": ({"samples": "image"}, TypeError, "holds ndarray"),
    "a missing sample": (
        {"samples": [np.nan] + ["a"] * 39},
        ValueError,
        "samples is missing in row 0",
    ),
    "methods that differ": (
        {
            "estimate": {**BATCHES, "b": make_estimate(Y_PRED[::2], method="em")},
            "samples": "batch",
        },
        ValueError,
        "differ in method",
    ),
    "something else than a result": ({"result": 1}, TypeError, "result is a int"),
    "result of other classes": (
        {"result": make_result(("empty", "full"))},
        ValueError,
        "the estimate",
    ),
    "too few columns": ({"y_proba": Y_PROBA[:, :2]}, ValueError, r"shape \(40, 2\)"),
    "too few rows": ({"y_proba": Y_PROBA[:9]}, ValueError, r"shape \(9, 3\)"),
    "one column": ({"y_proba": Y_PROBA[:, 0]}, ValueError, "shape"),
    "scores": ({"y_proba": 5 * Y_PROBA}, ValueError, "from 0 to 1"),
    "a title of another kind": ({"title": 7}, ValueError, "title"),
    "no title": ({"title": " "}, ValueError, "title is empty"),
}


@pytest.mark.parametrize(("changes", "error", "match"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_before_anything_is_drawn(
    tmp_path, monkeypatch, changes, error, match
):
    def fail(*_, **__):
        raise AssertionError("something was drawn")

    monkeypatch.setattr("matplotlib.figure.Figure.__init__", fail)
    with pytest.raises(error, match=match):
        write(tmp_path, **changes)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("path", "error", "match"),
    [
        ("report.pdf", ValueError, r"ending in \.html"),
        ("report", ValueError, r"ending in \.html"),
        ("nowhere/report.html", FileNotFoundError, "There is no folder"),
        ("folder.html", IsADirectoryError, "is a folder"),
    ],
)
def test_bad_paths_are_refused(tmp_path, path, error, match):
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(error, match=match):
        write_report(tmp_path / path, make_estimate(Y_PRED), make_particles(), Y_PRED)


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_chromium_shows_and_prints_it(full, tmp_path):
    page, _ = full
    path = tmp_path / "report.html"
    path.write_text(page.html, encoding="utf-8")
    pdf = tmp_path / "report.pdf"
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--enable-logging=stderr",
        "--no-pdf-header-footer",
        f"--print-to-pdf={pdf}",
        path.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert "CONSOLE" not in done.stderr
    printed = pdf.read_bytes()
    n_pages = len(re.findall(rb"/Type /Page\b", printed))
    assert 3 <= n_pages <= 5
    # A4 in points.
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    sizes = np.array(boxes, float)
    np.testing.assert_allclose(sizes, [[595, 842]] * len(sizes), atol=1)
    if shutil.which("pdftotext"):
        command = ["pdftotext", str(pdf), "-"]
        text = subprocess.run(command, capture_output=True, text=True).stdout
        for heading in page.texts("h1", "h2"):
            assert heading in text
        assert f"{n_pages}/{n_pages}" in text.replace(" ", "")
