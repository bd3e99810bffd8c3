"""OwnSizeLipNetClassifier: a LipNet that sees particles at their own size."""

from math import prod
from numbers import Integral, Real

import numpy as np

# Private part of scikit-learn: _param_validation.
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from .images._numbers import float_dtype
from .images._resizing import resize_image
from .lipnet._augmentation import list_augmentations
from .lipnet._base import BaseLipNetClassifier
from .lipnet._own_size import (
    OwnSizeBatches,
    OwnSizeDataset,
    OwnSizeImages,
    OwnSizeTrainer,
    OwnSizeTrainingSet,
    PaddedImages,
)
from .lipnet._own_size_network import (
    build_own_size_network,
    check_own_size_architecture,
)
from .lipnet._parameters import PARAMETER_CONSTRAINTS
from .lipnet._prediction import forward, pixels_at_once, probabilities
from .lipnet.architectures import ARCHITECTURES
from .particles._checking import check_same_masks, validate_particles
from .particles._scale import check_white, white_level

# Parameters of LipNetClassifier that need images of one size.
_ONE_SIZE = {"image_shape", "hidden_units", "dense_dropout"}
# So many images of similar size are predicted at once at most.
_MOST_PREDICTED = 64


# Which pixels are half inside must not depend on how weights were rounded.
ROUNDING = 1e-5


class OwnSizeLipNetClassifier(BaseLipNetClassifier):
    """Small convolutional network that sees each particle at its own size.

    It takes particle tables, without a :class:`Resize` before it. A membrane is as many
    pixels thick in a large particle as in a small one, and a large particle is seen to
    be large.

    Parameters
    ----------
    architecture : {"lipnet-4c"} or tuple of str, default="lipnet-4c"
        Layers of the network: a name, or a tuple of layers that ends in ``"average"``,
        see :func:`build_lipnet`.
    pixel_size : float, default=None
        Size in nm to which all pixels are brought, by the column ``pixel_size``. By
        default each image keeps its pixels.
    region : {"mask", "image"}, default="mask"
        What of an image the network sees: the pixels inside the column ``mask``, where
        there is one, or the whole image.
    n_filters : int, default=32
        Number of 3x3 filters of each convolution.
    conv_dropout : float, default=0.25
        Share of values dropped in training after each pooling or strided convolution.
    batch_norm : bool, default=False
        Normalize each convolution's output over the pixels of a batch.
    pretrained : OwnSizeLipNetClassifier, Pipeline, str or Path, default=None
        What training starts from in place of random weights. Without batch
        normalization a LipNetClassifier of the same layers will do, too.
    layer_decay : float, default=0.7
        Factor by which each layer learns more slowly than the one above it, if the
        network is pretrained.
    optimizer : {"adam", "sgd"}, default="adam"
        As in :class:`LipNetClassifier`, as are all parameters from here on that are
        described in a few words.
    learning_rate : float, default=None
        Length of a step; by default 0.001 for Adam and 0.01 for SGD.
    learning_rate_schedule : {"cosine", "one_cycle", "step"} or callable, default=None
        How steps shorten over the training.
    momentum : float, default=0.9
        Nesterov momentum of SGD.
    weight_decay : float or WeightDecay, default=0.0
        Penalty on weights.
    max_epochs : int or "auto", default=20
        Number of passes over the training set. ``"auto"`` counts steps of
        ``batch_size`` samples; those that ``batch_pixels`` limits are more and smaller.
    batch_size : int, default=32
        Number of samples of a step, at most.
    batch_pixels : int, default=2**19
        Number of pixels of a step, at most, padding included: it bounds the memory that
        training takes, of which LipNet-4c needs some 1.5 kB a pixel. A step that
        reaches it shows fewer samples. It is also the largest size of an image.
    loss : {"cross_entropy", "focal", "logit_adjusted"}, FocalLoss or \
            LogitAdjustedLoss, default="cross_entropy"
        What training minimizes.
    label_smoothing : float, default=0.1
        Probability that is taken from the true class and shared among the others.
    class_weight : dict, "balanced" or DeferredClassWeight, default=None
        Weights of the classes by label.
    epoch_sampler : EpochOverSampler or EpochUnderSampler, default=None
        Which samples an epoch shows; all by default.
    augmentation : RandomAffine, RandomIntensity or list of them, default=None
        Random changes of what training shows. Images are turned, sheared and zoomed
        about their center with room around them, so that nothing is cut off. They are
        neither shifted nor filled, since what lies outside is nothing to the network.
    early_stopping : bool, default=False
        Stop when the loss of samples set aside no longer falls.
    validation_fraction : float, default=0.1
        Share of each class set aside for early stopping.
    n_iter_no_change : int, default=10
        Number of epochs without improvement after which early stopping ends training.
    callbacks : list of skorch callbacks, default=None
        What skorch calls in training.
    test_time_augmentation : bool, default=False
        Average predicted probabilities over the eight rotations and flips of an image.
    device : str or torch.device, default="auto"
        Where to compute.
    random_state : int, RandomState instance or None, default=None
        Seed of all draws. None takes a new one from the operating system.
    warm_start : bool, default=False
        If True, ``fit`` continues training for ``max_epochs`` more epochs.
    verbose : int, default=0
        1 prints a line with time and losses for each epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of values in a row, where X was rows of numbers.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where X was a DataFrame of numbers.
    white_ : int
        The number that pixels are divided by: 255 if they were of type uint8 in
        ``fit``, 65535 if uint16, else 1.
    mean_, scale_ : float
        Weighted mean and standard deviation of the pixels that the network sees. Each
        image counts alike, whatever its size.
    net_ : LipNetTrainer
        The skorch net; ``net_.module_`` is the network.
    n_iter_ : int
        Number of whole epochs run since the network was new.
    interrupted_ : bool
        Whether the last training was cut short by Ctrl-C.
    history_ : DataFrame
        One row for each of these epochs: training loss, validation loss, seconds.

    See Also
    --------
    LipNetClassifier : Needs images of one size, and takes less time.
    make_lipnet_pipeline : This classifier behind the steps that prepare particles, by
        ``size="own"``.

    Notes
    -----
    Fully convolutional networks on images of their own size are what section 12 of the
    thesis proposes. Images of similar size share a batch, in which the smaller ones are
    padded. The padding changes nothing: what is inside an image goes through all layers
    along with it. Convolutions see zeros outside, as at the border of an image alone;
    pooling, batch normalization and the last average count what is inside alone. So an
    image has the same probabilities alone and in any batch, up to the rounding of
    sums. An image of one pixel will do: nothing ever shrinks to zero.

    With ``region="mask"`` what lies outside the particle is treated as that padding is,
    so that neither :class:`ApplyMask` nor :class:`CropToMask` changes what is seen, but
    for the place of the pixels that strides skip. The latter spares time.

    Images are brought to ``pixel_size`` as :class:`Resize` does: by the mean over the
    area of a new pixel, or by linear interpolation where pixels become smaller. Along
    an edge only what is inside counts.

    Batches of an epoch are drawn at random, eight at a time; the images of these eight
    are then dealt out by size. Options are those of :class:`LipNetClassifier`, whose
    notes apply here.

    References
    ----------
    .. [1] J. Long, E. Shelhamer and T. Darrell, "Fully Convolutional Networks for
       Semantic Segmentation", CVPR 2015.

    Examples
    --------
    >>> from sklipo import CropToMask, OwnSizeLipNetClassifier
    >>> from sklipo.datasets import make_liposomes
    >>> particles = CropToMask().transform(
    ...     make_liposomes(30, weights=None, random_state=0)
    ... )
    >>> model = OwnSizeLipNetClassifier(pixel_size=4, max_epochs=2, random_state=0)
    >>> model.fit(particles, particles["label"]).predict_proba(particles).shape
    (30, 3)
    """

    _trainer, _dataset = OwnSizeTrainer, OwnSizeDataset
    _training_set, _batches = OwnSizeTrainingSet, OwnSizeBatches
    _build = staticmethod(build_own_size_network)
    _parameter_constraints = {
        **{
            name: constraints
            for name, constraints in PARAMETER_CONSTRAINTS.items()
            if name not in _ONE_SIZE
        },
        "architecture": [StrOptions(set(ARCHITECTURES)), tuple, list],
        "pixel_size": [Interval(Real, 0, None, closed="neither"), None],
        "region": [StrOptions({"mask", "image"})],
        "batch_pixels": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        architecture="lipnet-4c",
        *,
        pixel_size=None,
        region="mask",
        n_filters=32,
        conv_dropout=0.25,
        batch_norm=False,
        pretrained=None,
        layer_decay=0.7,
        optimizer="adam",
        learning_rate=None,
        learning_rate_schedule=None,
        momentum=0.9,
        weight_decay=0.0,
        max_epochs=20,
        batch_size=32,
        batch_pixels=2**19,
        loss="cross_entropy",
        label_smoothing=0.1,
        class_weight=None,
        epoch_sampler=None,
        augmentation=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=10,
        callbacks=None,
        test_time_augmentation=False,
        device="auto",
        random_state=None,
        warm_start=False,
        verbose=0,
    ):
        self.architecture = architecture
        self.pixel_size = pixel_size
        self.region = region
        self.n_filters = n_filters
        self.conv_dropout = conv_dropout
        self.batch_norm = batch_norm
        self.pretrained = pretrained
        self.layer_decay = layer_decay
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.batch_pixels = batch_pixels
        self.loss = loss
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.epoch_sampler = epoch_sampler
        self.augmentation = augmentation
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.test_time_augmentation = test_time_augmentation
        self.device = device
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose

    def predict_proba(self, X):
        """Return the probability of each class.

        Parameters
        ----------
        X : particle table, list of 2-D arrays or array
            What :func:`~sklipo.particles.check_particles` takes.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Rows add up to 1; float64 for float64 pixels, else float32.

        Raises
        ------
        ValueError
            If an image is too large, or what the network returns is not finite.
        """
        if not self.test_time_augmentation:
            return super().predict_proba(X)
        check_is_fitted(self)
        images = self._validate_images(X, reset=False)
        views = [forward(self, view, probabilities) for view in images.views()]
        return np.mean(views, axis=0)

    def _validate_images(self, X, y="no_validation", *, reset):
        """Return the images of particles, and labels if there are any."""
        if isinstance(X, OwnSizeImages):
            return X
        particles = validate_particles(self, X, reset=reset)
        if self.region == "mask":
            check_same_masks(self, particles, reset=reset)
        if reset:
            self.white_ = white_level(particles["image"].array)
        check_white(self, particles["image"].array)
        has_labels = not isinstance(y, str)
        if has_labels:
            y = validate_data(self, y=y, reset=reset)
            check_consistent_length(particles, y)
        images = self._read(particles)
        return (images, y) if has_labels else images

    def _read(self, particles):
        """Return the images of a checked particle table at the size they are seen."""
        images = particles["image"].array
        shapes = self._find_shapes(particles)
        self._refuse_large(shapes.prod(axis=1), "An image")
        dtype = float_dtype(images.pixel_dtype)
        pixels = np.empty(shapes.prod(axis=1).sum(), dtype)
        inside = np.ones(len(pixels), dtype=bool)
        is_masked = self.region == "mask" and "mask" in particles
        masks = particles["mask"].array if is_masked else [None] * len(images)
        start = 0
        for image, mask, shape in zip(images, masks, shapes.tolist(), strict=True):
            end = start + prod(shape)
            image, mask = _read_image(image.astype(dtype, copy=False), mask, shape)
            pixels[start:end] = image.ravel()
            if mask is not None:
                inside[start:end] = mask.ravel()
            start = end
        if self.white_ != 1:
            pixels /= dtype(self.white_)
        return OwnSizeImages(pixels, inside, shapes)

    def _find_shapes(self, particles):
        """Return the height and width at which each image is seen."""
        shapes = particles["image"].array.shapes
        if self.pixel_size is None:
            return shapes
        if "pixel_size" not in particles:
            raise ValueError(
                f"pixel_size={self.pixel_size} needs to know the size of the pixels: "
                "X has no column 'pixel_size', in nm. Add it, or leave pixel_size at "
                "None."
            )
        factors = particles["pixel_size"].to_numpy() / self.pixel_size
        # What is beyond 2**31 pixels is refused, and its square still an integer.
        scaled = np.clip(np.rint(shapes * factors[:, None]), 1, 2**31)
        return scaled.astype(np.int64)

    def _refuse_large(self, n_pixels, what):
        """Raise an error if a number of pixels is more than a batch may have."""
        row = int(np.argmax(n_pixels))
        if n_pixels[row] <= self.batch_pixels:
            return
        raise ValueError(
            f"{what} of {n_pixels[row]} pixels, in row {row} of X, is larger than "
            f"batch_pixels={self.batch_pixels}. Take a larger pixel_size in nm, crop "
            "the images, leave images of this size out, or raise batch_pixels where "
            "there is memory."
        )

    def _learn_images(self, X, weights):
        """Learn mean and scale of the images."""
        check_own_size_architecture(self.architecture)
        self.mean_, self.scale_ = X.mean_and_scale(weights)

    def _training_images(self, X):
        """Return what a data set takes as images."""
        factors = [one.stretch() for one in list_augmentations(self.augmentation)]
        factors = [factor for factor in factors if factor is not None]
        stretch = prod(factors) if factors else None
        images = PaddedImages(X, self.batch_size, self.batch_pixels, stretch)
        self._refuse_large(images.canvases().prod(axis=1), "The room to move an image")
        return images

    def _prediction_batches(self, X, device):
        """Yield the rows and the images of each batch to predict."""
        n_pixels = min(self.batch_pixels, pixels_at_once(device))
        images = PaddedImages(X, _MOST_PREDICTED, n_pixels)
        for rows in images.plan(np.arange(len(X))):
            yield rows, images[rows]

    def _net_parameters(self):
        """Return the parameters of the net that depend on the kind of images."""
        return {}


def _read_image(image, mask, shape):
    """Return an image and its mask, if any, in another shape."""
    if image.shape == tuple(shape):
        return image, mask
    resized = np.empty(shape, image.dtype)
    if mask is None:
        resize_image(image, resized)
        return resized, None
    weights = np.empty(shape, image.dtype)
    resize_image(mask.astype(image.dtype), weights)
    resize_image(image * mask, resized)
    # A particle of less than half a pixel is the pixel that has most of it.
    inside = weights >= min(0.5, weights.max()) - ROUNDING
    resized[inside] /= weights[inside]
    return resized, inside
