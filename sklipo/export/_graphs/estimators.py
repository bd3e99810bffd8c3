"""Estimators of scikit-learn as functions in a graph, by skl2onnx."""

import textwrap
import warnings
from copy import copy

import numpy as np
from imblearn.ensemble import BalancedRandomForestClassifier
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier, VotingClassifier

from ..._extras import import_extra
from ...calibration import BalancedCalibratedClassifierCV
from .ops import LEAST_OPSET, ML_OPSET, NoOnnxForm

# Each predicts as its base does: it differs in how it is fitted.
_BASES = {
    BalancedCalibratedClassifierCV: CalibratedClassifierCV,
    BalancedRandomForestClassifier: RandomForestClassifier,
}

# How many rows are compared, to what difference, and how many of them have to agree:
# graphs compute some of it in single precision, where a row can cross a border.
_N_ROWS = 1000
_TOLERANCE = 1e-4
_LEAST_SHARE = 0.998


def apply_sklearn(op, estimator, rows):
    """Return what a fitted estimator of scikit-learn makes of rows of numbers.

    Parameters
    ----------
    op : Ops
        The operators.
    estimator : estimator
        A fitted transformer or classifier.
    rows : Tensor of shape (n_samples, n_features)
        Rows of numbers.

    Returns
    -------
    list of Tensor
        The transformed rows; of a classifier labels, and probabilities or scores.

    Raises
    ------
    NoOnnxForm
        If skl2onnx does not know the estimator, or computes something else.
    """
    graph = _convert(op, estimator, rows.shape[1])
    return list(op.inline(graph, rows=op.double(rows)).values())


def _convert(op, estimator, n_features):
    """Return the graph of an estimator."""
    try:
        # Of attributes that scikit-learn is about to remove, or of the random rows.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph = _by_skl2onnx(estimator, n_features)
            differs = _differs(op, estimator, graph, n_features)
    # Its converters raise errors of any kind for what they can't do, and so does
    # ONNX Runtime for what it can't run.
    except (ImportError, NoOnnxForm):
        raise
    except Exception as error:
        raise NoOnnxForm(
            f"{type(estimator).__name__} has no ONNX form: skl2onnx says "
            f"{type(error).__name__}: {_first_line(error)}"
        ) from error
    if differs:
        raise NoOnnxForm(
            f"{type(estimator).__name__} has no ONNX form: that of skl2onnx computes "
            "something else for a model of these parameters. Take other parameters or "
            "another estimator, and fit anew"
        )
    return graph


def _by_skl2onnx(estimator, n_features):
    """Return the graph of an estimator as skl2onnx writes it."""
    skl2onnx = import_extra("skl2onnx", "onnx")
    types = import_extra("skl2onnx.common.data_types", "onnx")
    estimator = _as_known(estimator)
    options = {id(estimator): {"zipmap": False}} if is_classifier(estimator) else None
    return skl2onnx.to_onnx(
        estimator,
        initial_types=[("rows", types.DoubleTensorType([None, n_features]))],
        options=options,
        target_opset={"": LEAST_OPSET, "ai.onnx.ml": ML_OPSET},
    )


def _as_known(estimator):
    """Return an estimator, or one that predicts the same and that skl2onnx knows."""
    estimator = copy(estimator)
    estimator.__class__ = _BASES.get(type(estimator), type(estimator))
    if isinstance(estimator, VotingClassifier):
        # It matters only where votes are taken as features.
        estimator.flatten_transform = False
        if estimator.weights is not None:
            estimator.weights = np.array(estimator.weights)
    return estimator


def _differs(op, estimator, graph, n_features):
    """Tell whether a graph computes something else than its estimator does.

    skl2onnx's converters ignore some parameters without a word.
    """
    # Ignored too, but it matters in so few rows that these could miss it.
    if getattr(estimator, "break_ties", False) and len(estimator.classes_) > 2:
        return True
    rows = _rows(n_features)
    first, *others = _run(op, graph, rows)
    if not is_classifier(estimator):
        expected = estimator.transform(rows)
        expected = expected.toarray() if issparse(expected) else np.asarray(expected)
        is_same = np.isclose(first, expected, rtol=_TOLERANCE, atol=_TOLERANCE)
        return first.shape != expected.shape or np.mean(is_same) < _LEAST_SHARE
    is_same = (first.ravel() == estimator.predict(rows)) | _is_tie(estimator, rows)
    if hasattr(estimator, "predict_proba"):
        differences = np.abs(others[0] - estimator.predict_proba(rows))
        is_same &= (differences < _TOLERANCE).all(axis=1)
    return np.mean(is_same) < _LEAST_SHARE


def _run(op, graph, rows):
    """Return what a graph makes of rows, where it stands within another."""
    onnxruntime = import_extra("onnxruntime", "onnx")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    value = op.argument(np.float64, ("n_samples", rows.shape[1]))
    results = op.inline(graph, rows=value)
    for name, result in results.items():
        # What skl2onnx declares to be double is single in some graphs.
        if result.dtype.kind == "f":
            results[name] = op.double(result)
    content = op.build({"rows": value}, results).SerializeToString()
    return onnxruntime.InferenceSession(content, options).run(None, {"rows": rows})


def _is_tie(classifier, rows):
    """Tell of each row whether rounding decides between two classes."""
    if hasattr(classifier, "decision_function"):
        scores = classifier.decision_function(rows)
    elif hasattr(classifier, "predict_proba"):
        scores = classifier.predict_proba(rows)
    else:
        return False
    if scores.ndim == 1:
        return np.abs(scores) < _TOLERANCE
    second, first = np.sort(scores, axis=1)[:, -2:].T
    return first - second < 2 * _TOLERANCE


def _rows(n_features):
    """Return rows to compare a graph with its estimator, at several scales."""
    scales = np.logspace(-1, 1, _N_ROWS)[:, None]
    return scales * np.random.default_rng(0).normal(size=(_N_ROWS, n_features))


def _first_line(error):
    """Return the beginning of what an error says."""
    return textwrap.shorten((str(error).strip().splitlines() or [""])[0], 200)
