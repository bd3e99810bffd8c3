"""What classifiers by LipNets have in common: fit, predict and transform."""

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

from ..tags import extend_tags
from ..versions import VersionedMixin
from ._batches import Batches, ImageDataset, TrainingSet
from ._checks import (
    can_fit_in_parts,
    check_classes,
    check_training_data,
    validate_rows,
)
from ._devices import choose_device
from ._images import as_images, find_image_shape, mean_and_scale
from ._networks import build_network, last_dense
from ._prediction import (
    activations,
    forward,
    mean_probabilities,
    prediction_batch_size,
    prediction_batches,
    probabilities,
)
from ._training import has_foreign_code, train, whole_training
from .trainer import LipNetTrainer


class BaseLipNetClassifier(
    VersionedMixin,
    ClassNamePrefixFeaturesOutMixin,
    ClassifierMixin,
    TransformerMixin,
    BaseEstimator,
):
    """Base class of classifiers that train a small convolutional network.

    A subclass has most parameters of :class:`LipNetClassifier`. One whose images are no
    rows of pixels of one shape has other methods and classes of those below, up to
    ``fit``.
    """

    _trainer, _dataset, _training_set = LipNetTrainer, ImageDataset, TrainingSet
    _batches, _build = Batches, staticmethod(build_network)
    _versioned = (*VersionedMixin._versioned, "torch", "skorch")
    # Groups mean one thing, so they need no request, as those of splitters do not.
    __metadata_request__fit = {"groups": True}

    def _validate_images(self, X, y="no_validation", *, reset):
        """Return checked images, and labels if there are any."""
        return validate_rows(self, X, y, reset=reset)

    def _learn_images(self, X, weights):
        """Learn shape, mean and scale of the images."""
        self.image_shape_ = find_image_shape(X.shape[1], self.image_shape)
        self.mean_, self.scale_ = mean_and_scale(X, weights)

    def _net_parameters(self):
        """Return the parameters of the net that depend on the kind of images."""
        return {
            "module__image_shape": self.image_shape_,
            "module__hidden_units": int(self.hidden_units),
            "module__dense_dropout": self.dense_dropout,
            "iterator_valid__batch_size": prediction_batch_size(self.image_shape_),
        }

    def _training_images(self, X):
        """Return what a data set takes as images."""
        return as_images(X, self.image_shape_)

    def _prediction_batches(self, X, device):
        """Yield the rows and the images of each batch to predict."""
        return prediction_batches(X, self.image_shape_, device)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, groups=None):
        """Train a network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels) or particle table
            One image a row, its pixels in C order; float32 is not copied. A table is
            for :class:`OwnSizeLipNetClassifier`.
        y : array-like of shape (n_samples,)
            Class labels of any kind.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative.
        groups : array-like of shape (n_samples,), default=None
            Micrograph of each sample, a name or a number; an index is not looked at.
            ``early_stopping`` and an ``epoch_sampler`` with ``power`` use them. They
            play no part otherwise.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If there are fewer than two classes, if images have another shape or size
            than can be, if a class is too small for early stopping, if ``groups`` are
            missing or not one for each sample, or if the training diverges.
        TypeError
            If X holds images rather than rows of pixels.
        KeyboardInterrupt
            If the user interrupts; the network is kept.
        """
        is_new = not (self.warm_start and hasattr(self, "net_"))
        with whole_training(self, is_new=is_new):
            X, y, weights, groups = check_training_data(
                self, X, y, sample_weight, groups, reset=is_new
            )
            if is_new:
                self.classes_ = np.unique(y)
            train(self, X, y, weights, groups, is_new=is_new)
        return self

    @available_if(can_fit_in_parts)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train the network for one epoch, a new one at the first call.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels) or particle table
            Images, as in :meth:`fit`.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All class labels that will ever be seen; required at the first call. The
            first X sets the mean and scale of the pixels, too.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If ``classes`` is missing or differs from before, or training diverges.
        AttributeError
            With parameters that need the whole training set: ``early_stopping``,
            ``epoch_sampler``, balanced class weights and logit adjustment.
        """
        is_new = not hasattr(self, "net_")
        with whole_training(self, is_new=is_new):
            _check_partial_fit_first_call(self, check_classes(classes))
            X, y, weights, _ = check_training_data(
                self, X, y, sample_weight, reset=is_new
            )
            train(self, X, y, weights, is_new=is_new, n_epochs=1)
        return self

    def predict(self, X):
        """Return the most probable class of each image.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels) or particle table
            Images, as in :meth:`fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.

        Raises
        ------
        ValueError
            If what the network returns is not finite.
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X):
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels) or particle table
            Images, as in :meth:`fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Rows add up to 1. The dtype is that of X, float32 if X holds integers.

        Raises
        ------
        ValueError
            If what the network returns is not finite.
        """
        averaged = self.test_time_augmentation
        return forward(self, X, mean_probabilities if averaged else probabilities)

    def transform(self, X):
        """Return the activations of the last hidden layer as learned features.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels) or particle table
            Images, as in :meth:`fit`.

        Returns
        -------
        activations : ndarray of shape (n_samples, n_activations)
            ``hidden_units`` columns, or ``n_filters`` for LipNet-4c, not negative; of
            the network of a callable, the input of its last dense layer. The dtype is
            that of X, float32 if X holds integers.

        Raises
        ------
        AttributeError
            If a callable built a network without a dense layer.
        ValueError
            If what the network returns is not finite.
        """
        return forward(self, X, activations)

    @property
    def _n_features_out(self):
        """Number of activations that ``transform`` returns."""
        return last_dense(self.net_.module_).in_features

    def __sklearn_clone__(self):
        """Return a clone that starts from the same fitted network."""
        twin = super().__sklearn_clone__()
        # Cloned as other parameters are, it would not be fitted any more.
        twin.pretrained = self.pretrained
        return twin

    def __sklearn_is_fitted__(self):
        """Tell whether there is a network."""
        return hasattr(self, "net_")

    def __sklearn_tags__(self):
        """Return the tags; the output has the dtype of X."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        # Threads on a GPU would share its generators, and foreign code torch's global
        # ones; a device that is not there is left to fit, which says so.
        on_cpu = str(self.device) in ("auto", "cpu") and (
            choose_device(self.device).type == "cpu"
        )
        return extend_tags(
            tags,
            predicts_most_probable=True,
            releases_gil=on_cpu and not has_foreign_code(self),
        )
