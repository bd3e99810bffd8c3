"""A report that a laboratory hands over: one HTML file."""

from datetime import UTC, datetime
from html import escape

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import validate_params

from .._extras import import_extra
from ..displays._page.page_files import check_title, write_page
from ._report_contents import check_contents, check_path
from ._report_methods import count_new
from ._report_model import model_section, version_section
from ._report_page import make_page
from ._report_particles import gallery_section, size_section
from ._report_sections import (
    method_section,
    micrograph_section,
    sample_section,
    share_section,
    warning_section,
)


@validate_params({"title": [str]}, prefer_skip_nested_validation=False)
def write_report(
    path,
    estimate,
    particles,
    y_pred,
    *,
    result=None,
    agreement=None,
    y_proba=None,
    samples=None,
    title="Particles by class",
):
    """Write what was found in a sample, and how far it can be trusted, as one page.

    The file needs nothing beside itself and loads nothing: it can be mailed, archived,
    and printed on A4. It has the shares of the classes with their intervals and the
    counted ones beside them, the warnings of the estimate in full, the method in two
    sentences for a paper, counts by sample and by micrograph, galleries of the surest
    and the least sure particles of each predicted class, their sizes, how the model was
    judged, and versions. Its numbers are those of the tables of the estimate, of the
    result and of :func:`~sklipo.count_by`, rounded.

    Parameters
    ----------
    path : str or path-like
        File to write, ending in ``.html``. A file that is there is replaced.
    estimate : PrevalenceEstimate or dict of PrevalenceEstimate
        What :func:`~sklipo.estimate_prevalence` returned; with its ``samples``, a dict.
    particles : particle table, list of 2-D arrays or array
        The particles of the estimate, as :func:`~sklipo.particles.check_particles`
        takes them. The column ``micrograph``, if there is one, names their micrographs.
    y_pred : array-like of shape (n_particles,)
        The predictions that the estimate was made of.
    result : CrossValidationResult, default=None
        How the model was judged. Without it, the report says that this is unknown.
    agreement : DataFrame, default=None
        How far experts agree, from :func:`~sklipo.labeling.agreement_table`: shown
        beside the scores of the result.
    y_proba : array-like of shape (n_particles, n_classes), default=None
        Predicted probabilities, which tell the sure particles from the unsure. Without
        them, the galleries are drawn at random, the same ones each time.
    samples : str or array-like of shape (n_particles,), default=None
        Sample of each particle: a column of the particles, or values. An estimate of
        several samples needs it.
    title : str, default="Particles by class"
        Heading of the page.

    Raises
    ------
    FileNotFoundError
        If the folder of the path does not exist.
    ImportError
        If matplotlib is not installed.
    OSError
        If the file can't be written. A former file is then as it was.
    TypeError
        If the estimate, the result or the agreement is something else, or labels are
        neither text nor numbers.
    ValueError
        If the path does not end in ``.html``, values are missing or fewer than
        particles, the estimate was made of other particles, predictions, classes or
        samples than those given, or experts gave another class, or there is agreement
        but no result.

    See Also
    --------
    sklipo.estimate_prevalence : Makes the estimate.
    sklipo.count_by : The counts by micrograph or sample.
    sklipo.displays.ParticleGalleryDisplay : Galleries of other particles.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklipo import estimate_prevalence, write_report
    >>> from sklipo.datasets import make_liposomes
    >>> from sklipo.evaluation import CrossValidationResult
    >>> y_true = np.repeat(["empty", "full"], 50)
    >>> y_pred = np.repeat(["empty", "full", "empty", "full"], [40, 10, 4, 46])
    >>> result = CrossValidationResult(
    ...     classes=np.unique(y_true),
    ...     y_true=y_true,
    ...     y_pred=y_pred,
    ...     folds=np.arange(100) % 5,
    ... )
    >>> particles = make_liposomes(40, weights=None, random_state=0)
    >>> y_new = np.repeat(["empty", "full"], [6, 34])
    >>> estimate = estimate_prevalence(result, y_new)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "report.html"
    ...     write_report(path, estimate, particles, y_new, result=result)
    ...     path.read_text(encoding="utf-8")[:15]
    '<!DOCTYPE html>'
    """
    path = check_path(path)
    check_title(title)
    import_extra("matplotlib", "plot")
    contents = check_contents(
        estimate,
        particles,
        y_pred,
        result=result,
        agreement=agreement,
        y_proba=y_proba,
        samples=samples,
    )
    write_page(path, _make_report(contents, title))


def _make_report(contents, title):
    """Return the page of a report."""
    sections = (
        share_section(contents),
        warning_section(contents),
        method_section(contents),
        sample_section(contents),
        gallery_section(contents),
        size_section(contents),
        model_section(contents),
        micrograph_section(contents),
        version_section(),
    )
    return make_page(title, _describe(contents), sections)


def _describe(contents):
    """Return, as HTML, of what the report is and when it was written."""
    count = count_new(contents.estimates)
    now = datetime.now(UTC)
    date = f'<time datetime="{now:%Y-%m-%dT%H:%MZ}">{now:%Y-%m-%d %H:%M} UTC</time>'
    return f"{escape(count)}. Written by sklipo on {date}."
