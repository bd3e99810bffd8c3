"""Rows of numbers that are kept in files, each under the key of what it was made of."""

import os
from tempfile import NamedTemporaryFile

import numpy as np

KEY_SIZE = 20


def find_or_make(folder, keys, make):
    """Return a row for each key, and make only those that no file holds.

    Parameters
    ----------
    folder : Path
        Folder of the files. Several processes may use it at once.
    keys : list of bytes
        :data:`KEY_SIZE` bytes for each row; equal keys stand for equal rows.
    make : callable
        Takes an array of positions among the keys, and returns an array of their rows.

    Returns
    -------
    rows : ndarray of shape (n_keys, n_values)
        The rows, in the order of the keys.

    See Also
    --------
    sklipo.ParticleFeatures : Keeps measures of particles by this.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklipo._store import find_or_make
    >>> def make(positions):
    ...     print("making", positions)
    ...     return positions[:, np.newaxis] * 0.5
    >>> a, b, c = b"a" * 20, b"b" * 20, b"c" * 20
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows = find_or_make(Path(folder), [a, b, a], make)
    ...     rows = find_or_make(Path(folder), [b, c], make)
    making [1 2]
    making [1]
    """
    known = _read(folder)
    place_of = {key: place for place, key in enumerate(keys) if key not in known}
    if place_of:
        places = sorted(place_of.values())
        made = [keys[place] for place in places]
        rows = make(np.array(places))
        _write(folder, made, rows)
        known.update(zip(made, rows, strict=True))
    return np.array([known[key] for key in keys])


def _read(folder):
    """Return the rows of all files by their keys."""
    known = {}
    for path in folder.glob("*.npy"):
        try:
            table = np.load(path)
        except (EOFError, OSError, ValueError):
            continue  # Cut off by a power failure: to be made again.
        keys = (key.tobytes() for key in table["key"])
        known.update(zip(keys, table["row"], strict=True))
    return known


def _write(folder, keys, rows):
    """Write rows to a file, which has its name only when it is complete."""
    table = np.empty(
        len(keys), [("key", f"V{KEY_SIZE}"), ("row", float, rows.shape[1])]
    )
    table["key"] = np.frombuffer(b"".join(keys), table["key"].dtype)
    table["row"] = rows
    folder.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=folder, delete=False) as file:
        np.save(file, table)
    os.replace(file.name, f"{file.name}.npy")
