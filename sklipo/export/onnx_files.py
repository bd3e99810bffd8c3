"""Fitted models as ONNX files, which any language runs."""

from dataclasses import replace
from numbers import Integral
from os import PathLike
from pathlib import Path

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)

from ..datasets._writing import check_place, write_whole
from ..particles._warnings import warn_caller
from ._graphs.conversion import convert
from ._graphs.ops import LAST_OPSET, LEAST_OPSET


@validate_params(
    {
        "model": [HasMethods(["fit", "predict"])],
        "path": [str, PathLike],
        "dtype": [StrOptions({"float32", "uint8", "uint16"})],
        "opset": [Interval(Integral, LEAST_OPSET, LAST_OPSET, closed="both")],
    },
    prefer_skip_nested_validation=True,
)
def to_onnx(model, path, *, dtype="float32", opset=LEAST_OPSET):
    """Write a fitted model as an ONNX file, the steps that prepare particles included.

    ONNX Runtime runs the file in C#, C++, Java, JavaScript, Python and other languages,
    without scikit-learn, torch or sklipo.

    Parameters
    ----------
    model : estimator
        A fitted classifier or pipeline: of :func:`~sklipo.make_lipnet_pipeline`,
        :func:`~sklipo.make_svc_pipeline` or :func:`~sklipo.make_ensemble_pipeline`, or
        of your own steps. Samplers drop out. Searches, :class:`SelectiveClassifier` and
        :class:`~sklearn.pipeline.FeatureUnion` will do. Of a part of a pipeline, such
        as ``model[-1]``, the graph takes what that part takes.
    path : str or path-like
        The file, which is replaced if it is there.
    dtype : {"float32", "uint8", "uint16"}, default="float32"
        Type of the pixels that the graph takes. Single precision holds those of the
        other two, so that you only have to convert, not to scale them.
    opset : int, default=18
        Version of ONNX's operators, from 18 to 23. ONNX Runtime knows 18 from version
        1.14 on; the newest change nothing here.

    Returns
    -------
    OnnxExport
        What the file takes and returns.

    Raises
    ------
    ImportError
        If a package of the extra ``onnx`` is missing.
    FileNotFoundError
        If there is no such folder.
    ValueError
        If a step of the model has no form in ONNX, or one that computes something else
        than the step does; or ``dtype`` is another type of integers than the pixels
        that the model has learned from.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.

    Warns
    -----
    UserWarning
        If the model takes particles, but the graph takes measures.

    See Also
    --------
    to_html : A page that classifies particles by such a graph.
    save_model : A file that sklipo opens again.

    Notes
    -----
    A graph that starts at the image takes one particle of any size:

    - ``image``, of shape (height, width) and type `dtype`: the cut-out with its
      surrounding, as it came from the microscope;
    - ``mask``, bool, of the same shape: True inside. Without a mask, True everywhere;
    - ``pixel_size``, a double: nm per pixel, if the model measures in nm.

    A graph that starts at rows takes any number of them: ``rows``, pixels in single
    precision or other numbers in double. Both return ``label``, the names of the
    classes, and ``probabilities``, one column for each class, if the model has
    ``predict_proba``.

    Probabilities are those of the model to about 1e-5, as graphs compute some of it in
    single precision. A mask of another shape or without pixels, and pixels that are not
    finite, raise an error that says so.

    The forms of scikit-learn's estimators are those of skl2onnx. As these ignore some
    parameters, such as ``weights`` of :class:`~sklearn.neighbors.KNeighborsClassifier`
    or isotonic calibration, each is compared with its estimator on random rows before
    the file is written.

    Measures are computed in the graph, but for the group ``"lamellae"``. With that, the
    graph starts at the measures, which have to come from
    :class:`~sklipo.ParticleFeatures`.

    Examples
    --------
    >>> import onnxruntime
    >>> from sklipo import make_svc_pipeline
    >>> from sklipo.datasets import make_liposomes
    >>> from sklipo.export import to_onnx
    >>> particles = make_liposomes(30, weights=None, random_state=0)
    >>> particles = particles[["image", "mask", "label"]]
    >>> model = make_svc_pipeline("thesis").fit(particles, particles["label"])
    >>> path = getfixture("tmp_path") / "model.onnx"
    >>> to_onnx(model, path).classes == model.classes_.tolist()
    True
    >>> session = onnxruntime.InferenceSession(path)
    >>> image = particles["image"][0].astype("float32")
    >>> inputs = {"image": image, "mask": particles["mask"][0]}
    >>> (label,) = session.run(None, inputs)
    >>> label[0] == model.predict(particles[:1])[0]
    True
    """
    path = Path(path)
    check_place(path, overwrite=True)
    graph, export = convert(model, dtype=dtype, opset=opset)
    write_whole(path, lambda draft: draft.write_bytes(graph.SerializeToString()))
    if export.reason:
        warn_caller(f"{export.reason}: the file takes the measures instead.")
    return replace(export, path=path)
