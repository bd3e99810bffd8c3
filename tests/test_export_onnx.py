"""to_onnx: whole pipelines as ONNX graphs, compared with the models themselves."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from export_cases import (
    check_parity,
    classes_of,
    drawn_particles,
    odd_particles,
    real_particles,
    run,
)
from imblearn.ensemble import BalancedRandomForestClassifier
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC, SVR

from sklipo import (
    ApplyMask,
    CropToMask,
    EnsembleClassifier,
    LipNetClassifier,
    NormalizeBackground,
    OwnSizeLipNetClassifier,
    Resize,
    SelectiveClassifier,
    make_lipnet_pipeline,
    make_svc_pipeline,
)
from sklipo.export import to_onnx

TINY = {"n_filters": 4, "hidden_units": 8, "max_epochs": 1, "random_state": 0}
EMPS = Path(__file__).parents[2] / "shared" / "data" / "emps_cutouts"


def fit(model, particles):
    return model.fit(particles, particles["label"])


@pytest.mark.parametrize(
    ("architecture", "mode", "intensity"),
    [
        ("lipnet-1", "surrounding", "none"),
        ("lipnet-2", "masked", "noise"),
        ("lipnet-4", "cropped", "contrast"),
        ("lipnet-4c", "surrounding", "noise"),
        ("lipnet-6", "masked", "contrast"),
    ],
)
def test_lipnet_pipelines(architecture, mode, intensity, tmp_path):
    particles = odd_particles()
    model = make_lipnet_pipeline(
        architecture, input_mode=mode, intensity=intensity, **TINY
    )
    export = check_parity(fit(model, particles), particles, tmp_path / "model.onnx")
    assert export.inputs == {
        "image": "float32 (height, width)",
        "mask": "bool (height, width)",
    }
    assert export.outputs == {"label": "str (1,)", "probabilities": "float32 (1, 3)"}
    assert export.starts_at == "image"
    assert export.metadata["input_mode"] == mode
    assert export.metadata["pixels"] == ("uint8" if intensity == "none" else "any")
    assert classes_of(export) == model.classes_.tolist()


@pytest.mark.skipif(not EMPS.exists(), reason="needs the real particles")
def test_real_particles(tmp_path):
    particles = real_particles(EMPS)
    model = make_lipnet_pipeline("lipnet-4", keep_aspect_ratio=True, **TINY)
    check_parity(fit(model, particles), particles, tmp_path / "model.onnx")


def linear(*steps):
    """Return a pipeline that sees pixels as linear models do: quick to export."""
    return make_pipeline(*steps, StandardScaler(), LogisticRegression(C=0.01))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("intensity", ["contrast", "noise", "none"])
def test_types_of_pixels(dtype, intensity, tmp_path):
    particles = odd_particles(dtype)
    model = fit(linear(NormalizeBackground(intensity), Resize(9)), particles)
    check_parity(model, particles, tmp_path / "model.onnx", dtype=dtype)
    export = check_parity(model, particles, tmp_path / "model.onnx")
    kind = "float" if dtype == "float32" else dtype
    assert export.metadata["pixels"] == (kind if intensity == "none" else "any")


def test_raw_pixels_of_another_type_are_refused(tmp_path):
    model = fit(linear(Resize(9)), odd_particles("uint8"))
    with pytest.raises(ValueError, match="raw scale of uint8 pixels"):
        to_onnx(model, tmp_path / "model.onnx", dtype="uint16")
    assert not (tmp_path / "model.onnx").exists()


def test_double_precision(tmp_path):
    particles = odd_particles("float64")
    model = fit(make_lipnet_pipeline("lipnet-2", **TINY), particles)
    assert model.predict_proba(particles).dtype == np.float64
    check_parity(model, particles, tmp_path / "model.onnx")


def test_particles_without_masks(tmp_path):
    particles = odd_particles().drop(columns="mask")
    steps = NormalizeBackground(), CropToMask(), ApplyMask(), Resize(8)
    check_parity(fit(linear(*steps), particles), particles, tmp_path / "model.onnx")


@pytest.mark.parametrize("shape", [(9, 30), (1, 12), (100, 7), (1, 1)])
@pytest.mark.parametrize("keep_aspect_ratio", [True, False])
def test_sizes(shape, keep_aspect_ratio, tmp_path):
    particles = odd_particles()
    model = linear(
        CropToMask(margin=7),
        ApplyMask(fill_value=3),
        Resize(shape, keep_aspect_ratio=keep_aspect_ratio, fill_value=200),
    )
    check_parity(fit(model, particles), particles, tmp_path / "model.onnx")


def test_options_of_networks(tmp_path):
    particles = odd_particles()
    model = make_lipnet_pipeline(
        ("conv", "stride", "conv", "average"),
        size=8,
        batch_norm=True,
        test_time_augmentation=True,
        **TINY,
    )
    check_parity(fit(model, particles), particles, tmp_path / "model.onnx")


def build_network(image_shape, n_classes):
    return torch.nn.Sequential(
        torch.nn.AdaptiveAvgPool2d(4),
        torch.nn.Flatten(),
        torch.nn.GELU(),
        torch.nn.Linear(16, n_classes),
    )


def test_network_of_a_callable(tmp_path):
    particles = odd_particles()
    model = make_lipnet_pipeline(build_network, size=16, max_epochs=1, random_state=0)
    check_parity(fit(model, particles), particles, tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("architecture", "region", "pixel_size", "averaged"),
    [
        (("conv", "pool", "conv", "stride", "average"), "mask", 2.7, False),
        (("stride", "average"), "image", None, True),
    ],
)
def test_own_size(architecture, region, pixel_size, averaged, tmp_path):
    particles = odd_particles()
    model = OwnSizeLipNetClassifier(
        architecture,
        region=region,
        pixel_size=pixel_size,
        test_time_augmentation=averaged,
        batch_norm=True,
        n_filters=4,
        max_epochs=1,
        random_state=0,
    )
    export = check_parity(fit(model, particles), particles, tmp_path / "model.onnx")
    assert ("pixel_size" in export.inputs) == (pixel_size is not None)
    assert export.metadata["unit"] == ("nm" if pixel_size else "px")


@pytest.mark.parametrize("opset", [18, 21, 23])
def test_opsets(opset, tmp_path):
    particles = odd_particles(n_samples=20)
    model = make_pipeline(
        NormalizeBackground("contrast"),
        Resize(6),
        StandardScaler(),
        CalibratedClassifierCV(SVC(), cv=2, ensemble=False),
    )
    path = tmp_path / "model.onnx"
    check_parity(fit(model, particles), particles, path, opset=opset)
    versions = {part.domain: part.version for part in onnx.load(path).opset_import}
    assert versions[""] <= opset


def test_rows_of_pixels(tmp_path):
    particles = drawn_particles()
    model = fit(make_lipnet_pipeline("lipnet-2", **TINY), particles)
    export = to_onnx(model[-1], tmp_path / "model.onnx")
    assert export.inputs == {"rows": "float32 (n_samples, 784)"}
    assert export.starts_at == "rows"
    rows = model[:-1].transform(particles)
    session = onnxruntime.InferenceSession(export.path)
    for part in (rows, rows[:1]):
        labels, probabilities = session.run(None, {"rows": part})
        assert (labels == model[-1].predict(part)).all()
        np.testing.assert_allclose(
            probabilities, model[-1].predict_proba(part), atol=1e-5
        )


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ([3, 7, 11], "network"),
        ([3, 7, 11], "svm"),
        ([False, True], "svm"),
        (["a", "ä b"], "svm"),
    ],
)
def test_labels(labels, kind, tmp_path):
    particles = odd_particles()
    y = np.resize(labels, len(particles))
    last = LipNetClassifier("lipnet-1", **TINY) if kind == "network" else SVC()
    model = make_pipeline(CropToMask(), Resize(5), last).fit(particles, y)
    export = to_onnx(model, tmp_path / "model.onnx")
    assert export.classes == [str(label) for label in labels]
    found = run(export.path, particles)[0]
    assert (found == model.predict(particles).astype(str)).all()
    assert ("probabilities" in export.outputs) == (kind == "network")


def test_samplers_searches_and_frozen_estimators(tmp_path):
    particles = odd_particles()
    normalized = NormalizeBackground().transform(particles)
    model = linear(
        NormalizeBackground(),
        "passthrough",
        FrozenEstimator(make_pipeline(CropToMask(), Resize(8)).fit(normalized)),
        SMOTE(k_neighbors=2, random_state=0),
        FeatureUnion([("pca", PCA(4)), ("all", "passthrough"), ("no", "drop")]),
        RandomOverSampler(random_state=0),
    )
    search = GridSearchCV(model, {"logisticregression__C": [0.1, 1]}, cv=2)
    frozen = FrozenEstimator(fit(search, particles))
    export = check_parity(frozen, particles, tmp_path / "model.onnx")
    steps = json.loads(export.metadata["steps"])
    assert list(steps.values())[-1] == "LogisticRegression"


def test_ensemble_of_networks(tmp_path):
    particles = odd_particles()
    members = [
        ("one", make_lipnet_pipeline("lipnet-1", size=6, **TINY)),
        ("two", linear(Resize(4))),
    ]
    model = EnsembleClassifier(members, weights=[1, 3], cv=2)
    fit(model, particles)
    assert model.temperature_ != 1
    export = check_parity(model, particles, tmp_path / "model.onnx")
    assert export.metadata["input_mode"] == "masked, surrounding"


def test_ensemble_of_rows(tmp_path):
    rows, y = make_blobs(40, centers=3, random_state=0)
    members = [("linear", LogisticRegression()), ("forest", forest())]
    model = EnsembleClassifier(members, calibrate=False).fit(rows, y)
    export = to_onnx(model, tmp_path / "model.onnx")
    assert export.inputs == {"rows": "float64 (n_samples, 2)"}
    session = onnxruntime.InferenceSession(export.path)
    probabilities = session.run(["probabilities"], {"rows": rows})[0]
    np.testing.assert_allclose(probabilities, model.predict_proba(rows), atol=1e-6)


def forest():
    return BalancedRandomForestClassifier(
        10, sampling_strategy="all", replacement=True, bootstrap=False, random_state=0
    )


def test_selective_classifier(tmp_path):
    particles = odd_particles()
    model = SelectiveClassifier(linear(Resize(6)), unsure="?")
    with pytest.warns(UserWarning, match="can't be decided"):
        fit(model, particles)
    model.thresholds_ = np.array(
        [0.3, np.inf, np.median(model.predict_proba(particles))]
    )
    decided = model.predict(particles) != "?"
    assert 0 < decided.sum() < len(particles)
    export = check_parity(model, particles, tmp_path / "model.onnx")
    assert export.metadata["unsure"] == "?"
    assert "?" not in export.classes


def test_a_group_without_a_form(tmp_path):
    particles = drawn_particles()
    model = fit(make_svc_pipeline(["area", "lamellae"], probability=True), particles)
    with pytest.warns(UserWarning, match="takes the measures instead") as caught:
        export = to_onnx(model, tmp_path / "model.onnx")
    assert caught[0].filename == __file__
    assert export.starts_at == export.metadata["starts_at"] == "features"
    assert "'lamellae'" in export.reason
    names = model["features"].get_feature_names_out().tolist()
    assert json.loads(export.metadata["feature_names"]) == names
    features = model["features"].transform(particles)
    session = onnxruntime.InferenceSession(export.path)
    labels, probabilities = session.run(None, {"features": features})
    assert (labels == model.predict(particles)).all()
    np.testing.assert_allclose(probabilities, model.predict_proba(particles), atol=1e-5)


def test_measures_without_a_form_beside_pixels(tmp_path):
    particles = drawn_particles()
    members = [
        ("measures", make_svc_pipeline(["lamellae"], probability=True)),
        ("pixels", linear(Resize(4))),
    ]
    model = fit(EnsembleClassifier(members, calibrate=False), particles)
    with pytest.raises(ValueError, match=r"\['lamellae'\].*see pixels"):
        to_onnx(model, tmp_path / "model.onnx")


def list_areas(particles):
    return np.array([[mask.sum()] for mask in particles["mask"]])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            make_pipeline(Resize(4), LabelSpreading()),
            "'labelspreading'.*LabelSpreading",
        ),
        (make_pipeline(Resize(4), FunctionTransformer(np.sqrt), SVC()), "'function"),
        (make_pipeline(FunctionTransformer(), Resize(4), SVC()), "where it stands"),
        (CalibratedClassifierCV(linear(Resize(4)), cv=2), "^Calibrated.* where it"),
        (VotingClassifier([("a", linear(Resize(4)))], voting="soft"), "^Voting"),
        (make_pipeline(FunctionTransformer(list_areas), SVC()), "'functiontransformer"),
        (make_pipeline(Resize(4), SVR()), "'svr': SVR"),
    ],
)
def test_steps_without_a_form_are_named(model, message, tmp_path):
    particles = drawn_particles()
    y = particles["label"]
    if "svr" in getattr(model, "named_steps", ()):
        y = np.arange(len(y), dtype=float)
    with pytest.raises(ValueError, match=message):
        to_onnx(model.fit(particles, y), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_what_is_no_fitted_classifier(tmp_path):
    with pytest.raises(NotFittedError):
        to_onnx(make_lipnet_pipeline(), tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="'model' parameter"):
        to_onnx("model.joblib", tmp_path / "model.onnx")
    model = fit(linear(Resize(4)), drawn_particles())
    with pytest.raises(FileNotFoundError, match="no folder"):
        to_onnx(model, tmp_path / "nowhere" / "model.onnx")
    with pytest.raises(ValueError, match="'opset' parameter"):
        to_onnx(model, tmp_path / "model.onnx", opset=17)


@pytest.mark.parametrize(
    ("image", "mask", "message"),
    [
        (np.ones((3, 4)), np.ones((4, 3)), "'mask_must_have_the_shape_of_image"),
        (np.ones((3, 4)), np.ones((1, 4)), "mask_must_have_the_shape_of_image"),
        (np.ones((3, 4)), np.zeros((3, 4)), "mask_must_have_a_pixel_inside"),
        (np.ones((0, 4)), np.ones((0, 4)), "mask_must_have_a_pixel_inside"),
        (np.full((3, 4), np.nan), np.ones((3, 4)), "image_must_have_finite_pixels"),
        (np.full((3, 4), np.inf), np.ones((3, 4)), "image_must_have_finite_pixels"),
    ],
)
def test_errors_of_the_graph(image, mask, message, tmp_path):
    particles = drawn_particles()
    model = linear(NormalizeBackground(), CropToMask(), Resize(4))
    export = to_onnx(fit(model, particles), tmp_path / "model.onnx")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(export.path, options)
    inputs = {"image": image.astype("float32"), "mask": mask.astype(bool)}
    with pytest.raises(Exception, match=message):
        session.run(None, inputs)


@pytest.mark.parametrize("pixel_size", [0.0, -1.0, np.nan, np.inf])
def test_pixel_sizes_that_are_none(pixel_size, tmp_path):
    particles = drawn_particles()
    model = fit(make_svc_pipeline(["area"]), particles)
    export = to_onnx(model, tmp_path / "model.onnx")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(export.path, options)
    inputs = {
        "image": particles["image"][0].astype("float32"),
        "mask": particles["mask"][0],
        "pixel_size": np.array(pixel_size),
    }
    with pytest.raises(Exception, match="pixel_size_must_be_above_0"):
        session.run(None, inputs)


def test_file_runs_without_sklipo(tmp_path):
    particles = drawn_particles(3)
    model = fit(make_lipnet_pipeline("lipnet-1", **TINY), drawn_particles())
    to_onnx(model, tmp_path / "model.onnx")
    np.savez(
        tmp_path / "one.npz", image=particles["image"][0], mask=particles["mask"][0]
    )
    script = """
        import sys

        class OnlyNumpy:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in ("sklipo", "sklearn", "torch", "pandas"):
                    raise ImportError(name)

        sys.meta_path.insert(0, OnlyNumpy())
        import numpy, onnxruntime
        session = onnxruntime.InferenceSession("model.onnx")
        one = dict(numpy.load("one.npz"))
        one["image"] = one["image"].astype("float32")
        print(session.run(["label"], one)[0][0])
    """
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == model.predict(particles)[0]


def test_export_changes_neither_model_nor_generators(tmp_path):
    particles = drawn_particles()
    model = fit(make_lipnet_pipeline("lipnet-1", batch_norm=True, **TINY), particles)
    before = model.predict_proba(particles)
    states = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    to_onnx(model, tmp_path / "model.onnx")
    assert (model.predict_proba(particles) == before).all()
    assert (torch.get_rng_state() == states[0]).all()
    assert (np.random.get_state()[1] == states[1]).all()  # noqa: NPY002
