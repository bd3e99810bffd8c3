"""A fitted net as plain values and arrays, and a net put together from them."""

import copy
import math

import torch

from ._pretrained import split_by_depth
from ._training import OPTIMIZERS, new_net
from .architectures import ARCHITECTURES

# Settings of a net that are no callables.
_OF_TRAINING = (
    *("lr", "max_epochs", "batch_size", "verbose", "label_smoothing", "layer_decay"),
    *("augmentation", "learning_rate_schedule", "loss", "weight_decay"),
)
_OF_NETWORK = (
    *("architecture", "image_shape", "n_classes", "n_filters", "hidden_units"),
    *("conv_dropout", "dense_dropout", "batch_norm", "mean", "scale"),
)
_SETTINGS = (
    *_OF_TRAINING,
    *(f"module__{name}" for name in _OF_NETWORK),
    *(f"optimizer__{name}" for name in ("fused", "momentum", "nesterov")),
    "iterator_valid__batch_size",
)
_DTYPES = {"float32": torch.float32, "float64": torch.float64}
_PROGRESS = ("first_epoch_", "interrupted_", "knew_classes_")


def list_values(net):
    """Return the values that a fitted net is put together from, by name.

    The state of its optimizer is none of them.
    """
    if callable(net.module__architecture):
        raise TypeError(
            "its network was built by a callable, which would have to run when the "
            "file is opened."
        )
    is_trimmed = net.optimizer_ is None
    optimizers = {kind: name for name, kind in OPTIMIZERS.items()}
    return {
        "settings": {k: v for k, v in vars(net).items() if k in _SETTINGS},
        "dtype": str(net.module__dtype).removeprefix("torch."),
        "optimizer": optimizers.get(net.optimizer, "adam"),
        "callbacks": _own_callbacks(net),
        "weights": {k: v.numpy() for k, v in net.module_.state_dict().items()},
        "history": [{**epoch, "batches": []} for epoch in net.history],
        "progress": {name: getattr(net, name) for name in _PROGRESS},
        "is_split": not is_trimmed and len(net.optimizer_.param_groups) > 1,
        "is_trimmed": is_trimmed,
    }


def put_together(kind, values):
    """Return the net that values are about, of a kind of classifier."""
    settings = values["settings"]
    if callable(settings["module__architecture"]):
        raise TypeError("The architecture of a network is a callable.")
    unknown = set(settings) - set(_SETTINGS)
    if unknown:
        raise ValueError(f"A net has no settings {sorted(unknown)}.")
    callbacks = values["callbacks"]
    net = new_net(
        kind,
        **settings,
        module__dtype=_DTYPES[values["dtype"]],
        optimizer=OPTIMIZERS[values["optimizer"]],
        callbacks=callbacks,
    )
    _check_size(settings, values["weights"])
    recorded = [dict(vars(callback)) for _, callback in callbacks]
    # Weights are drawn first, from a generator that nobody else sees.
    net.draw_from(torch.Generator(), None)
    net.initialize().draw_from(None, None)
    for (_, callback), attributes in zip(callbacks, recorded, strict=True):
        vars(callback).update(attributes)
    _restore(net, values)
    return net


def _check_size(settings, weights):
    """Refuse a network that has more weights than there are, before it takes memory."""
    layers = settings["module__architecture"]
    if isinstance(layers, str):
        layers = ARCHITECTURES[layers]
    n_filters, n_classes = settings["module__n_filters"], settings["module__n_classes"]
    n_convolutions = sum(layer in ("conv", "stride") for layer in layers)
    n_halvings = sum(layer in ("pool", "stride") for layer in layers)
    n_weights = 0
    if n_convolutions:
        n_weights += 9 * n_filters * (1 + (n_convolutions - 1) * n_filters)
    if "dense" in layers:
        # Halves are rounded up, so the order of the layers makes no difference.
        sides = [-(-side // 2**n_halvings) for side in settings["module__image_shape"]]
        width = math.prod(sides) * (n_filters if n_convolutions else 1)
        n_weights += settings["module__hidden_units"] * (width + n_classes)
    if n_weights + n_classes > sum(values.size for values in weights.values()):
        raise ValueError("A network is larger than the arrays of its weights.")


def _restore(net, values):
    """Give a new net the weights and the past of another."""
    weights = {k: torch.from_numpy(v.copy()) for k, v in values["weights"].items()}
    net.module_.load_state_dict(weights)
    net.module_.eval()
    for epoch in values["history"]:
        net.history.append(epoch)
    for name in _PROGRESS:
        setattr(net, name, values["progress"][name])
    if values["is_split"]:
        split_by_depth(net.optimizer_, net.module_)
    if values["is_trimmed"]:
        net.trim_for_prediction()


def _own_callbacks(net):
    """Return the callbacks that a net has beside those of every net, and their names.

    Functions that they found for themselves are left out: they find them again.
    """
    of_all = {name for name, _ in net.get_default_callbacks()}
    callbacks = []
    for name, callback in net.callbacks_:
        if name in of_all:
            continue
        callback = copy.copy(callback)
        for attribute, value in list(vars(callback).items()):
            if attribute.endswith("_") and callable(value):
                delattr(callback, attribute)
        callbacks.append((name, callback))
    return callbacks
