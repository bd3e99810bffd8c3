"""Estimators of scikit-learn as functions in a graph, by skl2onnx."""

import warnings
from copy import copy

from imblearn.ensemble import BalancedRandomForestClassifier
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier

from ..._extras import import_extra
from ...calibration import BalancedCalibratedClassifierCV
from .ops import LEAST_OPSET, ML_OPSET, NoOnnxForm

# Each predicts as its base does: it differs in how it is fitted.
_BASES = {
    BalancedCalibratedClassifierCV: CalibratedClassifierCV,
    BalancedRandomForestClassifier: RandomForestClassifier,
}


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
        If skl2onnx does not know the estimator.
    """
    graph = _convert(estimator, rows.shape[1])
    return list(op.inline(graph, rows=op.double(rows)).values())


def _convert(estimator, n_features):
    """Return the graph of an estimator."""
    skl2onnx = import_extra("skl2onnx", "onnx")
    types = import_extra("skl2onnx.common.data_types", "onnx")
    base = _BASES.get(type(estimator))
    if base is not None:
        estimator = copy(estimator)
        estimator.__class__ = base
    options = {id(estimator): {"zipmap": False}} if is_classifier(estimator) else None
    try:
        # skl2onnx looks at attributes that scikit-learn is about to remove.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return skl2onnx.to_onnx(
                estimator,
                initial_types=[("rows", types.DoubleTensorType([None, n_features]))],
                options=options,
                target_opset={"": LEAST_OPSET, "ai.onnx.ml": ML_OPSET},
            )
    # Its converters raise errors of any kind for what they can't do.
    except Exception as error:
        raise NoOnnxForm(
            f"{type(estimator).__name__} has no ONNX form: skl2onnx says "
            f"{type(error).__name__}: {_first_line(error)}"
        ) from error


def _first_line(error):
    """Return the first line of what an error says."""
    return (str(error).strip().splitlines() or [""])[0]
