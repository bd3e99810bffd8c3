"""Where a network computes, and from which generators it draws."""

from contextlib import contextmanager, nullcontext
from threading import RLock, local

import torch

# What belongs to the process: torch's own generators and the settings of a GPU.
_PROCESS_LOCK = RLock()
_THREAD = local()

CPU = torch.device("cpu")


@contextmanager
def seeded_generators(seed, device):
    """Let what this thread trains draw from generators of its own.

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
    generator_on : The generator of this thread.

    Notes
    -----
    Threads that train on the CPU do so at the same time. A GPU draws fastest from its
    own generator: one thread at a time can be within the context, the generator is
    put back as it was, and only algorithms that give the same result each time are
    used.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.devices import generator_on, seeded_generators
    >>> before = torch.get_rng_state()
    >>> with seeded_generators(0, torch.device("cpu")):
    ...     draw = torch.rand(3, generator=generator_on())
    >>> torch.equal(before, torch.get_rng_state())
    True
    """
    outer = generator_on()
    _THREAD.generator = torch.Generator().manual_seed(seed)
    try:
        with _seeded_gpu(seed, device) if device.type == "cuda" else nullcontext():
            yield
    finally:
        _THREAD.generator = outer


def generator_on(device=CPU):
    """Return the generator from which this thread draws on a device.

    Parameters
    ----------
    device : torch.device, default=torch.device("cpu")
        Where the drawn numbers are needed.

    Returns
    -------
    generator : torch.Generator or None
        None stands for the device's own, as it does in functions of torch.

    See Also
    --------
    seeded_generators : Gives the thread its generator.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.devices import generator_on, seeded_generators
    >>> generator_on() is None
    True
    >>> with seeded_generators(5, torch.device("cpu")):
    ...     generator_on().initial_seed()
    5
    """
    return getattr(_THREAD, "generator", None) if device.type == "cpu" else None


@contextmanager
def as_own_generator():
    """Let functions of torch that know no other generator draw from this thread's.

    Yields
    ------
    None
        Nothing.

    See Also
    --------
    seeded_generators : Gives the thread its generator.

    Notes
    -----
    One thread at a time can be within the context. It lies within that of
    :func:`seeded_generators`.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.devices import as_own_generator, seeded_generators
    >>> with seeded_generators(0, torch.device("cpu")), as_own_generator():
    ...     layer = torch.nn.Linear(2, 3)
    """
    generator = generator_on()
    with _PROCESS_LOCK, torch.random.fork_rng([]):
        torch.set_rng_state(generator.get_state())
        yield
        generator.set_state(torch.get_rng_state())


def fits_on(device, n_bytes):
    """Tell whether data can stay on a device and leave half of what is free.

    Parameters
    ----------
    device : torch.device
        Where to compute.
    n_bytes : int
        Size of the data.

    Returns
    -------
    fits : bool
        True on a CPU, where the data are already.

    See Also
    --------
    send : Copies what does not stay, batch by batch.

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.devices import fits_on
    >>> fits_on(torch.device("cpu"), n_bytes=10**15)
    True
    """
    if device.type == "cpu":
        return True
    n_free, _ = torch.cuda.mem_get_info(device)
    return 2 * n_bytes <= n_free


def send(tensor, device):
    """Copy a tensor to a device, without waiting for the copy to be done.

    Parameters
    ----------
    tensor : Tensor
        Data on any device.
    device : torch.device
        Where they are needed.

    Returns
    -------
    tensor : Tensor
        The data there, the very same tensor if they are there already.

    See Also
    --------
    fits_on : Tells whether a whole data set can be there.

    Notes
    -----
    A GPU copies by itself only from memory that the system may not move (pinned).

    Examples
    --------
    >>> import torch
    >>> from sklipo.lipnet.devices import send
    >>> images = torch.zeros(3)
    >>> send(images, torch.device("cpu")) is images
    True
    """
    if device.type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def keep_freed_memory():
    """Let the process keep what a batch frees, up to 64 MB, for the next batch.

    See Also
    --------
    LipNetClassifier : Trains and predicts after this.

    Notes
    -----
    On Linux the C library (glibc) gives large blocks back to the system when they are
    freed, and the system clears all pages of the next ones: up to a third of the time
    of a prediction. The largest block of up to 32 MiB that was ever freed is its
    measure of what is large. So one is taken and freed here, without being touched.
    Elsewhere this has no effect.

    Examples
    --------
    >>> from sklipo.lipnet.devices import keep_freed_memory
    >>> keep_freed_memory()
    """
    torch.empty(2**25 - 2**14, dtype=torch.uint8)


@contextmanager
def _seeded_gpu(seed, device):
    """Seed the generator of a GPU, and put back what is changed."""
    with _PROCESS_LOCK, torch.random.fork_rng([device]), torch.cuda.device(device):
        torch.cuda.manual_seed(seed)
        deterministic = torch.backends.cudnn.deterministic
        torch.backends.cudnn.deterministic = True
        try:
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
