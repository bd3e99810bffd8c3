import numpy as np
import pandas as pd
import pytest
from onnx import TensorProto
from onnx.helper import (
    make_graph,
    make_model,
    make_node,
    make_opsetid,
    make_tensor_value_info,
    set_model_props,
)
from onnx.numpy_helper import from_array
from page_cases import (
    Page,
    check_shares,
    fit_model,
    make_particles,
    needs_browser,
    other_tab,
    write_particles,
    write_png,
)
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import sklipo
from sklipo import SelectiveClassifier, estimate_prevalence
from sklipo.export import to_html
from sklipo.export._graphs.conversion import describe


@pytest.fixture(scope="module")
def particles():
    return make_particles()


@pytest.fixture(scope="module")
def model():
    return fit_model()


def make_graph_in_nm():
    """Return a graph of the area in nm, and what it takes and returns."""
    nodes = [
        make_node("Cast", ["mask"], ["ones"], to=TensorProto.DOUBLE),
        make_node("ReduceSum", ["ones"], ["pixels"], keepdims=0),
        make_node("Mul", ["pixels", "pixel_size"], ["part"]),
        make_node("Mul", ["part", "pixel_size"], ["area"]),
        make_node("Div", ["area", "scale"], ["logit"]),
        make_node("Sigmoid", ["logit"], ["large"]),
        make_node("Sub", ["one", "large"], ["small"]),
        make_node("Unsqueeze", ["small", "axes"], ["small_1"]),
        make_node("Unsqueeze", ["large", "axes"], ["large_1"]),
        make_node("Concat", ["small_1", "large_1"], ["both"], axis=0),
        make_node("Unsqueeze", ["both", "axes"], ["row"]),
        make_node("Cast", ["row"], ["probabilities"], to=TensorProto.FLOAT),
        make_node("ArgMax", ["both"], ["code"], axis=0),
        make_node("Gather", ["names", "code"], ["label"]),
    ]
    shape = ["height", "width"]
    inputs = [
        make_tensor_value_info("image", TensorProto.FLOAT, shape),
        make_tensor_value_info("mask", TensorProto.BOOL, shape),
        make_tensor_value_info("pixel_size", TensorProto.DOUBLE, []),
    ]
    outputs = [
        make_tensor_value_info("label", TensorProto.STRING, [1]),
        make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 2]),
    ]
    constants = [
        from_array(np.array(5000.0), "scale"),
        from_array(np.array(1.0), "one"),
        from_array(np.array([0]), "axes"),
        from_array(np.array(["1", "2"], object), "names"),
    ]
    graph = make_graph(nodes, "area", inputs, outputs, constants)
    proto = make_model(graph, opset_imports=[make_opsetid("", 18)], ir_version=8)
    metadata = {
        "classes": '["1", "2"]',
        "starts_at": "image",
        "reason": "",
        "pixels": "uint8",
        "unit": "nm",
        "sklipo_version": sklipo.__version__,
    }
    set_model_props(proto, metadata)
    return proto, describe(proto)


@needs_browser
def test_a_model_in_nm_asks_for_the_pixel_size(
    browser, model, particles, tmp_path, downloads, monkeypatch
):
    made = make_graph_in_nm()
    monkeypatch.setattr("sklipo.export.html_pages.convert", lambda model: made)
    to_html(model, tmp_path / "nm.html")
    paths = write_particles(tmp_path, particles[:3])
    wide = write_png(tmp_path / "wide.png", np.full((9, 9), 300, np.uint16))
    table = tmp_path / "sizes.csv"
    table.write_text(f"image,mask,pixel_size\n{paths[0].name},{paths[1].name},0.2\n")
    with other_tab(browser):
        page = Page(browser, tmp_path / "nm.html")
        page.find("files").send_keys("\n".join(map(str, [*paths, wide])))
        page.wait("return document.getElementById('pixel-size-dialog').open")
        page.find("pixel-size-answer").send_keys("0.7\ue007")
        page.wait_until_read()
        (text,) = page.problems().values()
        assert text.startswith(
            "Its pixels are uint16, and the model was fitted to uint8"
        )
        in_page = pd.read_csv(page.save(downloads))
        page.remove_all()
        page.choose(table, *paths[:2])
        found = pd.concat([in_page, pd.read_csv(page.save(downloads))])
        assert page.text("classes") == "1, 2"
        assert not page.find("corrected").is_displayed()
    assert found["pixel_size"].tolist() == [0.7, 0.7, 0.7, 0.2]
    areas = np.array(
        [np.asarray(mask).sum() for mask in particles["mask"][[0, 1, 2, 0]]]
    )
    expected = expit(areas * found["pixel_size"] ** 2 / 5000)
    np.testing.assert_allclose(found["probability_2"], expected, atol=1e-6)


@needs_browser
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_model_that_may_be_unsure(browser, particles, tmp_path, downloads):
    model = SelectiveClassifier(
        make_pipeline(sklipo.Resize(6), LogisticRegression(max_iter=500)),
        max_error=0.2,
        cv=3,
    )
    means = np.array([np.asarray(image).mean() for image in particles["image"]])
    y = np.where(means > np.median(means), "bright", "dark")
    model.fit(particles, y)
    expected = model.predict(particles)
    assert set(expected) == {"bright", "dark", "unsure"}
    to_html(model, tmp_path / "unsure.html", result=model.decided_result_)
    with other_tab(browser):
        page = Page(browser, tmp_path / "unsure.html")
        page.choose(*write_particles(tmp_path, particles))
        table = pd.read_csv(page.save(downloads))
        page.wait("return !document.getElementById('corrected').ariaBusy")
        rows = page.browser.execute_script(
            "return [...document.querySelectorAll('#shares tr')].map("
            "(row) => JSON.parse(row.dataset.share))"
        )
        # Nobody can confirm that a particle is unsure.
        page.focus_card(int(np.flatnonzero(expected == "unsure")[0]))
        page.find("confirm").click()
        assert page.text("counts-note").endswith("0 have a class given by hand.")
    assert table["prediction"].tolist() == expected.tolist()
    assert list(table.filter(like="probability_")) == [
        "probability_bright",
        "probability_dark",
    ]
    estimate = estimate_prevalence(model.decided_result_, expected)
    check_shares(rows, estimate, atol=0.1)
