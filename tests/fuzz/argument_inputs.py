"""Odd values for the parameters of each public class and function.

`list_calls` names the calls that are well; one argument at a time becomes odd.
"""

import inspect
import tempfile
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import sklipo
from sklipo import (
    datasets,
    displays,
    evaluation,
    export,
    inspection,
    labeling,
    lipnet,
    metrics,
)

from .label_file_inputs import TABLE, write_plain
from .label_inputs import LABELS, MICROGRAPH
from .particle_inputs import PLAIN

ODD = [
    None, True, False, 0, 1, -1, 2, 0.5, -0.5, 1.5, np.nan, np.inf, -np.inf, 1e308,
    10**30, 1j, "", "x", "auto", b"x", (), [], {}, set(), (1, 2), (0, 0), (-1, 3), (1,
    2, 3), [1.5, 2], ["x"], [None], {"x": 1}, {"full": -1}, object(), len, int,
    np.float64(3), np.array([]), np.array([1, 2]), np.array(2), pd.NA, pd.Series([1]),
    pd.DataFrame({"a": [1]}), range(3), slice(2), Ellipsis, NotImplemented,
    np.int8(3), "\0", "no/such/file",
]  # fmt: skip
# Odd values that are asked for in earnest, and would take long or much memory.
_IN_EARNEST = {
    "batch_pixels", "cv", "hidden_units", "margin", "max_epochs", "n_filters", "n_jobs",
    "n_particles", "n_repeats", "n_resamples", "n_samples", "size",
}  # fmt: skip

# What a user's own function returns or raises is the user's.
_FUNCTIONS = {"architecture", "learning_rate_schedule", "sampling_strategy", "scoring"}

Y = PLAIN["label"].to_numpy()
Y_PRED = np.where(np.arange(len(Y)) % 5, Y, "full")
Y_PROBA = np.where(Y[:, np.newaxis] == ["empty", "full"], 0.7, 0.3)
_QUICK = {"n_filters": 2, "hidden_units": 4, "max_epochs": 1, "random_state": 0}
_PREDICTIONS = {"y_true": Y, "y_pred": Y_PRED}
_PROBABILITIES = {"y_true": Y, "y_proba": Y_PROBA}


def is_in_earnest(parameter, value):
    """Tell whether a value is meant: to take for ever, or as the user's function."""
    if callable(value):
        return parameter in _FUNCTIONS
    number = isinstance(value, int | float) and value > 1e6
    return number and parameter in _IN_EARNEST


@cache
def _rows():
    """Return the plain particles as rows of 36 pixels."""
    return sklipo.Resize(6).fit_transform(PLAIN)


@cache
def _network():
    """Return a fitted LipNet of rows of pixels."""
    return sklipo.LipNetClassifier("lipnet-1", **_QUICK).fit(_rows(), Y)


@cache
def _svc():
    """Return a fitted SVC of measures."""
    return sklipo.make_svc_pipeline("thesis").fit(PLAIN, Y)


@cache
def _result():
    """Return a result of cross-validation."""
    return evaluation.CrossValidationResult(**_result_fields())


def _result_fields():
    folds = np.arange(len(Y)) % 3
    return {**_PREDICTIONS, "y_proba": Y_PROBA, "folds": folds, "classes": np.unique(Y)}


@cache
def _learning_curve():
    """Return a learning curve."""
    groups = np.arange(len(Y)) // 4
    return evaluation.learning_curve(_dummy(), PLAIN, Y, groups=groups, cv=2)


def _fit(estimator, **parameters):
    """Fit an estimator and use it."""
    instance = estimator(**parameters)
    X = _rows() if estimator is sklipo.LipNetClassifier else PLAIN
    if hasattr(instance, "fit_resample"):
        instance.fit_resample(X, Y)
    elif hasattr(instance, "predict"):
        instance.fit(X, Y).predict(X)
    else:
        instance.fit(X, Y).transform(X)


def _save_model(model):
    """Save a model and open it."""
    with tempfile.TemporaryDirectory() as folder:
        export.save_model(model, Path(folder) / "model.skops")
        export.load_model(Path(folder) / "model.skops")


def _load_model(**parameters):
    """Save a model, then open it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.skops"
        export.save_model(sklipo.Resize(4), path)
        export.load_model(**{"path": path} | parameters)


def _train_with(parameter, part, **parameters):
    """Train a network with a part that has odd parameters."""
    _fit(sklipo.LipNetClassifier, **_QUICK, **{parameter: part(**parameters)})


def _fit_pipeline(make, **parameters):
    """Make a pipeline and fit it: its steps check what they were made with."""
    make(**parameters).fit(PLAIN, Y).predict(PLAIN)


def _fit_ensemble(**parameters):
    """Make the ensemble with small networks and a small forest, and fit it."""
    model = sklipo.make_ensemble_pipeline(**{**_QUICK, "size": 6, **parameters})
    model.set_params(forest__classify__n_estimators=3).fit(PLAIN, Y).predict(PLAIN)


def _make_result(**fields):
    """Make a result of cross-validation and let it say all that it has to say."""
    result = evaluation.CrossValidationResult(**fields)
    return repr(result), result._repr_html_()


def _from_buffer(**places):
    """Make images of a buffer and look at them."""
    return list(sklipo.ImageArray.from_buffer(np.arange(9), **places))


def _make_micrograph(**parameters):
    """Draw the first of some micrographs."""
    return next(datasets.make_micrographs(**parameters))


def _plot(display, **parameters):
    """Draw a display."""
    display.plot(**parameters)


def _draw(make, **parameters):
    """Make a display that draws itself, and close its figure."""
    pyplot.close(make(**parameters).figure_)


def _save(**parameters):
    """Save the plain particles where nobody looks for them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "particles.parquet"
        datasets.save_particles(**{"particles": PLAIN, "path": path} | parameters)


def _load(**parameters):
    """Load the plain particles from a CSV."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "particles.csv"
        datasets.save_particles(PLAIN, path)
        datasets.load_particles(**{"path": path} | parameters)


def _all_of(function, names, default=None):
    """Return a call of a function that works without these parameters."""
    return function, dict.fromkeys(names.split(), default)


def _dummy():
    return make_pipeline(sklipo.Resize(4), DummyClassifier())


def list_calls():
    """Return functions by name, each with good arguments; None means the default."""
    return {
        **_estimator_calls(),
        **_metric_calls(),
        **_data_calls(),
        **_picture_calls(),
        **_inspection_calls(),
        **_export_calls(),
        **_labeling_calls(),
    }


def _estimator_calls():
    parameters = " ".join(sklipo.LipNetClassifier._parameter_constraints)
    own_parameters = sklipo.OwnSizeLipNetClassifier._parameter_constraints
    network = partial(_fit, sklipo.LipNetClassifier)
    parts = {
        "RandomAffine": ("augmentation", sklipo.RandomAffine),
        "RandomIntensity": ("augmentation", sklipo.RandomIntensity),
        "EpochOverSampler": ("epoch_sampler", sklipo.EpochOverSampler),
        "EpochUnderSampler": ("epoch_sampler", sklipo.EpochUnderSampler),
        "FocalLoss": ("loss", lipnet.FocalLoss),
        "LogitAdjustedLoss": ("loss", lipnet.LogitAdjustedLoss),
        "WeightDecay": ("weight_decay", lipnet.WeightDecay),
        "DeferredClassWeight": ("class_weight", lipnet.DeferredClassWeight),
    }
    return {
        "LipNetClassifier": (
            network,
            dict.fromkeys(parameters.split()) | _QUICK | {"architecture": "lipnet-1"},
        ),
        "OwnSizeLipNetClassifier": (
            partial(_fit, sklipo.OwnSizeLipNetClassifier),
            dict.fromkeys(own_parameters)
            | {"n_filters": 2, "max_epochs": 1, "random_state": 0},
        ),
        "LipNetClassifier.fit": (
            partial(sklipo.LipNetClassifier("lipnet-1", **_QUICK).fit, _rows(), Y),
            {"groups": np.arange(len(Y)) // 4},
        ),
        "Resize": (partial(_fit, sklipo.Resize), {"size": 4}),
        "ApplyMask": _all_of(partial(_fit, sklipo.ApplyMask), "fill_value"),
        "ParticleFeatures": (
            partial(_fit, sklipo.ParticleFeatures),
            {"groups": "thesis", "n_jobs": None},
        ),
        "ArtificialOverSampler": (
            partial(_fit, sklipo.ArtificialOverSampler),
            {"sampling_strategy": None, "random_state": 0},
        ),
        "make_svc_pipeline": (
            partial(_fit_pipeline, sklipo.make_svc_pipeline),
            {"groups": "thesis", "C": 1.0, "gamma": 0.1, "probability": False},
        ),
        "EnsembleClassifier": (
            partial(_fit, sklipo.EnsembleClassifier),
            {
                "estimators": [("dummy", _dummy())],
                "weights": None,
                "calibrate": False,
                "cv": 2,
                "n_jobs": None,
            },
        ),
        "make_ensemble_pipeline": (
            _fit_ensemble,
            {
                "groups": ["area"],
                "architecture": "lipnet-1",
                "weights": None,
                "calibrate": False,
            },
        ),
        "make_lipnet_pipeline": (
            partial(_fit_pipeline, partial(sklipo.make_lipnet_pipeline, **_QUICK)),
            {"architecture": "lipnet-1", "input_mode": "masked", "size": 6},
        ),
        "pretrain_lipnet": (
            # A cache would be written wherever the odd values lead.
            partial(sklipo.pretrain_lipnet, cache=False, size=6, **_QUICK),
            {"problem": None, "architecture": "lipnet-1", "n_samples": 10}
            | {"n_jobs": None},
        ),
        **{
            name: (
                partial(_train_with, parameter, part),
                dict.fromkeys(_parameters_of(part)),
            )
            for name, (parameter, part) in parts.items()
        },
    }


def _parameters_of(part):
    """Return the names of the parameters of a class."""
    return list(inspect.signature(part).parameters)


def _metric_calls():
    by_class = {**_PREDICTIONS, "labels": None, "average": None}
    return {
        "classification_table": (
            metrics.classification_table,
            {**_PREDICTIONS, "labels": None},
        ),
        "baseline_table": (
            metrics.baseline_table,
            {**_PREDICTIONS, "y_proba": Y_PROBA, "labels": None, "random_state": 0},
        ),
        "class_kappa": (metrics.class_kappa, by_class),
        "phi_coefficient": (metrics.phi_coefficient, by_class),
        "thesis_f1": (metrics.thesis_f1, by_class),
        "class_log_loss": (metrics.class_log_loss, {**_PROBABILITIES, "labels": None}),
        "metric_scorer": (metrics.metric_scorer, {"name": "F1", "label": "full"}),
        "CrossValidationResult": (
            _make_result,
            _result_fields() | {"groups": None, "index": None},
        ),
        "summary": (
            _result().summary,
            {"label": None, "agreement": None, "level": 0.95, "n_resamples": 20}
            | {"random_state": 0},
        ),
        "compare": (
            _result().compare,
            {"other": _result(), "label": None, "n_resamples": 20},
        ),
        "draw_audit": (
            sklipo.draw_audit,
            {
                "particles": Y,
                "n": 4,
                "groups": None,
                "y_pred": Y_PRED,
                "random_state": 0,
            },
        ),
        "micrograph_weights": (
            sklipo.micrograph_weights,
            {"y": Y, "groups": np.arange(len(Y)) // 4, "power": 0.5},
        ),
        "count_by": (
            sklipo.count_by,
            {"particles": PLAIN, "y_pred": Y_PRED, "by": "label"},
        ),
        "learning_curve": (
            partial(evaluation.learning_curve, _dummy(), PLAIN),
            {
                "y": Y,
                "groups": np.arange(len(Y)) // 4,
                "cv": 2,
                "n_micrographs": None,
                "n_repeats": 1,
                "n_jobs": None,
                "random_state": 0,
                "verbose": None,
            },
        ),
        "LearningCurve.gains": (
            _learning_curve().gains,
            {"metric": "kappa", "label": "full", "level": 0.95, "n_resamples": 20},
        ),
        "mean_confusion_matrix": _all_of(_result().mean_confusion_matrix, "normalize"),
        "cross_validate_particles": (
            partial(sklipo.cross_validate_particles, X=PLAIN),
            {
                "estimator": _dummy(),
                "y": Y,
                "groups": None,
                "cv": 2,
                "n_jobs": None,
                "params": None,
            },
        ),
    }


def _data_calls():
    return {
        "ImageArray.from_buffer": (
            _from_buffer,
            {
                "starts": [0, 6],
                "heights": [2, 2],
                "widths": [3, 1],
                "row_strides": [3, 1],
            },
        ),
        "ImageArray.__getitem__": (PLAIN["image"].array.__getitem__, {"item": 0}),
        "ImageArray.crop": (
            PLAIN["image"].array.crop,
            {"tops": 0, "lefts": 0, "heights": 3, "widths": 3},
        ),
        "make_liposomes": (
            datasets.make_liposomes,
            {
                "n_samples": 6,
                "problem": None,
                "weights": None,
                "style": None,
                "pixel_size": 1.0,
                "margin": 5,
                "noise": None,
                "conditions": None,
                "n_jobs": None,
                "random_state": 0,
            },
        ),
        "make_micrographs": (
            _make_micrograph,
            {
                "n_micrographs": 2,
                "problem": None,
                "n_particles": 1,
                "shape": (90, 80),
                "weights": None,
                "pixel_size": 1.0,
                "noise": None,
                "random_state": 0,
            },
        ),
        "extract_particles": (
            datasets.extract_particles,
            {
                "micrograph": MICROGRAPH,
                "instances": LABELS,
                "margin": None,
                "pixel_size": None,
                "name": None,
            },
        ),
        "save_model": (_save_model, {"model": sklipo.Resize(4)}),
        "load_model": _all_of(_load_model, "path trusted"),
        "save_particles": _all_of(_save, "particles path overwrite"),
        "load_particles": _all_of(_load, "path columns mask_suffix n_jobs"),
        "read_micrograph": (datasets.read_micrograph, {"path": None}),
    }


def _picture_calls():
    plots = {
        displays.ConfusionMatricesDisplay: ({}, "ax cmap"),
        displays.ClassMetricsDisplay: (
            {"metric": "F1", "agreement": None},
            "ax x kind colors",
        ),
        displays.ReliabilityDisplay: ({"kind": None, "n_bins": None}, "ax colors"),
    }
    calls = {}
    for display, (parameters, plot_parameters) in plots.items():
        drawn = display.from_cv_results(_result())
        known = {"results": _result(), **parameters}
        calls[f"{display.__name__}.from_cv_results"] = (display.from_cv_results, known)
        calls[f"{display.__name__}.plot"] = _all_of(
            partial(_plot, drawn), plot_parameters
        )
    calls |= _micrograph_calls()
    gallery = displays.ParticleGalleryDisplay
    drawn = gallery.from_particles(PLAIN, Y)
    return calls | {
        "ParticleGalleryDisplay.from_particles": (
            gallery.from_particles,
            {
                "particles": PLAIN,
                "y": Y,
                "n_particles": 2,
                "classes": None,
                "random_state": 0,
            },
        ),
        "ParticleGalleryDisplay.from_predictions": (
            partial(gallery.from_predictions, PLAIN),
            {**_PREDICTIONS, "y_proba": Y_PROBA, "select": None, "n_particles": 2},
        ),
        "ParticleGalleryDisplay.from_cv_results": (
            partial(gallery.from_cv_results, X=PLAIN),
            {"result": _result(), "select": "suspicious", "n_particles": 2},
        ),
        "ParticleGalleryDisplay.plot": _all_of(
            partial(_plot, drawn), "ax n_columns outline scale_bar vmin vmax"
        ),
        "ImageSizeDisplay.from_particles": (
            displays.ImageSizeDisplay.from_particles,
            {"particles": PLAIN, "y": Y, "region": None, "unit": None, "classes": None},
        ),
        "LearningCurveDisplay.from_curves": (
            partial(_draw, displays.LearningCurveDisplay.from_curves),
            {"curves": _learning_curve(), "metric": "F1", "label": "full"}
            | dict.fromkeys(["ax", "colors", "band"]),
        ),
        "TrainingCurveDisplay.from_estimator": (
            displays.TrainingCurveDisplay.from_estimator,
            {"estimator": _network()},
        ),
    }


def _micrograph_calls():
    """Return the calls of displays that show where particles lie."""
    display = displays.MicrographDisplay
    found = datasets.extract_particles(MICROGRAPH, LABELS, margin=2)
    y = np.resize(Y, len(found))
    known = {"micrograph": MICROGRAPH, "particles": found, "classes": None}
    drawn = display(MICROGRAPH, found, y=y)
    return {
        "MicrographDisplay": (display, {**known, "y": y, "confidence": y == "full"}),
        "MicrographDisplay.from_particles": (display.from_particles, {**known, "y": y}),
        "MicrographDisplay.from_predictions": (
            display.from_predictions,
            {**known, "y_pred": y, "y_proba": np.resize(Y_PROBA, (len(y), 2))},
        ),
        "MicrographDisplay.plot": _all_of(
            partial(_plot, drawn), "ax colors n_unsure scale_bar vmin vmax"
        ),
    }


def _inspection_calls():
    row = _rows()[:1]
    return {
        "occlusion_map": (
            inspection.occlusion_map,
            {
                "estimator": _network(),
                "X": row,
                "target": None,
                "window": None,
                "stride": None,
                "fill_value": None,
            },
        ),
        "feature_maps": (
            inspection.feature_maps,
            {"estimator": _network(), "X": row, "layer": None},
        ),
        "reconstruct": (
            inspection.reconstruct,
            {
                "estimator": _network(),
                "X": row,
                "layer": "conv1",
                "unit": 0,
                "method": None,
            },
        ),
        "most_exciting_particles": (
            inspection.most_exciting_particles,
            {
                "estimator": _network(),
                "X": _rows(),
                "layer": "conv1",
                "unit": 0,
                "n_particles": 2,
            },
        ),
        "feature_group_importance": (
            partial(inspection.feature_group_importance, X=PLAIN, y=Y),
            {
                "estimator": _svc(),
                "scoring": None,
                "n_repeats": 1,
                "n_jobs": None,
                "random_state": 0,
            },
        ),
        "FilterDisplay.from_estimator": (
            inspection.FilterDisplay.from_estimator,
            {"estimator": _network(), "layer": None, "input_channels": None},
        ),
    }


def _export_calls():
    result = evaluation.CrossValidationResult(
        classes=np.unique(Y), y_true=Y, y_pred=Y_PRED, folds=np.arange(len(Y)) % 2
    )
    page = {"model": _linear(), "result": result, "title": None}
    return {
        "to_onnx": (_to_onnx, {"model": _linear(), "dtype": None, "opset": None}),
        "to_html": (_to_html, page),
    }


def _labeling_calls():
    experts = {"first": Y, "second": Y_PRED}
    found = datasets.extract_particles(MICROGRAPH, LABELS, margin=2)
    page = {"particles": PLAIN, "classes": np.unique(Y), "y_pred": Y_PRED}
    return {
        "label_page": (
            _label_page,
            {**page, "y_proba": None, "order": None, "title": None},
        ),
        "agreement_table": (
            labeling.agreement_table,
            {**experts, "groups": None, "level": 0.95, "n_resamples": 20}
            | {"random_state": 0},
        ),
        "match_particles": (
            labeling.match_particles,
            {"new": found, "old": found, "min_overlap": 0.5},
        ),
        "read_labels": (
            _read_labels,
            {"particles": TABLE, "path": None, "classes": None, "expert": "Ada"},
        ),
        "suggest_particles": (
            partial(labeling.suggest_particles, None),
            {
                "particles": _rows(),
                "n": 4,
                "y": np.where(np.arange(len(Y)) % 3, None, Y),
                "groups": np.arange(len(Y)) // 4,
                "y_proba": Y_PROBA,
                "strategy": "margin",
                "random_state": 0,
            },
        ),
        "suggest_particles, model": (
            labeling.suggest_particles,
            {"model": _linear(), "particles": PLAIN, "n": 4},
        ),
    }


@cache
def _linear():
    return make_pipeline(sklipo.Resize(4), LogisticRegression()).fit(PLAIN, Y)


def _to_onnx(**parameters):
    """Write a model where nobody looks for it."""
    with tempfile.TemporaryDirectory() as folder:
        export.to_onnx(path=Path(folder) / "model.onnx", **parameters)


def _to_html(**parameters):
    """Write a page where nobody looks for it."""
    with tempfile.TemporaryDirectory() as folder:
        export.to_html(path=Path(folder) / "model.html", **parameters)


def _read_labels(**parameters):
    """Read the labels of the plain particles."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_plain(Path(folder))
        labeling.read_labels(**{"path": path} | parameters)


def _label_page(**parameters):
    """Write a page where nobody looks for it."""
    with tempfile.TemporaryDirectory() as folder:
        labeling.label_page(path=Path(folder) / "labels.html", **parameters)


def call_odd(function, arguments, parameter, value):
    """Call a function with one odd argument, and without those that have no value."""
    given = {k: v for k, v in arguments.items() if v is not None}
    function(**given | {parameter: value})
