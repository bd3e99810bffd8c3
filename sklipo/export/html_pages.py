"""Fitted models as pages that classify particles in a browser."""

from os import PathLike

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import HasMethods, validate_params

from ..displays._page.page_files import check_page, write_page
from ..displays._probabilities import HOW_TO_GET
from ..evaluation.results import CrossValidationResult
from ._graphs.conversion import convert
from ._page.assembly import assemble
from ._page.contents import describe_page

_NO_PAGE = "can't become a page that classifies particles"


@validate_params(
    {
        "model": [HasMethods(["fit", "predict"])],
        "path": [str, PathLike],
        "result": [CrossValidationResult, None],
        "title": [str, None],
    },
    prefer_skip_nested_validation=True,
)
def to_html(model, path, *, result=None, title=None):
    """Write a fitted model as one HTML page that classifies particles.

    Whoever opens the page needs a current Chromium or Firefox and nothing else: no
    Python, no server and no network. Cut-outs, or a micrograph with its label image,
    are dropped into it; it shows each particle with its class and probability, takes
    corrections, counts the classes and saves a CSV. Nothing leaves the computer.

    Parameters
    ----------
    model : estimator
        A fitted classifier or pipeline that takes particles and has ``predict_proba``,
        and of which :func:`to_onnx` makes a graph that starts at the image.
    path : str or path-like
        File to write, ending in ``.html``. A file that is there is replaced.
    result : CrossValidationResult, default=None
        Cross-validation of the model; of a :class:`~sklipo.SelectiveClassifier`, its
        ``decided_result_``. With it the page corrects the shares of the classes for the
        errors of the model, and shows how it was judged.
    title : str, default=None
        Heading of the page. None means "Particles by class".

    Raises
    ------
    FileNotFoundError
        If the folder of the path does not exist.
    ImportError
        If a package of the extra ``onnx`` is missing.
    OSError
        If the file can't be written. A former file is then as it was.
    TypeError
        If an argument is something else.
    ValueError
        If the path does not end in ``.html``, the title is empty, the model has a step
        without a form in ONNX, its graph would start at rows or measures, it has no
        probabilities, or the result is of other classes.
    sklearn.exceptions.NotFittedError
        If the model is not fitted.

    See Also
    --------
    to_onnx : The graph alone, for other programs.
    sklipo.estimate_prevalence : Corrects shares in Python, and knows more methods.
    sklipo.write_report : A report on a sample that was classified.
    sklipo.datasets.load_particles : Reads the CSV that the page saves.

    Notes
    -----
    The page reads PNG and TIFF (8, 16 and 32 bits, integers or floats; LZW, deflate,
    PackBits or no compression), the values as :func:`~sklipo.datasets.load_particles`
    reads them. Masks are found as it finds them: ``name_mask.png`` beside ``name.png``,
    or a CSV with the columns ``image`` and ``mask``; in addition in a folder ``masks``
    beside that of the images. Particles of a label image are cut out as
    :func:`~sklipo.datasets.extract_particles` does by default.

    Shares are corrected by the method "adjusted" of :func:`estimate_prevalence`, the
    default there, as it needs no more than counts: the confusion matrix and 1,000
    resamples of it, with the micrographs of `result`, are computed here and stored in
    the page. The page resamples the new particles by the same weights, from a seeded
    generator of its own, so that intervals agree with Python's within the chance of
    1,000 resamples, and shares to 1e-6.

    A particle with a class given by hand is a known one, but no random one, as whoever
    corrects looks for errors. So such labels say nothing about the errors among the
    other particles. The page goes on to take the model's own predictions of all
    particles, whose errors `result` measured, and finds the most likely shares among
    those that give each class at least its known particles, in each resample by their
    weights. Without labels, this is the estimate of :func:`estimate_prevalence`; with
    all particles labeled, it is their count.

    The run time of the graph is ONNX Runtime Web, whose license the page shows, as
    those of the decoders. A Content-Security-Policy in the page forbids all
    connections.

    Examples
    --------
    >>> from sklipo import make_svc_pipeline
    >>> from sklipo.datasets import make_liposomes
    >>> from sklipo.export import to_html
    >>> particles = make_liposomes(30, weights=None, random_state=0)
    >>> model = make_svc_pipeline("thesis", probability=True)
    >>> model = model.fit(particles, particles["label"])
    >>> path = getfixture("tmp_path") / "model.html"
    >>> to_html(model, path)
    >>> path.read_text(encoding="utf-8")[:15]
    '<!DOCTYPE html>'
    """
    title = "Particles by class" if title is None else title
    path = check_page(path, title)
    graph, export = convert(model)
    _check_export(export)
    if result is not None:
        _check_result(result, export)
    graph = graph.SerializeToString()
    contents = describe_page(model, export, graph, result, title)
    write_page(path, assemble(contents, graph))


def _check_export(export):
    """Raise an error unless the graph takes a particle and tells probabilities."""
    if export.starts_at != "image":
        reason = export.reason or (
            "its graph does not start at the image, as it was fitted to rows of "
            "numbers; pass the pipeline that takes particles"
        )
        raise ValueError(f"The model {_NO_PAGE}: {reason}.")
    if "probabilities" not in export.outputs:
        raise ValueError(
            f"The model {_NO_PAGE}: it has no probabilities, by which the page sorts: "
            f"{HOW_TO_GET}."
        )


def _check_result(result, export):
    """Raise an error unless a result has the classes of the model."""
    unsure = export.metadata.get("unsure")
    kinds = sorted(str(kind) for kind in result.kinds)
    if kinds != sorted(export.classes):
        raise ValueError(
            f"result has the classes {kinds}, the model {export.classes}; pass the "
            "cross-validation of this model."
        )
    of_result = None if result.unsure is None else str(result.unsure)
    if of_result != unsure:
        raise ValueError(
            f"result has unsure={of_result!r}, the model {unsure!r}: their errors are "
            "not the same. Of a SelectiveClassifier, pass its decided_result_; of any "
            "other model, the result of cross_validate_particles."
        )
