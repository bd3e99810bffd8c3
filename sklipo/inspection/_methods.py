"""Methods that run a network backwards, from a unit to the pixels."""

import warnings

from torch import nn

from .._extras import import_extra

# Names of the methods here and in captum.
_METHODS = {
    "deconvolution": "Deconvolution",
    "guided_backpropagation": "GuidedBackprop",
}


def choose_method(method, network):
    """Return the name of the method to use with a network."""
    if not isinstance(method, str) or method not in ("auto", *_METHODS):
        raise ValueError(f"method={method!r}; expected one of {['auto', *_METHODS]}.")
    if method == "auto":
        pools = any(isinstance(layer, nn.MaxPool2d) for layer in network.modules())
        return "deconvolution" if pools else "guided_backpropagation"
    return method


def explainer(method, part):
    """Return a function that runs targets back to the pixels of images."""
    attribution = import_extra("captum.attr", "inspect")
    by_captum = getattr(attribution, _METHODS[method])(part)

    def explain(images, targets):
        images = images.clone().requires_grad_()
        with warnings.catch_warnings():
            # captum warns of its hooks, which it attaches to our copy and removes.
            warnings.filterwarnings("ignore", "Setting backward hooks", UserWarning)
            gradients = by_captum.attribute(images, target=targets)
        return gradients.detach().numpy()[:, 0]

    return explain
