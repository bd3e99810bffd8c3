"""Networks that are trained on artificial liposomes before there are labels."""

import os
from functools import partial
from hashlib import sha256
from numbers import Integral
from pathlib import Path

import joblib

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import (
    Interval,
    Options,
    StrOptions,
    validate_params,
)

from . import artificial
from ._jobs import N_JOBS
from .artificial._sampling import CLASSES
from .datasets import liposomes
from .datasets._writing import write_whole
from .evaluation._folds import route_params
from .lipnet._checks import check_parts
from .lipnet._training import has_foreign_code
from .particles._warnings import warn_caller
from .pipelines import ImagePipeline, make_lipnet_pipeline

# Microscopes, ice and membranes of most kinds: each range is wider than the usual one.
# A network that has seen them all takes the next microscope for one more of them.
_VARIED = {
    "defocus": (500, 4500),
    "dose": (100, 3000),
    "amplitude_contrast": (0.05, 0.45),
    "grain": (0.5, 4.0),
    "unevenness": (0.0, 0.08),
    "mean": (100, 170),
    "stretch": (120, 450),
    "bilayer_thickness": (3.5, 6.5),
}
_PIXEL_SIZES = (0.5, 2.5)
# pixels. A wider surrounding takes longer to draw and tells no more of the background.
_MARGIN = 20
_RECIPE = {"max_epochs": 15, "batch_size": 64}


@validate_params(
    {
        "problem": [StrOptions(set(CLASSES))],
        "n_samples": [Interval(Integral, 10, None, closed="left")],
        "cache": [str, os.PathLike, Options(bool, {False}), None],
        "n_jobs": N_JOBS,
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    },
    # The parameters that are passed on are checked by who takes them.
    prefer_skip_nested_validation=False,
)
def pretrain_lipnet(
    problem="lamellarity",
    architecture="lipnet-4",
    *,
    n_samples=6000,
    cache=None,
    n_jobs=None,
    random_state=0,
    verbose=0,
    **pipeline_params,
):
    """Train a network on artificial liposomes of widely varied microscopes.

    The result is where a network for few labeled particles starts from:
    ``make_lipnet_pipeline(pretrained=pretrain_lipnet())``. It takes some minutes on two
    cores, less than one beside a GPU, and is kept in a folder for the next time.

    Parameters
    ----------
    problem : {"lamellarity", "encapsulation"}, default="lamellarity"
        What the network learns to tell apart, see
        :func:`~sklipo.datasets.make_liposomes`; all classes are equally frequent.
    architecture : str or tuple of str, default="lipnet-4"
        See :class:`LipNetClassifier`.
    n_samples : int, default=6000
        Number of liposomes, at least 10.
    cache : str, Path or False, default=None
        Folder that keeps the result, made if it is not there. By default the one that
        the environment variable ``SKLIPO_DATA`` names, or else ``~/sklipo_data``; False
        keeps nothing.
    n_jobs : int, default=None
        Number of threads that draw.
    random_state : int, RandomState instance or None, default=0
        Seed of the liposomes and of the training. Only the result of an int is kept.
    verbose : int, default=0
        1 prints what is being done, and a line for each epoch.
    **pipeline_params : dict
        Further parameters of :func:`make_lipnet_pipeline`, and so of
        :class:`LipNetClassifier`. ``intensity``, ``input_mode``, ``size`` and those of
        the layers have to be those of the network that shall start from the result.
        ``max_epochs=15`` and ``batch_size=64`` are the defaults.

    Returns
    -------
    model : ImagePipeline
        A fitted pipeline. The state of its optimizer is dropped, so that it can be
        started from but not trained on.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Warns
    -----
    UserWarning
        If the file in the folder is damaged or holds something else, and the network is
        trained anew; or if the folder can't be written to.

    See Also
    --------
    LipNetClassifier : Starts from the result by its parameter ``pretrained``.
    sklipo.datasets.make_liposomes : Draws the liposomes.

    Notes
    -----
    Defocus, dose, ice, contrast, the thickness of membranes and the size of pixels vary
    from micrograph to micrograph, more than any one microscope lets them: *domain
    randomization* [1]_. What a network learns to ignore there, it need not learn from
    labels.

    The name of the file is made of all parameters, of the versions of sklipo,
    scikit-learn, PyTorch and skorch, and of the code that draws; a change of any trains
    a new network. Old files are not removed. A network with functions of your own, as
    architecture, schedule or callbacks, is not kept, as they can change under the same
    name. Files are written as a whole: two processes at once both train, and the later
    one replaces the file by its like. As any joblib file, they run code when they are
    loaded: take a folder that others can't write to.

    References
    ----------
    .. [1] J. Tobin et al., "Domain Randomization for Transferring Deep Neural Networks
       from Simulation to the Real World", IROS 2017.

    Examples
    --------
    >>> from sklipo import make_lipnet_pipeline, pretrain_lipnet
    >>> from sklipo.datasets import make_liposomes
    >>> layers = {"architecture": "lipnet-1", "n_filters": 4, "hidden_units": 8}
    >>> pretrained = pretrain_lipnet(**layers, n_samples=30, max_epochs=1, cache=False)
    >>> model = make_lipnet_pipeline(**layers, pretrained=pretrained, random_state=0)
    >>> particles = make_liposomes(30, weights=None, random_state=0)
    >>> model.fit(particles, particles["label"]).predict(particles).shape
    (30,)
    """
    model = make_lipnet_pipeline(
        architecture, random_state=random_state, **_RECIPE | pipeline_params
    )
    # Before minutes of drawing, which fit would wait for.
    check_parts(*dict(model.steps).values())
    path = _find_path(cache, problem, n_samples, random_state, model)
    kept = None if path is None else _read(path)
    if kept is not None:
        return kept
    model.set_params(classify__verbose=verbose)
    if verbose:
        print(f"Drawing {n_samples} artificial liposomes")
    particles = liposomes.make_liposomes(
        n_samples,
        problem,
        weights=None,
        conditions=_VARIED,
        pixel_size=_PIXEL_SIZES,
        margin=_MARGIN,
        n_jobs=n_jobs,
        random_state=random_state,
    )
    params = route_params(model, {}, particles["micrograph"])
    model.fit(particles, particles["label"], **params)
    model["classify"].set_params(verbose=0).net_.trim_for_prediction()
    if path is not None:
        _keep(model, path)
    return model


def _find_path(cache, problem, n_samples, random_state, model):
    """Return the file that a network belongs in, or None if it is not to be kept."""
    classifier = model["classify"]
    has_own_code = has_foreign_code(classifier) or callable(
        classifier.learning_rate_schedule
    )
    if cache is False or not isinstance(random_state, Integral) or has_own_code:
        return None
    if cache is None:
        cache = os.environ.get("SKLIPO_DATA", Path("~", "sklipo_data"))
    drawn = _VARIED, _PIXEL_SIZES, _MARGIN, int(n_samples), _code_that_draws()
    # The pickle of the model, which is hashed, has the versions of the packages.
    name = f"lipnet-{problem}-{joblib.hash((drawn, model))}.joblib"
    return Path(cache).expanduser() / name


def _code_that_draws():
    """Return a hash of the code that draws liposomes."""
    files = [*Path(artificial.__file__).parent.glob("*.py"), Path(liposomes.__file__)]
    return [sha256(file.read_bytes()).hexdigest() for file in sorted(files)]


def _read(path):
    """Return the network that a file holds, or None with a warning if there is none."""
    if not path.exists():
        return None
    try:
        model = joblib.load(path)
    # Damaged files raise almost anything.
    except Exception as error:
        found = f"cannot be loaded ({error!r})"
    else:
        if isinstance(model, ImagePipeline) and hasattr(model[-1], "net_"):
            return model
        found = f"holds a {type(model).__name__}, no pretrained network"
    warn_caller(f"{str(path)!r} {found}: the network is trained anew.")
    return None


def _keep(model, path):
    """Write a network into its file, or warn that it can't be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, partial(joblib.dump, model))
    except OSError as error:
        warn_caller(f"The pretrained network could not be kept: {error}")
