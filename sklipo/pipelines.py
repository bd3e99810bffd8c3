"""The two models of the thesis, ready to fit on a particle table."""

import numpy as np
from imblearn.pipeline import Pipeline
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils import assert_all_finite, column_or_1d

from .features import ParticleFeatures
from .lipnet.augmentation import RandomAffine
from .lipnet.classifier import LipNetClassifier
from .lipnet.epoch_sampling import EpochOverSampler
from .resize import Resize
from .transformers import ApplyMask, CropToMask, NormalizeBackground

# Which steps make the three kinds of network input of the thesis, section 8.5.
_INPUT_MODES = {
    "surrounding": (),
    "cropped": ("crop",),
    "masked": ("crop", "mask"),
}


def make_lipnet_pipeline(
    architecture="lipnet-4",
    *,
    input_mode="masked",
    size=28,
    random_state=None,
    memory=None,
    **lipnet_params,
):
    """Return a pipeline that classifies particles by a small convolutional network.

    Particles are normalised by their background, cropped, masked and resized; a LipNet
    learns from augmented images of which each epoch shows every class equally often.

    Parameters
    ----------
    architecture : str, default="lipnet-4"
        See :class:`LipNetClassifier`.
    input_mode : {"masked", "cropped", "surrounding"}, default="masked"
        What the network sees: the particle alone, the bounding box of its mask, or
        the whole cut-out with its surrounding.
    size : int or tuple of (int, int), default=28
        Height and width in pixels to which particles are resized.
    random_state : int, RandomState instance or None, default=None
        Seed of the training.
    memory : str or joblib.Memory, default=None
        Where to keep the result of each step between fits. The steps here are faster
        than a look into memory; slow steps that you add may gain.
    **lipnet_params : dict
        Further parameters of :class:`LipNetClassifier`, also in place of those that
        are set here: ``epoch_sampler=EpochOverSampler()``,
        ``augmentation=RandomAffine()`` and ``learning_rate_schedule="cosine"``.

    Returns
    -------
    model : imblearn.pipeline.Pipeline
        Steps ``normalize``, ``crop``, ``mask``, ``resize`` and ``classify``, less those
        that the input mode leaves out.

    Raises
    ------
    ValueError
        If the input mode is unknown.

    See Also
    --------
    make_svc_pipeline : The other model: hand-made features and an SVM.

    Notes
    -----
    The recipe of the thesis, sections 5.5 and 8.1, with three changes: particles are
    measured by their background, repeats are drawn anew at each epoch, and the steps
    shorten along a cosine.

    Examples
    --------
    >>> from sklipo import make_lipnet_pipeline
    >>> from sklipo.datasets import make_liposomes
    >>> particles = make_liposomes(60, weights=None, random_state=0)
    >>> model = make_lipnet_pipeline("lipnet-1", max_epochs=2, random_state=0)
    >>> model.fit(particles, particles["label"]).predict(particles).shape
    (60,)
    """
    if input_mode not in _INPUT_MODES:
        raise ValueError(
            f"input_mode={input_mode!r}; expected one of {sorted(_INPUT_MODES)}."
        )
    optional = {"crop": CropToMask(), "mask": ApplyMask()}
    recipe = {
        "epoch_sampler": EpochOverSampler(),
        "augmentation": RandomAffine(),
        "learning_rate_schedule": "cosine",
    }
    classify = LipNetClassifier(
        architecture, random_state=random_state, **{**recipe, **lipnet_params}
    )
    steps = [
        ("normalize", NormalizeBackground()),
        *((name, optional[name]) for name in _INPUT_MODES[input_mode]),
        ("resize", Resize(size)),
        ("classify", classify),
    ]
    return Pipeline(steps, memory=memory)


def make_svc_pipeline(
    features="all",
    *,
    C=1.0,
    gamma=1e-3,
    probability=False,
    n_jobs=None,
    memory=None,
):
    """Return a pipeline that classifies particles by measures and an SVM.

    Particles are measured relative to their background; the measures are standardised;
    a support vector machine with one-vs-one voting and balanced class weights learns.

    Parameters
    ----------
    features : str or list of str, default="all"
        What is measured, see :class:`ParticleFeatures`; ``"thesis"`` takes the
        features that the thesis used.
    C : float, default=1.0
        Penalty of an error, the larger the less regularised.
    gamma : {"scale", "auto"} or float, default=1e-3
        Coefficient of the radial basis function kernel. Scikit-learn's ``"scale"`` is
        1 / n_features here; a wider kernel, of a smaller value, carries further from
        the micrographs of the training set to others.
    probability : bool, default=False
        Give the model ``predict_proba``, by a :class:`BalancedCalibratedClassifierCV`
        with five folds of the training set: as if all classes were equally frequent,
        which is how the SVM is trained, too. The SVM is then at
        ``classify__estimator``.
    n_jobs : int, default=None
        Number of particles measured at once; -1 means one for each core.
    memory : str or joblib.Memory, default=None
        Where to keep the measures between fits and predictions, see
        :class:`ParticleFeatures`.

    Returns
    -------
    model : imblearn.pipeline.Pipeline
        Steps ``features``, ``scale`` and ``classify``.

    See Also
    --------
    make_lipnet_pipeline : The other model: a convolutional network on pixels.

    Examples
    --------
    >>> from sklipo import make_svc_pipeline
    >>> from sklipo.datasets import make_liposomes
    >>> particles = make_liposomes(60, weights=None, random_state=0)
    >>> model = make_svc_pipeline().fit(particles, particles["label"])
    >>> model.predict(particles).shape
    (60,)
    """
    classify = SVC(C=C, gamma=gamma, class_weight="balanced")
    if probability:
        classify = BalancedCalibratedClassifierCV(SVC(C=C, gamma=gamma), ensemble=False)
    steps = [
        ("features", ParticleFeatures(features, n_jobs=n_jobs, memory=memory)),
        ("scale", StandardScaler()),
        ("classify", classify),
    ]
    return Pipeline(steps)


class BalancedCalibratedClassifierCV(CalibratedClassifierCV):
    """Calibration of probabilities as if all classes were equally frequent.

    Plain calibration learns how rare a class is. The most probable class is then hardly
    ever a rare one, whatever class weights the estimator has. Here every class has the
    same total weight, both for the estimator and for its calibration.

    Parameters
    ----------
    estimator : estimator, default=None
        Classifier whose ``fit`` takes ``sample_weight``; None stands for a LinearSVC.
    method : {"sigmoid", "isotonic", "temperature"}, default="sigmoid"
        Kind of the calibration.
    cv : int, cross-validation splitter or iterable, default=None
        Folds that the calibration learns from; None means five.
    n_jobs : int, default=None
        Number of folds that are fitted at once; -1 means one for each core.
    ensemble : bool or "auto", default="auto"
        Whether each fold keeps its own classifier, see
        :class:`sklearn.calibration.CalibratedClassifierCV`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    calibrated_classifiers_ : list
        The calibrated classifiers; a single one with ``ensemble=False``.
    n_features_in_ : int
        Number of features in ``fit``, if the estimator has it.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features in ``fit``, if the estimator has them.

    See Also
    --------
    make_svc_pipeline : Ends in it with ``probability=True``.
    sklearn.calibration.CalibratedClassifierCV : Calibration by the classes' shares.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.svm import SVC
    >>> from sklipo.pipelines import BalancedCalibratedClassifierCV
    >>> X, y = make_classification(weights=[0.9], class_sep=0.5, random_state=0)
    >>> model = BalancedCalibratedClassifierCV(SVC(), ensemble=False).fit(X, y)
    >>> model.predict_proba(X).shape
    (100, 2)
    """

    def fit(self, X, y, sample_weight=None):
        """Fit the estimator and its calibration.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training samples.
        y : array-like of shape (n_samples,)
            Class of each sample.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of samples; their shares within each class are kept.

        Returns
        -------
        self : object
            The fitted classifier.
        """
        y = column_or_1d(y, warn=True)
        assert_all_finite(y, input_name="y")
        weights = _balance(y, sample_weight)
        # With routing, the weights would need a request of the user, who gave none.
        with config_context(enable_metadata_routing=False):
            return super().fit(X, y, sample_weight=weights)


def _balance(y, sample_weight):
    """Return weights of which each class has the same sum."""
    codes = np.unique(y, return_inverse=True)[1]
    if sample_weight is None:
        sample_weight = np.ones(len(y))
    sample_weight = np.asarray(sample_weight, dtype=float)
    totals = np.bincount(codes, weights=sample_weight)
    # A class of weight 0 stays without weight.
    totals = np.where(totals == 0, np.inf, totals)
    return sample_weight * (sample_weight.sum() / (len(totals) * totals))[codes]
