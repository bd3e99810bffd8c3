"""Small models, and files of them that were changed, for the tests of saving."""

import json
import zipfile

import numpy as np

from sklipo import LipNetClassifier, Resize, make_lipnet_pipeline, make_svc_pipeline
from sklipo.datasets import make_liposomes
from sklipo.export import load_model, save_model
from sklipo.lipnet import WeightDecay

TINY = {"n_filters": 2, "hidden_units": 4, "max_epochs": 1, "random_state": 0}
SVC = make_svc_pipeline(["area"])
PROBABLE = make_svc_pipeline(["area", "intensity"], probability=True)
PIPELINE = make_lipnet_pipeline("lipnet-1", size=6, **TINY)
RARE = np.where(np.arange(36) < 11, "rare", np.where(np.arange(36) % 2, "b", "c"))


def draw_particles():
    particles = make_liposomes(36, weights=None, random_state=0)
    return particles[["image", "mask", "pixel_size", "label"]]


def draw_rows():
    return Resize(8).fit_transform(draw_particles()).astype(np.float32)


def lipnet(architecture="lipnet-1", **params):
    return LipNetClassifier(architecture, **TINY | params)


def save_network(path):
    """Save a network with a weight decay; return the path."""
    model = lipnet(weight_decay=WeightDecay(0.5))
    save_model(model.fit(draw_rows(), draw_particles()["label"]), path)
    return path


def reopen(model, folder, **params):
    save_model(model, folder / "model.skops")
    return load_model(folder / "model.skops", **params)


def outputs(model, X):
    names = ("predict", "predict_proba", "decision_function", "transform")
    return {name: getattr(model, name)(X) for name in names if hasattr(model, name)}


def assert_same(model, other, X):
    found, expected = outputs(other, X), outputs(model, X)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, strict=True)


def rewrite(path, folder, change=None, members=None, text=None):
    """Write a file anew with another schema or other members; return the new one."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(contents["schema.json"])
    if change is not None:
        change(schema)
    contents["schema.json"] = json.dumps(schema).encode() if text is None else text
    contents |= members or {}
    with zipfile.ZipFile(folder / "changed.skops", "w") as archive:
        for name, content in contents.items():
            if content is not None:
                archive.writestr(name, content)
    return folder / "changed.skops"


def node(kind, name, content=None, **more):
    module, _, name = name.rpartition(".")
    state = {"__class__": name, "__module__": module, "__loader__": kind, **more}
    return state if content is None else {**state, "content": content}


def text_node(value):
    return node("JsonNode", "builtins.str", json.dumps(value), is_json=True)


def tuple_node(*values):
    return node("TupleNode", "builtins.tuple", list(values))


def dict_node(**values):
    keys = node("ListNode", "builtins.list", [node("TypeNode", "builtins.str")])
    keys["content"] *= len(values)
    return node("DictNode", "builtins.dict", values, key_types=keys)
