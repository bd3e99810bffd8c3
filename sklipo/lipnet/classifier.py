"""LipNetClassifier: the networks of the thesis as a scikit-learn estimator."""

from ._base import BaseLipNetClassifier
from ._parameters import PARAMETER_CONSTRAINTS


class LipNetClassifier(BaseLipNetClassifier):
    """Small convolutional network that classifies images of particles.

    Each row of X holds the pixels of one image, as :class:`Resize` gives them.

    Parameters
    ----------
    architecture : {"lipnet-1", "lipnet-2", "lipnet-4", "lipnet-4c", "lipnet-6"}, \
            tuple of str or callable, default="lipnet-4"
        Layers of the network: a name, or a tuple of layers, see :func:`build_lipnet`;
        or a callable that takes ``image_shape`` and ``n_classes`` and returns a
        ``torch.nn.Module`` from images of shape (n_samples, 1, height, width) to
        logits.
    image_shape : tuple of (int, int) or "row", default=None
        Height and width of the images in pixels. By default a row is a square image.
        ``"row"`` reads a row of any length as an image one pixel high.
    n_filters : int, default=32
        Number of 3x3 filters of each convolution. A callable has its own, as it has
        hidden units, dropout and batch normalization.
    hidden_units : int, default=512
        Number of units of the hidden dense layer. LipNet-4c has none.
    conv_dropout : float, default=0.25
        Share of values dropped in training after each pooling or strided convolution.
    dense_dropout : float, default=0.5
        Share of hidden units dropped in training.
    batch_norm : bool, default=False
        Normalize each convolution's output over the batch.
    pretrained : LipNetClassifier, Pipeline, str or Path, default=None
        What training starts from in place of random weights: a fitted classifier whose
        network has the same layers, a pipeline that ends in one, or the path of a
        joblib file of either. :func:`pretrain_lipnet` makes one. It is not changed.
    layer_decay : float, default=0.7
        Factor by which each layer learns more slowly than the one above it, if the
        network is pretrained: the output layer by the whole learning rate. With 1 all
        learn alike, with 0 the output layer alone learns.
    optimizer : {"adam", "sgd"}, default="adam"
        Adam, or stochastic gradient descent with Nesterov momentum.
    learning_rate : float, default=None
        Length of a step; by default 0.001 for Adam and 0.01 for SGD.
    learning_rate_schedule : {"cosine", "one_cycle", "step"} or callable, default=None
        How steps shorten over the training, see :func:`learning_rate_factor`.
    momentum : float, default=0.9
        Nesterov momentum of SGD; Adam does not use it.
    weight_decay : float or WeightDecay, default=0.0
        Penalty on weights: its strength, or an object that also knows norm and layers.
    max_epochs : int or "auto", default=20
        Number of passes over the training set. ``"auto"`` takes 10 to 100: as many as
        make 1,500 steps, so that small training sets are shown more often; or a fifth
        of these, if a pretrained network knows the classes.
    batch_size : int, default=32
        Number of samples of a step. The sizes of batches differ by one at most.
    loss : {"cross_entropy", "focal", "logit_adjusted"}, FocalLoss or \
            LogitAdjustedLoss, default="cross_entropy"
        Focal loss lets samples that are easy count less, logit adjustment makes up
        for rare classes.
    label_smoothing : float, default=0.1
        Probability that is taken from the true class and shared among the others
        (formula 2 of the thesis).
    class_weight : dict, "balanced" or DeferredClassWeight, default=None
        Weights of the classes by label; ``"balanced"`` makes them inversely
        proportional to the classes' (weighted) frequencies in what an epoch shows.
    epoch_sampler : EpochOverSampler or EpochUnderSampler, default=None
        Which samples an epoch shows; all by default.
    augmentation : RandomAffine, RandomIntensity or list of them, default=None
        Random changes of what training shows, drawn anew at each epoch; those of a list
        are applied in its order. A search exchanges a list as a whole.
    early_stopping : bool, default=False
        Set samples of each class aside, stop when their loss no longer falls, and go
        back to the weights with which it was smallest. If ``fit`` is given ``groups``,
        whole micrographs are set aside, see Notes.
    validation_fraction : float, default=0.1
        Share of each class, at least one sample, set aside for early stopping.
    n_iter_no_change : int, default=10
        Number of epochs without improvement after which early stopping ends training.
    callbacks : list of skorch callbacks, default=None
        What skorch calls in training, such as :class:`DropoutDecay`. They are copied;
        the copies, with what they recorded, are in ``net_.callbacks_``.
    test_time_augmentation : bool, default=False
        Average predicted probabilities over the rotations and flips of an image, if it
        is more than one pixel high and wide. ``augmentation`` plays no part in that.
    device : str or torch.device, default="auto"
        Where to compute: ``"cpu"``, ``"cuda"``, ``"mps"`` or what else torch knows.
        ``"auto"`` takes a CUDA device where there is one.
    random_state : int, RandomState instance or None, default=None
        Seed of all draws. None takes a new one from the operating system.
    warm_start : bool, default=False
        If True, ``fit`` continues training for ``max_epochs`` more epochs. Changed
        network, optimizer, loss or callback parameters are ignored.
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
        which images are standardized.
    net_ : LipNetTrainer
        The skorch net. It rests on the CPU; ``net_.module_`` is the network.
    n_iter_ : int
        Number of whole epochs run since the network was new.
    interrupted_ : bool
        Whether the last training was cut short by Ctrl-C.
    history_ : DataFrame
        One row for each of these epochs: training loss, validation loss, seconds.

    See Also
    --------
    Resize : Makes rows of pixels from particles of differing sizes.
    OwnSizeLipNetClassifier : Sees particles at their own size.
    make_lipnet_pipeline : This classifier behind the steps that prepare particles.
    pretrain_lipnet : Trains a network on artificial liposomes to start from.

    Notes
    -----
    Layers, label smoothing and batch size are those of the thesis; hidden units,
    dropout rates and the settings of SGD those of its author's public code.

    A batch's loss is the mean of weight times loss, the weights being scaled to a mean
    of 1 over what an epoch shows. Samples of weight zero are left out beforehand.
    Samples set aside for early stopping are neither sampled nor augmented; class
    weights count there from the start, and ``"balanced"`` balances them. With
    ``groups``, micrographs are set aside as long as they bring each class nearer to its
    share, no class gives twice its share, and each class keeps a micrograph to train
    on. Of a class that could give none, mostly as it lies on few micrographs, single
    samples are set aside.

    ``fit`` goes through schedules in ``max_epochs``, as do as many calls of
    ``partial_fit``; thereafter they begin anew.

    Ctrl-C is raised as ever; the network is kept and can predict, with ``interrupted_``
    to tell it. After any other error the classifier is as it was before the call.
    :class:`~sklipo.lipnet.StopOnDivergence` tells how to go on where losses or weights
    are no longer finite, which is an error by default.

    The weights of the network follow the dtype of X: float64 trains in double
    precision, at half the speed or less; all other numbers train in float32.

    The same seed gives the same bits with the same number of torch threads, see
    ``torch.set_num_threads``. Each training draws from a ``torch.Generator`` of its
    own, which callbacks find as ``net.generator_``. Callbacks and networks that a
    callable builds may also draw from torch's global generators: these are seeded
    during such a training, and put back. All else leaves them alone, so that models on
    a CPU can be trained in several threads at once.

    A training that starts from a ``pretrained`` model takes over the weights of all its
    layers, cast to the dtype of X, and what batch normalization measured. The output
    layer is new unless the classes are the same; of a network that a callable builds,
    that is the last layer with weights. Images are standardized by their own mean and
    scale: these differ between microscopes, and are known without labels. Dropout
    rates may differ, all else of the layers may not. Each ``fit`` begins with the same
    weights, unless ``warm_start`` continues. Clones hold the same fitted model; in a
    search over ``pretrained``, wrap models in ``sklearn.frozen.FrozenEstimator``.

    A network that a callable builds keeps the weights that it was built with. It is
    standardized and trained as a LipNet is. ``transform`` returns what goes into its
    last ``torch.nn.Linear``. Such a model can be pickled if the callable can be
    imported. ``net_.trim_for_prediction()`` drops the state of the optimizer, two
    thirds of a pickle under Adam.

    References
    ----------
    .. [1] C. Szegedy et al., "Rethinking the Inception Architecture for Computer
       Vision", CVPR 2016. Label smoothing.
    .. [2] J. T. Springenberg et al., "Striving for Simplicity: The All Convolutional
       Net", ICLR Workshop 2015. Strides in place of pooling.
    .. [3] J. Howard and S. Ruder, "Universal Language Model Fine-tuning for Text
       Classification", ACL 2018. Learning rates that fall from layer to layer.

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

    _parameter_constraints = PARAMETER_CONSTRAINTS

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
        pretrained=None,
        layer_decay=0.7,
        optimizer="adam",
        learning_rate=None,
        learning_rate_schedule=None,
        momentum=0.9,
        weight_decay=0.0,
        max_epochs=20,
        batch_size=32,
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
        self.image_shape = image_shape
        self.n_filters = n_filters
        self.hidden_units = hidden_units
        self.conv_dropout = conv_dropout
        self.dense_dropout = dense_dropout
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
