"""A fitted model as one graph with its metadata."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ... import __version__
from ..._extras import import_extra
from .graph import Graph
from .ops import LEAST_OPSET, NoOnnxForm, Ops
from .steps import first_value, predict

# In this order: a graph that takes measures does not take the image.
_STARTS = ("features", "image", "rows")


@dataclass(frozen=True)
class OnnxExport:
    """What an ONNX file of a model takes and returns, as :func:`to_onnx` tells it.

    Parameters
    ----------
    path : Path or None
        The file.
    starts_at : {"image", "rows", "features"}
        What the graph takes: the image and the mask of a particle; rows of pixels, or
        of whatever else the model was fitted to; or rows of measures, because a graph
        can't measure all of them.
    reason : str
        Why the graph does not start at the image though the model does; else empty.
    inputs, outputs : dict
        Type and shape of each input and output by its name, in words.
    classes : list of str
        Names of the classes in the order of the probabilities.
    metadata : dict
        The metadata of the file, texts by their names; what is no text is JSON.

        - ``classes``, ``starts_at``, ``reason``: as here;
        - ``unsure``: the label of particles that the model leaves undecided, if any;
        - ``input_mode``: how much of a cut-out the model sees: "surrounding",
          "cropped", "masked" or, by measures, "measured"; several in an ensemble;
        - ``pixels``: the kind of pixels whose raw scale the model has learned, "uint8",
          "uint16" or "float"; or "any", if it measures particles by their background;
        - ``unit``: "nm" if the model measures lengths in nm, so that it takes
          ``pixel_size``; else "px", and the size of pixels plays no part;
        - ``feature_names``: the measures that it takes, if it starts at these;
        - ``steps``: names and classes of the steps of the model;
        - ``sklipo_version``.

    See Also
    --------
    to_onnx : Writes the file.

    Examples
    --------
    >>> from sklipo import make_svc_pipeline
    >>> from sklipo.datasets import make_liposomes
    >>> from sklipo.export import to_onnx
    >>> particles = make_liposomes(30, weights=None, random_state=0)
    >>> particles = particles[["image", "mask", "label"]]
    >>> model = make_svc_pipeline("thesis", probability=True)
    >>> model = model.fit(particles, particles["label"])
    >>> export = to_onnx(model, getfixture("tmp_path") / "model.onnx")
    >>> export.starts_at
    'image'
    >>> export.inputs
    {'image': 'float32 (height, width)', 'mask': 'bool (height, width)'}
    >>> export.outputs
    {'label': 'str (1,)', 'probabilities': 'float32 (1, 3)'}
    """

    path: Path | None
    starts_at: str
    reason: str
    inputs: dict
    outputs: dict
    classes: list
    metadata: dict


def convert(model, *, dtype="float32", opset=LEAST_OPSET):
    """Return the graph of a fitted model, and what it takes and returns."""
    check_is_fitted(model)
    op = Ops(opset)
    graph = Graph(op, np.dtype(dtype))
    votes = predict(model, graph, first_value(model, graph))
    labels = [str(label) for label in votes.classes]
    if votes.unsure is not None:
        labels.append(str(votes.unsure))
    outputs = {"label": op.gather(op.constant(labels), votes.codes)}
    if votes.probabilities is not None:
        outputs["probabilities"] = op.single(votes.probabilities)
    _check_dtype(graph.pixels, dtype)
    proto = _build(op, graph, outputs)
    _complete(proto, _metadata(graph, labels, votes.unsure), len(votes.classes))
    return proto, describe(proto)


def _check_dtype(pixels, dtype):
    """Refuse a type of pixels whose white is not that of the raw pixels learned."""
    if dtype != "float32" and pixels not in ("any", dtype):
        raise ValueError(
            f"dtype={dtype!r}, but the model has learned from the raw scale of "
            f"{pixels} pixels. Take that type, or float32."
        )


def _complete(proto, metadata, n_classes):
    """Write metadata, versions and the shapes of outputs into a file's content."""
    onnx = import_extra("onnx", "onnx")
    n_samples = 1 if metadata["starts_at"] == "image" else "n_samples"
    for output, shape in zip(
        proto.graph.output, [(n_samples,), (n_samples, n_classes)], strict=False
    ):
        kind = output.type.tensor_type.elem_type
        output.CopyFrom(onnx.helper.make_tensor_value_info(output.name, kind, shape))
    for node in proto.graph.node:
        # Names of checks are all that users see of what is wrong with an input.
        node.name = re.sub(r"^Inline_\d+__(?=\w+_must_)", "", node.name)
    onnx.helper.set_model_props(proto, metadata)
    proto.producer_name, proto.producer_version = "sklipo", __version__
    # Older runtimes refuse a newer format, even if they know all that is in the file.
    proto.ir_version = onnx.helper.find_min_ir_version_for(proto.opset_import)
    onnx.checker.check_model(proto)


def _build(op, graph, outputs):
    """Return the content of a file: the graph from its inputs to its outputs."""
    inputs = graph.inputs
    if graph.no_form:
        inputs = {"features": inputs["features"]}
    try:
        return op.build(inputs, outputs)
    # An input that is not among these is used.
    except KeyError:
        raise NoOnnxForm(
            f"{_reason(graph)}, and other members of the model see pixels, so no graph "
            "can begin at the measures. Leave these groups out and fit anew, or export "
            "each member by itself."
        ) from None


def _reason(graph):
    """Return why a graph does not start at the image."""
    if not graph.no_form:
        return ""
    return (
        f"The groups {graph.no_form} of ParticleFeatures can't be measured in a graph"
    )


def _metadata(graph, labels, unsure):
    """Return what is known of a model, as texts by name."""
    n_classes = len(labels) - (unsure is not None)
    starts_at = next(name for name in _STARTS if name in graph.inputs)
    metadata = {
        "classes": json.dumps(labels[:n_classes]),
        "starts_at": starts_at,
        "reason": _reason(graph),
        "input_mode": ", ".join(graph.input_modes),
        "pixels": graph.pixels,
        "unit": "nm" if "pixel_size" in graph.inputs else "px",
        "feature_names": json.dumps(graph.feature_names),
        "steps": json.dumps(graph.steps),
        "sklipo_version": __version__,
    }
    return metadata if unsure is None else {**metadata, "unsure": str(unsure)}


def describe(proto):
    """Return what an ONNX file of sklipo takes and returns."""
    metadata = {entry.key: entry.value for entry in proto.metadata_props}
    return OnnxExport(
        path=None,
        starts_at=metadata["starts_at"],
        reason=metadata["reason"],
        inputs={value.name: _in_words(value) for value in proto.graph.input},
        outputs={value.name: _in_words(value) for value in proto.graph.output},
        classes=json.loads(metadata["classes"]),
        metadata=metadata,
    )


def _in_words(value):
    """Return type and shape of an input or output."""
    onnx = import_extra("onnx", "onnx")
    tensor = value.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    name = "str" if dtype.kind == "O" else dtype.name
    lengths = [str(d.dim_param or d.dim_value) for d in tensor.shape.dim]
    return f"{name} ({', '.join(lengths)}{',' if len(lengths) == 1 else ''})"
