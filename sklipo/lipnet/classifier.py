"""LipNetClassifier: the networks of the thesis as a scikit-learn estimator."""

import numpy as np

# Private parts of scikit-learn: _fit_context and _check_partial_fit_first_call.
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import check_is_fitted

from ..tags import extend_tags
from ._fitting import (
    _activations,
    _forward,
    _mean_probabilities,
    _probabilities,
    _train,
)
from ._inputs import _check_training_data
from ._parameters import _PARAMETER_CONSTRAINTS
from .devices import choose_device
from .regularization import dead_filters


class LipNetClassifier(
    ClassNamePrefixFeaturesOutMixin, ClassifierMixin, TransformerMixin, BaseEstimator
):
    """Small convolutional network that classifies images of particles.

    Each row of X holds the pixels of one image, as :class:`Resize` gives them.

    Parameters
    ----------
    architecture : {"lipnet-1", "lipnet-2", "lipnet-4", "lipnet-4c", "lipnet-6"}, \
            default="lipnet-4"
        Layers of the network, see :func:`~sklipo.lipnet.architectures.build_lipnet`.
    image_shape : tuple of (int, int), default=None
        Height and width of the images in pixels. By default a row is a square image,
        or an image one pixel high if its length is no square.
    n_filters : int, default=32
        Number of 3x3 filters of each convolution.
    hidden_units : int, default=512
        Number of units of the hidden dense layer, which LipNet-4c lacks.
    conv_dropout : float, default=0.25
        Share of values dropped in training after each pooling or strided convolution.
    dense_dropout : float, default=0.5
        Share of hidden units dropped in training.
    dropout_decay : float, default=0.0
        Share of both dropout rates that is taken off, linearly, over the training.
    batch_norm : bool, default=False
        Normalise each convolution's output over the batch.
    optimizer : {"adam", "sgd"}, default="adam"
        Adam, or stochastic gradient descent with Nesterov momentum.
    learning_rate : float, default=None
        Length of a step; by default 0.001 for Adam and 0.01 for SGD.
    learning_rate_schedule : {"cosine", "one_cycle", "step"}, default=None
        How steps shorten over the training, see
        :func:`~sklipo.lipnet.regularization.learning_rate_factor`.
    momentum : float, default=0.9
        Nesterov momentum of SGD; Adam does not use it.
    weight_decay : float, default=0.0
        Strength of the penalty on weights, of which biases are free.
    weight_decay_norm : {"l2", "l1"}, default="l2"
        Penalise half the square or the absolute value of each weight.
    weight_decay_layers : {"all", "conv", "dense"}, default="all"
        Layers whose weights are penalised.
    max_epochs : int, default=20
        Number of passes over the training set.
    batch_size : int, default=32
        Number of samples of which one step is made. Batches are of equal size, give
        or take one.
    loss : {"cross_entropy", "focal", "logit_adjusted"}, default="cross_entropy"
        Focal loss lets samples that are easy count less, logit adjustment makes up
        for rare classes, see :mod:`~sklipo.lipnet.losses`.
    focal_gamma : float, default=2.0
        How much less easy samples count in the focal loss.
    label_smoothing : float, default=0.1
        Probability that is taken from the true class and shared among the others
        (formula 2 of the thesis).
    class_weight : dict or "balanced", default=None
        Weights of the classes by label; ``"balanced"`` makes them inversely
        proportional to the classes' (weighted) frequencies in what an epoch shows.
    reweight_from : float, default=0.0
        Part of ``max_epochs`` after which class weights count (deferred re-weighting);
        0.8 keeps them to the last fifth.
    epoch_sampler : EpochOverSampler or EpochUnderSampler, default=None
        Which samples an epoch shows; all by default.
    augmentation : RandomAffine, default=None
        Random transformations of what training shows, drawn anew at each epoch.
    input_noise : float, default=0.0
        Standard deviation of noise added in training, in units of ``scale_``.
    early_stopping : bool, default=False
        Set samples of each class aside, stop when their loss no longer falls, and go
        back to the weights with which it was smallest.
    validation_fraction : float, default=0.1
        Share of each class, at least one sample, set aside for early stopping.
    n_iter_no_change : int, default=10
        Number of epochs without improvement after which early stopping ends training.
    callbacks : list of skorch callbacks, default=None
        What skorch calls in training. They are copied; the copies, with what they
        recorded, are in ``net_.callbacks_``.
    test_time_augmentation : bool, default=False
        Average predicted probabilities over the rotations and flips of an image, if it
        is more than one pixel high and wide.
    device : str or torch.device, default="auto"
        Where to compute: ``"cpu"``, ``"cuda"`` or ``"auto"``, a GPU where there is one.
    mixed_precision : bool, default=False
        Train in bfloat16 on a GPU that computes in it, such as those of NVIDIA from
        Ampere on. Weights, loss and predictions keep their precision. Without effect
        elsewhere.
    compile : bool, default=False
        Have ``torch.compile`` translate the network for training on a GPU. That takes
        a while at each ``fit``, and at each epoch with ``dropout_decay``, so it is for
        long trainings. Without effect on a CPU.
    random_state : int, RandomState instance or None, default=None
        Seed of all draws. None takes a new one from the operating system.
    warm_start : bool, default=False
        Let ``fit`` train the fitted network for another ``max_epochs``. It does not
        follow changes of network, optimizer, loss and callbacks.
    verbose : int, default=0
        1 prints a line with time and losses for each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of pixels of an image.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if X was a DataFrame with names.
    image_shape_ : tuple of (int, int)
        Height and width as which rows are read.
    mean_, scale_ : float
        Weighted mean and standard deviation of the pixels of the training set, by
        which images are standardised.
    net_ : LipNetTrainer
        The skorch net. It rests on the CPU; ``net_.module_`` is the network.
    n_iter_ : int
        Number of epochs run since the network was new.
    history_ : DataFrame
        One row for each of these epochs: training loss, validation loss, seconds.

    See Also
    --------
    Resize : Makes rows of pixels from particles of differing sizes.
    make_lipnet_pipeline : This classifier behind the steps that prepare particles.

    Notes
    -----
    Layers, label smoothing and batch size are those of the thesis; hidden units,
    dropout rates and the settings of SGD those of its author's public code.

    A batch's loss is the mean of weight times loss, the weights being scaled to a mean
    of 1 over what an epoch shows. Samples of weight zero are left out beforehand.

    What is set aside for early stopping is neither sampled nor augmented; class weights
    count there from the start, and ``"balanced"`` balances it.

    ``fit`` goes through schedules in ``max_epochs``, as do as many calls of
    ``partial_fit``; thereafter they begin anew.

    The weights of the network follow the dtype of X: float64 trains in double
    precision, at half the speed or less; all other numbers train in float32.

    The same seed gives the same bits with the same number of torch threads, see
    ``torch.set_num_threads``. Global generators are left as they were. On a CPU models
    can be trained in several threads at once, on a GPU they wait for one another.

    A GPU holds the whole training set if that takes no more than half of its free
    memory; else each batch is copied from the main memory.

    A fitted model is pickled with the optimizer's state, so that ``partial_fit`` goes
    on exactly where it was. ``net_.trim_for_prediction()`` drops that state, two thirds
    of the size under Adam. A model trained on a GPU is pickled from the CPU.

    An interrupt from the keyboard ends training and keeps the network.

    References
    ----------
    .. [1] C. Szegedy et al., "Rethinking the Inception Architecture for Computer
       Vision", CVPR 2016. Label smoothing.
    .. [2] J. T. Springenberg et al., "Striving for Simplicity: The All Convolutional
       Net", ICLR Workshop 2015. Strides in place of pooling.

    Examples
    --------
    >>> import numpy as np
    >>> from sklipo import LipNetClassifier
    >>> X = np.random.default_rng(0).random((40, 64), dtype=np.float32)
    >>> y = np.repeat(["dark", "light"], 20)
    >>> X[y == "light", :32] += 1.0
    >>> model = LipNetClassifier("lipnet-1", max_epochs=5, random_state=0).fit(X, y)
    >>> model.predict(X[[0, -1]])
    array(['dark', 'light'], dtype='<U5')
    >>> model.transform(X).shape
    (40, 512)
    """

    _parameter_constraints = _PARAMETER_CONSTRAINTS

    def __init__(
        self,
        architecture="lipnet-4",
        *,
        image_shape=None,
        n_filters=32,
        hidden_units=512,
        conv_dropout=0.25,
        dense_dropout=0.5,
        dropout_decay=0.0,
        batch_norm=False,
        optimizer="adam",
        learning_rate=None,
        learning_rate_schedule=None,
        momentum=0.9,
        weight_decay=0.0,
        weight_decay_norm="l2",
        weight_decay_layers="all",
        max_epochs=20,
        batch_size=32,
        loss="cross_entropy",
        focal_gamma=2.0,
        label_smoothing=0.1,
        class_weight=None,
        reweight_from=0.0,
        epoch_sampler=None,
        augmentation=None,
        input_noise=0.0,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        callbacks=None,
        test_time_augmentation=False,
        device="auto",
        mixed_precision=False,
        compile=False,
        random_state=None,
        warm_start=False,
        verbose=0,
    ):
        self.architecture = architecture
        self.image_shape = image_shape
        self.n_filters = n_filters
        self.hidden_units = hidden_units
        self.conv_dropout = conv_dropout
        self.dense_dropout = dense_dropout
        self.dropout_decay = dropout_decay
        self.batch_norm = batch_norm
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.weight_decay_norm = weight_decay_norm
        self.weight_decay_layers = weight_decay_layers
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.loss = loss
        self.focal_gamma = focal_gamma
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.reweight_from = reweight_from
        self.epoch_sampler = epoch_sampler
        self.augmentation = augmentation
        self.input_noise = input_noise
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.test_time_augmentation = test_time_augmentation
        self.device = device
        self.mixed_precision = mixed_precision
        self.compile = compile
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train a network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels)
            One image a row, its pixels in C order. float32 is not copied.
        y : array-like of shape (n_samples,)
            Class labels of any kind.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative.

        Returns
        -------
        self : LipNetClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If there are fewer than two classes, if ``image_shape`` does not fit X, or
            if a class is too small for early stopping.
        TypeError
            If X holds images rather than rows of pixels.
        """
        is_new = not (self.warm_start and hasattr(self, "net_"))
        X, y, weights = _check_training_data(self, X, y, sample_weight, reset=is_new)
        if is_new:
            self.classes_ = np.unique(y)
        return _train(self, X, y, weights, is_new=is_new, n_epochs=self.max_epochs)

    def _can_fit_in_parts(self):
        """Return True, or say which parameters need the whole training set."""
        needy = {
            "early_stopping=True": self.early_stopping,
            "class_weight='balanced'": self.class_weight == "balanced",
            "epoch_sampler": self.epoch_sampler is not None,
            "loss='logit_adjusted'": self.loss == "logit_adjusted",
        }
        if any(needy.values()):
            names = ", ".join(name for name, is_set in needy.items() if is_set)
            raise AttributeError(
                "partial_fit sees the training set in parts, and cannot be used with "
                f"{names}, which must see it whole."
            )
        return True

    @available_if(_can_fit_in_parts)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train the network for one epoch, a new one at the first call.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels)
            One image a row, its pixels in C order.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All class labels that will ever be seen; required at the first call. The
            first X sets the mean and scale of the pixels, too.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative.

        Returns
        -------
        self : LipNetClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If ``classes`` is missing or differs from before.
        AttributeError
            With parameters that need the whole training set: ``early_stopping``,
            ``epoch_sampler``, balanced class weights and logit adjustment.
        """
        is_new = not hasattr(self, "net_")
        _check_partial_fit_first_call(self, classes)
        X, y, weights = _check_training_data(self, X, y, sample_weight, reset=is_new)
        return _train(self, X, y, weights, is_new=is_new, n_epochs=1)

    def predict(self, X):
        """Return the most probable class of each image.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels)
            One image a row.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X):
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels)
            One image a row.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Rows add up to 1. The dtype is that of X, float32 if X holds integers.
        """
        averaged = self.test_time_augmentation
        compute = _mean_probabilities if averaged else _probabilities
        return _forward(self, X, compute)

    def transform(self, X):
        """Return the activations of the last hidden layer as learned features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels)
            One image a row.

        Returns
        -------
        activations : ndarray of shape (n_samples, n_activations)
            ``hidden_units`` columns, or ``n_filters`` for LipNet-4c, not negative. The
            dtype is that of X, float32 if X holds integers.
        """
        return _forward(self, X, _activations)

    @property
    def dead_filters_(self):
        """Filters that weight decay has brought to nothing.

        Returns
        -------
        dict of list of int
            Their indices by name of the convolution, see
            :func:`~sklipo.lipnet.regularization.dead_filters`.
        """
        check_is_fitted(self, "net_")
        return dead_filters(self.net_.module_)

    @property
    def _n_features_out(self):
        """Number of activations that ``transform`` returns."""
        return self.net_.module_.output.in_features

    def __sklearn_tags__(self):
        """Return the tags; the output has the dtype of X."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        # Tags are asked for before parameters are checked: other names raise no error.
        on_cpu = (
            str(self.device) in ("auto", "cpu")
            and choose_device(self.device).type == "cpu"
        )
        return extend_tags(tags, predicts_most_probable=True, releases_gil=on_cpu)
