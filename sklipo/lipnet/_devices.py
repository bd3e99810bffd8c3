"""Where a network computes, and the generators of the draws there."""

from contextlib import contextmanager, nullcontext

import torch

CPU = torch.device("cpu")


def choose_device(device):
    """Return the device that a ``device`` parameter stands for on this machine."""
    if str(device) == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device={str(device)!r}; expected 'auto', or a device of torch, such as "
            "'cpu', 'cuda', 'cuda:0' or 'mps'."
        ) from error
    try:
        torch.zeros(1, device=chosen).item()  # torch notices a missing device only here
    # Which error says so depends on the device and on how torch was built.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(
            f"device={str(device)!r}, but torch can't compute there: {reason}. With "
            "device='auto' a CUDA device is used where there is one, else the CPU."
        ) from error
    return chosen


def check_precision(device, dtype):
    """Refuse double precision on a device that computes in single precision."""
    if device.type == "mps" and dtype == torch.float64:
        raise ValueError(
            "X is float64, but device='mps' computes in single precision alone. Pass "
            "X.astype('float32'), or device='cpu'."
        )


def make_generators(seed, device):
    """Return a generator on the CPU and one on the device: the same one on a CPU.

    Orders, samples and augmentations are drawn on the CPU, so that a seed means the
    same ones everywhere. Dropout draws where its values are.
    """
    generator = torch.Generator().manual_seed(seed)
    if device.type == "cpu":
        return generator, generator
    return generator, torch.Generator(device).manual_seed(seed)


def repeatable(device):
    """Return a context in which a device gives the same result each time."""
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True)


@contextmanager
def seeded_globally(seed, device):
    """Seed torch's global generators within the context, and put them back.

    It is for code of the user, which may know of no other generator: callbacks and
    networks that a callable builds. It swaps state of the whole process, so two threads
    must not be within it at once; sklipo runs such trainings in processes.
    """
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def keep_freed_memory():
    """Let the process keep what a batch frees, up to 64 MB, for the next batch."""
    # On Linux the C library (glibc) gives large blocks back to the system when they
    # are freed, and the system clears all pages of the next ones: an epoch of LipNet-4
    # on two cores took 1.4 times as long. The largest block of up to 32 MiB that was
    # ever freed decides what is large. So one is taken and freed, but never touched.
    torch.empty(2**25 - 2**14, dtype=torch.uint8)


def fits_on(device, n_bytes):
    """Tell whether data can stay on a device and leave half of what is free."""
    if device.type != "cuda":
        return True  # other devices share the memory of the machine
    n_free, _ = torch.cuda.mem_get_info(device)
    return 2 * n_bytes <= n_free


def send(tensor, device):
    """Copy a tensor to a device, unless it is there, without waiting for the copy."""
    if device.type == "cuda" and tensor.device.type == "cpu":
        # A GPU copies by itself only from memory that the system may not move.
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
