"""Random generators that leave NumPy's global one alone."""

import numpy as np
from sklearn.utils import check_random_state


def own_random_state(random_state):
    """Return a RandomState, for None a new one instead of NumPy's global one."""
    if random_state is None:
        return np.random.RandomState()
    return check_random_state(random_state)
