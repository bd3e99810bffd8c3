"""Randomness that leaves NumPy's global generator alone."""

import numpy as np
from sklearn.utils import check_random_state


def own_random_state(random_state):
    """Return a RandomState, for None a new one instead of NumPy's global one."""
    if random_state is None:
        return np.random.RandomState()
    return check_random_state(random_state)


def own_seed(random_state):
    """Return entropy for NumPy's newer generators, which `random_state` determines."""
    return own_random_state(random_state).randint(2**32, size=4, dtype=np.uint32)
