"""What each step of a model computes, in a graph."""

from functools import singledispatch
from typing import NamedTuple

import numpy as np
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator

# Private part of scikit-learn: the base of all searches.
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline

from ...ensemble import EnsembleClassifier
from ...ensemble._vote import LEAST
from ...features import ParticleFeatures
from ...lipnet._prediction import activations, mean_probabilities, probabilities
from ...lipnet.classifier import LipNetClassifier
from ...own_size import OwnSizeLipNetClassifier
from ...resize import Resize
from ...selective import SelectiveClassifier
from ...transformers import ApplyMask, CropToMask, NormalizeBackground
from . import particles
from .estimators import apply_sklearn
from .networks import apply_network, mean_own_size_probabilities
from .ops import NoOnnxForm
from .particles import Cutout


class Votes(NamedTuple):
    """What a classifier makes of samples.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The classes.
    codes : Tensor of shape (n_samples,), dtype int64
        Position of the predicted one.
    probabilities : Tensor of shape (n_samples, n_classes) or None
        Their probabilities, if the classifier has any.
    unsure : object
        Label of the code that follows the last class, if there is one.
    """

    classes: np.ndarray
    codes: object
    probabilities: object = None
    unsure: object = None


@singledispatch
def transform(step, graph, value):
    """Return what a transformer makes of a cut-out or of rows."""
    if isinstance(value, Cutout) or is_classifier(step):
        raise _no_form(step)
    return apply_sklearn(graph.op, step, value)[0]


@singledispatch
def predict(model, graph, value):
    """Return the votes of a classifier on a cut-out or on rows."""
    if isinstance(value, Cutout) or not is_classifier(model):
        raise _no_form(model)
    labels, *others = apply_sklearn(graph.op, model, value)
    codes = graph.op.encode(graph.op.reshape(labels, [-1]), model.classes_)
    has_probabilities = hasattr(model, "predict_proba")
    return Votes(model.classes_, codes, others[0] if has_probabilities else None)


def _no_form(step):
    """Return the error of a step that no graph can have."""
    return NoOnnxForm(
        f"{type(step).__name__} has no ONNX form where it stands in the model. Leave "
        "it out, or export the part of the model that follows it, as model[-1]"
    )


@transform.register
def _(step: NormalizeBackground, graph, value):
    return particles.normalize(graph.op, value, step.scale)


@transform.register
def _(step: CropToMask, graph, value):
    return particles.crop(graph.op, value, step.margin)


@transform.register
def _(step: ApplyMask, graph, value):
    return particles.fill_outside(graph.op, value, step.fill_value)


@transform.register
def _(step: Resize, graph, value):
    graph.note_view(value, step.white_)
    return particles.resize_to_row(
        graph.op,
        value,
        step.size_,
        white=step.white_,
        keep_aspect_ratio=step.keep_aspect_ratio,
        fill_value=step.fill_value,
    )


@transform.register
def _(step: ParticleFeatures, graph, value):
    return graph.features(step, value)


@transform.register
def _(step: FeatureUnion, graph, value):
    parts = []
    for name, part in step.transformer_list:
        if part in ("drop", "passthrough"):
            part = None if part == "drop" else value
        else:
            part = within(name, transform, part, graph, value)
        weight = (step.transformer_weights or {}).get(name, 1.0)
        if part is not None:
            parts.append(graph.op.double(part) * weight)
    return graph.op.concat(parts, axis=1)


@transform.register
def _(step: Pipeline, graph, value):
    return _through(step.steps, graph, value)


@transform.register
def _(step: FrozenEstimator, graph, value):
    return transform(step.estimator, graph, value)


@transform.register
def _(step: LipNetClassifier, graph, value):
    return _network_on_rows(step, graph, value, activations)


@predict.register
def _(model: Pipeline, graph, value):
    name, last = model.steps[-1]
    value = _through(model.steps[:-1], graph, value)
    return within(name, predict, last, graph, value)


@predict.register
def _(model: BaseSearchCV, graph, value):
    return predict(model.best_estimator_, graph, value)


@predict.register
def _(model: FrozenEstimator, graph, value):
    return predict(model.estimator, graph, value)


@predict.register
def _(model: LipNetClassifier, graph, value):
    averaged = model.test_time_augmentation
    compute = mean_probabilities if averaged else probabilities
    return _most_probable(
        graph.op, model.classes_, _network_on_rows(model, graph, value, compute)
    )


@predict.register
def _(model: OwnSizeLipNetClassifier, graph, value):
    op = graph.op
    mode = "masked" if model.region == "mask" else None
    graph.note_view(value, model.white_, mode)
    pixel_size = None if model.pixel_size is None else graph.pixel_size
    images = particles.own_size_images(op, value, model, pixel_size)
    averaged = model.test_time_augmentation
    compute = mean_own_size_probabilities if averaged else probabilities
    y_proba = apply_network(op, model.net_.module_, compute, images)
    return _most_probable(op, model.classes_, y_proba)


@predict.register
def _(model: EnsembleClassifier, graph, value):
    op = graph.op
    votes = [
        within(name, predict, member, graph, value).probabilities
        for name, member in model.named_estimators_.items()
    ]
    weighted = [
        op.double(v) * float(w) for v, w in zip(votes, model.weights_, strict=True)
    ]
    y_proba = op.sum(weighted)
    if model.temperature_ != 1:
        y_proba = op.softmax(
            op.log(op.max([y_proba, LEAST])) / model.temperature_, axis=1
        )
    return _most_probable(op, model.classes_, y_proba)


@predict.register
def _(model: SelectiveClassifier, graph, value):
    op = graph.op
    votes = predict(model.estimator_, graph, value)
    codes, y_proba = votes.codes, op.double(votes.probabilities)
    own = op.gather_elements(y_proba, op.unsqueeze(codes, [1]), axis=1)
    thresholds = op.gather(op.constant(model.thresholds_, np.float64), codes)
    is_decided = op.greater_or_equal(op.squeeze(own, [1]), thresholds)
    codes = op.where(is_decided, codes, np.int64(len(votes.classes)))
    return votes._replace(codes=codes, unsure=model.unsure)


def within(name, function, step, graph, value):
    """Apply a function to a step of a name, which errors then tell."""
    graph.path.append(name)
    graph.steps["__".join(graph.path)] = type(step).__name__
    try:
        return function(step, graph, value)
    except NoOnnxForm as error:
        raise NoOnnxForm(f"step {name!r}: {error}") from error
    finally:
        graph.path.pop()


def _through(steps, graph, value):
    """Return what steps of a pipeline make of a value; samplers do nothing."""
    for name, step in steps:
        if step in (None, "passthrough") or not hasattr(step, "transform"):
            continue
        value = within(name, transform, step, graph, value)
    return value


def _most_probable(op, classes, y_proba):
    """Return votes for the class of the highest probability."""
    return Votes(classes, op.arg_max(y_proba, axis=1, keepdims=False), y_proba)


def _network_on_rows(model, graph, rows, compute):
    """Return what a network computes of rows of pixels."""
    if isinstance(rows, Cutout):
        raise _no_form(model)
    op, shape = graph.op, model.image_shape_
    images = op.reshape(op.single(rows), [-1, 1, *shape])
    return apply_network(op, model.net_.module_, compute, images)


_ON_PARTICLES = (
    NormalizeBackground,
    CropToMask,
    ApplyMask,
    Resize,
    ParticleFeatures,
    OwnSizeLipNetClassifier,
)


def first_value(model, graph):
    """Return what the graph of a model takes: a cut-out, or rows."""
    parts = list(_parts(model))
    # What has no number of features was fitted to particles; an error names it later.
    is_on_rows = hasattr(parts[0], "n_features_in_")
    if not is_on_rows or any(isinstance(part, _ON_PARTICLES) for part in parts):
        return graph.cutout
    is_network = isinstance(parts[0], LipNetClassifier)
    dtype = np.float32 if is_network else np.float64
    return graph.rows(parts[0].n_features_in_, dtype)


def _parts(model):
    """Yield the estimators that a model consists of, in the order of its steps."""
    if isinstance(model, Pipeline):
        inner = [step for _, step in model.steps if not hasattr(step, "fit_resample")]
    elif isinstance(model, FeatureUnion):
        inner = [part for _, part in model.transformer_list]
    elif isinstance(model, EnsembleClassifier):
        inner = model.estimators_
    elif isinstance(model, FrozenEstimator):
        inner = [model.estimator]
    elif isinstance(model, BaseSearchCV):
        inner = [model.best_estimator_]
    elif isinstance(model, SelectiveClassifier):
        inner = [model.estimator_]
    else:
        inner = []
        yield model
    for part in inner:
        if not (part is None or isinstance(part, str)):
            yield from _parts(part)
