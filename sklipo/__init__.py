"""Classify particles in electron micrographs with scikit-learn tools.

The public names are imported when they are first used, so that ``import sklipo`` is
light: it loads neither torch nor matplotlib. It does register the pandas dtype
``"image"``.
"""

from importlib import import_module

from .images import ImageArray, ImageDtype

__version__ = "0.1.0"

_MODULE_OF = {
    "ApplyMask": "transformers",
    "ArtificialOverSampler": "resampling",
    "CropToMask": "transformers",
    "EpochOverSampler": "lipnet.epoch_sampling",
    "EpochUnderSampler": "lipnet.epoch_sampling",
    "LipNetClassifier": "lipnet.classifier",
    "NormalizeBackground": "transformers",
    "ParticleFeatures": "features",
    "RandomAffine": "lipnet.augmentation",
    "Resize": "resize",
    "check_particles": "particles",
    "classification_table": "metrics",
    "cross_validate_particles": "evaluation",
    "make_lipnet_pipeline": "pipelines",
    "make_svc_pipeline": "pipelines",
    "predict_partitions": "partitions",
}

__all__ = ["ImageArray", "ImageDtype", *_MODULE_OF]


def __getattr__(name):
    """Import a public name when it is first used."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__():
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__, "datasets"})
