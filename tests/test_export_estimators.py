"""to_onnx: estimators of scikit-learn compute the same in a graph, or are named."""

import warnings

import numpy as np
import onnxruntime
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC

from sklipo.export import to_onnx


def fitted(step, n_classes):
    """Return a model that ends in an estimator, and rows it was not fitted to."""
    rows, y = make_blobs(160, 5, centers=n_classes, cluster_std=4, random_state=0)
    rows *= [1, 10, 1e3, 1e-3, 1e5]
    y = np.array(["a b", "ü", "c"])[y]
    if hasattr(step, "predict"):
        model = make_pipeline(StandardScaler(), step)
    else:
        model = make_pipeline(step, LogisticRegression(max_iter=5000))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(rows[:100], y[:100]), rows


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "step",
    [
        CalibratedClassifierCV(SVC(), ensemble=False),
        CalibratedClassifierCV(GaussianNB(), cv=2),
        ExtraTreesClassifier(11, random_state=0),
        GradientBoostingClassifier(n_estimators=3, random_state=0),
        KNeighborsClassifier(),
        OneVsRestClassifier(LogisticRegression()),
        QuadraticDiscriminantAnalysis(),
        SVC(decision_function_shape="ovo"),
        SVC(kernel="poly"),
        VotingClassifier(
            [("a", GaussianNB()), ("b", LogisticRegression())],
            voting="soft",
            weights=[1, 3],
        ),
        make_pipeline(StandardScaler(), PCA(3), SelectKBest(k=2)),
        KBinsDiscretizer(4, encode="ordinal", strategy="uniform"),
        make_column_transformer(
            (RobustScaler(), [0, 1]),
            remainder=StandardScaler(),
        ),
    ],
    ids=lambda step: type(step).__name__,
)
def test_the_same_is_computed(step, n_classes, tmp_path):
    model, rows = fitted(step, n_classes)
    export = to_onnx(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(export.path)
    labels, *probabilities = session.run(None, {"rows": rows})
    assert labels.tolist() == model.predict(rows).tolist()
    if probabilities:
        y_proba = model.predict_proba(rows)
        np.testing.assert_allclose(probabilities[0], y_proba, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("step", "n_classes"),
    [
        (AdaBoostClassifier(n_estimators=3), 3),
        (CalibratedClassifierCV(GaussianNB(), method="isotonic"), 3),
        (CalibratedClassifierCV(make_pipeline(StandardScaler(), SVC())), 2),
        (KNeighborsClassifier(weights="distance"), 3),
        (LinearDiscriminantAnalysis(), 2),
        (OneVsOneClassifier(LogisticRegression()), 3),
        (PowerTransformer(), 3),
        (RadiusNeighborsClassifier(10.0), 3),
        (SGDClassifier(loss="modified_huber", random_state=0), 3),
        (SVC(break_ties=True), 3),
        (SimpleImputer(), 3),
        (TunedThresholdClassifierCV(LogisticRegression()), 2),
    ],
    ids=lambda x: type(x).__name__,
)
def test_what_a_graph_computes_otherwise_is_refused(step, n_classes, tmp_path):
    model, _ = fitted(step, n_classes)
    name = type(step).__name__
    with pytest.raises(ValueError, match=f"step '{name.lower()}': {name} has no ONNX"):
        to_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
