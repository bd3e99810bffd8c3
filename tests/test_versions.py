"""Pickles know the versions that wrote them."""

import copy
import pickle
import subprocess
import sys

import joblib
import pytest
import sklearn
import torch
from sklearn.base import clone

import sklipo
from sklipo import (
    ApplyMask,
    ArtificialOverSampler,
    CropToMask,
    LipNetClassifier,
    NormalizeBackground,
    OwnSizeLipNetClassifier,
    ParticleFeatures,
    Resize,
    make_lipnet_pipeline,
    make_svc_pipeline,
)
from sklipo.calibration import BalancedCalibratedClassifierCV
from sklipo.datasets import make_liposomes

ESTIMATORS = [
    ApplyMask(),
    ArtificialOverSampler(),
    BalancedCalibratedClassifierCV(),
    CropToMask(),
    LipNetClassifier(),
    NormalizeBackground(),
    OwnSizeLipNetClassifier(),
    ParticleFeatures(),
    Resize(),
    make_lipnet_pipeline(),
]


def reload_with(estimator, change):
    """Load a pickle of an estimator whose state was changed."""
    twin = copy.copy(estimator)
    state = change(estimator.__getstate__())
    twin.__setstate__(state)
    return twin


def other(state, **versions):
    return {**state, "_versions": {**state["_versions"], **versions}}


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_estimator_keeps_versions_and_checks_them(estimator):
    found = estimator.__getstate__()["_versions"]
    assert found["sklipo"] == sklipo.__version__
    assert found["scikit-learn"] == sklearn.__version__
    assert found.get("torch", torch.__version__) == torch.__version__
    # The same versions are silent, however an estimator is copied.
    for copied in (
        pickle.loads(pickle.dumps(estimator)),
        copy.deepcopy(estimator),
        copy.copy(estimator),
        clone(estimator),
    ):
        assert not hasattr(copied, "_versions")
    for name in found:
        with pytest.warns(UserWarning, match=rf"saved by.*{name} 0\.0.*loaded by.*"):
            reload_with(
                estimator, lambda state, name=name: other(state, **{name: "0.0"})
            )
    with pytest.warns(UserWarning, match="by a sklipo that kept no versions"):
        reload_with(
            estimator,
            lambda state: {k: v for k, v in state.items() if k != "_versions"},
        )
    name = next(iter(estimator.get_params(deep=False)), None)
    if name is None:
        return
    with pytest.raises(ValueError, match=rf"lacks the parameters \['{name}'\]"):
        reload_with(
            estimator, lambda state: {k: v for k, v in state.items() if k != name}
        )


def test_another_build_of_torch_is_the_same_version():
    number = torch.__version__.partition("+")[0]
    reload_with(LipNetClassifier(), lambda state: other(state, torch=f"{number}+cu130"))


@pytest.mark.parametrize("estimator", [Resize(), make_lipnet_pipeline()], ids=type)
def test_warning_points_at_the_load(estimator, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "sklipo.versions._mixin.installed_versions", lambda names: {"sklipo": "0.0"}
    )
    data = pickle.dumps(estimator)
    joblib.dump(estimator, tmp_path / "model.joblib")
    monkeypatch.undo()
    with pytest.warns(UserWarning, match="saved by sklipo 0.0 and is loaded") as seen:
        pickle.loads(data)
        joblib.load(tmp_path / "model.joblib")
    assert {warning.filename for warning in seen} == {__file__}


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("groups_", ("area", "color")), ("_names", [["area"], ["width"]])],
)
def test_measures_of_another_version_are_refused(attribute, value):
    particles = make_liposomes(4, random_state=0)
    features = ParticleFeatures(["area"]).fit(particles)
    setattr(features, attribute, value)
    with pytest.raises(ValueError, match="a version of sklipo that had other measures"):
        features.transform(particles)


LOAD = """
import sys, joblib
model, particles = joblib.load(sys.argv[1])
model.predict_proba(particles)
assert "torch" not in sys.modules
"""


def test_svc_with_probabilities_needs_no_torch(tmp_path):
    particles = make_liposomes(40, weights=None, random_state=0)
    model = make_svc_pipeline(["area", "intensity"], probability=True)
    model.fit(particles, particles["label"])
    joblib.dump((model, particles), tmp_path / "model")
    subprocess.run([sys.executable, "-c", LOAD, tmp_path / "model"], check=True)
