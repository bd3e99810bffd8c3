"""Adam and SGD of torch, without loading torch's compiler.

Each method of an optimizer asks the compiler to leave it alone, and loads it to do so:
70 MB and a second of the first fit in each process, for networks that nobody compiles.
"""

from inspect import unwrap

import torch

_METHODS = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")


def _undecorated(optimizer):
    """Return a decorator that gives a subclass the methods below torch's decorators."""

    def add_methods(subclass):
        for name in _METHODS:
            setattr(subclass, name, unwrap(getattr(optimizer, name)))
        subclass.step = torch.no_grad()(unwrap(optimizer.step))
        return subclass

    return add_methods


@_undecorated(torch.optim.Adam)
class Adam(torch.optim.Adam):
    """Adam, to the bit that of torch."""


@_undecorated(torch.optim.SGD)
class SGD(torch.optim.SGD):
    """Stochastic gradient descent, to the bit that of torch."""
