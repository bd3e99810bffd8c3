"""Start a training from the network of a fitted classifier."""

import os
from itertools import zip_longest
from pathlib import Path

import joblib
from sklearn.exceptions import NotFittedError

from .._steps import last_step
from ._networks import dropout_layers
from .architectures import Standardize
from .trainer import LipNetTrainer

# What decides on the layers of a network, as LipNetClassifier and its net call it.
_LAYER_PARAMS = (
    "architecture",
    "image_shape",
    "n_filters",
    "hidden_units",
    "batch_norm",
)
_EXPECTED = (
    "expected a fitted LipNetClassifier, a pipeline that ends in one, or the path of a "
    "joblib file of either"
)


def start_from_pretrained(net, classifier):
    """Copy the weights that a classifier starts from into a net that is new.

    The standardization is that of the new training set. The output layer is new unless
    the classes are the same, since an output of a softmax means nothing by itself.
    """
    given = _find_pretrained(classifier.pretrained)
    net.knew_classes_ = given.classes_.tolist() == classifier.classes_.tolist()
    output = None if net.knew_classes_ else _output_name(net.module_)
    _check_same_layers(net, given.net_, output)
    kept = {name for name, layer in net.module_.named_modules() if _is_own(layer)}
    weights = {
        name: values
        for name, values in given.net_.module_.state_dict().items()
        if name.rpartition(".")[0] not in kept | {output}
    }
    net.module_.load_state_dict(weights, strict=False)
    split_by_depth(net.optimizer_, net.module_)


def _find_pretrained(pretrained):
    """Return the fitted LipNetClassifier that a parameter stands for."""
    is_path = isinstance(pretrained, str | os.PathLike)
    model = last_step(_load(pretrained) if is_path else pretrained)
    if isinstance(getattr(model, "net_", None), LipNetTrainer):
        return model
    if hasattr(model, "architecture"):
        raise NotFittedError(
            f"The {type(model).__name__} that is given as pretrained is not fitted. A "
            "search unfits models among the values that it tries: wrap each in "
            "sklearn.frozen.FrozenEstimator, or name its file."
        )
    raise TypeError(f"pretrained leads to a {type(model).__name__}; {_EXPECTED}.")


def _load(path):
    """Return what a joblib file holds."""
    name = f"pretrained={str(path)!r}"
    if not Path(path).is_file():
        raise FileNotFoundError(f"{name}, but there is no such file; {_EXPECTED}.")
    try:
        return joblib.load(path)
    # Damaged files and those of other programs raise almost anything.
    except Exception as error:
        raise ValueError(
            f"{name} is no file that joblib can load ({error!r}); {_EXPECTED}."
        ) from error


def _is_own(layer):
    """Tell whether a layer keeps the values that it was built with."""
    return isinstance(layer, Standardize)


def _output_name(network):
    """Return the name of the last layer that has weights."""
    return [name.rpartition(".")[0] for name, _ in network.named_parameters()][-1]


def _check_same_layers(net, given, output):
    """Raise an error unless two nets have the same layers, but for their outputs."""
    pairs = zip_longest(
        _describe_layers(net.module_).items(),
        _describe_layers(given.module_).items(),
        fillvalue=("nothing", "not there"),
    )
    for (name, here), (name_there, there) in pairs:
        is_output = name == name_there == output
        if is_output or (name, here) == (name_there, there):
            continue
        causes = [
            f" {param} is {ours!r} here and {theirs!r} there."
            for param in _LAYER_PARAMS
            if (ours := getattr(net, f"module__{param}", None))
            != (theirs := getattr(given, f"module__{param}", None))
        ]
        raise ValueError(
            "The pretrained network has other layers. The first that differs is "
            f"{name!r} here, {here}, and {name_there!r} there, {there}."
            f"{''.join(causes)}"
        )


def _describe_layers(network):
    """Return in words what each layer is, by its name; dropout rates don't count."""
    skipped = [*dropout_layers(network), *filter(_is_own, network.modules())]
    layers = {}
    for name, layer in network.named_modules():
        shapes = [
            f"{key} {tuple(values.shape)}"
            for key, values in (
                *layer.named_parameters(recurse=False),
                *layer.named_buffers(recurse=False),
            )
        ]
        is_container = not shapes and any(layer.children())
        if not (is_container or any(layer is other for other in skipped)):
            text = f"{type(layer).__name__}({layer.extra_repr()})"
            layers[name] = " with ".join([text, *filter(None, [", ".join(shapes)])])
    return layers


def split_by_depth(optimizer, network):
    """Give the weights of each layer a group, with its depth below the output."""
    levels, level = {}, 0
    for layer in network.modules():
        weights = list(layer.parameters(recurse=False))
        # A normalization has no matrix of weights: it counts to the layer before it.
        level += any(values.ndim > 1 for values in weights)
        levels.update(dict.fromkeys(weights, level))
    [whole] = optimizer.param_groups
    optimizer.param_groups.clear()
    for below in sorted(set(levels.values()), reverse=True):
        weights = [values for values, own in levels.items() if own == below]
        optimizer.add_param_group({**whole, "params": weights, "depth": level - below})
