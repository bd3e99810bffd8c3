"""Pages on which experts give classes to particles."""

from os import PathLike

import numpy as np
import pandas as pd

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import validate_params

from ..displays._page.page import embed, make_page
from ..displays._page.page_files import check_page, write_page
from ..images._numbers import refuse_extremes
from ..particles import check_particles
from ..particles._labels import check_labels, check_same_kind, encode
from ..particles._probabilities import check_probabilities, class_names
from ..particles._warnings import warn_caller
from ._identity import as_text, find_places
from ._joining import index_places
from ._label_files import index_classes
from ._page.contents import describe_page

_FOLDER = "labeling/_page"
# A browser scrolls through as many without a stop, and nobody labels more in a day.
_MOST_PARTICLES = 5000
# As many keys there are.
_MOST_CLASSES = 9
_LONGEST_NAME = 60


@validate_params(
    {
        "particles": "no_validation",
        "path": [str, PathLike],
        "classes": ["array-like"],
        "y_pred": ["array-like", None],
        "y_proba": ["array-like", None],
        "order": ["array-like", None],
        "title": [str, None],
    },
    prefer_skip_nested_validation=True,
)
def label_page(
    particles, path, *, classes, y_pred=None, y_proba=None, order=None, title=None
):
    """Write one HTML page on which an expert gives classes to particles.

    Whoever opens the page needs a current Chromium or Firefox and nothing else: no
    Python, no server and no network. It shows each particle with its outline and a
    scale bar; the keys 1 to 9 or a click give a class, and it saves a CSV that
    :func:`read_labels` joins to the table. Nothing leaves the computer.

    Parameters
    ----------
    particles : DataFrame
        Particles to label, with the columns ``image`` and, if known, ``mask``,
        ``pixel_size``, ``micrograph`` and ``instance``; or what else
        :func:`~sklipo.check_particles` takes. A column ``label`` is not shown: experts
        label blind.
    path : str or path-like
        File to write, ending in ``.html``. A file that is there is replaced.
    classes : array-like of str or int
        Names or numbers of 2 to 9 classes, in the order of their keys.
    y_pred : array-like of shape (n_particles,), default=None
        Class of each particle as a model proposes it. Proposals are shown as such, and
        one key accepts those of a row of particles for which the same is proposed.
    y_proba : array-like of shape (n_particles, n_classes), default=None
        Probabilities of the classes, by which the proposals are sorted. Columns are in
        the order of `classes`; those of a DataFrame in any order, by their names, and
        classes that the model does not know may be missing.
    order : array-like of int, default=None
        Positions of the rows that are on the page, in the order in which they are
        shown, such as :func:`suggest_particles` returns. None means all rows.
    title : str, default=None
        Heading of the page. None means "Label particles".

    Raises
    ------
    FileNotFoundError
        If the folder of the path does not exist.
    OSError
        If the file can't be written. A former file is then as it was.
    TypeError
        If an argument is something else, such as an `order` of floats or a mask.
    ValueError
        If the path does not end in ``.html``, the title is empty, `particles` are none
        that :func:`~sklipo.check_particles` accepts, two of them have the same
        micrograph and instance, more than 5,000 would be on the page, a class is
        missing, empty, too long or given twice, `y_pred` has a class that is not among
        them, the probabilities are none, or the order is empty, has a row twice or one
        that is not there.

    Warns
    -----
    UserWarning
        If the largest probabilities are mostly those of other classes than `y_pred`,
        as when the columns are in another order.

    See Also
    --------
    read_labels : Joins what the page saved to the table.
    suggest_particles : Which particles to label next.
    sklipo.export.to_html : A page that classifies particles by a model.

    Notes
    -----
    The page asks for the name of the expert, so that several can work on copies of one
    page, even on one computer. It keeps labels in the browser through a reload, and
    warns before it is closed with labels that were not saved. A saved file can be
    opened in the page again, to go on elsewhere: its rows are found by micrograph,
    instance and a hash of the pixels, never by their order.

    Cut-outs are stored as JPEG of 8 bits, the longer side 512 pixels at most, and 160
    on a page of more than 1,300 particles. Their gray levels are stretched to the range
    that all but a thousandth of the pixels at either end have; the page can show those
    of a micrograph alike. Two particles with the same pixels and without different
    places can't be told apart and get the same label. A Content-Security-Policy in the
    page forbids all connections.

    Examples
    --------
    >>> from sklipo.datasets import make_liposomes
    >>> from sklipo.labeling import label_page
    >>> particles = make_liposomes(30, random_state=0)
    >>> path = getfixture("tmp_path") / "labels.html"
    >>> label_page(particles, path, classes=["empty", "full", "uncertain"])
    >>> path.read_text(encoding="utf-8")[:15]
    '<!DOCTYPE html>'
    """
    title = "Label particles" if title is None else title
    path = check_page(path, title)
    checked = check_particles(particles)
    refuse_extremes(checked["image"].array)
    classes = _check_classes(classes)
    proposals = _check_proposals(y_pred, y_proba, classes, len(checked))
    rows = _check_order(order, len(checked))
    # Of two particles with one place, no label could be read back.
    index_places(pd.DataFrame(find_places(particles)))
    table = particles.iloc[rows] if hasattr(particles, "iloc") else checked.iloc[rows]
    contents, pictures = describe_page(
        table, checked.iloc[rows], classes, _take(proposals, rows), title
    )
    blocks = {
        "contents": ("application/json", embed(contents)),
        "pictures": ("text/plain", "\n".join(pictures)),
    }
    write_page(path, make_page(_FOLDER, title, blocks))


def _check_classes(classes):
    """Return the classes as an array, each of which a key can give."""
    classes = check_labels(classes, name="classes")
    if not 2 <= len(classes) <= _MOST_CLASSES:
        raise ValueError(
            f"There are {len(classes)} classes; expected 2 to {_MOST_CLASSES}, as many "
            "as there are number keys."
        )
    index_classes(classes)
    for i, name in enumerate(map(as_text, classes.tolist())):
        if not name.strip() or name != name.strip() or not name.isprintable():
            raise ValueError(
                f"classes[{i}] is {name!r}; expected a name without spaces around it "
                "or line breaks in it."
            )
        if len(name) > _LONGEST_NAME:
            raise ValueError(
                f"classes[{i}] has {len(name)} characters ({name[:20]!r} ...); "
                f"expected {_LONGEST_NAME} at most."
            )
    return classes


def _check_proposals(y_pred, y_proba, classes, n_particles):
    """Return positions of the proposed classes, and probabilities; None if unknown."""
    if y_pred is None:
        if y_proba is not None:
            raise ValueError(
                "y_proba is given without y_pred; pass the classes that the model "
                "predicts, too."
            )
        return None, None
    y_pred = check_labels(y_pred, n_particles, name="y_pred")
    check_same_kind({"classes": classes, "y_pred": y_pred})
    codes = encode(y_pred, classes)
    if (codes < 0).any():
        row = np.flatnonzero(codes < 0)[0]
        raise ValueError(
            f"y_pred is {y_pred[row].item()!r} in row {row}, which is not among the "
            f"classes {classes.tolist()}; add it, or propose one of these."
        )
    if y_proba is None:
        return codes, None
    y_proba = check_probabilities(_by_class(y_proba, classes), n_particles, classes)
    _warn_of_other_columns(y_proba, codes)
    return codes, y_proba[np.arange(n_particles), codes]


def _by_class(y_proba, classes):
    """Return a table of probabilities with a column for each class, in their order."""
    if not isinstance(y_proba, pd.DataFrame):
        shape = getattr(y_proba, "shape", ())
        if len(shape) == 2 and shape[1] != len(classes):
            raise ValueError(
                f"y_proba has {shape[1]} columns; expected one for each of the classes "
                f"{classes.tolist()}, in this order. If the model knows others, pass "
                "pandas.DataFrame(y_proba, columns=model.classes_)."
            )
        return y_proba
    names = [as_text(name) for name in classes.tolist()]
    table = y_proba.set_axis([as_text(name) for name in class_names(y_proba)], axis=1)
    other = [name for name in table.columns if name not in names]
    if other or not table.columns.is_unique:
        raise ValueError(
            f"y_proba has columns {list(y_proba.columns)}; expected some of the "
            f"classes {names}, each once."
        )
    return table.reindex(columns=names, fill_value=0.0).set_axis(classes, axis=1)


def _warn_of_other_columns(y_proba, codes):
    """Warn if most of the likeliest classes are not those that are proposed."""
    n_other = int(np.sum(y_proba.argmax(axis=1) != codes))
    if 2 * n_other > len(codes):
        warn_caller(
            f"In {n_other} of {len(codes)} rows of y_proba, another class than that of "
            "y_pred is the likeliest. Its columns must be in the order of classes; "
            "pass a DataFrame with their names if the model has another order."
        )


def _check_order(order, n_particles):
    """Return the rows that are on the page, as an array."""
    rows = np.arange(n_particles) if order is None else _check_rows(order, n_particles)
    if len(rows) > _MOST_PARTICLES:
        raise ValueError(
            f"The page would have {len(rows)} particles; expected {_MOST_PARTICLES} at "
            "most, which a browser shows at once. Choose those that tell most, by "
            "order=suggest_particles(...), or write several pages: for i, rows in "
            f"enumerate(np.array_split(np.arange({len(rows)}), "
            f"{-(-len(rows) // _MOST_PARTICLES)})): label_page(particles, "
            'f"labels-{i}.html", classes=classes, order=rows).'
        )
    return rows


def _check_rows(order, n_particles):
    """Return positions of rows as an array, each once."""
    rows = np.asarray(order)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        what = (
            "a mask; pass numpy.flatnonzero(order)"
            if rows.dtype.kind == "b"
            else f"an array of {rows.dtype} of the shape {rows.shape}"
        )
        raise TypeError(f"order is {what}; expected positions of rows, as integers.")
    if not rows.size:
        raise ValueError("order is empty; expected the position of one row or more.")
    outside = np.flatnonzero((rows < 0) | (rows >= n_particles))
    if len(outside):
        raise ValueError(
            f"order[{outside[0]}] is {rows[outside[0]]}; expected positions from 0 to "
            f"{n_particles - 1}, of {n_particles} particles."
        )
    values, counts = np.unique(rows, return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            f"order has row {values[counts > 1][0]} {counts.max()} times; expected "
            "each row once."
        )
    return rows.astype(np.intp)


def _take(proposals, rows):
    """Return what is proposed for some rows, as plain values."""
    codes, shares = proposals
    return (
        None if codes is None else codes[rows].tolist(),
        None if shares is None else shares[rows].round(4).tolist(),
    )
