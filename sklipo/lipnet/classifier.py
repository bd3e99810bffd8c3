"""LipNetClassifier: the networks of the thesis as a scikit-learn estimator."""

import copy
from numbers import Integral, Real

import numpy as np
import torch

# Private parts of scikit-learn: _fit_context, _param_validation and
# _check_partial_fit_first_call.
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import check_is_fitted

from ._inputs import (
    _as_images,
    _check_label_smoothing,
    _check_rows,
    _check_training_data,
    _encode,
    _find_image_shape,
    _mean_and_scale,
    _own_random_state,
    _weigh,
)
from ._skorch import (
    _PREDICTION_BATCH,
    _changeable_params,
    _make_datasets,
    _make_net,
    _tabulate,
)
from .architectures import ARCHITECTURES
from .devices import choose_device, seeded_generators


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
    batch_norm : bool, default=False
        Normalise each convolution's output over the batch.
    optimizer : {"adam", "sgd"}, default="adam"
        Adam, or stochastic gradient descent with Nesterov momentum.
    learning_rate : float, default=None
        Length of a step; by default 0.001 for Adam and 0.01 for SGD.
    momentum : float, default=0.9
        Nesterov momentum of SGD; Adam does not use it.
    weight_decay : float, default=0.0
        Strength of the L2 penalty on all weights.
    max_epochs : int, default=20
        Number of passes over the training set.
    batch_size : int, default=32
        Number of samples of which one step is made. Batches are of equal size, give
        or take one.
    label_smoothing : float, default=0.1
        Probability that is taken from the true class and shared among the others
        (formula 2 of the thesis).
    class_weight : dict or "balanced", default=None
        Weights of the classes by label; ``"balanced"`` makes them inversely
        proportional to the classes' (weighted) frequencies.
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
    device : str or torch.device, default="auto"
        Where to compute: ``"cpu"``, ``"cuda"`` or ``"auto"``, a GPU where there is one.
    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, order of samples, dropout and validation set. None
        takes a new one from the operating system.
    warm_start : bool, default=False
        Let ``fit`` train the fitted network for another ``max_epochs``. Of changed
        parameters it follows learning rate, batch size, class weights and ``verbose``.
    verbose : int, default=0
        1 prints a line with time and losses for each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of pixels of an image.
    feature_names_in_ : ndarray of shape (n_features_in_,)
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
    of 1 over the training set. Samples of weight zero are left out beforehand.

    The weights of the network follow the dtype of X: float64 trains in double
    precision, at half the speed or less; all other numbers train in float32.

    The same seed gives the same bits with the same number of torch threads, see
    ``torch.set_num_threads``. Global generators are left as they were.

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

    _parameter_constraints = {
        "architecture": [StrOptions(set(ARCHITECTURES))],
        "image_shape": [tuple, list, None],
        "n_filters": [Interval(Integral, 1, None, closed="left")],
        "hidden_units": [Interval(Integral, 1, None, closed="left")],
        "conv_dropout": [Interval(Real, 0, 1, closed="left")],
        "dense_dropout": [Interval(Real, 0, 1, closed="left")],
        "batch_norm": ["boolean"],
        "optimizer": [StrOptions({"adam", "sgd"})],
        "learning_rate": [Interval(Real, 0, None, closed="neither"), None],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "callbacks": [list, None],
        "device": [str, torch.device],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        architecture="lipnet-4",
        *,
        image_shape=None,
        n_filters=32,
        hidden_units=512,
        conv_dropout=0.25,
        dense_dropout=0.5,
        batch_norm=False,
        optimizer="adam",
        learning_rate=None,
        momentum=0.9,
        weight_decay=0.0,
        max_epochs=20,
        batch_size=32,
        label_smoothing=0.1,
        class_weight=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        callbacks=None,
        device="auto",
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
        self.batch_norm = batch_norm
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.device = device
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
        return self._train(X, y, weights, is_new=is_new, n_epochs=self.max_epochs)

    def _can_fit_in_parts(self):
        """Return True, or say which parameter needs the whole training set."""
        if self.early_stopping or self.class_weight == "balanced":
            raise AttributeError(
                "partial_fit sees the training set in parts, but early_stopping=True "
                "and class_weight='balanced' need it whole. Give class weights as a "
                "dict."
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
            With ``early_stopping`` or ``class_weight="balanced"``, which need the whole
            training set.
        """
        is_new = not hasattr(self, "net_")
        _check_partial_fit_first_call(self, classes)
        X, y, weights = _check_training_data(self, X, y, sample_weight, reset=is_new)
        return self._train(X, y, weights, is_new=is_new, n_epochs=1)

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
        return self._forward(X, slice(None)).softmax(dim=1).numpy()

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
        return self._forward(X, slice(-1)).numpy()

    def _train(self, X, y, weights, *, is_new, n_epochs):
        """Train a new network, or the fitted one for some more epochs."""
        codes = _encode(y, self.classes_)
        weights = _weigh(self.class_weight, self.classes_, codes, weights)
        device = choose_device(self.device)
        if is_new:
            self._learn_from_first(X, weights)
        net = _make_net(self, X.dtype.name) if is_new else self.net_
        datasets = _make_datasets(self, net, X, codes, weights, device)
        seed = self._random_state.randint(np.iinfo(np.int32).max)
        with seeded_generators(seed, device):
            if is_new:
                net.initialize()
            net.set_params(**_changeable_params(self))
            net.to(device).partial_fit(datasets, epochs=n_epochs)
        net.to(torch.device("cpu")).module_.eval()
        self.net_ = net
        self.n_iter_ = len(net.history)
        self.history_ = _tabulate(net.history)
        return self

    def _learn_from_first(self, X, weights):
        """Set what the first training set decides for all that follow."""
        _check_label_smoothing(self.label_smoothing, len(self.classes_))
        self.image_shape_ = _find_image_shape(X.shape[1], self.image_shape)
        self.mean_, self.scale_ = _mean_and_scale(X, weights)
        self._random_state = _own_random_state(self.random_state)

    def _forward(self, X, parts):
        """Return the output of some parts of the network, in the dtype of X."""
        check_is_fitted(self, "net_")
        X = _check_rows(self, X)
        device = choose_device(self.device)
        network, dtype = self.net_.module_[parts], self.net_.module__dtype
        if device.type != "cpu":
            network = copy.deepcopy(network).to(device)
        with torch.inference_mode():
            outputs = [
                network(_as_images(X[rows], self.image_shape_).to(device, dtype)).cpu()
                for rows in gen_batches(len(X), _PREDICTION_BATCH)
            ]
            return torch.cat(outputs).to(getattr(torch, X.dtype.name))

    @property
    def _n_features_out(self):
        """Number of activations that ``transform`` returns."""
        return self.net_.module_.output.in_features

    def __sklearn_tags__(self):
        """Return the tags; the output has the dtype of X."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
