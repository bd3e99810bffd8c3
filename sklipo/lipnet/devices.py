"""Where a network computes, and from which generators it draws."""

from contextlib import contextmanager
from threading import RLock

import torch

# torch draws initial weights and dropout from one generator of the process. Two
# trainings in two threads would take each other's draws.
_GENERATOR_LOCK = RLock()


@contextmanager
def seeded_generators(seed, device):
    """Seed the generators of torch, and put them back as they were afterwards.

    Parameters
    ----------
    seed : int
        Seed of all draws within the context.
    device : torch.device
        Device on which the draws are made, beside the CPU.

    Yields
    ------
    None
        Nothing.

    See Also
    --------
    LipNetClassifier : Trains within this context.

    Notes
    -----
    One thread at a time can be within the context. On a GPU it also keeps to
    algorithms that give the same result each time.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.devices import seeded_generators
    >>> before = torch.get_rng_state()
    >>> with seeded_generators(0, torch.device("cpu")):
    ...     draw = torch.rand(3)
    >>> torch.equal(before, torch.get_rng_state())
    True
    """
    on_gpu = device.type == "cuda"
    with _GENERATOR_LOCK, torch.random.fork_rng([device] if on_gpu else []):
        deterministic = torch.backends.cudnn.deterministic
        torch.default_generator.manual_seed(seed)
        if on_gpu:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        try:
            torch.backends.cudnn.deterministic = on_gpu or deterministic
            yield
        finally:
            torch.backends.cudnn.deterministic = deterministic


def choose_device(device):
    """Return the device that a ``device`` parameter stands for on this machine.

    Parameters
    ----------
    device : str or torch.device
        ``"auto"`` stands for the GPU where torch finds one, else for the CPU.

    Returns
    -------
    device : torch.device
        Device of type ``cpu`` or ``cuda``.

    Raises
    ------
    ValueError
        If there is no such device.

    See Also
    --------
    LipNetClassifier : Has this parameter.

    Examples
    --------
    >>> from sklipo.lipnet.devices import choose_device
    >>> choose_device("cpu")
    device(type='cpu')
    """
    has_gpu = torch.cuda.is_available()
    if str(device) == "auto":
        return torch.device("cuda" if has_gpu else "cpu")
    kind, _, index = str(device).partition(":")
    if kind not in ("cpu", "cuda") or not (index or "0").isdecimal():
        raise ValueError(
            f"device={str(device)!r}; expected 'auto', 'cpu', 'cuda' or 'cuda:0'."
        )
    if kind == "cuda" and not has_gpu:
        raise ValueError(
            f"device={str(device)!r}, but torch finds no CUDA device here. "
            "With device='auto' a GPU is used where there is one."
        )
    return torch.device(device)
