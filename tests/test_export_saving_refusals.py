"""A file that lies, is damaged or is another one runs nothing, and is refused."""

import pickle
import zipfile
from importlib import import_module
from inspect import isclass
from pathlib import Path

import numpy as np
import pytest
import sklearn
import skops.io as skops
import torch
from imblearn.pipeline import make_pipeline
from packaging.version import Version
from saving_cases import (
    assert_same,
    dict_node,
    draw_particles,
    draw_rows,
    node,
    reopen,
    rewrite,
    save_network,
    text_node,
    tuple_node,
)
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression

import sklipo
from sklipo.export import load_model, trusted_types

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


def test_trusted_types_are_classes_by_their_names():
    assert trusted_types() == sorted(set(trusted_types()))
    for name in trusted_types():
        module, _, kind = name.rpartition(".")
        assert module.partition(".")[0] in ("imblearn", "sklearn", "skorch", "sklipo")
        if kind == "_TemperatureScaling" and SKLEARN < Version("1.8"):
            continue
        found = getattr(import_module(module), kind)
        # A base class would stand for more than its name says.
        assert isclass(found)
        assert found.__module__ == module
        # skorch nets and decision trees restore themselves from what they are given.
        assert not issubclass(found, torch.nn.Module | sklipo.lipnet.LipNetTrainer)


class Mark:
    """Leaves a mark where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def planted(mark):
    """Return what would leave a mark, by name, as a part of a schema."""
    path = tuple_node(text_node(f"touch {mark}"))
    call = node("ConstructorFromReduceNode", "posix.system", path)
    touch = node(
        "ConstructorFromReduceNode", "pathlib.Path", tuple_node(text_node(str(mark)))
    )
    eval_key = dict_node(x=text_node(1))
    eval_key["content"] = {
        f"__import__('pathlib').Path({str(mark)!r}).touch()": text_node(1)
    }
    eval_key["key_types"]["content"] = [node("TypeNode", "builtins.eval")]
    nothing, no_names = tuple_node(), dict_node()
    partial = {"func": node("FunctionNode", "posix.system"), "args": path}
    return {
        "function as a class": call,
        "type of keys": eval_key,
        "partial": node(
            "PartialNode",
            "functools.partial",
            {**partial, "kwds": no_names, "namespace": no_names},
        ),
        "methodcaller": node(
            "OperatorFuncNode",
            "operator.methodcaller",
            attrs=tuple_node(text_node("touch")),
        ),
        "method": node("MethodNode", "pathlib.Path", {"func": "touch", "obj": touch}),
        "function": node("FunctionNode", "posix.system"),
        "getattr": node("ConstructorFromReduceNode", "builtins.getattr", nothing),
        "reduce": node(
            "TreeNode",
            "posix.system",
            dict_node(),
            __reduce__={"args": path},
        ),
        "pickle in a net": node(
            "ObjectNode",
            "sklipo.lipnet.trainer.LipNetTrainer",
            dict_node(
                device=text_node("cpu"),
                __cuda_dependent_attributes__=node(
                    "BytesNode", "builtins.bytes", file="99.bin"
                ),
            ),
        ),
        "old protocol": node(
            "FunctionNode",
            "posix.system",
            {"module_path": "posix", "function": "system"},
        ),
        "random": node(
            "RandomGeneratorNode",
            "numpy.random._generator.Generator",
            {
                "bit_generator": dict_node(bit_generator=text_node("seed")),
                "seed_seq": dict_node(),
            },
        ),
    }


PLACES = {
    "root": lambda schema, plant: schema.update(plant),
    "attribute": lambda schema, plant: schema["content"]["content"].update(
        n_filters=plant
    ),
    "state of a listed type": lambda schema, plant: schema["content"]["content"][
        "weight_decay"
    ]["content"]["content"].update(strength=plant),
    "part": lambda schema, plant: schema["content"]["content"]["net_"]["content"][
        "content"
    ].__setitem__(1, plant),
    "architecture": lambda schema, plant: schema["content"]["content"]["net_"][
        "content"
    ]["content"][1]["content"]["settings"]["content"].update(
        module__architecture=plant
    ),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", planted("mark"))
def test_planted_payloads_do_not_run(name, place, saved, tmp_path):
    mark = tmp_path / "mark"
    plant = planted(mark)[name]

    def change(schema):
        PLACES[place](schema, plant)
        if name == "old protocol":
            schema["protocol"] = 0

    payload = pickle.dumps(Mark(mark))
    path = rewrite(saved, tmp_path, change, {"99.bin": payload})
    with pytest.raises(ValueError, match="not trusted"):
        load_model(path)
    assert not mark.exists()


def test_payloads_would_leave_a_mark(saved, tmp_path):
    # What the test above relies on: the same files run where all is trusted.
    mark = tmp_path / "mark"
    pickle.loads(pickle.dumps(Mark(mark)))
    assert mark.exists()
    mark.unlink()
    plants = planted(mark)
    for name in ("function as a class", "type of keys", "pickle in a net"):
        path = rewrite(
            saved,
            tmp_path,
            lambda schema, plant=plants[name]: schema.update(plant),
            {"99.bin": pickle.dumps(Mark(mark))},
        )
        names = skops.get_untrusted_types(file=path)
        try:
            skops.load(path, trusted=[*trusted_types(), *names])
        except Exception:
            pass  # it has run before
        assert mark.exists(), name
        mark.unlink()


def test_a_pickle_in_the_place_of_an_array_does_not_run(saved, tmp_path):
    mark = tmp_path / "mark"
    objects = tmp_path / "objects.npy"
    np.save(objects, np.array([Mark(mark)]), allow_pickle=True)
    for content in (pickle.dumps(Mark(mark)), objects.read_bytes()):
        with zipfile.ZipFile(saved) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
        path = rewrite(saved, tmp_path, members=dict.fromkeys(names, content))
        with pytest.raises(ValueError, match="damaged"):
            load_model(path)
    assert not mark.exists()


def truncated(saved):
    return saved.read_bytes()[:-300]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (
            lambda saved, mark: pickle.dumps(Mark(mark)),
            "is a pickle.*joblib.load if you",
        ),
        (lambda saved, mark: b"", "is empty"),
        (lambda saved, mark: b"\x1f\x8b" + bytes(50), "compressed file.*joblib.load"),
        (lambda saved, mark: b"\x78\x9c" + bytes(50), "compressed file.*joblib.load"),
        (lambda saved, mark: b"a text\n", "no file that save_model wrote"),
        (lambda saved, mark: truncated(saved), "damaged or was not copied as a whole"),
        (lambda saved, mark: bytes(100), "no file that save_model wrote"),
    ],
    ids=["pickle", "empty", "gzip", "zlib", "text", "truncated", "zeros"],
)
def test_other_files_are_refused(content, match, saved, tmp_path):
    mark = tmp_path / "mark"
    (tmp_path / "other.skops").write_bytes(content(saved, mark))
    with pytest.raises(ValueError, match=f"other.skops.*{match}"):
        load_model(tmp_path / "other.skops")
    assert not mark.exists()


def test_other_files_are_told_apart_by_their_endings(tmp_path, rows):
    (tmp_path / "model.onnx").write_bytes(b"\x08\x0a\x12\x06sklipo")
    with pytest.raises(ValueError, match=r"ONNX.*onnxruntime\.InferenceSession"):
        load_model(tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="is a folder"):
        load_model(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_model(tmp_path / "nowhere.skops")
    torch.save({"weights": torch.zeros(3)}, tmp_path / "weights.pt")
    np.savez(tmp_path / "arrays.npz", rows=rows)
    skops.dump(LogisticRegression(), tmp_path / "plain.skops")
    for name in ("weights.pt", "arrays.npz", "plain.skops"):
        with pytest.raises(ValueError, match="none that save_model wrote"):
            load_model(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "members"),
    [
        (b"no json", {}),
        (b"[1]", {}),
        (b"{}", {}),
        (b"1", {}),
        (b"[" * 100_000, {}),
        (None, {"../evil.npy": b""}),
        (None, {"/tmp/evil.npy": b""}),
        (None, {"code.py": b""}),
        (None, {"schema.json": None}),
        (None, {"0.npy": None}),
        (None, {"0.npy": b""}),
    ],
    ids=lambda value: str(value)[:20],
)
def test_damaged_archives_are_refused(text, members, saved, tmp_path):
    path = rewrite(saved, tmp_path, text=text, members=members)
    with pytest.raises(ValueError, match=r"changed.skops.*(damaged|save_model wrote)"):
        load_model(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda schema: schema.update(protocol=True),
        lambda schema: schema.update(protocol=10**6),
        lambda schema: schema.update(versions=[]),
        lambda schema: schema.update(versions={"sklipo": 1}),
        lambda schema: schema.update(versions={"sklipo": "new"}),
        lambda schema: schema.update(versions={"sklipo": "0.1", "os": "1"}),
        lambda schema: schema.update(text_node("no estimator")),
        lambda schema: schema.pop("__loader__"),
        lambda schema: schema.update(content=schema),
    ][:-1],
)
def test_damaged_schemas_are_refused(change, saved, tmp_path):
    with pytest.raises(ValueError, match=r"changed\.skops"):
        load_model(rewrite(saved, tmp_path, change))


def test_files_with_wrong_bytes_are_refused(saved, tmp_path):
    data, rng = saved.read_bytes(), np.random.default_rng(0)
    path, n_refused = tmp_path / "wrong.skops", 0
    for _ in range(150):
        wrong = bytearray(data)
        place = rng.integers(len(data))
        wrong[place : place + 3] = rng.bytes(3)
        path.write_bytes(wrong)
        try:
            load_model(path)
        except ValueError:
            n_refused += 1
    # Some bytes say nothing, such as the day of a member.
    assert n_refused > 120


def test_architecture_that_would_be_called_is_refused(saved, tmp_path):
    def change(schema):
        called = node("TypeNode", "sklipo.resize.Resize")
        PLACES["architecture"](schema, called)

    with pytest.raises(ValueError, match="architecture of a network is a callable"):
        load_model(rewrite(saved, tmp_path, change))


def settings_of(schema):
    net = schema["content"]["content"]["net_"]["content"]["content"][1]
    return net["content"]["settings"]["content"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("module__n_filters", 30_000),
        ("module__hidden_units", 10**9),
        ("module__image_shape", [10**6, 10**6]),
        ("module__n_classes", 10**10),
        ("module__architecture", "lipnet-5"),
        ("module__dtype", "float16"),
        ("criterion", "x"),
        ("module__n_filters", "2"),
    ],
)
def test_networks_that_are_not_their_weights_are_refused(name, value, saved, tmp_path):
    def change(schema):
        settings = settings_of(schema)
        net = schema["content"]["content"]["net_"]["content"]["content"][1]["content"]
        if name not in settings:
            keys = net["settings"]["key_types"]["content"]
            keys.append(node("TypeNode", "builtins.str"))
        settings[name] = text_node(value)

    with pytest.raises(ValueError, match="damaged"):
        load_model(rewrite(saved, tmp_path, change))


def test_archive_that_unpacks_to_far_more_is_refused(saved, tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.skops", "w", zipfile.ZIP_DEFLATED) as archive:
        with zipfile.ZipFile(saved) as source:
            archive.writestr("schema.json", source.read("schema.json"))
        archive.writestr("0.npy", bytes(10**8))
    with pytest.raises(ValueError, match="far larger than the file"):
        load_model(tmp_path / "bomb.skops")


@pytest.mark.parametrize(
    ("field", "value"),
    [("left_child", 0), ("right_child", 10**6), ("left_child", -5), ("feature", 99)],
)
def test_trees_that_lead_astray_are_refused(field, value, rows, tmp_path):
    from sklearn.tree import DecisionTreeClassifier

    X, y = rows[:, :5], np.arange(36) % 2
    tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    assert_same(tree, reopen(tree, tmp_path), X)
    nodes = tree.tree_.__getstate__()["nodes"]
    nodes[field][0] = value
    tree.tree_.__setstate__({**tree.tree_.__getstate__(), "nodes": nodes})
    with pytest.raises(ValueError, match="A decision tree"):
        reopen(tree, tmp_path)


class Halve(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X / 2


def test_types_of_the_user_need_their_word(rows, particles, tmp_path):
    model = make_pipeline(Halve(), LogisticRegression()).fit(rows, particles["label"])
    name = f"{Halve.__module__}.Halve"
    with pytest.raises(
        ValueError, match=rf"not trusted: {name}\. .*trusted=\['{name}'\]"
    ):
        reopen(model, tmp_path)
    assert_same(model, reopen(model, tmp_path, trusted=[name]), rows)
    for trusted in (True, name, [Halve], {"a": 1}):
        with pytest.raises(TypeError, match="trusted"):
            load_model(tmp_path / "model.skops", trusted=trusted)
