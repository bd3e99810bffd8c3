from . import (
    artificial,
    calibration,
    datasets,
    displays,
    ensemble,
    evaluation,
    export,
    features,
    images,
    inspection,
    labeling,
    lipnet,
    measures,
    metrics,
    own_size,
    particles,
    partitions,
    pipelines,
    pretraining,
    resampling,
    resize,
    selective,
    surrounding,
    tags,
    transformers,
    versions,
    weights,
)
from .ensemble import EnsembleClassifier
from .evaluation import (
    compare_samples,
    count_by,
    cross_validate_particles,
    draw_audit,
    estimate_prevalence,
    write_report,
)
from .features import ParticleFeatures
from .images import ImageArray, ImageDtype
from .lipnet.augmentation import RandomAffine
from .lipnet.classifier import LipNetClassifier
from .lipnet.epoch_sampling import EpochOverSampler, EpochUnderSampler
from .lipnet.intensity import RandomIntensity
from .metrics import classification_table
from .own_size import OwnSizeLipNetClassifier
from .particles import check_particles
from .partitions import predict_micrographs, predict_partitions
from .pipelines import (
    make_ensemble_pipeline,
    make_lipnet_pipeline,
    make_svc_pipeline,
)
from .pretraining import pretrain_lipnet
from .resampling import ArtificialOverSampler
from .resize import Resize
from .selective import SelectiveClassifier
from .transformers import ApplyMask, CropToMask, NormalizeBackground
from .weights import micrograph_weights

__all__ = [
    "ApplyMask",
    "ArtificialOverSampler",
    "CropToMask",
    "EnsembleClassifier",
    "EpochOverSampler",
    "EpochUnderSampler",
    "ImageArray",
    "ImageDtype",
    "LipNetClassifier",
    "NormalizeBackground",
    "OwnSizeLipNetClassifier",
    "ParticleFeatures",
    "RandomAffine",
    "RandomIntensity",
    "Resize",
    "SelectiveClassifier",
    "artificial",
    "calibration",
    "check_particles",
    "classification_table",
    "compare_samples",
    "count_by",
    "cross_validate_particles",
    "datasets",
    "displays",
    "draw_audit",
    "ensemble",
    "estimate_prevalence",
    "evaluation",
    "export",
    "features",
    "images",
    "inspection",
    "labeling",
    "lipnet",
    "make_ensemble_pipeline",
    "make_lipnet_pipeline",
    "make_svc_pipeline",
    "measures",
    "metrics",
    "micrograph_weights",
    "own_size",
    "particles",
    "partitions",
    "pipelines",
    "predict_micrographs",
    "predict_partitions",
    "pretrain_lipnet",
    "pretraining",
    "resampling",
    "resize",
    "selective",
    "surrounding",
    "tags",
    "transformers",
    "versions",
    "weights",
    "write_report",
]
