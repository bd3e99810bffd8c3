"""The types that a file may name, beside those that skops trusts by itself.

A type that is trusted may be called with whatever the file holds, and gets attributes
from it. So none is listed here that runs, imports, reads or formats by what it is
given: no function, no ``functools.partial``, nothing of ``operator``. Nor is a skorch
net, whose state is a pickle; ``NetPart`` stands for it. Nor are decision trees, whose
numbers are followed in C without a look; ``TreePart`` stands for them.
"""

# Constructors and states of these only set attributes, as scikit-learn asks of all
# estimators. Versions and parameters that a state lacks are looked at, nothing more.
_ESTIMATORS = (
    "imblearn.combine._smote_enn.SMOTEENN",
    "imblearn.combine._smote_tomek.SMOTETomek",
    "imblearn.ensemble._forest.BalancedRandomForestClassifier",
    "imblearn.over_sampling._adasyn.ADASYN",
    "imblearn.over_sampling._random_over_sampler.RandomOverSampler",
    "imblearn.over_sampling._smote.base.SMOTE",
    "imblearn.over_sampling._smote.filter.BorderlineSMOTE",
    "imblearn.pipeline.Pipeline",
    "imblearn.under_sampling._prototype_selection._edited_nearest_neighbours."
    "EditedNearestNeighbours",
    "imblearn.under_sampling._prototype_selection._nearmiss.NearMiss",
    "imblearn.under_sampling._prototype_selection._random_under_sampler."
    "RandomUnderSampler",
    "imblearn.under_sampling._prototype_selection._tomek_links.TomekLinks",
    "sklipo.calibration.BalancedCalibratedClassifierCV",
    "sklipo.ensemble.classifier.EnsembleClassifier",
    "sklipo.features.ParticleFeatures",
    "sklipo.lipnet.classifier.LipNetClassifier",
    "sklipo.own_size.OwnSizeLipNetClassifier",
    "sklipo.pipelines.ImagePipeline",
    "sklipo.resampling.ArtificialOverSampler",
    "sklipo.resize.Resize",
    "sklipo.selective.SelectiveClassifier",
    "sklipo.transformers.ApplyMask",
    "sklipo.transformers.CropToMask",
    "sklipo.transformers.NormalizeBackground",
)

# So do those of these settings: numbers, names and texts. Of skorch's callbacks only
# those are here that neither write files nor load any.
_SETTINGS = (
    "skorch.callbacks.regularization.GradientNormClipping",
    "skorch.callbacks.scoring.EpochScoring",
    "skorch.callbacks.training.EarlyStopping",
    "sklipo.lipnet.augmentation.RandomAffine",
    "sklipo.lipnet.callbacks.DropoutDecay",
    "sklipo.lipnet.callbacks.StopOnDivergence",
    "sklipo.lipnet.class_weights.DeferredClassWeight",
    "sklipo.lipnet.epoch_sampling.EpochOverSampler",
    "sklipo.lipnet.epoch_sampling.EpochUnderSampler",
    "sklipo.lipnet.intensity.RandomIntensity",
    "sklipo.lipnet.losses.CrossEntropyLoss",
    "sklipo.lipnet.losses.FocalLoss",
    "sklipo.lipnet.losses.LogitAdjustedLoss",
    "sklipo.lipnet.regularization.WeightDecay",
    "sklipo.metrics.scorers._MetricScorer",
)

# Parts of fitted estimators of scikit-learn that skops doesn't list: records of numbers
# and of estimators, and splitters, which draw numbers.
_OF_SKLEARN = (
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.model_selection._split._CVIterableWrapper",
    "sklearn.model_selection._split.GroupKFold",
    "sklearn.model_selection._split.GroupShuffleSplit",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.LeaveOneGroupOut",
    "sklearn.model_selection._split.ShuffleSplit",
    "sklearn.model_selection._split.StratifiedGroupKFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.model_selection._split.StratifiedShuffleSplit",
    "sklearn.utils._bunch.Bunch",
)

# Called with plain values, which they check, and look up names in tables of their own.
_PARTS = (
    "sklipo.export._saved.network_parts.DevicePart",
    "sklipo.export._saved.network_parts.NetPart",
    "sklipo.export._saved.parts.DictPart",
    "sklipo.export._saved.parts.FunctionPart",
    "sklipo.export._saved.parts.IndexPart",
    "sklipo.export._saved.parts.MaskedArrayPart",
    "sklipo.export._saved.parts.NeighborTreePart",
    "sklipo.export._saved.parts.ObjectArrayPart",
    "sklipo.export._saved.parts.PathPart",
    "sklipo.export._saved.parts.RequestPart",
    "sklipo.export._saved.parts.ResultPart",
    "sklipo.export._saved.parts.ScorerPart",
    "sklipo.export._saved.parts.SeriesPart",
    "sklipo.export._saved.parts.TablePart",
    "sklipo.export._saved.parts.TreePart",
)

TRUSTED = tuple(sorted(_ESTIMATORS + _SETTINGS + _OF_SKLEARN + _PARTS))
