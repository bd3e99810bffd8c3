"""Models come back from a file as they were, and a file that lies runs nothing."""

import json
import pickle
import zipfile
from importlib import import_module
from inspect import isclass
from pathlib import Path
from pkgutil import walk_packages

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from packaging.version import Version
from pandas.testing import assert_frame_equal
from saving_cases import (
    PIPELINE,
    PROBABLE,
    RARE,
    SVC,
    assert_same,
    draw_particles,
    draw_rows,
    lipnet,
    reopen,
    rewrite,
    save_network,
    text_node,
)
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skorch.callbacks import EarlyStopping, EpochScoring, LRScheduler

import sklipo
from sklipo import (
    ArtificialOverSampler,
    EnsembleClassifier,
    EpochOverSampler,
    EpochUnderSampler,
    ImageArray,
    LipNetClassifier,
    ParticleFeatures,
    RandomAffine,
    RandomIntensity,
    Resize,
    SelectiveClassifier,
    make_lipnet_pipeline,
)
from sklipo.export import load_model, save_model, trusted_types
from sklipo.inspection import feature_maps
from sklipo.lipnet import (
    DeferredClassWeight,
    DropoutDecay,
    FocalLoss,
    LogitAdjustedLoss,
    StopOnDivergence,
    WeightDecay,
)
from sklipo.metrics import metric_scorer

DATA = Path(__file__).parent / "data"
SKLEARN = Version(sklearn.__version__)


@pytest.fixture(scope="module")
def particles():
    return draw_particles()


@pytest.fixture(scope="module")
def rows():
    return draw_rows()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return save_network(tmp_path_factory.mktemp("saved") / "lipnet.skops")


# Models of rows of pixels by name, and what they are fitted to if not to the labels.
OF_ROWS = {
    **{name: lipnet(name) for name in ("lipnet-2", "lipnet-4", "lipnet-6")},
    "tuple of layers": lipnet(("conv", "stride", "average")),
    "no convolution": lipnet(("pool", "dense")),
    "batch_norm": lipnet("lipnet-4c", batch_norm=True, test_time_augmentation=True),
    "callbacks": lipnet(
        early_stopping=True,
        callbacks=[
            DropoutDecay(),
            ("accuracy", EpochScoring("accuracy")),
            EarlyStopping("train_loss"),
            StopOnDivergence("go_back"),
        ],
    ),
    "augmentation": lipnet(
        augmentation=[RandomAffine(), RandomIntensity()],
        optimizer="sgd",
        learning_rate_schedule="cosine",
        weight_decay=WeightDecay(0.1),
    ),
    "losses": lipnet(
        loss=FocalLoss(),
        class_weight=DeferredClassWeight("balanced"),
        epoch_sampler=EpochOverSampler(),
        device=torch.device("cpu"),
    ),
    "logits": lipnet(loss=LogitAdjustedLoss(), epoch_sampler=EpochUnderSampler()),
    "search": GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()),
        {"logisticregression": [LogisticRegression(C=1), LogisticRegression(C=2)]},
        scoring=["accuracy", "f1_macro"],
        refit="f1_macro",
        cv=2,
    ),
    "union": make_pipeline(
        FeatureUnion([("log", FunctionTransformer(np.log1p)), ("net", lipnet())]),
        LogisticRegression(),
    ),
}
OF_PARTICLES = {
    "lipnet pipeline": PIPELINE,
    "svc": SVC,
    "svc with probability": PROBABLE,
    "ensemble": EnsembleClassifier([("a", PROBABLE), ("b", PIPELINE)], cv=2),
    "selective svc": SelectiveClassifier(PROBABLE, max_error=0.9, cv=2),
    "selective lipnet": SelectiveClassifier(PIPELINE, max_error=0.9, cv=2),
    "search": GridSearchCV(
        PIPELINE, {"resize__size": [4, 6]}, cv=StratifiedKFold(2), scoring="accuracy"
    ),
    "search by a metric": GridSearchCV(
        SVC, {"classify__C": [1, 2]}, cv=2, scoring=metric_scorer("F1")
    ),
    "smote": make_pipeline(
        ParticleFeatures(["area"]), SMOTE(k_neighbors=3, random_state=0), SVC[-1]
    ),
    "artificial": make_pipeline(
        ArtificialOverSampler(random_state=0), Resize(4), LogisticRegression()
    ),
}


def describe(value):
    """Return parameters as what compares: estimators and callbacks by theirs."""
    if isinstance(value, dict):
        return {key: describe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [type(value), *map(describe, value)]
    if hasattr(value, "get_params"):
        return [type(value), describe(value.get_params(deep=False))]
    return value.tolist() if isinstance(value, np.ndarray) else repr(value)


def check_model(model, X, y, folder, **params):
    model = clone(model).fit(X, y, **params)
    opened = reopen(model, folder)
    assert_same(model, opened, X)
    assert describe(opened) == describe(model)
    assert_same(model, pickle.loads(pickle.dumps(opened)), X)
    written = (folder / "model.skops").read_bytes()
    reopen(opened, folder)
    assert (folder / "model.skops").read_bytes() == written
    return model, opened


@pytest.mark.parametrize("name", OF_ROWS)
def test_models_of_rows_come_back(name, particles, rows, tmp_path):
    model, opened = check_model(OF_ROWS[name], rows, particles["label"], tmp_path)
    again = clone(opened).fit(rows, particles["label"])
    assert_same(clone(model).fit(rows, particles["label"]), again, rows)


@pytest.mark.filterwarnings("ignore:.* can't be decided")
@pytest.mark.parametrize("name", OF_PARTICLES)
def test_models_of_particles_come_back(name, particles, tmp_path):
    check_model(OF_PARTICLES[name], particles, RARE, tmp_path)


def test_networks_of_images_of_their_own_size_come_back(particles, tmp_path):
    some = particles[:10]
    model = make_lipnet_pipeline(
        ["conv", "average"], size="own", pixel_size=16, n_filters=2, max_epochs=1
    )
    check_model(model, some, np.arange(10) % 2, tmp_path)


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(36) % 2 == 0,
        np.arange(36) % 3,
        np.arange(36) % 3 * 1.0,
        np.array(list("abc"), dtype=object)[np.arange(36) % 3],
    ],
    ids=lambda labels: str(labels.dtype),
)
def test_labels_and_keys_of_every_kind_come_back(labels, rows, tmp_path):
    class_weight = {label: i + 1.0 for i, label in enumerate(np.unique(labels))}
    model = lipnet(class_weight=class_weight)
    _, opened = check_model(model, rows.astype(float), labels, tmp_path)
    assert opened.net_.module__dtype == torch.float64
    assert opened.class_weight == class_weight


def test_all_that_a_network_was_comes_back(particles, rows, tmp_path):
    y = particles["label"]
    before = torch.get_rng_state(), torch.random.initial_seed()
    model = OF_ROWS["callbacks"].fit(rows, y)
    opened = reopen(model, tmp_path)
    assert (torch.get_rng_state() == before[0]).all()
    assert_frame_equal(opened.history_, model.history_)
    assert opened.net_.module_.training is False
    for name, weights in model.net_.module_.state_dict().items():
        assert torch.equal(opened.net_.module_.state_dict()[name], weights)
        stride = opened.net_.module_.state_dict()[name].stride()
        assert stride == weights.stride()
    recorded = dict(opened.net_.callbacks_)["accuracy"].best_score_
    assert recorded == dict(model.net_.callbacks_)["accuracy"].best_score_
    np.testing.assert_array_equal(
        feature_maps(opened, rows[:1])[0], feature_maps(model, rows[:1])[0]
    )


def test_training_goes_on_with_a_new_optimizer(particles, rows, tmp_path):
    y = particles["label"]
    plain = lipnet(optimizer="sgd", momentum=0.0, warm_start=True)
    opened = reopen(plain.fit(rows, y), tmp_path)
    # Without momentum an optimizer has no state, so nothing is lost.
    assert_same(plain.fit(rows, y), opened.fit(rows, y), rows)
    assert opened.n_iter_ == 2
    assert_frame_equal(
        opened.history_.drop(columns="dur"), plain.history_.drop(columns="dur")
    )
    for _ in range(2):
        opened = reopen(opened.partial_fit(rows, y, np.unique(y)), tmp_path)
    assert opened.n_iter_ == 4


def test_pretrained_models_come_back(particles, rows, tmp_path):
    y = particles["label"]
    given = lipnet().fit(rows, y)
    joblib.dump(given, tmp_path / "given.joblib")
    for pretrained in (given, FrozenEstimator(given), tmp_path / "given.joblib"):
        model = lipnet(pretrained=pretrained, warm_start=True, optimizer="sgd")
        model.set_params(momentum=0.0).fit(rows, y)
        opened = reopen(model, tmp_path)
        # The groups of the optimizer, which learn at differing rates, are there again.
        assert_same(model.fit(rows, y), opened.fit(rows, y), rows)
    model = lipnet(pretrained=reopen(given, tmp_path)).fit(rows, y)
    assert_same(model, lipnet(pretrained=given).fit(rows, y), rows)


def test_requests_for_metadata_come_back(tmp_path):
    with sklearn.config_context(enable_metadata_routing=True):
        model = lipnet().set_fit_request(sample_weight="weights")
        opened = reopen(make_pipeline(Resize(8), model), tmp_path)[1]
        assert opened.get_metadata_routing().fit.requests["sample_weight"] == "weights"
        assert clone(opened).get_metadata_routing().fit.requests["groups"] is True


def test_network_trimmed_for_prediction_comes_back(particles, rows, tmp_path):
    model = lipnet().fit(rows, particles["label"])
    model.net_.trim_for_prediction()
    opened = reopen(model, tmp_path)
    assert_same(model, opened, rows)
    with pytest.raises(AttributeError):
        opened.set_params(warm_start=True).fit(rows, particles["label"])


def public_estimators():
    """Yield each public class of sklipo that has parameters."""
    for info in walk_packages(sklipo.__path__, "sklipo."):
        if "._" not in info.name:
            for kind in vars(import_module(info.name)).values():
                is_own = isclass(kind) and kind.__module__ == info.name
                if is_own and hasattr(kind, "get_params"):
                    if not kind.__name__.startswith("_"):
                        yield kind


# Those are made whole by what holds them, or are only there to be derived from.
NOT_BY_THEMSELVES = {"LipNetTrainer", "EpochSampler"}


@pytest.mark.parametrize(
    "kind", sorted(set(public_estimators()), key=str), ids=lambda kind: kind.__name__
)
def test_every_public_estimator_is_trusted_and_comes_back_unfitted(kind, tmp_path):
    if kind.__name__ in NOT_BY_THEMSELVES:
        return
    assert f"{kind.__module__}.{kind.__name__}" in trusted_types()
    if not hasattr(kind, "fit"):
        return
    needed = {"SelectiveClassifier": [SVC], "EnsembleClassifier": [[("a", SVC)]]}
    arguments = needed.get(kind.__name__, [])
    if kind.__name__ == "ImagePipeline":
        arguments = [PIPELINE.steps]
    model = kind(*arguments)
    assert describe(reopen(model, tmp_path)) == describe(model)


def build(image_shape, n_classes):
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(int(np.prod(image_shape)), n_classes)
    )


def test_what_can_not_be_held_is_named(rows, particles, tmp_path):
    y, path = particles["label"], tmp_path / "model.skops"
    net = LipNetClassifier(build, max_epochs=1).fit(rows, y)
    with pytest.raises(TypeError, match=r"net_: .*built by a callable.*joblib\.dump"):
        save_model(net, path)
    pipeline = make_pipeline(FunctionTransformer(lambda X: X), Resize())
    place = r"Pipeline\.steps\[0\]\[1\]\.func"
    with pytest.raises(TypeError, match=rf"{place} is .*lambda.*joblib\.dump"):
        save_model(pipeline, path)
    with pytest.raises(TypeError, match=r"\.class_weight\['a'\] is a torch\.Tensor"):
        save_model(lipnet(class_weight={"a": torch.zeros(1)}), path)
    circle = Resize()
    circle.size = [circle]
    with pytest.raises(TypeError, match=r"size\[0\] holds itself"):
        save_model(circle, path)
    callbacks = [LRScheduler()]
    save_model(lipnet(callbacks=callbacks), path)
    with pytest.raises(ValueError, match=r"not trusted: skorch\.callbacks\.lr"):
        load_model(path)
    for model in (Resize, "model", None, rows, particles):
        with pytest.raises(TypeError, match="expected an estimator"):
            save_model(model, path)


def test_file_is_written_whole_or_not_at_all(saved, tmp_path, monkeypatch):
    path = tmp_path / "model.skops"
    assert save_model(Resize(3), str(path)) is None

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sklipo.export._saved.archive._add", fail)
    with pytest.raises(OSError, match="No space"):
        save_model(Resize(5), path)
    monkeypatch.undo()
    assert load_model(str(path)).size == 3
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        save_model(Resize(5), tmp_path / "nowhere" / "model.skops")
    with pytest.raises(FileExistsError, match="no regular file"):
        save_model(Resize(5), tmp_path)


def test_other_versions_are_said_once(tmp_path, monkeypatch, rows, particles):
    model = make_pipeline(lipnet("lipnet-1"), StandardScaler(), LogisticRegression())
    save_model(model.fit(rows, particles["label"]), tmp_path / "model.skops")
    with zipfile.ZipFile(tmp_path / "model.skops") as archive:
        schema = json.loads(archive.read("schema.json"))
    packages = {"imbalanced-learn", "scikit-learn", "sklipo", "skorch", "torch"}
    assert set(schema["versions"]) == packages

    def change(schema):
        schema["versions"] |= {"scikit-learn": "1.2.3", "sklipo": "0.0.1"}
        steps = schema["content"]["content"]["steps"]["content"]
        for step in steps[1:]:
            state = step["content"][1]["content"]["content"]
            state["_sklearn_version"] = text_node("1.2.3")

    path = rewrite(tmp_path / "model.skops", tmp_path, change)
    with pytest.warns(UserWarning) as seen:
        opened = load_model(path)
    assert_same(model, opened, rows)
    [warning] = seen
    text = str(warning.message)
    assert "saved by scikit-learn 1.2.3, sklipo 0.0.1 and is opened by" in text
    assert f"sklipo {sklipo.__version__}" in text
    assert "torch" not in text
    assert warning.filename == __file__


@pytest.mark.parametrize("newer", ["99.0", "99.0.dev1", "99.0rc1", "0.1.1.dev0"])
def test_models_of_a_newer_sklipo_are_refused(newer, saved, tmp_path):
    path = rewrite(saved, tmp_path, lambda s: s["versions"].update(sklipo=newer))
    number = sklipo.__version__
    with pytest.raises(
        ValueError, match=rf"sklipo {newer}, .*newer than sklipo {number}"
    ):
        load_model(path)


def test_candidates_of_a_release_are_older_than_it(saved, tmp_path, monkeypatch):
    path = rewrite(saved, tmp_path, lambda s: s["versions"].update(sklipo="99.0rc1"))
    monkeypatch.setattr(
        "sklipo.export.saving.installed_versions",
        lambda names: dict.fromkeys(names, "99.0"),
    )
    with pytest.warns(UserWarning, match=r"sklipo 99\.0rc1.* opened by .*sklipo 99\.0"):
        load_model(path)


def test_parameters_newer_than_the_file_take_their_defaults(saved, tmp_path):
    def change(schema):
        state = schema["content"]["content"]
        del state["layer_decay"]
        keys = schema["content"]["key_types"]["content"]
        keys.pop()

    assert load_model(rewrite(saved, tmp_path, change)).layer_decay == 0.7


MODELS = sorted(DATA.glob("*.skops"))


def test_there_are_models_of_releases():
    assert MODELS


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore:.*was saved by:UserWarning")
def test_models_of_all_releases_open_and_predict_the_same(path):
    with zipfile.ZipFile(path) as archive:
        versions = json.loads(archive.read("schema.json"))["versions"]
    if Version(versions["scikit-learn"]) > SKLEARN:
        pytest.skip("scikit-learn does not promise to open what a newer one saved")
    release = "-".join(path.stem.split("-")[:2])
    with np.load(DATA / f"{release}.npz") as pixels:
        n_particles = len(pixels.files) // 2
        particles = pd.DataFrame(
            {
                name: ImageArray([pixels[f"{name}_{i}"] for i in range(n_particles)])
                for name in ("image", "mask")
            }
        )
    expected = json.loads(path.with_suffix(".json").read_text())
    model = load_model(path)
    assert model.predict(particles).tolist() == expected["predict"]
    found = model.predict_proba(particles)
    np.testing.assert_allclose(found, expected["predict_proba"], rtol=1e-4, atol=1e-6)
