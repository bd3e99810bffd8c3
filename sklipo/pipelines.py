"""Models ready to fit on a particle table: the two of the thesis, and both together."""

from numbers import Integral

from imblearn.ensemble import BalancedRandomForestClassifier
from imblearn.pipeline import Pipeline
from numpy.random import RandomState
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import StrOptions, validate_params

from .calibration import BalancedCalibratedClassifierCV
from .ensemble import EnsembleClassifier
from .features import ParticleFeatures
from .lipnet._own_size_network import check_own_size_architecture
from .lipnet.augmentation import RandomAffine
from .lipnet.classifier import LipNetClassifier
from .lipnet.epoch_sampling import EpochOverSampler
from .own_size import OwnSizeLipNetClassifier
from .resize import Resize
from .surrounding import SCALES
from .transformers import ApplyMask, CropToMask, NormalizeBackground
from .versions import VersionedMixin

# Which steps make the three kinds of network input of the thesis, section 8.5.
_INPUT_MODES = {
    "surrounding": (),
    "cropped": ("crop",),
    "masked": ("crop", "mask"),
}


@validate_params(
    {
        "intensity": [StrOptions(set(SCALES))],
        "input_mode": [StrOptions(set(_INPUT_MODES))],
        "size": [Integral, tuple, list, StrOptions({"own"})],
        "keep_aspect_ratio": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_lipnet_pipeline(
    architecture="lipnet-4",
    *,
    intensity="contrast",
    input_mode="masked",
    size=28,
    keep_aspect_ratio=False,
    random_state=None,
    memory=None,
    **lipnet_params,
):
    """Return a pipeline that classifies particles by a small convolutional network.

    Particles are normalized by their background, cropped, masked and resized; a LipNet
    learns from augmented images of which each epoch shows every class equally often.

    Parameters
    ----------
    architecture : str, default="lipnet-4"
        See :class:`LipNetClassifier`.
    intensity : {"contrast", "noise", "none"}, default="contrast"
        What pixels are counted in: the contrast of the particle, the noise of the
        background, or as they are; see :class:`NormalizeBackground`. A search finds it
        as ``normalize__scale``.
    input_mode : {"masked", "cropped", "surrounding"}, default="masked"
        What the network sees: the particle alone, the bounding box of its mask, or
        the whole cut-out with its surrounding.
    size : int, tuple of (int, int) or "own", default=28
        Height and width in pixels to which particles are resized. A search over
        ``resize__size`` takes whole numbers; for other shapes,
        ``classify__image_shape`` has to change with it. ``"own"`` does not resize
        particles: the network is an :class:`OwnSizeLipNetClassifier`, of an
        architecture such as ``"lipnet-4c"``, that sees ``"masked"`` particles by their
        mask and other input as whole images.
    keep_aspect_ratio : bool, default=False
        Whether a particle that is resized keeps its proportions. By default it is
        stretched to fit, as in the thesis.
    random_state : int, RandomState instance or None, default=None
        Seed of the training.
    memory : str or joblib.Memory, default=None
        Where to keep the result of each step between fits. The steps here are faster
        than a look into memory; slow steps that you add may gain.
    **lipnet_params : dict
        Further parameters of the classifier, also in place of those that are set here:
        ``epoch_sampler=EpochOverSampler()``, ``learning_rate_schedule="cosine"``,
        ``max_epochs="auto"`` and ``augmentation=RandomAffine()``; where particles keep
        their size, this does not zoom, and ``batch_norm=True``.

    Returns
    -------
    model : ImagePipeline
        Steps ``normalize``, ``crop``, ``mask``, ``resize`` and ``classify``, less those
        that the input mode or the size leaves out.

    Raises
    ------
    ValueError
        If the intensity or the input mode is unknown, or the architecture needs images
        of one size and ``size`` is ``"own"``.

    See Also
    --------
    make_svc_pipeline : The other model: hand-made features and an SVM.

    Notes
    -----
    The recipe of the thesis, sections 5.5 and 8.1, with four changes: particles are
    measured by their background and contrast, repeats are drawn anew at each epoch, the
    steps shorten along a cosine, and there are as many epochs as make 1,500 steps.

    Examples
    --------
    >>> from sklipo import make_lipnet_pipeline
    >>> from sklipo.datasets import make_liposomes
    >>> particles = make_liposomes(60, weights=None, random_state=0)
    >>> model = make_lipnet_pipeline("lipnet-1", max_epochs=2, random_state=0)
    >>> model.fit(particles, particles["label"]).predict(particles).shape
    (60,)
    """
    optional = {"crop": CropToMask(), "mask": ApplyMask()}
    recipe = {
        "epoch_sampler": EpochOverSampler(),
        "augmentation": RandomAffine(),
        "learning_rate_schedule": "cosine",
        "max_epochs": "auto",
    }
    classifier = LipNetClassifier
    resize = [("resize", Resize(size, keep_aspect_ratio=keep_aspect_ratio))]
    if isinstance(size, str):
        check_own_size_architecture(architecture)
        classifier, resize = OwnSizeLipNetClassifier, []
        recipe["augmentation"] = RandomAffine(zoom=(1, 1))
        recipe["region"] = "mask" if input_mode == "masked" else "image"
        recipe["batch_norm"] = True
    elif not isinstance(size, Integral):
        recipe["image_shape"] = tuple(size)
    classify = classifier(
        architecture, random_state=random_state, **{**recipe, **lipnet_params}
    )
    steps = [
        ("normalize", NormalizeBackground(intensity)),
        *((name, optional[name]) for name in _INPUT_MODES[input_mode]),
        *resize,
        ("classify", classify),
    ]
    return ImagePipeline(steps, memory=memory)


@validate_params(
    {"intensity": [StrOptions(set(SCALES))], "probability": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def make_svc_pipeline(
    groups="all",
    *,
    intensity="contrast",
    C=1.0,
    gamma=1e-3,
    probability=False,
    n_jobs=None,
):
    """Return a pipeline that classifies particles by measures and an SVM.

    Particles are measured relative to their background; the measures are standardized;
    a support vector machine with one-vs-one voting and balanced class weights learns.

    Parameters
    ----------
    groups : str or list of str, default="all"
        Groups of features to measure, see :class:`ParticleFeatures`; ``"thesis"`` takes
        those that the thesis used.
    intensity : {"contrast", "noise", "none"}, default="contrast"
        Unit of histogram, moments and profiles, see :class:`ParticleFeatures`. A search
        finds it as ``features__intensity``.
    C : float, default=1.0
        Penalty of an error, the larger the less regularized.
    gamma : {"scale", "auto"} or float, default=1e-3
        Coefficient of the radial basis function kernel. Scikit-learn's ``"scale"`` is
        1 / n_features here; a wider kernel, of a smaller value, carries further from
        the micrographs of the training set to others.
    probability : bool, default=False
        Give the model ``predict_proba``, calibrated by five folds of the training set
        as if all classes were equally frequent, which is how the SVM is trained, too.
        The last step is then a :class:`BalancedCalibratedClassifierCV`, and the SVM is
        at ``classify__estimator``. The probabilities are those of a sample of equally
        frequent classes; :func:`~sklipo.calibration.shift_prior` turns them into those
        of your sample.
    n_jobs : int, default=None
        Number of particles measured at once; -1 means one for each core.

    Returns
    -------
    model : imblearn.pipeline.Pipeline
        Steps ``features``, ``scale`` and ``classify``.

    Raises
    ------
    ValueError
        If the intensity is unknown.

    See Also
    --------
    make_lipnet_pipeline : The other model: a convolutional network on pixels.
    sklipo.calibration.shift_prior : Turns probabilities into those of a sample.

    Examples
    --------
    >>> from sklipo import make_svc_pipeline
    >>> from sklipo.datasets import make_liposomes
    >>> particles = make_liposomes(60, weights=None, random_state=0)
    >>> model = make_svc_pipeline().fit(particles, particles["label"])
    >>> model.predict(particles).shape
    (60,)
    """
    # Only SVC(probability=True) uses its seed, but each draws one: without a fixed
    # random_state, from NumPy's global generator.
    svc = SVC(C=C, gamma=gamma, random_state=0)
    if probability:
        classify = BalancedCalibratedClassifierCV(svc, ensemble=False)
    else:
        classify = svc.set_params(class_weight="balanced")
    steps = [
        ("features", ParticleFeatures(groups, intensity=intensity, n_jobs=n_jobs)),
        ("scale", StandardScaler()),
        ("classify", classify),
    ]
    return Pipeline(steps)


def make_ensemble_pipeline(
    groups="all",
    *,
    architecture="lipnet-2",
    weights=None,
    calibrate=True,
    n_jobs=None,
    random_state=None,
    **lipnet_params,
):
    """Return an ensemble of networks, SVMs and a forest, each with its own view.

    Six members vote: an SVM and a linear model of measures by the particle's own
    contrast, an SVM of raw measures, a forest of both, a LipNet of pixels by contrast
    and one of raw pixels. Whether brightness tells your classes apart or is an accident
    of exposure, some of them see what matters.

    Parameters
    ----------
    groups : str or list of str, default="all"
        Groups of features to measure, see :class:`ParticleFeatures`.
    architecture : str, default="lipnet-2"
        Layers of the two networks, see :class:`LipNetClassifier`.
    weights : array-like of shape (6,) or "out_of_fold", default=None
        Weights of the members, see :class:`EnsembleClassifier`.
    calibrate : bool, default=True
        Learn how sure to be from out-of-fold predictions, see
        :class:`EnsembleClassifier`. Without it, fitting takes a third of the time.
    n_jobs : int, default=None
        Number of members or folds that are fitted at once, and of jobs that measure
        particles; -1 means one for each core.
    random_state : int, RandomState instance or None, default=None
        Seed of the networks and the forest.
    **lipnet_params : dict
        Further parameters of :func:`make_lipnet_pipeline` for both networks, also in
        place of ``keep_aspect_ratio=True``, but without ``intensity``, in which they
        differ.

    Returns
    -------
    model : EnsembleClassifier
        Members ``svc``, ``linear``, ``svc_raw``, ``forest``, ``lipnet`` and
        ``lipnet_raw``.

    Raises
    ------
    ValueError
        If :func:`make_lipnet_pipeline` refuses the parameters of the networks.

    See Also
    --------
    make_svc_pipeline : The SVMs.
    make_lipnet_pipeline : The networks.
    EnsembleClassifier : An ensemble of members of your own.

    Notes
    -----
    All members are trained as if classes were equally frequent: SVMs and the linear
    model, a logistic regression, by weights, networks by what an epoch shows, and each
    tree of the forest by drawing as many particles of every class [1]_.
    :func:`~sklipo.calibration.shift_prior` turns the probabilities into those of your
    sample.

    Pass ``groups`` to ``fit``, so that calibration leaves whole micrographs out.

    References
    ----------
    .. [1] C. Chen, A. Liaw and L. Breiman, "Using random forest to learn imbalanced
       data", Technical Report 666, University of California, Berkeley, 2004.

    Examples
    --------
    >>> from sklipo import make_ensemble_pipeline
    >>> from sklipo.datasets import make_liposomes
    >>> particles = make_liposomes(60, weights=None, random_state=0)
    >>> model = make_ensemble_pipeline("thesis", max_epochs=1, random_state=0)
    >>> model = model.set_params(calibrate=False)
    >>> model.fit(particles, particles["label"]).predict(particles).shape
    (60,)
    """
    if isinstance(random_state, RandomState):
        # Members that shared it would draw in the order in which they are fitted.
        random_state = random_state.randint(2**31 - 1)
    lipnet_params = {"keep_aspect_ratio": True, **lipnet_params}
    both = ParticleFeatures(groups, intensity=["contrast", "none"])
    forest = BalancedRandomForestClassifier(
        300,
        sampling_strategy="all",
        replacement=True,
        bootstrap=False,
        # None would draw from NumPy's global generator.
        random_state=RandomState() if random_state is None else random_state,
    )
    # Weights this small carry over to other micrographs.
    linear = LogisticRegression(C=0.01, class_weight="balanced", max_iter=1000)
    members = [
        ("svc", make_svc_pipeline(groups, probability=True)),
        ("linear", make_svc_pipeline(groups).set_params(classify=linear)),
        ("svc_raw", make_svc_pipeline(groups, intensity="none", probability=True)),
        ("forest", Pipeline([("features", both), ("classify", forest)])),
    ]
    for name, intensity in (("lipnet", "contrast"), ("lipnet_raw", "none")):
        network = make_lipnet_pipeline(
            architecture,
            intensity=intensity,
            random_state=random_state,
            **lipnet_params,
        )
        members.append((name, network))
    return EnsembleClassifier(
        members, weights=weights, calibrate=calibrate, n_jobs=n_jobs
    )


class ImagePipeline(VersionedMixin, Pipeline):
    """Pipeline whose network reads images in the shape that ``Resize`` gives them.

    :func:`make_lipnet_pipeline` returns it. It is a pipeline of imbalanced-learn, but
    for one check: when its parameters are set, as a search does, the ``image_shape`` of
    the network and the ``size`` of the step before must agree. A row of 14 x 56 pixels
    could else be read as 28 x 28 without a word.

    Parameters
    ----------
    steps : list of tuple
        Names and estimators, ``resize`` and ``classify`` among them.
    transform_input : list of str, default=None
        See :class:`imblearn.pipeline.Pipeline`.
    memory : str or joblib.Memory, default=None
        Where to keep the result of each step between fits.
    verbose : bool, default=False
        Print the time that each step takes.

    See Also
    --------
    make_lipnet_pipeline : Makes a whole pipeline.

    Examples
    --------
    >>> from sklipo import make_lipnet_pipeline
    >>> model = make_lipnet_pipeline(size=(14, 56))
    >>> model["classify"].image_shape
    (14, 56)
    """

    def set_params(self, **params):
        """Set parameters of the steps, and check that the shapes agree.

        Parameters
        ----------
        **params : dict
            As in :class:`sklearn.pipeline.Pipeline`.

        Returns
        -------
        self : ImagePipeline
            The pipeline itself.

        Raises
        ------
        ValueError
            If ``resize__size`` and ``classify__image_shape`` do not agree.
        """
        super().set_params(**params)
        steps = dict(self.steps)
        resize, classify = steps.get("resize"), steps.get("classify")
        if isinstance(resize, Resize) and isinstance(classify, LipNetClassifier):
            _check_same_shape(resize.size, classify.image_shape)
        return self


def _check_same_shape(size, image_shape):
    """Refuse a shape of images that is not the one they are resized to."""
    shape = (size, size) if isinstance(size, Integral) else tuple(size)
    if image_shape is None and len(set(shape)) == 1:
        return  # A row that is a square image is read as one.
    if image_shape is None or tuple(image_shape) != shape:
        raise ValueError(
            f"resize__size={size!r} gives images of {shape[0]} x {shape[1]} pixels, "
            f"but classify__image_shape={image_shape!r}. Set "
            f"classify__image_shape={shape} too."
        )
