"""Models in files that are opened without running what they bring."""

import warnings
from os import PathLike
from pathlib import Path

from packaging.version import InvalidVersion, Version
from sklearn.exceptions import InconsistentVersionWarning

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import validate_params

from .._extras import import_extra
from ..datasets._writing import check_place, write_whole
from ..particles._warnings import warn_caller
from ..versions._comparing import (
    WHAT_TO_DO,
    in_words,
    installed_versions,
    list_differing,
    versions_compared,
)
from ._saved.archive import read_archive, write_archive
from ._saved.copies import copy_in_parts
from ._saved.trusted import TRUSTED


@validate_params({"path": [str, PathLike]}, prefer_skip_nested_validation=True)
def save_model(model, path):
    """Save a model in a file that is safe to open.

    Parameters
    ----------
    model : estimator
        A classifier, pipeline, search or any other estimator, fitted or not.
    path : str or Path
        The file, best with the ending ``.skops``. A former one is replaced, once the
        new one is whole.

    Raises
    ------
    TypeError
        If the model is no estimator, or if something in it can't be held by such a
        file: the message says where it is.
    FileNotFoundError
        If the folder is missing.
    ImportError
        If skops is not installed.

    See Also
    --------
    load_model : Opens the file.
    joblib.dump : Saves everything, in a file that runs code when it is opened.

    Notes
    -----
    The file is a zip archive of arrays and of a text (``schema.json``) that says what
    they are, as skops writes it [1]_. There is no pickle in it. The same model gives
    the same bytes, with the same versions of all packages.

    A network is kept as its settings and the arrays of its weights, and built anew. The
    state of its optimizer is not kept: ``fit`` with ``warm_start`` and ``partial_fit``
    go on with a new optimizer, Adam without the moments that it had. All else that a
    network was, such as its history, is kept.

    What can't be held: the network of a LipNetClassifier whose ``architecture`` is a
    callable, as opening the file would have to call it; functions that can't be
    imported by name, such as a lambda; and objects that hold themselves.

    What is held, but opened only by who passes its name as ``trusted``: types of your
    own, and those of scikit-learn that neither skops nor :func:`trusted_types` lists,
    such as the score function of :class:`~sklearn.feature_selection.SelectKBest`.
    :func:`load_model` names them, so open a file once before you give it away.

    References
    ----------
    .. [1] https://skops.readthedocs.io/en/stable/persistence.html

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklipo import make_svc_pipeline
    >>> from sklipo.datasets import make_liposomes
    >>> from sklipo.export import load_model, save_model
    >>> particles = make_liposomes(30, weights=None, random_state=0)
    >>> model = make_svc_pipeline(["area"]).fit(particles, particles["label"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, Path(folder) / "model.skops")
    ...     loaded = load_model(Path(folder) / "model.skops")
    >>> bool((loaded.predict(particles) == model.predict(particles)).all())
    True
    """
    skops = import_extra("skops.io", "skops")
    _check_estimator(model)
    path = Path(path)
    check_place(path, overwrite=True)
    with versions_compared():
        data = skops.dumps(copy_in_parts(model))
    write_whole(path, lambda draft: write_archive(draft, data))


@validate_params(
    {"path": [str, PathLike], "trusted": [list, None]},
    prefer_skip_nested_validation=True,
)
def load_model(path, *, trusted=None):
    """Open a model without running code that its file brings.

    Parameters
    ----------
    path : str or Path
        A file that :func:`save_model` wrote.
    trusted : list of str, default=None
        Names of types that you vouch for, beside those of :func:`trusted_types`, such
        as ``"mypackage.steps.MyTransformer"``. They are imported, and may be called
        with what the file holds.

    Returns
    -------
    model : estimator
        The model. It predicts what the saved one did, to the bit, with the same
        versions of all packages on the same kind of computer.

    Raises
    ------
    ValueError
        If the file is none that :func:`save_model` wrote, is damaged, names types that
        are not trusted, or was saved by a newer sklipo. Nothing of it has run then.
    TypeError
        If ``trusted`` is no list of names.
    FileNotFoundError
        If there is no such file.
    ImportError
        If skops is not installed.

    Warns
    -----
    UserWarning
        If the model was saved by other versions of sklipo, scikit-learn or other
        packages that it needs. The warning names both.

    See Also
    --------
    save_model : Writes the file, and says what it keeps.
    trusted_types : The types that a file may name.

    Notes
    -----
    What a stranger's file can still do: predict nonsense, crash Python by numbers that
    libraries written in C don't check, or name a file in ``pretrained`` or ``memory``,
    which a later ``fit`` would open by joblib. Look at ``get_params`` before you fit
    it. It can't run code when it is opened.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import joblib
    >>> from sklipo import Resize
    >>> from sklipo.export import load_model, save_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(Resize(14), Path(folder) / "resize.skops")
    ...     load_model(Path(folder) / "resize.skops")
    Resize(size=14)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = joblib.dump(Resize(14), Path(folder) / "resize.joblib")
    ...     load_model(Path(folder) / "resize.joblib")
    Traceback (most recent call last):
      ...
    ValueError: '...resize.joblib' is a pickle. Open it by joblib.load if you trust...
    """
    skops = import_extra("skops.io", "skops")
    types = [*TRUSTED, *_check_trusted(trusted)]
    name = repr(str(path))
    data, versions = read_archive(path)
    found = installed_versions(tuple(versions))
    _refuse_newer(name, versions["sklipo"], found["sklipo"])
    try:
        with versions_compared(), warnings.catch_warnings():
            # Else each estimator of scikit-learn would say what is said below.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            model = skops.loads(data, trusted=types)
        _check_estimator(model)
    # What is wrong in a file may raise anything.
    except Exception as error:
        raise ValueError(f"{name} {_explain(error, data, types, skops)}") from error
    differing = list_differing(versions, found)
    if differing:
        saved, now = (
            in_words({package: numbers[package] for package in differing})
            for numbers in (versions, found)
        )
        warn_caller(f"{name} was saved by {saved} and is opened by {now}. {WHAT_TO_DO}")
    return model


def trusted_types():
    """Return the types that a file of a model may name.

    Returns
    -------
    types : list of str
        Full names, sorted. Estimators of scikit-learn, arrays and plain Python values
        are not among them: skops trusts these by itself.

    See Also
    --------
    load_model : Takes further ones as ``trusted``.

    Notes
    -----
    Constructors of these types and what restores their state do nothing with what they
    are given but keep and check it. Types whose names contain ``Part`` stand for
    objects that would do more, such as the net of skorch, whose own state is a pickle.

    Examples
    --------
    >>> from sklipo.export import trusted_types
    >>> "sklipo.lipnet.classifier.LipNetClassifier" in trusted_types()
    True
    >>> [name for name in trusted_types() if name.startswith("functools")]
    []
    """
    return list(TRUSTED)


def _check_estimator(model):
    """Refuse what is no estimator."""
    is_estimator = hasattr(model, "fit") and hasattr(model, "get_params")
    if isinstance(model, type) or not is_estimator:
        what = model.__name__ if isinstance(model, type) else type(model).__name__
        kind = "the class" if isinstance(model, type) else "a"
        raise TypeError(
            f"model is {kind} {what}; expected an estimator, such as a pipeline."
        )


def _check_trusted(trusted):
    """Return names of types as a list."""
    for name in trusted or []:
        if not isinstance(name, str):
            raise TypeError(
                f"trusted has an item {name!r}; expected full names of types, such as "
                "'mypackage.steps.MyTransformer'."
            )
    return trusted or []


def _refuse_newer(name, saved, found):
    """Refuse a model of a newer sklipo."""
    try:
        is_newer = Version(saved) > Version(found)
    except InvalidVersion as error:
        raise ValueError(f"{name} has no version of sklipo: {error}.") from error
    if is_newer:
        raise ValueError(
            f"{name} was saved by sklipo {saved}, which is newer than sklipo {found} "
            "here. Update it: pip install --upgrade sklipo"
        )


def _explain(error, data, types, skops):
    """Return in words why a file could not be opened."""
    if isinstance(error, skops.exceptions.UntrustedTypesFoundException):
        unknown = set(skops.get_untrusted_types(data=data)) - set(types)
        return (
            f"names types that are not trusted: {', '.join(sorted(unknown))}. Nothing "
            "of it has run. Types that you trust may be called with what the file "
            "holds: only if you know what each of them does and who made the file, "
            f"pass trusted={sorted(unknown)}."
        )
    return (
        f"is damaged, or was not written by save_model: {type(error).__name__}: {error}"
    )
